"""A position keeps its stop: what has to be sent so that every book's holding is covered, and no more. Pure.

    covered    = what working stops and closing orders can still close
    missing    = owned - covered    -> protective orders for the difference
    surplus    = covered - owned    -> stops and targets are cut: an orphan stop would open a position, also beside an
                                       entry that still rests
    a parent filled in part         -> its waiting children are cancelled first, so that the broker never releases a
                                       second stop for the same quantity; then the filled part gets its own
"""

from dataclasses import dataclass
from decimal import Decimal

from orderbridge.brokers.port import Capabilities
from orderbridge.commands import Bracket, Cancel, Command, ModifyPosition, Place, PlaceGroup, cut
from orderbridge.execution.records import Book, Role
from orderbridge.model import Duration, Order, OrderStatus, OrderType, Position, Side
from orderbridge.strategy.goal import Holding

ZERO = Decimal(0)
GRACE_MS = 1_500
"""How long a filled parent's children may take to be released before they are replaced."""
RENEW_MS = 80 * 24 * 3_600_000
"""GTC orders end after 90 days; a stop is renewed before (TRADING.md rule 14)."""


@dataclass(frozen=True, slots=True)
class Care:
    """What to send for one book, and why."""

    commands: tuple[tuple[Role, Command], ...]
    why: str


def care_for(book: Book, holding: Holding, capabilities: Capabilities, now_ms: int) -> Care | None:
    """Give what the book's protection needs now, or None when it is as it should be."""
    if book.owned == 0:
        return _no_orphans(book, holding)
    against = _against(book, holding, capabilities)
    if against is not None:
        return against
    if book.protection is None or book.protection.refused:
        return _no_surplus(book, holding)
    if capabilities.position_bracket:
        return _on_positions(book, holding)
    return _waiting_children(book, holding, now_ms) or _no_surplus(book, holding) or _missing(book, holding, now_ms)


def unprotected(book: Book, holding: Holding, capabilities: Capabilities) -> bool:
    """Tell whether the book holds something that should have a stop and has none (the metric of rule 18)."""
    if book.owned == 0 or book.protection is None or not book.protection.bracket.has_stop:
        return False
    if book.protection.quantity == 0:
        return False
    if capabilities.position_bracket:
        return any(position.stop_loss_id is None for position in _own_positions(book, holding))
    return _covered(book, holding) < _to_cover(book, holding)


# ---- protective orders (TradeStation)


def _to_cover(book: Book, holding: Holding) -> Decimal:
    """What needs a stop: what the strategy owns, and no more than the broker still reports (a close may be unknown)."""
    sign = 1 if book.owned > 0 else -1
    return max(ZERO, min(abs(book.owned), holding.held * sign))


def _exits(book: Book, holding: Holding) -> list[Order]:
    side = Side.SELL if book.owned > 0 else Side.BUY
    return [order for order in holding.exits if order.side is side]


def _covered(book: Book, holding: Holding) -> Decimal:
    working = [o for o in _exits(book, holding) if o.status is not OrderStatus.INACTIVE]
    shown = sum((o.remaining for o in working if o.type is not OrderType.LIMIT or _is_close(book, o)), ZERO)
    return shown + sum((t.quantity for t in book.tracked if t.role in ("stop", "close") and not t.seen), ZERO)


def _is_close(book: Book, order: Order) -> bool:
    return any(t.order_id == order.id and t.role == "close" for t in book.tracked)


def _no_orphans(book: Book, holding: Holding) -> Care | None:
    commands: list[tuple[Role, Command]] = []
    for order in holding.exits:
        keep = _of_use(book, holding, order)
        if order.position_id is None and keep < order.remaining:
            commands.append(("other", cut(order, keep)))
    return Care(tuple(commands), "nothing is held any more") if commands else None


def _of_use(book: Book, holding: Holding, order: Order) -> Decimal:
    """Give how much of an exit has a use though the book owns nothing: the rest could only open a position.

    It may wait for an entry that still rests; and a person may close what a strategy, or a stranger, holds.
    """
    if order.status is OrderStatus.INACTIVE and _rests(book, holding, order):
        return order.remaining
    if book.of_person and _is_close(book, order):
        return min(order.remaining, max(ZERO, -holding.held * order.side.sign))
    return ZERO


def _against(book: Book, holding: Holding, capabilities: Capabilities) -> Care | None:
    """An entry that filled against what is held has only closed: its stop and target could now only open."""
    if capabilities.position_bracket:
        return None
    sign = 1 if book.owned > 0 else -1
    opening = [o for o in holding.exits if o.side.sign == sign and o.status is not OrderStatus.INACTIVE]
    if not opening:
        return None
    return Care(tuple(("other", Cancel(o.id, o.symbol)) for o in opening), "an exit order would open")


def _waiting_children(book: Book, holding: Holding, now_ms: int) -> Care | None:
    """A parent filled in part, or ended so: its children wait for a complete fill that may never come (rule 16)."""
    children = [o for o in _exits(book, holding) if o.status is OrderStatus.INACTIVE]
    part = {t.order_id for t in book.tracked if t.role == "entry" and ZERO < t.booked < t.quantity}
    stuck = [o for o in children if o.parent_id in part]
    sent_ms = {t.order_id: t.placed_at_ms for t in book.tracked}  # the broker's own time may be cut to the second
    young = {o.id for o in children if now_ms - max(o.placed_at_ms, sent_ms.get(o.id, 0)) <= GRACE_MS}
    orphaned = [o for o in children if not _rests(book, holding, o) and o.id not in young]
    unwanted = {o.id: o for o in (*stuck, *orphaned)}
    if not unwanted:
        return None
    return Care(tuple(("other", Cancel(o.id, o.symbol)) for o in unwanted.values()), "the entry is filled in part")


