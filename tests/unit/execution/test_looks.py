"""One look serves everybody who waits for one, also where the broker's quota lets it take long."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.port import Look
from orderbridge.execution.looks import FLIGHT_MS, Looks
from orderbridge.storage.snapshots import DynamoSnapshots
from tests.machine import HubMachine
from tests.simulation.dynamo import SimulatedTable

START_MS = 1_800_000_000_000
READ_MS = 900


class SlowBroker:
    """Answers each of a look's two reads after a while."""

    def __init__(self, time: HubMachine) -> None:
        self._time = time
        self.read_ms = READ_MS
        self.looks = 0

    def orders(self, *_: Any) -> tuple[()]:
        self.looks += 1
        self._time.sleep(self.read_ms / 1000)
        return ()

    def positions(self, *_: Any) -> tuple[()]:
        self._time.sleep(self.read_ms / 1000)
        return ()


class Bench:
    """Workers of one account, each in a process of its own."""

    def __init__(self) -> None:
        self.time = HubMachine(START_MS, "looks")
        self.broker: Any = SlowBroker(self.time)
        self._table: Any = SimulatedTable(self.time.now_ms)
        self.served: dict[int, tuple[int, Look]] = {}
        """Worker -> how long it waited in milliseconds, and for what."""

    def ask(self, worker: int, at_ms: int, max_age_ms: int) -> None:
        snapshots = DynamoSnapshots(self._table, "bridge")
        looks = Looks(snapshots, self.broker, self.time, "account", str(worker), 350)
        hub = self.time.hub
        hub.at(START_MS + at_ms, partial(hub.start, partial(self._wait, looks, worker, max_age_ms)))

    def _wait(self, looks: Looks, worker: int, max_age_ms: int) -> None:
        asked_ms = self.time.now_ms()
        look = looks.get(MonotonicDeadline(60, self.time.monotonic), 0, max_age_ms=max_age_ms)
        self.served[worker] = (self.time.now_ms() - asked_ms, look)


@contextmanager
def played(seconds: int) -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.time.hub.run(START_MS + seconds * 1000)


def test_workers_that_wait_for_a_slow_look_are_served_by_the_next_that_begins() -> None:
    with played(60) as bench:
        for worker in range(8):
            bench.ask(worker, 10 * worker, max_age_ms=0)

    assert len(bench.served) == 8
    assert bench.broker.looks == 2, "those who asked after the first had begun share the second"
    assert max(waited for waited, _ in bench.served.values()) < 5 * READ_MS


def test_look_that_was_under_way_serves_whoever_takes_an_older_one() -> None:
    with played(60) as bench:
        bench.ask(0, 0, max_age_ms=0)
        bench.ask(1, 500, max_age_ms=1_000)
        bench.ask(2, 1_500, max_age_ms=1_000)

    looks = {worker: look.requested_at_ms - START_MS for worker, (_, look) in bench.served.items()}
    assert looks[0] == looks[1], "it began within a second of being asked for"
    assert looks[2] > looks[1], "that one was too old"


def test_look_that_is_overtaken_by_the_next_flight_serves_those_that_wait_for_it() -> None:
    with played(60) as bench:
        bench.broker.read_ms = FLIGHT_MS // 2 + 500
        bench.ask(0, 0, max_age_ms=0)
        for worker in range(1, 6):
            bench.ask(worker, 10 * worker, max_age_ms=0)

    waited_ms = sorted(waited for waited, _ in bench.served.values())
    assert len(waited_ms) == 6
    assert bench.broker.looks == 3, "the quota is not spent on a look for each"
    assert waited_ms[-2] < 2 * FLIGHT_MS + 2_000, "all but the one that has begun the third"


def test_overtaken_look_leaves_the_later_flight_in_the_air() -> None:
    table: Any = SimulatedTable(lambda: START_MS)
    store = DynamoSnapshots(table, "bridge")
    first = store.take_flight("account", "one", START_MS, START_MS + FLIGHT_MS)
    later = store.take_flight("account", "two", START_MS + FLIGHT_MS, START_MS + 2 * FLIGHT_MS)
    assert (first, later) == (1, 2)

    store.land("account", 1, Look((), (), START_MS, 0))
    overtaken = store.read("account")
    store.land("account", 2, Look((), (), START_MS + FLIGHT_MS, 0))
    store.land("account", 1, Look((), (), START_MS, 0))
    landed = store.read("account")

    assert (overtaken.done, overtaken.flight_until_ms) == (1, START_MS + 2 * FLIGHT_MS)
    assert (landed.done, landed.flight_until_ms) == (2, 0)
    assert landed.look is not None
    assert landed.look.requested_at_ms == START_MS + FLIGHT_MS, "an older look never replaces a newer one"
