"""Placing, changing and cancelling orders, and every refusal on the way."""

import json
from decimal import Decimal
from typing import Any

import pytest

from sandbox.simserver import Request
from tests.sandbox.tradelocker.caller import AAPL, BTCUSD, EURUSD, START_MS, XAUUSD, Caller


def test_market_buy_fills_at_the_ask_and_is_found_in_the_history_only() -> None:
    caller = Caller()

    order_id = caller.place(BTCUSD, qty="0.01")

    assert caller.rows("orders") == []
    row = caller.row("ordersHistory", order_id)
    assert {
        name: row[name] for name in ("status", "filledQty", "avgPrice", "price", "stopPrice", "isOpen", "validity")
    } == {
        "status": "Filled",
        "filledQty": "0.01",
        "avgPrice": "77261.7",
        "price": "77261.1",
        "stopPrice": "0",
        "isOpen": "false",
        "validity": "IOC",
    }
    assert row["strategyId"] == ""
    position = caller.row("positions", row["positionId"])
    assert (position["side"], position["qty"], position["avgPrice"]) == ("buy", "0.01", "77261.7")
    assert len(order_id) == 19
    assert int(order_id) > 2**53


def test_row_of_a_working_limit_order_is_what_the_reference_prints() -> None:
    caller = Caller()
    caller.control("cash", {"account": caller.account, "balance": 9_000_000})

    order_id = caller.place_limit("91011.74", BTCUSD, side="sell", qty=100)

    assert caller.row("orders", order_id) == {
        "id": order_id,
        "tradableInstrumentId": "206",
        "routeId": str(caller.trade_route(BTCUSD)),
        "qty": "100.0",
        "side": "sell",
        "type": "limit",
        "status": "New",
        "filledQty": None,
        "avgPrice": None,
        "price": "91011.74",
        "stopPrice": None,
        "validity": "GTC",
        "expireDate": None,
        "createdDate": str(START_MS),
        "lastModified": "1767886346000",
        "isOpen": "true",
        "positionId": None,
        "stopLoss": None,
        "stopLossType": None,
        "takeProfit": None,
        "takeProfitType": None,
        "strategyId": None,
    }
    assert caller.rows("ordersHistory") == []


def test_marketable_limit_fills_at_once_at_the_market() -> None:
    caller = Caller()

    order_id = caller.place_limit("0.01", BTCUSD, side="sell", qty="0.01")

    assert caller.row("ordersHistory", order_id)["avgPrice"] == "77260.5"
    assert caller.rows("orders") == []


@pytest.mark.parametrize("qty", ["0.12", "0.13", 0.12, 1])
def test_quantity_on_the_lot_step_is_accepted_as_number_or_text(qty: object) -> None:
    assert Caller().try_place(BTCUSD, type="limit", validity="GTC", price=0.01, qty=qty)["s"] == "ok"


@pytest.mark.parametrize(
    "qty", ["0.001", "0.0001", "0.123", "0.129", "-0.05", "0", 0, "", "ten", True, None, [1], "1e-2"]
)
def test_bad_quantity_is_refused_in_a_200_without_an_order_id(qty: object) -> None:
    caller = Caller()

    answer = caller.call("POST", "/accounts/{a}/orders", caller.order_body(BTCUSD, qty=qty))

    assert answer.status == 200
    assert answer.json()["s"] == "error"
    assert "d" not in answer.json()
    assert caller.rows("ordersHistory") == []


