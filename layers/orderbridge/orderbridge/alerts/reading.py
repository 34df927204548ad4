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

Value = str | Decimal | bool | None | list["Value"] | dict[str, "Value"]
"""A JSON value whose numbers are exact."""

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
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
    """Names that occur twice in one object with different values."""


class _Builder:
    """What the JSON parser calls: it builds objects and remembers what was odd about them."""

    def __init__(self) -> None:
        self.repeated: dict[str, None] = {}
        """Names that were given twice with different values."""
        self.notes: dict[str, None] = {}

    def build(self, pairs: list[tuple[str, Value]]) -> dict[str, Value]:
        built: dict[str, Value] = {}
        for name, value in pairs:
            clean = _without_surrogates(name)
            if clean in built and built[clean] != value:
                self.repeated[clean] = None
            built.setdefault(clean, _without_surrogates(value) if isinstance(value, str) else value)
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
        message = f"The message nests objects more than {MAX_DEPTH} deep."
        return Body(text, None, Refusal("nested_too_deeply", "", message, "Send one flat JSON object."), notes)
    builder = _Builder()
    try:
        value = _parse(text, builder)
    except ValueError as first:
        from orderbridge.alerts.repair import mend  # most messages need no mending

        builder = _Builder()
        mended, repairs = mend(text)
        try:
            value = _parse(mended, builder)
        except ValueError:
            return Body(text, None, _not_json(first), notes)
        notes += repairs
    notes += tuple(builder.notes)
    if not isinstance(value, dict):
        hint = "Send one JSON object, one order a message: {...}."
        return Body(text, None, Refusal("not_an_object", "", "The message is not one JSON object.", hint), notes)
    return Body(text, value, None, notes, tuple(builder.repeated))


def _parse(text: str, builder: _Builder) -> Value:
    try:
        value: Value = json.loads(
            text,
            parse_float=_number,
            parse_int=_number,
            parse_constant=builder.constant,
            object_pairs_hook=builder.build,
        )
    except RecursionError:  # the depth is checked, but quotes out of order can hide brackets from that check
        raise ValueError("nested too deeply") from None
    return value


def _number(digits: str) -> Value:
    """Give an exact number; one too long to be meant stays text, so that its field can be named."""
    return Decimal(digits) if len(digits) <= MAX_NUMBER_LENGTH else digits[:MAX_NUMBER_LENGTH] + "…"


def bare_word_note(word: str) -> str:
    return f"{word[:40]} stood without quotes and was read as text."


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
