"""Control: prices, scripts, trades by others, reset, and the faults as TradeStation words them (item 12)."""

import json
from typing import Any

import pytest

from sandbox.simserver import ReplyLost, Request
from tests.sandbox.tradestation.caller import FUTURES, MARGIN, ORDERS, START_MS, Caller, limit, order, refusal

ORDER_PATH = "orderexecution/orders"


def fault(caller: Caller, **rule: object) -> None:
    caller.control("faults", {"match": {"method": "POST", "path": ORDER_PATH}, "fault": rule})


def refused(caller: Caller, name: str, body: object) -> dict[str, object]:
    reply = caller.inner.send(Request.of("POST", f"/_control/{name}", body=json.dumps(body).encode()))
    assert reply.status == 400, reply.body
    return dict(reply.json())


def journal(caller: Caller) -> list[dict[str, Any]]:
    return list(caller.control("journal", method="GET")["entries"])


# ---- faults


def test_reply_lost_after_booking_leaves_the_order() -> None:
    caller = Caller()
    fault(caller, kind="reply_lost")
    with pytest.raises(ReplyLost):
        caller.place(order())
    assert caller.held("MSFT") == "10"
    entry = next(row for row in journal(caller) if row["path"] == ORDERS)
    [booked] = entry["booked"]
    assert (entry["status"], entry["fault"]) == ("lost", "reply_lost")
    assert (booked["action"], booked["quantity"], booked["symbol"]) == ("BUY", "10", "MSFT")


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        (
            {"kind": "unauthorized"},
            401,
            {"Error": "Unauthorized", "Message": "The access token is invalid or has expired."},
        ),
        ({"kind": "rate_json"}, 429, {"Error": "TooManyRequests", "Message": "Rate quota exceeded"}),
        (
            {"kind": "error_200", "text": "No"},
            200,
            {"Orders": [], "Errors": [{"Message": "Order failed. Reason: No", "Error": "FAILED"}]},
        ),
    ],
)
def test_fault_is_worded_as_the_service_words_it(rule: dict[str, object], status: int, body: object) -> None:
    caller = Caller()
    fault(caller, **rule)
    reply = caller.place(order())
    assert (reply.status, reply.json(), caller.held("MSFT")) == (status, body, None)


def test_error_200_of_a_cancel_and_of_a_read() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00"))
    caller.control("faults", {"match": {"method": "DELETE"}, "fault": {"kind": "error_200", "text": "No"}})
    caller.control("faults", {"match": {"path": "positions$"}, "fault": {"kind": "error_200", "text": "Down"}})
    cancelled = caller.send("DELETE", f"{ORDERS}/{order_id}").json()
    read = caller.get(f"/brokerage/accounts/{MARGIN}/positions")
    assert cancelled == {"OrderID": order_id, "Message": "No", "Error": "FAILED"}
    assert (read["Positions"], read["Errors"][0]["Message"]) == ([], "Down")


def test_gateway_error_after_booking() -> None:
    caller = Caller()
    fault(caller, kind="status_after", status=504, body={"Error": "GatewayTimeout", "Message": ""})
    assert (caller.place(order()).status, caller.held("MSFT")) == (504, "10")


# ---- journal


def test_journal_tells_parents_children_replaces_and_cancels() -> None:
    caller = Caller()
    exits = {"Type": "NORMAL", "Orders": [limit("SELL", "430.00")]}
    parent, child = caller.placed(limit("BUY", "400.00") | {"OSOs": [exits]})
    caller.send("PUT", f"{ORDERS}/{parent}", {"LimitPrice": "401.00"})
    caller.send("DELETE", f"{ORDERS}/{parent}")
    booked = [fact for row in journal(caller) for fact in row["booked"]]
    assert [(fact["what"], fact["order_id"]) for fact in booked] == [
        ("order", parent),
        ("order", child),
        ("replace", parent),
        ("cancel", parent),
    ]
    assert booked[1]["parent"] == parent
    assert booked[2]["limit_price"] == "401.00"


# ---- prices, scripts, trades


@pytest.mark.parametrize(
    "prices",
    [{"NOSUCH": 1}, {"MSFT": "x"}, {"MSFT": {"bid": 2, "ask": 1}}, {"MSFT": {"mid": 1}}, {"@MES": {"front": "ESZ26"}}],
)
def test_bad_price_is_refused_and_moves_nothing(prices: object) -> None:
    caller = Caller()
    before = caller.get("/marketdata/quotes/MSFT")
    refused(caller, "prices", prices)
    assert caller.get("/marketdata/quotes/MSFT") == before


def test_price_as_a_number_puts_bid_and_ask_one_increment_around_it() -> None:
    caller = Caller()
    caller.price("MESZ26", 6950)
    [row] = caller.get("/marketdata/quotes/MESZ26")["Quotes"]
    assert (row["Bid"], row["Last"], row["Ask"]) == ("6949.75", "6950", "6950.25")


@pytest.mark.parametrize(
    "rule",
    [
        {"match": {}},
        {"match": {"colour": "red"}, "cancel_race": "fill"},
        {"partial_fill": {"quantities": []}},
        {"partial_fill": {"quantities": ["1.5"]}},
        {"partial_fill": {"quantities": ["1"], "then": "never"}},
        {"cancel_race": "perhaps"},
        {"fill_delay": {"ms": -1}},
        {"reject_later": {"when": 1}},
        {"unheard": 1},
    ],
)
def test_bad_script_is_refused(rule: dict[str, object]) -> None:
    assert "error" in refused(Caller(), "script", rule)


