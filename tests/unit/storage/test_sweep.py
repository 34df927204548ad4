"""Ending a job that its workers fail at."""

import pytest

from orderbridge.alerts.alert import Action, Alert
from orderbridge.commands import Cancel
from orderbridge.errors import ConflictError
from orderbridge.execution.ports import Held
from orderbridge.execution.records import CommandRecord, CommandStatus, Job, LaneState, Plan
from orderbridge.storage import keys
from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.sweep import DynamoSweep
from tests.simulation.dynamo import SimulatedTable

TABLE = "bridge"
LANE = "acct#MES"
NOW_MS = 1_795_000_000_000


def test_job_given_up_right_after_it_was_stored_ends_its_alert_too() -> None:
    table = SimulatedTable(lambda: NOW_MS, TABLE)  # no time passes: reads that are not consistent see none of it
    alert: Item = {**keys.alert("a1"), "alert_id": "a1", "status": "accepted", "jobs": 1}
    table.put_item(TableName=TABLE, Item=marshal(alert))
    job = Job("a1.acct", "a1", "s", "acct", LANE, "MES", NOW_MS, alert=Alert(Action.BUY, "MES"))
    assert DynamoLanes(table, TABLE).put_job(job)

    ended = DynamoSweep(table, TABLE).give_up(LANE, NOW_MS)

    stored = unmarshal(table.get_item(TableName=TABLE, Key=marshal(keys.alert("a1")), ConsistentRead=True)["Item"])
    assert ended
    assert (stored["status"], stored["code"], stored["jobs_ended"]) == ("failed", "dead_letter", 1)


def test_command_that_was_never_sent_is_closed_once_its_lane_is_free() -> None:
    now_ms = [NOW_MS]
    table = SimulatedTable(lambda: now_ms[0], TABLE)
    lanes, sweep = DynamoLanes(table, TABLE), DynamoSweep(table, TABLE)
    held = lanes.take(LANE, "dead", NOW_MS, 45_000)
    assert isinstance(held, Held)
    record = CommandRecord("c1", "care.1", "s", "MES", 1, 0, Cancel("7", "MES"), "other", changed_at_ms=NOW_MS)
    lanes.save_plan(held.fence, Plan("care.1", 1, None, ("c1",), NOW_MS), [record], LaneState())

    def closed(after_ms: int) -> int:
        now_ms[0] = NOW_MS + after_ms
        return sweep.close_forgotten(now_ms[0] - 10_000, now_ms[0])

    assert [closed(9_000), closed(20_000), closed(46_000), closed(60_000)] == [0, 0, 1, 0], "young, held, free, done"
    ended = lanes.command(LANE, "c1")
    assert (ended.status, ended.code) == (CommandStatus.EXPIRED, "not_sent")
    with pytest.raises(ConflictError):
        lanes.save_state(held.fence, LaneState())
