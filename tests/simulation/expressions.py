"""DynamoDB's condition and update expressions, as far as the bridge writes them; what it does not know raises."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

Item = dict[str, Any]
TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+]|[A-Za-z_][\w]*|[:#][\w]+)")
COMPARES = {"=", "<>", "<", "<=", ">", ">="}


class ExpressionError(ValueError):
    """The expression is malformed, or uses what is not simulated."""


@lru_cache(maxsize=2000)
def _tokens(text: str) -> tuple[str, ...]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(f"cannot read {text[at:]!r}")
        tokens.append(match[1])
        at = match.end()
    return tuple(tokens)


@dataclass
class Evaluation:
    """One expression over one item; remembers which names and values it used."""

    tokens: tuple[str, ...]
    item: Mapping[str, Any]
    names: Mapping[str, str]
    values: Mapping[str, Any]
    used: set[str]
    at: int = field(default=0)

    # ---- conditions

    def condition(self) -> bool:
        result = self._or()
        if self.at != len(self.tokens):
            raise ExpressionError(f"unexpected {self.tokens[self.at]!r}")
        return result

    def _or(self) -> bool:
        result = self._and()
        while self._peek() == "OR":
            self.at += 1
            other = self._and()
            result = result or other
        return result

    def _and(self) -> bool:
        result = self._one()
        while self._peek() == "AND":
            self.at += 1
            other = self._one()
            result = result and other
        return result

    def _one(self) -> bool:
        token = self._peek()
        if token == "NOT":
            self.at += 1
            return not self._one()
        if token == "(":
            self.at += 1
            result = self._or()
            self._expect(")")
            return result
        if token in ("attribute_exists", "attribute_not_exists"):
            self.at += 1
            self._expect("(")
            there = self._name() in self.item
            self._expect(")")
            return there if token == "attribute_exists" else not there
        if token == "begins_with":
            self.at += 1
            self._expect("(")
            left = self._operand()
            self._expect(",")
            right = self._operand()
            self._expect(")")
            return left is not None and str(_plain(left)).startswith(str(_plain(right)))
        left = self._operand()
        compare = self._next()
        if compare == "BETWEEN":
            low = self._operand()
            self._expect("AND")
            return _compare(left, ">=", low) and _compare(left, "<=", self._operand())
        if compare not in COMPARES:
            raise ExpressionError(f"unknown comparison {compare!r}")
        return _compare(left, compare, self._operand())

    # ---- updates

    def update(self) -> Item:
        new = dict(self.item)
        while self.at < len(self.tokens):
            clause = self._next()
            while True:
                name = self._name()
                if clause == "SET":
                    self._expect("=")
                    new[name] = self._sum()
                elif clause == "REMOVE":
                    new.pop(name, None)
                elif clause == "ADD":
                    old = new.get(name, {"N": "0"})
                    new[name] = {"N": str(int(old["N"]) + int(_plain(self._operand())))}
                else:
                    raise ExpressionError(f"unknown clause {clause!r}")
                if self._peek() != ",":
                    break
                self.at += 1
        return new

    def _sum(self) -> Any:
        value = self._value()
        if self._peek() == "+":
            self.at += 1
            value = {"N": str(int(_plain(value)) + int(_plain(self._value())))}
        if value is None:
            raise ExpressionError("the operand is not in the item")
        return value

    def _value(self) -> Any:
        if self._peek() != "if_not_exists":
            return self._operand()
        self.at += 1
        self._expect("(")
        name = self._name()
        self._expect(",")
        other = self._operand()
        self._expect(")")
        return self.item.get(name, other)

    # ---- words

    def _operand(self) -> Any:
        token = self._peek()
        if token.startswith(":"):
            self.at += 1
            self.used.add(token)
            if token not in self.values:
                raise ExpressionError(f"{token} is not among the values")
            return self.values[token]
        return self.item.get(self._name())

    def _name(self) -> str:
        token = self._next()
        if token.startswith("#"):
            self.used.add(token)
            return self.names[token]
        if token.upper() in RESERVED:
            raise ExpressionError(f"{token} is a reserved word")
        return token

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self.at += 1
        return token

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise ExpressionError(f"expected {token!r}")


RESERVED = {"OWNER", "STATUS", "DATA", "SCHEMA", "NAME", "TIME", "KEY", "VALUE", "LEVEL", "SCOPE", "COUNT", "SIZE"}
"""The reserved words that an attribute of ours might be called by; each must be written with `#`."""


def evaluation(
    text: str, item: Mapping[str, Any], names: Mapping[str, str], values: Mapping[str, Any], used: set[str]
) -> Evaluation:
    return Evaluation(_tokens(text), item, names, values, used)


def _plain(value: Any) -> Any:
    ((kind, content),) = value.items()
    return int(content) if kind == "N" else content


def _compare(left: Any, compare: str, right: Any) -> bool:
    if left is None or right is None:
        return compare == "<>" and left is not right
    if set(left) != set(right):
        return compare == "<>"
    a, b = _plain(left), _plain(right)
    return bool({"=": a == b, "<>": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[compare])
