"""Quantities and limits (TRADING.md rules 1, 22, 23)."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.model import OrderType
from orderbridge.strategy.goal import Ending
from orderbridge.strategy.reasons import number, position
from tests.unit.strategy.cases import DESKS, EURUSD, FUTURES, FX, MES, Desk, alert, d, holds, target, working


@pytest.mark.parametrize(
    ("quantity", "code"), [(None, "quantity_missing"), (0, "quantity_zero"), (-1, "quantity_negative")]
)
@pytest.mark.parametrize("desk", DESKS)
def test_entry_without_a_positive_quantity_is_refused(desk: Desk, quantity: int | None, code: str) -> None:
    end = desk.end(alert("buy", quantity))

    assert (end.ending, end.code) == (Ending.REFUSED, code)


def test_kind_of_quantity_that_is_not_supported_is_refused_by_name() -> None:
    end = FUTURES.end(alert("buy", 5, quantity_type="percent_of_equity"))

    assert end.code == "quantity_type_unsupported"
    assert "percent_of_equity" in end.sentence


def test_quantity_is_rounded_down_to_the_step_and_said() -> None:
    goal = FUTURES.with_route(multiplier=d("0.7")).goal(alert("buy", 5))

    assert goal.entry is not None
    assert goal.entry.quantity == 3
    assert "3.5 contracts rounded down to 3 (step 1)." in goal.notes


def test_quantity_that_rounds_to_zero_is_refused_with_the_numbers() -> None:
    end = FX.end(alert("buy", "0.009"))

    assert end.code == "quantity_rounds_to_zero"
    assert "0.009 lots" in end.sentence
    assert "0.01" in end.sentence


@pytest.mark.parametrize(
    ("quantity", "code"), [("0.05", "quantity_below_minimum"), ("60", "quantity_above_maximum"), ("1", None)]
)
def test_instruments_own_limits_hold(quantity: str, code: str | None) -> None:
    desk = FX.with_(instrument=replace(EURUSD, min_quantity=d("0.1"), max_quantity=d(50)))

    if code is None:
        assert desk.entry(alert("buy", quantity)).quantity == 1
    else:
        assert desk.code(alert("buy", quantity)) == code


class TestUnits:
    def test_units_become_lots_by_the_instruments_lot_size(self) -> None:
        goal = FX.with_settings(quantity_unit="units").goal(alert("buy", 20_000))

        assert goal.entry is not None
        assert goal.entry.quantity == d("0.2")
        assert "0.2 lots are 20,000 units of EURUSD, about 22,000 USD." in goal.notes

    def test_lots_are_taken_as_lots_and_said_in_units_and_money(self) -> None:
        goal = FX.goal(alert("sell", "0.5"))

        assert "0.5 lots are 50,000 units of EURUSD, about 55,000 USD." in goal.notes

    def test_missing_unit_is_refused_at_a_lots_broker(self) -> None:
        desk = FX.with_settings(quantity_unit=None)

        assert desk.code(alert("buy", 1)) == "quantity_unit_missing"
        assert desk.code(alert("exit", 1), holds(2)) == "quantity_unit_missing"
        assert desk.code(alert("buy", 1, target=target(1))) == "quantity_unit_missing"

    def test_reversal_without_the_unit_closes_and_opens_nothing(self) -> None:
        goal = FX.with_settings(quantity_unit=None).goal(alert("buy", 3), holds(-2))

        assert (goal.kind, goal.entry) == ("exit", None)
        assert goal.dropped is not None
        assert goal.dropped.code == "quantity_unit_missing"

    def test_lots_at_a_broker_of_units_are_refused(self) -> None:
        assert FUTURES.with_settings(quantity_unit="lots").code(alert("buy", 1)) == "quantity_unit_mismatch"
        assert FUTURES.with_settings(quantity_unit=None).entry(alert("buy", 1)).quantity == 1

    def test_fixed_quantity_counts_in_the_strategys_unit(self) -> None:
        desk = FX.with_settings(quantity_unit="units").with_route(fixed_quantity=d(30_000))

        assert desk.entry(alert("buy")).quantity == d("0.3")


class TestMaxQuantity:
    def test_held_working_and_unknown_count(self) -> None:
        desk = FUTURES.with_settings(max_quantity=d(5), pyramiding=9)

        assert desk.entry(alert("buy", 5)).quantity == 5
        assert desk.entry(alert("buy", 1), holds(2, entries=(working("buy", 2),))).quantity == 1
        end = desk.end(alert("buy", 2), holds(2, entries=(working("buy", 2),)))
        assert end.code == "max_quantity"
        assert "4 held or working and 2 more" in end.sentence

    def test_the_other_side_is_closed_first_and_counts_nothing(self) -> None:
        desk = FUTURES.with_settings(max_quantity=d(5))

        assert desk.entry(alert("sell", 8), holds(3)).quantity == 5

    def test_limit_counts_in_the_strategys_unit(self) -> None:
        desk = FX.with_settings(quantity_unit="units", max_quantity=d(100_000))

        assert desk.entry(alert("buy", 100_000)).quantity == 1
        end = desk.end(alert("buy", 101_000))
        assert end.code == "max_quantity"
        assert "max_quantity 100,000 (1 lots)" in end.sentence
        assert "(" not in FX.with_settings(max_quantity=d(1)).end(alert("buy", 2)).sentence


class TestMaxNotional:
    def test_notional_counts_the_point_value_and_the_price(self) -> None:
        desk = FUTURES.with_settings(max_notional=d(100_000), pyramiding=9)

        assert desk.entry(alert("buy", 4)).quantity == 4
        end = desk.end(alert("buy", 2), holds(3))
        assert end.code == "max_notional"
        assert "125,000 USD" in end.sentence

    def test_orders_own_price_counts(self) -> None:
        desk = FUTURES.with_settings(max_notional=d(20_000))

        limit: dict[str, Any] = {"order_type": OrderType.LIMIT, "limit_price": d(4000)}
        assert desk.entry(alert("buy", 1, **limit)).quantity == 1
        assert desk.code(alert("buy", 1)) == "max_notional"

    def test_alerts_price_stands_in_for_a_missing_quote(self) -> None:
        desk = FUTURES.with_settings(max_notional=d(20_000)).with_(quote=None)

        assert desk.code(alert("buy", 1, price=d(5000))) == "max_notional"
        assert desk.code(alert("buy", 1)) == "notional_unknown"

    def test_lifted_limit_needs_no_price(self) -> None:
        assert FUTURES.with_(quote=None).entry(alert("buy", 5_000)).quantity == 5_000

    def test_lots_count_by_their_size(self) -> None:
        desk = FX.with_settings(max_notional=d(250_000))

        assert desk.entry(alert("buy", 2)).quantity == 2
        assert desk.code(alert("buy", "2.28")) == "max_notional"


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+5", "100,000"), ("0.10", "0.1"), ("0", "0"), ("-2.50", "-2.5"), ("0.3333333333333333333", "0.333333333333")],
)
def test_numbers_are_said_without_exponent_and_trailing_zeros(value: str, text: str) -> None:
    assert number(d(value)) == text


def test_positions_are_said_by_side_and_size() -> None:
    assert [position(d(value)) for value in ("2", "-0.5", "0")] == ["long 2", "short 0.5", "flat"]


@pytest.mark.parametrize(
    ("desk", "word"),
    [
        (FUTURES, "contracts"),
        (FUTURES.with_(instrument=replace(MES, asset_type="stock")), "shares"),
        (FUTURES.with_(instrument=replace(MES, asset_type="crypto")), "units"),
        (FX, "lots"),
    ],
)
def test_sizes_are_said_in_the_brokers_unit(desk: Desk, word: str) -> None:
    end = desk.with_settings(max_quantity=d(1)).end(alert("buy", 2))

    assert word in end.sentence
