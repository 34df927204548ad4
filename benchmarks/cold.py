"""Cold and warm CPU of our functions beside a naive receiver and a floor, and the first order with all of it cold.

All designs run in one go, one after the other in each round, so that a busy machine is equally busy for all. Each
process is fresh; it imports from the built layer (bytecode compiled, as deployed) and nothing else. Endpoints are plain
HTTP on this machine: TLS is not in these numbers (`tls_context` says what a context alone costs).
"""

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import layer as layers
from benchmarks.aws_stub import AwsStub, aws_stub
from benchmarks.child import WARM_UP
from benchmarks.measure import Design, Measured, bell_event, best_and_median, environment, run, webhook_event
from benchmarks.report import table
from benchmarks.seats import KEY, Seat, take_seat
from sandbox import places
from sandbox.demo.brokers import BrokerName, SimulatedBroker, simulated_broker
from sandbox.demo.setup import open_markets

BROKERS: tuple[BrokerName, ...] = ("tradestation", "tradelocker")
KEY_HASH = hashlib.sha256(KEY.encode()).hexdigest()
DESIGNS = Path(__file__).parent / "designs"
COLD_AIM = 0.35
WARM_AIM_MS = 1.5
ORDER_AIM_MS = 1000.0


@dataclass
class Results:
    """What was measured, by design; orders by broker."""

    designs: list[Design]
    processes: dict[str, list[Measured]] = field(default_factory=dict)
    orders: dict[str, list["FirstOrder"]] = field(default_factory=dict)

    def cold(self, name: str) -> tuple[float, float]:
        """Best and median CPU of import and first invoke, in ms."""
        return best_and_median([measured.cold_ms for measured in self.processes[name]])

    def warm(self, name: str) -> tuple[float, float] | None:
        """Best and median CPU of a warm invoke, in ms; None where it was not measured."""
        warm = [measured.warm_ms for measured in self.processes[name] if measured.warm_ms is not None]
        return best_and_median(warm) if warm else None


@dataclass(frozen=True)
class FirstOrder:
    """One alert that became one order, receiver and executor both in fresh processes."""

    receiver: Measured
    executor: Measured
    calls: int
    """AWS calls of both until the order's POST."""

    @property
    def cpu_ms(self) -> float:
        """CPU from the receiver's start to the POST."""
        return self.receiver.start_ms + self.receiver.cold_ms + (self.executor.posted_ms or 0.0)

    @property
    def wall_ms(self) -> float:
        """Wall clock's time of both processes to the POST, without what lies between them."""
        received = self.receiver.answered_at - self.receiver.spawned_at
        return received + (self.executor.posted_at or 0.0) - self.executor.spawned_at


def compare(rounds: int, warm_invokes: int, *, build_again: bool = True) -> Results:
    """Measure every design `rounds` times. Raises `RuntimeError` when a handler does not do its duty."""
    layer, extra = layers.build(again=build_again)
    designs = _designs(layer, extra)
    results = Results(designs)
    with ExitStack() as up:
        folder = Path(up.enter_context(tempfile.TemporaryDirectory()))
        stub = up.enter_context(aws_stub())
        brokers = {name: up.enter_context(simulated_broker(name, layers.FOLDER)) for name in BROKERS}
        open_markets(brokers["tradelocker"])
        seats = {name: take_seat(broker) for name, broker in brokers.items()}
        bench = _Bench(folder, stub, brokers, seats, {design.name: design for design in designs})
        for number in range(rounds):
            for name in ("floor", "receiver", "naive"):
                results.processes.setdefault(name, []).append(bench.receive(name, warm_invokes))
            for name in BROKERS:
                results.orders.setdefault(name, []).append(bench.first_order(name))
            results.processes.setdefault("executor", []).append(results.orders[BROKERS[0]][-1].executor)
            print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return results


def _designs(layer: Path, extra: Path) -> list[Design]:
    functions = places.ROOT / "functions"
    return [
        Design("floor", "floor: json, hmac, hashlib; stores nothing", (DESIGNS / "floor",)),
        Design("receiver", "alert receiver", (functions / "alert_receiver", layer)),
        Design("executor", "order executor, first bell to its end", (functions / "order_executor", layer)),
        Design(
            "naive",
            "naive receiver",
            (DESIGNS / "naive", layer, extra),
            {"AWS_DATA_PATH": str(extra / layers.NAIVE_DATA)},
        ),
    ]


@dataclass(frozen=True)
class _Bench:
    folder: Path
    stub: AwsStub
    brokers: dict[BrokerName, SimulatedBroker]
    seats: dict[BrokerName, Seat]
    designs: dict[str, Design]

    def receive(self, name: str, warm_invokes: int) -> Measured:
        """Run a receiver over one cold alert and then warm ones."""
        seat = self._fresh(BROKERS[0])
        events = [webhook_event(seat.message(number)) for number in range(1 + WARM_UP + warm_invokes)]
        measured = run(self.designs[name], events, environment(self.stub, KEY_HASH), self.folder)
        statuses = {answer["statusCode"] for answer in measured.answers}
        if statuses != {202} or (name != "floor" and len(self.stub.bells) != len(events)):
            raise RuntimeError(f"{name} rang {len(self.stub.bells)} bells, and answered {measured.answers[0]}")
        return measured

    def first_order(self, name: BrokerName) -> FirstOrder:
        """Let one alert become one order, each function in a fresh process."""
        seat = self._fresh(name)
        broker = self.brokers[name]
        variables = environment(self.stub, KEY_HASH, (broker.base_url.split("/", 3)[2],))
        receiver = run(self.designs["receiver"], [webhook_event(seat.message(0))], variables, self.folder)
        bell = self.stub.bells[0]
        executor = run(self.designs["executor"], [bell_event(bell)], variables, self.folder)
        posts = [entry for entry in broker.journal() if entry["method"] == "POST"]
        placed = [entry for entry in posts if entry["path"].endswith("/orders")]
        if len(placed) != 1 or executor.posted_ms is None:
            raise RuntimeError(f"{name} got {len(placed)} orders: {_endings(self.stub)}")
        calls = sum(moment <= (executor.posted_at or 0.0) for moment in self.stub.meter.moments)
        return FirstOrder(receiver, executor, calls)

    def _fresh(self, name: BrokerName) -> Seat:
        self.stub.clear()
        self.brokers[name].control("reset", {})
        if name == "tradelocker":
            open_markets(self.brokers[name])
        self.seats[name].store(self.stub, KEY_HASH)
        return self.seats[name]


