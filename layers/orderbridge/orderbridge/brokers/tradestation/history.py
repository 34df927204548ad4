"""Keep what was seen of finished orders, so that a look past the session's start does not cost a read each time.

TradeStation lists today's and open orders; what finished earlier is only in the historical orders, and when "today"
begins is not published. Every moment at which it may begin counts as such: 0:00, 17:00 and 18:00 in New York, 0:00 UTC.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orderbridge.model import Order

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_ROLL_HOURS_UTC = (0, 4, 5, 21, 22, 23)
"""The moments named above in UTC, with and without daylight saving."""
MAX_AGE_MS = 60_000
RETRY_MS = 5_000
LOOK_FOR_MS = 300_000
"""How long the history is asked for an order that worked and is not listed any more."""

ReadHistory = Callable[[int], tuple[Order, ...]]
"""Reads the orders that finished since a time."""


@dataclass(frozen=True, slots=True)
class _Read:
    since_ms: int
    at_ms: int
    orders: tuple[Order, ...]


class OrderMemory:
    """What one process knows of an account's finished orders."""

    def __init__(self) -> None:
        self._history: _Read | None = None
        self._known: dict[str, Order] = {}
        """Every order listed so far: the working ones, and the ones that finished within two days."""
        self._gone_since_ms: dict[str, int] = {}

    def complete(
        self, today: Iterable[Order], since_ms: int, now_ms: int, read_history: ReadHistory
    ) -> tuple[Order, ...]:
        """Give today's orders and every order that finished since `since_ms`.

        Reads the history when a session may have begun since, at most once a minute, and when an order that worked at
        an earlier reading is not listed any more.
        """
        found = {order.id: order for order in today}
        gone = [order.id for order in self._known.values() if not order.status.final and order.id not in found]
        self._gone_since_ms = {order_id: self._gone_since_ms.get(order_id, now_ms) for order_id in gone}
        if (gone and not self._read_within(RETRY_MS, now_ms)) or (
            _session_began(since_ms, now_ms) and not self._covers(since_ms, now_ms)
        ):
            self._history = _Read(since_ms, now_ms, read_history(since_ms))
        past = {order.id: order for order in (self._history.orders if self._history is not None else ())}
        self._known = {
            order.id: order for order in (self._known | past | found).values() if self._is_kept(order, now_ms)
        }
        earlier = (past | self._known).values()
        finished = [order for order in earlier if order.status.final and order.updated_at_ms >= since_ms]
        return tuple(({order.id: order for order in finished} | found).values())

    def _is_kept(self, order: Order, now_ms: int) -> bool:
        if order.status.final:
            return order.updated_at_ms >= now_ms - 2 * _DAY_MS
        return now_ms - self._gone_since_ms.get(order.id, now_ms) < LOOK_FOR_MS

    def _read_within(self, age_ms: int, now_ms: int) -> bool:
        return self._history is not None and now_ms - self._history.at_ms < age_ms

    def _covers(self, since_ms: int, now_ms: int) -> bool:
        covered = self._history is not None and self._history.since_ms <= since_ms
        return covered and self._read_within(MAX_AGE_MS, now_ms)


def _session_began(since_ms: int, now_ms: int) -> bool:
    """Tell whether "today" may have begun after `since_ms`."""
    if now_ms - since_ms >= _DAY_MS:
        return True
    first_hour = since_ms // _HOUR_MS + 1
    return any(hour % 24 in _ROLL_HOURS_UTC for hour in range(first_hour, now_ms // _HOUR_MS + 1))
