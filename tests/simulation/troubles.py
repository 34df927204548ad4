"""Stretches of time in which nobody could have done better, as they come and go."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.simulation.invariants.evidence import Trouble


class Troubles:
    """Every trouble so far."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self.all: list[Trouble] = []

    def begin(self, kind: Any, for_ms: int | None, account: str = "") -> None:
        """Log a trouble; without a time it lasts until it is over."""
        now = self._now_ms()
        self.all.append(Trouble(now, None if for_ms is None else now + for_ms, kind, account))

    def over(self, kind: str, account: str = "") -> None:
        """End the troubles of a kind that last."""
        for at, one in enumerate(self.all):
            if one.kind == kind and one.account == account and one.to_ms is None:
                self.all[at] = replace(one, to_ms=self._now_ms())
