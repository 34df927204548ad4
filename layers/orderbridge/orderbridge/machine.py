"""What a process takes from its machine: clocks and chance. The one place that reads them.

Whoever needs a clock, a pause, a random number or a new id is handed a `Machine` (or one of its methods); the
functions hand over `MACHINE`. So the same code runs on other clocks and other dice.
"""

import os
import random
import time
from typing import Protocol


class Machine(Protocol):
    """Clocks and chance of one process."""

    def now_ms(self) -> int:
        """Give the time, in milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Give seconds on a clock that is never set back, for durations."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def chance(self) -> float:
        """Give a number from 0 up to but not including 1: to spread what would happen at once, never to protect."""
        ...

    def random_bytes(self, count: int) -> bytes:
        """Give bytes that nobody can guess."""
        ...


class RealMachine:
    """The machine that this process runs on."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def chance(self) -> float:
        return random.random()  # noqa: S311 - spreads, protects nothing

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)


MACHINE = RealMachine()


def new_id(machine: Machine) -> str:
    """Give 32 hexadecimal digits that were never given before."""
    return machine.random_bytes(16).hex()
