"""What the invariants see of a simulated world: the true table, the brokers' own books, and what was really fired.

Everything here is past all faults: nothing is late, lost or skewed. `Evidence` is implemented by each world; an
invariant never reaches further. Times are true virtual epoch milliseconds, never a process's own clock.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from orderbridge.alerts.alert import StopLoss, TakeProfit
from orderbridge.model import Direction, OrderType
from orderbridge.strategy.settings import AccountSettings, StrategySettings
from tests.simulation.invariants.exchanged import Exchange
from tests.simulation.invariants.pressed import Listing, Pressed

Key = tuple[str, str]
"""An item's `pk` and `sk`."""


@dataclass(frozen=True, slots=True)
class Write:
    """One item that was written, by whom; a transaction gives one for each of its items."""

    at_ms: int
    process: str
    """The simulated process (one Lambda environment) whose call it was; `world` for what the story does."""
    key: Key
    before: Mapping[str, Any] | None
    """The item before, in attribute values; None where there was none."""
    after: Mapping[str, Any] | None
    """None where it was deleted."""


@dataclass(frozen=True, slots=True)
class Fill:
    at_ms: int
    quantity: Decimal
    price: Decimal = Decimal(0)


RowRole = Literal["order", "close", "stop", "target"]
"""TradeLocker's own roles (entry is `order`); TradeStation knows only orders and an order's children."""


@dataclass(frozen=True, slots=True)
class Row:
    """One order in the simulated broker's own book."""

    id: str
    symbol: str
    sign: int
    """1 buys, -1 sells."""
    asked: Decimal
    """As the order stands now: a replaced one has its new quantity."""
    filled: Decimal
    rejected: bool
    working: bool
    """It can fill, now or once its parent is filled."""
    opened_ms: int
    shown_ms: int = 0
    """TradeLocker: from when its history shows how it ended. Until then nobody can tell whose its position is."""
    mark: str = ""
    """TradeLocker's strategyId, TradeStation's OrderConfirmID; empty where there is none."""
    by_hand: bool = False
    """Placed at the broker itself, past the bridge."""
    role: RowRole = "order"
    type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    released: bool = True
    """False while it waits for its parent's fill: it protects nothing yet."""
    parent_id: str = ""
    """TradeStation: the order whose child it is. TradeLocker: of a stop or target, the order that named its price."""
    position_id: str = ""
    """TradeLocker: the position that it opened, closes or protects."""
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """One position in the broker's own book; an account that nets has one for each symbol."""

    id: str
    symbol: str
    signed: Decimal
    stop: Decimal | None = None
    """TradeLocker: the working stop of the position itself."""
    target: Decimal | None = None
    by_hand: bool = False
    """TradeLocker: opened past the bridge."""
    opened_ms: int = 0


class AccountEvidence(Protocol):
    """One account at a simulated broker."""

    @property
    def settings(self) -> AccountSettings: ...

    def version(self) -> object:
        """Give something that differs whenever the account's book has changed (fills by a price move included)."""
        ...

    def rows(self) -> Sequence[Row]:
        """Give every order of the account, by hand or not, oldest first."""
        ...

    def positions(self) -> Sequence[Held]:
        """Give what is held, by position."""
        ...

    def units_per_quantity(self, symbol: str) -> Decimal:
        """Give how many of the alert's units are one of the broker's (TradeLocker's lotSize; 1 elsewhere)."""
        ...


@dataclass(frozen=True, slots=True)
class Meant:
    """What a fired alert means, as whoever drew the story knows it: never read from the body."""

    action: Literal["buy", "sell", "add", "exit", "cancel", "none"]
    symbol: str
    quantity: Decimal | None = None
    exit_side: Direction | None = None
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_loss: StopLoss | None = None
    take_profit: TakeProfit | None = None
    after: Decimal | None = None
    """The signed position that the message says results; None where it says none."""
    before: Decimal | None = None
    fired_at_ms: int | None = None
    """The fire time that the body carries (whole seconds or not), None where it has none."""
    understood: bool = True
    """False for bodies that must be refused."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery by TradingView; `status` None: no answer came within 3 s."""

    at_ms: int
    status: int | None
    alert_id: str = ""
    """As the answer's receipt names it."""


