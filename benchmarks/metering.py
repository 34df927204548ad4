"""What calls of AWS would be charged: request units of the table, and requests of everything else.

DynamoDB on demand: a consistent read is one unit for each 4 KB begun, an eventually consistent one half of it; a write
is one unit for each 1 KB begun, in a transaction two; each write that the index follows is one more for each 1 KB (two
where the index's key changes). A condition check is counted as a transactional write, a refused write like a done one.
(Developer guide: "Read/write request units" and "Transactions".)
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Item = Mapping[str, Any]

_DIGITS_A_BYTE = 2


@dataclass(slots=True)
class Call:
    """One call: a service's operation (`dynamodb.GetItem`), when it arrived in epoch ms, and its request units."""

    name: str
    at: float
    read_units: float = 0.0
    write_units: float = 0.0


@dataclass
class Meter:
    """The calls since the meter was made."""

    calls: list[Call] = field(default_factory=list)

    def count(self, name: str) -> None:
        """Count a call."""
        self.calls.append(Call(name, time.time() * 1000))

    def count_read(self, found: list[Item], *, consistent: bool) -> None:
        """Count the last call's read of the table or its index."""
        units = max(1, math.ceil(sum(size_of(item) for item in found) / 4096))
        self.calls[-1].read_units += units if consistent else units / 2

    def count_write(self, old: Item | None, new: Item | None, *, transaction: bool) -> None:
        """Count one item that the last call wrote, the index's part included."""
        units = kilobytes(old, new) * (2 if transaction else 1)
        self.calls[-1].write_units += units + (_index_units(old, new) if old != new else 0)

    def between(self, began_at: float, ended_at: float) -> "Meter":
        """Give a meter with the calls of a span of time alone."""
        return Meter([call for call in self.calls if began_at <= call.at <= ended_at])

    @property
    def read_units(self) -> float:
        return sum(call.read_units for call in self.calls)

    @property
    def write_units(self) -> float:
        return sum(call.write_units for call in self.calls)

    def number(self, service: str) -> int:
        """Give the number of calls of one service."""
        return sum(call.name.startswith(f"{service}.") for call in self.calls)


def _index_units(old: Item | None, new: Item | None) -> int:
    was, will = _index_key(old), _index_key(new)
    if was == will:
        return kilobytes(old, new) if will else 0
    return (kilobytes(old, None) if was else 0) + (kilobytes(None, new) if will else 0)


def _index_key(item: Item | None) -> tuple[str, str] | None:
    return (item["gpk"]["S"], item["gsk"]["S"]) if item and "gpk" in item else None


def kilobytes(old: Item | None, new: Item | None) -> int:
    """Give the kilobytes begun of the larger of the two, at least one."""
    return max(1, *(math.ceil(size_of(item) / 1024) for item in (old, new) if item is not None), 1)


def size_of(item: Item) -> int:
    """Give an item's size as DynamoDB counts it: names and values, numbers at two digits a byte."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        return math.ceil(len(str(content).strip("-0.")) / _DIGITS_A_BYTE) + 1
    return len(str(content).encode()) if kind == "S" else 1
