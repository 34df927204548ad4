"""A stop whose own answer was lost: nobody may place a second one beside it, and nobody may leave it at that."""

import pytest

from orderbridge.alerts.alert import StopLoss
from orderbridge.commands import Command, ModifyPosition, Place
from orderbridge.execution.records import CommandStatus
from orderbridge.model import OrderType, PositionMode, Side
from tests.simulation.invariants.evidence import Held
from tests.simulation.invariants.judge import Judge
from tests.simulation.invariants.made import D, Made
from tests.simulation.invariants.made_entries import entered
from tests.simulation.invariants.stops import KeepsItsStop


def judged(
    broker: str,
    asked_s: float,
    status: CommandStatus = CommandStatus.NOT_FOUND,
    after_s: float = 0,
    position_id: str = "p1",
) -> bool:
    """Tell whether a holding that is bare while its stop is asked for, and afterwards, is called bare too long."""
    made = Made(broker, PositionMode.NETTING)
    judge = Judge(made, [KeepsItsStop()])
    made.step = judge.after_step
    entered(made, 2, stop_loss=StopLoss(stop_price=D(9)))
    made.hold(Held("p1", made.symbol, D(2)))
    stop: Command = Place(made.symbol, Side.SELL, D(2), "close", OrderType.STOP, stop_price=D(9))
    if broker == "tradelocker":
        stop = ModifyPosition(position_id, made.symbol, stop_loss=D(9))
    lost = made.command(made.fire("none"), stop, CommandStatus.UNKNOWN, role="stop")
    made.later(asked_s)
    made.move(lost, status)
    made.later(after_s)
    return judge.at_end() != ()


@pytest.mark.parametrize("broker", ["tradestation", "tradelocker"])
@pytest.mark.parametrize(
    ("asked_s", "after_s", "too_long"), [(60, 0, False), (60, 10, False), (60, 10.1, True), (81, 0, True)]
)
def test_stop_whose_answer_was_lost_is_asked_for_before_another_is_placed(
    broker: str, asked_s: float, after_s: float, too_long: bool
) -> None:
    assert judged(broker, asked_s, after_s=after_s) is too_long


def test_stop_of_another_position_that_was_lost_excuses_nothing() -> None:
    assert judged("tradelocker", 60, position_id="p2")
