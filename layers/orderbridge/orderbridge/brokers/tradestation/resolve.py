"""Tell from a fresh look whether a command took effect whose reply was lost.

TradeStation keeps no mark of ours, so an order is recognised by its fingerprint among the orders that are new: not
there before sending, not taken by another command, not opened earlier than the sending (less what clocks may differ).

    exactly one entry or group fits   -> Done
    several                           -> Ambiguous
    none                              -> Absent
    its exits or siblings are missing -> Absent for SETTLE_MS, then Done with the missing ones marked as refused

A cancel is judged by the order itself, a replace by its values, or by a new order with them where the id changes.
"""

from collections.abc import Iterable, Sequence
from itertools import product

from orderbridge.brokers.port import Absent, Ambiguous, Done, Evidence, Leg, Look, PlacedOrder, Resolution
from orderbridge.brokers.tradestation.fingerprint import fits, fits_as_part
from orderbridge.brokers.tradestation.statuses import CANCEL_SENT, REPLACED
from orderbridge.brokers.tradestation.wire import exits_of
from orderbridge.commands import Cancel, Place, PlaceGroup, Replace
from orderbridge.model import Order, OrderStatus

CLOCK_SKEW_MS = 5_000
"""`OpenedDateTime` is the server's clock in whole seconds."""
SETTLE_MS = 25_000
"""After this a part of an order that is not shown does not exist: the longest write (15 s) and the longest time until
the list shows what was booked (10 s). Whoever gave up earlier would not know a working target again as its own."""
MISSING = "not found at the broker"


def resolve_command(command: Place | PlaceGroup | Replace | Cancel, evidence: Evidence, look: Look) -> Resolution:
    """Give what the look shows of the command. Pure; the look must have been requested after the sending."""
    match command:
        case Place():
            return _placed(command, evidence, look)
        case PlaceGroup():
            return _group(command, evidence, look)
        case Replace():
            return _replaced(command, evidence, look)
        case Cancel():
            return _cancelled(command, look)


# ---- placed


def _placed(command: Place, evidence: Evidence, look: Look) -> Resolution:
    fresh = _fresh(evidence, look)
    single = [order for order in fresh if order.parent_id is None and not order.sibling_ids]
    found = [(entry, _parts(command, entry, fresh)) for entry in single if fits(entry, command)]
    complete = [(entry, parts) for entry, parts in found if all(parts.values())]
    best = complete or found
    if not best:
        return Absent()
    if len(best) > 1:
        return Ambiguous(tuple(entry.id for entry, _ in best))
    if not complete and not _settled(evidence, look):
        return Absent()
    entry, parts = best[0]
    return Done(_placed_orders(entry, "order", 0, parts))


_Parts = dict[Leg, Order | None]


def _parts(command: Place, entry: Order, fresh: Sequence[Order]) -> _Parts:
    """Find the protective orders of an entry: those that name it as parent, else those that fit and name no parent."""
    parts: _Parts = {}
    if command.bracket is None:
        return parts
    for leg, wanted in exits_of(command, command.bracket):
        own = [order for order in fresh if order.parent_id == entry.id and fits_as_part(order, wanted)]
        free = [order for order in fresh if order.parent_id is None and order.id != entry.id and fits(order, wanted)]
        taken = [order.id for order in parts.values() if order is not None]
        candidates = [order for order in own or free if order.id not in taken]
        parts[leg] = candidates[0] if len(candidates) == 1 else None
    return parts


def _placed_orders(entry: Order, leg: Leg, index: int, parts: _Parts) -> tuple[PlacedOrder, ...]:
    exits = (
        PlacedOrder(order.id, part_leg, index) if order else PlacedOrder("", part_leg, index, MISSING)
        for part_leg, order in parts.items()
    )
    return (PlacedOrder(entry.id, leg, index), *exits)


# ---- groups


