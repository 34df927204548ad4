"""What is sent next for what a person asks for at the panel, given what is held now. Pure.

As in `execution/steps.py`, the answer depends only on the wish, the look and the job's own commands so far. Closing and
reversing go the very way of an alert's: exits released or shrunk, closed, confirmed, then opened.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import assert_never

from orderbridge.brokers.port import Capabilities, Look
from orderbridge.commands import (
    Bracket,
    Cancel,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.execution import wishes
from orderbridge.execution.hand_books import STOPS, exits_of, followers_of, owners_of, roles_of
from orderbridge.execution.records import Book, CommandRecord, CommandStatus, LaneState, Role
from orderbridge.execution.steps import CONFIRM_MS, Await, Progress, Reached, Send, next_step, with_floor
from orderbridge.execution.wishes import Wish
from orderbridge.model import Direction, Order, OrderType, Position, PositionMode, Side
from orderbridge.strategy.goal import End, Ending, Entry, Goal, Holding
from orderbridge.strategy.symbols import canonical_root

ZERO = Decimal(0)
SHOW_MS = 3_000
"""How long a change may take to show before the person is answered all the same."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known when the next step is decided. `records` are the job's commands so far, none of them pending."""

    look: Look
    state: LaneState
    capabilities: Capabilities
    mode: PositionMode
    now_ms: int
    records: tuple[CommandRecord, ...] = ()
    goal: Goal | None = None
    """What the first step was to reach, where it is more than one command."""

    @property
    def accepted(self) -> tuple[CommandRecord, ...]:
        return tuple(record for record in self.records if record.taken)


@dataclass(frozen=True, slots=True)
class Protect:
    """The position has no working exits any more: its holders' books now want this bracket, and have it placed."""

    position: Position
    bracket: Bracket


@dataclass(frozen=True, slots=True)
class Clear:
    """Take working exits away, so that others can be placed; until those stand, the old ones are what is wanted."""

    commands: tuple[tuple[Role, Command], ...]


Step = Send | Clear | Await | Reached | End | Protect | Goal
"""A `Goal` is to be stored, and asked about again."""


def next_by_hand(wish: Wish, scene: Scene) -> Step:
    """Give the next step of a wish."""
    if scene.goal is not None:
        return _towards(scene.goal, wish, scene)
    match wish:
        case wishes.PlaceOrder():
            return _place(wish, scene)
        case wishes.ModifyOrder():
            return _modify(wish, scene)
        case wishes.CancelOrder():
            return _cancel(wish, scene)
        case wishes.ProtectPosition():
            return _protect(wish, scene)
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
        return _refused(
            "crosses_zero",
            f"This {order.order_type} order is larger than the position that it closes. "
            "Close the position first, then place the rest.",
        )
    if order.quantity > against.quantity - closing:
        return _refused("already_closing", "Working orders close this position already. Cancel one of them first.")
    if order.bracket is not None:
        return _refused("bracket_on_close", "This order closes a position: a stop loss or take profit has no place.")
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
        return _refused("bracket_on_close", "This order closes a position: a stop loss or take profit has no place.")
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
        return Reached() if scene.accepted else _gone()
    quantity = None if wish.quantity is None or wish.quantity >= position.quantity else wish.quantity
    return _goal(position, "reduce", quantity, None)


def _reverse(wish: wishes.ReversePosition, scene: Scene) -> Step:
    position = position_of(wish, scene)
    if position is None:
        return Reached() if scene.accepted else _gone()
    return _goal(position, "reverse", None, Entry(wish.held_side.opposite, position.quantity))


def _close_symbol(wish: wishes.CloseSymbol, scene: Scene) -> Step:
    held = [p for p in scene.look.positions if p.symbol == wish.symbol]
    sent = {r.command.position_id for r in scene.records if isinstance(r.command, ClosePosition)}
    if not held:
        return Reached() if scene.records else _gone()
    if not scene.capabilities.close_by_id:
        return _goal(held[0], "reduce", None, None)
    fresh = [p for p in held if p.id not in sent]
    if not fresh:
        return Reached()
    return Send(tuple(("close", ClosePosition(p.id, p.symbol, p.side, p.quantity)) for p in fresh))


