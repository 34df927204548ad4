"""Cases that only TradeLocker has, against the simulated one in virtual time."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from allpairspy import AllPairs  # type: ignore[import-untyped]

from orderbridge.brokers.port import (
    Absent,
    Accepted,
    Ambiguous,
    Done,
    Evidence,
    Look,
    NotTaken,
    Outcome,
    Refused,
    Resolution,
    Unknown,
)
from orderbridge.commands import (
    Bracket,
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    Replace,
)
from orderbridge.errors import AmbiguousSymbolError, LoginLostError, ReadRefusedError, UnknownSymbolError
from orderbridge.model import Duration, OrderStatus, OrderType, Position, PositionMode, Side
from tests.contract.backend import Fault
from tests.contract.tradelocker import START_MS, Seat, TradeLockerBackend, TradeLockerBench, control

LATEST_MS = 20_000
"""The simulator's longest lateness (visibility and history together), and some."""
NETTING = Seat(account_id="1182", account_number="3", mode=PositionMode.NETTING)
SWITCHES: Mapping[str, tuple[Any, ...]] = TradeLockerBackend().switches
VALUES = [(name, value) for name, values in SWITCHES.items() for value in values[1:]]
PAIRS = [dict(zip(SWITCHES, row, strict=True)) for row in AllPairs(list(SWITCHES.values()))]


def _id(number: int) -> str:
    return f"{number:032x}"


def _look(bench: TradeLockerBench, since_ms: int = START_MS) -> Look:
    requested = bench.now_ms()
    positions = bench.broker.positions(bench.deadline())
    return Look(positions, bench.broker.orders(bench.deadline(), since_ms), requested, since_ms)


def _send(bench: TradeLockerBench, command: Command, number: int = 1) -> Outcome:
    return bench.broker.send(command, _id(number), bench.deadline())


def _accepted(bench: TradeLockerBench, command: Command, number: int) -> str:
    outcome = _send(bench, command, number)
    assert isinstance(outcome, Accepted), outcome
    return outcome.orders[0].order_id if outcome.orders else ""


def _entry(bench: TradeLockerBench, **changes: Any) -> Place:
    values: dict[str, Any] = {
        "symbol": bench.symbol, "side": Side.BUY, "quantity": bench.unit, "effect": "open", "duration": Duration.GTC,
        "bracket": Bracket(bench.price - bench.distance, take_profit=bench.price + bench.distance),
    }  # fmt: skip
    return Place(**{**values, **changes})


def _held(bench: TradeLockerBench, number: int = 1) -> Position:
    """Open a position and wait until it shows."""
    _accepted(bench, _entry(bench), number)
    bench.advance(LATEST_MS)
    (position,) = bench.broker.positions(bench.deadline())
    return position


def _evidence(bench: TradeLockerBench, look: Look) -> Evidence:
    return Evidence(
        sent_at_ms=bench.now_ms(),
        order_ids=tuple(order.id for order in look.orders),
        quantities={position.id: position.signed for position in look.positions},
    )


def _settled(bench: TradeLockerBench, command: Command, number: int, evidence: Evidence) -> Resolution:
    """Ask as the executor does: after 1, 2, 4, 8, 15 and 30 seconds, until there is an answer."""
    resolution: Resolution = Absent()
    for seconds in (1, 2, 4, 8, 15, 30):
        bench.advance(seconds * 1000)
        resolution = bench.broker.resolve(command, _id(number), evidence, _look(bench))
        if not isinstance(resolution, Absent):
            break
    return resolution


# ---- every switch


