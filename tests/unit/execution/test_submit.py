"""Sending one command through the ledger: what is written before, what each answer makes of it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.port import Accepted, Evidence, NotTaken, PlacedOrder, Refused, Unknown
from orderbridge.commands import Cancel, ClosePosition, Command, ModifyPosition, Place, PlaceGroup, Replace
from orderbridge.errors import BrokerUnavailableError, LoginLostError
from orderbridge.execution.ports import Gates, Stopped
from orderbridge.execution.records import CommandRecord, CommandStatus, LaneState, Lost, Pending
from orderbridge.execution.session import LaneSession
from orderbridge.execution.submit import (
    ATTEMPTS,
    LATE_MS,
    MAX_RETRY_PAUSE_S,
    SEND_LIMIT_MS,
    WRITE_S,
    await_close,
    gates_of,
    submit,
    track,
)
from orderbridge.model import OrderStatus, PositionMode
from tests.unit.execution.cases import (
    BUY,
    EURUSD,
    LIMIT,
    MES,
    NOW_MS,
    SELL,
    STOP,
    STRATEGY,
    TRADELOCKER,
    book,
    d,
    look,
    of,
    order,
    place,
    position,
    record,
    tracked,
)
from tests.unit.execution.scripted import Scripted

ENTRY = place(BUY, 2)


@pytest.fixture
def world() -> Scripted:
    return Scripted()


def send(
    world: Scripted, lane: LaneSession, command: Command = ENTRY, role: Any = "entry", not_after_ms: int | None = None
) -> CommandRecord:
    planned = world.planned(lane, command, role)
    given = submit(lane, planned, gates_of(lane, "s", command), not_after_ms)
    assert lane.store.command(lane.fence.lane, planned.command_id) == given, "the ledger holds what is given"
    return given


# ---- what is known before, and what an accepted command leaves


def test_accepted_entry_is_followed_and_nothing_is_pending(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.answers = [Accepted((PlacedOrder("o1", "order"),), "thanks")]
        given = send(world, lane)

        assert (given.status, given.code, given.message) == (CommandStatus.ACCEPTED, "accepted", "thanks")
        assert (given.attempt, given.sent_at_ms, given.changed_at_ms) == (1, NOW_MS, NOW_MS)
        assert given.send_by_ms == NOW_MS + SEND_LIMIT_MS
        assert world.broker.sent == [ENTRY]
        assert world.broker.command_ids == [given.command_id]
        assert lane.state.pending == ()
        (followed,) = lane.state.book("s", "MES").tracked
        assert (followed.order_id, followed.role, followed.quantity, followed.side) == ("o1", "entry", d(2), BUY)
        assert (followed.placed_at_ms, followed.job_id, followed.symbol) == (NOW_MS, "job", MES)
        assert followed.command_id == given.command_id
        assert lane.wrote
    assert world.state() == lane.state


def test_evidence_is_what_the_root_had_before_the_sending(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.show(order("mine"), order("other", symbol="MNQZ26"))
        world.broker.held = {"a": position(1, "a"), "b": position(-2, "b"), "c": position(5, "c", symbol="MNQZ26")}
        lane.see()
        lane.state = of(book(0, tracked("t1", "stop"), strategy="s"), book(0, tracked("t2", "stop"), strategy="z"))

        given = send(world, lane)

    assert given.evidence == Evidence(NOW_MS, ("mine",), {"a": d(1), "b": d(-2)}, ("t1", "t2"))


def test_evidence_of_a_command_without_a_symbol_is_the_whole_account(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.show(order("mine"), order("other", symbol="MNQZ26"))
        world.broker.held = {"c": position(5, "c", symbol="MNQZ26")}
        lane.see()
        group = PlaceGroup("brk", (place(SELL, 1, "close"),))

        given = send(world, lane, group, "stop")

    assert given.evidence == Evidence(NOW_MS, ("mine", "other"), {"c": d(5)})


def test_evidence_without_a_look_is_the_moment_alone(world: Scripted) -> None:
    with world.session() as lane:
        assert send(world, lane).evidence == Evidence(NOW_MS)


# ---- what keeps a command from being sent


@pytest.mark.parametrize(("not_after_ms", "sends"), [(NOW_MS, False), (NOW_MS - 1, False), (NOW_MS + 1, True)])
def test_stale_entry_is_not_sent(world: Scripted, not_after_ms: int, sends: bool) -> None:
    with world.session() as lane:
        given = send(world, lane, not_after_ms=not_after_ms)

    assert (world.broker.sent == [ENTRY]) is sends
    if not sends:
        assert (given.status, given.code, given.sent_at_ms) == (CommandStatus.EXPIRED, "expired", 0)
        assert "too old" in given.message
        assert given.changed_at_ms == NOW_MS


class Stopping:
    """The ledger with a shut gate."""

    def __init__(self, store: Any, by: Any) -> None:
        self._store = store
        self._by = by
        self.asked: list[Gates] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def begin(self, fence: Any, record: Any, state: Any, gates: Gates) -> Stopped:
        self.asked.append(gates)
        return Stopped(self._by)


@pytest.mark.parametrize(
    ("by", "why"),
    [
        ("halted", "trading is halted"),
        ("gate", "an earlier order of this account and symbol is not resolved yet"),
        ("live", "live trading of this account is not confirmed"),
        ("state", "the command has been taken up already"),
    ],
)
def test_shut_gate_is_told_with_its_reason(world: Scripted, by: str, why: str) -> None:
    with world.session() as lane:
        stopping = Stopping(lane.store, by)
        lane.store = stopping
        given = send(world, lane)

        assert (given.status, given.code, given.message) == (CommandStatus.HALTED, by, why)
        assert world.broker.sent == []
        assert lane.state.pending == ()
        assert not lane.wrote


def test_gates_name_account_strategy_and_what_the_command_does(world: Scripted) -> None:
    with world.session() as lane:
        assert gates_of(lane, "panel:anna#0123", ENTRY) == Gates("acct", "panel:anna", True, False)
        assert gates_of(lane, "s", place(SELL, effect="close")) == Gates("acct", "s", False, False)
        lane.account = replace(lane.account, environment="live")
        assert gates_of(lane, "s", ENTRY).live


class Slow:
    """The ledger whose writing takes its time."""

    def __init__(self, store: Any, sleep: Any) -> None:
        self._store = store
        self._sleep = sleep

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def begin(self, *args: Any) -> Any:
        begun = self._store.begin(*args)
        self._sleep()
        return begun


@pytest.mark.parametrize(("ms", "sends"), [(LATE_MS, True), (LATE_MS + 1, False)])
def test_sender_that_was_held_up_does_not_send_any_more(world: Scripted, ms: int, sends: bool) -> None:
    with world.session() as lane:
        lane.store = Slow(lane.store, lambda: world.script.advance(ms))
        given = send(world, lane)

    assert (world.broker.sent == [ENTRY]) is sends
    assert (given.status is CommandStatus.UNKNOWN) is not sends


@pytest.mark.parametrize(("left_s", "limit_s"), [(55.0, WRITE_S), (8.0, 8.0)])
def test_write_ends_with_its_limit_or_with_the_workers_time(world: Scripted, left_s: float, limit_s: float) -> None:
    with world.session(left_s) as lane:
        send(world, lane)

    assert world.broker.limits_s == [limit_s]


# ---- what the answers make of it


def test_refusal_is_kept_in_the_brokers_words(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.answers = [Refused("funds", "not enough buying power")]
        given = send(world, lane)

        assert (given.status, given.code, given.message) == (
            CommandStatus.REFUSED,
            "funds",
            "not enough buying power",
        )
        assert lane.state == LaneState()


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [(Unknown("time-out"), "unknown", "time-out"), (Refused("duplicate", "seen"), "duplicate", "seen")],
)
def test_command_whose_outcome_is_not_known_stays_pending(
    world: Scripted, answer: Any, code: str, message: str
) -> None:
    with world.session() as lane:
        world.broker.answers = [answer]
        given = send(world, lane, place(SELL, 3))

        assert (given.status, given.code, given.message) == (CommandStatus.UNKNOWN, code, message)
        assert lane.state.pending == (Pending(given.command_id, "job", "s", "MES", "entry", d(-3), since_ms=NOW_MS),)
        assert world.broker.sent == [place(SELL, 3)]


def test_pending_close_adds_nothing_to_what_is_held(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.answers = [Unknown("reset")]
        send(world, lane, place(SELL, 3, "close"), "close")

        assert [(one.role, one.signed_quantity) for one in lane.state.pending] == [("close", d(0))]


def test_command_that_was_not_taken_is_sent_again_under_the_same_id(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.answers = [NotTaken("not_connected"), NotTaken("edge_limited", 1_500)]
        given = send(world, lane)

    assert (given.status, given.attempt) == (CommandStatus.ACCEPTED, 3)
    assert world.broker.sent == [ENTRY] * 3
    assert len(set(world.broker.command_ids)) == 1
    assert given.sent_at_ms == NOW_MS + 200 + 1_500, "after the least pause, and after the one that was asked for"


def test_command_that_is_never_taken_is_refused_after_three_sendings(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.answers = [NotTaken("unauthorized")] * ATTEMPTS
        given = send(world, lane)

        assert (given.status, given.code, given.attempt) == (CommandStatus.REFUSED, "unauthorized", ATTEMPTS)
        assert "did not take" in given.message
        assert lane.state.pending == ()
    assert len(world.broker.sent) == ATTEMPTS == 3


@pytest.mark.parametrize(
    ("error", "code"),
    [(LoginLostError("gone"), "unauthorized"), (BrokerUnavailableError("look-up failed"), "not_connected")],
)
def test_failure_before_the_write_is_not_taken(world: Scripted, error: Any, code: str) -> None:
    with world.session() as lane:
        world.broker.answers = [error] * ATTEMPTS
        given = send(world, lane)

    assert (given.status, given.code) == (CommandStatus.REFUSED, code)


def test_pause_before_another_sending_has_its_limit(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.answers = [NotTaken("edge_limited", 60_000)]
        given = send(world, lane)

    assert given.sent_at_ms == NOW_MS + MAX_RETRY_PAUSE_S * 1000


@pytest.mark.parametrize(("left_s", "again"), [(3.0, True), (2.99, False)])
def test_command_is_not_sent_again_without_time_for_it(world: Scripted, left_s: float, again: bool) -> None:
    with world.session(left_s) as lane:
        world.broker.answers = [NotTaken("edge_limited", 2_000)]
        given = send(world, lane)

    assert len(world.broker.sent) == (2 if again else 1)
    if not again:
        assert (given.status, given.code) == (CommandStatus.REFUSED, "not_taken")
        assert "in time" in given.message


def test_entry_that_grows_stale_between_two_sendings_is_not_sent_again(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.answers = [NotTaken("edge_limited", 2_000)]
        given = send(world, lane, not_after_ms=NOW_MS + 1_000)

    assert given.status is CommandStatus.EXPIRED
    assert len(world.broker.sent) == 1


# ---- what is followed


def placed(*legs: Any) -> tuple[PlacedOrder, ...]:
    return tuple(PlacedOrder(name, leg, *rest) for name, leg, *rest in legs)


def followed(state: LaneState) -> list[tuple[str, str, str, Decimal]]:
    (owning,) = state.books
    return [(one.order_id, one.role, str(one.side), one.quantity) for one in owning.tracked]


def test_entry_is_followed_with_its_legs() -> None:
    entry = record(ENTRY, "entry", orders=placed(("o", "order"), ("st", "stop_loss"), ("tp", "take_profit")))

    state = track(of(), entry)

    assert followed(state) == [
        ("o", "entry", "buy", d(2)),
        ("st", "stop", "sell", d(2)),
        ("tp", "target", "sell", d(2)),
    ]
    assert state.books[0].strategy == STRATEGY
    assert state.books[0].root == "MES"


def test_group_is_followed_child_by_child() -> None:
    children = (
        Place(MES, SELL, d(2), "close", STOP),
        Place(MES, SELL, d(1), "close", LIMIT),
        Place(MES, BUY, d(3), "open", LIMIT),
    )
    group = record(PlaceGroup("oco", children), "stop", orders=placed(*((f"c{n}", "child", n) for n in range(3))))

    assert followed(track(of(), group)) == [
        ("c0", "stop", "sell", d(2)),
        ("c1", "target", "sell", d(1)),
        ("c2", "entry", "buy", d(3)),
    ]


def test_orders_that_were_refused_or_have_no_name_are_not_followed() -> None:
    orders = (PlacedOrder("o", "order"), PlacedOrder("st", "stop_loss", 0, "no stops"), PlacedOrder("", "take_profit"))

    assert followed(track(of(), record(ENTRY, "entry", orders=orders))) == [("o", "entry", "buy", d(2))]


def test_close_by_id_is_followed_by_what_it_closes() -> None:
    full = record(ClosePosition("p", EURUSD, BUY, d(3)), orders=placed(("o", "order")))
    part = record(ClosePosition("p", EURUSD, SELL, d(3), d(1)), orders=placed(("o", "order")))

    assert followed(track(of(), full)) == [("o", "close", "sell", d(3))]
    assert followed(track(of(), part)) == [("o", "close", "buy", d(1))]


def test_order_that_is_followed_already_is_not_followed_twice() -> None:
    entry = record(ENTRY, "entry", orders=placed(("o", "order"), ("new", "stop_loss")))
    state = of(book(0, tracked("o", "entry", 9)))

    assert followed(track(state, entry)) == [("o", "entry", "buy", d(9)), ("new", "stop", "sell", d(2))]


def test_command_that_makes_no_order_leaves_no_book() -> None:
    change = record(ModifyPosition("p", EURUSD, stop_loss=d(1)), "stop", orders=placed(("p", "order")))

    assert track(of(), change) == of()
    assert track(of(), record(ENTRY, "entry")) == of()


def test_changed_order_is_followed_under_its_new_name_and_quantity() -> None:
    state = of(book(2, tracked("a", "stop", 2), tracked("b", "target", 2)))

    def changed(quantity: int | None, *orders: Any) -> list[tuple[str, str, str, Decimal]]:
        part = None if quantity is None else d(quantity)
        return followed(track(state, record(Replace("a", MES, quantity=part), "other", orders=placed(*orders))))

    other = ("b", "target", "sell", d(2))
    assert changed(1) == [("a", "stop", "sell", d(1)), other]
    assert changed(None) == [("a", "stop", "sell", d(2)), other]
    assert changed(1, ("a2", "order")) == [("a2", "stop", "sell", d(1)), other]


@pytest.mark.parametrize(
    ("fields", "claims"),
    [
        ({}, ()),
        ({"lost": (Lost("c", "s", "MES", NOW_MS),)}, ("x", "o")),
        ({"pending": (Pending("other", "j", "s", "MES", "entry"),)}, ("x", "o")),
        ({"pending": (Pending("c1", "j", "s", "MES", "entry"),)}, ()),
    ],
)
def test_orders_are_claimed_while_another_is_looked_for(fields: dict[str, Any], claims: tuple[str, ...]) -> None:
    kept = ("x",) if claims else ()
    entry = record(ENTRY, "entry", orders=(*placed(("o", "order"), ("x", "stop_loss")), PlacedOrder("", "child")))

    assert track(of(claimed=kept, **fields), entry).claimed == claims


def test_order_whose_cancel_was_taken_is_leaving() -> None:
    state = of(book(2, tracked("a", "stop"), tracked("b", "target")))

    left = track(state, record(Cancel("a", MES), "other"))

    assert left == of(book(2, tracked("a", "stop", leaving=True), tracked("b", "target")))
    assert track(state, record(Cancel("x", MES), "other")) == state


# ---- closes whose answer names no order


def closing(quantity: int | None = None, expected: int = 5, **fields: Any) -> CommandRecord:
    part = None if quantity is None else d(quantity)
    return record(ClosePosition("p1", MES, BUY, d(expected), part), **fields)


def awaited(given: CommandRecord, *shown: Any, owned: int = 2, mode: PositionMode = PositionMode.NETTING) -> LaneState:
    world = Scripted(capabilities=TRADELOCKER, mode=mode)
    with world.session() as lane:
        lane.look = look(*shown)
        return await_close(lane, of(book(owned)), given)


def test_close_of_a_larger_netted_position_is_followed_without_a_name() -> None:
    before = Evidence(NOW_MS, ("old", "odd"))
    alike: dict[str, Any] = {"position_id": "p1", "quantity": 2}
    shown = (
        order("old", **alike),
        order("new", **alike),
        order("odd", position_id="p1", quantity=3),
        order("far", quantity=2),
    )

    state = awaited(closing(2, evidence=before), *shown)

    (followed_,) = state.books[0].tracked
    assert followed_.nameless
    assert (followed_.role, followed_.side, followed_.quantity, followed_.symbol) == ("close", SELL, d(2), MES)
    assert (followed_.position_id, followed_.placed_at_ms) == ("p1", NOW_MS - 500)
    assert (followed_.job_id, followed_.command_id) == ("job", "c1")
    assert followed_.lookalikes == ("old",)
    assert (followed_.seen, followed_.status) == (False, OrderStatus.PLACING)


@pytest.mark.parametrize("owned", [2, 5])
def test_full_close_is_followed_by_what_was_expected(owned: int) -> None:
    (followed_,) = awaited(closing(), owned=owned).books[0].tracked

    assert (followed_.quantity, followed_.lookalikes) == (d(5), ())


@pytest.mark.parametrize(
    "unneeded",
    [
        {"given": closing(orders=(PlacedOrder("o", "order"),))},
        {"given": closing(1, expected=2)},
        {"given": closing(1), "owned": -5},
        {"given": record(place(SELL, effect="close"))},
        {"given": closing(), "mode": PositionMode.HEDGING},
    ],
)
def test_close_that_the_position_or_its_name_tells_is_not_followed_so(unneeded: dict[str, Any]) -> None:
    state = awaited(**unneeded)

    assert state.books[0].tracked == ()


def test_close_without_a_look_is_not_followed_so() -> None:
    with Scripted(capabilities=TRADELOCKER).session() as lane:
        assert await_close(lane, of(book(2)), closing()) == of(book(2))
