"""A person trades what a strategy holds too: where fills net, both have a part of one position."""

from typing import Any

import pytest

from tests.panel.conftest import PANEL_BENCHES, MakePanel
from tests.panel.world import PanelWorld
from tests.scenario.test_orders import bracket


@pytest.fixture(params=["tradestation", "tradestation-futures"])
def shared(request: pytest.FixtureRequest) -> PanelWorld:
    """Give a world whose strategy is short two units under a stop and a target, each an order of its own."""
    world = PanelWorld(PANEL_BENCHES[request.param](), {"s": {}})
    world.fire("sell", str(world.bench.unit * 2), **bracket(world, -1))
    world.settle(3)
    return world


def exits(world: PanelWorld) -> dict[str, Any]:
    """Give what works to buy, by id, with its quantity."""
    return {order.id: order.quantity for order in world.working() if order.side.sign > 0}


def sell_beside(world: PanelWorld) -> None:
    """Sell a unit by hand, under a stop and a target of its own."""
    price, distance = world.bench.price, world.bench.distance
    assert world.place("sell", stopLoss=price + 2 * distance, takeProfit=price - 2 * distance).ok
    world.settle(5)


def test_part_that_a_person_closes_takes_the_persons_own_exits_away(shared: PanelWorld) -> None:
    strategys = exits(shared)
    sell_beside(shared)
    (position,) = shared.positions()

    assert shared.ask("DELETE", shared.own(f"positions/{position['id']}"), {"amount": shared.bench.unit}).ok
    shared.settle(10)

    assert shared.held() == -2 * shared.bench.unit
    assert exits(shared) == strategys, "the strategy's were never touched"


def test_exits_of_a_persons_part_that_is_gone_are_taken_away_beside_a_resting_order(shared: PanelWorld) -> None:
    strategys = exits(shared)
    price, distance, unit = shared.bench.price, shared.bench.distance, shared.bench.unit
    sell_beside(shared)
    assert shared.place("sell", unit, "limit", limitPrice=price + distance / 2).ok
    shared.settle(3)

    shared.bench.close_elsewhere()
    shared.settle(10)

    assert strategys
    assert exits(shared) == {}
    assert [order.side.sign for order in shared.working()] == [-1], "the resting order itself stays"


def test_resting_order_that_closes_what_a_strategy_holds_works_until_that_is_closed(make_netting: MakePanel) -> None:
    world = make_netting({"s": {}})
    unit = world.bench.unit
    world.fire("buy", str(unit * 2))
    placed = world.place("sell", unit, "limit", limitPrice=world.bench.price + world.bench.distance)
    world.settle(20)
    assert placed.ok
    assert world.orders()[placed.d["orderId"]]["status"] == "working"

    world.fire("exit", seconds=20)

    assert world.held() == 0
    assert world.working() == []
    assert world.orders()[placed.d["orderId"]]["status"] == "cancelled"
