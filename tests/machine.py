"""A machine for tests: each part is handed in, the rest is the real one's."""

from collections.abc import Callable

from orderbridge.machine import MACHINE


class HandMade:
    """`Machine` of the parts that a test gives."""

    def __init__(
        self,
        now_ms: Callable[[], int] = MACHINE.now_ms,
        monotonic: Callable[[], float] = MACHINE.monotonic,
        sleep: Callable[[float], None] = MACHINE.sleep,
        chance: Callable[[], float] = MACHINE.chance,
        random_bytes: Callable[[int], bytes] = MACHINE.random_bytes,
    ) -> None:
        self._parts = (now_ms, monotonic, sleep, chance, random_bytes)

    def now_ms(self) -> int:
        return self._parts[0]()

    def monotonic(self) -> float:
        return self._parts[1]()

    def sleep(self, seconds: float) -> None:
        self._parts[2](seconds)

    def chance(self) -> float:
        return self._parts[3]()

    def random_bytes(self, count: int) -> bytes:
        return self._parts[4](count)
