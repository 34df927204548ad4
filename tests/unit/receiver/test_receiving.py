"""From a delivery to what is stored, rung and answered."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from orderbridge import codec
from orderbridge.alerts.alert import Action, Alert, Refusal
from orderbridge.execution.records import Job
from orderbridge.storage.jobs import job_item, notice_item
from orderbridge.storage.lean_aws import AwsError
from orderbridge.storage.settings import Route
from orderbridge.strategy.goal import Ending
from orderbridge.strategy.settings import AccountRoute
from tests.unit.receiver.kit import BUY, EXIT, FIRED, KEY, NOW_MS, STRATEGY, Bench

TWO = replace(STRATEGY, accounts=(AccountRoute("sim"), AccountRoute("fx")))
TWO_ROUTES = (Route("sim", "tradestation", False), Route("fx", "tradelocker", True))


# ---- stored


def test_understood_alert_is_stored_rung_and_answered_202(bench: Bench) -> None:
    status, answer = bench.send(BUY)

    assert (status, answer["status"]) == (202, "accepted")
    (item,) = bench.items("ALERT#")
    assert (item["alert_id"], item["strategy"], item["status"]) == (answer["alert_id"], "demo", "accepted")
    assert (item["gpk"], item["gsk"]) == ("ALERTS#demo", answer["alert_id"])
    assert (item["received_at_ms"], item["jobs"], item["schema"]) == (NOW_MS, 1, 1)
    assert item["body"] == json.dumps(BUY)
    assert int(item["expires_at"]) == NOW_MS // 1000 + 90 * 24 * 3600
    assert codec.loads(Alert, str(item["data"])).action is Action.BUY
    assert bench.bells() == [{"lane": "sim#MES"}]


def test_job_is_stored_in_exactly_the_form_that_the_executor_reads(bench: Bench) -> None:
    _, answer = bench.send(BUY)

    (item,) = bench.jobs()
    job: Job = codec.loads(Job, str(item["data"]))
    (stored,) = bench.items("ALERT#")
    expected = Job(
        job_id=f"{answer['alert_id']}.sim",
        alert_id=answer["alert_id"],
        strategy="demo",
        account="sim",
        lane="sim#MES",
        root="MES",
        accepted_at_ms=NOW_MS,
        alert=codec.loads(Alert, str(stored["data"])),
        phases={"received": NOW_MS, "stored": NOW_MS},
    )
    assert job == expected
    assert item == job_item(expected)


def test_each_account_gets_a_job_in_its_own_lane(bench: Bench) -> None:
    bench.install(TWO, TWO_ROUTES)

    _, answer = bench.send(BUY)

    assert sorted(str(job["lane"]) for job in bench.jobs()) == ["fx#*", "sim#MES"]
    assert answer["accounts"] == ["sim", "fx"]
    assert bench.items("ALERT#")[0]["jobs"] == 2
    assert bench.bells() == [{"lane": "fx#*"}, {"lane": "sim#MES"}]


def test_more_lanes_than_a_batch_holds_are_all_rung(bench: Bench) -> None:
    names = [f"a{at:02d}" for at in range(23)]
    accounts = tuple(AccountRoute(name) for name in names)
    bench.install(replace(STRATEGY, accounts=accounts), tuple(Route(n, "tradestation", False) for n in names))

    bench.send(BUY)

    assert [bell["lane"] for bell in bench.bells()] == [f"{name}#MES" for name in names]


def test_bells_are_rung_one_by_one_where_a_batch_is_denied(bench: Bench) -> None:
    bench.install(TWO, TWO_ROUTES)
    bench.sqs.before = raise_always(DENIED, "send_message_batch")

    bench.send(BUY)
    bench.send(EXIT)

    assert [bell["lane"] for bell in bench.bells()] == ["fx#*", "fx#*", "sim#MES", "sim#MES"]
    assert bench.sqs.calls.count("send_message_batch") == 1


def test_warm_alert_takes_two_calls(bench: Bench) -> None:
    bench.send(EXIT)
    bench.count_calls()

    bench.send(BUY)

    assert bench.count_calls() == 2


@pytest.mark.parametrize("body", [BUY, {"ticker": "MES1!", "action": "nonsense"}])
def test_repeated_alert_takes_two_calls(bench: Bench, body: dict[str, Any]) -> None:
    bench.send(body)
    bench.count_calls()

    bench.send(body)

    assert bench.count_calls() == 2


# ---- refused


def test_message_that_is_not_understood_is_kept_as_refused_told_and_answered_400(bench: Bench) -> None:
    status, answer = bench.send({"ticker": "MES1!", "action": "buy", "quantity": 0})

    assert (status, answer["code"], answer["field"]) == (400, "not_positive", "quantity")
    (item,) = bench.items("ALERT#")
    assert (item["alert_id"], item["status"], item["code"]) == (answer["alert_id"], Ending.REFUSED, "not_positive")
    assert codec.loads(Refusal, str(item["data"])).field == "quantity"
    assert item["jobs"] == 0
    assert bench.jobs() == []
    assert bench.bells() == [{"notices": True}]
    (notice,) = bench.items("NOTICE#")
    assert notice == notice_item(
        f"{answer['alert_id']}.not_positive",
        NOW_MS,
        "not_positive",
        str(notice["sentence"]),
        strategy="demo",
        alert_id=answer["alert_id"],
    )
    assert "quantity is 0" in str(notice["sentence"])


def test_refused_message_that_comes_again_is_kept_once(bench: Bench) -> None:
    first = bench.send("not json at all")

    again = bench.send("not json at all")

    assert again == first
    assert len(bench.items("ALERT#")) == len(bench.items("NOTICE#")) == 1


def test_body_that_is_too_large_is_kept_in_part(bench: Bench) -> None:
    status, answer = bench.send('{"a": "' + "x" * 20_000 + '"}')

    assert (status, answer["code"]) == (400, "body_too_large")
    assert len(str(bench.items("ALERT#")[0]["body"])) == 16 * 1024


@pytest.mark.parametrize("routes", [(), (Route("sim", "tradestation", False),)])
def test_strategy_with_an_unknown_account_refuses_and_says_so(bench: Bench, routes: tuple[Route, ...]) -> None:
    bench.install(TWO, routes)

    status, answer = bench.send(BUY)

    assert (status, answer["code"]) == (400, "settings_incomplete")
    assert bench.jobs() == []


def test_strategy_without_accounts_refuses_and_says_so(bench: Bench) -> None:
    bench.install(replace(STRATEGY, accounts=()), ())

    assert bench.send(BUY)[1]["code"] == "settings_incomplete"


# ---- the same alert again


def test_repeated_delivery_gets_the_first_receipt_and_rings_again(bench: Bench) -> None:
    _, first = bench.send(BUY)
    bench.bells()
    bench.pass_time(5)

    status, again = bench.send(BUY)

    assert (status, again) == (200, first)
    assert len(bench.jobs()) == len(bench.items("ALERT#")) == 1
    rung = bench.bells()
    assert {"lane": "sim#MES"} in rung
    (told,) = [bell for bell in rung if "notices" in bell]
    assert told["notices"] is True
    assert (told["tell"]["code"], told["tell"]["alert_id"]) == ("duplicate", first["alert_id"])


@pytest.mark.parametrize(("timed", "seconds", "status"), [(True, 3600, 200), (False, 39, 200), (False, 41, 202)])
def test_body_without_a_fire_time_is_a_new_alert_after_forty_seconds(
    bench: Bench, timed: bool, seconds: float, status: int
) -> None:
    body = BUY if timed else {**BUY, "time": None}
    bench.send(body)
    bench.pass_time(seconds)

    assert bench.send(body)[0] == status
    assert len(bench.jobs()) == (2 if status == 202 else 1)


def test_two_bodies_or_two_strategies_are_two_alerts(bench: Bench) -> None:
    bench.install(replace(STRATEGY, name="other"))
    bench.send(BUY)

    assert bench.send({**BUY, "quantity": 2})[0] == 202
    assert bench.send(BUY, strategy="other")[0] == 202
    assert len(bench.jobs()) == 3


def test_identity_field_makes_one_alert_of_equal_values_and_refuses_another_body(bench: Bench) -> None:
    bench.install(replace(STRATEGY, identity_field="id"))
    _, first = bench.send({**BUY, "id": "A1"})
    bench.bells()

    same, conflicting = bench.send({**BUY, "id": "A1"}), bench.send({**BUY, "id": "A1", "quantity": 9})

    assert same == (200, first)
    assert (conflicting[0], conflicting[1]["code"], conflicting[1]["field"]) == (400, "identity_conflict", "id")
    assert len(bench.jobs()) == 1
    assert sorted(str(item["status"]) for item in bench.items("ALERT#")) == ["accepted", "refused"]
    assert {"notices": True} in bench.bells()


def test_identity_conflict_that_comes_again_is_kept_once(bench: Bench) -> None:
    bench.install(replace(STRATEGY, identity_field="id"))
    bench.send({**BUY, "id": "A1"})
    first = bench.send({**BUY, "id": "A1", "quantity": 9})

    assert bench.send({**BUY, "id": "A1", "quantity": 9}) == first
    assert len(bench.items("ALERT#")) == 2


def test_message_without_its_identity_is_refused_and_an_exit_is_not(bench: Bench) -> None:
    bench.install(replace(STRATEGY, identity_field="id"))

    entry, leaving = bench.send(BUY), bench.send(EXIT)

    assert (entry[0], entry[1]["code"]) == (400, "identity_missing")
    assert leaving[0] == 202
    assert "identity" in leaving[1]["notes"][0]


# ---- the store


def raise_once(error: Exception, where: str = "transact_write_items") -> Callable[[str], None]:
    """Give a hook that raises at the first call of an operation."""
    left = [error]

    def hook(name: str) -> None:
        if name == where and left:
            raise left.pop()

    return hook


def raise_always(error: Exception, where: str) -> Callable[[str], None]:
    def hook(name: str) -> None:
        if name == where:
            raise error

    return hook


TIME_OUT = AwsError("TimeoutError")
NO_ANSWER = AwsError("RemoteDisconnected")
THROTTLED = AwsError("ThrottlingException", 400)
BROKEN = AwsError("InternalServerError", 500)
DENIED = AwsError("AccessDeniedException", 400)


@pytest.mark.parametrize("error", [TIME_OUT, NO_ANSWER, THROTTLED, BROKEN])
def test_write_that_failed_once_is_tried_again(bench: Bench, error: Exception) -> None:
    bench.dynamodb.before = raise_once(error)

    assert bench.send(BUY)[0] == 202
    assert len(bench.jobs()) == 1


def test_write_that_succeeded_without_an_answer_is_not_taken_for_a_duplicate(bench: Bench) -> None:
    bench.dynamodb.after = raise_once(TIME_OUT)

    status, answer = bench.send(BUY)

    assert (status, answer["status"]) == (202, "accepted")
    assert len(bench.jobs()) == 1
    assert bench.bells() == [{"lane": "sim#MES"}]


def test_each_try_of_a_write_has_one_token_and_each_alert_another(bench: Bench) -> None:
    bench.dynamodb.before = raise_once(TIME_OUT)

    bench.send(BUY)
    bench.send(EXIT)

    first, second, other = bench.dynamodb.tokens
    assert first == second != other
    assert len(first) <= 36, "DynamoDB takes no longer one"


def test_conflict_is_another_transaction_with_a_token_of_its_own(bench: Bench) -> None:
    bench.install(replace(STRATEGY, identity_field="id"))
    bench.send({**BUY, "id": "A1"})

    bench.send({**BUY, "id": "A1", "quantity": 9})

    assert len(set(bench.dynamodb.tokens)) == len(bench.dynamodb.tokens) == 3


def test_first_delivery_of_a_cold_function_has_less_time(bench: Bench) -> None:
    bench.send(BUY)
    bench.send(EXIT)

    assert bench.given_s == [1.8, 2.4]


@pytest.mark.parametrize("error", [TIME_OUT, THROTTLED, BROKEN, DENIED])
@pytest.mark.parametrize("where", ["transact_write_items", "get_item"])
def test_store_that_fails_is_answered_503_and_the_resend_is_taken(bench: Bench, error: Exception, where: str) -> None:
    bench.dynamodb.before = raise_always(error, where)

    refused = bench.send(BUY)
    bench.dynamodb.before = lambda name: None
    resent = bench.send(BUY)

    assert (refused[0], refused[1]["code"]) == (503, "not_stored")
    assert resent[0] == 202


def test_503_says_when_to_come_again(bench: Bench) -> None:
    bench.dynamodb.before = raise_always(DENIED, "transact_write_items")
    event = {"fire": {"strategy": "demo", "body": "{}"}}

    assert bench.receiver.receive(event).response()["headers"]["Retry-After"] == "5"


@pytest.mark.parametrize("error", [TIME_OUT, DENIED])
def test_alert_that_is_stored_is_answered_202_though_the_bell_fails(bench: Bench, error: Exception) -> None:
    bench.sqs.before = raise_always(error, "send_message")

    assert bench.send(BUY)[0] == 202
    assert len(bench.jobs()) == 1


def test_resend_after_a_failed_bell_rings_it(bench: Bench) -> None:
    bench.sqs.before = raise_always(TIME_OUT, "send_message")
    bench.send(BUY)
    bench.sqs.before = lambda name: None

    bench.send(BUY)

    assert {"lane": "sim#MES"} in bench.bells()


def test_settings_item_that_cannot_be_read_is_answered_503(bench: Bench) -> None:
    bench.dynamodb._client.put_item(
        TableName="bridge", Item={"pk": {"S": "STRATEGY#demo"}, "sk": {"S": "SETTINGS"}, "data": {"S": "{"}}
    )

    assert bench.send(BUY)[0] == 503


# ---- who may


def test_wrong_key_unknown_strategy_and_odd_name_get_one_and_the_same_answer(bench: Bench) -> None:
    answers = [
        bench.send(BUY, key="wrong"),
        bench.send(BUY, key=""),
        bench.send(BUY, strategy="nobody"),
        bench.send(BUY, strategy="../demo#x"),
        bench.send(BUY, strategy=""),
        bench.deliver({"pathParameters": None, "requestContext": {"identity": {"sourceIp": "52.89.214.238"}}}),
    ]

    assert {json.dumps(answer) for answer in answers} == {json.dumps(answers[0])}
    assert answers[0][0] == 401
    assert bench.items("ALERT#") == []


def test_two_keys_are_valid_while_one_is_exchanged(bench: Bench) -> None:
    old = "1" * 64
    bench.install(replace(STRATEGY, key_hashes=(old, STRATEGY.key_hashes[0])))

    assert bench.send(BUY)[0] == 202


def test_new_key_is_taken_at_once_though_the_settings_are_cached(bench: Bench) -> None:
    bench.install(replace(STRATEGY, key_hashes=("1" * 64,)))
    assert bench.send(BUY)[0] == 401
    bench.install()
    bench.pass_time(1.5)

    assert bench.send(BUY)[0] == 202


def test_revoked_key_stops_within_the_cache_time(bench: Bench) -> None:
    bench.send(EXIT)
    bench.install(replace(STRATEGY, key_hashes=()))
    bench.pass_time(13)

    assert bench.send(BUY)[0] == 401


def test_foreign_address_is_answered_403_before_anything_is_read(bench: Bench) -> None:
    status, answer = bench.send(BUY, source="203.0.113.7")

    assert (status, answer["code"]) == (403, "source_not_allowed")
    assert bench.count_calls() == 0


def test_forwarded_header_lets_nobody_in(bench: Bench) -> None:
    event = {
        "pathParameters": {"strategy": "demo", "key": KEY},
        "headers": {"X-Forwarded-For": "52.89.214.238"},
        "requestContext": {"identity": {"sourceIp": "203.0.113.7"}},
        "body": json.dumps(BUY),
    }

    assert bench.deliver(event)[0] == 403


def test_switch_for_tests_lets_every_address_in(bench: Bench) -> None:
    bench.receiver = bench.new_receiver(sources="*")

    assert bench.send(BUY, source="203.0.113.7")[0] == 202


# ---- fired by the user


def test_fired_alert_needs_neither_key_nor_address(bench: Bench) -> None:
    status, answer = bench.fire(BUY)

    assert status == 202
    assert "test" not in answer
    assert bench.items("ALERT#")[0]["source"] == "fire"


def test_test_run_is_marked_and_does_not_stand_in_the_way_of_the_real_alert(bench: Bench) -> None:
    test_run = bench.fire(BUY, test=True)
    real = bench.send(BUY)

    assert test_run[1]["test"] is True
    assert real[0] == 202
    alerts: list[Alert] = [codec.loads(Alert, str(item["data"])) for item in bench.items("ALERT#")]
    assert {alert.test for alert in alerts} == {True, False}


def test_fired_alert_that_is_refused_is_answered_and_mailed_to_nobody(bench: Bench) -> None:
    status, _ = bench.fire({"action": "?"})

    assert status == 400
    assert bench.items("NOTICE#") == []
    assert bench.bells() == []


def test_alert_fired_twice_is_rung_again_and_mailed_to_nobody(bench: Bench) -> None:
    bench.fire(BUY)

    assert bench.fire(BUY)[0] == 200
    assert bench.bells() == [{"lane": "sim#MES"}] * 2


def test_fired_alert_of_an_unknown_strategy_is_refused(bench: Bench) -> None:
    assert bench.fire(BUY, strategy="nobody")[0] == 401


# ---- reading


@pytest.mark.parametrize("text", ["{“ticker”: “MES1!”, “action”: “exit”,}", '\ufeff{"ticker":"MES1!","action":"exit"}'])
def test_what_is_repaired_is_said_in_the_receipt(bench: Bench, text: str) -> None:
    status, answer = bench.send(text)

    assert status == 202
    assert bool(answer["notes"]) == ("“" in text)


def test_strategys_own_symbol_stands_for_a_missing_one(bench: Bench) -> None:
    bench.install(replace(STRATEGY, symbol="MNQ1!"))

    bench.send({"action": "buy", "time": FIRED})

    assert bench.jobs()[0]["lane"] == "sim#MNQ"


def test_symbol_map_decides_the_lane(bench: Bench) -> None:
    mapped = AccountRoute("sim", symbols={"MES1!": "MNQZ26"})
    bench.install(replace(STRATEGY, accounts=(mapped,), symbols={"MES1!": "MYM1!"}))

    bench.send(BUY)

    assert bench.jobs()[0]["lane"] == "sim#MNQ"


def test_symbol_that_cannot_be_traded_still_has_a_lane_to_be_refused_in(bench: Bench) -> None:
    bench.send({**BUY, "ticker": "MES2!"})

    assert bench.bells() == [{"lane": "sim#MES"}]
