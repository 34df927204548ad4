"""How a message wants its order placed: type, prices, bracket. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orderbridge.alerts.alert import StopLoss, TakeProfit
from orderbridge.alerts.message import Message, described
from orderbridge.alerts.reading import Value, same, shown
from orderbridge.alerts.vocabulary import STOP_LOSS, TAKE_PROFIT, folded, nearest
from orderbridge.model import OrderType

_TYPES = {word.value: word for word in OrderType}
_STOP_TYPES = {word.value: word for word in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)}
_PRICES = ("limitPrice", "stopPrice", "trailAmount", "trailPercent")
_USED = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limitPrice",),
    OrderType.STOP: ("stopPrice",),
    OrderType.STOP_LIMIT: ("limitPrice", "stopPrice"),
    OrderType.TRAILING_STOP: ("trailAmount", "trailPercent"),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """An order's type and prices."""

    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None


MARKET = Terms()


def read_terms(message: Message) -> Terms:
    """Read the order's type and prices. A price that the type has no use for is a problem, never passed over."""
    given = [field for field in _PRICES if message.has(field)]
    if not message.has("orderType"):
        if given:
            text = f"{message.name(given[0])} is set, but not what type of order it is for."
            message.problem("missing_field", "orderType", text, 'Add "orderType", for example "limit".')
        return MARKET
    order_type = message.choice("orderType", _TYPES)
    if order_type is None:
        return MARKET
    for field in given:
        if field not in _USED[order_type]:
            text = f"A {order_type} order has no use for {message.name(field)}."
            message.problem("contradiction", field, text, "Take the field out, or change orderType.")
    values = {field: message.positive(field) for field in _USED[order_type]}
    _check_given(message, order_type, given)
    return Terms(
        order_type,
        limit_price=values.get("limitPrice"),
        stop_price=values.get("stopPrice"),
        trail_amount=values.get("trailAmount"),
        trail_percent=values.get("trailPercent"),
    )


def _check_given(message: Message, order_type: OrderType, given: Sequence[str]) -> None:
    used = _USED[order_type]
    present = [field for field in used if field in given]
    if order_type is OrderType.TRAILING_STOP:
        if len(present) != 1:
            _one_of(message, "trailAmount", used, present)
        return
    for field in used:
        if field not in given:
            text = f"A {order_type} order needs {field}."
            message.problem("missing_field", field, text, f"Add {field}; no price is taken from the market instead.")


def read_take_profit(message: Message) -> TakeProfit | None:
    """Read the target: exactly one of its three forms."""
    inner = _inner(message, "takeProfit", TAKE_PROFIT)
    if inner is None:
        return None
    given = [field for field in TAKE_PROFIT if inner.has(field)]
    if len(given) != 1:
        _one_of(inner, "limitPrice", TAKE_PROFIT, given)
        return None
    return TakeProfit(inner.positive("limitPrice"), inner.positive("percent"), inner.positive("amount"))


def read_stop_loss(message: Message) -> StopLoss | None:
    """Read the stop: a price, percentage or distance; a trail where the type is `trailing_stop`."""
    inner = _inner(message, "stopLoss", STOP_LOSS)
    if inner is None:
        return None
    levels = [field for field in ("stopPrice", "percent", "amount") if inner.has(field)]
    trails = [field for field in ("trailAmount", "trailPercent") if inner.has(field)]
    stop_type = inner.choice("type", _STOP_TYPES) if inner.has("type") else None
    if stop_type is None:
        stop_type = OrderType.TRAILING_STOP if trails and not levels else OrderType.STOP
    wanted, unwanted = (trails, levels) if stop_type is OrderType.TRAILING_STOP else (levels, trails)
    for field in unwanted:
        text = f"A stop of type {stop_type} has no use for {inner.name(field)}."
        inner.problem("contradiction", field, text, "Take the field out, or change the stop's type.")
    if len(wanted) != 1:
        trailing = stop_type is OrderType.TRAILING_STOP
        choices = ("trailAmount", "trailPercent") if trailing else ("stopPrice", "percent", "amount")
        _one_of(inner, choices[0], choices, wanted)
    if inner.has("limitPrice") != (stop_type is OrderType.STOP_LIMIT):
        text = "A stop's limitPrice and its type stop_limit belong together."
        inner.problem("contradiction", "limitPrice", text, "Set both of them, or neither.")
    return StopLoss(
        stop_type,
        stop_price=inner.positive("stopPrice"),
        percent=inner.positive("percent"),
        amount=inner.positive("amount"),
        limit_price=inner.positive("limitPrice"),
        trail_amount=inner.positive("trailAmount"),
        trail_percent=inner.positive("trailPercent"),
    )


def _inner(message: Message, field: str, names: tuple[str, ...]) -> Message | None:
    """Give the fields of an object inside the message."""
    if not message.has(field):
        return None
    value = message.value(field)
    if not isinstance(value, dict):
        if isinstance(value, str) and message.word(field) is None:
            return None
        text = f"{message.name(field)} is {described(value)}, not an object."
        hint = f'Write for example "{field}": {{"{names[0] if field == "takeProfit" else "stopPrice"}": 100}}.'
        message.problem("not_an_object", field, text, hint)
        return None
    table = {folded(name): name for name in names}
    fields: dict[str, tuple[str, Value]] = {}
    inner = Message(fields, message.problems, message.name(field), field)
    for name, each in value.items():
        canonical = table.get(folded(name))
        if canonical is None:
            close = nearest(name, names)
            hint = f"Did you mean {close}?" if close else f"Known are: {', '.join(names)}."
            inner.problem("unknown_field", name, f"{message.name(field)}.{shown(name)} is not known.", hint)
        elif canonical in fields and not same(fields[canonical][1], each):
            inner.problem("repeated_field", canonical, f"{inner.name(canonical)} is set twice.", "Set it once.")
        else:
            fields[canonical] = (name, each)
    return inner


def _one_of(message: Message, field: str, choices: Sequence[str], given: Sequence[str]) -> None:
    if given:
        names = " and ".join(message.name(each) for each in given)
        message.problem("contradiction", given[0], f"{names} exclude one another.", "Keep one of them.")
    else:
        text = f"{message.name(field)} is missing." if len(choices) == 1 else f"One of {', '.join(choices)} is needed."
        message.problem("missing_field", field, text, "Add one of them.")
