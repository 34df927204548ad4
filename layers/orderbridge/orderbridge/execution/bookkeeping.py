"""What a look at the broker says about the lane's own orders: fills, positions, agreement. Pure.

    expected holding of a root = what was agreed before + our own fills since
    settled     the broker reports the expected holding, and shows every order of ours
    unsettled   it does not (a fill may take seconds to show up): wait up to SETTLE_MS, then believe the broker

An entry that worked and is listed no more has ended, and may have filled: it is waited for as well, from then on.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from orderbridge.brokers.port import Look
from orderbridge.execution.gone import has_gone, known_in, let_go, only_in
from orderbridge.execution.held import FORGET_MS, held_of, root_shown
from orderbridge.execution.records import Book, LaneState, RootState, Tracked
from orderbridge.execution.sharing import shared_out
from orderbridge.model import Order, OrderStatus, Position, PositionMode
from orderbridge.strategy.symbols import canonical_root

SETTLE_MS = 10_000
"""How long report and ledger may disagree before entries stop and the report is believed (TRADING.md rule 1)."""

CLOCKS_MS = 5_000
"""How far the broker's clock may be from ours."""

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an order of ours since the last look."""

    kind: Literal["filled", "rejected", "cancelled", "drift", "gone"]
    strategy: str
    root: str
    tracked: Tracked | None = None
    quantity: Decimal = ZERO
    price: Decimal | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    state: LaneState
    unsettled: frozenset[str]
    """Roots where report and ledger do not agree yet."""
    events: tuple[Event, ...]


def observe(state: LaneState, look: Look, now_ms: int, mode: PositionMode) -> Observation:
    """Book what the look shows."""
    orders = {order.id: order for order in look.orders}
    books: list[Book] = []
    events: list[Event] = []
    deltas: dict[str, Decimal] = {}
    waiting: set[str] = set()
    claimed = {order.order_id for book in state.books for order in book.tracked}
    for book in state.books:
        book = _named(book, look, claimed)
        booked, happened = _book_fills(book, orders, now_ms)
        delta = sum((event.quantity * event.tracked.side.sign for event in happened if event.tracked), ZERO)
        deltas[book.root] = deltas.get(book.root, ZERO) + delta
        books.append(replace(booked, owned=booked.owned + delta))
        events += happened
        if any(not order.seen or order.vanished(now_ms, SETTLE_MS) for order in booked.tracked):
            waiting.add(book.root)
    if mode is PositionMode.HEDGING:
        return _by_position(state, books, look, now_ms, waiting, events)
    return _by_sum(state, books, look, now_ms, waiting, deltas, events)


def _awaited(state: LaneState, book: Book) -> bool:
    """An entry of the book is SENDING or UNKNOWN: what it wants to be protected by is kept until that is resolved."""
    return any((p.strategy, p.root) == (book.strategy, book.root) and p.role == "entry" for p in state.pending)


def _named(book: Book, look: Look, claimed: set[str]) -> Book:
    """Find the orders of closes by position id, whose answers named none; what is found is `claimed`.

    Where the position is listed no more, nothing is left to find.
    """
    listed = {position.id for position in look.positions}
    tracked: list[Tracked] = []
    for old in book.tracked:
        found = next((o for o in look.orders if old.nameless and o.id not in claimed and _is_close_of(o, old)), None)
        if found is None and old.nameless and old.position_id not in listed:
            continue
        if found is not None:
            claimed.add(found.id)
            old = replace(old, order_id=found.id, lookalikes=())
        tracked.append(old)
    return replace(book, tracked=tuple(tracked))


def _is_close_of(order: Order, close: Tracked) -> bool:
    """An order that was cancelled unfilled is no answer: the platform may try it once more as another one."""
    return (
        (order.position_id, order.side, order.quantity) == (close.position_id, close.side, close.quantity)
        and order.id not in close.lookalikes
        and not order.sibling_ids
        and order.placed_at_ms + CLOCKS_MS >= close.placed_at_ms
        and (order.filled_quantity > 0 or order.status is not OrderStatus.CANCELLED)
    )


def _waited_since_ms(before: RootState, books: Iterable[Book], events: Iterable[Event], now_ms: int) -> int:
    """Give since when a root is waited for: a fill, or an entry that vanished, is given all the time that there is."""
    if before.unsettled_since_ms is None or any((e.kind, e.root) == ("filled", before.root) for e in events):
        return now_ms
    followed = (order for book in books if book.root == before.root for order in book.tracked)
    vanished = (order.vanished_since_ms for order in followed if order.vanished_since_ms is not None)
    return max(before.unsettled_since_ms, *vanished, 0)


def _book_fills(book: Book, orders: dict[str, Order], now_ms: int) -> tuple[Book, list[Event]]:
    tracked: list[Tracked] = []
    events: list[Event] = []
    entries = book.entry_count
    protection = book.protection
    for old in book.tracked:
        order = orders.get(old.order_id)
        if order is None:
            worked = old.role == "entry" and old.seen and not old.status.final
            tracked.append(replace(old, vanished_since_ms=old.vanished_since_ms or now_ms) if worked else old)
            continue
        fill = order.filled_quantity - old.booked
        new = replace(
            old,
            seen=True,
            vanished_since_ms=None,
            status=order.status,
            booked=max(old.booked, order.filled_quantity),
            parent_id=order.parent_id or old.parent_id,
            position_id=(order.position_id if order.filled_quantity > 0 else None) or old.position_id,
        )
        if fill > 0:
            events.append(Event("filled", book.strategy, book.root, new, fill, order.average_price))
            if old.role == "entry":
                entries += old.booked == 0
                own = next((one for one in book.planned if one.job_id == old.job_id), None)
                opens = book.owned * old.side.sign <= 0  # with a later part too, once its first has been closed
                if opens or (own is not None and (old.booked == 0 or protection is None)):
                    protection = own
        if order.status.final and not old.status.final and order.status is not OrderStatus.FILLED:
            kind: Literal["rejected", "cancelled"] = (
                "rejected" if order.status is OrderStatus.REJECTED else "cancelled"
            )
            events.append(Event(kind, book.strategy, book.root, new, message=order.message or order.native_status))
            if kind == "rejected" and new.role == "stop" and protection is not None:
                protection = replace(protection, rejections=protection.rejections + 1)
        tracked.append(new)
    return replace(book, tracked=tuple(tracked), entry_count=entries, protection=protection), events


def _by_sum(
    state: LaneState,
    books: list[Book],
    look: Look,
    now_ms: int,
    waiting: set[str],
    deltas: dict[str, Decimal],
    events: list[Event],
) -> Observation:
    """Netting accounts: one position per symbol, compared as a sum per root."""
    roots: list[RootState] = []
    unsettled: set[str] = set()
    for name in {book.root for book in books} | {root.root for root in state.roots}:
        before = state.root(name)
        positions = [one for one in look.positions if canonical_root(one.symbol) == name]
        taken = root_shown(positions, name)
        reported = taken.baseline
        expected = before.baseline + deltas.get(name, ZERO)
        followed = (order for book in books if book.root == name for order in book.tracked)
        ours = any(not one.status.final and one.side.sign * (reported - expected) > 0 for one in followed)
        fills = [(e.tracked, e.quantity) for e in events if (e.kind, e.root) == ("filled", name) and e.tracked]
        gone = has_gone(before, positions) and not fills
        if any(pending.root == name for pending in state.pending):
            # What an unknown command did shows here before it is resolved: its fills are booked when it is.
            unsettled.add(name)
            entering = any(pending.root == name and pending.role == "entry" for pending in state.pending)
            waited_ms = before.unsettled_since_ms or now_ms
            another = reported * before.baseline > 0 and name not in waiting
            left = let_go(state, books, look, name, fills) if another else None
            if left is not None:  # whatever the command did, it is not what was held before
                books = left
                roots.append(replace(taken, unsettled_since_ms=waited_ms))
                continue
            roots.append(RootState(name, expected, waited_ms, gone and not entering, before.position_ids))
            continue
        left = None if name in waiting else let_go(state, books, look, name, fills)
        if left is not None:
            books = left
            roots.append(taken)
            continue
        agreed = reported == expected
        # No order of ours that works could have done it.
        foreign = not agreed and not ours and deltas.get(name, ZERO) == 0 and before.unsettled_since_ms is None
        another = gone and reported * before.baseline > 0
        if (agreed or foreign) and name not in waiting and not another:
            roots.append(taken)
            continue
        since = _waited_since_ms(before, books, events, now_ms)
        if now_ms - since >= SETTLE_MS:
            events.append(Event("drift", "", name, quantity=reported - expected))
            books = [_forget_unseen(book, now_ms) if book.root == name else book for book in books]
            books = only_in(books, look, name, before, expected)
            roots.append(taken)
            continue
        unsettled.add(name)
        roots.append(RootState(name, expected, since, gone, before.position_ids))
    books = [book for root in roots for book in shared_out(books, root.root, root.baseline)]
    unlinked = [order.order_id for book in books if book.root in unsettled for order in known_in(book)]
    books = [_pruned(book, unlinked, _awaited(state, book)) for book in books]
    return Observation(_state(state, books, roots), frozenset(unsettled), tuple(events))


def _by_position(
    state: LaneState, books: list[Book], look: Look, now_ms: int, waiting: set[str], events: list[Event]
) -> Observation:
    """Hedging accounts: a strategy owns the positions that its own fills opened, by id."""
    open_now = {position.id: position for position in look.positions}
    closed = {order.position_id for order in look.orders if order.effect == "close" and order.filled_quantity > 0}
    roots: list[RootState] = []
    unsettled: set[str] = set()
    result: list[Book] = []
    unlinked: set[str] = set()
    for book in books:
        ids = [pid for pid in book.position_ids if pid in open_now]
        unseen = ZERO
        for order in book.tracked:
            if order.role != "entry" or order.booked == 0 or order.position_id in book.position_ids:
                continue
            if order.position_id in open_now:
                ids.append(str(order.position_id))
            elif order.position_id not in closed:
                unseen += order.booked * order.side.sign
                unlinked.add(order.order_id)
                waiting.add(book.root)
        owned = sum((open_now[pid].signed for pid in ids), ZERO) + unseen
        ids.sort(key=lambda pid: (open_now[pid].opened_at_ms, pid))
        result.append(replace(book, owned=owned, position_ids=tuple(dict.fromkeys(ids))))
    for name in {book.root for book in result} | {root.root for root in state.roots}:
        if name not in waiting:
            roots.append(RootState(name, held_of(look.positions, name)))
            continue
        since = _waited_since_ms(state.root(name), books, events, now_ms)
        if now_ms - since >= SETTLE_MS:
            events.append(Event("drift", "", name))
            result = [_forget_unseen(book, now_ms, open_now) if book.root == name else book for book in result]
            unlinked -= {order.order_id for book in result if book.root == name for order in book.tracked}
            roots.append(RootState(name, held_of(look.positions, name)))
            continue
        unsettled.add(name)
        roots.append(RootState(name, held_of(look.positions, name), since))
    result = [_pruned(book, unlinked, _awaited(state, book), holds=bool(book.position_ids)) for book in result]
    return Observation(_state(state, result, roots), frozenset(unsettled), tuple(events))


def _state(state: LaneState, books: Iterable[Book], roots: Iterable[RootState]) -> LaneState:
    kept = [book for book in books if not _blank(book)]
    named = {book.root for book in kept} | {pending.root for pending in state.pending}
    wanted = sorted((root for root in roots if root.root in named or root.baseline), key=lambda root: root.root)
    return replace(state, books=tuple(sorted(kept, key=lambda book: (book.strategy, book.root))), roots=tuple(wanted))


def _blank(book: Book) -> bool:
    return book == Book(book.strategy, book.root)


def _forget_unseen(book: Book, now_ms: int, open_now: dict[str, Position] | None = None) -> Book:
    """After the wait, an order that the broker never showed is no longer counted on."""
    tracked = tuple(
        order
        for order in book.tracked
        if (order.seen or now_ms - order.placed_at_ms < _patience_ms(order))
        and not (open_now is not None and order.seen and order.status.final and order.role == "entry")
    )
    owned = book.owned
    if open_now is not None:
        owned = sum((open_now[pid].signed for pid in book.position_ids if pid in open_now), ZERO)
    return replace(book, tracked=tracked, owned=owned)


def _patience_ms(order: Tracked) -> int:
    return FORGET_MS if order.role in ("entry", "close") else SETTLE_MS


def _pruned(book: Book, unlinked: Collection[str] = (), awaited: bool = False, holds: bool = False) -> Book:
    """Stop following what is final and booked; a flat book with nothing working starts afresh.

    A filled entry whose position has not shown yet, or is not settled (`unlinked`), is still followed. A book that
    `holds` open positions is not flat though they may add up to nothing: a person may be long and short at once.
    """
    tracked = tuple(
        order for order in book.tracked if not (order.seen and order.status.final) or order.order_id in unlinked
    )
    entering = {order.job_id for order in tracked if order.role == "entry"}
    planned = tuple(own for own in book.planned if awaited or own.job_id in entering)
    book = replace(book, tracked=tracked, planned=planned)
    if book.owned == 0 and not holds and not awaited and not any(order.role == "entry" for order in tracked):
        book = replace(book, entry_count=0, protection=None, position_ids=(), unprotected_since_ms=None)
    return book
