"""What was read of a broker serves every browser: fresh enough, from the table; else one of them reads it again.

    fresh                    given as it is
    stale, nobody reads      this request takes the one flight, reads, stores; a failure lets nobody try for a while
    stale, somebody reads    the last one is given, with its time; only where there is none is it waited for

So the broker's reads do not grow with the browsers, and a broker that is down is not asked by every poll.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orderbridge import codec
from orderbridge.broker_api.ports import Cache, Cached
from orderbridge.brokers.port import Deadline
from orderbridge.errors import BrokerReadError, BrokerUnavailableError, RateLimitedError, ShareUsedError
from orderbridge.execution.ports import Clock

T = TypeVar("T")

FLIGHT_MS = 8_000
RETRY_MS = 2_000
"""How long after a failed read the next one may start; doubled with each failure."""
LONGEST_PAUSE_MS = 30_000
SHARE_MS = 100
"""The least pause after a read for which the panel's share was used up."""
POLL_S = 0.05
NOTHING = "null"
NOTHING_MS = 60_000
"""What the broker does not have is not asked for again before."""
MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """A value with the moment at which reading it began."""

    value: T
    at_ms: int


class Snapshots:
    """Values by broker login, shared through the table."""

    def __init__(self, cache: Cache, clock: Clock) -> None:
        self._cache = cache
        self._clock = clock
        self._decoded: dict[tuple[str, str], tuple[str, Any]] = {}

    def get(
        self,
        connection: str,
        what: str,
        kind: type[T] | Any,
        fresh_ms: int,
        read: Callable[[], T],
        deadline: Deadline,
    ) -> Seen[T]:
        """Give a value at most `fresh_ms` old, or the last one where the broker does not give another.

        Raises `BrokerReadError` only when there is none at all.
        """
        found = self.get_many(connection, [what], kind, fresh_ms, lambda _: {what: read()}, deadline)
        if what not in found:
            raise BrokerUnavailableError("the broker cannot be read just now")
        return found[what]

    def get_many(
        self,
        connection: str,
        whats: Sequence[str],
        kind: type[T] | Any,
        fresh_ms: int,
        read: Callable[[Sequence[str]], dict[str, T]],
        deadline: Deadline,
    ) -> dict[str, Seen[T]]:
        """Give the values that there are; those that are stale and that nobody reads are read together.

        Raises `BrokerReadError` when nothing at all is there and the read fails.
        """
        now_ms = self._clock.now_ms()
        cached = {what: self._cache.read(connection, what) for what in whats}
        stale = [what for what in whats if not _fresh(cached[what], now_ms, fresh_ms)]
        mine = [what for what in stale if self._may_read(cached[what], now_ms) and self._take(connection, what, now_ms)]
        found = {what: self._seen(connection, what, kind, one) for what, one in cached.items() if one.text}
        if mine:
            try:
                found |= self._read(connection, mine, now_ms, read)
            except BrokerReadError:
                if not found:
                    raise
        waiting = [what for what in stale if what not in found and what not in mine]
        return found | self._awaited(connection, waiting, kind, deadline)

    def _read(
        self, connection: str, whats: Sequence[str], now_ms: int, read: Callable[[Sequence[str]], dict[str, T]]
    ) -> dict[str, Seen[T]]:
        try:
            values = read(whats)
        except BrokerReadError as error:
            for what in whats:
                self._fail(connection, what, error)
            raise
        for what in whats:
            if what in values:
                self._cache.put(connection, what, codec.dumps(values[what]), now_ms)
            else:
                self._cache.fail(connection, what, self._clock.now_ms() + RETRY_MS)
        return {what: Seen(value, now_ms) for what, value in values.items()}

    def _fail(self, connection: str, what: str, error: BrokerReadError) -> None:
        failures = self._cache.read(connection, what).failures
        self._cache.fail(connection, what, self._clock.now_ms() + pause_ms(error, failures))

    def _awaited(
        self, connection: str, whats: Iterable[str], kind: type[T] | Any, deadline: Deadline
    ) -> dict[str, Seen[T]]:
        """Wait for what somebody else reads for the first time."""
        found: dict[str, Seen[T]] = {}
        for what in whats:
            one = self._cache.read(connection, what)
            while not one.text and one.busy_until_ms > self._clock.now_ms() and deadline.remaining() > POLL_S:
                self._clock.sleep(POLL_S)
                one = self._cache.read(connection, what)
            if one.text:
                found[what] = self._seen(connection, what, kind, one)
        return found

    def _take(self, connection: str, what: str, now_ms: int) -> bool:
        return self._cache.take(connection, what, now_ms, now_ms + FLIGHT_MS)

    @staticmethod
    def _may_read(one: Cached, now_ms: int) -> bool:
        return one.busy_until_ms <= now_ms and one.retry_at_ms <= now_ms

    def _seen(self, connection: str, what: str, kind: type[T] | Any, one: Cached) -> Seen[T]:
        kept = self._decoded.get((connection, what))
        if kept is None or kept[0] != one.text:
            if len(self._decoded) >= MOST_KEPT:
                self._decoded.clear()
            kept = (one.text, codec.loads(kind, one.text))
            self._decoded[(connection, what)] = kept
        return Seen(kept[1], one.at_ms)


def pause_ms(error: BrokerReadError, failures: int) -> int:
    """Give how long a read that has failed is left alone: longer each time, and as long as the broker says.

    The first refusal for its rate alone is no failure of the broker's: what it says is enough. That the panel's own
    share is used up never is one: a read that takes several requests finds one of them spent now and then.
    """
    if isinstance(error, ShareUsedError):
        return max(SHARE_MS, error.retry_after_ms)
    asked_ms = error.retry_after_ms if isinstance(error, RateLimitedError) else 0
    if asked_ms and failures == 0:
        return max(200, min(asked_ms, LONGEST_PAUSE_MS))
    return int(min(max(RETRY_MS * 2 ** min(failures, 10), asked_ms), LONGEST_PAUSE_MS))


def _fresh(one: Cached, now_ms: int, fresh_ms: int) -> bool:
    if one.text == NOTHING:
        fresh_ms = max(fresh_ms, NOTHING_MS)
    return bool(one.text) and now_ms - one.at_ms <= fresh_ms
