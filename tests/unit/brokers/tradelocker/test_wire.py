"""A command as one request, and what each reply proves."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.http import Reply, encode
from orderbridge.brokers.port import Accepted, NotTaken, Outcome, PlacedOrder, Refused, Unknown
from orderbridge.brokers.tradelocker import routes
from orderbridge.brokers.tradelocker.labels import label_of
from orderbridge.brokers.tradelocker.wire import Request, UnfitCommandError, outcome_of, request_of
from orderbridge.commands import (
    Bracket,
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.model import Duration, OrderType, Side

COMMAND_ID = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Ref:
    instrument_id: str = "206"
    trade_route: str = "9912"


def _request(command: Command) -> Request:
    return request_of(command, COMMAND_ID, "1180", Ref())


def _place(**changes: Any) -> Place:
    usual = {"symbol": "BTCUSD", "side": Side.BUY, "quantity": Decimal("0.10"), "effect": "open"}
    return Place(**{**usual, "duration": Duration.GTC, **changes})


# ---- requests


def test_market_order_is_immediate_at_price_zero_with_its_label() -> None:
    request = _request(_place())

    assert (request.route, request.ids) == (routes.PLACE, {"account": "1180"})
    assert request.body == {
        "tradableInstrumentId": 206,
        "routeId": 9912,
        "side": "buy",
        "qty": Decimal("0.10"),
        "type": "market",
        "validity": "IOC",
        "price": 0,
        "strategyId": label_of(COMMAND_ID),
    }


def test_quantity_and_prices_go_out_as_numbers_with_exactly_their_digits() -> None:
    body = _request(_place(quantity=Decimal("0.10"), bracket=Bracket(stop_loss=Decimal("76000.50")))).body

    assert '"qty":0.10' in encode(body)
    assert '"stopLoss":76000.50' in encode(body)


def test_limit_order_works_until_cancelled_at_its_price() -> None:
    body = _request(_place(order_type=OrderType.LIMIT, limit_price=Decimal("70000.5"))).body

    assert body is not None
    assert (body["type"], body["validity"], body["price"]) == ("limit", "GTC", Decimal("70000.5"))
    assert "stopPrice" not in body


def test_stop_order_works_until_cancelled_at_its_stop_price() -> None:
    body = _request(_place(order_type=OrderType.STOP, stop_price=Decimal(80000))).body

    assert body is not None
    assert (body["type"], body["validity"], body["stopPrice"]) == ("stop", "GTC", Decimal(80000))
    assert "price" not in body


def test_bracket_goes_out_as_absolute_prices_only() -> None:
    body = _request(_place(bracket=Bracket(stop_loss=Decimal(76000), take_profit=Decimal(79000)))).body

    assert body is not None
    assert (body["stopLoss"], body["stopLossType"]) == (Decimal(76000), "absolute")
    assert (body["takeProfit"], body["takeProfitType"]) == (Decimal(79000), "absolute")


def test_bracket_of_one_leg_names_no_type_of_the_other() -> None:
    body = _request(_place(bracket=Bracket(take_profit=Decimal(79000)))).body

    assert body is not None
    assert not {"stopLoss", "stopLossType", "trStopOffset"} & set(body)


def test_replace_sends_what_changes_and_nothing_else() -> None:
    request = _request(Replace("7001", "BTCUSD", quantity=Decimal("0.20"), limit_price=Decimal("70001.5")))

    assert (request.route, request.ids) == (routes.REPLACE, {"order": "7001"})
    assert request.body == {"qty": Decimal("0.20"), "price": Decimal("70001.5")}


def test_replace_sets_and_removes_bracket_prices() -> None:
    moved = _request(Replace("7001", "BTCUSD", bracket=Bracket(stop_loss=Decimal(66000)), remove_take_profit=True))

    assert moved.body == {
        "stopLoss": Decimal(66000),
        "stopLossType": "absolute",
        "takeProfit": None,
        "takeProfitType": None,
    }


def test_leg_of_a_working_order_is_changed_and_removed_through_its_order() -> None:
    moved = _request(Replace("7001:SL", "BTCUSD", stop_price=Decimal(66000)))
    target = _request(Replace("7001:TP", "BTCUSD", limit_price=Decimal(79000)))
    gone = _request(Cancel("7001:SL", "BTCUSD"))

    assert [request.ids for request in (moved, target, gone)] == [{"order": "7001"}] * 3
    assert moved.body == {"stopLoss": Decimal(66000), "stopLossType": "absolute"}
    assert target.body == {"takeProfit": Decimal(79000), "takeProfitType": "absolute"}
    assert gone.route is routes.REPLACE
    assert gone.body == {"stopLoss": None, "stopLossType": None}
    assert _request(Cancel("7001:TP", "BTCUSD")).body == {"takeProfit": None, "takeProfitType": None}


def test_cancel_deletes_the_order_without_a_body() -> None:
    assert _request(Cancel("7001", "BTCUSD")) == Request(routes.CANCEL, {"order": "7001"})


def test_whole_account_or_one_symbol_is_cancelled_and_closed() -> None:
    whole = request_of(CancelAll(), COMMAND_ID, "1180", None)
    one = _request(CloseAll("BTCUSD"))

    assert (whole.route, dict(whole.params), whole.body) == (routes.CANCEL_ALL, {}, None)
    assert (one.route, dict(one.params)) == (routes.CLOSE_ALL, {"tradableInstrumentId": "206"})


def test_partial_close_has_its_quantity_in_the_body_and_not_in_the_query() -> None:
    request = _request(ClosePosition("77", "BTCUSD", Side.BUY, Decimal("0.10"), Decimal("0.04")))

    assert (request.route, request.ids) == (routes.CLOSE, {"position": "77"})
    assert request.body == {"qty": Decimal("0.04")}
    assert dict(request.params) == {}


def test_whole_close_sends_zero() -> None:
    assert _request(ClosePosition("77", "BTCUSD", Side.BUY, Decimal("0.10"))).body == {"qty": 0}


def test_position_change_leaves_out_what_stays_and_sends_null_for_what_goes() -> None:
    moved = _request(ModifyPosition("77", "BTCUSD", stop_loss=Decimal(76000)))
    removed = _request(ModifyPosition("77", "BTCUSD", remove_stop_loss=True, take_profit=Decimal(79000)))

    assert (moved.route, moved.ids, moved.body) == (
        routes.MODIFY_POSITION,
        {"position": "77"},
        {"stopLoss": Decimal(76000)},
    )
    assert removed.body == {"stopLoss": None, "takeProfit": Decimal(79000)}


UNFIT: list[Command] = [
    _place(quantity=Decimal(0)),
    _place(quantity=Decimal(-1)),
    _place(quantity=Decimal("NaN")),
    _place(order_type=OrderType.LIMIT),
    _place(order_type=OrderType.LIMIT, limit_price=Decimal(1), duration=Duration.DAY),
    _place(order_type=OrderType.STOP, stop_price=Decimal(1), duration=Duration.IOC),
    _place(order_type=OrderType.STOP),
    _place(order_type=OrderType.STOP_LIMIT, limit_price=Decimal(1), stop_price=Decimal(1)),
    _place(order_type=OrderType.TRAILING_STOP, trail_amount=Decimal(1)),
    _place(bracket=Bracket(trail_amount=Decimal(5))),
    _place(bracket=Bracket(stop_loss=Decimal(5), stop_limit=Decimal(4))),
    _place(bracket=Bracket(stop_loss=Decimal(0))),
    # 0 would close everything.
    ClosePosition("77", "BTCUSD", Side.BUY, Decimal("0.10"), Decimal("0.00")),
    ClosePosition("77", "BTCUSD", Side.BUY, Decimal("0.10"), Decimal(-1)),
    Replace("7001", "BTCUSD"),
    Replace("7001", "BTCUSD", trail_amount=Decimal(1)),
    Replace("7001:SL", "BTCUSD", quantity=Decimal(1)),
    ModifyPosition("77", "BTCUSD"),
]


@pytest.mark.parametrize("command", UNFIT)
def test_command_that_must_not_go_out_is_unfit(command: Command) -> None:
    with pytest.raises(UnfitCommandError):
        _request(command)


def test_group_is_outside_the_capabilities() -> None:
    with pytest.raises(TypeError):
        _request(PlaceGroup("oco", (_place(), _place())))


# ---- replies


CANCEL = Cancel("7001", "BTCUSD")
CLOSE = ClosePosition("77", "BTCUSD", Side.BUY, Decimal("0.10"))


def _reply(body: Any = None, status: int = 200, *, unreadable: bool = False, text: str = "") -> Reply:
    return Reply(status, {}, body, unreadable, text)


PLACED = _reply({"d": {"orderId": "7277816997907785466"}, "s": "ok"})
OUTCOMES: list[tuple[Command, Reply, Outcome]] = [
    (_place(), PLACED, Accepted((PlacedOrder("7277816997907785466", "order"),))),
    (
        _place(),
        _reply({"d": {"orderId": 7277816997907785466}, "s": "ok"}),
        Accepted((PlacedOrder("7277816997907785466", "order"),)),
    ),
    (_place(), _reply({"d": {"orderId": "7"}, "s": "ok"}, 201), Accepted((PlacedOrder("7", "order"),))),
    (CANCEL, _reply({"s": "ok"}), Accepted((PlacedOrder("7001", "order"),))),
    (CANCEL, _reply(None, 204), Accepted((PlacedOrder("7001", "order"),))),
    (CLOSE, _reply({"s": "ok"}), Accepted()),
    (CLOSE, _reply(None, 204), Accepted()),
    (CloseAll(), _reply({"s": "ok", "d": {"positions": []}}), Accepted()),
    (CLOSE, _reply({"s": "error", "errmsg": "Market is closed"}), Refused("closed", "Market is closed")),
    (_place(), _reply({"s": "error", "errmsg": "Not enough margin"}), Refused("funds", "Not enough margin")),
    (_place(), _reply({"s": "error"}), Refused("other", "TradeLocker answered HTTP 200")),
    (_place(), _reply({"message": "qty must be a number"}, 400), Refused("invalid", "qty must be a number")),
    (_place(), _reply({"s": "error", "errmsg": "no"}, 403), Refused("not_allowed", "no")),
    (CANCEL, _reply({"s": "error", "errmsg": "gone"}, 404), Refused("not_found", "gone")),
    (
        CANCEL,
        _reply(None, 404, unreadable=True, text="<html>error 1020</html>"),
        Refused("not_found", "TradeLocker answered HTTP 404"),
    ),
]


@pytest.mark.parametrize(("command", "reply", "outcome"), OUTCOMES)
def test_reply_that_proves_something_is_that_outcome(command: Command, reply: Reply, outcome: Outcome) -> None:
    assert outcome_of(command, reply) == outcome


UNKNOWNS: list[tuple[Command, Reply]] = [
    (_place(), _reply(None, 204)),
    (_place(), _reply({"s": "ok"})),
    (_place(), _reply({"s": "ok", "d": {}})),
    (_place(), _reply({"s": "ok", "d": {"orderId": None}})),
    (_place(), _reply({"s": "ok", "orderId": "7"})),
    (_place(), _reply({"s": "error", "errmsg": "x", "d": {"orderId": "7"}})),
    (_place(), _reply([])),
    (CANCEL, _reply(None, 200)),
    (CANCEL, _reply({})),
    (CANCEL, _reply({"s": "no_data"})),
    (_place(), _reply({"s": "error", "errmsg": "Too many requests"}, 429)),
    # An order id in the JSON of a 429 may hold these digits: only a page of the edge proves anything.
    (_place(), _reply({"s": "error", "errmsg": "order 71015"}, 429)),
    (_place(), _reply({"message": "conflict"}, 409)),
    (_place(), _reply(None, 302)),
]


@pytest.mark.parametrize(("command", "reply"), UNKNOWNS)
def test_reply_that_proves_nothing_is_unknown(command: Command, reply: Reply) -> None:
    assert isinstance(outcome_of(command, reply), Unknown)


@pytest.mark.parametrize("result", [NotTaken("edge_limited", 15_000), Unknown("time-out")])
def test_what_the_connection_knows_already_is_passed_on(result: NotTaken | Unknown) -> None:
    assert outcome_of(CANCEL, result) == result
