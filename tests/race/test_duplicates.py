"""One alert is delivered by several processes at once: one alert, one job and one order come of it, each round.

Receivers and executors are processes of their own; the executors work the jobs while the deliveries go on. Whatever the
receivers answer, TradingView's own rule is kept: what was answered 503 is delivered again.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from sandbox import places
from sandbox.demo.ledger import told_of
from sandbox.demo.verdict import differences
from sandbox.local_aws import LocalAws
from tests.race.site import STRATEGY, TRADESTATION, Site, new_site
from tests.race.workers import Worker, Workers

pytestmark = [pytest.mark.race, pytest.mark.xdist_group("race")]

ROUNDS = int(os.environ.get("RACE_ROUNDS", "50"))
DELIVERIES = 8
EXECUTORS = 4
RESENDS = 3
"""What TradingView sends again after a 503."""
KEY = "a-key-that-is-only-used-here"
PRICES = {"MSFT": "412.30", "AAPL": "228.40", "SPY": "582.50", "TSLA": "342.10", "GE": "181.20"}
"""Where each symbol stands; each is a lane."""
EVENT: dict[str, Any] = json.loads((places.ROOT / "events" / "api-gateway-alert.json").read_text(encoding="utf-8"))


def order_of(round_: int) -> tuple[str, Decimal]:
    """Give the round's symbol and limit: below the market, and no other round's."""
    symbol = list(PRICES)[round_ % len(PRICES)]
    return symbol, Decimal(PRICES[symbol]) - 1 - round_ * Decimal("0.01")


def delivery(round_: int) -> dict[str, Any]:
    """Give the stored event of the gateway with this round's alert in it."""
    symbol, limit = order_of(round_)
    body = {"ticker": symbol, "action": "buy", "quantity": 1, "orderType": "limit", "limitPrice": str(limit)}
    return EVENT | {"pathParameters": {"strategy": STRATEGY, "key": KEY}, "body": json.dumps(body)}


def deliver(receivers: Sequence[Worker], event: Mapping[str, Any]) -> list[Any]:
    """Have every receiver take the event in at the same time; give all answers, those to a delivery after a 503 too."""
    for receiver in receivers:
        receiver.start("alert_receiver", event)
    answers = []
    for receiver in receivers:
        answers.append(receiver.answer())
        for _ in range(RESENDS):
            if answers[-1]["statusCode"] == 503:
                answers.append(receiver.call("alert_receiver", event))
    return answers


@contextmanager
def executors(site: Site) -> Iterator[None]:
    """Have processes answer the bells of the queue for the length of a `with`, one bell after the other each."""
    over = Event()

    def work() -> None:
        with site.worker() as worker:
            while not over.is_set():
                for message in site.bells():
                    site.answer_by(worker, message)

    with ThreadPoolExecutor(EXECUTORS) as pool:
        working = [pool.submit(work) for _ in range(EXECUTORS)]
        try:
            yield
        finally:
            over.set()
        for one in working:
            one.result()


def test_alert_delivered_by_eight_processes_at_once_becomes_one_order(aws: LocalAws, workers: Workers) -> None:
    settings: dict[str, Any] = {"key_hashes": (hashlib.sha256(KEY.encode()).hexdigest(),), "action_means": "order"}
    with new_site(aws, workers, TRADESTATION, **settings) as site, ExitStack() as started:
        receivers = [started.enter_context(site.worker()) for _ in range(DELIVERIES)]
        with executors(site):
            for round_ in range(ROUNDS):
                answers = deliver(receivers, delivery(round_))

                statuses = Counter(answer["statusCode"] for answer in answers)
                assert statuses[200] + statuses[202] == DELIVERIES, answers
                assert statuses[202] == 1 or statuses[503], answers
                receipts = {answer["body"] for answer in answers if answer["statusCode"] != 503}
                assert len(receipts) == 1, "everybody is answered with the first receipt"
            site.answer_bells(lambda: site.open_jobs() == 0)

        ledger, booked = site.ledger(), site.booked()
        assert len(ledger.alerts) == len(ledger.jobs) == ROUNDS
        assert {stored.job.alert_id for stored in ledger.jobs} == set(ledger.alerts)
        assert {stored.status for stored in ledger.jobs} == {"ordered"}
        placed = [(order.symbol, order.limit) for write in booked.writes for order in write.orders.values()]
        assert sorted(placed) == sorted(order_of(round_) for round_ in range(ROUNDS))
        assert differences(TRADESTATION.broker, told_of(TRADESTATION.broker, ledger), booked) == []