@dataclass(frozen=True, slots=True)
class FiredAlert:
    """One alert that TradingView fired, with all its deliveries so far."""

    strategy: str
    meant: Meant
    body: bytes
    fired_at_ms: int
    """When it fired in truth."""
    deliveries: tuple[Delivery, ...] = ()
    over: bool = True
    """TradingView will not deliver it again."""

    @property
    def taken(self) -> tuple[Delivery, ...]:
        """Give the deliveries that were answered with a 2xx."""
        return tuple(one for one in self.deliveries if one.status is not None and 200 <= one.status < 300)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A stretch of time in which nobody could have done better, or only with a delay."""

    from_ms: int
    to_ms: int | None
    """None while it lasts."""
    kind: Literal[
        "broker", "hidden", "closed", "store", "killed", "token", "refused", "halted", "restored", "frozen", "late"
    ]
    """broker: unreachable or refusing requests; hidden: its reads are late; closed: the session; store: AWS fails or
    throttles; killed: a process died or froze while it may have held a lane; token: no valid one; refused: the broker
    refuses stops; halted: every sending is halted; restored: so it is since the table was put back; frozen: a process
    stands still with a request on its way out; late: a request is on its way, and is booked at the end, when its caller
    has given up."""
    account: str = ""
    """Empty where it concerns all."""


@dataclass(frozen=True, slots=True)
class Restored:
    """The table was put back to a copy of it, under another id: what was written in between is not in it any more."""

    at_ms: int
    copied_ms: int
    writes: int
    """How many writes there were before."""
    table_id: str


@dataclass(frozen=True, slots=True)
class Told:
    """A notice that was published."""

    at_ms: int
    code: str
    text: str = ""


class LoginEvidence(Protocol):
    """One broker login in Secrets Manager."""

    @property
    def connection(self) -> str: ...

    def works(self) -> bool:
        """Tell whether the secret's current version can still log on: its token pair is good, or can be refreshed."""
        ...

    def lost_in_hand(self) -> bool:
        """Tell whether a process was killed between the broker's answer to a refresh and the secret's write: the new
        pair existed in that process alone, which no program can help where the refresh token rotates."""
        ...


class Evidence(Protocol):
    """Everything that the invariants may look at."""

    def now_ms(self) -> int: ...

    @property
    def items(self) -> Mapping[Key, Mapping[str, Any]]:
        """The table's items as they are."""
        ...

    @property
    def writes(self) -> Sequence[Write]:
        """Every write to the table so far, in order; it only grows."""
        ...

    @property
    def accounts(self) -> Mapping[str, AccountEvidence]: ...

    @property
    def strategies(self) -> Mapping[str, Sequence[StrategySettings]]:
        """Every version of each strategy's settings that was in force."""
        ...

    @property
    def alerts(self) -> Sequence[FiredAlert]:
        """Every alert fired so far, in order; an entry is replaced when it is delivered again."""
        ...

    @property
    def restored(self) -> Sequence[Restored]:
        """Every restore of the table so far."""
        ...

    @property
    def taken_over(self) -> Set[tuple[str, str]]:
        """Accounts and roots whose holding a person has taken as the broker reports it: no ledger explains it."""
        ...

    @property
    def presses(self) -> Sequence[Pressed]:
        """Every press at the panel so far, in order; an entry is replaced when its browser hears more."""
        ...

    @property
    def serving(self) -> Mapping[str, int]:
        """Give the number of the press that each of the panel's processes is answering, or was when it died."""
        ...

    @property
    def listings(self) -> Sequence[Listing]:
        """Every answer to a browser's poll of the orders, in the order in which they came."""
        ...

    @property
    def troubles(self) -> Sequence[Trouble]: ...

    @property
    def told(self) -> Sequence[Told]: ...

    @property
    def logins(self) -> Sequence[LoginEvidence]: ...

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """Every refresh token sent to a broker so far, in that order; an entry is replaced as its answer comes."""
        ...

    @property
    def stumbles(self) -> Mapping[str, int]:
        """Give when a call of each process last went wrong or stood still, or when it died."""
        ...

    @property
    def faults_ended_ms(self) -> int | None:
        """When the last fault stopped; None while there may be more."""
        ...


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be, and was."""

    name: str
    """The invariant's."""
    at_ms: int
    sentence: str


@dataclass(slots=True)
class Counts:
    """What is counted and reported, and is no violation."""

    lost_alerts: int = 0
    """All deliveries answered 5xx or not at all."""
    lost_logins: int = 0
    lost_with_the_table: int = 0
    """Alerts that were accepted after the copy was made to which the table went back."""
    longest_bare_ms: int = 0
    """The longest time that something was held without its stop, troubles not taken out."""
    endings: dict[str, int] = field(default_factory=dict)
