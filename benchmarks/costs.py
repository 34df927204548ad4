"""What running the bridge costs: what each part uses, measured, times AWS's list prices: `python -m benchmarks.costs`.

Calls, request units of the table and log bytes are counted while the functions run against the stub and the simulated
brokers. How long a function runs on AWS cannot be measured here; it is computed from what is counted:

    billed time = CPU here x slowdown + sleep + AWS calls x 6 ms + broker requests x 120 ms

An alert is counted as if both functions started cold for it, which is the most that it can cost.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from benchmarks import prices
from benchmarks.bench import BROKERS, Bench, measuring
from benchmarks.measure import Invoke, Measured, bell_event
from benchmarks.metering import Meter, size_of
from benchmarks.prices import Usage
from benchmarks.report import table
from sandbox import places
from sandbox.demo.brokers import BrokerName
from sandbox.local_aws import template as templates

AWS_CALL_MS = 6
BROKER_REQUEST_MS = 120
SLOWDOWN = {1024: 2, 512: 4}
"""How much longer CPU work takes on Lambda at this memory (MB) than on one processor here."""
PASSES = 6
WATCH_S = 2
POLLERS = 5
"""Lambda's pollers of a queue, at rest, as AWS describes them; each asks every 20 s."""
KEPT_MONTHS = 3
ITEM_OVERHEAD = 100
"""Bytes that DynamoDB adds to each item's size, and to its copy in the index."""
ACCESS_LOG_BYTES = 330
PLATFORM_LOG_BYTES = 330
"""Lambda's own three lines about an invoke."""
OLD_MS = 11 * 60_000
REFRESH_MINUTES = 10
ALWAYS = ("TokenAgeSeconds", "UnknownCommands")
"""Metrics that are written each minute."""
GATEWAY_METRICS = 5
"""Detailed metrics of the one method."""


@dataclass(frozen=True)
class Costs:
    """What was used, by broker where it differs."""

    alert: Mapping[str, Usage]
    watch_pass: Mapping[str, Usage]
    minute: Usage
    refresh: Usage
    metrics: int
    """Custom metrics that receiving writes, in the hours in which it does."""


def measure(bench: Bench) -> Costs:
    """Run everything once and count."""
    alert: dict[str, Usage] = {}
    passes: dict[str, Usage] = {}
    metrics: set[str] = set()
    for name in BROKERS:
        order = bench.first_order(name)
        requests = _broker_moments(bench, name)
        both = [_usage(bench.stub.meter, one, one.invokes, 1024, requests) for one in (order.receiver, order.executor)]
        stored = sum(_stored_size(item) for item in bench.stub.table.items.values())
        fixed = Usage(
            gateway_requests=Decimal(1),
            log_bytes=Decimal(ACCESS_LOG_BYTES),
            stored_bytes_months=Decimal(stored * KEPT_MONTHS),
        )
        alert[name] = both[0] + both[1] + fixed
        metrics |= _metrics_of(order.receiver)
        passes[name] = _watch(bench, name)
    minute, refresh = _minutes(bench)
    return Costs(alert, passes, minute, refresh, len(metrics) + GATEWAY_METRICS)


def _watch(bench: Bench, name: BrokerName) -> Usage:
    """Count what one pass of the watcher uses while a position is held, the process being warm."""
    account = bench.seats[name].account.name
    bells = [bell_event(json.dumps({"watch": account, "turn": turn})) for turn in range(1, PASSES + 2)]
    measured = bench.run("executor", name, bells, WATCH_S)
    warm = measured.invokes[1:]
    used = _usage(bench.stub.meter, measured, warm, 1024, _broker_moments(bench, name))
    return used * (Decimal(1) / len(warm))


def _minutes(bench: Bench) -> tuple[Usage, Usage]:
    """Count a minute of the refresher with nothing to do, and what refreshing one login adds."""
    seat = bench.fresh("tradestation")
    event: dict[str, Any] = json.loads((places.ROOT / "events" / "scheduler-minute.json").read_text(encoding="utf-8"))
    bench.register("tradestation", seat.login)
    idle = bench.run("refresher", "tradestation", [event] * (1 + PASSES))
    requests = _broker_moments(bench, "tradestation")
    minute = _usage(bench.stub.meter, idle, idle.invokes[1:], 512, requests) * (Decimal(1) / PASSES)
    first = _usage(bench.stub.meter, idle, idle.invokes[:1], 512, requests)
    bench.fresh("tradestation")
    bench.make_older("tradestation", OLD_MS)
    due = bench.run("refresher", "tradestation", [event])
    requests = _broker_moments(bench, "tradestation")
    return minute, _usage(bench.stub.meter, due, due.invokes, 512, requests) + first * -1


def _usage(
    meter: Meter, measured: Measured, invokes: Sequence[Invoke], memory_mb: int, broker_moments: Sequence[float]
) -> Usage:
    """Give what some invokes of a process used; with the first one counts what comes before it."""
    used = Usage()
    for invoke in invokes:
        cold = invoke is measured.invokes[0]
        began_at = measured.spawned_at if cold else invoke.began_at
        calls = meter.between(began_at, invoke.ended_at)
        requests = sum(began_at <= moment <= invoke.ended_at for moment in broker_moments)
        cpu_ms = invoke.cpu_ms + (measured.import_ms if cold else 0)
        waited_ms = invoke.slept_ms + len(calls.calls) * AWS_CALL_MS + requests * BROKER_REQUEST_MS
        billed_ms = cpu_ms * SLOWDOWN[memory_mb] + waited_ms
        used += Usage(
            lambda_requests=Decimal(1),
            gb_seconds=Decimal(billed_ms / 1000 * memory_mb / 1024),
            sqs_requests=Decimal(_sqs_requests(calls)),
            read_units=Decimal(calls.read_units),
            write_units=Decimal(calls.write_units),
            secret_calls=Decimal(calls.number("secretsmanager")),
            log_bytes=Decimal(len(measured.output) / len(measured.invokes) + PLATFORM_LOG_BYTES),
        )
    return used


