"""A netted holding that has gone, and that no order which we follow has closed. Pure.

A position's own stop, a close by id and a person at the broker close it by orders that the ledger does not follow.
While an order of ours works, its fill could be the reason as well, and only not show yet:

    nothing is held now       a look some seconds later shows the same, and that no order of ours has done it
    the other side is held    entries that this look shows as filled have opened all of it, by the position they name
    another position is held  the orders that the broker lists have closed all of the one that was. Fills that come late
                              hide it until the wait is over: entries own what they opened of the new one then

Then everybody's part of what was held is gone. Whoever waited longer would take an entry that fills meanwhile for what
closed the holding, and nobody would own what it has opened.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from orderbridge.brokers.port import Look
from orderbridge.execution.held import held_of
from orderbridge.execution.records import Book, LaneState, RootState, Tracked
from orderbridge.model import Position
from orderbridge.strategy.symbols import canonical_root

CERTAIN_MS = 4_000
"""For so long nothing has to be shown as held: a position may be missing from a report or two."""

ZERO = Decimal(0)
Fill = tuple[Tracked, Decimal]
"""An order with what this look shows of it for the first time."""


def has_gone(before: RootState, positions: Collection[Position]) -> bool:
    """Tell whether the broker shows nothing any more of what it showed as held before: these are a root's positions."""
    shown = before.unsettled_since_ms is None or before.gone
    held = sum((position.signed for position in positions), ZERO)
    another = bool(before.position_ids) and not {one.id for one in positions} & set(before.position_ids)
    return shown and before.baseline != 0 and (held * before.baseline <= 0 or another)


def let_go(state: LaneState, books: Sequence[Book], look: Look, root: str, fills: Sequence[Fill]) -> list[Book] | None:
    """Give the books without what they held of a root and has gone, None while that is not certain.

    `books` hold the `fills` already; `state` is what was known before them.
    """
    before = state.root(root)
    positions = [one for one in look.positions if canonical_root(one.symbol) == root]
    if not has_gone(before, positions):
        return None
    here = [book for book in books if book.root == root]
    held = held_of(positions, root)
    if held == 0:
        told = not fills and _told_twice(before, here, look)
    elif held * before.baseline < 0:
        told = _entered(fills, positions) and sum((filled * one.side.sign for one, filled in fills), ZERO) == held
    else:
        told = _entered(fills, positions) and _closed(look, before.position_ids, held) >= abs(before.baseline)
    return [_without(book, state, before) if book.root == root else book for book in books] if told else None


def known_in(book: Book) -> list[Tracked]:
    """Give the filled entries that name the position they went into (TradeLocker)."""
    return [order for order in book.tracked if order.role == "entry" and order.booked > 0 and order.position_id]


def only_in(books: Sequence[Book], look: Look, root: str, before: RootState, expected: Decimal) -> list[Book]:
    """Give the books of a root that is held in another position than was known with what their entries opened there.

    That is when the broker is believed. Where no listed orders have closed the known one, all books as they are.
    """
    shown = {one.id for one in look.positions if canonical_root(one.symbol) == root}
    entries = [order for book in books if book.root == root for order in known_in(book)]
    known = set(before.position_ids) or {str(order.position_id) for order in entries}
    elsewhere = sum((o.booked * o.side.sign for o in entries if o.position_id not in known), ZERO)
    if not shown or known & shown or not ZERO < abs(expected - elsewhere) <= _closed(look, known, expected):
        return list(books)
    return [_left_in(book, shown) if book.root == root else book for book in books]


def _left_in(book: Book, shown: Collection[str]) -> Book:
    opened = [order for order in known_in(book) if order.position_id in shown]
    jobs = {order.job_id for order in opened}
    kept = book.protection if book.protection is not None and book.protection.job_id in jobs else None
    owned = sum((order.booked * order.side.sign for order in opened), ZERO)
    return replace(book, owned=owned, entry_count=len(opened), protection=kept)


def _told_twice(before: RootState, books: Iterable[Book], look: Look) -> bool:
    """Tell whether the look was begun well after one that told the same, and shows every order of ours as it stands."""
    shown = {order.id for order in look.orders}
    followed = [order.order_id for book in books for order in book.tracked if not order.status.final]
    since_ms = before.unsettled_since_ms
    return since_ms is not None and look.requested_at_ms > since_ms + CERTAIN_MS and shown.issuperset(followed)


def _entered(fills: Iterable[Fill], positions: Iterable[Position]) -> bool:
    ids = {position.id for position in positions}
    return all(o.role == "entry" and o.booked == filled and o.position_id in ids for o, filled in fills)


def _closed(look: Look, position_ids: Collection[str], held: Decimal) -> Decimal:
    """Give how much the listed orders have closed of positions on the side of `held`."""
    of_them = (one for one in look.orders if one.position_id in position_ids)
    return sum((one.filled_quantity for one in of_them if one.side.sign * held < 0), ZERO)


def _without(book: Book, state: LaneState, before: RootState) -> Book:
    old = state.book(book.strategy, book.root)
    if old.owned * before.baseline <= 0:
        return book
    return replace(book, owned=book.owned - old.owned, entry_count=book.entry_count - old.entry_count)
