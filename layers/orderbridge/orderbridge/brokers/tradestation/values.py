"""TradeStation's texts as values: nearly every number in its replies is a string, and null and absent mean the same."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from orderbridge.errors import BrokerUnavailableError

Row = Mapping[str, Any]


def number(row: Row, key: str) -> Decimal | None:
    """Give a finite number, or None where it is absent, null or empty. Raises `BrokerUnavailableError` for others."""
    value = row.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        raise BrokerUnavailableError(f"TradeStation: {key} is not a number")
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        raise BrokerUnavailableError(f"TradeStation: {key} is not a number") from None
    if not parsed.is_finite():
        raise BrokerUnavailableError(f"TradeStation: {key} is not a number")
    return parsed


def positive(row: Row, key: str) -> Decimal | None:
    """Give a number above zero; None otherwise (TradeStation writes "0" for a price that there is not)."""
    value = number(row, key)
    return value if value is not None and value > 0 else None


def text(row: Row, key: str) -> str:
    """Give a text; empty where it is absent or null. Raises `BrokerUnavailableError` for an object or array."""
    value = row.get(key)
    if value is None:
        return ""
    if isinstance(value, (str, int)):
        return str(value)
    raise BrokerUnavailableError(f"TradeStation: {key} is not a text")


def time_ms(row: Row, key: str) -> int:
    """Give an RFC 3339 time as epoch milliseconds; 0 where it is absent or before 1971 (the zero time)."""
    value = text(row, key)
    if not value:
        return 0
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise BrokerUnavailableError(f"TradeStation: {key} is not a time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return to_ms(moment) if moment.year > 1970 else 0


def rows(body: object, key: str) -> tuple[Row, ...]:
    """Give the objects of the array `key` of a reply. Raises `BrokerUnavailableError` when there is no such array."""
    if not isinstance(body, Mapping) or not isinstance(body.get(key), list):
        raise BrokerUnavailableError(f"TradeStation: the reply has no {key}")
    return objects(body, key)


def objects(row: Row, key: str) -> tuple[Row, ...]:
    """Give the objects of an array that may be absent or null."""
    value = row.get(key)
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value if isinstance(item, Mapping))


def to_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def from_ms(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, UTC)


def zulu(time: int) -> str:
    """Give epoch milliseconds as TradeStation writes times: UTC, whole seconds, `Z`."""
    return from_ms(time).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(time: int) -> date:
    return from_ms(time).date()


def quantity_text(value: Decimal) -> str:
    """Give a quantity without exponent and without trailing zeros."""
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def price_text(value: Decimal) -> str:
    """Give a price without exponent, digits as they were."""
    return format(value, "f")
