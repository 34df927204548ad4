"""A moment on the monotonic clock."""

import time
from collections.abc import Callable


class MonotonicDeadline:
    """A moment `seconds` from now on the monotonic clock."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds

    def remaining(self) -> float:
        """Give the seconds left; never negative."""
        return max(0.0, self._ends_at - self._clock())
