"""Scripted behaviour of the next orders, faults, and what is done by hand."""

from decimal import Decimal
from typing import Any

import pytest

from sandbox.simserver import ReplyLost
from tests.sandbox.tradelocker.caller import BTCUSD, EURUSD, Caller


@pytest.mark.parametrize("status", ["Rejected", "Refused"])
def test_reject_later_accepts_the_order_and_refuses_it_afterwards(status: str) -> None:
    caller = Caller({"refused_status": status})
    caller.script("reject_later", after_ms=800)

    order_id = caller.place()
    before = caller.row("orders", order_id)["status"]
    caller.clock.advance(800)

    row = caller.row("ordersHistory", order_id)
    assert (before, row["status"], row["filledQty"], row["positionId"]) == ("New", status, None, None)
    assert caller.rows("orders") == caller.rows("positions") == []


@pytest.mark.parametrize("status", ["Filled", "Cancelled"])
def test_partial_fill_of_a_market_order_ends_with_the_rest_cancelled(status: str) -> None:
    caller = Caller({"ioc_partial_status": status})
    caller.script("partial_fill", qty="0.04")

    row = caller.row("ordersHistory", caller.place(stopLoss=1.0, stopLossType="absolute"))

    assert (row["status"], row["qty"], row["filledQty"]) == (status, "0.10", "0.04")
    assert caller.row("positions", row["positionId"])["qty"] == "0.04"
    assert [leg["qty"] for leg in caller.rows("orders")] == ["0.04"]


@pytest.mark.parametrize("status", ["Cancelled", "Unplaced", "Refused"])
def test_market_order_without_a_fill_has_the_switched_status(status: str) -> None:
    caller = Caller({"ioc_unfilled_status": status})
    caller.script("partial_fill", qty=0)

    row = caller.row("ordersHistory", caller.place())

    assert (row["status"], row["filledQty"], row["avgPrice"]) == (status, None, None)


@pytest.mark.parametrize("status", ["New", "PartiallyFilled"])
def test_partial_fill_of_a_limit_order_works_on_until_the_next_price(status: str) -> None:
    caller = Caller({"partial_status": status})
    caller.script("partial_fill", qty="0.04")
    order_id = caller.place_limit("1.20000", stopLoss=1.0, stopLossType="absolute")

    row = caller.row("orders", order_id)
    held = caller.row("positions", row["positionId"])["qty"]
    caller.clock.advance(60_000)
    still = caller.row("orders", order_id)["filledQty"]
    caller.price("EURUSD", "1.08450", "1.08458")

    assert (row["status"], row["filledQty"], held, still) == (status, "0.04", "0.04", "0.04")
    assert caller.row("ordersHistory", order_id)["filledQty"] == "0.1"
    assert caller.position_of(order_id)["qty"] == "0.1"
    assert [leg["qty"] for leg in caller.rows("orders")] == ["0.1"]


def test_stop_that_was_moved_stays_moved_when_the_rest_fills() -> None:
    caller = Caller()
    caller.script("partial_fill", qty="0.04")
    order_id = caller.place_limit("1.20000", stopLoss=1.0, stopLossType="absolute")
    position_id = caller.row("orders", order_id)["positionId"]
    caller.call("PATCH", f"/positions/{position_id}", {"stopLoss": 1.05})

    caller.price("EURUSD", "1.08450", "1.08458")

    assert caller.row("orders", caller.position_of(order_id)["stopLossId"])["stopPrice"] == "1.05"


def test_rest_that_fills_after_its_position_was_closed_opens_a_new_one() -> None:
    caller = Caller()
    caller.script("partial_fill", qty="0.04")
    order_id = caller.place_limit("1.20000")
    first = caller.row("orders", order_id)["positionId"]
    caller.call("DELETE", f"/positions/{first}", {"qty": 0})

    caller.price("EURUSD", "1.08450", "1.08458")

    (position,) = caller.rows("positions")
    assert position["id"] != first
    assert position["qty"] == "0.06"


