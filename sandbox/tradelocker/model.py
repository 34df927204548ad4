"""What the simulated broker keeps: accounts, orders, positions, executions. Prices and lots are Decimal, times ms."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from sandbox.tradelocker.instruments import Instrument
from sandbox.tradelocker.seeds import AccountSeed

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit", "stop"]
Validity = Literal["GTC", "IOC"]
Panel = Literal["orders", "ordersHistory", "positions"]

ZERO = Decimal(0)


class Role(StrEnum):
    """Why an order exists."""

    ENTRY = "entry"
    CLOSE = "close"
    STOP_LOSS = "stop loss"
    TAKE_PROFIT = "take profit"


class Status(StrEnum):
    """What became of an order; how a row spells it is a matter of switches."""

    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REFUSED = "refused after it was accepted"
    IOC_UNFILLED = "ioc without a fill"
    IOC_PARTIAL = "ioc filled in part"
    SIBLING_GONE = "position gone"


def opposite(side: Side) -> Side:
    """Return the other side."""
    return "sell" if side == "buy" else "buy"


@dataclass
class Bracket:
    """Stop loss and take profit as an order names them: the value and how to read it."""

    stop_loss: Decimal | None = None
    stop_loss_type: str | None = None
    take_profit: Decimal | None = None
    take_profit_type: str | None = None
    trailing: Decimal | None = None


@dataclass
class Plan:
    """What a script wants to happen to one order (nothing, by default)."""

    due_ms: int | None = None
    """Fill (or refuse) not before this moment."""
    refuse: bool = False
    fill_cap: Decimal | None = None
    """Fill at most this at the first go."""
    paused: bool = False
    """Wait for the instrument's next price before filling the rest."""
    late_history_ms: int = 0
    late_position_ms: int = 0
    hidden_polls: dict[Panel, int] = field(default_factory=dict)
    refused_legs: frozenset[Role] = frozenset()


@dataclass
class Order:
    """One order, working or final."""

    id: int
    account_id: int
    instrument: Instrument
    route_id: int
    side: Side
    qty: Decimal
    type: OrderType
    validity: Validity
    role: Role
    created_ms: int
    modified_ms: int
    price: Decimal | None = None
    stop_price: Decimal | None = None
    bracket: Bracket = field(default_factory=Bracket)
    strategy_id: str | None = None
    position_id: int | None = None
    reference_price: Decimal | None = None
    trail_distance: Decimal | None = None
    priced_by: int | None = None
    """Of a stop or target: the opening order that named its price; None where it was set on the position itself."""
    status: Status = Status.WORKING
    final_ms: int | None = None
    filled_qty: Decimal = ZERO
    avg_price: Decimal | None = None
    plan: Plan = field(default_factory=Plan)

    @property
    def working(self) -> bool:
        """Whether the order can still change."""
        return self.status is Status.WORKING

    @property
    def is_leg(self) -> bool:
        """Whether the order is a position's stop loss or take profit."""
        return self.role in {Role.STOP_LOSS, Role.TAKE_PROFIT}

    @property
    def remaining(self) -> Decimal:
        """Lots not filled yet."""
        return self.qty - self.filled_qty


@dataclass
class Position:
    """One open (or closed: no lots) position."""

    id: int
    account_id: int
    instrument: Instrument
    route_id: int
    side: Side
    avg_price: Decimal
    opened_ms: int
    strategy_id: str | None
    late_ms: int = 0
    stop_loss_id: int | None = None
    take_profit_id: int | None = None
    hidden_polls: dict[Panel, int] = field(default_factory=dict)
    lots: list[tuple[int, Decimal]] = field(default_factory=list)
    """Each change: since when, how many lots."""

    @property
    def qty(self) -> Decimal:
        """Lots held now."""
        return self.lots[-1][1]

    def qty_at(self, as_of_ms: int) -> Decimal:
        """Lots held at a moment."""
        held = ZERO
        for since_ms, qty in self.lots:
            if since_ms <= as_of_ms:
                held = qty
        return held


@dataclass(frozen=True)
class Execution:
    """One fill; `gross` is the profit it realised, in the account's currency."""

    id: int
    order_id: int
    position_id: int
    instrument: Instrument
    side: Side
    qty: Decimal
    price: Decimal
    at_ms: int
    gross: Decimal
    fee: Decimal


@dataclass
class Account:
    """One account: its cash and everything that was booked on it."""

    seed: AccountSeed
    user_index: int
    cash: Decimal
    orders: dict[int, Order] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    working: dict[int, Order] = field(default_factory=dict)
    """The orders that can still change, again: so that a request is quick however many there have been."""
    held: dict[int, Position] = field(default_factory=dict)
    """The positions that hold something, again, for the same reason."""

    def working_orders(self) -> list[Order]:
        """Return the orders that can still change, oldest first."""
        return list(self.working.values())

    def open_positions(self) -> list[Position]:
        """Return the positions that hold something, oldest first."""
        return list(self.held.values())
