"""When a working order fills, how much of it, and at what price.

A market order fills at the bid or the ask. A limit order that is marketable when it comes fills there too, one that
rests fills at its own price. A stop is triggered by the last trade (trigger STT), then fills like one of these two.
"""

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.tradestation.model import Fill, Order, Status

if TYPE_CHECKING:
    from sandbox.tradestation.exchange import Exchange

IMMEDIATE = ("IOC", "FOK")


class Filler:
    """Fills orders against the market's quotes."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self._book = exchange.book

    def attempt(self, order: Order, *, entering: bool) -> None:
        """Fill an order if the market allows it; `entering` when it has just begun to work."""
        asleep = order.held or order.status in (Status.OPN, Status.DON)
        if not order.working or asleep or not self._open_for(order):
            return
        price = self._price(order, entering)
        if price is not None:
            self._execute(order, price)
        if order.ticket.duration in IMMEDIATE and order.working and not order.held:
            self._exchange.end(order, Status.OUT)

    def follow(self, order: Order) -> None:
        """Move a trailing stop behind the last trade."""
        last = self._book.market.quote(order.instrument).last
        best = order.best_price if order.best_price is not None else last
        order.best_price = min(best, last) if order.action.sign > 0 else max(best, last)

    def stop_price(self, order: Order) -> Decimal | None:
        """Give the price that triggers a stop order now."""
        if order.trail is None:
            return order.stop_price
        best = order.best_price
        if best is None:
            best = self._book.market.quote(order.instrument).last
        return order.instrument.to_increment(order.trail.stop_from(best, order.action.sign))

    def fill(self, order: Order, quantity: Decimal, price: Decimal) -> None:
        """Book an execution and tell the linked orders."""
        order.fills.append(Fill(quantity, price, self._book.now_ms))
        self._book.fill(order.account, order.instrument, quantity * order.action.sign, price)
        if order.quantity > order.filled:
            if not order.cancel_pending:
                self._book.mark(order, Status.FPR)
        else:
            order.closed_ms = order.closed_from_ms = self._book.now_ms
            bracket = order.group is not None and order.group.kind == "BRK"
            as_told = Status(self._book.switches["bracket_fill_status"])
            self._book.mark(order, as_told if bracket else Status.FLL)
        self._exchange.links.after_fill(order, quantity)

    def fill_price(self, order: Order) -> Decimal:
        """Give the price at which a fill comes now, even if the market is not there yet: a limit order's own."""
        touch = self._book.market.quote(order.instrument).touch(order.action.sign)
        limit = order.limit_price
        if limit is None or (limit - touch) * order.action.sign >= 0:
            return touch
        return limit

    def _open_for(self, order: Order) -> bool:
        quote = self._book.market.quote(order.instrument)
        return not quote.halted and self._book.sessions.works(
            order.instrument, order.type, order.ticket.duration, self._book.now_ms
        )

    def _price(self, order: Order, entering: bool) -> Decimal | None:
        quote, sign = self._book.market.quote(order.instrument), order.action.sign
        if order.type in ("StopMarket", "StopLimit") and not order.triggered:
            stop = self.stop_price(order)
            if stop is None or (quote.last - stop) * sign < 0:
                return None
            order.triggered = entering = True
            self._book.mark(order, Status.STP)
        touch = quote.touch(sign)
        if order.type in ("Market", "StopMarket") or order.limit_price is None:
            return touch
        if (order.limit_price - touch) * sign < 0:
            return None
        return touch if entering else order.limit_price

    def _execute(self, order: Order, price: Decimal) -> None:
        behaviour = order.behaviour
        delay_ms = behaviour.fill_delay_ms or self._book.switches.number("fill_delay_ms")
        if delay_ms and not order.delayed and not order.by_hand:
            order.held = True
            self._book.agenda.after(delay_ms, lambda: self._after_delay(order))
            return
        misfit = self._exchange.misfit(order)
        if misfit:
            self._exchange.reject(order, misfit)
            return
        if behaviour.then is None or order.ticket.all_or_none:
            self.fill(order, order.remaining, price)
        elif order.ticket.duration != "FOK":
            order.held = True
            self._step(order)

    def _after_delay(self, order: Order) -> None:
        order.held, order.delayed = False, True
        self.attempt(order, entering=True)

    def _step(self, order: Order) -> None:
        """Carry out the next step of a scripted partial fill."""
        if not order.working:
            return
        behaviour = order.behaviour
        if not behaviour.steps:
            if behaviour.then == "rest":
                self.fill(order, order.remaining, self.fill_price(order))
            else:
                self._exchange.end(order, Status.FLP)
            return
        self.fill(order, min(behaviour.steps.pop(0), order.remaining), self.fill_price(order))
        if order.quantity > order.filled:
            self._after_step(order)

    def _after_step(self, order: Order) -> None:
        behaviour = order.behaviour
        if behaviour.steps or behaviour.then != "stay":
            self._book.agenda.at(self._book.now_ms + behaviour.step_ms, lambda: self._step(order))
        elif order.ticket.duration == "IOC":
            self._exchange.end(order, Status.FLP)
