"""The whole book as JSON, past every delay and switch: what is true, for tests and for the demo's verdict."""

from collections.abc import Mapping

from sandbox.tradestation import money
from sandbox.tradestation.book import Book
from sandbox.tradestation.model import Account, Order
from sandbox.tradestation.text import plain, rounded


def state_of(book: Book) -> Mapping[str, object]:
    """Give accounts, positions, orders (oldest first) and fills (in order of time)."""
    fills = [
        {
            "order_id": order.id,
            "account": order.account.id,
            "symbol": order.instrument.symbol,
            "action": order.action.value,
            "quantity": plain(fill.quantity),
            "price": plain(fill.price),
            "at_ms": fill.at_ms,
        }
        for order in book.orders.values()
        for fill in order.fills
    ]
    return {
        "now_ms": book.now_ms,
        "accounts": [_account(book, account) for account in book.accounts.values()],
        "positions": [
            {
                "account": account.id,
                "symbol": held.instrument.symbol,
                "quantity": plain(held.quantity),
                "average_price": rounded(held.average_price),
                "position_id": held.id,
            }
            for account in book.accounts.values()
            for held in account.positions.values()
        ],
        "orders": [_order(order) for order in sorted(book.orders.values(), key=lambda order: int(order.id))],
        "fills": sorted(fills, key=lambda fill: int(str(fill["at_ms"]))),
    }


def _account(book: Book, account: Account) -> Mapping[str, object]:
    return {
        "account": account.id,
        "user": account.user,
        "type": account.type,
        "status": account.status,
        "cash": rounded(account.cash),
        "equity": rounded(money.equity(book, account)),
        "realized": rounded(account.realized),
        "commission": plain(account.commission),
    }


def _order(order: Order) -> Mapping[str, object]:
    return {
        "order_id": order.id,
        "account": order.account.id,
        "symbol": order.instrument.symbol,
        "action": order.action.value,
        "type": order.type,
        "requested": plain(order.ticket.quantity),
        "quantity": plain(order.quantity),
        "filled": plain(order.filled),
        "average_price": rounded(order.average_price),
        "limit_price": None if order.limit_price is None else plain(order.limit_price),
        "stop_price": None if order.stop_price is None else plain(order.stop_price),
        "trail": None if order.trail is None else str(order.trail.amount or f"{order.trail.percent}%"),
        "duration": order.ticket.duration,
        "status": order.status.value,
        "working": order.working,
        "waiting": not order.final and not order.released,
        "reason": order.reason or None,
        "parent": order.parent.id if order.parent else None,
        "group": f"{order.group.kind} {order.group.number}" if order.group else None,
        "opened_ms": order.opened_ms,
        "closed_ms": order.closed_ms,
        "confirm_id": order.ticket.confirm_id,
        "by_hand": order.by_hand,
        "frames": [[at_ms, status.value] for at_ms, status in order.frames],
    }
