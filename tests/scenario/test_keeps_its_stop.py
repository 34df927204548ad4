"""What is held gets its stop back while the lane's work waits for something else (TRADING.md rules 15 and 18)."""

from collections.abc import Callable

import pytest

from orderbridge.alerts.alert import StopLoss
from orderbridge.commands import Bracket, Place
from orderbridge.execution.records import CommandStatus
from orderbridge.execution.wishes import PlaceOrder
from orderbridge.model import OrderType, PositionMode, Side
from tests.contract.backend import Fault
from tests.contract.tradelocker import Seat
from tests.contract.tradestation import EQUITIES, FUTURES
from tests.contract.tradestation import Seat as StationSeat
from tests.scenario.test_decisions import lose, unknown
from tests.scenario.test_found import Beside, take_stop_away
from tests.scenario.test_gone import press
from tests.scenario.tradelocker import TradeLockerScenario
from tests.scenario.tradestation import TradeStationScenario
from tests.scenario.world import World

NETTING = Seat(account_id="1182", account_number="3", mode=PositionMode.NETTING)
LATE_MS = 5_000
MakeWorld = Callable[..., World]
ADDING = {"s": {"pyramiding": 3, "entry_max_age_ms": 600_000}}


@pytest.mark.parametrize("seat", [Seat(), NETTING], ids=["hedging", "netting"])
def test_stop_is_put_back_while_a_cancel_does_not_show_yet(seat: Seat) -> None:
    world = World(TradeLockerScenario({"visibility_lag_ms": LATE_MS}, seat), ADDING)
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(unit), seconds=30, stop_loss=StopLoss(stop_price=price - distance))
    world.fire("buy", str(unit), seconds=20, order_type=OrderType.LIMIT, limit_price=price - distance / 2)
    world.restart()
    world.killer = Beside(before=lambda: take_stop_away(world) if world.protection().stop is not None else None)

    world.send("cancel")
    world.run(30)

    cancelled, put_back = world.commands()[-2:]
    assert (cancelled.command.kind, put_back.command.kind) == ("cancel", "modify_position")
    assert put_back.sent_at_ms - cancelled.sent_at_ms < LATE_MS, "the stop does not wait until the cancel shows"
    assert world.protection().stop == price - distance


@pytest.mark.parametrize("seat", [Seat(), NETTING], ids=["hedging", "netting"])
def test_stop_is_put_back_while_the_fill_of_another_symbol_does_not_show_yet(seat: Seat) -> None:
    """TradeLocker takes one trade action of an account at a time: all its symbols are one lane."""
    world = World(TradeLockerScenario({"visibility_lag_ms": LATE_MS}, seat), ADDING)
    price, distance = world.bench.price, world.bench.distance
    world.fire("buy", str(world.bench.unit), seconds=30, stop_loss=StopLoss(stop_price=price - distance))
    world.restart()
    world.killer = Beside(before=lambda: take_stop_away(world) if world.protection().stop is not None else None)

    world.send("buy", "0.10", symbol="EURUSD")
    world.run(30)

    entered, put_back = world.commands()[-2:]
    assert (entered.root, entered.role, put_back.command.kind) == ("EURUSD", "entry", "modify_position")
    assert put_back.sent_at_ms - entered.sent_at_ms < LATE_MS, "the stop does not wait until the fill shows"
    assert world.protection().stop == price - distance


@pytest.mark.parametrize("seat", [Seat(), NETTING], ids=["hedging", "netting"])
def test_price_of_a_stop_is_set_again_at_once_where_it_is_not_known_whether_it_was_set(seat: Seat) -> None:
    world = World(TradeLockerScenario(seat=seat))
    price, distance = world.bench.price, world.bench.distance
    world.fire("buy", str(world.bench.unit), seconds=20, stop_loss=StopLoss(stop_price=price - distance))
    world.bench.fault(Fault.RESET_BEFORE)

    take_stop_away(world)
    world.run(8)

    assert [record.status for record in world.commands()[-2:]] == [CommandStatus.ACCEPTED, CommandStatus.ACCEPTED]
    assert world.protection().stop == price - distance


