"""DynamoDB's condition, update and key expressions, as far as the bridge writes them; what it does not know raises.

Each text is parsed once, into a function of (item, names, values).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.simulation.attributes import ExpressionError, Item, added, between, compared

Names = Mapping[str, str]
Values = Mapping[str, Any]
Operand = Callable[[Mapping[str, Any], Names, Values], Any]
Test = Callable[[Mapping[str, Any], Names, Values], bool]

TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+-]|[A-Za-z_][\w]*|[:#][\w]+)")
COMPARES = {"=", "<>", "<", "<=", ">", ">="}
KEPT = 5000
RESERVED = frozenset(Path(__file__).with_name("reserved.txt").read_text("ascii").split())
"""DynamoDB's reserved words: an attribute called so must be written with `#` (AWS lists them)."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, and which names and values it refers to."""

    holds: Test
    refers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Update:
    """An update: (clause, attribute, new value) each, and which names and values it refers to."""

    steps: tuple[tuple[str, str, Operand | None], ...]
    refers: frozenset[str]

    def apply(self, item: Mapping[str, Any], names: Names, values: Values) -> Item:
        """Give the item as the update leaves it; every operand is read from the item as it was."""
        new, seen = dict(item), set[str]()
        for clause, token, operand in self.steps:
            name = names[token] if token[0] == "#" else token
            if name in seen:
                raise ExpressionError(f"two document paths overlap: {name}")
            seen.add(name)
            if operand is None:
                new.pop(name, None)
                continue
            value = operand(item, names, values)
            if value is None:
                raise ExpressionError("the provided expression refers to an attribute that does not exist in the item")
            new[name] = value if clause == "SET" else added(item.get(name, {"N": "0"}), value, 1)
        return new


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """`partition = :value`, and what the sort key must be: a comparison with its operands."""

    partition: tuple[str, str]
    sort: tuple[str, str, tuple[str, ...]] | None
    """(attribute, comparison, values)."""
    refers: frozenset[str]


@lru_cache(maxsize=KEPT)
def condition(text: str) -> Condition:
    """Read a condition or filter. Raises `ExpressionError`."""
    reader = _Reader(text)
    holds = reader.either()
    return Condition(holds, reader.end())


@lru_cache(maxsize=KEPT)
def update(text: str) -> Update:
    """Read an update. Raises `ExpressionError`."""
    reader = _Reader(text)
    steps = reader.clauses()
    return Update(steps, reader.end())


@lru_cache(maxsize=KEPT)
def key_condition(text: str) -> KeyCondition:
    """Read the condition of a query. Raises `ExpressionError`."""
    reader = _Reader(text)
    partition = (reader.name(), reader.expect("="), reader.value())
    sort = reader.sort() if reader.peek() == "AND" else None
    return KeyCondition((partition[0], partition[2]), sort, reader.end())


