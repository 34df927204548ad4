"""The matching core: books orders, fills them as prices and time move, keeps positions and their stops and targets."""

from collections.abc import Iterable
from decimal import Decimal

from sandbox.tradelocker import legs, money
from sandbox.tradelocker.instruments import Instrument
from sandbox.tradelocker.market import Market
from sandbox.tradelocker.model import (
    ZERO,
    Account,
    Execution,
    Order,
    OrderType,
    Position,
    Role,
    Side,
    Status,
    Validity,
    opposite,
)
from sandbox.tradelocker.seeds import LOGINS
from sandbox.tradelocker.switches import Switches

# Ids have 19 digits like the real ones: more than a double can hold.
_FIRST_ID = 7277816997907000001


class Ids:
    """Hand out ids that only grow, by uneven steps."""

    def __init__(self) -> None:
        self._last = _FIRST_ID

    def next(self) -> int:
        """Return a fresh id."""
        self._last += 2 + self._last * 7 % 13
        return self._last


class Book:
    """Every account's orders and positions. The caller says what time it is; nothing here looks at a clock."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self.market = Market(switches)
        self.ids = Ids()
        self.booked: list[Order] = []
        """The orders booked since whoever keeps the journal emptied this."""
        self.accounts = {
            seed.account_id: Account(seed, login.user_index, seed.balance)
            for login in LOGINS
            for seed in login.accounts
        }

    @property
    def fee_per_lot(self) -> Decimal:
        """Commission of one lot and fill, in the account's currency."""
        return Decimal(self.switches.number("commission_cents_per_lot")) / 100

    def new_order(
        self,
        account: Account,
        instrument: Instrument,
        route_id: int,
        side: Side,
        qty: Decimal,
        now_ms: int,
        *,
        role: Role = Role.ENTRY,
        type_: OrderType = "market",
        validity: Validity = "IOC",
    ) -> Order:
        """Make an order and book it; it is not matched yet."""
        order = Order(
            id=self.ids.next(),
            account_id=account.seed.account_id,
            instrument=instrument,
            route_id=route_id,
            side=side,
            qty=qty,
            type=type_,
            validity=validity,
            role=role,
            created_ms=now_ms,
            modified_ms=now_ms,
            reference_price=instrument.round_to_tick(self.market.quote(instrument).mid),
        )
        account.orders[order.id] = account.working[order.id] = order
        self.booked.append(order)
        return order

    def forget(self, account: Account, order: Order) -> None:
        """Take back an order that was booked only to be judged."""
        del account.orders[order.id], account.working[order.id]
        self.booked.remove(order)

    def advance(self, now_ms: int) -> None:
        """Do what has fallen due by `now_ms`, in the order of its moments, then match whatever can be matched."""
        due = [
            (order.plan.due_ms, order.id, order)
            for order in self._working()
            if order.plan.due_ms is not None and order.plan.due_ms <= now_ms
        ]
        for due_ms, _, order in sorted(due, key=lambda entry: entry[:2]):
            order.plan.due_ms = None
            self.attempt(order, due_ms)
        for order in self._working():
            self.attempt(order, now_ms)

    def on_prices(self, instruments: Iterable[Instrument], now_ms: int) -> None:
        """Move trailing stops after new quotes, let paused orders go on, and match."""
        moved = {instrument.tid for instrument in instruments}
        for order in self._working():
            if order.instrument.tid in moved:
                order.plan.paused = False
                legs.trail(self, order)
        self.advance(now_ms)

    def attempt(self, order: Order, now_ms: int) -> None:
        """Fill (or refuse) an order if it is its time and its price."""
        plan = order.plan
        if not order.working or plan.due_ms is not None or plan.paused:
            return
        if plan.refuse:
            self.end(order, Status.REFUSED, now_ms)
            return
        if not self.market.is_open(order.instrument, now_ms) or not self._marketable(order):
            return
        account = self.accounts[order.account_id]
        if order.role is Role.ENTRY and not self.affordable(account, order):
            self.end(order, Status.REFUSED, now_ms)
            return
        self._execute(account, order, now_ms)

    def affordable(self, account: Account, order: Order) -> bool:
        """Tell whether the account has the margin for an order; one that reduces a netted position always has."""
        held = self.netted_position(account, order.instrument)
        if held is not None and held.side != order.side:
            return True
        wanted = money.margin(self.market, order.instrument, order.remaining, account.seed.currency)
        return wanted <= money.available_funds(self.market, account)

    def netted_position(self, account: Account, instrument: Instrument) -> Position | None:
        """Return the one position that a netting account holds in an instrument."""
        if account.seed.mode == "hedging":
            return None
        return next((one for one in account.open_positions() if one.instrument.tid == instrument.tid), None)

    def end(self, order: Order, status: Status, now_ms: int) -> None:
        """Make an order final."""
        order.status = status
        order.modified_ms = now_ms
        order.final_ms = now_ms
        self.accounts[order.account_id].working.pop(order.id, None)

    def reduce(self, account: Account, position: Position, order: Order, qty: Decimal, now_ms: int) -> None:
        """Take lots off a position at the order's price: cash moves, stops and targets follow or go with it."""
        leave = self.market.side_price(position.instrument, order.side)
        gross = money.profit(
            self.market, position.instrument, position.side, qty, position.avg_price, leave, account.seed.currency
        )
        self._record(account, position, order, qty, leave, gross, now_ms)
        position.lots.append((now_ms, position.qty - qty))
        if position.qty == 0:
            del account.held[position.id]
        legs.follow(self, account, position, now_ms)

    def close_order(self, account: Account, position: Position, qty: Decimal, now_ms: int) -> Order:
        """Book the order that closes `qty` lots of a position; it is not matched yet."""
        order = self.new_order(
            account, position.instrument, position.route_id, opposite(position.side), qty, now_ms, role=Role.CLOSE
        )
        order.position_id = position.id
        return order

    def _working(self) -> list[Order]:
        return [order for account in self.accounts.values() for order in account.working_orders()]

    def _marketable(self, order: Order) -> bool:
        quote = self.market.quote(order.instrument)
        buys = order.side == "buy"
        if order.type == "limit" and order.price is not None:
            return quote.ask <= order.price if buys else quote.bid >= order.price
        if order.type == "stop" and order.stop_price is not None:
            return quote.ask >= order.stop_price if buys else quote.bid <= order.stop_price
        return order.type == "market"

    def _execute(self, account: Account, order: Order, now_ms: int) -> None:
        plan = order.plan
        capped = plan.fill_cap is not None
        qty = order.remaining if plan.fill_cap is None else min(plan.fill_cap, order.remaining)
        plan.fill_cap = None
        if qty > 0:
            if order.role is Role.ENTRY:
                self._enter(account, order, qty, now_ms)
            else:
                self._leave(account, order, qty, now_ms)
        if order.remaining == 0:
            self.end(order, Status.FILLED, now_ms)
        elif order.validity == "IOC":
            self.end(order, Status.IOC_PARTIAL if order.filled_qty > 0 else Status.IOC_UNFILLED, now_ms)
        else:
            plan.paused = capped

    def _enter(self, account: Account, order: Order, qty: Decimal, now_ms: int) -> None:
        held = self.netted_position(account, order.instrument)
        if held is not None and held.side != order.side:
            closed = min(qty, held.qty)
            order.position_id = held.id
            self.reduce(account, held, order, closed, now_ms)
            qty -= closed
        if qty > 0:
            self._increase(account, order, qty, now_ms)

    def _increase(self, account: Account, order: Order, qty: Decimal, now_ms: int) -> None:
        price = self.market.side_price(order.instrument, order.side)
        held = self.netted_position(account, order.instrument)
        if held is None and order.position_id is not None:
            earlier = account.positions[order.position_id]
            held = earlier if earlier.side == order.side and earlier.qty > 0 else None
        brings_bracket = held is None or order.filled_qty == 0
        if held is None:
            held = Position(
                id=self.ids.next(),
                account_id=order.account_id,
                instrument=order.instrument,
                route_id=order.route_id,
                side=order.side,
                avg_price=price,
                opened_ms=now_ms,
                strategy_id=order.strategy_id,
                late_ms=order.plan.late_position_ms,
                hidden_polls=order.plan.hidden_polls,
                lots=[(now_ms, qty)],
            )
            account.positions[held.id] = account.held[held.id] = held
        else:
            held.avg_price = _mean(held.avg_price * held.qty + price * qty, held.qty + qty)
            held.lots.append((now_ms, held.qty + qty))
        order.position_id = held.id
        self._record(account, held, order, qty, price, ZERO, now_ms)
        if brings_bracket:
            legs.from_order(self, account, held, order, now_ms)
        legs.follow(self, account, held, now_ms)

    def _leave(self, account: Account, order: Order, qty: Decimal, now_ms: int) -> None:
        assert order.position_id is not None
        position = account.positions[order.position_id]
        qty = min(qty, position.qty)
        if qty > 0:
            self.reduce(account, position, order, qty, now_ms)

    def _record(
        self,
        account: Account,
        position: Position,
        order: Order,
        qty: Decimal,
        price: Decimal,
        gross: Decimal,
        now_ms: int,
    ) -> None:
        paid = (order.avg_price or ZERO) * order.filled_qty + price * qty
        order.filled_qty += qty
        order.avg_price = _mean(paid, order.filled_qty)
        order.modified_ms = now_ms
        fee = money.cents(qty * self.fee_per_lot)
        account.cash += gross - fee
        account.executions.append(
            Execution(
                self.ids.next(), order.id, position.id, order.instrument, order.side, qty, price, now_ms, gross, fee
            )
        )


def _mean(paid: Decimal, qty: Decimal) -> Decimal:
    return (paid / qty).quantize(Decimal("0.00000001"))
