"""Who owns what, unknown orders, months, and what the strategy allows at all (TRADING.md rules 1-4, 13)."""

from decimal import Decimal

import pytest

from orderbridge.alerts.alert import Alert
from orderbridge.model import Direction, PositionMode
from orderbridge.strategy.goal import Ending, Goal, Holding
from tests.unit.strategy.cases import DESKS, FUTURES, FX, Desk, alert, d, held_in, holds, target, toward


def partly_owned(held: int, owned: int) -> Holding:
    return Holding(Decimal(held), Decimal(owned), entry_count=1 if owned else 0)


class TestForeignPositions:
    def test_exit_takes_what_is_owned(self) -> None:
        goal = FUTURES.goal(alert("exit", target=target(0)), partly_owned(5, 2))

        assert (goal.close_quantity, goal.adopt) == (None, False)
        assert FUTURES.goal(alert("exit", 4), partly_owned(5, 2)).kind == "exit"

    def test_exit_takes_no_more_than_is_held(self) -> None:
        assert FUTURES.code(alert("exit"), partly_owned(0, 2)) == "already_flat"
        assert FUTURES.code(alert("exit"), partly_owned(-1, 2)) == "not_owned"

    def test_exit_of_a_strangers_position_is_a_no_op_that_says_so(self) -> None:
        end = FUTURES.end(alert("exit"), partly_owned(5, 0))

        assert (end.ending, end.code) == (Ending.NO_ACTION, "not_owned")
        assert "long 5" in end.sentence

    def test_adopt_takes_the_whole_position(self) -> None:
        desk = FUTURES.with_settings(on_foreign_position="adopt")

        goal = desk.goal(alert("exit"), partly_owned(5, 2))

        assert (goal.kind, goal.adopt, goal.close) == ("exit", True, Direction.LONG)
        assert desk.code(alert("buy", 1), partly_owned(5, 0)) == "same_side_held"

    def test_halt_refuses_entries_and_lets_exits_pass(self) -> None:
        desk = FUTURES.with_settings(on_foreign_position="halt")

        assert desk.code(alert("buy", 1), partly_owned(5, 0)) == "foreign_position"
        assert desk.goal(alert("exit"), partly_owned(5, 2)).kind == "exit"
        assert desk.entry(alert("buy", 1)).quantity == 1

    def test_ignore_enters_beside_a_stranger_on_the_same_side(self) -> None:
        assert FUTURES.entry(alert("buy", 1), partly_owned(5, 0)).quantity == 1

    def test_entry_that_would_close_a_strangers_position_is_refused_where_the_account_nets(self) -> None:
        assert FUTURES.code(alert("sell", 1), partly_owned(5, 0)) == "foreign_opposite"

    def test_entry_against_a_strangers_position_is_its_own_where_the_account_hedges(self) -> None:
        assert FX.entry(alert("sell", 1), partly_owned(5, 0)).quantity == 1

    def test_reversal_against_a_stranger_closes_its_own_part_only(self) -> None:
        goal = FUTURES.goal(alert("sell", 5), partly_owned(5, 2))

        assert (goal.kind, goal.close_quantity, goal.adopt) == ("exit", None, False)
        assert goal.dropped is not None
        assert goal.dropped.code == "foreign_opposite"


class TestHedging:
    @pytest.mark.parametrize("means", ["side", "order"])
    def test_entry_against_own_positions_is_a_reversal(self, means: str) -> None:
        goal = FX.with_settings(action_means=means).goal(alert("buy", 3), holds(-2))

        assert goal.close is Direction.SHORT
        assert goal.entry is not None
        assert goal.entry.quantity == 1

    def test_own_position_stands_beside_a_strangers_opposite_one(self) -> None:
        goal = FX.goal(alert("exit"), partly_owned(-1, 2))

        assert (goal.kind, goal.close) == ("exit", Direction.LONG)

    def test_netting_mode_at_the_same_broker_counts_as_netting(self) -> None:
        desk = FX.with_(position_mode=PositionMode.NETTING)

        assert desk.code(alert("sell", 1), partly_owned(5, 0)) == "foreign_opposite"


