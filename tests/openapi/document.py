"""The document that the tests hold the bridge to: the project's own, closed, with links and what an account has.

The project's document (`docs/broker-api-1.4.27.openapi.json`) stays as it is; what the tests change of it stands here.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.inprocess.bridge import START_MS
from tests.inprocess.seats import Seat
from tests.inprocess.starting import LOGIN, PASSWORD
from tests.panel.schema import document

LIVE_ORDER, LIVE_BRACKET = "live-order", "live-bracket"
LIVE_POSITION, LIVE_NET_POSITION = "live-position", "live-net-position"
"""Ids that stand for an order, a bracket order and a position that are there when the request is sent."""
FORM = "application/x-www-form-urlencoded"
PRICES = ("limitPrice", "stopPrice", "stopLoss", "takeProfit", "currentAsk", "currentBid", "ask", "bid")

OVERLAY: Mapping[str, tuple[tuple[str, ...], Any, str]] = {
    "UserInfo is empty": (
        ("components", "schemas", "UserInfo", "additionalProperties"),
        False,
        "1.4.27 names the operation and none of its fields: whatever the bridge told there would be made up",
    ),
    "OrderInfo is empty": (
        ("components", "schemas", "OrderInfo", "additionalProperties"),
        False,
        "as UserInfo; the flag that switches the operation on is off, so that only the error is ever given",
    ),
}
"""Where the tests ask for another form than the project's document: (place, value, reason)."""


def contract(seat: Seat) -> dict[str, Any]:
    """Give the document for one account: what is generated is now anything, now something that this account has."""
    api: dict[str, Any] = copy.deepcopy(document())
    for place, value, _ in OVERLAY.values():
        _set(api, place, value)
    assert not list(open_answers(api)), "an answer's schema lets further keys pass"
    for name, values in _parameters(seat).items():
        one = api["components"]["parameters"][name]
        one["schema"] = {"anyOf": [{"enum": list(values)}, one["schema"]]}
        one["example"] = values[0]
    for methods in api["paths"].values():
        for operation in methods.values():
            _seed_form(operation, seat)
            for answer in operation["responses"].values():
                answer["headers"]["Access-Control-Allow-Origin"]["required"] = True
    for (source, target), parameters in LINKS.items():
        _link(api, source, target, parameters)
    return api


LINKS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("placeOrder", "modifyOrder"): {"orderId": "$response.body#/d/orderId"},
    ("placeOrder", "cancelOrder"): {"orderId": "$response.body#/d/orderId"},
    ("getOrders", "cancelOrder"): {"orderId": "$response.body#/d/0/id"},
    ("getPositions", "modifyPosition"): {"positionId": "$response.body#/d/0/id"},
    ("getPositions", "closePosition"): {"positionId": "$response.body#/d/0/id"},
    ("getIndividualPositions", "closeIndividualPosition"): {"individualPositionId": "$response.body#/d/0/id"},
    ("getNetPositions", "closeNetPosition"): {"netPositionId": "$response.body#/d/0/id"},
}
"""What one operation's answer gives another one's path, in OpenAPI's runtime expressions."""


def open_answers(api: Mapping[str, Any]) -> Iterator[str]:
    """Name the objects in answers that may have further keys."""
    seen: set[str] = set()

    def walk(node: object, place: str) -> Iterator[str]:
        if isinstance(node, Mapping):
            if "$ref" in node:
                name = str(node["$ref"]).rpartition("/")[2]
                if name not in seen:
                    seen.add(name)
                    yield from walk(api["components"]["schemas"][name], name)
                return
            if (node.get("type") == "object" or "properties" in node) and node.get("additionalProperties") is not False:
                yield place
            for key, value in node.items():
                yield from walk(value, f"{place}.{key}")
        elif isinstance(node, list):
            for value in node:
                yield from walk(value, place)

    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield from walk([answer["content"] for answer in operation["responses"].values()], f"{method} {path}")


def _set(node: Any, place: Sequence[str], value: object) -> None:
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value


def _parameters(seat: Seat) -> Mapping[str, Sequence[object]]:
    now_s = START_MS // 1000
    return {
        "accountId": [seat.account.name],
        "queryAccountId": [seat.account.name],
        "orderId": [LIVE_ORDER, LIVE_BRACKET],
        "positionId": [LIVE_POSITION],
        "netPositionId": [LIVE_NET_POSITION],
        "individualPositionId": [LIVE_POSITION],
        "symbols": [seat.symbol, f"{seat.symbol},NOSUCH"],
        "depthSymbol": [seat.symbol],
        "instrument": [seat.symbol],
        "maxCount": [10, 0, 1],
        "group": [f"orderbridge_{seat.broker}"],
        "historySymbol": [seat.symbol],
        "resolution": ["1", "5", "1D"],
        "from": [now_s - 3_600, now_s - 86_400],
        "to": [now_s, now_s + 86_400],
        "countback": [5, 50],
    }


def _seed_form(operation: dict[str, Any], seat: Seat) -> None:
    """Add to the published form one of values that suit the account, and an example of it."""
    content = operation.get("requestBody", {}).get("content", {}).get(FORM)
    if content is None:
        return
    published = content["schema"]
    suiting: dict[str, Any] = {
        "type": "object",
        "required": published.get("required", []),
        "additionalProperties": False,
    }
    values = _values(seat)
    suiting["properties"] = {
        name: {"enum": list(values[name])} if name in values else schema
        for name, schema in published["properties"].items()
        if name not in ("guaranteedStop", "durationDateTime", "trailingStopPips", "id", "digitalSignature", "confirmId")
    }
    content["schema"] = {"anyOf": [suiting, published]}
    shown = suiting["required"] or [name for name in ("stopLoss", "takeProfit", "amount") if name in values]
    content["example"] = {
        name: schema["enum"][0] for name, schema in suiting["properties"].items() if name in shown and "enum" in schema
    }


def _values(seat: Seat) -> dict[str, Sequence[object]]:
    price, step = seat.price, seat.distance
    values: dict[str, Sequence[object]] = {
        name: [_number(price - step), _number(price + step), _number(price - 2 * step)] for name in PRICES
    }
    values |= {name: [_number(price)] for name in ("currentAsk", "currentBid", "ask", "bid")}
    return values | {
        "stopLoss": [_number(price - 2 * step), _number(price + 2 * step)],
        "takeProfit": [_number(price + 2 * step), _number(price - 2 * step)],
        "instrument": [seat.symbol],
        "qty": [_number(seat.unit), _number(seat.unit / 2)],
        "amount": [_number(seat.unit / 2)],
        "durationType": ["GTC", "DAY"] if seat.broker == "tradestation" else ["GTC"],
        "leverage": [10],
        "login": [LOGIN],
        "password": [PASSWORD],
        "side": ["buy", "sell"],
        "type": ["market", "limit", "stop", "stoplimit"],
        "orderType": ["market", "limit"],
        "transactionId": ["1adf4578cdf"],
        "transactionType": ["place_order"],
        "timestamp": [START_MS],
        "roundTripDuration": [183],
    }


def _number(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)


def _link(api: dict[str, Any], source: str, target: str, parameters: Mapping[str, str]) -> None:
    for methods in api["paths"].values():
        for operation in methods.values():
            if operation["operationId"] == source:
                links = operation["responses"]["200"].setdefault("links", {})
                links[target] = {
                    "operationId": target,
                    "parameters": {**parameters, "accountId": "$request.path.accountId"},
                }
