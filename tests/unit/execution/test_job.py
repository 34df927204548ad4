"""Working one job: what it waits for, for how long, and what it says when it cannot go on."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.alerts.alert import Action, Alert, StopLoss, Target
from orderbridge.brokers import port
from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.port import Accepted, Capabilities, Done, PlacedOrder, Refused, Unknown
from orderbridge.commands import (
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.errors import BrokerUnavailableError
from orderbridge.execution.bookkeeping import SETTLE_MS
from orderbridge.execution.held import FORGET_MS
from orderbridge.execution.job import EXIT_GIVE_UP_MS, FILL_WAIT_MS, KNOWN_MS, SHOW_WAIT_MS
from orderbridge.execution.plans import carry_out, store_revision
from orderbridge.execution.records import CommandStatus, Job
from orderbridge.execution.results import RESERVE_S
from orderbridge.execution.session import CLOCKS_MS
from orderbridge.execution.steps import CONFIRM_MS, RETRY_MS
from orderbridge.execution.worker import Worked
from orderbridge.model import Direction, OrderStatus
from orderbridge.storage import keys
from orderbridge.storage.items import marshal
from tests.scenario.world import TABLE, Outcome
from tests.unit.execution.cases import (
    BUY,
    CANCELLED,
    FILLED,
    LIMIT,
    MARKET,
    MES,
    NOW_MS,
    REJECTED,
    SELL,
    STOP,
    TRADELOCKER,
    TRADESTATION,
    d,
    order,
    place,
)
from tests.unit.execution.scripted import Scripted

SHORT_FROM_LONG = Target(Direction.SHORT, d(-1), Direction.LONG, d(1))


@pytest.fixture
def world() -> Scripted:
    return Scripted()


def work(world: Scripted, seconds: float) -> Worked:
    """Answer one bell with so much time left."""
    return world.worker().work(world.lane(), MonotonicDeadline(seconds, world.clock.monotonic))


def elapsed_ms(world: Scripted) -> int:
    return world.clock.now_ms() - NOW_MS


def waiting(world: Scripted) -> tuple[str, str, int]:
    """Give why the only job waits, in words, and for how long still."""
    (stored,) = world.stored_jobs()
    return stored.code, stored.sentence, stored.wake_at_ms - world.clock.now_ms()


def ignored(_: Command) -> port.Outcome:
    """Take a command and do nothing."""
    return Accepted()


def kinds(world: Scripted) -> list[str]:
    return [one.kind if not isinstance(one, Place) else one.effect for one in world.broker.sent]


# ---- the fill that is waited for


def resting(status: OrderStatus = OrderStatus.WORKING, kind: Any = MARKET, filled: int = 0, **fields: Any) -> Any:
    return order("o1", BUY, kind, 2, filled, status=status, placed_at_ms=NOW_MS, **fields)


def taken(world: Scripted, *shown: Any) -> None:
    """Let the next order be taken as `o1`, and these orders be shown."""

    def take(_: Command) -> port.Outcome:
        world.broker.show(*shown)
        return Accepted((PlacedOrder("o1", "order"),))

    world.broker.answers = [take]


def test_market_order_is_waited_for_five_seconds(world: Scripted) -> None:
    taken(world, resting())
    alert_id = world.send("buy", "2")

    world.work()

    outcome = world.outcome(alert_id)
    assert (outcome.code, outcome.sentence) == ("working", "Working: buy 2 MESZ26 market.")
    assert elapsed_ms(world) == FILL_WAIT_MS


def test_fill_ends_the_wait(world: Scripted) -> None:
    taken(world, resting())
    alert_id = world.send("buy", "2")
    looks = world.broker.looks

    def fill() -> None:
        if world.broker.looks == looks + 4 and world.broker.signed(MES) == 0:
            world.broker.fill("o1")

    world.broker.took = fill
    world.work()

    assert world.outcome(alert_id).code == "filled"
    assert 0 < elapsed_ms(world) < 1_000


@pytest.mark.parametrize("kind", [LIMIT, STOP])
def test_resting_order_is_done_when_it_shows(world: Scripted, kind: Any) -> None:
    price: dict[str, Any] = {"limit_price": d(4990)} if kind is LIMIT else {"stop_price": d(5010)}
    taken(world, resting(kind=kind))
    alert_id = world.send("buy", "2", order_type=kind, **price)

    world.work()

    assert world.outcome(alert_id).code == "working"
    assert elapsed_ms(world) == 0


def test_order_that_does_not_show_is_waited_for_a_moment(world: Scripted) -> None:
    taken(world)
    alert_id = world.send("buy", "2", order_type=LIMIT, limit_price=d(4990))

    world.work()

    assert world.outcome(alert_id).sentence == "Working: buy 2 MESZ26 limit at 4990."
    assert elapsed_ms(world) == SHOW_WAIT_MS


def test_rejection_is_told_at_once(world: Scripted) -> None:
    taken(world, resting(REJECTED, message="no funds"))

    outcome = world.fire("buy", "2")

    assert (outcome.status, outcome.code) == ("refused", "broker_rejected")
    assert outcome.sentence == "The broker rejected the order: no funds"


def test_wait_for_a_fill_ends_with_the_workers_time(world: Scripted) -> None:
    taken(world, resting())
    alert_id = world.send("buy", "2")

    work(world, RESERVE_S + 1)

    assert world.outcome(alert_id).code == "working"
    assert elapsed_ms(world) in (1_000, 1_200)


def test_order_is_told_as_it_was_last_seen_when_the_broker_cannot_be_read(world: Scripted) -> None:
    taken(world, resting(filled=1, average_price=d(5000)))
    world.broker.hold(MES, 0)
    alert_id = world.send("buy", "2")
    looks = world.broker.looks

    def fail() -> None:
        if world.broker.looks > looks + 3:
            world.broker.unreadable = BrokerUnavailableError("down")

    world.broker.took = fail
    world.work()

    assert world.outcome(alert_id).sentence == "Bought 1 of 2 MESZ26 at 5000."


# ---- what is not settled


def test_fill_that_is_not_held_yet_is_waited_for_by_the_next_job(world: Scripted) -> None:
    taken(world, resting(FILLED, filled=2))
    alert_id = world.send("buy", "2")
    work(world, 8)
    assert world.outcome(alert_id).code == "filled"
    assert elapsed_ms(world) == 5_000
    exit_id = world.send("exit")

    assert work(world, 6.0) == Worked(1, 1_000, watched=True)

    assert waiting(world)[:2] == ("unsettled", "The broker does not show an earlier fill yet.")
    assert world.outcome(exit_id).status == "accepted"
    world.broker.hold(MES, 2)
    world.run(5)
    assert world.outcome(exit_id).code == "closed"
    assert kinds(world) == ["open", "close"]


def vanish(world: Scripted) -> None:
    """Let an entry rest and then be in no list any more: it has ended, and nothing says how."""
    world.fire("buy", "2", order_type=LIMIT, limit_price=d(4990))
    (resting_id,) = (one.id for one in world.broker.book.values() if not one.status.final)
    del world.broker.book[resting_id]
    world.run(3)


def test_exit_reads_again_while_an_entry_that_vanished_may_have_filled(world: Scripted) -> None:
    vanish(world)
    exit_id = world.send("exit")

    world.run(SETTLE_MS / 1000 + 20)
    assert waiting(world)[:2] == ("unsettled", "The broker does not show what became of an entry.")
    world.run((FORGET_MS - SETTLE_MS) / 1000)

    assert world.outcome(exit_id).code == "already_flat"
    assert kinds(world) == ["open"]


def test_exit_of_a_part_leaves_entries_be_and_does_not_wait_for_one(world: Scripted) -> None:
    world.settings.strategies["s"] = replace(world.settings.strategies["s"], pyramiding=2)
    world.fire("buy", "4")
    vanish(world)

    assert world.fire("exit", "1", seconds=SETTLE_MS / 1000 + 5).code == "closed"
    assert world.broker.signed(MES) == 3



# ---- what is unknown


def lose(world: Scripted, action: str = "buy", quantity: str | None = "2", **fields: Any) -> str:
    """Let an order's answer be lost."""
    world.broker.answers = [Unknown("reset")]
    alert_id = world.send(action, quantity, **fields)
    work(world, 4)
    return alert_id


