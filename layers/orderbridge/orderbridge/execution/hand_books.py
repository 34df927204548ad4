"""Books of what people hold by hand: `panel:USER` for each user, and one for each entry whose bracket is under way.

    entry with a bracket   book `panel:USER#JOB`, protected as a strategy's holding is, until the broker works its exits
    handed over            merged into `panel:USER`, whose exits are the person's own: nothing is put back
    armed                  while the bridge itself takes exits away (a close, another bracket): put back if that fails

Pure.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from decimal import Decimal

from orderbridge.brokers.port import Capabilities, Look
from orderbridge.commands import Bracket
from orderbridge.execution.care import unprotected
from orderbridge.execution.held import waiting_exits, with_root
from orderbridge.execution.records import PANEL, Book, LaneState, Protection, Role, Tracked
from orderbridge.execution.session import CLOCKS_MS, with_book
from orderbridge.model import Order, OrderStatus, OrderType, Position
from orderbridge.strategy.goal import Holding
from orderbridge.strategy.symbols import canonical_root

STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


def panel_book(user: str) -> str:
    """Name the book of a user."""
    return f"{PANEL}{user}"


def base_of(strategy: str) -> str:
    """Give the book that an entry's own book is merged into."""
    return strategy.partition("#")[0]


def entry_book(strategy: str, job_id: str) -> str:
    """Name the book of one entry."""
    return f"{base_of(strategy)}#{job_id[:12]}"


# ---- the exits of a position


def exits_of(state: LaneState, look: Look, position: Position, *, closing: bool = False) -> tuple[Order, ...]:
    """Give the working orders that protect a position, whoever placed them; with `closing` also plain closes."""
    roles, waiting = roles_of(state), waiting_exits(state, look)
    found = [
        order
        for order in look.orders
        if order.symbol == position.symbol
        and order.id not in waiting
        and order.side is position.side.opposite
        and order.status is OrderStatus.WORKING
        and _protects(order, roles.get(order.id), closing)
    ]
    return tuple(found)


def _protects(order: Order, role: Role | None, closing: bool) -> bool:
    match role:
        case "stop" | "target":
            return True
        case "close":
            return closing
        case "entry":
            return False
        case _:
            linked = order.parent_id is not None or bool(order.sibling_ids) or order.type in STOPS
            return order.effect != "open" and (linked or (closing and order.effect == "close"))


def roles_of(state: LaneState) -> dict[str, Role]:
    """Give what each followed order of the lane is for."""
    return {order.order_id: order.role for book in state.books for order in book.tracked}


def bracket_of(exits: Iterable[Order]) -> Bracket:
    """Give the bracket that exits amount to: the first stop and the first target."""
    exits = tuple(exits)
    stop = next((order for order in exits if order.type in STOPS), None)
    target = next((order for order in exits if order.type is OrderType.LIMIT), None)
    return Bracket(
        stop_loss=stop.stop_price if stop is not None and stop.trail_amount is None else None,
        stop_limit=stop.limit_price if stop is not None and stop.type is OrderType.STOP_LIMIT else None,
        trail_amount=stop.trail_amount if stop is not None else None,
        trail_percent=stop.trail_percent if stop is not None else None,
        take_profit=target.limit_price if target is not None else None,
    )


# ---- taking over, arming, handing over


def adopted(
    state: LaneState, look: Look, position: Position, strategy: str, job_id: str
) -> LaneState:
    """Give the state in which the person's book holds what nobody's book holds of a position, its exits included."""
    root = canonical_root(position.symbol)
    sign = position.side.sign
    owned = sum((abs(book.owned) for book in state.books if book.root == root and book.owned * sign > 0), Decimal(0))
    rest = position.quantity - owned
    book = state.book(base_of(strategy), root)
    if rest <= 0 or book.owned * sign < 0:
        return state
    known = set(roles_of(state))
    foreign = [
        _followed(order, job_id)
        for order in exits_of(state, look, position)
        if order.id not in known and order.parent_id not in known
    ]
    state = with_root(state, look.positions, root)
    return with_book(state, replace(book, owned=book.owned + rest * sign, tracked=(*book.tracked, *foreign)))


