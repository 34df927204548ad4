"""An order of unknown outcome while other alerts of its lane wait: it holds them up no longer than it must."""

import pytest

from orderbridge.model import Side
from tests.contract.tradestation import FUTURES
from tests.scenario.test_decisions import lose, say
from tests.scenario.tradestation import TradeStationScenario
from tests.scenario.world import World


@pytest.fixture
def twins() -> tuple[World, str]:
    """Give a long unit and the id of a second unit's command, which nobody can tell from a stranger's."""
    world = World(TradeStationScenario(seat=FUTURES), {"s": {"pyramiding": 2, "entry_max_age_ms": 600_000}})
    world.fire("buy", str(world.bench.unit))
    _, record = lose(world, booked=True)
    world.bench.open_elsewhere(world.bench.unit)
    world.run(10)
    assert "ambiguous" in [code for code, _ in world.told]
    return world, record.command_id


def test_exit_does_not_wait_for_an_order_that_a_person_has_to_decide(twins: tuple[World, str]) -> None:
    world, _ = twins
    began_ms = world.clock.now_ms()

    exit_id = world.send("exit")
    world.run(20)

    assert world.outcome(exit_id).status == "ordered"
    assert world.clock.now_ms() - began_ms == 20_000, "no worker stands still for longer"
    assert world.held() == 2 * world.bench.unit, "the unknown one and the stranger's"


def test_order_that_an_exit_has_overtaken_is_closed_once_when_a_person_says_that_it_was_placed(
    twins: tuple[World, str],
) -> None:
    world, command_id = twins
    world.send("exit")
    world.run(20)
    mine = [o.id for o in world.bench.book().orders if o.side is Side.BUY and o.state == "filled"][1]

    say(world, command_id, "placed", mine)
    world.run(30)

    assert world.held() == world.bench.unit, "the stranger's"
    assert world.state().book("s", world.root()).owned == 0
