"""How many requests TradeLocker allows: the limits in `/trade/config`, and what is assumed before it is read."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from orderbridge.brokers.budget import Budget
from orderbridge.brokers.http import EDGE_PAUSE_MS, Quota
from orderbridge.brokers.port import Deadline

_PERIOD_MS = {"SECONDS": 1_000, "MINUTES": 60_000}

# Calls and seconds, as one account's config showed them (two other users' remarks agree).
_OBSERVED = {
    "GET_ACCOUNTS": (2, 1),
    "GET_EXECUTIONS": (2, 1),
    "GET_INSTRUMENTS": (2, 1),
    "GET_ORDERS": (1, 1),
    "GET_ORDERS_HISTORY": (1, 1),
    "GET_POSITIONS": (1, 1),
    "GET_ACCOUNTS_STATE": (4, 2),
    "GET_INSTRUMENT_DETAILS": (2, 1),
    "GET_TRADE_SESSIONS": (2, 1),
    "GET_SESSION_STATUSES": (2, 1),
    "PLACE_ORDER": (5, 1),
    "MODIFY_ORDER": (5, 1),
    "MODIFY_POSITION": (5, 1),
    "DAILY_BAR": (5, 1),
    "QUOTES": (10, 1),
    "DEPTH": (10, 1),
    "TRADES": (5, 1),
    "QUOTES_HISTORY": (1, 1),
    # Not in the published list: our own, cautious.
    "X_AUTH": (1, 1),
    "X_CONFIG": (1, 1),
}

ASSUMED: Mapping[str, Quota] = MappingProxyType(
    {name: Quota(name, limit, seconds * 1_000) for name, (limit, seconds) in _OBSERVED.items()}
)


def read_quotas(entries: object) -> Mapping[str, Quota]:
    """Give the quota of each resource; an entry that cannot be read leaves the assumed one in force."""
    quotas = dict(ASSUMED)
    for entry in entries if isinstance(entries, Iterable) else ():
        quota = _quota(entry)
        if quota is not None:
            quotas[quota.resource] = quota
    return quotas


def _quota(entry: object) -> Quota | None:
    match entry:
        case {"rateLimitType": str(name), "measure": str(measure), "intervalNum": int(count), "limit": int(limit)}:
            period = _PERIOD_MS.get(measure.upper())
            if period is not None and count > 0 and limit > 0:
                return Quota(name, limit, period * count)
    return None


class HostBudget:
    """A budget that pauses every route when the network's edge blocks one of them.

    The edge (Cloudflare's error 1015) blocks the source address, not the route, and the block lasts while it is
    hammered. `BrokerHttp` tells it as a pause of at least `EDGE_PAUSE_MS`.
    """

    def __init__(self, inner: Budget) -> None:
        self._inner = inner

    def spend(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> None:
        """Take one request of `resource`. Raises `RateLimitedError` when none is left."""
        self._inner.spend(resource, limit, period_ms, deadline)

    def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
        """Learn from a reply; a long pause counts for every route."""
        self._inner.observe(resource, remaining, reset_ms)
        if remaining == 0 and reset_ms >= EDGE_PAUSE_MS:
            for other in ASSUMED:
                if other != resource:
                    self._inner.observe(other, 0, reset_ms)