def _undo(wish: wishes.UndoOrder, scene: Scene) -> Step:
    order = _order(wish.order_id, scene)
    if order is None:
        return _refused("not_found", "The order is not shown any more.")
    if not order.status.final:
        asked = any(isinstance(r.command, Cancel) for r in scene.records)
        return Await("cancel", 0, scene.now_ms + 1_000) if asked else _send("other", Cancel(order.id, order.symbol))
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
    progress = Progress(
        tuple(record for record in scene.records if record.code != "not_sent"),
        frozenset(order.id for order in scene.look.orders if not order.status.final),
        scene.now_ms,
    )
    step = next_step(goal, _held(goal, wish, scene), progress, scene.capabilities, scene.mode)
    if isinstance(step, Send) and goal.entry is not None:
        if closes and _role(step) == "close":
            return Await("close", closes[0].sent_at_ms, scene.now_ms + 1_000)  # a second close could only be a mistake
        if not closes and _role(step) == "entry" and isinstance(wish, wishes.ReversePosition):
            return _gone()  # something else has closed it: there is nothing left to turn around
    return step


def _not_closed(close: CommandRecord) -> End:
    if close.status is CommandStatus.NOT_FOUND:
        sentence = "The close was sent, its answer was lost, and the broker still shows the position."
        return End(Ending.FAILED, "not_found", sentence)
    return _refused(close.code or "not_done", close.message)


def _role(step: Send) -> Role:
    return step.commands[0][0]


def _held(goal: Goal, wish: Wish, scene: Scene) -> Holding:
    """Give one position as a holding: all of it may be closed, whoever opened it."""
    position = _position(goal, wish, scene)
    if position is None:
        return Holding(ZERO, ZERO)
    exits = exits_of(scene.state, scene.look, position, closing=True)
    return Holding(held=position.signed, owned=position.signed, positions=(position,), exits=exits)


def _position(goal: Goal, wish: Wish, scene: Scene) -> Position | None:
    if isinstance(wish, (wishes.ClosePosition, wishes.ReversePosition)):
        return position_of(wish, scene)
    side = Side.BUY if goal.close is Direction.LONG else Side.SELL
    found = [p for p in scene.look.positions if p.symbol == goal.symbol and p.side is side]
    if isinstance(wish, wishes.UndoOrder):
        order = _order(wish.order_id, scene)
        found = [p for p in found if order is None or order.position_id in (None, p.id)]
    return found[0] if found else None


def first_goal(goal: Goal, wish: Wish, scene: Scene) -> Goal:
    """Give the goal as it is stored: a partial close says what is to be left."""
    return with_floor(goal, _held(goal, wish, scene))


# ---- cancelling and changing orders


def _cancel(wish: wishes.CancelOrder, scene: Scene) -> Step:
    if scene.accepted:
        return Reached()
    order = _order(wish.order_id, scene)
    if order is None:
        return _refused("not_found", "The broker does not list this order.")
    if order.status.final:
        return _refused("final", f"The order is {order.status} already.")
    if order.parent_type == "position" and order.parent_id is not None and scene.capabilities.position_bracket:
        stop = order.type in STOPS
        change = ModifyPosition(order.parent_id, order.symbol, remove_stop_loss=stop, remove_take_profit=not stop)
        return _send("stop", change)
    return _send("other", Cancel(order.id, order.symbol))


def _modify(wish: wishes.ModifyOrder, scene: Scene) -> Step:
    order = _order(wish.order_id, scene)
    if order is None:
        return Reached() if scene.accepted else _refused("not_found", "The broker does not list this order.")
    if order.status.final and not scene.accepted:
        return _refused("final", f"The order is {order.status} already.")
    wanted = _changes(wish, order, scene)
    if isinstance(wanted, End):
        return wanted
    sent = [record.command for record in scene.records if record.code != "not_sent"]
    fresh = tuple((role, command) for role, command in wanted if command not in sent)
    return Send(fresh) if fresh else Reached()


def _changes(wish: wishes.ModifyOrder, order: Order, scene: Scene) -> tuple[tuple[Role, Command], ...] | End:
    if scene.capabilities.position_bracket and order.parent_id is not None:
        return _leg_change(wish, order)
    quantity = wish.quantity if wish.quantity != order.quantity else None
    own = Replace(
        order.id,
        order.symbol,
        quantity=quantity,
        limit_price=_new(wish.limit_price, order.limit_price),
        stop_price=_new(wish.stop_price, order.stop_price),
        trail_amount=_new(wish.trail_amount, order.trail_amount),
    )
    legs = [o for o in scene.look.orders if o.parent_id == order.id and not o.status.final]
    stop = next((o for o in legs if o.type in STOPS), None)
    target = next((o for o in legs if o.type is OrderType.LIMIT), None)
    if scene.capabilities.position_bracket:
        own = _with_bracket(own, wish.bracket, stop, target)
        return (("other", own),) if own != Replace(order.id, order.symbol) else ()
    if (wish.bracket.has_stop and stop is None) or (wish.bracket.take_profit is not None and target is None):
        return _refused("bracket_on_working", "This broker takes a stop loss or take profit only with a new order.")
    changes: list[tuple[Role, Command]] = []
    if own != Replace(order.id, order.symbol):
        changes.append(("other", own))
    changes += _leg(stop, wish.bracket.stop_loss, wish.bracket.trail_amount, quantity, kept=wish.bracket.has_stop)
    changes += _leg(target, wish.bracket.take_profit, None, quantity, kept=wish.bracket.take_profit is not None)
    return tuple(changes)


