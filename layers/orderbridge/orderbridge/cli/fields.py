"""The kinds of value that stand in `orderbridge.yaml`, each with the message for a wrong one."""

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

DURATION = re.compile(r"^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$")
MS_PER_UNIT = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
TRADINGVIEW = re.compile(r"[^:\s]+:[^:\s]+")
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")


def wrong(message: str, mend: str) -> PydanticCustomError:
    """Make the error of one field: what is wrong, and what to write instead."""
    return PydanticCustomError("settings", "{message}", {"message": message, "mend": mend})


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise wrong("this must be a text", "Write one value, in quotes if it begins with a sign.")
    return value.strip()


def _name(value: Any) -> str:
    text = _text(value)
    if not NAME.fullmatch(text):
        raise wrong(
            f"{text!r} is no name that can stand in a URL",
            "Use up to 64 letters, digits, hyphens and underscores, and begin with a letter or digit.",
        )
    return text


def _tradingview(value: Any) -> str:
    text = _text(value)
    if not TRADINGVIEW.fullmatch(text):
        mend = "Write it as TradingView's symbol search shows it, with its exchange: NASDAQ:AAPL."
        raise wrong(f"{text!r} is no symbol of TradingView's", mend)
    return text


def _above_zero(value: Any) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number <= 0:
        raise wrong(f"{value!r} is no number above zero", "Write a number such as 1, 0.5 or 0.01.")
    return number


def _notional(value: Any) -> Decimal | None:
    return None if value == "none" else _above_zero(value)


def _count(value: Any) -> int:
    if isinstance(value, str) and value.isdecimal() and 1 <= int(value) <= 100:
        return int(value)
    raise wrong(f"{value!r} is no whole number from 1 to 100", "Write a number such as 1 or 3.")


def _duration_ms(value: Any) -> int:
    match = DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    ms = int(Decimal(match[1]) * MS_PER_UNIT[match[2]]) if match else 0
    if ms <= 0:
        raise wrong(f"{value!r} is no duration", "Write a number with its unit: 500ms, 30s, 15m or 2h.")
    return ms


def _duration_or_never(value: Any) -> int | None:
    return None if value == "never" else _duration_ms(value)


def _yes_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong(f"{value!r} is neither true nor false", "Write true or false.")
    return value


Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, BeforeValidator(_name)]
TradingViewName = Annotated[str, BeforeValidator(_tradingview)]
"""`EXCHANGE:SYMBOL`."""
AboveZero = Annotated[Decimal, BeforeValidator(_above_zero)]
Notional = Annotated[Decimal | None, BeforeValidator(_notional)]
"""A limit on an order's value; the word `none` lifts it."""
Count = Annotated[int, BeforeValidator(_count)]
DurationMs = Annotated[int, BeforeValidator(_duration_ms)]
DurationOrNever = Annotated[int | None, BeforeValidator(_duration_or_never)]
YesNo = Annotated[bool, BeforeValidator(_yes_no)]
