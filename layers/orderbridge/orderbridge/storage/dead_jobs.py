"""Jobs that were made terminal unread, listed until a person has replayed them; and replays, each job once.

    dead job:  listed -> replayed                  in the transaction that stores the job in its place
    any job:   ended  -> ended, replayed_as = id   the same; a second replay of it fails
"""

from dataclasses import dataclass
from typing import Any

from orderbridge.errors import ConflictError
from orderbridge.execution.records import Job
from orderbridge.storage import keys
from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.jobs import KEEP_S, job_item
from orderbridge.storage.transact import ConditionFailedError, query_all, transact

DEAD = "DEAD"
"""Partition of the index `open`."""


@dataclass(frozen=True, slots=True)
class DeadJob:
    """What is known of a dead job without reading its content."""

    job_id: str
    lane: str
    accepted_at_ms: int
    code: str
    ended_at_ms: int


def dead_item(lane: str, sort_key: str, job_id: str, code: str, now_ms: int) -> Item:
    """Give the item that lists a job whose sort key is `JOB#accepted_ms#job_id`."""
    return {
        **keys.dead_job(job_id),
        "schema": keys.SCHEMA,
        "gpk": DEAD,
        "gsk": f"{now_ms:013d}#{job_id}",
        "job_id": job_id,
        "lane": lane,
        "accepted_at_ms": int(sort_key.split("#", 2)[1]),
        "code": code,
        "ended_at_ms": now_ms,
        "expires_at": now_ms // 1000 + KEEP_S,
    }


class DeadJobs:
    """Dead jobs of one table. Every method raises `StorageError` when the table fails."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def listed(self) -> list[DeadJob]:
        """List the dead jobs that were not replayed, the oldest first."""
        items = query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :dead",
            ExpressionAttributeValues=marshal({":dead": DEAD}),
        )
        return [_dead_job(unmarshal(item)) for item in items]

    def replay(self, ended: Job, again: Job) -> None:
        """Store the job that is worked in the place of one that has ended.

        Raises `ConflictError` when that one was replayed before, or has not ended.
        """
        mark = {
            "Update": {
                "TableName": self._table,
                "Key": marshal(keys.job(ended.lane, ended.accepted_at_ms, ended.job_id)),
                "UpdateExpression": "SET replayed_as = :again",
                "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(gpk) "
                "AND attribute_not_exists(replayed_as)",
                "ExpressionAttributeValues": marshal({":again": again.job_id}),
            }
        }
        unlist = {"Delete": {"TableName": self._table, "Key": marshal(keys.dead_job(ended.job_id))}}
        put = {
            "Put": {
                "TableName": self._table,
                "Item": marshal(job_item(again)),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
        try:
            transact(self._client, [mark, unlist, put])
        except ConditionFailedError:
            raise ConflictError(f"job {ended.job_id} was replayed already, or has not ended") from None


def _dead_job(item: Item) -> DeadJob:
    return DeadJob(
        str(item["job_id"]),
        str(item["lane"]),
        int(item["accepted_at_ms"]),
        str(item["code"]),
        int(item["ended_at_ms"]),
    )
