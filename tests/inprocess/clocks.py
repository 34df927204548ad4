"""A machine in virtual time, and the simulated brokers behind one transport."""

import random
from collections.abc import Mapping

import httpx

from sandbox.simserver import InProcess, ManualClock
from sandbox.simserver.transport import SimulatedTransport

LATENCY_MS = 60
"""Of each request to a broker. It keeps one address below TradeLocker's edge of 20 requests a second."""


class VirtualMachine:
    """`Machine` whose time passes when somebody waits; its chance is the same in each run."""

    def __init__(self, clock: ManualClock, seed: int) -> None:
        self._clock = clock
        self._start_ms = clock.now_ms()
        self._random = random.Random(seed)

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def monotonic(self) -> float:
        return (self._clock.now_ms() - self._start_ms) / 1000

    def sleep(self, seconds: float) -> None:
        self._clock.advance(max(1, round(seconds * 1000)))

    def chance(self) -> float:
        return self._random.random()

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


class Wire(httpx.BaseTransport):
    """Carries each request to the simulated broker of its port; each takes its time."""

    def __init__(self, clock: ManualClock, brokers: Mapping[int, InProcess]) -> None:
        self._clock = clock
        self._brokers = {
            port: SimulatedTransport(sim, waited=lambda seconds: clock.advance(round(seconds * 1000)))
            for port, sim in brokers.items()
        }

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._clock.advance(LATENCY_MS)
        return self._brokers[request.url.port or 0].handle_request(request)
