"""Working a lane: who may, which job comes next, what waits, and what is tended in between."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.alerts.alert import Action, Alert, StopLoss, Target
from orderbridge.brokers.port import Accepted, Done, PlacedOrder, Refused, Unknown
from orderbridge.commands import Bracket, Cancel, Command, Place
from orderbridge.errors import BrokerUnavailableError, StorageError
from orderbridge.execution import wishes
from orderbridge.execution.job import MAX_ATTEMPTS
from orderbridge.execution.ports import Busy, Held
from orderbridge.execution.records import CommandStatus, Job, Protection, RootState
from orderbridge.execution.resolve import GIVE_UP_MS
from orderbridge.execution.session import HOLD_MS
from orderbridge.execution.submit import gates_of, submit
from orderbridge.execution.tending import TEMPORARY
from orderbridge.execution.worker import ON_SCREEN_MS, Worked, bell_delay_s
from orderbridge.model import Direction, OrderStatus
from orderbridge.strategy.goal import End, Ending
from tests.unit.execution.cases import (
    BUY,
    CANCELLED,
    LIMIT,
    MES,
    NOW_MS,
    REJECTED,
    SELL,
    STOP,
    book,
    d,
    of,
    order,
    place,
    tracked,
)
from tests.unit.execution.scripted import Scripted

STOP_AT = StopLoss(stop_price=d(4900))
ANNA = "panel:anna"


@pytest.fixture
def world() -> Scripted:
    return Scripted()


def stops(world: Scripted) -> list[Place]:
    return [one for one in world.broker.sent if isinstance(one, Place) and one.order_type is STOP]


def closes(world: Scripted) -> list[Place]:
    return [
        one for one in world.broker.sent if isinstance(one, Place) and one.effect == "close" and one not in stops(world)
    ]


# ---- who may work it


@pytest.mark.parametrize(("hold_ms", "again_ms"), [(10_000, 10_000), (100, 500), (10 * HOLD_MS, HOLD_MS)])
def test_lane_that_somebody_holds_is_rung_for_its_end(world: Scripted, hold_ms: int, again_ms: int) -> None:
    world.send("buy", "1")
    world.lanes.take(world.lane(), "somebody", world.clock.now_ms(), hold_ms)

    assert world.work() == Worked(0, again_ms, watched=False)
    assert world.broker.sent == []


def test_lane_of_a_restored_table_is_left_to_the_sweep(world: Scripted) -> None:
    class Restored:
        def take(self, *_: Any) -> Busy:
            return Busy(NOW_MS + 5_000, restored=True)

    worker = world.worker()
    worker._store = Restored()  # type: ignore[assignment]

    assert worker.work(world.lane(), world.deadline()) == Worked(0, None, watched=False)


def test_lane_is_given_back_also_when_the_store_fails(world: Scripted) -> None:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.lanes, name)

        def inbox(self, lane: str) -> Any:
            raise StorageError("throttled")

    worker = world.worker()
    worker._store = Failing()

    with pytest.raises(StorageError):
        worker.work(world.lane(), world.deadline())
    assert isinstance(world.lanes.take(world.lane(), "next", world.clock.now_ms(), 1_000), Held)


def test_pass_tells_what_it_worked_and_whether_the_lane_is_watched(world: Scripted) -> None:
    world.send("exit")
    assert world.work() == Worked(1, None, watched=False)

    world.send("buy", "1")
    assert world.work() == Worked(1, None, watched=True)
    assert world.work() == Worked(0, None, watched=True)


@pytest.mark.parametrize(("ms", "seconds"), [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (899_001, 900), (3_600_000, 900)])
def test_bell_is_delayed_by_whole_seconds(ms: int, seconds: int) -> None:
    assert bell_delay_s(ms) == seconds


# ---- jobs that fail or wait


def test_job_that_fails_unexpectedly_is_tried_three_times_then_set_aside(world: Scripted) -> None:
    class Failing(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise RuntimeError("not foreseen")

    world.broker.instruments = Failing(world.broker.instruments)
    alert_id = world.send("buy", "1")

    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert world.work() == Worked(1, attempt * 1_000, watched=False)
        (stored,) = world.stored_jobs()
        assert (stored.attempts, stored.code) == (attempt, "error")
        assert stored.sentence == "An unexpected error; tried again."
        assert stored.wake_at_ms == world.clock.now_ms() + attempt * 1_000
        assert world.work() == Worked(0, attempt * 1_000, watched=False), "not before its time"
        world.script.advance(attempt * 1_000)
    world.work()

    outcome = world.outcome(alert_id)
    assert (outcome.status, outcome.code) == ("failed", "poison")
    assert outcome.sentence == (
        "Working this alert failed three times; it was set aside so that later ones go on. Nothing was sent for it."
    )
    assert world.notices() == ["poison"]


def test_what_was_sent_for_a_job_that_is_set_aside_is_told(world: Scripted) -> None:
    alert_id = world.send("buy", "1")
    (stored,) = world.stored_jobs()
    with world.session() as lane:
        record = world.planned(lane, place(), job_id=stored.job.job_id)
        lane.store.park_job(lane.fence, replace(stored, attempts=MAX_ATTEMPTS), 0, "error", "")

    world.work()

    assert "Nothing was sent for it." in world.outcome(alert_id).sentence
    left = world.lanes.command(world.lane(), record.command_id)
    assert (left.status, left.code) == (CommandStatus.EXPIRED, "not_sent")
    assert left.message == "an earlier step of the plan did not go through"
    assert left.changed_at_ms == world.clock.now_ms()


def test_what_cannot_be_read_of_such_a_job_is_told_so(world: Scripted) -> None:
    alert_id = world.send("buy", "1")
    (stored,) = world.stored_jobs()

    class Unreadable:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.lanes, name)

        def plans(self, lane: str, job_id: str) -> Any:
            raise ValueError("no plan of mine")

    with world.session() as lane:
        lane.store.park_job(lane.fence, replace(stored, attempts=MAX_ATTEMPTS), 0, "error", "")
    worker = world.worker()
    worker._store = Unreadable()
    worker.work(world.lane(), world.deadline())

    assert world.outcome(alert_id).sentence.endswith("What was sent for it cannot be read: please check the account.")


def test_job_that_waits_is_not_counted_as_failing(world: Scripted) -> None:
    world.broker.unreadable = BrokerUnavailableError("maintenance")
    alert_id = world.send("exit")

    for _ in range(MAX_ATTEMPTS + 2):
        assert world.work() == Worked(1, 1_000, watched=False)
        (stored,) = world.stored_jobs()
        assert (stored.attempts, stored.code) == (0, "broker_unreachable")
        assert stored.sentence == "The broker cannot be read just now (maintenance)."
        assert stored.wake_at_ms == world.clock.now_ms() + 1_000
        world.script.advance(1_000)
    world.broker.unreadable = None
    world.work()

    assert world.outcome(alert_id).status == "no_action"


def test_alert_that_grows_too_old_while_it_waits_expires(world: Scripted) -> None:
    world.broker.unreadable = BrokerUnavailableError("maintenance")
    alert_id = world.send("buy", "1")

    world.run(29)
    early = world.outcome(alert_id).status
    world.run(2)

    outcome = world.outcome(alert_id)
    assert (early, outcome.status, outcome.code) == ("accepted", "expired", "broker_unreachable")
    assert outcome.sentence.endswith("The alert has grown too old meanwhile.")


def test_exit_that_waits_is_given_up_after_a_quarter_of_an_hour(world: Scripted) -> None:
    world.broker.unreadable = BrokerUnavailableError("maintenance")
    alert_id = world.send("exit")

    world.script.advance(15 * 60_000 - 1)
    world.work()
    early = world.outcome(alert_id).status
    world.script.advance(1_000)
    world.work()

    outcome = world.outcome(alert_id)
    assert (early, outcome.status, outcome.code) == ("accepted", "failed", "broker_unreachable")
    assert outcome.sentence.endswith("Given up after 15 minutes: please act.")


# ---- what overtakes what


def wait_for_the_broker(world: Scripted, action: str, **fields: Any) -> str:
    """Let an alert's job be parked."""
    world.broker.unreadable = BrokerUnavailableError("maintenance")
    alert_id = world.send(action, **fields)
    world.work()
    world.broker.unreadable = None
    return alert_id


