"""Take single fields out of a message, collecting what is wrong with them instead of stopping at the first. Pure.

A problem is a refusal until the dialect knows what the message is: an exit is never refused for a field that an exit
does not need (TRADING.md rule 11), so its problems become notes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from orderbridge.alerts.alert import Refusal
from orderbridge.alerts.reading import Value, shown

Choice = TypeVar("Choice", bound=StrEnum)

MAX_NOTES = 20
MAX_TEXT = 200

_NUMBER = re.compile(r"^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?$")
_TOO_LARGE = Decimal("1e15")
_TOO_FINE = -12
"""The smallest exponent of a number that is taken."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a field; `field` is its canonical name, that of the outer field for a field inside one."""

    field: str
    refusal: Refusal


class Message:
    """The fields of one object of a message, by their canonical names: each with its own name there and its value."""

    def __init__(
        self, fields: Mapping[str, tuple[str, Value]], problems: list[Problem], inside: str = "", owner: str = ""
    ) -> None:
        self._fields = fields
        self._inside = inside
        self._owner = owner
        self.problems = problems

    def name(self, field: str) -> str:
        """Give the message's own name of a field, with the objects that it lies in."""
        name = shown(self._fields[field][0] if field in self._fields else field)
        return f"{self._inside}.{name}" if self._inside else name

    def has(self, field: str) -> bool:
        """Tell whether the message says anything in this field; null is nothing."""
        return field in self._fields and self._fields[field][1] is not None

    def value(self, field: str) -> Value:
        return self._fields[field][1] if field in self._fields else None

    def problem(self, code: str, field: str, message: str, hint: str) -> None:
        """Note something wrong with a field."""
        self.problems.append(Problem(self._owner or field, Refusal(code, self.name(field), message, hint)))

    def text(self, field: str) -> str:
        """Give a text that decides nothing: shortened, and empty when it is none."""
        value = self.value(field)
        return as_text(value)[:MAX_TEXT] if isinstance(value, (str, Decimal)) else ""

    def word(self, field: str) -> str | None:
        """Give a text that decides something; placeholders, formulas and emptiness are problems."""
        if not self.has(field):
            return None
        value = self.value(field)
        if not isinstance(value, str):
            self.problem("not_a_text", field, f"{self.name(field)} is {described(value)}, not a text.", "Put quotes.")
            return None
        return None if self._unusable(field, value) else value.strip()

    def choice(self, field: str, words: Mapping[str, Choice]) -> Choice | None:
        """Give what a word stands for, upper or lower case, with blanks, dashes or underscores."""
        word = self.word(field)
        if word is None:
            return None
        found = words.get(re.sub(r"[\s-]+", "_", word.lower()))
        if found is None:
            self.problem(
                "not_understood",
                field,
                f"{self.name(field)} is {shown(word)}, which means nothing here.",
                f"Use one of: {', '.join(words)}.",
            )
        return found

    def number(self, field: str) -> Decimal | None:
        """Give an exact number, written as a number or as text."""
        if not self.has(field):
            return None
        value = self.value(field)
        if isinstance(value, str):
            if self._unusable(field, value):
                return None
            value = Decimal(value.strip()) if _NUMBER.match(value.strip()) else value
        if not isinstance(value, Decimal) or not _sane(value):
            self.problem(
                "not_a_number",
                field,
                f"{self.name(field)} is {described(value)}, not a number.",
                "Use digits with a decimal point and no thousands separators; NaN is a series without a value.",
            )
            return None
        return value

    def positive(self, field: str) -> Decimal | None:
        """Give a number above zero. Zero is zero, not missing: it is a problem."""
        number = self.number(field)
        if number is not None and number <= 0:
            message = f"{self.name(field)} is {number:f}; it must be above zero."
            self.problem("not_positive", field, message, "Leave the field out if nothing is meant.")
            return None
        return number

    def flag(self, field: str) -> bool | None:
        """Give true or false, written with or without quotes."""
        if not self.has(field):
            return None
        value = self.value(field)
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
        if isinstance(value, bool):
            return value
        if not (isinstance(value, str) and self._unusable(field, value)):
            message = f"{self.name(field)} is {described(value)}, neither true nor false."
            self.problem("not_a_flag", field, message, "Use true or false.")
        return None

    def _unusable(self, field: str, text: str) -> bool:
        """Note a text that cannot be a value: an unfilled placeholder, a formula, nothing."""
        name = self.name(field)
        if "{{" in text:
            self.problem(
                "unfilled_placeholder",
                field,
                f"{name} still holds the placeholder {shown(text)}.",
                "TradingView fills only placeholders that it knows, and none inside Pine's alert().",
            )
        elif text.lstrip().startswith("="):
            self.problem("not_supported", field, f"{name} is a formula; formulas are not supported.", "Send the value.")
        elif not text.strip():
            self.problem(
                "empty_value",
                field,
                f"{name} is empty.",
                "Strategy placeholders are empty in alerts of indicators; leave the field out if nothing is meant.",
            )
        else:
            return False
        return True


def _sane(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= _TOO_FINE and abs(number) < _TOO_LARGE


def as_text(value: str | Decimal) -> str:
    return value.strip() if isinstance(value, str) else format(value, "f")


def described(value: Value) -> str:
    """Say what a value is, for a sentence."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, Decimal)):
        return shown(as_text(value))
    return "an object" if isinstance(value, dict) else "a list"