def _endings(stub: AwsStub) -> list[Any]:
    items = stub.table.scan()["Items"]
    return [item.get("sentence") for item in items if item["sk"]["S"] == "ALERT"]


def tls_context_ms(times: int = 5) -> float:
    """Give the least CPU that loading the system's authorities takes in a fresh process, `import ssl` included."""
    program = (
        "import resource as r; b = r.getrusage(r.RUSAGE_SELF); import ssl; ssl.create_default_context();"
        "a = r.getrusage(r.RUSAGE_SELF); print(a.ru_utime + a.ru_stime - b.ru_utime - b.ru_stime)"
    )
    done = [
        subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
        for _ in range(times)
    ]
    return min(float(one.stdout) for one in done) * 1000


def rows_of(results: Results) -> list[dict[str, Any]]:
    """Give the comparison, one row a design; CPU in ms."""
    naive_best, naive_median = results.cold("naive")
    rows = []
    for design in results.designs:
        measured = results.processes[design.name]
        best, median = results.cold(design.name)
        warm = results.warm(design.name)
        rows.append(
            {
                "design": design.name,
                "title": design.title,
                "import_ms": round(min(one.import_ms for one in measured), 1),
                "first_ms": round(min(one.first_ms for one in measured), 1),
                "cold_best_ms": round(best, 1),
                "cold_median_ms": round(median, 1),
                "of_naive": round(best / naive_best, 3),
                "of_naive_median": round(median / naive_median, 3),
                "warm_best_ms": round(warm[0], 3) if warm else None,
                "warm_median_ms": round(warm[1], 3) if warm else None,
                "modules": measured[0].modules,
            }
        )
    return rows


def orders_of(results: Results) -> list[dict[str, Any]]:
    """Give the first orders, one row a broker: CPU of both processes up to the POST, and the wall clock's time."""
    rows = []
    for name, orders in results.orders.items():
        best_cpu, median_cpu = best_and_median([order.cpu_ms for order in orders])
        best_wall, median_wall = best_and_median([order.wall_ms for order in orders])
        rows.append(
            {
                "broker": name,
                "cpu_best_ms": round(best_cpu),
                "cpu_median_ms": round(median_cpu),
                "wall_best_ms": round(best_wall),
                "wall_median_ms": round(median_wall),
                "aws_calls": orders[0].calls,
            }
        )
    return rows


def show(rows: Sequence[dict[str, Any]], orders: Sequence[dict[str, Any]], tls_ms: float, rounds: int) -> str:
    """Give the tables and how they stand to the aims."""
    named = {row["design"]: row for row in rows}
    start = "Cold is CPU of import and first invoke in a fresh process, warm CPU of one more alert; in ms"
    lines = [f"{start}, best of {rounds} (median)."]
    lines += table(
        ("", "import", "first", "cold", "of naive", "warm", "modules"),
        [
            (
                row["title"],
                f"{row['import_ms']:.0f}",
                f"{row['first_ms']:.0f}",
                f"{row['cold_best_ms']:.0f} ({row['cold_median_ms']:.0f})",
                f"{row['of_naive']:.0%}",
                f"{row['warm_best_ms']:.2f} ({row['warm_median_ms']:.2f})" if row["warm_best_ms"] else "",
                str(row["modules"]),
            )
            for row in rows
        ],
    )
    lines += [
        f"TLS is not in these numbers; loading the system's authorities once takes {tls_ms:.0f} ms more.",
        _aim("receiver's cold CPU, of naive", named["receiver"]["of_naive"], COLD_AIM, "{:.0%}"),
        _aim("receiver's warm CPU", named["receiver"]["warm_best_ms"], WARM_AIM_MS, "{:.2f} ms"),
        "",
        "From an alert to its order's POST, everything cold but the token; interpreters' start included; in ms.",
    ]
    lines += table(
        ("", "own CPU", "wall clock, stub and simulated broker included", "AWS calls"),
        [
            (
                row["broker"],
                f"{row['cpu_best_ms']} ({row['cpu_median_ms']})",
                f"{row['wall_best_ms']} ({row['wall_median_ms']})",
                str(row["aws_calls"]),
            )
            for row in orders
        ],
    )
    worst = max(row["cpu_best_ms"] for row in orders)
    lines.append(_aim("own time from alert to POST", worst, ORDER_AIM_MS, "{:.0f} ms"))
    return "\n".join(lines)


def _aim(what: str, value: float, aim: float, form: str) -> str:
    verdict = "met" if value <= aim else "MISSED"
    return f"  {what}: {form.format(value)}, aim {form.format(aim)}: {verdict}"
