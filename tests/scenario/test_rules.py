"""TRADING.md rule by rule, where a rule is about what happens at the broker; deciding alone is tests/unit/strategy."""

import itertools
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from orderbridge.alerts.alert import Target
from orderbridge.brokers.port import Broker, Deadline, Outcome
from orderbridge.commands import Cancel, ClosePosition, Command, Place, Replace
from orderbridge.execution.records import CommandStatus
from orderbridge.model import Direction, OrderType, Position, PositionMode
from orderbridge.storage import keys
from orderbridge.storage.items import marshal
from tests.contract.backend import Fault
from tests.contract.tradelocker import Seat
from tests.scenario.killing import KilledError, Killer
from tests.scenario.test_orders import bracket
from tests.scenario.tradelocker import TradeLockerScenario
from tests.scenario.world import TABLE, World

MakeWorld = Callable[..., World]


def halt(world: World, scope: str, blocks: str) -> None:
    item = {**keys.control(scope), "blocks": blocks, "scope": scope}
    world.client.put_item(TableName=TABLE, Item=marshal(item))


# ---- 1-3: what is held


def test_rule_1_entry_right_after_a_late_fill_counts_it(make_world: MakeWorld) -> None:
    """A fill that does not show yet is held all the same: the second entry is refused, not doubled."""
    world = make_world()
    world.bench.hide_from_reads(4_000)

    first = world.send("buy", str(world.bench.unit))
    second = world.send("buy", str(world.bench.unit))
    world.run(30)

    assert world.held() == world.bench.unit
    assert sorted([world.outcome(first).status, world.outcome(second).status]) == ["ordered", "refused"]


def test_rule_2_account_that_does_not_net_as_set_takes_no_entries() -> None:
    world = World(TradeLockerScenario(seat=Seat(mode=PositionMode.NETTING)))
    world.bench.open_elsewhere(world.bench.unit)
    world.bench.open_elsewhere(world.bench.unit)
    world.run(15)

    outcome = world.fire("buy", str(world.bench.unit), seconds=15)

    assert (outcome.status, outcome.code) == ("refused", "position_mode"), outcome
    assert world.held() == world.bench.unit * 2


def test_rule_3_two_strategies_each_close_their_own(make_world: MakeWorld) -> None:
    world = make_world({"a": {"shares_symbol": True}, "b": {"shares_symbol": True}})
    unit = world.bench.unit
    world.fire("buy", str(unit), "a")
    world.fire("buy", str(unit * 2), "b")

    outcome = world.fire("exit", None, "a", seconds=15)

    assert outcome.status == "ordered", outcome
    assert world.held() == unit * 2


# ---- 7: the chain


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_rule_7_every_arrival_order_of_a_chain_ends_the_same(make_world: MakeWorld, order: tuple[int, ...]) -> None:
    world = make_world({"s": {"pyramiding": 3}})
    unit, zero = world.bench.unit, Decimal(0)
    now_ms = world.clock.now_ms()
    links = [
        ("buy", unit, Target(Direction.LONG, unit, Direction.FLAT, zero)),
        ("sell", unit * 2, Target(Direction.SHORT, -unit, Direction.LONG, unit)),
        ("buy", unit, Target(Direction.FLAT, zero, Direction.SHORT, -unit)),
    ]

    alert_ids = [
        world.send(links[at][0], str(links[at][1]), target=links[at][2], fired_at_ms=now_ms) for at in order
    ]
    world.run(60)

    assert world.held() == 0
    assert {world.outcome(alert_id).status for alert_id in alert_ids} <= {"ordered", "superseded", "no_action"}


# ---- 9, 12, 13: exits and unknowns


def test_rule_12_close_refused_while_the_market_is_closed_is_done_at_the_open(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit), **bracket(world))
    world.bench.set_session("closed")

    alert_id = world.send("exit")
    world.run(40)
    waiting = world.outcome(alert_id).status
    world.bench.set_session("open")
    world.run(60)

    assert waiting == "accepted"
    assert world.outcome(alert_id).status == "ordered"
    assert world.held() == 0
    assert world.working() == []


def test_close_that_rests_in_a_closed_market_does_not_use_up_the_quota_of_reads(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))
    world.bench.set_session("closed")
    world.bench.reset_reads()

    alert_id = world.send("exit")
    world.run(300)

    assert world.outcome(alert_id).status == "accepted"
    assert world.bench.reads("orders") < 240, "TradeStation allows 320 in five minutes"


