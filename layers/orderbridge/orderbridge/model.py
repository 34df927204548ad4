"""The bridge's nouns, in the words of TradingView's REST API for Brokers.

Every price and quantity is a `Decimal`; every time is epoch milliseconds (UTC). Quantities are in the broker's own
unit: shares or contracts at TradeStation, lots at TradeLocker. Ids are text, never numbers: TradeLocker's
have 19 digits.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal


class Side(StrEnum):
    """The side of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


class Direction(StrEnum):
    """The side of a position, or none."""

    FLAT = "flat"
    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        return {"flat": 0, "long": 1, "short": -1}[self.value]

    @staticmethod
    def of(quantity: Decimal) -> "Direction":
        """Give the direction of a signed quantity."""
        if quantity == 0:
            return Direction.FLAT
        return Direction.LONG if quantity > 0 else Direction.SHORT


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


class OrderStatus(StrEnum):
    """TradingView's order statuses; the last three are final."""

    PLACING = "placing"
    INACTIVE = "inactive"
    WORKING = "working"
    REJECTED = "rejected"
    FILLED = "filled"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in (OrderStatus.REJECTED, OrderStatus.FILLED, OrderStatus.CANCELLED)


class Duration(StrEnum):
    """How long an order works; `day_ext` and `gtc_ext` include the extended sessions."""

    DAY = "day"
    GTC = "gtc"
    DAY_EXT = "day_ext"
    GTC_EXT = "gtc_ext"
    OPG = "opg"
    CLS = "cls"
    IOC = "ioc"
    FOK = "fok"


class PositionMode(StrEnum):
    """Whether fills of one symbol add up to one position or each stay their own."""

    NETTING = "netting"
    HEDGING = "hedging"


AssetType = Literal["stock", "future", "forex", "cfd", "index", "crypto", "option", "unknown"]


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the broker reports it now."""

    id: str
    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    status: OrderStatus
    filled_quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    duration: str = ""
    placed_at_ms: int = 0
    updated_at_ms: int = 0
    parent_id: str | None = None
    """The order that this one waits for or protects, or the position that it closes."""
    parent_type: Literal["order", "position"] | None = None
    position_id: str | None = None
    """The position that a fill of this order opened or closed, where the broker says it."""
    sibling_ids: tuple[str, ...] = ()
    label: str = ""
    """The caller's own mark, where the broker keeps one (TradeLocker's `strategyId`)."""
    effect: Literal["open", "close", "unknown"] = "unknown"
    native_status: str = ""
    message: str = ""

    @property
    def remaining(self) -> Decimal:
        """What can still fill: zero for a final order."""
        return Decimal(0) if self.status.final else self.quantity - self.filled_quantity


@dataclass(frozen=True, slots=True)
class Position:
    """An open position; `quantity` is positive, `side` tells the direction (buy = long)."""

    id: str
    symbol: str
    side: Side
    quantity: Decimal
    average_price: Decimal | None = None
    unrealized_pl: Decimal | None = None
    opened_at_ms: int = 0
    stop_loss_id: str | None = None
    take_profit_id: str | None = None
    label: str = ""
    asset_type: AssetType = "unknown"
    native_id: str = ""
    """The broker's own, where `id` is the symbol: what is opened after a close has another one."""

    @property
    def signed(self) -> Decimal:
        return self.quantity * self.side.sign


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill; `id` is stable across reads and restarts."""

    id: str
    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    time_ms: int
    position_id: str | None = None


@dataclass(frozen=True, slots=True)
class PriceStep:
    """From `from_price` upwards prices are multiples of `tick`; the first row has no lower end."""

    from_price: Decimal | None
    tick: Decimal


@dataclass(frozen=True, slots=True)
class Instrument:
    """What may be traded under one broker symbol, and in which steps."""

    symbol: str
    description: str = ""
    asset_type: AssetType = "unknown"
    currency: str = "USD"
    price_steps: tuple[PriceStep, ...] = (PriceStep(None, Decimal("0.01")),)
    quantity_step: Decimal = Decimal(1)
    min_quantity: Decimal = Decimal(1)
    max_quantity: Decimal | None = None
    units_per_quantity: Decimal = Decimal(1)
    """Units (shares, ounces, currency) in one unit of quantity: TradeLocker's `lotSize`, a future's point value."""
    tradable: bool = True
    """False for data-only symbols such as TradeStation's `@ES`."""
    front_contract: str | None = None
    """For a continuous future, the dated contract behind it."""
    expires_at_ms: int | None = None
    broker_ref: str = ""
    """The broker's own reference (TradeLocker: `tradableInstrumentId`)."""

    def tick_at(self, price: Decimal) -> Decimal:
        """Give the price step that applies at `price`."""
        tick = self.price_steps[0].tick
        for row in self.price_steps:
            if row.from_price is None or price >= row.from_price:
                tick = row.tick
        return tick


@dataclass(frozen=True, slots=True)
class Quote:
    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    time_ms: int | None
    delayed: bool = False
    halted: bool = False

    @property
    def reference(self) -> Decimal | None:
        """Give the middle of bid and ask, or the last price."""
        if self.bid is not None and self.ask is not None:
            return (self.bid + self.ask) / 2
        return self.last


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `time_ms` is its opening time."""

    time_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class AccountState:
    """Money of one account, in the account's currency."""

    balance: Decimal
    equity: Decimal
    unrealized_pl: Decimal
    available_funds: Decimal | None = None
    margin_used: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BrokerAccount:
    """An account as the broker lists it for a login."""

    id: str
    name: str
    currency: str
    kind: str
    """The broker's own account type (`Margin`, `Futures`, ...)."""
    status: Literal["active", "closing_only", "blocked"]
    native_status: str = ""
    account_number: str = ""
    """TradeLocker's `accNum`; empty elsewhere."""
