"""What the minute's sweep reads and ends: work that nobody rang for, and lanes that their workers cannot read."""

import logging
from typing import Any

from pydantic import ValidationError

from orderbridge.errors import NewerReleaseError
from orderbridge.execution.plans import not_sent
from orderbridge.execution.records import CommandStatus
from orderbridge.machine import MACHINE, Machine
from orderbridge.storage import keys
from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.transact import ConditionFailedError, call, query_all, transact
from orderbridge.storage.unread import end_unread

log = logging.getLogger(__name__)


class DynamoSweep:
    """`SweepStore` on the bridge's table."""

    def __init__(self, client: Any, table: str, machine: Machine = MACHINE) -> None:
        self._client = client
        self._table = table
        self._machine = machine

    def overdue_lanes(self, before_ms: int) -> list[str]:
        """List the lanes with a job that was stored before `before_ms` and is not final, or an open command."""
        lanes = [*self._open("OPEN#JOB", before_ms), *self._open("OPEN#COMMAND", before_ms)]
        return list(dict.fromkeys(str(item["lane"]) for item in lanes if "lane" in item))

    def count_unknown(self) -> int:
        """Count the commands whose outcome is UNKNOWN."""
        return sum(1 for item in self._open("OPEN#COMMAND", None) if item.get("status") == "UNKNOWN")

    def give_up(self, lane: str, now_ms: int) -> bool:
        """End the lane's job that its workers fail at, without reading its content; False while the lane is held.

        Whoever held the lane before is fenced out in the same transaction, and what was stored for the job and never
        sent is closed: nothing is sent any more for a job that was told as failed.
        """
        held = self._lane_item(lane)
        if int(held.get("until_ms", 0)) > now_ms:
            return False
        failing = self._failing(lane)
        if failing is None:
            return True
        job_id = failing.split("#", 2)[2]
        along = [self._fence_out(lane, held), *self._close_unsent(lane, job_id, now_ms)]
        return end_unread(self._client, self._table, self._machine, lane, failing, "dead_letter", now_ms, along)

    def close_forgotten(self, before_ms: int, now_ms: int) -> int:
        """Close commands that were stored before `before_ms` and never sent, in lanes that nobody holds; give how many.

        Their worker died, and what it took care of was taken care of anew since, under other names.
        """
        lanes, closed = DynamoLanes(self._client, self._table, self._machine), 0
        for item in self._open("OPEN#COMMAND", before_ms):
            if item.get("status") != CommandStatus.NEW.value:
                continue
            lane, command_id = str(item["lane"]), str(item["sk"]).partition("#")[2]
            held = self._lane_item(lane)
            if int(held.get("until_ms", 0)) > now_ms:
                continue
            try:
                record = not_sent(lanes.command(lane, command_id), "its worker died before it was sent", now_ms)
                operations = [self._fence_out(lane, held), lanes.replacement(lane, record, CommandStatus.NEW)]
                transact(self._client, operations, self._machine)
            except (ConditionFailedError, NewerReleaseError, ValidationError):
                continue
            closed += 1
        return closed

    def _lane_item(self, lane: str) -> Item:
        key = marshal(keys.lane_state(lane))
        found = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        return unmarshal(found.get("Item", {}))

    def _failing(self, lane: str) -> str | None:
        """Give the sort key of the first job that was started, else of the first one; None when none is open."""
        items = query_all(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :lane AND begins_with(sk, :job)",
            FilterExpression="attribute_exists(gpk)",
            ExpressionAttributeValues=marshal({":lane": keys.lane_partition(lane), ":job": "JOB#"}),
            ConsistentRead=True,
        )
        jobs = [unmarshal(item) for item in items]
        started = [job for job in jobs if int(job.get("attempts", 0)) > 0] or jobs
        return str(started[0]["sk"]) if started else None

    def _fence_out(self, lane: str, seen: Item) -> dict[str, Any]:
        """Give the operation that takes the lane from its last worker, if nobody has taken it since it was `seen`."""
        about = {"TableName": self._table, "Key": marshal(keys.lane_state(lane))}
        if not seen:
            return {"ConditionCheck": {**about, "ConditionExpression": "attribute_not_exists(pk)"}}
        return {
            "Update": {
                **about,
                "UpdateExpression": "ADD epoch :one",
                "ConditionExpression": "epoch = :seen",
                "ExpressionAttributeValues": marshal({":one": 1, ":seen": int(seen["epoch"])}),
            }
        }

    def _close_unsent(self, lane: str, job_id: str, now_ms: int) -> list[dict[str, Any]]:
        lanes = DynamoLanes(self._client, self._table, self._machine)
        try:
            records = lanes.commands(lane, job_id)
        except (NewerReleaseError, ValidationError):
            log.warning("what was planned for a job cannot be read", extra={"job_id": job_id})
            return []
        new = [record for record in records if record.status is CommandStatus.NEW]
        closed = [not_sent(record, "the alert was given up before this was sent", now_ms) for record in new]
        return [lanes.replacement(lane, record, CommandStatus.NEW) for record in closed]

    def _open(self, partition: str, before_ms: int | None) -> list[dict[str, Any]]:
        condition = "gpk = :open" if before_ms is None else "gpk = :open AND gsk < :before"
        values: dict[str, Any] = {":open": partition}
        if before_ms is not None:
            values[":before"] = f"{before_ms:013d}"
        items = query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=marshal(values),
        )
        return [dict(unmarshal(item)) for item in items]
