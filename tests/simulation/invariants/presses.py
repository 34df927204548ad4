"""Presses at the panel: what was answered stands, nothing is done twice, alerts go first, lists forget nothing."""

from collections.abc import Iterator
from decimal import Decimal

from orderbridge.strategy.goal import Ending
from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.books import AccountBook, Placed
from tests.simulation.invariants.evidence import Row, Violation
from tests.simulation.invariants.ledger import Job
from tests.simulation.invariants.pressed import Listing, Pressed
from tests.simulation.invariants.prices import looser

ZERO = Decimal(0)
FINAL = ("filled", "cancelled", "rejected")
UNDONE = (Ending.REFUSED, Ending.EXPIRED, Ending.FAILED, Ending.SUPERSEDED)
WORKED_MS = 15_000
"""A press is worked within it, and what was filled shortly before it may be booked after it."""
CLOCKS_MS = 4_100
"""How far two processes' clocks may lie apart: what was accepted within it has no order that anybody knows."""


class AnswersStand(Invariant):
    """A press answered `ok` was done or is told; one answered `error` was not done at all; none is done twice.

    A reversal may close and not open: that is an error in words, and told as well. A position's stop that a person has
    taken away is not set again, unless a press or an entry from then on asks for it.
    """

    def at_end(self, view: View) -> Iterator[Violation]:
        for number, press in enumerate(view.evidence.presses):
            ids = view.ledger.by_press.get(number, ())
            if any(job_id in view.ledger.lost_jobs for job_id in ids):
                continue  # it went with the table
            jobs = [view.ledger.jobs[job_id] for job_id in ids]
            name = f"press {number} ({press.wanted.button} {press.wanted.symbol} at {press.wanted.account})"
            if len(jobs) > 1:
                yield self.violated(view, f"{name} became {len(jobs)} jobs")
            if press.said == "error":
                yield from self._refused(view, name, press, jobs)
            elif press.said == "ok" and not jobs:
                yield self.violated(view, f"{name} was answered ok, and nothing of it was stored")
            elif press.said == "ok":
                yield from self._taken(view, name, press, jobs[0])
        for job in view.ledger.jobs.values():
            if job.origin == "panel" and view.ledger.pressed(job.job_id) is None:
                yield self.violated(view, f"{job.job_id} is a person's job, and nobody has pressed for it")

    def _refused(self, view: View, name: str, press: Pressed, jobs: list[Job]) -> Iterator[Violation]:
        for job in jobs:
            done = [one for one in _rows(view, job) if not one.row.rejected]
            if done and not (job.status == Ending.FAILED and _told(view, press, job)):
                what = f"{done[0].purpose} order {done[0].row.id}"
                text = press.replies[-1].text
                yield self.violated(view, f"{name} was answered error ({text}), and there is its {what}")

    def _taken(self, view: View, name: str, press: Pressed, job: Job) -> Iterator[Violation]:
        wanted = press.wanted
        if job.status in UNDONE and not _told(view, press, job):
            yield self.violated(view, f"{name} was answered ok and is {job.status} ({job.code}), and nobody was told")
        if job.status == Ending.ORDERED and wanted.button == "cancel":
            yield from (self.violated(view, f"{name} was done, and {stop} is set again") for stop in _back(view, press))
        if job.status != Ending.ORDERED or wanted.button != "place" or wanted.quantity is None:
            return
        asked = sum((one.row.asked for one in _rows(view, job)), ZERO)
        changed = any(one.button == "modify" for one in view.ledger.pressed_at(wanted.account, wanted.symbol, 0))
        commands = view.ledger.by_job.get(job.job_id, ())
        through = any(one.record.role in ("close", "other") for one in commands)  # what it was to close may be gone
        enough = 0 < asked <= wanted.quantity if through else asked == wanted.quantity
        if not enough and not changed:
            yield self.violated(view, f"{name} was done, and its orders are of {asked} and not of {wanted.quantity}")


def _back(view: View, press: Pressed) -> Iterator[str]:
    """Name the stops that were set on a TradeLocker position itself after a person had taken its stop away."""
    book, wanted = view.books.by_account[press.wanted.account], press.wanted
    gone = next((one.row for one in book.placed if one.row.id == wanted.aim and one.row.role == "stop"), None)
    if gone is None or not book.tradelocker:
        return
    since_ms = press.at_ms - WORKED_MS
    said = {one.stop_loss for one in view.ledger.pressed_at(wanted.account, wanted.symbol, since_ms)}
    for one in book.placed:
        row = one.row
        here = row.role == "stop" and row.position_id == gone.position_id and row.opened_ms > press.at_ms
        alone = here and not row.by_hand and not row.parent_id  # no entry has brought it
        if alone and row.stop_price not in said and not _brought(view, book, row, since_ms):
            yield f"the stop of its position at {row.stop_price}"


