"""What the simulation has found (`make simulate`), each as small as it gets."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from orderbridge.alerts.alert import StopLoss
from orderbridge.brokers.port import Evidence, Look
from orderbridge.commands import Cancel, ClosePosition
from orderbridge.execution.care import care_for
from orderbridge.execution.records import Book, CommandRecord, LaneState
from orderbridge.execution.submit import await_close
from orderbridge.model import Order, OrderStatus, OrderType, PositionMode, Side
from orderbridge.strategy.goal import Holding
from tests.contract.backend import Fault
from tests.contract.tradelocker import Seat
from tests.contract.tradestation import FUTURES, control
from tests.scenario.killing import Killer
from tests.scenario.test_orders import bracket
from tests.scenario.tradelocker import TradeLockerScenario
from tests.scenario.tradestation import TradeStationScenario
from tests.scenario.world import World

MakeWorld = Callable[..., World]
NETTING_SEAT = Seat(account_id="1182", account_number="3", mode=PositionMode.NETTING)


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


def test_exit_beside_a_strangers_position_closes_its_own_part_once() -> None:
    """TradeLocker's answer to a close names no order, and where fills net the position only shrinks."""
    seat = NETTING_SEAT
    world = World(TradeLockerScenario(seat=seat))
    half = world.bench.unit / 2
    world.bench.open_elsewhere(half)
    world.fire("buy", str(world.bench.unit))

    part = world.fire("exit", str(half), seconds=40)
    after_the_part = world.held()
    rest = world.fire("exit", seconds=40)

    assert (part.code, rest.code) == ("closed", "closed")
    assert after_the_part == world.bench.unit
    assert world.held() == half, "the stranger's"


def test_close_that_a_later_look_resolves_is_followed_by_the_row_that_was_not_there_before() -> None:
    """Whoever finds after a lost answer that the close was done looks at a book which shows its order already."""
    close = ClosePosition("p", "BTCUSD", Side.BUY, Decimal(3), Decimal(1))
    earlier, own = (
        Order(name, "BTCUSD", Side.SELL, OrderType.MARKET, Decimal(1), OrderStatus.FILLED, position_id="p")
        for name in ("earlier", "own")
    )
    evidence = Evidence(1_000, order_ids=("earlier",))
    record = CommandRecord("c", "a.tl", "s", "BTCUSD", 1, 0, close, "close", evidence=evidence)
    settings = replace(TradeLockerScenario().account(), position_mode=PositionMode.NETTING)
    lane: Any = SimpleNamespace(look=Look((), (earlier, own), 2_000), account=settings)

    state = await_close(lane, LaneState((Book("s", "BTCUSD", owned=Decimal(1)),)), record)

    (followed,) = state.book("s", "BTCUSD").tracked
    assert followed.lookalikes == ("earlier",)


def test_plain_order_opens_nothing_beside_a_resting_entry_of_the_other_side(make_world: MakeWorld) -> None:
    """The resting one would close what this one opens, and its stop would then open."""
    world = make_world({"s": {"action_means": "order"}})
    unit, price, distance = str(world.bench.unit), world.bench.price, world.bench.distance
    world.fire("buy", unit, order_type=OrderType.STOP, stop_price=price + distance)

    sold = world.fire("sell", unit)

    assert (sold.status, sold.code) == ("refused", "opposite_order_works")
    assert world.held() == 0


def test_stop_of_an_entry_that_only_closed_is_taken_away() -> None:
    """An entry that was filled against what is held, while it was being cancelled: its stop could only open."""
    bench = TradeStationScenario(seat=FUTURES)
    stop = Order("7", bench.symbol, Side.SELL, OrderType.STOP, bench.unit, OrderStatus.WORKING)
    short = Book("s", "MES", owned=-bench.unit, position_ids=())

    care = care_for(short, Holding(-bench.unit, -bench.unit, exits=(stop,)), bench.broker.capabilities, 0)

    assert care is not None
    assert care.commands == (("other", Cancel("7", bench.symbol)),)


