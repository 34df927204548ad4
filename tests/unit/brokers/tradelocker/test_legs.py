"""Stops, targets and the platform's own closing orders are tied to their position."""

from dataclasses import replace
from decimal import Decimal

from orderbridge.brokers.tradelocker.legs import LegBook
from orderbridge.model import Order, OrderStatus, OrderType, Position, PositionMode, Side

OPENING = Order(
    id="10", symbol="BTCUSD", side=Side.BUY, type=OrderType.MARKET, quantity=Decimal(2), status=OrderStatus.FILLED,
    filled_quantity=Decimal(2), placed_at_ms=1_000, updated_at_ms=1_000, position_id="77", label="ob-a",
)  # fmt: skip
STOP = Order(
    id="11", symbol="BTCUSD", side=Side.SELL, type=OrderType.STOP, quantity=Decimal(2), status=OrderStatus.WORKING,
    stop_price=Decimal(90), placed_at_ms=1_001,
)  # fmt: skip
CLOSING = replace(OPENING, id="12", side=Side.SELL, placed_at_ms=2_000, updated_at_ms=2_000, label="")
HELD = Position(id="77", symbol="BTCUSD", side=Side.BUY, quantity=Decimal(2), stop_loss_id="11", take_profit_id="13")


def _book(*positions: Position, mode: PositionMode | None = PositionMode.HEDGING) -> LegBook:
    book = LegBook(mode)
    book.learn(positions)
    return book


def test_stop_of_a_position_is_its_child_with_the_target_as_sibling() -> None:
    (order,) = _book(HELD).attribute([STOP])

    assert (order.parent_id, order.parent_type, order.sibling_ids, order.effect) == ("77", "position", ("13",), "close")
    assert order.position_id is None


def test_stop_that_was_hit_is_explained_after_its_position_is_gone() -> None:
    book = _book(HELD)
    book.learn([])

    (order,) = book.attribute([replace(STOP, status=OrderStatus.FILLED, filled_quantity=Decimal(2))])

    assert (order.parent_id, order.position_id, order.effect) == ("77", "77", "close")


def test_platforms_close_is_attributed_by_the_position_on_the_other_side() -> None:
    opening, closing = _book(HELD).attribute([OPENING, CLOSING])

    assert (opening.effect, opening.parent_id) == ("open", None)
    assert (closing.effect, closing.parent_id, closing.parent_type) == ("close", "77", "position")


def test_close_of_a_position_never_read_is_told_by_the_order_of_its_fills() -> None:
    closing, opening = _book(mode=None).attribute([CLOSING, OPENING])

    assert (opening.effect, closing.effect) == ("open", "close")


def test_stop_made_together_with_its_entry_is_told_by_its_younger_id() -> None:
    hit = replace(CLOSING, id="11", type=OrderType.STOP, placed_at_ms=1_000, updated_at_ms=1_000)

    stop, opening = _book(mode=None).attribute([hit, OPENING])

    assert (opening.effect, stop.effect, stop.parent_id) == ("open", "close", "77")


def test_lone_fill_without_a_label_stays_unknown() -> None:
    (order,) = _book().attribute([CLOSING])

    assert order.effect == "unknown"


def test_own_order_opens_on_a_hedging_account_and_is_unknown_where_it_may_net() -> None:
    waiting = replace(OPENING, status=OrderStatus.WORKING, type=OrderType.LIMIT, position_id=None)

    assert _book(mode=PositionMode.HEDGING).attribute([waiting])[0].effect == "open"
    assert _book(mode=PositionMode.NETTING).attribute([waiting])[0].effect == "unknown"


def test_label_copied_to_a_leg_does_not_make_it_an_opening_order() -> None:
    (order,) = _book(HELD).attribute([replace(STOP, label="ob-a")])

    assert order.effect == "close"


def test_working_order_of_no_known_position_is_unexplained_until_dismissed() -> None:
    book = _book()

    assert book.has_unexplained([STOP])
    book.dismiss_unexplained([STOP])
    assert not book.has_unexplained([STOP])


def test_known_leg_final_order_and_inactive_leg_need_no_explanation() -> None:
    inactive = replace(STOP, id="20:SL", status=OrderStatus.INACTIVE, parent_id="20", parent_type="order")

    assert not _book(HELD).has_unexplained([STOP, OPENING, inactive])


def test_leg_dismissed_too_early_is_recognised_when_its_position_is_read() -> None:
    book = _book()
    book.dismiss_unexplained([STOP])

    book.learn([HELD])

    assert book.attribute([STOP])[0].parent_id == "77"
