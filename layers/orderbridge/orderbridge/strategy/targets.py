"""A message that says which position results asks for that position (TRADING.md rule 6). Pure.

An alert moves the holding only in its own direction and only by its own step:

    wanted = the message's position x multiplier, in whole steps          (never a difference x multiplier)
    close  = what is held beyond it on the other side                     (to the target: a missed exit is caught up)
    open   = what is missing on its own side, at most its own step        (a missed entry is not, unless `catch_up`)

Only the end of a position is taken from a message that says a direction without a size; the size is the order's then.
"""

from decimal import Decimal

from orderbridge.model import Side
from orderbridge.strategy.case import ZERO, Case
from orderbridge.strategy.goal import End
from orderbridge.strategy.links import Link, Said
from orderbridge.strategy.move import Move, opened
from orderbridge.strategy.reasons import end, number, position
from orderbridge.strategy.sizing import FIXED_QUANTITY, Scale, Sized, asked_quantity, order_size, scale_of, whole_steps
from orderbridge.strategy.standing import ahead_of, held_months, no_more_entries, standing_on


def to_target(case: Case, side: Side, link: Link) -> Move | End:
    """Give the move of a buy or sell that says the resulting position."""
    if link.result.signed * side.sign > 0:
        return _increase(case, side, link)
    return _reduce(case, side, link)


# ---- opening


def _increase(case: Case, side: Side, link: Link) -> Move | End:
    """The message ends on the alert's own side: close the other side, then open what is missing."""
    ahead = ahead_of(case, side)
    size = _missing(case, side, link)
    if isinstance(size, Sized) and size.quantity == 0 and ahead >= 0:
        return _reached(case, side, link, size)
    return opened(Move(side, max(ZERO, -ahead), closes_all=ahead < 0, cancels=True), size)


def _missing(case: Case, side: Side, link: Link) -> Sized | End:
    if link.result.size is None:
        return _missing_unsized(case, side, link)
    if case.route.fixed_quantity is not None:
        return _missing_fixed(case, side, link)
    scale = scale_of(case)
    return scale if isinstance(scale, End) else _missing_sized(case, side, link, scale)


def _missing_sized(case: Case, side: Side, link: Link, scale: Scale) -> Sized | End:
    exact = scale.exact(abs(link.result.signed))
    if standing_on(case, side) >= exact:
        return Sized(ZERO)
    rounded = whole_steps(case, exact)
    if isinstance(rounded, End):
        return rounded
    wanted = rounded.quantity
    missing = max(ZERO, wanted - standing_on(case, side))
    before = _before(case, side, link)
    if before is None or case.settings.catch_up:
        return Sized(missing, rounded.notes)
    step = max(ZERO, wanted - scale.whole(max(ZERO, before)))
    if step >= missing:
        return Sized(missing, rounded.notes)
    text = (
        f"The target {position(wanted * side.sign)} is {number(missing)} {case.unit} away, the alert's own step is "
        f"{number(step)}; catching up is off (catch_up)."
    )
    return Sized(step, (*rounded.notes, text))


def _missing_fixed(case: Case, side: Side, link: Link) -> Sized | End:
    """One entry of the fixed quantity for each step of the message that opens or adds."""
    after, before = abs(link.result.signed), _before(case, side, link)
    if before is not None and before >= after:
        return Sized(ZERO)
    if standing_on(case, side) > 0 and (before is None or before <= 0):
        return Sized(ZERO)
    return order_size(case)


def _missing_unsized(case: Case, side: Side, link: Link) -> Sized | End:
    """The message says only the direction: its order quantity is the step, less what that closed."""
    previous, standing = link.previous, standing_on(case, side)
    closed = max(ZERO, -ahead_of(case, side))
    before = ZERO if previous is None else previous.signed * side.sign
    if before > 0:
        return no_more_entries(case, side) or order_size(case)
    if standing > 0:
        return Sized(ZERO)
    if previous is None:
        return order_size(case, less=closed)
    if before == 0:
        return order_size(case)
    return _less_previous(case, previous, closed)


