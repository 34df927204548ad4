"""A quota that is spread: looks slow down before it is used up, and never stop. And one that is shared in turn."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.errors import RateLimitedError, ShareUsedError
from orderbridge.storage.budgets import LONGEST_SPREAD_MS, SLACK_MS, DynamoBudget
from tests.machine import HubMachine
from tests.simulation.dynamo import SimulatedTable

LIMIT, WINDOW_MS = 320, 300_000
START_MS = 1_800_000_000_000


class Time:
    """A machine whose time passes only while somebody waits."""

    def __init__(self) -> None:
        self.ms = START_MS
        self.longest_s = 0.0

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def sleep(self, seconds: float) -> None:
        self.longest_s = max(self.longest_s, seconds)
        self.ms += round(seconds * 1000)

    def chance(self) -> float:
        return 0.5

    def random_bytes(self, count: int) -> bytes:
        return bytes(count)


def budget_of(time: Time) -> DynamoBudget:
    table: Any = SimulatedTable(time.now_ms)
    return DynamoBudget(table, "bridge", "login", time)


def spend(time: Time, budget: DynamoBudget, *, until_ms: int, limit: int, period_ms: int, every_ms: int) -> int:
    """Make a request every so often; give how many there were."""
    count = 0
    while time.ms < until_ms:
        time.ms += every_ms
        budget.spend("orders", limit, period_ms, MonotonicDeadline(30, time.monotonic))
        count += 1
    return count


def test_window_that_is_wanted_too_fast_is_spread_and_never_used_up() -> None:
    time = Time()
    begun_ms = time.ms

    count = spend(time, budget_of(time), until_ms=begun_ms + WINDOW_MS, limit=LIMIT, period_ms=WINDOW_MS, every_ms=350)

    assert count <= LIMIT
    assert count > LIMIT * 3 / 4, "what the broker allows is used"
    assert time.longest_s * 1000 <= LONGEST_SPREAD_MS


def test_look_of_two_resources_waits_for_both_at_once() -> None:
    time = Time()
    budget = budget_of(time)
    for resource in ("orders", "positions"):
        for _ in range(LIMIT // 2 + 1):
            budget.spend(resource, LIMIT, WINDOW_MS, MonotonicDeadline(30, time.monotonic))
    begun_ms = time.ms

    for _ in range(10):
        for resource in ("orders", "positions"):
            budget.spend(resource, LIMIT, WINDOW_MS, MonotonicDeadline(30, time.monotonic))

    apart_ms = WINDOW_MS // (LIMIT // 2)
    assert time.ms - begun_ms <= 11 * apart_ms


def test_first_half_of_a_window_goes_at_once() -> None:
    time = Time()
    budget = budget_of(time)

    for _ in range(LIMIT // 2):
        budget.spend("orders", LIMIT, WINDOW_MS, MonotonicDeadline(30, time.monotonic))

    assert time.longest_s == 0


def test_short_window_is_not_spread() -> None:
    time = Time()
    budget = budget_of(time)

    for _ in range(10):
        budget.spend("execution", 10, 1_000, MonotonicDeadline(30, time.monotonic))

    assert time.longest_s == 0


class Shared(HubMachine):
    """Processes that use one login, each with a clock of its own hand; time passes for all of them."""

    def __init__(self) -> None:
        super().__init__(START_MS, "budgets")
        self._table: Any = SimulatedTable(self.hub.now_ms)
        self.went_ms: dict[str, int] = {}
        self.refused: list[str] = []

    def budget(self, share: Fraction | None = None) -> DynamoBudget:
        return DynamoBudget(self._table, "bridge", "login", self, share)

    def ask(self, name: str, at_ms: int, *, seconds: float = 55, limit: int = 1) -> None:
        """Have a process ask for a request of a second's window."""
        self.hub.at(START_MS + at_ms, partial(self.hub.start, partial(self._ask, name, seconds, limit)))

    def _ask(self, name: str, seconds: float, limit: int) -> None:
        try:
            self.budget().spend("orders", limit, 1_000, MonotonicDeadline(seconds, self.monotonic))
            self.went_ms[name] = self.hub.now - START_MS
        except RateLimitedError:
            self.refused.append(name)


@contextmanager
def shared(seconds: int = 120) -> Iterator[Shared]:
    processes = Shared()
    yield processes
    processes.hub.run(START_MS + seconds * 1000)


def gaps_of(went_ms: dict[str, int]) -> list[int]:
    times = sorted(went_ms.values())
    return [later - earlier for earlier, later in pairwise(times)]


def test_processes_that_wait_go_in_the_order_in_which_they_asked() -> None:
    with shared() as processes:
        for number in range(8):
            processes.ask(f"p{number}", 10 * number)

    assert list(processes.went_ms) == [f"p{number}" for number in range(8)]
    assert set(gaps_of(processes.went_ms)) == {1_000 + SLACK_MS}, "the whole quota is used, and no more"


