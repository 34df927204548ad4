"""Request budgets that every process shares: one counter a resource and window in the table.

    none, or over -> count in a new one        full -> count in the next one, and wait for it
    open          -> count in it               next one beyond the deadline -> `RateLimitedError`, nothing counted

The window is fixed and starts with its first request, the stricter of the two forms that TradeStation's pages describe.
Whoever finds it full takes a place in the next: places are given in the order of asking, so that several accounts of
one login share its quota and none is passed over. A place that is not used, since its process has died, is lost.

The first half of a long window goes as it is wanted; the second half is spread over what is left of it, so that looks
grow slower but never stop for minutes: what is held must be tended all the time.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from orderbridge.brokers.port import Deadline
from orderbridge.errors import RateLimitedError, ShareUsedError, StorageError
from orderbridge.machine import MACHINE, Machine
from orderbridge.storage import keys
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.storage.transact import ConditionFailedError, call

SHARE_WINDOW_MS = 10_000
"""A share is spread: no burst may use up the window that orders need as well."""
SPREAD_FROM_MS = 120_000
"""Windows at least so long are spread; shorter ones are soon over."""
LONGEST_SPREAD_MS = 2_500
"""A look takes a few requests, and a stop must be back within 10 s (TRADING.md rule 18)."""
SLACK_MS = 80
"""The broker counts arrivals, and ours may take longer one time than the next."""
LEAST_LEFT_MS = 500
"""What must be left of the deadline once a place has come up."""
TRIES = 20
"""Each that fails is another process's success."""
FULL = 1_000_000
"""What counts as used of a window that the broker has closed."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in a window: when it comes up, and whether it was taken or would come up too late."""

    at_ms: int
    taken: bool = True


