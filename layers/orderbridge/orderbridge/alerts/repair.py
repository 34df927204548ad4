"""Mend JSON that is nearly right, and say what was mended. Pure.

Alert messages are typed by hand into a text box or glued together in Pine, and TradingView fills placeholders with
text that need not be JSON: `NaN` for a series without a value, nothing at all for a strategy's placeholder in an alert
of an indicator. Mending never invents a value: what stood without quotes becomes text, what was missing becomes empty
text, so that the field can be named when it turns out not to be usable.
"""

import json
import re

from orderbridge.alerts.reading import bare_word_note

SMART_QUOTES = "“”„‟″＂"
ODD_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"

_LITERAL = re.compile(r"^(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$")
_BARE_VALUE = re.compile(r"\{\{.{0,500}?\}\}|[^,}\]\s" + SMART_QUOTES + r"\"]+", re.DOTALL)
_BARE_NAME = re.compile(r"[^:,}\]\s" + SMART_QUOTES + r"\"]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SMART_STRING = re.compile(rf'[{SMART_QUOTES}]((?:[^"\\{SMART_QUOTES}]|\\.)*)["{SMART_QUOTES}]', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f]")
_NOTHING_NEXT = re.compile(r"\s*(?:[,}\]]|$)")
_END_NEXT = re.compile(r"\s*(?:[}\]]|$)")


class _Mender:
    """One pass over a text, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.out: list[str] = []
        self.notes: dict[str, None] = {}
        self.after_colon = False
        self.open: list[str] = []
        self.unclosed = False
        """A quote without its end was met: looking for one again and again would take the square of the length."""

    def mend(self) -> str:
        at = 0
        while at < len(self.text):
            at = self._step(at)
        return "".join(self.out)

    def _step(self, at: int) -> int:
        char = self.text[at]
        if char == '"' and not self.unclosed:
            return self._string(at)
        if char in SMART_QUOTES and (match := _SMART_STRING.match(self.text, at)):
            self.notes["Typographic quotes were read as plain ones."] = None
            return self._copy_string(f'"{match[1]}"', match.end())
        if char in ODD_SPACES or char in INVISIBLE:
            self.notes["Unusual spaces were read as plain ones."] = None
            self.out.append(" ")
            return at + 1
        if char.isspace():
            self.out.append(char)
            return at + 1
        if char in "{[" and not self.text.startswith("{{", at):
            self.open.append(char)
            return self._copy(at, after_colon=False)
        if char in "}]":
            if self.open:
                self.open.pop()
            return self._copy(at, after_colon=False)
        if char == ",":
            return self._comma(at)
        if char == ":":
            return self._colon(at)
        return self._bare(at)

    def _copy(self, at: int, after_colon: bool) -> int:
        self.after_colon = after_colon
        self.out.append(self.text[at])
        return at + 1

    def _string(self, at: int) -> int:
        match = _STRING.match(self.text, at)
        if match is None:
            self.unclosed = True
            return self._copy(at, after_colon=False)
        return self._copy_string(match[0], match.end())

    def _copy_string(self, quoted: str, end: int) -> int:
        self.after_colon = False
        if _CONTROL.search(quoted):
            self.notes["Line breaks inside a text were kept as they are."] = None
            quoted = _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
        self.out.append(quoted)
        return end

    def _comma(self, at: int) -> int:
        if _END_NEXT.match(self.text, at + 1):
            self.notes["A trailing comma was passed over."] = None
            return at + 1
        return self._copy(at, after_colon=False)

    def _colon(self, at: int) -> int:
        self._copy(at, after_colon=True)
        if _NOTHING_NEXT.match(self.text, at + 1):
            self.notes["A missing value was read as empty."] = None
            self.out.append('""')
            self.after_colon = False
        return at + 1

    def _bare(self, at: int) -> int:
        is_name = bool(self.open) and self.open[-1] == "{" and not self.after_colon
        match = (_BARE_NAME if is_name else _BARE_VALUE).match(self.text, at)
        if match is None:
            return self._copy(at, after_colon=False)
        word = match[0]
        self.after_colon = False
        if _LITERAL.match(word) and not is_name:
            self.out.append(word)
        else:
            self.notes[bare_word_note(word)] = None
            self.out.append(json.dumps(word))
        return match.end()


def mend(text: str) -> tuple[str, tuple[str, ...]]:
    """Give `text` with typical slips mended, and a sentence for each kind of slip. It need not be JSON even then."""
    mender = _Mender(text)
    mended = mender.mend()
    return mended, tuple(mender.notes)
