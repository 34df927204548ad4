"""A process is killed after each request that it makes, whomever it asks: nothing is doubled, and nothing left open.

Receiver, executor, refresher and the panel each do one thing while their requests are counted. Then, once for each of
these requests, on a table, queues and a broker of their own, the process is killed when that request has been carried
out and before it learns of it: which is all that a death there can leave behind. What AWS and TradingView do after a
death follows: a killed receiver is a 502, which TradingView sends again; a bell comes again; the minute's round is
made again. In the end everything is terminal, and the broker's own journal holds each order once.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.alerts.alert import Action
from sandbox import places
from sandbox.demo.ledger import told_of
from sandbox.demo.verdict import differences
from sandbox.local_aws import LocalAws
from tests.race.alerts import EVENT, KEY, KEY_HASHES
from tests.race.panel import Person
from tests.race.site import SEATS, STRATEGY, Seat, Site, bell_event, new_site, writes_alone
from tests.race.test_crashes import bracket
from tests.race.wire import Passed, new_wire
from tests.race.workers import EndedError, Worker, Workers

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.race, pytest.mark.xdist_group("race")]

LONG = os.environ.get("RACE_LONG") == "1"
SHARE = 1
"""So many of a case's requests are tried unless it is run at length."""
CASES_AT_ONCE = 4
LATER_S = 70
"""Past a lane's lease, past a token's lease, past the asking after an order that does not show."""
RESENT_S = 6
REQUEST = "one-request"
MAX_AGE_MS = 600_000
MINUTE: dict[str, Any] = json.loads((places.ROOT / "events" / "scheduler-minute.json").read_text(encoding="utf-8"))
PANEL_S = 29.0
EXCHANGE, STORING = "POST /oauth/token", "secretsmanager.PutSecretValue"
ROTATES = {"refresh_token_rotates": "yes", "rotated_token_dies": "at_once"}


@dataclass(frozen=True)
class Deed:
    """What one process does, and what follows on its death."""

    call: Callable[[Worker], Any]
    """The death of the process raises `EndedError`."""
    go_on: Callable[[], None]
    """What AWS, TradingView and the clock do then."""
    wrong: Callable[[Passed | None], Iterator[str]]
    """Say what is wrong after a death there; after none, an order must have come of it."""


@dataclass(frozen=True)
class Case:
    """One kind of deed at one broker."""

    name: str
    seat: Seat
    prepare: Callable[[Site], Deed]


# ---- the deeds


def alert_event(seat: Seat) -> dict[str, Any]:
    body = {"ticker": seat.symbol, "action": "buy", "quantity": str(seat.unit)}
    return EVENT | {"pathParameters": {"strategy": STRATEGY, "key": KEY}, "body": json.dumps(body)}


def receives(site: Site) -> Deed:
    event = alert_event(site.seat)

    def go_on() -> None:
        site.pass_time(RESENT_S)
        with site.worker() as worker:
            answer = worker.call("alert_receiver", event)
            assert answer["statusCode"] in (200, 202), answer
            worker.call("refresher", MINUTE)
        site.answer_bells(lambda: site.open_jobs() == 0)

    return Deed(lambda worker: worker.call("alert_receiver", event), go_on, lambda _: wrong_orders(site, must=True))


def executes(site: Site) -> Deed:
    job = site.alert(Action.BUY, site.seat.unit, **bracket(site.seat))
    site.put(job)
    message = site.next_bell()

    def go_on() -> None:
        about = {"QueueUrl": site.bridge.bell_queue_url, "ReceiptHandle": message["ReceiptHandle"]}
        site.pass_time(LATER_S)
        site.sqs.change_message_visibility(**about, VisibilityTimeout=0)
        site.work(job)

    def call(worker: Worker) -> Any:
        return worker.call("order_executor", bell_event(message))

    return Deed(call, go_on, lambda death: wrong_orders(site, must=death is None))


def trades_by_hand(site: Site) -> Deed:
    event = Person(site).buys(REQUEST)

    def call(worker: Worker) -> Any:
        return worker.call("broker_api", event, PANEL_S)

    def go_on() -> None:
        site.pass_time(LATER_S)
        with site.worker() as worker:
            worker.call("refresher", MINUTE)
        site.answer_bells(lambda: site.open_jobs() == 0)
        with site.worker() as worker:
            call(worker)  # the browser asks once more for the same thing

    return Deed(call, go_on, lambda death: wrong_orders(site, must=death is None))


