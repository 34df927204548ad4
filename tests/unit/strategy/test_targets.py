"""Messages that say the resulting position (TRADING.md rules 6 and 9)."""

import pytest

from orderbridge.alerts.alert import Target
from orderbridge.model import Direction
from orderbridge.strategy.goal import Ending
from tests.unit.strategy.cases import DESKS, FUTURES, FX, Desk, alert, d, holds, target, toward, working


@pytest.mark.parametrize("desk", DESKS)
def test_trim_after_the_stop_has_closed_the_position_buys_nothing(desk: Desk) -> None:
    end = desk.end(alert("sell", 1, target=target(1, previous=2)))

    assert (end.ending, end.code) == (Ending.NO_ACTION, "nothing_to_reduce")


@pytest.mark.parametrize("desk", DESKS)
def test_missed_entry_is_not_caught_up(desk: Desk) -> None:
    goal = desk.goal(alert("buy", 1, target=target(3, previous=2)))

    assert goal.entry is not None
    assert goal.entry.quantity == 1
    assert "catching up is off" in " ".join(goal.notes)


@pytest.mark.parametrize("desk", DESKS)
def test_missed_entry_is_caught_up_where_the_strategy_says_so(desk: Desk) -> None:
    assert desk.with_settings(catch_up=True).entry(alert("buy", 1, target=target(3, previous=2))).quantity == 3


def test_own_step_follows_from_the_order_quantity_where_the_message_says_no_position_before() -> None:
    assert FUTURES.entry(alert("buy", 1, target=target(3))).quantity == 1
    assert FUTURES.entry(alert("buy", None, target=target(3))).quantity == 3


@pytest.mark.parametrize("desk", DESKS)
def test_missed_exit_is_caught_up(desk: Desk) -> None:
    goal = desk.goal(alert("sell", 1, target=target(1, previous=2)), holds(5))

    assert (goal.kind, goal.close, goal.close_quantity, goal.entry) == (
        "reduce",
        Direction.LONG,
        d(4),
        None,
    )


@pytest.mark.parametrize("desk", DESKS)
def test_reversal_closes_the_other_side_and_opens_the_target(desk: Desk) -> None:
    goal = desk.goal(alert("buy", 3, target=target(2, previous=-1)), holds(-1))

    assert (goal.kind, goal.close, goal.close_quantity) == ("reverse", "short", None)
    assert goal.entry is not None
    assert goal.entry.quantity == 2


def test_reversal_after_the_stop_has_closed_opens_only_the_target() -> None:
    assert FUTURES.entry(alert("buy", 3, target=target(2, previous=-1))).quantity == 2


def test_increase_against_a_missed_reversal_closes_no_more_than_the_other_side() -> None:
    goal = FUTURES.goal(alert("buy", 1, target=target(3, previous=2)), holds(-4))

    assert (goal.kind, goal.close_quantity) == ("reverse", None)
    assert goal.entry is not None
    assert goal.entry.quantity == 1


def test_multiplier_applies_to_the_targets_and_not_to_their_difference() -> None:
    desk = FUTURES.with_route(multiplier=d("0.5"))

    assert desk.code(alert("buy", 1, target=target(3, previous=2)), holds(1)) == "target_reached"
    assert desk.entry(alert("buy", 1, target=target(4, previous=3)), holds(1)).quantity == 1


def test_target_that_rounds_to_zero_is_refused_and_a_reached_one_is_not() -> None:
    desk = FUTURES.with_route(multiplier=d("0.5"))

    assert desk.code(alert("buy", 1, target=target(1, previous=0))) == "quantity_rounds_to_zero"
    assert desk.code(alert("buy", 1, target=target(1, previous=0)), holds(1)) == "target_reached"


def test_reversal_whose_target_rounds_to_zero_still_closes() -> None:
    goal = FUTURES.with_route(multiplier=d("0.5")).goal(alert("buy", 3, target=target(1, previous=-2)), holds(-1))

    assert (goal.kind, goal.entry) == ("exit", None)
    assert goal.dropped is not None
    assert goal.dropped.code == "quantity_rounds_to_zero"


