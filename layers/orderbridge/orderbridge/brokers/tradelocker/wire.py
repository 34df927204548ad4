"""One command as one HTTP request, and the reply as an outcome. Pure.

TradeLocker answers 200 for refusals too: `{"s": "error", "errmsg": "..."}`. Success is 200 with `s: ok`, or 204
without a body; only placing must name an order id.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol, assert_never

from orderbridge.brokers.http import Reply, WriteResult, message_of
from orderbridge.brokers.port import Accepted, NotTaken, Outcome, PlacedOrder, Refused, Unknown
from orderbridge.brokers.tradelocker import routes
from orderbridge.brokers.tradelocker.labels import label_of
from orderbridge.brokers.tradelocker.parse import parent_of_leg
from orderbridge.brokers.tradelocker.refusals import refusal_code
from orderbridge.brokers.tradelocker.routes import Route
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
from orderbridge.model import Duration, OrderType

Body = dict[str, str | int | Decimal | None]


class Ref(Protocol):
    """What a request must know of an instrument."""

    @property
    def instrument_id(self) -> str: ...

    @property
    def trade_route(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Request:
    """One write: its route, the ids in its path, its query and its body."""

    route: Route
    ids: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None


class UnfitCommandError(ValueError):
    """The command can't be sent as it is; nothing was sent."""


def request_of(command: Command, command_id: str, account_id: str, ref: Ref | None) -> Request:
    """Give the request of a command; `ref` is the command's instrument, where it names one.

    Raises `UnfitCommandError` for values that must not go out, and `TypeError` for a command that TradeLocker lacks.
    """
    account = {"account": account_id}
    match command:
        case Place():
            return Request(routes.PLACE, account, body=_place_body(command, label_of(command_id), _needed(ref)))
        case Replace():
            return _replace(command)
        case Cancel():
            return _cancel(command)
        case CancelAll():
            return Request(routes.CANCEL_ALL, account, _only(ref))
        case ClosePosition():
            return Request(routes.CLOSE, {"position": command.position_id}, body={"qty": _closing_quantity(command)})
        case CloseAll():
            return Request(routes.CLOSE_ALL, account, _only(ref))
        case ModifyPosition():
            body = _position_body(command)
            return Request(routes.MODIFY_POSITION, {"position": command.position_id}, body=_not_empty(body))
        case PlaceGroup():
            raise TypeError("TradeLocker has no order groups")
        case _:
            assert_never(command)


def outcome_of(command: Command, result: WriteResult) -> Outcome:
    """Judge what is known after a write."""
    match result:
        case NotTaken() | Unknown():
            return result
        case Reply(status=400 | 403 | 404):
            return _refused(result)
        case Reply() if result.ok:
            return _judge_success(command, result)
        case Reply(status=429):
            # Only the edge's own page proves that the request did not arrive; this one came from further in.
            return Unknown("HTTP 429 that does not say whether the command was taken")
        case Reply():
            return Unknown(f"HTTP {result.status}")
        case _:
            assert_never(result)


def _judge_success(command: Command, reply: Reply) -> Outcome:
    body = reply.body if isinstance(reply.body, Mapping) else {}
    order_id = _order_id(body.get("d"))
    if body.get("s") == "error":
        return Unknown("the reply has an error and an order id") if order_id else _refused(reply)
    if isinstance(command, Place):
        return Accepted((PlacedOrder(order_id, "order"),)) if order_id else Unknown("accepted without an order id")
    if body.get("s") != "ok" and reply.status != 204:
        return Unknown("a reply that says neither ok nor error")
    if isinstance(command, (Replace, Cancel)):
        return Accepted((PlacedOrder(command.order_id, "order"),))
    return Accepted()


def _order_id(data: object) -> str | None:
    match data:
        case {"orderId": str() | int() as order_id} if order_id and order_id is not True:
            return str(order_id)
        case _:
            return None


def _refused(reply: Reply) -> Refused:
    words = "" if reply.unreadable else message_of(reply)
    return Refused(refusal_code(reply.status, words), words or f"TradeLocker answered HTTP {reply.status}")


# ---- bodies


def _place_body(command: Place, label: str, ref: Ref) -> Body:
    body: Body = {
        "tradableInstrumentId": _id(ref.instrument_id),
        "routeId": _id(ref.trade_route),
        "side": command.side.value,
        "qty": _positive(command.quantity, "quantity"),
        "strategyId": label,
    }
    match command.order_type:
        case OrderType.MARKET:
            body |= {"type": "market", "validity": "IOC", "price": 0}
        case OrderType.LIMIT:
            price = _price(command.limit_price, "limit price")
            body |= {"type": "limit", "validity": _until_cancelled(command), "price": price}
        case OrderType.STOP:
            price = _price(command.stop_price, "stop price")
            body |= {"type": "stop", "validity": _until_cancelled(command), "stopPrice": price}
        case OrderType.STOP_LIMIT | OrderType.TRAILING_STOP:
            raise UnfitCommandError(f"TradeLocker has no {command.order_type.value.replace('_', '-')} orders")
        case _:
            assert_never(command.order_type)
    return body | _bracket_body(command.bracket)