@pytest.mark.parametrize(("action", "quantity"), [("exit", None), ("buy", "1")])
def test_newer_exit_takes_over_from_what_waits(world: Scripted, action: str, quantity: str | None) -> None:
    waiting = wait_for_the_broker(world, action, quantity=quantity)

    world.fire("exit")

    outcome = world.outcome(waiting)
    assert (outcome.status, outcome.code) == ("superseded", "overtaken")
    assert outcome.sentence == "A newer alert of the same chain took over."
    assert world.broker.sent == []


def test_newer_entry_waits_behind_what_waits(world: Scripted) -> None:
    waiting = wait_for_the_broker(world, "buy", quantity="1")
    behind = world.send("buy", "1")

    assert world.work() == Worked(0, 1_000, watched=False)
    assert world.outcome(behind).status == "accepted"
    world.run(5)

    assert world.outcome(waiting).code == "filled"
    assert world.outcome(behind).status == "refused", "long already"


def test_exit_of_another_book_overtakes_nothing(world: Scripted) -> None:
    world.add_strategy("z")
    waiting = wait_for_the_broker(world, "buy", quantity="1")

    world.fire("exit", strategy="z")

    assert world.outcome(waiting).code == "filled"


def test_entry_that_has_a_plan_is_not_overtaken(world: Scripted) -> None:
    world.broker.answers = [Unknown("reset")]
    waiting = world.send("buy", "1")
    world.worker().work(world.lane(), world.deadline())
    (stored,) = world.stored_jobs()
    assert stored.wake_at_ms > world.clock.now_ms()

    world.send("exit")
    world.work()

    assert world.outcome(waiting).status == "accepted"


