"""What a native entry says: symbol, size, type, prices, bracket; and what refuses it by name."""

import math
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.alerts.alert import Action, Alert, StopLoss, TakeProfit
from orderbridge.model import Duration, OrderType
from tests.unit.alerts.kit import alert, read, read_text, refusal, told

D = Decimal


def test_smallest_message_is_a_market_order_of_unsaid_size() -> None:
    assert read(action="buy") == Alert(action=Action.BUY, symbol="MSFT")


@pytest.mark.parametrize(("word", "action"), [("buy", Action.BUY), ("SELL", Action.SELL), (" Add ", Action.ADD)])
def test_action_is_read_in_any_case(word: str, action: Action) -> None:
    assert alert(action=word).action is action


@pytest.mark.parametrize("value", ["long", "by", "buy now", "exits", 1, True, ["buy"], {"buy": 1}])
def test_action_that_means_nothing_is_refused_by_name(value: Any) -> None:
    assert refusal(action=value).field == "action"


def test_message_without_an_action_is_refused() -> None:
    assert (refusal().code, refusal().field) == ("missing_field", "action")
    assert refusal(action=None).code == "missing_field"


def test_breakeven_is_known_and_refused_so_that_nobody_believes_a_stop_was_moved() -> None:
    refused = refusal(action="breakeven", orderType="stop")

    assert (refused.code, refused.field) == ("not_supported", "action")
    assert "no stop was moved" in refused.message


# ---- symbol


@pytest.mark.parametrize(
    ("ticker", "symbol", "exchange"),
    [
        ("MES1!", "MES1!", ""),
        ("CME_MINI:MES1!", "MES1!", "CME_MINI"),
        (" nasdaq:aapl ", "aapl", "NASDAQ"),
        ("BRK.B", "BRK.B", ""),
        ("@ES", "@ES", ""),
        ("$SPX.X", "$SPX.X", ""),
        ("BTCUSDT.P", "BTCUSDT.P", ""),
    ],
)
def test_symbol_is_as_in_the_message_without_the_exchange(ticker: str, symbol: str, exchange: str) -> None:
    assert (alert(action="buy", ticker=ticker).symbol, alert(action="buy", ticker=ticker).exchange) == (
        symbol,
        exchange,
    )


@pytest.mark.parametrize("ticker", ["*", "A#B", "a\nb", "MSFT'", "{MSFT}", "x" * 60, "\ufffd", "NASDAQ:", "Ａ"])
def test_text_that_is_no_symbol_is_refused_by_name(ticker: str) -> None:
    assert refusal(action="buy", ticker=ticker).field == "ticker"


def test_option_is_refused_as_not_supported() -> None:
    assert refusal(action="buy", ticker="SPY 250624C596").code == "not_supported"


def test_message_without_a_symbol_takes_the_strategys_own() -> None:
    assert refusal(action="buy", ticker=None).code == "missing_field"
    assert alert(action="buy", ticker=None, symbol="MES1!").symbol == ""


def test_symbol_is_another_name_for_ticker() -> None:
    understood = read_text('{"symbol": "NYMEX:CL1!", "action": "buy"}')

    assert isinstance(understood, Alert)
    assert (understood.symbol, understood.exchange) == ("CL1!", "NYMEX")
    assert not isinstance(read_text('{"symbol": "A", "ticker": "B", "action": "exit"}'), Alert)


def test_delayed_exchange_is_kept_to_be_judged_by_the_decision() -> None:
    assert alert(action="buy", ticker="CME_MINI:MES1!", exchange="CME_MINI_DL").exchange == "CME_MINI_DL"
    assert refusal(action="buy", ticker="CME_MINI:MES1!", exchange="EUREX").field == "exchange"


# ---- quantity


@pytest.mark.parametrize("value", [2, "2", " 2 ", "+2", 2.0, "2.", "2e0"])
def test_quantity_is_read_as_a_number_or_a_text(value: Any) -> None:
    assert alert(action="buy", quantity=value).quantity == D(2)


