"""The executor's process is killed at each of its steps: after redelivery each write is done once, or not at all.

Each case has a table, a queue and a simulated broker of its own. A process answers a bell of the queue and is killed by
SIGKILL at the step; the clocks are set 70 s ahead (the lane's lease lapses after 45 s, an order that the broker does
not show is given up after 60 s), the bell is delivered again, and further processes work the job to its end. What
happened is judged by the broker's own journal and book.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import pytest

from orderbridge.alerts.alert import Action, StopLoss, TakeProfit
from orderbridge.commands import Bracket, Cancel, CancelAll, CloseAll, ModifyPosition, Replace
from orderbridge.execution.care import protective
from orderbridge.execution.records import Job
from orderbridge.model import OrderType, Side
from sandbox.demo.brokers import BrokerName
from sandbox.demo.facts import Write, plain
from sandbox.demo.ledger import told_of
from sandbox.demo.verdict import differences
from sandbox.local_aws import LocalAws
from tests.race.moments import Moment
from tests.race.site import SEATS, Outcome, Seat, Site, new_site, writes_alone
from tests.race.workers import Stop, Workers

pytestmark = [pytest.mark.race, pytest.mark.xdist_group("race")]

LATER_S = 70
"""What passes between the death and the redelivery."""
MAX_AGE_MS = 600_000
"""Alerts stay fresh meanwhile: what keeps an order from being placed here is never its age."""
CASES_AT_ONCE = 8
LONG = os.environ.get("RACE_LONG") == "1"
"""`make race-long` runs the other steps, and what waits for the machine's own clock, too."""
DOUBTFUL = (Moment.AFTER_LEDGER, Moment.AFTER_POST)
"""After these nobody knows without asking the broker."""
STEPS = (*DOUBTFUL, Moment.BEFORE_LEDGER, Moment.BEFORE_RESULT, Moment.AFTER_RESULT) if LONG else DOUBTFUL

End = Literal["done", "not done", "closed alone"]
Writes = Mapping[BrokerName, tuple[str, ...]]


@dataclass(frozen=True)
class Kind:
    """One kind of write."""

    name: str
    prepare: Callable[[Site], Job]
    """Brings the account into the state for it, and gives the job."""
    role: str
    """Of the command at whose steps the worker is killed."""
    ends: Mapping[Moment, End]
    """Where a death leaves something not done; elsewhere it is done."""
    writes: Mapping[End, Writes]
    """What the broker's journal holds for an end, at each broker that has the kind, quantities in units."""
    held: Mapping[End, Decimal | int]
    """What is held then, in units; 0 where nothing is said."""


# ---- the account before, and the job


def bracket(seat: Seat, side: int = 1) -> dict[str, Any]:
    stop, target = seat.price - side * seat.distance, seat.price + side * seat.distance
    return {"stop_loss": StopLoss(stop_price=stop), "take_profit": TakeProfit(limit_price=target)}


def market(site: Site) -> Job:
    return site.alert(Action.BUY, site.seat.unit, **bracket(site.seat))


def limit(site: Site) -> Job:
    price = site.seat.price - site.seat.distance / 2
    return site.alert(Action.BUY, site.seat.unit, order_type=OrderType.LIMIT, limit_price=price, **bracket(site.seat))


def hold(site: Site, **fields: Any) -> None:
    assert site.fire(Action.BUY, site.seat.unit, **fields).status == "ordered"


def rest(site: Site) -> str:
    """Leave a limit order working; give its id."""
    price = site.seat.price - site.seat.distance
    outcome = site.fire(Action.BUY, site.seat.unit, order_type=OrderType.LIMIT, limit_price=price)
    assert outcome.code == "working", outcome
    (order_id,) = site.booked().working
    return order_id


def full_close(site: Site) -> Job:
    hold(site, **bracket(site.seat))
    return site.alert(Action.EXIT)


def partial_close(site: Site) -> Job:
    hold(site, **bracket(site.seat))
    return site.alert(Action.EXIT, site.seat.unit / 2)


def reversal(site: Site) -> Job:
    hold(site, **bracket(site.seat))
    return site.alert(Action.SELL, site.seat.unit * 2, **bracket(site.seat, -1))


def cancel(site: Site) -> Job:
    return site.ready_made(Cancel(rest(site), site.seat.symbol))


