"""What the panel shows of one account: kept in the table, folded from each new look at the broker. Pure.

    order ids       an id that was shown never changes and never vanishes: it ends filled, cancelled or rejected
    aliases         broker id -> id shown, where the panel knew the order before the broker's id was known, or where
                    the broker gives one order another id (a stop that becomes a position's, a replaced order)
    awaited         orders of the panel's own that no look has shown yet; listed as `placing`
    fills           executions derived from cumulative fills, each booked once (brokers that list none)

Finished orders stay for a day, which is longer than any session.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from orderbridge.brokers.port import Look
from orderbridge.model import Execution, Order, OrderStatus, Position

DAY_MS = 24 * 3_600_000
GONE_MS = 15_000
"""An order that worked and is not listed any more for so long has ended."""
UNSEEN_MS = 60_000
"""An order that the broker took and never listed for so long was not placed."""
MOST_ORDERS = 400
MOST_FILLS = 400
MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Awaited:
    """An order of the panel's own that no look has shown yet. `order.id` is the id shown."""

    order: Order
    lane: str
    job_id: str
    accepted_at_ms: int
    user: str = ""
    broker_id: str = ""
    """Empty while it is not known whether the broker has taken it."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class PanelBook:
    flight: int = 0
    """The shared look that it was folded from last."""
    looked_at_ms: int = 0
    orders: Mapping[str, Order] = field(default_factory=dict)
    """By the id shown."""
    positions: tuple[Position, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    awaited: tuple[Awaited, ...] = ()
    fills: tuple[Execution, ...] = ()
    exits: tuple[str, ...] = ()
    """Broker ids of working orders that the ledger knows to protect a position."""
    gone_since_ms: Mapping[str, int] = field(default_factory=dict)
    backfilled: bool = False
    """The orders that finished before the first look were read."""

    def shown_id(self, broker_id: str) -> str:
        """Give the id under which an order of the broker's is shown."""
        return self.aliases.get(broker_id, broker_id)

    def broker_id(self, shown_id: str) -> str | None:
        """Give the broker's id of an order shown, None where it is not known (yet)."""
        if shown_id in self.orders:
            return self.orders[shown_id].id
        waiting = next((one for one in self.awaited if one.order.id == shown_id), None)
        return waiting.broker_id or None if waiting is not None else None


def folded(
    book: PanelBook, look: Look, flight: int, now_ms: int, exits: Collection[str], *, derive_fills: bool
) -> PanelBook:
    """Give the book after a look; `exits` are the orders that the ledger knows to protect."""
    aliases = dict(book.aliases) | _moved_legs(book, look)
    orders = dict(book.orders)
    fills = list(book.fills)
    listed: set[str] = set()
    for order in look.orders:
        shown = aliases.get(order.id, order.id)
        old = orders.get(shown)
        if old is not None and old.status.final and not order.status.final:
            shown = aliases[order.id] = _next_id(order.id, orders)  # it works after all: never back from final
            old = orders.get(shown)
        listed.add(shown)
        if derive_fills:
            fills += _new_fills(order, shown, fills, now_ms)
        orders[shown] = order
    gone = {shown: book.gone_since_ms.get(shown, now_ms) for shown in _missing(orders, listed)}
    for shown, since_ms in gone.items():
        if now_ms - since_ms >= _patience_ms(orders[shown], orders, aliases):
            orders[shown] = _ended(orders[shown], now_ms)
    awaited, ended = _awaited(book, {order.id for order in look.orders}, now_ms)
    orders |= {one.order.id: _rejected(one, now_ms) for one in ended}
    return replace(
        book,
        flight=flight,
        looked_at_ms=look.requested_at_ms,
        orders=_recent(orders, now_ms),
        positions=look.positions,
        aliases=_used(aliases, orders, awaited),
        awaited=awaited,
        fills=tuple(fills[-MOST_FILLS:]),
        exits=tuple(sorted(exits)),
        gone_since_ms={shown: since for shown, since in gone.items() if not orders[shown].status.final},
    )


# ---- orders


