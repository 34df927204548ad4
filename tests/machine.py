"""A machine for tests: each part is handed in, the rest is the real one's."""

from collections.abc import Callable

from orderbridge.machine import MACHINE
from tests.simulation.hub import Hub


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


class HubMachine:
    """`Machine` of processes that give way to one another whenever time passes."""

    def __init__(self, start_ms: int, seed: str) -> None:
        self.hub = Hub(start_ms, seed)

    def now_ms(self) -> int:
        return self.hub.now

    def monotonic(self) -> float:
        return self.hub.now / 1000

    def sleep(self, seconds: float) -> None:
        self.hub.pause(max(1, round(seconds * 1000)))

    def chance(self) -> float:
        return 0.5

    def random_bytes(self, count: int) -> bytes:
        return bytes(count)