def test_quantity_keeps_every_digit() -> None:
    understood = read_text('{"ticker": "EURUSD", "action": "buy", "quantity": 0.10}')

    assert isinstance(understood, Alert)
    assert str(understood.quantity) == "0.10"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, "not_positive"),
        ("0.0", "not_positive"),
        (-1, "not_positive"),
        ("NaN", "not_a_number"),
        (math.nan, "not_a_number"),
        (math.inf, "not_a_number"),
        ("-Infinity", "not_a_number"),
        ("1,5", "not_a_number"),
        ("1_000", "not_a_number"),
        ("10 %", "not_a_number"),
        ("٣", "not_a_number"),
        ("1e400", "not_a_number"),
        (1e-20, "not_a_number"),
        (10**20, "not_a_number"),
        (True, "not_a_number"),
        ([1], "not_a_number"),
        ({"value": 1}, "not_a_number"),
        ("", "empty_value"),
        ("{{strategy.order.contracts}}", "unfilled_placeholder"),
        ("=signal.a + 1", "not_supported"),
    ],
)
def test_unusable_quantity_is_refused_by_name(value: Any, code: str) -> None:
    refused = refusal(action="buy", quantity=value)

    assert (refused.code, refused.field) == (code, "quantity")
    assert refused.message
    assert refused.hint


def test_quantity_null_is_not_said() -> None:
    assert alert(action="buy", quantity=None).quantity is None


def test_strategys_order_size_is_the_quantity() -> None:
    assert alert(action="buy", order_contracts="3").quantity == 3
    assert alert(**{"action": "buy", "strategy.order.contracts": 3}).quantity == 3
    assert alert(action="buy", contracts=3, quantity=3).quantity == 3
    assert refusal(action="buy", contracts=3, quantity=2).code == "contradiction"


@pytest.mark.parametrize(
    "kind", ["dollar_amount", "risk_dollar_amount", "percent_of_equity", "percent_of_position", "risk_percent"]
)
def test_other_kind_of_quantity_is_refused_by_name(kind: str) -> None:
    refused = refusal(action="buy", quantity=10, quantityType=kind)

    assert (refused.code, refused.field) == ("not_supported", "quantityType")


def test_fixed_quantity_is_the_one_kind_that_is_taken() -> None:
    assert alert(action="buy", quantity=1, quantityType="fixed_quantity").quantity == 1
    assert refusal(action="buy", quantity=1, quantityType="pieces").field == "quantityType"


# ---- type and prices


def test_limit_order() -> None:
    understood = alert(action="buy", orderType="limit", limitPrice="50.50", timeInForce="gtc", extendedHours=True)

    assert (understood.order_type, understood.limit_price) == (OrderType.LIMIT, D("50.50"))
    assert understood.time_in_force is Duration.GTC
    assert understood.extended_hours


def test_stop_and_stop_limit_and_trailing_orders() -> None:
    assert alert(action="buy", orderType="stop", stopPrice=60).stop_price == 60
    both = alert(action="buy", orderType="stop_limit", stopPrice=60, limitPrice=61)
    assert (both.order_type, both.stop_price, both.limit_price) == (OrderType.STOP_LIMIT, D(60), D(61))
    assert alert(action="sell", orderType="trailing_stop", trailAmount=1).trail_amount == 1
    assert alert(action="sell", orderType="trailing_stop", trailPercent="1.5").trail_percent == D("1.5")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"orderType": "limit"}, "missing_field", "limitPrice"),
        ({"orderType": "stop"}, "missing_field", "stopPrice"),
        ({"orderType": "stop_limit", "stopPrice": 1}, "missing_field", "limitPrice"),
        ({"orderType": "trailing_stop"}, "missing_field", "trailAmount"),
        ({"orderType": "trailing_stop", "trailAmount": 1, "trailPercent": 1}, "contradiction", "trailAmount"),
        ({"orderType": "market", "limitPrice": 1}, "contradiction", "limitPrice"),
        ({"orderType": "limit", "limitPrice": 1, "stopPrice": 1}, "contradiction", "stopPrice"),
        ({"limitPrice": 1}, "missing_field", "orderType"),
        ({"orderType": "limit", "limitPrice": "NaN"}, "not_a_number", "limitPrice"),
        ({"orderType": "limit", "limitPrice": -1}, "not_positive", "limitPrice"),
        ({"orderType": "limt", "limitPrice": 1}, "not_understood", "orderType"),
        ({"timeInForce": "gtd"}, "not_understood", "timeInForce"),
        ({"extendedHours": "maybe"}, "not_a_flag", "extendedHours"),
        ({"test": "yes"}, "not_a_flag", "test"),
        ({"test": "{{x}}"}, "unfilled_placeholder", "test"),
        ({"cancel": True}, "not_supported", "cancel"),
    ],
)
def test_unusable_terms_are_refused_by_name(fields: dict[str, Any], code: str, field: str) -> None:
    refused = refusal(action="buy", **fields)

    assert (refused.code, refused.field) == (code, field)