def _missing(orders: Mapping[str, Order], listed: set[str]) -> list[str]:
    return [shown for shown, order in orders.items() if not order.status.final and shown not in listed]


def _moved_legs(book: PanelBook, look: Look) -> dict[str, str]:
    """A working order's stop and target get ids of their own when a position exists: they stay what they were."""
    positions = {position.id: position for position in look.positions}
    parents = {order.id: order for order in (*book.orders.values(), *look.orders) if order.position_id in positions}
    moved: dict[str, str] = {}
    for order in book.orders.values():
        parent = parents.get(order.parent_id or "")
        if parent is None or not _is_leg(order.id) or order.status.final:
            continue
        position = positions[str(parent.position_id)]
        own = position.stop_loss_id if order.id.endswith(":SL") else position.take_profit_id
        if own is not None and own not in book.aliases and own not in book.orders:
            moved[own] = book.shown_id(order.id)
    return moved


def _is_leg(order_id: str) -> bool:
    """Tell whether an id is one that the bridge has made for a stop or target kept in its order."""
    return order_id.endswith((":SL", ":TP"))


def _patience_ms(order: Order, orders: Mapping[str, Order], aliases: Mapping[str, str]) -> int:
    """A stop kept in its order is gone when it was removed; when its order is filled, its position may show late."""
    parent = orders.get(aliases.get(order.parent_id or "", order.parent_id or ""))
    filled = parent is not None and parent.filled_quantity > 0
    return 0 if _is_leg(order.id) and not filled else GONE_MS


def _next_id(order_id: str, orders: Mapping[str, Order]) -> str:
    turn = 2
    while f"{order_id}-{turn}" in orders and orders[f"{order_id}-{turn}"].status.final:
        turn += 1
    return f"{order_id}-{turn}"


def _ended(order: Order, now_ms: int) -> Order:
    return replace(order, status=OrderStatus.CANCELLED, updated_at_ms=now_ms)


def _recent(orders: Mapping[str, Order], now_ms: int) -> dict[str, Order]:
    kept = {s: o for s, o in orders.items() if not o.status.final or _ended_at(o) > now_ms - DAY_MS}
    final = sorted((s for s, o in kept.items() if o.status.final), key=lambda s: _ended_at(kept[s]))
    surplus = {s for s in final[: max(0, len(kept) - MOST_ORDERS)] if _ended_at(kept[s]) < now_ms - MINUTE_MS}
    return {shown: order for shown, order in kept.items() if shown not in surplus}


def _ended_at(order: Order) -> int:
    return max(order.updated_at_ms, order.placed_at_ms)


def _used(aliases: Mapping[str, str], orders: Mapping[str, Order], awaited: Iterable[Awaited]) -> dict[str, str]:
    shown = {*orders, *(one.order.id for one in awaited)}
    return {broker_id: name for broker_id, name in aliases.items() if name in shown}


# ---- orders of the panel's own


def _awaited(book: PanelBook, listed: set[str], now_ms: int) -> tuple[tuple[Awaited, ...], tuple[Awaited, ...]]:
    """Give what is still awaited, and what the broker took and never listed."""
    waiting = [one for one in book.awaited if not one.broker_id or one.broker_id not in listed]
    ended = [one for one in waiting if one.broker_id and now_ms - one.accepted_at_ms > UNSEEN_MS]
    return tuple(one for one in waiting if one not in ended), tuple(ended)


def _rejected(one: Awaited, now_ms: int) -> Order:
    message = one.message or "The broker took this order and does not list it. Please check the account."
    return replace(one.order, status=OrderStatus.REJECTED, updated_at_ms=now_ms, message=message)


def expecting(book: PanelBook, one: Awaited) -> PanelBook:
    """Give the book that lists an order of the panel's own until a look shows it."""
    if one.order.id in book.orders or (one.broker_id and book.shown_id(one.broker_id) in book.orders):
        return book
    others = tuple(other for other in book.awaited if other.order.id != one.order.id)
    book = replace(book, awaited=(*others, one))
    if one.broker_id and one.broker_id != one.order.id:
        book = replace(book, aliases={**book.aliases, one.broker_id: one.order.id})
    return book


