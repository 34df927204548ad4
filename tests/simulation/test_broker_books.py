"""The books that the invariants read: what is one order, and whose an order is."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.port import PlacedOrder
from orderbridge.commands import ClosePosition
from orderbridge.execution.records import CommandStatus
from orderbridge.model import PositionMode, Side
from orderbridge.strategy.settings import AccountSettings
from sandbox.simserver import Request, Response
from tests.sandbox.tradelocker.caller import XAUUSD
from tests.sandbox.tradelocker.caller import Caller as TradeLockerCaller
from tests.sandbox.tradestation.caller import MARGIN, Caller, limit
from tests.simulation.broker_books import TradeLockerBook, TradeStationBook
from tests.simulation.cores import Core
from tests.simulation.hub import Hub
from tests.simulation.invariants.base import View
from tests.simulation.invariants.exits import FlatAfterTheLastExit
from tests.simulation.invariants.judge import Judge
from tests.simulation.invariants.made import Made
from tests.simulation.invariants.made_entries import entered
from tests.simulation.story import START_MS


def test_order_replaced_under_a_new_id_is_one_row_with_its_new_values() -> None:
    caller = Caller(replace_id="changes")
    account = AccountSettings("tsm", "tradestation", "sim", "ts1", MARGIN, PositionMode.NETTING, "http://x")
    book = TradeStationBook(account, caller.app.book)
    [order_id] = caller.placed(limit("BUY", "400.00", OrderConfirmID="the-mark"))
    [before] = book.rows()

    caller.send("PUT", f"/v3/orderexecution/orders/{order_id}", {"Quantity": "8"})

    [after] = book.rows()
    assert (before.id, before.mark) == (order_id, "the-mark")
    assert (after.id != order_id, after.mark, after.asked) == (True, "the-mark", Decimal(8))
    assert (before.working, after.working) == (True, True)
    assert TradeStationBook(account, caller.app.book).rows() == [after], "read for the first time afterwards"


class Clockwork:
    """A broker at which something falls due by a control, and that looks as before once it has happened."""

    def __init__(self) -> None:
        self.due: list[int] = []

    def control(self, _: Request) -> Response:
        self.due.append(START_MS)
        return Response.json_of({})


class ClockworkCore(Core):
    def __init__(self) -> None:
        super().__init__(Hub(START_MS, "clockwork"), Clockwork())

    def next_due_ms(self) -> int | None:
        return min(self.app.due, default=None)

    def _advance(self) -> None:
        self.app.due.clear()

    def _fingerprint(self) -> object:
        return len(self.app.due)


def test_what_a_control_has_made_due_counts_as_a_change_when_it_happens() -> None:
    core = ClockworkCore()
    core.advance()
    core.control("session", {})
    changes = core.changes

    core.advance()

    assert core.changes == changes + 1


def test_stop_of_a_netted_position_is_of_the_entry_that_named_its_price() -> None:
    caller = TradeLockerCaller(acc_num=3)
    account = AccountSettings("tln", "tradelocker", "sim", "tl1", str(caller.account), PositionMode.NETTING, "http://x")
    book = TradeLockerBook(account, caller.app.simulator)
    caller.script("bracket_refused", leg="stopLoss", times=2)
    entries = [
        caller.place(XAUUSD, stopLoss=Decimal(price), stopLossType="absolute") for price in ("2500", "2510", "2520")
    ]

    stops = [row for row in book.rows() if row.role == "stop"]

    assert [(row.parent_id, row.stop_price, row.rejected) for row in stops] == [
        (entries[0], Decimal(2500), True),
        (entries[1], Decimal(2510), True),
        (entries[2], Decimal(2520), False),
    ]
    caller.call("PATCH", f"/positions/{stops[2].position_id}", {"stopLoss": Decimal(2530)})
    assert [row.parent_id for row in book.rows() if row.stop_price == Decimal(2530)] == [""]


def test_close_of_a_position_that_a_person_has_added_to_is_the_closers_own_where_fills_net() -> None:
    made = Made("tradelocker", PositionMode.NETTING)
    judge = Judge(made, [FlatAfterTheLastExit()])
    entered(made, 2)
    made.row("", 1, 2, 2, by_hand=True, position_id="p1")
    exits = made.fire("exit")
    made.command(exits, ClosePosition("p1", made.symbol, Side.SELL, Decimal(2)), role="close")
    made.row("", -1, 2, 2, role="close", position_id="p1")
    made.end(exits, "ordered", "closed")

    assert judge.at_end() == ()


@pytest.mark.parametrize(
    ("by_hand", "closed", "booked", "owned"),
    [(1, 1, False, 1), (2, 1, False, 2), (1, 1, True, 1), (1, 0, False, 2)],
    ids=["taken for it", "of another size", "beside its own", "taken for nothing"],
)
def test_close_by_hand_like_one_that_was_lost_is_the_strategys(
    by_hand: int, closed: int, booked: bool, owned: int
) -> None:
    made = Made("tradelocker", PositionMode.NETTING)
    view = View(made)
    entered(made, 2)
    made.row("", 1, 5, 5, by_hand=True, position_id="p1")
    closing = ClosePosition("p1", made.symbol, Side.BUY, Decimal(7), Decimal(1))
    lost = made.command(made.fire("exit", 1), closing, role="close")
    person = made.row("", -1, by_hand, by_hand, by_hand=True, position_id="p1")
    if booked:
        made.row("", -1, 1, 1, role="close", position_id="p1")
    view.refresh()
    taken = (PlacedOrder(person.id, "order"),) if closed else ()
    made.move(lost, CommandStatus.UNKNOWN)
    made.move(replace(lost, orders=taken), CommandStatus.ACCEPTED)
    view.refresh()

    book = view.books.by_account["acc"]
    assert book.runs["s", made.symbol].owned == owned


@pytest.mark.parametrize(
    ("other", "owned"),
    [({}, 1), ({"asked": 2, "filled": 2}, 2), ({"sign": 1}, 2), ({"limit_price": Decimal(9)}, 2)],
    ids=["taken for it", "of another size", "of the other side", "of another price"],
)
def test_order_by_hand_like_one_that_was_lost_is_the_strategys_where_no_mark_comes_back(
    other: dict[str, Any], owned: int
) -> None:
    made = Made()
    view = View(made)
    entered(made, 2)
    made.row("", 1, 5, 5, by_hand=True)
    lost = made.close(made.fire("exit", 1), Side.SELL, 1, CommandStatus.UNKNOWN)
    person = made.row("", **{"sign": -1, "asked": 1, "filled": 1, "by_hand": True, **other})
    view.refresh()
    made.move(replace(lost, orders=(PlacedOrder(person.id, "order"),)), CommandStatus.ACCEPTED)
    view.refresh()

    assert view.books.by_account["acc"].runs["s", made.symbol].owned == owned


def test_close_of_the_position_of_an_entrys_first_part_is_the_closers_own() -> None:
    """Each part opens a position of its own at a hedging account, and the row names the last one alone."""
    made = Made("tradelocker", PositionMode.HEDGING)
    judge = Judge(made, [FlatAfterTheLastExit()])
    entry = made.entry(made.fire("buy", 3), Side.BUY, 3)
    made.row(made.mark(entry), 1, 3, 3, position_id="p2")
    made.later(1)
    for position, part, asked in (("p1", 1, Decimal(1)), ("p2", 2, None)):
        exits = made.fire("exit", asked)
        made.command(exits, ClosePosition(position, made.symbol, Side.BUY, Decimal(part)), role="close")
        made.row("", -1, part, part, role="close", position_id=position)
        made.end(exits, "ordered", "closed")
        made.later(1)

    assert judge.at_end() == ()
