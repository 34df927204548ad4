"""The commands of the day: status, alerts, fire, halt, resume, live, replay."""

import io
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge import codec
from orderbridge.alerts.alert import Action, Alert
from orderbridge.brokers.port import PlacedOrder
from orderbridge.commands import Place
from orderbridge.execution.ports import Held
from orderbridge.execution.records import (
    Book,
    CommandRecord,
    CommandStatus,
    Job,
    LaneState,
    Plan,
    StoredJob,
    Tracked,
)
from orderbridge.model import Direction, Side
from orderbridge.storage import keys
from orderbridge.storage.control import Controls
from orderbridge.storage.items import marshal
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.strategy.goal import End, Ending, Goal
from tests.unit.cli.bench import NOW_MS, SETTINGS, Bench
from tests.unit.cli.test_apply import account
from tests.unit.storage.aws import TABLE

ALERT_ID = "1a0b0000000aaaa"
JOB_ID = f"{ALERT_ID}.sim"
LANE = "sim#MES"
ALERT = Alert(Action.BUY, "MES1!", quantity=Decimal(1), fired_at_ms=NOW_MS - 5_000)
PLACE = Place("MESZ26", Side.BUY, Decimal(1), "open")
RECORD = CommandRecord("c" * 32, JOB_ID, "orb", "MES", 1, 0, PLACE, "entry", changed_at_ms=NOW_MS - 3_000)


def lanes(bench: Bench) -> DynamoLanes:
    return DynamoLanes(bench.client("dynamodb"), TABLE)


def hold(bench: Bench) -> Held:
    held = lanes(bench).take(LANE, "test", NOW_MS, 1000)
    assert isinstance(held, Held)
    return held


def job(**changes: Any) -> Job:
    made = Job(JOB_ID, ALERT_ID, "orb", "sim", LANE, "MES", NOW_MS - 5_000, ALERT, phases={"received": NOW_MS - 5_000})
    return replace(made, **changes)


def put_alert(bench: Bench, **changes: Any) -> None:
    """Store an alert as the receiver does."""
    item: dict[str, str | int] = {
        **keys.alert(ALERT_ID),
        "gpk": "ALERTS#orb",
        "gsk": ALERT_ID,
        "alert_id": ALERT_ID,
        "strategy": "orb",
        "status": "accepted",
        "code": "stored",
        "sentence": "Stored; it is being worked.",
        "received_at_ms": NOW_MS - 5_000,
        "source": "webhook",
        "body": '{"ticker": "MES1!"}',
        "data": codec.dumps(ALERT),
        "jobs": 1,
        "lanes": json.dumps([LANE]),
    }
    bench.client("dynamodb").put_item(TableName=TABLE, Item=marshal({**item, **changes}))


def worked(bench: Bench, ending: Ending = Ending.ORDERED) -> None:
    """Store an alert whose job has a plan, an accepted order and an ending."""
    put_alert(bench)
    lanes(bench).put_job(job())
    held = hold(bench)
    goal = Goal("MESZ26", "MES", "enter", notes=("Opens 1.",))
    lanes(bench).save_plan(
        held.fence, Plan(JOB_ID, 1, goal, (RECORD.command_id,), NOW_MS - 4_000), [RECORD], held.state
    )
    accepted = replace(RECORD, status=CommandStatus.ACCEPTED, orders=(PlacedOrder("991", "order"),))
    order = Tracked(
        "991", RECORD.command_id, JOB_ID, "entry", "MESZ26", Side.BUY, Decimal(1), NOW_MS, booked=Decimal(1)
    )
    state = LaneState(books=(Book("orb", "MES", Decimal(1), 1, (order,)),))
    lanes(bench).finish(held.fence, accepted, CommandStatus.NEW, state)
    end = End(ending, "filled", "Bought 1 MESZ26 at 6000.")
    lanes(bench).end_job(held.fence, StoredJob(job(), "WORKING"), end, NOW_MS, tell=False)
    lanes(bench).release(held.fence)