def test_older_exit_does_not_overtake_what_came_after_it(world: Scripted) -> None:
    waiting = wait_for_the_broker(world, "exit")
    (newer,) = world.stored_jobs()
    older = replace(newer.job, job_id="old.acct", alert_id="old", accepted_at_ms=NOW_MS - 1)
    world.put(older)

    world.work()

    assert world.outcome(waiting).status == "accepted"


# ---- stops


def test_stop_that_the_broker_did_not_make_is_placed_and_its_absence_noted(world: Scripted) -> None:
    world.fire("buy", "2", stop_loss=STOP_AT)

    (stop,) = stops(world)
    assert (stop.side, stop.quantity, stop.stop_price) == (SELL, d(2), d(4900))
    (care,) = [one for one in world.commands() if one.role == "stop"]
    assert care.job_id.startswith("care.acct.")
    assert f".s.MES.{care.sent_at_ms}" in care.job_id
    assert (care.strategy, care.root, care.revision) == ("s", "MES", 1)
    (owning,) = world.state().books
    assert owning.unprotected_since_ms is None
    assert [one.role for one in owning.tracked] == ["stop"]


def refuse_stops(world: Scripted, *answers: Any) -> None:
    """Let the entry be carried out, then answer so to the stops."""
    world.broker.answers = [world.broker.carry_out, *answers]


@pytest.mark.parametrize(("policy", "held", "done"), [("close", 0, "closed"), ("keep", 2, "kept")])
def test_stop_that_is_refused_closes_or_keeps_as_the_strategy_says(policy: str, held: int, done: str) -> None:
    world = Scripted({"s": {"on_stop_refused": policy}})
    refuse_stops(world, Refused("invalid", "no stops here"))

    world.fire("buy", "2", stop_loss=STOP_AT, seconds=20)

    assert world.broker.signed(MES) == held
    assert world.told == [
        ("stop_refused", f"The broker refused the stop for 2 MES (no stops here); the position is {done}.")
    ]
    assert world.addressed == [{"account": "acct"}]
    assert len(stops(world)) == 1
    if policy == "keep":
        (owning,) = world.state().books
        assert owning.protection is not None
        assert owning.protection.refused == "no stops here"


