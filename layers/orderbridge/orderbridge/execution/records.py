"""What the table keeps of lanes, jobs, plans and commands, as values.

    job:      QUEUED -> WORKING -> one of `Ending`                    (WORKING again after a crash)
    command:  NEW -> SENDING -> ACCEPTED | REFUSED | UNKNOWN
              SENDING -> NEW                                       (only on proof that it was not taken)
              NEW -> EXPIRED | HALTED
              UNKNOWN -> ACCEPTED | NOT_FOUND | DECIDED_BY_PERSON
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from orderbridge.alerts.alert import Alert
from orderbridge.brokers.port import Evidence, PlacedOrder
from orderbridge.commands import Bracket, Command
from orderbridge.execution.wishes import Wish
from orderbridge.model import OrderStatus, Side
from orderbridge.strategy.chain import ChainState
from orderbridge.strategy.goal import Goal


@dataclass(frozen=True, slots=True)
class Job:
    """One alert at one account; or commands that a person or the bridge itself wants carried out in a lane."""

    job_id: str
    """`alert_id.account`: a pure function, so that storing it again changes nothing."""
    alert_id: str
    strategy: str
    account: str
    lane: str
    root: str
    accepted_at_ms: int
    alert: Alert | None = None
    commands: tuple[Command, ...] = ()
    """What to send, in order, where there is no alert to decide on."""
    wish: Wish | None = None
    """What a person asks for at the panel."""
    replay_of: str = ""
    """The job that a person asked to run again."""
    origin: Literal["alert", "panel", "care"] = "alert"
    phases: Mapping[str, int] = field(default_factory=dict)
    """Moments in epoch ms: `received`, `stored`; the executor adds `started`, `planned`, `sent`,
    `answered` and `ended`."""


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job with what the executor has noted of it."""

    job: Job
    status: str
    """QUEUED, WORKING or an `Ending`."""
    attempts: int = 0
    wake_at_ms: int = 0
    """Parked until then (an exit that tries again, an UNKNOWN command)."""
    code: str = ""
    sentence: str = ""


class CommandStatus(StrEnum):
    NEW = "NEW"
    SENDING = "SENDING"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    EXPIRED = "EXPIRED"
    HALTED = "HALTED"
    NOT_FOUND = "NOT_FOUND"
    DECIDED_BY_PERSON = "DECIDED_BY_PERSON"

    @property
    def final(self) -> bool:
        return self not in (CommandStatus.NEW, CommandStatus.SENDING, CommandStatus.UNKNOWN)


Role = Literal["entry", "close", "stop", "target", "other"]
PLACED, NOT_PLACED = "placed", "not_placed"
"""What a person decides about a command; the `code` of one that is DECIDED_BY_PERSON."""
NOT_SENT = "not_sent"
"""The code of a command that was stored and never sent."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """One broker write and how far it got."""

    command_id: str
    job_id: str
    strategy: str
    root: str
    revision: int
    step: int
    command: Command
    role: Role
    status: CommandStatus = CommandStatus.NEW
    attempt: int = 0
    sent_at_ms: int = 0
    send_by_ms: int = 0
    """A SENDING command past this moment is UNKNOWN: whoever sent it has died."""
    evidence: Evidence | None = None
    orders: tuple[PlacedOrder, ...] = ()
    code: str = ""
    message: str = ""
    changed_at_ms: int = 0
    decided_by: str = ""
    """Who said what became of it, for DECIDED_BY_PERSON; `changed_at_ms` says when."""

    @property
    def taken(self) -> bool:
        """Tell whether the broker carried it out: by its own word, or by a person's decision."""
        decided = self.status is CommandStatus.DECIDED_BY_PERSON and self.code == PLACED
        return decided or self.status is CommandStatus.ACCEPTED


@dataclass(frozen=True, slots=True)
class Plan:
    """One revision: what is sent next for a job. The goal is the same in every revision of the job."""

    job_id: str
    revision: int
    goal: Goal | None
    command_ids: tuple[str, ...]
    made_at_ms: int