def _leg(
    leg: Order | None, price: Decimal | None, trail: Decimal | None, quantity: Decimal | None, *, kept: bool
) -> list[tuple[Role, Command]]:
    """Give what makes an exit of a working entry as it should be."""
    if leg is None:
        return []
    if not kept:
        return [("other", Cancel(leg.id, leg.symbol))]
    limit = leg.type is OrderType.LIMIT
    change = Replace(
        leg.id,
        leg.symbol,
        quantity=quantity,
        limit_price=_new(price, leg.limit_price) if limit else None,
        stop_price=None if limit or trail is not None else _new(price, leg.stop_price),
        trail_amount=None if limit else _new(trail, leg.trail_amount),
    )
    return [("other", change)] if change != Replace(leg.id, leg.symbol) else []


def _leg_change(wish: wishes.ModifyOrder, order: Order) -> tuple[tuple[Role, Command], ...] | End:
    """A stop or target that the broker keeps in its order or position: only its price can be changed."""
    if wish.quantity != order.quantity:
        return _refused("bracket_quantity", "The quantity of a stop loss or take profit follows its position.")
    stop = order.type in STOPS
    price = wish.stop_price if stop else wish.limit_price
    if price is None:
        return _refused("price_missing", "The new price is missing.")
    if price == (order.stop_price if stop else order.limit_price):
        return ()
    if order.parent_type == "position" and order.parent_id is not None:
        change: Command = ModifyPosition(
            order.parent_id, order.symbol, stop_loss=price if stop else None, take_profit=None if stop else price
        )
        return (("stop", change),)
    own = Replace(order.id, order.symbol, limit_price=None if stop else price, stop_price=price if stop else None)
    return (("other", own),)


def _with_bracket(own: Replace, bracket: Bracket, stop: Order | None, target: Order | None) -> Replace:
    """Name the stop and target that differ, for a broker that keeps them in the order itself."""
    stop_loss = _new(bracket.stop_loss, stop.stop_price if stop is not None else None)
    take_profit = _new(bracket.take_profit, target.limit_price if target is not None else None)
    changed = Bracket(stop_loss=stop_loss, take_profit=take_profit)
    return replace(
        own,
        bracket=changed if changed != Bracket() else None,
        remove_stop_loss=stop is not None and bracket.stop_loss is None,
        remove_take_profit=target is not None and bracket.take_profit is None,
    )


def _new(wanted: Decimal | None, shown: Decimal | None) -> Decimal | None:
    return wanted if wanted != shown else None


# ---- the stop and target of a position


def _protect(wish: wishes.ProtectPosition, scene: Scene) -> Step:
    position = position_of(wish, scene)
    if position is None:
        return Reached() if scene.accepted else _gone()
    if scene.capabilities.position_bracket:
        return _on_position(wish, position, scene)
    return _by_orders(wish, position, scene)


def _on_position(wish: wishes.ProtectPosition, position: Position, scene: Scene) -> Step:
    stop = _order(position.stop_loss_id, scene)
    target = _order(position.take_profit_id, scene)
    bracket = wish.bracket
    change = ModifyPosition(
        position.id,
        position.symbol,
        stop_loss=_new(bracket.stop_loss, stop.stop_price if stop is not None else None),
        take_profit=_new(bracket.take_profit, target.limit_price if target is not None else None),
        remove_stop_loss=position.stop_loss_id is not None and bracket.stop_loss is None,
        remove_take_profit=position.take_profit_id is not None and bracket.take_profit is None,
    )
    if change == ModifyPosition(position.id, position.symbol) or any(r.command == change for r in scene.records):
        return Reached()
    return _send("stop", change)


