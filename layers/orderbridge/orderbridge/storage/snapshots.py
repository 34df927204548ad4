"""The last look at an account, shared by every process; compressed, since a busy day's orders are long.

A look that another release has written and this one cannot read counts as none.

    flight:  none | in the air(started, until)      take: none, lapsed or landed -> in the air(started + 1)
                                                    land: done = its number, unless a later one has landed
"""

from contextlib import suppress
from typing import Any

from orderbridge import codec
from orderbridge.brokers.port import Look
from orderbridge.errors import NewerReleaseError
from orderbridge.execution.looks import SharedLook
from orderbridge.storage import keys
from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.packing import packed, unpacked
from orderbridge.storage.releases import check_schema
from orderbridge.storage.transact import ConditionFailedError, call

MAX_BYTES = 350_000
"""An item holds 400 KB; a longer look is not shared, and the next worker reads for itself."""


class DynamoSnapshots:
    """`LookStore` on the bridge's table."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self._kept: dict[str, tuple[str, Look | None]] = {}
        """Account -> the look that was read or stored last, beside its text: whoever waits for a look reads often."""

    def read(self, account: str) -> SharedLook:
        """Read the snapshot item, consistently."""
        reply = call(
            self._client.get_item, TableName=self._table, Key=marshal(keys.snapshot(account)), ConsistentRead=True
        )
        item = unmarshal(reply.get("Item", {}))
        return SharedLook(
            self._look(account, item),
            int(item.get("started", 0)),
            int(item.get("done", 0)),
            int(item.get("flight_until_ms", 0)),
        )

    def _look(self, account: str, item: Item) -> Look | None:
        if "data" not in item:
            return None
        text, (known, look) = str(item["data"]), self._kept.get(account, ("", None))
        if text != known:
            look = _readable(item)
            self._kept[account] = (text, look)
        return look

    def take_flight(self, account: str, owner: str, now_ms: int, until_ms: int) -> int | None:
        """Start the next flight unless one is in the air."""
        try:
            reply = call(
                self._client.update_item,
                TableName=self._table,
                Key=marshal(keys.snapshot(account)),
                UpdateExpression="SET #owner = :owner, flight_until_ms = :until, "
                "#schema = if_not_exists(#schema, :schema) ADD started :one",
                ConditionExpression="attribute_not_exists(flight_until_ms) OR flight_until_ms <= :now",
                ExpressionAttributeNames={"#owner": "owner", "#schema": "schema"},
                ExpressionAttributeValues=marshal(
                    {":owner": owner, ":until": until_ms, ":now": now_ms, ":one": 1, ":schema": keys.SCHEMA}
                ),
                ReturnValues="ALL_NEW",
            )
        except ConditionFailedError:
            return None
        return int(unmarshal(reply["Attributes"])["started"])

    def land(self, account: str, flight: int, look: Look | None) -> None:
        """End a flight; its look is kept unless a later one has landed."""
        text = "" if look is None else packed(codec.dumps(look))
        kept: dict[str, Any] = {}
        if 0 < len(text) <= MAX_BYTES:
            self._kept[account] = (text, look)
            kept = {"data": text, "schema": keys.SCHEMA, "done": flight}
        try:
            self._set(account, {"flight_until_ms": 0, **kept}, "started = :flight", flight)
        except ConditionFailedError:  # it took so long that another has begun, which goes on
            with suppress(ConditionFailedError):
                if kept:
                    self._set(account, kept, "attribute_not_exists(done) OR done < :flight", flight)

    def _set(self, account: str, values: dict[str, Any], condition: str, flight: int) -> None:
        given = {f":{name}": value for name, value in values.items()} | {":flight": flight}
        call(
            self._client.update_item,
            TableName=self._table,
            Key=marshal(keys.snapshot(account)),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ConditionExpression=condition,
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues=marshal(given),
        )


def _readable(item: Item) -> Look | None:
    try:
        check_schema(item)
        return codec.loads(Look, unpacked(str(item["data"])))
    except (NewerReleaseError, ValueError):
        return None
