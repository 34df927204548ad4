"""Reading a lane's open jobs past months of finished ones."""

from typing import Any

from orderbridge.alerts.alert import Action, Alert
from orderbridge.execution.ports import Held
from orderbridge.execution.records import Job
from orderbridge.storage.inbox import MARGIN_MS
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.strategy.goal import End, Ending
from tests.machine import HandMade
from tests.simulation.dynamo import AT_ONCE, SimulatedTable

TABLE = "bridge"
LANE = "acct#MES"
START_MS = 1_795_000_000_000
DAY_MS = 24 * 60 * 60 * 1000
DONE = End(Ending.NO_ACTION, "already_flat", "Nothing is held.")


class Counting(SimulatedTable):
    """Counts the items that queries look at: those are what AWS charges and what takes the time."""

    looked_at = 0

    def query(self, **arguments: Any) -> dict[str, Any]:
        page = super().query(**arguments)
        self.looked_at += page["ScannedCount"]
        return page


class Lane:
    """One lane's table, and a new process for each visit."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.table = Counting(lambda: self.now_ms, TABLE, AT_ONCE)

    def process(self) -> DynamoLanes:
        return DynamoLanes(self.table, TABLE, HandMade(now_ms=lambda: self.now_ms))

    def store(self, name: str, accepted_at_ms: int) -> None:
        job = Job(f"{name}.acct", name, "s", "acct", LANE, "MES", accepted_at_ms, alert=Alert(Action.EXIT, "MES"))
        assert self.process().put_job(job)

    def visit(self, ends: bool = True) -> list[str]:
        """Take the lane, end what is open, release it; give what was open."""
        lanes = self.process()
        held = lanes.take(LANE, "owner", self.now_ms, 1000)
        assert isinstance(held, Held)
        self.table.looked_at = 0
        found = lanes.inbox(LANE)
        for stored in found if ends else ():
            lanes.end_job(held.fence, stored, DONE, self.now_ms, tell=False)
        lanes.release(held.fence)
        return [stored.job.alert_id for stored in found]


def test_finished_jobs_of_earlier_days_are_not_read_again() -> None:
    lane = Lane()
    for day in range(5):
        for count in range(10):
            lane.store(f"day{day}-{count}", lane.now_ms + count)
        lane.visit()
        lane.visit()
        lane.now_ms += DAY_MS
    lane.store("today", lane.now_ms)

    assert lane.visit() == ["today"]
    assert lane.table.looked_at == 11


def test_open_job_is_found_however_old_it_is_and_whatever_ended_since() -> None:
    lane = Lane()
    lane.store("old", lane.now_ms)
    for _ in range(3):
        lane.now_ms += DAY_MS
        lane.visit(ends=False)

    assert lane.visit(ends=False) == ["old"]


def test_job_of_a_receiver_whose_clock_is_far_behind_is_found() -> None:
    lane = Lane()
    lane.store("on time", lane.now_ms)
    lane.visit()
    lane.visit()
    lane.store("behind", lane.now_ms - MARGIN_MS)

    assert lane.visit() == ["behind"]


def test_inbox_that_nobody_took_the_lane_for_is_read_from_its_beginning() -> None:
    lane = Lane()
    lane.store("first", START_MS - 30 * DAY_MS)

    assert [stored.job.alert_id for stored in lane.process().inbox(LANE)] == ["first"]