class _Reader:
    """The tokens of one expression, read from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens, at, text = list[str](), 0, text.rstrip()
        while at < len(text):
            match = TOKEN.match(text, at)
            if match is None:
                raise ExpressionError(f"cannot read {text[at:]!r}")
            self._tokens.append(match[1])
            at = match.end()
        self._at = 0

    # ---- conditions

    def either(self) -> Test:
        found = [self._both()]
        while self.peek() == "OR":
            self.next()
            found.append(self._both())
        if len(found) == 1:
            return found[0]
        return lambda item, names, values: any([one(item, names, values) for one in found])  # noqa: C419 - all are read

    def _both(self) -> Test:
        found = [self._one()]
        while self.peek() == "AND":
            self.next()
            found.append(self._one())
        if len(found) == 1:
            return found[0]
        return lambda item, names, values: all([one(item, names, values) for one in found])  # noqa: C419 - all are read

    def _one(self) -> Test:
        match self.peek():
            case "NOT":
                self.next()
                inner = self._one()
                return lambda item, names, values: not inner(item, names, values)
            case "(":
                self.next()
                inner = self.either()
                self.expect(")")
                return inner
            case "attribute_exists" | "attribute_not_exists" as function:
                return self._existence(function == "attribute_exists")
            case "begins_with" | "contains" as function:
                return self._text_test(function)
            case _:
                return self._comparison()

    def _existence(self, wanted: bool) -> Test:
        self.next()
        self.expect("(")
        token = self.name()
        self.expect(")")
        if token[0] == "#":
            return lambda item, names, _: (names[token] in item) is wanted
        return lambda item, _, __: (token in item) is wanted

    def _text_test(self, function: str) -> Test:
        self.next()
        self.expect("(")
        whole = self._operand()
        self.expect(",")
        part = self._operand()
        self.expect(")")

        def holds(item: Mapping[str, Any], names: Names, values: Values) -> bool:
            text, wanted = whole(item, names, values), part(item, names, values)
            if wanted is not None and "S" not in wanted:
                raise ExpressionError(f"{function} of {sorted(wanted)} is not simulated")
            if text is None or wanted is None or "S" not in text:
                return False
            found: bool = wanted["S"] in text["S"] if function == "contains" else text["S"].startswith(wanted["S"])
            return found

        return holds

    def _comparison(self) -> Test:
        left, compare = self._operand(), self.next()
        right = self._operand()
        if compare == "BETWEEN":
            self.expect("AND")
            high = self._operand()
            return lambda item, names, values: between(
                left(item, names, values), right(item, names, values), high(item, names, values)
            )
        if compare not in COMPARES:
            raise ExpressionError(f"unknown comparison {compare!r}")
        return lambda item, names, values: compared(left(item, names, values), compare, right(item, names, values))

    def sort(self) -> tuple[str, str, tuple[str, ...]]:
        """Read the sort key's part of a key condition."""
        self.expect("AND")
        if self.peek() == "begins_with":
            self.next()
            self.expect("(")
            name = self.name()
            self.expect(",")
            found = (name, "begins_with", (self.value(),))
            self.expect(")")
            return found
        name, compare = self.name(), self.next()
        first = self.value()
        if compare == "BETWEEN":
            self.expect("AND")
            return name, compare, (first, self.value())
        if compare not in COMPARES - {"<>"}:
            raise ExpressionError(f"invalid operator used in KeyConditionExpression: {compare}")
        return name, compare, (first,)

    # ---- updates

    def clauses(self) -> tuple[tuple[str, str, Operand | None], ...]:
        """Read SET, REMOVE and ADD, each at most once."""
        steps, seen = list[tuple[str, str, Operand | None]](), set[str]()
        while self.peek():
            clause = self.next()
            if clause not in ("SET", "REMOVE", "ADD") or clause in seen:
                raise ExpressionError(f"unknown or repeated clause {clause!r}")
            seen.add(clause)
            steps.append(self._step(clause))
            while self.peek() == ",":
                self.next()
                steps.append(self._step(clause))
        return tuple(steps)

    def _step(self, clause: str) -> tuple[str, str, Operand | None]:
        name = self.name()
        if clause == "REMOVE":
            return clause, name, None
        if clause == "ADD":
            token = self.value()
            return clause, name, lambda _, __, values: values[token]
        self.expect("=")
        first = self._set_operand()
        if self.peek() not in ("+", "-"):
            return clause, name, first
        sign = 1 if self.next() == "+" else -1
        second = self._set_operand()
        return clause, name, lambda *about: added(first(*about), second(*about), sign)

    def _set_operand(self) -> Operand:
        if self.peek() != "if_not_exists":
            return self._operand()
        self.next()
        self.expect("(")
        token = self.name()
        self.expect(",")
        other = self._operand()
        self.expect(")")

        def value(item: Mapping[str, Any], names: Names, values: Values) -> Any:
            there = item.get(names[token] if token[0] == "#" else token)
            return other(item, names, values) if there is None else there

        return value

    # ---- words

    def _operand(self) -> Operand:
        if self.peek().startswith(":"):
            token = self.value()
            return lambda _, __, values: values[token]
        token = self.name()
        if token[0] == "#":
            return lambda item, names, _: item.get(names[token])
        return lambda item, _, __: item.get(token)

    def name(self) -> str:
        token = self.next()
        if not token or token[0] in ":=<>(),+-" or token.upper() in RESERVED:
            raise ExpressionError(f"{token!r} is a reserved word, or none that names an attribute")
        return token

    def value(self) -> str:
        token = self.next()
        if not token.startswith(":"):
            raise ExpressionError(f"expected a value, not {token!r}")
        return token

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def expect(self, wanted: str) -> str:
        if self.next() != wanted:
            raise ExpressionError(f"expected {wanted!r}")
        return wanted

    def end(self) -> frozenset[str]:
        """Make sure that all was read, and give the names and values that stand in the text."""
        if self.peek():
            raise ExpressionError(f"unexpected {self.peek()!r}")
        return frozenset(token for token in self._tokens if token[0] in ":#")
