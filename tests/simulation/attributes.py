"""DynamoDB's attribute values, for the kinds that the bridge stores: text, whole numbers and booleans."""

import re
from collections.abc import Mapping
from typing import Any

from tests.simulation.errors import NotSimulatedError

Item = dict[str, Any]
NUMBER = re.compile(r"0|-?[1-9]\d{0,37}")
"""Whole numbers as DynamoDB gives them back: what is written in another way is not simulated."""


class ExpressionError(ValueError):
    """The expression is malformed, does not fit the item, or uses what is not simulated."""


def copied(item: Mapping[str, Any]) -> Item:
    """Copy an item. Values are never changed in place in here; whoever gets a copy may change it."""
    return {name: dict(value) for name, value in item.items()}


def measured(item: Mapping[str, Any]) -> int:
    """Give an item's size in bytes as DynamoDB counts it. Raises `NotSimulatedError` for other kinds of values."""
    size = 0
    for name, value in item.items():
        ((kind, content),) = value.items()
        size += _length(name)
        if kind == "S" and type(content) is str:
            size += _length(content)
        elif kind == "N" and type(content) is str and NUMBER.fullmatch(content):
            size += (len(content.lstrip("-").rstrip("0")) + 1) // 2 + 1 + content.startswith("-")
        elif kind == "BOOL" and type(content) is bool:
            size += 1
        else:
            raise NotSimulatedError(f"the value of {name}")
    return size


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def compared(left: Any, compare: str, right: Any) -> bool:
    """Compare two attribute values; one that is missing, or of another kind, is only ever `<>`."""
    if left is None or right is None:
        return compare == "<>" and left is not right
    ((kind, a),), ((other, b),) = left.items(), right.items()
    if compare in ("=", "<>"):
        return (kind == other and a == b) is (compare == "=")
    if kind != other:
        return False
    if kind == "BOOL":
        raise ExpressionError(f"invalid operand type for operator {compare}: BOOL")
    if kind == "N":
        a, b = int(a), int(b)
    if compare in ("<", "<="):
        return bool(a < b or (compare == "<=" and a == b))
    return bool(a > b or (compare == ">=" and a == b))


def between(value: Any, low: Any, high: Any) -> bool:
    """Tell whether a value lies within bounds. Raises `ExpressionError` when there can be none between them."""
    if compared(high, "<", low):
        raise ExpressionError("the BETWEEN operator's upper bound is below its lower bound")
    return compared(value, ">=", low) and compared(value, "<=", high)


def added(left: Any, right: Any, sign: int) -> Any:
    """Give the sum of two numbers, or their difference. Raises `ExpressionError` for anything else."""
    if left is None or right is None:
        raise ExpressionError("the provided expression refers to an attribute that does not exist in the item")
    if "N" not in left or "N" not in right:
        raise ExpressionError("an operand in the update expression has an incorrect data type")
    return {"N": str(int(left["N"]) + sign * int(right["N"]))}
