"""Replies to writes become outcomes; only what proves a refusal is one."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.http import Reply
from orderbridge.brokers.port import Accepted, NotTaken, PlacedOrder, RefusalCode, Refused, Unknown
from orderbridge.brokers.tradestation.refusals import code_of
from orderbridge.brokers.tradestation.replies import change_outcome, placing_outcome
from orderbridge.brokers.tradestation.wire import wanted_orders
from orderbridge.commands import Bracket, Place, PlaceGroup
from orderbridge.model import OrderType, Side
from tests.unit.brokers.tradestation.bodies import body

D = Decimal
ENTRY = Place("MSFT", Side.BUY, D(10), "open", OrderType.LIMIT, limit_price=D("412.30"))
BRACKETED = replace(ENTRY, bracket=Bracket(stop_loss=D("405.10"), take_profit=D("431.50")))
STOP = Place("MSFT", Side.SELL, D(10), "close", OrderType.STOP, stop_price=D("130"))
TARGET = Place("MSFT", Side.SELL, D(10), "close", OrderType.LIMIT, limit_price=D("230"))
FAR = replace(TARGET, limit_price=D("99999"))


def answered(given: Any, status: int = 200) -> Reply:
    return Reply(status, {}, given)


def outcome(given: Any, command: Place | PlaceGroup = ENTRY, status: int = 200) -> object:
    return placing_outcome(answered(given, status), wanted_orders(command))


def sent(order_id: str, text: str) -> dict[str, str]:
    return {"OrderID": order_id, "Message": f"Sent order: {text}"}


PARENT = sent("1", "Buy 10 MSFT @ 412.30 Limit")
STOP_SENT = sent("2", "Sell 10 MSFT @ 405.10 Stop Market")
TARGET_SENT = sent("3", "Sell 10 MSFT @ 431.50 Limit")
FAILED = {"Error": "FAILED", "Message": "Order failed. Reason: EC602: You are short 5 shares!"}


@pytest.mark.parametrize("errors", [{}, {"Errors": None}, {"Errors": []}])
@pytest.mark.parametrize("wrapped", [False, True])
def test_order_with_an_id_is_accepted(errors: dict[str, Any], wrapped: bool) -> None:
    given = {"Orders": [PARENT], **errors}
    accepted = outcome([given] if wrapped else given)
    assert accepted == Accepted((PlacedOrder("1", "order"),), "Sent order: Buy 10 MSFT @ 412.30 Limit")


@pytest.mark.parametrize("rows", [[PARENT, STOP_SENT, TARGET_SENT], [PARENT, TARGET_SENT, STOP_SENT]])
def test_exits_are_told_apart_by_their_text_in_whichever_order(rows: list[dict[str, str]]) -> None:
    accepted = outcome({"Orders": rows}, BRACKETED)
    assert isinstance(accepted, Accepted)
    assert set(accepted.orders) == {
        PlacedOrder("1", "order"),
        PlacedOrder("2", "stop_loss"),
        PlacedOrder("3", "take_profit"),
    }


def test_entries_without_a_known_text_go_by_position() -> None:
    rows = [{"OrderID": "1"}, {"OrderID": "2", "Message": "?"}, {"OrderID": "3", "Message": None}]
    accepted = outcome({"Orders": rows}, BRACKETED)
    assert isinstance(accepted, Accepted)
    assert [(o.order_id, o.leg) for o in accepted.orders] == [("1", "order"), ("2", "stop_loss"), ("3", "take_profit")]


@pytest.mark.parametrize(
    ("order", "text"),
    [
        (replace(ENTRY, order_type=OrderType.MARKET, limit_price=None), "Buy 10 MSFT @ Market"),
        (replace(ENTRY, side=Side.SELL), "Sell Short 10 MSFT @ 412.3 Limit"),
        (replace(STOP, side=Side.BUY), "Buy to Cover 10 MSFT @ 130 Stop Market"),
        (replace(STOP, order_type=OrderType.TRAILING_STOP, trail_amount=D(3)), "Sell 10 MSFT @  Stop Market - Trl: 3"),
        (replace(STOP, symbol="MSFT 261218C450"), "Sell 10 MSFT 261218C450 @ 130.00 Stop Market"),
    ],
)
def test_text_of_each_type_is_understood(order: Place, text: str) -> None:
    group = PlaceGroup("oco", (FAR, order))  # by position it would be the first
    accepted = outcome({"Orders": [sent("7", text), {"OrderID": "8"}]}, group)
    assert isinstance(accepted, Accepted)
    assert {o.order_id: o.index for o in accepted.orders} == {"7": 1, "8": 0}


def test_group_partly_refused_is_accepted_with_the_refused_child_named() -> None:
    accepted = outcome(body("placed_group_partly"), PlaceGroup("oco", (FAR, STOP, TARGET)))
    assert isinstance(accepted, Accepted)
    assert {(o.order_id, o.leg, o.index, o.refused is None) for o in accepted.orders} == {
        ("910000001", "child", 2, True),
        ("910000002", "child", 1, True),
        ("910000003", "child", 0, False),
    }
    (refused,) = [o for o in accepted.orders if o.refused]
    assert refused.refused == "Order failed. Reason: Type = LMT has invalid Price greater than absolute maximum"


def test_refused_stop_of_an_entry_is_named_as_the_stop() -> None:
    accepted = outcome({"Orders": [PARENT, TARGET_SENT], "Errors": [FAILED]}, BRACKETED)
    assert isinstance(accepted, Accepted)
    assert [(o.leg, bool(o.refused)) for o in accepted.orders] == [
        ("order", False),
        ("take_profit", False),
        ("stop_loss", True),
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"Orders": [], "Errors": [FAILED]},
        {"Errors": [{**FAILED, "OrderID": "9"}]},
        {"Orders": [{**FAILED, "OrderID": "9"}], "Errors": None},
        [{"Orders": [FAILED]}],
        FAILED,
    ],
)
def test_refusal_inside_a_200_is_refused_in_each_form(given: Any) -> None:
    refused = outcome(given)
    assert isinstance(refused, Refused)
    assert refused.code == "side_mismatch"
    assert "EC602" in refused.message


@pytest.mark.parametrize("given", [{}, [], None, {"Orders": []}, {"Orders": [{"Message": "?"}]}, "text", 3])
def test_200_that_names_neither_order_nor_error_is_unknown(given: Any) -> None:
    assert isinstance(outcome(given), Unknown)


@pytest.mark.parametrize("kind", ["InternalServerError", "ServiceUnavailable", "GatewayTimeout"])
def test_breakdown_told_inside_a_200_proves_nothing(kind: str) -> None:
    error = {"Error": kind, "Message": "x"}
    assert isinstance(outcome({"Errors": [error]}), Unknown)
    assert isinstance(outcome({"Orders": [PARENT], "Errors": [error]}, BRACKETED), Unknown)
    assert isinstance(outcome(error), Unknown)
    assert isinstance(change_outcome(answered({"OrderID": "1", **error})), Unknown)


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (400, "Failed to build order: FAILED, INVALID SYMBOL", "invalid"),
        (400, "strange words", "invalid"),
        (400, "Duplicate OrderConfirmID", "duplicate"),
        (403, "Forbidden words", "not_allowed"),
        (404, "nothing here", "not_found"),
        (429, "Rate quota exceeded", "rate_limited"),
        (429, "strange words", "rate_limited"),
    ],
)
def test_error_status_as_json_is_a_refusal(status: int, text: str, code: str) -> None:
    refused = outcome({"Error": "x", "Message": text}, status=status)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.message) == (code, text)


@pytest.mark.parametrize("status", [402, 405, 408, 409, 418])
def test_error_status_that_nobody_calls_a_refusal_is_unknown(status: int) -> None:
    assert isinstance(outcome({"Error": "x", "Message": "y"}, status=status), Unknown)


@pytest.mark.parametrize("status", [400, 403, 404, 429])
def test_error_page_that_is_not_json_is_unknown(status: int) -> None:
    page = Reply(status, {}, None, unreadable=True, text="<html>Quota Exceeded</html>")
    assert isinstance(placing_outcome(page, wanted_orders(ENTRY)), Unknown)
    assert isinstance(change_outcome(page), Unknown)


@pytest.mark.parametrize("passed", [NotTaken("unauthorized"), Unknown("time-out")])
def test_outcome_of_the_connection_passes_through(passed: NotTaken | Unknown) -> None:
    assert placing_outcome(passed, wanted_orders(ENTRY)) == passed
    assert change_outcome(passed) == passed


# ---- replace and cancel


def test_change_that_is_taken_gives_the_id_of_the_reply() -> None:
    text = "Cancel/Replace order sent."
    assert change_outcome(answered({"OrderID": "77", "Message": text})) == Accepted((PlacedOrder("77", "order"),), text)
    assert isinstance(change_outcome(answered([{"OrderID": "77"}])), Accepted)


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"Error": "BadRequest", "Message": "Not an open order."}, 400, "not_found"),
        ({"Error": "BadRequest", "Message": "Failed to Cancel/Replace order: Not an open order."}, 400, "not_found"),
        ({"Error": "BadRequest", "Message": "Invalid order ID."}, 400, "not_found"),
        ({"OrderID": "1", "Error": "FAILED", "Message": "Not an open order."}, 200, "not_found"),
        ({"Errors": [{"Error": "FAILED", "Message": "Not an open order."}]}, 200, "not_found"),
    ],
)
def test_change_that_is_turned_down_is_refused(given: Any, status: int, code: str) -> None:
    refused = change_outcome(answered(given, status))
    assert isinstance(refused, Refused)
    assert refused.code == code


@pytest.mark.parametrize("given", [None, {}, [], {"Message": "Cancel request sent"}])
def test_change_reply_without_an_id_is_unknown(given: Any) -> None:
    assert isinstance(change_outcome(answered(given)), Unknown)


# ---- refusal texts

TEXTS: list[tuple[str, RefusalCode]] = [
    ("Order failed. Reason: EC601: You are long 100 shares", "side_mismatch"),
    ("EC702 ... You are short 3 contracts", "side_mismatch"),
    ("EC803: Boxed positions are not permitted", "side_mismatch"),
    ("Boxed positions are not permitted", "side_mismatch"),
    ("You are short 0 shares!", "flat"),
    ("Order failed. Reason: EC602: You are short 0 shares!", "flat"),
    ("You are long 127 shares with 127 remaining on sell orders!", "reserved"),
    ("Price = 1.195 not rounded to a valid price increment [0.01]", "invalid"),
    ("Order failed. Reason: Type = LMT has invalid Price greater than absolute maximum", "invalid"),
    ("Failed to build order: FAILED, INVALID SYMBOL", "invalid"),
    ("SL0350 stock is not easy to borrow", "not_allowed"),
    ("Insufficient buying power", "funds"),
    ("The market is closed", "closed"),
    ("No Day orders after 16:00 ET", "closed"),
    ("Request not supported for account type.", "not_allowed"),
    ("Order failed. Reason: Request originator is not authorized to trade this account", "not_allowed"),
    ("Invalid account.", "not_allowed"),
    ("Missing order quantity.", "invalid"),
    ("Invalid limit price.", "invalid"),
    ("Group order must include at least one pair of orders.", "invalid"),
    ("Not an open order.", "not_found"),
    ("Invalid order ID.", "not_found"),
    ("Rate quota exceeded", "rate_limited"),
    ("Duplicate order", "duplicate"),
    ("OrderConfirmID has already been used", "duplicate"),
    ("Cancel/Replace not allowed after cancel has been attempted", "other"),
    ("prior stop already triggered", "other"),
    ("words that nobody has seen", "other"),
]


@pytest.mark.parametrize(("text", "code"), TEXTS)
def test_refusal_text_has_its_code(text: str, code: RefusalCode) -> None:
    assert code_of(text) == code