def test_script_counts_and_matches_account_symbol_type_and_action() -> None:
    caller = Caller()
    match = {"account": MARGIN, "symbol": "msft", "type": "limit", "action": "buy"}
    caller.control("script", [{"match": match, "times": 2, "reject_later": {"after_ms": 0}}])
    caller.placed(order())
    rejected = [caller.placed(limit("BUY", "420.00"))[0] for _ in range(3)]
    assert [caller.status(order_id) for order_id in rejected] == ["REJ", "REJ", "FLL"]
    assert caller.control("script", method="GET")["script"][0]["left"] == 0
    caller.control("script", method="DELETE")
    assert caller.control("script", method="GET") == {"script": []}


def test_foreign_order_appears_beside_ours() -> None:
    caller = Caller()
    body = {key: value for key, value in limit("BUY", "400.00").items() if key not in ("AccountID", "TimeInForce")}
    made = caller.control("trade", {"account": MARGIN, "order": body})["orders"]
    assert caller.status(made[0]["OrderID"]) == "ACK"
    assert caller.booked(made[0]["OrderID"])["by_hand"] is True
    caller.control("trade", {"account": MARGIN, "cancel": made[0]["OrderID"]})
    assert caller.status(made[0]["OrderID"]) == "OUT"


def test_position_closed_elsewhere_is_an_order_of_somebody_else() -> None:
    caller = Caller()
    caller.placed(order("BUY", "2", "MESZ26"))
    closed = caller.control("trade", {"account": FUTURES, "close": "MESZ26", "price": "6905.25"})
    row = caller.row(closed["order_id"], FUTURES)
    assert (row["Status"], row["FilledPrice"], row["Legs"][0]["BuyOrSell"]) == ("FLL", "6905.25", "Sell")
    assert caller.held("MESZ26", FUTURES) is None


def test_account_can_change_its_status_and_its_cash() -> None:
    caller = Caller()
    caller.placed(order("BUY", "10"))
    caller.control("trade", {"account": MARGIN, "status": "Margin Call - Closing Transactions Only"})
    assert "Margin Call" in refusal(caller.place(order("BUY", "1")))
    caller.placed(order("SELL", "10"))
    caller.control("trade", {"account": MARGIN, "status": "Active"})
    caller.control("trade", {"account": MARGIN, "cash": "100"})
    assert "Insufficient buying power" in refusal(caller.place(order("BUY", "10")))


@pytest.mark.parametrize(
    "trade",
    [
        {"account": "nobody", "close": "MSFT"},
        {"account": MARGIN},
        {"account": MARGIN, "close": "MSFT"},
        {"account": MARGIN, "close": "NOSUCH"},
        {"account": MARGIN, "fill": "1"},
        {"account": MARGIN, "order": {"Symbol": "MSFT"}},
        {"account": MARGIN, "set": {"symbol": "MSFT", "quantity": "x"}},
    ],
)
def test_bad_trade_is_refused(trade: dict[str, object]) -> None:
    assert "error" in refused(Caller(), "trade", trade)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("session", {"STOCK": "ajar"}),
        ("session", {"NOSUCH": "open"}),
        ("tokens", {"expire": "some"}),
        ("switches", {"nulls": "maybe"}),
        ("switches", {"nosuch": "1"}),
        ("nothing", {}),
    ],
)
def test_bad_control_is_refused_with_what_would_be_allowed(name: str, body: dict[str, object]) -> None:
    assert set(refused(Caller(), name, body)) >= {"error"}


def test_switches_are_set_all_or_none() -> None:
    caller = Caller()
    refused(caller, "switches", {"nulls": "sent", "replace_id": "sometimes"})
    assert caller.control("switches", method="GET")["switches"]["nulls"]["value"] == "omitted"


def test_reset_goes_back_to_the_start_and_keeps_tokens() -> None:
    caller = Caller(nulls="sent")
    caller.placed(order())
    caller.price("MSFT", 500)
    caller.control("switches", {"nulls": "mixed"})
    caller.control("reset", {})
    state = caller.control("state", method="GET")
    assert (state["orders"], state["positions"], state["fills"]) == ([], [], [])
    assert caller.control("switches", method="GET")["switches"]["nulls"]["value"] == "sent"
    assert caller.get("/marketdata/quotes/MSFT")["Quotes"][0]["Last"] == "412.3"
    assert caller.control("journal", method="GET")["entries"][-1]["path"] == "/v3/marketdata/quotes/MSFT"


def test_clock_moves_by_control() -> None:
    caller = Caller()
    assert caller.control("clock", {"advance_ms": 1500}) == {"now_ms": START_MS + 1500}
    assert caller.control("health", method="GET")["now_ms"] == START_MS + 1500


def test_state_tells_fills_and_working_orders() -> None:
    caller = Caller()
    caller.placed(order())
    [working] = caller.placed(limit("BUY", "400.00"))
    state = caller.control("state", method="GET")
    assert [(fill["quantity"], fill["price"]) for fill in state["fills"]] == [("10", "412.31")]
    assert [row["order_id"] for row in state["orders"] if row["working"]] == [working]
    assert {"account": MARGIN, "symbol": "MSFT", "quantity": "10"}.items() <= state["positions"][0].items()
