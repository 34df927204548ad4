"""Exits and cancels (TRADING.md rules 8, 11, 15)."""

import pytest

from orderbridge.alerts.alert import StopLoss
from orderbridge.model import Direction, OrderType
from orderbridge.strategy.goal import Ending
from tests.unit.strategy.cases import (
    DESKS,
    FUTURES,
    FX,
    NOW_MS,
    Desk,
    alert,
    d,
    held_in,
    holds,
    target,
    toward,
    working,
)

LONG, SHORT = Direction.LONG, Direction.SHORT


@pytest.mark.parametrize("desk", DESKS)
@pytest.mark.parametrize(("held", "side"), [(2, LONG), (-2, SHORT)])
def test_exit_closes_all_that_the_strategy_holds(desk: Desk, held: int, side: Direction) -> None:
    goal = desk.goal(alert("exit"), holds(held))

    assert (goal.kind, goal.close, goal.close_quantity, goal.entry) == ("exit", side, None, None)
    assert goal.notes == (f"Closes {side} 2.",)
    assert goal.cancel_entries == "all"


def test_exit_of_a_side_that_is_not_held_is_a_recorded_no_op() -> None:
    end = FUTURES.end(alert("exit", exit_side=SHORT), holds(2))

    assert (end.ending, end.code) == (Ending.NO_ACTION, "side_not_held")


def test_exit_that_says_which_position_it_left_closes_only_that_side() -> None:
    left = alert("exit", target=toward("flat", previous="short"))

    assert FUTURES.code(left, holds(2)) == "side_not_held"
    assert FUTURES.goal(left, holds(-2)).close is SHORT


def test_exit_when_flat_is_a_recorded_no_op() -> None:
    end = FUTURES.end(alert("exit"))

    assert (end.ending, end.code) == (Ending.NO_ACTION, "already_flat")


@pytest.mark.parametrize("exit_side", [None, LONG])
def test_exit_when_flat_cancels_the_entry_that_works_and_closes_what_it_may_fill(exit_side: Direction | None) -> None:
    goal = FUTURES.goal(alert("exit", exit_side=exit_side), holds(0, entries=(working("buy"),)))

    assert (goal.kind, goal.close) == ("exit", LONG)
    assert goal.cancel_entries == ("all" if exit_side is None else "opposite")


def test_exit_when_flat_waits_for_an_entry_of_unknown_outcome() -> None:
    goal = FUTURES.goal(alert("exit"), holds(0, unknown_entries=d(-2)))

    assert (goal.kind, goal.close) == ("exit", SHORT)


@pytest.mark.parametrize(
    ("sell", "unknown", "closing"), [(1, 0, LONG), (2, 0, LONG), (3, 0, SHORT), (1, -1, SHORT), (3, 1, LONG)]
)
def test_exit_when_flat_names_the_side_that_is_likelier_to_fill(sell: int, unknown: int, closing: Direction) -> None:
    both = holds(0, entries=(working("buy", 2), working("sell", sell)), unknown_entries=d(unknown))

    assert FUTURES.goal(alert("exit"), both).close is closing


@pytest.mark.parametrize("desk", DESKS)
def test_partial_exit_closes_the_quantity_times_the_multiplier(desk: Desk) -> None:
    goal = desk.with_route(multiplier=d(2)).goal(alert("exit", 1), holds(5))

    assert (goal.kind, goal.close_quantity, goal.cancel_entries) == ("reduce", d(2), "none")


def test_partial_exit_of_more_than_is_held_closes_all_and_opens_nothing() -> None:
    goal = FUTURES.goal(alert("exit", 9), holds(2))

    assert (goal.kind, goal.close_quantity, goal.entry) == ("exit", None, None)


def test_partial_exit_closes_no_more_than_it_names_should_an_entry_fill_first() -> None:
    goal = FUTURES.goal(alert("exit", 2), holds(0, entries=(working("buy", 5),)))

    assert (goal.kind, goal.close_quantity, goal.close_most) == ("exit", None, d(2))


def test_exit_without_a_quantity_closes_also_what_fills_first() -> None:
    assert FUTURES.goal(alert("exit"), holds(0, entries=(working("buy", 5),))).close_most is None


