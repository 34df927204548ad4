"""Orders, fills, positions and accounts of the simulated TradeStation."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from sandbox.tradestation.instruments import Instrument

OrderType = Literal["Market", "Limit", "StopMarket", "StopLimit"]
GroupKind = Literal["OCO", "BRK", "NORMAL"]
AccountType = Literal["Cash", "Margin", "Futures"]
ZERO = Decimal(0)


class Status(StrEnum):
    """The status codes that this simulator gives."""

    OPN = "OPN"
    ACK = "ACK"
    DON = "DON"
    CND = "CND"
    OSO = "OSO"
    STP = "STP"
    FPR = "FPR"
    LAT = "LAT"
    RJC = "RJC"
    RSN = "RSN"
    RPD = "RPD"
    RJR = "RJR"
    UCN = "UCN"
    FLL = "FLL"
    FLP = "FLP"
    BRF = "BRF"
    BRC = "BRC"
    OUT = "OUT"
    EXP = "EXP"
    REJ = "REJ"
    TSC = "TSC"
    DOA = "DOA"
    UCH = "UCH"


DESCRIPTIONS = {
    Status.OPN: "Sent",
    Status.ACK: "Received",
    Status.DON: "Queued",
    Status.CND: "Condition Met",
    Status.OSO: "OSO Order",
    Status.STP: "Stop Hit",
    Status.FPR: "Partial Fill (Alive)",
    Status.LAT: "Too Late to Cancel",
    Status.RJC: "Cancel Request Rejected",
    Status.RSN: "Replace Sent",
    Status.RPD: "Replace Pending",
    Status.RJR: "Change Request Rejected",
    Status.UCN: "Cancel Sent",
    Status.FLL: "Filled",
    Status.FLP: "Partial Fill (UROut)",
    Status.BRF: "Bracket Filled",
    Status.BRC: "Bracket Canceled",
    Status.OUT: "UROut",
    Status.EXP: "Expired",
    Status.REJ: "Rejected",
    Status.TSC: "Trade Server Canceled",
    Status.DOA: "Dead",
    Status.UCH: "Replaced",
}
REJECTED = frozenset({Status.REJ, Status.TSC, Status.DOA})
FINAL = REJECTED | {Status.FLL, Status.FLP, Status.BRF, Status.BRC, Status.OUT, Status.EXP, Status.UCH}


class Action(StrEnum):
    """A trade action. Futures take BUY and SELL; options the four that name open or close."""

    BUY = "BUY"
    SELL = "SELL"
    SELLSHORT = "SELLSHORT"
    BUYTOCOVER = "BUYTOCOVER"
    BUYTOOPEN = "BUYTOOPEN"
    BUYTOCLOSE = "BUYTOCLOSE"
    SELLTOOPEN = "SELLTOOPEN"
    SELLTOCLOSE = "SELLTOCLOSE"

    @property
    def sign(self) -> int:
        """1 for what adds to a position, -1 for what takes from it."""
        return 1 if self.value.startswith("BUY") else -1

    @property
    def closes(self) -> bool:
        """True for what can only close, of a stock or an option."""
        return self in (Action.SELL, Action.BUYTOCOVER, Action.BUYTOCLOSE, Action.SELLTOCLOSE)

    @property
    def leg_side(self) -> str:
        """The BuyOrSell of an order's leg."""
        if self in (Action.SELLSHORT, Action.BUYTOCOVER):
            return {Action.SELLSHORT: "SellShort", Action.BUYTOCOVER: "BuyToCover"}[self]
        return "Buy" if self.sign > 0 else "Sell"

    @property
    def words(self) -> str:
        """How messages name it."""
        return {
            Action.BUY: "Buy",
            Action.SELL: "Sell",
            Action.SELLSHORT: "Sell Short",
            Action.BUYTOCOVER: "Buy to Cover",
            Action.BUYTOOPEN: "Buy to Open",
            Action.BUYTOCLOSE: "Buy to Close",
            Action.SELLTOOPEN: "Sell to Open",
            Action.SELLTOCLOSE: "Sell to Close",
        }[self]


EQUITY_ACTIONS = frozenset({Action.BUY, Action.SELL, Action.SELLSHORT, Action.BUYTOCOVER})
FUTURE_ACTIONS = frozenset({Action.BUY, Action.SELL})
OPTION_ACTIONS = frozenset(Action) - EQUITY_ACTIONS


@dataclass(frozen=True, slots=True)
class Trail:
    """A trailing stop's distance: a price `amount`, or a `percent` of the best price."""

    amount: Decimal | None = None
    percent: Decimal | None = None

    def stop_from(self, best: Decimal, sign: int) -> Decimal:
        """Give the stop price behind `best` for an order that buys (1) or sells (-1)."""
        distance = self.amount if self.amount is not None else best * (self.percent or ZERO) / 100
        return best + sign * distance


