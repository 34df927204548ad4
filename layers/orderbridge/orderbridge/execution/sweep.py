"""The minute's sweep: ring where work was stored and nobody rings, revive watches, end what reached the dead letters.

Nothing here trades. Whatever the sweep does is repeated a minute later, so it may fail half-way without harm.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from orderbridge.execution.ports import Bell, Clock
from orderbridge.execution.watcher import Watcher

log = logging.getLogger(__name__)

OVERDUE_MS = 5_000
FORGOTTEN_MS = 60_000
"""What was stored so long ago and not sent was left by a worker that died: whoever resumes its job closes it too."""


class SweepStore(Protocol):
    """The sweep's part of the table (`orderbridge.storage.sweep`)."""

    def overdue_lanes(self, before_ms: int) -> list[str]: ...

    def count_unknown(self) -> int: ...

    def give_up(self, lane: str, now_ms: int) -> bool: ...

    def close_forgotten(self, before_ms: int, now_ms: int) -> int: ...


class DeadLetters(Protocol):
    """The bell queue's dead letters."""

    def receive(self) -> list[tuple[str, str]]:
        """Give some messages as (body, handle)."""
        ...

    def delete(self, handle: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Swept:
    lanes_rung: int
    dead_letters: int
    unknown_commands: int


def sweep(
    store: SweepStore,
    dead_letters: DeadLetters,
    bell: Bell,
    watcher: Watcher,
    accounts: Iterable[str],
    lane_of_message: "LaneOf",
    clock: Clock,
) -> Swept:
    """Make one sweep. Raises `StorageError` when the table fails."""
    # Before the bells: whoever answers one holds its lane.
    store.close_forgotten(clock.now_ms() - FORGOTTEN_MS, clock.now_ms())
    overdue = store.overdue_lanes(clock.now_ms() - OVERDUE_MS)
    for name in overdue:
        bell.ring_lane(name)
    dead, before = 0, -1
    while dead > before and (batch := dead_letters.receive()):
        before = dead
        for body, handle in batch:
            lane = lane_of_message(body)
            if lane is not None:
                given_up = store.give_up(lane, clock.now_ms())
                bell.ring_lane(lane)
                if not given_up:
                    continue  # somebody is at it just now: the letter comes again, and then all may be well
            dead_letters.delete(handle)
            dead += 1
    for account in accounts:
        if watcher.store.lanes(account):
            watcher.ensure(account)
    return Swept(len(overdue), dead, store.count_unknown())


class LaneOf(Protocol):
    def __call__(self, body: str) -> str | None:
        """Give the lane that a dead bell was for, None for other bells."""
        ...
