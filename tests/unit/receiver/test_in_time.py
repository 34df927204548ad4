"""Calls under one deadline."""

from collections.abc import Callable

import pytest

from orderbridge.errors import StorageError
from orderbridge.storage.in_time import TRIES, TRIES_AGAINST_OTHERS, TRY_S, ConditionError, InTime
from orderbridge.storage.lean_aws import AwsError
from tests.machine import HandMade

TIME_OUT = AwsError("TimeoutError")


def cancelled(*codes: str) -> AwsError:
    reasons = [{"Code": code, "Item": {"pk": {"S": "x"}}} for code in codes]
    return AwsError("TransactionCanceledException", 400, reasons)


class Clock:
    """Time that passes only when something takes it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def take(self, seconds: float) -> None:
        self.now += seconds


class Operation:
    """A call that takes time and raises what it is told, in turn."""

    def __init__(self, clock: Clock, errors: list[Exception], seconds: float = 0.0) -> None:
        self.clock, self.errors, self.seconds, self.calls = clock, errors, seconds, 0

    def __call__(self, **_: object) -> str:
        self.calls += 1
        self.clock.take(self.seconds)
        if self.errors:
            raise self.errors.pop(0)
        return "done"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def in_time(clock: Clock, seconds: float = 2.4) -> InTime:
    sleep: Callable[[float], None] = clock.take
    return InTime(seconds, HandMade(monotonic=clock, sleep=sleep))


def test_one_retry_is_made_after_a_failure_that_may_pass(clock: Clock) -> None:
    operation = Operation(clock, [TIME_OUT])

    assert in_time(clock).call(operation) == "done"
    assert operation.calls == TRIES == 2


def test_second_failure_ends_it(clock: Clock) -> None:
    operation = Operation(clock, [TIME_OUT] * 9)

    with pytest.raises(StorageError):
        in_time(clock).call(operation)
    assert operation.calls == TRIES


def test_refusal_is_not_tried_again(clock: Clock) -> None:
    operation = Operation(clock, [AwsError("ValidationException", 400)] * 9)

    with pytest.raises(StorageError, match="ValidationException"):
        in_time(clock).call(operation)
    assert operation.calls == 1


def test_meeting_another_transaction_is_tried_again_more_often(clock: Clock) -> None:
    operation = Operation(clock, [cancelled("TransactionConflict", "None")] * (TRIES_AGAINST_OTHERS - 1))

    assert in_time(clock).call(operation) == "done"


def test_meeting_another_transaction_for_ever_ends_in_time(clock: Clock) -> None:
    operation = Operation(clock, [cancelled("TransactionConflict")] * 99)

    with pytest.raises(StorageError):
        in_time(clock).call(operation)
    assert clock.now < 2.4


def test_failed_condition_tells_which_and_what_stood_there(clock: Clock) -> None:
    operation = Operation(clock, [cancelled("ConditionalCheckFailed", "None")])

    with pytest.raises(ConditionError) as failed:
        in_time(clock).call(operation)
    assert failed.value.old == {0: {"pk": {"S": "x"}}}


def test_failed_condition_counts_more_than_a_conflict_beside_it(clock: Clock) -> None:
    operation = Operation(clock, [cancelled("ConditionalCheckFailed", "TransactionConflict")])

    with pytest.raises(ConditionError):
        in_time(clock).call(operation)


def test_no_try_begins_that_could_not_end_in_time(clock: Clock) -> None:
    operation = Operation(clock, [TIME_OUT] * 9, seconds=TRY_S)

    with pytest.raises(StorageError, match="no time"):
        in_time(clock, seconds=TRY_S * 2 - 0.1).call(operation)
    assert operation.calls == 1
    assert clock.now <= TRY_S * 2


@pytest.mark.parametrize("seconds", [2.4, 1.8])
def test_worst_case_of_three_hanging_calls_is_answered_before_tradingview_gives_up(
    clock: Clock, seconds: float
) -> None:
    whole = in_time(clock, seconds)

    for _ in range(3):
        with pytest.raises(StorageError):
            whole.call(Operation(clock, [TIME_OUT] * 9, seconds=TRY_S))

    assert clock.now < 2.5
