"""Make a job terminal from its key alone: its item, its alert, the notice, and the list of dead jobs, all at once."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from orderbridge.machine import Machine
from orderbridge.storage import keys
from orderbridge.storage.dead_jobs import dead_item
from orderbridge.storage.items import marshal
from orderbridge.storage.jobs import KEEP_S, notice_item
from orderbridge.storage.transact import ConditionFailedError, call, transact

log = logging.getLogger(__name__)


def end_unread(
    client: Any,
    table: str,
    machine: Machine,
    lane: str,
    sort_key: str,
    code: str,
    now_ms: int,
    along: Sequence[Mapping[str, Any]] = (),
) -> bool:
    """End a job as failed, with `along` in the same transaction; False when the job is final, or `along` is refused.

    Raises `StorageError` when the table fails.
    """
    job_id = sort_key.split("#", 2)[2]
    sent = _sent(client, table, lane, job_id)
    sentence = f"Working this alert failed again and again; {sent}. Please check the account."
    origin, _, account = job_id.rpartition(".")
    alert_id = origin.partition("~")[0]  # a replay's id is the alert's with the time behind it
    values: dict[str, str | int] = {":status": "failed", ":code": code, ":sentence": sentence, ":now": now_ms}
    job = {
        "Update": {
            "TableName": table,
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
            "TableName": table,
            "Key": marshal(keys.alert(alert_id)),
            "UpdateExpression": "SET #status = :status, code = :code, sentence = :sentence, ended_at_ms = :now, "
            "#outcome = :outcome ADD jobs_ended :one",
            "ExpressionAttributeNames": {"#status": "status", "#outcome": f"outcome#{account}"},
            "ExpressionAttributeValues": marshal(values | {":one": 1, ":outcome": f"failed|{code}|{sentence}"}),
        }
    }
    notice = notice_item(f"{job_id}.{code}", now_ms, code, sentence, alert_id=alert_id, account=account)
    found = call(client.get_item, TableName=table, Key=marshal(keys.alert(alert_id)), ConsistentRead=True)
    noted = [alert] if "Item" in found else []
    dead = dead_item(lane, sort_key, job_id, code, now_ms)
    puts = [{"Put": {"TableName": table, "Item": marshal(item)}} for item in (notice, dead)]
    try:
        transact(client, [job, *noted, *puts, *along], machine)
    except ConditionFailedError:
        return False
    log.error("a job was made terminal unread", extra={"job_id": job_id, "code": code})
    return True


def _sent(client: Any, table: str, lane: str, job_id: str) -> str:
    """Say whether anything can have been sent: nothing is before its plan is stored."""
    found = call(
        client.query,
        TableName=table,
        KeyConditionExpression="pk = :lane AND begins_with(sk, :plan)",
        ExpressionAttributeValues=marshal({":lane": keys.lane_partition(lane), ":plan": f"PLAN#{job_id}#"}),
        ConsistentRead=True,
    )
    return "orders may have been sent for it" if found["Items"] else "it was not traded"
