"""Request quotas for each user and resource, and the headers that tell what is left."""

from collections import deque
from dataclasses import dataclass, field

from sandbox.tradestation.switches import Switches

PERIOD_MS = 300_000
LIMITS = {"accounts": 320, "orders": 320, "balances": 320, "positions": 320, "quotes": 500, "barcharts": 500}
"""Published quotas per 5 minutes. `placement` has none; a switch can set one. Other resources are not limited."""


@dataclass(slots=True)
class _Window:
    started_ms: int = 0
    used: deque[int] = field(default_factory=deque)
    """When each counted request came."""


@dataclass(frozen=True, slots=True)
class Count:
    """A counted request: whether it is within the quota, and the headers to send."""

    allowed: bool
    headers: dict[str, str]


class Quotas:
    """Counts requests. A fixed window begins with its first request; a rolling one forgets each after its period."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._windows: dict[tuple[str, str], _Window] = {}

    def reset(self) -> None:
        """Forget every count."""
        self._windows.clear()

    def count(self, user: str, resource: str, items: int, now_ms: int) -> Count:
        """Count one request of `items` ids or symbols."""
        limit = self._limit(resource)
        if limit == 0 or self._switches["quotas"] == "off":
            return Count(True, {})
        window = self._windows.setdefault((user, resource), _Window())
        self._forget(window, now_ms)
        cost = items if self._switches["quota_counting"] == "item" else 1
        allowed = len(window.used) + cost <= limit
        if allowed:
            if not window.used:
                window.started_ms = now_ms
            window.used.extend([now_ms] * cost)
        begun_ms = window.used[0] if self._switches["quota_window"] == "rolling" and window.used else window.started_ms
        reset_s = max(0, -(-(begun_ms + PERIOD_MS - now_ms) // 1000))
        prefix = self._switches["quota_header_prefix"]
        told = {
            "Limit": limit,
            "Period": PERIOD_MS // 1000,
            "Remaining": max(0, limit - len(window.used)),
            "Reset": reset_s,
            "Resource": resource,
        }
        return Count(allowed, {f"{prefix}-{name}": str(value) for name, value in told.items()})

    def _limit(self, resource: str) -> int:
        if resource == "placement":
            return self._switches.number("placement_quota")
        return LIMITS.get(resource, 0)

    def _forget(self, window: _Window, now_ms: int) -> None:
        if self._switches["quota_window"] == "rolling":
            while window.used and window.used[0] <= now_ms - PERIOD_MS:
                window.used.popleft()
        elif now_ms >= window.started_ms + PERIOD_MS:
            window.used.clear()
