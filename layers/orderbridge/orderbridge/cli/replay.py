"""`orderbridge replay`: work a job again, in its lane's order, with every check that a new alert passes.

    replay          lists the dead letters: jobs that were made terminal because their workers failed again and again
    replay JOB      works this one again; --all works all dead letters that nothing speaks against

The age of its alert counts from when it first arrived, so an entry that has grown old ends as expired here too. The job
that has ended stays as it ended; another one, which names it, is worked in its place, and only ever one.
"""

from dataclasses import replace
from typing import Annotated, Any

import typer

from orderbridge.alerts.alert import Alert
from orderbridge.cli.alerts import lanes_of
from orderbridge.cli.dead_letters import dead_letters, objection, read_dead
from orderbridge.cli.running import JsonOption, Run, StackOption, YesOption, running
from orderbridge.cli.wording import utc
from orderbridge.errors import ConflictError, SettingsError
from orderbridge.execution.records import Job, StoredJob
from orderbridge.storage.bell import SqsBell
from orderbridge.storage.dead_jobs import DeadJobs
from orderbridge.storage.overview import Overview
from orderbridge.strategy.goal import Ending


def replay(
    context: typer.Context,
    job: Annotated[str, typer.Argument(help="The job's id, as `orderbridge alerts show` gives it.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every dead letter that nothing speaks against.")] = False,
    yes: YesOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Work a job again that has ended, with every check of a new alert; or list the dead letters."""
    with running(context, stack, as_json) as run:
        if every and job:
            raise SettingsError("say a job or --all")
        if every:
            _replay_all(run, yes)
        elif job:
            _replay_one(run, job, yes)
        else:
            _list(run)


def _list(run: Run) -> None:
    dead = dead_letters(run)
    rows = [(one["job"], utc(one["received_at_ms"]), one["code"], one["replay"] or "can be replayed") for one in dead]
    run.out.table(("job", "received", "why", ""), rows, "Dead letters")
    if dead:
        run.out.aside("`orderbridge replay JOB` works one again; an entry that has grown old ends as expired.")
    run.out.result({"dead_letters": dead})


def _replay_all(run: Run, yes: bool) -> None:
    dead = DeadJobs(run.world.client("dynamodb"), run.table).listed()
    done: list[dict[str, str]] = []
    left: list[dict[str, str]] = []
    if dead:
        run.ask(f"Work {len(dead)} dead letter(s) again?", yes)
    for one in dead:
        stored = read_dead(run, one)
        why = "it cannot be read by this release" if stored is None else objection(run, stored)
        if stored is None or why:
            left.append({"job": one.job_id, "why": why})
            run.out.say(f"{one.job_id} stays as it ended: {why}.", "yellow")
            continue
        try:
            done.append(_store(run, stored.job))
        except ConflictError as error:
            left.append({"job": one.job_id, "why": str(error)})
    run.out.say(f"{len(done)} stored again, {len(left)} left as they are.")
    run.out.result({"replayed": done, "left": left})


def _replay_one(run: Run, job_id: str, yes: bool) -> None:
    stored = _find(run, job_id)
    if stored.status in ("QUEUED", "WORKING"):
        raise SettingsError(f"job {job_id} has not ended yet ({stored.status})")
    why = objection(run, stored)
    if why and stored.status != Ending.ORDERED:
        raise SettingsError(f"job {job_id} is not worked again: {why}")
    if stored.status == Ending.ORDERED:
        run.ask(f"Job {job_id} ended as ordered; it can order once more. Go on?", yes)
    again = _store(run, stored.job)
    run.out.say(f"{job_id} stays {stored.status}; {again['job']} is worked in its place.", "green")
    run.out.aside(f"`orderbridge alerts show {stored.job.alert_id}` says how it ends.")
    run.out.result(again)


def _store(run: Run, job: Job) -> dict[str, Any]:
    again = replayed(job, run.now_ms)
    DeadJobs(run.world.client("dynamodb"), run.table).replay(job, again)
    SqsBell(run.world.client("sqs"), run.stack.variables["BELL_QUEUE_URL"]).ring_lane(again.lane)
    return {"job": again.job_id, "replay_of": again.replay_of, "lane": again.lane}


def _find(run: Run, job_id: str) -> StoredJob:
    dead = {one.job_id: one for one in DeadJobs(run.world.client("dynamodb"), run.table).listed()}.get(job_id)
    if dead is not None:
        stored = read_dead(run, dead)
        if stored is None:
            raise SettingsError(f"job {job_id} cannot be read by this release; send its alert anew")
        return stored
    alert_id = job_id.rpartition(".")[0].partition("~")[0]
    overview = Overview(run.world.client("dynamodb"), run.table)
    alert = overview.alert(alert_id) if alert_id else None
    found = overview.jobs(alert, lanes_of(alert)) if alert is not None else []
    for stored in found:
        if stored.job.job_id == job_id:
            return stored
    known = ", ".join(stored.job.job_id for stored in found)
    raise SettingsError(f"there is no job {job_id!r}" + (f"; the alert's jobs are {known}" if known else ""))


def replayed(job: Job, now_ms: int) -> Job:
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
