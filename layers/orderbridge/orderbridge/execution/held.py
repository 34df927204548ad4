"""What a strategy and its account hold of a root, by the lane's books and a look at the broker. Pure.

    hidden entry    the broker has taken it and lists it nowhere (not yet, or no more): it may have filled, so it
                    counts as an UNKNOWN one, and nothing is opened beside it (TRADING.md rule 1)
    waiting exit    the stop or target of an entry that rests: it protects nothing, and takes nothing away
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from orderbridge.brokers.port import Look
from orderbridge.execution.records import Book, LaneState, RootState, Tracked
from orderbridge.model import OrderStatus, Position, PositionMode, Side
from orderbridge.strategy.goal import Holding
from orderbridge.strategy.symbols import canonical_root

FORGET_MS = 60_000
"""How long an order that the broker accepted and never showed, or shows no more, is still counted on."""

ZERO = Decimal(0)


def held_of(positions: Iterable[Position], root: str) -> Decimal:
    """Give the signed sum of the positions of one root."""
    return sum((position.signed for position in positions if canonical_root(position.symbol) == root), ZERO)


def root_shown(positions: Iterable[Position], root: str) -> RootState:
    """Give a root as a report has it, settled: its sum and its positions."""
    mine = [position for position in positions if canonical_root(position.symbol) == root]
    return RootState(root, held_of(mine, root), position_ids=tuple(sorted(position.id for position in mine)))


def with_root(state: LaneState, positions: Iterable[Position], root: str) -> LaneState:
    """Give the state with what the account held of a root before we did anything there: others may hold of it."""
    if any(one.root == root for one in state.roots):
        return state
    return replace(state, roots=(*state.roots, root_shown(positions, root)))


def hidden_entries(book: Book, look: Look) -> list[Tracked]:
    """Give the entries that the broker has taken and shows in no list: each may have filled, for up to FORGET_MS."""
    shown = {order.id for order in look.orders}
    entries = (order for order in book.tracked if order.role == "entry" and order.order_id not in shown)
    return [order for order in entries if not order.seen or order.vanished(look.requested_at_ms, FORGET_MS)]


def waiting_exits(state: LaneState, look: Look) -> frozenset[str]:
    """Give the exits that wait for an entry of which nothing is filled: whatever their status, they protect nothing.

    TradeStation may list them as open (unconfirmed), and without naming their parent.
    """
    resting = {order.id for order in look.orders if not order.status.final and order.filled_quantity == 0}
    followed = [order for book in state.books for order in book.tracked]
    entries = {one.order_id: one.job_id for one in followed if one.role == "entry" and one.order_id in resting}
    jobs = set(entries.values())
    own = {order.order_id for order in followed if order.role in ("stop", "target") and order.job_id in jobs}
    return frozenset(own | {order.id for order in look.orders if order.parent_id in entries})


def holding_of(state: LaneState, look: Look, strategy: str, root: str, mode: PositionMode) -> Holding:
    """Give what a strategy and its account hold of a root, fills and entries that the look does not show included."""
    book = state.book(strategy, root)
    positions = tuple(position for position in look.positions if canonical_root(position.symbol) == root)
    working = [order for order in look.orders if canonical_root(order.symbol) == root and not order.status.final]
    tracked = {order.order_id: order for order in book.tracked}
    of_lane = {order.order_id for other in state.books for order in other.tracked}
    of_book = {*tracked, *book.position_ids}
    ours = [order for order in working if of_book & {order.id, order.position_id, order.parent_id}]
    entries = tuple(o for o in ours if o.id in tracked and tracked[o.id].role == "entry")
    waiting = waiting_exits(state, look)
    exits = tuple(
        replace(o, status=OrderStatus.INACTIVE) if o.id in waiting else o for o in ours if o not in entries
    )
    foreign = tuple(o for o in working if o.id not in of_lane and o not in ours)
    by_others = [order for other in state.books if other.of_person and other is not book for order in other.tracked]
    closes = {order.order_id for order in by_others if order.role == "close"}
    pending = [p for p in state.pending if p.root == root and p.strategy == strategy]
    hidden = hidden_entries(book, look)
    if mode is PositionMode.HEDGING:
        held = sum((p.signed for p in positions if p.side is _side(book.owned)), ZERO) if book.owned else held_of(
            positions, root
        )
        if abs(held) < abs(book.owned):
            held = book.owned
        own = tuple(sorted((p for p in positions if p.id in book.position_ids), key=lambda p: (p.opened_at_ms, p.id)))
        positions = own + tuple(p for p in positions if p not in own)
    else:
        unsure = state.root(root).unsettled_since_ms is not None and not any(p.root == root for p in state.pending)
        held = state.root(root).baseline if unsure else held_of(positions, root)
    return Holding(
        held=held,
        owned=book.owned,
        positions=positions,
        entries=entries,
        exits=exits,
        foreign=foreign,
        people=tuple(o for o in working if o.id in closes and o.side.sign * held < 0),
        unknown_entries=sum((p.signed_quantity for p in pending if p.role == "entry"), ZERO)
        + sum(((order.quantity - order.booked) * order.side.sign for order in hidden), ZERO),
        unknown_exits=sum(1 for p in pending if p.role == "close"),
        entry_count=book.entry_count + len(entries) + sum(1 for p in pending if p.role == "entry")
        - sum(1 for o in entries if tracked[o.id].booked > 0)
        + sum(1 for order in hidden if order.booked == 0),
    )


def _side(signed: Decimal) -> Side:
    return Side.BUY if signed > 0 else Side.SELL