def _rests(book: Book, holding: Holding, child: Order) -> bool:
    """Tell whether a waiting child belongs to an entry that works."""
    working = {order.id for order in holding.entries}
    resting = {t.job_id for t in book.tracked if t.role == "entry" and t.order_id in working}
    mine = next((t.job_id for t in book.tracked if t.order_id == child.id), None)
    return child.parent_id in working or mine in resting


def _no_surplus(book: Book, holding: Holding) -> Care | None:
    if book.protection is None:
        return None
    commands: list[tuple[Role, Command]] = []
    live = [o for o in _exits(book, holding) if o.status is OrderStatus.WORKING and not _is_close(book, o)]
    closes = [o for o in _exits(book, holding) if _is_close(book, o)]
    for targets in (True, False):
        # A person's closing limit takes the place of a target; the stop stays for as long as that limit rests.
        before = [o for o in closes if targets or not book.of_person or o.type is not OrderType.LIMIT]
        room = max(ZERO, _to_cover(book, holding) - sum((o.remaining for o in before), ZERO))
        for order in (o for o in live if (o.type is OrderType.LIMIT) is targets):
            keep = min(order.remaining, room)
            room -= keep
            if keep == 0 or keep < order.remaining:
                commands.append(("other", cut(order, keep)))
    return Care(tuple(commands), "stops cover more than is held") if commands else None


def _missing(book: Book, holding: Holding, now_ms: int) -> Care | None:
    assert book.protection is not None
    if book.protection.quantity == 0:
        return None
    old = [o for o in _exits(book, holding) if 0 < o.placed_at_ms < now_ms - RENEW_MS]
    if old:
        return Care(tuple(("other", Cancel(o.id, o.symbol)) for o in old), "the stop would lapse after 90 days")
    missing = _to_cover(book, holding) - _covered(book, holding)
    children = [o for o in _exits(book, holding) if o.status is OrderStatus.INACTIVE]
    waiting = any(not _rests(book, holding, child) for child in children)
    if not book.protection.bracket.has_stop or missing <= 0 or waiting:
        return None  # the broker is about to release the children of an entry that has just been filled
    targets = [o for o in _exits(book, holding) if o.type is OrderType.LIMIT and not _is_close(book, o)]
    stops = {o.id for o in _exits(book, holding) if o.type is not OrderType.LIMIT}
    alone = [o for o in targets if not stops & set(o.sibling_ids)]
    if alone or sum((o.remaining for o in targets), ZERO) + missing > _to_cover(book, holding):
        targets = alone or targets
        cancels: list[tuple[Role, Command]] = [("other", Cancel(o.id, o.symbol)) for o in targets]
        return Care(tuple(cancels), "targets reserve what has no stop")  # both are placed again, as one bracket
    symbol = next((p.symbol for p in holding.positions if p.side.sign * book.owned > 0), book.protection.symbol)
    side = Side.SELL if book.owned > 0 else Side.BUY
    return Care((("stop", protective(symbol, side, missing, book.protection.bracket)),), "the holding has no stop")


def protective(symbol: str, side: Side, quantity: Decimal, bracket: Bracket) -> Command:
    """Give the orders that protect a holding: a bracket of stop and target, or the one that is wanted."""
    orders: list[Place] = []
    if bracket.has_stop:
        trailing = bracket.trail_amount is not None or bracket.trail_percent is not None
        order_type = (
            OrderType.TRAILING_STOP
            if trailing
            else OrderType.STOP_LIMIT
            if bracket.stop_limit is not None
            else OrderType.STOP
        )
        orders.append(
            Place(
                symbol,
                side,
                quantity,
                "close",
                order_type,
                limit_price=bracket.stop_limit,
                stop_price=bracket.stop_loss,
                trail_amount=bracket.trail_amount,
                trail_percent=bracket.trail_percent,
                duration=Duration.GTC,
            )
        )
    if bracket.take_profit is not None:
        orders.append(
            Place(
                symbol, side, quantity, "close", OrderType.LIMIT, limit_price=bracket.take_profit, duration=Duration.GTC
            )
        )
    return orders[0] if len(orders) == 1 else PlaceGroup("brk", tuple(orders))


# ---- prices on the position itself (TradeLocker)


def _on_positions(book: Book, holding: Holding) -> Care | None:
    assert book.protection is not None
    if book.protection.quantity == 0:
        return None
    bracket = book.protection.bracket
    commands: list[tuple[Role, Command]] = []
    for position in _own_positions(book, holding):
        if bracket.stop_loss is not None and position.stop_loss_id is None:
            target = bracket.take_profit if position.take_profit_id is None else None
            commands.append(
                ("stop", ModifyPosition(position.id, position.symbol, stop_loss=bracket.stop_loss, take_profit=target))
            )
    return Care(tuple(commands), "the position has no stop") if commands else None


def _own_positions(book: Book, holding: Holding) -> list[Position]:
    """Give the positions that carry the book's stop: its own by id; where fills net, the one of its side.

    At a hedging account a fill may be booked before its position shows: none of those that do is the book's then.
    """
    if book.position_ids:
        return [position for position in holding.positions if position.id in book.position_ids]
    shown = {position.id for position in holding.positions}
    if any(t.role == "entry" and t.booked > 0 and t.position_id not in shown for t in book.tracked):
        return []
    return [position for position in holding.positions if position.side.sign * book.owned > 0]