def test_leg_that_is_refused_within_an_accepted_group_counts_as_refused(world: Scripted) -> None:
    refuse_stops(world, Accepted((PlacedOrder("", "child", 0, "leg refused"),)))

    world.fire("buy", "2", stop_loss=STOP_AT, seconds=20)

    assert world.broker.signed(MES) == 0
    assert [code for code, _ in world.told] == ["stop_refused"]
    assert "(leg refused)" in world.told[0][1]


@pytest.mark.parametrize("code", [*sorted(TEMPORARY - {"not_taken"}), "reserved", "flat", "side_mismatch", "not_found"])
def test_refusal_that_says_nothing_about_the_stop_is_tried_again(world: Scripted, code: Any) -> None:
    refuse_stops(world, Refused(code, "later"))

    world.fire("buy", "2", stop_loss=STOP_AT)

    assert world.told == []
    assert len(stops(world)) == 2
    assert world.broker.signed(MES) == 2


def test_stop_that_is_refused_for_now_is_tried_again_by_the_next_pass(world: Scripted) -> None:
    refuse_stops(world, Refused("rate_limited", "later"))
    world.send("buy", "2", stop_loss=STOP_AT)

    world.work()
    first = len(stops(world))
    world.work()

    assert (first, len(stops(world))) == (1, 2)


def test_missing_stop_is_noted_from_when_to_when(world: Scripted) -> None:
    refuse_stops(world, *[Refused("rate_limited", "later")] * 2)
    world.send("buy", "2", stop_loss=STOP_AT)
    noted = []

    for _ in range(4):
        world.work()
        noted.append(world.state().books[0].unprotected_since_ms)
        world.script.advance(5_000)

    assert noted == [NOW_MS, NOW_MS, NOW_MS, None]


def test_stop_that_is_rejected_again_after_it_was_taken_is_given_up(world: Scripted) -> None:
    world.send("buy", "2", stop_loss=STOP_AT)
    for _ in range(6):
        world.work()
        rejected = [one for one in world.broker.book.values() if one.type is STOP and one.status is not REJECTED]
        world.broker.show(*(replace(one, status=REJECTED, message="margin") for one in rejected))
        world.script.advance(2_000)
    world.run(20)

    assert len(stops(world)) == 2
    assert [code for code, _ in world.told if code == "stop_refused"] == ["stop_refused"]
    assert any("rejected after it was taken" in sentence for _, sentence in world.told)
    assert world.broker.signed(MES) == 0


def test_rejected_stop_is_told_with_what_it_was(world: Scripted) -> None:
    world.fire("buy", "2", stop_loss=STOP_AT)
    (stop_id,) = [one.id for one in world.broker.book.values() if one.type is STOP]
    world.broker.show(replace(world.broker.book[stop_id], status=REJECTED, message="margin"))

    world.run(4)

    assert ("broker_rejected", "The broker rejected sell 2 MESZ26: margin") in world.told
    about = world.addressed[world.told.index(("broker_rejected", "The broker rejected sell 2 MESZ26: margin"))]
    assert about == {"account": "acct", "strategy": "s"}


def test_persons_stop_that_is_refused_keeps_the_position(world: Scripted) -> None:
    with world.session() as lane:
        wants = Protection(MES, Bracket(stop_loss=d(4900)), "job")
        lane.store.save_state(lane.fence, of(book(2, strategy=ANNA, protection=wants)))
    world.broker.hold(MES, 2)
    world.broker.answers = [Refused("invalid", "no")]

    world.work()
    world.run(10)

    assert world.broker.signed(MES) == 2
    assert world.told[-1][0] == "stop_refused"
    assert world.told[-1][1].endswith("the position is kept.")


# ---- what is found out in passing


def test_drift_is_told_with_the_difference(world: Scripted) -> None:
    world.fire("buy", "2", stop_loss=STOP_AT)
    world.broker.hold(MES, 1)

    world.run(30)

    assert world.told == [
        (
            "drift",
            "MES: the broker reports another holding than our fills explain (difference -1); "
            "the broker's report is taken.",
        )
    ]
    assert world.addressed == [{"account": "acct"}]


