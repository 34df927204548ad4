"""What prices do: limits, stops, brackets, trailing stops, hedging and netting."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.tradelocker.caller import BTCUSD, EURUSD, Caller

NETTING = 3


def bracket(stop: float | None = None, target: float | None = None) -> dict[str, Any]:
    legs: dict[str, Any] = {}
    if stop is not None:
        legs |= {"stopLoss": stop, "stopLossType": "absolute"}
    if target is not None:
        legs |= {"takeProfit": target, "takeProfitType": "absolute"}
    return legs


def legs_of(caller: Caller, position: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return caller.row("orders", position["stopLossId"]), caller.row("orders", position["takeProfitId"])


def test_limit_order_fills_when_the_other_side_reaches_its_price() -> None:
    caller = Caller()
    order_id = caller.place_limit("1.08000")

    caller.price("EURUSD", "1.07999", "1.08001")
    before = [row["id"] for row in caller.rows("orders")]
    caller.clock.advance(1000)
    caller.price("EURUSD", "1.07990", "1.07998")

    assert before == [order_id]
    row = caller.row("ordersHistory", order_id)
    assert (row["avgPrice"], row["price"]) == ("1.07998", "1.08")
    assert int(row["lastModified"]) > int(row["createdDate"])


def test_limit_and_stop_fill_when_the_price_just_touches() -> None:
    caller = Caller()
    limit = caller.place_limit("1.08000")
    stop = caller.place(type="stop", validity="GTC", stopPrice=1.08, side="sell")

    caller.price("EURUSD", "1.08000", "1.08000")

    assert [caller.row("ordersHistory", one)["status"] for one in (limit, stop)] == ["Filled", "Filled"]


def test_each_fill_of_a_hedging_account_is_its_own_position() -> None:
    caller = Caller()

    caller.place(BTCUSD, qty="0.01")
    caller.place(BTCUSD, qty="0.03", side="sell")

    assert [(row["side"], row["qty"]) for row in caller.rows("positions")] == [("buy", "0.01"), ("sell", "0.03")]


def test_bracket_of_a_filled_order_becomes_rows_linked_from_the_position() -> None:
    caller = Caller()

    order_id = caller.place(**bracket(1.0, 1.2), strategyId="mine")

    assert caller.row("ordersHistory", order_id)["stopLoss"] == "1"
    position = caller.position_of(order_id)
    stop, target = legs_of(caller, position)
    assert (stop["type"], stop["side"], stop["stopPrice"], stop["price"]) == ("stop", "sell", "1", None)
    assert (target["type"], target["side"], target["price"], target["stopPrice"]) == ("limit", "sell", "1.2", None)
    assert stop["qty"] == target["qty"] == "0.1"
    assert stop["positionId"] == target["positionId"] == position["id"]
    assert (stop["strategyId"], stop["stopLossType"]) == (None, None)


def test_bracket_of_a_working_order_has_no_rows_until_it_fills() -> None:
    caller = Caller()
    order_id = caller.place_limit("1.05000", **bracket(1.0, 1.2))

    working = caller.rows("orders")
    caller.price("EURUSD", "1.04990", "1.04999")

    assert [row["id"] for row in working] == [order_id]
    assert len(caller.rows("orders")) == 2
    assert caller.position_of(order_id)["stopLossId"]


def test_bracket_rows_hide_the_position_and_carry_the_label_by_switch() -> None:
    caller = Caller({"bracket_rows_have_position_id": False, "bracket_row_strategy_id": "copied"})

    position = caller.position_of(caller.place(**bracket(1.0), strategyId="mine"))

    row = caller.row("orders", position["stopLossId"])
    assert (row["positionId"], row["strategyId"]) == (None, "mine")


@pytest.mark.parametrize(("status", "kept"), [("Removed", "kept"), ("Cancelled", "kept"), ("Removed", "dropped")])
def test_stop_loss_that_triggers_closes_the_position_and_takes_its_sibling_along(status: str, kept: str) -> None:
    caller = Caller({"sibling_status": status, "sibling_history": kept})
    position = caller.position_of(caller.place(**bracket(1.08, 1.2)))

    caller.price("EURUSD", "1.07990", "1.07998")

    assert caller.rows("positions") == caller.rows("orders") == []
    stop = caller.row("ordersHistory", position["stopLossId"])
    assert (stop["status"], stop["avgPrice"], stop["filledQty"]) == ("Filled", "1.0799", "0.1")
    siblings = [row["status"] for row in caller.rows("ordersHistory") if row["id"] == position["takeProfitId"]]
    assert siblings == ([status] if kept == "kept" else [])


def test_take_profit_of_a_short_fills_at_the_ask() -> None:
    caller = Caller()
    position = caller.position_of(caller.place(side="sell", **bracket(1.2, 1.0)))

    caller.price("EURUSD", "0.99980", "0.99990")

    assert caller.row("ordersHistory", position["takeProfitId"])["avgPrice"] == "0.9999"
    assert caller.rows("positions") == []


@pytest.mark.parametrize(
    ("unit", "stop", "target"), [("pips", "1.08358", "1.08658"), ("ticks", "1.08448", "1.08478"), ("price", None, None)]
)
def test_offset_brackets_are_distances_from_the_fill_in_the_switched_unit(
    unit: str, stop: str | None, target: str | None
) -> None:
    caller = Caller({"offset_unit": unit})
    scale = 10 if unit != "price" else 0.001
    offsets: dict[str, Any] = {
        "stopLoss": scale,
        "stopLossType": "offset",
        "takeProfit": 2 * scale,
        "takeProfitType": "offset",
    }

    position = caller.position_of(caller.place(**offsets))

    stop_row, target_row = legs_of(caller, position)
    assert (stop_row["stopPrice"], target_row["price"]) == (stop or "1.08358", target or "1.08658")


@pytest.mark.parametrize(("field", "sent"), [("trStopOffset", {"trStopOffset": 10}), ("stopLoss", {"stopLoss": 10})])
def test_trailing_stop_follows_the_price_and_never_goes_back(field: str, sent: dict[str, Any]) -> None:
    caller = Caller({"trailing_field": field})
    position = caller.position_of(caller.place(stopLossType="trailingOffset", **sent))
    stops = [caller.row("orders", position["stopLossId"])["stopPrice"]]

    for bid, ask in (("1.09000", "1.09008"), ("1.08950", "1.08958")):
        caller.price("EURUSD", bid, ask)
        stops.append(caller.row("orders", position["stopLossId"])["stopPrice"])
    caller.price("EURUSD", "1.08900", "1.08908")

    assert stops == ["1.08358", "1.089", "1.089"]
    assert caller.rows("positions") == []


def test_trailing_field_that_is_not_read_is_refused() -> None:
    caller = Caller({"trailing_field": "trStopOffset"})

    assert caller.try_place(stopLossType="trailingOffset", stopLoss=10)["s"] == "error"


def test_netting_account_adds_reduces_and_flips_one_position() -> None:
    caller = Caller(acc_num=NETTING)

    caller.place(qty="0.10")
    caller.price("EURUSD", "1.10000", "1.10008")
    caller.place(qty="0.10")
    added = [(row["side"], row["qty"], row["avgPrice"]) for row in caller.rows("positions")]
    caller.place(qty="0.05", side="sell")
    reduced = [(row["side"], row["qty"]) for row in caller.rows("positions")]
    flip = caller.place(qty="0.20", side="sell")

    assert added == [("buy", "0.2", "1.09233")]
    assert reduced == [("buy", "0.15")]
    assert [(row["side"], row["qty"]) for row in caller.rows("positions")] == [("sell", "0.05")]
    assert caller.row("ordersHistory", flip)["filledQty"] == "0.2"


def test_bracket_of_an_added_order_becomes_that_of_the_netted_position() -> None:
    caller = Caller(acc_num=NETTING)
    caller.place(**bracket(1.0))
    before = caller.rows("positions")[0]["stopLossId"]

    caller.place(**bracket(1.05, 1.2))

    (position,) = caller.rows("positions")
    stop, target = legs_of(caller, position)
    assert position["stopLossId"] == before
    assert (stop["stopPrice"], stop["qty"], target["price"]) == ("1.05", "0.2", "1.2")


def test_reducing_a_netted_position_needs_no_margin() -> None:
    caller = Caller(acc_num=NETTING)
    caller.place(BTCUSD, qty="0.90")

    more, less = caller.try_place(BTCUSD, qty="0.50"), caller.try_place(BTCUSD, qty="0.50", side="sell")

    assert (more["s"], less["s"]) == ("error", "ok")


@pytest.mark.parametrize(("switch", "named"), [("yes", True), ("no", False)])
def test_unfilled_row_of_a_netting_account_may_name_the_held_position(switch: str, *, named: bool) -> None:
    caller = Caller({"netting_unfilled_position_id": switch}, acc_num=NETTING)
    held = caller.position_of(caller.place())

    order_id = caller.place_limit("1.00000")
    caller.call("DELETE", f"/orders/{order_id}")

    row = caller.row("ordersHistory", order_id)
    assert (row["positionId"], row["filledQty"]) == (held["id"] if named else None, None)


def test_trailing_stop_row_shows_its_type_by_switch() -> None:
    shown, absent = Caller(), Caller({"trailing_row_type": "absent"})

    kinds = []
    for caller in (shown, absent):
        position = caller.position_of(caller.place(stopLossType="trailingOffset", trStopOffset=10))
        kinds.append(caller.row("orders", position["stopLossId"])["stopLossType"])

    assert kinds == ["trailingOffset", None]


def test_order_that_can_no_longer_be_paid_when_it_triggers_is_refused_later() -> None:
    caller = Caller()
    order_id = caller.place_limit("60000", BTCUSD, qty="3")
    caller.place(BTCUSD, qty="3")

    caller.price("BTCUSD", "59998", "59999")

    assert caller.row("ordersHistory", order_id)["status"] == "Rejected"


def test_price_given_as_a_number_is_the_middle_with_the_usual_spread() -> None:
    caller = Caller()

    caller.control("prices", {"EURUSD": Decimal("1.20000")})

    quote = caller.get(f"/quotes?tradableInstrumentId={EURUSD}&routeId={caller.info_routes(EURUSD)[0]}")
    assert (quote["bp"], quote["ap"]) == (Decimal("1.19996"), Decimal("1.20004"))
