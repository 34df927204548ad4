"""`orderbridge replay`: work a job again, in its lane's order, with every check that a new alert passes.

The age of its alert counts from when it first arrived, so an entry that has grown old ends as expired here too.
"""

from dataclasses import replace
from typing import Annotated

import typer

from orderbridge.alerts.alert import Alert
from orderbridge.cli.alerts import lanes_of
from orderbridge.cli.running import JsonOption, Run, StackOption, YesOption, running
from orderbridge.errors import SettingsError
from orderbridge.execution.records import Job, StoredJob
from orderbridge.storage.bell import SqsBell
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.overview import Overview
from orderbridge.strategy.goal import Ending


def replay(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="The job's id, as `orderbridge alerts show` gives it.")],
    yes: YesOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Work a job again that has ended. Its age, the position and the chain are checked as for a new alert."""
    with running(context, stack, as_json) as run:
        stored = _find(run, job)
        if stored.status in ("QUEUED", "WORKING"):
            raise SettingsError(f"job {job} has not ended yet ({stored.status})")
        if stored.status == Ending.ORDERED:
            run.ask(f"Job {job} ended as ordered; it can order once more. Go on?", yes)
        again = _again(stored.job, run.now_ms)
        DynamoLanes(run.world.client("dynamodb"), run.table).put_job(again)
        SqsBell(run.world.client("sqs"), run.stack.variables["BELL_QUEUE_URL"]).ring_lane(again.lane)
        run.out.say(f"Stored as {again.job_id} in lane {again.lane}.", "green")
        run.out.aside(f"`orderbridge alerts show {again.alert_id}` says how it ends.")
        run.out.result({"job": again.job_id, "replay_of": again.replay_of, "lane": again.lane})


def _find(run: Run, job_id: str) -> StoredJob:
    alert_id = job_id.rpartition(".")[0].partition("~")[0]
    overview = Overview(run.world.client("dynamodb"), run.table)
    alert = overview.alert(alert_id) if alert_id else None
    found = overview.jobs(alert, lanes_of(alert)) if alert is not None else []
    for stored in found:
        if stored.job.job_id == job_id:
            return stored
    known = ", ".join(stored.job.job_id for stored in found)
    raise SettingsError(f"there is no job {job_id!r}" + (f"; the alert's jobs are {known}" if known else ""))


def _again(job: Job, now_ms: int) -> Job:
    """Give the job that is worked in its place: another id, since the old one's plan is done with."""
    alert = job.alert
    if alert is not None and alert.fired_at_ms is None:
        alert = replace(alert, fired_at_ms=job.accepted_at_ms)
    return replace(
        job,
        job_id=f"{job.alert_id}~{now_ms}.{job.account}",
        accepted_at_ms=now_ms,
        alert=_noted(alert),
        replay_of=job.job_id,
        phases={"stored": now_ms},
    )


def _noted(alert: Alert | None) -> Alert | None:
    return None if alert is None else replace(alert, notes=(*alert.notes, "Worked again by hand."))
