"""Bring a ledger that lost some time (a table restored from a backup) together with the broker. Sends nothing.

    an open job of before the restore   ends as failed: it may have been worked in the lost time, so it never is again
    a pending command                   is asked for; what the broker shows is booked
    an order that no command knows      ours by its mark, or closing what one strategy owns: becomes that strategy's
                                        ours or not, whose it is: a person says (adopt it, or leave it alone)
    a holding that nothing explains     a person says to take the broker's report

What is adopted is written as a command of its own, so that no other one is ever taken for it, and an alert that comes
again finds the holding that it asks for.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from orderbridge.brokers.port import Ambiguous, Done, Evidence, Look
from orderbridge.execution.adoption import (
    RESTORED,
    ZERO,
    Adoption,
    Answers,
    Closers,
    LaneReport,
    Lost,
    nobody,
)
from orderbridge.execution.bookkeeping import observe
from orderbridge.execution.decisions import Owners
from orderbridge.execution.evidence import find
from orderbridge.execution.held import held_of
from orderbridge.execution.looks import DEFAULT_HISTORY_MS, HISTORY_MARGIN_MS, history_since
from orderbridge.execution.records import CommandStatus, LaneState, RootState, StoredJob
from orderbridge.execution.resolve import move, named, with_claims
from orderbridge.execution.session import LaneSession
from orderbridge.model import Order, PositionMode
from orderbridge.strategy.goal import End, Ending

ENDED = (
    "The table was restored from a backup: this alert may have been worked in the time that it does not know of, "
    "so it is not worked again. Please check the account."
)


def look_back(lane: LaneSession, lost: Lost) -> Look:
    """Read the account now, back to before the lost time. Raises `BrokerReadError`."""
    pending = [pending.since_ms for pending in lane.state.pending]
    tracked = [order.placed_at_ms for book in lane.state.books for order in book.tracked]
    since_ms = min([lost.since_ms - HISTORY_MARGIN_MS, *(one - HISTORY_MARGIN_MS for one in pending)])
    since_ms = min(since_ms, history_since(lane.clock.now_ms(), min(tracked, default=None)))
    return lane.looks.get(lane.deadline, since_ms - since_ms % DEFAULT_HISTORY_MS, lane.looks.after_now(), 0)


def reconcile(
    lane: LaneSession,
    look: Look,
    lost: Lost,
    strategies: Sequence[str],
    ours: Callable[[Order], bool],
    owners: Owners,
    answers: Answers,
    closers: Closers = nobody,
) -> LaneReport:
    """Bring one lane together, under its fence; `strategies` are those that may trade it. May be repeated."""
    report = LaneReport(lane.fence.lane)
    _end_jobs(lane, lost, report)
    _ask_pending(lane, look, report)
    worker = Adoption(lane, look, lost, strategies, ours, owners, answers, report, closers)
    worker.adopt_all()
    _compare(lane, look, answers, report)
    return report


def _end_jobs(lane: LaneSession, lost: Lost, report: LaneReport) -> None:
    now_ms = lane.clock.now_ms()
    for stored in lane.store.inbox(lane.fence.lane):
        if stored.job.accepted_at_ms >= lost.restored_at_ms:
            continue
        _close_unsent(lane, stored, now_ms)
        lane.store.end_job(lane.fence, stored, End(Ending.FAILED, RESTORED, ENDED), now_ms, tell=True)
        report.ended.append(stored.job.job_id)


def _close_unsent(lane: LaneSession, stored: StoredJob, now_ms: int) -> None:
    message = "the table was restored; it may have been sent in the lost time"
    for _, records in lane.store.plans(lane.fence.lane, stored.job.job_id):
        for record in records:
            if record.status is CommandStatus.NEW:
                halted = replace(
                    record, status=CommandStatus.HALTED, code=RESTORED, message=message, changed_at_ms=now_ms
                )
                lane.store.finish(lane.fence, halted, CommandStatus.NEW, lane.state)


def _ask_pending(lane: LaneSession, look: Look, report: LaneReport) -> None:
    for pending in lane.state.pending:
        record = lane.store.command(lane.fence.lane, pending.command_id)
        if record.status is CommandStatus.SENDING:
            record = move(lane, record, CommandStatus.UNKNOWN, "unknown", "the sender did not come back", None)
        evidence = with_claims(lane.state, record.evidence or Evidence(record.sent_at_ms))
        resolution = find(lane.broker, record, evidence, look).resolution
        if isinstance(resolution, Done):
            move(lane, record, CommandStatus.ACCEPTED, "found", "found at the broker", resolution)
            report.resolved.append(f"{named(record)} was placed")
        elif isinstance(resolution, Ambiguous):
            report.questions.append(
                f"{named(record)} could be order {' or '.join(resolution.order_ids)}: "
                f"orderbridge resolve {record.command_id}"
            )


def _compare(lane: LaneSession, look: Look, answers: Answers, report: LaneReport) -> None:
    """Compare the holdings, and keep what the look explains."""
    state = replace(lane.state, roots=tuple(RootState(root.root, root.baseline) for root in lane.state.roots))
    if lane.account.position_mode is PositionMode.NETTING:
        state = _explained(lane, state, look, answers, report)
    if report.questions:
        return  # what is written now would hide from the next run what is still open
    observed = observe(state, look, lane.clock.now_ms(), lane.account.position_mode).state
    if observed != lane.state:
        lane.store.save_state(lane.fence, observed)
        lane.state = observed


def _explained(
    lane: LaneSession, state: LaneState, look: Look, answers: Answers, report: LaneReport
) -> LaneState:
    orders = {order.id: order for order in look.orders}
    roots: list[RootState] = []
    account = lane.account.name
    for name in sorted({book.root for book in state.books} | {root.root for root in state.roots}):
        fills = sum(
            (
                (orders[one.order_id].filled_quantity - one.booked) * one.side.sign
                for book in state.books
                for one in book.tracked
                if book.root == name and one.order_id in orders
            ),
            ZERO,
        )
        reported = held_of(look.positions, name)
        explained = state.root(name).baseline + fills
        pending = any(one.root == name for one in state.pending)
        if reported != explained and not pending and f"{account}#{name}" not in answers.take:
            report.questions.append(
                f"{name}: the broker reports {reported}, ledger and orders explain {explained}: "
                f"--take {account}#{name} if the broker's report is right"
            )
        roots.append(RootState(name, reported - fills if not pending else state.root(name).baseline))
    return replace(state, roots=tuple(roots))