def _live_a_trading_day(bench: TradeLockerBench) -> None:
    """Enter with a bracket, move the stop, close a part; place, change and cancel a limit; close the rest."""
    position = _held(bench)
    look = _look(bench)
    (book,) = bench.book().positions
    assert (position.id, position.signed) == (book.id, book.signed)
    legs = {order.id: order for order in look.orders if order.parent_id == position.id}
    assert legs[position.stop_loss_id or ""].stop_price == book.stop_loss == bench.price - bench.distance
    assert legs[position.take_profit_id or ""].limit_price == book.take_profit == bench.price + bench.distance
    opened = next(order for order in look.orders if order.id not in legs)
    assert (opened.status, opened.position_id, opened.effect) == (OrderStatus.FILLED, position.id, "open")

    higher = bench.price - bench.distance / 2
    moved = ModifyPosition(position.id, bench.symbol, stop_loss=higher, remove_take_profit=True)
    evidence = _evidence(bench, look)
    assert _accepted(bench, moved, 2) == ""
    assert _settled(bench, moved, 2, evidence) == Done()
    assert [(one.stop_loss, one.take_profit) for one in bench.book().positions] == [(higher, None)]

    part = ClosePosition(position.id, bench.symbol, Side.BUY, bench.unit, bench.unit / 2)
    evidence = _evidence(bench, _look(bench))
    assert _accepted(bench, part, 3) == ""
    closed = _settled(bench, part, 3, evidence)
    assert isinstance(closed, Done)
    assert bench.book().held(bench.symbol) == bench.unit / 2

    waiting = _entry(bench, order_type=OrderType.LIMIT, limit_price=bench.price - bench.distance, bracket=None)
    limit_id = _accepted(bench, waiting, 4)
    lower = Replace(limit_id, bench.symbol, limit_price=bench.price - 2 * bench.distance, quantity=bench.unit * 2)
    evidence = _evidence(bench, _look(bench))
    assert _accepted(bench, lower, 5) == limit_id
    assert isinstance(_settled(bench, lower, 5, evidence), Done)
    cancel = Cancel(limit_id, bench.symbol)
    assert _accepted(bench, cancel, 6) == limit_id
    assert isinstance(_settled(bench, cancel, 6, evidence), Done)

    whole = ClosePosition(position.id, bench.symbol, Side.BUY, bench.unit / 2)
    evidence = _evidence(bench, _look(bench))
    _accepted(bench, whole, 7)
    assert _settled(bench, whole, 7, evidence) == Done()
    assert bench.book().positions == ()
    bench.advance(LATEST_MS)
    assert all(order.status.final for order in _look(bench).orders)


def test_trading_day_under_the_usual_switches() -> None:
    _live_a_trading_day(TradeLockerBench())


@pytest.mark.parametrize(("name", "value"), VALUES)
def test_trading_day_under_each_switch(name: str, value: object) -> None:
    _live_a_trading_day(TradeLockerBench({name: value}))


@pytest.mark.parametrize("switches", PAIRS, ids=range(len(PAIRS)))
def test_trading_day_under_switches_in_pairs(switches: Mapping[str, object]) -> None:
    _live_a_trading_day(TradeLockerBench(switches))


# ---- every write under every fault


class Case:
    """One kind of write: what must be there before it, the command, and whether the book shows its effect."""

    def __init__(self, bench: TradeLockerBench) -> None:
        self.bench = bench

    def command(self) -> Command:
        raise NotImplementedError

    def applied(self) -> int:
        """Count how often the book shows the command's effect."""
        raise NotImplementedError


class MarketOrder(Case):
    def command(self) -> Command:
        return _entry(self.bench)

    def applied(self) -> int:
        return len(self.bench.book().positions)


class LimitOrder(Case):
    def command(self) -> Command:
        return _entry(self.bench, order_type=OrderType.LIMIT, limit_price=self.bench.price - self.bench.distance / 2)

    def applied(self) -> int:
        return sum(order.state == "working" for order in self.bench.book().orders)


class WithLimitOrder(Case):
    def __init__(self, bench: TradeLockerBench) -> None:
        super().__init__(bench)
        price = bench.price - bench.distance
        self.order_id = _accepted(bench, _entry(bench, order_type=OrderType.LIMIT, limit_price=price, bracket=None), 90)

    def _order(self) -> Any:
        return self.bench.book().order(self.order_id)


class ReplaceOrder(WithLimitOrder):
    def command(self) -> Command:
        return Replace(self.order_id, self.bench.symbol, limit_price=self.bench.price - 2 * self.bench.distance)

    def applied(self) -> int:
        return int(self._order().limit_price == self.bench.price - 2 * self.bench.distance)


class CancelOrder(WithLimitOrder):
    def command(self) -> Command:
        return Cancel(self.order_id, self.bench.symbol)

    def applied(self) -> int:
        return int(self._order().state == "cancelled")


class CancelEverything(WithLimitOrder):
    def command(self) -> Command:
        return CancelAll()

    def applied(self) -> int:
        return int(self._order().state == "cancelled")


class WithPosition(Case):
    def __init__(self, bench: TradeLockerBench) -> None:
        super().__init__(bench)
        self.position = _held(bench, 90)


