"""Ten browsers on one account for two minutes while alerts fire: `make load`, or `python -m benchmarks.load --help`.

Starts a run of its own: the deployed template in the local AWS, both simulated brokers with their quotas on. Alerts are
timed first without and then with the browsers. Beside what a browser waits stand two other times: the handler's own,
from its log lines (it holds its calls of the local AWS's table), and a preflight's, which the same function answers
without doing anything: what the local AWS itself takes for one request. The last line of the output is one JSON object.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.browsers import PREFLIGHT, Answered, Crowd, errors_of, log_in
from benchmarks.latency import TARGETS, Fleet, Timed
from benchmarks.report import percentile, table
from sandbox import run as runs
from sandbox.demo import setup
from sandbox.demo.endpoints import describe
from sandbox.demo.progress import Progress

ACCOUNT, SYMBOL = "demo-fx", "EURUSD"
LOGIN, PASSWORD = "ann", "browsers of the load test"
ALERT_EVERY_S = 2.0
SETTLE_S = 5.0
QUOTAS = {"positions": 1.0, "orders": 1.0, "ordersHistory": 1.0, "state": 2.0, "quotes": 10.0}
"""What the simulated TradeLocker allows of each route, in requests a second."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of time under one load: the alerts that were fired, and what else was seen."""

    seconds: float
    alerts: Sequence[Timed]
    load_average: float
    answered: Sequence[Answered] = ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; exit code 1 when a browser got an error, or a broker a request too many."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--browsers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=120.0, help="with the browsers, and as long without")
    given = parser.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, runs.stop_once)
    try:
        return _measure(given)
    except KeyboardInterrupt:
        print("\nEnded.")
        return 130


def _measure(given: argparse.Namespace) -> int:
    with _fleet() as (run, fleet):
        token = log_in(run.stack.panel_url, LOGIN, PASSWORD)
        crowd = Crowd(run.stack.panel_url, token, ACCOUNT, SYMBOL)
        _warm_up(fleet, crowd)
        alone = _stretch(fleet, given.seconds)
        journals = {broker.name: len(broker.journal()) for broker in run.brokers}
        began_ms = time.time_ns() // 1_000_000
        crowd.start(given.browsers)
        together = _stretch(fleet, given.seconds, crowd)
        own_ms = _handlers_own(run, began_ms)
        reads = {str(broker.name): _reads(broker.journal()[journals[broker.name] :]) for broker in run.brokers}
    result = _result(given.browsers, alone, together, own_ms, reads)
    print(show(result), flush=True)
    print(json.dumps(result))
    return 1 if result["errors"] or result["refused_for_their_rate"] else 0


@contextmanager
def _fleet() -> Iterator[tuple[runs.Run, Fleet]]:
    """Start a run with a user of the panel. Raises `StartError`."""
    options = argparse.Namespace(aws_port=0, tradestation_port=0, tradelocker_port=0)
    with runs.started(options, Progress()) as run:
        runs.make_ready(run)
        command = setup.CommandLine(run.aws, run.stack, run.instance.folder)
        command.run("users", "add", LOGIN, "--account", ACCOUNT, ORDERBRIDGE_PASSWORD=PASSWORD)
        yield run, Fleet(describe(run.aws, run.stack, run.brokers, run.keys))


def _warm_up(fleet: Fleet, crowd: Crowd) -> None:
    """Start the functions' workers: ask once for all that browsers ask for, and trade once."""
    warm = Crowd(crowd.base, crowd.token, crowd.account, crowd.symbol)
    warm.start(4)
    for number in range(3 * len(TARGETS)):
        _fire(fleet, number)
    warm.stop()
    time.sleep(SETTLE_S)


