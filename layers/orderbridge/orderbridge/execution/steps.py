"""What is sent next for a goal, given what is held now: cancel, close, enter, one after the other confirmed. Pure.

The answer depends only on the goal, the holding and the job's own commands so far, so a worker that resumes after a
crash comes to the same next step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from orderbridge.brokers.port import Capabilities, Look
from orderbridge.commands import Cancel, ClosePosition, Command, Place, cut
from orderbridge.execution.records import CommandRecord, Role
from orderbridge.model import Direction, Order, OrderStatus, OrderType, Position, PositionMode, Side
from orderbridge.strategy.goal import Goal, Holding
from orderbridge.strategy.symbols import canonical_root

ZERO = Decimal(0)
CONFIRM_MS = 10_000
"""How long a cancel or a close may take to show before the step counts as failed (TRADING.md rule 9)."""
AGAIN_MS = 2_000
"""Pause before a refused cancel or change is tried again."""
RETRY_MS = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000)
"""Pauses before a close that is proven not placed is planned afresh (TRADING.md rule 12)."""


@dataclass(frozen=True, slots=True)
class Send:
    commands: tuple[tuple[Role, Command], ...]


@dataclass(frozen=True, slots=True)
class Await:
    """Look again: something sent earlier has to show first."""

    what: Literal["cancel", "close", "release", "close_again"]
    since_ms: int
    until_ms: int
    """When the next step is due all the same: the wait is over, or the pause before another try."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Nothing is left to send."""


Step = Send | Await | Reached


def with_floor(goal: Goal, holding: Holding) -> Goal:
    """Fix what the strategy still owns when a partial close is done: a later look can then never close more."""
    if goal.close is Direction.FLAT or goal.close_quantity is None:
        return goal
    return replace(goal, close_floor=max(ZERO, _closable(goal, holding) - goal.close_quantity))


def to_close(goal: Goal, holding: Holding, closed: Decimal = ZERO) -> Decimal:
    """Give what is left to close, positive; `closed` is what the job's own closes have done of it.

    An entry of the strategy may fill while a part is being closed: that holding grows again asks for no second close.
    """
    if goal.close is Direction.FLAT:
        return ZERO
    left = max(ZERO, _closable(goal, holding) - goal.close_floor)
    most = goal.close_most if goal.close_quantity is None else goal.close_quantity
    return left if most is None else min(left, max(ZERO, most - closed))


def closed_too(goal: Goal, closed: Decimal) -> Decimal:
    """Give what was closed beyond what the entry was reckoned with (TRADING.md rule 9)."""
    return ZERO if goal.reckoned is None else max(ZERO, closed - goal.reckoned)


def closed_by(records: Sequence[CommandRecord], look: Look, mode: PositionMode) -> Decimal:
    """Give how much the closes among a job's commands have closed, as a look shows it.

    Closes by position id name no order: where each entry opens a position of its own, one only shrinks by closing;
    where entries net, the closing orders that were not there before tell.
    """
    closes = [record for record in records if record.role == "close" and record.taken]
    by_id = [(record, record.command) for record in closes if isinstance(record.command, ClosePosition)]
    ids = {placed.order_id for record in closes for placed in record.orders}
    closed = sum((order.filled_quantity for order in look.orders if order.id in ids), ZERO)
    if mode is PositionMode.HEDGING:
        before = {command.position_id: command.expected_quantity for _, command in reversed(by_id)}
        now = {position.id: position.quantity for position in look.positions}
        return closed + sum((max(ZERO, held - now.get(name, ZERO)) for name, held in before.items()), ZERO)
    unnamed = [order for order in look.orders if order.id not in ids and any(_closes(order, *one) for one in by_id)]
    return closed + sum((order.filled_quantity for order in unnamed), ZERO)


def _closes(order: Order, record: CommandRecord, command: ClosePosition) -> bool:
    earlier = record.evidence is not None and order.id in record.evidence.order_ids
    same = (order.position_id, order.side) == (command.position_id, command.held_side.opposite)
    return same and not earlier