def _less_previous(case: Case, previous: Said, closed: Decimal) -> Sized | End:
    """The message turns a position round: its order also closes the position before."""
    if case.route.fixed_quantity is not None:
        return order_size(case)
    if previous.size is not None:
        scale = scale_of(case)
        return scale if isinstance(scale, End) else order_size(case, less=max(closed, scale.whole(previous.size)))
    if closed > 0:
        return order_size(case, less=closed)
    return end(
        "entry_size_unknown",
        f"The order turns a {previous.direction} of unknown size, and none is held here: how much of its quantity is "
        "the entry cannot be told. Send the position's size.",
    )


def _reached(case: Case, side: Side, link: Link, size: Sized) -> End:
    notes = " ".join(("", *size.notes))
    return end(
        "target_reached",
        f"The target is {_spoken(link.result)}, and the strategy is {position(case.mine)}{held_months(case)}"
        f"{_works(case, side)} in {case.root}; a {side} has nothing to do.{notes}",
    )


# ---- reducing


def _reduce(case: Case, side: Side, link: Link) -> Move | End:
    """The message ends flat or still on the other side: close down to it, never beyond, and open nothing."""
    held = -ahead_of(case, side)
    result = link.result
    if result.direction.sign == 0 and (held > 0 or case.working(side.opposite)):
        return Move(side, max(ZERO, held), closes_all=True, cancels=True)
    if held <= 0:
        return end(
            "nothing_to_reduce",
            f"The target is {_spoken(result)}, and the strategy is {position(case.mine)} in {case.root}: a {side} to "
            "that target only reduces, it never opens.",
        )
    size = _surplus(case, side, link, held)
    if isinstance(size, End):
        return size
    if size.quantity == 0:
        return _reached(case, side, link, size)
    return Move(side, min(size.quantity, held), closes_all=size.quantity >= held, notes=size.notes)


def _surplus(case: Case, side: Side, link: Link, held: Decimal) -> Sized | End:
    """Give what is held beyond the target."""
    if case.route.fixed_quantity is not None:
        return _surplus_share(case, side, link, held)
    if link.result.size is None:
        return _trim(case)
    scale = scale_of(case)
    if isinstance(scale, End):
        return scale
    return Sized(max(ZERO, held - scale.whole(link.result.size)))


def _surplus_share(case: Case, side: Side, link: Link, held: Decimal) -> Sized | End:
    """With a fixed quantity the message's sizes are not the account's: close the same share of the position."""
    before, after = _before(case, side, link), link.result.size
    if before is None or before >= 0 or after is None:
        return end(
            "reduction_unknown",
            f"{case.route.account} has a fixed quantity, and the message does not say which share of the position it "
            "closes; send the position's size before and after.",
        )
    share = max(ZERO, 1 - after / -before)
    if share == 0:
        return Sized(ZERO)
    return whole_steps(case, held * share)


def _trim(case: Case) -> Sized | End:
    scale = scale_of(case)
    quantity = asked_quantity(case)
    if isinstance(scale, End):
        return scale
    if isinstance(quantity, End):
        return quantity
    return whole_steps(case, scale.exact(quantity))


# ---- shared


def _before(case: Case, side: Side, link: Link) -> Decimal | None:
    """Give the message's position before, on the alert's side and in its own units; None when it cannot be told.

    A message without it says it by its order: the position after, less the quantity.
    """
    if link.previous is not None and (link.previous.size is not None or link.previous.direction.sign == 0):
        return link.previous.signed * side.sign
    quantity = case.alert.quantity
    if (
        link.previous is None
        and link.result.size is not None
        and quantity
        and case.alert.quantity_type == FIXED_QUANTITY
    ):
        return link.result.signed * side.sign - quantity
    return None if link.previous is None else _direction_only(link.previous, side)


def _direction_only(previous: Said, side: Side) -> Decimal | None:
    """A position before on the other side opens nothing of this side, whatever its size."""
    return ZERO if previous.direction.sign * side.sign < 0 else None


def _works(case: Case, side: Side) -> str:
    working = case.working(side)
    return f" with a {side} of {number(working)} working" if working else ""


def _spoken(said: Said) -> str:
    return said.direction.value if said.size is None else position(said.signed)