def test_job_waits_for_the_answer_to_its_own_command(world: Scripted) -> None:
    alert_id = lose(world)

    code, sentence, wait_ms = waiting(world)
    assert (code, sentence) == ("unknown", "The broker's answer was lost; it is being asked what it did.")
    assert wait_ms in (1_000, 2_000)
    assert world.outcome(alert_id).status == "accepted"
    world.run(10)
    assert len(world.broker.sent) == 1


def test_job_asks_within_its_time_as_often_as_its_turn_comes(world: Scripted) -> None:
    world.broker.answers = [Unknown("reset")]
    world.send("buy", "2")

    work(world, 17.9)

    assert len(world.broker.evidence) == 4, "after 1, 2, 4 and 8 seconds"
    assert waiting(world)[2] == 7_000, "due after 15"


def test_entry_that_is_found_ends_its_job(world: Scripted) -> None:
    def lost(command: Command) -> Unknown:
        world.broker.carry_out(command)
        return Unknown("reset")

    world.broker.answers = [lost]
    alert_id = world.send("buy", "2")
    world.broker.resolution = Done((PlacedOrder("o1", "order"),))

    world.work()

    assert world.outcome(alert_id).code == "filled"
    assert 1_000 <= elapsed_ms(world) < 2_000


def test_entry_beside_what_a_stranger_holds_is_settled_at_once(world: Scripted) -> None:
    """What was held before it is known from the look by which it was decided."""
    world.broker.hold(MES, 3)
    entered = world.send("buy", "2")
    left = world.send("exit")

    world.work()

    assert (world.outcome(entered).code, world.outcome(left).code) == ("filled", "closed")
    assert (world.broker.signed(MES), elapsed_ms(world)) == (d(3), 0)