def _closable(goal: Goal, holding: Holding) -> Decimal:
    held = max(ZERO, holding.held * goal.close.sign)
    return held if goal.adopt else min(held, max(ZERO, holding.owned * goal.close.sign))


@dataclass(frozen=True, slots=True)
class Progress:
    """The job's own commands that went out, oldest first, none of them pending; which of their orders still work."""

    records: tuple[CommandRecord, ...]
    working: frozenset[str]
    now_ms: int
    closed: Decimal = ZERO
    """What the closes among them have closed."""


def next_step(
    goal: Goal, holding: Holding, progress: Progress, capabilities: Capabilities, mode: PositionMode
) -> Step:
    """Give the next step towards the goal."""
    return (
        _cancel_entries(goal, holding, progress)
        or _close(goal, holding, progress, capabilities, mode)
        or _enter(goal, progress)
        or Reached()
    )


# ---- cancelling


def _cancel_entries(goal: Goal, holding: Holding, progress: Progress) -> Step | None:
    against = [order for order in holding.entries if unwanted(goal, order.side)]
    return _cancelled(against, progress)


def unwanted(goal: Goal, side: Side) -> bool:
    """Tell whether the goal takes away own working entries of a side."""
    if goal.cancel_entries == "all":
        return True
    if goal.cancel_entries == "none":
        return False
    wanted = goal.entry.side if goal.entry is not None else _closing_side(goal)
    return side is not wanted


def _cancelled(orders: Sequence[Order], progress: Progress) -> Step | None:
    fresh = [order for order in orders if not _under_way(order, progress)]
    if fresh:
        return Send(tuple(("other", Cancel(order.id, order.symbol)) for order in fresh))
    return _wait_for("cancel", orders, progress)


def _under_way(order: Order, progress: Progress) -> bool:
    """Tell whether a cancel or change of the order was sent and may still show; a refused one is soon tried again."""
    earlier = [r for r in progress.records if getattr(r.command, "order_id", None) == order.id]
    if not earlier:
        return False
    last = earlier[-1]
    patience_ms = CONFIRM_MS if last.taken else AGAIN_MS
    return progress.now_ms - max(last.sent_at_ms, last.changed_at_ms) < patience_ms


def _wait_for(what: Literal["cancel", "release"], orders: Sequence[Order], progress: Progress) -> Step | None:
    if not orders:
        return None
    ids = {order.id for order in orders}
    since_ms = min(r.sent_at_ms for r in progress.records if getattr(r.command, "order_id", None) in ids)
    return Await(what, since_ms, progress.now_ms + AGAIN_MS)


# ---- closing


def _close(
    goal: Goal, holding: Holding, progress: Progress, capabilities: Capabilities, mode: PositionMode
) -> Step | None:
    left = to_close(goal, holding, progress.closed)
    if left == 0:
        return None
    waiting = _close_under_way(progress)
    if waiting is not None:
        return waiting
    if capabilities.close_by_id:
        return Send(_closing_positions(goal, holding, left, mode))
    return _release(goal, holding, left, progress) or Send(_closing_orders(goal, holding, left))


def _close_under_way(progress: Progress) -> Step | None:
    closes = [record for record in progress.records if record.role == "close"]
    if not closes:
        return None
    last = [record for record in closes if record.revision == closes[-1].revision]
    sent_ms = last[0].sent_at_ms or last[0].changed_at_ms
    orders = {placed.order_id for record in last for placed in record.orders}
    if orders & progress.working:
        return Await("close", sent_ms, progress.now_ms + 1_000)
    if any(record.taken for record in last) and not orders:
        due_ms = sent_ms + CONFIRM_MS  # a close by id: the platform tries an IOC order, then a GTC one
    else:
        tries = len({record.revision for record in closes})
        due_ms = max(record.changed_at_ms for record in last) + RETRY_MS[min(tries, len(RETRY_MS)) - 1]
    return Await("close_again", sent_ms, due_ms) if progress.now_ms < due_ms else None


