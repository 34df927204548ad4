"""An order's life: statuses, triggers, trails, partial fills, expiry, and the traps of section 5 (item 5)."""

import pytest

from tests.sandbox.tradestation.caller import CASH, FUTURES, MARGIN, START_MS, Caller, limit, order, refusal, stop

HOUR_MS = 3_600_000
TO_STOCK_CLOSE_MS = 5 * HOUR_MS + 29 * 60_000
"""From the start of every test to 16:00:07 New York."""


def frames(caller: Caller, order_id: str) -> list[str]:
    return [str(status) for _, status in caller.booked(order_id)["frames"]]


def trailing(action: str, quantity: str = "10", **distance: str) -> dict[str, object]:
    return order(action, quantity, OrderType="StopMarket", AdvancedOptions={"TrailingStop": distance})


def long(caller: Caller, quantity: str = "10") -> None:
    caller.placed(order("BUY", quantity))


# ---- statuses


def test_market_order_goes_opn_ack_fll() -> None:
    caller = Caller()
    [order_id] = caller.placed(order())
    assert frames(caller, order_id) == ["OPN", "ACK", "FLL"]
    row = caller.row(order_id)
    assert (row["ClosedDateTime"], row["StatusDescription"]) == ("2026-07-14T14:31:07Z", "Filled")


def test_new_order_stays_sent_for_the_ack_delay() -> None:
    caller = Caller(ack_delay_ms="200")
    [order_id] = caller.placed(order())
    assert caller.status(order_id) == "OPN"
    caller.advance(200)
    assert caller.status(order_id) == "FLL"


def test_resting_limit_order_fills_at_its_price_when_the_market_comes() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "410.00"))
    row = caller.row(order_id)
    assert (row["Status"], row["FilledPrice"], row["LimitPrice"]) == ("ACK", "0", "410")
    assert "ClosedDateTime" not in row
    assert "ExecutionPrice" not in row["Legs"][0]
    caller.price("MSFT", "410.00")
    assert caller.status(order_id) == "ACK"
    caller.price("MSFT", "405.00")
    assert caller.row(order_id)["FilledPrice"] == "410"


def test_marketable_limit_order_fills_at_the_touch() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "420.00"))
    assert caller.row(order_id)["FilledPrice"] == "412.31"


@pytest.mark.parametrize(("action", "trigger", "crossed"), [("BUY", "420.00", "421.00"), ("SELL", "400.00", "399.00")])
def test_stop_order_is_triggered_by_the_last_trade_and_fills_beyond(action: str, trigger: str, crossed: str) -> None:
    caller = Caller()
    long(caller)
    [order_id] = caller.placed(stop(action, trigger))
    caller.price("MSFT", "410.00")
    assert caller.status(order_id) == "ACK"
    caller.price("MSFT", crossed)
    assert frames(caller, order_id)[-2:] == ["STP", "FLL"]
    assert caller.row(order_id)["FilledPrice"] == {"BUY": "421.01", "SELL": "398.99"}[action]


@pytest.mark.parametrize(("switch", "remaining", "closed"), [("yes", "0", True), ("no", "10", False)])
def test_triggered_stop_limit_looks_closed_by_switch(switch: str, remaining: str, closed: bool) -> None:
    caller = Caller(stp_looks_closed=switch)
    [order_id] = caller.placed(order(OrderType="StopLimit", StopPrice="420.00", LimitPrice="420.50"))
    caller.price("MSFT", "425.00")
    row = caller.row(order_id)
    assert (row["Status"], row["Legs"][0]["QuantityRemaining"]) == ("STP", remaining)
    assert ("ClosedDateTime" in row) is closed
    caller.price("MSFT", "420.20")
    assert caller.row(order_id)["FilledPrice"] == "420.5"


def test_filled_order_shows_ack_with_its_quantity_first_by_switch() -> None:
    caller = Caller(ack_with_fill_ms="300")
    [order_id] = caller.placed(order())
    row = caller.row(order_id)
    assert (row["Status"], row["Legs"][0]["ExecQuantity"]) == ("ACK", "10")
    assert "ClosedDateTime" not in row
    caller.advance(300)
    assert caller.status(order_id) == "FLL"


def test_fill_can_take_time() -> None:
    caller = Caller(fill_delay_ms="300")
    [order_id] = caller.placed(order())
    assert (caller.status(order_id), caller.held("MSFT")) == ("ACK", None)
    caller.price("MSFT", "415.00")
    caller.advance(300)
    assert caller.row(order_id)["FilledPrice"] == "415.01"


# ---- trailing stops


