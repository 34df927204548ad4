"""Fire sample alerts as TradingView does, by HTTP POST to the webhook URL, and wait until they have ended."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orderbridge.storage.items import Item
from orderbridge.storage.overview import Overview
from sandbox.demo.samples import ROUNDS, Sample, all_samples
from sandbox.local_aws import LocalAws, Stack

ENDED_WITHIN_S = 60.0
LOOK_EVERY_S = 0.2
ANSWER_WITHIN_S = 30.0
OPEN = "accepted"
"""What an alert's status says until all of its jobs have ended."""


@dataclass(frozen=True)
class Fired:
    """One alert that was sent."""

    sample: Sample
    status: int
    receipt: Mapping[str, Any]
    answered_ms: int
    """How long the answer took, as the sender saw it."""

    @property
    def alert_id(self) -> str:
        """The id in the receipt."""
        return str(self.receipt.get("alert_id", ""))


def fire(sample: Sample, url: str) -> Fired:
    """Send one alert and take the answer, whatever its status."""
    request = urllib.request.Request(url, sample.body(datetime.now(UTC)), {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    began = time.monotonic()
    try:
        with opener.open(request, timeout=ANSWER_WITHIN_S) as answer:
            status, body = answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        status, body = refusal.code, refusal.read()
    return Fired(sample, status, _object(body), round((time.monotonic() - began) * 1000))


def fire_all(
    aws: LocalAws,
    stack: Stack,
    urls: Mapping[str, str],
    say: Callable[[str], None],
    rounds: Sequence[Sequence[Sample]] = ROUNDS,
) -> list[Fired]:
    """Fire round after round; `urls` are the strategies' webhook URLs. Say what each alert became.

    An alert that does not end in time ends the firing: what follows would only wait behind it.
    """
    overview = Overview(aws.client("dynamodb"), stack.outputs["TableName"])
    fired: list[Fired] = []
    with ThreadPoolExecutor(max(map(len, rounds))) as pool:
        for samples in rounds:
            sent = list(pool.map(lambda sample: fire(sample, urls[sample.strategy]), samples))
            fired += sent
            ended = [_wait_for_end(overview, one) for one in sent]
            for one, alert in zip(sent, ended, strict=True):
                say(f"    {one.sample.name}: {one.status}, {alert.get('status', 'not stored')}")
            if any(alert.get("status") == OPEN for alert in ended):
                break
    return fired


def _wait_for_end(overview: Overview, fired: Fired) -> Item:
    """Give the alert's item when it has ended, or as it is when the time is over."""
    give_up = time.monotonic() + ENDED_WITHIN_S
    while fired.alert_id:
        item = overview.alert(fired.alert_id) or {}
        if item.get("status", OPEN) != OPEN or time.monotonic() > give_up:
            return item
        time.sleep(LOOK_EVERY_S)
    return {}


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def misfires(fired: Sequence[Fired], alerts: Mapping[str, Item]) -> list[str]:
    """Give a sentence for each sample that was not answered or did not end as it must."""
    found: list[str] = []
    first: dict[tuple[str, str], Fired] = {}
    for one in fired:
        sample = one.sample
        if one.status != sample.answer:
            found.append(f"{sample.name}: answered {one.status} instead of {sample.answer}")
        earlier = first.setdefault((sample.strategy, sample.file), one)
        if sample.answer == 200 and one.receipt != earlier.receipt:
            found.append(f"{sample.name}: the answer is not the first receipt")
        alert = alerts.get(one.alert_id, {})
        ended = str(alert.get("status", "not stored")), str(alert.get("code", ""))
        if ended != sample.ends:
            found.append(f"{sample.name}: ended {' '.join(ended)} instead of {' '.join(sample.ends)}")
    missing = [sample.name for sample in all_samples()[len(fired) :]]
    found += [f"{name}: not fired, since an earlier alert did not end" for name in missing]
    extra = set(alerts) - {one.alert_id for one in fired}
    return [*found, *(f"alert {alert_id} is in the table and was not fired" for alert_id in sorted(extra))]
