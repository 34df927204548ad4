"""A job that is set aside, or whose bell was given up, says what was sent for it: not that it was nothing if it was."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from orderbridge.commands import Cancel
from orderbridge.errors import ConflictError
from orderbridge.execution.job import MAX_ATTEMPTS
from orderbridge.execution.plans import told_of_sent
from orderbridge.execution.ports import Fence
from orderbridge.execution.records import CommandRecord, CommandStatus
from orderbridge.execution.session import HOLD_MS
from orderbridge.storage import keys
from orderbridge.storage.items import marshal
from tests.scenario.killing import Killer
from tests.scenario.test_crashes import REDELIVERED_S, moments_of
from tests.scenario.test_dead_letters import DeadLetters
from tests.scenario.world import TABLE, World

MakeWorld = Callable[..., World]


def killed(make_world: MakeWorld, moment: str) -> tuple[World, str]:
    """Give a world whose worker has died at `moment` of an entry, and the alert's id."""
    at = moments_of(make_world, "enter").index(moment)
    world = make_world({"s": {"entry_max_age_ms": 600_000}})
    world.restart()
    world.killer = Killer(at)
    alert_id = world.send("buy", str(world.bench.unit))
    world.run(2)
    assert world.outcome(alert_id).status == "accepted"
    return world, alert_id


def tried_out(world: World) -> None:
    """Have the job count as many starts as a job may have."""
    (stored,) = world.lanes.inbox(world.lane())
    job = stored.job
    world.client.update_item(
        TableName=TABLE,
        Key=marshal(keys.job(job.lane, job.accepted_at_ms, job.job_id)),
        UpdateExpression="SET attempts = :most",
        ExpressionAttributeValues=marshal({":most": MAX_ATTEMPTS}),
    )


@pytest.mark.parametrize(
    ("moment", "says"),
    [
        ("before save_plan", "Nothing was sent for it"),
        ("after save_plan", "Nothing was sent for it"),
        ("after finish", "the broker has taken"),
    ],
)
def test_job_set_aside_says_whether_its_order_was_taken(make_world: MakeWorld, moment: str, says: str) -> None:
    world, alert_id = killed(make_world, moment)
    tried_out(world)

    world.run_until(lambda: world.outcome(alert_id).status != "accepted", REDELIVERED_S)

    outcome = world.outcome(alert_id)
    assert (outcome.status, outcome.code) == ("failed", "poison"), outcome
    assert says in outcome.sentence
    assert all(record.status.final for record in world.commands()), "a command that is never sent must not stay open"
    assert (world.held() != 0) == (moment == "after finish")


COMMAND = CommandRecord("c", "j", "s", "MSFT", 1, 1, Cancel("1", "MSFT"), "other")


@pytest.mark.parametrize(
    ("statuses", "says"),
    [
        ((), "Nothing was sent"),
        ((CommandStatus.EXPIRED,), "Nothing was sent"),
        ((CommandStatus.REFUSED, CommandStatus.NOT_FOUND), "has taken nothing"),
        ((CommandStatus.ACCEPTED, CommandStatus.REFUSED), "has taken 1 request"),
        ((CommandStatus.ACCEPTED, CommandStatus.UNKNOWN), "not known yet"),
        ((CommandStatus.SENDING,), "not known yet"),
    ],
)
def test_what_was_sent_is_told_by_the_states_of_the_commands(statuses: tuple[CommandStatus, ...], says: str) -> None:
    sent = {status: 0 if status is CommandStatus.EXPIRED else 1 for status in statuses}

    assert says in told_of_sent([replace(COMMAND, status=status, sent_at_ms=sent[status]) for status in statuses])


@pytest.mark.parametrize(
    ("moment", "says", "left"),
    [
        ("before save_plan", "was not traded", set()),
        ("after save_plan", "may have been sent", {CommandStatus.EXPIRED}),
        ("after finish", "may have been sent", {CommandStatus.ACCEPTED}),
    ],
)
def test_job_whose_bell_was_given_up_is_not_said_to_be_untraded_when_it_may_be(
    make_world: MakeWorld, moment: str, says: str, left: set[CommandStatus]
) -> None:
    world, alert_id = killed(make_world, moment)
    world.bell.bells.clear()

    world.sweep(DeadLetters(json.dumps({"lane": world.lane()})))

    outcome = world.outcome(alert_id)
    assert (outcome.status, outcome.code) == ("failed", "dead_letter"), outcome
    assert ("was not traded" in outcome.sentence) is (says == "was not traded")
    assert ("may have been sent" in outcome.sentence) is (says == "may have been sent")
    assert {record.status for record in world.commands()} == left, "what is never sent must not stay open"


def test_letter_of_a_lane_that_is_held_waits(make_world: MakeWorld) -> None:
    world, alert_id = killed(make_world, "after save_plan")
    world.lanes.take(world.lane(), "somebody", world.clock.now_ms(), HOLD_MS)
    letters = DeadLetters(json.dumps({"lane": world.lane()}))

    swept = world.sweep(letters)

    assert (swept.dead_letters, len(letters.messages)) == (0, 1)
    assert world.outcome(alert_id).status == "accepted"


@pytest.mark.parametrize(("sleeps_before", "left"), [("save_plan", []), ("begin", [CommandStatus.EXPIRED])])
def test_worker_that_wakes_up_after_its_job_was_given_up_sends_nothing(
    make_world: MakeWorld, sleeps_before: str, left: list[CommandStatus]
) -> None:
    world = make_world({"s": {"entry_max_age_ms": 600_000}})
    alert_id = world.send("buy", str(world.bench.unit))
    world.bell.bells.clear()
    write = getattr(world.lanes, sleeps_before)

    def write_late(fence: Fence, *arguments: Any) -> Any:
        world.bench.advance(HOLD_MS + 1)
        world.sweep(DeadLetters(json.dumps({"lane": fence.lane})))
        return write(fence, *arguments)

    with patch.object(world.lanes, sleeps_before, write_late), suppress(ConflictError):
        world.answer({"lane": world.lane()})

    assert world.outcome(alert_id).status == "failed"
    assert world.held() == 0
    assert [record.status for record in world.commands()] == left


def test_job_that_failed_before_its_sending_and_is_overtaken_leaves_no_open_command(make_world: MakeWorld) -> None:
    world = make_world()
    alert_id = world.send("buy", str(world.bench.unit))
    with patch.object(world.lanes, "begin", side_effect=ValueError("once")):
        world.run(0.5)
    assert [record.status for record in world.commands()] == [CommandStatus.NEW]

    newer = world.send("exit")
    world.run(10)

    assert (world.outcome(alert_id).code, world.outcome(newer).status) == ("overtaken", "no_action")
    assert [record.status for record in world.commands()] == [CommandStatus.EXPIRED]
