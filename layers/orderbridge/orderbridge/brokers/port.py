"""What the bridge needs of a broker: one protocol, its outcome values, and a capability table.

Outcomes of writes are values, not exceptions: the caller decides on each. Reads raise `BrokerReadError` and its leaves.

    send(command)          -> Accepted | Refused | NotTaken | Unknown
    resolve(command, ...)  -> Done | Absent | Ambiguous          (pure, over a Look that was read afresh)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol

from orderbridge.commands import Command
from orderbridge.model import (
    AccountState,
    Bar,
    BrokerAccount,
    Duration,
    Execution,
    Instrument,
    Order,
    OrderType,
    Position,
    PositionMode,
    Quote,
)


class Deadline(Protocol):
    """A moment on the monotonic clock that every step of one piece of work shares."""

    def remaining(self) -> float:
        """Give the seconds left; never negative."""
        ...


# ---- outcomes of writes


Leg = Literal["order", "stop_loss", "take_profit", "child"]


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """One order that a command made, or that was refused within it."""

    order_id: str
    leg: Leg
    index: int = 0
    """Position among the requested children of a group; 0 for a single order."""
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker has taken the command. Later rejection shows in the orders."""

    orders: tuple[PlacedOrder, ...] = ()
    message: str = ""


RefusalCode = Literal[
    "invalid",  # the request does not fit (quantity, price, symbol, duration, type)
    "not_found",  # the order, position or account named does not exist, or is final already
    "flat",  # nothing is held that could be closed
    "reserved",  # the shares are reserved by working exit orders
    "side_mismatch",  # the action does not fit the position that the broker sees (TradeStation EC6xx, EC8xx)
    "closed",  # the market or session is closed
    "funds",  # buying power or margin
    "not_allowed",  # account status, permissions, short sale not possible
    "rate_limited",  # refused for its rate, and the broker says that it was not taken
    "duplicate",  # the broker knows this OrderConfirmID: proof that an earlier sending arrived
    "other",
]


@dataclass(frozen=True, slots=True)
class Refused:
    """Proof that the command was not carried out, and must not be sent again unchanged."""

    code: RefusalCode
    message: str
    """The broker's own words, safe to show."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Proof that the request never reached the broker's order handling: the same command may be sent again.

    Only a 401, a connection refused before any byte went out, and the edge's 1015 page give this outcome.
    """

    reason: Literal["unauthorized", "not_connected", "edge_limited"]
    retry_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may or may not have been carried out: ask the broker, never send again."""

    reason: str


Outcome = Accepted | Refused | NotTaken | Unknown


# ---- resolving an unknown one


@dataclass(frozen=True, slots=True)
class Look:
    """Positions and orders of an account, read together; `orders` has working ones and those final since `since_ms`."""

    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    requested_at_ms: int
    since_ms: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was known before a command was sent, stored with it, so that its effect can be told from what was there."""

    sent_at_ms: int
    order_ids: tuple[str, ...] = ()
    """Ids of the account's orders of this symbol before sending (TradeStation's baseline)."""
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    """Signed quantity held, by position id (or by symbol where the account nets), before sending."""
    claimed_ids: tuple[str, ...] = ()
    """Orders that belong to other commands: never a candidate."""


@dataclass(frozen=True, slots=True)
class Done:
    """The look shows the command's effect."""

    orders: tuple[PlacedOrder, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """The look does not show the command's effect (yet)."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """More than one order fits: a person must decide."""

    order_ids: tuple[str, ...]


Resolution = Done | Absent | Ambiguous


# ---- capabilities


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a broker's account can do; printed as a table in the docs and checked by the contract suite."""

    broker: Literal["tradestation", "tradelocker"]
    order_types: frozenset[OrderType]
    durations: frozenset[Duration]
    position_modes: frozenset[PositionMode]
    quantity_unit: Literal["units", "lots"]
    entry_bracket: bool
    """A stop and a target can be given with the entry order."""
    bracket_types: frozenset[OrderType]
    """Types a protective stop may have: stop, stop_limit, trailing_stop."""
    position_bracket: bool
    """The position itself carries stop and target (`ModifyPosition`); otherwise a group protects it (`PlaceGroup`)."""
    close_by_id: bool
    groups: bool
    replace: bool
    cancel_all: bool
    close_all: bool
    label: bool
    """The broker keeps the caller's mark in its order rows, so that an unknown order can be looked up."""
    one_action_at_a_time: bool
    """Only one trade action of an account may be under way: the lane is the whole account."""
    crosses_zero: bool
    """One order may turn a position around."""


# ---- the port


class Broker(Protocol):
    """One broker account. Every call takes the deadline that its caller's work has left."""

    @property
    def capabilities(self) -> Capabilities: ...

    def accounts(self, deadline: Deadline) -> tuple[BrokerAccount, ...]:
        """List the accounts of this login."""
        ...

    def state(self, deadline: Deadline) -> AccountState: ...

    def positions(self, deadline: Deadline) -> tuple[Position, ...]: ...

    def orders(self, deadline: Deadline, since_ms: int) -> tuple[Order, ...]:
        """Give the working orders and those that became final since `since_ms` (at least the session's)."""
        ...

    def order_history(self, deadline: Deadline, from_ms: int, to_ms: int) -> tuple[Order, ...]: ...

    def executions(self, deadline: Deadline, since_ms: int) -> tuple[Execution, ...]:
        """Give the session's fills where the broker lists them; else raise `NotSupportedError`."""
        ...

    def instrument(self, symbol: str, deadline: Deadline) -> Instrument:
        """Give the instrument of exactly this broker symbol. Raises `UnknownSymbolError`, `AmbiguousSymbolError`."""
        ...

    def quote(self, symbol: str, deadline: Deadline) -> Quote: ...

    def bars(self, symbol: str, resolution: str, from_ms: int, to_ms: int, deadline: Deadline) -> tuple[Bar, ...]:
        """Give bars; `resolution` is TradingView's (`1`, `5`, `60`, `1D`, ...)."""
        ...

    def send(self, command: Command, command_id: str, deadline: Deadline) -> Outcome:
        """Send the command once. Never raises for what happens on the wire after the first byte went out.

        `command_id` (32 hex digits) seeds the broker's duplicate guard or label; the same id always gives one mark.
        """
        ...

    def resolve(self, command: Command, command_id: str, evidence: Evidence, look: Look) -> Resolution:
        """Tell from a look that was requested after sending whether the command took effect. Pure."""
        ...