def test_fill_delay_keeps_a_market_order_working_and_fills_at_its_moment() -> None:
    caller = Caller()
    caller.script("fill_delay", ms=2000)
    order_id = caller.place()
    placed_ms = caller.clock.now_ms()

    working = caller.row("orders", order_id)["type"]
    caller.clock.advance(5000)

    assert working == "market"
    assert caller.rows("executions")[0]["createdDate"] == str(placed_ms + 2000)
    assert caller.position_of(order_id)["openDate"] == str(placed_ms + 2000)


def test_late_history_and_late_position_come_when_they_come() -> None:
    caller = Caller()
    caller.script("late_history", ms=3000)
    caller.script("late_position", ms=1000)
    order_id = caller.place()

    seen = []
    for _ in range(4):
        seen.append((len(caller.rows("ordersHistory")), len(caller.rows("positions"))))
        caller.clock.advance(1000)

    assert seen == [(0, 0), (0, 1), (0, 1), (1, 1)]
    assert caller.row("ordersHistory", order_id)["status"] == "Filled"


def test_invisible_once_hides_the_order_from_the_first_poll_of_each_list() -> None:
    caller = Caller()
    caller.script("invisible_once")
    working = caller.place_limit("1.00000")
    caller.script("invisible_once", polls=2)
    filled = caller.place()

    polls = [
        ([row["id"] for row in caller.rows("orders")], [row["id"] for row in caller.rows("ordersHistory")])
        for _ in range(3)
    ]

    assert polls == [([], []), ([working], []), ([working], [filled])]


def test_close_leaves_rest_fills_a_part_of_the_close() -> None:
    caller = Caller()
    position = caller.position_of(caller.place())
    caller.script("close_leaves_rest", qty="0.03")

    answer = caller.call("DELETE", f"/positions/{position['id']}", {"qty": 0})

    assert answer.json() == {"s": "ok"}
    assert caller.row("positions", position["id"])["qty"] == "0.07"


def test_close_whose_rest_works_closes_it_at_the_next_price() -> None:
    caller = Caller()
    position = caller.position_of(caller.place())
    caller.script("close_leaves_rest", qty="0.03", rest_works=True)
    caller.call("DELETE", f"/positions/{position['id']}", {"qty": 0})

    (working,) = caller.rows("orders")
    caller.price("EURUSD", "1.08000", "1.08008")

    assert (working["validity"], working["filledQty"], working["positionId"]) == ("GTC", "0.03", position["id"])
    assert caller.rows("positions") == []


@pytest.mark.parametrize(
    ("leg", "stop", "target"), [("stopLoss", False, True), ("takeProfit", True, False), ("both", False, False)]
)
def test_bracket_refused_later_fills_the_order_without_that_leg(leg: str, *, stop: bool, target: bool) -> None:
    caller = Caller()
    caller.script("bracket_refused", leg=leg)

    legs: dict[str, Any] = {
        "stopLoss": 1.0,
        "stopLossType": "absolute",
        "takeProfit": 1.2,
        "takeProfitType": "absolute",
    }
    position = caller.position_of(caller.place(**legs))

    assert (position["stopLossId"] is not None, position["takeProfitId"] is not None) == (stop, target)
    refused = [row for row in caller.rows("ordersHistory") if row["status"] == "Rejected"]
    assert len(refused) == 2 - stop - target


def test_bracket_refused_at_once_books_nothing_and_lets_a_bare_order_pass() -> None:
    caller = Caller()
    caller.script("bracket_refused", how="at_once")

    bare = caller.try_place()["s"]
    refused = caller.try_place(stopLoss=1.0, stopLossType="absolute")["s"]
    again = caller.try_place(stopLoss=1.0, stopLossType="absolute")["s"]

    assert (bare, refused, again) == ("ok", "error", "ok")
    assert len(caller.rows("positions")) == 2


def test_bracket_of_a_position_can_be_refused() -> None:
    caller = Caller()
    position = caller.position_of(caller.place())
    caller.script("bracket_refused", how="at_once", on="modify_position")

    answers = [caller.call("PATCH", f"/positions/{position['id']}", {"stopLoss": 1.0}).json()["s"] for _ in range(2)]

    assert answers == ["error", "ok"]


