"""/executions: the fills of a symbol, as they are drawn on its chart.

TradeLocker lists the present session's. TradeStation lists none: they are the differences of the orders' cumulative
fills, each booked once. Older ones, at either broker, are the finished orders' fills as a whole.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from orderbridge.broker_api.answers import number
from orderbridge.broker_api.book import PanelBook, fill_of
from orderbridge.broker_api.ids import position_id_of
from orderbridge.broker_api.models import ExecutionModel
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.reading import Reader
from orderbridge.errors import BrokerReadError, NotSupportedError
from orderbridge.model import Execution, Order, Position, PositionMode
from orderbridge.strategy.settings import AccountSettings


class Executions:
    """The account's fills."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def get(self, call: Call) -> list[ExecutionModel]:
        """Give the fills of the symbol that is asked for, oldest first; of `maxCount` the newest."""
        account, symbol = call.account, call.query.need("instrument")
        count = call.query.count("maxCount")
        book = self._reader.book(account, call.deadline)
        fills = {fill.id: fill for fill in self._recent(call, book) if fill.symbol == symbol}
        with_fills = {fill.order_id for fill in fills.values()}
        for order in self._older(call):
            shown = book.shown_id(order.id)
            fill = fill_of(order)
            if fill is not None and order.symbol == symbol and shown not in with_fills and shown not in book.orders:
                fills[fill.id] = fill
        ordered = sorted(fills.values(), key=lambda fill: (fill.time_ms, fill.id))
        closing = closing_ids(ordered, book, account)
        models = [_model(fill, book, account, closes=fill.id in closing) for fill in ordered]
        return models if count is None else models[len(models) - count :] if count < len(models) else models

    def _recent(self, call: Call, book: PanelBook) -> Iterable[Execution]:
        try:
            return self._reader.executions(call.account, call.deadline)
        except NotSupportedError:
            if call.account.broker == "tradestation":
                return book.fills
        except BrokerReadError:
            pass
        return [fill for fill in map(fill_of, book.orders.values()) if fill is not None]

    def _older(self, call: Call) -> tuple[Order, ...]:
        try:
            return self._reader.history(call.account, call.deadline).value
        except BrokerReadError:
            return ()


def closing_ids(fills: list[Execution], book: PanelBook, account: AccountSettings) -> set[str]:
    """Tell which fills of a symbol, oldest first, reduced a position.

    Where fills net, what was held before each of them follows from what is held now, fill by fill backwards. Elsewhere
    a fill closes when it is on the other side of its position, or when its order is known to close.
    """
    if account.position_mode is PositionMode.NETTING:
        held = sum((p.signed for p in book.positions if fills and p.symbol == fills[0].symbol), Decimal(0))
        found: set[str] = set()
        for fill in reversed(fills):
            before = held - fill.quantity * fill.side.sign
            if before * fill.side.sign < 0:
                found.add(fill.id)
            held = before
        return found
    positions = {p.id: p for p in book.positions}
    orders = {o.id: o for o in book.orders.values()}
    first: dict[str, Execution] = {}
    for fill in fills:
        first.setdefault(fill.position_id or "", fill)
    return {fill.id for fill in fills if _closes(fill, positions, orders, first)}


def _closes(
    fill: Execution, positions: Mapping[str, Position], orders: Mapping[str, Order], first: Mapping[str, Execution]
) -> bool:
    position = positions.get(fill.position_id or "")
    if position is not None:
        return fill.side is not position.side
    order = orders.get(fill.order_id)
    if order is not None and order.effect != "unknown":
        return order.effect == "close"
    return fill.position_id is not None and first[fill.position_id].side is not fill.side


def _model(fill: Execution, book: PanelBook, account: AccountSettings, *, closes: bool) -> ExecutionModel:
    model: ExecutionModel = {
        "id": fill.id,
        "instrument": fill.symbol,
        "price": number(fill.price),
        "time": fill.time_ms // 1000,
        "qty": number(fill.quantity),
        "side": fill.side.value,
        "orderId": book.shown_id(fill.order_id),
        "isClose": closes,
    }
    if fill.position_id is not None and account.broker == "tradelocker":
        model["positionId"] = fill.position_id
    elif account.broker == "tradestation":
        position = next((p for p in book.positions if p.symbol == fill.symbol), None)
        if position is not None and (position.side is fill.side) is not closes:
            model["positionId"] = position_id_of(position, account)
    return model