def test_trim_whose_rest_rounds_to_zero_closes_all() -> None:
    goal = FUTURES.with_route(multiplier=d("0.5")).goal(alert("sell", 1, target=target(1, previous=2)), holds(1))

    assert (goal.kind, goal.close_quantity) == ("exit", None)


@pytest.mark.parametrize("desk", DESKS)
def test_working_entry_counts_as_filled(desk: Desk) -> None:
    buying = working("buy", 2, symbol=desk.instrument.symbol)

    assert desk.code(alert("buy", 2, target=target(2, previous=0)), holds(0, entries=(buying,))) == "target_reached"
    assert desk.entry(alert("buy", 3, target=target(3)), holds(0, entries=(buying,))).quantity == 1


def test_only_the_rest_of_a_working_entry_counts() -> None:
    partly = holds(1, entries=(working("buy", 2, filled=1),))

    assert FUTURES.code(alert("buy", 2, target=target(2, previous=0)), partly) == "target_reached"


def test_flat_target_also_cancels_the_entry_that_would_open_again() -> None:
    goal = FUTURES.goal(alert("sell", 1, target=target(0, previous=1)), holds(0, entries=(working("buy"),)))

    assert (goal.kind, goal.close, goal.cancel_entries) == ("exit", "long", "opposite")


def test_target_ignores_pyramiding() -> None:
    assert FUTURES.entry(alert("buy", 1, target=target(3, previous=2)), holds(2, count=2)).quantity == 1


class TestDirectionsOnly:
    """A sentiment says a side without a size: the order's quantity is the step."""

    def test_entry_takes_the_order_quantity(self) -> None:
        assert FUTURES.entry(alert("buy", 2, target=toward("long"))).quantity == 2
        assert FUTURES.entry(alert("buy", 2, target=toward("long", previous="flat"))).quantity == 2

    def test_side_of_which_one_is_held_is_reached(self) -> None:
        assert FUTURES.code(alert("buy", 2, target=toward("long")), holds(1)) == "target_reached"

    def test_size_after_another_size_of_the_same_side_takes_the_whole_order(self) -> None:
        one_long = Target(Direction.LONG, None, Direction.LONG, d(1))

        assert FUTURES.entry(alert("buy", 2, target=one_long)).quantity == 2

    def test_reversal_against_one_that_is_held_takes_the_quantity_less_that_one(self) -> None:
        assert FUTURES.entry(alert("buy", 5, target=toward("long", previous="short")), holds(-1)).quantity == 4

    def test_side_that_is_held_is_reached(self) -> None:
        assert FUTURES.code(alert("buy", 2, target=toward("long")), holds(2)) == "target_reached"
        assert FUTURES.code(alert("buy", 2, target=toward("long", previous="flat")), holds(2)) == "target_reached"

    def test_step_within_the_side_is_an_add_that_pyramiding_limits(self) -> None:
        adds = alert("buy", 2, target=toward("long", previous="long"))

        assert FUTURES.code(adds, holds(2)) == "same_side_held"
        assert FUTURES.with_settings(pyramiding=2).entry(adds, holds(2)).quantity == 2

    def test_reversal_takes_the_quantity_less_what_is_closed(self) -> None:
        assert FUTURES.entry(alert("buy", 5, target=toward("long")), holds(-2)).quantity == 3
        assert FUTURES.entry(alert("buy", 5, target=toward("long", previous="short")), holds(-2)).quantity == 3

    def test_reversal_takes_the_quantity_less_the_size_that_the_message_says_was_left(self) -> None:
        left_short = Target(Direction.LONG, None, Direction.SHORT, d(-3))

        assert FUTURES.entry(alert("buy", 5, target=left_short)).quantity == 2
        assert FUTURES.entry(alert("buy", 5, target=left_short), holds(-1)).quantity == 2
        assert FX.with_settings(quantity_unit=None).code(alert("buy", 5, target=left_short)) == "quantity_unit_missing"

    def test_entry_after_an_unknown_reversal_is_refused_because_its_size_is_unknown(self) -> None:
        assert FUTURES.code(alert("buy", 5, target=toward("long", previous="short"))) == "entry_size_unknown"

    def test_trim_closes_the_order_quantity_and_never_crosses_zero(self) -> None:
        trim = alert("sell", 1, target=toward("long", previous="long"))

        assert FUTURES.goal(trim, holds(3)).close_quantity == 1
        assert FUTURES.goal(trim, holds(1)).kind == "exit"
        assert FUTURES.code(trim) == "nothing_to_reduce"

    def test_trim_without_a_quantity_is_refused(self) -> None:
        assert FUTURES.code(alert("sell", None, target=toward("long")), holds(3)) == "quantity_missing"

    def test_flat_closes_the_side_that_the_order_reduces(self) -> None:
        assert FUTURES.goal(alert("sell", 9, target=toward("flat")), holds(3)).kind == "exit"
        assert FUTURES.code(alert("sell", 9, target=toward("flat")), holds(-3)) == "nothing_to_reduce"


