"""Ending a job that its workers fail at."""

from orderbridge.alerts.alert import Action, Alert
from orderbridge.execution.records import Job
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
