"""/orders and /ordersHistory: what is listed, in TradingView's words."""

from decimal import Decimal

from orderbridge.broker_api.accounts import TYPE_NAMES
from orderbridge.broker_api.answers import ShownError, number
from orderbridge.broker_api.book import Awaited, PanelBook
from orderbridge.broker_api.ids import position_id_of
from orderbridge.broker_api.models import Message, OrderModel
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.operations.outage import warning_of
from orderbridge.broker_api.ports import Backstage
from orderbridge.broker_api.prices import pip_size
from orderbridge.broker_api.reading import Reader
from orderbridge.errors import BrokerReadError
from orderbridge.execution.hand_books import STOPS
from orderbridge.model import Duration, Order, OrderStatus, OrderType, Position, PositionMode
from orderbridge.strategy.settings import AccountSettings

DURATIONS = {duration.value: duration.name for duration in Duration}
UNKNOWN = "It is not known yet whether the broker has taken this order. The broker is being asked."
ON_ITS_WAY = "The broker has taken this order and does not list it yet."


class Orders:
    """The account's orders."""

    def __init__(self, stage: Backstage, reader: Reader) -> None:
        self._stage = stage
        self._reader = reader

    def get(self, call: Call) -> list[OrderModel]:
        """Give the orders of the last day and those that work, the panel's own unknown ones among them."""
        account = call.account
        book = self._reader.book(account, call.deadline)
        warning = warning_of(account, self._reader.stale_since_ms(book.looked_at_ms))
        pips = self._pips(call, book)
        listed = [order_model(shown, order, book, account, pips) for shown, order in book.orders.items()]
        listed += [awaited_model(one, account, pips) for one in book.awaited]
        if warning is not None:
            for model in listed:
                if model["status"] not in ("filled", "cancelled", "rejected"):
                    model["message"] = warning
        return listed

    def history(self, call: Call) -> list[OrderModel]:
        """Give the finished orders that /orders does not list any more, the newest first."""
        account = call.account
        count = call.query.count("maxCount")
        try:
            history = self._reader.history(account, call.deadline).value
        except BrokerReadError:
            raise ShownError("The broker's order history cannot be read just now.") from None
        book = self._reader.book(account, call.deadline)
        older = [o for o in history if o.status.final and book.shown_id(o.id) not in book.orders]
        older.sort(key=lambda o: (o.updated_at_ms, o.id), reverse=True)
        return [order_model(o.id, o, book, account, {}) for o in older[:count]]

    def _pips(self, call: Call, book: PanelBook) -> dict[str, Decimal]:
        """Give the pip size of each symbol that has a trailing stop: its distance is told in pips."""
        symbols = {o.symbol for o in book.orders.values() if o.trail_amount is not None and not o.status.final}
        if not symbols:
            return {}
        instruments = self._reader.instruments(call.account, sorted(symbols), call.deadline)
        settings = self._stage.settings()
        return {
            symbol: pip_size(instrument, settings.find(call.account.broker, symbol))
            for symbol, instrument in instruments.items()
        }


def order_model(
    shown: str, order: Order, book: PanelBook, account: AccountSettings, pips: dict[str, Decimal]
) -> OrderModel:
    """Give an order as it is listed; fields that an order of its type does not have are left out."""
    model: OrderModel = {
        "id": shown,
        "instrument": order.symbol,
        "qty": number(order.quantity),
        "side": order.side.value,
        "type": TYPE_NAMES[order.type],
        "status": order.status.value,
        "filledQty": number(order.filled_quantity),
    }
    if order.average_price is not None and order.filled_quantity:
        model["avgPrice"] = number(order.average_price)
    if order.limit_price is not None and order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        model["limitPrice"] = number(order.limit_price)
    if order.stop_price is not None and order.type in STOPS:
        model["stopPrice"] = number(order.stop_price)
    if order.type is OrderType.TRAILING_STOP:
        model["isTrailingStop"] = True
        pip = pips.get(order.symbol)
        if order.trail_amount is not None and pip:
            model["trailingStopPips"] = number(order.trail_amount / pip)
    if order.duration in DURATIONS and (account.broker == "tradestation" or order.duration == Duration.GTC):
        model["duration"] = {"type": DURATIONS[order.duration]}
    if _ended_or_placed(order):
        model["lastModified"] = _ended_or_placed(order) // 1000
    _add_parent(model, order, book, account)
    if order.message:
        model["message"] = _message(order)
    return model


def _add_parent(model: OrderModel, order: Order, book: PanelBook, account: AccountSettings) -> None:
    """Name what a bracket order protects; a market order that closed a position is no bracket."""
    if order.type is OrderType.MARKET:
        return
    position = protected_position(order, book, account)
    if position is not None:
        model["parentType"] = "position"
        model["parentId"] = position_id_of(position, account)
    elif order.parent_type == "order" and order.parent_id is not None:
        model["parentType"] = "order"
        model["parentId"] = book.shown_id(order.parent_id)
    elif order.parent_type == "position" and order.parent_id is not None and account.broker == "tradelocker":
        model["parentType"] = "position"
        model["parentId"] = order.parent_id


def protected_position(order: Order, book: PanelBook, account: AccountSettings) -> Position | None:
    """Give the position that a working order protects, None for orders that are no brackets of one.

    At TradeStation nothing in a lone order says it: the ledger does, or a stop on the closing side, or its links.
    """
    if order.status.final or order.status is OrderStatus.INACTIVE:
        return None
    if account.broker == "tradelocker":
        return next((p for p in book.positions if p.id == order.parent_id), None)
    position = next((p for p in book.positions if p.symbol == order.symbol and p.side is order.side.opposite), None)
    if position is None or order.effect == "open" or account.position_mode is not PositionMode.NETTING:
        return None
    linked = order.id in book.exits or order.type in STOPS or order.parent_id is not None or bool(order.sibling_ids)
    return position if linked else None


def awaited_model(one: Awaited, account: AccountSettings, pips: dict[str, Decimal]) -> OrderModel:
    """Give an order of the panel's own that the broker does not show yet."""
    model = order_model(one.order.id, one.order, PanelBook(), account, pips)
    if one.broker_id:
        model["message"] = {"text": ON_ITS_WAY, "type": "information"}
    else:
        model["message"] = {"text": UNKNOWN, "type": "warning"}
    return model


def _message(order: Order) -> Message:
    return {"text": order.message, "type": "error" if order.status is OrderStatus.REJECTED else "information"}


def _ended_or_placed(order: Order) -> int:
    return max(order.updated_at_ms, order.placed_at_ms)