def replace_order(site: Site) -> Job:
    return site.ready_made(Replace(rest(site), site.seat.symbol, limit_price=site.seat.price - 2 * site.seat.distance))


def cancel_all(site: Site) -> Job:
    rest(site)
    return site.ready_made(CancelAll(site.seat.symbol))


def group(site: Site) -> Job:
    hold(site)
    price, distance = site.seat.price, site.seat.distance
    bracket = Bracket(price - distance, take_profit=price + distance)
    return site.ready_made(protective(site.seat.symbol, Side.SELL, site.seat.unit, bracket))


def modify(site: Site) -> Job:
    hold(site)
    (position,) = site.broker.state()["accounts"][0]["positions"]
    stop = site.seat.price - site.seat.distance
    return site.ready_made(ModifyPosition(position["positionId"], site.seat.symbol, stop_loss=stop))


def close_all(site: Site) -> Job:
    hold(site)
    return site.ready_made(CloseAll(site.seat.symbol))


# ---- the kinds of write, and what each may leave behind

GIVEN_UP: Mapping[Moment, End] = {Moment.AFTER_LEDGER: "not done"}
"""An entry that was SENDING and does not show is given up: it may have been on its way."""
NOT_REPEATED: Mapping[Moment, End] = {Moment.BEFORE_LEDGER: "not done", Moment.AFTER_LEDGER: "not done"}
"""What a person asked for at that moment is not asked for again later."""
ENTRY_TOO_LATE: Mapping[Moment, End] = {step: "closed alone" for step in STEPS if step is not Moment.BEFORE_LEDGER}
"""The close has taken longer than 10 s by then: no entry follows it (TRADING.md rule 9)."""
ENTRY_NOT_SENT: Mapping[Moment, End] = {Moment.BEFORE_LEDGER: "closed alone", Moment.AFTER_LEDGER: "closed alone"}

TS: BrokerName = "tradestation"
TL: BrokerName = "tradelocker"
NONE: Writes = {TS: (), TL: ()}
BOUGHT: Writes = {TS: ("place buy 1 market",), TL: ("place buy 1 market",)}
BOUGHT_AT_LIMIT: Writes = {TS: ("place buy 1 limit",), TL: ("place buy 1 limit",)}
CLOSED: Writes = {TS: ("place sell 1 market",), TL: ("close sell 1 market",)}
CLOSED_HALF: Writes = {TS: ("place sell 0.5 market",), TL: ("close sell 0.5 market",)}
REVERSED: Writes = {broker: (*writes, "place sell 1 market") for broker, writes in CLOSED.items()}
REVERSAL: Mapping[End, Writes] = {"done": REVERSED, "closed alone": CLOSED}
HELD: Mapping[End, int] = {"done": 1, "not done": 1}


def only_at(broker: BrokerName, write: str) -> dict[End, Writes]:
    return {"done": {broker: (write,)}, "not done": {broker: ()}}


def at_both(write: str) -> dict[End, Writes]:
    return {"done": {TS: (write,), TL: (write,)}, "not done": NONE}


KINDS = (
    Kind("market", market, "entry", GIVEN_UP, {"done": BOUGHT, "not done": NONE}, {"done": 1}),
    Kind("limit with bracket", limit, "entry", GIVEN_UP, {"done": BOUGHT_AT_LIMIT, "not done": NONE}, {}),
    Kind("full close", full_close, "close", {}, {"done": CLOSED}, {}),
    Kind("partial close", partial_close, "close", {}, {"done": CLOSED_HALF}, {"done": Decimal("0.5")}),
    Kind("reversal's close", reversal, "close", ENTRY_TOO_LATE, REVERSAL, {"done": -1}),
    Kind("reversal's entry", reversal, "entry", ENTRY_NOT_SENT, REVERSAL, {"done": -1}),
    Kind("cancel", cancel, "other", NOT_REPEATED, at_both("cancel"), {}),
    Kind("replace", replace_order, "other", NOT_REPEATED, at_both("replace"), {}),
    Kind("group", group, "stop", NOT_REPEATED, only_at(TS, "place sell 1 stop, sell 1 limit"), HELD),
    Kind("position modify", modify, "stop", NOT_REPEATED, only_at(TL, "modify position"), HELD),
    Kind("cancel-all", cancel_all, "other", NOT_REPEATED, only_at(TL, "cancel all"), {}),
    Kind("close-all", close_all, "close", NOT_REPEATED, only_at(TL, "close all"), {"not done": 1}),
)
CASES = [(broker, kind) for kind in KINDS for broker in kind.writes["done"]]


