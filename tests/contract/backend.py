"""What the contract suite needs of a simulated broker, whichever broker it is.

A `Backend` opens `Bench`es: a fresh simulated broker in this process, with virtual time, and the adapter under test in
front of it. The suite judges an adapter only by comparing what it says with the simulator's own book.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.port import Broker
from orderbridge.model import Side


class Fault(StrEnum):
    """What happens to one request. `booked` tells whether a write under it is carried out."""

    CONNECTION_REFUSED = "connection_refused"
    """No connection comes about."""
    RESET_BEFORE = "reset_before"
    """The connection dies after the request was sent; nothing is booked."""
    REPLY_LOST = "reply_lost"
    """Booked, then the connection dies."""
    TIMEOUT_AFTER = "timeout_after"
    """Booked, and the reply comes too late."""
    TIMEOUT_BEFORE = "timeout_before"
    """Not booked, and no reply comes."""
    ERROR_BEFORE = "error_before"
    """A 5xx, nothing booked."""
    ERROR_AFTER = "error_after"
    """Booked, then a 5xx."""
    GARBLED_AFTER = "garbled_after"
    """Booked, then a 200 whose body is not JSON."""
    RATE_JSON = "rate_json"
    """429 from the broker's application, as JSON; nothing booked."""
    RATE_EDGE = "rate_edge"
    """429 from the network's edge, a page that names 1015; nothing booked."""
    UNAUTHORIZED = "unauthorized"
    """401 once, nothing booked; a renewed token is accepted."""
    LOGIN_DEAD = "login_dead"
    """401 now and for every token after it."""
    ERROR_BODY = "error_body"
    """A 200 whose body says that the command was refused; nothing booked."""
    REJECTED_LATER = "rejected_later"
    """Accepted and given an id; the order ends rejected."""

    @property
    def booked(self) -> bool:
        return self in (Fault.REPLY_LOST, Fault.TIMEOUT_AFTER, Fault.ERROR_AFTER, Fault.GARBLED_AFTER)


@dataclass(frozen=True, slots=True)
class BookOrder:
    """An order in the simulator's own book."""

    id: str
    symbol: str
    side: Side
    quantity: Decimal
    filled: Decimal
    state: Literal["working", "waiting", "filled", "cancelled", "rejected"]
    """`waiting`: an exit order whose entry is not filled yet."""
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BookPosition:
    id: str
    symbol: str
    signed: Decimal
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """The simulator's truth, read past every fault and lateness."""

    orders: tuple[BookOrder, ...]
    positions: tuple[BookPosition, ...]

    def order(self, order_id: str) -> BookOrder | None:
        return next((order for order in self.orders if order.id == order_id), None)

    def held(self, symbol: str) -> Decimal:
        return sum((row.signed for row in self.positions if row.symbol == symbol), Decimal(0))


class Bench(Protocol):
    """One simulated broker with the adapter in front of it. Prices and quantities fit the symbol's steps."""

    @property
    def broker(self) -> Broker: ...

    def new_broker(self) -> Broker:
        """Give another adapter of the same account, as another process would have it: it remembers nothing."""
        ...

    @property
    def symbol(self) -> str:
        """The symbol that the cases trade; nothing is held or working in it at first."""
        ...

    @property
    def price(self) -> Decimal:
        """Where the symbol's price stands at first."""
        ...

    @property
    def distance(self) -> Decimal:
        """A price distance that is on the tick and far enough for any stop or limit."""
        ...

    @property
    def unit(self) -> Decimal:
        """An ordinary quantity that can be halved (10 shares, 0.10 lots)."""
        ...

    def now_ms(self) -> int: ...

    def advance(self, ms: int) -> None:
        """Let virtual time pass; what is due by then has happened afterwards."""
        ...

    def set_price(self, price: Decimal) -> None: ...

    def fault(self, fault: Fault) -> None:
        """Let the next write meet this fault."""
        ...

    def read_fault(self, fault: Fault, times: int = 1) -> None:
        """Let the next `times` reads meet this fault."""
        ...

    def fill_at_most(self, quantity: Decimal) -> None:
        """Fill only this much of the next order that fills; the rest stays as the order's duration says."""
        ...

    def hide_from_reads(self, ms: int) -> None:
        """Keep what is booked from now on out of the reads for `ms` (late history)."""
        ...

    def close_elsewhere(self) -> None:
        """Close the symbol's position from another program of the same login."""
        ...

    def expire_token(self) -> None:
        """Make the access token that the adapter uses invalid; a refresh gives a good one."""
        ...

    def book(self) -> Book: ...

    def writes(self) -> int:
        """How many write requests have reached the simulator so far, refused ones included."""
        ...

    def deadline(self) -> MonotonicDeadline: ...


class Backend(Protocol):
    """A simulated broker as the suite uses it."""

    @property
    def name(self) -> Literal["tradestation", "tradelocker"]: ...

    @property
    def switches(self) -> Mapping[str, tuple[object, ...]]:
        """Every unconfirmed behaviour of the broker, with its possible settings; the first is the usual one."""
        ...

    def open(self, switches: Mapping[str, object] | None = None) -> Bench:
        """Start a fresh simulated broker with these switches, and the adapter in front of it."""
        ...
