"""Where the items of a table stand in order: its partitions, and an index that follows after a while."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.attributes import ExpressionError, Item
from tests.simulation.errors import NotSimulatedError

Key = tuple[str, str]
Row = tuple[str, Key]
"""A sort key, and the item that has it."""
FIRST, LAST = "\0", "\U0010ffff"
"""Behind a text: what comes next after it, and what comes after all that begin with it."""


class Rows:
    """Partitions, each sorted by its sort key."""

    def __init__(self) -> None:
        self._partitions: dict[str, list[Row]] = {}

    def add(self, partition: str, row: Row) -> None:
        insort(self._partitions.setdefault(partition, []), row)

    def remove(self, partition: str, row: Row) -> None:
        rows = self._partitions[partition]
        del rows[bisect_left(rows, row)]
        if not rows:
            del self._partitions[partition]

    def chosen(self, partition: str, compare: str, texts: tuple[str, ...]) -> list[Row]:
        """Give the rows whose sort key fits, in order; `compare` is empty for all of them."""
        rows = self._partitions.get(partition, [])
        start, end = 0, len(rows)
        match compare:
            case "":
                pass
            case "begins_with":
                start, end = _from(rows, texts[0]), _from(rows, texts[0] + LAST)
            case "BETWEEN":
                if texts[1] < texts[0]:
                    raise ExpressionError("the BETWEEN operator's upper bound is below its lower bound")
                start, end = _from(rows, texts[0]), _after(rows, texts[1])
            case "=":
                start, end = _from(rows, texts[0]), _after(rows, texts[0])
            case "<" | "<=":
                end = (_from if compare == "<" else _after)(rows, texts[0])
            case ">" | ">=":
                start = (_from if compare == ">=" else _after)(rows, texts[0])
            case _:
                raise NotSimulatedError(f"a sort key that is {compare}")
        return rows[start:end]


def _from(rows: list[Row], sort_key: str) -> int:
    """Give the place of the first row with this sort key, or of the one that comes next."""
    return bisect_left(rows, (sort_key, ("", "")))


def _after(rows: list[Row], sort_key: str) -> int:
    """Give the place behind the last row with this sort key."""
    return bisect_left(rows, (sort_key + FIRST, ("", "")))


class LaggingIndex:
    """An index with its own images of the items: a write shows after `lag_ms()`, those of one item in their order."""

    def __init__(self, now_ms: Callable[[], int], lag_ms: Callable[[], int], partition: str, sort: str) -> None:
        self._now_ms = now_ms
        self.lag_ms = lag_ms
        self._names = (partition, sort)
        self.rows = Rows()
        self.images: dict[Key, Item] = {}
        self._coming: list[tuple[int, int, Key, Item | None]] = []
        """A heap of (due, number, key, image)."""
        self._last: dict[Key, tuple[int, int]] = {}
        """Key -> due and number of its last change that is still to come."""
        self._count = 0

    def follow(self, key: Key, old: Mapping[str, Any] | None, new: Item | None) -> None:
        """Note a change of the table; `new` is never changed afterwards."""
        if not self._holds(old) and not self._holds(new):
            return
        lag_ms = self.lag_ms()
        if lag_ms <= 0 and key not in self._last:
            self._set(key, new)
            return
        self._count += 1
        due_ms, _ = max((self._now_ms() + lag_ms, 0), self._last.get(key, (0, 0)))
        self._last[key] = (due_ms, self._count)
        heapq.heappush(self._coming, (due_ms, self._count, key, new))

    def settle(self) -> None:
        """Take in what is due."""
        now_ms = self._now_ms()
        while self._coming and self._coming[0][0] <= now_ms:
            due_ms, number, key, new = heapq.heappop(self._coming)
            if self._last[key] == (due_ms, number):
                del self._last[key]
            self._set(key, new)

    def _holds(self, item: Mapping[str, Any] | None) -> bool:
        return item is not None and all(name in item for name in self._names)

    def _set(self, key: Key, new: Item | None) -> None:
        partition, sort = self._names
        old = self.images.pop(key, None)
        if old is not None:
            self.rows.remove(old[partition]["S"], (old[sort]["S"], key))
        if new is not None and self._holds(new):
            self.images[key] = new
            self.rows.add(new[partition]["S"], (new[sort]["S"], key))
