"""Replace and cancel (items 8 and 9; sections 6.6 and 6.7)."""

from collections.abc import Mapping

import pytest

from sandbox.simserver import Response
from tests.sandbox.tradestation.caller import FUTURES, Caller, bracket, limit, order, refusal, stop


def replace(caller: Caller, order_id: str, **body: object) -> Response:
    return caller.send("PUT", f"/v3/orderexecution/orders/{order_id}", body)


def cancel(caller: Caller, order_id: str) -> Response:
    return caller.send("DELETE", f"/v3/orderexecution/orders/{order_id}")


def half_filled(caller: Caller) -> str:
    caller.control("script", {"match": {}, "partial_fill": {"quantities": ["4"], "then": "stay"}})
    return caller.placed(limit("BUY", "420.00"))[0]


# ---- replace


def test_replace_keeps_the_id_and_changes_the_order() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00"))
    reply = replace(caller, order_id, Quantity="8", LimitPrice="401.00")
    assert reply.json() == {"Message": "Cancel/Replace order sent.", "OrderID": order_id}
    row = caller.row(order_id)
    assert (row["Status"], row["LimitPrice"], row["Legs"][0]["QuantityOrdered"]) == ("ACK", "401", "8")


def test_replace_can_change_the_id_and_leaves_the_old_one_replaced() -> None:
    caller = Caller(replace_id="changes")
    parent, low, high = caller.placed(
        bracket(order(), stop("SELL", "400.00", duration="GTC"), limit("SELL", "430.00", duration="GTC"))
    )
    new_id = replace(caller, low, StopPrice="405.00").json()["OrderID"]
    assert new_id != low
    assert (caller.status(low), caller.row(new_id)["StopPrice"]) == ("UCH", "405")
    assert {"Relationship": "BRK", "OrderID": new_id} in caller.row(high)["ConditionalOrders"]
    caller.price("MSFT", "404.00")
    assert [caller.booked(each)["status"] for each in (parent, new_id, high)] == ["FLL", "FLL", "OUT"]


def test_replace_that_makes_an_order_marketable_fills_it() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00"))
    replace(caller, order_id, LimitPrice="415.00")
    assert caller.row(order_id)["FilledPrice"] == "412.31"


def test_type_can_only_become_market() -> None:
    caller = Caller()
    [order_id] = caller.placed(stop("BUY", "420.00"))
    assert refusal(replace(caller, order_id, OrderType="Limit", LimitPrice="400.00")) == "Invalid order type."
    assert replace(caller, order_id, OrderType="Market").status == 200
    row = caller.row(order_id)
    assert (row["Status"], row["OrderType"]) == ("FLL", "Market")


def test_unchanged_type_and_foreign_fields_are_accepted() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00"))
    reply = replace(
        caller, order_id, OrderType="Limit", LimitPrice="401.00", AccountID="SIM1234567M", OrderID=order_id
    )  # fmt: skip
    assert reply.status == 200


def test_trail_can_be_replaced() -> None:
    caller = Caller()
    caller.placed(order("BUY"))
    [order_id] = caller.placed(
        order("SELL", OrderType="StopMarket", AdvancedOptions={"TrailingStop": {"Amount": "10"}})
    )  # fmt: skip
    replace(caller, order_id, AdvancedOptions={"TrailingStop": {"Amount": "2"}})
    assert caller.row(order_id)["TrailingStop"] == {"Amount": "2"}
    caller.price("MSFT", "410.30")
    assert caller.status(order_id) == "FLL"


@pytest.mark.parametrize(("switch", "total"), [("total", "8"), ("remaining", "12")])
def test_quantity_of_a_partly_filled_order_means_what_the_switch_says(switch: str, total: str) -> None:
    caller = Caller(replace_quantity_meaning=switch)
    order_id = half_filled(caller)
    replace(caller, order_id, Quantity="8")
    assert (caller.leg(order_id)["QuantityOrdered"], caller.leg(order_id)["ExecQuantity"]) == (total, "4")


def test_quantity_below_what_is_filled_is_a_400() -> None:
    caller = Caller()
    order_id = half_filled(caller)
    assert replace(caller, order_id, Quantity="4").status == 400


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "Please provide valid order input."),
        ({"Quantity": "0"}, "Invalid order quantity."),
        ({"LimitPrice": "x"}, "Invalid limit price."),
        ({"LimitPrice": "400.001"}, "Price = 400.00100000 not rounded to a valid price increment [0.01]"),
        (
            {"AdvancedOptions": {"TrailingStop": {"Amount": "1"}}},
            "Trailing stop is only valid for trailing stop orders.",
        ),
    ],
)
def test_bad_replace_is_refused_and_changes_nothing(body: Mapping[str, object], text: str) -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00"))
    before = caller.row(order_id)
    assert refusal(replace(caller, order_id, **body)) == text
    assert caller.row(order_id) == before


def test_replace_of_a_filled_order_is_refused() -> None:
    caller = Caller()
    [order_id] = caller.placed(order())
    assert refusal(replace(caller, order_id, Quantity="8")) == "Failed to Cancel/Replace order: Not an open order."


def test_replace_after_a_cancel_is_refused() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00"))
    cancel(caller, order_id)
    text = refusal(replace(caller, order_id, Quantity="8"))
    assert text == "Cancel/Replace not allowed after cancel has been attempted"