def test_cancel_false_asks_for_nothing() -> None:
    assert alert(action="buy", cancel=False) == alert(action="buy")


def test_test_run_is_marked() -> None:
    assert alert(action="buy", test=True).test
    assert alert(action="buy", test="true").test
    assert not alert(action="buy", test="False").test


# ---- bracket


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"limitPrice": 19.99}, TakeProfit(limit_price=D("19.99"))),
        ({"percent": "10"}, TakeProfit(percent=D(10))),
        ({"amount": 1.5, "percent": None}, TakeProfit(amount=D("1.5"))),
    ],
)
def test_take_profit_has_one_of_three_forms(value: dict[str, Any], expected: TakeProfit) -> None:
    assert alert(action="buy", takeProfit=value).take_profit == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"stopPrice": 10.71}, StopLoss(stop_price=D("10.71"))),
        ({"type": "stop", "percent": 5}, StopLoss(percent=D(5))),
        ({"type": "stop", "amount": 5}, StopLoss(amount=D(5))),
        (
            {"type": "stop_limit", "stopPrice": 10, "limitPrice": 9.5},
            StopLoss(OrderType.STOP_LIMIT, stop_price=D(10), limit_price=D("9.5")),
        ),
        ({"type": "trailing_stop", "trailPercent": 1}, StopLoss(OrderType.TRAILING_STOP, trail_percent=D(1))),
        ({"trailAmount": 2}, StopLoss(OrderType.TRAILING_STOP, trail_amount=D(2))),
    ],
)
def test_stop_loss_forms(value: dict[str, Any], expected: StopLoss) -> None:
    assert alert(action="buy", stopLoss=value).stop_loss == expected


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"takeProfit": {"limitPrice": 1, "percent": 2}}, "contradiction", "takeProfit.limitPrice"),
        ({"takeProfit": {}}, "missing_field", "takeProfit.limitPrice"),
        ({"takeProfit": {"limitPrice": None}}, "missing_field", "takeProfit.limitPrice"),
        ({"takeProfit": {"limitPrice": "NaN"}}, "not_a_number", "takeProfit.limitPrice"),
        ({"takeProfit": {"limitPrice": 0}}, "not_positive", "takeProfit.limitPrice"),
        ({"takeProfit": {"limitPrice": "{{plot_0}}"}}, "unfilled_placeholder", "takeProfit.limitPrice"),
        ({"takeProfit": {"price": 1}}, "unknown_field", "takeProfit.price"),
        ({"takeProfit": 100}, "not_an_object", "takeProfit"),
        ({"takeProfit": "{{plot_0}}"}, "unfilled_placeholder", "takeProfit"),
        ({"stopLoss": "95"}, "not_an_object", "stopLoss"),
        ({"stopLoss": {"type": "stop"}}, "missing_field", "stopLoss.stopPrice"),
        ({"stopLoss": {"type": "trailing_stop"}}, "missing_field", "stopLoss.trailAmount"),
        ({"stopLoss": {"type": "trailing_stop", "stopPrice": 9}}, "contradiction", "stopLoss.stopPrice"),
        ({"stopLoss": {"type": "stop", "stopPrice": 9, "trailAmount": 1}}, "contradiction", "stopLoss.trailAmount"),
        ({"stopLoss": {"stopPrice": 9, "percent": 1}}, "contradiction", "stopLoss.stopPrice"),
        ({"stopLoss": {"stopPrice": 9, "limitPrice": 8}}, "contradiction", "stopLoss.limitPrice"),
        ({"stopLoss": {"type": "stop_limit", "stopPrice": 9}}, "contradiction", "stopLoss.limitPrice"),
        ({"stopLoss": {"type": "market", "stopPrice": 9}}, "not_understood", "stopLoss.type"),
        ({"stopLoss": {"stopPrice": -9}}, "not_positive", "stopLoss.stopPrice"),
        ({"stopLoss": {"stopPrise": 9}}, "unknown_field", "stopLoss.stopPrise"),
    ],
)
def test_unusable_bracket_is_refused_by_name(fields: dict[str, Any], code: str, field: str) -> None:
    refused = refusal(action="buy", **fields)

    assert (refused.code, refused.field) == (code, field)


def test_bracket_field_given_twice_is_refused() -> None:
    text = '{"ticker": "MSFT", "action": "buy", "stopLoss": {"stopPrice": 9, "stopPrice": 8}}'

    refused = read_text(text)

    assert not isinstance(refused, Alert)
    assert (refused.code, refused.field) == ("repeated_field", "stopPrice")