@pytest.mark.parametrize(
    "changes",
    [
        {"validity": "GTC"},
        {"type": "limit", "validity": "IOC", "price": 1},
        {"type": "stop", "validity": "IOC", "stopPrice": 2},
        {"type": "limit", "validity": "GTC"},
        {"type": "limit", "validity": "GTC", "price": 0},
        {"type": "limit", "validity": "GTC", "price": -1},
        {"type": "stop", "validity": "GTC"},
        {"type": "stop_limit", "validity": "GTC", "price": 1, "stopPrice": 1},
        {"validity": "DAY"},
        {"side": "Buy"},
        {"side": None},
        {"routeId": 1},
        {"routeId": None},
        {"tradableInstrumentId": 1},
        {"qty": "51"},
        {"stopLoss": 1.0},
        {"stopLossType": "absolute"},
        {"takeProfit": 2.0},
        {"takeProfitType": "absolute"},
        {"stopLoss": 1.0, "stopLossType": "pips"},
        {"takeProfit": 2.0, "takeProfitType": "trailingOffset"},
        {"stopLoss": 0, "stopLossType": "absolute"},
        {"stopLoss": 1.2, "stopLossType": "absolute"},
        {"takeProfit": 1.0, "takeProfitType": "absolute"},
        {"stopLoss": 1.000001, "stopLossType": "absolute"},
        {"stopLossType": "trailingOffset"},
        {"strategyId": "x" * 33},
        {"strategyId": 5},
    ],
)
def test_order_against_the_rules_is_refused_in_a_200(changes: dict[str, Any]) -> None:
    caller = Caller()

    answer = caller.call("POST", "/accounts/{a}/orders", caller.order_body(**changes))

    assert (answer.status, answer.json()["s"]) == (200, "error")
    assert caller.rows("orders") == caller.rows("positions") == caller.rows("ordersHistory") == []


def test_info_route_is_refused_for_an_order() -> None:
    caller = Caller()

    assert caller.try_place(routeId=caller.info_routes(EURUSD)[0])["s"] == "error"


def test_market_order_ignores_its_price_and_nulls_of_all_optional_fields() -> None:
    caller = Caller()
    nulls: dict[str, Any] = dict.fromkeys(
        ("takeProfit", "takeProfitType", "stopLoss", "stopLossType", "stopPrice", "strategyId")
    )

    answer = caller.try_place(price=0, somethingElse=1, **nulls)

    assert answer["s"] == "ok"


@pytest.mark.parametrize("price", ["1.084505", 1.0000001])
def test_price_between_two_ticks_is_refused_or_rounded_by_switch(price: object) -> None:
    strict, rounding = Caller(), Caller({"off_tick_price": "rounded"})
    changes: dict[str, Any] = {"type": "limit", "validity": "GTC", "price": price, "side": "buy"}

    assert strict.try_place(**changes)["s"] == "error"
    assert rounding.try_place(**changes)["s"] == "ok"


def test_tick_of_the_price_band_counts() -> None:
    caller = Caller()

    below = caller.try_place(AAPL, type="limit", validity="GTC", price=0.1234, qty=1)
    above = caller.try_place(AAPL, type="limit", validity="GTC", price=1.1234, qty=1)

    assert (below["s"], above["s"]) == ("ok", "error")


def test_stop_order_waits_for_the_market_and_a_passed_one_is_refused() -> None:
    caller = Caller()

    order_id = caller.place(type="stop", validity="GTC", stopPrice=1.09)
    passed = caller.try_place(type="stop", validity="GTC", stopPrice=1.08)
    caller.price("EURUSD", "1.09001", "1.09009")

    assert passed["s"] == "error"
    assert caller.row("ordersHistory", order_id)["avgPrice"] == "1.09009"


def test_passed_stop_order_fills_at_once_where_switched() -> None:
    caller = Caller({"stop_through_market": "filled"})

    order_id = caller.place(type="stop", validity="GTC", stopPrice=1.08)

    assert caller.row("ordersHistory", order_id)["avgPrice"] == "1.08458"


def test_strategy_id_shows_in_orders_history_and_positions() -> None:
    caller = Caller()
    label = "tv" + "a" * 30

    working = caller.place_limit("1.00000", strategyId=label)
    filled = caller.place(strategyId=label[::-1])

    assert caller.row("orders", working)["strategyId"] == label
    assert caller.row("ordersHistory", filled)["strategyId"] == label[::-1]
    assert caller.position_of(filled)["strategyId"] == label[::-1]


def test_strategy_id_rules_follow_their_switches() -> None:
    caller = Caller({"strategy_id_max": 31, "strategy_id_chars": "word", "duplicate_strategy_id": "refused"})

    answers = [caller.try_place(strategyId=label)["s"] for label in ("a" * 32, "a.b", "once", "once", "twice")]

    assert answers == ["error", "error", "ok", "error", "ok"]


def test_repeated_strategy_id_makes_a_second_order_by_default() -> None:
    caller = Caller()

    assert caller.place(strategyId="same") != caller.place(strategyId="same")
    assert len(caller.rows("positions")) == 2