def _fire(fleet: Fleet, number: int) -> Timed:
    """Fire one alert: exit and entry by turns, at each broker in turn."""
    target, action = TARGETS[number // 2 % len(TARGETS)], ("exit", "buy")[number % 2]
    began = time.monotonic()
    try:
        return fleet.fire(target, action, number)
    except (OSError, RuntimeError) as error:  # not taken, or not ended: it is counted as that
        return Timed((time.monotonic() - began) * 1000, f"{type(error).__name__}: {error}", {})


def _stretch(fleet: Fleet, seconds: float, crowd: Crowd | None = None) -> Stretch:
    """Fire alerts for so long, one after the other, at each broker in turn."""
    alerts: list[Timed] = []
    began = time.monotonic()
    number = 0
    while time.monotonic() - began < seconds:
        due = time.monotonic() + ALERT_EVERY_S
        alerts.append(_fire(fleet, number))
        number += 1
        time.sleep(max(0.0, due - time.monotonic()))
    took = time.monotonic() - began
    if crowd is not None:
        crowd.stop()
    load = os.getloadavg()[0]
    time.sleep(SETTLE_S)
    return Stretch(took, alerts, load, tuple(crowd.answered) if crowd is not None else ())


def _handlers_own(run: runs.Run, since_ms: int) -> dict[str, list[float]]:
    """Read the panel's log: how long its handler took for each request, by what was asked."""
    logs = run.aws.client("logs")
    found: dict[str, list[float]] = {}
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/orderbridge/{run.stack.name}/")["logGroups"]:
        for page in logs.get_paginator("filter_log_events").paginate(
            logGroupName=group["logGroupName"], startTime=since_ms
        ):
            for event in page["events"]:
                line = _line(str(event["message"]))
                if line.get("message") == "answered" and "took_ms" in line:
                    what = PREFLIGHT if line["method"] == "OPTIONS" else str(line["path"]).rpartition("/")[2]
                    found.setdefault(what, []).append(float(line["took_ms"]))
    return found


def _line(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _reads(entries: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """Count the reads by route, and those refused for their rate."""
    counted: Counter[str] = Counter()
    for entry in entries:
        if entry["method"] == "GET":
            route = "quotes" if "/quotes" in str(entry["path"]) else str(entry["path"]).rpartition("/")[2]
            counted[route] += 1
        counted["429"] += entry["status"] == 429
    return counted


def _result(
    browsers: int,
    alone: Stretch,
    together: Stretch,
    own_ms: Mapping[str, Sequence[float]],
    reads: Mapping[str, Counter[str]],
) -> dict[str, Any]:
    polls = [one for one in together.answered if one.what != PREFLIGHT]
    waited = {what: [one.waited_ms for one in together.answered if one.what == what] for what in own_ms}
    return {
        "browsers": browsers,
        "seconds": round(together.seconds),
        "requests_a_second": round(len(polls) / together.seconds, 1),
        "errors": errors_of(together.answered),
        "browser_waits_ms": {what: _spread(values) for what, values in waited.items() if values},
        "handlers_own_ms": {what: _spread(values) for what, values in own_ms.items()},
        "broker_reads_a_second": {
            broker: {route: round(count / together.seconds, 2) for route, count in counted.items() if route != "429"}
            for broker, counted in reads.items()
        },
        "refused_for_their_rate": sum(counted["429"] for counted in reads.values()),
        "alerts_alone_ms": _alerts(alone),
        "alerts_with_browsers_ms": _alerts(together),
        "load_average": [round(alone.load_average, 1), round(together.load_average, 1)],
    }


def _alerts(stretch: Stretch) -> dict[str, Any]:
    """Give the alerts' times: the 202 at the sender, then from the receiver's first line to the first write."""
    sent = [float(one.phases["sent"]) for one in stretch.alerts if "sent" in one.phases]
    return {
        "alerts": len(stretch.alerts),
        "endings": dict(Counter(one.ending for one in stretch.alerts)),
        "202 at the sender": _spread([one.answer_ms for one in stretch.alerts]),
        "first write under way": _spread(sent) if sent else {},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    parts = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: round(percentile(values, part), 1) for name, part in parts.items()} | {"count": len(values)}


def show(result: Mapping[str, Any]) -> str:
    """Give the tables."""
    head = ("", "count", "p50", "p95", "p99")
    rows: list[tuple[str, ...]] = []
    for title, group in (
        ("a browser waits", result["browser_waits_ms"]),
        ("the handler takes", result["handlers_own_ms"]),
    ):
        rows += [(f"{title}: {what}", *_cells(spread)) for what, spread in sorted(group.items())]
    for title, alerts in (
        ("alert alone", result["alerts_alone_ms"]),
        ("alert with browsers", result["alerts_with_browsers_ms"]),
    ):
        rows += [
            (f"{title}: {phase}", *_cells(alerts[phase]))
            for phase in ("202 at the sender", "first write under way")
            if alerts[phase]
        ]
    reads = [
        f"  {broker}: {', '.join(f'{route} {rate}' for route, rate in sorted(rates.items()))}"
        for broker, rates in result["broker_reads_a_second"].items()
    ]
    allowed = ", ".join(f"{route} {rate:g}" for route, rate in QUOTAS.items())
    return "\n".join(
        [
            "",
            f"{result['browsers']} browsers on {ACCOUNT} for {result['seconds']} s: "
            f"{result['requests_a_second']} requests a second; ms",
            *table(head, rows),
            "",
            f"Reads a second at the brokers (TradeLocker allows: {allowed})",
            *reads,
            f"Refused for their rate: {result['refused_for_their_rate']}",
            f"Errors at the browsers: {', '.join(result['errors']) or 'none'}",
            f"Alerts alone ended: {result['alerts_alone_ms']['endings']}",
            f"Alerts with browsers ended: {result['alerts_with_browsers_ms']['endings']}",
            f"Load average without and with the browsers: {result['load_average']}",
        ]
    )


def _cells(spread: Mapping[str, float]) -> tuple[str, ...]:
    return (str(spread["count"]), *(f"{spread[part]:.0f}" for part in ("p50", "p95", "p99")))


if __name__ == "__main__":
    sys.exit(main())
