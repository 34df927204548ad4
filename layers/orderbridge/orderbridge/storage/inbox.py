"""A lane's inbox: the jobs that are not final, found without reading the jobs of months that are.

Finished jobs stay beside the open ones for 90 days. So the lane's item notes, with each release, from
when on there can be open ones:

    inbox_from_ms = acceptance of the first open job, else of the last one seen; less an hour

A job carries the time at which it was received, some seconds before it is stored, by another machine's clock; an hour
is far beyond both. The reader's own clock plays no part.
"""

from typing import Any

from pydantic import ValidationError

from orderbridge.execution.records import StoredJob
from orderbridge.machine import Machine
from orderbridge.storage import keys
from orderbridge.storage.items import AttributeValues, Item, marshal
from orderbridge.storage.jobs import stored_job
from orderbridge.storage.transact import query_all
from orderbridge.storage.unread import end_unread

MARGIN_MS = 60 * 60 * 1000


class DynamoInbox:
    """Reads the inboxes of lanes; keeps in mind from when on."""

    def __init__(self, client: Any, table: str, machine: Machine) -> None:
        self._client = client
        self._table = table
        self._machine = machine
        self._from_ms: dict[str, int] = {}
        self._last_ms: dict[str, int] = {}

    def learn(self, lane: str, item: Item) -> None:
        """Take over what the lane's item notes."""
        self._from_ms[lane] = int(item.get("inbox_from_ms", 0))

    def noted(self, lane: str) -> int:
        """Give what the lane's item should note: 0 where the inbox has not been read."""
        return self._from_ms.get(lane, 0)

    def read(self, lane: str) -> list[StoredJob]:
        """Read the jobs that are not final, the first accepted first, consistently: one stored before the bell is seen.

        A job that cannot be read is ended: a poison alert must not take its followers with it.
        """
        items = query_all(
            self._client,
            TableName=self._table,
            KeyConditionExpression="pk = :lane AND sk BETWEEN :from AND :to",
            FilterExpression="attribute_exists(gpk)",
            ExpressionAttributeValues=marshal(
                {
                    ":lane": keys.lane_partition(lane),
                    ":from": keys.jobs_from(self._from_ms.get(lane, 0)),
                    ":to": keys.jobs_from(keys.LAST_MS),
                }
            ),
            ConsistentRead=True,
        )
        self._see(lane, [int(_parts(item)[1]) for item in items])
        jobs: list[StoredJob] = []
        for item in items:
            try:
                jobs.append(stored_job(item))
            except ValidationError:
                now_ms = self._machine.now_ms()
                end_unread(self._client, self._table, self._machine, lane, str(item["sk"]["S"]), "unreadable", now_ms)
        return jobs

    def _see(self, lane: str, accepted_ms: list[int]) -> None:
        last_ms = max([self._last_ms.get(lane, 0), *accepted_ms])
        self._last_ms[lane] = last_ms
        first_ms = min(accepted_ms, default=last_ms)
        self._from_ms[lane] = max(self._from_ms.get(lane, 0), first_ms - MARGIN_MS)


def _parts(item: AttributeValues) -> list[str]:
    return str(item["sk"]["S"]).split("#", 2)
