"""What the execution room needs from outside: a store, a clock, a bell and someone to tell.

The DynamoDB, SQS and SNS forms stand in `orderbridge.storage`; a simulation brings its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from orderbridge.execution.records import CommandRecord, CommandStatus, Job, LaneState, Plan, StoredJob
from orderbridge.strategy.goal import End


class Clock(Protocol):
    """Time as the bridge sees it; a simulation gives a virtual one."""

    def now_ms(self) -> int:
        """Give the wall clock in epoch milliseconds."""
        ...

    def monotonic(self) -> float:
        """Give seconds on a clock that never jumps: for durations."""
        ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of holding a lane: every write names the epoch, and the store refuses an older one."""

    lane: str
    owner: str
    epoch: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Held:
    fence: Fence
    state: LaneState


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else works the lane."""

    until_ms: int
    restored: bool = False
    """Nobody may: the table was restored from a backup and is not reconciled yet."""


@dataclass(frozen=True, slots=True)
class Gates:
    """What must hold in the very transaction that starts a sending."""

    account: str
    strategy: str
    increases_exposure: bool
    """An entry passes only while nothing is halted and the lane's gate is open; an exit unless everything is halted."""
    live: bool
    """Real money: the account's typed confirmation must stand."""


@dataclass(frozen=True, slots=True)
class Begun:
    """The command is SENDING; it may go out now."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The command was not started, and nothing was written."""

    by: Literal["halted", "gate", "live", "state"]


class LaneStore(Protocol):
    """The lane's part of the table. Every write under a fence raises `ConflictError` once the fence is lost.

    Every method raises `StorageError` when the store fails; then nothing may be sent.
    """

    def take(self, lane: str, owner: str, now_ms: int, hold_ms: int) -> Held | Busy: ...

    def extend(self, fence: Fence, now_ms: int, hold_ms: int) -> Fence: ...

    def release(self, fence: Fence) -> None: ...

    def inbox(self, lane: str) -> list[StoredJob]:
        """Read the lane's jobs that are not final, oldest first, consistently."""
        ...

    def start_job(self, fence: Fence, stored: StoredJob) -> StoredJob: ...

    def park_job(self, fence: Fence, stored: StoredJob, wake_at_ms: int, code: str, sentence: str) -> None: ...

    def end_job(self, fence: Fence, stored: StoredJob, end: End, now_ms: int, tell: bool) -> None:
        """Make the job terminal, note it at its alert, and store the notice for the user, all in one transaction."""
        ...

    def save_state(self, fence: Fence, state: LaneState) -> None: ...

    def plans(self, lane: str, job_id: str) -> list[tuple[Plan, list[CommandRecord]]]:
        """Read a job's revisions, oldest first, with their commands."""
        ...

    def save_plan(self, fence: Fence, plan: Plan, records: Sequence[CommandRecord], state: LaneState) -> None:
        """Store a revision and its commands (NEW), unless that revision stands already (`ConflictError`)."""
        ...

    def command(self, lane: str, command_id: str) -> CommandRecord: ...

    def begin(self, fence: Fence, record: CommandRecord, state: LaneState, gates: Gates) -> Begun | Stopped:
        """Move a command NEW -> SENDING with the lane's state, if every gate is open."""
        ...

    def finish(self, fence: Fence, record: CommandRecord, came_from: CommandStatus, state: LaneState) -> None:
        """Move a command from `came_from` to `record.status`, with the lane's state."""
        ...


class JobStore(Protocol):
    """Where a job of our own making is put."""

    def put_job(self, job: Job) -> bool:
        """Store a job in its lane's inbox; False when it stands there already."""
        ...


class Bell(Protocol):
    """The doorbell queue."""

    def ring_lane(self, lane: str, delay_s: int = 0) -> None: ...

    def ring_watch(self, account: str, turn: int, delay_s: int = 0) -> None: ...


class Notices(Protocol):
    """Tells the user; stores first, so that nothing told is lost."""

    def tell(self, code: str, sentence: str, account: str = "", strategy: str = "", alert_id: str = "") -> None: ...
