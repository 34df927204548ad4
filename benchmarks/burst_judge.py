"""What came of a burst, by the broker's own journal and book first. Pure but for reading them."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from benchmarks.burst_stage import Burst, Staged
from sandbox.demo.booked import told_by
from sandbox.demo.facts import Told
from sandbox.demo.ledger import Ledger, read_ledger, told_of
from sandbox.demo.verdict import differences

SIDES = {"buy": "buy", "sell": "sell"}


def judge(staged: Staged, answers: Sequence[Mapping[str, Any]], real_s: float) -> dict[str, Any]:
    """Give the numbers of a burst, and under `wrong` a sentence for each thing that is not as it must be."""
    burst, ledger = staged.burst, read_ledger(staged.aws, staged.resources.table_name)
    journal = staged.broker.journal()
    booked = told_by("tradestation", journal, staged.broker.state())
    ended_ms = max((stored.job.phases.get("ended", 0) for stored in ledger.jobs), default=0)
    virtual_s = (ended_ms - staged.fired_at_ms) / 1000
    milliseconds = sorted(float(answer["ms"]) for answer in answers)
    wrong = [*_wrong(burst, answers, ledger, booked)]
    return {
        "accounts": burst.accounts,
        "lanes": burst.symbols,
        "alerts": burst.alerts,
        "executors": burst.executors,
        "clock_rate": burst.clock_rate,
        "virtual_s": round(virtual_s, 1),
        "real_s": round(real_s, 1),
        "alerts_per_virtual_s": round(burst.alerts / virtual_s, 2),
        "alerts_per_real_s": round(burst.alerts / real_s, 2),
        "answer_p99_ms": milliseconds[int(len(milliseconds) * 0.99)],
        "endings": dict(Counter(stored.code for stored in ledger.jobs)),
        "broker_requests": len(journal),
        "refused_for_quota": sum(1 for entry in journal if entry["status"] == 429),
        "wrong": wrong,
    }


def _wrong(burst: Burst, answers: Sequence[Mapping[str, Any]], ledger: Ledger, booked: Told) -> Iterator[str]:
    statuses = Counter(answer["status"] for answer in answers)
    if statuses != {202: burst.alerts}:
        yield f"answers: {dict(statuses)}"
    if not len(ledger.alerts) == len(ledger.jobs) == burst.alerts:
        yield f"{len(ledger.alerts)} alerts, {len(ledger.jobs)} jobs"
    for stored in ledger.jobs:
        if stored.status != "ordered":
            yield f"{stored.job.job_id} ended {stored.status} ({stored.code}): {stored.sentence}"
    yield from _wrong_orders(burst, booked)
    yield from differences("tradestation", told_of("tradestation", ledger), booked)


def _wrong_orders(burst: Burst, booked: Told) -> Iterator[str]:
    """Compare each symbol's orders, in the order in which the broker took them, with what was fired for it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for write in booked.writes:
        for order in write.orders.values() if write.taken else ():
            found[order.symbol].append(order.side)
    for at in range(burst.symbols):
        symbol = burst.symbol(at)
        fired = [burst.action(number) for number in range(at, burst.alerts, burst.symbols)]
        wanted = _sides(fired)
        if found[symbol] != wanted:
            yield f"{symbol}: the broker took {found[symbol]}, fired was {fired}"
        held = sum((one.quantity for key, one in booked.holdings.items() if key[1] == symbol), Decimal(0))
        net = Decimal(wanted.count("buy") - wanted.count("sell"))
        if held != net:
            yield f"{symbol}: {held} is held, not {net}"


def _sides(actions: Sequence[str]) -> list[str]:
    """Give the sides of the orders that actions make: an exit is the other side of what it closes."""
    sides: list[str] = []
    for action in actions:
        sides.append(SIDES[action] if action != "exit" else {"buy": "sell", "sell": "buy"}[sides[-1]])
    return sides