def give_up_an_entry(world: Scripted) -> str:
    """Let an entry's answer be lost and nothing be shown of it until it is given up."""
    world.broker.answers = [Unknown("reset")]
    alert_id = world.send("buy", "2")
    world.run(GIVE_UP_MS / 1000 + 30)
    return alert_id


def show_the_lost_order(world: Scripted) -> None:
    world.broker.show(order("late", BUY, LIMIT, filled=2, status=OrderStatus.FILLED))
    world.broker.hold(MES, 2)
    world.broker.resolution = Done((PlacedOrder("late", "order"),))


def test_entry_that_shows_up_late_is_closed_by_an_exit_of_our_own(world: Scripted) -> None:
    alert_id = give_up_an_entry(world)
    assert world.outcome(alert_id).code == "not_found"
    assert [code for code, _ in world.told] == ["not_found"]
    show_the_lost_order(world)
    world.broker.took = lambda: world.script.advance(1)

    world.run(20)

    assert world.broker.signed(MES) == 0
    (close,) = closes(world)
    assert (close.side, close.quantity) == (SELL, d(2))
    assert [code for code, _ in world.told] == ["not_found", "ghost_fill"]
    (record,) = [one for one in world.commands() if one.role == "close"]
    entry = next(one for one in world.commands() if one.role == "entry")
    assert record.job_id == f"ghost.{entry.command_id}.acct"


def test_broker_that_cannot_be_read_leaves_the_lane_for_later(world: Scripted) -> None:
    world.fire("buy", "2", stop_loss=STOP_AT)
    world.broker.unreadable = BrokerUnavailableError("maintenance")

    assert world.work() == Worked(0, None, watched=True)


def test_watch_asks_for_what_is_unknown(world: Scripted) -> None:
    world.broker.answers = [Unknown("reset")]
    alert_id = world.send("buy", "2")
    world.broker.show(order("late", BUY, filled=2, status=OrderStatus.FILLED))
    world.broker.hold(MES, 2)
    world.broker.resolution = Done((PlacedOrder("late", "order"),))

    world.run(10)

    assert world.outcome(alert_id).code == "filled"
    assert world.told == []


# ---- jobs of a person


def press(world: Scripted, wish: Any, accepted_at_ms: int | None = None) -> str:
    """Store a person's press; give its job's id."""
    now_ms = world.clock.now_ms()
    job = Job("press", "", ANNA, "acct", world.lane(), "MES", accepted_at_ms or now_ms, wish=wish, origin="panel")
    world.put(job)
    return job.job_id


@pytest.mark.parametrize(("age_ms", "told"), [(ON_SCREEN_MS - 1, []), (ON_SCREEN_MS, ["flat"])])
def test_refused_press_is_told_only_when_its_answer_came_too_late(world: Scripted, age_ms: int, told: Any) -> None:
    press(world, wishes.ClosePosition(MES, MES, BUY), world.clock.now_ms() - age_ms)

    world.work()

    assert world.notices() == told


def test_press_waits_for_the_alerts_that_came_before_it(world: Scripted) -> None:
    alert_id = world.send("buy", "2")
    world.script.advance(1)
    press(world, wishes.CloseSymbol(MES))

    world.run(10)

    assert world.outcome(alert_id).code == "filled"
    assert world.broker.signed(MES) == 0
    assert [one.effect for one in world.broker.sent if isinstance(one, Place)] == ["open", "close"]


def test_order_of_a_person_that_shows_up_late_is_undone(world: Scripted) -> None:
    world.broker.answers = [Unknown("reset")]
    press(world, wishes.PlaceOrder(place(BUY, 2, order_type=LIMIT, limit_price=d(4900))))
    world.run(GIVE_UP_MS / 1000 + 30)
    assert [code for code, _ in world.told] == ["not_found"]
    world.broker.show(order("late", BUY, LIMIT))
    world.broker.resolution = Done((PlacedOrder("late", "order"),))

    world.run(20)

    assert Cancel("late", MES) in world.broker.sent
    assert world.broker.book["late"].status is CANCELLED


