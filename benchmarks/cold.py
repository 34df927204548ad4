"""Cold and warm CPU of our functions beside a naive receiver and a floor, and the first order with all of it cold.

All designs run in one go, one after the other in each round, so that a busy machine is equally busy for all. Each
process is fresh; it imports from the built layer (bytecode compiled, as deployed) and nothing else. Endpoints are plain
HTTP on this machine: TLS is not in these numbers (`tls_context` says what a context alone costs).
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.bench import BROKERS, FirstOrder, measuring
from benchmarks.measure import Measured, best_and_median
from benchmarks.report import table

MEASURED = ("floor", "receiver", "executor", "naive")
COLD_AIM = 0.35
WARM_AIM_MS = 1.5
ORDER_AIM_MS = 1000.0


@dataclass
class Results:
    """What was measured, by design; orders by broker."""

    titles: dict[str, str]
    processes: dict[str, list[Measured]] = field(default_factory=dict)
    orders: dict[str, list[FirstOrder]] = field(default_factory=dict)

    def cold(self, name: str) -> tuple[float, float]:
        """Best and median CPU of import and first invoke, in ms."""
        return best_and_median([measured.cold_ms for measured in self.processes[name]])

    def warm(self, name: str) -> tuple[float, float] | None:
        """Best and median CPU of a warm invoke, in ms; None where it was not measured."""
        warm = [measured.warm_ms for measured in self.processes[name] if measured.warm_ms is not None]
        return best_and_median(warm) if warm else None


def compare(rounds: int, warm_invokes: int, *, build_again: bool = True) -> Results:
    """Measure every design `rounds` times. Raises `RuntimeError` when a handler does not do its duty."""
    with measuring(build_again=build_again) as bench:
        results = Results({name: bench.designs[name].title for name in MEASURED})
        for number in range(rounds):
            for name in ("floor", "receiver", "naive"):
                results.processes.setdefault(name, []).append(bench.receive(name, warm_invokes))
            for name in BROKERS:
                results.orders.setdefault(name, []).append(bench.first_order(name))
            results.processes.setdefault("executor", []).append(results.orders[BROKERS[0]][-1].executor)
            print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return results


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
    for design, title in results.titles.items():
        measured = results.processes[design]
        best, median = results.cold(design)
        warm = results.warm(design)
        rows.append(
            {
                "design": design,
                "title": title,
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
