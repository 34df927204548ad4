"""Placing, changing, cancelling and previewing orders.

Only a proven refusal is an error. Whatever else is not known to have been taken is answered `ok`, with an id of the
bridge's own under which the order is listed as `placing`, until it turns out to work, to be filled or not to exist.
"""

from contextlib import suppress
from decimal import Decimal

from orderbridge.broker_api.answers import ShownError, UnansweredError
from orderbridge.broker_api.book import Awaited, PanelBook, expecting, known, renamed, shows
from orderbridge.broker_api.models import PlacedModel, PreviewModel, PreviewRow, TransactionModel
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.operations.instruments import suits
from orderbridge.broker_api.ports import Backstage, Estimate, HasPreview
from orderbridge.broker_api.prices import pip_size
from orderbridge.broker_api.reading import Reader
from orderbridge.broker_api.tickets import Prices, check_no_end, check_quantity, check_sides, check_tick, read_order
from orderbridge.broker_api.working import Outcome, Working, fingerprint_of, job_id_of
from orderbridge.commands import Place
from orderbridge.errors import BrokerReadError, ReadRefusedError, StorageError, UnknownSymbolError
from orderbridge.execution import wishes
from orderbridge.model import Instrument, Order, OrderStatus, OrderType


class Trading:
    """Writes to orders."""

    def __init__(self, stage: Backstage, reader: Reader, working: Working) -> None:
        self._stage = stage
        self._reader = reader
        self._working = working

    # ---- placing

    def place(self, call: Call) -> PlacedModel:
        """Place an order."""
        order = self._order(call)
        request_id = call.query.text("requestId")
        key = f"place/{request_id}" if request_id else f"place//{self._stage.new_id()}"
        user, account = call.user.login, call.account
        self._refuse_a_like_one(call, order, job_id_of(account, user, key))
        outcome = self._working.carry_out(
            user, account, wishes.PlaceOrder(order), order.symbol, key, fingerprint_of((order,)), call.deadline
        )
        try:
            told = self._told_before(call, outcome)
            if outcome.state == "refused" and not told:
                raise ShownError(outcome.message)
            shown = told or self._listed(call, order, outcome)
        except StorageError as failure:
            raise UnansweredError from failure
        return {"orderId": shown, "transactionId": outcome.job.job_id}

    def _told_before(self, call: Call, outcome: Outcome) -> str:
        """Give the id of an order that was answered as open and has been refused since: it is listed so, under it.

        The same request has the same answer, whatever became of it meanwhile.
        """
        own_id = _own_id(outcome)
        refused = outcome.state == "refused"
        return own_id if refused and shows(self._reader.now(call.account, call.deadline), own_id) else ""

    def _listed(self, call: Call, order: Place, outcome: Outcome) -> str:
        """List the order until a look shows it; give the id that it is shown under.

        That is the broker's id, where it is known by now; one that was answered as open keeps the id of that answer.
        """
        own_id = _own_id(outcome)
        broker_id = outcome.placed[-1].order_id if outcome.placed else ""

        def note(book: PanelBook) -> PanelBook:
            if broker_id and shows(book, own_id):
                return known(book, own_id, broker_id)
            return expecting(book, self._awaited(call, order, outcome, broker_id or own_id, broker_id))

        book = self._reader.change_book(call.account.name, note)
        return own_id if shows(book, own_id) else book.shown_id(broker_id)

    def _awaited(self, call: Call, order: Place, outcome: Outcome, shown: str, broker_id: str) -> Awaited:
        job = outcome.job
        asked = _as_asked(shown, order, job.accepted_at_ms)
        return Awaited(asked, job.lane, job.job_id, job.accepted_at_ms, call.user.login, broker_id)

    def _refuse_a_like_one(self, call: Call, order: Place, job_id: str) -> None:
        """While it is not known what became of an order, another one like it may be the same wish, twice."""
        book = self._reader.now(call.account, call.deadline)
        for one in book.awaited:
            like = (one.order.symbol, one.order.side) == (order.symbol, order.side)
            if one.user == call.user.login and not one.broker_id and like and one.job_id != job_id:
                raise ShownError(
                    f"It is not known yet whether your last {order.side} of {order.symbol} was taken. "
                    "Wait until it is, or look at the broker."
                )

    def _order(self, call: Call) -> Place:
        symbol = call.form.need("instrument")
        instrument = self.tradable(call, symbol)
        listed = self._stage.settings().find(call.account.broker, symbol)
        pip = pip_size(instrument, listed, call.form.price("currentBid"))
        capabilities = self._stage.desk(call.account).broker.capabilities
        return read_order(call.form, instrument, pip, capabilities)

    def tradable(self, call: Call, symbol: str) -> Instrument:
        """Give an instrument that the account may trade. Raises `ShownError`."""
        try:
            instrument = self._reader.instrument(call.account, symbol, call.deadline)
        except UnknownSymbolError:
            raise ShownError(f"The broker has no {symbol}.") from None
        except BrokerReadError:
            raise ShownError(f"{symbol} cannot be read at the broker just now.") from None
        if not suits(call.account, instrument):
            raise ShownError(f"{symbol} cannot be traded in this account.")
        return instrument

    # ---- changing and cancelling

    def modify(self, call: Call) -> TransactionModel:
        """Change a working order: its size, its prices, its stop and target; what is not given is removed."""
        order = self.working_order(call, call.id("orderId"))
        instrument = self.tradable(call, order.symbol)
        quantity = call.form.quantity("qty")
        if quantity != order.quantity:
            check_quantity(quantity, instrument)
        check_no_end(call.form)
        duration = call.form.text("durationType")
        if duration and order.duration and duration.lower() != order.duration.lower():
            raise ShownError("The duration of a working order cannot be changed. Cancel it and place another.")
        prices = Prices.read(call.form)
        pip = pip_size(instrument, self._stage.settings().find(call.account.broker, order.symbol), order.stop_price)
        bracket = prices.bracket(instrument, pip, self._stage.desk(call.account).broker.capabilities)
        limit, stop = _own_prices(order, prices)
        check_tick("Limit price", limit, instrument)
        check_tick("Stop price", stop, instrument)
        check_sides(order.side, bracket, limit if limit is not None else stop)
        trail = None
        if order.type is OrderType.TRAILING_STOP:
            trail = prices.trailing_pips * pip if prices.trailing_pips is not None else order.trail_amount
            bracket = wishes.NO_BRACKET
        wish = wishes.ModifyOrder(order.id, order.symbol, quantity, limit, stop, trail, bracket)
        return self.changed(call, wish, order.symbol)

    def cancel(self, call: Call) -> TransactionModel:
        """Cancel a working order; cancelling a stop or target removes it alone."""
        order = self.working_order(call, call.id("orderId"))
        return self.changed(call, wishes.CancelOrder(order.id, order.symbol), order.symbol)

    def working_order(self, call: Call, shown: str) -> Order:
        """Give a listed order that may still change. Raises `ShownError`."""
        book = self._reader.now(call.account, call.deadline)
        if book.flight == 0:
            book = self._reader.book(call.account, call.deadline)
        if any(one.order.id == shown for one in book.awaited):
            raise ShownError("It is not known yet what became of this order. Try again in a few seconds.")
        order = book.orders.get(shown)
        if order is None:
            raise ShownError("There is no such order.")
        if order.status.final:
            raise ShownError(f"The order is {order.status.value} already.")
        return order

    def changed(self, call: Call, wish: wishes.Wish, symbol: str) -> TransactionModel:
        """Carry out a write that places no order of its own. Raises `ShownError` for a proven refusal."""
        key, fingerprint = f"change//{self._stage.new_id()}", fingerprint_of((wish,))
        outcome = self._working.carry_out(
            call.user.login, call.account, wish, symbol, key, fingerprint, call.deadline
        )
        if outcome.renamed:
            with suppress(StorageError):  # the change stands: the next look shows the order under its new id
                self._reader.change_book(call.account.name, lambda book: _renamed(book, outcome))
        if outcome.state == "refused":
            raise ShownError(outcome.message)
        return {"transactionId": outcome.job.job_id}

    # ---- previewing

    def preview(self, call: Call) -> PreviewModel:
        """Tell what an order would cost, in the broker's own estimate; nothing is placed."""
        broker = self._stage.desk(call.account).broker
        if not isinstance(broker, HasPreview):
            raise ShownError("This broker does not estimate orders beforehand.")
        if call.form.text("id"):
            raise ShownError("Changes of an order cannot be estimated beforehand.")
        order = self._order(call)
        try:
            estimates = broker.preview(order, self._stage.new_id(), call.deadline)
        except ReadRefusedError as refused:
            return {"sections": [], "errors": [str(refused)]}
        except BrokerReadError:
            raise ShownError("The broker's estimate cannot be read just now.") from None
        return {"sections": [{"rows": _rows(estimates[0])}]}

    def order_info(self, call: Call) -> object:
        """Refuse: the fields of this answer are not published, and the flag that switches it on is off."""
        raise ShownError(f"{call.account.name} has no further information on orders.")


