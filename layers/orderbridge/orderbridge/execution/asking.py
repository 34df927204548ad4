"""What a job does about commands whose outcome is unknown: it asks the broker, and waits, gives way or parks."""

from collections.abc import Callable
from dataclasses import replace

from orderbridge.execution.records import Job, Pending, Role
from orderbridge.execution.resolve import Tell, next_ask_ms, resolve_pending
from orderbridge.execution.results import RESERVE_S, RETRY_MS, Parked
from orderbridge.execution.session import LOOK_PAUSE_S, LaneSession, with_pending
from orderbridge.execution.steps import CONFIRM_MS
from orderbridge.execution.tending import Tender

UNDECIDED_MS = 5_000
"""How long a job is put aside whose outcome a person has to decide: others of the lane have their turn meanwhile."""


class Asker:
    """Asks in the lane that is held."""

    def __init__(
        self,
        lane: LaneSession,
        tender: Tender,
        wait: Callable[[Job, float], None],
        tell: Callable[[Job], Tell],
        held_up: Callable[[], bool],
    ) -> None:
        """`wait` lets seconds pass for a job; `held_up` tells whether one waits that need not wait for an entry."""
        self._lane = lane
        self._tender = tender
        self._wait = wait
        self._tell = tell
        self._holds_up = held_up
        self._clock = lane.clock

    def ask_for_own(self, job: Job) -> Parked | None:
        """Ask while a command of this job is pending; park when the time is up.

        An exit that waits does not wait for what becomes of an entry (TRADING.md rule 13).
        """
        while True:
            own = [pending for pending in self._lane.state.pending if pending.job_id == job.job_id]
            if not own:
                return None
            if all(pending.told for pending in own):
                wake_at_ms = self._clock.now_ms() + UNDECIDED_MS
                return Parked(wake_at_ms, "unknown", "Several orders could be it: a person has to say which it is.")
            due_ms = min(next_ask_ms(pending) for pending in own)
            pause_s = max(0.0, (due_ms - self._clock.now_ms()) / 1000)
            gives_way = all(pending.role == "entry" for pending in own) and self._holds_up()
            if gives_way or pause_s + RESERVE_S > self._lane.deadline.remaining():
                wake_at_ms = max(due_ms, self._clock.now_ms() + RETRY_MS)
                return Parked(wake_at_ms, "unknown", "The broker's answer was lost; it is being asked what it did.")
            self._wait(job, max(pause_s, LOOK_PAUSE_S))
            resolve_pending(self._lane, self._tell(job))
            self._lane.see()
            self._tender.care(self._lane.state.book(job.strategy, job.root))

    def before_exit(self, job: Job) -> None:
        """Ask for up to 10 s what became of an unknown entry or stop; then the exit goes ahead (TRADING.md rule 13)."""
        until_ms = self._clock.now_ms() + CONFIRM_MS
        while self._missed_by_exit(job):
            if self._clock.now_ms() >= until_ms or self._lane.deadline.remaining() <= RESERVE_S:
                self._flatten_what_comes(job)
                return
            self._wait(job, LOOK_PAUSE_S)
            resolve_pending(self._lane, self._tell(job))

    def _flatten_what_comes(self, job: Job) -> None:
        """Note that what an unknown entry turns out to have opened is to be closed: the exit has overtaken it."""
        for pending in self._unknown(job, "entry"):
            self._lane.state = with_pending(self._lane.state, replace(pending, flatten=True))
        self._lane.store.save_state(self._lane.fence, self._lane.state)

    def _unknown(self, job: Job, role: Role) -> list[Pending]:
        mine = (job.strategy, job.root, role)
        return [one for one in self._lane.state.pending if (one.strategy, one.root, one.role) == mine]

    def _missed_by_exit(self, job: Job) -> list[Pending]:
        """Give what an exit would miss: entries, and stops that are orders of their own and could close all of it."""
        stops = [] if self._lane.broker.capabilities.position_bracket else self._unknown(job, "stop")
        return [*self._unknown(job, "entry"), *stops]
