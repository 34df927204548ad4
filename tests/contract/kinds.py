"""Every kind of command that an account offers: what to arrange, what to send, how the book shows that it was done."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from orderbridge.brokers.port import Accepted, Capabilities, Evidence, Look
from orderbridge.commands import (
    Bracket,
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
from orderbridge.model import Duration, OrderType, Position, Side
from tests.contract.backend import Bench, Book, BookOrder

SETTLE_MS = 4_000
"""Within this time everything that the simulators do late has happened."""
_SETUP_ID = "5e7" + "0" * 29


@dataclass(frozen=True)
class Kind:
    """One kind of command."""

    name: str
    offered: Callable[[Capabilities], bool]
    arrange: Callable[[Bench], Command]
    done: Callable[[Bench, Command, Book, Book], bool]
    """Whether the second book differs from the first by exactly this command."""
    places: bool = False
    """Whether it makes orders."""
    repeatable: bool = True
    """Whether the same command could be carried out twice: a second group of exits would reserve more than is held."""


def set_up(bench: Bench, command: Command, name: str = "0") -> str:
    """Carry out a command that a case starts from, and give its first order's id."""
    outcome = bench.broker.send(command, (name + _SETUP_ID)[:32], bench.deadline())
    assert isinstance(outcome, Accepted), outcome
    bench.advance(SETTLE_MS)
    return outcome.orders[0].order_id if outcome.orders else ""


def look(bench: Bench, since_ms: int | None = None) -> Look:
    """Read the account as the executor does: orders first."""
    since = bench.now_ms() - 3_600_000 if since_ms is None else since_ms
    requested = bench.now_ms()
    orders = bench.broker.orders(bench.deadline(), since)
    return Look(bench.broker.positions(bench.deadline()), orders, requested, since)


def evidence(bench: Bench) -> Evidence:
    """Give what is known before a command is sent."""
    seen = look(bench)
    return Evidence(
        sent_at_ms=bench.now_ms(),
        order_ids=tuple(order.id for order in seen.orders if order.symbol == bench.symbol),
        quantities={position.id: position.signed for position in seen.positions if position.symbol == bench.symbol},
    )


# ---- commands


def market(bench: Bench, side: Side = Side.BUY) -> Place:
    return Place(bench.symbol, side, bench.unit, "open", duration=_at_once(bench))


def _at_once(bench: Bench) -> Duration:
    """Give the duration for a market order: the plain one, or the one that the broker has for it."""
    return Duration.DAY if Duration.DAY in bench.broker.capabilities.durations else Duration.IOC


def limit(bench: Bench, steps: int = -1, side: Side = Side.BUY, bracket: Bracket | None = None) -> Place:
    """Give a limit order `steps` distances above the price (below it when negative)."""
    price = bench.price + steps * bench.distance
    return Place(
        bench.symbol,
        side,
        bench.unit,
        "open",
        OrderType.LIMIT,
        limit_price=price,
        duration=Duration.GTC,
        bracket=bracket,
    )


def bracket(bench: Bench) -> Bracket:
    """Give exits around a long from one distance below the price."""
    return Bracket(stop_loss=bench.price - 3 * bench.distance, take_profit=bench.price + 3 * bench.distance)


def exits(bench: Bench) -> tuple[Place, Place]:
    """Give a stop and a target for a long of one unit, as orders of their own."""
    stop = Place(
        bench.symbol,
        Side.SELL,
        bench.unit,
        "close",
        OrderType.STOP,
        stop_price=bench.price - 2 * bench.distance,
        duration=Duration.GTC,
    )
    target = Place(
        bench.symbol,
        Side.SELL,
        bench.unit,
        "close",
        OrderType.LIMIT,
        limit_price=bench.price + 2 * bench.distance,
        duration=Duration.GTC,
    )
    return stop, target


def held(bench: Bench) -> Position:
    """Give the symbol's position as the adapter reads it."""
    (position,) = [p for p in bench.broker.positions(bench.deadline()) if p.symbol == bench.symbol]
    return position


