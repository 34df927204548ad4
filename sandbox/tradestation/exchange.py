"""An order's way from its sending to its end.

submit -> OPN -> ACK (or DON while the market is closed) -> fills | cancel | expiry | rejection
waiting child: OSO -> release -> the same
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from sandbox.tradestation import eastern
from sandbox.tradestation.book import Book
from sandbox.tradestation.filling import Filler
from sandbox.tradestation.fitting import position_misfit
from sandbox.tradestation.instruments import Instrument, find
from sandbox.tradestation.linking import Links
from sandbox.tradestation.model import Order, PriceRule, Status
from sandbox.tradestation.sessions import PLUS

GTC_DAYS = 90
_DAY_DURATIONS = ("DAY", "DYP", "OPG", "CLO", "IOC", "FOK")
_MINUTES = ("1", "3", "5")
_PREDICATES = {"LT": (-1,), "LTE": (-1, 0), "GT": (1,), "GTE": (0, 1)}


class Exchange:
    """Moves orders through their life. Nothing here checks a request: what comes here has been taken."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.links = Links(self)
        self.filler = Filler(self)

    # ---- into the market

    def submit(self, order: Order) -> None:
        """Send an order to the market."""
        self.book.mark(order, Status.OPN)
        self.book.agenda.after(self.book.switches.number("ack_delay_ms"), lambda: self._accept(order))

    def wait(self, order: Order, parent: Order) -> None:
        """Let an order wait for its parent's complete fill."""
        order.released = False
        order.parent = parent
        parent.children.append(order)
        self.book.mark(order, Status(self.book.switches["waiting_child_status"]))

    def release(self, order: Order) -> None:
        """Send a child to the market; the position must fit by now."""
        if order.final or order.released:
            return
        order.released = True
        misfit = self.misfit(order)
        if misfit:
            self.book.mark(order, Status.OPN)
            self.reject(order, misfit)
        else:
            self.submit(order)

    def misfit(self, order: Order) -> str | None:
        """Say why an order does not fit the position now; None when it does."""
        return position_misfit(
            self.book, order.account, order.instrument, order.action, order.remaining, order.group, order
        )

    def _accept(self, order: Order) -> None:
        if order.working and self._awake(order):
            self._start(order)

    def _start(self, order: Order) -> None:
        self._schedule_end(order)
        if order.behaviour.reject_after_ms is not None:
            order.held = True
            self.book.mark(order, Status.ACK)
            reason = order.behaviour.reject_reason
            self.book.agenda.after(order.behaviour.reject_after_ms, lambda: self.reject(order, reason))
            return
        self.filler.follow(order)
        works = self.book.sessions.works(order.instrument, order.type, order.ticket.duration, self.book.now_ms)
        if order.ticket.duration == "OPG" or not works:
            self._queue(order)
            return
        self.book.mark(order, Status.ACK)
        order.held = order.held or order.ticket.duration == "CLO"
        self.filler.attempt(order, entering=True)

    def reject(self, order: Order, reason: str) -> None:
        """Reject an order that was accepted before."""
        if not order.final:
            self.end(order, Status(self.book.switches["late_reject_status"]), reason)

    # ---- prices and sessions

    def price_moved(self, instrument: Instrument) -> None:
        """Let every order that watches this instrument see its new price."""
        for order in self.book.working(instrument):
            if order.status is not Status.OPN:
                self.filler.follow(order)
                self.filler.attempt(order, entering=False)
        self._wake(order for order in list(self.book.orders.values()) if order.ticket.price_rules)

    def set_sessions(self, states: Mapping[str, object]) -> None:
        """Set sessions by symbol or asset type, and let the orders of those that changed see it."""
        working = [order for order in self.book.orders.values() if order.working and order.status is not Status.OPN]
        before = {order.id: self._session(order) for order in working}
        for key, state in states.items():
            self.book.sessions.set(key, state)
        for order in working:
            if order.working and self._session(order) != before[order.id]:
                self._session_changed(order)

    def _session(self, order: Order) -> str:
        return self.book.sessions.state(order.instrument, self.book.now_ms)

    def _session_changed(self, order: Order) -> None:
        if self._session(order) == "closed":
            self._end_day(order)
        elif order.status is Status.DON:
            self._reopen(order, again=False)
        else:
            self.filler.attempt(order, entering=False)

    def _queue(self, order: Order) -> None:
        self.book.mark(order, Status.DON)
        self.book.agenda.at(self._next_opening(order), lambda: self._reopen(order, again=True))

    def _next_opening(self, order: Order) -> int:
        regular = self.book.sessions.next_opening(order.instrument, self.book.now_ms)
        if order.instrument.asset == "STOCK" and order.type == "Limit" and order.ticket.duration in PLUS:
            return min(regular, self.book.sessions.next_extended_opening(self.book.now_ms))
        return regular

    def _reopen(self, order: Order, *, again: bool) -> None:
        if not order.working or order.status is not Status.DON:
            return
        if self.book.sessions.works(order.instrument, order.type, order.ticket.duration, self.book.now_ms):
            self.book.mark(order, Status.ACK)
            self.filler.follow(order)
            self.filler.attempt(order, entering=True)
        elif again:
            self._queue(order)

    # ---- activation rules

    def _awake(self, order: Order) -> bool:
        ticket = order.ticket
        if ticket.active_from_utc is not None:
            due_ms = self._moment_today(ticket.active_from_utc)
            if self.book.now_ms < due_ms:
                self.book.agenda.at(due_ms, lambda: self._wake([order]))
                return False
        return not ticket.price_rules or self._rules_hold(ticket.price_rules)

    def _wake(self, orders: Iterable[Order]) -> None:
        for order in orders:
            if order.working and order.status is Status.OPN and self._awake(order):
                self.book.mark(order, Status.CND)
                self._start(order)

    def _rules_hold(self, rules: Iterable[PriceRule]) -> bool:
        holds = True
        for number, rule in enumerate(rules):
            instrument = find(rule.symbol)
            if instrument is None:
                return False
            difference = self.book.market.quote(instrument).last.compare(rule.price)
            this = int(difference) in _PREDICATES[rule.predicate.upper()]
            holds = this if number == 0 else (holds or this) if rule.joined.upper() == "OR" else (holds and this)
        return holds

    def _moment_today(self, clock: str) -> int:
        today = datetime.fromtimestamp(self.book.now_ms / 1000, UTC).date()
        return int(datetime.combine(today, time.fromisoformat(clock), UTC).timestamp() * 1000)

    # ---- the end

    def end(self, order: Order, status: Status, reason: str = "", *, by_user: bool = False) -> None:
        """End an order that is not filled completely; one that is filled in part becomes FLP."""
        if order.fills and status in (Status.OUT, Status.EXP):
            status = Status.FLP
        order.reason = reason
        order.held = False
        order.closed_ms = self.book.now_ms
        settle_ms = self.book.switches.number("out_settle_ms") if status is Status.OUT else 0
        order.closed_from_ms = self.book.now_ms + settle_ms
        self.book.mark(order, status)
        self.links.after_end(order, by_user=by_user)

    def cancel(self, order: Order) -> None:
        """Begin a cancel; it takes effect after its delay, and an order may fill until then."""
        if order.cancel_pending:
            return
        order.cancel_pending = True
        self.book.mark(order, Status.UCN)
        self.book.agenda.after(self.book.switches.number("cancel_delay_ms"), lambda: self._cancelled(order))

    def _cancelled(self, order: Order) -> None:
        if order.final:
            return
        race = order.behaviour.on_cancel
        if race is None or not order.released:
            self.end(order, Status.OUT, by_user=True)
            return
        order.cancel_pending = False
        self.book.mark(order, Status.RJC if race == "reject" else Status.LAT)
        if race != "reject":
            self.filler.fill(order, order.remaining, self.filler.fill_price(order))

    def _schedule_end(self, order: Order) -> None:
        duration = order.ticket.duration
        if duration in _MINUTES:
            self.book.agenda.at(self.book.now_ms + int(duration) * 60_000, lambda: self._expire(order))
            return
        begins_ms = self.book.now_ms
        if duration == "OPG":
            begins_ms = self.book.sessions.next_opening(order.instrument, begins_ms)
        due_ms = self.book.sessions.next_end(order.instrument, duration in PLUS, begins_ms)
        self.book.agenda.at(due_ms, lambda: self._day_over(order))

    def _expire(self, order: Order) -> None:
        if not order.final:
            self.end(order, Status.EXP)

    def _day_over(self, order: Order) -> None:
        if order.final:
            return
        self._end_day(order)
        if not order.final:
            self._schedule_end(order)

    def _end_day(self, order: Order) -> None:
        """Do what a session's end does: expire, drop the rest of a partial fill, or queue for the next day."""
        now_ms, duration = self.book.now_ms, order.ticket.duration
        if duration == "OPG" and order.status is Status.DON:
            return  # its session is still to come
        if duration == "CLO" and order.status is Status.ACK and order.type == "Market":
            self.filler.fill(order, order.remaining, self.book.market.quote(order.instrument).last)
        elif duration in _DAY_DURATIONS or now_ms >= good_till_ms(order):
            self.end(order, Status.EXP)
        elif order.fills:
            self.end(order, Status.FLP)
        elif order.status is Status.ACK and not self.book.sessions.works(
            order.instrument, order.type, duration, now_ms
        ):
            self._queue(order)

    def fill_by_hand(self, order: Order, quantity: Decimal | None, price: Decimal | None) -> None:
        """Fill an order now, whatever the market says; all that remains unless a quantity is given."""
        order.held = False
        asked = order.remaining if quantity is None else min(quantity, order.remaining)
        self.filler.fill(order, asked, self.filler.fill_price(order) if price is None else price)


def good_till_ms(order: Order) -> int:
    """Give the midnight (UTC) of the day until which a GTC or GTD order lives."""
    opened = datetime.fromtimestamp(order.opened_ms / 1000, UTC).date()
    last = order.ticket.expiration or opened + timedelta(days=GTC_DAYS)
    return min(int(datetime.combine(last, time(), UTC).timestamp() * 1000), order.opened_ms + GTC_DAYS * eastern.DAY_MS)