def bells(bench: Bench) -> list[dict[str, Any]]:
    sqs = bench.client("sqs")
    url = bench.cloudformation.outputs["BellQueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


# ---- status


def test_status_of_a_fresh_deployment_says_what_to_do(applied: Bench) -> None:
    result = applied.run("status")

    assert result.exit_code == 0
    assert "orderbridge connect tradestation" in result.stdout


def test_status_shows_connections_halts_open_work_and_how_alerts_ended(applied: Bench) -> None:
    from tests.unit.storage.test_tokens import first_login

    worked(applied)
    held = hold(applied)
    unknown = replace(RECORD, command_id="d" * 32, status=CommandStatus.UNKNOWN, message="time-out")
    lanes(applied).save_plan(held.fence, Plan(JOB_ID, 2, None, ("d" * 32,), NOW_MS), [unknown], held.state)
    lanes(applied).put_job(job(job_id="other.sim", alert_id="other"))
    Controls(applied.client("dynamodb"), TABLE).halt("account#sim", "entries", "news", "ann", NOW_MS)
    login = first_login(obtained_at_ms=NOW_MS - 300_000, access_expires_at_ms=NOW_MS + 900_000)
    _register(applied, login)

    text, values = applied.run("status").stdout, applied.ok("status")

    assert "Bought 1 MESZ26 at 6000." in text
    assert values["connections"][0]["token_age_ms"] == 300_000
    assert [(one["lane"], one["status"]) for one in values["open_commands"]] == [(LANE, "UNKNOWN")]
    assert [one["job"]["job_id"] for one in values["open_jobs"]] == ["other.sim"]
    assert [one["scope"] for one in values["halts"]] == ["account#sim"]
    assert [one["status"] for one in values["strategies"]["orb"]["alerts"]] == ["ordered"]


def _register(bench: Bench, login: Any) -> None:
    from orderbridge.storage.token_lease import TokenLeases

    TokenLeases(bench.client("dynamodb"), TABLE).register("ts", login, "v1")


def test_item_of_another_release_is_counted_and_the_rest_is_shown(applied: Bench) -> None:
    lanes(applied).put_job(job())
    item = {**keys.job(LANE, 1, "x.sim"), "gpk": "OPEN#JOB", "gsk": "1", "lane": LANE, "status": "QUEUED", "data": "{}"}
    applied.client("dynamodb").put_item(TableName=TABLE, Item=marshal(item))

    values = applied.ok("status")

    assert (len(values["open_jobs"]), values["unreadable"]) == (1, 1)


# ---- alerts


def test_alert_is_shown_with_its_jobs_plans_commands_and_orders(applied: Bench) -> None:
    worked(applied)

    values = applied.ok("alerts", "show", ALERT_ID)

    assert (values["status"], values["sentence"]) == ("ordered", "Bought 1 MESZ26 at 6000.")
    (shown,) = values["jobs"]
    assert shown["revisions"][0]["commands"][0]["status"] == "ACCEPTED"
    assert shown["revisions"][0]["commands"][0]["orders"][0]["order_id"] == "991"
    assert shown["orders"][0]["order_id"] == "991"


def test_alert_shown_to_a_person_reads_from_message_to_order(applied: Bench) -> None:
    worked(applied)

    text = applied.run("alerts", "show", JOB_ID).stdout

    wanted = [
        '{"ticker": "MES1!"}',
        f"Job {JOB_ID} in lane {LANE}",
        "Plan 1",
        "ACCEPTED entry place buy 1 MESZ26",
        "991",
    ]
    positions = [text.index(part) for part in wanted]
    assert positions == sorted(positions)


def test_unknown_alert_points_to_the_list(applied: Bench) -> None:
    result = applied.run("alerts", "show", "nope")

    assert result.exit_code == 3
    assert "alerts list" in result.stderr


def test_alerts_are_listed_the_newest_first(applied: Bench) -> None:
    put_alert(applied)
    put_alert(applied, **keys.alert("zz"), gsk="zz", alert_id="zz", received_at_ms=NOW_MS)

    values = applied.ok("alerts", "list")

    assert [one["alert_id"] for one in values["alerts"]] == ["zz", ALERT_ID]


# ---- fire


def answer(http_status: int, /, **body: Any) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps({"statusCode": http_status, "body": json.dumps(body)}).encode())}


def test_fired_alert_goes_to_the_receiver_with_the_present_time_and_its_ending_is_told(applied: Bench) -> None:
    worked(applied)
    applied.write('{"ticker": "MES1!", "time": "{{timenow}}"}', "alert.json")
    applied.functions.answers = [answer(202, alert_id=ALERT_ID, status="accepted", notes=["Read as native."])]

    values = applied.ok("fire", "orb", "alert.json", "--test")

    (asked,) = applied.functions.asked
    assert asked["FunctionName"] == "receiver"
    assert json.loads(asked["Payload"]) == {
        "fire": {"strategy": "orb", "body": '{"ticker": "MES1!", "time": "2026-09-21T14:13:20Z"}', "test": True}
    }
    assert (values["status"], values["ending"], values["sentence"]) == (202, "ordered", "Bought 1 MESZ26 at 6000.")