# ---- jobs of our own


class Recorder:
    """What jobs are put."""

    def __init__(self, world: Scripted) -> None:
        self.jobs: list[Job] = []
        world.worker()._jobs = self

    def put_job(self, job: Job) -> bool:
        self.jobs.append(job)
        return True


def holding(world: Scripted, signed: int, **fields: Any) -> None:
    """Let the strategy hold so much under a stop that was rejected twice."""
    wants = Protection(MES, Bracket(stop_loss=d(4900)), "job7", rejections=2)
    with world.session() as lane:
        lane.store.save_state(lane.fence, of(book(signed, strategy="s", protection=wants, **fields)))


def own_job(name: str, **fields: Any) -> Job:
    at_ms = fields.pop("at_ms", NOW_MS)
    return Job(f"{name}.acct", name, "s", "acct", "acct#MES", "MES", at_ms, origin="care", **fields)


@pytest.mark.parametrize(("signed", "side"), [(2, Direction.LONG), (-2, Direction.SHORT)])
def test_refused_stop_queues_an_exit_of_that_side_in_the_month_that_is_held(
    world: Scripted, signed: int, side: Direction
) -> None:
    holding(world, signed)
    world.broker.hold("MNQZ26", 1)
    world.broker.hold("MESH27", signed)
    recorder = Recorder(world)

    world.work()

    assert recorder.jobs == [own_job("stoprefused.job7", alert=Alert(Action.EXIT, "MESH27", exit_side=side))]


def test_late_order_of_a_strategy_queues_an_exit(world: Scripted) -> None:
    give_up_an_entry(world)
    show_the_lost_order(world)
    world.broker.took = lambda: world.script.advance(1)
    world.script.advance(2_000)
    recorder = Recorder(world)

    world.work()

    (entry,) = [one for one in world.commands() if one.role == "entry"]
    exits = Alert(Action.EXIT, MES, exit_side=Direction.LONG)
    (job,) = recorder.jobs
    assert job == own_job(f"ghost.{entry.command_id}", alert=exits, at_ms=job.accepted_at_ms)
    assert 0 <= world.clock.now_ms() - job.accepted_at_ms < 5


def test_late_order_that_has_filled_nothing_yet_queues_an_exit_of_either_side(world: Scripted) -> None:
    give_up_an_entry(world)
    world.broker.show(order("late", BUY, LIMIT))
    world.broker.resolution = Done((PlacedOrder("late", "order"),))
    recorder = Recorder(world)

    world.work()

    (job,) = recorder.jobs
    assert job.alert == Alert(Action.EXIT, "MES")


def test_late_order_of_a_person_queues_its_undoing(world: Scripted) -> None:
    world.broker.answers = [Unknown("reset")]
    press(world, wishes.PlaceOrder(place(SELL, 2, order_type=LIMIT, limit_price=d(5100))))
    world.run(GIVE_UP_MS / 1000 + 30)
    world.broker.show(order("late", SELL, LIMIT))
    world.broker.resolution = Done((PlacedOrder("late", "order"),))
    recorder = Recorder(world)

    world.work()

    (entry,) = [one for one in world.commands() if one.role == "entry"]
    assert recorder.jobs == [
        Job(
            f"ghost.{entry.command_id}",
            "",
            ANNA,
            "acct",
            "acct#MES",
            "MES",
            world.clock.now_ms(),
            wish=wishes.UndoOrder("late", MES, SELL),
            origin="care",
        )
    ]


def test_exit_of_our_own_is_not_bound_by_what_the_strategy_allows() -> None:
    world = Scripted({"s": {"allowed_actions": ("buy",), "trades": ("MNQ",), "mode": "off"}})
    holding(world, 2)
    world.broker.hold(MES, 2)

    world.work()
    world.run(10)

    assert world.broker.signed(MES) == 0


def sent_roles(world: Scripted) -> list[str]:
    return [one.role for one in world.commands()]


