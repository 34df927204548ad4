"""A stop whose own answer was lost: nobody may place a second one beside it, and nobody may leave it at that."""

from typing import Any

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


def judged(broker: str, asked_s: float, after_s: float = 0, role: Any = "stop") -> bool:
    """Tell whether a holding that is bare while its stop is asked for, and afterwards, is called bare too long."""
    made = Made(broker, PositionMode.NETTING)
    judge = Judge(made, [KeepsItsStop()])
    made.step = judge.after_step
    entered(made, 2, stop_loss=StopLoss(stop_price=D(9)))
    made.hold(Held("p1", made.symbol, D(2)))
    stop: Command = Place(made.symbol, Side.SELL, D(2), "close", OrderType.STOP, stop_price=D(9))
    if broker == "tradelocker":
        stop = ModifyPosition("p1", made.symbol, stop_loss=D(9))
    lost = made.command(made.fire("none"), stop, CommandStatus.UNKNOWN, role=role)
    made.later(asked_s)
    made.move(lost, CommandStatus.NOT_FOUND)
    made.later(after_s)
    return judge.at_end() != ()


@pytest.mark.parametrize(
    ("asked_s", "after_s", "too_long"), [(60, 0, False), (60, 10, False), (60, 10.1, True), (81, 0, True)]
)
def test_stop_order_whose_answer_was_lost_is_asked_for_before_another_is_placed(
    asked_s: float, after_s: float, too_long: bool
) -> None:
    assert judged("tradestation", asked_s, after_s) is too_long


def test_lost_order_of_another_kind_excuses_nothing() -> None:
    assert judged("tradestation", 60, role="other")


@pytest.mark.parametrize(("asked_s", "too_long"), [(10, False), (11, True)])
def test_price_of_a_position_s_stop_may_be_set_twice(asked_s: float, too_long: bool) -> None:
    assert judged("tradelocker", asked_s) is too_long