def _until_cancelled(command: Place) -> str:
    """Limit and stop orders have no other validity; one that should end today must not work for ever instead."""
    if command.duration is not Duration.GTC:
        raise UnfitCommandError(f"TradeLocker's {command.order_type} orders are good till cancelled only")
    return "GTC"


def _replace(command: Replace) -> Request:
    if (command.trail_amount, command.trail_percent) != (None, None):
        raise UnfitCommandError("TradeLocker's trailing distance is in pips of unknown size; it is not offered")
    leg = parent_of_leg(command.order_id)
    if leg is not None:
        return _replace_leg(command, *leg)
    body: Body = {}
    if command.quantity is not None:
        body["qty"] = _positive(command.quantity, "quantity")
    if command.limit_price is not None:
        body["price"] = _price(command.limit_price, "limit price")
    if command.stop_price is not None:
        body["stopPrice"] = _price(command.stop_price, "stop price")
    body |= _bracket_body(command.bracket)
    if command.remove_stop_loss:
        body |= _STOP_LOSS_NONE
    if command.remove_take_profit:
        body |= _TAKE_PROFIT_NONE
    return Request(routes.REPLACE, {"order": command.order_id}, body=_not_empty(body))


def _replace_leg(command: Replace, parent_id: str, leg: str) -> Request:
    """A working order's stop and target are columns of the order itself."""
    if command.quantity is not None:
        raise UnfitCommandError("the quantity of a stop or target follows its order")
    bracket = Bracket(stop_loss=command.stop_price) if leg == "SL" else Bracket(take_profit=command.limit_price)
    return Request(routes.REPLACE, {"order": parent_id}, body=_not_empty(_bracket_body(bracket)))


def _cancel(command: Cancel) -> Request:
    match parent_of_leg(command.order_id):
        case (parent_id, "SL"):
            return Request(routes.REPLACE, {"order": parent_id}, body=_STOP_LOSS_NONE)
        case (parent_id, "TP"):
            return Request(routes.REPLACE, {"order": parent_id}, body=_TAKE_PROFIT_NONE)
        case None:
            return Request(routes.CANCEL, {"order": command.order_id})


_STOP_LOSS_NONE: Body = {"stopLoss": None, "stopLossType": None}
_TAKE_PROFIT_NONE: Body = {"takeProfit": None, "takeProfitType": None}


def _bracket_body(bracket: Bracket | None) -> Body:
    """Give stop and target as absolute prices. Offsets are never sent: they are in pips of unknown size."""
    if bracket is None:
        return {}
    if (bracket.stop_limit, bracket.trail_amount, bracket.trail_percent) != (None, None, None):
        raise UnfitCommandError("TradeLocker's protective stop is a plain stop at a price")
    body: Body = {}
    if bracket.stop_loss is not None:
        body |= {"stopLoss": _price(bracket.stop_loss, "stop loss"), "stopLossType": "absolute"}
    if bracket.take_profit is not None:
        body |= {"takeProfit": _price(bracket.take_profit, "take profit"), "takeProfitType": "absolute"}
    return body


def _position_body(command: ModifyPosition) -> Body:
    """Leave out what stays as it is: null removes."""
    body: Body = {}
    if command.stop_loss is not None:
        body["stopLoss"] = _price(command.stop_loss, "stop loss")
    elif command.remove_stop_loss:
        body["stopLoss"] = None
    if command.take_profit is not None:
        body["takeProfit"] = _price(command.take_profit, "take profit")
    elif command.remove_take_profit:
        body["takeProfit"] = None
    return body


def _closing_quantity(command: ClosePosition) -> int | Decimal:
    """Give the lots to close; 0 stands for all of it, so a part that came out as zero must never go out."""
    return 0 if command.quantity is None else _positive(command.quantity, "quantity to close")


def _id(text: str) -> int | str:
    """Give an id as the number that the reference names; the service takes text as well."""
    return int(text) if text.isdecimal() else text


def _only(ref: Ref | None) -> Mapping[str, str]:
    return {} if ref is None else {"tradableInstrumentId": ref.instrument_id}


def _needed(ref: Ref | None) -> Ref:
    if ref is None:
        raise UnfitCommandError("the order names no instrument")
    return ref


def _positive(quantity: Decimal, name: str) -> Decimal:
    if not quantity.is_finite() or quantity <= 0:
        raise UnfitCommandError(f"the {name} must be more than zero")
    return quantity


def _price(price: Decimal | None, name: str) -> Decimal:
    if price is None or not price.is_finite() or price == 0:
        raise UnfitCommandError(f"the {name} is missing")
    return price


def _not_empty(body: Body) -> Body:
    if not body:
        raise UnfitCommandError("nothing would change")
    return body