def test_order_without_the_margin_is_refused() -> None:
    caller = Caller()

    answer = caller.try_place(BTCUSD, qty="4")

    assert answer == {"s": "error", "errmsg": "Not enough margin"}


def test_restricted_account_cannot_trade() -> None:
    assert Caller(user=1, acc_num=2).try_place()["s"] == "error"


def test_body_that_is_no_json_object_or_has_no_content_type_is_an_http_error() -> None:
    caller = Caller()
    target = f"/backend-api/trade/accounts/{caller.account}/orders"
    body = json.dumps(caller.order_body()).encode()

    def status(raw: bytes, kind: str) -> int:
        return caller.inner.send(Request.of("POST", target, {**caller.headers, "Content-Type": kind}, raw)).status

    assert status(body, "text/plain") == 415
    assert status(b"{", "application/json") == 400
    assert status(b"[]", "application/json") == 400
    assert status(b'{"qty": NaN}', "application/json") == 400
    assert status(body, "application/json; charset=utf-8") == 200


def test_malformed_field_is_400_where_switched() -> None:
    caller = Caller({"malformed_body_status": "400"})

    missing = caller.call("POST", "/accounts/{a}/orders", {})
    refused = caller.call("POST", "/accounts/{a}/orders", caller.order_body(qty="0.001"))

    assert (missing.status, refused.status) == (400, 200)


def test_modify_changes_price_and_quantity_given_as_text() -> None:
    caller = Caller()
    order_id = caller.place_limit("0.01", BTCUSD, qty="0.01")
    caller.clock.advance(1500)

    answer = caller.call("PATCH", f"/orders/{order_id}", {"price": "0.02", "qty": "0.02"})

    assert answer.status == 200
    columns = [column["id"] for column in caller.get("/config")["ordersConfig"]["columns"]]
    (changed,) = (dict(zip(columns, row, strict=True)) for row in answer.json()["d"]["orders"])
    assert (changed["id"], changed["status"], changed["price"]) == (order_id, "None", "0.02")
    row = caller.row("orders", order_id)
    assert (row["price"], row["qty"], row["status"]) == ("0.02", "0.02", "New")
    assert row["lastModified"] == "1767886348000"
    assert row["createdDate"] == str(START_MS)


@pytest.mark.parametrize(
    "change",
    [
        {"qty": "0.001"},
        {"price": "abc"},
        {"price": -1},
        {"price": 0},
        {"validity": "IOC"},
        {"stopLoss": 0},
        {"stopLoss": 1.07},
    ],
)
def test_modify_against_the_rules_is_refused_and_changes_nothing(change: dict[str, Any]) -> None:
    caller = Caller()
    order_id = caller.place_limit("1.00000")
    before = caller.row("orders", order_id)
    caller.clock.advance(5000)

    answer = caller.call("PATCH", f"/orders/{order_id}", {"price": 1.01, **change})

    assert answer.json()["s"] == "error"
    assert caller.row("orders", order_id) == before


def test_modify_to_a_marketable_price_fills() -> None:
    caller = Caller()
    order_id = caller.place_limit("1.00000")

    caller.call("PATCH", f"/orders/{order_id}", {"price": 1.2})

    assert caller.row("ordersHistory", order_id)["status"] == "Filled"


def test_modify_moves_a_stop_order_but_not_past_the_market() -> None:
    caller = Caller()
    order_id = caller.place(type="stop", validity="GTC", stopPrice=1.1)

    answers = [caller.call("PATCH", f"/orders/{order_id}", {"stopPrice": price}).json()["s"] for price in (1.12, 1.05)]

    assert answers == ["ok", "error"]
    assert caller.row("orders", order_id)["stopPrice"] == "1.12"


def test_largest_lot_is_accepted() -> None:
    caller = Caller()
    caller.control("cash", {"account": caller.account, "balance": 9_000_000})

    assert (caller.try_place(qty="50")["s"], caller.try_place(qty="50.01")["s"]) == ("ok", "error")


