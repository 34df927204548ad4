"""Dead letters: listed until they are replayed, replayed once each, and never where something was sent."""

from dataclasses import replace
from typing import Any

from orderbridge.execution.ports import Held
from orderbridge.execution.records import CommandStatus, LaneState, Pending, Plan
from orderbridge.storage import keys
from orderbridge.storage.items import marshal
from orderbridge.storage.sweep import DynamoSweep
from tests.unit.cli.bench import NOW_MS, Bench
from tests.unit.cli.test_daily import JOB_ID, LANE, RECORD, bells, hold, job, lanes, put_alert
from tests.unit.storage.aws import TABLE


def die(bench: Bench) -> None:
    """End the lane's job as the refresher does for a bell that reached the dead-letter queue."""
    assert DynamoSweep(bench.client("dynamodb"), TABLE).give_up(LANE, NOW_MS)


def dead(bench: Bench) -> Bench:
    put_alert(bench)
    lanes(bench).put_job(job())
    die(bench)
    return bench


def dead_after(bench: Bench, status: CommandStatus, **changes: Any) -> Bench:
    """Give a dead letter that a worker had made a plan for, and had got so far with its entry."""
    put_alert(bench)
    lanes(bench).put_job(job())
    held: Held = hold(bench)
    lanes(bench).save_plan(held.fence, Plan(JOB_ID, 1, None, (RECORD.command_id,), NOW_MS), [RECORD], LaneState())
    pending = () if status.final else (Pending(RECORD.command_id, JOB_ID, "orb", "MES", "entry"),)
    lanes(bench).finish(
        held.fence, replace(RECORD, status=status, **changes), CommandStatus.NEW, LaneState(pending=pending)
    )
    lanes(bench).release(held.fence)
    die(bench)
    return bench


def test_dead_letter_is_listed_until_it_is_replayed(applied: Bench) -> None:
    dead(applied)

    (listed,) = applied.ok("replay")["dead_letters"]
    applied.ok("replay", JOB_ID)

    assert (listed["job"], listed["code"], listed["replay"]) == (JOB_ID, "dead_letter", "")
    assert applied.ok("replay")["dead_letters"] == []


def test_replayed_dead_letter_stays_as_it_ended_and_another_job_is_worked(applied: Bench) -> None:
    dead(applied)

    values = applied.ok("replay", "--all", "--yes")

    (again,) = lanes(applied).inbox(LANE)
    assert [one["job"] for one in values["replayed"]] == [again.job.job_id]
    assert again.job.replay_of == JOB_ID
    ended = lanes(applied).job(LANE, job().accepted_at_ms, JOB_ID)
    assert ended is not None
    assert (ended.status, ended.code) == ("failed", "dead_letter")
    assert {"lane": LANE} in bells(applied)


def test_job_is_replayed_once(applied: Bench) -> None:
    dead(applied)
    applied.ok("replay", JOB_ID)

    again = applied.run("replay", JOB_ID, "--yes", now_ms=lambda: NOW_MS + 5_000)

    assert again.exit_code == 7
    assert len(lanes(applied).inbox(LANE)) == 1


def test_dead_letter_whose_entry_was_or_may_have_been_sent_is_left(applied: Bench) -> None:
    dead_after(applied, CommandStatus.UNKNOWN)

    values = applied.ok("replay", "--all", "--yes")
    one = applied.run("replay", JOB_ID, "--yes")

    assert values["replayed"] == []
    assert RECORD.command_id in values["left"][0]["why"]
    assert (one.exit_code, lanes(applied).inbox(LANE)) == (3, [])


def test_dead_letter_whose_entry_was_given_up_is_left(applied: Bench) -> None:
    dead_after(applied, CommandStatus.NOT_FOUND)

    assert "may still show up" in applied.ok("replay", "--all", "--yes")["left"][0]["why"]


def test_dead_letter_whose_entry_was_refused_can_be_replayed(applied: Bench) -> None:
    dead_after(applied, CommandStatus.REFUSED)

    assert len(applied.ok("replay", "--all", "--yes")["replayed"]) == 1


def test_job_of_another_release_is_listed_and_cannot_be_replayed(applied: Bench) -> None:
    put_alert(applied)
    item: dict[str, str | int] = {**keys.job(LANE, 1, JOB_ID), "schema": 1, "gpk": "OPEN#JOB", "gsk": "1"}
    broken = {**item, "lane": LANE, "data": "{}", "status": "QUEUED"}
    applied.client("dynamodb").put_item(TableName=TABLE, Item=marshal(broken))
    lanes(applied).inbox(LANE)

    (listed,) = applied.ok("replay")["dead_letters"]

    assert (listed["code"], listed["replay"]) == ("unreadable", "it cannot be read by this release")
    assert applied.run("replay", JOB_ID, "--yes").exit_code == 3


def test_dead_letters_are_a_person_s_to_decide(applied: Bench) -> None:
    dead(applied)

    result = applied.run("unresolved")

    assert result.exit_code == 1
    assert JOB_ID in result.stdout


def test_job_or_all_is_to_be_said(applied: Bench) -> None:
    assert applied.run("replay", JOB_ID, "--all").exit_code == 3
