"""Placing: the order of the checks, the forms of a refusal, and the reply (items 2, 3, 4; sections 6 and 8)."""

import pytest

from tests.sandbox.tradestation.caller import (
    CASH,
    CLOSING,
    FUTURES,
    MARGIN,
    OTHER_MARGIN,
    Caller,
    bracket,
    limit,
    order,
    refusal,
    stop,
)


def test_market_order_fills_at_the_ask_and_nets_into_a_position() -> None:
    caller = Caller()
    caller.price("MSFT", {"bid": 412, "ask": 412.5, "last": 412.2})
    reply = caller.place(order("BUY", "10")).json()
    [placed] = reply["Orders"]
    assert placed["Message"] == "Sent order: Buy 10 MSFT @ Market"
    assert placed["OrderID"].isdigit()
    assert len(placed["OrderID"]) == 9
    row = caller.row(placed["OrderID"])
    assert (row["Status"], row["FilledPrice"], row["Legs"][0]["ExecQuantity"]) == ("FLL", "412.5", "10")
    assert caller.held("MSFT") == "10"


def test_order_ids_increase() -> None:
    caller = Caller()
    first, second = (int(caller.placed(limit("BUY", "400.00"))[0]) for _ in range(2))
    assert second > first


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (limit("BUY", "412.30"), "Buy 10 MSFT @ 412.30 Limit"),
        (stop("BUY", "420.00"), "Buy 10 MSFT @ 420.00 Stop Market"),
        (order("SELLSHORT"), "Sell Short 10 MSFT @ Market"),
        (order("SELL", "1", "MESZ26"), "Sell 1 MESZ26 @ Market"),
        (
            order("BUY", OrderType="StopMarket", AdvancedOptions={"TrailingStop": {"Amount": "3"}}),
            "Buy 10 MSFT @ 415.30 Stop Market - Trl: 3",
        ),
    ],
)
def test_message_tells_the_order(body: dict[str, object], message: str) -> None:
    [placed] = Caller().place(body).json()["Orders"]
    assert placed["Message"] == f"Sent order: {message}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (order(AccountID=""), "Invalid account."),
        (order(symbol=""), "Missing order symbol."),
        (order(symbol="NOSUCH"), "Failed to build order: FAILED, INVALID SYMBOL"),
        (order("BUY", "1", "@MES", AccountID=FUTURES), "Failed to build order: FAILED, INVALID SYMBOL"),
        (order(quantity="0"), "Invalid order quantity."),
        (order(quantity="1.5"), "Invalid order quantity."),
        (order(quantity="-1"), "Invalid order quantity."),
        (order(quantity="1e1"), "Invalid order quantity."),
        (order(Quantity=None), "Missing order quantity."),
        (order(Quantity=10), "The field Quantity must be a string."),
        (order(OrderType="Stop"), "Invalid order type."),
        (order(OrderType=None), "Missing order type."),
        (order(OrderType="Limit"), "Missing order limit price."),
        (order(OrderType="StopMarket"), "Missing order stop price."),
        (limit("BUY", "abc"), "Invalid limit price."),
        (order("HOLD"), "Invalid trade action."),
        (order(TimeInForce=None), "Order failed. Reason: Missing TIF"),
        (order(duration="WEEK"), "Invalid order duration."),
        (order(duration="GTD"), "Missing expiration date."),
        (order(OrderConfirmID="x" * 23), "OrderConfirmID must have 1 to 22 characters."),
        (
            order(AdvancedOptions={"TrailingStop": {"Amount": "1"}}),
            "Trailing stop is only valid for StopMarket orders.",
        ),
    ],
)
def test_malformed_order_is_a_400_and_books_nothing(body: dict[str, object], text: str) -> None:
    caller = Caller()
    reply = caller.place(body)
    assert (reply.status, reply.json()) == (400, {"Error": "BadRequest", "Message": text})
    assert caller.control("state", method="GET")["orders"] == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (order(AccountID=FUTURES), "Request not supported for account type."),
        (order("BUY", "1", "MESZ26", AccountID=MARGIN), "Request not supported for account type."),
        (order("SELLSHORT", "1", "MESZ26"), "Invalid trade action SELLSHORT for asset type FUTURE"),
        (order("BUYTOOPEN"), "Invalid trade action BUYTOOPEN for asset type STOCK"),
        (limit("BUY", "1.195"), "Price = 1.19500000 not rounded to a valid price increment [0.01]"),
        (limit("BUY", "6900.10", "1", "MESZ26"), "Price = 6900.10000000 not rounded to a valid price increment [0.25]"),
        (stop("BUY", "112.51", "1", "TYZ26"), "Price = 112.51000000 not rounded to a valid price increment [0.015625]"),
        (limit("BUY", "50000.00"), "Type = LMT has invalid Price greater than absolute maximum"),
        (order("SELL"), "EC601: You are long 0 shares!"),
        (order("BUYTOCOVER"), "EC602: You are short 0 shares!"),
        (order("SELLTOCLOSE", "1", "MSFT 261218C450"), "EC701: You are long 0 shares!"),
        (order("BUYTOCLOSE", "1", "MSFT 261218C450"), "EC702: You are short 0 shares!"),
        (order("SELLSHORT", AccountID=CASH), "Short sales are not permitted in a cash account"),
        (order(AccountID=CLOSING), "Account is restricted: Closing Transactions Only"),
        (order(quantity="100000"), "Insufficient buying power"),
        (order("BUY", "1000", "ESZ26"), "Insufficient buying power"),
        (order("BUY", "1", "MESZ26", duration="DYP"), "Duration DYP is not valid for asset type FUTURE"),
    ],
)
def test_order_that_may_not_be_is_refused_in_a_200(body: dict[str, object], text: str) -> None:
    caller = Caller()
    reply = caller.place(body)
    assert reply.status == 200
    [error] = reply.json()["Errors"]
    assert (error["Error"], error["Message"]) == ("FAILED", f"Order failed. Reason: {text}")
    assert caller.row(error["OrderID"], str(body["AccountID"]))["Status"] == "REJ"


