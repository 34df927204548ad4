"""A look past the session's start costs a read of the history only when it can tell something."""

from dataclasses import replace
from decimal import Decimal

import pytest

from orderbridge.brokers.tradestation.history import LOOK_FOR_MS, MAX_AGE_MS, RETRY_MS, OrderMemory
from orderbridge.model import Order, OrderStatus, OrderType, Side

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = 1_772_452_800_000  # 2026-03-02 12:00 UTC


def order(order_id: str, status: OrderStatus = OrderStatus.WORKING, at_ms: int = NOON) -> Order:
    return Order(
        order_id, "MSFT", Side.BUY, OrderType.LIMIT, Decimal(1), status, placed_at_ms=at_ms, updated_at_ms=at_ms
    )


class History:
    """Historical orders that can be counted and changed."""

    def __init__(self, *orders: Order) -> None:
        self.orders = orders
        self.asked: list[int] = []

    def __call__(self, since_ms: int) -> tuple[Order, ...]:
        self.asked.append(since_ms)
        return self.orders


def ids(orders: tuple[Order, ...]) -> list[str]:
    return sorted(order.id for order in orders)


def test_look_within_the_session_reads_no_history() -> None:
    history = History()
    found = OrderMemory().complete([order("1")], NOON - 2 * HOUR, NOON, history)
    assert ids(found) == ["1"]
    assert history.asked == []


@pytest.mark.parametrize("began", [0, 4, 5, 21, 22, 23])
def test_look_across_a_moment_at_which_a_session_may_begin_reads_it(began: int) -> None:
    midnight = NOON - 12 * HOUR
    now = midnight + began * HOUR + MINUTE
    history = History(order("old", OrderStatus.FILLED, now - 30 * MINUTE))
    found = OrderMemory().complete([], now - HOUR, now, history)
    assert ids(found) == ["old"]
    assert history.asked == [now - HOUR]


def test_history_is_read_once_a_minute_unless_a_look_reaches_further_back() -> None:
    history, memory = History(), OrderMemory()
    memory.complete([], NOON - DAY, NOON, history)
    memory.complete([], NOON - DAY, NOON + MAX_AGE_MS - 1, history)
    assert len(history.asked) == 1
    memory.complete([], NOON - 2 * DAY, NOON + MAX_AGE_MS - 1, history)
    assert len(history.asked) == 2
    memory.complete([], NOON - 2 * DAY, NOON + 3 * MAX_AGE_MS, history)
    assert len(history.asked) == 3


def test_order_that_worked_and_is_not_listed_any_more_is_looked_for_at_once() -> None:
    history, memory = History(), OrderMemory()
    memory.complete([order("1")], NOON - MINUTE, NOON, history)
    history.orders = (order("1", OrderStatus.CANCELLED, NOON + 1_000),)
    found = memory.complete([], NOON - MINUTE, NOON + 2_000, history)
    assert [(o.id, o.status) for o in found] == [("1", OrderStatus.CANCELLED)]
    assert len(history.asked) == 1


def test_order_that_the_history_lacks_is_asked_for_now_and_then_and_given_up() -> None:
    history, memory = History(), OrderMemory()
    memory.complete([order("1")], NOON, NOON, history)
    for step in range(1, 5):
        memory.complete([], NOON, NOON + step, history)
    assert len(history.asked) == 1
    memory.complete([], NOON, NOON + RETRY_MS + 1, history)
    assert len(history.asked) == 2
    later = NOON + LOOK_FOR_MS + 2
    memory.complete([], NOON, later, history)
    memory.complete([], NOON, later + RETRY_MS, history)
    assert len(history.asked) == 3


def test_finished_order_that_left_the_list_is_still_given_as_far_as_the_look_reaches() -> None:
    history, memory = History(), OrderMemory()
    memory.complete([order("1", OrderStatus.FILLED)], NOON, NOON, history)
    assert ids(memory.complete([], NOON, NOON + 1, history)) == ["1"]
    assert ids(memory.complete([], NOON + 1, NOON + 2, history)) == []
    assert history.asked == []


def test_todays_row_counts_before_an_older_one() -> None:
    history, memory = History(order("1", OrderStatus.CANCELLED)), OrderMemory()
    (found,) = memory.complete([replace(order("1"), native_status="ACK")], NOON - DAY, NOON, history)
    assert found.native_status == "ACK"


def test_old_finished_orders_are_forgotten() -> None:
    memory = OrderMemory()
    memory.complete([order("1", OrderStatus.FILLED)], NOON, NOON, History())
    memory.complete([], NOON, NOON + 3 * DAY, History())
    assert memory._known == {}
