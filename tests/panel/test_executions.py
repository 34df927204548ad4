"""TradeStation lists no executions: they are the differences of what its orders have filled, each told once."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.tradestation import control
from tests.panel.conftest import PANEL_BENCHES
from tests.panel.world import PanelWorld


@pytest.fixture(params=["tradestation", "tradestation-futures"])
def world(request: pytest.FixtureRequest) -> PanelWorld:
    return PanelWorld(PANEL_BENCHES[request.param]())


def resting(world: PanelWorld, quantity: int) -> str:
    """Place a limit order that nothing fills by itself."""
    price = world.bench.price - world.bench.distance
    placed = world.place("buy", Decimal(quantity), "limit", limitPrice=price)
    world.settle()
    return str(placed.d["orderId"])


def fill(world: PanelWorld, order_id: str, quantity: int, price: Decimal) -> None:
    fill = {"fill": order_id, "quantity": str(quantity), "price": str(price)}
    control(world.inside.sim, "trade", {"account": world.inside.seat.account_id, **fill})


def fills(world: PanelWorld, **query: Any) -> list[Any]:
    return list(world.get("executions", instrument=world.bench.symbol, **query))


def prices(world: PanelWorld) -> tuple[Decimal, Decimal, Decimal]:
    low = world.bench.price - world.bench.distance
    return low, low - world.bench.distance / 10, low - world.bench.distance / 5


def test_each_partial_fill_between_polls_is_told_at_its_own_price(world: PanelWorld) -> None:
    order_id, (first, second, third) = resting(world, 9), prices(world)
    told = []
    for quantity, price in ((2, first), (3, second), (4, third)):
        fill(world, order_id, quantity, price)
        world.settle()
        told.append(fills(world))

    assert [(one["qty"], one["price"]) for one in told[2]] == [(2, float(first)), (3, float(second)), (4, float(third))]
    assert told[0] == told[2][:1]
    assert told[1] == told[2][:2]
    assert {one["orderId"] for one in told[2]} == {order_id}
    assert len({one["id"] for one in told[2]}) == 3
    assert world.orders()[order_id]["status"] == "filled"


def test_fills_that_nobody_polled_between_are_one_at_their_average(world: PanelWorld) -> None:
    order_id, (first, second, _) = resting(world, 8), prices(world)
    fill(world, order_id, 2, first)
    fill(world, order_id, 6, second)
    world.settle()

    (one,) = fills(world)

    assert (one["qty"], one["price"]) == (8, float((first * 2 + second * 6) / 8))


@pytest.mark.parametrize("lost", ["process", "snapshots"])
def test_what_was_told_stays_as_it_was_when_something_is_lost(world: PanelWorld, lost: str) -> None:
    order_id, (first, second, _) = resting(world, 5), prices(world)
    fill(world, order_id, 2, first)
    world.settle()
    before = fills(world)

    if lost == "process":
        world.restart()
    else:
        world.lose_snapshots()
    world.api = world.new_api()
    unchanged = fills(world)
    fill(world, order_id, 3, second)
    world.settle()
    after = fills(world)
    world.bench.advance(3_600_000)

    assert unchanged == before
    assert after[:1] == before
    assert [(one["qty"], one["price"]) for one in after] == [(2, float(first)), (3, float(second))]
    assert fills(world) == after
    assert sum(Decimal(str(one["qty"])) for one in after) == world.held()


def test_fills_of_the_bridges_own_exits_are_told_and_close(world: PanelWorld) -> None:
    price, distance, unit = world.bench.price, world.bench.distance, world.bench.unit
    world.place("buy", stopLoss=price - distance, takeProfit=price + distance)
    world.settle(6)
    fills(world)
    world.bench.set_price(price - distance - distance / 10)
    world.settle(6)

    entry, closing = fills(world)

    assert (entry["side"], entry["isClose"], closing["side"], closing["isClose"]) == ("buy", False, "sell", True)
    assert closing["qty"] == entry["qty"] == float(unit)
    assert closing["orderId"] in world.orders()


def test_most_recent_ones_are_given_when_a_number_is_asked_for(world: PanelWorld) -> None:
    order_id, (first, second, third) = resting(world, 6), prices(world)
    for price in (first, second, third):
        fill(world, order_id, 2, price)
        world.settle()
        fills(world)

    assert fills(world, maxCount=2) == fills(world)[1:]
    assert fills(world, maxCount=0) == []
