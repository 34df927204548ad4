"""Placing, changing and cancelling orders: the checks a request passes before the book takes it."""

import re
from collections.abc import Mapping
from decimal import Decimal

from sandbox.tradelocker import instruments, legs
from sandbox.tradelocker.book import Book
from sandbox.tradelocker.fields import BadField, decimal_of, optional_decimal, whole_of, word_of
from sandbox.tradelocker.instruments import Instrument
from sandbox.tradelocker.model import Account, Bracket, Order, OrderType, Role, Side, Status, Validity
from sandbox.tradelocker.refusals import Malformed, NotFound, Refusal
from sandbox.tradelocker.script import Script

_WORD = re.compile(r"[A-Za-z0-9_-]*")
_STOP_TYPES = ("absolute", "offset", "trailingOffset")
_TARGET_TYPES = ("absolute", "offset")
_PATCHABLE = frozenset({"price", "qty", "stopPrice", "stopLoss", "stopLossType", "takeProfit", "takeProfitType",
                        "trStopOffset", "validity"})  # fmt: skip


class Desk:
    """Takes orders of one user's accounts. Every method raises `Refusal` and changes nothing when it refuses."""

    def __init__(self, book: Book, script: Script) -> None:
        self._book = book
        self._script = script
        self._switches = book.switches

    def place(self, account: Account, body: Mapping[str, object], now_ms: int) -> Order:
        """Place an order from the body of POST .../orders."""
        try:
            return self._place(account, body, now_ms)
        except BadField as error:
            raise Malformed(str(error)) from error

    def modify(self, account: Account, order_id: int, body: Mapping[str, object], now_ms: int) -> Order:
        """Change a working order from the body of PATCH /trade/orders/{id}."""
        order = self._working(account, order_id)
        if not self._book.market.is_open(order.instrument, now_ms):
            raise Refusal("Market is closed")
        try:
            self._modify(order, body, now_ms)
        except BadField as error:
            raise Malformed(str(error)) from error
        self._book.attempt(order, now_ms)
        return order

    def cancel(self, account: Account, order_id: int, now_ms: int) -> Order:
        """Cancel a working order."""
        order = self._working(account, order_id)
        self._end(account, order, now_ms)
        return order

    def cancel_all(self, account: Account, tid: int | None, now_ms: int) -> list[Order]:
        """Cancel every working order, or those of one instrument; stops and targets of positions by switch."""
        spare_legs = not self._switches.on("cancel_all_takes_brackets")
        ended = []
        for order in account.working_orders():
            if (tid is None or order.instrument.tid == tid) and not (order.is_leg and spare_legs):
                self._end(account, order, now_ms)
                ended.append(order)
        return ended

    def lots(self, instrument: Instrument, value: object) -> Decimal:
        """Read a quantity in lots: positive, a multiple of the step, within smallest and largest."""
        qty = decimal_of(value, "qty")
        if qty <= 0:
            raise Refusal("Quantity must be positive")
        if qty % instrument.lot_step != 0:
            raise Refusal(f"Quantity must be a multiple of {instrument.lot_step}")
        if qty < instrument.min_lot:
            raise Refusal(f"Quantity is below the minimum of {instrument.min_lot}")
        if instrument.max_lot is not None and qty > instrument.max_lot:
            raise Refusal(f"Quantity is above the maximum of {instrument.max_lot}")
        return qty

    def price(self, instrument: Instrument, value: object, name: str) -> Decimal:
        """Read a price: positive and on a tick (or rounded to one, by switch)."""
        price = decimal_of(value, name)
        if price <= 0:
            raise Refusal(f"{name} must be positive")
        if instrument.on_tick(price):
            return price
        if self._switches["off_tick_price"] == "refused":
            raise Refusal(f"{name} is not a multiple of the tick size {instrument.tick_at(price)}")
        return instrument.round_to_tick(price)

    def _place(self, account: Account, body: Mapping[str, object], now_ms: int) -> Order:
        instrument = self._instrument(body)
        route_id = whole_of(body.get("routeId"), "routeId")
        side: Side = "buy" if word_of(body.get("side"), "side", ("buy", "sell")) == "buy" else "sell"
        type_, validity = _type_and_validity(body)
        if account.seed.status != "ACTIVE":
            raise Refusal("Trading is not allowed for this account")
        if route_id != instruments.trade_route_id(instrument, account.user_index):
            raise Refusal("Invalid route")
        if not self._book.market.is_open(instrument, now_ms):
            raise Refusal("Market is closed")
        qty = self.lots(instrument, body.get("qty"))
        price, stop_price = self._order_prices(instrument, type_, side, body)
        reference = price or stop_price or self._book.market.side_price(instrument, "sell" if side == "buy" else "buy")
        bracket = self._bracket(instrument, side, reference, body)
        strategy_id = self._strategy_id(account, body)
        order = self._book.new_order(account, instrument, route_id, side, qty, now_ms, type_=type_, validity=validity)
        order.price, order.stop_price, order.bracket, order.strategy_id = price, stop_price, bracket, strategy_id
        self._check_bookable(account, order)
        self._script.plan("place", order, now_ms)
        self._book.attempt(order, now_ms)
        return order

    def _check_bookable(self, account: Account, order: Order) -> None:
        """Refuse (and forget) an order that the account cannot pay, or whose bracket a script refuses."""
        if not self._book.affordable(account, order):
            self._book.forget(account, order)
            raise Refusal("Not enough margin")
        if self._script.refuses_bracket("place", order):
            self._book.forget(account, order)
            raise Refusal("Stop loss or take profit is not allowed")

    def _instrument(self, body: Mapping[str, object]) -> Instrument:
        tid = whole_of(body.get("tradableInstrumentId"), "tradableInstrumentId")
        found = next((one for one in instruments.listed(self._switches) if one.tid == tid), None)
        if found is None:
            raise Refusal("Instrument not found")
        return found

    def _order_prices(
        self, instrument: Instrument, type_: OrderType, side: Side, body: Mapping[str, object]
    ) -> tuple[Decimal | None, Decimal | None]:
        """Return limit and stop price; the price of a market order is ignored, whatever it is."""
        if type_ == "limit":
            return self.price(instrument, body.get("price"), "price"), None
        if type_ == "market":
            return None, None
        return None, self._stop_price(instrument, side, body.get("stopPrice"))

    def _stop_price(self, instrument: Instrument, side: Side, value: object) -> Decimal:
        """Read the price of a stop order, which the market must not have passed (by switch)."""
        stop_price = self.price(instrument, value, "stopPrice")
        market_price = self._book.market.side_price(instrument, side)
        passed = stop_price <= market_price if side == "buy" else stop_price >= market_price
        if passed and self._switches["stop_through_market"] == "refused":
            raise Refusal("Stop price is on the wrong side of the market")
        return stop_price

    def _bracket(self, instrument: Instrument, side: Side, reference: Decimal, body: Mapping[str, object]) -> Bracket:
        stop, stop_type = self._leg(instrument, side, reference, body, Role.STOP_LOSS)
        target, target_type = self._leg(instrument, side, reference, body, Role.TAKE_PROFIT)
        trailing = optional_decimal(body, "trStopOffset")
        if trailing is not None and trailing <= 0:
            raise Refusal("trStopOffset must be positive")
        bracket = Bracket(stop, stop_type, target, target_type, trailing)
        if stop_type == "trailingOffset":
            if legs.trailing_offset(bracket, self._switches) is None:
                raise Refusal("Trailing stop without an offset")
        elif (stop is None) != (stop_type is None):
            raise Refusal("stopLoss and stopLossType belong together")
        if (target is None) != (target_type is None):
            raise Refusal("takeProfit and takeProfitType belong together")
        return bracket

    def _leg(
        self, instrument: Instrument, side: Side, reference: Decimal, body: Mapping[str, object], role: Role
    ) -> tuple[Decimal | None, str | None]:
        """Read one leg: value and type, an absolute one on the right side of the reference price."""
        name, types = ("stopLoss", _STOP_TYPES) if role is Role.STOP_LOSS else ("takeProfit", _TARGET_TYPES)
        value, kind = optional_decimal(body, name), body.get(f"{name}Type")
        type_ = None if kind is None else word_of(kind, f"{name}Type", types)
        if value is not None and value <= 0:
            raise Refusal(f"{name} must be positive")
        if value is not None and type_ == "absolute":
            value = self.price(instrument, value, name)
            if legs.wrong_side(side, role, value, reference):
                raise Refusal(f"{name} is on the wrong side of the price")
        return value, type_

    def _strategy_id(self, account: Account, body: Mapping[str, object]) -> str | None:
        value = body.get("strategyId")
        if value is None:
            return None
        if not isinstance(value, str):
            raise BadField("strategyId must be text")
        longest = self._switches.number("strategy_id_max")
        if len(value) > longest:
            raise Refusal(f"strategyId must be shorter than or equal to {longest} characters")
        if self._switches["strategy_id_chars"] == "word" and not _WORD.fullmatch(value):
            raise Refusal("strategyId has characters that are not allowed")
        if self._switches["duplicate_strategy_id"] == "refused" and _is_taken(account, value):
            raise Refusal("strategyId has been used already")
        return value or None

    def _working(self, account: Account, order_id: int) -> Order:
        order = account.orders.get(order_id)
        if order is None or not order.working:
            raise NotFound("Order not found")
        if order.is_leg and self._switches["bracket_row_writes"] == "refused":
            raise Refusal("Order belongs to a position")
        return order

    def _modify(self, order: Order, body: Mapping[str, object], now_ms: int) -> None:
        """Read every field first, then change the order."""
        changes = {name: body[name] for name in _PATCHABLE if name in body}
        if "validity" in changes and word_of(changes["validity"], "validity", ("GTC", "IOC")) != order.validity:
            raise Refusal("Validity cannot be changed")
        qty = order.qty if changes.get("qty") is None else self.lots(order.instrument, changes["qty"])
        if qty <= order.filled_qty:
            raise Refusal("Quantity is below what is filled")
        price, stop_price = order.price, order.stop_price
        if changes.get("price") is not None and order.type == "limit":
            price = self.price(order.instrument, changes["price"], "price")
        if changes.get("stopPrice") is not None and order.type == "stop":
            stop_price = self._stop_price(order.instrument, order.side, changes["stopPrice"])
        reference = price or stop_price
        bracket = order.bracket
        if reference is not None:
            bracket = self._changed_bracket(order, reference, changes)
        order.qty, order.price, order.stop_price, order.bracket = qty, price, stop_price, bracket
        order.modified_ms = now_ms

    def _changed_bracket(self, order: Order, reference: Decimal, changes: Mapping[str, object]) -> Bracket:
        """Return the order's bracket after a PATCH; what null does is a switch."""
        nulls = self._switches["null_removes_order_bracket"]
        merged = _bracket_fields(order.bracket)
        for name in ("stopLoss", "takeProfit"):
            if name not in changes and f"{name}Type" not in changes:
                continue
            value = changes.get(name, merged[name])
            if value is None and merged[name] is not None:
                if nulls == "refused":
                    raise Refusal(f"{name} must be positive")
                if nulls == "no":
                    continue
                merged[name] = merged[f"{name}Type"] = None
                continue
            merged[name] = value
            merged[f"{name}Type"] = changes.get(f"{name}Type", merged[f"{name}Type"])
        if "trStopOffset" in changes:
            merged["trStopOffset"] = changes["trStopOffset"]
        return self._bracket(order.instrument, order.side, reference, merged)

    def _end(self, account: Account, order: Order, now_ms: int) -> None:
        if order.is_leg:
            legs.remove(self._book, account, order, Status.CANCELLED, now_ms)
        else:
            self._book.end(order, Status.CANCELLED, now_ms)


def _is_taken(account: Account, strategy_id: str) -> bool:
    return strategy_id != "" and any(order.strategy_id == strategy_id for order in account.orders.values())


def _type_and_validity(body: Mapping[str, object]) -> tuple[OrderType, Validity]:
    """Read type and validity: IOC for market, GTC for limit and stop."""
    type_ = word_of(body.get("type"), "type", ("limit", "market", "stop"))
    validity = word_of(body.get("validity"), "validity", ("GTC", "IOC"))
    if type_ == "market":
        if validity != "IOC":
            raise Refusal("TimeInForce of a market order must be IOC")
        return "market", "IOC"
    if validity != "GTC":
        raise Refusal(f"TimeInForce of a {type_} order must be GTC")
    return ("limit" if type_ == "limit" else "stop"), "GTC"


def _bracket_fields(bracket: Bracket) -> dict[str, object]:
    return {
        "stopLoss": bracket.stop_loss,
        "stopLossType": bracket.stop_loss_type,
        "takeProfit": bracket.take_profit,
        "takeProfitType": bracket.take_profit_type,
        "trStopOffset": bracket.trailing,
    }
