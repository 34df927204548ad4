"""What a fired alert means, written as the bodies that traders send: several dialects of one meaning."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from orderbridge.model import Direction, OrderType
from tests.simulation.invariants.evidence import Meant

ORDER_TYPES = {OrderType.MARKET: "market", OrderType.LIMIT: "limit", OrderType.STOP: "stop"}


def native(meant: Meant) -> dict[str, Any]:
    """Write it with the field's de-facto names."""
    fields: dict[str, Any] = {"ticker": meant.symbol, "action": meant.action}
    if meant.exit_side is not None:
        fields["action"] = f"exit_{meant.exit_side}"
    if meant.quantity is not None:
        fields["quantity"] = meant.quantity
    if meant.order_type is not OrderType.MARKET:
        fields["orderType"] = ORDER_TYPES[meant.order_type]
    if meant.limit_price is not None:
        fields["limitPrice"] = meant.limit_price
    if meant.stop_price is not None:
        fields["stopPrice"] = meant.stop_price
    if meant.stop_loss is not None:
        fields["stopLoss"] = _leg({"type": "stop"}, meant.stop_loss, "stop_price", "stopPrice")
    if meant.take_profit is not None:
        fields["takeProfit"] = _leg({}, meant.take_profit, "limit_price", "limitPrice")
    if meant.after is not None and meant.before is not None:
        fields |= _position(meant.after, meant.before)
    if meant.fired_at_ms is not None:
        fields["timenow"] = _iso(meant.fired_at_ms)
    return fields


def _leg(start: dict[str, Any], leg: Any, absolute: str, name: str) -> dict[str, Any]:
    for attribute, key in ((absolute, name), ("percent", "percent"), ("amount", "amount")):
        value = getattr(leg, attribute)
        if value is not None:
            return {**start, key: value}
    return start


def _position(after: Decimal, before: Decimal) -> dict[str, Any]:
    return {
        "market_position": str(Direction.of(after)),
        "position_size": after,
        "prev_market_position": str(Direction.of(before)),
        "prev_market_position_size": abs(before),
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, default=_plain)


def _plain(value: object) -> object:
    assert isinstance(value, Decimal), value
    return int(value) if value == value.to_integral_value() else float(value)


def _as_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_texts(each) for name, each in value.items()}
    return format(value, "f") if isinstance(value, Decimal) else value


def _texts(fields: Mapping[str, Any]) -> str:
    """Every number in quotes, as placeholders are often written."""
    return json.dumps(_as_texts(dict(fields)))


SNAKE = {
    "ticker": "symbol", "orderType": "order_type", "limitPrice": "limit_price", "stopPrice": "stop_price",
    "stopLoss": "stop_loss", "takeProfit": "take_profit",
}  # fmt: skip


def _snake(fields: Mapping[str, Any]) -> str:
    return _json({SNAKE.get(name, name): value for name, value in fields.items()})


def _sloppy(fields: Mapping[str, Any]) -> str:
    """With a trailing comma and smart quotes, as an alert's text box gets them."""
    text = json.dumps(_as_texts(dict(fields)))
    return "\n" + text[:-1].replace('"ticker"', "\u201cticker\u201d", 1) + ",}\n"


DIALECTS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "native": _json,
    "texts": _texts,
    "snake": _snake,
    "sloppy": _sloppy,
}

GARBAGE = (
    "", "buy now", "{", '{"action": "buy"', "[1, 2]", '{"ticker": "MSFT", "action": "{{strategy.order.action}}"}',
    '{"ticker": "MSFT", "action": "buy", "quantity": "NaN"}', '{"ticker": "MSFT", "action": "hold", "quantity": 1}',
)  # fmt: skip


def body_of(meant: Meant, dialect: str) -> bytes:
    """Write an alert's body."""
    return DIALECTS[dialect](native(meant)).encode()
