"""Alerts become orders: each situation at both simulated brokers, judged by the broker's own book."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from orderbridge.alerts.alert import StopLoss, TakeProfit, Target
from orderbridge.model import Direction, OrderType
from tests.scenario.world import World

MakeWorld = Callable[..., World]


def bracket(world: World, side: int = 1) -> dict[str, Any]:
    """Give a stop and a target one distance away from the price."""
    price, distance = world.bench.price, world.bench.distance
    return {
        "stop_loss": StopLoss(stop_price=price - side * distance),
        "take_profit": TakeProfit(limit_price=price + side * distance),
    }


def test_market_buy_with_bracket_is_held_under_stop_and_target(make_world: MakeWorld) -> None:
    world = make_world()

    outcome = world.fire("buy", str(world.bench.unit), **bracket(world))

    assert (outcome.status, outcome.code) == ("ordered", "filled"), outcome
    assert world.held() == world.bench.unit
    exits = world.protection()
    assert exits.stop == world.bench.price - world.bench.distance
    assert exits.target == world.bench.price + world.bench.distance
    assert exits.stopped_quantity == world.bench.unit


def test_exit_of_what_is_held_leaves_flat_and_no_working_order(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit), **bracket(world))

    outcome = world.fire("exit")

    assert outcome.status == "ordered", outcome
    assert world.held() == 0
    assert world.working() == []


def test_exit_of_nothing_is_a_recorded_no_op(make_world: MakeWorld) -> None:
    world = make_world()

    outcome = world.fire("exit")

    assert outcome.status == "no_action", outcome
    assert world.bench.writes() == 0


def test_partial_exit_keeps_the_rest_under_its_stop(make_world: MakeWorld) -> None:
    world = make_world()
    half = world.bench.unit / 2
    world.fire("buy", str(world.bench.unit), **bracket(world))

    outcome = world.fire("exit", str(half))

    assert outcome.status == "ordered", outcome
    assert world.held() == half
    assert world.protection().stopped_quantity == half


def test_opposite_alert_closes_confirmed_then_enters(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit), **bracket(world))

    outcome = world.fire("sell", str(world.bench.unit * 2), seconds=20, **bracket(world, -1))

    assert outcome.status == "ordered", outcome
    assert world.held() == -world.bench.unit
    assert [record.role for record in world.commands() if record.role in ("entry", "close")] == [
        "entry",
        "close",
        "entry",
    ]
    assert world.protection().stopped_quantity == world.bench.unit


def test_same_side_again_is_refused_without_pyramiding(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))

    outcome = world.fire("buy", str(world.bench.unit))

    assert outcome.status == "refused", outcome
    assert world.held() == world.bench.unit


def test_limit_entry_works_and_cancel_takes_it_back(make_world: MakeWorld) -> None:
    world = make_world()
    limit = world.bench.price - world.bench.distance

    placed = world.fire("buy", str(world.bench.unit), order_type=OrderType.LIMIT, limit_price=limit)
    working = world.working()
    cancelled = world.fire("cancel", seconds=15)

    assert (placed.status, placed.code) == ("ordered", "working"), placed
    assert [order.limit_price for order in working] == [limit]
    assert cancelled.status == "ordered", cancelled
    assert world.working() == []


def test_cancel_leaves_the_stop_of_a_position_alone(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit), **bracket(world))

    outcome = world.fire("cancel")

    assert outcome.status == "no_action", outcome
    assert world.protection().stopped_quantity == world.bench.unit


def test_exit_does_not_touch_what_somebody_else_holds(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))
    world.bench.open_elsewhere(world.bench.unit * 3)
    world.run(15)

    outcome = world.fire("exit", seconds=15)

    assert outcome.status == "ordered", outcome
    assert world.held() == world.bench.unit * 3


def test_trim_after_the_position_was_closed_elsewhere_buys_nothing(make_world: MakeWorld) -> None:
    world = make_world()
    unit = world.bench.unit
    world.fire("sell", str(unit), target=Target(Direction.SHORT, -unit, Direction.FLAT, Decimal(0)))
    world.bench.close_elsewhere()
    world.run(15)

    outcome = world.fire("buy", str(unit / 2), target=Target(Direction.SHORT, -unit / 2, Direction.SHORT, -unit))

    assert outcome.status == "no_action", outcome
    assert world.held() == 0


def test_stop_that_fills_ends_the_holding_and_leaves_no_order(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit), **bracket(world))

    world.bench.set_price(world.bench.price - 2 * world.bench.distance)
    world.run(10)

    assert world.held() == 0
    assert world.working() == []
    assert world.state().books == () or world.state().books[0].owned == 0
    assert world.bell.bells == [], "the watch sleeps once nothing is held"


def test_stale_entry_expires_and_is_told(make_world: MakeWorld) -> None:
    world = make_world()

    outcome = world.fire("buy", str(world.bench.unit), fired_at_ms=world.clock.now_ms() - 45_000)

    assert outcome.status == "expired", outcome
    assert world.bench.writes() == 0
    assert world.notices() == [outcome.code]


def test_old_exit_is_still_carried_out(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))

    outcome = world.fire("exit", fired_at_ms=world.clock.now_ms() - 300_000)

    assert outcome.status == "ordered", outcome
    assert world.held() == 0


def test_test_alert_sends_nothing(make_world: MakeWorld) -> None:
    world = make_world()

    outcome = world.fire("buy", str(world.bench.unit), test=True)

    assert (outcome.status, outcome.code) == ("no_action", "test"), outcome
    assert world.bench.writes() == 0
