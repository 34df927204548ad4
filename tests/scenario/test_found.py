"""What the search has found (`test_search.py`), each as small as it gets."""

from collections.abc import Callable
from typing import Any

from orderbridge.alerts.alert import StopLoss
from orderbridge.model import OrderType
from tests.contract.backend import Fault
from tests.contract.tradestation import control
from tests.scenario.test_orders import bracket
from tests.scenario.world import World

MakeWorld = Callable[..., World]


def test_job_behind_a_parked_exit_does_not_ring_without_a_pause(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))
    world.bench.set_session("closed")
    world.send("exit")
    world.run(40)
    world.send("buy", str(world.bench.unit))
    before = len(world.bell.bells)
    rung: list[int] = []
    ring = world.bell.ring_lane
    world.bell.ring_lane = lambda lane, delay_s=0: rung.append(delay_s) or ring(lane, delay_s)  # type: ignore[method-assign, func-returns-value]

    world.run(3)

    assert before
    assert rung.count(0) <= 1, "each of them is rung again at once, for as long as the exit is parked"


def test_resting_entry_with_a_far_stop_does_not_close_what_is_held_without_one(make_world: MakeWorld) -> None:
    """The resting order's stop lies on the wrong side of today's price, and it is not for what is held already."""
    world = make_world({"s": {"pyramiding": 2}})
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(unit))

    resting: dict[str, Any] = {"order_type": OrderType.STOP, "stop_price": price + 2 * distance}
    world.fire("buy", str(unit), seconds=20, stop_loss=StopLoss(stop_price=price + distance), **resting)

    assert world.held() == unit
    assert "stop_refused" not in [code for code, _ in world.told]


def test_lost_stop_is_put_back_while_another_entry_rests_with_its_own(make_world: MakeWorld) -> None:
    world = make_world({"s": {"pyramiding": 2}})
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(unit), **bracket(world))
    stop = world.bench.price - distance
    limit: dict[str, Any] = {"order_type": OrderType.LIMIT, "limit_price": price - distance / 2}
    world.fire("buy", str(unit), **limit, stop_loss=StopLoss(stop_price=price - 2 * distance))

    take_stop_away(world)
    world.run(10)

    assert world.protection().stop == stop
    assert world.protection().stopped_quantity == unit


def test_later_entry_of_the_same_size_is_not_taken_for_one_that_was_given_up(make_world: MakeWorld) -> None:
    """At TradeStation both have the same fingerprint, and the later one is no longer followed once it is filled."""
    world = make_world()
    world.bench.fault(Fault.TIMEOUT_BEFORE)
    given_up = world.fire("buy", str(world.bench.unit), seconds=100)

    world.fire("buy", str(world.bench.unit))
    world.run(30)

    assert given_up.code == "not_found"
    assert world.held() == world.bench.unit
    assert "ghost_fill" not in [code for code, _ in world.told]


def take_stop_away(world: World) -> None:
    """Cancel the position's stop from another program of the same login."""
    bench = world.bench
    if world.account.broker == "tradestation":
        stop = next(o for o in bench.book().orders if o.state == "working" and o.stop_price and o.side.sign < 0)
        control(bench.sim, "trade", {"account": bench.seat.account_id, "cancel": stop.id})  # type: ignore[attr-defined]
        return
    account = bench._account()  # type: ignore[attr-defined]
    stop_id = account["positions"][0]["stopLossId"]
    control(bench.sim, "trade", {"account": int(bench.seat.account_id), "cancel": int(stop_id)})  # type: ignore[attr-defined]
