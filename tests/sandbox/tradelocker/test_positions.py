"""Changing and closing positions."""

from typing import Any

import pytest

from tests.sandbox.tradelocker.caller import BTCUSD, EURUSD, Caller


def opened(caller: Caller, **changes: Any) -> dict[str, Any]:
    return caller.position_of(caller.place(**changes))


def close(caller: Caller, position: dict[str, Any], body: object = None, query: str = "") -> Any:
    return caller.call("DELETE", f"/positions/{position['id']}{query}", body)


def modify(caller: Caller, position: dict[str, Any], body: dict[str, Any]) -> Any:
    return caller.call("PATCH", f"/positions/{position['id']}", body).json()


def closing_row(caller: Caller, position: dict[str, Any]) -> dict[str, Any]:
    (row,) = [
        row
        for row in caller.rows("ordersHistory")
        if row["positionId"] == position["id"] and row["side"] != position["side"]
    ]
    return row


def test_partial_close_leaves_the_rest_and_its_stops_are_as_large() -> None:
    caller = Caller()
    position = opened(caller, qty="0.03", stopLoss=1.0, stopLossType="absolute")

    answer = close(caller, position, {"qty": "0.01"})

    assert answer.json() == {"s": "ok"}
    assert caller.row("positions", position["id"])["qty"] == "0.02"
    assert caller.row("orders", position["stopLossId"])["qty"] == "0.02"
    row = closing_row(caller, position)
    assert (row["type"], row["validity"], row["side"], row["filledQty"]) == ("market", "IOC", "sell", "0.01")


@pytest.mark.parametrize("qty", [0, "0", "0.10", 0.1])
def test_full_close_removes_the_position_and_its_stops(qty: object) -> None:
    caller = Caller()
    position = opened(caller, stopLoss=1.0, stopLossType="absolute")

    close(caller, position, {"qty": qty})

    assert caller.rows("positions") == caller.rows("orders") == []
    assert caller.row("ordersHistory", position["stopLossId"])["status"] == "Removed"


def test_quantity_in_the_query_is_an_unknown_key_so_the_whole_position_closes() -> None:
    caller = Caller()

    close(caller, opened(caller, qty="0.03"), query="?qty=0.01")

    assert caller.rows("positions") == []


def test_close_without_a_quantity_is_refused_where_switched() -> None:
    caller = Caller({"close_without_qty": "refused"})
    position = opened(caller)

    answers = [close(caller, position, body).json()["s"] for body in (None, {}, {"qty": 0})]

    assert answers == ["error", "error", "ok"]


@pytest.mark.parametrize("qty", ["0.005", "-0.01", "all", None])
def test_close_of_a_bad_quantity_is_refused(qty: object) -> None:
    caller = Caller()
    position = opened(caller)

    assert close(caller, position, {"qty": qty}).json()["s"] == "error"
    assert caller.row("positions", position["id"])["qty"] == "0.1"


@pytest.mark.parametrize(("switch", "left"), [("refused", 1), ("all", 0)])
def test_close_of_more_than_is_held_follows_its_switch(switch: str, left: int) -> None:
    caller = Caller({"close_too_much": switch})

    close(caller, opened(caller), {"qty": "0.50"})

    assert len(caller.rows("positions")) == left


def test_close_of_a_position_that_is_gone_is_refused_in_a_200() -> None:
    caller = Caller()
    position = opened(caller)
    close(caller, position, {"qty": 0})

    answer = close(caller, position, {"qty": 0})

    assert (answer.status, answer.json()["s"]) == (200, "error")


@pytest.mark.parametrize(("switch", "label"), [("empty", ""), ("null", None), ("copied", "mine")])
def test_closing_row_names_the_strategy_as_switched(switch: str, label: str | None) -> None:
    caller = Caller({"closing_row_strategy_id": switch})
    position = opened(caller, strategyId="mine")

    close(caller, position, {"qty": 0})

    assert closing_row(caller, position)["strategyId"] == label


def test_strategy_query_labels_or_filters_as_switched() -> None:
    labels, filters = Caller({"position_strategy_query": "label"}), Caller({"position_strategy_query": "filter"})
    labelled, filtered = opened(labels, strategyId="mine"), opened(filters, strategyId="mine")

    close(labels, labelled, {"qty": 0}, "?strategyId=closing")
    other = close(filters, filtered, {"qty": 0}, "?strategyId=theirs")
    own = close(filters, filtered, {"qty": 0}, "?strategyId=mine")

    assert closing_row(labels, labelled)["strategyId"] == "closing"
    assert (other.json()["s"], own.json()["s"]) == ("error", "ok")


