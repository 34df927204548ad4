"""Alerts as the gateway delivers them to several receivers, and executors that answer the bells meanwhile."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from threading import Event
from typing import Any

from orderbridge.execution.records import CommandStatus
from sandbox import places
from sandbox.demo.ledger import told_of
from sandbox.demo.verdict import differences
from tests.race.site import STRATEGY, Site, writes_alone
from tests.race.workers import Worker

RESENDS = 3
"""What TradingView sends again after a 503."""
KEY = "a-key-that-is-only-used-here"
KEY_HASHES = (hashlib.sha256(KEY.encode()).hexdigest(),)
PRICES = {"MSFT": "412.30", "AAPL": "228.40", "SPY": "582.50", "TSLA": "342.10", "GE": "181.20"}
"""Where each symbol stands; each is a lane."""
AS_ORDERS: dict[str, Any] = {"action_means": "order"}
"""Settings under which each alert is an order of its own."""
ADMITS = re.compile(r"has taken|not known|may have been sent")
"""What a job that failed says where something was sent for it."""
EVENT: dict[str, Any] = json.loads((places.ROOT / "events" / "api-gateway-alert.json").read_text(encoding="utf-8"))


def order_of(number: int) -> tuple[str, Decimal]:
    """Give an alert's symbol and limit: below the market, and no other alert's."""
    symbol = list(PRICES)[number % len(PRICES)]
    return symbol, Decimal(PRICES[symbol]) - 1 - number * Decimal("0.01")


def delivery(number: int) -> dict[str, Any]:
    """Give the stored event of the gateway with this alert in it."""
    symbol, limit = order_of(number)
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
def executors(site: Site, count: int) -> Iterator[None]:
    """Have processes answer the bells of the queue for the length of a `with`, one bell after the other each."""
    over = Event()

    def work() -> None:
        with site.worker() as worker:
            while not over.is_set():
                for message in site.bells():
                    site.answer_by(worker, message)

    with ThreadPoolExecutor(count) as pool:
        working = [pool.submit(work) for _ in range(count)]
        try:
            yield
        finally:
            over.set()
        for one in working:
            one.result()


def placed(site: Site) -> list[tuple[str, Decimal | None]]:
    """Give symbol and limit of every order that the broker has taken, in the order of its journal."""
    writes = [write for write in site.booked().writes if write.taken]
    return [(order.symbol, order.limit) for write in writes for order in write.orders.values()]


def wrong(site: Site, numbers: Collection[int]) -> Iterator[str]:
    """Say what is wrong once all of these alerts, and no others, were taken in and worked.

    Each is one alert and one job that has ended; an order was placed once where the ledger says so, and nowhere else.
    A job whose workers died three times, or whose bell did five times, may end as failed with its order taken, if it
    says that.
    """
    ledger, booked = site.ledger(), site.booked()
    if not len(ledger.alerts) == len(ledger.jobs) == len(numbers):
        yield f"{len(ledger.alerts)} alerts and {len(ledger.jobs)} jobs of {len(numbers)}"
    wanted: Counter[tuple[str, Decimal | None]] = Counter()
    for stored in ledger.jobs:
        assert stored.job.alert is not None
        records = ledger.commands_of(stored.job.job_id)
        taken = any(record.status is CommandStatus.ACCEPTED for record in records)
        wanted[stored.job.alert.symbol, stored.job.alert.limit_price] += taken
        if taken is not (stored.status == "ordered") and not (taken and ADMITS.search(stored.sentence)):
            yield f"a job with{'' if taken else 'out'} an order is {stored.status}: {stored.sentence}"
        if stored.status != "ordered" and (not stored.sentence or stored.code not in site.notices()):
            yield f"a job is {stored.status} ({stored.code}: {stored.sentence}), and nobody was told"
    found = Counter(placed(site))
    for order in {*wanted, *found}:
        if wanted[order] != found[order] or found[order] > 1:
            yield f"{order}: {wanted[order]} by the ledger, {found[order]} in the broker's journal"
    if stray := {*found} - {order_of(number) for number in numbers}:
        yield f"orders that no alert asked for: {stray}"
    told = told_of(site.seat.broker, ledger)
    yield from differences(site.seat.broker, writes_alone(told), writes_alone(booked))


def settled(site: Site) -> bool:
    """Tell whether no job is open any more, and no command's outcome."""
    ledger = site.ledger()
    return site.open_jobs() == 0 and all(record.status.final for _, record in ledger.commands if record.sent_at_ms)


def codes(site: Site) -> str:
    """Count how the jobs ended, for the log."""
    return ", ".join(f"{number} {code}" for code, number in Counter(job.code for job in site.ledger().jobs).items())
