"""Statuses are compared without case, and one that nobody has seen never ends an order."""

from decimal import Decimal

import pytest

from orderbridge.brokers.tradelocker.statuses import is_known, read_status
from orderbridge.model import OrderStatus

NOTHING, SOME = Decimal(0), Decimal("0.1")


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("New", OrderStatus.WORKING),
        ("Filled", OrderStatus.FILLED),
        ("FILLED", OrderStatus.FILLED),
        ("Cancelled", OrderStatus.CANCELLED),
        ("canceled", OrderStatus.CANCELLED),
        ("Removed", OrderStatus.CANCELLED),
        ("rejected", OrderStatus.REJECTED),
        ("Refused", OrderStatus.REJECTED),
        ("Unplaced", OrderStatus.REJECTED),
        ("Partially Filled", OrderStatus.WORKING),
    ],
)
def test_seen_status_is_translated(native: str, expected: OrderStatus) -> None:
    assert read_status(native, NOTHING, immediate=False) is expected
    assert is_known(native)


@pytest.mark.parametrize("native", ["Expired", "None", "", "Filledish", "Unknown"])
def test_unseen_status_counts_as_working_and_is_not_known(native: str) -> None:
    assert read_status(native, SOME, immediate=True) is OrderStatus.WORKING
    assert not is_known(native)


@pytest.mark.parametrize("native", ["Cancelled", "Unplaced", "Refused"])
def test_immediate_order_without_a_fill_keeps_its_end(native: str) -> None:
    assert read_status(native, NOTHING, immediate=True) is not OrderStatus.FILLED
    assert read_status(native, SOME, immediate=True) is OrderStatus.FILLED