def test_fired_alert_that_is_refused_ends_with_one(applied: Bench) -> None:
    applied.write("{}", "alert.json")
    applied.functions.answers = [answer(400, alert_id="x", status="refused", message="No ticker.", hint="Add one.")]

    result = applied.run("fire", "orb", "alert.json")

    assert result.exit_code == 1
    assert "No ticker.\nAdd one." in result.stdout


def test_fire_waits_for_the_ending_no_longer_than_asked(applied: Bench) -> None:
    put_alert(applied)
    applied.write("{}", "alert.json")
    applied.functions.answers = [answer(202, alert_id=ALERT_ID, status="accepted")]
    moments = iter(range(NOW_MS, NOW_MS + 60_000, 1_000))
    slept: list[float] = []

    result = applied.run(
        *("fire", "orb", "alert.json", "--wait", "3"), now_ms=lambda: next(moments), sleep=slept.append
    )

    assert result.exit_code == 1
    assert f"alert {ALERT_ID}: accepted" in result.stdout
    assert len(slept) == 2


def test_receiver_that_fails_is_an_error_without_its_words(applied: Bench) -> None:
    applied.write("{}", "alert.json")
    failed = {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "canary"}')}
    applied.functions.answers = [failed]

    result = applied.run("fire", "orb", "alert.json")

    assert result.exit_code == 4
    assert "canary" not in result.output


# ---- halt and resume


def tracked(role: str, symbol: str = "MESZ26") -> Tracked:
    return Tracked("1", "c", "j", role, symbol, Side.BUY, Decimal(1), NOW_MS)  # type: ignore[arg-type]


def put_state(bench: Bench, *books: Book) -> None:
    held = hold(bench)
    lanes(bench).save_state(held.fence, LaneState(books=books))
    lanes(bench).release(held.fence)


def test_halt_stops_entries_cancels_working_entries_and_leaves_positions(applied: Bench) -> None:
    put_state(applied, Book("orb", "MES", Decimal(2), 1, (tracked("entry"), tracked("stop"))))

    values = applied.ok("halt", "--reason", "news")

    assert Controls(applied.client("dynamodb"), TABLE).read("global").blocks == "entries"
    (stored,) = lanes(applied).inbox(LANE)
    assert stored.job.alert is not None
    assert (stored.job.alert.action, stored.job.alert.symbol, stored.job.origin) == (Action.CANCEL, "MESZ26", "care")
    assert values["closing"] == 0
    assert bells(applied) == [{"lane": LANE}]


def test_halt_with_nothing_working_stores_no_job(applied: Bench) -> None:
    put_state(applied, Book("orb", "MES", Decimal(2), 1, (tracked("stop"),)))

    assert applied.ok("halt")["jobs"] == []
    assert bells(applied) == []


def test_flatten_closes_what_each_strategy_holds(applied: Bench) -> None:
    short = Book("orb", "MES", Decimal(-2), 1, (tracked("stop", "MESH27"),))
    put_state(applied, short, Book("other", "MES", Decimal(0), 0, (tracked("entry"),)))

    values = applied.ok("halt", "--account", "sim", "--flatten")

    alerts = {stored.job.strategy: stored.job.alert for stored in lanes(applied).inbox(LANE)}
    assert alerts["orb"] == Alert(Action.EXIT, "MESH27", exit_side=Direction.SHORT)
    assert alerts["other"] == Alert(Action.CANCEL, "MESZ26")
    assert (values["scope"], values["closing"]) == ("account#sim", 1)


def test_flatten_of_a_strategy_leaves_the_others(applied: Bench) -> None:
    put_state(applied, Book("orb", "MES", Decimal(2)), Book("other", "MES", Decimal(2)))

    applied.ok("halt", "--strategy", "orb", "--flatten")

    assert [stored.job.strategy for stored in lanes(applied).inbox(LANE)] == ["orb"]


def test_halting_everything_asks_and_sends_nothing(applied: Bench) -> None:
    put_state(applied, Book("orb", "MES", Decimal(2), 1, (tracked("entry"),)))

    declined = applied.run("halt", "--everything", answers="n\n")
    done = applied.run("halt", "--everything", "--yes")

    assert (declined.exit_code, done.exit_code) == (6, 0)
    assert Controls(applied.client("dynamodb"), TABLE).read("global").blocks == "all"
    assert lanes(applied).inbox(LANE) == []


def test_flatten_and_everything_contradict_each_other(applied: Bench) -> None:
    assert applied.run("halt", "--flatten", "--everything").exit_code == 3


