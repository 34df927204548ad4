"""Fire times and bar times (TRADING.md rule 19)."""

from decimal import Decimal

import pytest

from orderbridge.alerts.times import Moment, moment
from tests.unit.alerts.kit import FIRED_MS, NOW_MS, alert, read, refusal, told


def of(value: str | Decimal, interval: str = "", is_timenow: bool = False) -> Moment | None:
    return moment(value, interval, NOW_MS, is_timenow)


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-04T16:15:02Z",
        "2026-03-04T16:15:02+00:00",
        "2026-03-04 16:15:02 UTC",
        "2026-03-04T11:15:02-0500",
        "2026-03-04T16:15:02.000Z",
        str(FIRED_MS),
        Decimal(FIRED_MS),
        Decimal(FIRED_MS) / 1000,
        str(FIRED_MS // 1000),
    ],
)
def test_fire_time_is_read_in_every_usual_form(value: str | Decimal) -> None:
    assert of(value) == Moment(FIRED_MS)


@pytest.mark.parametrize("value", ["now", "", "2026-13-40T99:00:00Z", "12:00", "yesterday", "-5", "²"])
def test_text_that_is_no_time_is_none(value: str) -> None:
    assert of(value) is None


@pytest.mark.parametrize("value", ["2026-03-04T16:15:02", "2026-03-04 16:15", "2026-03-04"])
def test_time_without_a_zone_is_not_the_fire_time(value: str) -> None:
    read_time = of(value)

    assert read_time is not None
    assert "time zone" in read_time.reason


@pytest.mark.parametrize(
    "value", ["1970-01-02T00:00:00Z", Decimal(1), "2026-03-04T17:15:02Z", Decimal(NOW_MS + 400_000)]
)
def test_absurd_time_is_not_the_fire_time(value: str | Decimal) -> None:
    read_time = of(value)

    assert read_time is not None
    assert read_time.reason


def test_old_time_stays_the_fire_time_so_that_a_replayed_alert_is_stale() -> None:
    assert of("2026-02-20T16:15:02Z") == Moment(NOW_MS - 1000 - 12 * 24 * 3600 * 1000)


@pytest.mark.parametrize(
    ("value", "interval"),
    [
        ("2026-03-04T16:15:00Z", "5"),
        ("2026-03-04T16:15:00Z", "15"),
        ("2026-03-04T16:14:00Z", "1"),
        ("2026-03-04T14:30:00Z", "60"),
        ("2026-03-04T12:00:00Z", "4h"),
        ("2026-03-04T00:00:00Z", "1D"),
        ("2026-03-02T14:30:00Z", "W"),
        ("2026-03-01T23:00:00Z", "M"),
        ("2026-03-04T16:14:00Z", "2m"),
    ],
)
def test_time_on_a_whole_bar_is_not_the_fire_time(value: str, interval: str) -> None:
    read_time = of(value, interval)

    assert read_time is not None
    assert "bar" in read_time.reason


@pytest.mark.parametrize(
    ("value", "interval"),
    [
        ("2026-03-04T16:15:01Z", "15"),
        ("2026-03-04T16:14:00Z", "5"),
        ("2026-03-04T16:10:00Z", "60"),
        ("2026-03-04T16:15:00Z", ""),
        ("2026-03-04T16:15:00Z", "30S"),
        ("2026-03-04T16:15:00Z", "not an interval"),
    ],
)
def test_time_off_the_bars_is_the_fire_time(value: str, interval: str) -> None:
    read_time = of(value, interval)

    assert read_time is not None
    assert not read_time.reason


def test_field_named_timenow_is_the_fire_time_on_a_whole_bar_too() -> None:
    assert of("2026-03-04T16:15:00Z", "15", is_timenow=True) == Moment(NOW_MS - 3000)


# ---- in a message


def test_time_of_a_message_is_its_fire_time() -> None:
    assert alert(action="buy", time="2026-03-04T16:15:02Z", interval="15").fired_at_ms == FIRED_MS


def test_bar_time_of_a_message_is_kept_apart_and_said() -> None:
    read_alert = alert(action="buy", time="2026-03-04T16:15:00Z", interval="15")

    assert read_alert.fired_at_ms is None
    assert read_alert.bar_time_ms == NOW_MS - 3000
    assert "age" in told(read_alert)


def test_timenow_wins_over_a_bar_time() -> None:
    read_alert = alert(action="buy", timenow="2026-03-04T16:15:02Z", time="2026-03-04T16:00:00Z", interval="15")

    assert read_alert.fired_at_ms == FIRED_MS


def test_unreadable_time_refuses_an_entry_and_not_an_exit() -> None:
    assert refusal(action="buy", time="soon").code == "not_a_time"
    assert "soon" in told(alert(action="exit", time="soon"))


def test_message_without_a_time_has_none() -> None:
    read_alert = read(action="buy")

    assert read_alert == alert(action="buy")
    assert alert(action="buy").fired_at_ms is None