# ---- the deaths


@pytest.mark.parametrize("step", STEPS)
def test_write_whose_worker_is_killed_is_done_once_or_not_at_all_with_a_reason(
    aws: LocalAws, workers: Workers, step: Moment
) -> None:
    def run(case: tuple[BrokerName, Kind]) -> list[str]:
        broker, kind = case
        return [f"{kind.name} at {broker}: {problem}" for problem in crash(aws, workers, kind, broker, step)]

    with ThreadPoolExecutor(CASES_AT_ONCE) as pool:
        problems = [problem for found in pool.map(run, CASES) for problem in found]

    assert problems == []


@pytest.mark.parametrize("broker", SEATS)
def test_worker_killed_before_it_has_planned_anything_leaves_the_alert_to_the_next(
    aws: LocalAws, workers: Workers, broker: BrokerName
) -> None:
    assert crash(aws, workers, KINDS[0], broker, Moment.BEFORE_PLAN) == []


@pytest.mark.parametrize("broker", SEATS)
def test_alert_that_has_grown_old_by_the_redelivery_is_not_traded(
    aws: LocalAws, workers: Workers, broker: BrokerName
) -> None:
    with new_site(aws, workers, SEATS[broker]) as site:
        job = market(site)
        site.put(job)
        site.kill_at(Stop(Moment.BEFORE_LEDGER, "entry"), job)
        site.pass_time(LATER_S)

        outcome = site.work(job)

        assert (outcome.status, outcome.code) == ("expired", "too_old"), outcome
        assert site.notices() == ["too_old"]
        assert site.booked().writes == ()


@pytest.mark.skipif(not LONG, reason="takes the 100 s of a lease and an asking; make race-long")
@pytest.mark.parametrize("step", [Moment.AFTER_LEDGER, Moment.AFTER_POST])
@pytest.mark.parametrize("broker", SEATS)
def test_killed_worker_is_made_good_for_by_the_machines_own_clock(
    aws: LocalAws, workers: Workers, broker: BrokerName, step: Moment
) -> None:
    assert crash(aws, workers, KINDS[0], broker, step, later_s=0) == []


def crash(
    aws: LocalAws, workers: Workers, kind: Kind, broker: BrokerName, step: Moment, later_s: int = LATER_S
) -> list[str]:
    """Run one case; give what is wrong with its end."""
    with new_site(aws, workers, SEATS[broker], entry_max_age_ms=MAX_AGE_MS) as site:
        job = kind.prepare(site)
        earlier = len(site.booked().writes)
        site.put(job)
        site.kill_at(Stop(step, kind.role), job)
        site.pass_time(later_s)
        outcome = site.work(job)
        return list(wrong(site, kind, kind.ends.get(step, "done"), outcome, earlier))


def wrong(site: Site, kind: Kind, end: End, outcome: Outcome, earlier: int) -> Iterator[str]:
    """Compare how a case ended with how it must end, by the broker's own records first."""
    booked, ledger, seat = site.booked(), site.ledger(), site.seat
    written = Counter(words(write, seat) for write in booked.writes[earlier:] if write.taken)
    wanted = Counter(kind.writes[end][seat.broker])
    for write in {write for writes in kind.writes.values() for write in writes[seat.broker]}:
        if written[write] != wanted[write]:
            yield f"{write}: {written[write]} in the broker's journal instead of {wanted[write]}"
    held = site.held() / seat.unit
    if held != kind.held.get(end, 0):
        yield f"{held} units are held, not {kind.held.get(end, 0)}"
    if (outcome.status == "ordered") != (end == "done") or not outcome.sentence:
        yield f"{end}, and the job says {outcome}"
    if end != "done" and outcome.code not in site.notices():
        yield f"nobody was told of {outcome.code}"
    yield from differences(seat.broker, writes_alone(told_of(seat.broker, ledger)), writes_alone(booked))


def words(write: Write, seat: Seat) -> str:
    """Say what a write asks for, quantities in units."""
    if write.kind not in ("place", "close"):
        return write.kind
    orders = (f"{order.side} {plain(order.quantity / seat.unit)} {order.type}" for order in write.orders.values())
    return f"{write.kind} {', '.join(orders)}"
