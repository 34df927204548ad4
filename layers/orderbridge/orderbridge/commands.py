"""What the bridge can ask a broker to do: one value per broker write.

A command says what is wanted in the bridge's own words; an adapter turns it into one HTTP request. It is stored in the
ledger as JSON before it is sent (`orderbridge.codec`), so every field is plain data.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from orderbridge.model import Duration, Order, OrderType, Side

Effect = Literal["open", "close"]


@dataclass(frozen=True, slots=True)
class Bracket:
    """Protective prices of an entry, absolute and rounded; at least one of them is set.

    `stop_limit` turns the stop into a stop-limit order; `trail_amount` (price units) or `trail_percent` replace
    `stop_loss` by a trailing stop.
    """

    stop_loss: Decimal | None = None
    stop_limit: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    take_profit: Decimal | None = None

    @property
    def has_stop(self) -> bool:
        return (self.stop_loss, self.trail_amount, self.trail_percent) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Place:
    """Place one order, with its bracket where given. `effect` says whether it opens or closes exposure."""

    symbol: str
    side: Side
    quantity: Decimal
    effect: Effect
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    duration: Duration = Duration.DAY
    bracket: Bracket | None = None
    kind: Literal["place"] = "place"


@dataclass(frozen=True, slots=True)
class PlaceGroup:
    """Place orders that cancel (`oco`) or reduce (`brk`) one another; one command with an outcome per child."""

    type: Literal["oco", "brk"]
    orders: tuple[Place, ...]
    kind: Literal["place_group"] = "place_group"


@dataclass(frozen=True, slots=True)
class Replace:
    """Change a working order; None leaves a value as it is. `quantity` is the order's new total."""

    order_id: str
    symbol: str
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    bracket: Bracket | None = None
    """New bracket prices of a working entry, where the broker keeps them in the order itself (TradeLocker)."""
    remove_stop_loss: bool = False
    remove_take_profit: bool = False
    kind: Literal["replace"] = "replace"


@dataclass(frozen=True, slots=True)
class Cancel:
    order_id: str
    symbol: str
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class CancelAll:
    """Cancel every working order of the account, or of one symbol, in one request (where the broker has it)."""

    symbol: str | None = None
    kind: Literal["cancel_all"] = "cancel_all"


@dataclass(frozen=True, slots=True)
class ClosePosition:
    """Close a position by its id; `quantity` None closes all of it.

    `expected_quantity` is what is held when the command is made: a partial close is repeated only after comparing.
    """

    position_id: str
    symbol: str
    held_side: Side
    expected_quantity: Decimal
    quantity: Decimal | None = None
    kind: Literal["close_position"] = "close_position"


@dataclass(frozen=True, slots=True)
class CloseAll:
    """Close every position of the account, or of one symbol, in one request (where the broker has it)."""

    symbol: str | None = None
    kind: Literal["close_all"] = "close_all"


@dataclass(frozen=True, slots=True)
class ModifyPosition:
    """Set or remove the protective prices of a position; a value is left alone unless it is given or removed."""

    position_id: str
    symbol: str
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    remove_stop_loss: bool = False
    remove_take_profit: bool = False
    kind: Literal["modify_position"] = "modify_position"


Command = Place | PlaceGroup | Replace | Cancel | CancelAll | ClosePosition | CloseAll | ModifyPosition


def cut(order: Order, keep: Decimal) -> Cancel | Replace:
    """Give the command that leaves `keep` of what an order has still to fill, and nothing of the order for 0."""
    if keep == 0:
        return Cancel(order.id, order.symbol)
    return Replace(order.id, order.symbol, quantity=order.filled_quantity + keep)


def increases_exposure(command: Command) -> bool:
    """Tell whether carrying out `command` can make a position larger or open one."""
    match command:
        case Place():
            return command.effect == "open"
        case PlaceGroup():
            return any(order.effect == "open" for order in command.orders)
        case _:
            return False
