"""Watch an account while something works, is held under a stop, or is unknown (TRADING.md rule 20).

    bell(turn) -> take the turn -> work every watched lane once -> ring again in WATCH_S, or fall asleep

One look at the broker serves all lanes of a pass. Only the current turn's bell counts, so copies of a bell, or two
wakers at once, never become two watches.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from orderbridge.brokers.port import Deadline
from orderbridge.execution.ports import Bell, Clock

log = logging.getLogger(__name__)

WATCH_S = 2
ALIVE_MS = 20_000
"""A watch that has not gone on for so long has lost its bell: the scheduler, or the next order, starts another."""


SETTLE_MS = 1_500
"""So late may the list of watched lanes show one, and by so much may clocks differ: who has asked for a watch within
this time before a pass that found nothing is given another pass."""


class WatchStore(Protocol):
    """The watch's part of the table (`orderbridge.storage.watch`)."""

    def wake(self, account: str, now_ms: int, alive_until_ms: int) -> int | None: ...

    def take_turn(self, account: str, turn: int, alive_until_ms: int) -> int | None: ...

    def sleep(self, account: str, turn: int, since_ms: int) -> bool: ...

    def lanes(self, account: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Watcher:
    """Keeps watches going."""

    store: WatchStore
    bell: Bell
    clock: Clock
    interval_s: int = WATCH_S

    def ensure(self, account: str) -> None:
        """See that the account is watched."""
        now_ms = self.clock.now_ms()
        turn = self.store.wake(account, now_ms, now_ms + ALIVE_MS)
        if turn is not None:
            self.bell.ring_watch(account, turn, self.interval_s)

    def watch(self, account: str, turn: int, work_lane: Callable[[str], None], deadline: Deadline) -> None:
        """Make one pass for the bell that carries `turn`."""
        began_ms = self.clock.now_ms()
        next_turn = self.store.take_turn(account, turn, began_ms + ALIVE_MS)
        if next_turn is None:
            return
        lanes = self.store.lanes(account)
        for lane in lanes:
            if deadline.remaining() < 10:
                log.warning("not every lane was watched in one pass", extra={"account": account})
                break
            work_lane(lane)
        if lanes or not self.store.sleep(account, next_turn, began_ms - SETTLE_MS):
            self.bell.ring_watch(account, next_turn, self.interval_s)
