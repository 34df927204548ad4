"""What a write's outcome says is what the broker's book shows, for every kind of command under every fault."""

from dataclasses import dataclass, replace
from typing import get_args

import pytest

from orderbridge.brokers.port import (
    Absent,
    Accepted,
    Ambiguous,
    Done,
    Evidence,
    NotTaken,
    Outcome,
    Refused,
    Resolution,
    Unknown,
)
from orderbridge.commands import (
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.model import Side
from tests.contract.backend import Backend, Bench, Fault
from tests.contract.backends import BACKENDS, title
from tests.contract.cases import case
from tests.contract.kinds import KINDS, SETTLE_MS, Kind, evidence, limit, look, new_orders, set_up, unchanged

COMMAND_ID = "0123456789abcdef0123456789abcdef"
LOOKS_S = (1, 2, 4, 8, 15, 30, 60)
"""Seconds after the sending at which the broker is asked (TRADING.md rule 20)."""

EXPECTED: dict[Fault, tuple[type, ...]] = {
    Fault.CONNECTION_REFUSED: (NotTaken,),
    Fault.RESET_BEFORE: (Unknown,),
    Fault.REPLY_LOST: (Unknown,),
    Fault.TIMEOUT_AFTER: (Unknown,),
    Fault.TIMEOUT_BEFORE: (Unknown,),
    Fault.ERROR_BEFORE: (Unknown,),
    Fault.ERROR_AFTER: (Unknown,),
    Fault.GARBLED_AFTER: (Unknown,),
    Fault.RATE_JSON: (Refused, Unknown),
    Fault.RATE_EDGE: (NotTaken,),
    Fault.UNAUTHORIZED: (Accepted,),
    Fault.LOGIN_DEAD: (NotTaken,),
    Fault.ERROR_BODY: (Refused,),
}
"""A JSON 429 is a refusal where the broker is known to refuse before execution (TradeStation), else unknown."""
MOST_WRITES = {Fault.CONNECTION_REFUSED: 0, Fault.UNAUTHORIZED: 2, Fault.LOGIN_DEAD: 2}


@dataclass(frozen=True)
class Offer:
    """A kind of command that a backend's account offers."""

    backend: Backend
    kind: Kind

    def __str__(self) -> str:
        return f"{title(self.backend)}-{self.kind.name}"


OFFERS = tuple(
    Offer(backend, kind) for backend in BACKENDS for kind in KINDS if kind.offered(backend.open().broker.capabilities)
)
PLACING = tuple(offer for offer in OFFERS if offer.kind.places)


def resolved(bench: Bench, command: Command, known: Evidence) -> Resolution:
    """Ask as the executor does, until there is an answer."""
    resolution: Resolution = Absent()
    for seconds in LOOKS_S:
        bench.advance(max(0, known.sent_at_ms + seconds * 1000 - bench.now_ms()))
        resolution = bench.broker.resolve(command, COMMAND_ID, known, look(bench, known.sent_at_ms - 3_600_000))
        if not isinstance(resolution, Absent):
            return resolution
    return resolution


def send(bench: Bench, command: Command) -> Outcome:
    return bench.broker.send(command, COMMAND_ID, bench.deadline())


@case("BC-001")
@pytest.mark.parametrize("offer", OFFERS, ids=str)
def test_command_without_a_fault_is_carried_out_once(offer: Offer) -> None:
    kind, bench = offer.kind, offer.backend.open()
    command = kind.arrange(bench)
    before, sent_before = bench.book(), bench.writes()
    outcome = send(bench, command)
    bench.advance(SETTLE_MS)
    assert isinstance(outcome, Accepted), outcome
    assert kind.done(bench, command, before, bench.book())
    assert bench.writes() == sent_before + 1
    if kind.places:
        after = bench.book()
        assert all(after.order(placed.order_id) is not None for placed in outcome.orders if placed.leg == "order")


@case("BC-002", "BC-003", "BC-004")
@pytest.mark.parametrize("fault", EXPECTED, ids=str)
@pytest.mark.parametrize("offer", OFFERS, ids=str)
def test_command_under_a_fault_says_no_more_than_the_book_shows(offer: Offer, fault: Fault) -> None:
    kind, bench = offer.kind, offer.backend.open()
    command = kind.arrange(bench)
    known = evidence(bench)
    before, sent_before = bench.book(), bench.writes()

    bench.fault(fault)
    outcome = send(bench, command)

    bench.advance(SETTLE_MS)
    after = bench.book()
    done = kind.done(bench, command, before, after)
    assert done or unchanged(before, after)
    assert isinstance(outcome, EXPECTED[fault]), outcome
    assert bench.writes() - sent_before <= MOST_WRITES.get(fault, 1)
    match outcome:
        case Accepted():
            assert done
        case Refused() | NotTaken():
            assert not done
        case Unknown():
            assert done == fault.booked
            resolution = resolved(bench, command, known)
            assert not isinstance(resolution, Ambiguous)
            assert isinstance(resolution, Done) == done, resolution
            if isinstance(resolution, Done) and kind.places:
                ids = [placed.order_id for placed in resolution.orders]
                assert ids
                assert all(placed.refused is None for placed in resolution.orders)
                assert {order_id for order_id in ids if after.order(order_id) is None} == set()


@case("BC-005")
@pytest.mark.parametrize("offer", OFFERS, ids=str)
def test_refused_command_has_a_reason_and_leaves_the_book_alone(offer: Offer) -> None:
    kind, bench = offer.kind, offer.backend.open()
    command = kind.arrange(bench)
    before = bench.book()
    bench.fault(Fault.ERROR_BODY)
    outcome = send(bench, command)
    bench.advance(SETTLE_MS)
    assert isinstance(outcome, Refused)
    assert outcome.message
    assert unchanged(before, bench.book())


@case("BC-006")
@pytest.mark.parametrize("offer", PLACING, ids=str)
def test_order_rejected_later_shows_as_rejected(offer: Offer) -> None:
    kind, bench = offer.kind, offer.backend.open()
    command = kind.arrange(bench)
    known = evidence(bench)
    bench.fault(Fault.REJECTED_LATER)
    outcome = send(bench, command)
    bench.advance(SETTLE_MS)
    assert isinstance(outcome, Accepted)
    orders = {order.id: order for order in look(bench, known.sent_at_ms).orders}
    first = orders[outcome.orders[0].order_id]
    assert first.status.value == "rejected"
    assert first.filled_quantity == 0


@case("BC-009")
@pytest.mark.parametrize("offer", OFFERS, ids=str)
def test_command_with_a_lapsed_token_is_carried_out_once(offer: Offer) -> None:
    kind, bench = offer.kind, offer.backend.open()
    command = kind.arrange(bench)
    before = bench.book()
    bench.expire_token()
    outcome = send(bench, command)
    bench.advance(SETTLE_MS)
    assert isinstance(outcome, Accepted), outcome
    assert kind.done(bench, command, before, bench.book())


@case("BC-007")
@pytest.mark.parametrize("offer", PLACING, ids=str)
def test_lost_order_that_shows_late_is_found_when_it_shows(offer: Offer) -> None:
    kind, bench = offer.kind, offer.backend.open()
    command = kind.arrange(bench)
    known = evidence(bench)
    bench.hide_from_reads(9_000)
    bench.fault(Fault.REPLY_LOST)
    assert isinstance(send(bench, command), Unknown)
    bench.advance(1_000)
    early = bench.broker.resolve(command, COMMAND_ID, known, look(bench))
    assert isinstance(early, Absent)
    assert isinstance(resolved(bench, command, known), Done)


@case("BC-008")
@pytest.mark.parametrize("claim", [False, True], ids=["there_before", "of_another_command"])
@pytest.mark.parametrize("offer", [offer for offer in PLACING if offer.kind.repeatable], ids=str)
def test_order_that_is_not_ours_is_never_taken_for_a_lost_one(offer: Offer, claim: bool) -> None:
    kind, bench = offer.kind, offer.backend.open()
    command = kind.arrange(bench)
    sent_at_ms = bench.now_ms()
    other = bench.broker.send(command, "f" * 32, bench.deadline())
    assert isinstance(other, Accepted)
    bench.advance(SETTLE_MS)
    known = evidence(bench)
    if claim:
        known = Evidence(sent_at_ms, claimed_ids=known.order_ids, quantities=known.quantities)
    bench.fault(Fault.RESET_BEFORE)
    assert isinstance(send(bench, command), Unknown)
    assert isinstance(resolved(bench, command, known), Absent)


def _decoys(bench: Bench) -> tuple[Command, ...]:
    """Orders that differ from a limit buy one distance below the price in one thing each."""
    wanted = limit(bench)
    return (
        replace(wanted, limit_price=bench.price - 2 * bench.distance),
        replace(wanted, side=Side.SELL, limit_price=bench.price + bench.distance),
        replace(wanted, quantity=bench.unit / 2),
    )


@case("BC-008")
@pytest.mark.parametrize("arrived", [False, True], ids=["never_arrived", "arrived"])
def test_orders_that_differ_in_one_thing_are_not_taken_for_the_lost_one(backend: Backend, arrived: bool) -> None:
    bench = backend.open()
    known = evidence(bench)
    for number, decoy in enumerate(_decoys(bench)):
        set_up(bench, decoy, str(number))
    command = limit(bench)
    before = bench.book()
    bench.fault(Fault.REPLY_LOST if arrived else Fault.RESET_BEFORE)
    assert isinstance(send(bench, command), Unknown)
    resolution = resolved(bench, command, known)
    if not arrived:
        assert isinstance(resolution, Absent)
        return
    assert isinstance(resolution, Done)
    assert [placed.order_id for placed in resolution.orders] == [o.id for o in new_orders(before, bench.book())]


def test_every_fault_has_its_expected_outcome() -> None:
    assert set(EXPECTED) | {Fault.REJECTED_LATER} == set(Fault)


def test_every_command_that_an_account_offers_has_a_kind(backend: Backend) -> None:
    capabilities = backend.open().broker.capabilities
    offers = {
        Place: True,
        Cancel: True,
        PlaceGroup: capabilities.groups,
        Replace: capabilities.replace,
        CancelAll: capabilities.cancel_all,
        ClosePosition: capabilities.close_by_id,
        CloseAll: capabilities.close_all,
        ModifyPosition: capabilities.position_bracket,
    }
    tried = {type(kind.arrange(backend.open())) for kind in KINDS if kind.offered(capabilities)}
    assert set(offers) == set(get_args(Command))
    assert tried == {command for command, offered_ in offers.items() if offered_}