class DynamoBudget:
    """`Budget` of one connection on the bridge's table.

    A table that fails does not stop a request: the broker counts as well, and a 429 is handled.
    """

    def __init__(
        self,
        client: Any,
        table: str,
        connection: str,
        machine: Machine = MACHINE,
        share: Fraction | None = None,
    ) -> None:
        """`share` is the part of each quota that this budget may use, evenly spread: it never waits for a request, and
        gets none while the rest of the quota is wanted elsewhere. None: all of it, and it waits.
        """
        self._share = share
        self._counted = (0, 0, 0)
        """Of the last request that was counted: which of its window it was, when that ends, and the broker's pause."""
        self._went_ms: dict[str, int] = {}
        """Resource -> when its last request of a long window went out."""
        self._client = client
        self._table = table
        self._connection = connection
        self._machine = machine
        self._now_ms = machine.now_ms

    def spend(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> None:
        """Take one request of the window, waiting for the next one while the deadline allows it."""
        if self._share is not None:
            self._spend_share(self._share, resource, limit, period_ms)
            return
        try:
            while not self._came_up(resource, limit, period_ms, deadline):
                pass
        except StorageError:
            return
        if period_ms >= SPREAD_FROM_MS:
            self._spread(resource, limit, period_ms, deadline)

    def _came_up(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> bool:
        """Take a place and wait for it; False when the broker has called a pause meanwhile."""
        latest_ms = self._now_ms() + max(0, round(deadline.remaining() * 1000) - LEAST_LEFT_MS)
        place = self._take(resource, limit, period_ms, latest_ms)
        wait_ms = place.at_ms - self._now_ms()
        if not place.taken:
            raise RateLimitedError(f"the budget of {resource} is used up", max(20, wait_ms))
        if wait_ms <= 0:
            return True
        self._machine.sleep(wait_ms / 1000)
        return self._paused_until_ms(resource) <= self._now_ms()

    def _spread(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> None:
        """Let a request of a window's second half keep its distance from this process's last one, and leave as many
        for the rest of the window as all processes together need to go on.
        """
        used, ends_at_ms, _ = self._counted
        now_ms = self._now_ms()
        left = limit - used
        if 0 <= left < limit / 2:
            apart_ms = min((ends_at_ms - now_ms) // (left + 1), LONGEST_SPREAD_MS)
            enough_ms = ends_at_ms - left * 2 * period_ms // limit
            pause_ms = max(self._went_ms.get(resource, now_ms) + apart_ms, enough_ms) - now_ms
            if pause_ms > 0 and pause_ms / 1000 + 0.5 < deadline.remaining():
                self._machine.sleep(pause_ms / 1000)
        self._went_ms[resource] = self._now_ms()

    def _spend_share(self, share: Fraction, resource: str, limit: int, period_ms: int) -> None:
        """Take one request of the share and of the whole, or raise `ShareUsedError` at once."""
        window_ms = min(period_ms, SHARE_WINDOW_MS)
        allowed = Fraction(limit) * share * window_ms / period_ms
        if allowed < 1:
            window_ms, allowed = math.ceil(window_ms / allowed), Fraction(1)
        now_ms = self._now_ms()
        try:
            place = self._take(f"{resource}~share", int(allowed), window_ms, now_ms)
            if place.taken:
                place = self._take(resource, limit, period_ms, now_ms)
        except StorageError:
            return
        if not place.taken:
            raise ShareUsedError(f"the share of {resource} is used up", max(20, place.at_ms - self._now_ms()))

    def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
        """Take over what the broker says: other programs may use the same login."""
        if remaining > 0:
            return
        end = {":end": self._now_ms() + reset_ms}
        try:
            try:
                self._update(
                    resource,
                    "SET used = :full, ends_at_ms = :end, paused_until_ms = :end",
                    "attribute_not_exists(pk) OR ends_at_ms < :end",
                    {":full": FULL, **end},
                )
            except ConditionFailedError:  # places beyond the pause are given already: they stay
                later = "attribute_not_exists(paused_until_ms) OR paused_until_ms < :end"
                self._update(resource, "SET paused_until_ms = :end", later, end)
        except (ConditionFailedError, StorageError):
            return

    def _take(self, resource: str, limit: int, period_ms: int, latest_ms: int) -> _Place:
        """Count one request in the first window that has room, unless it begins after `latest_ms`."""
        length_ms = period_ms + SLACK_MS
        old: Mapping[str, Any] = {"ends_at_ms": latest_ms} if limit > 1 else {}
        """What stands in the table. At first a guess: a large window is open, one of a single request is over."""
        for _ in range(TRIES):
            now_ms = self._now_ms()
            used, ends_at_ms = int(old.get("used", 0)), int(old.get("ends_at_ms", 0))
            opens_at_ms = ends_at_ms if used >= limit else ends_at_ms - length_ms
            if ends_at_ms > now_ms and opens_at_ms > latest_ms:
                return _Place(opens_at_ms, taken=False)
            try:
                if ends_at_ms <= now_ms:
                    self._update(
                        resource,
                        "SET used = :one, ends_at_ms = :end",
                        "attribute_not_exists(pk) OR ends_at_ms <= :now",
                        {":one": 1, ":end": now_ms + length_ms, ":now": now_ms},
                    )
                elif used < limit:
                    self._update(
                        resource,
                        "SET used = used + :one",
                        "ends_at_ms > :now AND used < :limit AND ends_at_ms <= :latest",
                        {":one": 1, ":now": now_ms, ":limit": limit, ":latest": latest_ms + length_ms},
                    )
                else:
                    self._update(
                        resource,
                        "SET used = :one, ends_at_ms = ends_at_ms + :length",
                        "ends_at_ms > :now AND used >= :limit AND ends_at_ms <= :latest",
                        {":one": 1, ":length": length_ms, ":now": now_ms, ":limit": limit, ":latest": latest_ms},
                    )
            except ConditionFailedError as met:
                old = unmarshal(met.old.get(0, {}))
            else:
                used, ends_at_ms, paused_until_ms = self._counted
                at_ms = max(now_ms, ends_at_ms - length_ms, paused_until_ms)
                return _Place(at_ms, taken=at_ms <= max(now_ms, latest_ms))
        raise StorageError("too many processes count at once")

    def _paused_until_ms(self, resource: str) -> int:
        reply = call(
            self._client.get_item,
            TableName=self._table,
            Key=marshal(keys.budget(self._connection, resource)),
            ConsistentRead=True,
        )
        return int(unmarshal(reply.get("Item", {})).get("paused_until_ms", 0))

    def _update(self, resource: str, expression: str, condition: str, values: dict[str, int]) -> None:
        reply = call(
            self._client.update_item,
            TableName=self._table,
            Key=marshal(keys.budget(self._connection, resource)),
            UpdateExpression=expression,
            ExpressionAttributeValues=marshal(values),
            ReturnValues="ALL_NEW",
            ConditionExpression=condition,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        item = unmarshal(reply["Attributes"])
        self._counted = (int(item["used"]), int(item["ends_at_ms"]), int(item.get("paused_until_ms", 0)))
