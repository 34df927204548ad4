"""Exits: close what is held, never open (TRADING.md rules 8, 11). Pure."""

from orderbridge.model import Direction, OrderType, Side
from orderbridge.strategy.case import ZERO, Case
from orderbridge.strategy.goal import End
from orderbridge.strategy.links import Link
from orderbridge.strategy.move import Move
from orderbridge.strategy.reasons import end, number, position
from orderbridge.strategy.sizing import Sized, asked_quantity, scale_of
from orderbridge.strategy.standing import ahead_of
from orderbridge.strategy.targets import to_target


def exit_move(case: Case, link: Link | None) -> Move | End:
    """Rule 8: close what is held of the side that the message names, else of the side that is held. Never open."""
    named = _exit_side(case, link)
    held = Direction.of(case.mine)
    closing = named or _exposed(case)
    if closing is None:
        return _nothing_to_exit(case)
    side = Side.SELL if closing is Direction.LONG else Side.BUY
    asked = _asked_part(case, link)
    partial = _partial_exit(case, side, link, asked)
    if isinstance(partial, (Move, End)):
        return partial
    if held is not closing and not case.working(side.opposite):
        return _nothing_to_exit(case) if case.mine == 0 else _side_not_held(case, closing)
    if isinstance(asked, End):
        return asked
    return Move(
        side,
        max(ZERO, -ahead_of(case, side)),
        closes_all=True,
        cancels=True,
        cancels_both=named is None,
        most=None if asked is None else asked.quantity,
        notes=_exit_notes(case),
    )


def _exit_side(case: Case, link: Link | None) -> Direction | None:
    """Give the side that the message names: itself, or by the position which it says was left."""
    if case.alert.exit_side in (Direction.LONG, Direction.SHORT):
        return case.alert.exit_side
    before = None if link is None or link.previous is None else link.previous.direction
    return before if before in (Direction.LONG, Direction.SHORT) else None


def _exposed(case: Case) -> Direction | None:
    """Give the side that is held, else the one that an UNKNOWN entry or the larger working one may bring."""
    coming = case.working(Side.BUY) - case.working(Side.SELL)
    for signed in (case.mine, case.holding.unknown_entries, coming, case.working(Side.BUY)):
        if signed != 0:
            return Direction.of(signed)
    return None


def _partial_exit(case: Case, side: Side, link: Link | None, asked: Sized | End | None) -> Move | End | None:
    """Give the move of an exit that leaves a part; None when all goes."""
    held = max(ZERO, -ahead_of(case, side))
    if held == 0:
        return None
    if link is not None and link.result.signed * side.sign < 0 and link.result.size is not None:
        return to_target(case, side, link)
    if asked is None or isinstance(asked, End):
        return asked
    if asked.quantity >= held:
        return None
    return Move(side, close=asked.quantity, notes=asked.notes + _exit_notes(case))


def _asked_part(case: Case, link: Link | None) -> Sized | End | None:
    """Give the size that the message names; None when all goes, whatever it is."""
    flat = link is not None and link.result.direction is Direction.FLAT
    return None if flat or not case.alert.quantity else exit_size(case)


def exit_size(case: Case) -> Sized | End:
    """Give the size of a partial exit: the alert's quantity times the multiplier, rounded down."""
    scale = scale_of(case)
    if isinstance(scale, End):
        return scale
    quantity = asked_quantity(case)
    if isinstance(quantity, End):
        return quantity
    whole, exact = scale.whole(quantity), scale.exact(quantity)
    if whole == 0:
        return end(
            "quantity_rounds_to_zero",
            f"An exit of {number(exact)} {case.unit} is less than one step of {number(scale.step)}.",
        )
    note = f"{number(exact)} {case.unit} rounded down to {number(whole)} (step {number(scale.step)})."
    return Sized(whole, () if whole == exact else (note,))


def _exit_notes(case: Case) -> tuple[str, ...]:
    alert, notes = case.alert, []
    if alert.quantity == 0:
        notes.append("The exit's quantity 0 is not obeyed: all of it is closed.")
    if alert.order_type is not OrderType.MARKET:
        notes.append(f"An exit goes at market; its order type {alert.order_type} is not obeyed.")
    if alert.stop_loss is not None or alert.take_profit is not None:
        notes.append("An exit has no stop or target; those of the alert are not obeyed.")
    return tuple(notes)


def _nothing_to_exit(case: Case) -> End:
    if case.foreign:
        return end(
            "not_owned",
            f"The account holds {position(case.foreign)} in {case.root} that strategy {case.settings.name} did not "
            "open; it is left alone (on_foreign_position).",
        )
    return end("already_flat", f"The strategy holds nothing in {case.root}; there is nothing to exit.")


def _side_not_held(case: Case, closing: Direction) -> End:
    return end(
        "side_not_held", f"The exit closes a {closing}, and the strategy is {position(case.mine)} in {case.root}."
    )
