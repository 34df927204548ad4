"""Changing and closing positions, by request and by hand."""

from collections.abc import Mapping
from decimal import Decimal

from sandbox.tradelocker import instruments, legs
from sandbox.tradelocker.book import Book
from sandbox.tradelocker.desk import Desk
from sandbox.tradelocker.fields import BadField, decimal_of
from sandbox.tradelocker.instruments import Instrument
from sandbox.tradelocker.model import Account, Bracket, Order, Position, Role, Side, Status, opposite
from sandbox.tradelocker.refusals import Malformed, NotFound, Refusal
from sandbox.tradelocker.script import Script


class Holdings:
    """Works on positions. Every method raises `Refusal` and changes nothing when it refuses."""

    def __init__(self, book: Book, script: Script, desk: Desk) -> None:
        self._book = book
        self._script = script
        self._desk = desk
        self._switches = book.switches

    def modify(self, account: Account, position_id: int, body: Mapping[str, object], now_ms: int) -> None:
        """Set, move or (null) remove stop and target, from the body of PATCH /trade/positions/{id}."""
        position = self._open(account, position_id)
        self._check_open(position.instrument, now_ms)
        try:
            wanted = self._wanted_legs(position, body)
        except BadField as error:
            raise Malformed(str(error)) from error
        probe = _probe(position)
        if wanted and self._script.refuses_bracket("modify_position", probe):
            raise Refusal("Stop loss or take profit is not allowed")
        for role, price, distance in wanted:
            self._set_leg(account, position, role, price, distance, now_ms)
        self._book.advance(now_ms)

    def close(
        self, account: Account, position_id: int, body: Mapping[str, object], strategy_id: str | None, now_ms: int
    ) -> Order:
        """Place the order that closes a position or a part of it, from the body of DELETE /trade/positions/{id}."""
        position = self._open(account, position_id)
        if not self._selected(position, strategy_id):
            raise NotFound("Position not found")
        self._check_open(position.instrument, now_ms)
        try:
            qty = self._closing_lots(position, body)
        except BadField as error:
            raise Malformed(str(error)) from error
        return self._close(account, position, qty, strategy_id, now_ms)

    def close_all(self, account: Account, tid: int | None, strategy_id: str | None, now_ms: int) -> list[Position]:
        """Place closing orders for every position (of one instrument) whose market is open."""
        closed = []
        for position in account.open_positions():
            wanted = (tid is None or position.instrument.tid == tid) and self._selected(position, strategy_id)
            if wanted and self._book.market.is_open(position.instrument, now_ms):
                self._close(account, position, position.qty, strategy_id, now_ms)
                closed.append(position)
        return closed

    def open_by_hand(
        self, account: Account, instrument: Instrument, side: Side, qty: Decimal, bracket: Bracket, now_ms: int
    ) -> Order:
        """Book and fill a market order that did not come through the API."""
        route_id = instruments.trade_route_id(instrument, account.user_index)
        order = self._book.new_order(account, instrument, route_id, side, qty, now_ms)
        order.bracket = bracket
        self._book.attempt(order, now_ms)
        return order

    def close_by_hand(self, account: Account, position_id: int, qty: Decimal | None, now_ms: int) -> Order:
        """Close a position, or `qty` lots of it, as if somebody had done it in the app."""
        position = self._open(account, position_id)
        order = self._book.close_order(account, position, position.qty if qty is None else qty, now_ms)
        self._book.attempt(order, now_ms)
        return order

    def _open(self, account: Account, position_id: int) -> Position:
        position = account.positions.get(position_id)
        if position is None or position.qty == 0:
            raise NotFound("Position not found")
        return position

    def _check_open(self, instrument: Instrument, now_ms: int) -> None:
        if not self._book.market.is_open(instrument, now_ms):
            raise Refusal("Market is closed")

    def _selected(self, position: Position, strategy_id: str | None) -> bool:
        """Tell whether ?strategyId= (where it filters) lets this position through."""
        filters = strategy_id is not None and self._switches["position_strategy_query"] == "filter"
        return not filters or position.strategy_id == strategy_id

    def _closing_lots(self, position: Position, body: Mapping[str, object]) -> Decimal:
        if "qty" not in body:
            if self._switches["close_without_qty"] == "refused":
                raise BadField("qty is required")
            return position.qty
        asked = decimal_of(body["qty"], "qty")
        if asked == 0:
            return position.qty
        qty = self._desk.lots(position.instrument, asked)
        if qty > position.qty:
            if self._switches["close_too_much"] == "refused":
                raise Refusal("Quantity is larger than the position")
            return position.qty
        return qty

    def _close(self, account: Account, position: Position, qty: Decimal, strategy_id: str | None, now_ms: int) -> Order:
        order = self._book.close_order(account, position, qty, now_ms)
        if self._switches["position_strategy_query"] == "label":
            order.strategy_id = strategy_id
        elif self._switches["closing_row_strategy_id"] == "copied":
            order.strategy_id = position.strategy_id
        self._script.plan("close", order, now_ms)
        self._book.attempt(order, now_ms)
        return order

    def _wanted_legs(
        self, position: Position, body: Mapping[str, object]
    ) -> list[tuple[Role, Decimal | None, Decimal | None]]:
        """Read what the body asks: per leg its price (None: take it off) and, for a trailing stop, its distance."""
        quote = self._book.market.quote(position.instrument)
        reference = quote.bid if position.side == "buy" else quote.ask
        wanted: list[tuple[Role, Decimal | None, Decimal | None]] = []
        for name, role in (("stopLoss", Role.STOP_LOSS), ("takeProfit", Role.TAKE_PROFIT)):
            if name not in body:
                continue
            if body[name] is None:
                wanted.append((role, None, None))
                continue
            price = self._desk.price(position.instrument, body[name], name)
            if legs.wrong_side(position.side, role, price, reference):
                raise Refusal(f"{name} is on the wrong side of the price")
            wanted.append((role, price, None))
        if body.get("trailingOffset") is not None:
            offset = decimal_of(body["trailingOffset"], "trailingOffset")
            if offset <= 0:
                raise Refusal("trailingOffset must be positive")
            distance = legs.offset_distance(position.instrument, offset, self._switches)
            away = -distance if position.side == "buy" else distance
            wanted = [one for one in wanted if one[0] is not Role.STOP_LOSS]
            wanted.append((Role.STOP_LOSS, reference + away, distance))
        elif "trailingOffset" in body and "stopLoss" not in body and self._trails(position):
            wanted.append((Role.STOP_LOSS, None, None))
        return wanted

    def _trails(self, position: Position) -> bool:
        stop = self._book.accounts[position.account_id].orders.get(position.stop_loss_id or 0)
        return stop is not None and stop.trail_distance is not None

    def _set_leg(
        self,
        account: Account,
        position: Position,
        role: Role,
        price: Decimal | None,
        distance: Decimal | None,
        now_ms: int,
    ) -> None:
        if price is None:
            leg_id = position.stop_loss_id if role is Role.STOP_LOSS else position.take_profit_id
            leg = account.orders.get(leg_id or 0)
            if leg is not None:
                legs.remove(self._book, account, leg, Status.CANCELLED, now_ms)
        elif role is Role.STOP_LOSS:
            legs.set_stop(self._book, account, position, price, now_ms, trail_distance=distance)
        else:
            legs.set_target(self._book, account, position, price, now_ms)


def _probe(position: Position) -> Order:
    """Return an order that stands for the position where a script is matched."""
    return Order(
        id=0,
        account_id=position.account_id,
        instrument=position.instrument,
        route_id=position.route_id,
        side=opposite(position.side),
        qty=position.qty,
        type="stop",
        validity="GTC",
        role=Role.STOP_LOSS,
        created_ms=0,
        modified_ms=0,
        strategy_id=position.strategy_id,
    )
