"""Mutation testing of the rooms that decide about orders: `make mutants ROOM=strategy`, `ROOM=execution SAMPLE=300`.

mutmut changes one thing in one function (a comparison, a constant, an argument, a sentence) and runs the tests that
reach this function; a mutant that no test notices survives. mutmut wants the package under `src/`, so the project is
copied into a folder of that shape. A sample is drawn by a seed from the names of all mutants, so it can be repeated.
"""

import argparse
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKSHOP = ROOT / "sandbox" / "run" / "mutants"
FOLDERS = ("benchmarks", "docs", "events", "functions", "layers", "sandbox", "tests")
SINGLE_FILES = ("Makefile", "README.md", "orderbridge.example.yaml", "samconfig.toml", "template.yaml")
COPIED = (*FOLDERS, *SINGLE_FILES, "pyproject.toml", "uv.lock")
MUTMUT = str(Path(sys.executable).with_name("mutmut"))
TESTS = {
    "strategy": ["tests/unit/strategy", "--deselect=tests/unit/strategy/test_purity.py"],
    "execution": ["tests/scenario", "tests/panel/test_trading.py", "tests/panel/test_unknown.py"],
}
"""The tests that may kill a room's mutants. The purity test reads the source, in which mutmut's own imports stand."""
LEAST_KILLED = 0.9
RESULT = re.compile(r"^\s+(\S+): (.+)$", re.MULTILINE)
KILLED = ("killed", "timeout", "caught by type check", "segfault", "suspicious")


def main() -> int:
    """Prepare the workshop, run the mutants that were asked for, and tell what survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("room", choices=sorted(TESTS))
    parser.add_argument("--sample", type=int, default=0, help="how many mutants to draw (0: all)")
    parser.add_argument("--seed", type=int, default=1, help="what the sample is drawn with")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="go on with what an interrupted run left")
    chosen = parser.parse_args()
    workshop = WORKSHOP / chosen.room
    if not (chosen.keep and workshop.exists()):
        _prepare(workshop, chosen.room)
    if chosen.sample:
        _mutmut(workshop, "run", "no-mutant-has-this-name", quiet=True)  # writes the mutants and times the tests
        names = sorted(_results(workshop))
        drawn = random.Random(chosen.seed).sample(names, min(chosen.sample, len(names)))
        print(f"{len(drawn)} of {len(names)} mutants of {chosen.room}, drawn with seed {chosen.seed}")
        _mutmut(workshop, "run", "--max-children", str(chosen.workers), *drawn)
        return _report(workshop, {name: result for name, result in _results(workshop).items() if name in drawn})
    _mutmut(workshop, "run", "--max-children", str(chosen.workers))
    return _report(workshop, _results(workshop))


def _prepare(workshop: Path, room: str) -> None:
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "run", "*.pyc")
    for name in COPIED:
        source, target = ROOT / name, workshop / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored)
        else:
            shutil.copy2(source, target)
    shutil.copytree(ROOT / "layers/orderbridge/orderbridge", workshop / "src/orderbridge", ignore=ignored)
    settings = (workshop / "pyproject.toml").read_text()
    settings = settings.replace('pythonpath = ["layers/orderbridge", ', 'pythonpath = ["src", ')
    copied = [name for name in COPIED if name not in ("tests", "pyproject.toml", "uv.lock")]
    settings += f"""
[tool.mutmut]
source_paths = ["src/orderbridge"]
only_mutate = ["src/orderbridge/{room}/*.py"]
also_copy = {[*copied, "src"]}
pytest_add_cli_args = ["-p", "no:randomly", "-q"]
pytest_add_cli_args_test_selection = {TESTS[room]}
use_git_change_detection = false
"""
    (workshop / "pyproject.toml").write_text(settings)


def _mutmut(workshop: Path, *arguments: str, quiet: bool = False) -> None:
    output = subprocess.DEVNULL if quiet else None
    subprocess.run([MUTMUT, *arguments], cwd=workshop, stdout=output, stderr=output, check=not quiet)


def _results(workshop: Path) -> dict[str, str]:
    command = [MUTMUT, "results", "--all", "true"]
    printed = subprocess.run(command, cwd=workshop, capture_output=True, text=True, check=True).stdout
    return dict(RESULT.findall(printed))


def _report(workshop: Path, results: dict[str, str]) -> int:
    for name, result in sorted(results.items()):
        if result not in KILLED:
            print(f"{result}: {name}")
            shown = subprocess.run([MUTMUT, "show", name], cwd=workshop, capture_output=True, text=True, check=False)
            for line in re.findall(r"^[+-][^+-].*$", shown.stdout, re.MULTILINE):
                print(f"    {line}")
    counted = Counter("killed" if result in KILLED else result for result in results.values())
    share = counted["killed"] / max(1, len(results))
    print(f"{counted['killed']} of {len(results)} mutants were killed: {share:.1%} ({dict(counted)})")
    return 0 if share >= LEAST_KILLED else 1


if __name__ == "__main__":
    sys.exit(main())
