"""A lost order is recognised by its fingerprint, and by nothing weaker."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.port import Absent, Ambiguous, Done, Evidence, Look, PlacedOrder
from orderbridge.brokers.tradestation.resolve import CLOCK_SKEW_MS, MISSING, SETTLE_MS, resolve_command
from orderbridge.commands import Bracket, Cancel, Place, PlaceGroup, Replace
from orderbridge.model import Duration, Order, OrderStatus, OrderType, Side

D = Decimal
SENT = 1_000_000
EVIDENCE = Evidence(sent_at_ms=SENT, order_ids=("old",), claimed_ids=("other",))
ENTRY = Place("MSFT", Side.BUY, D(10), "open", OrderType.LIMIT, limit_price=D("412.30"))
MARKET = Place("MSFT", Side.BUY, D(10), "open")
BRACKETED = replace(ENTRY, bracket=Bracket(stop_loss=D("405.10"), take_profit=D("431.50")))
STOP_CHILD = Place("MSFT", Side.SELL, D(10), "close", OrderType.STOP, stop_price=D("405.10"), duration=Duration.GTC)
TARGET_CHILD = Place("MSFT", Side.SELL, D(10), "close", OrderType.LIMIT, limit_price=D("431.5"), duration=Duration.GTC)
GROUP = PlaceGroup("brk", (STOP_CHILD, TARGET_CHILD))


def order(order_id: str = "1", **changes: Any) -> Order:
    shown = Order(
        order_id,
        "MSFT",
        Side.BUY,
        OrderType.LIMIT,
        D(10),
        OrderStatus.WORKING,
        limit_price=D("412.3"),
        duration="day",
        placed_at_ms=SENT,
        effect="open",
        native_status="ACK",
    )
    return replace(shown, **changes)


def stop(order_id: str, **changes: Any) -> Order:
    shown = order(order_id, side=Side.SELL, type=OrderType.STOP, limit_price=None, stop_price=D("405.1"))
    return replace(shown, duration="gtc", effect="close", **changes)


def target(order_id: str, **changes: Any) -> Order:
    return replace(order(order_id, side=Side.SELL, limit_price=D("431.5"), duration="gtc", effect="close"), **changes)


def look(*orders: Order, after_ms: int = 1_000) -> Look:
    return Look((), orders, SENT + after_ms)


# ---- one order


def test_one_new_order_that_fits_is_the_one() -> None:
    found = resolve_command(ENTRY, EVIDENCE, look(order("7")))
    assert found == Done((PlacedOrder("7", "order"),))


def test_nothing_that_fits_is_absent() -> None:
    assert resolve_command(ENTRY, EVIDENCE, look()) == Absent()


def test_two_that_fit_are_ambiguous_and_named() -> None:
    assert resolve_command(ENTRY, EVIDENCE, look(order("7"), order("8"))) == Ambiguous(("7", "8"))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "old"},
        {"id": "other"},
        {"symbol": "AAPL"},
        {"side": Side.SELL},
        {"effect": "close"},
        {"quantity": D(11)},
        {"quantity": D(9)},
        {"type": OrderType.STOP, "stop_price": D("412.3")},
        {"limit_price": D("412.31")},
        {"limit_price": None},
        {"duration": "gtc"},
        {"placed_at_ms": SENT - CLOCK_SKEW_MS - 1},
        {"parent_id": "5", "parent_type": "order"},
        {"sibling_ids": ("6",)},
    ],
)
def test_one_difference_is_enough_not_to_be_it(changes: dict[str, Any]) -> None:
    assert resolve_command(ENTRY, EVIDENCE, look(order(**changes))) == Absent()


@pytest.mark.parametrize(
    "changes",
    [
        {"status": OrderStatus.FILLED, "filled_quantity": D(10)},
        {"status": OrderStatus.REJECTED},
        {"status": OrderStatus.CANCELLED, "filled_quantity": D(4)},
        {"symbol": "msft"},
        {"effect": "unknown"},
        {"limit_price": D("412.3000")},
        {"placed_at_ms": SENT - CLOCK_SKEW_MS},
        {"placed_at_ms": 0},
        {"duration": ""},
    ],
)
def test_what_the_order_has_become_does_not_matter(changes: dict[str, Any]) -> None:
    assert resolve_command(ENTRY, EVIDENCE, look(order(**changes))) == Done((PlacedOrder("1", "order"),))


def test_market_order_is_recognised_whatever_prices_are_shown() -> None:
    shown = order(type=OrderType.MARKET, limit_price=None, stop_price=D(1))
    assert isinstance(resolve_command(MARKET, EVIDENCE, look(shown)), Done)


def test_trailing_stop_is_recognised_by_its_distance_not_by_where_it_stands() -> None:
    wanted = Place("MSFT", Side.SELL, D(10), "close", OrderType.TRAILING_STOP, trail_amount=D("4.50"))
    shown = replace(stop("1"), type=OrderType.TRAILING_STOP, stop_price=D(400), trail_amount=D("4.5"), duration="day")
    assert isinstance(resolve_command(wanted, EVIDENCE, look(shown)), Done)
    assert resolve_command(wanted, EVIDENCE, look(replace(shown, trail_amount=D(4)))) == Absent()
    by_percent = replace(wanted, trail_amount=None, trail_percent=D("4.5"))
    assert resolve_command(by_percent, EVIDENCE, look(shown)) == Absent()


def test_extended_duration_shown_plainly_still_fits() -> None:
    assert isinstance(resolve_command(replace(ENTRY, duration=Duration.DAY_EXT), EVIDENCE, look(order())), Done)


# ---- an entry with its exits


def entry_with_exits(**links: Any) -> tuple[Order, ...]:
    return order("1"), stop("2", sibling_ids=("3",), **links), target("3", sibling_ids=("2",), **links)


LEGS = (PlacedOrder("1", "order"), PlacedOrder("2", "stop_loss"), PlacedOrder("3", "take_profit"))


def test_entry_is_found_with_its_exits_by_their_parent() -> None:
    found = resolve_command(BRACKETED, EVIDENCE, look(*reversed(entry_with_exits(parent_id="1", parent_type="order"))))
    assert found == Done(LEGS)


def test_exits_that_name_no_parent_are_found_by_their_fingerprint() -> None:
    assert resolve_command(BRACKETED, EVIDENCE, look(*entry_with_exits())) == Done(LEGS)


def test_missing_exit_is_waited_for_and_then_marked_as_refused() -> None:
    entry, stop_row, _ = entry_with_exits(parent_id="1")
    assert resolve_command(BRACKETED, EVIDENCE, look(entry, stop_row)) == Absent()
    late = resolve_command(BRACKETED, EVIDENCE, look(entry, stop_row, after_ms=SETTLE_MS))
    assert late == Done((*LEGS[:2], PlacedOrder("", "take_profit", 0, MISSING)))


def test_of_two_entries_the_one_with_the_exits_is_ours() -> None:
    found = resolve_command(BRACKETED, EVIDENCE, look(order("9"), *entry_with_exits(parent_id="1")))
    assert found == Done(LEGS)


def test_two_entries_with_exits_are_ambiguous() -> None:
    second = (order("11"), stop("12", parent_id="11"), target("13", parent_id="11"))
    found = resolve_command(BRACKETED, EVIDENCE, look(*entry_with_exits(parent_id="1"), *second))
    assert found == Ambiguous(("1", "11"))


def test_exits_of_another_entry_are_not_taken_for_ours() -> None:
    rows = (order("1"), stop("2", parent_id="99"), target("3", parent_id="99"))
    assert resolve_command(BRACKETED, EVIDENCE, look(*rows)) == Absent()


# ---- groups


def test_group_is_found_with_all_its_siblings_in_the_order_of_the_request() -> None:
    rows = (target("3", sibling_ids=("2",)), stop("2", sibling_ids=("3",)))
    assert resolve_command(GROUP, EVIDENCE, look(*rows)) == Done(
        (PlacedOrder("2", "child", 0), PlacedOrder("3", "child", 1))
    )


def test_group_without_links_is_found_by_its_fingerprints() -> None:
    assert isinstance(resolve_command(GROUP, EVIDENCE, look(stop("2"), target("3"))), Done)


def test_group_whose_sibling_was_shrunk_by_a_fill_is_still_found() -> None:
    filled = target("3", sibling_ids=("2",), filled_quantity=D(4))
    shrunk = stop("2", sibling_ids=("3",), quantity=D(6))
    assert isinstance(resolve_command(GROUP, EVIDENCE, look(filled, shrunk)), Done)


@pytest.mark.parametrize("after_ms", [1_000, SETTLE_MS])
def test_orders_all_smaller_than_asked_are_not_the_group(after_ms: int) -> None:
    rows = (stop("2", quantity=D(6)), target("3", quantity=D(6)))
    assert resolve_command(GROUP, EVIDENCE, look(*rows, after_ms=after_ms)) == Absent()


def test_two_whole_groups_are_ambiguous() -> None:
    first = (stop("2", sibling_ids=("3",)), target("3", sibling_ids=("2",)))
    second = (stop("12", sibling_ids=("13",)), target("13", sibling_ids=("12",)))
    found = resolve_command(GROUP, EVIDENCE, look(*first, *second))
    assert found == Ambiguous(("2", "3", "12", "13"))


def test_links_tell_two_mixed_groups_apart_from_one() -> None:
    ours = (stop("2", sibling_ids=("3",)), target("3", sibling_ids=("2",)))
    foreign = stop("12", sibling_ids=("99",))
    assert resolve_command(GROUP, EVIDENCE, look(*ours, foreign)) == Done(
        (PlacedOrder("2", "child", 0), PlacedOrder("3", "child", 1))
    )


def test_group_that_arrived_in_half_is_waited_for_then_told() -> None:
    assert resolve_command(GROUP, EVIDENCE, look(stop("2"))) == Absent()
    slow_ms = 15_000 + 9_000  # the write, and then the list
    assert resolve_command(GROUP, EVIDENCE, look(stop("2"), after_ms=slow_ms)) == Absent()
    late = resolve_command(GROUP, EVIDENCE, look(stop("2"), after_ms=SETTLE_MS))
    assert late == Done((PlacedOrder("2", "child", 0), PlacedOrder("", "child", 1, MISSING)))


def test_group_of_equal_orders_is_one_group() -> None:
    equal = PlaceGroup("oco", (STOP_CHILD, STOP_CHILD))
    rows = (stop("2", sibling_ids=("3",)), stop("3", sibling_ids=("2",)))
    found = resolve_command(equal, EVIDENCE, look(*rows))
    assert isinstance(found, Done)
    assert {placed.order_id for placed in found.orders} == {"2", "3"}


def test_group_of_entries_is_found_with_their_exits() -> None:
    long = replace(ENTRY, bracket=Bracket(stop_loss=D("405.10")))
    short = replace(ENTRY, side=Side.SELL, limit_price=D(450))
    rows = (
        order("1", sibling_ids=("2",)),
        order("2", side=Side.SELL, limit_price=D(450), sibling_ids=("1",)),
        stop("3", parent_id="1"),
    )
    found = resolve_command(PlaceGroup("oco", (long, short)), EVIDENCE, look(*rows))
    assert found == Done((PlacedOrder("1", "child", 0), PlacedOrder("3", "stop_loss", 0), PlacedOrder("2", "child", 1)))


# ---- cancel


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.FILLED, OrderStatus.REJECTED])
def test_cancel_of_a_final_order_is_done_and_says_how_it_ended(status: OrderStatus) -> None:
    found = resolve_command(Cancel("old", "MSFT"), EVIDENCE, look(order("old", status=status)))
    assert isinstance(found, Done)
    assert status.value in found.message


def test_cancel_under_way_is_done() -> None:
    assert isinstance(resolve_command(Cancel("old", "MSFT"), EVIDENCE, look(order("old", native_status="UCN"))), Done)


def test_cancel_of_a_working_or_unseen_order_is_absent() -> None:
    assert resolve_command(Cancel("old", "MSFT"), EVIDENCE, look(order("old"))) == Absent()
    assert resolve_command(Cancel("old", "MSFT"), EVIDENCE, look()) == Absent()


# ---- replace

MOVE = Replace("old", "MSFT", limit_price=D("410.00"))


def test_replace_is_done_when_the_order_has_the_new_values() -> None:
    assert resolve_command(MOVE, EVIDENCE, look(order("old", limit_price=D(410)))) == Done(
        (PlacedOrder("old", "order"),)
    )
    assert resolve_command(MOVE, EVIDENCE, look(order("old"))) == Absent()
    assert resolve_command(MOVE, EVIDENCE, look()) == Absent()


@pytest.mark.parametrize("quantity", [D(8), D(12)])
def test_replaced_quantity_is_the_total_or_what_remains(quantity: Decimal) -> None:
    shown = order("old", quantity=quantity, filled_quantity=D(4), limit_price=D(410))
    assert isinstance(resolve_command(replace(MOVE, quantity=D(8)), EVIDENCE, look(shown)), Done)
    assert resolve_command(replace(MOVE, quantity=D(9)), EVIDENCE, look(shown)) == Absent()


@pytest.mark.parametrize(
    "old",
    [
        {"status": OrderStatus.CANCELLED},
        {"native_status": "UCH"},
        {"status": OrderStatus.CANCELLED, "native_status": "OUT"},
    ],
)
def test_replace_under_a_new_id_is_found_by_its_values(old: dict[str, Any]) -> None:
    found = resolve_command(MOVE, EVIDENCE, look(order("old", **old), order("new", limit_price=D(410))))
    assert found == Done((PlacedOrder("new", "order"),))


def test_replace_under_a_new_id_needs_the_old_order_to_be_gone_and_the_same_kind() -> None:
    assert resolve_command(MOVE, EVIDENCE, look(order("old"), order("new", limit_price=D(410)))) == Absent()
    gone = order("old", status=OrderStatus.CANCELLED)
    assert resolve_command(MOVE, EVIDENCE, look(gone, order("new", side=Side.SELL, limit_price=D(410)))) == Absent()
    both = (order("new", limit_price=D(410)), order("newer", limit_price=D(410)))
    assert resolve_command(MOVE, EVIDENCE, look(gone, *both)) == Ambiguous(("new", "newer"))


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (Replace("old", "MSFT", stop_price=D("405.10")), stop("old")),
        (Replace("old", "MSFT", trail_amount=D(2)), replace(stop("old"), trail_amount=D("2.0"))),
        (Replace("old", "MSFT", trail_percent=D(5)), replace(stop("old"), trail_percent=D("5.0"))),
    ],
)
def test_each_value_of_a_replace_is_compared(command: Replace, shown: Order) -> None:
    assert isinstance(resolve_command(command, EVIDENCE, look(shown)), Done)
    other = replace(shown, stop_price=D(1), trail_amount=D(1), trail_percent=D(1))
    assert resolve_command(command, EVIDENCE, look(other)) == Absent()
