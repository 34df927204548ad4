"""Counted attempts: each takes its place before it is made, so that guesses sent side by side are counted too.

window:  none | until(count)       take   none or lapsed -> until(1);  count < limit -> count + 1;  else refused
                                   give back                          count - 1
"""

from typing import Any

from orderbridge.broker_api.login.model import Limit
from orderbridge.errors import ConflictError
from orderbridge.storage import keys
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.storage.transact import ConditionFailedError, call

TRIES = 3


class Attempts:
    """Attempt counters of one table. Every method raises `StorageError` when the table fails."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def take(self, limit: Limit, now_ms: int) -> int | None:
        """Count one attempt; where none is left, give when the next one may be made (epoch ms)."""
        until_ms = now_ms + limit.window_ms
        for _ in range(TRIES):
            try:
                left = "ends_ms > :now AND #count < :most"
                self._update(limit.digest, "ADD #count :one", left, now_ms, most=limit.most)
            except ConditionFailedError as refused:
                window = unmarshal(refused.old.get(0, {}))
            else:
                return None
            if int(window.get("ends_ms", 0)) > now_ms:
                return int(window["ends_ms"])
            if self._opened(limit, now_ms):
                return None
        return until_ms

    def _opened(self, limit: Limit, now_ms: int) -> bool:
        """Open the next window with this attempt in it; False when somebody else has just opened it."""
        ends_ms = now_ms + limit.window_ms
        try:
            self._update(
                limit.digest,
                "SET #count = :one, ends_ms = :ends, expires_at = :expires, #schema = :schema",
                "attribute_not_exists(ends_ms) OR ends_ms <= :now",
                now_ms,
                ends=ends_ms,
                expires=ends_ms // 1000 + 1,
                schema=keys.SCHEMA,
            )
        except ConditionFailedError:
            return False
        return True

    def give_back(self, limit: Limit, now_ms: int) -> None:
        """Take one attempt of the window back, since it was a good one."""
        try:
            self._update(limit.digest, "ADD #count :less", "ends_ms > :now AND #count > :zero", now_ms, less=-1, zero=0)
        except ConflictError:
            return

    def _update(self, digest: str, expression: str, condition: str, now_ms: int, **values: int) -> None:
        names = {"#count": "count"} | ({"#schema": "schema"} if "#schema" in expression else {})
        given = {"one": 1, "now": now_ms, **values}
        used = {f":{name}": value for name, value in given.items() if f":{name}" in f"{expression} {condition}"}
        call(
            self._client.update_item,
            TableName=self._table,
            Key=marshal(keys.attempts(digest)),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=marshal(used),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