def test_partial_exit_frees_whole_brackets(make_world: MakeWorld) -> None:
    """A target that stays when its stop is cancelled goes on reserving its shares, and the exit is refused for ever."""
    world = make_world({"s": {"action_means": "order", "pyramiding": 3}})
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(unit), **bracket(world))
    for nearer in (1, 2):
        stop = StopLoss(stop_price=price - distance + nearer * distance / 5)
        world.fire("buy", str(unit), stop_loss=stop)

    sold = world.fire("sell", str(2 * unit), seconds=20)

    assert (sold.status, world.held()) == ("ordered", unit)
    assert world.protection().stopped_quantity == unit


class Beside(Killer):
    """Kills nobody: does something before and after each write to the broker."""

    def __init__(self, before: Callable[[], None] = lambda: None, after: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._before = before
        self._after = after

    def around(self, name: str, call: Any) -> Any:
        if name != "send":
            return call()
        self._before()
        result = call()
        self._after()
        return result


def test_partial_exit_closes_its_part_once_while_a_resting_entry_fills(make_world: MakeWorld) -> None:
    """The entry fills before the close has shown: the holding is as large as before, and its part is closed."""
    world = make_world({"s": {"pyramiding": 2}})
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(2 * unit), seconds=20)
    world.fire("buy", str(unit), order_type=OrderType.LIMIT, limit_price=price - distance / 2)
    world.restart()
    world.killer = Beside(after=lambda: world.bench.set_price(price - distance))

    part = world.fire("exit", str(unit), seconds=40)

    assert (part.status, part.code) == ("ordered", "closed")
    assert world.held() == 2 * unit


def test_stop_of_what_is_added_does_not_wait_for_the_jobs_behind(make_world: MakeWorld) -> None:
    """What is added without a stop gets the holding's; each job may take as long as a fill needs to show."""
    world = make_world({"s": {"pyramiding": 3}})
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(unit), stop_loss=StopLoss(stop_price=price - distance), seconds=20)
    stopped: list[Decimal] = []
    world.restart()
    world.killer = Beside(before=lambda: stopped.append(world.protection().stopped_quantity / unit))

    for _ in range(2):
        world.send("buy", str(unit))
    world.run(30)

    assert stopped == [1, 1, 2, 2], "before each entry, and before each stop"
    assert world.protection().stopped_quantity == 3 * unit


def test_stop_of_a_netted_position_does_not_wait_for_the_jobs_behind() -> None:
    """The broker has refused the stop that came with the entry."""
    world = World(
        TradeLockerScenario(seat=NETTING_SEAT),
        {"s": {"pyramiding": 2}},
    )
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    refused = {"behaviour": "bracket_refused", "leg": "stopLoss", "how": "later", "times": 1, "on": "place"}
    control(world.bench.sim, "script", refused)  # type: ignore[attr-defined]
    stopped: list[Decimal] = []
    world.killer = Beside(before=lambda: stopped.append(world.protection().stopped_quantity / unit))

    world.send("buy", str(unit), stop_loss=StopLoss(stop_price=price - distance))
    world.send("buy", str(unit))
    world.run(30)

    assert stopped == [0, 0, 1], "before the entry, before its stop is put back, before the next entry"
    assert world.protection().stopped_quantity == 2 * unit


@pytest.mark.parametrize("seat", [Seat(), NETTING_SEAT], ids=["hedging", "netting"])
def test_stop_of_a_position_is_put_back_though_another_fill_does_not_show_yet(seat: Seat) -> None:
    world = World(TradeLockerScenario({"history_lag_ms": 10_000}, seat), {"s": {"pyramiding": 2}})
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(unit), stop_loss=StopLoss(stop_price=price - distance), seconds=20)
    world.send("buy", str(unit))
    world.run(2)

    take_stop_away(world)
    world.run(5)

    assert world.state().roots[0].unsettled_since_ms is not None
    assert world.protection().stop == price - distance


