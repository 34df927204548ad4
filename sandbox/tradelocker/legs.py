"""A position's stop loss and take profit: rows of their own, as large as the position, gone when it is gone."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.tradelocker.instruments import Instrument
from sandbox.tradelocker.model import Account, Bracket, Order, Position, Role, Side, Status, opposite
from sandbox.tradelocker.switches import Switches

if TYPE_CHECKING:
    from sandbox.tradelocker.book import Book


def offset_distance(instrument: Instrument, offset: Decimal, switches: Switches) -> Decimal:
    """Return the price distance that an `offset` or trailing offset stands for."""
    match switches["offset_unit"]:
        case "pips":
            return offset * instrument.pip
        case "ticks":
            return offset * instrument.tick_at(instrument.quote.bid)
        case _:
            return offset


def trailing_offset(bracket: Bracket, switches: Switches) -> Decimal | None:
    """Return the offset of a trailing stop, from the field that is read for it."""
    match switches["trailing_field"]:
        case "trStopOffset":
            return bracket.trailing
        case "stopLoss":
            return bracket.stop_loss
        case _:
            return bracket.stop_loss if bracket.trailing is None else bracket.trailing


def from_order(book: Book, account: Account, position: Position, order: Order, now_ms: int) -> None:
    """Give a position the stop and target that its opening order named."""
    bracket = order.bracket
    entry = position.avg_price
    towards_loss: Decimal = Decimal(-1 if position.side == "buy" else 1)
    if bracket.stop_loss_type == "trailingOffset":
        offset = trailing_offset(bracket, book.switches)
        if offset is not None:
            distance = offset_distance(order.instrument, offset, book.switches)
            set_stop(book, account, position, entry + towards_loss * distance, now_ms, order, trail_distance=distance)
    elif bracket.stop_loss is not None:
        price = bracket.stop_loss
        if bracket.stop_loss_type == "offset":
            price = entry + towards_loss * offset_distance(order.instrument, price, book.switches)
        set_stop(book, account, position, price, now_ms, order)
    if bracket.take_profit is not None:
        price = bracket.take_profit
        if bracket.take_profit_type == "offset":
            price = entry - towards_loss * offset_distance(order.instrument, price, book.switches)
        set_target(book, account, position, price, now_ms, order)


def set_stop(
    book: Book,
    account: Account,
    position: Position,
    price: Decimal,
    now_ms: int,
    order: Order | None = None,
    *,
    trail_distance: Decimal | None = None,
) -> None:
    """Set or move a position's stop loss; a stop that exists keeps its id."""
    leg = account.orders.get(position.stop_loss_id or 0)
    if leg is None:
        leg = _new_leg(book, account, position, Role.STOP_LOSS, now_ms)
        if order is not None and Role.STOP_LOSS in order.plan.refused_legs:
            book.end(leg, Status.REFUSED, now_ms)
        else:
            position.stop_loss_id = leg.id
    leg.stop_price = price
    leg.trail_distance = trail_distance
    leg.priced_by = None if order is None else order.id
    leg.modified_ms = now_ms


def set_target(
    book: Book, account: Account, position: Position, price: Decimal, now_ms: int, order: Order | None = None
) -> None:
    """Set or move a position's take profit; a target that exists keeps its id."""
    leg = account.orders.get(position.take_profit_id or 0)
    if leg is None:
        leg = _new_leg(book, account, position, Role.TAKE_PROFIT, now_ms)
        if order is not None and Role.TAKE_PROFIT in order.plan.refused_legs:
            book.end(leg, Status.REFUSED, now_ms)
        else:
            position.take_profit_id = leg.id
    leg.price = price
    leg.priced_by = None if order is None else order.id
    leg.modified_ms = now_ms


def remove(book: Book, account: Account, leg: Order, status: Status, now_ms: int) -> None:
    """Take a stop or target off its position."""
    position = account.positions[leg.position_id or 0]
    if position.stop_loss_id == leg.id:
        position.stop_loss_id = None
    if position.take_profit_id == leg.id:
        position.take_profit_id = None
    if leg.working:
        book.end(leg, status, now_ms)


def of_position(account: Account, position: Position) -> list[Order]:
    """Return a position's working stop and target."""
    found = [account.orders.get(leg_id or 0) for leg_id in (position.stop_loss_id, position.take_profit_id)]
    return [leg for leg in found if leg is not None and leg.working]


def follow(book: Book, account: Account, position: Position, now_ms: int) -> None:
    """Size the stop and target like the position; with the position gone, end them (not the one that is executing)."""
    for leg in of_position(account, position):
        if position.qty > 0:
            leg.qty = leg.filled_qty + position.qty
        elif leg.filled_qty == 0:
            remove(book, account, leg, Status.SIBLING_GONE, now_ms)


def trail(book: Book, leg: Order) -> None:
    """Move a trailing stop after the price; it never moves back."""
    if leg.trail_distance is None or leg.stop_price is None:
        return
    quote = book.market.quote(leg.instrument)
    if leg.side == "sell":
        leg.stop_price = max(leg.stop_price, quote.bid - leg.trail_distance)
    else:
        leg.stop_price = min(leg.stop_price, quote.ask + leg.trail_distance)


def wrong_side(side: Side, role: Role, price: Decimal, reference: Decimal) -> bool:
    """Tell whether a stop or target of a position on `side` would execute at once at `reference`."""
    belongs_below = (side == "buy") == (role is Role.STOP_LOSS)
    return price >= reference if belongs_below else price <= reference


def _new_leg(book: Book, account: Account, position: Position, role: Role, now_ms: int) -> Order:
    leg = book.new_order(
        account,
        position.instrument,
        position.route_id,
        opposite(position.side),
        position.qty,
        now_ms,
        role=role,
        type_="stop" if role is Role.STOP_LOSS else "limit",
        validity="GTC",
    )
    leg.position_id = position.id
    leg.strategy_id = position.strategy_id
    return leg
