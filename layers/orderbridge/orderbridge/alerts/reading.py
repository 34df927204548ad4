"""From the bytes of a request to the fields of a message. Pure; never raises, whatever the bytes.

The Content-Type plays no part: TradingView says `application/json` when the rendered message parses as JSON and
`text/plain` otherwise, so one bare `NaN` changes it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from orderbridge.alerts.alert import Refusal

MAX_BODY_BYTES = 16 * 1024
MAX_DEPTH = 8
MAX_NUMBER_LENGTH = 32
MAX_EXPONENT = 99
"""Of a number as JSON: `1e999999999` would have a thousand million digits wherever it is written out."""
MAX_REPAIRS = 10
MAX_SHOWN = 60

Value = str | Decimal | bool | None | list["Value"] | dict[str, "Value"]
"""A JSON value whose numbers are exact."""

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
"""A text without its end reaches to the end: looked for from each quote, it would take the square of the length."""
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Body:
    """A request body as text and, where it is a JSON object, as fields."""

    text: str
    fields: Mapping[str, Value] | None = None
    refusal: Refusal | None = None
    """Why there are no fields."""
    notes: tuple[str, ...] = ()
    """What was repaired."""
    repeated: tuple[str, ...] = ()
    """Names that the message itself has twice with different values."""
    repeated_inside: tuple[str, ...] = ()
    """The same of objects inside the message."""


class _Builder:
    """What the JSON parser calls: it builds objects and remembers what was odd about them."""

    def __init__(self) -> None:
        self.repeated: dict[str, None] = {}
        """Names that were given twice with different values in the object built last: that is the outermost."""
        self.inside: dict[str, None] = {}
        """The same of the objects before."""
        self.notes: dict[str, None] = {}

    def build(self, pairs: list[tuple[str, Value]]) -> dict[str, Value]:
        self.inside |= self.repeated
        self.repeated = {}
        built: dict[str, Value] = {}
        for name, said in pairs:
            clean, value = _without_surrogates(name), _without_surrogates(said) if isinstance(said, str) else said
            if not same(built.setdefault(clean, value), value):
                self.repeated[clean] = None
        return built

    def constant(self, word: str) -> str:
        """Take NaN and Infinity, which Python reads and JSON does not have, as text."""
        self.notes[bare_word_note(word)] = None
        return word


def read_body(raw: bytes) -> Body:
    """Read a request body: at most 16 KiB of UTF-8, with or without a byte order mark."""
    text, notes = _decode(raw[:MAX_BODY_BYTES])
    if len(raw) > MAX_BODY_BYTES:
        message = f"The message has {len(raw)} bytes; at most {MAX_BODY_BYTES} are read."
        return Body(text, refusal=Refusal("body_too_large", "", message, "Send one order and no attachments."))
    if not text.strip():
        hint = "Put the order as JSON into the alert's message box."
        return Body(text, refusal=Refusal("empty_body", "", "The message is empty.", hint))
    return _read_json(text, notes)


def _decode(raw: bytes) -> tuple[str, tuple[str, ...]]:
    text = raw.decode("utf-8", errors="replace").removeprefix("\ufeff")
    if "\ufffd" in text:
        return text, ("Bytes that are not UTF-8 were replaced by \ufffd.",)
    return text, ()


def _read_json(text: str, notes: tuple[str, ...]) -> Body:
    if _depth(text) > MAX_DEPTH:
        return Body(text, None, _nested_too_deeply(), notes)
    builder = _Builder()
    try:
        value = _parse(text, builder)
    except ValueError as first:
        from orderbridge.alerts.repair import mend  # most messages need no mending

        builder = _Builder()
        mended, repairs = mend(text)
        if _depth(mended) > MAX_DEPTH:  # quotes out of order had hidden brackets
            return Body(text, None, _nested_too_deeply(), notes)
        try:
            value = _parse(mended, builder)
        except ValueError:
            return Body(text, None, _not_json(first), notes)
        notes += repairs
    notes = _bounded((*notes, *builder.notes))
    if not isinstance(value, dict):
        hint = "Send one JSON object, one order a message: {...}."
        return Body(text, None, Refusal("not_an_object", "", "The message is not one JSON object.", hint), notes)
    return Body(text, value, None, notes, tuple(builder.repeated), tuple(builder.inside))


def _parse(text: str, builder: _Builder) -> Value:
    try:
        value: Value = json.loads(
            text,
            parse_float=_number,
            parse_int=_number,
            parse_constant=builder.constant,
            object_pairs_hook=builder.build,
        )
    except RecursionError:  # of text that is no JSON after all: its brackets may stand where texts seem to be
        raise ValueError("nested too deeply") from None
    return value


def _number(digits: str) -> Value:
    """Give an exact number; one too long, too large or too fine to be meant becomes text, so that it can be named."""
    _, _, exponent = digits.partition("E" if "E" in digits else "e")
    if len(digits) > MAX_NUMBER_LENGTH or abs(int(exponent or 0)) > MAX_EXPONENT:
        return digits[:MAX_NUMBER_LENGTH] + "…"
    return Decimal(digits)


def same(one: Value, other: Value) -> bool:
    """Tell whether two values say the same: 1 and 1.0 do, 1 and true do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def shown(text: str, longest: int = MAX_SHOWN) -> str:
    """Give a sender's text as a sentence may hold it: shortened, and nothing in it that steers a screen."""
    if not text.strip():
        return '""'
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return short if short.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in short)


def bare_word_note(word: str) -> str:
    return f"{shown(word, 40)} stood without quotes and was read as text."


def _bounded(notes: tuple[str, ...]) -> tuple[str, ...]:
    if len(notes) <= MAX_REPAIRS:
        return notes
    return (*notes[:MAX_REPAIRS], f"{len(notes) - MAX_REPAIRS} more slips of this kind were mended.")


def _without_surrogates(text: str) -> str:
    """Replace halves of characters, which JSON can write and UTF-8 cannot."""
    return _SURROGATE.sub("\ufffd", text)


def _depth(text: str) -> int:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return 0
    deepest = depth = 0
    for match in _BRACKETS.finditer(text):
        if match[0] in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "}]":
            depth -= 1
    return deepest


def _nested_too_deeply() -> Refusal:
    message = f"The message nests objects more than {MAX_DEPTH} deep."
    return Refusal("nested_too_deeply", "", message, "Send one flat JSON object.")


def _not_json(error: ValueError) -> Refusal:
    where = ""
    if isinstance(error, json.JSONDecodeError):
        where = f" (line {error.lineno}, column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]})"
    return Refusal(
        "not_json",
        "",
        f"The message is not JSON{where}.",
        'Check quotes, commas and brackets; placeholders inside texts stand in quotes: "{{ticker}}".',
    )
