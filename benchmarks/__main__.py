"""Measure what the README claims about speed: `make bench`, or `python -m benchmarks --help`.

The last line of the output is one JSON object with all numbers.
"""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks import cold, latency


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=("cold", "latency"), help="measure one part alone")
    parser.add_argument("--rounds", type=int, default=10, help="fresh processes for each design")
    parser.add_argument("--warm", type=int, default=200, help="warm invokes in each process")
    parser.add_argument("--reuse-layer", action="store_true", help="take the layer that the last run built")
    latency.add_options(parser)
    given = parser.parse_args(arguments)
    print(f"CPython {platform.python_version()} on {platform.machine()}", flush=True)
    results: dict[str, Any] = {"python": platform.python_version(), "machine": platform.machine()}
    if given.only != "latency":
        measured = cold.compare(given.rounds, given.warm, build_again=not given.reuse_layer)
        rows, orders, tls_ms = cold.rows_of(measured), cold.orders_of(measured), cold.tls_context_ms()
        print(cold.show(rows, orders, tls_ms, given.rounds), flush=True)
        results |= {"rounds": given.rounds, "designs": rows, "first_order": orders, "tls_context_ms": round(tls_ms, 1)}
    if given.only != "cold":
        with latency.fleet(given.endpoints) as fleet:
            phases = latency.rows_of(latency.measure(fleet, given.pairs))
        print(latency.show(phases), flush=True)
        results["phases"] = phases
    print(json.dumps(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
