"""Ages (TRADING.md rule 19)."""

import pytest

from orderbridge.strategy.ages import LONG_AGO_MS, Age, age_of, interval_seconds
from orderbridge.strategy.goal import Ending
from tests.unit.strategy.cases import FUTURES, NOW_MS, alert, holds

ON_THE_HOUR_MS = 1_793_001_600_000
MINUTE_MS = 60_000


def age(now_ms: int, accepted_ms: int, fired_ms: int | None, bar_ms: int | None = None, interval: str = "") -> Age:
    asked = alert("buy", 1, fired_at_ms=fired_ms, bar_time_ms=bar_ms, interval=interval)
    return age_of(asked, now_ms, accepted_ms)


def test_age_counts_from_the_fire_time() -> None:
    assert age(NOW_MS, NOW_MS - 1_000, NOW_MS - 12_000) == Age(12_000)


def test_age_counts_from_the_arrival_where_the_message_has_no_time() -> None:
    assert age(NOW_MS, NOW_MS - 1_000, None) == Age(1_000)


def test_clock_that_runs_ahead_does_not_make_an_alert_younger_than_its_arrival() -> None:
    assert age(NOW_MS, NOW_MS - 1_000, NOW_MS + 5_000) == Age(1_000)


@pytest.mark.parametrize("fired_ms", [0, NOW_MS - LONG_AGO_MS - 2_000, NOW_MS + 3_600_000, 4_000_000_000_000])
def test_absurd_time_is_not_used_and_that_is_said(fired_ms: int) -> None:
    found = age(NOW_MS, NOW_MS - 1_000, fired_ms)

    assert found.ms == 1_000
    assert "measured from the arrival" in found.note


@pytest.mark.parametrize(
    ("interval", "behind_ms"),
    [("5", 5 * MINUTE_MS), ("1", MINUTE_MS), ("60", 30 * MINUTE_MS), ("240", 90 * MINUTE_MS), ("D", 600 * MINUTE_MS)],
)
def test_time_on_the_start_of_a_bar_is_taken_for_the_bars_time(interval: str, behind_ms: int) -> None:
    fired_ms = ON_THE_HOUR_MS - behind_ms
    accepted_ms = ON_THE_HOUR_MS + 2_000

    found = age(accepted_ms + 500, accepted_ms, fired_ms, interval=interval)

    assert found.ms == 500
    assert "{{timenow}}" in found.note


def test_fresh_time_on_the_start_of_a_bar_is_a_fire_time() -> None:
    found = age(ON_THE_HOUR_MS + 3_000, ON_THE_HOUR_MS + 1_000, ON_THE_HOUR_MS, interval="60")

    assert found == Age(3_000)


def test_time_off_the_bars_is_a_fire_time() -> None:
    fired_ms = ON_THE_HOUR_MS + 1_000

    assert age(fired_ms + 45_000, fired_ms + 44_000, fired_ms, interval="5") == Age(45_000)


def test_message_that_names_both_times_is_believed() -> None:
    bar_ms = ON_THE_HOUR_MS - 5 * MINUTE_MS

    assert age(ON_THE_HOUR_MS + 45_000, ON_THE_HOUR_MS + 45_000, ON_THE_HOUR_MS, bar_ms, "5") == Age(45_000)
    same = age(ON_THE_HOUR_MS + 45_000, ON_THE_HOUR_MS + 45_000, bar_ms, bar_ms)
    assert (same.ms, "bar's time" in same.note) == (0, True)


def test_bar_time_alone_is_not_used_and_that_is_said() -> None:
    found = age(NOW_MS, NOW_MS - 1_000, None, bar_ms=NOW_MS - 300_000)

    assert (found.ms, "only the bar's time" in found.note) == (1_000, True)


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [
        ("5", 300),
        ("240", 14_400),
        ("30S", 30),
        ("S", 1),
        ("D", 86_400),
        ("1D", 86_400),
        ("W", 86_400),
        ("3M", 3 * 86_400),
        ("5m", 300),
        ("4h", 14_400),
        ("", None),
        ("0", None),
        ("abc", None),
    ],
)
def test_interval_is_read(interval: str, seconds: int | None) -> None:
    assert interval_seconds(interval) == seconds


class TestExpiry:
    def test_entry_expires_after_its_maximal_age(self) -> None:
        late = alert("buy", 1, fired_at_ms=NOW_MS - 30_001)

        end = FUTURES.end(late)

        assert (end.ending, end.code) == (Ending.EXPIRED, "entry_too_old")
        assert "30.0 s old" in end.sentence
        assert FUTURES.entry(alert("buy", 1, fired_at_ms=NOW_MS - 30_000)).quantity == 1

    def test_strategy_sets_the_maximal_age(self) -> None:
        late = alert("buy", 1, fired_at_ms=NOW_MS - 50_000)

        assert FUTURES.with_settings(entry_max_age_ms=60_000).entry(late).quantity == 1

    def test_stale_reversal_still_closes(self) -> None:
        goal = FUTURES.goal(alert("buy", 3, fired_at_ms=NOW_MS - 60_000), holds(-2))

        assert (goal.kind, goal.entry) == ("exit", None)
        assert goal.dropped is not None
        assert (goal.dropped.ending, goal.dropped.code) == (Ending.EXPIRED, "entry_too_old")

    def test_waiting_in_the_lane_makes_an_alert_older(self) -> None:
        desk = FUTURES.with_(now_ms=NOW_MS + 31_000)

        assert desk.code(alert("buy", 1)) == "entry_too_old"

    def test_bar_time_does_not_expire_an_entry_and_that_is_said(self) -> None:
        desk = FUTURES.with_(now_ms=ON_THE_HOUR_MS + 2_000, accepted_at_ms=ON_THE_HOUR_MS + 1_000)

        goal = desk.goal(alert("buy", 1, fired_at_ms=ON_THE_HOUR_MS - 5 * MINUTE_MS, interval="5"))

        assert goal.entry is not None
        assert any("measured from the arrival" in note for note in goal.notes)
