"""Work a lane: under its fenced lease, resolve what is unknown, tend what is held, then take its jobs in order.

    take the lease -> tend -> [arrange the inbox -> next job -> tend if bare]* -> tend -> release -> read again -> ring

Whoever finds the lane taken rings again for when the lease ends, so a bell is never lost with a worker.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from orderbridge.alerts.alert import Action, Alert
from orderbridge.brokers.port import Deadline
from orderbridge.errors import ConflictError, StorageError
from orderbridge.execution.bookkeeping import Event
from orderbridge.execution.desk import Desk, amount
from orderbridge.execution.job import MAX_ATTEMPTS, JobWorker
from orderbridge.execution.looks import Looks
from orderbridge.execution.plans import close_unsent, told_of_sent
from orderbridge.execution.ports import Bell, Busy, Clock, Held, JobStore, LaneStore
from orderbridge.execution.records import CommandRecord, Job, StoredJob
from orderbridge.execution.results import RESERVE_S, Parked
from orderbridge.execution.session import HOLD_MS, LaneSession, with_book
from orderbridge.execution.tending import Tender
from orderbridge.model import Direction
from orderbridge.strategy.chain import ChainItem, ChainState, arrange, link_of, passed, worked
from orderbridge.strategy.goal import End, Ending

log = logging.getLogger(__name__)

ON_SCREEN_MS = 4_000
"""A press that is refused within this is answered so; later it may have been answered as open, and a notice tells."""


@dataclass(frozen=True, slots=True)
class Worked:
    """What a pass over a lane left behind."""

    jobs: int
    """How many jobs were worked, whether they ended or were parked."""
    again_in_ms: int | None
    """When the lane wants a bell: 0 is at once, None is not at all."""
    watched: bool


class LaneWorker:
    """Works the lanes of one account."""

    def __init__(
        self, store: LaneStore, jobs: JobStore, bell: Bell, clock: Clock, desk: Desk, looks: Looks, owner: str
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._bell = bell
        self._clock = clock
        self._desk = desk
        self._looks = looks
        self._owner = owner

    def work(self, lane: str, deadline: Deadline) -> Worked:
        """Work the lane once. Raises `StorageError` when the store fails: the bell must come again."""
        held = self._store.take(lane, self._owner, self._clock.now_ms(), HOLD_MS)
        if isinstance(held, Busy):
            if held.restored:
                return Worked(0, None, watched=False)  # the sweep rings for what waits, each minute
            again_ms = max(500, min(held.until_ms - self._clock.now_ms(), HOLD_MS))
            return Worked(0, again_ms, watched=False)
        session = self._session(held, deadline)
        done = 0
        wake_at_ms: int | None = None
        try:
            self._tender(session).tend()
            done, wake_at_ms = self._work_inbox(session)
            self._tender(session).tend()
        finally:
            self._store.release(session.fence)
        return Worked(done, self._again(session, wake_at_ms), watched=session.state.watched)

    def _session(self, held: Held, deadline: Deadline) -> LaneSession:
        return LaneSession(
            store=self._store,
            broker=self._desk.broker,
            looks=self._looks,
            clock=self._clock,
            account=self._desk.account,
            fence=held.fence,
            state=held.state,
            deadline=deadline,
            on_event=self._on_event,
        )

    def _tender(self, session: LaneSession) -> Tender:
        return Tender(session, self._jobs, self._desk)

    # ---- the inbox

    def _work_inbox(self, session: LaneSession) -> tuple[int, int | None]:
        done = 0
        put_aside: dict[str, int] = {}
        while session.deadline.remaining() > RESERVE_S:
            now_ms = self._clock.now_ms()
            inbox = self._store.inbox(session.fence.lane)
            put_aside |= {s.job.job_id: s.wake_at_ms for s in inbox if s.wake_at_ms > now_ms}
            parked = [stored for stored in inbox if stored.job.job_id in put_aside]
            fresh = [stored for stored in inbox if stored.job.job_id not in put_aside]
            parked = self._supersede(session, parked, fresh)
            put_aside = {s.job.job_id: put_aside[s.job.job_id] for s in parked}
            held_up = {_book_of(stored) for stored in parked}
            ready = [stored for stored in fresh if _book_of(stored) not in held_up or _passes(stored.job)]
            if not ready:
                break
            picked, wait_until_ms = self._pick(session, ready)
            if picked is None:
                if wait_until_ms is None:
                    continue
                self._clock.sleep(min(max((wait_until_ms - now_ms) / 1000, 0.0), 0.25))
                continue
            done += 1
            wake_at_ms = self._work_one(session, picked)
            if wake_at_ms is not None:
                put_aside[picked.job.job_id] = wake_at_ms
            self._tender(session).keep_stops()  # the jobs behind may take long: each waits for what it sends to show
        return done, min(put_aside.values(), default=None)

    def _pick(self, session: LaneSession, ready: Sequence[StoredJob]) -> tuple[StoredJob | None, int | None]:
        """Give the job that comes first in its chain, after ending those that come too late for it."""
        unchained = [stored for stored in ready if stored.status == "WORKING" or stored.job.origin == "care"]
        alerts = [stored for stored in ready if stored.job.origin == "alert"]
        unchained += [s for s in ready if s.job.origin == "panel" and not any(_precedes(alert, s) for alert in alerts)]
        if unchained:
            return unchained[0], None
        by_id = {stored.job.job_id: stored for stored in alerts}
        items = [chain_item(stored.job) for stored in alerts]
        states = {(book.strategy, book.root): book.chain for book in session.state.books if book.chain is not None}
        arrangement = arrange(items, states, self._clock.now_ms())
        for job_id in arrangement.superseded:
            self._take_up(session, by_id[job_id].job, passed)
            sentence = "A later alert of the same chain has been worked already."
            self._end(session, by_id[job_id], End(Ending.SUPERSEDED, "older_link", sentence), {})
        if arrangement.next is None:
            return None, arrangement.wait_until_ms
        self._take_up(session, by_id[arrangement.next].job, worked)
        return by_id[arrangement.next], None

    def _take_up(
        self, session: LaneSession, job: Job, step: Callable[[ChainState, ChainItem], ChainState]
    ) -> None:
        """Note the job's link in its chain before anything is sent for it; once, whoever resumes after a crash."""
        book = session.state.book(job.strategy, job.root)
        if book.chain_job == job.job_id or chain_item(job).link is None:
            return
        chain = step(book.chain or ChainState(), chain_item(job))
        session.state = with_book(session.state, replace(book, chain=chain, chain_job=job.job_id))
        self._store.save_state(session.fence, session.state)

    def _work_one(self, session: LaneSession, stored: StoredJob) -> int | None:
        """Work one job; give the moment it wants to go on, or None when it has ended."""
        if stored.attempts >= MAX_ATTEMPTS:
            self._set_aside(session, stored)
            return None
        stored = self._store.start_job(session.fence, stored)
        session.fence = self._store.extend(session.fence, self._clock.now_ms(), HOLD_MS)
        worker = JobWorker(session, self._desk, self._tender(session), partial(self._holds_up, session, stored))
        worker.phases = {"started": self._clock.now_ms()}
        try:
            result = worker.work(stored)
        except (ConflictError, StorageError):
            raise
        except Exception:
            log.exception("a job failed and is tried again", extra={"job_id": stored.job.job_id})
            wake_at_ms = self._clock.now_ms() + 1_000 * stored.attempts
            self._store.park_job(session.fence, stored, wake_at_ms, "error", "An unexpected error; tried again.")
            return wake_at_ms
        if isinstance(result, Parked):
            parked = replace(stored, attempts=0)
            self._store.park_job(session.fence, parked, result.wake_at_ms, result.code, result.sentence)
            return result.wake_at_ms
        self._end(session, stored, result, worker.phases)
        return None

    def _holds_up(self, session: LaneSession, stored: StoredJob) -> bool:
        """Tell whether another job is due that need not wait behind this one."""
        now_ms = self._clock.now_ms()
        others = (one for one in self._store.inbox(session.fence.lane) if one.job.job_id != stored.job.job_id)
        return any(one.wake_at_ms <= now_ms and _passes(one.job) for one in others)

    def _set_aside(self, session: LaneSession, stored: StoredJob) -> None:
        """End a job whose workers died or failed too often; what they sent for it is told, and followed on."""
        try:
            sent = told_of_sent(close_unsent(session, self._commands_of(session, stored.job)))
        except (ConflictError, StorageError):
            raise
        except Exception:
            log.exception("what was sent for a job cannot be read", extra={"job_id": stored.job.job_id})
            sent = "What was sent for it cannot be read: please check the account."
        sentence = f"Working this alert failed three times; it was set aside so that later ones go on. {sent}"
        self._end(session, stored, End(Ending.FAILED, "poison", sentence), {})

    def _end(self, session: LaneSession, stored: StoredJob, end: End, phases: dict[str, int]) -> None:
        now_ms = self._clock.now_ms()
        job = replace(stored.job, phases={**stored.job.phases, **phases, "ended": now_ms})
        shown = job.wish is not None and end.ending is Ending.REFUSED and now_ms - job.accepted_at_ms < ON_SCREEN_MS
        tell = (end.ending not in (Ending.ORDERED, Ending.NO_ACTION) or end.code == "halted") and not shown
        self._store.end_job(session.fence, replace(stored, job=job), end, now_ms, tell)
        log.info("job ended", extra={"job_id": job.job_id, "ending": end.ending, "code": end.code})

    def _supersede(
        self, session: LaneSession, parked: Sequence[StoredJob], fresh: Sequence[StoredJob]
    ) -> list[StoredJob]:
        """End what waits and is overtaken by a newer exit of its book; give what goes on waiting.

        An exit that is still trying gives way to the newer one (TRADING.md rule 12), and an entry that was not sent
        yet must not be placed after it, whatever was cancelled or closed for it. Other newer alerts of a book wait
        behind the one that is parked.
        """
        kept: list[StoredJob] = []
        for stored in parked:
            job = stored.job
            newer = any(
                _book_of(other) == _book_of(stored)
                and other.job.accepted_at_ms >= job.accepted_at_ms
                and _settles(other.job.alert)
                for other in fresh
            )
            pending = any(pending.job_id == job.job_id for pending in session.state.pending)
            if not newer or pending or job.alert is None:
                kept.append(stored)
                continue
            records = self._commands_of(session, job)
            if job.alert.action is not Action.EXIT and any(r.role == "entry" and r.sent_at_ms for r in records):
                kept.append(stored)
                continue
            close_unsent(session, records)
            sentence = "A newer alert of the same chain took over."
            self._end(session, stored, End(Ending.SUPERSEDED, "overtaken", sentence), {})
        return kept

    def _commands_of(self, session: LaneSession, job: Job) -> list[CommandRecord]:
        plans = self._store.plans(session.fence.lane, job.job_id)
        return [record for _, records in plans for record in records]

    def _again(self, session: LaneSession, wake_at_ms: int | None) -> int | None:
        """Read the inbox once more after the release: a job stored meanwhile may have rung while we held the lane."""
        now_ms = self._clock.now_ms()
        inbox = self._store.inbox(session.fence.lane)
        held_up = {_book_of(stored) for stored in inbox if stored.wake_at_ms > now_ms}
        waiting = [
            max(0, stored.wake_at_ms - now_ms)
            for stored in inbox
            if stored.wake_at_ms > now_ms or _book_of(stored) not in held_up or _passes(stored.job)
        ]
        if wake_at_ms is not None and waiting:
            waiting.append(max(0, wake_at_ms - now_ms))
        return min(waiting, default=None)

    def _on_event(self, event: Event) -> None:
        order = event.tracked
        if event.kind == "rejected" and order is not None:
            sentence = f"The broker rejected {order.side} {amount(order.quantity)} {order.symbol}: {event.message}"
            self._desk.tell(
                "broker_rejected", sentence, account=self._desk.account.name, strategy=event.strategy
            )
        if event.kind == "drift":
            sentence = (
                f"{event.root}: the broker reports another holding than our fills explain "
                f"(difference {amount(event.quantity)}); the broker's report is taken."
            )
            self._desk.tell("drift", sentence, account=self._desk.account.name)
        log.info("order event", extra={"kind": event.kind, "root": event.root, "strategy": event.strategy})


