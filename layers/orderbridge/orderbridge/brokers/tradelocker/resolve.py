"""Did a command take effect? Told from positions and orders that were read after it was sent. Pure.

Place: an order or a position carries the command's label. Replace and ModifyPosition: the values asked for stand there.
Cancel: the order is final. ClosePosition: the position is gone, or for a part the quantity compared with what was held
before. CancelAll and CloseAll: nothing is left of what was there before.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import assert_never

from orderbridge.brokers.port import Absent, Ambiguous, Done, Evidence, Look, PlacedOrder, Resolution
from orderbridge.brokers.tradelocker.labels import label_of
from orderbridge.brokers.tradelocker.parse import leg_id, parent_of_leg
from orderbridge.commands import (
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.model import Order, OrderStatus, Position

SKEW_MS = 5_000
"""How far the broker's clock may be from ours."""
SETTLE_MS = 15_000
"""Fills and history rows may show up this late (10 s have been modelled by a developer of the platform's clients)."""


def resolve(command: Command, command_id: str, evidence: Evidence, look: Look) -> Resolution:
    """Tell whether `command` took effect. Raises `TypeError` for a command that TradeLocker does not have."""
    match command:
        case Place():
            return _place(command, label_of(command_id), evidence, look)
        case Replace():
            return _replace(command, look)
        case Cancel():
            return _cancel(command, look)
        case CancelAll():
            return _cancel_all(command, evidence, look)
        case ClosePosition():
            return _close(command, evidence, look)
        case CloseAll():
            return _close_all(command, evidence, look)
        case ModifyPosition():
            return _modify(command, look)
        case PlaceGroup():
            raise TypeError("TradeLocker has no order groups")
        case _:
            assert_never(command)


# ---- placing


def _place(command: Place, label: str, evidence: Evidence, look: Look) -> Resolution:
    labelled = [order for order in look.orders if order.label == label and order.id not in evidence.claimed_ids]
    # A broker may copy the label to the orders that close the position again: those are on the other side.
    rows = [order for order in labelled if order.side is command.side]
    strange = [order for order in labelled if order.side is not command.side and order.parent_id is None and not rows]
    strange += [row for row in rows if (row.symbol, row.quantity) != (command.symbol, command.quantity)]
    placed = [row for row in rows if row.status is not OrderStatus.REJECTED]
    if strange or len(placed) > 1:
        return Ambiguous(tuple(order.id for order in strange or placed))
    if placed:
        return Done((PlacedOrder(placed[0].id, "order"),))
    positions = [one for one in look.positions if one.label == label]
    if positions:
        return _placed_by_position(command, positions, evidence, look)
    # A row refused before this sending is an earlier attempt's: it says nothing about this one.
    refused = [row for row in rows if row.placed_at_ms + SKEW_MS >= evidence.sent_at_ms]
    if len(refused) == 1:
        words = refused[0].message or f"rejected by the broker ({refused[0].native_status or 'no reason given'})"
        return Done((PlacedOrder(refused[0].id, "order", refused=words),), words)
    return Ambiguous(tuple(row.id for row in refused)) if refused else Absent()


def _placed_by_position(command: Place, positions: list[Position], evidence: Evidence, look: Look) -> Resolution:
    """The position can be seen before its order's row is, which is waited for: it has the order's id.

    A request may be booked long after its sending: the wait begins when the position was opened.
    """
    position = positions[0]
    fits = (position.symbol, position.side) == (command.symbol, command.side) and position.quantity <= command.quantity
    if len(positions) > 1 or not fits:
        return Ambiguous(tuple(one.id for one in positions))
    if look.requested_at_ms - max(evidence.sent_at_ms, position.opened_at_ms) < SETTLE_MS:
        return Absent()
    return Done(message=f"position {position.id} carries the command's label; its order is not in the history yet")


# ---- changing and cancelling


