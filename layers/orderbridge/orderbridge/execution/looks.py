"""One look at positions and orders serves every job of a burst: single flight under a lease, shared through the table.

    flight n:  somebody takes the flight (started = n), reads the broker, stores the look (done = n)
    A worker that wrote at the broker needs a look whose flight began after its write: flight > the one started then.
    A worker that waits is served by a flight that began after it asked: two flights at most, however slow they are.
    That is an order of events in the table, not of clocks.
"""

from dataclasses import dataclass
from typing import Protocol

from orderbridge.brokers.port import Broker, Deadline, Look
from orderbridge.errors import BrokerUnavailableError
from orderbridge.execution.ports import Clock

FLIGHT_MS = 6_000
"""How long a flight may take before another may start."""
POLL_S = 0.05
HISTORY_MARGIN_MS = 60_000
DEFAULT_HISTORY_MS = 3_600_000
MAX_HISTORY_MS = 30 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class SharedLook:
    """What the table holds: the last look, and which flights were started and done."""

    look: Look | None
    started: int
    done: int
    flight_until_ms: int


class LookStore(Protocol):
    """The snapshot's part of the table."""

    def read(self, account: str) -> SharedLook: ...

    def take_flight(self, account: str, owner: str, now_ms: int, until_ms: int) -> int | None:
        """Start a flight and give its number, or None while another is in the air."""
        ...

    def land(self, account: str, flight: int, look: Look | None) -> None:
        """Store the look of a flight unless a later one has landed; None when the read failed."""
        ...


class Looks:
    """Looks of one account, shared with every other process."""

    def __init__(
        self, store: LookStore, broker: Broker, clock: Clock, account: str, owner: str, min_gap_ms: int
    ) -> None:
        self._store = store
        self._broker = broker
        self._clock = clock
        self._account = account
        self._owner = owner
        self._min_gap_ms = min_gap_ms
        """The least time between two flights' reads, so that the broker's quota is kept."""

    def after_now(self) -> int:
        """Give the first flight that cannot have begun yet: to be asked for after an own write."""
        return self._store.read(self._account).started + 1

    def get(self, deadline: Deadline, since_ms: int, flight: int = 0, max_age_ms: int = 1_000) -> Look:
        """Give a look of `flight` or later that reaches back to `since_ms`, at most `max_age_ms` old when asked for.

        A look that somebody else has begun since then serves as well, however long it took: whoever waits for a quota
        that is used up needs no turn of his own. Raises `BrokerReadError` when the broker cannot be read, or not within
        the deadline.
        """
        shared = self._store.read(self._account)
        asked_at_ms, begun_since = self._clock.now_ms(), shared.started + 1
        while True:
            look = shared.look
            if (
                look is not None
                and shared.done >= flight
                and look.since_ms <= since_ms
                and (shared.done >= begun_since or asked_at_ms - look.requested_at_ms <= max_age_ms)
            ):
                return look
            mine = self._take_flight(shared, deadline)
            if mine is not None:
                return self._fly(mine, deadline, since_ms)
            shared = self._store.read(self._account)

    def _take_flight(self, shared: SharedLook, deadline: Deadline) -> int | None:
        """Start a flight, or pause while another is in the air or the last one began just now."""
        now_ms = self._clock.now_ms()
        if now_ms >= shared.flight_until_ms:
            gap_ms = shared.look.requested_at_ms + self._min_gap_ms - now_ms if shared.look is not None else 0
            if gap_ms > 0:
                self._pause(min(gap_ms, self._min_gap_ms) / 1000, deadline)
                return None
            mine = self._store.take_flight(self._account, self._owner, now_ms, now_ms + FLIGHT_MS)
            if mine is not None:
                return mine
        self._pause(POLL_S, deadline)
        return None

    def _fly(self, flight: int, deadline: Deadline, since_ms: int) -> Look:
        requested_at_ms = self._clock.now_ms()
        look = None
        try:
            # Orders before positions: a fill between the two shows as a position that no order explains yet, and the
            # next look explains it. The other way round a filled order without a position would look like a closed one.
            orders = self._broker.orders(deadline, since_ms)
            positions = self._broker.positions(deadline)
            look = Look(positions, orders, requested_at_ms, since_ms)
        finally:
            self._store.land(self._account, flight, look)
        return look

    def _pause(self, seconds: float, deadline: Deadline) -> None:
        if deadline.remaining() <= seconds:
            raise BrokerUnavailableError("no look at the account within the time that is left")
        self._clock.sleep(seconds)


def history_since(now_ms: int, oldest_tracked_ms: int | None) -> int:
    """Tell how far back finished orders must be read so that every tracked order is found.

    TradeLocker may filter its history by creation or by change (unconfirmed): from the creation of the oldest.
    """
    since = now_ms - DEFAULT_HISTORY_MS
    if oldest_tracked_ms is not None:
        since = min(since, oldest_tracked_ms - HISTORY_MARGIN_MS)
    rounded = since - since % DEFAULT_HISTORY_MS
    return max(rounded, now_ms - MAX_HISTORY_MS)