@dataclass(frozen=True, slots=True)
class PriceRule:
    """A market activation rule; `joined` by And or Or to those before it."""

    symbol: str
    predicate: str
    trigger_key: str
    price: Decimal
    joined: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order as asked for, its form found good. Prices keep the digits that were sent."""

    account_id: str
    instrument: Instrument
    quantity: Decimal
    type: OrderType
    action: Action
    duration: str
    expiration: date | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail: Trail | None = None
    route: str = ""
    confirm_id: str | None = None
    all_or_none: bool = False
    show_only: Decimal | None = None
    price_rules: tuple[PriceRule, ...] = ()
    active_from_utc: str | None = None
    """HH:MM:SS in UTC before which the order sleeps."""
    buying_power_warning: str | None = None
    osos: tuple["Bundle", ...] = ()

    @property
    def may_open(self) -> bool:
        """True unless its action can only close; a future's BUY and SELL may do either."""
        return self.instrument.asset == "FUTURE" or not self.action.closes


@dataclass(frozen=True, slots=True)
class Bundle:
    """Orders that belong together."""

    kind: GroupKind
    tickets: tuple[Ticket, ...]


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution."""

    quantity: Decimal
    price: Decimal
    at_ms: int


@dataclass(slots=True, eq=False)
class Group:
    """Orders linked as OCO or BRK (NORMAL links nothing)."""

    kind: GroupKind
    number: str
    members: list["Order"] = field(default_factory=list)


@dataclass(slots=True)
class Behaviour:
    """What a script makes this order do."""

    reject_after_ms: int | None = None
    reject_reason: str = ""
    fill_delay_ms: int = 0
    steps: list[Decimal] = field(default_factory=list)
    """Quantities of the partial fills still to come."""
    then: Literal["rest", "FLP", "stay"] | None = None
    step_ms: int = 100
    hidden_ms: int = 0
    on_cancel: Literal["fill", "reject", "late"] | None = None
    rejects_replace: bool = False


@dataclass(slots=True, eq=False)
class Order:
    """An order in the book. Mutable: the book and the matcher are the only ones who change it."""

    id: str
    ticket: Ticket
    account: "Account"
    quantity: Decimal
    opened_ms: int
    type: OrderType
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail: Trail | None
    status: Status = Status.OPN
    closed_ms: int | None = None
    visible_from_ms: int = 0
    closed_from_ms: int = 0
    """When a final order shows its ClosedDateTime."""
    fills: list[Fill] = field(default_factory=list)
    frames: list[tuple[int, Status]] = field(default_factory=list)
    reason: str = ""
    group: Group | None = None
    parent: "Order | None" = None
    children: list["Order"] = field(default_factory=list)
    behaviour: Behaviour = field(default_factory=Behaviour)
    price_at_entry: Decimal = ZERO
    best_price: Decimal | None = None
    """Of a trailing stop: the best trade price since it works."""
    released: bool = True
    """False while it waits for its parent."""
    triggered: bool = False
    held: bool = False
    """Not filled by the market: a script, a delay or a rejection is under way."""
    cancel_pending: bool = False
    delayed: bool = False
    """Its fill delay has passed."""
    by_hand: bool = False
    interim: Status | None = None
    """Shown instead of its status while a replace is under way."""

    @property
    def instrument(self) -> Instrument:
        return self.ticket.instrument

    @property
    def action(self) -> Action:
        return self.ticket.action

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def filled(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), ZERO)

    @property
    def remaining(self) -> Decimal:
        return ZERO if self.final else self.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        """Average price of the fills; 0 when there is none."""
        return sum((fill.quantity * fill.price for fill in self.fills), ZERO) / self.filled if self.fills else ZERO

    @property
    def working(self) -> bool:
        """True while it can fill: not final and not waiting for a parent."""
        return not self.final and self.released

    def siblings(self) -> list["Order"]:
        """Give the other orders of its OCO or BRK."""
        return [other for other in self.group.members if other is not self] if self.group else []


@dataclass(slots=True, eq=False)
class Position:
    """A netted position; `quantity` is negative when short."""

    id: str
    instrument: Instrument
    quantity: Decimal
    average_price: Decimal
    opened_ms: int


@dataclass(slots=True, eq=False)
class Account:
    """One account of one user."""

    id: str
    type: AccountType
    user: str
    status: str
    cash: Decimal
    reg_t: bool = False
    starting_cash: Decimal = ZERO
    realized: Decimal = ZERO
    commission: Decimal = ZERO
    positions: dict[str, Position] = field(default_factory=dict)

    def held(self, symbol: str) -> Decimal:
        """Give the signed quantity held of a symbol."""
        position = self.positions.get(symbol)
        return position.quantity if position else ZERO
