"""A copy of the project in which one room's functions hold all their mutants, each behind a switch (mutmut's work).

What is not mutated: lines that only write a log. Their words and fields are for engineers, and no behaviour hangs on
them; that no secret is in them is judged by the canaries (`tests/scenario/test_canaries.py`).
"""

import difflib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents

ROOT = Path(__file__).parents[2]
FOLDERS = ("benchmarks", "docs", "events", "functions", "layers", "sandbox", "tests")
SINGLE_FILES = ("Makefile", "README.md", "orderbridge.example.yaml", "samconfig.toml", "template.yaml")
COPIED = (*FOLDERS, *SINGLE_FILES, "pyproject.toml", "uv.lock")
IGNORED = shutil.ignore_patterns("__pycache__", "run", "*.pyc")
PACKAGE = Path("layers/orderbridge/orderbridge")
PROTOCOLS = ("execution/ports.py",)
"""Files without a function that is ever run."""
SETTINGS = r"""
[tool.mutmut]
source_paths = ["layers/orderbridge"]
do_not_mutate_patterns = ['^\s*log\.']
track_dependencies = false
"""


@dataclass(frozen=True)
class Mutant:
    name: str
    """As mutmut switches it on: the module's dotted name, the function's, and a number."""
    file: str
    change: tuple[str, ...]
    """The lines that differ, as in a diff."""


def build(workshop: Path, room: str) -> list[Mutant]:
    """Copy the project and mutate the room in the copy; leaves the working directory there, as mutmut wants it."""
    shutil.rmtree(workshop, ignore_errors=True)
    workshop.mkdir(parents=True)
    for name in COPIED:
        source, target = ROOT / name, workshop / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=IGNORED)
        else:
            shutil.copy2(source, target)
    with (workshop / "pyproject.toml").open("a") as settings:
        settings.write(SETTINGS)
    os.chdir(workshop)
    mutants: list[Mutant] = []
    for path in sorted(set((PACKAGE / room).glob("*.py")) - {PACKAGE / one for one in PROTOCOLS}):
        mutated = mutate_file_contents(str(path), path.read_text())
        path.write_text(mutated.code)
        module = f"orderbridge.{room}.{path.stem}"
        lines = mutated.code.splitlines()
        mutants += [
            Mutant(f"{module}.{name}", path.name, _change(mutated, lines, name)) for name in mutated.mutant_names
        ]
    return mutants


def _change(mutated: MutatedFile, lines: Sequence[str], name: str) -> tuple[str, ...]:
    spans = mutated.line_span_by_function_name
    before, after = spans[f"{name.partition('__mutmut_')[0]}__mutmut_orig"], spans[name]
    differing = difflib.ndiff(lines[before.start - 1 : before.end], lines[after.start - 1 : after.end])
    return tuple(line for line in differing if line.startswith(("+ ", "- ")) and "__mutmut_" not in line)