def test_trailing_amount_follows_the_best_price_and_triggers_behind_it() -> None:
    caller = Caller()
    long(caller)
    [order_id] = caller.placed(trailing("SELL", Amount="5.00"))
    row = caller.row(order_id)
    assert (row["OrderType"], row["TrailingStop"], row["AdvancedOptions"]) == (
        "StopMarket",
        {"Amount": "5"},
        "STPTRG=STT;TRL=5;",
    )
    assert "StopPrice" not in row
    for price in ("420.00", "416.00", "415.01"):
        caller.price("MSFT", price)
    assert caller.status(order_id) == "ACK"
    caller.price("MSFT", "415.00")
    assert caller.status(order_id) == "FLL"


def test_trailing_percent_of_a_short_follows_down() -> None:
    caller = Caller()
    caller.placed(order("SELLSHORT"))
    [order_id] = caller.placed(trailing("BUYTOCOVER", Percent="5.0"))
    assert caller.row(order_id)["TrailingStop"] == {"Percent": "5.0"}
    caller.price("MSFT", "400.00")
    caller.price("MSFT", "419.99")
    assert caller.status(order_id) == "ACK"
    caller.price("MSFT", "420.00")
    assert caller.status(order_id) == "FLL"


def test_stop_price_beside_a_trail_is_ignored() -> None:
    caller = Caller()
    long(caller)
    [order_id] = caller.placed(trailing("SELL", Amount="5") | {"StopPrice": "412.29"})
    assert caller.status(order_id) == "ACK"


# ---- partial fills


def test_scripted_partial_fill_goes_through_fpr_with_cumulative_quantity() -> None:
    caller = Caller()
    caller.control("script", {"match": {"symbol": "MSFT"}, "partial_fill": {"quantities": [4, 3], "then": "rest"}})
    [order_id] = caller.placed(order())
    seen = []
    for _ in range(3):
        row = caller.row(order_id)
        leg = row["Legs"][0]
        seen.append((row["Status"], leg["ExecQuantity"], leg["QuantityRemaining"]))
        caller.advance(100)
    assert seen == [("FPR", "4", "6"), ("FPR", "7", "3"), ("FLL", "10", "0")]


def test_partial_fill_that_ends_is_flp_and_keeps_its_quantity() -> None:
    caller = Caller()
    caller.control("script", {"match": {}, "partial_fill": {"quantities": ["4"], "then": "FLP"}})
    [order_id] = caller.placed(order())
    caller.advance(100)
    row = caller.row(order_id)
    assert (row["Status"], row["StatusDescription"]) == ("FLP", "Partial Fill (UROut)")
    assert (row["Legs"][0]["ExecQuantity"], caller.held("MSFT")) == ("4", "4")


def test_partial_fill_that_stays_is_filled_only_by_hand_or_cancelled() -> None:
    caller = Caller()
    caller.control("script", {"match": {}, "partial_fill": {"quantities": ["4"], "then": "stay"}})
    [order_id] = caller.placed(limit("BUY", "420.00"))
    caller.price("MSFT", "400.00")
    assert caller.status(order_id) == "FPR"
    caller.control("trade", {"account": MARGIN, "fill": order_id, "quantity": 2})
    assert caller.leg(order_id)["ExecQuantity"] == "6"
    caller.send("DELETE", f"/v3/orderexecution/orders/{order_id}")
    caller.advance(150)
    assert caller.status(order_id) == "FLP"


@pytest.mark.parametrize(("duration", "status", "held"), [("IOC", "FLP", "4"), ("FOK", "OUT", None)])
def test_partial_fill_of_an_immediate_order(duration: str, status: str, held: str | None) -> None:
    caller = Caller()
    caller.control("script", {"match": {}, "partial_fill": {"quantities": ["4"], "then": "stay"}})
    [order_id] = caller.placed(order(duration=duration))
    assert (caller.status(order_id), caller.held("MSFT")) == (status, held)


@pytest.mark.parametrize("duration", ["IOC", "FOK"])
def test_immediate_order_away_from_the_market_is_out(duration: str) -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00", duration=duration))
    assert caller.status(order_id) == "OUT"


def test_average_price_of_a_partial_fill_is_weighted() -> None:
    caller = Caller()
    caller.control("script", {"match": {}, "partial_fill": {"quantities": ["3"], "then": "rest"}})
    [order_id] = caller.placed(order(quantity="9"))
    caller.price("MSFT", "415.31")
    caller.advance(100)
    assert caller.row(order_id)["FilledPrice"] == "414.3166666667"


# ---- rejection after acceptance


@pytest.mark.parametrize("status", ["REJ", "TSC", "DOA"])
def test_order_can_be_rejected_after_its_clean_reply(status: str) -> None:
    caller = Caller(late_reject_status=status)
    caller.control("script", {"match": {}, "reject_later": {"after_ms": 500, "reason": "Halted by the exchange"}})
    [order_id] = caller.placed(order())
    assert (caller.status(order_id), caller.held("MSFT")) == ("ACK", None)
    caller.advance(500)
    row = caller.row(order_id)
    assert (row["Status"], row["RejectReason"]) == (status, "Halted by the exchange")


