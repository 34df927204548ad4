"""Deliveries out of events."""

import base64
from typing import Any

import pytest

from orderbridge.alerts.delivery import delivery_of


def gateway_event(**changes: Any) -> dict[str, Any]:
    """Give the parts of API Gateway's proxy event that matter."""
    return {
        "pathParameters": {"strategy": "demo", "key": "the-key"},
        "requestContext": {"identity": {"sourceIp": "52.89.214.238"}},
        "headers": {"X-Forwarded-For": "1.2.3.4", "Content-Type": "text/plain"},
        "body": '{"a": 1}',
        "isBase64Encoded": False,
    } | changes


def test_gateway_event_gives_strategy_key_address_and_body() -> None:
    delivery = delivery_of(gateway_event())

    assert (delivery.strategy, delivery.key.reveal()) == ("demo", "the-key")
    assert delivery.source_ip == "52.89.214.238"
    assert delivery.raw == b'{"a": 1}'
    assert not delivery.direct


def test_base64_body_is_decoded_and_a_broken_one_taken_as_it_is() -> None:
    body = base64.b64encode(b"\xff\x00raw").decode()

    assert delivery_of(gateway_event(body=body, isBase64Encoded=True)).raw == b"\xff\x00raw"
    assert delivery_of(gateway_event(body="no base64!", isBase64Encoded=True)).raw == b"no base64!"


def test_delivery_shows_neither_key_nor_body() -> None:
    shown = repr(delivery_of(gateway_event(body="secret body")))

    assert "the-key" not in shown
    assert "secret body" not in shown


def test_fire_event_is_direct_and_may_be_a_test() -> None:
    delivery = delivery_of({"fire": {"strategy": "demo", "body": "x", "test": True}})

    assert (delivery.strategy, delivery.raw, delivery.direct, delivery.test) == ("demo", b"x", True, True)


def test_fire_inside_a_gateway_request_is_not_direct() -> None:
    event = gateway_event(body='{"fire": {"strategy": "demo"}}', queryStringParameters={"fire": "1"})

    assert not delivery_of(event).direct


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"pathParameters": None, "requestContext": None, "body": None},
        {"pathParameters": [], "requestContext": {"identity": "x"}, "body": 5},
        {"fire": "x"},
        {"fire": {}},
        {"fire": {"strategy": None, "body": 5, "test": "yes"}},
    ],
)
def test_event_with_missing_parts_gives_empty_ones(event: dict[str, Any]) -> None:
    delivery = delivery_of(event)

    assert delivery.raw == b""
    assert not delivery.test
