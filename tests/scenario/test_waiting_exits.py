"""The stop and target of an entry that rests, at a broker that lists them as open before anything is filled."""

import pytest

from orderbridge.model import OrderType
from tests.contract.tradestation import EQUITIES, FUTURES, Seat
from tests.scenario.test_orders import bracket
from tests.scenario.tradestation import TradeStationScenario
from tests.scenario.world import World


@pytest.mark.parametrize("seat", [EQUITIES, FUTURES], ids=["shares", "futures"])
def test_stop_of_a_holding_stands_beside_that_of_a_resting_entry(seat: Seat) -> None:
    world = World(TradeStationScenario({"waiting_child_status": "OPN"}, seat), {"s": {"pyramiding": 2}})
    unit, below = world.bench.unit, world.bench.price - world.bench.distance / 2
    world.fire("buy", str(unit), **bracket(world))
    outcome = world.fire("buy", str(unit), order_type=OrderType.LIMIT, limit_price=below, **bracket(world))

    world.run(15)

    assert outcome.code == "working"
    assert world.held() == unit
    assert world.protection().stopped_quantity == unit
    world.bench.set_price(below - world.bench.distance / 10)
    world.run(15)
    assert (world.held(), world.protection().stopped_quantity) == (unit * 2, unit * 2)