class PartialClose(WithPosition):
    def command(self) -> Command:
        quantity = self.bench.unit / 10
        return ClosePosition(self.position.id, self.bench.symbol, Side.BUY, self.position.quantity, quantity)

    def applied(self) -> int:
        return int((self.bench.unit - self.bench.book().held(self.bench.symbol)) / (self.bench.unit / 10))


class WholeClose(WithPosition):
    def command(self) -> Command:
        return ClosePosition(self.position.id, self.bench.symbol, Side.BUY, self.position.quantity)

    def applied(self) -> int:
        return int(not self.bench.book().positions)


class CloseEverything(WithPosition):
    def command(self) -> Command:
        return CloseAll(self.bench.symbol)

    def applied(self) -> int:
        return int(not self.bench.book().positions)


class MoveStop(WithPosition):
    def command(self) -> Command:
        return ModifyPosition(self.position.id, self.bench.symbol, stop_loss=self.bench.price - self.bench.distance / 2)

    def applied(self) -> int:
        (position,) = self.bench.book().positions
        return int(position.stop_loss == self.bench.price - self.bench.distance / 2)


KINDS = (
    MarketOrder, LimitOrder, ReplaceOrder, CancelOrder, CancelEverything,
    PartialClose, WholeClose, CloseEverything, MoveStop,
)  # fmt: skip
UNKNOWN_FAULTS = (
    Fault.RESET_BEFORE, Fault.REPLY_LOST, Fault.TIMEOUT_AFTER, Fault.TIMEOUT_BEFORE, Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER, Fault.GARBLED_AFTER, Fault.RATE_JSON,
)  # fmt: skip
LATENESS: tuple[Mapping[str, object], ...] = (
    {},
    {"visibility_lag_ms": 5000},
    {"history_lag_ms": 10_000, "closing_row_strategy_id": "copied", "bracket_row_strategy_id": "copied"},
    {"write_reply": "204", "column_order": "shuffled", "extra_columns": "some"},
)


@pytest.mark.parametrize("switches", LATENESS, ids=["usual", "late", "late-history-copied-labels", "204-shuffled"])
@pytest.mark.parametrize("fault", UNKNOWN_FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_write_without_a_clear_answer_is_found_out_and_never_sent_again(
    kind: type[Case], fault: Fault, switches: Mapping[str, object]
) -> None:
    bench = TradeLockerBench(switches)
    case = kind(bench)
    bench.advance(LATEST_MS)
    command, evidence, before = case.command(), _evidence(bench, _look(bench)), bench.writes()
    bench.fault(fault)

    outcome = _send(bench, command)

    assert isinstance(outcome, Unknown), outcome
    resolution = _settled(bench, command, 1, evidence)
    assert isinstance(resolution, Done if fault.booked else Absent), resolution
    assert case.applied() == int(fault.booked)
    assert bench.writes() - before == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault.CONNECTION_REFUSED, NotTaken("not_connected")),
        (Fault.RATE_EDGE, NotTaken("edge_limited", 15_000)),
        (Fault.LOGIN_DEAD, NotTaken("unauthorized")),
        (Fault.ERROR_BODY, Refused("other", "Order could not be placed")),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_write_that_was_certainly_not_taken_leaves_everything_as_it_was(
    kind: type[Case], fault: Fault, expected: Outcome
) -> None:
    case = kind(bench := TradeLockerBench())
    bench.fault(fault)

    assert _send(bench, case.command()) == expected
    assert case.applied() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_write_refused_for_its_token_is_done_once_with_a_fresh_one(kind: type[Case]) -> None:
    case = kind(bench := TradeLockerBench())
    bench.fault(Fault.UNAUTHORIZED)

    assert isinstance(_send(bench, case.command()), Accepted)
    assert case.applied() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_write_after_the_token_was_ended_elsewhere_is_done_once(kind: type[Case]) -> None:
    case = kind(bench := TradeLockerBench())
    bench.expire_token()

    assert isinstance(_send(bench, case.command()), Accepted)
    assert case.applied() == 1


# ---- resolving


