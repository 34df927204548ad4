"""From alert to order, phase by phase, through the deployed template in the local AWS.

Uses the run of `make run` that is up (`sandbox/run/endpoints.json`), else starts one of its own. Fires pairs of a
market entry and an exit at each broker, one alert at a time, and reads what each job noted. The times are this
machine's, with the local AWS, both simulated brokers and whatever else runs here: they show where time goes, not what
AWS will take.
"""

import argparse
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.report import percentile, table
from orderbridge.storage.overview import Overview
from sandbox import places, run
from sandbox.demo.endpoints import describe
from sandbox.demo.progress import Progress

PHASES = {
    "stored": "being stored",
    "started": "taken up by the executor",
    "planned": "plan stored, first write next",
    "sent": "first write noted as under way, next is the wire",
    "answered": "broker has answered it",
    "ended": "fill seen, ending stored",
}
"""What a job notes, and what that moment is; all counted from `received`, the receiver's first line."""
ENDED_WITHIN_S = 60.0
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Target:
    """One strategy of the sample settings: where its alerts go, and what it trades."""

    broker: str
    strategy: str
    ticker: str
    quantity: str

    def message(self, action: str, number: int) -> bytes:
        """Give an alert's message; entries have no bracket, so that phases compare from one to the next."""
        fields: dict[str, str] = {
            "ticker": self.ticker,
            "action": action,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "id": f"latency-{time.time_ns()}-{number}",
        }
        return json.dumps(fields | ({"quantity": self.quantity} if action == "buy" else {})).encode()


TARGETS = (
    Target("tradestation", "orb-mes", "MES1!", "1"),
    Target("tradelocker", "trend-eurusd", "EURUSD", "0.1"),
)


@dataclass(frozen=True)
class Timed:
    """One alert: what its sender waited, and when each phase was reached, in ms after its arrival."""

    answer_ms: float
    ending: str
    phases: Mapping[str, int]


class Fleet:
    """A running bridge, by its endpoints."""

    def __init__(self, endpoints: Mapping[str, Any]) -> None:
        self._webhooks = endpoints["webhooks"]
        settings: Mapping[str, str] = endpoints["aws"]["environment"]
        make: Any = boto3.session.Session(
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            region_name=settings["AWS_REGION"],
        ).client
        dynamodb = make("dynamodb", endpoint_url=settings["AWS_ENDPOINT_URL"], config=Config(proxies={}))
        self._overview = Overview(dynamodb, endpoints["stack"]["outputs"]["TableName"])
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def fire(self, target: Target, action: str, number: int) -> Timed:
        """Send one alert and wait for its end. Raises `RuntimeError` when it is not taken or does not end."""
        url = self._webhooks[target.strategy]["url"]
        headers = {"Content-Type": "application/json"}
        began = time.monotonic()
        with self._opener.open(urllib.request.Request(url, target.message(action, number), headers), timeout=30) as got:
            receipt = json.load(got)
        answer_ms = (time.monotonic() - began) * 1000
        alert_id = str(receipt["alert_id"])
        give_up = time.monotonic() + ENDED_WITHIN_S
        while time.monotonic() < give_up:
            item = self._overview.alert(alert_id) or {}
            if item.get("status", "accepted") != "accepted":
                return Timed(answer_ms, str(item["status"]), self._phases(item))
            time.sleep(LOOK_EVERY_S)
        raise RuntimeError(f"the alert {alert_id} did not end within {ENDED_WITHIN_S:.0f} s")

    def _phases(self, item: Mapping[str, Any]) -> Mapping[str, int]:
        (job,) = self._overview.jobs(item, json.loads(str(item["lanes"])))
        phases = job.job.phases
        return {name: at - phases["received"] for name, at in phases.items()}


def measure(fleet: Fleet, pairs: int) -> dict[str, list[Timed]]:
    """Fire at each broker; the first pair only warms up."""
    timed: dict[str, list[Timed]] = {}
    for target in TARGETS:
        fleet.fire(target, "exit", 0)
        for number in range(1 + pairs):
            both = [fleet.fire(target, "buy", number), fleet.fire(target, "exit", number)]
            if number:
                timed.setdefault(target.broker, []).extend(both)
    return timed


def rows_of(timed: Mapping[str, Sequence[Timed]]) -> list[dict[str, Any]]:
    """Give one row a broker and phase: p50 and p95, in ms after the alert's arrival at the receiver."""
    rows = []
    for broker, alerts in timed.items():
        ordered = [alert for alert in alerts if alert.ending == "ordered"]
        answers = [alert.answer_ms for alert in alerts]
        reached: dict[str, list[float]] = {"202 at the sender": answers}
        for name, moment in PHASES.items():
            reached[f"{name}: {moment}"] = [one.phases[name] for one in ordered if name in one.phases]
        for name, values in reached.items():
            if values:
                p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
                rows.append({"broker": broker, "phase": name, "p50_ms": round(p50), "p95_ms": round(p95)})
        rows.append({"broker": broker, "phase": "alerts that became orders", "count": len(ordered), "of": len(alerts)})
    return rows


def show(rows: Sequence[Mapping[str, Any]]) -> str:
    """Give the table."""
    lines = ["", "From an alert's arrival to each phase, in the local AWS on this machine; ms.", *_table(rows)]
    counts = [row for row in rows if "count" in row]
    lines += [f"  {row['broker']}: {row['count']} of {row['of']} alerts became orders" for row in counts]
    return "\n".join(lines)


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    timed = [row for row in rows if "p50_ms" in row]
    cells = [(f"{row['broker']}, {row['phase']}", str(row["p50_ms"]), str(row["p95_ms"])) for row in timed]
    return table(("", "p50", "p95"), cells)


@contextmanager
def fleet(endpoints: Path | None = None) -> Iterator[Fleet]:
    """Give the bridge that is up, else start one for the length of a `with`. Raises `StartError`."""
    found = _living(endpoints or places.RUNS / "endpoints.json")
    with ExitStack() as up:
        if found is None:
            mine = up.enter_context(run.started(run.parse([]), Progress()))
            run.make_ready(mine)
            found = describe(mine.aws, mine.stack, mine.brokers, mine.keys)
        yield Fleet(found)


def _living(file: Path) -> dict[str, Any] | None:
    """Give the endpoints of a run that is up and ready; a run that was killed leaves its file behind."""
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{content['aws']['endpoint']}/_ministack/health", timeout=2):
            ready = all(target.strategy in content["webhooks"] for target in TARGETS)
            return content if ready else None
    except (FileNotFoundError, urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what this part asks of the command line."""
    parser.add_argument("--pairs", type=int, default=10, help="entries, each with its exit, at each broker")
    parser.add_argument("--endpoints", type=Path, help="endpoints.json of a run that is up")
