"""One write as a client asks for it: read and checked once, then tried on what stands in the table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import ClientError

from tests.simulation.attributes import ExpressionError, Item, copied, measured
from tests.simulation.errors import NotSimulatedError, client_error
from tests.simulation.expressions import Condition, Update, condition, update
from tests.simulation.rows import Key

Kind = Literal["Put", "Update", "Delete", "ConditionCheck"]
KINDS: tuple[Kind, ...] = ("Put", "Update", "Delete", "ConditionCheck")
KNOWN = {
    "TableName",
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure",
}
MOST_ITEM_BYTES = 400 * 1024
MOST_KEY_BYTES = {"pk": 2048, "sk": 1024, "gpk": 2048, "gsk": 1024}


@dataclass(frozen=True, slots=True)
class Change:
    """A put, update or delete of one item, or only a check of it."""

    kind: Kind
    key: Key
    item: Item | None
    condition: Condition | None
    update: Update | None
    names: Mapping[str, str]
    values: Mapping[str, Any]
    tells_old: bool
    """Whether a failed condition tells what stood there."""

    @classmethod
    def read(cls, operation: Mapping[str, Any], name: str) -> "Change":
        """Read an operation as `TransactItems` has it. Raises `ClientError` as AWS does before it looks at the item."""
        ((word, arguments),) = operation.items()
        (kind,) = [known for known in KINDS if known == word]
        own = {"Put": {"Item"}, "Update": {"Key", "UpdateExpression"}}.get(kind, {"Key"})
        unknown = set(arguments) - KNOWN - own
        if unknown:
            raise NotSimulatedError(f"{name} with {sorted(unknown)}")
        names, values = given(arguments, name)
        try:
            test = condition(arguments["ConditionExpression"]) if "ConditionExpression" in arguments else None
            steps = update(arguments["UpdateExpression"]) if "UpdateExpression" in arguments else None
        except ExpressionError as error:
            raise invalid(name, str(error)) from error
        check_references((part.refers for part in (test, steps) if part is not None), names, values, name)
        item = copied(arguments["Item"]) if kind == "Put" else None
        if item is not None:
            check_item(item, name)
        tells_old = arguments.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        key = key_of(arguments["Item"] if kind == "Put" else arguments["Key"], name, whole=kind != "Put")
        return cls(kind, key, item, test, steps, names, values, tells_old)

    def holds(self, old: Item | None) -> bool:
        """Tell whether the condition holds for what stands there. Raises `ExpressionError`."""
        return self.condition is None or self.condition.holds(old or {}, self.names, self.values)

    def result(self, old: Item | None, name: str) -> Item | None:
        """Give what stands there afterwards. Raises `ExpressionError`, or `ClientError` for an item that cannot be."""
        if self.kind == "ConditionCheck":
            return old
        if self.kind != "Update":
            return self.item
        there = old if old is not None else {"pk": {"S": self.key[0]}, "sk": {"S": self.key[1]}}
        if self.update is None:
            return there
        new = copied(self.update.apply(there, self.names, self.values))
        if (new.get("pk"), new.get("sk")) != (there["pk"], there["sk"]):
            raise ExpressionError("cannot update attribute pk or sk. This attribute is part of the key")
        check_item(new, name)
        return new


def given(arguments: Mapping[str, Any], name: str) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Give the names and values that stand beside expressions; empty ones must be left out."""
    for word in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        if word in arguments and not arguments[word]:
            raise invalid(name, f"{word} must not be empty")
    values: Mapping[str, Any] = arguments.get("ExpressionAttributeValues", {})
    measured(values)
    return arguments.get("ExpressionAttributeNames", {}), values


def check_references(
    parts: Iterable[frozenset[str]], names: Mapping[str, str], values: Mapping[str, Any], name: str
) -> None:
    """Make sure that the expressions use all names and values that are given, and no others."""
    used, known = frozenset[str]().union(*parts), {*names, *values}
    if used - known:
        raise invalid(name, f"used in an expression and not defined: {sorted(used - known)}")
    if known - used:
        raise invalid(name, f"unused in expressions: {sorted(known - used)}")


def check_item(item: Item, name: str) -> None:
    """Refuse an item that is too large, or whose keys cannot be keys."""
    if measured(item) > MOST_ITEM_BYTES:
        raise invalid(name, "Item size has exceeded the maximum allowed size")
    for attribute, most in MOST_KEY_BYTES.items():
        if attribute not in item:
            continue
        text = item[attribute].get("S")
        if not isinstance(text, str) or not 0 < len(text.encode()) <= most:
            raise invalid(name, f"a value of the key attribute {attribute} is not a string of 1 to {most} bytes")


def key_of(attributes: Mapping[str, Any], name: str, *, whole: bool = True) -> Key:
    """Read the table's key; `whole`: nothing else may stand there."""
    if not {"pk", "sk"} <= set(attributes) or (whole and len(attributes) != 2):
        raise invalid(name, "The provided key element does not match the schema")
    pk, sk = attributes["pk"].get("S"), attributes["sk"].get("S")
    if not isinstance(pk, str) or not isinstance(sk, str) or not pk or not sk:
        raise invalid(name, "The provided key element does not match the schema, or is empty")
    return pk, sk


def invalid(operation: str, message: str) -> ClientError:
    """Give the error for a request that cannot be right."""
    return client_error(operation, "ValidationException", message)