def test_modify_sets_moves_and_removes_legs_keeping_their_ids() -> None:
    caller = Caller()
    position = opened(caller)

    modify(caller, position, {"stopLoss": 1.0, "takeProfit": "1.2"})
    first = caller.row("positions", position["id"])
    modify(caller, position, {"stopLoss": 1.01, "takeProfit": 1.3})
    second = caller.row("positions", position["id"])
    prices = (
        caller.row("orders", first["stopLossId"])["stopPrice"],
        caller.row("orders", first["takeProfitId"])["price"],
    )
    modify(caller, position, {"takeProfit": None})
    third = caller.row("positions", position["id"])

    assert first["stopLossId"] != first["takeProfitId"]
    assert (second["stopLossId"], second["takeProfitId"]) == (first["stopLossId"], first["takeProfitId"])
    assert prices == ("1.01", "1.3")
    assert (third["stopLossId"], third["takeProfitId"]) == (first["stopLossId"], None)
    assert caller.row("ordersHistory", first["takeProfitId"])["status"] == "Cancelled"


@pytest.mark.parametrize(
    "body", [{"stopLoss": 1.2}, {"takeProfit": 1.0}, {"stopLoss": 0}, {"stopLoss": "x"}, {"trailingOffset": 0}]
)
def test_modify_against_the_rules_is_refused_and_changes_nothing(body: dict[str, Any]) -> None:
    caller = Caller()
    position = opened(caller)

    answer = modify(caller, position, {"takeProfit": 1.5, **body})

    assert answer["s"] == "error"
    assert caller.row("positions", position["id"])["takeProfitId"] is None


def test_trailing_offset_of_a_position_makes_a_stop_that_null_takes_off() -> None:
    caller = Caller()
    position = opened(caller)

    modify(caller, position, {"trailingOffset": 20})
    stop = caller.row("orders", caller.row("positions", position["id"])["stopLossId"])
    modify(caller, position, {"trailingOffset": None})

    assert stop["stopPrice"] == "1.0825"
    assert caller.row("positions", position["id"])["stopLossId"] is None


def test_trailing_offset_goes_before_a_stop_in_the_same_change() -> None:
    caller = Caller()
    position = opened(caller)

    modify(caller, position, {"stopLoss": 1.0, "takeProfit": 1.2, "trailingOffset": 20})

    held = caller.row("positions", position["id"])
    assert caller.row("orders", held["stopLossId"])["stopPrice"] == "1.0825"
    assert caller.row("orders", held["takeProfitId"])["price"] == "1.2"


@pytest.mark.parametrize(("switch", "status"), [("applied", "ok"), ("refused", "error")])
def test_delete_of_a_leg_takes_it_off_the_position_where_that_is_allowed(switch: str, status: str) -> None:
    caller = Caller({"bracket_row_writes": switch})
    position = opened(caller, stopLoss=1.0, stopLossType="absolute")

    answer = caller.call("DELETE", f"/orders/{position['stopLossId']}").json()

    assert answer["s"] == status
    kept = caller.row("positions", position["id"])["stopLossId"]
    assert kept == (None if switch == "applied" else position["stopLossId"])


def test_cancel_all_takes_stops_of_positions_where_switched() -> None:
    caller = Caller({"cancel_all_takes_brackets": True})
    position = opened(caller, stopLoss=1.0, stopLossType="absolute")

    caller.call("DELETE", "/accounts/{a}/orders")

    assert caller.rows("orders") == []
    assert caller.row("positions", position["id"])["stopLossId"] is None


def test_close_all_honours_the_instrument_filter_and_may_list_what_it_closes() -> None:
    caller = Caller({"close_all_reply": "positions"})
    euro, coin = opened(caller), opened(caller, tid=BTCUSD, qty="0.01")

    first = caller.call("DELETE", f"/accounts/{{a}}/positions?tradableInstrumentId={EURUSD}")
    left = [row["id"] for row in caller.rows("positions")]
    caller.call("DELETE", "/accounts/{a}/positions")

    assert left == [coin["id"]]
    assert euro["id"] in {row[0] for row in first.json()["d"]["positions"]}
    assert caller.rows("positions") == []


def test_close_all_says_ok_only_by_default_and_never_204() -> None:
    caller = Caller({"write_reply": "204"})

    answer = caller.call("DELETE", "/accounts/{a}/positions")

    assert (answer.status, answer.json()) == (200, {"s": "ok"})