def test_replace_after_the_stop_was_hit_is_refused() -> None:
    caller = Caller()
    [order_id] = caller.placed(order(OrderType="StopLimit", StopPrice="420.00", LimitPrice="420.50"))
    caller.price("MSFT", "425.00")
    assert "prior stop already triggered" in refusal(replace(caller, order_id, LimitPrice="430.00"))


def test_exit_cannot_grow_over_the_position() -> None:
    caller = Caller()
    caller.placed(order("BUY"))
    [order_id] = caller.placed(limit("SELL", "430.00"))
    assert "EC601" in refusal(replace(caller, order_id, Quantity="11"))
    assert replace(caller, order_id, Quantity="9").status == 200


@pytest.mark.parametrize("interim", ["RSN", "RPD", "OUT"])
def test_replace_that_takes_time_shows_its_interim_status(interim: str) -> None:
    caller = Caller(replace_delay_ms="400", replace_interim=interim)
    [order_id] = caller.placed(limit("BUY", "400.00"))
    replace(caller, order_id, LimitPrice="401.00")
    row = caller.row(order_id)
    assert (row["Status"], row["LimitPrice"]) == (interim, "400")
    assert "ClosedDateTime" not in row
    caller.advance(400)
    row = caller.row(order_id)
    assert (row["Status"], row["LimitPrice"]) == ("ACK", "401")


def test_fill_during_a_replace_wins() -> None:
    caller = Caller(replace_delay_ms="400")
    [order_id] = caller.placed(limit("BUY", "400.00"))
    replace(caller, order_id, LimitPrice="390.00")
    caller.price("MSFT", "399.00")
    caller.advance(400)
    assert caller.row(order_id)["FilledPrice"] == "400"


def test_replace_can_be_refused_after_its_clean_reply_and_the_order_works_on() -> None:
    caller = Caller()
    caller.control("script", {"match": {}, "replace_race": "reject"})
    [order_id] = caller.placed(limit("BUY", "400.00"))
    assert replace(caller, order_id, LimitPrice="390.00").status == 200
    row = caller.row(order_id)
    assert (row["Status"], row["LimitPrice"]) == ("RJR", "400")
    caller.price("MSFT", "399.00")
    assert caller.row(order_id)["FilledPrice"] == "400"


def test_waiting_child_can_be_replaced() -> None:
    caller = Caller()
    _, child = caller.placed(bracket(limit("BUY", "410.00"), stop("SELL", "400.00"), kind="NORMAL"))
    replace(caller, child, StopPrice="402.00")
    assert (caller.status(child), caller.row(child)["StopPrice"]) == ("OSO", "402")


# ---- cancel


def test_cancel_is_sent_then_ucn_then_out() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00"))
    assert cancel(caller, order_id).json() == {"Message": "Cancel request sent", "OrderID": order_id}
    assert caller.status(order_id) == "UCN"
    caller.advance(149)
    assert caller.status(order_id) == "UCN"
    caller.advance(1)
    row = caller.row(order_id)
    assert (row["Status"], row["StatusDescription"]) == ("OUT", "UROut")
    assert "ClosedDateTime" in row


def test_out_can_show_without_its_closing_time_first() -> None:
    caller = Caller(out_settle_ms="300", cancel_delay_ms="0")
    [order_id] = caller.placed(limit("BUY", "400.00"))
    cancel(caller, order_id)
    row = caller.row(order_id)
    assert row["Status"] == "OUT"
    assert "ClosedDateTime" not in row
    caller.advance(300)
    assert "ClosedDateTime" in caller.row(order_id)


def test_order_can_fill_while_its_cancel_is_on_the_way() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00"))
    cancel(caller, order_id)
    caller.price("MSFT", "399.00")
    caller.advance(150)
    assert caller.status(order_id) == "FLL"


@pytest.mark.parametrize(("race", "status"), [("fill", "FLL"), ("late", "FLL"), ("reject", "RJC")])
def test_scripted_race_of_a_cancel(race: str, status: str) -> None:
    caller = Caller()
    caller.control("script", {"match": {"type": "Limit"}, "cancel_race": race})
    [order_id] = caller.placed(limit("BUY", "400.00"))
    assert cancel(caller, order_id).status == 200
    caller.advance(150)
    assert caller.status(order_id) == status


def test_cancel_of_a_filled_order_is_refused() -> None:
    caller = Caller()
    [order_id] = caller.placed(order())
    reply = cancel(caller, order_id)
    assert (reply.status, reply.json()) == (400, {"Error": "BadRequest", "Message": "Not an open order."})


@pytest.mark.parametrize("order_id", ["123", "1-2345-6789"])
def test_unknown_id_is_refused(order_id: str) -> None:
    caller = Caller()
    assert refusal(cancel(caller, order_id)) == "Invalid order ID."
    assert refusal(replace(caller, order_id, Quantity="1")) == "Invalid order ID."


def test_order_of_another_user_cannot_be_touched() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00"))
    assert refusal(cancel(caller.beside(1), order_id)) == "Invalid order ID."
    assert caller.status(order_id) == "ACK"


def test_refused_change_can_come_as_a_200_with_error() -> None:
    caller = Caller(change_reject_form="error_field")
    [order_id] = caller.placed(order("BUY", "1", "MESZ26"))
    reply = cancel(caller, order_id)
    assert (reply.status, reply.json()) == (
        200,
        {"OrderID": order_id, "Message": "Not an open order.", "Error": "FAILED"},
    )
    assert caller.held("MESZ26", FUTURES) == "1"
