"""A quota that is spread: looks slow down before it is used up, and never stop."""

from typing import Any

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.storage.budgets import LONGEST_SPREAD_MS, DynamoBudget
from tests.simulation.dynamo import SimulatedTable

LIMIT, WINDOW_MS = 320, 300_000


class Time:
    """A machine whose time passes only while somebody waits."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000
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

    count = spend(
        time, budget_of(time), until_ms=begun_ms + WINDOW_MS, limit=LIMIT, period_ms=WINDOW_MS, every_ms=350
    )

    assert count <= LIMIT
    assert count > LIMIT * 3 / 4, "what the broker allows is used"
    assert time.longest_s * 1000 <= LONGEST_SPREAD_MS


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
