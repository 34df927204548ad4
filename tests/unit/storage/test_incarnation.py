"""Which table this is: noted each minute, told once, lifted once, and believed only for a while."""

from collections.abc import Callable
from typing import Any

import pytest

from orderbridge.errors import ConflictError
from orderbridge.storage.incarnation import ID_S, ITEM_S, Incarnation
from tests.simulation.dynamo import AT_ONCE, SimulatedTable

TABLE = "bridge"


class Clock:
    def __init__(self) -> None:
        self.s = 1_000.0

    def monotonic(self) -> float:
        return self.s

    def now_ms(self) -> int:
        return int(self.s * 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Clock) -> Any:
    return SimulatedTable(clock.now_ms, lags=AT_ONCE)


@pytest.fixture
def opened(table: Any, clock: Clock) -> Callable[[], Incarnation]:
    """Give a maker of what each process has."""
    return lambda: Incarnation(table, TABLE, clock.monotonic)


def test_new_table_is_noted_and_the_note_follows_the_clock(opened: Callable[[], Incarnation], clock: Clock) -> None:
    incarnation = opened()
    assert not incarnation.restored()

    assert incarnation.beat(1_000)
    assert incarnation.beat(61_000)

    assert (incarnation.known().seen_at_ms, incarnation.known().generation) == (61_000, 0)
    clock.s += ITEM_S + 1
    assert not incarnation.restored()


def test_table_with_another_id_is_restored_and_its_note_stands_still(
    opened: Callable[[], Incarnation], table: Any
) -> None:
    opened().beat(1_000)
    table.table_id = "another"

    assert opened().restored()
    assert not opened().beat(61_000)
    assert opened().known().seen_at_ms == 1_000


def test_warm_process_learns_of_it_within_a_minute(
    opened: Callable[[], Incarnation], table: Any, clock: Clock
) -> None:
    warm = opened()
    warm.beat(1_000)
    assert not warm.restored()
    table.table_id = "another"

    clock.s += ID_S + 1

    assert warm.restored()


def test_person_is_told_once_of_each_restore(opened: Callable[[], Incarnation], table: Any) -> None:
    opened().beat(1_000)
    table.table_id = "second"
    first = [opened().tell_once(), opened().tell_once()]
    table.table_id = "third"

    assert (first, opened().tell_once()) == ([True, False], True)


def test_halt_is_lifted_for_the_table_that_was_reconciled_and_for_no_other(
    opened: Callable[[], Incarnation], table: Any
) -> None:
    opened().beat(1_000)
    table.table_id = "second"
    opened().reconciled("ann", 2_000)
    table.table_id = "third"

    with pytest.raises(ConflictError):
        opened().lift("ann", 3_000)
    table.table_id = "second"
    assert opened().lift("ann", 3_000) == 1
    assert not opened().restored()
    with pytest.raises(ConflictError):
        opened().lift("ann", 4_000)


def test_each_lift_counts_on(opened: Callable[[], Incarnation], table: Any) -> None:
    opened().beat(1_000)
    for number, name in enumerate(("second", "third"), start=1):
        table.table_id = name
        opened().reconciled("ann", 2_000)
        assert opened().lift("ann", 3_000) == number


def test_table_that_was_not_restored_has_nothing_to_reconcile(opened: Callable[[], Incarnation]) -> None:
    opened().beat(1_000)

    with pytest.raises(ConflictError, match="not halted"):
        opened().reconciled("ann", 2_000)