def _by_orders(wish: wishes.ProtectPosition, position: Position, scene: Scene) -> Step:
    """Change the prices of exits that stand; where their kinds differ, take them away and let new ones be placed."""
    bracket = wish.bracket
    exits = exits_of(scene.state, scene.look, position)
    stops = [order for order in exits if order.type in STOPS]
    targets = [order for order in exits if order.type is OrderType.LIMIT]
    if not exits:
        missing = bracket.has_stop or bracket.take_profit is not None
        placed = any(isinstance(record.command, (Place, PlaceGroup)) for record in scene.records)
        return Protect(position, bracket) if missing and not placed else Reached()
    if _adds(bracket, stops, targets):
        return _away(exits, scene)
    changes: list[tuple[Role, Command]] = []
    for order in stops:
        changes += _leg(order, bracket.stop_loss, bracket.trail_amount, None, kept=bracket.has_stop)
    for order in targets:
        changes += _leg(order, bracket.take_profit, None, None, kept=bracket.take_profit is not None)
    sent = [record.command for record in scene.records if record.code != "not_sent"]
    fresh = tuple((role, command) for role, command in changes if command not in sent)
    return Send(fresh) if fresh else Reached()


def _adds(bracket: Bracket, stops: list[Order], targets: list[Order]) -> bool:
    """Tell whether new orders are needed: a kind that is missing, or another kind of stop."""
    trails = bracket.trail_amount is not None
    other_stop = bracket.has_stop and any((order.trail_amount is not None) is not trails for order in stops)
    lacks_stop = bracket.has_stop and not stops
    lacks_target = bracket.take_profit is not None and not targets
    return lacks_stop or lacks_target or other_stop


def _away(exits: tuple[Order, ...], scene: Scene) -> Step:
    asked = {r.command.order_id for r in scene.records if isinstance(r.command, Cancel)}
    fresh = tuple(order for order in exits if order.id not in asked)
    if fresh:
        return Clear(tuple(("other", Cancel(order.id, order.symbol)) for order in fresh))
    since = min(r.sent_at_ms for r in scene.records if isinstance(r.command, Cancel))
    if scene.now_ms - since > 2 * SHOW_MS:
        return _refused("cancel_not_confirmed", "The broker has not taken back the earlier stop loss or take profit.")
    return Await("cancel", since, scene.now_ms + 1_000)


# ---- small things


def position_of(
    wish: wishes.ClosePosition | wishes.ReversePosition | wishes.ProtectPosition, scene: Scene
) -> Position | None:
    """Give the position that the person saw: the same id, on the same side."""
    found = (p for p in scene.look.positions if p.id == wish.position_id and p.side is wish.held_side)
    return next(found, None)


@dataclass(frozen=True, slots=True)
class Word:
    """What a wish says about the stop and target that books want: which books, and the change."""

    books: tuple[Book, ...]
    change: Callable[[Bracket], Bracket]


def word_of(wish: Wish, scene: Scene) -> Word | None:
    """Give what the wish says about brackets, None when it says nothing."""
    match wish:
        case wishes.ProtectPosition():
            position = position_of(wish, scene)
            return None if position is None else Word(owners_of(scene.state, position), lambda _: wish.bracket)
        case wishes.CancelOrder():
            order = _order(wish.order_id, scene)
            if order is None or not _is_exit(order, scene):
                return None
            stop = order.type in STOPS
            return Word(_followers(order, scene), lambda old: _without(old, stop=stop))
        case wishes.ModifyOrder():
            order = _order(wish.order_id, scene)
            if order is None:
                return None
            if not _is_exit(order, scene):
                books = followers_of(scene.state, order.symbol, (order.id,), None)
                return Word(books, lambda _: wish.bracket)
            new = replace(order, limit_price=wish.limit_price, stop_price=wish.stop_price)
            return Word(_followers(order, scene), lambda old: _repriced(old, new))
        case _:
            return None


def _followers(order: Order, scene: Scene) -> tuple[Book, ...]:
    ids = (order.id, order.parent_id or order.id)
    return followers_of(scene.state, order.symbol, ids, order.parent_id)


def _is_exit(order: Order, scene: Scene) -> bool:
    return roles_of(scene.state).get(order.id) in ("stop", "target") or order.parent_id is not None


def _without(bracket: Bracket, *, stop: bool) -> Bracket:
    return Bracket(take_profit=bracket.take_profit) if stop else replace(bracket, take_profit=None)


def _repriced(bracket: Bracket, order: Order) -> Bracket:
    if order.type is OrderType.LIMIT:
        return replace(bracket, take_profit=order.limit_price)
    if order.type is OrderType.TRAILING_STOP:
        return bracket
    return replace(bracket, stop_loss=order.stop_price)


def _order(order_id: str | None, scene: Scene) -> Order | None:
    return next((order for order in scene.look.orders if order.id == order_id), None)


def _send(role: Role, command: Command) -> Send:
    return Send(((role, command),))


def _gone() -> End:
    return _refused("flat", "This position is closed already.")


def _refused(code: str, sentence: str) -> End:
    return End(Ending.REFUSED, code, sentence)