def test_stop_order_of_unknown_outcome_has_no_second_one_until_it_is_known() -> None:
    """Both could fill: it is asked for a minute whether the first was booked, as for every order."""
    world = World(TradeStationScenario(seat=FUTURES))
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(unit), seconds=20, stop_loss=StopLoss(stop_price=price - distance))
    world.bench.fault(Fault.RESET_BEFORE)

    take_stop_away(world)
    world.run(50)

    assert world.commands()[-1].status is CommandStatus.UNKNOWN
    world.run(30)
    assert world.protection().stopped_quantity == unit
    assert "not_found" in [code for code, _ in world.told]


@pytest.mark.parametrize("seat", [EQUITIES, FUTURES], ids=["shares", "futures"])
def test_stop_is_put_back_while_a_person_has_to_say_which_order_an_entry_is(seat: StationSeat) -> None:
    world = World(TradeStationScenario(seat=seat), ADDING)
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.fire("buy", str(2 * unit), seconds=20, stop_loss=StopLoss(stop_price=price - distance))
    _, entry = lose(world, booked=True, for_ms=0)
    world.bench.open_elsewhere(unit)
    world.run(90)

    take_stop_away(world)
    world.run(8)

    assert unknown(world, "entry").command_id == entry.command_id
    assert unknown(world, "entry").status is CommandStatus.UNKNOWN
    assert world.protection().stop == price - distance
    assert world.protection().stopped_quantity == 2 * unit, "what it may have opened is not known to be the strategy's"


def test_person_keeps_the_stop_beside_a_limit_that_closes_far_away() -> None:
    world = World(TradeStationScenario(seat=FUTURES))
    symbol, unit, price, distance = world.bench.symbol, world.bench.unit, world.bench.price, world.bench.distance
    far = price + 3 * distance
    press(world, PlaceOrder(Place(symbol, Side.BUY, unit, "open", bracket=Bracket(stop_loss=price - distance))))

    press(world, PlaceOrder(Place(symbol, Side.SELL, unit, "open", OrderType.LIMIT, limit_price=far)))
    world.run(20)

    assert (world.protection().stop, world.protection().target) == (price - distance, far)
    world.bench.set_price(far + distance)
    world.run(8)
    assert world.held() == 0
    assert not [order for order in world.bench.book().orders if order.state == "working"]


def test_exit_does_not_wait_in_line_until_it_is_known_what_became_of_an_entry(make_world: MakeWorld) -> None:
    """Whoever asks for the entry holds the lane meanwhile, and would do so for a minute (TRADING.md rule 13)."""
    world = make_world(ADDING)
    world.fire("buy", str(world.bench.unit), seconds=20)
    world.bench.fault(Fault.RESET_BEFORE)

    world.send("buy", str(world.bench.unit))
    exited = world.send("exit")
    world.run(70)

    sent = {record.status: record.sent_at_ms for record in world.commands() if record.job_id[:4] != "a001"}
    waited_ms = sent[CommandStatus.ACCEPTED] - sent[CommandStatus.NOT_FOUND]
    assert waited_ms < 15_000, "the exit goes ahead while the entry is asked for"
    assert world.outcome(exited).status == "ordered"
    assert world.held() == 0


@pytest.mark.parametrize("seat", [EQUITIES, FUTURES], ids=["shares", "futures"])
def test_part_of_an_entry_has_its_stop_while_the_entry_s_fill_is_awaited(seat: StationSeat) -> None:
    """The broker releases the entry's own stop only once all of it has filled (TRADING.md rule 16)."""
    world = World(TradeStationScenario(seat=seat))
    unit, price, distance = world.bench.unit, world.bench.price, world.bench.distance
    world.bench.fill_at_most(unit)

    world.fire("buy", str(3 * unit), seconds=20, stop_loss=StopLoss(stop_price=price - distance))

    entry, placed = (next(r for r in world.commands() if r.role == role) for role in ("entry", "stop"))
    assert placed.sent_at_ms - entry.sent_at_ms < 5_000
    assert (world.protection().stop, world.protection().stopped_quantity) == (price - distance, unit)