def test_entry_waits_while_another_is_unknown_and_grows_too_old(world: Scripted) -> None:
    world.add_strategy("z")
    lose(world)
    entry = world.send("buy", "1", strategy="z")

    work(world, 10)

    stored = {one.job.alert_id: one for one in world.stored_jobs()}[entry]
    assert (stored.code, stored.sentence) == ("unresolved", "An earlier order is not resolved yet.")
    world.run(40)
    outcome = world.outcome(entry)
    assert (outcome.status, outcome.code) == ("expired", "unresolved")
    assert outcome.sentence == "An earlier order is not resolved yet. The alert has grown too old meanwhile."


@pytest.mark.parametrize(("age_ms", "status"), [(29_999, "accepted"), (30_000, "expired")])
def test_entry_that_cannot_be_worked_expires_at_its_age(world: Scripted, age_ms: int, status: str) -> None:
    world.broker.unreadable = BrokerUnavailableError("maintenance")
    alert_id = world.send("buy", "2")

    world.script.advance(age_ms)
    world.work()

    assert world.outcome(alert_id).status == status


def test_alert_that_closes_something_does_not_expire_while_it_waits(world: Scripted) -> None:
    world.fire("buy", "1")
    world.broker.unreadable = BrokerUnavailableError("maintenance")
    sells, buys = world.send("sell", "1"), world.send("buy", "1")

    world.run(60)
    waiting_still = world.outcome(sells).status
    world.broker.unreadable = None
    world.run(20)

    assert waiting_still == "accepted"
    assert world.broker.signed(MES) == 0
    assert world.outcome(buys).status == "expired"


@pytest.mark.parametrize(("action", "waits"), [("buy", True), ("add", True), ("sell", False)])
def test_only_what_opens_waits_for_an_unknown_entry_of_the_lane(action: str, waits: bool) -> None:
    world = Scripted({"s": {"pyramiding": 5}, "z": {}})
    world.fire("buy", "1")
    lose(world, strategy="z")
    alert_id = world.send(action, "1")

    work(world, 20)

    reasons = {one.job.alert_id: one.code for one in world.stored_jobs()}
    assert (reasons.get(alert_id) == "unresolved") is waits
    assert (world.broker.signed(MES) == 0) is not waits