def test_exit_whose_position_is_gone_is_rejected_when_triggered() -> None:
    caller = Caller()
    long(caller)
    [order_id] = caller.placed(stop("SELL", "400.00", duration="GTC"))
    caller.control("trade", {"account": MARGIN, "close": "MSFT"})
    assert caller.held("MSFT") is None
    caller.price("MSFT", "390.00")
    row = caller.row(order_id)
    assert (row["Status"], "You are long 0 shares" in row["RejectReason"]) == ("REJ", True)


def test_futures_exit_whose_position_is_gone_opens_a_position() -> None:
    caller = Caller()
    caller.placed(order("BUY", "1", "MESZ26"))
    caller.placed(stop("SELL", "6800.00", "1", "MESZ26", duration="GTC"))
    caller.control("trade", {"account": FUTURES, "close": "MESZ26"})
    caller.price("MESZ26", 6790)
    assert caller.held("MESZ26", FUTURES) == "-1"


# ---- expiry


@pytest.mark.parametrize(("switch", "executed"), [("zero", "0"), ("ordered", "10")])
def test_day_order_expires_at_the_close_with_its_trap(switch: str, executed: str) -> None:
    caller = Caller(exp_exec_quantity=switch)
    [order_id] = caller.placed(limit("BUY", "400.00"))
    caller.advance(TO_STOCK_CLOSE_MS - 8_000)
    assert caller.status(order_id) == "ACK"
    caller.advance(8_000)
    row, leg = caller.row(order_id), caller.leg(order_id)
    assert (row["Status"], row["ClosedDateTime"], row["FilledPrice"]) == ("EXP", "2026-07-14T20:00:00Z", "0")
    assert (leg["QuantityRemaining"], leg["ExecQuantity"]) == ("0", executed)
    assert "ExecutionPrice" not in leg


def test_plus_order_lives_until_the_extended_session_ends() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00", duration="DYP"))
    assert caller.row(order_id)["Duration"] == "DAY+"
    caller.advance(TO_STOCK_CLOSE_MS)
    assert caller.status(order_id) == "ACK"
    caller.advance(4 * HOUR_MS)
    assert caller.status(order_id) == "EXP"


def test_futures_day_order_lives_until_five_new_york() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "6800.00", "1", "MESZ26"))
    caller.advance(TO_STOCK_CLOSE_MS)
    assert caller.status(order_id, FUTURES) == "ACK"
    caller.advance(HOUR_MS)
    assert caller.status(order_id, FUTURES) == "EXP"


@pytest.mark.parametrize("minutes", ["1", "3", "5"])
def test_minute_order_expires_after_its_minutes(minutes: str) -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00", duration=minutes))
    assert caller.row(order_id)["Duration"] == f"{minutes} min"
    caller.advance(int(minutes) * 60_000)
    assert caller.status(order_id) == "EXP"


def test_gtc_order_survives_the_close_and_shows_ninety_days() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00", duration="GTC"))
    assert caller.row(order_id)["GoodTillDate"] == "2026-10-12T00:00:00Z"
    caller.advance(89 * 24 * HOUR_MS)
    assert caller.booked(order_id)["status"] == "ACK"
    caller.advance(2 * 24 * HOUR_MS)
    assert caller.booked(order_id)["status"] == "EXP"


def test_partly_filled_gtc_order_loses_its_rest_at_the_close() -> None:
    caller = Caller()
    caller.control("script", {"match": {}, "partial_fill": {"quantities": ["4"], "then": "stay"}})
    [order_id] = caller.placed(limit("BUY", "420.00", duration="GTC"))
    caller.advance(TO_STOCK_CLOSE_MS)
    assert caller.status(order_id) == "FLP"


def test_gtd_order_ends_with_its_day() -> None:
    caller = Caller()
    body = limit("BUY", "400.00") | {"TimeInForce": {"Duration": "GTD", "Expiration": "2026-07-15T00:00:00Z"}}
    [order_id] = caller.placed(body)
    caller.advance(TO_STOCK_CLOSE_MS)
    assert caller.status(order_id) == "ACK"
    caller.advance(24 * HOUR_MS)
    assert caller.status(order_id) == "EXP"


def test_gtd_order_of_a_past_day_is_refused() -> None:
    body = order() | {"TimeInForce": {"Duration": "GTD", "Expiration": "2026-07-13T00:00:00Z"}}
    assert "in the past" in refusal(Caller().place(body))


def test_market_on_close_fills_at_the_close() -> None:
    caller = Caller()
    [order_id] = caller.placed(order(duration="CLO"))
    caller.price("MSFT", "430.00")
    assert caller.held("MSFT") is None
    caller.advance(TO_STOCK_CLOSE_MS)
    assert caller.row(order_id)["FilledPrice"] == "430"


