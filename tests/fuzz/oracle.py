"""What no body may ever bring about: an order that it does not spell out. Raises `AssertionError`.

*Garbage* is an accepted alert whose action, symbol, quantity, position or any price does not stand literally in the
body under a name of that meaning; an entry that leaves out a size or a price that the body names; and anything
accepted although the body gives two values to one of the fields that decide it.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from orderbridge import codec
from orderbridge.alerts.alert import Action, Alert, Refusal
from orderbridge.model import Direction, OrderType
from tests.fuzz.scan import Said, Scan, scan

MOST_STORED = 32 * 1024
LARGEST, FINEST = Decimal(10**15), -12
"""Between them no product or quotient of two numbers meets a limit of decimal arithmetic."""
ENTRIES = (Action.BUY, Action.SELL, Action.ADD)
SYMBOL = ("ticker", "symbol")
QUANTITY = ("quantity", "ordercontracts", "contracts")
WORDS = ("action", "orderaction")
RESULT = ("sentiment", "marketposition", "positionsize", "marketpositionsize")
PREVIOUS = ("prevmarketposition", "prevmarketpositionsize")
PRICES = {
    "limit_price": "limitprice",
    "stop_price": "stopprice",
    "trail_amount": "trailamount",
    "trail_percent": "trailpercent",
}
DECIDING = (SYMBOL, ("action",), ("orderaction",), *((name,) for name in RESULT), ("prevmarketposition",))
ORDER = (
    *DECIDING, ("quantity",), ("ordercontracts", "contracts"), ("quantitytype",), ("ordertype",),
    *((name,) for name in PRICES.values()), ("takeprofit",), ("stoploss",), ("timeinforce",), ("extendedhours",),
)  # fmt: skip
OF_THE_BODY = {"empty_body", "body_too_large", "not_json", "not_an_object", "nested_too_deeply", "settings_incomplete"}
CODES = OF_THE_BODY | {
    "missing_field", "empty_value", "unfilled_placeholder", "unknown_field", "repeated_field", "contradiction",
    "not_understood", "not_a_number", "not_positive", "not_a_flag", "not_a_text", "not_a_time", "not_supported",
    "identity_missing", "identity_conflict",
}  # fmt: skip


def check(raw: bytes, read: Alert | Refusal, own_symbol: str = "") -> None:
    """Check a reading of a body. `own_symbol` is the strategy's own, for messages that name none."""
    stored = codec.dumps(read)
    assert len(stored.encode()) <= MOST_STORED, "a message of 16 KiB is stored many times its size"
    if isinstance(read, Refusal):
        _check_refusal(read)
        return
    back: Alert = codec.loads(Alert, stored)
    assert back == read, "what is stored is read back as something else"
    for number in numbers_of(read):
        exponent = number.as_tuple().exponent
        assert isinstance(exponent, int)
        assert exponent >= FINEST, "finer than anything is traded"
        assert abs(number) < LARGEST, "larger than anything is traded"
    body = scan(raw)
    _check_action(read, body)
    _check_symbol(read, body, own_symbol)
    _check_target(read, body)
    _check_told_once(read, body)
    if read.action in ENTRIES:
        _check_entry(read, body)
    else:
        _check_exit_or_cancel(read, body)


def numbers_of(value: object) -> Iterator[Decimal]:
    """Give all numbers of an alert, those of its parts too."""
    if isinstance(value, Decimal):
        yield value
    elif dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from numbers_of(getattr(value, each.name))


def _check_refusal(refusal: Refusal) -> None:
    assert refusal.code in CODES
    assert refusal.message
    assert refusal.hint
    assert refusal.field or refusal.code in OF_THE_BODY, "a refusal that names no field"


def _check_action(alert: Alert, body: Scan) -> None:
    words = {said.word for said in body.of(*WORDS)}
    sides = words & {"buy", "sell"}
    result = {said.word for said in body.of("sentiment", "marketposition")}
    flat = "flat" in result or any(said.number == 0 for said in body.of("positionsize", "marketpositionsize"))
    match alert.action:
        case Action.BUY | Action.SELL:
            said = alert.action.value in sides
            moved = not body.of("action") and bool(body.of(*RESULT)) and bool(body.of(*PREVIOUS))
            assert said or moved, "a side that nobody named"
            assert not body.exact or len(sides) < 2, "one of two sides was taken"
        case Action.EXIT:
            assert words & {"exit", "exit_long", "exit_short"} or flat, "an exit that nobody asked for"
        case Action.ADD | Action.CANCEL:
            assert alert.action.value in words, "an action that nobody named"
        case Action.NONE:
            raise AssertionError("an alert without an action was accepted")


