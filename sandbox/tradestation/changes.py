"""Takes replaces and cancels of orders that are in the book."""

from copy import copy
from dataclasses import replace
from decimal import Decimal

from sandbox.simserver import Journal
from sandbox.tradestation import messages
from sandbox.tradestation.checks import check_increment, check_more
from sandbox.tradestation.exchange import Exchange
from sandbox.tradestation.model import Order, Status, Trail
from sandbox.tradestation.refusals import OrderRefusal, bad_request
from sandbox.tradestation.tickets import Fields, read_trail, whole_quantity


class Changes:
    """Changes orders. Raises `OrderRefusal` for what an order's state forbids, `HttpRefusal` for a bad request."""

    def __init__(self, exchange: Exchange, journal: Journal) -> None:
        self._exchange = exchange
        self._book = exchange.book
        self._journal = journal

    def cancel(self, user: str, order_id: str) -> str:
        """Cancel an order and give its id; a success only says that the request was sent."""
        order = self._find(user, order_id)
        if order.final:
            raise OrderRefusal(messages.NOT_OPEN)
        self._journal.booked("cancel", order_id=order.id)
        self._exchange.cancel(order)
        return order.id

    def replace(self, user: str, order_id: str, given: object) -> str:
        """Change an order and give its id, which a switch can make a new one."""
        order = self._find(user, order_id)
        if order.final:
            raise OrderRefusal(messages.REPLACE_NOT_OPEN)
        if order.cancel_pending:
            raise OrderRefusal(messages.CANCEL_TRIED)
        if order.triggered:
            raise OrderRefusal(messages.STOP_HIT)
        change = _Change(order, Fields(given, "order"), self._book.switches["replace_quantity_meaning"])
        amount = change.trail.amount if change.trail else None
        check_increment(order.instrument, change.limit_price, change.stop_price, amount)
        if change.quantity > order.quantity:
            check_more(self._book, order, change.quantity - order.quantity)
        delay_ms = self._book.switches.number("replace_delay_ms")
        if delay_ms and order.released:
            order.interim = Status(self._book.switches["replace_interim"])
        old_id = order.id
        if self._book.switches["replace_id"] == "changes":
            self._rename(order)
        self._journal.booked("replace", order_id=old_id, new_order_id=order.id, **change.facts())
        self._book.agenda.after(delay_ms, lambda: self._apply(order, change))
        return order.id

    def _apply(self, order: Order, change: "_Change") -> None:
        order.interim = None
        if order.final:
            return
        if order.behaviour.rejects_replace:
            self._book.mark(order, Status.RJR)
            return
        order.type = change.type
        order.quantity = max(change.quantity, order.filled)
        order.limit_price, order.stop_price, order.trail = change.limit_price, change.stop_price, change.trail
        order.ticket = replace(order.ticket, price_rules=()) if change.clears_price_rules else order.ticket
        if not order.released or order.cancel_pending:
            return
        if order.quantity == order.filled:
            self._exchange.end(order, Status.FLP)
        elif order.status not in (Status.OPN, Status.DON):
            self._book.mark(order, Status.FPR if order.fills else Status.ACK)
            self._exchange.filler.attempt(order, entering=True)

    def _rename(self, order: Order) -> None:
        """Give an order a new id and leave its old one as a replaced order."""
        old = copy(order)
        old.children, old.group, old.frames = [], None, list(order.frames)
        old.fills = []
        old.closed_ms = old.closed_from_ms = self._book.now_ms
        self._book.mark(old, Status.UCH)
        self._book.orders[old.id] = old
        order.id = self._book.take_order_id()
        self._book.orders[order.id] = order

    def _find(self, user: str, order_id: str) -> Order:
        order = self._book.orders.get(order_id)
        if order is None or order.account.user != user:
            raise OrderRefusal(messages.INVALID_ID)
        return order


class _Change:
    """A replace request read against the order that it changes."""

    def __init__(self, order: Order, fields: Fields, quantity_meaning: str) -> None:
        advanced = Fields(fields.raw("AdvancedOptions") or {}, "advanced options")
        named = [name for name in ("Quantity", "LimitPrice", "StopPrice", "OrderType") if name in fields]
        if not named and not any(
            name in advanced for name in ("TrailingStop", "ShowOnlyQuantity", "MarketActivationRules")
        ):
            raise bad_request("Please provide valid order input.")
        self.type = order.type
        asked_type = fields.text("OrderType")
        if asked_type is not None and asked_type.upper() != order.type.upper():
            if asked_type.upper() != "MARKET":
                raise bad_request("Invalid order type.")
            self.type = "Market"
        self.quantity = self._quantity(order, fields, quantity_meaning)
        self.trail: Trail | None = read_trail(advanced) or order.trail
        if self.trail is not None and order.trail is None:
            raise bad_request("Trailing stop is only valid for trailing stop orders.")
        limit = fields.number("LimitPrice", "Invalid limit price.")
        stop = fields.number("StopPrice", "Invalid stop price.")
        self.limit_price = self._price(order.limit_price, limit)
        self.stop_price = self._price(order.stop_price, stop)
        if self.type == "Market":
            self.limit_price = self.stop_price = self.trail = None
        self.clears_price_rules = bool(
            "MarketActivationRules" in advanced
            and Fields(advanced.raw("MarketActivationRules"), "activation rules").flag("ClearAll")
        )

    @staticmethod
    def _quantity(order: Order, fields: Fields, meaning: str) -> Decimal:
        if "Quantity" not in fields:
            return order.quantity
        asked = whole_quantity(fields.text("Quantity"))
        total = asked + order.filled if meaning == "remaining" else asked
        if total <= order.filled:
            raise bad_request("Invalid order quantity.")
        return total

    @staticmethod
    def _price(now: Decimal | None, asked: Decimal | None) -> Decimal | None:
        return now if now is None or asked is None else asked

    def facts(self) -> dict[str, object]:
        """Give what the journal tells of the change."""
        prices = {"limit_price": self.limit_price, "stop_price": self.stop_price}
        return {
            "type": self.type,
            "quantity": str(self.quantity),
            **{name: None if price is None else str(price) for name, price in prices.items()},
            "trail": None if self.trail is None else str(self.trail.amount or f"{self.trail.percent}%"),
        }