def _followed(order: Order, job_id: str) -> Tracked:
    return Tracked(
        order_id=order.id,
        command_id="",
        job_id=job_id,
        role="target" if order.type is OrderType.LIMIT else "stop",
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        placed_at_ms=order.placed_at_ms,
        booked=order.filled_quantity,
        status=order.status,
        seen=True,
    )


def owners_of(state: LaneState, position: Position) -> tuple[Book, ...]:
    """Give the books that hold part of a position."""
    root = canonical_root(position.symbol)
    return tuple(
        book
        for book in state.books
        if book.root == root
        and book.owned * position.side.sign > 0
        and (not book.position_ids or position.id in book.position_ids)
    )


def armed(state: LaneState, look: Look, position: Position, job_id: str) -> LaneState:
    """Give the state in which people's books want the exits that they have now, should they be lost.

    Those that another book follows are not a person's: their prices are of somebody else's entry.
    """
    exits = exits_of(state, look, position)
    followed = set(roles_of(state))
    for book in owners_of(state, position):
        mine = {order.order_id for order in book.tracked}
        bracket = bracket_of(order for order in exits if order.id in mine or order.id not in followed)
        own = book.protection
        idle = own.quantity is not None if own is not None else bracket != Bracket()
        if book.of_person and idle:
            state = with_book(state, replace(book, protection=Protection(position.symbol, bracket, job_id)))
    return state


def reworded(
    state: LaneState,
    books: Iterable[Book],
    change: Callable[[Bracket], Bracket],
    pressed_ms: int,
    entries: Collection[str] = (),
) -> LaneState:
    """Give the state in which these books want what the person has set.

    The word is about what is held, or about the `entries` of these jobs: one order's bracket is not another's. A
    person's word about a stop outranks what the alert had asked for: what was removed is not put back. But it says
    nothing about an entry that was sent while the press waited for its turn.
    """
    for book in books:
        own, meant = book.protection, entries
        newer = own is not None and own.asked_ms > pressed_ms + CLOCKS_MS
        if own is not None and (own.job_id in entries if entries else not newer):
            own, meant = replace(own, bracket=change(own.bracket), refused=""), {*entries, own.job_id}
        planned = tuple(
            replace(one, bracket=change(one.bracket)) if one.job_id in meant else one for one in book.planned
        )
        state = with_book(state, replace(book, protection=own, planned=planned))
    return state


def followers_of(state: LaneState, symbol: str, order_ids: Iterable[str], position_id: str | None) -> tuple[Book, ...]:
    """Give the books that follow one of these orders, or hold this position."""
    root, ids = canonical_root(symbol), set(order_ids)
    return tuple(
        book
        for book in state.books
        if book.root == root
        and (position_id in book.position_ids or any(order.order_id in ids for order in book.tracked))
    )


def handed_over(state: LaneState, book: Book, holding: Holding, capabilities: Capabilities) -> LaneState | None:
    """Give the state in which a book is the person's own matter, None while the bridge still looks after it."""
    own = book.protection
    if not book.of_person or own is None or own.quantity is not None or book.owned == 0:
        return None
    entering = any(order.role == "entry" and not order.status.final for order in book.tracked)
    pending = any((one.strategy, one.root) == (book.strategy, book.root) for one in state.pending)
    leaving = {order.order_id for order in book.tracked if order.leaving}
    waiting = any(order.status is OrderStatus.INACTIVE or order.id in leaving for order in holding.exits)
    if entering or pending or waiting or (unprotected(book, holding, capabilities) and not own.refused):
        return None
    base = state.book(base_of(book.strategy), book.root)
    kept = replace(own, quantity=Decimal(0))
    if base.strategy == book.strategy:
        return with_book(state, replace(book, protection=kept, unprotected_since_ms=None))
    merged = replace(
        base,
        owned=base.owned + book.owned,
        tracked=(*base.tracked, *book.tracked),
        position_ids=tuple(dict.fromkeys((*base.position_ids, *book.position_ids))),
        protection=base.protection or kept,
    )
    others = tuple(one for one in state.books if (one.strategy, one.root) != (book.strategy, book.root))
    return with_book(replace(state, books=others), merged)
