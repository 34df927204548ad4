"""The kill switches: one item a scope, checked in the very transaction that starts a sending.

blocks     entries pass    exits pass
none       yes             yes
entries    no              yes
all        no              no
"""

from dataclasses import dataclass
from typing import Any, Literal

from orderbridge.storage import keys
from orderbridge.storage.items import Item, Scalar, marshal, unmarshal
from orderbridge.storage.transact import call, query_all

Blocks = Literal["none", "entries", "all"]
GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Switch:
    """One kill switch and who turned it last."""

    scope: str
    """`global`, `account#NAME` or `strategy#NAME`."""
    blocks: Blocks
    reason: str
    by: str
    changed_at_ms: int


def account_scope(name: str) -> str:
    return f"account#{name}"


def strategy_scope(name: str) -> str:
    return f"strategy#{name}"


class Controls:
    """Kill switches of one table. Every method raises `StorageError` when the table fails."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def halt(self, scope: str, level: Literal["entries", "all"], reason: str, by: str, now_ms: int) -> Switch:
        """Stop new entries, or every sending, in the scope. What has been sent already is not called back."""
        return self._set(Switch(scope, level, reason, by, now_ms))

    def resume(self, scope: str, by: str, now_ms: int) -> Switch:
        """Let the scope send again; a wider or narrower scope that is halted stays so."""
        return self._set(Switch(scope, "none", "", by, now_ms))

    def read(self, scope: str) -> Switch:
        """Read one switch, consistently; one that was never turned blocks nothing."""
        reply = call(
            self._client.get_item, TableName=self._table, Key=marshal(keys.control(scope)), ConsistentRead=True
        )
        return _switch(scope, unmarshal(reply.get("Item", {})))

    def all(self) -> list[Switch]:
        """List every switch that was ever turned."""
        items = query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :control",
            ExpressionAttributeValues=marshal({":control": "CONTROL"}),
        )
        return [_switch(str(item["gsk"]), item) for item in map(unmarshal, items)]

    def _set(self, switch: Switch) -> Switch:
        item: dict[str, Scalar] = {
            **keys.control(switch.scope),
            "schema": keys.SCHEMA,
            "gpk": "CONTROL",
            "gsk": switch.scope,
            "blocks": switch.blocks,
            "reason": switch.reason,
            "by": switch.by,
            "changed_at_ms": switch.changed_at_ms,
        }
        call(self._client.put_item, TableName=self._table, Item=marshal(item))
        return switch


def _switch(scope: str, item: Item) -> Switch:
    blocks: Blocks
    match item.get("blocks", "none"):
        case "none":
            blocks = "none"
        case "entries":
            blocks = "entries"
        case _:
            blocks = "all"
    return Switch(
        scope, blocks, str(item.get("reason", "")), str(item.get("by", "")), int(item.get("changed_at_ms", 0))
    )