def _own_id(outcome: Outcome) -> str:
    return f"ob-{outcome.job.job_id[:16]}"


def _renamed(book: PanelBook, outcome: Outcome) -> PanelBook:
    for old, new in outcome.renamed:
        book = renamed(book, old, new)
    return book


def _as_asked(own_id: str, order: Place, at_ms: int) -> Order:
    return Order(
        id=own_id,
        symbol=order.symbol,
        side=order.side,
        type=order.order_type,
        quantity=order.quantity,
        status=OrderStatus.PLACING,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        duration=order.duration.value,
        placed_at_ms=at_ms,
        updated_at_ms=at_ms,
    )


def _own_prices(order: Order, prices: Prices) -> tuple[Decimal | None, Decimal | None]:
    """Give the prices of an order of this type; one that is not given stays."""
    limited = order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    stopped = order.type in (OrderType.STOP, OrderType.STOP_LIMIT)
    limit = (prices.limit_price if prices.limit_price is not None else order.limit_price) if limited else None
    stop = (prices.stop_price if prices.stop_price is not None else order.stop_price) if stopped else None
    return limit, stop


def _rows(estimate: Estimate) -> list[PreviewRow]:
    rows: list[PreviewRow] = []
    amounts = (
        ("Estimated price", estimate.estimated_price),
        ("Estimated cost", estimate.estimated_cost),
        ("Estimated commission", estimate.estimated_commission),
    )
    for title, value in amounts:
        if value is not None:
            rows.append({"title": title, "value": f"{value:,.2f} {estimate.currency}"})
    if estimate.initial_margin:
        rows.append({"title": "Initial margin", "value": estimate.initial_margin})
    return rows