def test_script_is_for_matching_orders_and_so_many_of_them() -> None:
    caller = Caller()
    caller.script("reject_later", times=2, match={"instrument": "BTCUSD", "side": "buy"})

    euro = caller.place()
    coins = [caller.place(BTCUSD, qty="0.01", side=side) for side in ("sell", "buy", "buy", "buy")]
    caller.clock.advance(500)

    rows = {row["id"]: row["status"] for row in caller.rows("ordersHistory")}
    assert [rows[one] for one in (euro, *coins)] == ["Filled", "Filled", "Rejected", "Rejected", "Filled"]
    assert caller.control("script", method="GET") == {"script": []}


def test_script_can_be_for_one_label() -> None:
    caller = Caller()
    caller.script("fill_delay", match={"strategyId": "mine", "type": "market", "account": "1180"})

    other, own = caller.place(strategyId="other"), caller.place(strategyId="mine")

    assert caller.row("ordersHistory", other)["status"] == "Filled"
    assert caller.row("orders", own)["status"] == "New"


@pytest.mark.parametrize(
    "body",
    [
        {"behaviour": "explode"},
        {"behaviour": "partial_fill"},
        {"behaviour": "reject_later", "ms": 5},
        {"behaviour": "fill_delay", "ms": -1},
        {"behaviour": "fill_delay", "match": {"colour": "red"}},
        {"behaviour": "bracket_refused", "leg": "left"},
        {"behaviour": "fill_delay", "times": 0},
        {"behaviour": "fill_delay", "on": "sunday"},
        [],
    ],
)
def test_script_that_is_not_understood_is_a_400(body: object) -> None:
    caller = Caller()

    assert caller.send("POST", "/_control/script", body).status == 400
    assert caller.control("script", method="GET") == {"script": []}


def test_trade_by_hand_opens_and_closes_a_position_elsewhere() -> None:
    caller = Caller()
    opened = caller.control(
        "trade",
        {"account": 1180, "open": {"instrument": "EURUSD", "side": "sell", "qty": "0.20", "stopLoss": "1.2"}},
    )
    position = caller.row("positions", opened["positionId"])

    caller.control("trade", {"account": 1180, "close": position["id"], "qty": "0.05"})

    assert (position["side"], position["strategyId"]) == ("sell", None)
    assert caller.row("orders", position["stopLossId"])["qty"] == "0.15"
    assert caller.row("positions", position["id"])["qty"] == "0.15"


def test_trade_by_hand_cancels_an_order_elsewhere() -> None:
    caller = Caller()
    order_id = caller.place_limit("1.00000")

    caller.control("trade", {"account": 1180, "cancel": order_id})

    assert caller.row("ordersHistory", order_id)["status"] == "Cancelled"


@pytest.mark.parametrize(
    "body",
    [{"account": 1}, {"account": 1180}, {"account": 1180, "close": 5}, {"account": 1180, "open": {"instrument": "X"}}],
)
def test_trade_by_hand_that_cannot_be_done_is_a_400(body: object) -> None:
    assert Caller().send("POST", "/_control/trade", body).status == 400


def test_freeze_keeps_what_happens_from_now_on_out_of_the_panels() -> None:
    caller = Caller()
    earlier = caller.place_limit("1.00000")
    caller.clock.advance(10)
    until_ms = caller.control("freeze", {"ms": 2000})["until_ms"]
    assert until_ms == caller.clock.now_ms() + 2000
    caller.place()
    caller.call("DELETE", f"/orders/{earlier}")

    def seen() -> tuple[int, int, int]:
        return len(caller.rows("orders")), len(caller.rows("ordersHistory")), len(caller.rows("positions"))

    frozen = seen()
    caller.clock.advance(1999)
    still = seen()
    caller.clock.advance(1)

    assert frozen == still == (1, 0, 0)
    assert seen() == (0, 2, 1)