def _release(goal: Goal, holding: Holding, left: Decimal, progress: Progress) -> Step | None:
    """Free what working exits reserve: shares reserved by a stop cannot be sold, and an orphan stop would open.

    What people's own closing orders reserve at the panel is freed where both cannot be: an exit comes first.
    """
    side = _closing_side(goal)
    exits = [o for o in holding.exits if o.status is OrderStatus.WORKING and o.side is side]
    room = max(ZERO, _closable(goal, holding) - left)
    beside = abs(holding.held) - left
    kept: list[tuple[Order, Decimal]] = []
    for bracket in _brackets(exits):
        most = min(max(order.remaining for order in bracket), room)
        room, beside = room - most, beside - most
        kept += [(order, min(order.remaining, most)) for order in bracket]
    for order in holding.people:
        most = min(order.remaining, max(ZERO, beside))
        beside -= most
        kept.append((order, most))
    return _shrunk([(order, keep) for order, keep in kept if keep < order.remaining], progress)


def _shrunk(kept: Sequence[tuple[Order, Decimal]], progress: Progress) -> Step | None:
    """Cut each order to what is kept of it, and wait until that shows."""
    fresh = [(order, keep) for order, keep in kept if not _under_way(order, progress)]
    if not fresh:
        return _wait_for("release", [order for order, _ in kept], progress)
    return Send(tuple(("other", cut(order, keep)) for order, keep in fresh))


def _brackets(exits: Sequence[Order]) -> list[list[Order]]:
    """Give exits by what they reserve once: a stop with its target, or either alone; those with a stop come first."""
    brackets: list[list[Order]] = []
    for order in exits:
        mine = next((b for b in brackets if any(o.id in order.sibling_ids for o in b)), None)
        if mine is None:
            brackets.append([order])
        else:
            mine.append(order)
    return sorted(brackets, key=lambda bracket: all(order.type is OrderType.LIMIT for order in bracket))


def _closing_orders(goal: Goal, holding: Holding, left: Decimal) -> tuple[tuple[Role, Command], ...]:
    commands: list[tuple[Role, Command]] = []
    for position in _on_side(goal, holding):
        quantity = min(left, position.quantity)
        if quantity > 0:
            left -= quantity
            commands.append(("close", Place(position.symbol, _closing_side(goal), quantity, "close")))
    return tuple(commands)


def _closing_positions(
    goal: Goal, holding: Holding, left: Decimal, mode: PositionMode
) -> tuple[tuple[Role, Command], ...]:
    commands: list[tuple[Role, Command]] = []
    for position in _on_side(goal, holding):
        if left <= 0:
            break
        if mode is PositionMode.HEDGING and not goal.adopt and position.id not in _own_ids(holding):
            continue
        part = None if left >= position.quantity else left
        left -= part if part is not None else position.quantity
        commands.append(
            ("close", ClosePosition(position.id, position.symbol, position.side, position.quantity, part))
        )
    return tuple(commands)


def _own_ids(holding: Holding) -> set[str]:
    """`holding_of` lists a strategy's own positions first: as many of them as make up what it owns."""
    ids: set[str] = set()
    owned = ZERO
    for position in holding.positions:
        if owned == holding.owned:
            break
        owned += position.signed
        ids.add(position.id)
    return ids


def _on_side(goal: Goal, holding: Holding) -> list[Position]:
    return [p for p in holding.positions if p.side.sign == goal.close.sign and canonical_root(p.symbol) == goal.root]


def _closing_side(goal: Goal) -> Side:
    return Side.SELL if goal.close is Direction.LONG else Side.BUY


# ---- entering


def _enter(goal: Goal, progress: Progress) -> Step | None:
    entry = goal.entry
    if entry is None or any(record.role == "entry" for record in progress.records):
        return None
    quantity = entry.quantity - closed_too(goal, progress.closed)
    if quantity <= 0:
        return None
    place = Place(
        symbol=goal.symbol,
        side=entry.side,
        quantity=quantity,
        effect="open",
        order_type=entry.order_type,
        limit_price=entry.limit_price,
        stop_price=entry.stop_price,
        trail_amount=entry.trail_amount,
        trail_percent=entry.trail_percent,
        duration=entry.duration,
        bracket=entry.bracket,
    )
    return Send((("entry", place),))