def test_nothing_is_tended_in_a_lane_that_holds_nothing(world: Scripted) -> None:
    looks = world.broker.looks

    world.work()

    assert world.broker.looks == looks
    assert sent_roles(world) == []


def test_care_waits_while_something_but_a_close_is_unknown(world: Scripted) -> None:
    def state(command: Command, role: Any) -> list[Place]:
        fresh = Scripted()
        with fresh.session() as lane:
            wants = Protection(MES, Bracket(stop_loss=d(4900)), "job")
            lane.state = of(book(2, strategy="s", protection=wants))
            lane.store.save_state(lane.fence, lane.state)
            fresh.broker.hold(MES, 2)
            lane.see()
            fresh.broker.answers = [Unknown("reset")]
            submit(lane, fresh.planned(lane, command, role), gates_of(lane, "s", command), None)
        fresh.work()
        return stops(fresh)

    assert state(Cancel("x", MES), "other") == []
    assert len(state(place(SELL, 1, "close"), "close")) == 1


@pytest.mark.parametrize(("reported", "expected"), [(1, 0), (2, 1)])
def test_stop_waits_while_less_is_reported_than_an_own_close_has_left(reported: int, expected: int) -> None:
    world = Scripted()
    with world.session() as lane:
        wants = Protection(MES, Bracket(stop_loss=d(4900)), "job")
        held = book(2, tracked("c", "close", quantity=1), strategy="s", protection=wants)
        lane.state = of(held, roots=(RootState("MES", d(2)),))
        lane.store.save_state(lane.fence, lane.state)
        world.broker.show(order("c", SELL, LIMIT, 1))
        world.broker.hold(MES, reported)

    world.work()

    assert len(stops(world)) == expected


# ---- the chain, and who is first


def flat_to_long(size: int = 1) -> Target:
    return Target(Direction.LONG, d(size), Direction.FLAT, d(0))


LONG_TO_TWO = Target(Direction.LONG, d(2), Direction.LONG, d(1))
TWO_TO_FLAT = Target(Direction.FLAT, d(0), Direction.LONG, d(2))


def test_older_link_ends_as_superseded_once_a_later_one_was_worked() -> None:
    world = Scripted({"s": {"pyramiding": 3}})
    at_ms = world.clock.now_ms()
    world.fire("buy", "1", target=flat_to_long(), fired_at_ms=at_ms)
    world.fire("buy", "1", target=LONG_TO_TWO, fired_at_ms=at_ms + 2_000)

    late = world.fire("exit", target=Target(Direction.FLAT, d(0), Direction.LONG, d(5)), fired_at_ms=at_ms - 60_000)

    assert (late.status, late.code) == ("superseded", "older_link")
    assert late.sentence == "A later alert of the same chain has been worked already."
    assert world.broker.signed(MES) == 2


def test_link_is_noted_in_the_book_with_the_job_that_brought_it(world: Scripted) -> None:
    alert_id = world.send("buy", "1", target=flat_to_long())

    world.work()

    (owning,) = world.state().books
    assert owning.chain_job == f"{alert_id}.acct"
    assert owning.chain is not None
    assert owning.chain.now is not None


def test_alert_without_a_link_is_not_noted(world: Scripted) -> None:
    world.fire("buy", "1")

    (owning,) = world.state().books
    assert (owning.chain, owning.chain_job) == (None, "")


def test_link_waits_a_moment_for_the_one_before_it() -> None:
    world = Scripted({"s": {"pyramiding": 3}})
    world.fire("buy", "1", target=flat_to_long())
    at_ms = world.clock.now_ms()
    later = world.send("exit", target=TWO_TO_FLAT, fired_at_ms=at_ms)

    world.work()

    waited_ms = world.clock.now_ms() - at_ms
    assert 1_400 <= waited_ms <= 2_000
    assert world.outcome(later).status == "ordered"
    assert world.broker.signed(MES) == 0


