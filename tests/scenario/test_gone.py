"""A netted position that goes by an order which the ledger does not follow, while an order of ours rests."""

from decimal import Decimal
from itertools import count

import pytest

from orderbridge.alerts.alert import StopLoss
from orderbridge.commands import Place
from orderbridge.execution.records import Job
from orderbridge.execution.wishes import PlaceOrder, Wish
from orderbridge.model import OrderType, PositionMode, Side
from tests.contract.tradelocker import Seat
from tests.scenario.tradelocker import TradeLockerScenario
from tests.scenario.world import World

ANN = "panel:ann"
NETTING = Seat(account_id="1182", account_number="3", mode=PositionMode.NETTING)
PRESSES = count(1)


@pytest.fixture
def world() -> World:
    sharing = {"trend": {"shares_symbol": True}, "turn": {"shares_symbol": True}}
    return World(TradeLockerScenario(seat=NETTING), sharing)


def press(world: World, wish: Wish) -> None:
    name, root, now_ms = f"press-{next(PRESSES)}", world.root(), world.clock.now_ms()
    world.put(Job(name, "", ANN, world.account.name, world.lane(), root, now_ms, wish=wish, origin="panel"))
    world.run(8)


def owned(world: World, strategy: str) -> Decimal:
    return world.state().book(strategy, world.root()).owned


def test_entry_that_opens_the_other_side_as_the_stop_fires_is_its_strategys(world: World) -> None:
    """Both are crossed between two looks: only the entry's order is followed, the stop is the position's own."""
    unit, price, away = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("sell", str(unit), "turn", order_type=OrderType.STOP, stop_price=price - away)
    world.fire("buy", str(unit), "trend", stop_loss=StopLoss(stop_price=price - away / 2))

    world.bench.set_price(price - away * 3 / 4)
    world.bench.set_price(price - away * 2)
    world.run(30)

    assert world.held() == -unit
    assert (owned(world, "trend"), owned(world, "turn")) == (Decimal(0), -unit)
    assert world.fire("exit", strategy="turn", seconds=20).status == "ordered"
    assert world.held() == 0


def test_entry_that_fills_soon_after_the_stop_has_fired_is_its_strategys(world: World) -> None:
    unit, price, away = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("sell", str(unit), "turn", order_type=OrderType.STOP, stop_price=price - away)
    world.fire("buy", str(unit), "trend", stop_loss=StopLoss(stop_price=price - away / 2))

    world.bench.set_price(price - away * 3 / 4)
    world.run(5)
    world.bench.set_price(price - away * 2)
    world.run(30)

    assert world.held() == -unit
    assert (owned(world, "trend"), owned(world, "turn")) == (Decimal(0), -unit)


@pytest.mark.parametrize("lag_ms", [0, 10_000])
def test_what_a_stranger_opens_as_the_stop_fires_is_left_alone(lag_ms: int) -> None:
    """The stranger held something before as well: the other position has an id of its own."""
    world = World(TradeLockerScenario({"history_lag_ms": lag_ms}, seat=NETTING))
    unit, price, away = world.bench.unit, world.bench.price, world.bench.distance
    world.bench.open_elsewhere(unit)
    world.fire("buy", str(unit * 3), stop_loss=StopLoss(stop_price=price - away), seconds=2)

    world.bench.set_price(price - away * 2)
    world.bench.open_elsewhere(unit)
    world.run(40)

    assert (world.held(), owned(world, "s")) == (unit, Decimal(0))
    assert world.fire("exit", seconds=20).status == "no_action"
    assert world.held() == unit


@pytest.mark.parametrize("lag_ms", [0, 10_000])
def test_entry_that_fills_after_the_stop_is_its_strategys_without_what_a_stranger_adds(lag_ms: int) -> None:
    """One entry fills with the stop, and shows as late as that; another opens a position that a stranger adds to."""
    world = World(TradeLockerScenario({"history_lag_ms": lag_ms}, seat=NETTING), {"s": {"pyramiding": 3}})
    unit, price, away = world.bench.unit, world.bench.price, world.bench.distance
    far = StopLoss(stop_price=price - away * 5)

    def rest(limit: Decimal, stop: StopLoss | None = None) -> None:
        world.fire("buy", str(unit), order_type=OrderType.LIMIT, limit_price=limit, stop_loss=stop, seconds=20)

    rest(price - away / 2)
    world.fire("buy", str(unit * 3), stop_loss=StopLoss(stop_price=price - away), seconds=20)
    rest(price - away * 2, far)

    world.bench.set_price(price - away * 3 / 2)
    world.run(14)
    world.bench.set_price(price - away * 3)
    world.run(15)
    world.bench.open_elsewhere(unit)
    world.run(40)

    assert (world.held(), owned(world, "s")) == (unit * 2, unit)
    assert world.fire("exit", seconds=40).status == "ordered"
    assert world.held() == unit


def test_order_through_a_position_while_another_rests_leaves_its_rest_to_the_person(world: World) -> None:
    """The position is closed by its id before the rest is opened: no order of ours says so."""
    symbol, unit, above = world.bench.symbol, world.bench.unit, world.bench.price + world.bench.distance
    world.fire("buy", str(unit), "turn", order_type=OrderType.STOP, stop_price=above)
    press(world, PlaceOrder(Place(symbol, Side.SELL, unit, "open")))

    press(world, PlaceOrder(Place(symbol, Side.BUY, unit * 3, "open")))
    world.run(20)

    assert world.held() == unit * 2
    assert owned(world, ANN) == unit * 2


@pytest.mark.parametrize("times", [Decimal("0.5"), Decimal(1)])
def test_what_a_stranger_opens_after_the_stop_has_fired_is_left_alone(world: World, times: Decimal) -> None:
    """The same symbol and side, between two looks: only the position's id tells that it is another one."""
    unit, price, away = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(unit), "trend", stop_loss=StopLoss(stop_price=price - away / 2))

    world.bench.set_price(price - away)
    world.bench.open_elsewhere(unit * times)
    world.run(30)

    assert owned(world, "trend") == 0
    assert world.fire("exit", strategy="trend", seconds=20).status == "no_action"
    assert world.held() == unit * times