def close(bench: Bench, part: Decimal | None = None) -> Command:
    """Give the command that closes the held long, or `part` of it, in the broker's own way."""
    position = held(bench)
    if bench.broker.capabilities.close_by_id:
        return ClosePosition(position.id, bench.symbol, position.side, position.quantity, part)
    return Place(bench.symbol, position.side.opposite, part or position.quantity, "close", duration=_at_once(bench))


# ---- what the book shows


def new_orders(before: Book, after: Book) -> list[BookOrder]:
    known = {order.id for order in before.orders}
    return [order for order in after.orders if order.id not in known]


def active(book: Book, symbol: str) -> list[BookOrder]:
    return [order for order in book.orders if order.symbol == symbol and order.state in ("working", "waiting")]


def unchanged(before: Book, after: Book) -> bool:
    """Tell whether nothing was carried out: rows that were turned down do not count."""

    def live(book: Book) -> tuple[object, object]:
        return {order for order in book.orders if order.state != "rejected"}, set(book.positions)

    return live(before) == live(after)


def _moved(bench: Bench, before: Book, after: Book) -> Decimal:
    return after.held(bench.symbol) - before.held(bench.symbol)


def _entry_done(bench: Bench, command: Command, before: Book, after: Book) -> bool:
    assert isinstance(command, Place)
    return _moved(bench, before, after) == command.quantity * command.side.sign


def _order_stands(bench: Bench, command: Command, before: Book, after: Book) -> bool:
    assert isinstance(command, Place)
    fresh = [order for order in new_orders(before, after) if order.state == "working"]
    if len(fresh) != 1 or (fresh[0].side, fresh[0].quantity) != (command.side, command.quantity):
        return False
    if command.order_type is OrderType.TRAILING_STOP:
        return True  # where it stands moves with the price
    return (fresh[0].limit_price, fresh[0].stop_price) == (command.limit_price, command.stop_price)


def _entry_with_exits_stands(bench: Bench, command: Command, before: Book, after: Book) -> bool:
    assert isinstance(command, Place)
    assert command.bracket is not None
    fresh = new_orders(before, after)
    entries = [order for order in fresh if order.side is command.side and order.state == "working"]
    if len(entries) != 1 or entries[0].limit_price != command.limit_price:
        return False
    if bench.broker.capabilities.position_bracket:
        return len(fresh) == 1  # the exits are fields of the entry
    waiting = {(order.stop_price, order.limit_price) for order in fresh if order.side is not command.side}
    wanted = {(command.bracket.stop_loss, None), (None, command.bracket.take_profit)}
    return len(fresh) == 3 and waiting == wanted


def _group_stands(bench: Bench, command: Command, before: Book, after: Book) -> bool:
    assert isinstance(command, PlaceGroup)
    fresh = [(order.side, order.quantity, order.limit_price, order.stop_price) for order in new_orders(before, after)]
    wanted = [(order.side, order.quantity, order.limit_price, order.stop_price) for order in command.orders]
    return sorted(fresh, key=str) == sorted(wanted, key=str)


def _replaced(bench: Bench, command: Command, before: Book, after: Book) -> bool:
    assert isinstance(command, Replace)
    working = active(after, bench.symbol)
    return len(working) == 1 and working[0].limit_price == command.limit_price


def _cancelled(bench: Bench, command: Command, before: Book, after: Book) -> bool:
    assert isinstance(command, Cancel)
    return not active(after, bench.symbol) and not new_orders(before, after)


def _closed(bench: Bench, command: Command, before: Book, after: Book) -> bool:
    quantity = command.quantity if isinstance(command, (Place, ClosePosition)) else None
    return _moved(bench, before, after) == -(quantity or before.held(bench.symbol))


def _modified(bench: Bench, command: Command, before: Book, after: Book) -> bool:
    assert isinstance(command, ModifyPosition)
    (position,) = [row for row in after.positions if row.symbol == bench.symbol]
    return (position.stop_loss, position.take_profit) == (command.stop_loss, command.take_profit)


