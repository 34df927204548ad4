"""What time it is for a simulated broker: the machine's clock or one that stands still; either can be set ahead."""

import threading
import time
from typing import Protocol, runtime_checkable


class Clock(Protocol):
    """Tells the time in epoch milliseconds."""

    def now_ms(self) -> int: ...


@runtime_checkable
class Movable(Protocol):
    """A clock that can be set ahead."""

    def advance(self, ms: int) -> None:
        """Move `ms` milliseconds ahead. Raises `ValueError` for a negative number: time never goes back."""
        ...


class _Ahead:
    """Counts how far a clock was set ahead."""

    def __init__(self) -> None:
        self._ahead_ms = 0
        self._lock = threading.Lock()

    def advance(self, ms: int) -> None:
        if ms < 0:
            raise ValueError("a clock never goes back")
        with self._lock:
            self._ahead_ms += ms


class SystemClock(_Ahead):
    """The machine's clock; it goes on from where it was set ahead to."""

    def now_ms(self) -> int:
        """Give the machine's time, and what it was set ahead."""
        return time.time_ns() // 1_000_000 + self._ahead_ms


class ManualClock(_Ahead):
    """Stands still until it is set ahead."""

    def __init__(self, start_ms: int) -> None:
        super().__init__()
        self._start_ms = start_ms

    def now_ms(self) -> int:
        """Give the time reached so far."""
        return self._start_ms + self._ahead_ms
