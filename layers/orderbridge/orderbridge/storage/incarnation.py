"""Which table this is: a table that was restored from a backup knows another one, and nothing is sent from it.

A restore always makes a new table with an id of its own (DynamoDB's `TableId`); the backup brings back the item in
which the old one's id stands. So the id stands once in the table and once outside of it, where no restore reaches:

    no item                      -> table_id = this table's        the refresher's first minute
    table_id = this table's      -> seen_at_ms = now               each minute: until when the ledger is known
    table_id = another table's   -> halted                         nothing is sent, no lane is taken, alerts are stored
      reconciled_for = this one                                    `orderbridge reconcile`
      table_id = this one, generation + 1                          `orderbridge resume --restored`, once reconciled

The check is part of the very transaction that starts a sending, like a kill switch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orderbridge.errors import ConflictError
from orderbridge.machine import MACHINE
from orderbridge.storage import keys
from orderbridge.storage.items import Scalar, marshal, unmarshal
from orderbridge.storage.transact import ConditionFailedError, call

ID_S = 60.0
"""How long the table's own id is believed: a restore under the same name takes minutes without any table."""
ITEM_S = 5.0
"""How long the item is believed before a lane is taken; the sending's own transaction believes nothing."""


@dataclass(frozen=True, slots=True)
class Table:
    """The table as AWS describes it."""

    id: str
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the table's own item says."""

    table_id: str = ""
    """Empty where there is no item: a new table, or one of an earlier release."""
    seen_at_ms: int = 0
    generation: int = 0
    """Counts the lifts; never goes back."""
    reconciled_for: str = ""


class Incarnation:
    """Which table this is. Every method raises `StorageError` when AWS fails."""

    def __init__(self, client: Any, table: str, monotonic: Callable[[], float] = MACHINE.monotonic) -> None:
        self._client = client
        self._table = table
        self._monotonic = monotonic
        self._described: tuple[float, Table] | None = None
        self._checked: tuple[float, bool] | None = None

    def table(self) -> Table:
        """Give the table's own id, which no backup brings back."""
        now = self._monotonic()
        if self._described is None or now - self._described[0] > ID_S:
            reply = call(self._client.describe_table, TableName=self._table)["Table"]
            created: datetime = reply["CreationDateTime"]
            created_at_ms = round(created.timestamp() * 1000)
            table_id = reply.get("TableId") or f"{reply['TableArn']}@{created_at_ms}"
            self._described = (now, Table(str(table_id), created_at_ms))
        return self._described[1]

    def known(self) -> Known:
        """Read the item, consistently."""
        key = marshal(keys.incarnation())
        reply = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        item = unmarshal(reply.get("Item", {}))
        return Known(
            str(item.get("table_id", "")),
            int(item.get("seen_at_ms", 0)),
            int(item.get("generation", 0)),
            str(item.get("reconciled_for", "")),
        )

    def restored(self) -> bool:
        """Tell whether this table was restored from a backup and is still halted for it."""
        now = self._monotonic()
        if self._checked is None or now - self._checked[0] > ITEM_S:
            self._checked = (now, self.known().table_id not in ("", self.table().id))
        return self._checked[1]

    def check(self) -> dict[str, Any]:
        """Give the condition that stands in the transaction of every sending."""
        return {
            "ConditionCheck": {
                "TableName": self._table,
                "Key": marshal(keys.incarnation()),
                "ConditionExpression": "attribute_not_exists(pk) OR table_id = :this",
                "ExpressionAttributeValues": marshal({":this": self.table().id}),
            }
        }

    def beat(self, now_ms: int) -> bool:
        """Note that the ledger is known until now, in a new table which one it is; False in one that was restored."""
        try:
            self._update(
                "SET table_id = :this, seen_at_ms = :now, #schema = :schema",
                "attribute_not_exists(pk) OR table_id = :this",
                {":now": now_ms, ":schema": keys.SCHEMA},
            )
        except ConditionFailedError:
            return False
        return True

    def tell_once(self) -> bool:
        """Tell whether nobody has been told of this restore yet, and note that they have been."""
        try:
            self._update("SET told_for = :this", "attribute_not_exists(told_for) OR told_for <> :this", {})
        except ConditionFailedError:
            return False
        return True

    def reconciled(self, by: str, now_ms: int) -> None:
        """Note that ledger and broker were compared and nothing is open between them."""
        values: dict[str, Scalar] = {":by": by, ":now": now_ms}
        try:
            self._update(
                "SET reconciled_for = :this, reconciled_by = :by, reconciled_at_ms = :now", "table_id <> :this", values
            )
        except ConditionFailedError:
            raise ConflictError("this table is not halted for a restore") from None

    def lift(self, by: str, now_ms: int) -> int:
        """Let the table send again, and give its generation. Raises `ConflictError` unless it was reconciled."""
        try:
            reply = self._update(
                "SET table_id = :this, seen_at_ms = :now, lifted_by = :by ADD generation :one",
                "table_id <> :this AND reconciled_for = :this",
                {":by": by, ":now": now_ms, ":one": 1},
            )
        except ConditionFailedError:
            raise ConflictError("reconcile the restored table first: orderbridge reconcile") from None
        self._checked = None
        return int(unmarshal(reply["Attributes"])["generation"])

    def _update(self, expression: str, condition: str, values: dict[str, Scalar]) -> Any:
        names = {"#schema": "schema"} if "#schema" in expression else {}
        return call(
            self._client.update_item,
            TableName=self._table,
            Key=marshal(keys.incarnation()),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeValues=marshal({":this": self.table().id, **values}),
            ReturnValues="ALL_NEW",
            **({"ExpressionAttributeNames": names} if names else {}),
        )
