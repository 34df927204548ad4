"""A simulated DynamoDB table behind the client's own methods: deterministic, in memory, some thirty times moto's speed.

It knows what the bridge uses and refuses the rest. `tests/fidelity` and `test_dynamo.py` hold it to moto's and
MiniStack's answers.
"""

import copy
from bisect import bisect_left, insort
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation.expressions import ExpressionError, Item, evaluation

Key = tuple[str, str]
INDEX = "open"


class SimulatedTable:
    """One table with keys `pk`, `sk` and the index `open` (`gpk`, `gsk`)."""

    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}
        self._partitions: dict[str, list[str]] = {}
        self._index: dict[str, list[tuple[str, Key]]] = {}
        self._tokens: dict[str, str] = {}

    # ---- the client's methods

    def get_item(self, *, Key: Mapping[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803 - boto's own names
        item = self.items.get(_key(Key))
        return {"Item": copy.deepcopy(item)} if item is not None else {}

    def put_item(self, *, Item: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:  # noqa: N803
        return self._single({"Put": {"Item": Item, **arguments}}, "PutItem")

    def update_item(self, *, Key: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:  # noqa: N803
        self._single({"Update": {"Key": Key, **arguments}}, "UpdateItem")
        if arguments.get("ReturnValues") == "ALL_NEW":
            return {"Attributes": copy.deepcopy(self.items[_key(Key)])}
        return {}

    def delete_item(self, *, Key: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:  # noqa: N803
        return self._single({"Delete": {"Key": Key, **arguments}}, "DeleteItem")

    def transact_write_items(
        self,
        *,
        TransactItems: list[Mapping[str, Any]],  # noqa: N803
        ClientRequestToken: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        if len(TransactItems) > 100:
            raise _error("TransactWriteItems", "ValidationException", "more than 100 operations")
        keys = [_key_of(operation) for operation in TransactItems]
        if len(set(keys)) != len(keys):
            raise _error("TransactWriteItems", "ValidationException", "two operations on one item")
        if ClientRequestToken is not None:
            text = repr(TransactItems)
            if self._tokens.setdefault(ClientRequestToken, text) != text:
                raise _error("TransactWriteItems", "IdempotentParameterMismatchException", "another request")
            if text in self._tokens and self._tokens[text] == ClientRequestToken:
                return {}
        reasons: list[dict[str, Any]] = []
        for operation in TransactItems:
            holds = self._holds(operation)
            reason: dict[str, Any] = {"Code": "None" if holds else "ConditionalCheckFailed"}
            ((_, arguments),) = operation.items()
            old = self.items.get(_key_of(operation))
            if not holds and old is not None and arguments.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
                reason["Item"] = copy.deepcopy(old)
            reasons.append(reason)
        if any(reason["Code"] != "None" for reason in reasons):
            raise _error("TransactWriteItems", "TransactionCanceledException", "cancelled", CancellationReasons=reasons)
        for operation in TransactItems:
            self._apply(operation)
        if ClientRequestToken is not None:
            self._tokens[repr(TransactItems)] = ClientRequestToken
        return {}

    def query(self, **arguments: Any) -> dict[str, Any]:
        names = arguments.get("ExpressionAttributeNames", {})
        values = arguments["ExpressionAttributeValues"]
        used: set[str] = set()
        condition = arguments["KeyConditionExpression"]
        partition = _partition_of(condition, values)
        if arguments.get("IndexName") == INDEX:
            rows = [self.items[key] for _, key in self._index.get(partition, [])]
        else:
            rows = [self.items[(partition, sk)] for sk in self._partitions.get(partition, [])]
        found = [row for row in rows if evaluation(condition, row, names, values, used).condition()]
        if "FilterExpression" in arguments:
            wanted = arguments["FilterExpression"]
            found = [row for row in found if evaluation(wanted, row, names, values, used).condition()]
        if arguments.get("ScanIndexForward") is False:
            found.reverse()
        found = found[: arguments.get("Limit", len(found))]
        return {"Items": copy.deepcopy(found), "Count": len(found)}

    def scan(self, **_: Any) -> dict[str, Any]:
        return {"Items": [copy.deepcopy(self.items[key]) for key in sorted(self.items)]}

    # ---- inside

    def _single(self, operation: Mapping[str, Any], name: str) -> dict[str, Any]:
        if not self._holds(operation):
            ((_, arguments),) = operation.items()
            extra: dict[str, Any] = {}
            old = self.items.get(_key_of(operation))
            if old is not None and arguments.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
                extra["Item"] = copy.deepcopy(old)
            raise _error(name, "ConditionalCheckFailedException", "The conditional request failed", **extra)
        self._apply(operation)
        return {}

    def _holds(self, operation: Mapping[str, Any]) -> bool:
        ((_, arguments),) = operation.items()
        condition = arguments.get("ConditionExpression")
        if condition is None:
            return True
        item = self.items.get(_key_of(operation), {})
        return bool(self._evaluate(condition, item, arguments, set()).condition())

    def _apply(self, operation: Mapping[str, Any]) -> None:
        ((kind, arguments),) = operation.items()
        key = _key_of(operation)
        if kind == "ConditionCheck":
            return
        if kind == "Delete":
            self._store(key, None)
        elif kind == "Put":
            self._store(key, copy.deepcopy(dict(arguments["Item"])))
        else:
            used: set[str] = set()
            old = self.items.get(key, {"pk": {"S": key[0]}, "sk": {"S": key[1]}})
            if "ConditionExpression" in arguments:
                self._evaluate(arguments["ConditionExpression"], old, arguments, used).condition()
            new = self._evaluate(arguments["UpdateExpression"], old, arguments, used).update()
            given = {*arguments.get("ExpressionAttributeValues", {}), *arguments.get("ExpressionAttributeNames", {})}
            if given - used:
                raise _error("UpdateItem", "ValidationException", f"unused in expressions: {sorted(given - used)}")
            self._store(key, copy.deepcopy(new))

    def _evaluate(self, text: str, item: Mapping[str, Any], arguments: Mapping[str, Any], used: set[str]) -> Any:
        names = arguments.get("ExpressionAttributeNames", {})
        try:
            return evaluation(text, item, names, arguments.get("ExpressionAttributeValues", {}), used)
        except ExpressionError as error:
            raise _error("Expression", "ValidationException", str(error)) from error

    def _store(self, key: Key, item: Item | None) -> None:
        old = self.items.pop(key, None)
        if old is not None:
            self._partitions[key[0]].remove(key[1])
            if "gpk" in old:
                self._index[old["gpk"]["S"]].remove((old["gsk"]["S"], key))
        if item is None:
            return
        self.items[key] = item
        insort(self._partitions.setdefault(key[0], []), key[1])
        if "gpk" in item:
            rows = self._index.setdefault(item["gpk"]["S"], [])
            rows.insert(bisect_left(rows, (item["gsk"]["S"], key)), (item["gsk"]["S"], key))


def _key(key: Mapping[str, Any]) -> Key:
    return key["pk"]["S"], key["sk"]["S"]


def _key_of(operation: Mapping[str, Any]) -> Key:
    ((kind, arguments),) = operation.items()
    return _key(arguments["Item"] if kind == "Put" else arguments["Key"])


def _partition_of(condition: str, values: Mapping[str, Any]) -> str:
    first = condition.split(" AND ")[0].split("=")[1].strip()
    return str(values[first]["S"])


def _error(operation: str, code: str, message: str, **extra: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, **extra}
    return ClientError(response, operation)
