"""The table is frozen while alerts fire and lanes are worked, then thawed: what was answered 2xx is kept, once.

The processes reach DynamoDB over a wire that is frozen for as long as the receivers take to answer twice; TradingView's
own rule follows (a 503 is sent again, no answer is not). What waited on the wire arrives after the thaw, when nobody
waits for its answer any more: alerts that were answered 503, ledger writes whose worker has given up.
"""

import json
import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest

from orderbridge.storage import keys
from orderbridge.storage.items import marshal
from sandbox.local_aws import LocalAws
from tests.race.alerts import AS_ORDERS, KEY_HASHES, codes, delivery, executors, placed, settled, wrong
from tests.race.site import TRADESTATION, Site, new_site
from tests.race.wire import Wire, new_wire
from tests.race.workers import Worker, Workers

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.race, pytest.mark.xdist_group("race")]

LONG = os.environ.get("RACE_LONG") == "1"
FREEZES = 6 if LONG else 1
RECEIVERS = 12 if LONG else 6
EXECUTORS = 4
LATER_S = 70
"""Past the lease of a lane whose worker could not give it back, past the asking after an order that does not show."""
MAX_AGE_MS = 3_600_000
CATCH_UP = 4
"""Resends in which a table that has just thawed catches up with what had been waiting, on a busy machine too."""
STORED = (200, 202)


class Load:
    """Alerts that are fired at some receivers, and what they were answered."""

    def __init__(self, site: Site, receivers: Sequence[Worker]) -> None:
        self._site, self._receivers = site, receivers
        self._numbers = count()
        self.fired: list[int] = []
        self.unanswered: list[int] = []
        """Alerts whose last answer was a 503."""
        self.longest_s = 0.0

    def fire(self) -> None:
        """Have each receiver take in an alert of its own."""
        self.deliver([next(self._numbers) for _ in self._receivers])

    def send_again(self) -> None:
        """Deliver again what was answered 503."""
        self.deliver(self.unanswered)

    def catch_up(self) -> None:
        """Deliver again what was answered 503 while the table was there, but busy."""
        for _ in range(CATCH_UP):
            self.send_again()
        assert self.unanswered == [], "the table is there"

    def start(self) -> list[int]:
        """Hand an alert to each receiver, and do not wait."""
        numbers = [next(self._numbers) for _ in self._receivers]
        for receiver, number in zip(self._receivers, numbers, strict=True):
            receiver.start("alert_receiver", delivery(number))
        self._began = time.monotonic()
        return numbers

    def finish(self, numbers: Sequence[int]) -> None:
        """Wait for all answers of what was started."""
        self.unanswered = []
        for receiver, number in zip(self._receivers, numbers, strict=False):
            self._note(number, receiver.answer())

    def deliver(self, numbers: Sequence[int]) -> None:
        """Deliver these alerts, one to each receiver, and wait for the answers."""
        self._began = time.monotonic()
        for receiver, number in zip(self._receivers, numbers, strict=False):
            receiver.start("alert_receiver", delivery(number))
        self.finish(numbers)

    def _note(self, number: int, answer: Mapping[str, Any]) -> None:
        self.longest_s = max(self.longest_s, time.monotonic() - self._began)
        if number not in self.fired:
            self.fired.append(number)
        if answer["statusCode"] == 503:
            self.unanswered.append(number)
            return
        assert answer["statusCode"] in STORED, answer
        alert_id = json.loads(answer["body"])["alert_id"]
        key = marshal(keys.alert(alert_id))
        found = self._site.dynamodb.get_item(TableName=self._site.bridge.table_name, Key=key, ConsistentRead=True)
        assert "Item" in found, f"alert {number} was answered {answer['statusCode']}, and is not stored"


def freeze_under_load(wire: Wire, load: Load) -> None:
    """Fire while the lanes are worked, freeze in the midst of it, and thaw after two answers of each receiver."""
    load.fire()
    load.catch_up()
    numbers = load.start()
    wire.freeze()
    load.finish(numbers)
    load.send_again()
    again = list(load.unanswered)
    load.fire()
    assert len(load.unanswered) == len(load._receivers), "nothing can be stored while the table is frozen"
    late = again + load.unanswered
    wire.thaw()
    for start in range(0, len(late), RECEIVERS):
        load.deliver(late[start : start + RECEIVERS])
        load.catch_up()


def test_store_frozen_under_load_and_thawed_loses_and_doubles_nothing(aws: LocalAws, workers: Workers) -> None:
    settings: dict[str, Any] = {**AS_ORDERS, "key_hashes": KEY_HASHES, "entry_max_age_ms": MAX_AGE_MS}
    with new_wire() as wire, new_site(aws, workers, TRADESTATION, **settings) as site, ExitStack() as started:
        site.variables["AWS_ENDPOINT_URL_DYNAMODB"] = wire.to(aws.endpoint)
        receivers = [started.enter_context(site.worker()) for _ in range(RECEIVERS)]
        load = Load(site, receivers)
        with executors(site, EXECUTORS):
            for _ in range(FREEZES):
                freeze_under_load(wire, load)
        site.pass_time(LATER_S)
        sweep(site)
        with executors(site, EXECUTORS):
            site.answer_bells(lambda: settled(site))

        assert [*wrong(site, load.fired)] == []
        assert placed(site), "nothing was ordered at all"
        log.info("%d alerts: %s; longest answer %.2f s", len(load.fired), codes(site), load.longest_s)


def sweep(site: Site) -> None:
    """Make the minute's round: it rings for what nobody answers a bell for."""
    with site.worker() as worker:
        worker.call("refresher", {})