def chain_item(job: Job) -> ChainItem:
    """Give what the chain needs of a job that came from an alert."""
    assert job.alert is not None
    return ChainItem(
        job_id=job.job_id,
        strategy=job.strategy,
        root=job.root,
        link=link_of(job.alert),
        fired_at_ms=job.alert.fired_at_ms,
        accepted_at_ms=job.accepted_at_ms,
    )


def _book_of(stored: StoredJob) -> tuple[str, str]:
    return stored.job.strategy, stored.job.root


def _precedes(alert: StoredJob, press: StoredJob) -> bool:
    """Tell whether an alert that waits was accepted before a person's press for the same root: it has its turn first.

    An alert that reverses would open its whole quantity if the press closed the position before it.
    """
    return alert.job.root == press.job.root and alert.job.accepted_at_ms <= press.job.accepted_at_ms


def _settles(alert: Alert | None) -> bool:
    """Tell whether the alert ends what stands: an exit, or a target of flat."""
    if alert is None:
        return False
    flat = alert.target is not None and alert.target.direction is Direction.FLAT
    return alert.action is Action.EXIT or flat


def _passes(job: Job) -> bool:
    """Tell whether a job need not wait behind one of its book that is parked: an exit, or a person's word."""
    return job.wish is not None or _settles(job.alert)


def bell_delay_s(again_in_ms: int) -> int:
    """Give the queue's delay for a bell that is wanted in so many milliseconds (SQS counts whole seconds, to 900)."""
    return min(900, math.ceil(again_in_ms / 1000))


