"""What an alert moves: how much of the other side it closes, how much it opens on its own (TRADING.md rules 5-9). Pure.

Every amount is seen from the alert's own side: `ahead` is what is held on that side, negative when the other side is
held. A buy therefore only ever moves up, a sell only down, and the same lines serve both.
"""

from decimal import Decimal
from typing import assert_never

from orderbridge.alerts.alert import Action
from orderbridge.model import Direction, OrderType, Side
from orderbridge.strategy.case import Case
from orderbridge.strategy.exits import exit_move
from orderbridge.strategy.goal import End
from orderbridge.strategy.links import Link, link_of
from orderbridge.strategy.move import Move, opened
from orderbridge.strategy.reasons import end, number, position
from orderbridge.strategy.sizing import order_size
from orderbridge.strategy.standing import ahead_of, no_more_entries
from orderbridge.strategy.targets import to_target


def move_of(case: Case) -> Move | End:
    """Give the move that the alert asks for, as far as the holding allows it. `cancel` and notices never come here."""
    action, link = case.alert.action, link_of(case.alert)
    match action:
        case Action.EXIT:
            return exit_move(case, link)
        case Action.ADD:
            return _add(case, link)
        case Action.BUY | Action.SELL:
            side = Side.BUY if action is Action.BUY else Side.SELL
            if link is not None:
                return to_target(case, side, link)
            return _plain_order(case, side) if case.settings.action_means == "order" else _be_on(case, side)
        case Action.CANCEL | Action.NONE:
            raise ValueError(f"{action} moves nothing")
        case _:
            assert_never(action)


# ---- messages without a position


def _be_on(case: Case, side: Side) -> Move | End:
    """Rule 5: buy means "be long". Flat: enter. Short: close, then enter. Long: refused, unless pyramiding."""
    ahead = ahead_of(case, side)
    full = no_more_entries(case, side)
    if ahead >= 0:
        return full or opened(Move(side, cancels=True), order_size(case))
    close = Move(side, close=-ahead, closes_all=True, cancels=True)
    return opened(close, full or order_size(case, less=-ahead))


def _plain_order(case: Case, side: Side) -> Move | End:
    """Take buy and sell as they stand: what the order exceeds the other side by, it opens."""
    size = order_size(case)
    if isinstance(size, End):
        return size
    ahead = ahead_of(case, side)
    resting = case.working(side.opposite)
    blocked = _beside_resting(case, side, resting) if resting else None
    if ahead >= 0:
        return blocked or Move(side, open=size.quantity, plain=True, notes=size.notes)
    if case.alert.order_type is not OrderType.MARKET:
        return end(
            "resting_order_would_close",
            f"The strategy holds {position(case.mine)}; a {case.alert.order_type} order that closes it is not "
            "supported yet. Use a market order or `exit`.",
        )
    close = min(size.quantity, -ahead)
    if blocked and size.quantity > close:
        return Move(side, close, refused=blocked, plain=True, notes=size.notes)
    return Move(side, close, open=size.quantity - close, plain=True, notes=size.notes)


def _beside_resting(case: Case, side: Side, resting: Decimal) -> End:
    return end(
        "opposite_order_works",
        f"A {side.opposite} of {number(resting)} works in {case.root}, and would close what this {side} opens, which "
        "is not supported yet. Cancel it first.",
    )


def _add(case: Case, link: Link | None) -> Move | End:
    """Add to the side that is held; when flat, to the side that the message names. An add never closes."""
    named = Direction.FLAT if link is None else link.result.direction
    held = Direction.of(case.mine)
    if held is Direction.FLAT and named is Direction.FLAT:
        return end(
            "nothing_to_add_to", f"The strategy holds nothing in {case.root}, and the add does not say which side."
        )
    if link is not None and named is not (held if held is not Direction.FLAT else named):
        return end("add_other_side", f"The add asks for {named}, and the strategy is {position(case.mine)}.")
    side = Side.BUY if Direction.LONG in (held, named) else Side.SELL
    if link is not None and link.result.size is not None:
        return to_target(case, side, link)
    return opened(Move(side, cancels=True), order_size(case))