def test_rule_15_a_refused_close_puts_the_stop_back(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit), **bracket(world))
    world.bench.set_session("closed")

    world.send("exit")
    world.run(20)
    world.bench.set_session("open")
    world.bench.set_price(world.bench.price - 2 * world.bench.distance)
    world.run(30)

    assert world.held() == 0, "the stop, or the close that is planned afresh, has ended it"


def test_rule_13_exit_goes_ahead_while_an_entry_is_unknown(make_world: MakeWorld) -> None:
    """The entry's answer is lost and the broker shows it late: after the exit nothing is left of it."""
    world = make_world()
    world.bench.hide_from_reads(25_000)
    world.bench.fault(Fault.REPLY_LOST)

    entry = world.send("buy", str(world.bench.unit))
    world.run(3)
    world.send("exit")
    world.run(120)

    assert world.held() == 0
    assert world.outcome(entry).status in ("ordered", "failed", "superseded")


def test_rule_13_entry_is_not_sent_while_another_is_unknown(make_world: MakeWorld) -> None:
    """The worker dies right after its POST; until it is known what became of it, the next entry is not sent."""
    world = make_world({"s": {"pyramiding": 5}})
    world.bench.hide_from_reads(600_000)
    world.killer = Killer(name="after send")
    world.send("buy", str(world.bench.unit))
    world.run(55)

    world.send("buy", str(world.bench.unit))
    world.run(30)

    first, *others = [record for record in world.commands() if record.role == "entry" and record.sent_at_ms]
    assert first.status is CommandStatus.NOT_FOUND
    assert all(record.sent_at_ms > first.changed_at_ms for record in others)


# ---- 14-17: a position keeps its stop


def test_rule_14_stop_and_target_are_good_till_cancelled(make_world: MakeWorld) -> None:
    world = make_world()

    world.fire("buy", str(world.bench.unit), **bracket(world))

    look = world.worker_look()
    exits = [order for order in look.orders if not order.status.final and order.effect != "open"]
    assert len(exits) == 2
    assert {order.duration.upper() for order in exits} == {"GTC"}


def test_rule_16_part_of_an_entry_is_protected_at_once(make_world: MakeWorld) -> None:
    world = make_world()
    unit = world.bench.unit
    world.bench.fill_at_most(unit / 2)
    limit = world.bench.price + world.bench.distance / 4

    world.fire("buy", str(unit), seconds=12, order_type=OrderType.LIMIT, limit_price=limit, **bracket(world))

    assert world.held() == unit / 2
    assert world.protection().stopped_quantity == unit / 2


def test_rule_17_stop_that_the_broker_refuses_closes_the_position(make_world: MakeWorld) -> None:
    world = make_world()
    world.bench.refuse_stops()

    world.fire("buy", str(world.bench.unit), seconds=40, **bracket(world))

    assert world.held() == 0
    assert "stop_refused" in [code for code, _ in world.told] or "broker_refused" in world.notices()


# ---- 20: the watcher


def test_rule_20_fill_of_a_resting_limit_is_noticed_within_three_seconds(make_world: MakeWorld) -> None:
    world = make_world()
    limit = world.bench.price - world.bench.distance
    world.fire("buy", str(world.bench.unit), order_type=OrderType.LIMIT, limit_price=limit)

    world.bench.set_price(limit - world.bench.distance / 10)
    world.run(3.2)

    assert world.state().book("s", world.root()).owned == world.bench.unit


def test_rule_20_burst_of_alerts_costs_few_looks(make_world: MakeWorld) -> None:
    world = make_world({name: {"shares_symbol": True} for name in "abcdefgh"})
    world.bench.reset_reads()

    for name in "abcdefgh":
        world.send("exit", None, name)
    world.run(2)

    assert world.bench.reads("orders") <= 2, "one look serves the burst"


