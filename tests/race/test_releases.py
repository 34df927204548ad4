"""A deployment, and the way back: two releases work one table in turn, with a command in flight in every state.

The releases are processes on copies of the layer (`tests.race.releases`). One of them takes an alert in and works it
until its process is killed in the state; the other one works it to its end, and then the first one closes what is held.
A release whose records have one more field is followed, and is rolled back from. One that stores another shape is
rolled back from too: the older release leaves all of it as it is until the newer one is back.
"""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from orderbridge.alerts.alert import Action
from orderbridge.execution.records import Job
from orderbridge.storage.items import unmarshal
from orderbridge.storage.jobs import stored_job
from sandbox.local_aws import LocalAws
from tests.race.alerts import EVENT, KEY, KEY_HASHES
from tests.race.moments import Moment
from tests.race.releases import Release, make
from tests.race.site import SEATS, STRATEGY, TRADESTATION, Seat, Site, bell_event, new_site
from tests.race.test_crashes import GIVEN_UP, KINDS, LATER_S, MAX_AGE_MS, wrong
from tests.race.workers import Stop, Workers, worker_processes

pytestmark = [pytest.mark.race, pytest.mark.xdist_group("race")]

LONG = os.environ.get("RACE_LONG") == "1"
AT_ONCE = 4
SHORT_S = 12.0
READS_FAIL = {"match": {"method": "GET"}, "fault": {"kind": "status_before", "status": 503}, "times": 0}
REPLY_LOST = {"match": {"method": "POST", "path": "orders"}, "fault": {"kind": "reply_lost"}, "times": 1}
State = Literal["queued", "started", "planned", "sending", "sent", "unknown", "accepted", "parked"]
MOMENTS: dict[State, Moment] = {
    "started": Moment.BEFORE_PLAN,
    "planned": Moment.BEFORE_LEDGER,
    "sending": Moment.AFTER_LEDGER,
    "sent": Moment.AFTER_POST,
    "unknown": Moment.AFTER_RESULT,
    "accepted": Moment.AFTER_RESULT,
}
STATES: tuple[State, ...] = ("queued", *MOMENTS, "parked") if LONG else ("planned", "sent", "parked")
PLACES = tuple(SEATS.values()) if LONG else (TRADESTATION,)


@dataclass(frozen=True)
class Releases:
    """Makers of processes, by what they run."""

    this: Workers
    next: Workers
    rebuilt: Workers