# ---- price, information, names


def test_signal_price_is_a_reference_and_its_lack_no_reason_to_refuse() -> None:
    assert alert(action="buy", price="420.69").price == D("420.69")
    assert alert(action="buy", price=1, signalPrice=2).price == 2
    assert alert(action="buy", close="7").price == 7
    without = alert(action="buy", price="NaN")
    assert without.price is None
    assert "price is NaN" in told(without)


def test_placeholder_left_in_the_price_is_refused_by_name() -> None:
    assert refusal(action="buy", price="{{closse}}").code == "unfilled_placeholder"


def test_information_is_taken_and_decides_nothing() -> None:
    understood = alert(
        action="buy",
        interval="15",
        extras={"rsi": 23, "why": ["x"]},
        comment="Breakout",
        id="Long",
        message="hello",
        tags=["a"],
        ignoreTradingWindows=True,
        plot_3="NaN",
        volume=0,
        **{"syminfo.currency": ""},
    )

    assert (understood.interval, understood.comment, understood.order_id) == ("15", "Breakout", "Long")
    assert understood.notes == ()


def test_placeholder_left_in_information_is_said_and_refuses_nothing() -> None:
    understood = alert(action="buy", extras={"deep": ["{{x}}"]})

    assert "extras still holds a placeholder" in told(understood)


@pytest.mark.parametrize(
    "field",
    [
        "optionType",
        "intrinsicValue",
        "expiration",
        "strikeCount",
        "strikesAway",
        "strikePrice",
        "delay",
        "expiresAt",
        "cancelAfter",
        "cancelOrderType",
        "marketPriceType",
        "breakevenOffset",
    ],
)
def test_field_that_is_known_and_not_supported_is_refused_with_its_reason(field: str) -> None:
    refused = refusal(action="buy", **{field: "x"})

    assert (refused.code, refused.field) == ("not_supported", field)
    assert ":" in refused.message


@pytest.mark.parametrize("nothing", [None, "", 0, False])
def test_unsupported_field_that_asks_for_nothing_is_passed_over(nothing: Any) -> None:
    assert alert(action="buy", delay=nothing) == alert(action="buy")


@pytest.mark.parametrize(
    ("name", "nearest"), [("limitPrise", "limitPrice"), ("quantty", "quantity"), ("takeprofits", "takeProfit")]
)
def test_unknown_field_is_refused_with_the_nearest_name(name: str, nearest: str) -> None:
    refused = refusal(action="buy", **{name: 1})

    assert (refused.code, refused.field) == ("unknown_field", name)
    assert nearest in refused.hint


def test_unknown_field_like_nothing_is_sent_to_extras() -> None:
    assert "extras" in refusal(action="buy", zzzzzz=1).hint


@pytest.mark.parametrize("name", ["limit_price", "LimitPrice", "limit-price", "limit.price"])
def test_names_are_compared_without_case_and_separators(name: str) -> None:
    assert alert(action="buy", orderType="limit", **{name: 5}).limit_price == 5


def test_one_field_under_two_names_must_agree() -> None:
    assert alert(action="buy", orderType="limit", limit_price=5, limitPrice=5).limit_price == 5
    assert refusal(action="buy", orderType="limit", limit_price=5, limitPrice=6).code == "repeated_field"


def test_field_given_twice_is_refused_by_name() -> None:
    refused = read_text('{"ticker": "MSFT", "action": "buy", "quantity": 1, "quantity": 2}')

    assert not isinstance(refused, Alert)
    assert (refused.code, refused.field) == ("repeated_field", "quantity")


@pytest.mark.parametrize(
    "field", ["ticker", "action", "sentiment", "quantity", "orderType", "timeInForce", "time", "market_position"]
)
def test_placeholder_left_in_a_deciding_field_is_refused_by_name(field: str) -> None:
    refused = refusal(**{"action": "buy", "orderType": "limit", "limitPrice": 1, field: "{{strategy.oops}}"})

    assert (refused.code, refused.field) == ("unfilled_placeholder", field)
    assert "{{strategy.oops}}" in refused.message


def test_what_was_mended_is_said_in_the_alert() -> None:
    understood = read_text("{“ticker”: “MSFT”, “action”: “buy”,}")

    assert isinstance(understood, Alert)
    assert "Typographic quotes" in told(understood)
    assert "trailing comma" in told(understood)
