"""What the panel has read of a broker login, and who reads it again.

    refresh:  free | busy(until) | failed(retry_at)     take: free, lapsed or past its pause -> busy
                                                        put: -> free with the text; fail: -> failed, the old text stays
"""

from typing import Any

from orderbridge.broker_api.ports import Cached
from orderbridge.storage import keys
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.storage.packing import packed, unpacked
from orderbridge.storage.transact import ConditionFailedError, call

KEEP_S = 7 * 24 * 3600
MAX_BYTES = 350_000


class DynamoPanelCache:
    """`Cache` on the bridge's table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def read(self, connection: str, what: str) -> Cached:
        """Read one entry, consistently; an empty one where there is none."""
        key = marshal(keys.panel_snapshot(connection, what))
        reply = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        item = unmarshal(reply.get("Item", {}))
        return Cached(
            _readable(str(item.get("data", ""))),
            int(item.get("at_ms", 0)),
            int(item.get("busy_until_ms", 0)),
            int(item.get("retry_at_ms", 0)),
            int(item.get("failures", 0)),
        )

    def take(self, connection: str, what: str, now_ms: int, until_ms: int) -> bool:
        """Take the one refresh that may be under way."""
        try:
            self._update(
                connection,
                what,
                "SET busy_until_ms = :until, #schema = :schema, expires_at = :expires",
                {":until": until_ms, ":schema": keys.SCHEMA, ":expires": now_ms // 1000 + KEEP_S},
                "(attribute_not_exists(busy_until_ms) OR busy_until_ms <= :now) "
                "AND (attribute_not_exists(retry_at_ms) OR retry_at_ms <= :now)",
                now_ms,
            )
        except ConditionFailedError:
            return False
        return True

    def put(self, connection: str, what: str, text: str, at_ms: int) -> None:
        """Store what was read; too long a text is not kept."""
        data = packed(text)
        values: dict[str, str | int] = {":zero": 0, ":at": at_ms, ":data": data if len(data) <= MAX_BYTES else ""}
        self._update(
            connection,
            what,
            "SET #data = :data, at_ms = :at, busy_until_ms = :zero, retry_at_ms = :zero, failures = :zero",
            values,
        )

    def fail(self, connection: str, what: str, retry_at_ms: int) -> None:
        """Note that reading failed; the old text stays."""
        values: dict[str, str | int] = {":zero": 0, ":retry": retry_at_ms, ":one": 1}
        self._update(connection, what, "SET busy_until_ms = :zero, retry_at_ms = :retry ADD failures :one", values)

    def _update(
        self,
        connection: str,
        what: str,
        expression: str,
        values: dict[str, str | int],
        condition: str = "",
        now_ms: int = 0,
    ) -> None:
        names = {f"#{name}": name for name in ("data", "schema") if f"#{name}" in expression}
        arguments: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
        if condition:
            arguments["ConditionExpression"] = condition
            values = {**values, ":now": now_ms}
        call(
            self._client.update_item,
            TableName=self._table,
            Key=marshal(keys.panel_snapshot(connection, what)),
            UpdateExpression=expression,
            ExpressionAttributeValues=marshal(values),
            **arguments,
        )


def _readable(data: str) -> str:
    try:
        return unpacked(data)
    except ValueError:
        return ""  # of another release: it is read again
