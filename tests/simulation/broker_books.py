"""The simulated brokers' own books as the invariants see them: `AccountEvidence` straight from the cores.

A row that is final is made once and kept; what still works is read each time.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice

from orderbridge.model import OrderType
from orderbridge.strategy.settings import AccountSettings
from sandbox.tradelocker import instruments
from sandbox.tradelocker import model as tl
from sandbox.tradelocker.simulator import Simulator
from sandbox.tradestation import model as ts
from sandbox.tradestation.book import Book
from tests.simulation.invariants.evidence import Fill, Held, Row, RowRole

ROLES: dict[tl.Role, RowRole] = {
    tl.Role.ENTRY: "order",
    tl.Role.CLOSE: "close",
    tl.Role.STOP_LOSS: "stop",
    tl.Role.TAKE_PROFIT: "target",
}
TL_TYPES = {"market": OrderType.MARKET, "limit": OrderType.LIMIT, "stop": OrderType.STOP}
TS_TYPES = {
    "Market": OrderType.MARKET,
    "Limit": OrderType.LIMIT,
    "StopMarket": OrderType.STOP,
    "StopLimit": OrderType.STOP_LIMIT,
}


class TradeLockerBook:
    """One account of a simulated TradeLocker."""

    def __init__(self, settings: AccountSettings, simulator: Simulator) -> None:
        self._settings = settings
        self._simulator = simulator
        self._history_lag_ms = simulator.switches.number("history_lag_ms")
        self._final: dict[int, Row] = {}
        self._fills: dict[int, list[Fill]] = {}
        self._executions = 0
        self.by_hand: set[int] = set()
        """Ids of the orders that the story placed; an entry without a strategyId is one of them anyway."""

    @property
    def settings(self) -> AccountSettings:
        return self._settings

    @property
    def _account(self) -> tl.Account:
        return self._simulator.book.accounts[int(self._settings.broker_account_id)]

    def version(self) -> object:
        account = self._account
        working = tuple((one.id, one.modified_ms, one.qty, one.stop_price) for one in account.working.values())
        held = tuple((one.id, one.stop_loss_id, one.take_profit_id, one.qty) for one in account.held.values())
        return len(account.orders), len(account.executions), working, held

    def rows(self) -> Sequence[Row]:
        account = self._account
        for execution in account.executions[self._executions :]:
            fill = Fill(execution.at_ms, execution.qty, execution.price)
            self._fills.setdefault(execution.order_id, []).append(fill)
        self._executions = len(account.executions)
        return [self._final.get(order.id) or self._row(order) for order in account.orders.values()]

    def positions(self) -> Sequence[Held]:
        account = self._account
        hand = {order.position_id for order in account.orders.values() if self._is_by_hand(order)}
        return [self._held(account, position, position.id in hand) for position in account.open_positions()]

    def units_per_quantity(self, symbol: str) -> Decimal:
        return next(one.lot_size for one in instruments.listed(self._simulator.switches) if one.name == symbol)

    def _is_by_hand(self, order: tl.Order) -> bool:
        return order.id in self.by_hand or (order.role is tl.Role.ENTRY and not order.strategy_id)

    def _held(self, account: tl.Account, position: tl.Position, by_hand: bool) -> Held:
        stop = account.orders.get(position.stop_loss_id or 0)
        target = account.orders.get(position.take_profit_id or 0)
        sign = 1 if position.side == "buy" else -1
        return Held(
            id=str(position.id),
            symbol=position.instrument.name,
            signed=position.qty * sign,
            stop=stop.stop_price if stop is not None and stop.working else None,
            target=target.price if target is not None and target.working else None,
            by_hand=by_hand,
            opened_ms=position.opened_ms,
        )

    def _row(self, order: tl.Order) -> Row:
        row = Row(
            id=str(order.id),
            symbol=order.instrument.name,
            sign=1 if order.side == "buy" else -1,
            asked=order.qty,
            filled=order.filled_qty,
            rejected=order.status is tl.Status.REFUSED,
            working=order.working,
            opened_ms=order.created_ms,
            shown_ms=0 if order.final_ms is None else order.final_ms + self._history_lag_ms,
            mark=order.strategy_id or "",
            by_hand=self._is_by_hand(order),
            role=ROLES[order.role],
            type=OrderType.TRAILING_STOP if order.trail_distance is not None else TL_TYPES[order.type],
            limit_price=order.price if order.type == "limit" else None,
            stop_price=order.stop_price,
            parent_id="" if order.priced_by is None else str(order.priced_by),
            position_id="" if order.position_id is None else str(order.position_id),
            fills=tuple(self._fills.get(order.id, ())),
        )
        if not order.working:
            self._final[order.id] = row
        return row


class TradeStationBook:
    """One account of a simulated TradeStation."""

    def __init__(self, settings: AccountSettings, book: Book) -> None:
        self._settings = settings
        self._book = book
        self._read = 0
        self._mine: dict[int, ts.Order] = {}
        """By identity: an order that is replaced under a new id stands in the core's book once more."""
        self._final: dict[str, Row] = {}

    @property
    def settings(self) -> AccountSettings:
        return self._settings

    def _orders(self) -> Iterable[ts.Order]:
        fresh = list(islice(self._book.orders.values(), self._read, None))
        self._read += len(fresh)
        account = self._settings.broker_account_id
        self._mine |= {id(order): order for order in fresh if order.account.id == account}
        return self._mine.values()

    def version(self) -> object:
        working = tuple(
            (one.id, one.status, one.quantity, one.filled, one.released, one.stop_price, one.limit_price)
            for one in self._orders()
            if one.id not in self._final
        )
        return len(self._mine), working

    def rows(self) -> Sequence[Row]:
        """Give every order once: one that was replaced under a new id goes on there."""
        standing = [order for order in self._orders() if order.status is not ts.Status.UCH]
        return [self._final.get(order.id) or self._row(order) for order in standing]

    def positions(self) -> Sequence[Held]:
        account = self._book.accounts[self._settings.broker_account_id]
        return [
            Held(one.id, one.instrument.symbol, one.quantity, opened_ms=one.opened_ms)
            for one in account.positions.values()
            if one.quantity
        ]

    def units_per_quantity(self, symbol: str) -> Decimal:
        del symbol
        return Decimal(1)

    def _row(self, order: ts.Order) -> Row:
        fills = tuple(Fill(one.at_ms, one.quantity, one.price) for one in order.fills)
        row = Row(
            id=order.id,
            symbol=order.instrument.symbol,
            sign=order.action.sign,
            asked=order.quantity,
            filled=order.filled,
            rejected=order.status in ts.REJECTED,
            working=not order.final,
            opened_ms=order.opened_ms,
            mark=order.ticket.confirm_id or "",
            by_hand=order.by_hand,
            type=OrderType.TRAILING_STOP if order.trail is not None else TS_TYPES[order.type],
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            released=order.released,
            parent_id="" if order.parent is None else order.parent.id,
            fills=fills,
        )
        if order.final:
            self._final[order.id] = row
        return row