@pytest.mark.parametrize("status", ["Rejected", "Refused"])
def test_order_rejected_after_it_was_accepted_is_done_and_says_so(status: str) -> None:
    bench = TradeLockerBench({"refused_status": status})
    command, evidence = _entry(bench), _evidence(bench, _look(bench))
    bench.fault(Fault.REJECTED_LATER)
    _accepted(bench, command, 1)
    bench.advance(2_000)

    resolution = bench.broker.resolve(command, _id(1), evidence, _look(bench))

    assert isinstance(resolution, Done)
    assert resolution.orders[0].refused is not None
    assert bench.book().positions == ()


def test_order_that_a_person_placed_meanwhile_is_not_taken_for_ours() -> None:
    bench = TradeLockerBench()
    command, evidence = _entry(bench, bracket=None), _evidence(bench, _look(bench))
    bench.fault(Fault.RESET_BEFORE)
    _send(bench, command)
    hand = {"instrument": bench.symbol, "side": "buy", "qty": str(bench.unit)}
    control(bench.sim, "trade", {"account": int(bench.seat.account_id), "open": hand})

    assert _settled(bench, command, 1, evidence) == Absent()


def test_partial_close_lost_while_a_person_closed_another_part_is_for_a_person() -> None:
    bench = TradeLockerBench()
    case = PartialClose(bench)
    command, evidence = case.command(), _evidence(bench, _look(bench))
    bench.fault(Fault.RESET_BEFORE)
    _send(bench, command)
    by_hand = {"account": int(bench.seat.account_id), "close": int(case.position.id), "qty": str(bench.unit / 20)}
    control(bench.sim, "trade", by_hand)

    resolution = _settled(bench, command, 1, evidence)

    assert isinstance(resolution, Ambiguous)


def test_partial_close_that_leaves_a_rest_is_recognised_by_its_row() -> None:
    bench = TradeLockerBench()
    position = _held(bench)
    command = ClosePosition(position.id, bench.symbol, Side.BUY, bench.unit, Decimal("0.05"))
    evidence = _evidence(bench, _look(bench))
    control(bench.sim, "script", {"behaviour": "close_leaves_rest", "qty": "0.02"})
    bench.fault(Fault.REPLY_LOST)

    assert isinstance(_send(bench, command), Unknown)
    resolution = _settled(bench, command, 1, evidence)

    assert isinstance(resolution, Done)
    assert len(resolution.orders) == 1
    assert bench.book().held(bench.symbol) == bench.unit - Decimal("0.02")


def test_second_partial_close_of_the_same_size_is_not_taken_for_the_first() -> None:
    bench = TradeLockerBench()
    position = _held(bench)
    quantity = Decimal("0.02")
    _accepted(bench, ClosePosition(position.id, bench.symbol, Side.BUY, bench.unit, quantity), 2)
    bench.advance(500)
    again = ClosePosition(position.id, bench.symbol, Side.BUY, bench.unit - quantity, quantity)
    evidence = Evidence(bench.now_ms(), quantities={position.id: bench.unit - quantity})
    bench.fault(Fault.RESET_BEFORE)
    _send(bench, again, 3)

    resolution = _settled(bench, again, 3, evidence)

    assert not isinstance(resolution, Done)


def test_position_visible_before_its_order_is_found_by_its_label() -> None:
    bench = TradeLockerBench({"history_lag_ms": 60_000})
    command, evidence = _entry(bench), _evidence(bench, _look(bench))
    bench.fault(Fault.REPLY_LOST)
    _send(bench, command)

    resolution = _settled(bench, command, 1, evidence)

    assert isinstance(resolution, Done)
    assert resolution.orders == ()


def test_stop_that_was_hit_is_attributed_to_its_position() -> None:
    bench = TradeLockerBench()
    position = _held(bench)
    _look(bench)
    bench.set_price(bench.price - 2 * bench.distance)
    bench.advance(LATEST_MS)

    look = _look(bench)

    hit = next(order for order in look.orders if order.id == position.stop_loss_id)
    assert (hit.status, hit.effect, hit.parent_id, hit.label) == (OrderStatus.FILLED, "close", position.id, "")
    assert look.positions == ()


def test_hit_stop_is_attributed_by_a_process_that_never_saw_the_position() -> None:
    bench = TradeLockerBench()
    position = _held(bench)
    bench.set_price(bench.price - 2 * bench.distance)
    bench.advance(LATEST_MS)

    orders = bench.new_broker().orders(bench.deadline(), START_MS)

    hit = next(order for order in orders if order.id == position.stop_loss_id)
    assert (hit.effect, hit.position_id, hit.parent_id) == ("close", position.id, position.id)


