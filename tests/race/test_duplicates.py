"""One alert is delivered by several processes at once: one alert, one job and one order come of it, each round.

Receivers and executors are processes of their own; the executors work the jobs while the deliveries go on. Whatever the
receivers answer, TradingView's own rule is kept: what was answered 503 is delivered again.
"""

import os
from collections import Counter
from contextlib import ExitStack

import pytest

from sandbox.demo.ledger import told_of
from sandbox.demo.verdict import differences
from sandbox.local_aws import LocalAws
from tests.race.alerts import AS_ORDERS, KEY_HASHES, deliver, delivery, executors, order_of, placed
from tests.race.site import TRADESTATION, new_site
from tests.race.workers import Workers

pytestmark = [pytest.mark.race, pytest.mark.xdist_group("race")]

LONG = os.environ.get("RACE_LONG") == "1"
ROUNDS = int(os.environ.get("RACE_ROUNDS", "20"))
DELIVERIES = 16 if LONG else 8
EXECUTORS = 4
MAX_AGE_MS = 3_600_000
"""The executors may lag behind the deliveries: what is judged here is that each is one order, not how soon."""


def test_alert_delivered_by_many_processes_at_once_becomes_one_order(aws: LocalAws, workers: Workers) -> None:
    site_of = new_site(aws, workers, TRADESTATION, key_hashes=KEY_HASHES, entry_max_age_ms=MAX_AGE_MS, **AS_ORDERS)
    with site_of as site, ExitStack() as started:
        receivers = [started.enter_context(site.worker()) for _ in range(DELIVERIES)]
        with executors(site, EXECUTORS):
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
        assert sorted(placed(site)) == sorted(order_of(round_) for round_ in range(ROUNDS))
        assert differences(TRADESTATION.broker, told_of(TRADESTATION.broker, ledger), booked) == []
