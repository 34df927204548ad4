"""TradeLocker's order statuses in TradingView's words.

The published list is not complete, spellings differ, and a status that nobody has seen must never end an order: it
counts as working, and the broker is asked again.
"""

from decimal import Decimal

from orderbridge.model import OrderStatus

_FINAL = {
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELLED,
    "canceled": OrderStatus.CANCELLED,
    "removed": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
    "refused": OrderStatus.REJECTED,
    "unplaced": OrderStatus.REJECTED,
}

_WORKING = frozenset({"new", "working", "pending", "partiallyfilled"})


def read_status(native: str, filled: Decimal, *, immediate: bool) -> OrderStatus:
    """Give the order's status. `immediate` tells an IOC order, whose unfilled rest is dropped by the platform.

    Such an order with a part filled did what it could: it is filled, with its filled quantity saying how far.
    """
    status = _FINAL.get(_plain(native), OrderStatus.WORKING)
    if status is not OrderStatus.FILLED and status.final and immediate and filled > 0:
        return OrderStatus.FILLED
    return status


def is_known(native: str) -> bool:
    """Tell whether the status is one that has been seen (`None`, in the reply to a change, is not a status)."""
    return _plain(native) in _FINAL or _plain(native) in _WORKING


def _plain(native: str) -> str:
    return "".join(letter for letter in native.casefold() if letter.isalpha())
