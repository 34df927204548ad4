"""Reading the fields of a request: numbers come as numbers or as text, and nothing is guessed."""

import re
from collections.abc import Mapping
from decimal import Decimal

_DECIMAL = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,12})?")
_WHOLE = re.compile(r"-?[0-9]{1,19}")


class BadField(ValueError):  # noqa: N818 - named for what it says of the field
    """A field that is missing or of the wrong kind; the text names it."""


def decimal_of(value: object, name: str) -> Decimal:
    """Read a number given as a number or as plain text; raise `BadField` otherwise."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    raise BadField(f"{name} must be a number")


def optional_decimal(body: Mapping[str, object], name: str) -> Decimal | None:
    """Read a number that may be missing or null."""
    value = body.get(name)
    return None if value is None else decimal_of(value, name)


def whole_of(value: object, name: str) -> int:
    """Read a whole number given as a number or as text; raise `BadField` otherwise."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise BadField(f"{name} must be a whole number")


def word_of(value: object, name: str, possible: tuple[str, ...]) -> str:
    """Read one of a closed set of words (case counts); raise `BadField` otherwise."""
    if isinstance(value, str) and value in possible:
        return value
    raise BadField(f"{name} must be one of {', '.join(possible)}")
