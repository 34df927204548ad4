"""A lane's lease is taken although its holder's transactions are changing the lane's item all the time.

Found by the simulation (full seed 9): the bell of a worker that met one was not answered, and came again after two
minutes.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from orderbridge.errors import StorageError
from orderbridge.execution.ports import Held
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.transact import TRIES
from tests.machine import HandMade
from tests.simulation.dynamo import SimulatedTable

NOW_MS = 1_794_322_800_000


class Busy:
    """A table whose item is in a transaction for so many calls."""

    def __init__(self, conflicts: int) -> None:
        self._table = SimulatedTable(lambda: NOW_MS)
        self.conflicts = conflicts

    def update_item(self, **arguments: Any) -> Any:
        if self.conflicts:
            self.conflicts -= 1
            raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")
        return self._table.update_item(**arguments)


def test_lease_is_taken_after_meeting_transactions() -> None:
    slept: list[float] = []
    table = Busy(TRIES - 1)
    lanes = DynamoLanes(table, "bridge", HandMade(sleep=slept.append, chance=lambda: 0.5))

    held = lanes.take("tsm#MSFT", "me", NOW_MS, 45_000)

    assert isinstance(held, Held)
    assert len(slept) == TRIES - 1
    assert lanes.extend(held.fence, NOW_MS, 60_000).until_ms == NOW_MS + 60_000


def test_lease_that_meets_transactions_without_end_is_a_failure_of_the_store() -> None:
    lanes = DynamoLanes(Busy(TRIES), "bridge", HandMade(sleep=lambda _: None))

    with pytest.raises(StorageError):
        lanes.take("tsm#MSFT", "me", NOW_MS, 45_000)