def test_boxed_positions_are_refused_both_ways() -> None:
    caller = Caller()
    caller.placed(order("BUY", "5"))
    assert "EC804: Boxed positions are not permitted" in refusal(caller.place(order("SELLSHORT", "5")))
    caller.placed(order("SELL", "5"))
    caller.placed(order("SELLSHORT", "5"))
    assert "EC803: Boxed positions are not permitted" in refusal(caller.place(order("BUY", "5")))
    assert caller.held("MSFT") == "-5"


def test_close_of_more_than_is_held_is_refused() -> None:
    caller = Caller()
    caller.placed(order("BUY", "5"))
    assert "EC601: You are long 5 shares!" in refusal(caller.place(order("SELL", "6")))


def test_shares_reserved_by_working_exits_cannot_be_sold_again() -> None:
    caller = Caller()
    caller.placed(order("BUY", "127"))
    [exit_id] = caller.placed(limit("SELL", "500.00", "127", duration="GTC"))
    text = refusal(caller.place(order("SELL", "1")))
    assert text.endswith("EC601: You are long 127 shares with 127 remaining on sell orders!")
    caller.send("DELETE", f"/v3/orderexecution/orders/{exit_id}")
    assert "remaining on sell orders" in refusal(caller.place(order("SELL", "1")))
    caller.advance(150)
    caller.placed(order("SELL", "1"))


def test_bracket_legs_share_one_reservation() -> None:
    caller = Caller()
    caller.placed(order("BUY", "10"))
    caller.group("BRK", stop("SELL", "400.00", "6"), limit("SELL", "430.00", "6"))
    caller.placed(limit("SELL", "431.00", "4"))
    assert "10 remaining" in refusal(caller.place(limit("SELL", "432.00", "1")))


def test_orders_of_one_normal_group_reserve_beside_each_other() -> None:
    caller = Caller()
    caller.placed(order("BUY", "10"))
    body = {"Type": "NORMAL", "Orders": [limit("SELL", "430.00"), limit("SELL", "431.00")]}
    reply = caller.send("POST", "/v3/orderexecution/ordergroups", body).json()
    assert (len(reply["Orders"]), len(reply["Errors"])) == (1, 1)


def test_position_text_can_be_bare() -> None:
    assert refusal(Caller(position_reject_text="bare").place(order("BUYTOCOVER"))).endswith(
        "Reason: You are short 0 shares!"
    )


def test_closing_only_account_may_reduce() -> None:
    caller = Caller()
    caller.control("trade", {"account": CLOSING, "set": {"symbol": "MSFT", "quantity": "10"}})
    caller.placed(order("SELL", "10", AccountID=CLOSING))
    assert caller.held("MSFT", CLOSING) is None


def test_hard_to_borrow_symbol_cannot_be_shorted() -> None:
    caller = Caller()
    caller.price("GE", {"hard_to_borrow": True})
    assert "SL0350" in refusal(caller.place(order("SELLSHORT", symbol="GE")))
    caller.placed(order("BUY", symbol="GE"))


@pytest.mark.parametrize("status", ["403", "401", "400"])
def test_account_of_another_user_is_refused(status: str) -> None:
    reply = Caller(foreign_account_status=status).place(order(AccountID=OTHER_MARGIN))
    assert (reply.status, reply.json()["Message"]) == (int(status), "Invalid Account ID.")


def test_names_and_values_are_read_in_any_case() -> None:
    body = {
        "accountid": MARGIN,
        "symbol": "msft",
        "Quantity": "1",
        "ordertype": "market",
        "tradeaction": "SellShort",
        "TimeInForce": {"duration": "Day"},
    }
    Caller().placed(body)


# ---- forms of a refusal


def test_refusal_can_stand_among_the_orders() -> None:
    reply = Caller(reject_form="orders", errors_field="absent").place(order("SELL")).json()
    assert "Errors" not in reply
    assert reply["Orders"][0]["Error"] == "FAILED"


def test_refusal_can_be_a_400() -> None:
    caller = Caller(reject_form="http_400")
    reply = caller.place(order("SELL"))
    assert (reply.status, reply.json()["Message"]) == (400, "Order failed. Reason: EC601: You are long 0 shares!")
    assert caller.control("state", method="GET")["orders"] == []