def test_spent_access_tokens_can_be_refreshed_until_logins_are_refused() -> None:
    caller = Caller()
    caller.control("tokens", {"expire": "access"})
    refused = caller.call("GET", "/config").status

    renewed = caller.send("POST", "/backend-api/auth/jwt/refresh", {"refreshToken": caller.tokens["refreshToken"]})
    caller.control("tokens", {"expire": "all"})
    caller.headers["Authorization"] = f"Bearer {renewed.json()['accessToken']}"
    assert caller.call("GET", "/config").status == 401
    caller.control("tokens", {"refuse_logins": True})
    dead = caller.send("POST", "/backend-api/auth/jwt/refresh", {"refreshToken": renewed.json()["refreshToken"]})

    assert (refused, renewed.status, dead.status) == (401, 201, 401)
    assert "accessToken" not in caller.log_in()


def test_reply_lost_books_the_order_and_the_journal_says_what_was_booked() -> None:
    caller = Caller()
    caller.control("faults", {"match": {"method": "POST", "path": "/orders$"}, "fault": {"kind": "reply_lost"}})

    with pytest.raises(ReplyLost):
        caller.place(strategyId="mine", stopLoss=1.0, stopLossType="absolute")

    (entry,) = [one for one in caller.inner.journal.entries() if one["status"] == "lost"]
    booked = entry["booked"]
    assert isinstance(booked, list)
    assert [one["role"] for one in booked] == ["entry", "stop loss"]
    facts = {name: booked[0][name] for name in ("instrument", "side", "qty", "stopLoss", "strategyId", "avgPrice")}
    assert facts == {
        "instrument": "EURUSD",
        "side": "buy",
        "qty": "0.1",
        "stopLoss": "1",
        "strategyId": "mine",
        "avgPrice": "1.08458",
    }
    assert len(caller.rows("positions")) == 1


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("error_200", 200, b'"s": "error"'),
        ("rate_json", 429, b"Too many"),
        ("rate_edge", 429, b"1015"),
        ("unauthorized", 401, b"Unauthorized"),
    ],
)
def test_refusing_faults_are_worded_like_the_broker_and_book_nothing(kind: str, status: int, said: bytes) -> None:
    caller = Caller()
    body = caller.order_body()
    caller.control("faults", {"match": {"method": "POST", "path": "/orders$"}, "fault": {"kind": kind}})

    answer = caller.call("POST", "/accounts/{a}/orders", body)

    assert answer.status == status
    assert said in answer.body
    assert caller.rows("positions") == []


def test_state_shows_the_whole_book_past_every_lateness() -> None:
    caller = Caller({"visibility_lag_ms": 5000})
    legs: dict[str, Any] = {"stopLoss": 1, "stopLossType": "absolute", "takeProfit": 1.2, "takeProfitType": "absolute"}
    order_id = caller.place(strategyId="mine", **legs)

    state = caller.control("state", method="GET")

    account = next(one for one in state["accounts"] if one["id"] == "1180")
    assert account["orders"][0]["orderId"] == order_id
    (position,) = account["positions"]
    assert (position["qty"], position["stopLoss"], position["takeProfit"]) == ("0.1", "1", "1.2")
    assert position["strategyId"] == "mine"


def test_reset_goes_back_to_the_start_but_keeps_tokens() -> None:
    caller = Caller({"status_spelling": "upper"})
    caller.place()
    caller.price("EURUSD", "1.50000", "1.50008")
    caller.control("switches", {"status_spelling": "lower"})

    caller.control("reset")

    assert caller.rows("ordersHistory") == caller.rows("positions") == []
    assert caller.control("switches", method="GET")["switches"]["status_spelling"]["value"] == "upper"
    route = caller.info_routes(EURUSD)[0]
    assert caller.get(f"/quotes?routeId={route}&tradableInstrumentId={EURUSD}")["ap"] == Decimal("1.08458")


@pytest.mark.parametrize(
    "prices", [{"NOPE": 1}, {"EURUSD": "x"}, {"EURUSD": {"bid": 2, "ask": 1}}, {"EURUSD": {"bid": 1}}]
)
def test_prices_that_are_none_are_a_400(prices: object) -> None:
    assert Caller().send("POST", "/_control/prices", prices).status == 400


def test_unknown_control_is_a_400_that_names_the_known_ones() -> None:
    answer = Caller().send("POST", "/_control/dance", {})

    assert answer.status == 400
    assert "script" in answer.json()["controls"]