def test_exit_of_less_than_a_step_is_refused_also_where_an_entry_only_works() -> None:
    desk = FUTURES.with_route(multiplier=d("0.1"))

    assert desk.code(alert("exit", 1), holds(0, entries=(working("buy", 5),))) == "quantity_rounds_to_zero"


def test_partial_exit_in_units_is_converted_to_lots() -> None:
    goal = FX.with_settings(quantity_unit="units").goal(alert("exit", 30_500), holds("0.5"))

    assert goal.close_quantity == d("0.3")
    assert "rounded down to 0.3" in " ".join(goal.notes)


def test_partial_exit_that_rounds_to_zero_is_refused() -> None:
    assert FUTURES.with_route(multiplier=d("0.1")).code(alert("exit", 1), holds(5)) == "quantity_rounds_to_zero"


def test_exit_to_a_target_keeps_the_target() -> None:
    assert FUTURES.goal(alert("exit", 9, target=target(2, previous=5)), holds(5)).close_quantity == 3


def test_exit_with_a_flat_target_closes_all_whatever_its_quantity() -> None:
    assert FUTURES.goal(alert("exit", 1, target=target(0)), holds(5)).close_quantity is None


def test_exit_is_not_refused_for_what_it_does_not_need_and_says_what_it_does_not_obey() -> None:
    clumsy = alert("exit", 0, order_type=OrderType.LIMIT, limit_price=d(0), stop_loss=StopLoss())

    goal = FX.goal(clumsy, holds(2))

    assert (goal.kind, goal.close_quantity) == ("exit", None)
    said = " ".join(goal.notes)
    assert "quantity 0" in said
    assert "goes at market" in said
    assert "no stop or target" in said


def test_exit_needs_no_quantity_unit_and_no_quote() -> None:
    desk = FX.with_settings(quantity_unit=None).with_(quote=None)

    assert desk.goal(alert("exit"), holds(2)).kind == "exit"


def test_exit_passes_while_an_order_is_unknown() -> None:
    goal = FUTURES.goal(alert("exit"), holds(2, unknown_entries=d(1), unknown_exits=1))

    assert (goal.kind, goal.close) == ("exit", LONG)


def test_exit_does_not_expire_by_default_and_does_where_the_strategy_says_so() -> None:
    late = alert("exit", fired_at_ms=NOW_MS - 3_600_000)

    assert FUTURES.goal(late, holds(2)).kind == "exit"
    end = FUTURES.with_settings(exit_max_age_ms=60_000).end(late, holds(2))
    assert (end.ending, end.code) == (Ending.EXPIRED, "exit_too_old")
    assert FUTURES.with_settings(exit_max_age_ms=3_600_000).goal(late, holds(2)).kind == "exit"


def test_close_says_the_month_that_is_held() -> None:
    goal = FUTURES.goal(alert("exit"), holds(2, positions=(held_in("MESU26", 2),)))

    assert goal.symbol == "MESZ26"
    assert "Closes long 2 (MESU26)." in goal.notes


def test_test_alert_carries_its_mark() -> None:
    assert FUTURES.goal(alert("exit", test=True), holds(2)).test
    assert FUTURES.goal(alert("buy", 1, test=True)).test
    assert FUTURES.goal(alert("cancel", test=True), holds(0, entries=(working("buy"),))).test
    assert not FUTURES.goal(alert("exit"), holds(2)).test


class TestCancel:
    def test_own_working_entries_are_cancelled_and_nothing_else(self) -> None:
        goal = FUTURES.goal(alert("cancel"), holds(2, entries=(working("buy"),), exits=(working("sell"),)))

        assert (goal.kind, goal.cancel_entries, goal.close, goal.entry) == ("cancel", "all", Direction.FLAT, None)

    def test_nothing_working_is_a_recorded_no_op(self) -> None:
        end = FUTURES.end(alert("cancel"), holds(2, exits=(working("sell"),), foreign=(working("buy"),)))

        assert (end.ending, end.code) == (Ending.NO_ACTION, "nothing_working")
