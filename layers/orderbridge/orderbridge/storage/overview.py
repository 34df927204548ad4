"""What a person looks at: alerts with their jobs, plans and commands, and all that is open. Reads only.

An item that cannot be decoded (written by another release) is left out and counted, so that the rest is still shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from orderbridge.commands import ClosePosition
from orderbridge.errors import NewerReleaseError
from orderbridge.execution.records import CommandRecord, LaneState, StoredJob
from orderbridge.model import Order
from orderbridge.storage import keys
from orderbridge.storage.items import AttributeValues, Item, marshal, unmarshal
from orderbridge.storage.jobs import stored_job
from orderbridge.storage.releases import decoded
from orderbridge.storage.transact import call, query_all

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """A command that is not final, with its lane (`account#root`)."""

    lane: str
    record: CommandRecord


class Overview:
    """Reads of one table. Every method raises `StorageError` when the table fails."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self.unreadable = 0
        """How many items could not be decoded so far."""

    # ---- alerts

    def alert(self, alert_id: str) -> Item | None:
        """Read one alert, consistently."""
        reply = call(
            self._client.get_item, TableName=self._table, Key=marshal(keys.alert(alert_id)), ConsistentRead=True
        )
        return unmarshal(reply["Item"]) if "Item" in reply else None

    def last_alerts(self, strategy: str, count: int) -> list[Item]:
        """Give a strategy's last alerts, the newest first."""
        reply = call(
            self._client.query,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :alerts",
            ExpressionAttributeValues=marshal({":alerts": f"ALERTS#{strategy}"}),
            ScanIndexForward=False,
            Limit=count,
        )
        return [unmarshal(item) for item in reply["Items"]]

    def jobs(self, alert: Mapping[str, Any], lanes: Sequence[str]) -> list[StoredJob]:
        """Read an alert's jobs in these lanes, those that were stored again later included."""
        items = [item for lane in lanes for item in self._in_lane(lane, alert)]
        return [stored for stored in self._decoded(items, stored_job) if stored.job.alert_id == alert["alert_id"]]

    # ---- what is open

    def open_jobs(self) -> list[StoredJob]:
        """List the jobs that have no ending yet, the oldest first."""
        return self._decoded(self._open("OPEN#JOB"), stored_job)

    def open_commands(self) -> list[OpenCommand]:
        """List the commands that are NEW, SENDING or UNKNOWN, the oldest first."""
        return self._decoded(self._open("OPEN#COMMAND"), _open_command)

    def untold_notices(self) -> int:
        """Count the notices that were stored and not published yet."""
        return len(self._open("OPEN#NOTICE"))

    def lane_state(self, lane: str) -> LaneState:
        """Read what a lane holds, without taking it; empty when nothing was ever worked there."""
        reply = call(
            self._client.get_item, TableName=self._table, Key=marshal(keys.lane_state(lane)), ConsistentRead=True
        )
        item = unmarshal(reply.get("Item", {}))
        return decoded(LaneState, item) if "data" in item else LaneState()

    def commands_of_order(self, lane: str, order_id: str) -> list[CommandRecord]:
        """Give the commands that made this order of the broker. Reads the whole lane: for a person's question."""
        records = self._commands(lane)
        return [record for record in records if any(placed.order_id == order_id for placed in record.orders)]

    def closes_of_order(self, lane: str, order: Order) -> list[CommandRecord]:
        """Give the closes by position id whose answers named no order, and which this order may be.

        Reads the whole lane: for a person's question.
        """
        return [record for record in self._commands(lane) if _may_be(record, order)]

    def _commands(self, lane: str) -> list[CommandRecord]:
        items = query_all(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :lane AND begins_with(sk, :command)",
            ExpressionAttributeValues=marshal({":lane": keys.lane_partition(lane), ":command": "COMMAND#"}),
            ConsistentRead=True,
        )
        return [one.record for one in self._decoded(items, _open_command)]

    def lane_of_command(self, command_id: str) -> str | None:
        """Find the lane of a command that may have ended long ago. Reads the whole table: for a person's question."""
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "FilterExpression": "sk = :command",
            "ExpressionAttributeValues": marshal({":command": f"COMMAND#{command_id}"}),
            "ConsistentRead": True,
        }
        while True:
            page = call(self._client.scan, **arguments)
            for item in page["Items"]:
                return str(unmarshal(item)["lane"])
            if "LastEvaluatedKey" not in page:
                return None
            arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    # ---- items

    def _open(self, partition: str) -> list[AttributeValues]:
        return query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :open",
            ExpressionAttributeValues=marshal({":open": partition}),
        )

    def _in_lane(self, lane: str, alert: Mapping[str, Any]) -> list[AttributeValues]:
        return query_all(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :lane AND sk BETWEEN :from AND :to",
            FilterExpression="contains(#data, :alert)",
            ExpressionAttributeNames={"#data": "data"},
            ExpressionAttributeValues=marshal(
                {
                    ":lane": keys.lane_partition(lane),
                    ":from": keys.jobs_from(int(alert["received_at_ms"])),
                    ":to": keys.jobs_from(keys.LAST_MS),
                    ":alert": str(alert["alert_id"]),
                }
            ),
            ConsistentRead=True,
        )

    def _decoded(self, items: Sequence[AttributeValues], decode: Callable[[AttributeValues], T]) -> list[T]:
        found: list[T] = []
        for item in items:
            try:
                found.append(decode(item))
            except (KeyError, ValidationError, NewerReleaseError):
                self.unreadable += 1
        return found


def _open_command(item: AttributeValues) -> OpenCommand:
    values = unmarshal(item)
    return OpenCommand(str(values["lane"]), decoded(CommandRecord, values))


CLOSING_MS = 30_000
"""How long after its sending a close by position id may become an order; clocks may differ."""


def _may_be(record: CommandRecord, order: Order) -> bool:
    command = record.command
    return (
        isinstance(command, ClosePosition)
        and record.taken
        and not any(placed.order_id for placed in record.orders)
        and (command.position_id, command.held_side.opposite) == (order.position_id, order.side)
        and order.quantity == (command.expected_quantity if command.quantity is None else command.quantity)
        and abs(order.placed_at_ms - record.sent_at_ms) <= CLOSING_MS
    )