def _check_symbol(alert: Alert, body: Scan, own_symbol: str) -> None:
    if not alert.symbol:
        assert own_symbol, "an alert without a symbol"
        assert not body.exact or not body.of(*SYMBOL), "the strategy's symbol in another's place"
        return
    whole = re.compile(rf"\s*(?:[A-Za-z0-9_]*\s*:\s*)?{re.escape(alert.symbol)}\s*")
    assert any(whole.fullmatch(said.literal) for said in body.of(*SYMBOL)), "a symbol that nobody named"


def _check_target(alert: Alert, body: Scan) -> None:
    target = alert.target
    if target is None:
        return
    for direction, size, names, sizes in (
        (target.direction, target.size, RESULT, RESULT[2:]),
        (target.previous_direction, target.previous_size, PREVIOUS, PREVIOUS[1:]),
    ):
        if direction is None:
            assert size is None
            continue
        assert body.of(*names), "a position that nobody named"
        if size is not None and direction is not Direction.FLAT:
            assert size * direction.sign > 0
            assert _among(abs(size), body.of(*sizes), signed=False), "a position's size that nobody named"


def _check_told_once(alert: Alert, body: Scan) -> None:
    """Check that nothing that decides was told in two ways. Only a body that is JSON is sure to say so."""
    if not body.exact:
        return
    for names in ORDER if alert.action in ENTRIES else DECIDING:
        said = body.of(*names)
        assert all(said[0].agrees(other) for other in said[1:]), f"one of two values of {names[0]}"


def _check_entry(alert: Alert, body: Scan) -> None:
    _check_number(alert.quantity, body, QUANTITY)
    types = {said.word for said in body.of("ordertype")}
    assert alert.order_type.value in types or (alert.order_type is OrderType.MARKET and not (body.exact and types))
    for attribute, name in PRICES.items():
        _check_number(getattr(alert, attribute), body, (name,))
    profit, stop = alert.take_profit, alert.stop_loss
    for inside, level in (("takeprofit", profit), ("stoploss", stop)):
        assert (level is not None) == bool(body.of(inside)) or not body.exact, f"{inside} was dropped or invented"
        for attribute in ("limit_price", "stop_price", "percent", "amount", "trail_amount", "trail_percent"):
            _check_number(getattr(level, attribute, None), body, (attribute.replace("_", ""),), inside)
    if alert.time_in_force is not None:
        assert alert.time_in_force.value in {said.word for said in body.of("timeinforce")}
    if body.exact:
        acting = [said for names in ORDER for said in body.of(*names)]
        assert not any("{{" in said.literal for said in acting), "a placeholder was left"


def _check_exit_or_cancel(alert: Alert, body: Scan) -> None:
    assert (alert.take_profit, alert.stop_loss, alert.stop_price) == (None, None, None)
    said = body.of(*QUANTITY)
    if alert.quantity is not None:
        assert _literally(alert.quantity, said), "a quantity that nobody named"
        assert not body.exact or all(each.number in (None, alert.quantity) or each.number <= 0 for each in said), (
            "one of two quantities"
        )
    if alert.limit_price is not None:
        assert _literally(alert.limit_price, body.of("limitprice")), "a price that nobody named"
    whole = alert.action is Action.CANCEL or (alert.target is not None and alert.target.direction is Direction.FLAT)
    parts = [each for each in said if each.number is not None and 0 < each.number < 10**15]
    if body.exact and not whole and len(said) == 1 and parts and not body.of("quantitytype") and _fine(parts[0]):
        assert alert.quantity == parts[0].number, "all was exited where a part was named"


def _fine(said: Said) -> bool:
    """Tell whether a number is written in a way that is taken: ASCII, of at most 12 decimals and no huge exponent."""
    if re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?", said.literal.strip(), re.ASCII) is None:
        return False
    exponent = Decimal(said.literal.strip()).as_tuple().exponent
    return len(said.literal) <= 32 and isinstance(exponent, int) and exponent >= -12


def _check_number(value: Decimal | None, body: Scan, names: tuple[str, ...], inside: str | None = None) -> None:
    """Check that a number stands in the body to the digit, or that the body has none there."""
    said = body.of(*names, inside=inside)
    if value is None:
        assert not body.exact or not said, f"{names[0]} was dropped"
        return
    assert value > 0
    assert _literally(value, said), f"{names[0]} is not as it was written"
    assert not body.exact or all(each.number == value for each in said), f"one of two values of {names[0]}"


def _literally(value: Decimal, said: Iterable[Said]) -> bool:
    return any(each.number is not None and each.number.as_tuple() == value.as_tuple() for each in said)


def _among(value: Decimal, said: Iterable[Said], signed: bool = True) -> bool:
    numbers = [each.number for each in said if each.number is not None]
    return any(value == (number if signed else abs(number)) for number in numbers)