# ---- activation rules


def test_order_with_a_price_rule_sleeps_until_it_holds() -> None:
    caller = Caller()
    rule = {"RuleType": "Price", "Symbol": "SPY", "Predicate": "Gt", "TriggerKey": "STTN", "Price": "600.00"}
    [order_id] = caller.placed(order(AdvancedOptions={"MarketActivationRules": [rule]}))
    row = caller.row(order_id)
    assert (row["Status"], row["AdvancedOptions"]) == ("OPN", "CND=SPY>600(STTN);")
    assert row["MarketActivationRules"][0]["Predicate"] == "gt"
    caller.price("SPY", "600.00")
    assert caller.status(order_id) == "OPN"
    caller.price("SPY", "600.01")
    assert frames(caller, order_id)[-3:] == ["CND", "ACK", "FLL"]


def test_order_with_a_time_rule_sleeps_until_its_time() -> None:
    caller = Caller()
    rules = {"TimeActivationRules": [{"TimeUtc": "0001-01-01T15:00:00Z"}]}
    [order_id] = caller.placed(order(AdvancedOptions=rules))
    caller.advance(28 * 60_000)
    assert caller.status(order_id) == "OPN"
    caller.advance(60_000)
    assert caller.status(order_id) == "FLL"


# ---- positions and money


def test_futures_net_through_zero_with_a_new_position_id() -> None:
    caller = Caller()
    caller.placed(order("BUY", "1", "MESZ26"))
    first = caller.get(f"/brokerage/accounts/{FUTURES}/positions")["Positions"][0]
    caller.placed(order("SELL", "3", "MESZ26"))
    [row] = caller.get(f"/brokerage/accounts/{FUTURES}/positions")["Positions"]
    assert (row["LongShort"], row["Quantity"]) == ("Short", "-2")
    assert row["PositionID"] != first["PositionID"]


def test_futures_order_through_zero_can_be_refused() -> None:
    caller = Caller(futures_cross_zero="refused")
    caller.placed(order("BUY", "1", "MESZ26"))
    assert "exceeds the open position" in refusal(caller.place(order("SELL", "3", "MESZ26")))
    caller.placed(order("SELL", "1", "MESZ26"))


@pytest.mark.parametrize(
    ("body", "account", "fee"),
    [
        (order(), MARGIN, "0"),
        (order("BUY", "2", "MESZ26"), FUTURES, "3"),
        (order("BUYTOOPEN", "2", "MSFT 261218C450"), MARGIN, "1.2"),
    ],
)
def test_commission_by_asset(body: dict[str, object], account: str, fee: str) -> None:
    caller = Caller()
    [order_id] = caller.placed(body)
    assert caller.row(order_id, account)["CommissionFee"] == fee
    [balance] = caller.get(f"/brokerage/accounts/{account}/balances")["Balances"]
    assert balance["Commission"] == fee


def test_profit_of_a_future_counts_its_point_value() -> None:
    caller = Caller()
    caller.price("MESZ26", {"bid": 6900, "ask": 6900, "last": 6900})
    caller.placed(order("BUY", "2", "MESZ26"))
    caller.price("MESZ26", {"bid": 6910, "ask": 6910, "last": 6910})
    [row] = caller.get(f"/brokerage/accounts/{FUTURES}/positions")["Positions"]
    assert (row["UnrealizedProfitLoss"], row["AveragePrice"]) == ("100", "6900")
    caller.placed(order("SELL", "2", "MESZ26"))
    [balance] = caller.get(f"/brokerage/accounts/{FUTURES}/balances")["Balances"]
    assert (balance["CashBalance"], balance["BalanceDetail"]["RealizedProfitLoss"]) == ("250094", "100")


def test_cash_account_pays_for_what_it_buys() -> None:
    caller = Caller()
    caller.price("MSFT", {"bid": 400, "ask": 400, "last": 400})
    caller.placed(order("BUY", "10", AccountID=CASH))
    [balance] = caller.get(f"/brokerage/accounts/{CASH}/balances")["Balances"]
    assert (balance["CashBalance"], balance["Equity"], balance["BuyingPower"]) == ("21000", "25000", "21000")


def test_working_opening_orders_take_buying_power() -> None:
    caller = Caller()
    for _ in range(2):
        caller.placed(limit("BUY", "400.00", "450"))
    assert "Insufficient" in refusal(caller.place(limit("BUY", "400.00", "450")))


def test_same_requests_give_the_same_book() -> None:
    books = []
    for _ in range(2):
        caller = Caller()
        caller.placed(order())
        caller.price("MSFT", "420.00")
        caller.placed(stop("SELL", "410.00"))
        caller.advance(HOUR_MS)
        books.append(caller.control("state", method="GET"))
    assert books[0] == books[1]
    assert books[0]["now_ms"] == START_MS + HOUR_MS