def test_exit_asks_ten_seconds_for_an_unknown_entry_then_goes_ahead(world: Scripted) -> None:
    world.fire("buy", "1")
    world.add_strategy("s", pyramiding=3)
    lose(world, "add", "2")
    began_ms = world.clock.now_ms()
    exit_id = world.send("exit")

    world.work()

    assert world.outcome(exit_id).code == "closed"
    assert CONFIRM_MS <= world.clock.now_ms() - began_ms < CONFIRM_MS + 2_000
    assert world.broker.signed(MES) == 0
    assert [one.flatten for one in world.state().pending] == [True]


def test_exit_does_not_ask_for_the_entry_of_another_strategy() -> None:
    world = Scripted({"s": {}, "z": {}})
    world.fire("buy", "1")
    lose(world, strategy="z")
    began_ms = world.clock.now_ms()
    exit_id = world.send("exit")

    world.work()

    assert world.outcome(exit_id).code == "closed"
    assert world.clock.now_ms() - began_ms < 2_000
    assert [one.flatten for one in world.state().pending] == [False]


def test_exit_goes_ahead_at_once_when_the_entry_is_resolved(world: Scripted) -> None:
    world.fire("buy", "1")
    world.add_strategy("s", pyramiding=3)
    lose(world, "add", "2")
    world.broker.show(order("o9", BUY, MARKET, 2, 2, status=FILLED, placed_at_ms=world.clock.now_ms()))
    world.broker.hold(MES, 3)
    world.broker.resolution = Done((PlacedOrder("o9", "order"),))
    world.broker.took = lambda: world.script.advance(1)
    began_ms = world.clock.now_ms()

    world.fire("exit", seconds=12)

    assert world.broker.signed(MES) == 0
    assert world.state().lost == ()
    assert began_ms < world.clock.now_ms()


def lose_a_stop(world: Scripted) -> None:
    """Let the answer to a protective stop be lost."""
    stop = place(SELL, 2, "close", order_type=STOP, stop_price=d(4900))
    with world.session() as lane:
        lane.see()
        world.broker.answers = [Unknown("reset")]
        carry_out(lane, store_revision(lane, "care.1", "s", "MES", None, 1, (("stop", stop),)), None)


@pytest.mark.parametrize(("capabilities", "asks"), [(TRADESTATION, True), (TRADELOCKER, False)])
def test_exit_asks_ten_seconds_for_an_unknown_stop_that_is_an_order(capabilities: Capabilities, asks: bool) -> None:
    world = Scripted()
    world.fire("buy", "2")
    lose_a_stop(world)
    world.broker.capabilities = replace(TRADESTATION, position_bracket=capabilities.position_bracket)
    began_ms = world.clock.now_ms()
    exit_id = world.send("exit")

    world.work()

    assert world.outcome(exit_id).code == "closed"
    assert world.broker.signed(MES) == 0
    assert (world.clock.now_ms() - began_ms >= CONFIRM_MS) is asks
    assert [one.flatten for one in world.state().pending] in ([], [False])


def test_exit_closes_nothing_that_an_unknown_stop_has_closed(world: Scripted) -> None:
    world.fire("buy", "2")
    lose_a_stop(world)
    world.broker.show(order("st", quantity=2, filled=2, status=FILLED, placed_at_ms=world.clock.now_ms()))
    world.broker.hold(MES, 0)
    world.broker.resolution = Done((PlacedOrder("st", "order"),))
    sent = len(world.broker.sent)

    ended = world.fire("exit", seconds=15)

    assert (ended.code, len(world.broker.sent)) == ("already_flat", sent)


def test_second_exit_waits_while_one_is_unknown(world: Scripted) -> None:
    world.fire("buy", "2")
    first = lose(world, "exit", None)
    second = world.send("exit")

    work(world, 10)

    stored = {one.job.alert_id: one for one in world.stored_jobs()}
    assert first in stored
    assert (stored[second].code, stored[second].sentence) == ("unresolved", "An earlier exit is not resolved yet.")
    assert kinds(world) == ["open", "close"]