@pytest.fixture(scope="module")
def releases(workers: Workers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    folder = tmp_path_factory.mktemp("releases")
    with ExitStack() as running:
        made = {
            release: running.enter_context(worker_processes(folder / release / "run", make(release, folder)))
            for release in Release
        }
        yield Releases(workers, made[Release.NEXT], made[Release.REBUILT])


# ---- an alert, brought into a state by one release


def take_in(site: Site) -> Job:
    """Have the site's release receive the alert; give its job."""
    seat = site.seat
    stop, target = seat.price - seat.distance, seat.price + seat.distance
    body = {"ticker": seat.symbol, "action": "buy", "quantity": str(seat.unit), "stopLoss": {"stopPrice": str(stop)}}
    body["takeProfit"] = {"limitPrice": str(target)}
    event = EVENT | {"pathParameters": {"strategy": STRATEGY, "key": KEY}, "body": json.dumps(body)}
    with site.worker() as worker:
        answer = worker.call("alert_receiver", event)
    assert answer["statusCode"] == 202, answer
    items = site.dynamodb.scan(TableName=site.bridge.table_name, ConsistentRead=True)["Items"]
    (job,) = [item for item in items if item["sk"]["S"].startswith("JOB#")]
    return stored_job({**job, "schema": {"N": "1"}}).job  # the receiver writes jobs in one shape, under any schema


def bring(site: Site, state: State) -> Job:
    """Have the site's release take an alert in and work it into a state, in which its process has died."""
    job = take_in(site)
    if state == "queued":
        return job
    if state == "parked":
        park(site, job)
        return job
    if state == "unknown":
        site.broker.control("faults", REPLY_LOST)
    site.kill_at(Stop(MOMENTS[state], "entry"), job)
    site.broker.forget("faults")
    return job


def park(site: Site, job: Job) -> None:
    """Have the broker unreadable while the job is worked."""
    site.broker.control("faults", READS_FAIL)
    message = site.next_bell()
    with site.worker() as worker:
        assert site.answer_by(worker, message, SHORT_S)
    site.broker.forget("faults")
    assert site.outcome(job) is None


def status_of(site: Site) -> set[str]:
    return {str(unmarshal(item)["status"]) for item in commands(site)}


def commands(site: Site) -> list[Any]:
    return [item for item in lane(site) if item["sk"]["S"].startswith("COMMAND#")]


def lane(site: Site) -> list[Any]:
    """Give what the table holds of the site's lanes, without the lease's moments."""
    items = site.dynamodb.scan(TableName=site.bridge.table_name, ConsistentRead=True)["Items"]
    return [item for item in items if item["pk"]["S"].startswith("LANE#")]


IN_FLIGHT = {"planned": "NEW", "sending": "SENDING", "sent": "SENDING", "unknown": "UNKNOWN", "accepted": "ACCEPTED"}


# ---- and worked to its end by another


def in_turn(site: Site, state: State, first: Workers, second: Workers) -> Iterator[str]:
    """Bring an alert into a state by one release, end it by the other, close by the first one; say what is wrong."""
    site.workers = first
    job = bring(site, state)
    if state in IN_FLIGHT and status_of(site) != {IN_FLIGHT[state]}:
        yield f"the command is {status_of(site)}"
    site.workers = second
    site.pass_time(LATER_S)
    outcome = site.work(job)
    end = GIVEN_UP.get(MOMENTS.get(state, Moment.BEFORE_PLAN), "done")
    yield from wrong(site, KINDS[0], end, outcome, 0)
    site.workers = first
    closed = site.fire(Action.EXIT)
    if closed.status != ("ordered" if end == "done" else "no_action") or site.held() != 0:
        yield f"{site.held()} is held after {closed}"
    if (alive := site.booked().working) and site.seat.broker == "tradestation":
        yield f"{alive} work on"


def refused_in_between(site: Site, state: State, newer: Workers, older: Workers) -> Iterator[str]:
    """Bring an alert into a state by the newer release, let the older one meet it, and end it by the newer one."""
    site.workers = newer
    job = bring(site, state)
    site.pass_time(LATER_S)
    before, booked = lane(site), site.booked()
    message = site.next_bell()
    with older.start(site.environment(), site.clock) as worker:
        answer = worker.call("order_executor", bell_event(message))
    if not answer["batchItemFailures"]:
        yield "the older release took the bell for answered"
    if content(before) != content(lane(site)):
        yield "the older release has changed what it cannot read"
    if booked != site.booked():
        yield "the older release went to the broker"
    site.bell.ring_lane(job.lane)
    site.pass_time(LATER_S)
    outcome = site.work(job)
    done = state != "sending"
    taken = [write for write in site.booked().writes if write.taken]
    if (outcome.status == "ordered") != done or len(taken) != done or site.held() != done * site.seat.unit:
        yield f"{outcome}, {len(taken)} orders, {site.held()} held"


def content(items: list[Any]) -> list[Any]:
    """Give items without what taking and leaving a lane changes."""
    lease = ("epoch", "owner", "until_ms")
    kept = [{name: value for name, value in item.items() if name not in lease} for item in items]
    return sorted((item for item in kept if "data" in item), key=lambda item: str(item["sk"]))


def each(aws: LocalAws, this: Workers, check: Any, *others: Workers) -> list[str]:
    """Check every state at every place; give what is wrong."""

    def run(case: tuple[State, Seat]) -> list[str]:
        state, seat = case
        settings: dict[str, Any] = {"entry_max_age_ms": MAX_AGE_MS, "key_hashes": KEY_HASHES}
        with new_site(aws, this, seat, **settings) as site:
            return [f"{state} at {seat.broker}: {one}" for one in check(site, state, *others)]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        cases = [(state, seat) for state in STATES for seat in PLACES]
        return [one for found in pool.map(run, cases) for one in found]


def test_release_with_one_more_field_takes_over_and_is_rolled_back_from_in_every_state(
    aws: LocalAws, releases: Releases
) -> None:
    assert each(aws, releases.this, in_turn, releases.this, releases.next) == []
    assert each(aws, releases.this, in_turn, releases.next, releases.this) == []


def test_release_with_another_shape_reads_what_was_there_before(aws: LocalAws, releases: Releases) -> None:
    site_of = new_site(aws, releases.this, TRADESTATION, entry_max_age_ms=MAX_AGE_MS, key_hashes=KEY_HASHES)
    with site_of as site:
        site.workers = releases.this
        job = bring(site, "unknown")
        site.workers = releases.rebuilt
        site.pass_time(LATER_S)

        assert site.work(job).status == "ordered"

        assert site.held() == site.seat.unit


def test_older_release_leaves_another_shape_as_it_is_in_every_state(aws: LocalAws, releases: Releases) -> None:
    assert each(aws, releases.this, refused_in_between, releases.rebuilt, releases.this) == []