def _replace(command: Replace, look: Look) -> Resolution:
    order = _order(command.order_id, look)
    if order is None:
        return Absent()
    wanted = (
        (command.quantity, order.quantity),
        (command.limit_price, order.limit_price),
        (command.stop_price, order.stop_price),
    )
    if any(asked is not None and asked != shown for asked, shown in wanted):
        return Absent()
    stop, target = _order(leg_id(order.id, "SL"), look), _order(leg_id(order.id, "TP"), look)
    stop_price = command.bracket.stop_loss if command.bracket else None
    target_price = command.bracket.take_profit if command.bracket else None
    if not _protection(stop.stop_price if stop else None, stop_price, command.remove_stop_loss):
        return Absent()
    if not _protection(target.limit_price if target else None, target_price, command.remove_take_profit):
        return Absent()
    return Done((PlacedOrder(order.id, "order"),))


def _protection(shown: Decimal | None, asked: Decimal | None, removed: bool) -> bool:
    if asked is not None:
        return shown == asked
    return shown is None or not removed


def _cancel(command: Cancel, look: Look) -> Resolution:
    leg = parent_of_leg(command.order_id)
    if leg is not None:
        parent = _order(leg[0], look)
        return Done() if parent is not None and _order(command.order_id, look) is None else Absent()
    order = _order(command.order_id, look)
    if order is None or not order.status.final:
        return Absent()
    return Done((PlacedOrder(order.id, "order"),), f"the order is {order.status}")


def _cancel_all(command: CancelAll, evidence: Evidence, look: Look) -> Resolution:
    # Stops and targets don't count: whether the platform takes those of positions along is not known.
    left = [
        order
        for order in look.orders
        if not order.status.final
        and order.parent_id is None
        and command.symbol in (None, order.symbol)
        and order.placed_at_ms <= evidence.sent_at_ms + SKEW_MS
    ]
    return Absent() if left else Done()


def _modify(command: ModifyPosition, look: Look) -> Resolution:
    position = _position(command.position_id, look.positions)
    if position is None:
        return Absent()
    stop = _order(position.stop_loss_id, look)
    target = _order(position.take_profit_id, look)
    stop_price = stop.stop_price if stop else None
    target_price = target.limit_price if target else None
    if command.remove_stop_loss and position.stop_loss_id is not None:
        return Absent()
    if command.remove_take_profit and position.take_profit_id is not None:
        return Absent()
    if command.stop_loss not in (None, stop_price) or command.take_profit not in (None, target_price):
        return Absent()
    return Done()


# ---- closing


def _close(command: ClosePosition, evidence: Evidence, look: Look) -> Resolution:
    position = _position(command.position_id, look.positions)
    if command.quantity is None:
        return Done() if position is None else Absent()
    before = abs(evidence.quantities.get(command.position_id, command.expected_quantity))
    now = position.quantity if position else Decimal(0)
    closing = [order for order in look.orders if _closes(order, command, evidence)]
    if len(closing) == 1 and (not closing[0].status.final or closing[0].filled_quantity == before - now):
        return Done((PlacedOrder(closing[0].id, "order"),))  # taken, even if only a part of it could be filled
    if now <= before - command.quantity:
        return Done()
    if now == before and not closing:
        return Absent()
    # Something happened to the position that is not what was asked: it may still be settling, or a person must look.
    if look.requested_at_ms - evidence.sent_at_ms < SETTLE_MS:
        return Absent()
    return Ambiguous(tuple(order.id for order in closing) or (command.position_id,))


def _closes(order: Order, command: ClosePosition, evidence: Evidence) -> bool:
    """Tell whether a row can be the one that the platform made for this partial close."""
    return (
        order.position_id == command.position_id
        and order.side is command.held_side.opposite
        and order.quantity == command.quantity
        and not order.sibling_ids
        and order.status is not OrderStatus.REJECTED
        and order.id not in evidence.claimed_ids
        and order.id not in evidence.order_ids
        and order.placed_at_ms + SKEW_MS >= evidence.sent_at_ms
    )


def _close_all(command: CloseAll, evidence: Evidence, look: Look) -> Resolution:
    left = [
        one
        for one in look.positions
        if command.symbol in (None, one.symbol) and one.opened_at_ms <= evidence.sent_at_ms + SKEW_MS
    ]
    return Absent() if left else Done()


def _order(order_id: str | None, look: Look) -> Order | None:
    return next((order for order in look.orders if order.id == order_id), None)


def _position(position_id: str, positions: Iterable[Position]) -> Position | None:
    return next((one for one in positions if one.id == position_id), None)
