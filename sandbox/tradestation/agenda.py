"""What is due at which moment of the simulated broker, run in order of time when somebody looks."""

import heapq
from collections.abc import Callable
from itertools import count


class Agenda:
    """A queue of things to do. Two of the same moment run in the order in which they were added."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        """The moment that the broker has reached; while something due runs, the moment it was due."""
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._numbers = count()

    def after(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Run `action` after a delay, at once when there is none."""
        if delay_ms <= 0:
            action()
        else:
            self.at(self.now_ms + delay_ms, action)

    def at(self, due_ms: int, action: Callable[[], None]) -> None:
        """Run `action` once this moment is reached."""
        heapq.heappush(self._due, (due_ms, next(self._numbers), action))

    def run_until(self, now_ms: int) -> None:
        """Run whatever is due by `now_ms`, and what that makes due by then too."""
        while self._due and self._due[0][0] <= now_ms:
            due_ms, _, action = heapq.heappop(self._due)
            self.now_ms = max(self.now_ms, due_ms)
            action()
        self.now_ms = max(self.now_ms, now_ms)
