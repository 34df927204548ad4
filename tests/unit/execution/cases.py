"""Builders for what the execution room decides on: a future that nets, a currency pair whose fills do not."""

from decimal import Decimal
from typing import Any

from orderbridge.brokers.port import Look
from orderbridge.commands import Bracket, Command, Place
from orderbridge.execution.records import Book, CommandRecord, CommandStatus, LaneState, Protection, Role, Tracked
from orderbridge.model import Order, OrderStatus, OrderType, Position, Side
from orderbridge.strategy.goal import Holding
from tests.unit.strategy.cases import TRADELOCKER, TRADESTATION

__all__ = ["TRADELOCKER", "TRADESTATION"]

NOW_MS = 1_793_000_000_000
MES, EURUSD = "MESZ26", "EURUSD"
STRATEGY = "trend"
WORKING, INACTIVE = OrderStatus.WORKING, OrderStatus.INACTIVE
FILLED, REJECTED, CANCELLED = OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.CANCELLED
LIMIT, STOP, MARKET = OrderType.LIMIT, OrderType.STOP, OrderType.MARKET
BUY, SELL = Side.BUY, Side.SELL
BRACKET = Bracket(stop_loss=Decimal(4900), take_profit=Decimal(5100))


Number = int | str


def d(value: Number) -> Decimal:
    return Decimal(value)


def order(
    name: str, side: Side = SELL, kind: OrderType = STOP, quantity: Number = 2, filled: Number = 0, **fields: Any
) -> Order:
    """Give an order that works unless told otherwise."""
    amounts = {"quantity": d(quantity), "filled_quantity": d(filled)}
    return Order(**{"id": name, "symbol": MES, "side": side, "type": kind, "status": WORKING, **amounts, **fields})


def position(signed: Number, name: str = MES, **fields: Any) -> Position:
    side = BUY if d(signed) > 0 else SELL
    return Position(id=name, **{"symbol": MES, "side": side, "quantity": abs(d(signed)), **fields})


def pair(signed: Number, name: str, opened_at_ms: int = 0, **fields: Any) -> Position:
    """Give a position of the pair, where each fill opens its own."""
    return position(signed, name, **{"symbol": EURUSD, "opened_at_ms": opened_at_ms, **fields})


def held(signed: Number, owned: Number | None = None, **fields: Any) -> Holding:
    """Give a holding of one position of the future, all of it the strategy's own unless told otherwise."""
    positions = (position(signed),) if d(signed) else ()
    own = d(signed) if owned is None else d(owned)
    return Holding(**{"held": d(signed), "owned": own, "positions": positions, **fields})


def look(*things: Order | Position, at_ms: int = NOW_MS) -> Look:
    positions = tuple(one for one in things if isinstance(one, Position))
    orders = tuple(one for one in things if isinstance(one, Order))
    return Look(positions, orders, at_ms)


def tracked(name: str, role: Role, quantity: Number = 2, booked: Number = 0, **fields: Any) -> Tracked:
    """Give an order that a book follows, shown by the broker already."""
    side = BUY if role == "entry" else SELL
    amounts = {"quantity": d(quantity), "booked": d(booked)}
    known = {"order_id": name, "command_id": f"c-{name}", "job_id": "job", "symbol": MES, "side": side, "role": role}
    shown = {"placed_at_ms": NOW_MS - 1_000, "seen": True, "status": WORKING}
    return Tracked(**{**known, **amounts, **shown, **fields})


def book(owned: Number = 0, *followed: Tracked, wants: Bracket | None = None, **fields: Any) -> Book:
    protection = None if wants is None else Protection(MES, wants, "job")
    known = {"strategy": STRATEGY, "root": "MES", "owned": d(owned), "protection": protection}
    return Book(**{**known, "tracked": followed, **fields})


def of(*books: Book, **fields: Any) -> LaneState:
    return LaneState(books=books, **fields)


def record(command: Command, role: Role = "close", **fields: Any) -> CommandRecord:
    """Give a command that was taken a moment ago."""
    known = {"command_id": "c1", "job_id": "job", "strategy": STRATEGY, "root": "MES", "revision": 1, "step": 0}
    sent = {"status": CommandStatus.ACCEPTED, "sent_at_ms": NOW_MS - 500}
    return CommandRecord(**{**known, **sent, "command": command, "role": role, **fields})


def place(side: Side = BUY, quantity: Number = 2, effect: Any = "open", **fields: Any) -> Place:
    return Place(MES, side, d(quantity), effect, **fields)
