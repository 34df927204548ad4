"""What TradeStation's replies to writes say about the command.

200  Orders[] with ids                            -> Accepted, an entry per order
200  some entries refused                         -> Accepted, the refused ones marked
200  every entry refused, or only Errors[]        -> Refused
200  neither an id nor an error                   -> Unknown
400, 403, 404, 429 as JSON                        -> Refused: turned down before execution
any other 4xx, and 4xx that is not JSON           -> Unknown: nobody says that it proves anything
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from orderbridge.brokers.http import Reply, WriteResult, message_of
from orderbridge.brokers.port import Accepted, NotTaken, Outcome, PlacedOrder, RefusalCode, Refused, Unknown
from orderbridge.brokers.tradestation.refusals import refused
from orderbridge.brokers.tradestation.values import Row, objects
from orderbridge.brokers.tradestation.wire import Wanted
from orderbridge.commands import Place
from orderbridge.model import OrderType

_BREAKDOWNS = frozenset({"InternalServerError", "ServiceUnavailable", "GatewayTimeout", "BadGateway"})
"""Errors that tell of a breakdown on the way, also inside a 200: they prove nothing."""
_PROOFS: dict[int, RefusalCode] = {400: "invalid", 403: "not_allowed", 404: "not_found", 429: "rate_limited"}


def placing_outcome(result: WriteResult, wanted: Sequence[Wanted]) -> Outcome:
    """Judge the reply to an order or a group of orders."""
    reply = _readable(result)
    if not isinstance(reply, Reply):
        return reply
    found = reply.body if isinstance(reply.body, list) else [reply.body]
    wrappers = [wrapper for wrapper in found if isinstance(wrapper, dict)]
    rows = [row for key in ("Orders", "Errors") for wrapper in wrappers for row in objects(wrapper, key)]
    entries = [entry for entry in map(_entry, rows or wrappers) if entry.order_id or entry.reason]
    taken = [entry for entry in entries if not entry.reason]
    if any(entry.error in _BREAKDOWNS for entry in entries):
        return Unknown("the broker's own error in the reply")
    if taken:
        return Accepted(_assign(entries, wanted), taken[0].message)
    if entries:
        return refused(entries[0].reason)
    return Unknown("no order in the reply")


def change_outcome(result: WriteResult) -> Outcome:
    """Judge the reply to a replace or a cancel; the id in it may differ from the one that was named."""
    reply = _readable(result)
    if not isinstance(reply, Reply):
        return reply
    body = reply.body[0] if isinstance(reply.body, list) and reply.body else reply.body
    if not isinstance(body, dict):
        return Unknown("no order in the reply")
    entry = _entry(body)
    errors = [found for found in (entry, *map(_entry, objects(body, "Errors"))) if found.reason]
    if any(found.error in _BREAKDOWNS for found in errors):
        return Unknown("the broker's own error in the reply")
    if errors:
        return refused(errors[0].reason)
    if not entry.order_id:
        return Unknown("no order in the reply")
    return Accepted((PlacedOrder(entry.order_id, "order"),), entry.message)


def _readable(result: WriteResult) -> Reply | Refused | NotTaken | Unknown:
    """Give a readable 2xx; anything else is an outcome already."""
    if not isinstance(result, Reply) or result.ok:
        return result
    if result.status in _PROOFS and isinstance(result.body, dict):
        if result.status == 429:
            return Refused("rate_limited", message_of(result) or "Rate quota exceeded")
        return refused(message_of(result), _PROOFS[result.status])
    return Unknown(f"HTTP {result.status}")


# ---- which entry of a reply is which order


@dataclass(frozen=True, slots=True)
class _Entry:
    order_id: str
    error: str
    message: str
    reason: str
    """Why it was turned down; empty when it was taken."""


def _entry(row: Row) -> _Entry:
    error, message = _said(row, "Error"), _said(row, "Message")
    return _Entry(_said(row, "OrderID"), error, message, (message or error) if error else "")


def _said(row: Row, key: str) -> str:
    value = row.get(key)
    return str(value) if isinstance(value, (str, int)) else ""


def _assign(entries: Sequence[_Entry], wanted: Sequence[Wanted]) -> tuple[PlacedOrder, ...]:
    """Tell which order each entry is about.

    No field of an entry names the order that it answers, and the order of entries is not promised. The text of a taken
    one does it ("Sent order: Sell 10 MSFT @ 405.10 Stop Market") where exactly one order fits; the rest go by position.
    """
    left = list(wanted)
    told: dict[int, Wanted] = {}
    for i, entry in enumerate(entries):
        fits = [item for item in left if _says(entry.message, item.order)]
        if len(fits) == 1:
            told[i] = fits[0]
            left.remove(fits[0])
    for i in range(len(entries)):
        if i not in told and left:
            told[i] = left.pop(0)
    return tuple(
        PlacedOrder(entry.order_id, told[i].leg, told[i].index, entry.reason or None)
        for i, entry in enumerate(entries)
        if i in told
    )


_SENT = re.compile(
    r"Sent order: (?P<side>Buy|Sell)[a-z ]* (?P<quantity>[0-9.]+) (?P<symbol>\S.*?) @ (?P<rest>.*)", re.IGNORECASE
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_TYPE_WORDS: dict[OrderType, tuple[bool, bool]] = {
    OrderType.MARKET: (False, False),
    OrderType.LIMIT: (False, True),
    OrderType.STOP: (True, False),
    OrderType.STOP_LIMIT: (True, True),
    OrderType.TRAILING_STOP: (True, False),
}
"""Whether the text of an order of this type has the words stop and limit."""


def _says(message: str, order: Place) -> bool:
    said = _SENT.fullmatch(message.strip())
    if said is None:
        return False
    rest = said["rest"].casefold()
    if ("stop" in rest, "limit" in rest) != _TYPE_WORDS[order.order_type]:
        return False
    if said["side"].casefold() != order.side.value or said["symbol"].casefold() != order.symbol.casefold():
        return False
    trailing = order.order_type is OrderType.TRAILING_STOP
    numbers = () if trailing else (order.limit_price, order.stop_price)
    prices = {Decimal(found) for found in _NUMBER.findall(rest)}
    fits = not prices or "trl" in rest if trailing else prices == {price for price in numbers if price is not None}
    return fits and Decimal(said["quantity"]) == order.quantity
