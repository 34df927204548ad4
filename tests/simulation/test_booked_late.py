"""A request that the broker books after its caller has given up: nobody can take it back; nothing else is excused."""

import pytest

from orderbridge.execution.records import CommandStatus
from orderbridge.model import Side
from tests.simulation.invariants.base import Invariant
from tests.simulation.invariants.entries import EntersInTime
from tests.simulation.invariants.evidence import Trouble
from tests.simulation.invariants.exits import ClosesAsAsked, ReducesOnly
from tests.simulation.invariants.judge import Judge
from tests.simulation.invariants.made import Made
from tests.simulation.invariants.made_entries import entered

LATE_S = 35


def judged(made: Made, invariant: Invariant) -> Judge:
    judge = Judge(made, [invariant])
    made.step = judge.after_step
    return judge


def lost(made: Made, late: bool, early_s: float = 0) -> None:
    """Let the time go by after which a request is booked; where it is `late`, its caller gave up meanwhile."""
    if late:
        booked_ms = made.at_ms + round((LATE_S - early_s) * 1000)
        made.troubles.append(Trouble(made.at_ms, booked_ms, "late"))
    made.later(LATE_S)


@pytest.mark.parametrize(("late", "early_s", "excused"), [(True, 0, True), (True, 1, False), (False, 0, False)])
def test_close_that_was_booked_late_may_cross_what_was_closed_meanwhile(
    late: bool, early_s: float, excused: bool
) -> None:
    made = Made()
    judge = judged(made, ReducesOnly())
    entered(made, 2)
    first = made.close(made.fire("exit"), Side.SELL, 2, CommandStatus.UNKNOWN)
    second = made.close(made.fire("exit"), Side.SELL, 2)
    made.row(made.mark(second), -1, 2, 2)
    lost(made, late, early_s)
    made.row(made.mark(first), -1, 2, 2)

    assert (judge.at_end() == ()) is excused


@pytest.mark.parametrize(("late", "excused"), [(True, True), (False, False)])
def test_close_that_was_booked_late_is_none_too_many(late: bool, excused: bool) -> None:
    """It was repeated when no look had shown it."""
    made = Made()
    judge = judged(made, ClosesAsAsked())
    entered(made, 2)
    job = made.fire("exit", 1)
    first = made.close(job, Side.SELL, 1, CommandStatus.UNKNOWN)
    second = made.command(job, first.command, role="other")
    made.row(made.mark(second), -1, 1, 1)
    lost(made, late)
    made.row(made.mark(first), -1, 1, 1)

    assert (judge.at_end() == ()) is excused


@pytest.mark.parametrize(("late", "excused"), [(True, True), (False, False)])
def test_entry_that_was_sent_in_time_and_booked_late_has_not_expired(late: bool, excused: bool) -> None:
    made = Made()
    judge = judged(made, EntersInTime())
    job = made.fire("buy", 2)
    made.later(29)
    entry = made.entry(job, Side.BUY, 2)
    lost(made, late)
    made.row(made.mark(entry), 1, 2, 2)

    assert (judge.at_end() == ()) is excused
