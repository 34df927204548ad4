"""Jobs that the bridge made terminal unread, and whether each can be replayed."""

from typing import Any

from pydantic import ValidationError

from orderbridge.cli.running import Run
from orderbridge.execution.records import CommandRecord, CommandStatus, StoredJob
from orderbridge.storage.dead_jobs import DeadJob, DeadJobs
from orderbridge.storage.lanes import DynamoLanes

NEVER_SENT = frozenset({CommandStatus.EXPIRED, CommandStatus.HALTED, CommandStatus.REFUSED, CommandStatus.NEW})


def dead_letters(run: Run) -> list[dict[str, Any]]:
    """List them, the oldest first; `replay` is empty where nothing speaks against replaying."""
    found = []
    for dead in DeadJobs(run.world.client("dynamodb"), run.table).listed():
        stored = read_dead(run, dead)
        found.append(
            {
                "job": dead.job_id,
                "lane": dead.lane,
                "code": dead.code,
                "received_at_ms": dead.accepted_at_ms,
                "ended_at_ms": dead.ended_at_ms,
                "replay": "it cannot be read by this release" if stored is None else objection(run, stored),
            }
        )
    return found


def read_dead(run: Run, dead: DeadJob) -> StoredJob | None:
    """Read a dead job; None when it is gone, or was written by another release."""
    try:
        lanes = DynamoLanes(run.world.client("dynamodb"), run.table)
        return lanes.job(dead.lane, dead.accepted_at_ms, dead.job_id)
    except (KeyError, ValidationError):
        return None


def objection(run: Run, stored: StoredJob) -> str:
    """Say why a job that has ended must not be worked again, empty when nothing speaks against it.

    What was sent for it, or may have been, is never sent again: one alert, one entry.
    """
    if stored.status in ("QUEUED", "WORKING"):
        return f"it has not ended yet ({stored.status})"
    if stored.code == "restored":
        return "it may have been worked in the time that the restored table does not know of"
    records = DynamoLanes(run.world.client("dynamodb"), run.table).commands(stored.job.lane, stored.job.job_id)
    return next((why for why in map(_against, records) if why), "")


def _against(record: CommandRecord) -> str:
    if record.role != "entry" or record.status in NEVER_SENT:
        return ""
    if record.taken:
        ids = ", ".join(placed.order_id for placed in record.orders) or "without an id"
        return f"its entry was placed (order {ids})"
    if record.status is CommandStatus.NOT_FOUND:
        return "its entry was sent and given up; it may still show up"
    if record.status is CommandStatus.DECIDED_BY_PERSON:
        return ""
    return f"what became of its entry is not known (command {record.command_id})"