class TestUnknownOrders:
    @pytest.mark.parametrize("holding", [holds(0, unknown_entries=d(2)), holds(0, unknown_exits=1)])
    @pytest.mark.parametrize("asked", [alert("sell", 1), alert("sell", 1, target=target(-1, previous=0))])
    def test_unknown_order_blocks_entries(self, holding: Holding, asked: Alert) -> None:
        end = FUTURES.with_settings(pyramiding=5).end(asked, holding)

        assert (end.ending, end.code) == (Ending.REFUSED, "unknown_command")

    def test_unknown_order_leaves_the_close_of_a_reversal_alone(self) -> None:
        goal = FUTURES.goal(alert("buy", 3), holds(-2, unknown_exits=1))

        assert (goal.kind, goal.close) == ("exit", Direction.SHORT)
        assert goal.dropped is not None
        assert goal.dropped.code == "unknown_command"
        assert any("Nothing is opened" in note for note in goal.notes)

    def test_unknown_entry_counts_as_filled_for_a_target(self) -> None:
        assert FUTURES.code(alert("buy", 2, target=target(2)), holds(0, unknown_entries=d(2))) == "target_reached"


class TestMonths:
    old = holds(2, positions=(held_in("MESU26", 2),))

    def test_old_month_is_held(self) -> None:
        end = FUTURES.end(alert("buy", 1), self.old)

        assert end.code == "same_side_held"
        assert "MESU26" in end.sentence

    def test_old_month_reaches_the_target(self) -> None:
        end = FUTURES.end(alert("buy", 1, target=target(2, previous=0)), self.old)

        assert end.code == "target_reached"
        assert "MESU26" in end.sentence

    def test_add_to_an_old_month_goes_to_the_new_one_and_says_so(self) -> None:
        goal = FUTURES.with_settings(pyramiding=2).goal(alert("buy", 1), self.old)

        assert goal.symbol == "MESZ26"
        assert any("2 contracts are held in MESU26" in note and "MESZ26" in note for note in goal.notes)

    def test_reversal_closes_the_old_month_and_enters_the_new_one(self) -> None:
        goal = FUTURES.goal(alert("sell", 3), self.old)

        assert (goal.kind, goal.symbol, goal.root) == ("reverse", "MESZ26", "MES")
        assert "Closes long 2 (MESU26)." in goal.notes


class TestAllowed:
    def test_strategy_that_is_off_sends_nothing(self) -> None:
        end = FUTURES.with_settings(mode="off").end(alert("exit"), holds(2))

        assert (end.ending, end.code) == (Ending.NO_ACTION, "mode_off")

    def test_notice_is_no_trade(self) -> None:
        assert FUTURES.code(alert("none")) == "notice"

    @pytest.mark.parametrize("action", ["buy", "exit", "cancel"])
    def test_action_that_is_not_allowed_is_refused_by_name(self, action: str) -> None:
        end = FUTURES.with_settings(allowed_actions=("sell",)).end(alert(action, 1), holds(0))

        assert end.code == "action_not_allowed"
        assert action in end.sentence

    def test_root_that_the_strategy_does_not_trade_is_refused(self) -> None:
        assert FUTURES.with_settings(trades=("ES", "NQ")).code(alert("buy", 1)) == "symbol_not_allowed"
        assert FUTURES.with_settings(trades=("MES",)).entry(alert("buy", 1)).quantity == 1


@pytest.mark.parametrize("desk", DESKS)
def test_deciding_twice_gives_the_same_answer(desk: Desk) -> None:
    asked = alert("buy", 3, target=toward("long"))

    assert isinstance(desk.decide(asked, holds(-1)), Goal)
    assert desk.decide(asked, holds(-1)) == desk.decide(asked, holds(-1))