def test_exit_of_another_strategy_does_not_wait_for_it(world: Scripted) -> None:
    world.add_strategy("z")
    world.fire("buy", "2")
    world.fire("buy", "1", strategy="z")
    lose(world, "exit", None)

    outcome = world.fire("exit", strategy="z", seconds=20)

    assert outcome.code == "closed", outcome


# ---- confirmations that do not come


def test_cancel_that_does_not_show_has_failed_after_ten_seconds(world: Scripted) -> None:
    world.fire("buy", "2", order_type=LIMIT, limit_price=d(4990))
    world.broker.answers = [ignored] * 3
    began_ms = world.clock.now_ms()

    alert_id = world.send("cancel")
    world.work()

    outcome = world.outcome(alert_id)
    assert (outcome.status, outcome.code) == ("failed", "cancel_not_confirmed")
    assert outcome.sentence == "The broker has not confirmed the cancellation."
    assert CONFIRM_MS <= world.clock.now_ms() - began_ms <= CONFIRM_MS + 400


def test_refused_close_is_parked_for_its_pause(world: Scripted) -> None:
    world.fire("buy", "2")
    world.broker.answers = [Refused("closed", "the market is closed")] * 20
    world.send("exit")
    pauses = []

    for _ in range(3):
        world.work()
        code, sentence, wait_ms = waiting(world)
        pauses.append(wait_ms)
        assert (code, sentence) == ("close_again", "The close is being repeated until flat.")
        world.script.advance(wait_ms)

    assert pauses == [RETRY_MS[3], RETRY_MS[4], RETRY_MS[5]], "shorter ones are waited for"


def test_close_that_rests_is_waited_for_and_not_sent_again(world: Scripted) -> None:
    world.fire("buy", "2")

    def rest(_: Command) -> port.Outcome:
        world.broker.show(order("c", SELL, MARKET, 2, status=OrderStatus.WORKING, placed_at_ms=world.clock.now_ms()))
        return Accepted((PlacedOrder("c", "order"),))

    world.broker.answers = [rest]
    world.send("exit")
    world.work()

    assert waiting(world)[0] == "close"
    assert kinds(world) == ["open", "close"]


def test_close_that_is_refused_for_a_quarter_of_an_hour_is_given_up(world: Scripted) -> None:
    world.fire("buy", "2")
    world.broker.answers = [Refused("closed", "the market is closed")] * 50
    accepted_ms = world.clock.now_ms()
    alert_id = world.send("exit")
    world.work()

    world.script.advance(EXIT_GIVE_UP_MS - (world.clock.now_ms() - accepted_ms))
    world.work()

    outcome = world.outcome(alert_id)
    assert (outcome.status, outcome.code) == ("failed", "close_given_up")
    assert outcome.sentence == "The position could not be closed for 15 minutes: please act."


def test_entry_after_a_close_that_took_too_long_is_not_sent(world: Scripted) -> None:
    world.fire("buy", "1")

    def close_late(command: Command) -> port.Outcome:
        world.script.advance(CONFIRM_MS + 1)
        return world.broker.carry_out(command)

    world.broker.answers = [close_late]
    outcome = world.fire("sell", "2", target=SHORT_FROM_LONG, seconds=30)

    assert (outcome.status, outcome.code) == ("failed", "close_not_confirmed")
    assert outcome.sentence == "The close was not confirmed within 10 seconds, so the entry was not sent."
    assert kinds(world) == ["open", "close"]


def test_entry_after_a_close_in_time_is_sent(world: Scripted) -> None:
    world.fire("buy", "1")

    def close_late(command: Command) -> port.Outcome:
        world.script.advance(CONFIRM_MS)
        return world.broker.carry_out(command)

    world.broker.answers = [close_late]
    outcome = world.fire("sell", "2", target=SHORT_FROM_LONG, seconds=30)

    assert outcome.code == "filled", outcome
    assert kinds(world) == ["open", "close", "open"]