def _sqs_requests(calls: Meter) -> int:
    """Count queue requests: each bell that is sent is also received and deleted."""
    sent = sum(call.name == "sqs.SendMessage" for call in calls.calls)
    return calls.number("sqs") + 2 * sent


def _stored_size(item: Mapping[str, Any]) -> int:
    return (size_of(item) + ITEM_OVERHEAD) * (2 if "gpk" in item else 1)


def _broker_moments(bench: Bench, name: BrokerName) -> list[float]:
    return [float(entry["at_ms"]) for entry in bench.brokers[name].journal()]


def _metrics_of(measured: Measured) -> set[str]:
    """Give the names of the metrics that a function wrote to its log."""
    found: set[str] = set()
    for line in measured.output.splitlines():
        for group in json.loads(line).get("_aws", {}).get("CloudWatchMetrics", []):
            found |= {metric["Name"] for metric in group["Metrics"]}
    return found


# ---- months


def idle_month(costs: Costs, connections: int) -> dict[str, Decimal]:
    """Give what a month costs in which no alert comes."""
    minutes = prices.MONTH_MINUTES
    refreshes = costs.refresh * (minutes // REFRESH_MINUTES) * connections
    polling = Usage(sqs_requests=Decimal(POLLERS * 3 * minutes))
    parts = (costs.minute * minutes + refreshes + polling).costs()
    resources = templates.load()["Resources"].values()
    alarms = sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in resources)
    parts["CloudWatch"] += alarms * prices.ALARM_MONTH + len(ALWAYS) * prices.METRIC_MONTH
    parts["Secrets Manager"] += connections * prices.SECRET_MONTH
    parts["Scheduler"] = minutes * prices.SCHEDULE
    return {name: price for name, price in parts.items() if price}


def watched_hour(costs: Costs, broker: str) -> Decimal:
    """Give what an hour costs in which something is held or works at one account."""
    return (costs.watch_pass[broker] * (3600 // WATCH_S)).cost


def thousand_alerts(costs: Costs, broker: str) -> dict[str, Decimal]:
    """Give what a thousand alerts cost that each become an order."""
    return (costs.alert[broker] * 1000).costs()


def show(costs: Costs, connections: int) -> str:
    """Give the tables."""
    lines = [f"List prices of {prices.AS_OF}. Check yours."]
    thousands = {broker: thousand_alerts(costs, broker) for broker in BROKERS}
    parts = list(thousands[BROKERS[0]])
    rows = [(part, *(f"${thousands[broker][part]:.3f}" for broker in BROKERS)) for part in parts]
    totals = (f"${sum(thousands[broker].values(), Decimal(0)):.2f}" for broker in BROKERS)
    lines += ["", "1,000 alerts that become orders", *table(("", *BROKERS), [*rows, ("all", *totals)])]
    idle = idle_month(costs, connections)
    rows = [(part, f"${price:.2f}") for part, price in idle.items()]
    rows.append(("all", f"${sum(idle.values(), Decimal(0)):.2f}"))
    lines += ["", f"A month without alerts, {connections} logins", *table(("", "a month"), rows)]
    hours = (Decimal("6.5") * 21, Decimal(prices.MONTH_MINUTES) / 60)
    watched = [
        (
            broker,
            f"${watched_hour(costs, broker):.4f}",
            *(f"${watched_hour(costs, broker) * length:.2f}" for length in hours),
        )
        for broker in BROKERS
    ]
    lines += ["", "Watching one account, while something is held or works there"]
    lines += table(("", "an hour", "21 days of 6.5 hours", "a month day and night"), watched)
    hourly = costs.metrics * prices.METRIC_MONTH / 730
    lines.append(f"Receiving writes {costs.metrics} metrics: ${hourly:.4f} for each hour with an alert.")
    return "\n".join(lines)


def numbers(costs: Costs, connections: int) -> dict[str, Any]:
    """Give everything as JSON-ready values: dollars."""
    thousands = {broker: sum(thousand_alerts(costs, broker).values(), Decimal(0)) for broker in BROKERS}
    return {
        "prices": prices.AS_OF,
        "thousand_alerts": {broker: round(float(price), 4) for broker, price in thousands.items()},
        "idle_month": {part: round(float(price), 4) for part, price in idle_month(costs, connections).items()},
        "watched_hour": {broker: round(float(watched_hour(costs, broker)), 5) for broker in BROKERS},
        "alert_usage": {broker: _plain(usage) for broker, usage in costs.alert.items()},
        "watch_pass_usage": {broker: _plain(usage) for broker, usage in costs.watch_pass.items()},
        "minute_usage": _plain(costs.minute),
        "refresh_usage": _plain(costs.refresh),
    }


def _plain(usage: Usage) -> dict[str, float]:
    return {name: round(float(getattr(usage, name)), 3) for name in usage.__dataclass_fields__}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, compute and print; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("--logins", type=int, default=2, help="broker logins that are connected")
    parser.add_argument("--reuse-layer", action="store_true", help="take the layer that the last run built")
    given = parser.parse_args(arguments)
    with measuring(build_again=not given.reuse_layer) as bench:
        costs = measure(bench)
    print(show(costs, given.logins))
    print(json.dumps(numbers(costs, given.logins)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
