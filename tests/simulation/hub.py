"""Virtual time: events in a heap, and processes as greenlets that give up the processor whenever time passes for them.

Nothing runs at once with anything else, and nothing waits in earnest: a process that pauses is woken when its moment
has come, and whatever is due before then runs first. Events of one moment come in an order that the seed draws.
"""

import heapq
from collections.abc import Callable
from random import Random

from greenlet import getcurrent, greenlet


class Hub:
    """The clock of a simulated world, in milliseconds since 1970, and all that is due."""

    def __init__(self, start_ms: int, seed: str) -> None:
        self.now = start_ms
        self._heap: list[tuple[int, int, int, Callable[[], object]]] = []
        self._count = 0
        self._until = start_ms
        self._ties = Random(f"{seed} ties")
        self._main = getcurrent()

    def now_ms(self) -> int:
        """Give the true time."""
        return self.now

    def at(self, due_ms: int, deed: Callable[[], object]) -> None:
        """Have something done at a moment, or as soon as may be when that is past."""
        self._count += 1
        entry = (max(due_ms, self.now), self._ties.getrandbits(16), self._count, deed)
        heapq.heappush(self._heap, entry)

    def after(self, delay_ms: int, deed: Callable[[], object]) -> None:
        """Have something done after a while."""
        self.at(self.now + delay_ms, deed)

    def start(self, work: Callable[[], None]) -> None:
        """Start a process now; it runs until it pauses for the first time."""
        if getcurrent() is self._main:
            greenlet(work).switch()
        else:
            self.at(self.now, greenlet(work, self._main).switch)

    def pause(self, milliseconds: int) -> None:
        """Let time pass for the process that calls: others run meanwhile."""
        due_ms = self.now + milliseconds
        if due_ms <= self._until and (not self._heap or self._heap[0][0] > due_ms):
            self.now = due_ms  # nobody else is due before: no need to switch
            return
        me = getcurrent()
        self.at(due_ms, me.switch)
        self._main.switch()

    def run(self, until_ms: int) -> None:
        """Let everything happen that is due by `until_ms`, and then be that late."""
        self._until = until_ms
        while self._heap and self._heap[0][0] <= until_ms:
            due_ms, _, _, deed = heapq.heappop(self._heap)
            if due_ms > self.now:
                self.now = due_ms
            deed()
        self.now = max(self.now, until_ms)