@pytest.mark.parametrize(("nulls", "left"), [("yes", None), ("no", "0.9"), ("refused", "0.9")])
def test_null_bracket_in_a_modify_does_what_the_switch_says(nulls: str, left: str | None) -> None:
    caller = Caller({"null_removes_order_bracket": nulls})
    order_id = caller.place_limit("1.00000", stopLoss=0.9, stopLossType="absolute")

    answer = caller.call("PATCH", f"/orders/{order_id}", {"stopLoss": None})

    assert caller.row("orders", order_id)["stopLoss"] == left
    assert answer.json()["s"] == ("error" if nulls == "refused" else "ok")


def test_modify_adds_a_bracket_to_a_working_order() -> None:
    caller = Caller()
    order_id = caller.place_limit("1.00000")

    caller.call("PATCH", f"/orders/{order_id}", {"takeProfit": 1.1, "takeProfitType": "absolute"})

    row = caller.row("orders", order_id)
    assert (row["takeProfit"], row["takeProfitType"]) == ("1.1", "absolute")


def test_cancel_moves_the_order_to_the_history_and_a_second_cancel_is_refused_in_a_200() -> None:
    caller = Caller()
    order_id = caller.place_limit("1.00000")

    first, second = (caller.call("DELETE", f"/orders/{order_id}") for _ in range(2))

    assert first.json() == {"s": "ok"}
    assert (second.status, second.json()["s"]) == (200, "error")
    assert caller.rows("orders") == []
    row = caller.row("ordersHistory", order_id)
    assert (row["status"], row["filledQty"], row["isOpen"]) == ("Cancelled", None, "false")


def test_final_order_is_404_where_switched() -> None:
    caller = Caller({"not_found_status": "404"})

    assert caller.call("DELETE", "/orders/7277816997907785466").status == 404


def test_cancel_all_honours_the_instrument_filter_and_spares_stops_of_positions() -> None:
    caller = Caller()
    caller.place(stopLoss=1.0, stopLossType="absolute")
    euro, coin = caller.place_limit("1.00000"), caller.place_limit("10", BTCUSD, qty="0.01")

    caller.call("DELETE", f"/accounts/{{a}}/orders?tradableInstrumentId={BTCUSD}")
    after_one = {row["id"] for row in caller.rows("orders")}
    caller.call("DELETE", "/accounts/{a}/orders")

    assert euro in after_one
    assert coin not in after_one
    assert [row["type"] for row in caller.rows("orders")] == ["stop"]


@pytest.mark.parametrize(
    ("reply", "cancel", "patch_position"), [("200", 200, 200), ("204", 204, 204), ("204_patch_position", 200, 204)]
)
def test_successful_writes_answer_200_or_204_by_switch(reply: str, cancel: int, patch_position: int) -> None:
    caller = Caller({"write_reply": reply})
    position = caller.position_of(caller.place())

    cancelled = caller.call("DELETE", f"/orders/{caller.place_limit('1.00000')}")
    patched = caller.call("PATCH", f"/positions/{position['id']}", {"stopLoss": 1.0})

    assert (cancelled.status, patched.status) == (cancel, patch_position)
    assert (cancelled.body == b"") == (cancel == 204)


def test_closed_market_refuses_new_orders_changes_and_closes_but_takes_cancels() -> None:
    caller = Caller()
    order_id, position = caller.place_limit("2000", XAUUSD), caller.position_of(caller.place(XAUUSD))
    caller.control("session", {"XAUUSD": "CLOSED"})

    answers = [
        caller.try_place(XAUUSD)["s"],
        caller.call("PATCH", f"/orders/{order_id}", {"price": 2001}).json()["s"],
        caller.call("PATCH", f"/positions/{position['id']}", {"stopLoss": 2000}).json()["s"],
        caller.call("DELETE", f"/positions/{position['id']}", {"qty": 0}).json()["s"],
        caller.call("DELETE", f"/orders/{order_id}").json()["s"],
    ]

    assert answers == ["error", "error", "error", "error", "ok"]
    assert caller.try_place(EURUSD)["s"] == "ok"


def test_working_order_fills_when_its_market_opens_again() -> None:
    caller = Caller()
    order_id = caller.place_limit("2600", XAUUSD)
    caller.control("session", {"XAUUSD": "CLOSED"})
    caller.price("XAUUSD", "2500", "2501")
    closed = caller.row("orders", order_id)["status"]

    caller.control("session", {"XAUUSD": None})

    assert closed == "New"
    assert Decimal(caller.row("ordersHistory", order_id)["avgPrice"]) == 2501
