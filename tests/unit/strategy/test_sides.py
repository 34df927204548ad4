"""Messages without a position: sides, adds, plain orders, pyramiding (TRADING.md rules 5 and 9)."""

from decimal import Decimal

import pytest

from orderbridge.model import Direction, OrderType, Side
from orderbridge.strategy.goal import Ending
from tests.unit.strategy.cases import DESKS, FUTURES, FX, Desk, alert, d, holds, toward, working


@pytest.mark.parametrize("desk", DESKS)
def test_buy_when_flat_enters(desk: Desk) -> None:
    goal = desk.goal(alert("buy", 2))

    assert (goal.kind, goal.close, goal.symbol, goal.root) == (
        "enter",
        Direction.FLAT,
        desk.instrument.symbol,
        "MES" if desk is FUTURES else "EURUSD",
    )
    assert goal.entry is not None
    assert (goal.entry.side, goal.entry.quantity) == (Side.BUY, d(2))


@pytest.mark.parametrize("desk", DESKS)
@pytest.mark.parametrize(("action", "held", "closing"), [("buy", -2, "short"), ("sell", 2, "long")])
def test_opposite_side_is_closed_whole_and_the_rest_of_the_order_enters(
    desk: Desk, action: str, held: int, closing: str
) -> None:
    goal = desk.goal(alert(action, 3), holds(held))

    assert (goal.kind, goal.close, goal.close_quantity) == ("reverse", closing, None)
    assert goal.entry is not None
    assert (goal.entry.side.value, goal.entry.quantity) == (action, d(1))
    assert goal.cancel_entries == "opposite"


def test_reversal_whose_order_only_covers_the_close_ends_flat_and_says_so() -> None:
    goal = FUTURES.goal(alert("buy", 2), holds(-2))

    assert (goal.kind, goal.entry, goal.dropped) == ("exit", None, None)
    assert "less 2 closed" in " ".join(goal.notes)


def test_reversal_subtracts_what_was_closed_in_the_accounts_own_scale() -> None:
    desk = FX.with_route(multiplier=d("0.5"))

    assert desk.entry(alert("buy", 6), holds("-1.2")).quantity == d("1.8")


def test_reversal_says_what_its_entry_counts_as_closed() -> None:
    assert FUTURES.goal(alert("buy", 5), holds(-2)).reckoned == 2
    assert FUTURES.goal(alert("buy", 5)).reckoned is None
    assert FUTURES.with_route(fixed_quantity=d(4)).goal(alert("buy", 5), holds(-2)).reckoned is None


def test_fixed_quantity_is_the_size_of_a_reversals_entry_and_takes_no_multiplier() -> None:
    desk = FUTURES.with_route(fixed_quantity=d(4), multiplier=d(10))

    assert desk.entry(alert("buy", 99)).quantity == 4
    assert desk.entry(alert("buy", 99), holds(-7)).quantity == 4


def test_buy_when_long_is_refused_with_the_numbers() -> None:
    end = FUTURES.end(alert("buy", 1), holds(2))

    assert (end.ending, end.code) == (Ending.REFUSED, "same_side_held")
    assert "long 2" in end.sentence
    assert "1 of 1" in end.sentence


def test_pyramiding_allows_as_many_entries_as_it_says() -> None:
    desk = FUTURES.with_settings(pyramiding=3)

    assert desk.entry(alert("buy", 1), holds(2, count=2)).quantity == 1
    assert desk.code(alert("buy", 1), holds(3, count=3)) == "same_side_held"


def test_entry_that_only_works_counts_as_one() -> None:
    flat = holds(0, entries=(working("buy"),))

    assert FUTURES.code(alert("buy", 1), flat) == "same_side_held"
    assert FUTURES.with_settings(pyramiding=2).entry(alert("buy", 1), flat).quantity == 1


def test_working_entry_on_the_other_side_is_cancelled_before_the_entry() -> None:
    goal = FUTURES.goal(alert("buy", 1), holds(0, entries=(working("sell"),)))

    assert (goal.kind, goal.cancel_entries) == ("enter", "opposite")


def test_reversal_is_only_a_close_while_its_side_works_already() -> None:
    goal = FUTURES.goal(alert("buy", 3), holds(-1, entries=(working("buy", 2),)))

    assert (goal.kind, goal.entry) == ("exit", None)
    assert goal.dropped is not None
    assert goal.dropped.code == "same_side_held"


@pytest.mark.parametrize(("held", "side"), [(2, "buy"), (-2, "sell")])
def test_add_goes_to_the_side_that_is_held_whatever_pyramiding_says(held: int, side: str) -> None:
    entry = FUTURES.entry(alert("add", 1), holds(held, count=5))

    assert (entry.side.value, entry.quantity) == (side, d(1))


def test_add_when_flat_needs_a_side() -> None:
    assert FUTURES.code(alert("add", 1)) == "nothing_to_add_to"
    assert FUTURES.entry(alert("add", 1, target=toward("short"))).side is Side.SELL


@pytest.mark.parametrize("named", ["short", "flat"])
def test_add_against_the_side_that_is_held_is_refused(named: str) -> None:
    assert FUTURES.code(alert("add", 1, target=toward(named)), holds(2)) == "add_other_side"


class TestPlainOrders:
    """`action_means: order` takes buy and sell as they stand."""

    desk = FUTURES.with_settings(action_means="order")

    @pytest.mark.parametrize(
        ("held", "quantity", "close", "opened"),
        [(-2, 1, 1, None), (-2, 2, 2, None), (-2, 5, 2, 3), (2, 1, None, 1), (0, 1, None, 1)],
    )
    def test_order_closes_first_and_opens_what_is_left(
        self, held: int, quantity: int, close: int | None, opened: int | None
    ) -> None:
        goal = self.desk.goal(alert("buy", quantity), holds(held))

        assert (goal.kind, goal.close_quantity, goal.cancel_entries) == ("order", close, "none")
        assert (goal.entry.quantity if goal.entry else None) == opened

    def test_order_is_not_limited_by_pyramiding(self) -> None:
        assert self.desk.entry(alert("buy", 1), holds(4, count=4)).quantity == 1

    def test_resting_order_against_the_held_side_is_refused(self) -> None:
        order = alert("sell", 1, order_type=OrderType.LIMIT, limit_price=d(5100))

        assert self.desk.code(order, holds(2)) == "resting_order_would_close"
        assert self.desk.entry(order).limit_price == 5100

    def test_message_with_a_position_is_a_target_all_the_same(self) -> None:
        assert self.desk.code(alert("buy", 1, target=toward("long")), holds(2)) == "target_reached"


@pytest.mark.parametrize("desk", DESKS)
def test_multiplier_applies_to_the_order(desk: Desk) -> None:
    assert desk.with_route(multiplier=d(3)).entry(alert("sell", 2)).quantity == Decimal(6)


def test_add_cancels_the_working_entry_of_the_other_side() -> None:
    goal = FUTURES.goal(alert("add", 1), holds(2, entries=(working("sell", 3),)))

    assert (goal.kind, goal.cancel_entries) == ("enter", "opposite")


def test_cancel_is_for_the_alerts_symbol() -> None:
    goal = FUTURES.goal(alert("cancel"), holds(0, entries=(working("buy"),)))

    assert (goal.symbol, goal.root, goal.kind, goal.cancel_entries) == ("MESZ26", "MES", "cancel", "all")