def test_refusal_can_come_after_a_clean_reply() -> None:
    caller = Caller(reject_form="later")
    [order_id] = caller.placed(order("SELL"))
    row = caller.row(order_id)
    assert (row["Status"], row["RejectReason"]) == ("REJ", "EC601: You are long 0 shares!")


def test_refused_order_can_be_without_an_id() -> None:
    caller = Caller(refused_order_id="absent")
    [error] = caller.place(order("SELL")).json()["Errors"]
    assert "OrderID" not in error
    assert caller.control("state", method="GET")["orders"] == []


@pytest.mark.parametrize(("switch", "shown"), [("list", []), ("null", None)])
def test_errors_field_of_a_clean_reply(switch: str, shown: object) -> None:
    assert Caller(errors_field=switch).place(order()).json()["Errors"] == shown


def test_reply_can_be_wrapped_in_an_array() -> None:
    [body] = Caller(response_wrapper="array").place(order()).json()
    assert len(body["Orders"]) == 1


def test_children_follow_the_parent_in_the_reply_in_either_order() -> None:
    body = bracket(order(), stop("SELL", "400.00"), limit("SELL", "430.00"))
    plain, turned = (
        [row["Message"] for row in Caller(children_order_in_reply=way).place(body).json()["Orders"]]
        for way in ("request", "reversed")
    )
    assert plain[0] == turned[0]
    assert plain[1:] == turned[:0:-1]


@pytest.mark.parametrize(("switch", "taken"), [("siblings_stand", 2), ("all_refused", 0)])
def test_one_refused_child_leaves_or_takes_the_others(switch: str, taken: int) -> None:
    caller = Caller(group_partial_refusal=switch)
    reply = caller.place(bracket(order(), stop("SELL", "400.001"), limit("SELL", "430.00"))).json()
    assert (len(reply["Orders"]), len(reply["Errors"])) == (taken, 3 - taken)
    assert caller.held("MSFT") == ("10" if taken else None)


def test_children_of_a_refused_parent_are_refused() -> None:
    caller = Caller()
    reply = caller.place(bracket(order("SELL"), stop("SELL", "400.00"), limit("SELL", "430.00"))).json()
    assert (len(reply["Orders"]), len(reply["Errors"])) == (0, 3)


@pytest.mark.parametrize(
    "group",
    [
        {"Type": "BRK", "Orders": [stop("SELL", "400.00")]},
        {"Type": "BRK", "Orders": [stop("SELL", "400.00"), limit("BUY", "430.00")]},
        {"Type": "XXX", "Orders": [stop("SELL", "400.00"), limit("SELL", "430.00")]},
        {"Type": "OCO", "Orders": []},
    ],
)
def test_malformed_group_is_a_400(group: dict[str, object]) -> None:
    assert Caller().send("POST", "/v3/orderexecution/ordergroups", group).status == 400


@pytest.mark.parametrize(("switch", "text"), [("ignored", None), ("required", "BuyingPowerWarning is required")])
def test_buying_power_warning_is_asked_for_by_switch(switch: str, text: str | None) -> None:
    caller = Caller(buying_power_warning=switch)
    reply = caller.place(order())
    assert reply.status == (200 if text is None else 400)
    assert caller.place(order(BuyingPowerWarning="Enforce")).status == 200


def test_percent_trail_on_a_future_can_be_refused() -> None:
    body = order(
        "BUY", "1", "MESZ26", OrderType="StopMarket", AdvancedOptions={"TrailingStop": {"Percent": "1.0"}}
    )  # fmt: skip
    Caller().placed(body)
    assert "percent is not valid" in refusal(Caller(percent_trail_on_futures="refused").place(body))


# ---- confirming


def test_confirm_places_nothing_and_gives_an_id() -> None:
    caller = Caller()
    reply = caller.send("POST", "/v3/orderexecution/orderconfirm", order("BUY", "2", "MESZ26")).json()
    [row] = reply["Confirmations"]
    assert len(row["OrderConfirmID"]) == 22
    assert (row["SummaryMessage"], row["OrderAssetCategory"]) == ("Buy 2 MESZ26 @ Market", "FUTURE")
    assert (row["InitialMarginDisplay"], row["EstimatedCommission"]) == ("4,800.00 USD", "3")
    assert caller.control("state", method="GET")["orders"] == []


def test_group_confirm_gives_one_confirmation_an_order() -> None:
    caller = Caller()
    body = {"Type": "OCO", "Orders": [stop("BUY", "420.00"), stop("SELLSHORT", "400.00")]}
    rows = caller.send("POST", "/v3/orderexecution/ordergroupconfirm", body).json()["Confirmations"]
    assert len({row["OrderConfirmID"] for row in rows}) == 2


def test_confirm_refuses_what_placing_would() -> None:
    reply = Caller().send("POST", "/v3/orderexecution/orderconfirm", order("SELL"))
    assert (reply.status, "EC601" in reply.json()["Message"]) == (400, True)