@pytest.mark.parametrize("option", ["--account", "--strategy"])
def test_halt_of_an_unknown_name_is_refused(applied: Bench, option: str) -> None:
    result = applied.run("halt", option, "orbb" if option == "--strategy" else "smi")

    assert result.exit_code == 3
    assert "did you mean" in result.stderr
    assert Controls(applied.client("dynamodb"), TABLE).all() == []


def test_resume_lifts_one_scope_and_names_what_stays_halted(applied: Bench) -> None:
    applied.ok("halt")
    applied.ok("halt", "--account", "sim")

    values = applied.ok("resume", "--account", "sim")

    assert values == {"scope": "account#sim", "still_halted": ["global"]}
    assert Controls(applied.client("dynamodb"), TABLE).read("account#sim").blocks == "none"


# ---- live


@pytest.fixture
def live(bench: Bench) -> Bench:
    text = SETTINGS.replace("environment: sim", "environment: live").replace("SIM123F", "123F")
    bench.write(text + "    mode: live\n")
    bench.ok("apply")
    return bench


def test_typed_account_id_lets_live_orders_out(live: Bench) -> None:
    result = live.run("live", "sim", answers="123F\n")

    assert result.exit_code == 0
    assert "orb (mode live" in result.stderr
    assert account(live).live_confirmed_at_ms == NOW_MS


@pytest.mark.parametrize("typed", ["y", "123", ""])
def test_anything_else_typed_changes_nothing(live: Bench, typed: str) -> None:
    result = live.run("live", "sim", "--confirm", typed) if typed else live.run("live", "sim", interactive=False)

    assert result.exit_code == 6
    assert account(live).live_confirmed_at_ms is None


def test_confirmation_is_taken_back(live: Bench) -> None:
    live.ok("live", "sim", "--confirm", "123F")

    live.ok("live", "sim", "--revoke")

    assert account(live).live_confirmed_at_ms is None


def test_simulated_account_needs_no_confirmation(applied: Bench) -> None:
    assert applied.run("live", "sim").exit_code == 3


def test_apply_says_that_a_live_account_is_not_confirmed(live: Bench) -> None:
    assert "orderbridge live sim" in live.run("apply").stderr


# ---- replay


def test_replayed_job_is_stored_behind_the_others_under_another_id_with_its_first_age(applied: Bench) -> None:
    untimed = replace(ALERT, fired_at_ms=None)
    put_alert(applied)
    lanes(applied).put_job(job(alert=untimed))
    held = hold(applied)
    end = End(Ending.FAILED, "poison", "Failed.")
    lanes(applied).end_job(held.fence, StoredJob(job(alert=untimed), "WORKING"), end, NOW_MS, tell=False)

    values = applied.ok("replay", JOB_ID)

    (again,) = lanes(applied).inbox(LANE)
    assert values["job"] == again.job.job_id != JOB_ID
    assert again.job.replay_of == JOB_ID
    assert again.job.accepted_at_ms == NOW_MS
    assert again.job.alert is not None
    assert again.job.alert.fired_at_ms == NOW_MS - 5_000
    assert again.job.job_id.rpartition(".")[2] == "sim"
    assert bells(applied) == [{"lane": LANE}]
    assert [one["job"]["job_id"] for one in applied.ok("alerts", "show", ALERT_ID)["jobs"]] == [
        JOB_ID,
        again.job.job_id,
    ]


def test_replay_of_an_ordered_job_asks(applied: Bench) -> None:
    worked(applied)

    declined = applied.run("replay", JOB_ID, answers="n\n")

    assert declined.exit_code == 6
    assert lanes(applied).inbox(LANE) == []


def test_replay_of_a_job_that_has_not_ended_is_refused(applied: Bench) -> None:
    put_alert(applied)
    lanes(applied).put_job(job())

    result = applied.run("replay", JOB_ID)

    assert result.exit_code == 3
    assert "has not ended" in result.stderr


def test_replay_of_an_unknown_job_names_those_of_the_alert(applied: Bench) -> None:
    worked(applied)

    result = applied.run("replay", f"{ALERT_ID}.fx")

    assert result.exit_code == 3
    assert f"the alert's jobs are {JOB_ID}" in result.stderr


def test_every_command_has_json() -> None:
    """Walk the command tree, so that a new command cannot be without it."""
    from typer.main import get_command

    from orderbridge.cli.app import app

    def walk(command: Any, path: tuple[str, ...]) -> list[tuple[str, ...]]:
        inner = getattr(command, "commands", None)
        if inner is not None:
            return [found for name, one in inner.items() for found in walk(one, (*path, name))]
        return [] if any("--json" in parameter.opts for parameter in command.params) else [path]

    assert walk(get_command(app), ()) == []
