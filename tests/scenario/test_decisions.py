"""A person decides about a command of unknown outcome: what is checked, what is recorded, and what happens then."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.errors import ConflictError, DecisionError
from orderbridge.execution.decisions import Decided, Decision, decide
from orderbridge.execution.ports import Held
from orderbridge.execution.records import CommandRecord, CommandStatus
from orderbridge.execution.session import LaneSession
from orderbridge.model import Side
from orderbridge.storage.overview import Overview
from tests.scenario.killing import Killer
from tests.scenario.test_orders import bracket
from tests.scenario.world import TABLE, World

MakeWorld = Callable[..., World]
LATE = {"s": {"entry_max_age_ms": 600_000}}


def say(world: World, command_id: str, outcome: Any, order_id: str = "", *, force: bool = False) -> Decided:
    """Do what `orderbridge resolve` does."""
    lane = world.lane()
    held = world.lanes.take(lane, "ann", world.clock.now_ms(), 45_000)
    assert isinstance(held, Held)
    session: LaneSession = world.new_worker()._session(held, world.deadline())
    decision = Decision(outcome, "ann", order_id, "seen at the broker", force)
    overview = Overview(world.client, TABLE)
    try:
        return decide(
            session, command_id, decision, lambda order: overview.commands_of_order(lane, order), world.tell
        )
    finally:
        world.lanes.release(session.fence)
        world.bell.ring_lane(lane)


def unknown(world: World, role: str) -> CommandRecord:
    """Give the one command of the role whose outcome is unknown."""
    (record,) = [r for r in world.commands() if r.role == role and not r.status.final]
    return record


def lose(
    world: World, *, booked: bool, action: str = "buy", size: Decimal | None = None, for_ms: int = 70_000, **fields: Any
) -> tuple[str, CommandRecord]:
    """Send an alert, let its worker die before or after the write, and let time pass in which nobody works."""
    world.restart()
    world.killer = Killer(name="after send" if booked else "before send")
    alert_id = world.send(action, str(size or world.bench.unit), **fields)
    world.run(0)
    world.killer = None
    world.restart()
    world.bench.advance(for_ms)
    return alert_id, unknown(world, "close" if action == "exit" else "entry")


def order_of(world: World, side: Side) -> str:
    orders = [o.id for o in world.bench.book().orders if o.side is side and o.state == "filled"]
    return orders[-1]


def test_entry_said_to_be_placed_is_followed_gets_its_stop_and_ends_the_job_as_ordered(make_world: MakeWorld) -> None:
    world = make_world(LATE)
    alert_id, record = lose(world, booked=True, **bracket(world))

    decided = say(world, record.command_id, "placed", order_of(world, Side.BUY))
    world.run(20)

    assert decided.record.status is CommandStatus.DECIDED_BY_PERSON
    assert (decided.record.decided_by, "seen at the broker" in decided.record.message) == ("ann", True)
    assert world.outcome(alert_id).status == "ordered"
    assert (world.held(), world.protection().stopped_quantity) == (world.bench.unit, world.bench.unit)
    assert world.state().book("s", world.root()).owned == world.bench.unit
    assert "decided" in [code for code, _ in world.told]


def test_entry_said_not_to_be_placed_ends_the_job_with_a_sentence_and_lets_the_next_in(make_world: MakeWorld) -> None:
    world = make_world(LATE)
    alert_id, record = lose(world, booked=False)

    say(world, record.command_id, "not_placed")
    world.run(10)
    following = world.fire("buy", str(world.bench.unit))

    assert (world.outcome(alert_id).status, world.outcome(alert_id).code) == ("failed", "not_placed")
    assert "ann decided: not placed" in world.outcome(alert_id).sentence
    assert following.status == "ordered"
    assert world.held() == world.bench.unit


def test_chain_goes_on_after_the_decision(make_world: MakeWorld) -> None:
    world = make_world({"s": {"entry_max_age_ms": 600_000}})
    first, record = lose(world, booked=True, **bracket(world))
    second = world.send("sell", str(world.bench.unit * 2), **bracket(world, -1))

    say(world, record.command_id, "placed", order_of(world, Side.BUY))
    world.run(40)

    assert [world.outcome(one).status for one in (first, second)] == ["ordered", "ordered"]
    assert (world.held(), world.protection().stopped_quantity) == (-world.bench.unit, world.bench.unit)


def test_close_said_to_be_placed_is_not_sent_again(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))
    alert_id, record = lose(world, booked=True, action="exit")
    writes = world.bench.writes()
    named = order_of(world, Side.SELL) if world.account.broker == "tradestation" else ""

    say(world, record.command_id, "placed", named)
    world.run(20)

    assert world.bench.writes() == writes
    assert (world.held(), world.outcome(alert_id).status) == (Decimal(0), "ordered")
    assert world.working() == []


def test_close_said_not_to_be_placed_is_planned_afresh_until_flat(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))
    alert_id, record = lose(world, booked=False, action="exit", size=world.bench.unit / 2)

    say(world, record.command_id, "not_placed")
    world.run(30)

    assert world.outcome(alert_id).status == "ordered"
    assert world.held() == world.bench.unit / 2
    assert len([r for r in world.commands() if r.role == "close"]) == 2


def test_same_decision_again_changes_nothing_and_another_one_is_refused(make_world: MakeWorld) -> None:
    world = make_world(LATE)
    _, record = lose(world, booked=True)
    order_id = order_of(world, Side.BUY)
    first = say(world, record.command_id, "placed", order_id)

    again = say(world, record.command_id, "placed", order_id)

    assert (again.again, again.record) == (True, first.record)
    with pytest.raises(ConflictError):
        say(world, record.command_id, "not_placed")


def test_placed_order_cannot_be_said_not_to_be_placed(make_world: MakeWorld) -> None:
    world = make_world(LATE)
    _, record = lose(world, booked=True)

    with pytest.raises(DecisionError, match="shows that it was placed"):
        say(world, record.command_id, "not_placed")
    assert unknown(world, "entry").status is CommandStatus.UNKNOWN


def test_answer_that_may_still_come_is_waited_for(make_world: MakeWorld) -> None:
    world = make_world(LATE)
    _, record = lose(world, booked=False, for_ms=25_000)

    with pytest.raises(DecisionError, match="try again in"):
        say(world, record.command_id, "not_placed")


def test_order_that_does_not_exist_was_there_before_or_is_another_command_s_is_refused(make_world: MakeWorld) -> None:
    world = make_world({"s": {"entry_max_age_ms": 600_000, "pyramiding": 3}})
    world.fire("buy", str(world.bench.unit))
    earlier = order_of(world, Side.BUY)
    _, record = lose(world, booked=False)

    for order_id, words in (("987654321", "shows no order"), (earlier, "was there before|belongs to")):
        for force in (False, True):
            with pytest.raises(DecisionError, match=words):
                say(world, record.command_id, "placed", order_id, force=force)


def test_order_of_the_other_side_is_refused_and_forcing_does_not_help(make_world: MakeWorld) -> None:
    world = make_world(LATE)
    _, record = lose(world, booked=True)
    world.bench.open_elsewhere(-world.bench.unit / 2)
    by_hand = order_of(world, Side.SELL)

    for force in (False, True):
        with pytest.raises(DecisionError):
            say(world, record.command_id, "placed", by_hand, force=force)


def test_order_of_another_size_is_taken_only_when_forced(make_world: MakeWorld) -> None:
    world = make_world(LATE)
    _, record = lose(world, booked=False)
    world.bench.open_elsewhere(world.bench.unit / 2)
    by_hand = order_of(world, Side.BUY)

    with pytest.raises(DecisionError, match="differs in quantity"):
        say(world, record.command_id, "placed", by_hand)
    say(world, record.command_id, "placed", by_hand, force=True)
    world.run(10)

    assert world.state().book("s", world.root()).owned == world.bench.unit / 2


def test_two_orders_alike_stay_unknown_until_a_person_names_one(make_world: MakeWorld) -> None:
    world = make_world(LATE)
    if world.account.broker == "tradelocker":
        pytest.skip("the strategyId tells them apart")
    alert_id, record = lose(world, booked=True)
    ours = order_of(world, Side.BUY)
    world.bench.open_elsewhere(world.bench.unit)
    world.run(90)
    assert unknown(world, "entry").status is CommandStatus.UNKNOWN
    assert "ambiguous" in [code for code, _ in world.told]

    say(world, record.command_id, "placed", ours)
    world.run(10)

    assert world.outcome(alert_id).status == "ordered"
    assert world.state().book("s", world.root()).owned == world.bench.unit
    assert world.held() == 2 * world.bench.unit, "the order by hand is left alone"


def test_command_that_is_being_sent_is_left_to_its_sender(make_world: MakeWorld) -> None:
    world = make_world(LATE)
    _, record = lose(world, booked=False, for_ms=1)

    with pytest.raises(DecisionError, match="being sent just now"):
        say(world, record.command_id, "not_placed")


def test_command_that_has_ended_is_not_decided_on(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit))

    with pytest.raises(ConflictError, match="ACCEPTED already"):
        say(world, world.commands()[-1].command_id, "not_placed")