def test_job_that_a_dead_worker_began_goes_first(world: Scripted) -> None:
    first = world.send("buy", "1")
    world.script.advance(1)
    begun = world.send("exit")
    stored = {one.job.alert_id: one for one in world.stored_jobs()}
    with world.session() as lane:
        lane.store.start_job(lane.fence, stored[begun])

    world.work()

    assert world.outcome(begun).code == "already_flat"
    assert world.outcome(first).code == "filled"
    assert world.broker.signed(MES) == 1


def test_lane_is_held_longer_with_each_job(world: Scripted) -> None:
    until: list[int] = []

    def note(command: Command) -> Any:
        world.script.advance(30_000)
        busy = world.lanes.take(world.lane(), "somebody", world.clock.now_ms(), 1)
        assert isinstance(busy, Busy)
        until.append(busy.until_ms - world.clock.now_ms())
        return world.broker.carry_out(command)

    world.broker.answers = [note, note]
    world.send("buy", "1")
    world.add_strategy("z")
    world.send("buy", "1", strategy="z")

    world.work()

    assert until == [HOLD_MS - 30_000], "the second had no time left"
    assert world.broker.signed(MES) == 1


@pytest.mark.parametrize(("held_s", "seconds", "left_s"), [(0, 0.2, 45), (20, 0.2, 25), (26, 0.2, 45), (0, 30, 45)])
def test_lane_is_held_through_a_pause(world: Scripted, held_s: int, seconds: float, left_s: int) -> None:
    held = world.lanes.take(world.lane(), "one", world.clock.now_ms(), HOLD_MS)
    assert isinstance(held, Held)
    session = world.new_worker()._session(held, world.deadline())
    world.script.advance(held_s * 1_000)
    before_ms = world.clock.now_ms()

    session.pause(seconds)

    assert world.clock.now_ms() - before_ms == seconds * 1_000
    busy = world.lanes.take(world.lane(), "two", before_ms, 1)
    assert isinstance(busy, Busy)
    assert busy.until_ms - before_ms == left_s * 1_000


def test_phases_of_a_job_are_kept_with_it(world: Scripted) -> None:
    job = Job("press", "", ANNA, "acct", world.lane(), "MES", NOW_MS, wish=wishes.CloseSymbol(MES), origin="panel")
    world.put(replace(job, phases={"received": NOW_MS - 5}))
    world.script.advance(7)

    world.work()

    assert world.phases(job) == {"received": NOW_MS - 5, "started": NOW_MS + 7, "ended": NOW_MS + 7}


def test_pass_wants_a_bell_for_the_first_that_waits(world: Scripted) -> None:
    world.add_strategy("z")
    wait_for_the_broker(world, "buy", quantity="1")
    world.script.advance(400)
    wait_for_the_broker(world, "buy", quantity="1", strategy="z")

    assert world.work() == Worked(0, 600, watched=False)


def test_job_that_arrives_while_the_lane_is_given_back_is_rung_for(world: Scripted) -> None:
    class Late:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.lanes, name)

        def release(self, fence: Any) -> None:
            world.lanes.release(fence)
            world.send("buy", "1")

    worker = world.worker()
    worker._store = Late()

    assert worker.work(world.lane(), world.deadline()) == Worked(0, 0, watched=False)


def test_job_behind_one_that_waits_wants_no_bell_of_its_own(world: Scripted) -> None:
    wait_for_the_broker(world, "buy", quantity="1")
    world.send("buy", "1")

    assert world.work() == Worked(0, 1_000, watched=False)


def test_ended_job_of_a_halt_is_told_though_nothing_was_to_be_done(world: Scripted) -> None:
    for ending, code, told in (
        (Ending.NO_ACTION, "halted", 1),
        (Ending.NO_ACTION, "nothing_to_do", 1),
        (Ending.ORDERED, "filled", 1),
        (Ending.FAILED, "not_found", 2),
        (Ending.EXPIRED, "too_old", 3),
        (Ending.SUPERSEDED, "older_link", 4),
    ):
        alert_id = world.send("exit")
        stored = next(one for one in world.stored_jobs() if one.job.alert_id == alert_id)
        with world.session() as lane:
            world.worker()._end(lane, stored, End(ending, code, "So it is."), {})
        assert len(world.notices()) == told, code