class TestFixedQuantity:
    """The route's size for every entry: the message's sizes then only say how often and which share."""

    desk = FUTURES.with_route(fixed_quantity=d(4))

    def test_entry_and_each_further_step_are_one_fixed_quantity(self) -> None:
        assert self.desk.entry(alert("buy", 1, target=target(1, previous=0))).quantity == 4
        assert self.desk.entry(alert("buy", 1, target=target(2, previous=1)), holds(4)).quantity == 4

    def test_repeated_entry_is_reached(self) -> None:
        assert self.desk.code(alert("buy", 1, target=target(1, previous=0)), holds(4)) == "target_reached"

    def test_buy_that_says_no_larger_position_opens_nothing(self) -> None:
        assert self.desk.code(alert("buy", 1, target=target(2, previous=2))) == "target_reached"

    def test_repeated_entry_is_reached_where_only_one_is_held(self) -> None:
        desk = FUTURES.with_route(fixed_quantity=d(1))

        assert desk.code(alert("buy", 1, target=target(1, previous=0)), holds(1)) == "target_reached"

    def test_entry_out_of_the_other_side_is_one_fixed_quantity(self) -> None:
        out_of_a_short = Target(Direction.LONG, d(2), Direction.SHORT, None)

        assert self.desk.entry(alert("buy", 1, target=out_of_a_short)).quantity == 4
        assert self.desk.code(alert("buy", 1, target=out_of_a_short), holds(4)) == "target_reached"

    def test_entry_within_a_side_of_unknown_size_is_one_fixed_quantity(self) -> None:
        more_of_a_long = Target(Direction.LONG, d(2), Direction.LONG, None)

        assert self.desk.entry(alert("buy", 1, target=more_of_a_long)).quantity == 4
        assert self.desk.code(alert("buy", 1, target=more_of_a_long), holds(4)) == "target_reached"

    @pytest.mark.parametrize(
        "said",
        [
            Target(Direction.LONG, None, Direction.LONG, d(4)),
            Target(Direction.LONG, d(3), Direction.FLAT, None),
            Target(Direction.LONG, d(3), Direction.SHORT, d(1)),
            Target(Direction.LONG, d(3), Direction.LONG, None),
        ],
    )
    def test_trim_whose_share_does_not_follow_from_the_message_is_refused(self, said: Target) -> None:
        assert self.desk.code(alert("sell", 1, target=said), holds(4)) == "reduction_unknown"

    def test_trim_closes_the_same_share(self) -> None:
        goal = self.desk.goal(alert("sell", 1, target=target(3, previous=4)), holds(4))

        assert (goal.kind, goal.close_quantity) == ("reduce", d(1))

    def test_sell_that_says_no_smaller_position_closes_nothing(self) -> None:
        assert self.desk.code(alert("sell", 1, target=target(4, previous=4)), holds(4)) == "target_reached"

    def test_trim_of_an_unknown_share_is_refused(self) -> None:
        assert self.desk.code(alert("sell", None, target=target(3)), holds(4)) == "reduction_unknown"

    def test_reversal_needs_no_size_of_the_position_before(self) -> None:
        assert self.desk.entry(alert("buy", 5, target=toward("long", previous="short"))).quantity == 4


def test_lots_target_in_units_is_converted() -> None:
    desk = FX.with_settings(quantity_unit="units")

    assert desk.entry(alert("buy", 25_000, target=target(25_000, previous=0))).quantity == d("0.25")
