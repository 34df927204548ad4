"""One DynamoDB transaction: retried when it met another one, told apart when a condition failed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from orderbridge.errors import ConflictError, StorageError
from orderbridge.machine import MACHINE, Machine
from orderbridge.storage.items import AttributeValues

TRIES = 6
MAX_PAUSE_S = 0.05


class ConditionFailedError(ConflictError):
    """A transaction was refused; `failed` holds the positions of the operations whose condition did not hold."""

    def __init__(self, failed: frozenset[int], old: Mapping[int, AttributeValues]) -> None:
        super().__init__("a condition of the transaction did not hold")
        self.failed = failed
        self.old = old


def transact(client: Any, operations: Sequence[Mapping[str, Any]], machine: Machine = MACHINE) -> None:
    """Carry out `operations` (as `TransactItems`) together, or none of them.

    Raises `ConditionFailedError` when a condition did not hold, `StorageError` for all else. The SDK's retries repeat
    one request token, so a write that had succeeded is not taken for a refused one.
    """
    try:
        patient(client.transact_write_items, machine)(TransactItems=list(operations))
    except ClientError as error:
        reasons: list[Any] = list(error.response.get("CancellationReasons", []))
        failed = _failed_conditions(error)
        if failed:
            old = {i: reasons[i]["Item"] for i in failed if reasons[i].get("Item")}
            raise ConditionFailedError(failed, old) from error
        raise StorageError("the transaction failed") from error
    except BotoCoreError as error:
        raise StorageError("the table cannot be reached") from error


def _failed_conditions(error: ClientError) -> frozenset[int]:
    reasons: list[Any] = list(error.response.get("CancellationReasons", []))
    return frozenset(i for i, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed")


def _met_another(error: ClientError) -> bool:
    codes = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
    codes.add(error.response.get("Error", {}).get("Code"))
    met = codes & {"TransactionConflict", "TransactionInProgressException", "TransactionConflictException"}
    return bool(met) and not _failed_conditions(error)


def call(operation: Any, **arguments: Any) -> Any:
    """Make one store call. Raises `ConditionFailedError` for a failed condition, `StorageError` for all else."""
    try:
        return operation(**arguments)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
            old: Any = error.response.get("Item")
            raise ConditionFailedError(frozenset({0}), {0: old} if old else {}) from error
        raise StorageError("the store refused the call") from error
    except BotoCoreError as error:
        raise StorageError("the store cannot be reached") from error


def patient(operation: Callable[..., Any], machine: Machine) -> Callable[..., Any]:
    """Give an operation so that it is repeated when it met a transaction that was changing one of its items just then.

    Such a call was refused without effect, and the SDK does not repeat it.
    """

    def repeated(**arguments: Any) -> Any:
        for _ in range(TRIES - 1):
            try:
                return operation(**arguments)
            except ClientError as error:
                if not _met_another(error):
                    raise
            machine.sleep(machine.chance() * MAX_PAUSE_S)
        return operation(**arguments)

    return repeated


def query_all(client: Any, **arguments: Any) -> list[AttributeValues]:
    """Read every page of a query."""
    items: list[AttributeValues] = []
    while True:
        page = call(client.query, **arguments)
        items.extend(page.get("Items", []))
        if "LastEvaluatedKey" not in page:
            return items
        arguments["ExclusiveStartKey"] = page["LastEvaluatedKey"]
