"""Which deliveries are one alert."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.alerts.alert import Action, Alert, Refusal
from orderbridge.alerts.identity import (
    LONG_WINDOW_MS,
    SHORT_WINDOW_MS,
    Identity,
    alert_id,
    by_body,
    conflict,
    identify,
)

NOW = 1_772_640_903_000
TIMED = Alert(Action.BUY, "MSFT", fired_at_ms=NOW - 1000)
UNTIMED = Alert(Action.BUY, "MSFT")


def of(raw: bytes = b"body", strategy: str = "s", alert: Alert = TIMED, test: bool = False) -> Identity:
    identity = identify(strategy, raw, alert, None, "", NOW, test)
    assert isinstance(identity, Identity)
    return identity


def by_field(
    fields: dict[str, Any], name: str = "id", alert: Alert = TIMED, raw: bytes = b"body"
) -> Identity | Refusal:
    return identify("s", raw, alert, fields, name, NOW)


def test_same_body_of_one_strategy_is_one_alert() -> None:
    assert of().key == of().key


@pytest.mark.parametrize("other", [of(raw=b"body "), of(strategy="t"), of(test=True), of(raw=b"s\nbody", strategy="")])
def test_other_body_strategy_or_test_run_is_another_alert(other: Identity) -> None:
    assert other.key != of().key


def test_body_with_a_fire_time_is_the_same_for_days_and_without_for_forty_seconds() -> None:
    assert of(alert=TIMED).window_until_ms == NOW + LONG_WINDOW_MS
    assert of(alert=UNTIMED).window_until_ms == NOW + SHORT_WINDOW_MS == NOW + 40_000
    assert of(alert=replace(UNTIMED, bar_time_ms=NOW)).window_until_ms == NOW + SHORT_WINDOW_MS


def test_refused_body_is_the_same_for_forty_seconds() -> None:
    assert by_body("s", b"x", Refusal("c", "f", "m", "h"), NOW).window_until_ms == NOW + SHORT_WINDOW_MS


def test_named_field_is_the_identity_whatever_else_the_body_says() -> None:
    first, second = by_field({"id": "A1"}, raw=b"one"), by_field({"id": "A1"}, raw=b"two")

    assert isinstance(first, Identity)
    assert isinstance(second, Identity)
    assert first.key == second.key
    assert first.by_field
    assert first.body_hash != second.body_hash
    assert first.window_until_ms == NOW + LONG_WINDOW_MS


def test_field_is_no_identity_unless_the_settings_name_it() -> None:
    identity = identify("s", b"one", TIMED, {"id": "A1"}, "", NOW)

    assert identity == by_body("s", b"one", TIMED, NOW)


def test_named_field_may_lie_inside_another_and_be_a_number() -> None:
    inside = by_field({"extras": {"signalId": Decimal(17)}}, name="extras.signal_id")

    assert isinstance(inside, Identity)
    assert inside.by_field


@pytest.mark.parametrize("value", [None, "", "  ", "{{strategy.order.id}}", {"a": 1}, True])
def test_message_without_a_value_in_the_named_field_is_refused_by_its_name(value: Any) -> None:
    refused = by_field({"id": value})

    assert isinstance(refused, Refusal)
    assert (refused.code, refused.field) == ("identity_missing", "id")


def test_exit_without_the_named_field_goes_by_its_body() -> None:
    identity = by_field({}, alert=replace(TIMED, action=Action.EXIT))

    assert isinstance(identity, Identity)
    assert not identity.by_field
    assert "identity" in identity.note


def test_conflict_names_the_field() -> None:
    assert (conflict("id").code, conflict("id").field) == ("identity_conflict", "id")


def test_alert_ids_sort_by_time_and_are_short_enough_for_a_request_token() -> None:
    ids = [alert_id(NOW + step, bytes(8)) for step in (0, 1, 10_000)]

    assert ids == sorted(ids)
    assert all(len(each) <= 35 for each in ids)
    assert alert_id(NOW, b"\1" * 8) != alert_id(NOW, b"\2" * 8)
