"""What is sent next for what a person asks for at the panel, given what is held now. Pure.

As in `execution/steps.py`, the answer depends only on the wish, the look and the job's own commands so far. Closing and
reversing go the very way of an alert's: exits released or shrunk, closed, confirmed, then opened.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import assert_never

from orderbridge.commands import Cancel, ClosePosition, Place
from orderbridge.execution import wishes
from orderbridge.execution.hand_books import exits_of
from orderbridge.execution.hand_changes import cancelled, modified, protected
from orderbridge.execution.hand_scene import ZERO, Scene, Step, gone, order_of, position_of, refused, sending
from orderbridge.execution.records import CommandRecord, CommandStatus, Role
from orderbridge.execution.steps import CONFIRM_MS, Await, Progress, Reached, Send, next_step, with_floor
from orderbridge.execution.wishes import Wish
from orderbridge.model import Direction, Order, OrderType, Position, PositionMode, Side
from orderbridge.strategy.goal import End, Ending, Entry, Goal, Holding
from orderbridge.strategy.symbols import canonical_root


def next_by_hand(wish: Wish, scene: Scene) -> Step:
    """Give the next step of a wish."""
    if scene.goal is not None:
        return _towards(scene.goal, wish, scene)
    match wish:
        case wishes.PlaceOrder():
            return _place(wish, scene)
        case wishes.ModifyOrder():
            return modified(wish, scene)
        case wishes.CancelOrder():
            return cancelled(wish, scene)
        case wishes.ProtectPosition():
            return protected(wish, scene)
        case wishes.ClosePosition():
            return _close(wish, scene)
        case wishes.CloseSymbol():
            return _close_symbol(wish, scene)
        case wishes.ReversePosition():
            return _reverse(wish, scene)
        case wishes.UndoOrder():
            return _undo(wish, scene)
        case _:
            assert_never(wish)


# ---- placing


def _place(wish: wishes.PlaceOrder, scene: Scene) -> Step:
    if scene.records:
        return Reached()
    order = wish.order
    against = _against(order, scene)
    if against is None:
        return Send((("entry", replace(order, effect="open")),))
    if order.order_type is OrderType.MARKET:
        return _through(order, against)
    closing = sum((o.remaining for o in _plain_closes(against, scene)), ZERO)
    if order.quantity > against.quantity:
        return refused(
            "crosses_zero",
            f"This {order.order_type} order is larger than the position that it closes. "
            "Close the position first, then place the rest.",
        )
    if order.quantity > against.quantity - closing:
        return refused("already_closing", "Working orders close this position already. Cancel one of them first.")
    if order.bracket is not None:
        return refused("bracket_on_close", "This order closes a position: a stop loss or take profit has no place.")
    return Send((("close", replace(order, effect="close")),))


def _against(order: Place, scene: Scene) -> Position | None:
    """Give the position that an order would reduce, where fills of a symbol add up to one."""
    if scene.mode is PositionMode.HEDGING:
        return None
    found = (p for p in scene.look.positions if p.symbol == order.symbol and p.side is order.side.opposite)
    return next(found, None)


def _plain_closes(position: Position, scene: Scene) -> tuple[Order, ...]:
    exits = {order.id for order in exits_of(scene.state, scene.look, position)}
    every = exits_of(scene.state, scene.look, position, closing=True)
    return tuple(order for order in every if order.id not in exits)


def _through(order: Place, position: Position) -> Step:
    """A market order against a position: what it closes, then what it opens."""
    closes = min(order.quantity, position.quantity)
    rest = order.quantity - closes
    if order.bracket is not None and rest == 0:
        return refused("bracket_on_close", "This order closes a position: a stop loss or take profit has no place.")
    entry = None
    if rest > 0:
        entry = Entry(order.side, rest, OrderType.MARKET, duration=order.duration, bracket=order.bracket)
    quantity = None if closes == position.quantity else closes
    return _goal(position, "reverse" if entry is not None else "reduce", quantity, entry)


def _goal(position: Position, kind: str, quantity: Decimal | None, entry: Entry | None) -> Goal:
    return Goal(
        symbol=position.symbol,
        root=canonical_root(position.symbol),
        kind="reverse" if kind == "reverse" else "reduce",
        close=Direction.LONG if position.side is Side.BUY else Direction.SHORT,
        close_quantity=quantity,
        adopt=True,
        entry=entry,
    )


# ---- closing and reversing


def _close(wish: wishes.ClosePosition, scene: Scene) -> Step:
    position = position_of(wish, scene)
    if position is None:
        return Reached() if scene.accepted else gone()
    quantity = None if wish.quantity is None or wish.quantity >= position.quantity else wish.quantity
    return _goal(position, "reduce", quantity, None)


def _reverse(wish: wishes.ReversePosition, scene: Scene) -> Step:
    position = position_of(wish, scene)
    if position is None:
        return Reached() if scene.accepted else gone()
    return _goal(position, "reverse", None, Entry(wish.held_side.opposite, position.quantity))


def _close_symbol(wish: wishes.CloseSymbol, scene: Scene) -> Step:
    held = [p for p in scene.look.positions if p.symbol == wish.symbol]
    sent = {r.command.position_id for r in scene.records if isinstance(r.command, ClosePosition)}
    if not held:
        return Reached() if scene.records else gone()
    if not scene.capabilities.close_by_id:
        return _goal(held[0], "reduce", None, None)
    fresh = [p for p in held if p.id not in sent]
    if not fresh:
        return Reached()
    return Send(tuple(("close", ClosePosition(p.id, p.symbol, p.side, p.quantity)) for p in fresh))


def _undo(wish: wishes.UndoOrder, scene: Scene) -> Step:
    order = order_of(wish.order_id, scene)
    if order is None:
        return refused("not_found", "The order is not shown any more.")
    if not order.status.final:
        asked = any(isinstance(r.command, Cancel) for r in scene.records)
        return Await("cancel", 0, scene.now_ms + 1_000) if asked else sending("other", Cancel(order.id, order.symbol))
    position = next((p for p in scene.look.positions if p.id == order.position_id), None)
    if position is None:
        netted = (p for p in scene.look.positions if p.symbol == order.symbol and p.side is wish.side)
        position = None if scene.mode is PositionMode.HEDGING else next(netted, None)
    if position is None or order.filled_quantity == 0:
        return Reached()
    part = min(order.filled_quantity, position.quantity)
    return _goal(position, "reduce", None if part == position.quantity else part, None)


def _towards(goal: Goal, wish: Wish, scene: Scene) -> Step:
    """Close as an alert's exit does; but a refused close is told the person, and not tried again."""
    closes = [record for record in scene.records if record.role == "close"]
    if closes and not closes[-1].taken:
        return _not_closed(closes[-1])
    entered = [record for record in scene.records if record.role == "entry"]
    if entered or (closes and goal.entry is None):
        return Reached()
    if closes and scene.now_ms - closes[0].sent_at_ms > CONFIRM_MS:
        sentence = "The close was not confirmed within 10 seconds, so nothing was opened."
        return End(Ending.FAILED, "close_not_confirmed", sentence)
    working = frozenset(order.id for order in scene.look.orders if not order.status.final)
    progress = Progress(scene.records, working, scene.now_ms)
    held = _held(goal, wish, scene)
    step = next_step(goal, held, progress, scene.capabilities, scene.mode)
    if isinstance(step, Send) and goal.entry is not None:
        if closes and _role(step) == "close":
            return Await("close", closes[0].sent_at_ms, scene.now_ms + 1_000)  # a second close could only be a mistake
        if _role(step) == "entry" and isinstance(wish, wishes.ReversePosition):
            quantity = min(goal.entry.quantity, _turned(closes, scene))
            if quantity == 0:
                return gone()  # something else has closed it: there is nothing left to turn around
            goal = replace(goal, entry=replace(goal.entry, quantity=quantity))
            return next_step(goal, held, progress, scene.capabilities, scene.mode)
    return step


