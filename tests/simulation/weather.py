"""What goes wrong at a boundary, and how often: windows of bad weather, in which each call may meet a fault.

Each environment draws from its own dice. So a window that is left out of a story changes only what it would have hit.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What happens to one call of a process."""

    KILL_BEFORE = "killed before"
    KILL_AFTER = "killed after"
    FREEZE = "frozen"
    """The process stands still, then goes on as if nothing had been."""
    SLOW_BEFORE = "slow before"
    SLOW_AFTER = "slow after"
    LOST = "reply lost"
    """Done, and the reply never comes: the caller waits to its time-out."""
    RESET = "connection reset"
    """Done, and the connection dies at once."""
    HANGS = "not done and no reply"
    REFUSED = "no connection"
    ERROR_BEFORE = "5xx before"
    ERROR_AFTER = "5xx after"
    THROTTLED = "throttled"
    CONFLICT = "transaction conflict"
    LATE = "booked after the caller gave up"
    GARBLED = "garbled reply"
    RATE = "429 of the broker"
    EDGE = "429 of the edge"
    UNAUTHORIZED = "401"
    SAID_NO = "refused inside a 200"
    TWINNED = "reply lost, and the same order placed by hand"


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of bad weather: `rate` of the calls that it is about meet its fault."""

    fault: Fault
    rate: float
    services: frozenset[str] = frozenset()
    """Empty: every service."""
    functions: frozenset[str] = frozenset()
    """Empty: every function."""
    operations: frozenset[str] = frozenset()
    """Empty: every operation; else the ones whose name is or begins with one of these."""
    ms: tuple[int, int] = (0, 0)
    """How long a slow call or a frozen process takes, from and to."""
    most: int = 0
    """How often at most; 0 is without end."""

    def about(self, function: str, service: str, operation: str) -> bool:
        """Tell whether a call may meet it."""
        return (
            (not self.services or service in self.services)
            and (not self.functions or function in self.functions)
            and (not self.operations or any(operation.startswith(one) for one in self.operations))
        )


@dataclass(frozen=True, slots=True)
class Fate:
    """What one call meets."""

    fault: Fault
    ms: int = 0


class Weather:
    """The windows that are open now."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._windows: list[Window] = []
        self._left: Counter[Window] = Counter()
        self._note = note
        self.met: Counter[Fault] = Counter()

    def open(self, window: Window) -> None:
        """Let a window begin."""
        self._windows.append(window)
        if window.most:
            self._left[window] += window.most

    def close(self, window: Window) -> None:
        """Let a window end; nothing happens when it has ended already."""
        if window in self._windows:
            self._windows.remove(window)

    def clear(self) -> None:
        """End them all."""
        self._windows.clear()

    def fate(self, dice: Random, process: str, function: str, service: str, operation: str) -> Fate | None:
        """Draw what a call meets; None: nothing."""
        for window in self._windows:
            if not window.about(function, service, operation) or dice.random() >= window.rate:
                continue
            if window.most:
                self._left[window] -= 1
                if self._left[window] <= 0:
                    self._windows.remove(window)
            ms = dice.randint(*window.ms) if window.ms[1] else 0
            self.met[window.fault] += 1
            took = f" for {ms} ms" if ms else ""
            self._note(f"{process} {service} {operation}: {window.fault}{took}")
            return Fate(window.fault, ms)
        return None