def test_worker_without_time_leaves_the_sending_to_the_next(world: Scripted) -> None:
    alert_id = world.send("buy", "2")
    world.broker.took = lambda: world.script.advance(1_500)

    work(world, RESERVE_S + 1)

    assert world.broker.sent == []
    code, sentence, wait_ms = waiting(world)
    assert (code, sentence, wait_ms) == ("no_time", "The worker's time was over before anything was sent.", 1_000)
    world.broker.took = lambda: None
    world.run(5)
    assert world.outcome(alert_id).code == "filled"


# ---- jobs that the last look leaves nothing to do for


def backlog(world: Scripted, waited_ms: int, age_ms: int) -> int:
    """Let an exit of nothing wait behind a look; give how many more looks it costs."""
    accepted_ms = world.clock.now_ms() - waited_ms
    exits = [replace(_exit_job(world, name), accepted_at_ms=accepted_ms) for name in ("a", "b")]
    for job in exits:
        store_job(world, job)
    with world.session() as lane:
        first, second = lane.store.inbox(lane.fence.lane)
        worker = world.worker()
        worker._work_one(lane, first)
        looks = world.broker.looks
        world.script.advance(age_ms)
        worker._work_one(lane, second)
    return world.broker.looks - looks


def store_job(world: Scripted, job: Job) -> None:
    """Store a job with the alert that it notes its end at."""
    item: dict[str, Any] = {**keys.alert(job.alert_id), "alert_id": job.alert_id, "status": "accepted", "jobs": 1}
    world.client.put_item(TableName=TABLE, Item=marshal(item))
    world.put(job)


def _exit_job(world: Scripted, name: str) -> Job:
    return Job(f"{name}.acct", name, "s", "acct", world.lane(), "MES", NOW_MS, alert=Alert(Action.EXIT, MES))


@pytest.mark.parametrize(
    ("waited_ms", "age_ms", "looks"),
    [
        (CLOCKS_MS + 1, 2_000, 0),
        (CLOCKS_MS, 2_000, 1),
        (CLOCKS_MS + 1, KNOWN_MS - 1, 0),
        (CLOCKS_MS + 1, KNOWN_MS, 1),
    ],
)
def test_job_that_waited_for_a_look_ends_by_it(world: Scripted, waited_ms: int, age_ms: int, looks: int) -> None:
    assert backlog(world, waited_ms, age_ms) == looks


# ---- commands that come ready-made


def put_ready(world: Scripted, *commands: Command) -> Job:
    lane = world.lane()
    job = Job("halt.acct", "h", "s", "acct", lane, "MES", NOW_MS, commands=commands, origin="care")
    world.put(job)
    return job


def ready(world: Scripted, *commands: Command, seconds: int = 8) -> Outcome:
    """Work commands as a halt's are; give how they ended."""
    job = put_ready(world, *commands)
    world.run(seconds)
    return world.ending(job)


def test_ready_made_commands_are_sent_in_their_order_and_told() -> None:
    world = Scripted()
    world.broker.show(order("a"), order("b"))
    world.broker.answers = [Accepted((), "cancel taken"), ignored]

    assert ready(world, Cancel("a", MES), Cancel("b", MES)) == Outcome(
        "ordered", "done", "Done: cancel taken, accepted"
    )
    assert world.broker.sent == [Cancel("a", MES), Cancel("b", MES)]
    assert [one.revision for one in world.commands()] == [1, 1]


def test_ready_made_command_that_is_refused_is_told_in_the_brokers_words() -> None:
    world = Scripted()
    world.broker.answers = [Refused("not_found", "no such order")]

    assert ready(world, Cancel("a", MES)) == Outcome("refused", "not_found", "Not done: no such order")


def test_ready_made_command_that_is_not_found_has_failed() -> None:
    world = Scripted()
    world.broker.answers = [Unknown("reset")]

    assert ready(world, Cancel("a", MES), seconds=30) == Outcome(
        "failed", "not_found", "Not done: the broker does not show it"
    )


