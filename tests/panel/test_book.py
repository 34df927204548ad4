"""The panel's book by itself: what a look that contradicts the one before makes of the ids that were shown."""

from dataclasses import replace
from decimal import Decimal

from orderbridge.broker_api.book import DAY_MS, GONE_MS, PanelBook, folded, renamed
from orderbridge.brokers.port import Look
from orderbridge.model import Order, OrderStatus, OrderType, Side

ORDER = Order(
    id="7",
    symbol="MESZ26",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal(2),
    status=OrderStatus.WORKING,
    limit_price=Decimal(6900),
    placed_at_ms=1_000,
    updated_at_ms=1_000,
)


def after(book: PanelBook, flight: int, now_ms: int, *orders: Order) -> PanelBook:
    return folded(book, Look((), orders, now_ms), flight, now_ms, (), derive_fills=True)


def statuses(book: PanelBook) -> dict[str, str]:
    return {shown: order.status.value for shown, order in book.orders.items()}


def test_working_order_that_is_not_listed_any_more_ends_cancelled_after_a_while() -> None:
    shown = after(PanelBook(), 1, 2_000, ORDER)
    missed = after(shown, 2, 4_000)
    ended = after(missed, 3, 4_000 + GONE_MS)

    assert statuses(shown) == statuses(missed) == {"7": "working"}
    assert statuses(ended) == {"7": "cancelled"}


def test_order_that_works_after_all_goes_on_under_another_id_and_the_ended_one_stays_ended() -> None:
    ended = after(after(after(PanelBook(), 1, 2_000, ORDER), 2, 4_000), 3, 4_000 + GONE_MS)

    back = after(ended, 4, 30_000, ORDER)
    filled = after(back, 5, 32_000, replace(ORDER, status=OrderStatus.FILLED, filled_quantity=Decimal(2)))

    assert statuses(back) == {"7": "cancelled", "7-2": "working"}
    assert statuses(filled) == {"7": "cancelled", "7-2": "filled"}
    assert back.shown_id("7") == "7-2"


def test_changed_order_that_got_another_id_goes_on_under_the_id_that_was_shown() -> None:
    shown = after(PanelBook(), 1, 2_000, ORDER)

    changed = renamed(shown, "7", "8")
    listed = after(changed, 2, 4_000, replace(ORDER, status=OrderStatus.CANCELLED), replace(ORDER, id="8"))

    assert statuses(listed) == {"7": "working", "7-replaced": "cancelled"}
    assert listed.broker_id("7") == "8"


def test_both_ids_of_a_changed_order_stay_where_a_look_has_shown_the_new_one_first() -> None:
    shown = after(PanelBook(), 1, 2_000, ORDER)
    listed = after(shown, 2, 4_000, replace(ORDER, status=OrderStatus.CANCELLED), replace(ORDER, id="8"))

    changed = renamed(listed, "7", "8")

    assert statuses(changed) == {"7": "cancelled", "8": "working"}


def test_final_order_is_listed_for_a_day() -> None:
    final = replace(ORDER, status=OrderStatus.CANCELLED)
    shown = after(PanelBook(), 1, 2_000, final)

    assert statuses(after(shown, 2, DAY_MS - 1)) == {"7": "cancelled"}
    assert statuses(after(shown, 2, DAY_MS + 1_001)) == {}
