"""The texts that placing, confirming and changing orders answer with."""

from decimal import Decimal

from sandbox.tradestation.model import Ticket, Trail

REPLACE_SENT = "Cancel/Replace order sent."
CANCEL_SENT = "Cancel request sent"
NOT_OPEN = "Not an open order."
INVALID_ID = "Invalid order ID."
REPLACE_NOT_OPEN = f"Failed to Cancel/Replace order: {NOT_OPEN}"
CANCEL_TRIED = "Cancel/Replace not allowed after cancel has been attempted"
STOP_HIT = "Failed to Cancel/Replace order: prior stop already triggered"
FAILED_PREFIX = "Order failed. Reason: "


def summary(ticket: Ticket, stop: Decimal | None) -> str:
    """Describe an order as `Buy 10 MSFT @ 412.30 Limit`; prices keep the digits that were sent."""
    what = f"{ticket.action.words} {ticket.quantity} {ticket.instrument.symbol} @"
    match ticket.type:
        case "Market":
            return f"{what} Market"
        case "Limit":
            return f"{what} {ticket.limit_price} Limit"
        case "StopMarket":
            return f"{what} {stop if stop is not None else ''} Stop Market{_trail(ticket.trail)}"
        case "StopLimit":
            return f"{what} {ticket.stop_price} Stop Limit {ticket.limit_price}"


def _trail(trail: Trail | None) -> str:
    if trail is None:
        return ""
    return f" - Trl: {trail.amount}" if trail.amount is not None else f" - Trl: {trail.percent}%"
