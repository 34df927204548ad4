"""Accounts, balances, positions, orders and history: shapes, paging, lateness, partial errors (items 2, 14, 15)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.tradestation.caller import CASH, CLOSING, FUTURES, MARGIN, OTHER_MARGIN, Caller, limit, order, stop

DAY_MS = 86_400_000
NUMBERS = {
    "AccountRow": set[str](),
    "balances": {"CashBalance", "BuyingPower", "Equity", "MarketValue", "TodaysProfitLoss", "Commission"},
    "positions": {"Quantity", "AveragePrice", "Last", "Bid", "Ask", "MarketValue", "UnrealizedProfitLoss"},
    "orders": {"CommissionFee", "FilledPrice", "UnbundledRouteFee", "ConversionRate"},
}


def ids(reply: Any) -> list[str]:
    return [str(row["OrderID"]) for row in reply["Orders"]]


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def test_accounts_are_those_of_the_user() -> None:
    caller = Caller()
    rows = {row["AccountID"]: row for row in caller.get("/brokerage/accounts")["Accounts"]}
    assert set(rows) == {MARGIN, FUTURES, CASH, CLOSING}
    assert rows[MARGIN]["AccountDetail"]["RequiresBuyingPowerWarning"] is True
    assert "AccountDetail" not in rows[FUTURES]
    assert rows[CLOSING]["Status"] == "Closing Transactions Only"
    assert OTHER_MARGIN in str(caller.beside(1).get("/brokerage/accounts"))


def test_several_accounts_answer_together_with_an_error_for_a_wrong_one() -> None:
    reply = Caller().get(f"/brokerage/accounts/{MARGIN},{FUTURES},{OTHER_MARGIN}/balances")
    assert [row["AccountType"] for row in reply["Balances"]] == ["Margin", "Futures"]
    assert "CurrencyDetails" in reply["Balances"][1]
    assert reply["Errors"] == [{"AccountID": OTHER_MARGIN, "Error": "Forbidden", "Message": "Invalid Account ID."}]


def test_balances_at_the_beginning_of_the_day_do_not_move() -> None:
    caller = Caller()
    caller.placed(order())
    caller.price("MSFT", "500.00")
    [row] = caller.get(f"/brokerage/accounts/{MARGIN}/bodbalances")["BODBalances"]
    assert row["BalanceDetail"]["Equity"] == "100000"


@pytest.mark.parametrize("count", [0, 26])
def test_number_of_accounts_is_limited(count: int) -> None:
    ids = ",".join(f"A{number}" for number in range(count)) or ","
    assert Caller().send("GET", f"/v3/brokerage/accounts/{ids}/orders").status == 400


@pytest.mark.parametrize("what", ["balances", "positions", "orders"])
def test_numbers_are_strings(what: str) -> None:
    caller = Caller()
    caller.placed(order())
    [rows] = [value for key, value in caller.get(f"/brokerage/accounts/{MARGIN}/{what}").items() if key != "Errors"]
    assert NUMBERS[what] <= set(rows[0])
    assert all(isinstance(leaf, str) for leaf in leaves(rows))


# ---- positions


def test_short_position_has_a_negative_quantity() -> None:
    caller = Caller()
    caller.placed(order("SELLSHORT", "7"))
    [row] = caller.get(f"/brokerage/accounts/{MARGIN}/positions")["Positions"]
    assert (row["LongShort"], row["Quantity"], row["AssetType"]) == ("Short", "-7", "STOCK")
    assert row["MarketValue"].startswith("-")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("MSFT", {"MSFT"}),
        ("msft,AAPL", {"MSFT", "AAPL"}),
        ("MSFT *", {"MSFT 261218C450"}),
        ("MSFT*", {"MSFT", "MSFT 261218C450"}),
        ("* 2612*C*", {"MSFT 261218C450"}),
        ("SPY", set[str]()),
    ],
)
def test_positions_are_filtered_by_symbol(wanted: str, found: set[str]) -> None:
    caller = Caller()
    caller.placed(order())
    caller.placed(order(symbol="AAPL"))
    caller.placed(order("BUYTOOPEN", "1", "MSFT 261218C450"))
    rows = caller.get(f"/brokerage/accounts/{MARGIN}/positions?symbol={wanted.replace(' ', '%20')}")["Positions"]
    assert {row["Symbol"] for row in rows} == found


def test_average_price_can_be_missing() -> None:
    caller = Caller(position_average_price="missing")
    caller.placed(order())
    [row] = caller.get(f"/brokerage/accounts/{MARGIN}/positions")["Positions"]
    assert "AveragePrice" not in row


def test_average_price_has_ten_decimals() -> None:
    caller = Caller()
    caller.placed(order("BUY", "1"))
    caller.price("MSFT", "413.30")
    caller.placed(order("BUY", "2"))
    [row] = caller.get(f"/brokerage/accounts/{MARGIN}/positions")["Positions"]
    assert row["AveragePrice"] == "412.9766666667"


# ---- orders


def test_orders_are_open_ones_then_closed_ones_newest_first() -> None:
    caller = Caller()
    made = []
    for body in (order(), limit("BUY", "400.00"), order(), limit("BUY", "401.00")):
        made += caller.placed(body)
        caller.advance(1_000)
    assert ids(caller.get(f"/brokerage/accounts/{MARGIN}/orders")) == [made[3], made[1], made[2], made[0]]


def test_orders_of_yesterday_are_only_in_the_history_unless_open() -> None:
    caller = Caller()
    [done] = caller.placed(order())
    [open_] = caller.placed(limit("BUY", "400.00", duration="GTC"))
    caller.advance(DAY_MS)
    assert ids(caller.get(f"/brokerage/accounts/{MARGIN}/orders")) == [open_]
    assert ids(caller.get(f"/brokerage/accounts/{MARGIN}/historicalorders?since=2026-07-14")) == [done]
    by_id = caller.get(f"/brokerage/accounts/{MARGIN}/orders/{done},{open_}")
    assert ids(by_id) == [open_]
    assert (by_id["Errors"][0]["Error"], by_id["Errors"][0]["OrderID"]) == ("NotFound", done)
    assert ids(caller.get(f"/brokerage/accounts/{MARGIN}/historicalorders/{done},{open_}?since=2026-07-14")) == [done]


@pytest.mark.parametrize("since", ["2026-07-14", "07-14-2026", "2026/07/14", "07/14/2026"])
def test_since_is_read_in_four_forms(since: str) -> None:
    caller = Caller()
    made = caller.placed(order())
    assert ids(caller.get(f"/brokerage/accounts/{MARGIN}/historicalorders?since={since}")) == made


@pytest.mark.parametrize(
    ("query", "days", "status"),
    [
        ("", "90", 400),
        ("?since=yesterday", "90", 400),
        ("?since=2026-04-01", "90", 400),
        ("?since=2026-04-01", "730", 200),
    ],
)
def test_since_is_needed_and_limited(query: str, days: str, status: int) -> None:
    caller = Caller(history_depth=days)
    assert caller.send("GET", f"/v3/brokerage/accounts/{MARGIN}/historicalorders{query}").status == status


def test_pages_follow_their_tokens_and_end_without_one() -> None:
    caller = Caller()
    made = [caller.placed(limit("BUY", f"40{number}.00"))[0] for number in range(5)]
    seen: list[str] = []
    reply = caller.get(f"/brokerage/accounts/{MARGIN}/orders?pageSize=2")
    while True:
        seen += ids(reply)
        if "NextToken" not in reply:
            break
        reply = caller.get(f"/brokerage/accounts/{MARGIN}/orders?pageSize=2&nextToken={reply['NextToken']}")
    assert seen == made[::-1]


def test_page_token_dies_after_an_hour_and_fits_only_its_list() -> None:
    caller = Caller()
    for _ in range(3):
        caller.placed(limit("BUY", "400.00"))
    token = caller.get(f"/brokerage/accounts/{MARGIN}/orders?pageSize=2")["NextToken"]
    assert caller.send("GET", f"/v3/brokerage/accounts/{CASH}/orders?pageSize=2&nextToken={token}").status == 400
    caller.advance(3_600_000)
    assert caller.send("GET", f"/v3/brokerage/accounts/{MARGIN}/orders?pageSize=2&nextToken={token}").status == 400


@pytest.mark.parametrize("query", ["pageSize=0", "pageSize=601", "pageSize=x", "nextToken=x"])
def test_bad_paging_is_a_400(query: str) -> None:
    assert Caller().send("GET", f"/v3/brokerage/accounts/{MARGIN}/orders?{query}").status == 400


@pytest.mark.parametrize(("switch", "count"), [("ignored", 2), ("supported", 1)])
def test_status_and_symbol_parameters_by_switch(switch: str, count: int) -> None:
    caller = Caller(orders_filters=switch)
    caller.placed(order())
    caller.placed(limit("BUY", "200.00", symbol="AAPL"))
    assert len(caller.get(f"/brokerage/accounts/{MARGIN}/orders?status=Open&symbol=AAPL")["Orders"]) == count
    assert len(caller.get(f"/brokerage/accounts/{MARGIN}/orders?status=Filled,Rejected")["Orders"]) == count


def test_filters_can_be_refused() -> None:
    caller = Caller(orders_filters="refused")
    assert caller.send("GET", f"/v3/brokerage/accounts/{MARGIN}/orders?status=Open").status == 400


def test_new_orders_show_late_by_switch_or_script_while_positions_do_not() -> None:
    caller = Caller(order_visibility_delay_ms="700")
    made = caller.placed(order())
    assert caller.get(f"/brokerage/accounts/{MARGIN}/orders")["Orders"] == []
    assert caller.held("MSFT") == "10"
    caller.advance(700)
    assert ids(caller.get(f"/brokerage/accounts/{MARGIN}/orders")) == made


def test_scripted_late_history_hides_one_order() -> None:
    caller = Caller()
    caller.control("script", {"match": {"symbol": "MSFT"}, "late_history": {"ms": 3000}})
    [hidden], [shown] = caller.placed(order()), caller.placed(order())
    assert ids(caller.get(f"/brokerage/accounts/{MARGIN}/orders")) == [shown]
    caller.advance(3000)
    assert set(ids(caller.get(f"/brokerage/accounts/{MARGIN}/orders"))) == {hidden, shown}


def test_futures_row_leaves_out_routing_and_open_or_close() -> None:
    caller = Caller()
    [order_id] = caller.placed(order("BUY", "1", "MESZ26"))
    row = caller.row(order_id, FUTURES)
    assert "Routing" not in row
    assert "OpenOrClose" not in row["Legs"][0]
    assert (row["Legs"][0]["Underlying"], row["Legs"][0]["ExpirationDate"]) == ("MES", "2026-12-18T00:00:00Z")


@pytest.mark.parametrize(
    ("action", "side", "opening"),
    [("BUY", "Buy", "Open"), ("SELLSHORT", "SellShort", "Open")],
)
def test_leg_tells_side_and_opening(action: str, side: str, opening: str) -> None:
    caller = Caller()
    [order_id] = caller.placed(order(action))
    leg = caller.leg(order_id)
    assert (leg["BuyOrSell"], leg["OpenOrClose"]) == (side, opening)


@pytest.mark.parametrize(("duration", "shown"), [("DYP", "DAY+"), ("GCP", "GTC+"), ("GTC", "GTC"), ("1", "1 min")])
def test_duration_is_answered_in_its_own_words(duration: str, shown: str) -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00", duration=duration))
    assert caller.row(order_id)["Duration"] == shown


@pytest.mark.parametrize(("switch", "present"), [("omitted", [False, False]), ("sent", [True, True])])
def test_nulls_are_left_out_or_sent(switch: str, present: list[bool]) -> None:
    caller = Caller(nulls=switch)
    made = [caller.placed(limit("BUY", "400.00"))[0] for _ in range(2)]
    rows = [caller.row(order_id) for order_id in made]
    assert ["StopPrice" in row for row in rows] == present
    assert ["ExecutionPrice" in row["Legs"][0] for row in rows] == present


def test_nulls_can_be_mixed() -> None:
    caller = Caller(nulls="mixed")
    rows = [caller.row(caller.placed(limit("BUY", "400.00"))[0]) for _ in range(2)]
    assert sorted("ClosedDateTime" in row for row in rows) == [False, True]


def test_confirm_id_is_never_read_back() -> None:
    caller = Caller()
    caller.placed(limit("BUY", "400.00", OrderConfirmID="canary"))
    assert "canary" not in json.dumps(caller.get(f"/brokerage/accounts/{MARGIN}/orders"))


def test_account_of_another_user_shows_nothing() -> None:
    caller = Caller()
    caller.placed(order())
    reply = caller.beside(1).get(f"/brokerage/accounts/{MARGIN}/orders")
    assert (reply["Orders"], reply["Errors"][0]["Error"]) == ([], "Forbidden")


def test_unknown_path_is_a_404_in_the_service_form() -> None:
    reply = Caller().send("GET", "/v3/brokerage/nothing")
    assert (reply.status, reply.json()["Error"]) == (404, "NotFound")


def test_stream_says_that_it_is_not_there() -> None:
    reply = Caller().send("GET", f"/v3/brokerage/stream/accounts/{MARGIN}/orders")
    assert (reply.status, reply.json()["Error"]) == (501, "NotImplemented")


def test_routes_and_triggers_are_listed() -> None:
    caller = Caller()
    assert "Intelligent" in [row["Id"] for row in caller.get("/orderexecution/routes")["Routes"]]
    assert len(caller.get("/orderexecution/activationtriggers")["ActivationTriggers"]) == 12
    caller.placed(stop("BUY", "420.00", Route="Intelligent"))
