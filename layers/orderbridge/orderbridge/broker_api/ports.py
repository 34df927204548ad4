"""What the panel needs from outside; `orderbridge.storage` and the outermost room implement it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol, runtime_checkable

from orderbridge.broker_api.book import PanelBook
from orderbridge.broker_api.settings import PanelSettings
from orderbridge.brokers.port import Broker, Deadline
from orderbridge.commands import Place
from orderbridge.execution.looks import Looks, LookStore
from orderbridge.execution.ports import Clock
from orderbridge.execution.records import CommandRecord, Job, LaneState, StoredJob
from orderbridge.model import Instrument, Quote
from orderbridge.strategy.settings import AccountSettings

# ---- the table


@dataclass(frozen=True, slots=True)
class Cached:
    """Something that was read for a broker login, and who may read it again."""

    text: str
    """Empty while nothing was read yet."""
    at_ms: int
    busy_until_ms: int
    """Somebody reads it again until then."""
    retry_at_ms: int
    """After a failure: nobody tries again before."""
    failures: int = 0
    """How often reading has failed since it last succeeded."""


class Cache(Protocol):
    """Snapshots by broker login: nothing in it is ever shown to the user of another login."""

    def read(self, connection: str, what: str) -> Cached: ...

    def take(self, connection: str, what: str, now_ms: int, until_ms: int) -> bool:
        """Take the one refresh that may be under way; False while somebody else has it, or after a failure."""
        ...

    def put(self, connection: str, what: str, text: str, at_ms: int) -> None: ...

    def fail(self, connection: str, what: str, retry_at_ms: int) -> None: ...


class BookStore(Protocol):
    """The panel's book of each account."""

    def read(self, account: str) -> tuple[PanelBook, int]:
        """Give the book with its version; an empty book has version 0."""
        ...

    def write(self, account: str, book: PanelBook, version: int) -> bool:
        """Write the book that replaces `version`; False when somebody else was faster."""
        ...


class RequestStore(Protocol):
    """Requests of the panel by their id: each becomes one job, once."""

    def put(self, key: str, fingerprint: str, job: Job) -> tuple[str, Job]:
        """Store the request with its job, or give the fingerprint and job that stand there already."""
        ...


class Ledger(Protocol):
    """Reading the lane's part of the table."""

    def job(self, lane: str, accepted_at_ms: int, job_id: str) -> StoredJob | None: ...

    def commands(self, lane: str, job_id: str) -> Sequence[CommandRecord]: ...

    def state(self, lane: str) -> LaneState: ...


# ---- what only one of the brokers has


@runtime_checkable
class ManyQuotes(Protocol):
    """A broker that gives several quotes in one request."""

    def quotes(self, symbols: Sequence[str], deadline: Deadline) -> tuple[Quote, ...]: ...


@runtime_checkable
class ManyInstruments(Protocol):
    """A broker that gives several instruments in one request."""

    def instruments(self, symbols: Sequence[str], deadline: Deadline) -> tuple[Instrument, ...]: ...


class DepthLevels(Protocol):
    @property
    def bids(self) -> tuple[tuple[Decimal, Decimal], ...]: ...

    @property
    def asks(self) -> tuple[tuple[Decimal, Decimal], ...]: ...


@runtime_checkable
class HasDepth(Protocol):
    """A broker that shows its order book."""

    def depth(self, symbol: str, deadline: Deadline) -> DepthLevels: ...


class Estimate(Protocol):
    """What an order would cost."""

    @property
    def summary(self) -> str: ...

    @property
    def estimated_price(self) -> Decimal | None: ...

    @property
    def estimated_cost(self) -> Decimal | None: ...

    @property
    def estimated_commission(self) -> Decimal | None: ...

    @property
    def currency(self) -> str: ...

    @property
    def initial_margin(self) -> str: ...


@runtime_checkable
class HasPreview(Protocol):
    """A broker that tells beforehand what an order would cost."""

    def preview(self, command: Place, command_id: str, deadline: Deadline) -> Sequence[Estimate]: ...


# ---- the process


@dataclass(frozen=True, slots=True)
class PanelDesk:
    """One account as the panel reads it: within the panel's share of the broker's quotas."""

    settings: AccountSettings
    broker: Broker
    looks: Looks


class Backstage(Protocol):
    """All that stands behind the panel."""

    @property
    def clock(self) -> Clock: ...

    @property
    def books(self) -> BookStore: ...

    @property
    def cache(self) -> Cache: ...

    @property
    def requests(self) -> RequestStore: ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def look_store(self) -> LookStore: ...

    def settings(self) -> PanelSettings: ...

    def account(self, name: str) -> AccountSettings | None: ...

    def desk(self, account: AccountSettings) -> PanelDesk: ...

    def new_id(self) -> str:
        """Give a random id."""
        ...

    def work_lane(self, lane: str, deadline: Deadline) -> None:
        """Work a lane at once, if it is free, and see that what is left is gone on with."""
        ...
