"""Jobs and notices as items: how one is stored, and how one ends together with its alert.

    alert:  accepted -> the ending of its jobs (several accounts: the one that matters most, once all ended)
"""

from typing import Any

from orderbridge import codec
from orderbridge.execution.records import Job, StoredJob
from orderbridge.storage import keys
from orderbridge.storage.items import AttributeValues, Item, marshal, unmarshal
from orderbridge.storage.releases import decoded
from orderbridge.storage.transact import call
from orderbridge.strategy.goal import End, Ending

KEEP_S = 90 * 24 * 3600
WEIGHT = (
    Ending.NO_ACTION,
    Ending.DUPLICATE,
    Ending.SUPERSEDED,
    Ending.EXPIRED,
    Ending.REFUSED,
    Ending.ORDERED,
    Ending.FAILED,
)
"""Of several accounts' endings the rightmost is the alert's."""


def job_item(job: Job) -> Item:
    """Give the item of a job that waits in its lane's inbox."""
    return {
        **keys.job(job.lane, job.accepted_at_ms, job.job_id),
        "schema": keys.SCHEMA,
        "status": "QUEUED",
        "lane": job.lane,
        "data": codec.dumps(job),
        "gpk": "OPEN#JOB",
        "gsk": f"{job.accepted_at_ms:013d}#{job.job_id}",
    }


def stored_job(item: AttributeValues) -> StoredJob:
    """Read a job's item. Raises `NewerReleaseError`; `KeyError`, `pydantic.ValidationError` where it is no job."""
    values = unmarshal(item)
    return StoredJob(
        job=decoded(Job, values),
        status=str(values["status"]),
        attempts=int(values.get("attempts", 0)),
        wake_at_ms=int(values.get("wake_at_ms", 0)),
        code=str(values.get("code", "")),
        sentence=str(values.get("sentence", "")),
    )



def notice_item(notice_id: str, at_ms: int, code: str, sentence: str, **about: str) -> Item:
    """Give the item of something that the user is to be told; it leaves the index when it was published."""
    return {
        **keys.notice(notice_id),
        "schema": keys.SCHEMA,
        "gpk": "OPEN#NOTICE",
        "gsk": f"{at_ms:013d}#{notice_id}",
        "code": code,
        "sentence": sentence,
        "at_ms": at_ms,
        "expires_at": at_ms // 1000 + KEEP_S,
        **about,
    }


def end_job_operations(
    client: Any, table: str, stored: StoredJob, end: End, now_ms: int, tell: bool
) -> list[dict[str, Any]]:
    """Give the operations that end a job: its own item first, then the alert's, then the notice."""
    job = stored.job
    operations = [_end_item(table, stored, end, now_ms)]
    if job.origin == "alert":
        operations.append(_alert_update(client, table, job, end, now_ms))
    if tell:
        about = {"account": job.account, "strategy": job.strategy, "alert_id": job.alert_id}
        item = notice_item(f"{job.job_id}.{end.code}", now_ms, end.code, end.sentence, **about)
        operations.append({"Put": {"TableName": table, "Item": marshal(item)}})
    return operations


def _end_item(table: str, stored: StoredJob, end: End, now_ms: int) -> dict[str, Any]:
    job = stored.job
    return {
        "Update": {
            "TableName": table,
            "Key": marshal(keys.job(job.lane, job.accepted_at_ms, job.job_id)),
            "UpdateExpression": "SET #status = :status, code = :code, sentence = :sentence, #data = :data, "
            "ended_at_ms = :now, expires_at = :expires REMOVE gpk, gsk",
            "ConditionExpression": "attribute_exists(gpk)",
            "ExpressionAttributeNames": {"#status": "status", "#data": "data"},
            "ExpressionAttributeValues": marshal(
                {
                    ":status": end.ending.value,
                    ":code": end.code,
                    ":sentence": end.sentence,
                    ":data": codec.dumps(job),
                    ":now": now_ms,
                    ":expires": now_ms // 1000 + KEEP_S,
                }
            ),
        }
    }


def _alert_update(client: Any, table: str, job: Job, end: End, now_ms: int) -> dict[str, Any]:
    reply = call(client.get_item, TableName=table, Key=marshal(keys.alert(job.alert_id)), ConsistentRead=True)
    alert = unmarshal(reply.get("Item", {}))
    others = {
        name: Ending(str(value).partition("|")[0])
        for name, value in alert.items()
        if name.startswith("outcome#") and name != f"outcome#{job.account}"
    }
    ended = len(others) + 1
    values: dict[str, str | int] = {
        ":outcome": f"{end.ending}|{end.code}|{end.sentence}",
        ":ended": ended,
        ":before": int(alert.get("jobs_ended", 0)),
        ":now": now_ms,
    }
    expression = "SET #outcome = :outcome, jobs_ended = :ended, ended_at_ms = :now"
    if ended >= int(alert.get("jobs", 1)):
        expression += ", #status = :status, code = :code, sentence = :sentence"
        worst = max([end.ending, *others.values()], key=WEIGHT.index)
        code, sentence = _words(alert, worst, end)
        values |= {":status": worst.value, ":code": code, ":sentence": sentence}
    return {
        "Update": {
            "TableName": table,
            "Key": marshal(keys.alert(job.alert_id)),
            "UpdateExpression": expression,
            "ConditionExpression": "attribute_not_exists(jobs_ended) OR jobs_ended = :before",
            "ExpressionAttributeNames": {"#outcome": f"outcome#{job.account}"}
            | ({"#status": "status"} if ":status" in values else {}),
            "ExpressionAttributeValues": marshal(values),
        }
    }


def _words(alert: Item, worst: Ending, end: End) -> tuple[str, str]:
    if worst is end.ending:
        return end.code, end.sentence
    for name, value in alert.items():
        ending, _, rest = str(value).partition("|")
        if name.startswith("outcome#") and ending == worst.value:
            code, _, sentence = rest.partition("|")
            return code, sentence
    return end.code, end.sentence
