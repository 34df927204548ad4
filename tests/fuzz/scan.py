"""What a body says, read by other means than the bridge's reader: pairs of a name and a literal value.

A body that is JSON is read exactly, each name at its place. Any other body is searched for `name: value` wherever it
stands: that finds more than the body says, so it can only show that something was *not* said.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

Kind = Literal["number", "text", "flag", "nothing", "object", "list"]

_QUOTES = '"“”„‟″＂'
_PAIR = re.compile(
    rf"(?:[{_QUOTES}](?P<quoted>(?:[^\\{_QUOTES}]|\\.)*)[{_QUOTES}]|(?P<bare>[^\s:,{{}}\[\]{_QUOTES}][^:,{{}}\[\]{_QUOTES}]*))"
    r"[\s\u200b-\u200d\u2060\ufeff]*:",
    re.DOTALL,
)
_VALUE = re.compile(
    rf'[\s\u200b-\u200d\u2060\ufeff]*(?:"(?P<plain>(?:[^"\\]|\\.)*)"|[{_QUOTES}](?P<quoted>(?:[^\\{_QUOTES}]|\\.)*)'
    rf"[{_QUOTES}]|(?P<bare>[^\s,}}\]]*))",
    re.DOTALL,
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Said:
    """One value that a body gives to a name; `inside` is the name of the object that it lies in, if any."""

    name: str
    kind: Kind
    literal: str
    inside: str | None = None

    @property
    def number(self) -> Decimal | None:
        """Give the number that is written here, as a number or as text."""
        if self.kind not in ("number", "text"):
            return None
        try:
            number = Decimal(self.literal.strip())
        except InvalidOperation:
            return None
        return number if number.is_finite() else None

    @property
    def word(self) -> str:
        """Give the text as words are compared."""
        return re.sub(r"[\s-]+", "_", self.literal.strip().lower()) if self.kind == "text" else ""

    def agrees(self, other: "Said") -> bool:
        """Tell whether two values say the same."""
        if self.kind == other.kind == "number":
            return self.number == other.number
        return (self.kind, self.literal) == (other.kind, other.literal)


@dataclass(frozen=True)
class Scan:
    """All that a body says; `exact` when it is JSON."""

    exact: bool
    pairs: tuple[Said, ...]

    def of(self, *names: str, inside: str | None = None) -> list[Said]:
        """Give what is said under names, null left out."""
        return [
            said
            for said in self.pairs
            if said.name in names and said.kind != "nothing" and (not self.exact or said.inside == inside)
        ]


class _Number(str):
    """A number as it was written."""


def fold(name: str) -> str:
    """Give a name without case, blanks, dots, dashes, underscores and a leading `strategy`."""
    bare = "".join(char for char in name if not char.isspace() and char not in "._-").lower()
    rest = bare.removeprefix("strategy")
    return rest if rest.startswith(("order", "position", "market", "prev")) else bare


def scan(raw: bytes) -> Scan:
    """Read what a body says."""
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        outer = json.loads(text, parse_int=_Number, parse_float=_Number, parse_constant=str, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return Scan(False, tuple(_searched(text)))
    return Scan(True, tuple(_listed(outer, None)) if isinstance(outer, _Pairs) else ())


class _Pairs(list[tuple[str, object]]):
    """An object with all its names, the repeated ones too."""


def _listed(pairs: _Pairs, inside: str | None) -> Iterator[Said]:
    for name, value in pairs:
        folded = fold(_clean(name))
        if isinstance(value, _Pairs):
            yield Said(folded, "object", "", inside)
            if inside is None:
                yield from _listed(value, folded)
        else:
            yield Said(folded, *_leaf(value), inside)


def _leaf(value: object) -> tuple[Kind, str]:
    if value is None:
        return "nothing", ""
    if isinstance(value, bool):
        return "flag", str(value).lower()
    if isinstance(value, _Number):
        return "number", str(value)
    return ("text", _clean(value)) if isinstance(value, str) else ("list", "")


def _searched(text: str) -> Iterator[Said]:
    for match in _PAIR.finditer(text):
        value = _VALUE.match(text, match.end())
        for name in _spellings(match["quoted"], match["bare"]):
            yield from (
                Said(fold(name), "text", literal)
                for literal in (_spellings(value["plain"], value["quoted"], value["bare"]) if value else ())
            )


def _spellings(*found: str | None) -> Iterator[str]:
    """Give what may be meant by each text that was found: as it stands, and with its escapes read."""
    for text in found:
        if text is None:
            continue
        yield _clean(text)
        try:
            yield _clean(str(json.loads(f'"{text}"', strict=False)))
        except ValueError:
            continue


def _clean(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)
