"""Answers."""

import json

from orderbridge.alerts.alert import Refusal
from orderbridge.alerts.receipt import FORBIDDEN, UNAUTHORIZED, UNAVAILABLE, accepted, again, refused
from tests.unit.alerts.kit import FIRED, FIRED_MS, alert


def test_receipt_repeats_how_the_message_was_read() -> None:
    understood = alert(action="buy", quantity="0.10", time=FIRED, price="NaN", stopLoss={"percent": 1})

    answer = accepted("id-1", "demo", understood, ["a", "b"], 5)

    body = json.loads(answer.body)
    assert answer.status == 202
    assert (body["alert_id"], body["status"], body["accounts"]) == ("id-1", "accepted", ["a", "b"])
    assert body["read"]["quantity"] == "0.10"
    assert body["read"]["stop_loss"] == {"percent": "1"}
    assert body["read"]["fired_at_ms"] == FIRED_MS
    assert "price is NaN" in body["notes"][0]


def test_refusal_names_code_field_message_and_hint() -> None:
    answer = refused("id-1", Refusal("unknown_field", "foo", "The field foo is not known.", "Take it out."))

    assert answer.status == 400
    assert json.loads(answer.body) == {
        "alert_id": "id-1",
        "status": "refused",
        "code": "unknown_field",
        "field": "foo",
        "message": "The field foo is not known.",
        "hint": "Take it out.",
    }


def test_repeated_delivery_gets_the_first_body_again() -> None:
    first = accepted("id-1", "demo", alert(action="buy"), [], 5)

    assert (again(first.body).status, again(first.body).body) == (200, first.body)


def test_repeated_delivery_of_a_refused_alert_is_refused_again() -> None:
    first = refused("id-1", Refusal("c", "f", "m", "h"))

    assert again(first.body) == first


def test_answers_have_the_gateways_form() -> None:
    response = UNAVAILABLE.response()

    assert response["statusCode"] == 503
    assert response["headers"]["Retry-After"] == "5"
    assert isinstance(response["body"], str)
    assert "Retry-After" not in UNAUTHORIZED.response()["headers"]


def test_no_answer_is_one_that_tradingview_takes_for_lost() -> None:
    assert {UNAUTHORIZED.status, FORBIDDEN.status, UNAVAILABLE.status} == {401, 403, 503}
