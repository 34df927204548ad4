"""A write of the panel as one job of the ledger: stored, worked at once under the lane's lease, and its outcome told.

    done            the broker has taken it
    refused         proof that it was not carried out
    open            not known (yet): never told as an error, since it may have been carried out
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orderbridge.broker_api.answers import ShownError, UnansweredError
from orderbridge.broker_api.ports import Backstage
from orderbridge.brokers.port import Deadline, PlacedOrder
from orderbridge.commands import Replace
from orderbridge.errors import StorageError
from orderbridge.execution.hand_books import panel_book
from orderbridge.execution.records import CommandRecord, Job, StoredJob
from orderbridge.execution.wishes import Wish
from orderbridge.strategy.goal import Ending
from orderbridge.strategy.settings import AccountSettings
from orderbridge.strategy.symbols import canonical_root, lane_of

WORK_S = 12.0
"""How long a write is worked before it is answered as open; the executor goes on with it."""
RESERVE_S = 1.0
POLL_S = 0.2
AGAIN_S = 1.0
"""How often a lane that somebody else works is tried again."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a write so far."""

    state: Literal["done", "refused", "open"]
    job: Job
    message: str = ""
    records: tuple[CommandRecord, ...] = ()

    @property
    def placed(self) -> tuple[PlacedOrder, ...]:
        """Give the orders that the write made, the one that a person would look for last."""
        made = [r for r in self.records if r.taken and r.role in ("entry", "close")]
        made.sort(key=lambda record: record.role == "entry")
        return tuple(
            order
            for record in made
            for order in record.orders
            if order.order_id and not order.refused and order.leg in ("order", "child")
        )

    @property
    def renamed(self) -> tuple[tuple[str, str], ...]:
        """Give (old, new) of orders that got another id by being changed."""
        changes = [r for r in self.records if r.taken and isinstance(r.command, Replace)]
        pairs = [
            (record.command.order_id, record.orders[0].order_id)
            for record in changes
            if isinstance(record.command, Replace) and record.orders
        ]
        return tuple((old, new) for old, new in pairs if old != new)


class Working:
    """Puts wishes in their lanes and works them."""

    def __init__(self, stage: Backstage) -> None:
        self._stage = stage
        self._clock = stage.clock

    def carry_out(
        self,
        user: str,
        account: AccountSettings,
        wish: Wish,
        symbol: str,
        request_id: str,
        fingerprint: str,
        deadline: Deadline,
    ) -> Outcome:
        """Carry out a wish, once for each `request_id` of the user at the account, and tell what became of it.

        Raises `ShownError` for a request id that was used for another request, `UnansweredError` when the store fails
        so that nobody knows whether the wish is stored, or what became of it.
        """
        root = canonical_root(symbol)
        whole = self._stage.desk(account).broker.capabilities.one_action_at_a_time
        job = Job(
            job_id=job_id_of(account, user, request_id),
            alert_id="",
            strategy=panel_book(user),
            account=account.name,
            lane=lane_of(account.name, root, whole),
            root=root,
            accepted_at_ms=self._clock.now_ms(),
            wish=wish,
            origin="panel",
        )
        stored_print, job = self._stored(job, fingerprint, deadline)
        if stored_print != fingerprint:
            raise ShownError("This requestId was used for another request already.")
        return self._work(job, deadline)

    def _stored(self, job: Job, fingerprint: str, deadline: Deadline) -> tuple[str, Job]:
        """Store the request with its job. A write that failed may have been done: it is repeated, and finds itself."""
        ends_at = deadline.remaining() - WORK_S
        while True:
            try:
                return self._stage.requests.put(job.job_id, fingerprint, job)
            except StorageError as failure:
                if deadline.remaining() - AGAIN_S <= max(ends_at, RESERVE_S):
                    raise UnansweredError from failure
            self._clock.sleep(AGAIN_S)

    def _work(self, job: Job, deadline: Deadline) -> Outcome:
        """Work the job's lane until the job has ended, is parked, or the time is up."""
        ends_at = deadline.remaining() - WORK_S
        tried_at: float | None = None
        while True:
            left = deadline.remaining()
            over = left <= max(ends_at, RESERVE_S)
            try:
                stored = self._stage.ledger.job(job.lane, job.accepted_at_ms, job.job_id)
                if over or (stored is not None and _ended(stored)):
                    return self._outcome(job, stored)
            except StorageError as failure:
                if over:
                    raise UnansweredError from failure
            if tried_at is None or tried_at - left >= AGAIN_S:
                tried_at = left
                self._try(job, deadline)
                continue
            self._clock.sleep(POLL_S)

    def _try(self, job: Job, deadline: Deadline) -> None:
        try:
            self._stage.work_lane(job.lane, Capped(deadline, WORK_S, deadline.remaining()))
        except StorageError:
            return  # the job is stored: the sweep rings for it, and the answer is that it is open

    def _outcome(self, job: Job, stored: StoredJob | None) -> Outcome:
        records = tuple(self._stage.ledger.commands(job.lane, job.job_id))
        if stored is None or not _ended(stored):
            return Outcome("open", job, stored.sentence if stored is not None else "", records)
        if stored.status == Ending.ORDERED.value or stored.status == Ending.NO_ACTION.value:
            return Outcome("done", job, stored.sentence, records)
        if stored.status == Ending.FAILED.value and stored.code == "not_found":
            return Outcome("open", job, stored.sentence, records)  # not to be seen is no proof of not having been taken
        return Outcome("refused", job, stored.sentence, records)


@dataclass(frozen=True, slots=True)
class Capped:
    """A deadline that ends after `seconds` at the latest."""

    inner: Deadline
    seconds: float
    started: float

    def remaining(self) -> float:
        left = self.inner.remaining()
        return max(0.0, min(left, self.seconds - (self.started - left)))


def _ended(stored: StoredJob) -> bool:
    return stored.status in {ending.value for ending in Ending}


def job_id_of(account: AccountSettings, user: str, request_id: str) -> str:
    """Give the id of the one job of a request: a pure function, so that repeating the request changes nothing."""
    return hashlib.sha256(f"{account.name}/{user}/{request_id}".encode()).hexdigest()[:32]


def fingerprint_of(parts: Sequence[object]) -> str:
    """Give what tells one request from another."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]
