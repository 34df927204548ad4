"""TradeStation's 37 order status codes in TradingView's words.

A code that is not listed, and every code that only announces something, is `working`: an order is called final only on
a code that says so. Some codes are final only together with `ClosedDateTime`: OUT is also seen for a moment while an
order is being replaced, UCH and RJR tell the end of a change, BRC that of a bracket. STP carries `ClosedDateTime`
although the order still works.
"""

from orderbridge.model import OrderStatus

_FINAL = {
    "FLL": OrderStatus.FILLED,
    "BRF": OrderStatus.FILLED,
    "FLP": OrderStatus.CANCELLED,  # filled in part, the rest is out
    "CAN": OrderStatus.CANCELLED,
    "EXP": OrderStatus.CANCELLED,
    "TSC": OrderStatus.CANCELLED,
    "SCN": OrderStatus.CANCELLED,
    "REJ": OrderStatus.REJECTED,
    "BRO": OrderStatus.REJECTED,
    "DOA": OrderStatus.REJECTED,
}
_FINAL_WHEN_CLOSED = frozenset({"OUT", "UCH", "RJR", "BRC"})
_WAITING = {"OSO": OrderStatus.INACTIVE, "PLA": OrderStatus.PLACING}

FILL_CODES = frozenset({"FLL", "FLP", "FPR", "BRF"})
"""Codes that prove a fill even when the reply carries no execution price."""
CANCEL_SENT = frozenset({"UCN", "CSN"})
"""A cancel was taken and is under way (CSN is the deprecated spelling)."""
REPLACED = "UCH"


def status_of(code: str, *, closed: bool, reject_reason: str, filled: bool) -> OrderStatus:
    """Give the status for a code; `closed` tells whether the order has a `ClosedDateTime`."""
    if code == "TSC" and reject_reason and not filled:
        return OrderStatus.REJECTED
    if code in _FINAL_WHEN_CLOSED and closed:
        return OrderStatus.CANCELLED
    return _FINAL.get(code) or _WAITING.get(code) or OrderStatus.WORKING
