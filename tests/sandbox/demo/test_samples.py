"""The sample alerts: each file is fired, and what did not go as it must is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orderbridge.storage.items import Item
from sandbox.demo.firing import Fired, misfires
from sandbox.demo.samples import ALERTS, Sample, all_samples, curl_examples
from sandbox.demo.setup import STRATEGIES

NOW = datetime(2026, 11, 20, 14, 30, 5, tzinfo=UTC)


def test_every_file_of_the_events_is_fired() -> None:
    assert {sample.file for sample in all_samples()} == {path.name for path in ALERTS.glob("*.json")}


def test_every_strategy_has_samples() -> None:
    assert {sample.strategy for sample in all_samples()} == set(STRATEGIES)


def test_late_sample_says_that_it_fired_two_minutes_ago() -> None:
    late = next(sample for sample in all_samples() if sample.late)
    assert json.loads(late.body(NOW))["time"] == "2026-11-20T14:28:05Z"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_files_named_for_curl_hold_no_time_to_fill_in(strategy: str) -> None:
    files = curl_examples(strategy)
    assert files
    assert not [name for name in files if "{{timenow}}" in (ALERTS / name).read_text(encoding="utf-8")]


def went_well() -> tuple[list[Fired], dict[str, Item]]:
    """Give the samples as if each had been answered and had ended as it must."""
    fired: list[Fired] = []
    alerts: dict[str, Item] = {}
    ids: dict[tuple[str, str], str] = {}
    for at, sample in enumerate(all_samples()):
        alert_id = ids.setdefault((sample.strategy, sample.file), f"a{at}")
        fired.append(Fired(sample, sample.answer, {"alert_id": alert_id}, 10))
        alerts[alert_id] = {"status": sample.ends[0], "code": sample.ends[1]}
    return fired, alerts


def test_samples_that_went_well_are_clean() -> None:
    assert misfires(*went_well()) == []


def test_wrong_answer_is_told() -> None:
    fired, alerts = went_well()
    again = next(at for at, one in enumerate(fired) if one.sample.answer == 200)
    fired[again] = replace(fired[again], status=202)
    assert misfires(fired, alerts) == [f"{fired[again].sample.name}: answered 202 instead of 200"]


def test_duplicate_with_a_receipt_of_its_own_is_told() -> None:
    fired, alerts = went_well()
    again = next(at for at, one in enumerate(fired) if one.sample.answer == 200)
    fired[again] = replace(fired[again], receipt={**fired[again].receipt, "notes": ["other"]})
    assert misfires(fired, alerts) == [f"{fired[again].sample.name}: the answer is not the first receipt"]


def test_wrong_ending_is_told() -> None:
    fired, alerts = went_well()
    alerts[fired[-1].alert_id] = {"status": "failed", "code": "poison"}
    (told,) = misfires(fired, alerts)
    assert "ended failed poison instead of" in told


def test_alert_that_nobody_fired_is_told() -> None:
    fired, alerts = went_well()
    alerts["a99"] = {"status": "ordered", "code": "filled"}
    assert misfires(fired, alerts) == ["alert a99 is in the table and was not fired"]


def test_samples_that_were_not_fired_are_told() -> None:
    fired, alerts = went_well()
    last: Sample = fired[-1].sample
    del alerts[fired[-1].alert_id]
    assert misfires(fired[:-1], alerts) == [f"{last.name}: not fired, since an earlier alert did not end"]
