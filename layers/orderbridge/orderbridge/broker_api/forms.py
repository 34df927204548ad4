"""Read what a request brings: query and form, each field at most once, as plain values.

TradingView sends numbers as text, perhaps without a decimal point, and 0 for a price that is not meant; fields that an
operation does not know (the order dialog's own) are let through, repeated ones and control characters are not.
"""

from decimal import Decimal, InvalidOperation

from orderbridge.broker_api.answers import ShownError
from orderbridge.broker_api.gateway import BadRequestError, Multi, Request
from orderbridge.model import Side

LARGEST_FORM = 16 * 1024
LONGEST = 200
"""The longest value of a field that is read."""
LONGEST_LIST = 2_000
MOST_DIGITS = 18


class Fields:
    """The fields of a query or form. Every method raises `ShownError` for what cannot be read."""

    def __init__(self, fields: Multi) -> None:
        self._fields = fields

    def text(self, name: str, default: str = "") -> str:
        """Give a text; `default` where it is missing."""
        values = self._fields.get(name, ())
        if len(values) > 1:
            raise ShownError(f"{name} is given more than once.")
        value = values[0].strip() if values else default
        if len(value) > LONGEST:
            raise ShownError(f"{name} is too long.")
        if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in value):
            raise ShownError(f"{name} holds control characters.")
        return value

    def long_text(self, name: str) -> str:
        """Give a text that may be a long list."""
        values = self._fields.get(name, ())
        if len(values) > 1:
            raise ShownError(f"{name} is given more than once.")
        value = values[0] if values else ""
        if len(value) > LONGEST_LIST or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in value):
            raise ShownError(f"{name} cannot be read.")
        return value

    def need(self, name: str) -> str:
        """Give a text that must be there."""
        value = self.text(name)
        if not value:
            raise ShownError(f"{name} is missing.")
        return value

    def password(self, name: str = "password") -> str:
        """Give a password as it was typed."""
        values = self._fields.get(name, ())
        if len(values) != 1 or not 0 < len(values[0]) <= 1024:
            raise ShownError(f"{name} is missing.")
        return values[0]

    def number(self, name: str) -> Decimal | None:
        """Give a number, None where it is missing or empty."""
        value = self.text(name)
        return None if not value else _number(name, value)

    def quantity(self, name: str) -> Decimal:
        """Give a number above zero."""
        value = self.number(name)
        if value is None:
            raise ShownError(f"{name} is missing.")
        if value <= 0:
            raise ShownError(f"{name} must be more than zero.")
        return value

    def price(self, name: str) -> Decimal | None:
        """Give a price, None where it is missing or 0: TradingView's samples send 0 for prices that are not meant.

        A price may be below zero: crude oil was.
        """
        return self.number(name) or None

    def count(self, name: str) -> int | None:
        """Give a whole number from 0 on, None where it is missing."""
        value = self.number(name)
        if value is None:
            return None
        if value != value.to_integral_value() or value < 0:
            raise ShownError(f"{name} must be a whole number.")
        return int(value)

    def side(self, name: str = "side") -> Side:
        """Give `buy` or `sell`."""
        value = self.need(name)
        try:
            return Side(value)
        except ValueError:
            raise ShownError(f"{name} must be buy or sell.") from None


def query_of(request: Request) -> Fields:
    """Give the query's fields."""
    return Fields(request.query)


def form_of(request: Request) -> Fields:
    """Give the form's fields; a DELETE may carry one too. Raises `ShownError` when the body is no form."""
    try:
        return Fields(request.form(LARGEST_FORM))
    except BadRequestError as problem:
        raise ShownError(f"The request cannot be read: {problem}.") from None


def _number(name: str, text: str) -> Decimal:
    if len(text) > MOST_DIGITS + 6 or not text.isascii():
        raise ShownError(f"{name} is not a number.")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ShownError(f"{name} is not a number.") from None
    exponent = value.as_tuple().exponent
    if not value.is_finite() or not isinstance(exponent, int) or not -MOST_DIGITS <= exponent <= MOST_DIGITS:
        raise ShownError(f"{name} is not a number.")
    if abs(value) >= Decimal(10) ** MOST_DIGITS or "_" in text:
        raise ShownError(f"{name} is not a number.")
    return value
