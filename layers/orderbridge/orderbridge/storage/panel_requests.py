"""The panel's writes: a request and its job are stored together, once.

    request:  none -> stored with its job (one transaction)      repeated: what stands there is given
"""

from typing import Any

from orderbridge import codec
from orderbridge.errors import StorageError
from orderbridge.execution.records import Job
from orderbridge.machine import MACHINE, Machine
from orderbridge.storage import keys
from orderbridge.storage.items import Scalar, marshal, unmarshal
from orderbridge.storage.jobs import job_item
from orderbridge.storage.releases import decoded
from orderbridge.storage.transact import ConditionFailedError, call, transact

KEEP_S = 7 * 24 * 3600


class DynamoPanelRequests:
    """`RequestStore` on the bridge's table."""

    def __init__(self, client: Any, table: str, machine: Machine = MACHINE) -> None:
        self._client = client
        self._table = table
        self._machine = machine

    def put(self, key: str, fingerprint: str, job: Job) -> tuple[str, Job]:
        """Store a request with its job, or give what stands there already."""
        item: dict[str, Scalar] = {
            **keys.panel_request(job.account, key),
            "schema": keys.SCHEMA,
            "fingerprint": fingerprint,
            "data": codec.dumps(job),
            "expires_at": job.accepted_at_ms // 1000 + KEEP_S,
        }
        try:
            transact(self._client, [self._new(item), self._new(job_item(job))], self._machine)
        except ConditionFailedError:
            return self._stored(job.account, key)
        return fingerprint, job

    def _stored(self, account: str, key: str) -> tuple[str, Job]:
        reply = call(
            self._client.get_item,
            TableName=self._table,
            Key=marshal(keys.panel_request(account, key)),
            ConsistentRead=True,
        )
        if "Item" not in reply:
            raise StorageError("the request could not be stored")
        item = unmarshal(reply["Item"])
        return str(item["fingerprint"]), decoded(Job, item)

    def _new(self, item: dict[str, Scalar]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": marshal(item),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