def test_process_that_asks_again_and_again_does_not_pass_over_one_that_waits() -> None:
    with shared() as processes:
        for number in range(20):
            processes.ask(f"busy{number}", 1_000 * number)
            processes.ask(f"busier{number}", 1_000 * number + 5)
        processes.ask("once", 5_500)

    assert processes.went_ms["once"] <= 5_500 + 7 * 1_100, "six waited before it"


def test_place_beyond_the_deadline_is_left_to_others() -> None:
    with shared() as processes:
        for number in range(3):
            processes.ask(f"p{number}", number)
        processes.ask("hurried", 10, seconds=2)
        processes.ask("patient", 20)

    assert processes.refused == ["hurried"]
    assert processes.went_ms["patient"] == 3 * (1_000 + SLACK_MS)


def test_window_of_several_requests_goes_at_once_and_then_the_next() -> None:
    with shared() as processes:
        for number in range(7):
            processes.ask(f"p{number}", 0, limit=3)

    assert sorted(processes.went_ms.values()) == [0, 0, 0, 1_080, 1_080, 1_080, 2_160]


def test_pause_of_the_broker_holds_those_that_have_their_place_already() -> None:
    with shared() as processes:
        for number in range(6):
            processes.ask(f"p{number}", number)
        processes.hub.at(START_MS + 1_500, lambda: processes.budget().observe("orders", 0, 15_000))

    after = {name: at_ms for name, at_ms in processes.went_ms.items() if at_ms > 1_500}
    assert len(processes.went_ms) == 6
    assert min(after.values()) >= 16_500, "the edge blocks whoever hammers it"
    assert min(gaps_of(after)) >= 1_000


def test_short_pause_does_not_give_the_places_behind_it_twice() -> None:
    with shared() as processes:
        for number in range(6):
            processes.ask(f"p{number}", number)
        processes.hub.at(START_MS + 100, lambda: processes.budget().observe("orders", 0, 1_500))
        processes.ask("late", 200)

    assert min(at_ms for at_ms in processes.went_ms.values() if at_ms) >= 1_600
    assert min(gaps_of(processes.went_ms)) >= 1_000


def test_pause_within_a_long_window_holds_what_is_left_of_it() -> None:
    time = Time()
    budget = budget_of(time)
    budget.spend("orders", LIMIT, WINDOW_MS, MonotonicDeadline(30, time.monotonic))

    budget.observe("orders", 0, 20_000)
    budget.spend("orders", LIMIT, WINDOW_MS, MonotonicDeadline(30, time.monotonic))

    assert time.ms == START_MS + 20_000


def test_share_takes_no_place_ahead_and_leaves_none_behind() -> None:
    with shared() as processes:
        panel = processes.budget(Fraction(1, 2))
        processes.ask("p0", 0)
        processes.hub.run(START_MS + 10)
        with pytest.raises(ShareUsedError):
            panel.spend("orders", 1, 1_000, MonotonicDeadline(30, processes.monotonic))
        processes.ask("p1", 20)

    assert processes.went_ms["p1"] == 1_000 + SLACK_MS


def test_request_that_has_no_time_to_wait_is_refused_at_once_while_the_broker_calls_a_pause() -> None:
    time = Time()
    budget = budget_of(time)
    for _ in range(50):
        budget.spend("execution~entries", 100_000, 1_000, MonotonicDeadline(0, time.monotonic))
    budget.observe("execution~entries", 0, 9_000)

    with pytest.raises(RateLimitedError) as caught:
        budget.spend("execution~entries", 100_000, 1_000, MonotonicDeadline(0, time.monotonic))

    assert 8_000 < caught.value.retry_after_ms <= 9_000
    assert time.longest_s == 0
    time.ms += 9_000
    budget.spend("execution~entries", 100_000, 1_000, MonotonicDeadline(0, time.monotonic))


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_processes_that_share_a_long_window_never_stand_still_for_the_rest_of_it(processes: int) -> None:
    went_ms: list[int] = []
    with shared(2 * WINDOW_MS // 1000) as together:

        def look() -> None:
            budget = together.budget()
            while together.now_ms() < START_MS + WINDOW_MS:
                budget.spend("orders", LIMIT, WINDOW_MS, MonotonicDeadline(55, together.monotonic))
                went_ms.append(together.now_ms() - START_MS)
                together.sleep(0.3)

        for _ in range(processes):
            together.hub.start(look)

    within = [0, *(at_ms for at_ms in sorted(went_ms) if at_ms < WINDOW_MS), WINDOW_MS]
    assert LIMIT * 3 // 4 < len(within) <= LIMIT + 2
    assert max(later - earlier for earlier, later in pairwise(within)) <= LONGEST_SPREAD_MS