def _brought(view: View, book: AccountBook, stop: Row, since_ms: int) -> bool:
    """Tell whether an alert asked for a stop whose entry was filled into its position since a moment."""
    for one in book.placed:
        alert = None if one.command is None else view.ledger.fired_of(one.command)
        if one.purpose != "entry" or one.row.position_id != stop.position_id or alert is None:
            continue
        filled = any(since_ms <= fill.at_ms <= stop.opened_ms for fill in one.row.fills)
        if filled and alert.meant.stop_loss is not None and not any(looser(stop, alert.meant)):
            return True
    return False


def _rows(view: View, job: Job) -> list[Placed]:
    """Give the orders that open or close, of all commands of a job."""
    book = view.books.by_account[job.account]
    commands = view.ledger.by_job.get(job.job_id, ())
    return [one for command in commands for one in book.of_command(command) if one.purpose in ("entry", "close")]


def _told(view: View, press: Pressed, job: Job) -> bool:
    """Tell whether the end of a job was told: as a notice, or as the end of the order in the panel's list."""
    if any(str(notice["pk"]).startswith(f"NOTICE#{job.job_id}.") for notice in view.ledger.notices):
        return True
    ids = {reply.order_id for reply in press.replies if reply.order_id}
    last = [one for one in view.evidence.listings if one.account == job.account]
    return any(last[-1].statuses.get(order_id) in FINAL for order_id in ids) if last else False


class ListedToTheEnd(Invariant):
    """An order that the panel has listed keeps its id, and is listed until its end and as what it ended as.

    One whose answer was lost may stand there twice, until it is known that both are one: under the broker's id, and as
    what a person was answered.
    """

    def __init__(self) -> None:
        self._read = 0
        self._last: dict[tuple[int, str], Listing] = {}

    def after_step(self, view: View) -> Iterator[Violation]:
        fresh = view.evidence.listings[self._read :]
        self._read += len(fresh)
        for listing in fresh:
            place = (listing.browser, listing.account)
            before = self._last.get(place)
            if before is not None and listing.asked_ms < before.at_ms:
                continue  # two polls that overlapped: the older answer may come last
            restores = [one.at_ms for one in view.ledger.restores]
            if before is not None and any(before.asked_ms <= at_ms <= listing.at_ms for at_ms in restores):
                before = None  # the panel's book went back with the table
            if before is not None:
                yield from self._compared(view, before, listing)
            self._last[place] = listing

    def at_end(self, view: View) -> Iterator[Violation]:
        """In the end an order that was answered with an id is listed under it, and as what the broker has of it."""
        restored_ms = max((one.at_ms for one in view.ledger.restores), default=0)
        for press in (one for one in view.evidence.presses if one.at_ms > restored_ms):
            for order_id in {reply.order_id for reply in press.replies if reply.order_id}:
                lists = [one for one in view.evidence.listings if one.account == press.wanted.account]
                if lists and lists[-1].asked_ms > press.replies[-1].at_ms and order_id not in lists[-1].statuses:
                    yield self.violated(view, f"{order_id} was answered to a person and is not listed")

    def _compared(self, view: View, before: Listing, now: Listing) -> Iterator[Violation]:
        for order_id, status in before.statuses.items():
            later = now.statuses.get(order_id)
            if later is None and not _known_now(view, before, now, order_id):
                yield self.violated(view, f"{order_id} of {now.account} was listed as {status} and vanished")
            elif later is not None and status in FINAL and later != status:
                yield self.violated(view, f"{order_id} of {now.account} went from {status} back to {later}")


def _known_now(view: View, before: Listing, now: Listing, order_id: str) -> bool:
    """Tell whether a person's order that was awaited before, or about to be, is the one of this broker's id."""
    awaited = {shown for shown in now.statuses if before.statuses.get(shown, "placing") == "placing"}
    jobs = (job for job in view.ledger.jobs.values() if f"ob-{job.job_id[:16]}" in awaited)
    return any(one.row.id == order_id for job in jobs for one in _rows(view, job))


class AlertsBeforePresses(Invariant):
    """An alert that was accepted before a press for the same symbol has its turn first.

    One that waits itself, behind another of its strategy that is put aside for a while, does not hold a person up.
    """

    def after_step(self, view: View) -> Iterator[Violation]:
        for job in _begun(view):
            here = [one for one in view.ledger.jobs.values() if (one.account, one.root) == (job.account, job.root)]
            parked = {one.strategy for one in here if one.ended_ms is None and one.code}
            for other in here:
                waits = other.origin == "alert" and other.status == "QUEUED" and not other.code
                first = other.accepted_at_ms + CLOCKS_MS < job.accepted_at_ms
                if waits and first and other.strategy not in parked:
                    yield self.violated(view, f"{job.job_id} was begun before {other.job_id}, which had come first")


def _begun(view: View) -> Iterator[Job]:
    """Give the presses that were taken up since the last look."""
    for write in view.writes:
        job = view.ledger.jobs.get(write.key[1].rpartition("#")[2]) if write.key[1].startswith("JOB#") else None
        before, after = ((item or {}).get("status", {}).get("S") for item in (write.before, write.after))
        if job is not None and job.origin == "panel" and (before, after) == ("QUEUED", "WORKING"):
            yield job


__all__ = ["AlertsBeforePresses", "AnswersStand", "ListedToTheEnd"]
