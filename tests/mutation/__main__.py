"""Mutation testing of the rooms that decide about orders: `make mutants ROOM=strategy`, `ROOM=execution SAMPLE=300`.

mutmut changes one thing in one function (a comparison, a constant, an argument, a word) and the tests that reach this
function are run; a mutant that no test notices survives. A sample is drawn by a seed, from each file its share, so it
can be repeated.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.mutation.forks import RESULTS, TASK
from tests.mutation.workshop import IGNORED, ROOT, Mutant, build

WORKSHOP = ROOT / "sandbox" / "run" / "mutants"
TESTS = {
    "strategy": ["tests/unit/strategy", "--deselect=tests/unit/strategy/test_purity.py"],
    "execution": [
        "tests/unit/execution",
        "tests/scenario",
        "tests/panel",
        *(f"--ignore=tests/panel/test_{name}.py" for name in ("attacks", "cors", "crashes", "documented", "tokens")),
    ],
}
"""The tests that may kill a room's mutants. The purity test reads the source, in which mutmut's own imports stand;
what is left out of the panel's takes long, and judges logins, hostile requests and crashes."""
LEFT_OUT = r"^tests/scenario/.*\[tradestation-futures|scenario/test_(canaries|crashes|simulated)\.py"
"""Tests by their names: a third broker's account that differs from the second in little; what takes longest."""
LEAST_KILLED = 0.9
KILLED = ("killed", "timeout", "broken")


def main() -> int:
    """Prepare the workshop, try the mutants that were asked for, and tell what survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("room", choices=sorted(TESTS))
    parser.add_argument("--sample", type=int, default=0, help="how many mutants to draw (0: all)")
    parser.add_argument("--seed", type=int, default=1, help="what the sample is drawn with")
    parser.add_argument("--only", default="", help="of the sample, only the mutants whose name holds this")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="use the mutants of the last run, and skip what it judged")
    chosen = parser.parse_args()
    workshop = WORKSHOP / chosen.room
    mutants = _mutants(workshop, chosen.room, keep=chosen.keep)
    drawn = _draw(mutants, chosen.sample, random.Random(chosen.seed))
    drawn = [mutant for mutant in drawn if chosen.only in mutant.name]
    print(f"{len(drawn)} of {len(mutants)} mutants of {chosen.room}, drawn with seed {chosen.seed}", flush=True)
    open_ = [mutant.name for mutant in drawn if mutant.name not in _results(workshop)]
    (workshop / TASK).write_text(json.dumps({"mutants": open_, "workers": chosen.workers, "left_out": LEFT_OUT}))
    command = [sys.executable, "-m", "pytest", "-p", "tests.mutation.forks", "-p", "no:randomly", "-p", "no:xdist"]
    if open_:
        shutil.copytree(ROOT / "tests", workshop / "tests", ignore=IGNORED, dirs_exist_ok=True)
        subprocess.run([*command, "-s", "-q", *TESTS[chosen.room]], cwd=workshop, check=True)
    return _report(drawn, _results(workshop))


def _mutants(workshop: Path, room: str, *, keep: bool) -> list[Mutant]:
    kept = workshop / "mutants.json"
    if not (keep and kept.exists()):
        built = build(workshop, room)
        kept.write_text(json.dumps([asdict(mutant) for mutant in built]))
    return [Mutant(**mutant) for mutant in json.loads(kept.read_text())]


def _draw(mutants: Sequence[Mutant], sample: int, chance: random.Random) -> list[Mutant]:
    """Draw from each file its share, and at least two."""
    if not sample:
        return list(mutants)
    drawn: list[Mutant] = []
    for file in sorted({mutant.file for mutant in mutants}):
        of_file = [mutant for mutant in mutants if mutant.file == file]
        share = max(2, round(sample * len(of_file) / len(mutants)))
        drawn += chance.sample(of_file, min(share, len(of_file)))
    return drawn


def _results(workshop: Path) -> dict[str, str]:
    results = workshop / RESULTS
    lines = results.read_text().splitlines() if results.exists() else []
    return {found["name"]: found["result"] for found in map(json.loads, lines)}


def _report(drawn: Sequence[Mutant], results: dict[str, str]) -> int:
    for mutant in drawn:
        if results[mutant.name] not in KILLED:
            print(f"{results[mutant.name]}: {mutant.name}", *mutant.change, sep="\n    ")
    killed = [mutant for mutant in drawn if results[mutant.name] in KILLED]
    every, dead = (Counter(mutant.file for mutant in some) for some in (drawn, killed))
    for file, count in sorted(every.items()):
        print(f"{dead[file]:5} of {count:5} killed in {file}")
    share = len(killed) / max(1, len(drawn))
    print(f"{len(killed)} of {len(drawn)} were killed: {share:.1%} ({dict(Counter(results[m.name] for m in drawn))})")
    return 0 if share >= LEAST_KILLED else 1


if __name__ == "__main__":
    sys.exit(main())
