"""Rate limits: so many requests of a route within an interval, and the edge before them all."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.tradelocker.seeds import DEVELOPER_KEY
from sandbox.tradelocker.switches import Switches

_SECOND_MS = 1000
_EDGE_REQUESTS = 20
_EDGE_BLOCK_MS = 10_000


@dataclass(frozen=True)
class Limit:
    """At most `limit` requests within `seconds`."""

    limit: int
    seconds: int = 1


# One real account's /trade/config; two other projects confirm a part of it.
OBSERVED: Mapping[str, Limit] = {
    "GET_ACCOUNTS": Limit(2),
    "GET_EXECUTIONS": Limit(2),
    "GET_INSTRUMENTS": Limit(2),
    "GET_ORDERS": Limit(1),
    "GET_ORDERS_HISTORY": Limit(1),
    "GET_POSITIONS": Limit(1),
    "GET_ACCOUNTS_STATE": Limit(4, 2),
    "GET_INSTRUMENT_DETAILS": Limit(2),
    "GET_TRADE_SESSIONS": Limit(2),
    "GET_SESSION_STATUSES": Limit(2),
    "PLACE_ORDER": Limit(5),
    "MODIFY_ORDER": Limit(5),
    "MODIFY_POSITION": Limit(5),
    "DAILY_BAR": Limit(5),
    "QUOTES": Limit(10),
    "DEPTH": Limit(10),
    "TRADES": Limit(5),
    "QUOTES_HISTORY": Limit(1),
}


@dataclass(frozen=True)
class Caller:
    """Who makes a request, as far as a limit may care."""

    account: str
    user: str
    key: str
    ip: str


class RateLimits:
    """Counts requests in sliding windows; a refused request is not counted."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._taken: defaultdict[tuple[str, str], deque[int]] = defaultdict(deque)
        self._edge: defaultdict[str, deque[int]] = defaultdict(deque)
        self._blocked_until_ms: dict[str, int] = {}

    def published(self) -> list[Mapping[str, object]]:
        """Return `rateLimits` of GET /trade/config."""
        return [
            {
                "rateLimitType": name,
                "measure": "SECONDS",
                "intervalNum": one.seconds,
                "limit": one.limit * self._width(),
            }
            for name, one in OBSERVED.items()
        ]

    def wait_ms(self, name: str, caller: Caller, now_ms: int) -> int:
        """Count a request; return 0 when it may pass, else how long until one may."""
        if self._switches["rate_limits"] == "off":
            return 0
        limit = OBSERVED[name]
        allowed = limit.limit * self._width()
        if self._switches["developer_key"] == "wider" and caller.key == DEVELOPER_KEY:
            allowed *= 5
        scope: str = getattr(caller, self._switches["rate_limit_scope"])
        return _take(self._taken[name, scope], allowed, limit.seconds * _SECOND_MS, now_ms)

    def login_wait_ms(self, ip: str, now_ms: int) -> int:
        """Count a login or refresh; return 0 when it may pass, else how long until one may."""
        if self._switches["rate_limits"] == "off" or self._switches["login_limit"] == "none":
            return 0
        return _take(self._taken["login", ip], 1, _SECOND_MS, now_ms)

    def edge_blocks(self, ip: str, now_ms: int) -> bool:
        """Count a request at the edge; tell whether the address is blocked (and stays so a while)."""
        if self._switches["edge_limit"] == "off":
            return False
        if now_ms < self._blocked_until_ms.get(ip, 0):
            return True
        if _take(self._edge[ip], _EDGE_REQUESTS, _SECOND_MS, now_ms):
            self._blocked_until_ms[ip] = now_ms + _EDGE_BLOCK_MS
            return True
        return False

    def _width(self) -> int:
        return 10 if self._switches["rate_limits"] == "wide" else 1


def _take(taken: deque[int], allowed: int, interval_ms: int, now_ms: int) -> int:
    while taken and taken[0] <= now_ms - interval_ms:
        taken.popleft()
    if len(taken) < allowed:
        taken.append(now_ms)
        return 0
    return taken[0] + interval_ms - now_ms
