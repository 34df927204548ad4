"""A netted holding that has gone, and that no order which we follow has closed. Pure.

A position's own stop, a close by id and a person at the broker close it by orders that the ledger does not follow.
While an order of ours works, its fill could be the reason as well, and only not show yet:

    nothing is held now       a look some seconds later shows the same, and that no order of ours has done it
    the other side is held    entries that this look shows as filled have opened all of it, by the position they name
    another position is held  the orders that the broker lists have closed all of the one that was

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
        told = _entered(fills, positions) and _closed(before, look) >= abs(before.baseline)
    return [_without(book, state, before) if book.root == root else book for book in books] if told else None


def _told_twice(before: RootState, books: Iterable[Book], look: Look) -> bool:
    """Tell whether the look was begun well after one that told the same, and shows every order of ours as it stands."""
    shown = {order.id for order in look.orders}
    followed = [order.order_id for book in books for order in book.tracked if not order.status.final]
    since_ms = before.unsettled_since_ms
    return since_ms is not None and look.requested_at_ms > since_ms + CERTAIN_MS and shown.issuperset(followed)


def _entered(fills: Iterable[Fill], positions: Iterable[Position]) -> bool:
    ids = {position.id for position in positions}
    return all(o.role == "entry" and o.booked == filled and o.position_id in ids for o, filled in fills)


def _closed(before: RootState, look: Look) -> Decimal:
    """Give how much of the positions that were held before the listed orders have closed."""
    of_them = (one for one in look.orders if one.position_id in before.position_ids)
    return sum((one.filled_quantity for one in of_them if one.side.sign * before.baseline < 0), ZERO)


def _without(book: Book, state: LaneState, before: RootState) -> Book:
    old = state.book(book.strategy, book.root)
    if old.owned * before.baseline <= 0:
        return book
    return replace(book, owned=book.owned - old.owned, entry_count=book.entry_count - old.entry_count)
