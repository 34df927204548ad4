"""Exits are refused only for what they cannot do without (TRADING.md rules 8, 11 and 28); and cancellations."""

import math
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.alerts.alert import Action, Alert, Target
from orderbridge.model import Direction, OrderType
from tests.unit.alerts.kit import FIRED, FIRED_MS, alert, read_text, refusal, told

D = Decimal
LONG, SHORT, FLAT = Direction.LONG, Direction.SHORT, Direction.FLAT


@pytest.mark.parametrize(
    ("fields", "side"),
    [
        ({"action": "exit"}, None),
        ({"action": "exit_long"}, LONG),
        ({"action": "Exit Short"}, SHORT),
        ({"action": "exit", "order_action": "sell"}, LONG),
        ({"action": "exit", "prev_market_position": "short"}, SHORT),
        ({"action": "exit", "sentiment": "flat"}, None),
        ({"action": "sell", "sentiment": "flat"}, LONG),
        ({"action": "buy", "market_position": "flat"}, SHORT),
        ({"action": "buy", "position_size": 0}, SHORT),
        ({"action": "sell", "market_position_size": "0"}, LONG),
        ({"market_position": "flat", "prev_market_position": "long"}, LONG),
    ],
)
def test_exit_is_recognised_with_the_side_that_it_names(fields: dict[str, Any], side: Direction | None) -> None:
    understood = alert(**fields)

    assert understood.action is Action.EXIT
    assert understood.exit_side is side


@pytest.mark.parametrize("marker", [{"action": "exit"}, {"action": "sell", "sentiment": "flat"}])
@pytest.mark.parametrize(
    "junk",
    [
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": math.nan},
        {"quantity": "{{strategy.order.contracts}}"},
        {"quantity": ""},
        {"stopLoss": {"stopPrice": "NaN"}},
        {"stopLoss": "NaN"},
        {"takeProfit": {"limitPrice": "NaN", "percent": 1}},
        {"limitPrice": "NaN"},
        {"orderType": "limit", "limitPrice": "NaN"},
        {"orderType": "limit"},
        {"orderType": "nonsense"},
        {"price": "{{close}}"},
        {"timeInForce": "soon"},
        {"extendedHours": "perhaps"},
        {"interval": ["x"]},
        {"time": "NaN"},
        {"prev_market_position": "{{x}}"},
        {"prev_market_position_size": "NaN"},
        {"unknown_key": 1},
        {"delay": 60},
        {"strikePrice": 5},
        {"breakevenOffset": 1},
        {"cancel": True},
    ],
)
def test_exit_is_never_refused_for_what_it_does_not_need(marker: dict[str, Any], junk: dict[str, Any]) -> None:
    understood = alert(**marker, **junk)

    assert understood.action is Action.EXIT
    assert understood.quantity is None
    assert understood.order_type is OrderType.MARKET
    if next(iter(junk)) not in ("cancel", "interval"):  # what is done anyway, and information
        assert next(iter(junk)) in told(understood), "what is not obeyed is said"


def test_exit_with_contradicting_positions_still_exits() -> None:
    understood = alert(action="exit", sentiment="long", market_position="short")

    assert understood.action is Action.EXIT
    assert understood.target is None
    assert "contradicts" in told(understood)


def test_order_that_one_field_calls_flat_and_another_long_is_no_clear_exit() -> None:
    assert refusal(action="sell", sentiment="flat", market_position="long").code == "contradiction"


def test_action_left_as_a_placeholder_does_not_hide_that_the_message_ends_flat() -> None:
    understood = alert(action="{{strategy.order.action}}", market_position="flat")

    assert understood.action is Action.EXIT
    assert "placeholder" in told(understood)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"ticker": "{{ticker}}"}, "ticker"),
        ({"ticker": None}, "ticker"),
        ({"test": "{{x}}"}, "test"),
        ({"action": "breakeven", "sentiment": "flat"}, "action"),
    ],
)
def test_exit_is_refused_for_what_it_needs(fields: dict[str, Any], field: str) -> None:
    assert refusal(**{"action": "exit"} | fields).field == field


@pytest.mark.parametrize(
    "fields",
    [{"instrument": "ETHUSD"}, {"pair": "{{ticker}}"}, {"coin_pair": "X"}, {"data": {"s": "X"}}, {"legs": ["X"]}],
)
def test_exit_with_a_symbol_in_an_unknown_field_never_exits_the_strategys_own(fields: dict[str, Any]) -> None:
    refused = refusal(ticker=None, symbol="MES1!", action="exit", **fields)

    assert (refused.code, refused.field) == ("missing_field", "ticker")


def test_exit_without_a_symbol_exits_the_strategys_own() -> None:
    understood = alert(ticker=None, symbol="MES1!", action="exit", user_id="u", strategy_id="s")

    assert understood.action is Action.EXIT
    assert understood.symbol == ""