def test_backlog_of_alerts_that_leave_nothing_to_do_is_worked_from_one_look(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    adapter = type(world.bench.broker)
    read = adapter.positions

    def slowly(broker: Broker, deadline: Deadline) -> Sequence[Position]:
        world.bench.advance(1_500)
        return read(broker, deadline)

    monkeypatch.setattr(adapter, "positions", slowly)
    waiting = [world.send(action, amount) for action, amount in (("exit", None), ("buy", str(world.bench.unit))) * 6]
    world.clock.sleep(60)
    world.bench.reset_reads()

    world.run(10)

    codes = [world.outcome(alert_id).code for alert_id in waiting]
    assert codes == ["already_flat", "entry_too_old"] * 6
    assert world.bench.reads("orders") <= 2


def test_alert_that_came_after_a_look_is_not_decided_by_it(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world({"s": {"on_foreign_position": "adopt"}})
    adapter = type(world.bench.broker)
    read = adapter.positions
    later: list[str] = []

    def slowly(broker: Broker, deadline: Deadline) -> Sequence[Position]:
        found = read(broker, deadline)
        if not later:
            world.bench.open_elsewhere(world.bench.unit)
            later.append(world.send("exit"))
        world.bench.advance(1_500)
        return found

    monkeypatch.setattr(adapter, "positions", slowly)

    first = world.fire("exit", seconds=10)

    assert (first.code, world.outcome(later[0]).status) == ("already_flat", "ordered")
    assert world.held() == 0


def test_partial_exit_that_was_held_up_while_an_entry_filled_closes_no_more_than_it_names(
    make_world: MakeWorld,
) -> None:
    """Nothing was held when it was decided, so all was to go; a halt then lasted until the entry had filled."""
    world = make_world()
    unit, limit = world.bench.unit, world.bench.price - world.bench.distance
    world.fire("buy", str(unit * 3), order_type=OrderType.LIMIT, limit_price=limit)
    halt(world, "global", "all")
    alert_id = world.send("exit", str(unit))
    world.run(6)
    world.bench.set_price(limit - world.bench.distance / 10)
    world.run(6)

    world.client.delete_item(TableName=TABLE, Key=marshal(keys.control("global")))
    world.run(40)

    assert world.outcome(alert_id).status == "ordered"
    assert world.held() == unit * 2


def test_rule_15_stop_cut_for_a_partial_exit_is_back_while_a_persons_trade_holds_the_exit_up(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world({"s": {"pyramiding": 2}})
    unit, far = world.bench.unit, world.bench.price - world.bench.distance / 2
    world.fire("buy", str(unit * 2), **bracket(world))
    world.fire("buy", str(unit), order_type=OrderType.LIMIT, limit_price=far)
    adapter, traded_ms, seen = type(world.bench.broker), list[int](), list[tuple[int, Decimal]]()
    send, read = adapter.send, adapter.positions

    def send_and_trade(broker: Broker, command: Command, command_id: str, deadline: Deadline) -> Outcome:
        answer = send(broker, command, command_id, deadline)
        if isinstance(command, Replace) and not traded_ms:
            traded_ms.append(world.clock.now_ms())
            world.bench.open_elsewhere(unit)  # for all that is known, the resting entry has filled
        return answer

    def read_and_note(broker: Broker, deadline: Deadline) -> Sequence[Position]:
        seen.append((world.clock.now_ms(), world.protection().stopped_quantity))
        return read(broker, deadline)

    monkeypatch.setattr(adapter, "send", send_and_trade)
    monkeypatch.setattr(adapter, "positions", read_and_note)

    outcome = world.fire("exit", str(unit), seconds=30)

    assert outcome.status == "ordered"
    if world.bench.broker.capabilities.position_bracket:
        return  # TradeLocker's stops are the positions' own: nothing is cut
    cut_ms = traded_ms[0]
    back_ms = [at_ms for at_ms, stopped in seen if at_ms > cut_ms and stopped >= unit * 2]
    assert min(back_ms) - cut_ms < 5_500
    assert world.held() == unit * 2, "one of ours, and the person's"
    assert world.protection().stopped_quantity >= unit


def filling_before_its_cancel(world: World, monkeypatch: pytest.MonkeyPatch, limit: Decimal) -> list[bool]:
    """Have a buy that rests at `limit` fill just before the first cancel arrives; the list says that it did."""
    adapter, filled = type(world.bench.broker), list[bool]()
    send = adapter.send

    def fill_and_send(broker: Broker, command: Command, command_id: str, deadline: Deadline) -> Outcome:
        if isinstance(command, Cancel) and not filled:
            filled.append(True)
            world.bench.set_price(limit - world.bench.distance / 10)
        return send(broker, command, command_id, deadline)

    monkeypatch.setattr(adapter, "send", fill_and_send)
    return filled


def test_entry_of_the_other_side_that_fills_before_its_cancel_is_closed_before_the_new_one_opens(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    unit, below = world.bench.unit, world.bench.price - world.bench.distance / 2
    world.fire("buy", str(unit), order_type=OrderType.LIMIT, limit_price=below)
    filled = filling_before_its_cancel(world, monkeypatch, below)

    outcome = world.fire("sell", str(unit * 2), seconds=20)

    assert filled
    assert outcome.status == "ordered"
    assert world.held() == -unit, "the order's quantity less what was closed"
    assert [position.signed for position in world.bench.book().positions] == [-unit]


@pytest.mark.parametrize(("sold", "held"), [(4, -2), (2, 0), (1, 0)])
def test_entry_that_fills_before_the_cancel_of_a_reversal_counts_as_closed(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, sold: int, held: int
) -> None:
    world = make_world({"s": {"pyramiding": 2}})
    unit, below = world.bench.unit, world.bench.price - world.bench.distance / 2
    world.fire("buy", str(unit))
    world.fire("buy", str(unit), order_type=OrderType.LIMIT, limit_price=below)
    filled = filling_before_its_cancel(world, monkeypatch, below)

    outcome = world.fire("sell", str(unit * sold), seconds=20)

    assert filled
    assert outcome.status == "ordered"
    assert world.held() == unit * held, "the order's quantity less what was closed (rule 9)"
    assert ("took up the order's quantity" in outcome.sentence) is (sold == 2)


def test_worker_that_dies_after_the_close_of_an_alert_decided_anew_opens_nothing_beyond_it(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world({"s": {"entry_max_age_ms": 600_000}})
    unit, below = world.bench.unit, world.bench.price - world.bench.distance / 2
    world.fire("buy", str(unit), order_type=OrderType.LIMIT, limit_price=below)
    adapter, sent = type(world.bench.broker), list[str]()
    send = adapter.send

    def fill_send_and_die(broker: Broker, command: Command, command_id: str, deadline: Deadline) -> Outcome:
        closes = isinstance(command, ClosePosition) or (isinstance(command, Place) and command.effect == "close")
        if isinstance(command, Cancel) and not sent:
            world.bench.set_price(below - world.bench.distance / 10)
        outcome = send(broker, command, command_id, deadline)
        sent.append("close" if closes else type(command).__name__)
        if closes and sent.count("close") == 1:
            raise KilledError("after the close")
        return outcome

    monkeypatch.setattr(adapter, "send", fill_send_and_die)

    outcome = world.fire("sell", str(unit * 2), seconds=240)

    assert sent.count("close") == 1
    assert outcome.code == "close_not_confirmed"
    assert world.held() == 0, "never the whole quantity beside what was closed of it"


# ---- switches


@pytest.mark.parametrize("scope", ["global", "account#{account}", "strategy#s"])
def test_halt_stops_entries_and_lets_exits_pass(make_world: MakeWorld, scope: str) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))
    halt(world, scope.format(account=world.account.name), "entries")

    exit_outcome = world.fire("exit")
    entry_outcome = world.fire("buy", str(world.bench.unit))

    assert exit_outcome.status == "ordered", exit_outcome
    assert (entry_outcome.status, entry_outcome.code) == ("refused", "halted"), entry_outcome
    assert world.held() == 0


def test_halt_of_everything_stops_exits_too(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))
    halt(world, "global", "all")

    world.fire("exit", seconds=20)

    assert world.held() == world.bench.unit


def test_live_mode_without_confirmation_sends_nothing(make_world: MakeWorld) -> None:
    world = make_world({"s": {"mode": "live"}})
    world.make_live(confirmed=False)

    outcome = world.fire("buy", str(world.bench.unit))

    assert (outcome.status, outcome.code) == ("refused", "live_not_confirmed"), outcome
    assert world.bench.writes() == 0


def test_confirmation_taken_back_stops_the_sending_itself(make_world: MakeWorld) -> None:
    """The settings in memory still say confirmed; the table does not: the transaction refuses."""
    world = make_world({"s": {"mode": "live"}})
    world.make_live(confirmed=True, stored=False)

    outcome = world.fire("buy", str(world.bench.unit))

    assert outcome.status == "refused", outcome
    assert world.bench.writes() == 0


# ---- poison


def test_poison_alert_ends_failed_and_its_follower_is_worked(make_world: MakeWorld) -> None:
    world = make_world()
    poison = world.send("buy", str(world.bench.unit))
    world.spoil_job(poison)
    follower = world.send("buy", str(world.bench.unit))

    world.run(20)

    assert world.outcome(poison).status == "failed"
    assert world.outcome(follower).status == "ordered"
    assert "unreadable" in world.notices()


def test_job_that_nobody_rang_for_is_found_by_the_sweep(make_world: MakeWorld) -> None:
    world = make_world()
    alert_id = world.send("buy", str(world.bench.unit))
    world.bell.bells.clear()
    world.run(6)

    world.sweep()
    world.run(10)

    assert world.outcome(alert_id).status == "ordered"
