"""The AWS SDK's clients as a simulated process has them: the in-memory services behind faults, time and retries.

What the real client does by itself is done here too: it repeats a call that was throttled, timed out, was reset or met
a 5xx, under the same request token; it never repeats what a condition or another transaction refused.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from tests.simulation.errors import client_error
from tests.simulation.process import Process
from tests.simulation.weather import Fate, Fault

URL = "https://aws.invalid/"
LATENCY_MS = {"dynamodb": (3, 9), "sqs": (5, 15), "secretsmanager": (8, 30), "sns": (8, 30)}
THROTTLES = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "sqs": "RequestThrottled",
    "secretsmanager": "ThrottlingException",
    "sns": "ThrottlingException",
}
REPEATED = frozenset({*THROTTLES.values(), "InternalServerError", "TransactionInProgressException"})
TOKENED = frozenset({"transact_write_items", "put_secret_value", "create_secret"})
SINGLE_WRITES = frozenset({"put_item", "update_item", "delete_item"})

Key = tuple[str, str]


class Flights:
    """The items that a transaction is changing at this moment."""

    def __init__(self) -> None:
        self.keys: dict[Key, int] = {}

    def meets(self, keys: list[Key]) -> bool:
        return any(key in self.keys for key in keys)

    def take_off(self, keys: list[Key]) -> None:
        for key in keys:
            self.keys[key] = self.keys.get(key, 0) + 1

    def land(self, keys: list[Key]) -> None:
        for key in keys:
            self.keys[key] -= 1
            if not self.keys[key]:
                del self.keys[key]


class SdkClient:
    """One service's client in one process."""

    def __init__(
        self, process: Process, inner: Any, service: str, flights: Flights, attempts: int, read_timeout_s: float
    ) -> None:
        self._process = process
        self._inner = inner
        self._service = service
        self._flights = flights
        self._attempts = attempts
        self._read_timeout_ms = round(read_timeout_s * 1000)
        self._latency = LATENCY_MS[service]
        self.on_done: Callable[[str], None] = lambda _: None
        """Told of each operation that was carried out."""

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        called = partial(self._call, operation, getattr(self._inner, operation))
        setattr(self, operation, called)
        return called

    def _call(self, operation: str, deed: Callable[..., Any], **arguments: Any) -> Any:
        if operation in TOKENED and "ClientRequestToken" not in arguments:
            arguments["ClientRequestToken"] = self._process.random_bytes(16).hex()
        for attempt in range(1, self._attempts + 1):
            try:
                return self._once(operation, partial(deed, **arguments), arguments)
            except ClientError as error:
                if attempt == self._attempts or error.response["Error"]["Code"] not in REPEATED:
                    raise
            except BotoCoreError:
                if attempt == self._attempts:
                    raise
            self._process.wait(self._process.dice.randint(1, 50 * 2**attempt))
        raise AssertionError("the last attempt returns or raises")

    def _once(self, operation: str, deed: Callable[[], Any], arguments: Mapping[str, Any]) -> Any:
        process, service = self._process, self._service
        process.wait(process.dice.randint(*self._latency))
        fate = process.fate(service, operation)
        if fate is not None:
            self._refused(fate, operation, arguments)
        if operation == "transact_write_items":
            result = self._transacted(deed, arguments)
        elif operation in SINGLE_WRITES and self._flights.meets([_key(_of_single(arguments))]):
            raise client_error(operation, "TransactionConflictException", "a transaction is under way")
        else:
            result = process.carry_out(deed)
        self.on_done(operation)
        if fate is not None:
            self._lost(fate, operation)
        return result

    def _transacted(self, deed: Callable[[], Any], arguments: Mapping[str, Any]) -> Any:
        """Carry a transaction out: it takes a while, and what meets it meanwhile is refused."""
        keys = [_key(_of_operation(one)) for one in arguments["TransactItems"]]
        if self._flights.meets(keys):
            raise _conflict(arguments)
        self._flights.take_off(keys)
        try:
            self._process.wait(self._process.dice.randint(1, 6))
        finally:
            self._flights.land(keys)
        return self._process.carry_out(deed)

    def _refused(self, fate: Fate, operation: str, arguments: Mapping[str, Any]) -> None:
        """Raise for a fault that keeps the call from being carried out."""
        process, code = self._process, THROTTLES[self._service]
        match fate.fault:
            case Fault.THROTTLED:
                raise client_error(operation, code, "slow down")
            case Fault.ERROR_BEFORE:
                raise client_error(operation, "InternalServerError", "not this time", 500)
            case Fault.CONFLICT if operation == "transact_write_items":
                raise _conflict(arguments)
            case Fault.REFUSED:
                process.wait(20)
                raise EndpointConnectionError(endpoint_url=URL)
            case Fault.HANGS:
                process.wait(self._read_timeout_ms)
                raise ReadTimeoutError(endpoint_url=URL)
            case Fault.SLOW_BEFORE if fate.ms >= self._read_timeout_ms:
                raise ConnectTimeoutError(endpoint_url=URL)
            case _:
                return

    def _lost(self, fate: Fate, operation: str) -> None:
        """Raise for a fault that takes the answer away."""
        process = self._process
        process.afterwards(fate, self._service, operation)
        match fate.fault:
            case Fault.LOST:
                process.wait(self._read_timeout_ms)
                raise ReadTimeoutError(endpoint_url=URL)
            case Fault.RESET:
                raise ConnectionClosedError(endpoint_url=URL)
            case Fault.ERROR_AFTER:
                raise client_error(operation, "InternalServerError", "done all the same", 500)
            case _:
                return


def _of_single(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    key: Mapping[str, Any] = arguments.get("Key") or arguments["Item"]
    return key


def _of_operation(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    ((_, arguments),) = operation.items()
    return _of_single(arguments)


def _key(item: Mapping[str, Any]) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _conflict(arguments: Mapping[str, Any]) -> ClientError:
    reasons = [{"Code": "TransactionConflict"} for _ in arguments["TransactItems"]]
    text = "Transaction cancelled: another one is under way"
    return client_error("TransactWriteItems", "TransactionCanceledException", text, CancellationReasons=reasons)
