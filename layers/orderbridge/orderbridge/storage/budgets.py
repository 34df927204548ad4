"""Request budgets that every process shares: one counter a resource and window in the table.

The window is fixed and starts with its first request, the stricter of the two forms that TradeStation's pages describe.
The first half of a long window goes as it is wanted; the second half is spread over what is left of it, so that looks
grow slower but never stop for minutes: what is held must be tended all the time.
"""

import math
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
        self._counted = (0, 0)
        """Of the last request that was counted: which of its window it was, and when that ends."""
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
        while True:
            try:
                ends_at_ms = self._take(resource, limit, period_ms)
            except StorageError:
                return
            if ends_at_ms is None:
                self._spread(limit, period_ms, deadline)
                return
            wait_ms = max(20, ends_at_ms - self._now_ms())
            if wait_ms / 1000 + 0.5 > deadline.remaining():
                raise RateLimitedError(f"the budget of {resource} is used up", wait_ms)
            self._machine.sleep(wait_ms / 1000)

    def _spread(self, limit: int, period_ms: int, deadline: Deadline) -> None:
        """Wait a moment before a request of the second half of a long window."""
        used, ends_at_ms = self._counted
        if period_ms < SPREAD_FROM_MS or used * 2 <= limit:
            return
        pause_ms = min((ends_at_ms - self._now_ms()) // (limit - used + 1), LONGEST_SPREAD_MS)
        if pause_ms > 0 and pause_ms / 1000 + 0.5 < deadline.remaining():
            self._machine.sleep(pause_ms / 1000)

    def _spend_share(self, share: Fraction, resource: str, limit: int, period_ms: int) -> None:
        """Take one request of the share and of the whole, or raise `ShareUsedError` at once."""
        window_ms = min(period_ms, SHARE_WINDOW_MS)
        allowed = Fraction(limit) * share * window_ms / period_ms
        if allowed < 1:
            window_ms, allowed = math.ceil(window_ms / allowed), Fraction(1)
        try:
            ends_at_ms = self._take(f"{resource}~share", int(allowed), window_ms)
            if ends_at_ms is None:
                ends_at_ms = self._take(resource, limit, period_ms)
        except StorageError:
            return
        if ends_at_ms is not None:
            raise ShareUsedError(f"the share of {resource} is used up", max(20, ends_at_ms - self._now_ms()))

    def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
        """Take over what the broker says: other programs may use the same login."""
        now_ms = self._now_ms()
        if remaining > 0:
            return
        try:
            self._update(
                resource, "SET used = :full, ends_at_ms = :end", None, {":full": 1_000_000, ":end": now_ms + reset_ms}
            )
        except StorageError:
            return

    def _take(self, resource: str, limit: int, period_ms: int) -> int | None:
        """Count one request; give the end of the window when it is full."""
        now_ms = self._now_ms()
        for _ in range(4):
            try:
                self._update(
                    resource,
                    "SET used = used + :one",
                    "ends_at_ms > :now AND used < :limit",
                    {":one": 1, ":now": now_ms, ":limit": limit},
                )
            except ConditionFailedError as full:
                old = unmarshal(full.old.get(0, {}))
                if int(old.get("ends_at_ms", 0)) > now_ms:
                    return int(old["ends_at_ms"])
            else:
                return None
            try:
                self._update(
                    resource,
                    "SET used = :one, ends_at_ms = :end",
                    "attribute_not_exists(pk) OR ends_at_ms <= :now",
                    {":one": 1, ":end": now_ms + period_ms + SLACK_MS, ":now": now_ms},
                )
            except ConditionFailedError:
                continue  # somebody else opened the window: count in it
            return None
        return now_ms + 50

    def _update(self, resource: str, expression: str, condition: str | None, values: dict[str, int]) -> None:
        reply = call(
            self._client.update_item,
            TableName=self._table,
            Key=marshal(keys.budget(self._connection, resource)),
            UpdateExpression=expression,
            ExpressionAttributeValues=marshal(values),
            ReturnValues="ALL_NEW",
            **(
                {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
                if condition
                else {}
            ),
        )
        item = unmarshal(reply["Attributes"])
        self._counted = (int(item["used"]), int(item["ends_at_ms"]))
