"""What is sent for a change of orders that stand: cancelling, changing, the stop and target of a position. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from orderbridge.commands import Bracket, Cancel, Command, ModifyPosition, Place, PlaceGroup, Replace
from orderbridge.execution import wishes
from orderbridge.execution.hand_books import STOPS, exits_of, followers_of, owners_of, roles_of
from orderbridge.execution.hand_scene import (
    SHOW_MS,
    Clear,
    Protect,
    Scene,
    Step,
    gone,
    order_of,
    position_of,
    refused,
    sending,
)
from orderbridge.execution.records import Book, Role
from orderbridge.execution.steps import Await, Reached, Send
from orderbridge.execution.wishes import Wish
from orderbridge.model import Order, OrderStatus, OrderType, Position, PositionMode
from orderbridge.strategy.goal import End

# ---- cancelling and changing orders


def cancelled(wish: wishes.CancelOrder, scene: Scene) -> Step:
    """Give the next step of a cancelling; a stop or target kept in its position is removed there."""
    if scene.accepted:
        return Reached()
    order = order_of(wish.order_id, scene)
    if order is None:
        return refused("not_found", "The broker does not list this order.")
    if order.status.final:
        return refused("final", f"The order is {order.status} already.")
    if order.parent_type == "position" and order.parent_id is not None and scene.capabilities.position_bracket:
        stop = order.type in STOPS
        change = ModifyPosition(order.parent_id, order.symbol, remove_stop_loss=stop, remove_take_profit=not stop)
        return sending("stop", change)
    return sending("other", Cancel(order.id, order.symbol))


def modified(wish: wishes.ModifyOrder, scene: Scene) -> Step:
    """Give the next step of changing a working order; a change may have given it another id."""
    names = _renamed(scene)
    order = order_of(names.get(wish.order_id, wish.order_id), scene)
    if order is None:
        return Reached() if scene.accepted else refused("not_found", "The broker does not list this order.")
    if order.status.final and not scene.accepted:
        return refused("final", f"The order is {order.status} already.")
    wanted = _changes(wish, order, scene)
    if isinstance(wanted, End):
        return wanted
    sent = [_by_new_name(record.command, names) for record in scene.records]
    fresh = tuple((role, command) for role, command in wanted if command not in sent)
    return Send(fresh) if fresh else Reached()


def _renamed(scene: Scene) -> dict[str, str]:
    """Give the present id of each order that was changed."""
    changes = ((record.command, record.orders) for record in scene.accepted)
    return {
        command.order_id: orders[0].order_id for command, orders in changes if isinstance(command, Replace) and orders
    }


def _by_new_name(command: Command, names: dict[str, str]) -> Command:
    if not isinstance(command, Replace):
        return command
    return replace(command, order_id=names.get(command.order_id, command.order_id))


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
    lacks = (wish.bracket.has_stop and stop is None) or (wish.bracket.take_profit is not None and target is None)
    if lacks and not scene.accepted:
        return refused("bracket_on_working", "This broker takes a stop loss or take profit only with a new order.")
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
        return refused("bracket_quantity", "The quantity of a stop loss or take profit follows its position.")
    stop = order.type in STOPS
    price = wish.stop_price if stop else wish.limit_price
    if price is None:
        return refused("price_missing", "The new price is missing.")
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


def protected(wish: wishes.ProtectPosition, scene: Scene) -> Step:
    """Give the next step of setting a position's stop and target."""
    position = position_of(wish, scene)
    if position is None:
        return Reached() if scene.accepted else gone()
    if scene.capabilities.position_bracket:
        return _on_position(wish, position, scene)
    return _by_orders(wish, position, scene)


def _on_position(wish: wishes.ProtectPosition, position: Position, scene: Scene) -> Step:
    stop = order_of(position.stop_loss_id, scene)
    target = order_of(position.take_profit_id, scene)
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
    return sending("stop", change)


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
    sent = [record.command for record in scene.records]
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
        return refused("cancel_not_confirmed", "The broker has not taken back the earlier stop loss or take profit.")
    return Await("cancel", since, scene.now_ms + 1_000)


# ---- what it says to the books


@dataclass(frozen=True, slots=True)
class Word:
    """What a wish says about the stop and target that books want: which books, and the change."""

    books: tuple[Book, ...]
    change: Callable[[Bracket], Bracket]
    entries: frozenset[str] = frozenset()
    """Jobs of the entries whose brackets it is about; empty where it is about what is held."""


def word_of(wish: Wish, scene: Scene) -> Word | None:
    """Give what the wish says about brackets, None when it says nothing."""
    match wish:
        case wishes.ProtectPosition():
            position = position_of(wish, scene)
            return None if position is None else Word(owners_of(scene.state, position), lambda _: wish.bracket)
        case wishes.CancelOrder():
            order = order_of(wish.order_id, scene)
            if order is None or not _is_exit(order, scene):
                return None
            stop = order.type in STOPS
            return Word(_followers(order, scene), lambda old: _without(old, stop=stop), _entries(order, scene))
        case wishes.ModifyOrder():
            order = order_of(wish.order_id, scene)
            if order is None:
                return None
            if not _is_exit(order, scene):
                books = followers_of(scene.state, order.symbol, (order.id,), None)
                return Word(books, lambda _: wish.bracket, _jobs_of(scene, order.id))
            new = replace(order, limit_price=wish.limit_price, stop_price=wish.stop_price)
            return Word(_followers(order, scene), lambda old: _repriced(old, new), _entries(order, scene))
        case _:
            return None


def _entries(leg: Order, scene: Scene) -> frozenset[str]:
    """Give the entry that an exit waits for; one that works is of what is held."""
    return _jobs_of(scene, leg.id, leg.parent_id) if leg.status is OrderStatus.INACTIVE else frozenset()


def _jobs_of(scene: Scene, *order_ids: str | None) -> frozenset[str]:
    followed = (order for book in scene.state.books for order in book.tracked)
    return frozenset(order.job_id for order in followed if order.order_id in order_ids)


def _followers(order: Order, scene: Scene) -> tuple[Book, ...]:
    """Give the books that an exit protects: where fills net, a position's stop is that of all who hold part of it."""
    if scene.mode is PositionMode.NETTING and order.parent_type == "position":
        netted = next((one for one in scene.look.positions if one.id == order.parent_id), None)
        return () if netted is None else owners_of(scene.state, netted)
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
