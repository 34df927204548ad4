"""Many processes work one lane: its jobs are worked one at a time, in order; who was fenced out writes nothing."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from orderbridge.alerts.alert import Action
from orderbridge.execution.records import Job
from orderbridge.model import OrderType
from sandbox.demo.brokers import BrokerName
from sandbox.local_aws import LocalAws
from tests.race.moments import Moment
from tests.race.site import SEATS, TRADESTATION, Site, bell_event, new_site
from tests.race.workers import Stop, Worker, Workers

pytestmark = [pytest.mark.race, pytest.mark.xdist_group("race")]

LONG = os.environ.get("RACE_LONG") == "1"
PROCESSES = 16 if LONG else 8
JOBS = 60 if LONG else 16
SHORT_S = 10.0
"""A handler with so little time works for two seconds and leaves the rest of the lane to another one."""
LATER_S = 70
"""Past the lane's lease and past the asking after an order that does not show."""
COPIES = 4
TURNS = 3


def queued(site: Site, count: int) -> list[Job]:
    """Store jobs without a bell: limit orders with a price each, in the order of their acceptance."""
    jobs = []
    for number in range(count):
        price = site.seat.price - site.seat.distance - number * Decimal("0.01")
        job = site.alert(Action.BUY, Decimal(1), order_type=OrderType.LIMIT, limit_price=price)
        site.put(job, ring=False)
        jobs.append(job)
    return jobs


def limits(site: Site) -> list[Decimal | None]:
    """Give the limit prices of the orders that the broker has taken, in the order of its journal."""
    return [order.limit for write in site.booked().writes if write.taken for order in write.orders.values()]


def test_jobs_of_a_lane_that_many_processes_work_are_placed_once_each_and_in_order(
    aws: LocalAws, workers: Workers
) -> None:
    with new_site(aws, workers, TRADESTATION, action_means="order", entry_max_age_ms=3_600_000) as site:
        jobs = queued(site, JOBS)

        def work(_: int) -> None:
            """Answer bells, and ring the lane whenever there is none."""
            with site.worker() as worker:
                while site.open_jobs() > 0:
                    messages = site.bells()
                    for message in messages:
                        site.answer_by(worker, message, SHORT_S)
                    if not messages:
                        site.bell.ring_lane(jobs[0].lane)

        with ThreadPoolExecutor(PROCESSES) as pool:
            list(pool.map(work, range(PROCESSES)))

        wanted = [job.alert.limit_price for job in jobs if job.alert is not None]
        assert limits(site) == wanted
        ledger = site.ledger()
        assert [stored.status for stored in ledger.jobs] == ["ordered"] * JOBS
        records = sorted((record for _, record in ledger.commands), key=lambda record: record.sent_at_ms)
        overlaps = [late for early, late in pairwise(records) if late.sent_at_ms < early.changed_at_ms]
        assert overlaps == [], "two commands were under way at once"


# ---- a worker that is halted past its lease

ENDS = {
    Moment.BEFORE_LEDGER: "ordered",
    Moment.AFTER_LEDGER: "failed",
    Moment.AFTER_POST: "ordered",
    Moment.BEFORE_RESULT: "ordered",
}


@contextmanager
def halted(site: Site, job: Job, moment: Moment) -> Iterator[Worker]:
    """Give a process that has stopped itself while it worked the job; another one has ended the job meanwhile."""
    site.put(job)
    message = site.next_bell()
    with site.worker(Stop(moment, "entry", "SIGSTOP")) as worker:
        worker.start("order_executor", bell_event(message))
        assert worker.answer() is None
        site.pass_time(LATER_S)
        about = {"QueueUrl": site.bridge.bell_queue_url, "ReceiptHandle": message["ReceiptHandle"]}
        site.sqs.change_message_visibility(**about, VisibilityTimeout=0)
        site.work(job)
        yield worker


def lane_items(site: Site) -> list[Any]:
    found = site.dynamodb.scan(TableName=site.bridge.table_name, ConsistentRead=True)["Items"]
    lane = [item for item in found if item["pk"]["S"].startswith("LANE#")]
    return sorted(lane, key=lambda item: str(item["sk"]["S"]))


@pytest.mark.parametrize("moment", ENDS)
@pytest.mark.parametrize("broker", SEATS)
def test_worker_that_goes_on_after_its_lease_was_taken_writes_nothing(
    aws: LocalAws, workers: Workers, broker: BrokerName, moment: Moment
) -> None:
    with new_site(aws, workers, SEATS[broker], entry_max_age_ms=600_000) as site:
        job = site.alert(Action.BUY, site.seat.unit)
        with halted(site, job, moment) as worker:
            lane, booked = lane_items(site), site.booked()

            worker.go_on()

            assert worker.answer() == {"batchItemFailures": []}
            assert lane_items(site) == lane
            assert site.booked() == booked
        outcome = site.outcome(job)
        assert outcome is not None
        assert outcome.status == ENDS[moment]
        bought = [write for write in booked.writes if write.taken]
        assert len(bought) == (1 if outcome.status == "ordered" else 0)
        assert site.held() == (site.seat.unit if bought else 0)


@pytest.mark.parametrize("broker", SEATS)
def test_order_that_a_halted_worker_sends_after_all_is_closed_again_and_told(
    aws: LocalAws, workers: Workers, broker: BrokerName
) -> None:
    with new_site(aws, workers, SEATS[broker], entry_max_age_ms=600_000) as site:
        job = site.alert(Action.BUY, site.seat.unit)
        with halted(site, job, Moment.BEFORE_POST) as worker:
            outcome = site.outcome(job)
            assert outcome is not None
            assert (outcome.status, outcome.code) == ("failed", "not_found"), outcome
            assert site.booked().writes == ()

            worker.go_on()

            assert worker.answer() == {"batchItemFailures": []}
        assert site.held() == site.seat.unit
        site.answer_bells(lambda: site.held() == 0 and site.open_jobs() == 0)

        assert "ghost_fill" in site.notices()
        assert [order.side for write in site.booked().writes for order in write.orders.values()] == ["buy", "sell"]


# ---- the watch


def test_copies_of_a_watch_bell_do_not_multiply(aws: LocalAws, workers: Workers) -> None:
    with new_site(aws, workers, TRADESTATION) as site, ExitStack() as started:
        assert site.fire(Action.BUY, site.seat.unit).status == "ordered"
        processes = [started.enter_context(site.worker()) for _ in range(COPIES)]
        turns = []
        for _ in range(TURNS):
            message = site.next_bell()
            turns.append(json.loads(message["Body"])["turn"])
            for process in processes:
                process.start("order_executor", bell_event(message))
            answers = [process.answer() for process in processes]

            assert answers == [{"batchItemFailures": []}] * COPIES
            assert site.bells_left() == 1
            site.sqs.delete_message(QueueUrl=site.bridge.bell_queue_url, ReceiptHandle=message["ReceiptHandle"])
        assert turns == list(range(turns[0], turns[0] + TURNS))