@pytest.mark.parametrize(
    ("command", "role"),
    [
        (place(BUY), "entry"),
        (place(SELL, effect="close"), "close"),
        (PlaceGroup("brk", (place(SELL, effect="close"),)), "stop"),
        (PlaceGroup("oco", (place(SELL, effect="close"), place(BUY))), "entry"),
        (ClosePosition("p", MES, BUY, d(1)), "close"),
        (CloseAll(), "close"),
        (ModifyPosition("p", MES), "stop"),
        (Replace("o", MES), "other"),
        (Cancel("o", MES), "other"),
        (CancelAll(), "other"),
    ],
)
def test_ready_made_command_is_kept_by_what_it_is_for(command: Command, role: str) -> None:
    world = Scripted()
    world.broker.answers = [ignored]

    ready(world, command)

    assert world.commands()[0].role == role
    assert world.commands()[0].command == command


def test_ready_made_job_waits_for_a_broker_that_cannot_be_read(world: Scripted) -> None:
    world.broker.unreadable = BrokerUnavailableError("maintenance")
    put_ready(world, Cancel("a", MES))

    world.work()

    assert waiting(world) == ("broker_unreachable", "The broker cannot be read just now (maintenance).", 1_000)
    assert world.broker.sent == []


def test_ready_made_job_that_died_is_not_sent_again(world: Scripted) -> None:
    with world.session() as lane:
        world.planned(lane, Cancel("a", MES), "other", "halt.acct")

    ended = ready(world, Cancel("a", MES))

    assert world.broker.sent == []
    assert (ended.status, ended.code) == ("failed", "not_sent")
    assert [one.status for one in world.commands()] == [CommandStatus.EXPIRED]


# ---- what is noted and told


def test_phases_are_noted_as_they_come(world: Scripted) -> None:
    alert_id = world.send("buy", "2")
    (stored,) = world.stored_jobs()
    world.script.advance(3)

    def take_long(command: Command) -> port.Outcome:
        world.script.advance(50)
        return world.broker.carry_out(command)

    world.broker.answers = [take_long]
    world.work()

    assert world.outcome(alert_id).code == "filled"
    at_ms = NOW_MS + 3
    assert world.phases(stored.job) == {
        "started": at_ms,
        "planned": at_ms,
        "sent": at_ms,
        "answered": at_ms + 50,
        "ended": at_ms + 50,
    }


def test_what_the_job_finds_out_is_told_with_its_alert(world: Scripted) -> None:
    world.broker.answers = [Unknown("reset")]
    world.broker.resolution = port.Ambiguous(("a", "b"))
    alert_id = world.send("buy", "2")

    world.work()

    assert [code for code, _ in world.told] == ["ambiguous"]
    assert world.addressed == [{"account": "acct", "strategy": "s", "alert_id": alert_id}]


def test_stop_that_is_lost_while_a_close_is_unknown_is_put_back(world: Scripted) -> None:
    world.fire("buy", "2", stop_loss=StopLoss(stop_price=d(4900)))
    (stop,) = [one for one in world.broker.book.values() if one.type is STOP]
    world.broker.answers = [world.broker.carry_out, Unknown("reset")]
    world.send("exit")

    work(world, 5)

    assert world.broker.book[stop.id].status is CANCELLED
    stops = [one for one in world.broker.sent if isinstance(one, Place) and one.order_type is STOP]
    assert [one.quantity for one in stops] == [d(2), d(2)]
    assert world.broker.signed(MES) == 2


def test_second_exit_frees_no_stop_while_one_is_unknown(world: Scripted) -> None:
    world.fire("buy", "2", stop_loss=StopLoss(stop_price=d(4900)))
    world.broker.answers = [world.broker.carry_out, Unknown("reset")]
    world.send("exit")
    work(world, 5)
    second = world.send("exit")

    work(world, 5)

    reasons = {one.job.alert_id: one.code for one in world.stored_jobs()}
    assert reasons[second] == "unresolved"
    assert [one.kind for one in world.broker.sent].count("cancel") == 1, "the stop that was put back stays"
    works = [one for one in world.broker.book.values() if one.type is STOP and not one.status.final]
    assert [one.quantity for one in works] == [d(2)]
