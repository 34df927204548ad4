"""The position that a message says should result, and the one before it (TRADING.md rules 6 and 7). Pure."""

from decimal import Decimal

from orderbridge.alerts.alert import Target
from orderbridge.alerts.message import Message
from orderbridge.model import Direction

_WORDS = {
    "long": Direction.LONG,
    "short": Direction.SHORT,
    "flat": Direction.FLAT,
    "bullish": Direction.LONG,
    "bearish": Direction.SHORT,
}


def read_target(message: Message) -> Target | None:
    """Read the resulting and the previous position; None when the message says neither.

    Fields that say different things are a contradiction: the problem is noted, and the position is not said.
    """
    direction, size = _resulting(message)
    previous_direction, previous_size = _previous(message)
    if direction is None and previous_direction is None:
        return None
    return Target(direction, size, previous_direction, previous_size)


def movement(target: Target | None) -> int | None:
    """Give the sign of the change from the previous to the resulting position; None where it is not said."""
    if target is None or target.direction is None or target.previous_direction is None:
        return None
    change = Decimal(target.direction.sign - target.previous_direction.sign)
    if target.size is not None and target.previous_size is not None:
        change = target.size - target.previous_size
    return None if change == 0 else (1 if change > 0 else -1)


def _resulting(message: Message) -> tuple[Direction | None, Decimal | None]:
    signed = message.number("position_size")
    absolute = _not_negative(message, "market_position_size")
    said = {
        "sentiment": message.choice("sentiment", _WORDS),
        "market_position": message.choice("market_position", _WORDS),
        "position_size": None if signed is None else Direction.of(signed),
        "market_position_size": Direction.FLAT if absolute == 0 else None,
    }
    direction = _agreed(message, said)
    if direction is None:
        if absolute and not any(message.has(field) for field in ("sentiment", "market_position", "position_size")):
            hint = 'Add "market_position": "{{strategy.market_position}}".'
            message.problem("missing_field", "market_position", "A size without a direction is no position.", hint)
        return None, None
    if absolute is not None:
        if (absolute == 0) != (direction is Direction.FLAT) or (signed is not None and abs(signed) != absolute):
            _contradict(message, "market_position_size", "the position that the other fields say")
            return None, None
        signed = absolute * direction.sign
    return direction, Decimal(0) if direction is Direction.FLAT else signed


def _previous(message: Message) -> tuple[Direction | None, Decimal | None]:
    direction = message.choice("prev_market_position", _WORDS)
    size = _not_negative(message, "prev_market_position_size")
    if direction is None:
        return (Direction.FLAT, Decimal(0)) if size == 0 else (None, None)
    if direction is Direction.FLAT:
        size = Decimal(0) if size is None else size
    if size is not None and (size == 0) != (direction is Direction.FLAT):
        _contradict(message, "prev_market_position_size", message.name("prev_market_position"))
        return None, None
    return direction, None if size is None else size * direction.sign


def _not_negative(message: Message, field: str) -> Decimal | None:
    number = message.number(field)
    if number is not None and number < 0:
        text = f"{message.name(field)} is {number:f}; it is the size without a sign."
        message.problem("not_positive", field, text, "Use position_size for a size with a sign.")
        return None
    return number


def _agreed(message: Message, said: dict[str, Direction | None]) -> Direction | None:
    first = None
    for field, direction in said.items():
        if direction is None:
            continue
        if first is None:
            first = field
        elif said[first] is not direction:
            _contradict(message, field, message.name(first))
            return None
    return None if first is None else said[first]


def _contradict(message: Message, field: str, other: str) -> None:
    text = f"{message.name(field)} contradicts {other}."
    message.problem("contradiction", field, text, "Send fields that agree, or only one of them.")
