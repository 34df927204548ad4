"""What the minute's sweep reads and ends: work that nobody rang for, and lanes that their workers cannot read."""

import logging
from typing import Any

from orderbridge.machine import MACHINE, Machine
from orderbridge.storage import keys
from orderbridge.storage.dead_jobs import dead_item
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.storage.jobs import KEEP_S, notice_item
from orderbridge.storage.transact import ConditionFailedError, call, query_all, transact

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

    def give_up(self, lane: str, now_ms: int) -> str | None:
        """End the lane's job that its workers fail at, without reading its content; give the job's id.

        Used for a bell that reached the dead-letter queue, and for a job that cannot be decoded.
        """
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
        if not started:
            return None
        job_id = str(started[0]["sk"]).split("#", 2)[2]
        self.fail(lane, str(started[0]["sk"]), job_id, "dead_letter", now_ms)
        return job_id

    def fail(self, lane: str, sort_key: str, job_id: str, code: str, now_ms: int) -> None:
        """Make a job terminal from its key alone, note it at its alert and store the notice."""
        sentence = f"Working this alert failed again and again; {self._sent(lane, job_id)}. Please check the account."
        origin, _, account = job_id.rpartition(".")
        alert_id = origin.partition("~")[0]  # a replay's id is the alert's with the time behind it
        values: dict[str, str | int] = {":status": "failed", ":code": code, ":sentence": sentence, ":now": now_ms}
        about = {"alert_id": alert_id, "account": account}
        job = {
            "Update": {
                "TableName": self._table,
                "Key": marshal({"pk": keys.lane_partition(lane), "sk": sort_key}),
                "UpdateExpression": "SET #status = :status, code = :code, sentence = :sentence, ended_at_ms = :now, "
                "expires_at = :expires REMOVE gpk, gsk",
                "ConditionExpression": "attribute_exists(gpk)",
                "ExpressionAttributeNames": {"#status": "status"},
                "ExpressionAttributeValues": marshal(values | {":expires": now_ms // 1000 + KEEP_S}),
            }
        }
        alert = {
            "Update": {
                "TableName": self._table,
                "Key": marshal(keys.alert(alert_id)),
                "UpdateExpression": "SET #status = :status, code = :code, sentence = :sentence, ended_at_ms = :now, "
                "#outcome = :outcome ADD jobs_ended :one",
                "ExpressionAttributeNames": {"#status": "status", "#outcome": f"outcome#{account}"},
                "ExpressionAttributeValues": marshal(
                    values | {":one": 1, ":outcome": f"failed|{code}|{sentence}"}
                ),
            }
        }
        notice = notice_item(f"{job_id}.{code}", now_ms, code, sentence, **about)
        key = marshal(keys.alert(alert_id))
        found = call(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True)
        noted = [alert] if "Item" in found else []
        try:
            dead = dead_item(lane, sort_key, job_id, code, now_ms)
            puts = [{"Put": {"TableName": self._table, "Item": marshal(item)}} for item in (notice, dead)]
            transact(self._client, [job, *noted, *puts], self._machine)
        except ConditionFailedError:
            return
        log.error("a job was made terminal unread", extra={"job_id": job_id, "code": code})

    def _sent(self, lane: str, job_id: str) -> str:
        """Say whether anything can have been sent: nothing is before its plan is stored."""
        found = call(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression="pk = :lane AND begins_with(sk, :plan)",
            ExpressionAttributeValues=marshal({":lane": keys.lane_partition(lane), ":plan": f"PLAN#{job_id}#"}),
            ConsistentRead=True,
        )
        return "orders may have been sent for it" if found["Items"] else "it was not traded"

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