def test_order_closed_elsewhere_is_attributed_to_its_position() -> None:
    bench = TradeLockerBench()
    position = _held(bench)
    bench.close_elsewhere()
    bench.advance(LATEST_MS)

    closing = [order for order in _look(bench).orders if order.effect == "close" and order.type is OrderType.MARKET]

    assert [(order.parent_id, order.side) for order in closing] == [(position.id, Side.SELL)]


# ---- brackets of working orders


def test_working_orders_own_stop_is_changed_and_removed_through_the_order() -> None:
    bench = TradeLockerBench()
    order_id = _accepted(bench, LimitOrder(bench).command(), 1)
    stop_id = f"{order_id}:SL"
    moved = Replace(stop_id, bench.symbol, stop_price=bench.price - 3 * bench.distance)
    evidence = _evidence(bench, _look(bench))

    _accepted(bench, moved, 2)
    assert isinstance(_settled(bench, moved, 2, evidence), Done)
    gone = Cancel(stop_id, bench.symbol)
    _accepted(bench, gone, 3)
    assert _settled(bench, gone, 3, evidence) == Done()

    assert [order.id for order in _look(bench).orders] == [order_id, f"{order_id}:TP"]


def test_stop_that_the_platform_does_not_remove_is_not_called_removed() -> None:
    bench = TradeLockerBench({"null_removes_order_bracket": "no"})
    order_id = _accepted(bench, LimitOrder(bench).command(), 1)
    gone = Cancel(f"{order_id}:SL", bench.symbol)
    evidence = _evidence(bench, _look(bench))
    _send(bench, gone, 2)

    assert _settled(bench, gone, 2, evidence) == Absent()


# ---- netting


def test_netting_account_reads_no_position_from_an_unfilled_row() -> None:
    bench = TradeLockerBench({"netting_unfilled_position_id": "yes"}, NETTING)
    _held(bench)
    waiting_id = _accepted(bench, LimitOrder(bench).command(), 2)
    bench.advance(LATEST_MS)

    waiting = next(order for order in _look(bench).orders if order.id == waiting_id)

    assert (waiting.position_id, waiting.parent_id, waiting.effect) == (None, None, "unknown")


@pytest.mark.parametrize("fault", [Fault.REPLY_LOST, Fault.RESET_BEFORE])
def test_netting_account_finds_an_order_that_reduces(fault: Fault) -> None:
    bench = TradeLockerBench(seat=NETTING)
    _held(bench, 9)
    command = Place(bench.symbol, Side.SELL, bench.unit / 2, "close")
    evidence = _evidence(bench, _look(bench))
    bench.fault(fault)
    _send(bench, command)

    resolution = _settled(bench, command, 1, evidence)

    assert isinstance(resolution, Done if fault.booked else Absent)
    assert bench.book().held(bench.symbol) == (bench.unit / 2 if fault.booked else bench.unit)


# ---- brokers and logins that differ


@pytest.mark.parametrize("missing", ["history_strategy_id", "every_strategy_id"])
def test_broker_that_keeps_no_label_gets_no_order_and_can_be_left(missing: str) -> None:
    bench = TradeLockerBench()
    position = _held(bench)
    bench.app.set_switches({"missing_columns": missing})
    account = bench.new_broker()

    refused = account.send(_entry(bench), _id(5), bench.deadline())
    closed = account.send(ClosePosition(position.id, bench.symbol, Side.BUY, bench.unit), _id(6), bench.deadline())

    assert isinstance(refused, Refused)
    assert "strategyId" in refused.message
    assert isinstance(closed, Accepted)
    assert bench.book().positions == ()


def test_columns_that_change_during_the_day_are_followed() -> None:
    bench = TradeLockerBench()
    position = _held(bench)
    bench.app.set_switches({"extra_columns": "some"})

    (found,) = bench.broker.positions(bench.deadline())

    assert found.quantity == position.quantity


def test_token_of_another_shard_is_refused_and_says_so() -> None:
    bench = TradeLockerBench({"host_claim": "wrong_shard"})

    with pytest.raises(ReadRefusedError, match="403"):
        bench.broker.positions(bench.deadline())
    assert isinstance(_send(bench, _entry(bench)), Refused)


