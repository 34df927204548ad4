"""Sixteen processes at once, each killed after a request drawn by lot, round after round: nothing is lost or doubled.

Each round half of them take in the same alert and the others answer bells, all over wires of their own. Whoever is
still alive after what it was asked goes on to the next round's. After each round the clocks are set past the lanes'
leases, the alert is delivered again where no receiver answered (API Gateway makes a 502 of a dead function, and
TradingView sends those again), and the bells of the dead come back.
"""

import logging
import os
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from sandbox.local_aws import LocalAws
from tests.race.alerts import AS_ORDERS, KEY_HASHES, codes, delivery, placed, settled, wrong
from tests.race.site import TRADESTATION, Site, bell_event, new_site
from tests.race.wire import Passed, Wire, new_wire
from tests.race.workers import EndedError, Worker, Workers

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.race, pytest.mark.xdist_group("race")]

LONG = os.environ.get("RACE_LONG") == "1"
ROUNDS = int(os.environ.get("RACE_ROUNDS", "3"))
RECEIVERS = EXECUTORS = 8 if LONG else 4
MOST_RECEIVED, MOST_EXECUTED = 4, 60
"""A receiver makes three requests and an executor about fifty: nearly all of them die."""
RESENT_S, LATER_S = 6, 70
MAX_AGE_MS = 10**9


class Doomed:
    """A process that dies after a number of requests."""

    def __init__(self, site: Site, wire: Wire, after: int) -> None:
        over = {"AWS_ENDPOINT_URL": wire.to(site.aws.endpoint)}
        self.worker: Worker = site.workers.start(site.environment() | over, site.clock)
        self.died = False
        self._site, self._wire = site, wire
        wire.passed.clear()
        wire.cut = lambda passed: self._dies(passed, after)

    def _dies(self, passed: Passed, after: int) -> bool:
        if passed.number == after:
            self.worker.kill()
        return passed.number >= after

    def call(self, function: str, event: Mapping[str, object]) -> Any:
        """Call a handler; None if the process dies of it."""
        try:
            return self.worker.call(function, event)
        except EndedError:
            self.died = True
            return None

    def answer_bell(self) -> None:
        """Answer one bell, if there is one; if it was not answered, let it come again."""
        for message in self._site.bells():
            answer = self.call("order_executor", bell_event(message))
            about = {"QueueUrl": self._site.bridge.bell_queue_url, "ReceiptHandle": message["ReceiptHandle"]}
            if answer is None or answer["batchItemFailures"]:
                self._site.sqs.change_message_visibility(**about, VisibilityTimeout=0)
            else:
                self._site.sqs.delete_message(**about)


def one_round(site: Site, wires: list[Wire], dice: random.Random, number: int) -> int:
    """Have all of them work on alert `number` and on the lanes, each to its death; give how many died."""
    event = delivery(number)
    receivers = [Doomed(site, wire, dice.randint(1, MOST_RECEIVED)) for wire in wires[:RECEIVERS]]
    executors = [Doomed(site, wire, dice.randint(1, MOST_EXECUTED)) for wire in wires[RECEIVERS:]]
    with ExitStack() as started, ThreadPoolExecutor(len(wires)) as pool:
        for one in (*receivers, *executors):
            started.enter_context(one.worker)
        received = [pool.submit(one.call, "alert_receiver", event) for one in receivers]
        executed = [pool.submit(one.answer_bell) for one in executors]
        answers = [answer for call in received if (answer := call.result()) is not None]
        for bell in executed:
            bell.result()
    site.pass_time(RESENT_S)
    if not any(answer["statusCode"] in (200, 202) for answer in answers):
        with site.worker() as worker:
            assert worker.call("alert_receiver", event)["statusCode"] in (200, 202)
    site.pass_time(LATER_S)
    return sum(one.died for one in (*receivers, *executors))


def test_processes_killed_at_once_at_drawn_requests_lose_and_double_nothing(aws: LocalAws, workers: Workers) -> None:
    dice = random.Random(4)
    settings = {**AS_ORDERS, "key_hashes": KEY_HASHES, "entry_max_age_ms": MAX_AGE_MS}
    with new_site(aws, workers, TRADESTATION, **settings) as site, ExitStack() as open_:
        wires = [open_.enter_context(new_wire()) for _ in range(RECEIVERS + EXECUTORS)]
        deaths = sum(one_round(site, wires, dice, number) for number in range(ROUNDS))
        with site.worker() as worker:
            worker.call("refresher", {})
        site.answer_bells(lambda: settled(site))

        assert [*wrong(site, range(ROUNDS))] == []
        assert deaths > ROUNDS, "hardly anybody died"
        assert placed(site), "nothing was ordered at all"
        log.info("%d rounds, %d deaths: %s", ROUNDS, deaths, codes(site))