def shows(book: PanelBook, shown_id: str) -> bool:
    """Tell whether an id has been shown, or is."""
    return shown_id in book.orders or any(one.order.id == shown_id for one in book.awaited)


def known(book: PanelBook, shown_id: str, broker_id: str) -> PanelBook:
    """Give the book in which an awaited order has got the broker's id; it goes on under the id that was shown."""
    waiting = next((one for one in book.awaited if one.order.id == shown_id), None)
    if waiting is None:
        return book
    others = tuple(one for one in book.awaited if one is not waiting)
    aliases = {**book.aliases, broker_id: shown_id}
    orders = dict(book.orders)
    if broker_id in orders and broker_id != shown_id:  # a look showed it before it was known whose it is
        orders[shown_id] = orders.pop(broker_id)
        return replace(book, awaited=others, aliases=aliases, orders=orders)
    return replace(book, awaited=(*others, replace(waiting, broker_id=broker_id)), aliases=aliases)


def failed(book: PanelBook, shown_id: str, message: str, now_ms: int) -> PanelBook:
    """Give the book in which an awaited order has ended without ever being placed."""
    waiting = next((one for one in book.awaited if one.order.id == shown_id), None)
    if waiting is None:
        return book
    others = tuple(one for one in book.awaited if one is not waiting)
    ended = _rejected(replace(waiting, message=message), now_ms)
    return replace(book, awaited=others, orders={**book.orders, shown_id: ended})


def renamed(book: PanelBook, old_broker_id: str, new_broker_id: str) -> PanelBook:
    """Give the book after a change under which the broker gave the order another id.

    Where a look has shown the new id before this was known, both ids stay: the old one ends, the new one works.
    """
    shown = book.shown_id(old_broker_id)
    if old_broker_id == new_broker_id or shown not in book.orders or new_broker_id in book.orders:
        return book
    orders = {**book.orders, shown: replace(book.orders[shown], id=new_broker_id)}
    aliases = {**book.aliases, new_broker_id: shown, old_broker_id: f"{old_broker_id}-replaced"}
    return replace(book, orders=orders, aliases=aliases)


def backfilled(book: PanelBook, history: Iterable[Order], now_ms: int) -> PanelBook:
    """Give the book with the orders that finished before the first look."""
    finished = {o.id: o for o in history if o.status.final and book.shown_id(o.id) not in book.orders}
    return replace(book, orders=_recent({**finished, **book.orders}, now_ms), backfilled=True)


# ---- executions


def _new_fills(order: Order, shown: str, fills: Iterable[Execution], now_ms: int) -> list[Execution]:
    """Give what was filled since the fills that are booked: quantity and price are the differences."""
    earlier = [fill for fill in fills if fill.order_id == shown]
    before = sum((fill.quantity for fill in earlier), Decimal(0))
    filled = order.filled_quantity - before
    if filled <= 0 or order.average_price is None:
        return []
    paid = sum((fill.quantity * fill.price for fill in earlier), Decimal(0))
    price = (order.average_price * order.filled_quantity - paid) / filled
    at_ms = order.updated_at_ms if order.status.final and order.updated_at_ms else now_ms
    return [
        Execution(
            id=f"{order.id}:{_plain(order.filled_quantity)}",
            order_id=shown,
            symbol=order.symbol,
            side=order.side,
            quantity=filled,
            price=round(price, 8),
            time_ms=max(at_ms, *(fill.time_ms for fill in earlier)) if earlier else at_ms,
            position_id=order.position_id,
        )
    ]


def fill_of(order: Order) -> Execution | None:
    """Give a finished order's fill as one execution, for orders of which nothing finer is known."""
    if order.filled_quantity <= 0 or order.average_price is None:
        return None
    return Execution(
        id=f"{order.id}:{_plain(order.filled_quantity)}",
        order_id=order.id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.filled_quantity,
        price=order.average_price,
        time_ms=_ended_at(order),
        position_id=order.position_id,
    )


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
