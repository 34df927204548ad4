"""Calls of AWS under one deadline that is shorter than TradingView's patience.

TradingView drops a request after 3 s and never resends it; an answer of 503 it resends. So a call that hangs must end
in time for the answer: a try begins only while there is time for it to end. One retry; each try has explicit time-outs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from orderbridge.errors import ConflictError, StorageError
from orderbridge.machine import MACHINE, Machine
from orderbridge.storage.lean_aws import AwsError

CONNECT_TIMEOUT_S = 0.3
READ_TIMEOUT_S = 0.8
TRY_S = CONNECT_TIMEOUT_S + READ_TIMEOUT_S
"""The longest that one try takes."""
TRIES = 2
TRIES_AGAINST_OTHERS = 10
"""A transaction that met another one of the same items failed at once and is tried again sooner."""
MIN_PAUSE_S = 0.005
MAX_PAUSE_S = 0.06
"""Between two tries: it spreads racing writers."""

_OTHERS = frozenset({"TransactionConflict", "TransactionConflictException", "TransactionInProgressException"})
_PASSING = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "ThrottlingException",
        "ThrottlingError",
    }
)


class ConditionError(ConflictError):
    """A condition of a transaction did not hold; `old` has what stood there, by the position of the operation."""

    def __init__(self, old: Mapping[int, Mapping[str, Any]]) -> None:
        super().__init__("a condition of the transaction did not hold")
        self.old = old


class DeniedError(StorageError):
    """The function's role does not allow the call."""


class InTime:
    """One alert's time, and the calls that are made within it."""

    def __init__(self, seconds: float, machine: Machine = MACHINE) -> None:
        self._machine = machine
        self._until = machine.monotonic() + seconds

    def remaining(self) -> float:
        """Give the seconds left; never negative."""
        return max(0.0, self._until - self._machine.monotonic())

    def call(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        """Make one call. Raises `StorageError`: `DeniedError`, or `ConditionError` for a failed condition.

        The arguments are the same in each try: a transaction's `ClientRequestToken` makes the second one harmless.
        """
        failures = meetings = 0
        while self.remaining() >= TRY_S:
            try:
                return operation(**arguments)
            except AwsError as error:
                _raise_failed_condition(error)
                codes = {str(reason.get("Code")) for reason in error.reasons} | {error.code}
                if codes & _OTHERS:
                    meetings += 1
                elif codes & _PASSING or error.status >= 500 or error.status == 0:
                    failures += 1
                else:
                    kind = DeniedError if error.code.startswith("AccessDenied") else StorageError
                    raise kind(f"AWS refused the call: {error.code}") from error
                if failures >= TRIES or meetings >= TRIES_AGAINST_OTHERS:
                    raise StorageError(f"AWS failed the call: {error.code}") from error
            self._machine.sleep(MIN_PAUSE_S + self._machine.chance() * (MAX_PAUSE_S - MIN_PAUSE_S))
        raise StorageError("there is no time left for the call")


def _raise_failed_condition(error: AwsError) -> None:
    failed = [at for at, reason in enumerate(error.reasons) if reason.get("Code") == "ConditionalCheckFailed"]
    if failed:
        raise ConditionError({at: error.reasons[at].get("Item", {}) for at in failed}) from error