@dataclass(frozen=True, slots=True)
class Tracked:
    """An order of ours that the lane still follows."""

    order_id: str
    command_id: str
    job_id: str
    role: Role
    symbol: str
    side: Side
    quantity: Decimal
    placed_at_ms: int
    booked: Decimal = Decimal(0)
    """The filled quantity that `Book.owned` holds already."""
    status: OrderStatus = OrderStatus.PLACING
    seen: bool = False
    vanished_since_ms: int | None = None
    """Of an entry that worked: since when the broker lists it no more. It has ended, and nobody knows how yet."""
    parent_id: str | None = None
    position_id: str | None = None
    leaving: bool = False
    """The broker has taken its cancel: it may work on for a moment, and protects nothing from then on."""
    lookalikes: tuple[str, ...] = ()
    """Of a close by position id, whose answer names no order: the orders like it that were there before."""

    def vanished(self, now_ms: int, within_ms: int) -> bool:
        """Tell whether it vanished less than `within_ms` ago."""
        return self.vanished_since_ms is not None and now_ms - self.vanished_since_ms < within_ms

    @property
    def nameless(self) -> bool:
        """Whether the broker has not shown yet which order it is."""
        return self.order_id == f"close-of:{self.command_id}"


@dataclass(frozen=True, slots=True)
class Protection:
    """The stop and target that a book's position must have."""

    symbol: str
    bracket: Bracket
    job_id: str
    refused: str = ""
    """The broker's words once it has refused the stop for good: the policy was applied (rule 17)."""
    rejections: int = 0
    """How many stops the broker took and rejected afterwards: the entry's own child, then ours."""
    quantity: Decimal | None = None
    """How much must have its stop: None is all that is held. 0 is for what a person holds by hand, once the broker
    works its exits: they are the person's own, and only too many of them are cut."""
    asked_ms: int = 0
    """When it was asked for: what a person pressed before that was said about another stop."""


PANEL = "panel:"
"""How the names of people's books begin."""


def by_hand(strategy: str) -> bool:
    """Tell whether a book of this name is a person's."""
    return strategy.startswith(PANEL)


@dataclass(frozen=True, slots=True)
class Book:
    """What one strategy, or one person at the panel, holds and works in one root of the lane's account."""

    strategy: str
    root: str
    owned: Decimal = Decimal(0)
    entry_count: int = 0
    tracked: tuple[Tracked, ...] = ()
    position_ids: tuple[str, ...] = ()
    """Hedging accounts: the positions that our fills opened, oldest first."""
    protection: Protection | None = None
    """Of what is held now: the bracket of the entry that was filled last."""
    planned: tuple[Protection, ...] = ()
    """Of entries that rest, or that are filled in part."""
    chain: ChainState | None = None
    """Where the chain of this strategy's alerts stands."""
    chain_job: str = ""
    """The job whose link `chain` took up last."""
    unprotected_since_ms: int | None = None

    @property
    def of_person(self) -> bool:
        """Tell whether the book is a person's, who may close whatever the account holds."""
        return by_hand(self.strategy)


@dataclass(frozen=True, slots=True)
class RootState:
    """The account's holding of one root when report and ledger last agreed."""

    root: str
    baseline: Decimal = Decimal(0)
    unsettled_since_ms: int | None = None
    gone: bool = False
    """They do not agree since the broker shows nothing of the holding any more, and no fill of ours is why."""
    position_ids: tuple[str, ...] = ()
    """Where fills net: the positions that the holding was then. While it is held, they keep their ids."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A command that is SENDING or UNKNOWN."""

    command_id: str
    job_id: str
    strategy: str
    root: str
    role: Role
    signed_quantity: Decimal = Decimal(0)
    """What an entry would add."""
    since_ms: int = 0
    asked: int = 0
    asked_at_ms: int = 0
    told: bool = False
    """A person was told that more than one order could be it."""
    flatten: bool = False
    """An exit went ahead meanwhile: should this entry turn out to be placed, it is closed again (rule 13)."""


@dataclass(frozen=True, slots=True)
class Lost:
    """An entry that ended NOT_FOUND: should it show up after all, it is flattened and told (rule 13)."""

    command_id: str
    strategy: str
    root: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class LaneState:
    """All that the lane's next worker must know; written with every step of the ledger, under the lane's fence."""

    books: tuple[Book, ...] = ()
    roots: tuple[RootState, ...] = ()
    pending: tuple[Pending, ...] = ()
    lost: tuple[Lost, ...] = ()
    claimed: tuple[str, ...] = ()
    """Orders of other commands since something is pending or lost: none of them is what is looked for, also once it
    is filled and no longer followed."""

    def book(self, strategy: str, root: str) -> Book:
        for book in self.books:
            if (book.strategy, book.root) == (strategy, root):
                return book
        return Book(strategy, root)

    def root(self, root: str) -> RootState:
        return next((state for state in self.roots if state.root == root), RootState(root))

    @property
    def watched(self) -> bool:
        """Whether the watcher must look at the lane (TRADING.md rule 20)."""
        if self.pending or self.lost:
            return True
        return any(book.owned != 0 or book.tracked for book in self.books)