def _turned(closes: Sequence[CommandRecord], scene: Scene) -> Decimal:
    """Give how much a reversal has closed itself: a stop, or somebody else, may have closed the rest before it.

    An order that has not ended counts as what it asked for: its last fill may show at the position alone.
    """
    closed = ZERO
    for record in closes:
        command, ids = record.command, {placed.order_id for placed in record.orders}
        ended = [order.filled_quantity for order in scene.look.orders if order.id in ids and order.status.final]
        if ended:
            closed += sum(ended, ZERO)
        elif isinstance(command, ClosePosition):
            closed += command.expected_quantity
        elif isinstance(command, Place):
            closed += command.quantity
    return closed


def _not_closed(close: CommandRecord) -> End:
    if close.status is CommandStatus.NOT_FOUND:
        sentence = "The close was sent, its answer was lost, and the broker still shows the position."
        return End(Ending.FAILED, "not_found", sentence)
    return refused(close.code or "not_done", close.message)


def _role(step: Send) -> Role:
    return step.commands[0][0]


def _held(goal: Goal, wish: Wish, scene: Scene) -> Holding:
    """Give one position as a holding: all of it may be closed, whoever opened it."""
    position = _position(goal, wish, scene)
    if position is None:
        return Holding(ZERO, ZERO)
    exits = exits_of(scene.state, scene.look, position, closing=True)
    theirs = {one.order_id for book in scene.state.books if book.of_person for one in book.tracked}
    exits = tuple(sorted(exits, key=lambda order: order.id in theirs))  # people's are freed before strategies'
    return Holding(held=position.signed, owned=position.signed, positions=(position,), exits=exits)


def _position(goal: Goal, wish: Wish, scene: Scene) -> Position | None:
    if isinstance(wish, (wishes.ClosePosition, wishes.ReversePosition)):
        return position_of(wish, scene)
    side = Side.BUY if goal.close is Direction.LONG else Side.SELL
    found = [p for p in scene.look.positions if p.symbol == goal.symbol and p.side is side]
    if isinstance(wish, wishes.UndoOrder):
        order = order_of(wish.order_id, scene)
        found = [p for p in found if order is None or order.position_id in (None, p.id)]
    return found[0] if found else None


def first_goal(goal: Goal, wish: Wish, scene: Scene) -> Goal:
    """Give the goal as it is stored: a partial close says what is to be left."""
    return with_floor(goal, _held(goal, wish, scene))