def test_lapsed_refresh_token_is_replaced_by_a_login() -> None:
    bench = TradeLockerBench()
    bench.advance(25 * 3600 * 1000)

    assert bench.broker.positions(bench.deadline()) == ()


def test_dead_login_is_lost_on_reads() -> None:
    bench = TradeLockerBench()
    bench.read_fault(Fault.LOGIN_DEAD)

    with pytest.raises(LoginLostError):
        bench.broker.positions(bench.deadline())


def test_account_that_is_not_active_may_only_close() -> None:
    seat = Seat("second@sandbox.test", "sandbox-password-2", "SANDBOX", "2271", "2")

    accounts = TradeLockerBench(seat=seat).broker.accounts(TradeLockerBench().deadline())

    assert {one.id: one.status for one in accounts} == {"2270": "active", "2271": "closing_only"}


def test_names_with_suffixes_are_not_guessed() -> None:
    several = TradeLockerBench({"eurusd_names": "only_x_and_r"})
    single = TradeLockerBench({"eurusd_names": "only_x"})

    with pytest.raises(AmbiguousSymbolError, match=r"EURUSD\.X and EURUSD\.R"):
        several.broker.instrument("EURUSD", several.deadline())
    with pytest.raises(UnknownSymbolError, match=r"EURUSD\.X"):
        single.broker.instrument("EURUSD", single.deadline())


def test_dead_info_route_is_passed_over() -> None:
    bench = TradeLockerBench({"info_routes": "first_dead"})

    assert bench.broker.quote(bench.symbol, bench.deadline()).ask == Decimal("77261.70")
    assert bench.broker.depth(bench.symbol, bench.deadline()).asks


def test_halted_and_closed_instruments_are_told_by_the_quote() -> None:
    bench = TradeLockerBench()
    control(bench.sim, "session", {bench.symbol: "TRADING_HALT"})

    assert bench.broker.quote(bench.symbol, bench.deadline()).halted
    assert not bench.broker.quote("EURUSD", bench.deadline()).halted
    assert not bench.broker.session_status(bench.symbol, bench.deadline()).may_place


def test_order_in_a_closed_session_is_refused_as_closed() -> None:
    bench = TradeLockerBench()
    control(bench.sim, "session", {bench.symbol: "CLOSED"})

    outcome = _send(bench, _entry(bench))

    assert isinstance(outcome, Refused)
    assert outcome.code == "closed"


@pytest.mark.parametrize("quantity", ["0.001", "0.123", "0.005"])
def test_quantity_off_the_step_is_refused_as_invalid(quantity: str) -> None:
    outcome = _send(bench := TradeLockerBench(), _entry(bench, quantity=Decimal(quantity)))

    assert isinstance(outcome, Refused)
    assert outcome.code == "invalid"


def test_cancelling_a_filled_order_is_refused_as_not_found() -> None:
    for status in ("200", "404"):
        bench = TradeLockerBench({"not_found_status": status})
        order_id = _accepted(bench, _entry(bench), 1)

        outcome = _send(bench, Cancel(order_id, bench.symbol), 2)

        assert isinstance(outcome, Refused)
        assert outcome.code == "not_found", outcome


def test_edge_block_is_left_alone_by_every_route() -> None:
    bench = TradeLockerBench()
    bench.fault(Fault.RATE_EDGE)
    blocked_at = bench.now_ms()
    _send(bench, _entry(bench))

    bench.broker.positions(bench.deadline())

    assert bench.now_ms() - blocked_at >= 15_000


def test_long_history_is_read_whole_although_it_is_cut() -> None:
    bench = TradeLockerBench({"history_rows": 5})
    ids = set()
    for number in range(1, 13):
        ids.add(_accepted(bench, _entry(bench, bracket=None), number))
        bench.advance(30_000)

    found = bench.broker.orders(bench.deadline(), START_MS)

    assert {order.id for order in found} == ids


def test_fills_are_listed_with_stable_ids() -> None:
    bench = TradeLockerBench({"executions_order": "ids_first"})
    position = _held(bench)

    (fill,) = bench.broker.executions(bench.deadline(), START_MS)

    assert (fill.position_id, fill.quantity, fill.symbol) == (position.id, bench.unit, bench.symbol)
    assert bench.new_broker().executions(bench.deadline(), START_MS) == (fill,)
    assert bench.broker.executions(bench.deadline(), bench.now_ms()) == ()
