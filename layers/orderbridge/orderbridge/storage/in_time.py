"""Calls of AWS under one deadline that is shorter than TradingView's patience.

TradingView drops a request after 3 s and never resends it; an answer of 503 it resends. So a call that hangs must end
in time for the answer: a try begins only while there is time for it to end. One retry; each try has the SDK's explicit
time-outs, and the SDK itself retries nothing (`attempts=1`).
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from orderbridge.errors import StorageError
from orderbridge.storage.transact import ConditionFailedError

CONNECT_TIMEOUT_S = 0.3
READ_TIMEOUT_S = 0.8
TRY_S = CONNECT_TIMEOUT_S + READ_TIMEOUT_S
"""The longest that one try takes."""
TRIES = 2
TRIES_AGAINST_OTHERS = 10
"""A transaction that met another one of the same items failed at once and is tried again sooner."""
MAX_PAUSE_S = 0.06

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


class InTime:
    """One alert's time, and the calls that are made within it."""

    def __init__(
        self,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._until = monotonic() + seconds

    def remaining(self) -> float:
        """Give the seconds left; never negative."""
        return max(0.0, self._until - self._monotonic())

    def call(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        """Make one call. Raises `ConditionFailedError` for a failed condition and `StorageError` for all else.

        The arguments are the same in each try: a transaction's `ClientRequestToken` makes the second one harmless.
        """
        failures = meetings = 0
        while self.remaining() >= TRY_S:
            try:
                return operation(**arguments)
            except ClientError as error:
                reasons = error.response.get("CancellationReasons", [])
                _raise_failed_condition(error, reasons)
                codes = {str(reason.get("Code")) for reason in reasons} | {_code(error)}
                if codes & _OTHERS:
                    meetings += 1
                elif codes & _PASSING or _status(error) >= 500:
                    failures += 1
                else:
                    raise StorageError(f"AWS refused the call: {_code(error)}") from error
                last: Exception = error
            except BotoCoreError as error:
                failures += 1
                last = error
            if failures >= TRIES or meetings >= TRIES_AGAINST_OTHERS:
                raise StorageError("AWS failed the call twice") from last
            self._sleep(random.uniform(0.005, MAX_PAUSE_S))  # noqa: S311 - spreads racing writers, protects nothing
        raise StorageError("there is no time left for the call")


def _raise_failed_condition(error: ClientError, reasons: Sequence[Mapping[str, Any]]) -> None:
    failed = frozenset(i for i, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed")
    if failed:
        old = {i: reasons[i]["Item"] for i in failed if reasons[i].get("Item")}
        raise ConditionFailedError(failed, old) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