def test_field_given_twice_refuses_an_exit_only_where_it_matters() -> None:
    understood = read_text('{"ticker": "MSFT", "action": "exit", "comment": "a", "comment": "b"}')
    refused = read_text('{"ticker": "MSFT", "ticker": "AAPL", "action": "exit"}')

    assert isinstance(understood, Alert)
    assert not isinstance(refused, Alert)
    assert refused.field == "ticker"


# ---- a part of the position


def test_exit_with_a_quantity_is_partial() -> None:
    assert alert(action="exit", quantity=2).quantity == 2


def test_exit_that_stays_long_keeps_its_target() -> None:
    understood = alert(action="exit", quantity=1, market_position="long", market_position_size=2)

    assert understood.exit_side is LONG
    assert understood.target == Target(LONG, D(2))


def test_flat_message_closes_all_whatever_its_quantity() -> None:
    understood = alert(action="sell", sentiment="flat", quantity=3, orderType="limit", limitPrice=5)

    assert (understood.quantity, understood.order_type) == (None, OrderType.MARKET)
    assert "quantity" in told(understood)


@pytest.mark.parametrize("quantity", [{}, {"quantity": "NaN"}, {"quantity": 0}])
def test_partial_exit_of_an_unsaid_size_is_refused(quantity: dict[str, Any]) -> None:
    assert refusal(action="exit", sentiment="long", **quantity).field == "quantity"


def test_partial_exit_that_says_what_remains_needs_no_quantity() -> None:
    understood = alert(action="exit", quantity="NaN", position_size=2)

    assert understood.quantity is None
    assert understood.target == Target(LONG, D(2))


def test_exit_of_a_percentage_is_refused_and_of_the_whole_is_an_exit() -> None:
    refused = refusal(action="exit", quantity=50, quantityType="percent_of_position")

    assert (refused.code, refused.field) == ("not_supported", "quantityType")
    assert alert(action="exit", quantity=100, quantityType="percent_of_position").quantity is None
    assert alert(action="exit", quantityType="percent_of_position").quantity is None


def test_exit_with_two_sizes_is_refused() -> None:
    assert refusal(action="exit", quantity=1, contracts=2).code == "contradiction"


def test_exit_that_ends_on_the_other_side_only_exits() -> None:
    understood = alert(action="exit", market_position="short", prev_market_position="long")

    assert understood.exit_side is LONG
    assert understood.target is not None
    assert understood.target.direction is None
    assert "only the exit" in told(understood)


def test_exit_that_contradicts_itself_about_its_side_closes_what_is_held() -> None:
    understood = alert(action="sell", market_position="flat", prev_market_position="short")

    assert understood.exit_side is None
    assert "contradicts itself" in told(understood)


# ---- how an exit goes


@pytest.mark.parametrize(
    "fields",
    [
        {"orderType": "stop", "stopPrice": 5},
        {"orderType": "stop_limit", "stopPrice": 5, "limitPrice": 4},
        {"orderType": "trailing_stop", "trailAmount": 1},
        {"orderType": "trailing_stop"},
    ],
)
def test_exit_that_would_be_a_stop_on_the_position_is_refused_never_sent_at_market(fields: dict[str, Any]) -> None:
    refused = refusal(action="exit", **fields)

    assert (refused.code, refused.field) == ("not_supported", "orderType")
    assert "no stop was set" in refused.message


def test_limit_exit_keeps_its_terms_for_the_decision() -> None:
    understood = alert(action="exit", orderType="limit", limitPrice=5)

    assert (understood.order_type, understood.limit_price) == (OrderType.LIMIT, D(5))


def test_exit_has_no_bracket() -> None:
    understood = alert(action="exit", stopLoss={"stopPrice": 5}, takeProfit={"amount": 1})

    assert understood.stop_loss is None
    assert understood.take_profit is None
    assert "takeProfit, stopLoss" in told(understood)


def test_exit_keeps_time_price_and_ids() -> None:
    understood = alert(action="exit", time=FIRED, price="5.5", id="X1", comment="bye", test=True)

    assert (understood.fired_at_ms, understood.price, understood.order_id) == (FIRED_MS, D("5.5"), "X1")
    assert (understood.comment, understood.test) == ("bye", True)


def test_notes_are_bounded() -> None:
    understood = alert(action="exit", **{f"unknown{at}": 1 for at in range(200)})

    assert len(understood.notes) == 20


# ---- cancellations


def test_cancellation_needs_a_symbol_only() -> None:
    understood = alert(action="cancel", quantity="NaN", orderType="limit")

    assert understood.action is Action.CANCEL
    assert "quantity, orderType" in told(understood)


@pytest.mark.parametrize("fields", [{"cancelOrderType": "stop"}, {"unknown": 1}])
def test_cancellation_that_is_not_understood_is_refused(fields: dict[str, Any]) -> None:
    assert refusal(action="cancel", **fields).field in fields
