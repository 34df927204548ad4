"""OrderConfirmID: what a second use of one does (item 10; section 6.5)."""

from typing import Any

import pytest

from sandbox.simserver import Response
from tests.sandbox.tradestation.caller import Caller, bracket, limit, order, refusal, stop

ID = "q83vEjRWeJCrze8SNFZ4kA"


def twice(caller: Caller, body: dict[str, object]) -> tuple[Any, Response]:
    return caller.place(body).json(), caller.place(body)


def test_ignored_id_places_a_second_order() -> None:
    caller = Caller(confirm_id_mode="ignore")
    first, second = twice(caller, order(OrderConfirmID=ID))
    assert first["Orders"][0]["OrderID"] != second.json()["Orders"][0]["OrderID"]
    assert caller.held("MSFT") == "20"


def test_repeated_id_can_be_a_400() -> None:
    caller = Caller(confirm_id_mode="reject-400")
    _, second = twice(caller, order(OrderConfirmID=ID))
    assert (second.status, caller.held("MSFT")) == (400, "10")


def test_repeated_id_can_be_a_failed_entry() -> None:
    caller = Caller(confirm_id_mode="failed-entry")
    _, second = twice(caller, order(OrderConfirmID=ID))
    assert "Duplicate OrderConfirmID" in refusal(second)
    assert (second.status, caller.held("MSFT")) == (200, "10")


def test_repeated_id_can_answer_the_original() -> None:
    caller = Caller(confirm_id_mode="return-original")
    body = bracket(order(OrderConfirmID=ID), stop("SELL", "400.00"), limit("SELL", "430.00"))
    first, second = twice(caller, body)
    assert second.json() == first
    assert caller.held("MSFT") == "10"


def test_id_of_a_child_counts_too() -> None:
    caller = Caller(confirm_id_mode="reject-400")
    caller.placed(bracket(order(), stop("SELL", "400.00", OrderConfirmID=ID), kind="NORMAL"))
    assert caller.place(order(OrderConfirmID=ID)).status == 400


def test_one_id_for_two_orders_of_a_request_is_a_400() -> None:
    body = bracket(order(OrderConfirmID=ID), stop("SELL", "400.00", OrderConfirmID=ID), kind="NORMAL")
    assert Caller(confirm_id_mode="failed-entry").place(body).status == 400


def test_ids_are_per_user() -> None:
    caller = Caller(confirm_id_mode="reject-400")
    caller.placed(order(OrderConfirmID=ID))
    other = caller.beside(1)
    assert other.place(order(OrderConfirmID=ID, AccountID="SIM7654321M")).status == 200


def test_id_is_forgotten_after_its_time() -> None:
    caller = Caller(confirm_id_mode="reject-400", confirm_id_memory_ms="60000")
    caller.placed(order(OrderConfirmID=ID))
    caller.advance(60_000)
    assert caller.place(order(OrderConfirmID=ID)).status == 200


def test_request_that_was_lost_by_a_fault_spends_no_id() -> None:
    caller = Caller(confirm_id_mode="reject-400")
    caller.control("faults", {"match": {"method": "POST", "path": "orders$"}, "fault": "unauthorized"})
    assert caller.place(order(OrderConfirmID=ID)).status == 401
    assert caller.place(order(OrderConfirmID=ID)).status == 200


@pytest.mark.parametrize(("text", "status"), [("ab+/cd", 400), ("ab-_cd", 200)])
def test_characters_can_be_restricted(text: str, status: int) -> None:
    assert Caller(confirm_id_characters="no_plus_slash").place(order(OrderConfirmID=text)).status == status


def test_only_confirmed_ids_can_be_demanded() -> None:
    caller = Caller(confirm_id_origin="confirmed")
    assert caller.place(order(OrderConfirmID=ID)).status == 400
    confirmed = caller.send("POST", "/v3/orderexecution/orderconfirm", order()).json()["Confirmations"][0]
    assert caller.place(order(OrderConfirmID=confirmed["OrderConfirmID"])).status == 200
    assert caller.place(order()).status == 200