def test_second_exit_waits_until_the_first_is_resolved_though_the_broker_was_unreadable(make_world: MakeWorld) -> None:
    """The first is set aside while the broker cannot be read, and an exit passes what is set aside."""
    world = make_world()
    unit = world.bench.unit
    world.fire("buy", str(4 * unit), seconds=20)
    unresolved: list[int] = []
    world.restart()
    world.killer = Beside(
        before=lambda: unresolved.append(len(world.state().pending)),
        after=lambda: world.bench.read_fault(Fault.ERROR_BEFORE, 3) if len(unresolved) == 1 else None,
    )
    world.bench.fault(Fault.REPLY_LOST)

    world.send("exit", str(unit))
    world.send("exit", str(unit))
    world.run(60)

    assert unresolved == [1, 1], "each close is the only one that is unresolved while it is sent"
    assert world.held() == 2 * unit


def test_reversal_that_waits_opens_nothing_after_a_newer_exit(make_world: MakeWorld) -> None:
    """It has closed already and waits for the broker to be readable again; the exit passes it meanwhile."""
    world = make_world()
    unit = world.bench.unit
    world.fire("buy", str(unit), seconds=20)
    exits: list[str] = []

    def exit_while_unreadable() -> None:
        if not exits:
            world.bench.read_fault(Fault.ERROR_BEFORE, 3)
            exits.append(world.send("exit"))

    world.restart()
    world.killer = Beside(after=exit_while_unreadable)

    reversal = world.send("sell", str(2 * unit))
    world.run(60)

    assert (world.outcome(reversal).status, world.outcome(reversal).code) == ("superseded", "overtaken")
    assert world.outcome(exits[0]).status in ("ordered", "no_action")
    assert world.held() == 0


def resting_entry_filled(history_lag_ms: int, pyramiding: int = 1) -> World:
    """Let a resting entry fill where the order history, which alone tells whose a position is, comes late."""
    world = World(TradeLockerScenario({"history_lag_ms": history_lag_ms}), {"s": {"pyramiding": pyramiding}})
    price, distance = world.bench.price, world.bench.distance
    world.fire("buy", str(world.bench.unit), order_type=OrderType.LIMIT, limit_price=price - distance / 2)
    world.bench.set_price(price - distance)
    return world


@pytest.mark.parametrize("history_lag_ms", [10_000, 25_000])
def test_entry_that_vanished_from_the_list_has_no_second_one_beside_it(history_lag_ms: int) -> None:
    world = resting_entry_filled(history_lag_ms)

    again = world.fire("buy", str(world.bench.unit), seconds=20)

    assert (again.status, again.code) == ("refused", "same_side_held")
    assert world.held() == world.bench.unit


@pytest.mark.parametrize(("history_lag_ms", "code"), [(10_000, "working"), (25_000, "unknown_command")])
def test_nothing_is_added_until_it_shows_what_became_of_an_entry(history_lag_ms: int, code: str) -> None:
    world = resting_entry_filled(history_lag_ms, pyramiding=2)

    assert world.fire("buy", str(world.bench.unit), seconds=30).code == code


@pytest.mark.parametrize("history_lag_ms", [10_000, 25_000])
def test_exit_closes_an_entry_that_vanished_from_the_list_and_had_filled(history_lag_ms: int) -> None:
    world = resting_entry_filled(history_lag_ms)

    exited = world.fire("exit", seconds=40)

    assert (exited.status, exited.code) == ("ordered", "closed")
    assert world.held() == 0


class Slow:
    """A broker whose positions take a while to read, as under a quota that several share."""

    def __init__(self, broker: Any, world: World) -> None:
        self._broker = broker
        self._world = world
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def positions(self, *arguments: Any) -> Any:
        self._world.clock.sleep(2)
        self.reads += 1
        return self._broker.positions(*arguments)


def test_alert_is_carried_out_by_the_look_that_it_was_decided_on_however_long_that_took(
    make_world: MakeWorld,
) -> None:
    """Another look would cost another wait, and what fills meanwhile would not be closed before the entry."""
    world = make_world()
    slow: Any = Slow(world.bench.new_broker(), world)
    looks: list[int] = []
    world.bench.new_broker = lambda: slow  # type: ignore[method-assign]
    world.killer = Beside(before=lambda: looks.append(slow.reads))

    world.send("buy", str(world.bench.unit))
    world.run(20)

    assert looks == [1]
    assert world.held() == world.bench.unit


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
