"""What is wrong with a settings file, each with its line and what to write instead."""

from collections.abc import Sequence
from dataclasses import dataclass

from orderbridge.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a person must mend in the file."""

    line: int
    """Counted from 1."""
    field: str
    """The path of the field, dotted: `strategies.orb.mode`."""
    message: str
    mend: str
    """What to write instead."""

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.field}" if self.field else "")
        return f"{where}: {self.message}. {self.mend}"


class SettingsProblems(SettingsError):  # noqa: N818 - a list of them, not one error
    """Everything that is wrong with a file, in the order of its lines."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.field)))
        super().__init__("\n".join(f"{file}, {problem}" for problem in self.problems))