# ---- the kinds


def _market_entry(bench: Bench) -> Command:
    return market(bench)


def _short_entry(bench: Bench) -> Command:
    return market(bench, Side.SELL)


def _limit_with_exits(bench: Bench) -> Command:
    return limit(bench, bracket=bracket(bench))


def _typed(order_type: OrderType) -> Callable[[Bench], Command]:
    def arrange(bench: Bench) -> Command:
        above = bench.price + bench.distance
        return Place(
            bench.symbol,
            Side.BUY,
            bench.unit,
            "open",
            order_type,
            limit_price=above + bench.distance if order_type is OrderType.STOP_LIMIT else None,
            stop_price=None if order_type is OrderType.TRAILING_STOP else above,
            trail_amount=bench.distance if order_type is OrderType.TRAILING_STOP else None,
            duration=Duration.GTC,
        )

    return arrange


def _has(order_type: OrderType) -> Callable[[Capabilities], bool]:
    return lambda capabilities: order_type in capabilities.order_types


def _always(capabilities: Capabilities) -> bool:
    del capabilities
    return True


def _group(bench: Bench) -> Command:
    set_up(bench, market(bench))
    return PlaceGroup("brk", exits(bench))


def _replace(bench: Bench) -> Command:
    order_id = set_up(bench, limit(bench))
    return Replace(order_id, bench.symbol, bench.unit, limit_price=bench.price - 2 * bench.distance)


def _cancel(bench: Bench) -> Command:
    return Cancel(set_up(bench, limit(bench)), bench.symbol)


def _close_part(bench: Bench) -> Command:
    set_up(bench, market(bench))
    return close(bench, bench.unit / 2)


def _close_whole(bench: Bench) -> Command:
    set_up(bench, market(bench))
    return close(bench)


def _modify(bench: Bench) -> Command:
    set_up(bench, market(bench))
    exits_ = bracket(bench)
    return ModifyPosition(held(bench).id, bench.symbol, exits_.stop_loss, exits_.take_profit)


def _cancel_all(bench: Bench) -> Command:
    set_up(bench, limit(bench, -1), "1")
    set_up(bench, limit(bench, -2), "2")
    return CancelAll(bench.symbol)


def _all_cancelled(bench: Bench, command: Command, before: Book, after: Book) -> bool:
    return not active(after, bench.symbol) and not new_orders(before, after)


def _close_all(bench: Bench) -> Command:
    set_up(bench, market(bench), "1")
    set_up(bench, market(bench), "2")
    return CloseAll(bench.symbol)


KINDS: tuple[Kind, ...] = (
    Kind("market_entry", _always, _market_entry, _entry_done, places=True),
    Kind("short_entry", _always, _short_entry, _entry_done, places=True),
    Kind("limit_with_exits", lambda c: c.entry_bracket, _limit_with_exits, _entry_with_exits_stands, places=True),
    Kind("stop_entry", _has(OrderType.STOP), _typed(OrderType.STOP), _order_stands, places=True),
    Kind("stop_limit_entry", _has(OrderType.STOP_LIMIT), _typed(OrderType.STOP_LIMIT), _order_stands, places=True),
    Kind("trailing_entry", _has(OrderType.TRAILING_STOP), _typed(OrderType.TRAILING_STOP), _order_stands, places=True),
    Kind("group", lambda c: c.groups, _group, _group_stands, places=True, repeatable=False),
    Kind("replace", lambda c: c.replace, _replace, _replaced),
    Kind("cancel", _always, _cancel, _cancelled),
    Kind("partial_close", _always, _close_part, _closed),
    Kind("full_close", _always, _close_whole, _closed),
    Kind("modify_position", lambda c: c.position_bracket, _modify, _modified),
    Kind("cancel_all", lambda c: c.cancel_all, _cancel_all, _all_cancelled),
    Kind("close_all", lambda c: c.close_all, _close_all, _closed),
)