def _group(command: PlaceGroup, evidence: Evidence, look: Look) -> Resolution:
    """Find the children: linked as siblings where the replies say so, each recognised by its own fingerprint."""
    fresh = _fresh(evidence, look)
    by_child = [[order for order in fresh if fits_as_part(order, child)] for child in command.orders]
    whole = [found for found in product(*by_child) if _belong_together(found, command)]
    if len({frozenset(order.id for order in found) for found in whole}) > 1:
        return Ambiguous(tuple(dict.fromkeys(order.id for found in whole for order in found)))
    children: list[Order | None] = list(whole[0]) if whole else []
    if not whole:
        exact = any(fits(order, child) for child, rows in zip(command.orders, by_child, strict=True) for order in rows)
        if not exact or not _settled(evidence, look):
            return Absent()
        if any(len(candidates) > 1 for candidates in by_child):
            return Ambiguous(tuple(dict.fromkeys(order.id for candidates in by_child for order in candidates)))
        children = [candidates[0] if candidates else None for candidates in by_child]
    placed: list[PlacedOrder] = []
    for i, (child, wanted) in enumerate(zip(children, command.orders, strict=True)):
        if child is None:
            placed.append(PlacedOrder("", "child", i, MISSING))
        else:
            placed.extend(_placed_orders(child, "child", i, _parts(wanted, child, fresh)))
    return Done(tuple(placed))


def _belong_together(orders: Sequence[Order], command: PlaceGroup) -> bool:
    ids = {order.id for order in orders}
    if len(ids) < len(orders):
        return False
    if not any(fits(order, child) for order, child in zip(orders, command.orders, strict=True)):
        return False  # a fill shrinks the siblings of a bracket, but never all of them
    return all(not order.sibling_ids or ids - {order.id} <= set(order.sibling_ids) for order in orders)


# ---- changes


def _cancelled(command: Cancel, look: Look) -> Resolution:
    """An order that is final, or whose cancel is under way, needs no cancel any more; `message` tells how it ended."""
    order = _by_id(look, command.order_id)
    if order is None:
        return Absent()
    if order.status.final:
        return Done((PlacedOrder(order.id, "order"),), f"the order is {order.status}")
    if order.native_status in CANCEL_SENT:
        return Done((PlacedOrder(order.id, "order"),), "the cancel is under way")
    return Absent()


def _replaced(command: Replace, evidence: Evidence, look: Look) -> Resolution:
    old = _by_id(look, command.order_id)
    if old is not None and _has_values(old, command):
        return Done((PlacedOrder(old.id, "order"),))
    if old is not None and old.status is not OrderStatus.CANCELLED and old.native_status != REPLACED:
        return Absent()
    found = [order for order in _fresh(evidence, look) if _succeeds(order, old, command)]
    if len(found) > 1:
        return Ambiguous(tuple(order.id for order in found))
    return Done((PlacedOrder(found[0].id, "order"),)) if found else Absent()


def _succeeds(order: Order, old: Order | None, command: Replace) -> bool:
    """Tell whether `order` is the one that a replace under a new id left."""
    if order.symbol.casefold() != command.symbol.casefold() or not _has_values(order, command):
        return False
    return old is None or (order.side, order.type) == (old.side, old.type)


def _has_values(order: Order, command: Replace) -> bool:
    """Compare what the replace wanted; whether its quantity means the total or what remains is unconfirmed."""
    pairs = (
        (order.limit_price, command.limit_price),
        (order.stop_price, command.stop_price),
        (order.trail_amount, command.trail_amount),
        (order.trail_percent, command.trail_percent),
    )
    if any(wanted is not None and has != wanted for has, wanted in pairs):
        return False
    return command.quantity is None or command.quantity in (order.quantity, order.quantity - order.filled_quantity)


# ---- shared


def _fresh(evidence: Evidence, look: Look) -> list[Order]:
    known = {*evidence.order_ids, *evidence.claimed_ids}
    earliest = evidence.sent_at_ms - CLOCK_SKEW_MS
    return [order for order in look.orders if order.id not in known and _opened_since(order, earliest)]


def _opened_since(order: Order, earliest_ms: int) -> bool:
    return order.placed_at_ms == 0 or order.placed_at_ms >= earliest_ms


def _settled(evidence: Evidence, look: Look) -> bool:
    return look.requested_at_ms - evidence.sent_at_ms >= SETTLE_MS


def _by_id(look: Look, order_id: str) -> Order | None:
    found: Iterable[Order] = (order for order in look.orders if order.id == order_id)
    return next(iter(found), None)