def refreshes(site: Site) -> Deed:
    """The tokens are due; afterwards an alert is traded with whatever stands."""
    if site.seat.broker == "tradestation":
        site.broker.control("switches", ROTATES)
    site.pass_time(1_800)

    def go_on() -> None:
        site.pass_time(LATER_S)
        with site.worker() as worker:
            worker.call("refresher", MINUTE)

    def wrong(death: Passed | None) -> Iterator[str]:
        job = site.alert(Action.BUY, site.seat.unit, **bracket(site.seat))
        site.put(job)
        if "refresh_refused" in site.notices():
            if not took_the_pair_along(site, death):
                yield "the login is lost, though its new tokens were stored or never made"
            return
        outcome = site.work(job)
        if outcome.status != "ordered":
            yield f"the login does not trade, and nobody was told: {outcome}"
        yield from wrong_orders(site, must=True)

    return Deed(lambda worker: worker.call("refresher", MINUTE), go_on, wrong)


def took_the_pair_along(site: Site, death: Passed | None) -> bool:
    """Tell whether the process died with a new pair that only it had: the one loss that a rotating login allows."""
    assert site.wire is not None
    names = [passed.name for passed in site.wire.passed[: death.number if death is not None else None]]
    return EXCHANGE in names and STORING not in names


CASES = (
    *(Case("receiver", seat, receives) for seat in SEATS.values()),
    *(Case("executor", seat, executes) for seat in SEATS.values()),
    *(Case("panel", seat, trades_by_hand) for seat in SEATS.values()),
    *(Case("refresher", seat, refreshes) for seat in SEATS.values()),
)


# ---- what must be so in the end


def wrong_orders(site: Site, must: bool) -> Iterator[str]:
    """Compare the ledger with the broker's records: one order that the job knows of, or none and somebody told."""
    ledger, booked = site.ledger(), site.booked()
    taken = [write for write in booked.writes if write.kind == "place" and write.taken]
    jobs = list(ledger.jobs)
    if len(taken) > 1 or len(jobs) > 1:
        yield f"{len(taken)} orders, {len(jobs)} jobs"
    for stored in jobs:
        if not stored.sentence or stored.status in ("QUEUED", "WORKING"):
            yield f"the job is {stored.status}: {stored.sentence}"
        if (stored.status == "ordered") != (len(taken) == 1):
            yield f"{len(taken)} orders, and the job says {stored.status} ({stored.code})"
        if stored.status != "ordered" and stored.code not in site.notices() and stored.job.origin == "alert":
            yield f"nobody was told of {stored.code}"
    if must and not taken:
        yield f"nothing was ordered: {[(stored.status, stored.code) for stored in jobs]}"
    if site.held() != sum((site.seat.unit for _ in taken), Decimal(0)):
        yield f"{site.held()} is held"
    yield from differences(site.seat.broker, writes_alone(told_of(site.seat.broker, ledger)), writes_alone(booked))


# ---- the deaths


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.seat.broker}")
def test_process_killed_after_any_of_its_requests_leaves_nothing_doubled_and_nothing_open(
    aws: LocalAws, workers: Workers, case: Case
) -> None:
    requests, problems = run(aws, workers, case, None)
    assert problems == []
    assert requests, "the process asked nobody"
    chosen = requests if LONG else spread(requests, SHARE)
    log.info("%s at %s: %d deaths of %d", case.name, case.seat.broker, len(chosen), len(requests))

    with ThreadPoolExecutor(CASES_AT_ONCE) as pool:
        runs = pool.map(lambda request: run(aws, workers, case, request), chosen)
        found = [f"killed after {at}: {one}" for at, (_, all_) in zip(chosen, runs, strict=True) for one in all_]

    assert found == []


def spread(requests: Sequence[Passed], count: int) -> list[Passed]:
    """Give so many of the requests, at equal distances."""
    return [requests[len(requests) * (part + 1) // (count + 1)] for part in range(count)]


def run(aws: LocalAws, workers: Workers, case: Case, death: Passed | None) -> tuple[list[Passed], list[str]]:
    """Do the deed, with a death after as many requests as `death` is one of; give the requests and what is wrong."""
    settings: Mapping[str, Any] = {
        "entry_max_age_ms": MAX_AGE_MS,
        "key_hashes": KEY_HASHES,
    }
    with new_wire() as wire, new_site(aws, workers, case.seat, wire, **settings) as site:
        deed = case.prepare(site)
        wire.passed.clear()
        with site.worker() as worker:
            if death is not None:
                wire.cut = lambda passed: passed.number == death.number and killed(worker)
            died = not lives(deed, worker)
        requests = list(wire.passed)
        wire.cut = lambda _: False
        assert died or death is None or len(requests) < death.number, "the process outlived its death"
        deed.go_on()
        return requests, [*deed.wrong(death)]


def killed(worker: Worker) -> bool:
    worker.kill()
    return True


def lives(deed: Deed, worker: Worker) -> bool:
    try:
        deed.call(worker)
    except EndedError:
        return False
    return True
