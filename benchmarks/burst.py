"""A burst at one bar close: `make burst`, or `python -m benchmarks.burst --help`.

The functions' own handlers run in processes of their own on the local AWS's table and queues; the broker is the
simulated TradeStation with its quotas enforced, and what happened is judged by its own journal. Every wall clock of the
run, the brokers' and the functions', can run at another rate than the machine's: the table says at which, and gives
both times. The last line of the output is one JSON object with all numbers.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.burst_judge import judge
from benchmarks.burst_stage import Burst, stage
from sandbox.local_aws import local_aws

GROWTH = ((1, 20, 100), (2, 40, 200), (5, 100, 500), (10, 200, 1000))
"""Accounts, symbols and alerts of each row."""


def run(burst: Burst, folder: Path) -> dict[str, Any]:
    """Fire one burst and let it be worked; give its numbers and what is wrong."""
    with local_aws(folder / "aws") as aws, stage(aws, burst, folder) as staged:
        answers = staged.fire()
        ended = staged.wait()
        return judge(staged, answers, ended)


def show(row: dict[str, Any]) -> str:
    """Give a row of the table."""
    return (
        f"{row['accounts']:>8} {row['lanes']:>6} {row['alerts']:>7} {row['executors']:>9} {row['virtual_s']:>10.1f} "
        f"{row['real_s']:>8.1f} {row['alerts_per_virtual_s']:>9.1f} {row['alerts_per_real_s']:>8.1f} "
        f"{row['answer_p99_ms']:>8.0f} {'none' if not row['wrong'] else len(row['wrong']):>6}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; give 1 when something was doubled, lost or out of order."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.burst", description=__doc__)
    parser.add_argument("--executors", type=int, default=8, help="how many lanes are worked at the same time")
    parser.add_argument("--receivers", type=int, default=4, help="processes that take alerts in")
    parser.add_argument("--clock-rate", type=float, default=1.0, help="virtual seconds in a real one")
    parser.add_argument("--alerts", type=int, help="one row alone, with so many alerts over 200 symbols, 10 accounts")
    given = parser.parse_args(arguments)
    print(f"{os.cpu_count()} processors; the clocks run at {given.clock_rate:g} of the machine's", flush=True)
    print("accounts  lanes  alerts executors  virtual s   real s  a/virt s  a/real s  p99 ms   wrong", flush=True)
    rows = []
    for accounts, symbols, alerts in GROWTH if given.alerts is None else ((10, 200, given.alerts),):
        burst = Burst(accounts, symbols, alerts, given.executors, given.receivers, given.clock_rate)
        with tempfile.TemporaryDirectory() as folder:
            rows.append(run(burst, Path(folder)))
        print(show(rows[-1]), flush=True)
        for sentence in rows[-1]["wrong"][:10]:
            print(f"  {sentence}", flush=True)
    print(json.dumps(rows))
    return 1 if any(row["wrong"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
