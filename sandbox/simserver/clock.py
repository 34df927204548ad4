"""What time it is for a simulated broker: the machine's clock, or one that a test moves."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in epoch milliseconds."""

    def now_ms(self) -> int: ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Give the machine's time."""
        return time.time_ns() // 1_000_000


class ManualClock:
    """Stands still until it is advanced."""

    def __init__(self, start_ms: int) -> None:
        self._now_ms = start_ms
        self._lock = threading.Lock()

    def now_ms(self) -> int:
        """Give the time reached so far."""
        return self._now_ms

    def advance(self, ms: int) -> None:
        """Move `ms` milliseconds ahead. Raises `ValueError` for a negative number: time never goes back."""
        if ms < 0:
            raise ValueError("a clock never goes back")
        with self._lock:
            self._now_ms += ms
