"""What a command prints: for people through rich, or one JSON object with `--json`.

The result goes to standard output. Questions and progress go to standard error, so that a pipe gets the result alone.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


class Output:
    """One command's output."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._aside = Console(file=sys.stderr, highlight=False, soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """Print a line of the result for a person."""
        if not self.as_json:
            self._console.print(escape(text), style=style or None)

    def aside(self, text: str, style: str = "dim") -> None:
        """Print a line that is not part of the result: progress, advice."""
        if not self.as_json:
            self._aside.print(escape(text), style=style)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "", empty: str = "") -> None:
        """Print rows for a person, or the sentence for none."""
        if self.as_json:
            return
        listed = [[escape(cell) for cell in row] for row in rows]
        if title:
            self._console.print(escape(title), style="bold")
        if not listed:
            self._console.print(escape(empty or "None."), style="dim")
            return
        table = Table(*columns, box=None, header_style="dim", pad_edge=False)
        for row in listed:
            table.add_row(*row)
        Console(file=sys.stdout, highlight=False).print(table)

    def result(self, values: Mapping[str, Any]) -> None:
        """Print the result for a program."""
        if self.as_json:
            sys.stdout.write(json.dumps(values, indent=2, sort_keys=True, default=str) + "\n")

    def error(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        """Print why the command failed."""
        if self.as_json:
            sys.stdout.write(json.dumps({"error": message, **(details or {})}, indent=2, sort_keys=True) + "\n")
        else:
            self._aside.print(escape(message), style="red")
