"""What an alert asks for, read from its body; and the refusal of a body that cannot be read.

Pure and lean: the alert receiver imports this on its cold path.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from orderbridge.model import Direction, Duration, OrderType


class Action(StrEnum):
    BUY = "buy"
    SELL = "sell"
    ADD = "add"
    EXIT = "exit"
    CANCEL = "cancel"
    NONE = "none"
    """Understood, and nothing to trade (a notice)."""


@dataclass(frozen=True, slots=True)
class Target:
    """The position that the message says should result, and the one before; sizes are signed, None where not said."""

    direction: Direction | None = None
    size: Decimal | None = None
    previous_direction: Direction | None = None
    previous_size: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TakeProfit:
    """One of: an absolute price, a percentage of the entry price, a distance in price units."""

    limit_price: Decimal | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StopLoss:
    """One of: an absolute price, a percentage, a distance, or a trail (distance or percentage)."""

    type: OrderType = OrderType.STOP
    stop_price: Decimal | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None
    limit_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A read alert. None means that the message does not say it; zero is zero."""

    action: Action
    symbol: str
    """As in the message, without an exchange prefix; empty only where the strategy's settings name the symbol."""
    exchange: str = ""
    exit_side: Direction | None = None
    """The side of the position that an exit closes, where the message says it."""
    quantity: Decimal | None = None
    quantity_type: str = "fixed_quantity"
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    time_in_force: Duration | None = None
    extended_hours: bool = False
    target: Target | None = None
    price: Decimal | None = None
    """The signal's own price: a reference, never an order price."""
    fired_at_ms: int | None = None
    """The fire time (`{{timenow}}`), None where the message has none."""
    bar_time_ms: int | None = None
    interval: str = ""
    order_id: str = ""
    """The strategy's own order id (`{{strategy.order.id}}`)."""
    comment: str = ""
    test: bool = False
    """Go through everything but the broker write."""
    notes: tuple[str, ...] = ()
    """What was repaired, passed over or taken as information, in words that the receipt shows."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a body is not an alert: shown to the sender and kept with the alert."""

    code: str
    """A stable code in snake case (`unfilled_placeholder`, `unknown_field`, `not_a_number`, ...)."""
    field: str
    """The message's own name of the field, or empty."""
    message: str
    """One sentence that a trader understands."""
    hint: str
    """What to change in the alert or in the settings."""
