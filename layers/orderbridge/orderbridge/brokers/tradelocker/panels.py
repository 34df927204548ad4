"""The account's panels: positions, orders, history, executions and state, read by the columns that its config names."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from orderbridge.brokers.port import Deadline
from orderbridge.brokers.tradelocker import routes
from orderbridge.brokers.tradelocker.api import Api
from orderbridge.brokers.tradelocker.catalogue import Catalogue
from orderbridge.brokers.tradelocker.columns import ColumnsChangedError, Config, Row, read_config
from orderbridge.brokers.tradelocker.history import read_all
from orderbridge.brokers.tradelocker.legs import LegBook
from orderbridge.brokers.tradelocker.parse import SymbolOf, read_execution, read_orders, read_position, read_state
from orderbridge.errors import BrokerUnavailableError, NotSupportedError
from orderbridge.model import AccountState, Execution, Order, Position, PositionMode

CONFIG_AGE_S = 6 * 3600.0
POSITIONS_AGE_S = 2.0
"""Positions read this recently explain the stops and targets among the orders."""
CLOCK_MARGIN_MS = 60_000
HISTORY_MARGIN_MS = 24 * 3600 * 1000
"""An order that ended now may be as old as this; the history may be filtered by the date of creation."""

Clock = Callable[[], float]
NowMs = Callable[[], int]
T = TypeVar("T")


class Panels:
    """Reads of one account. `clock` is monotonic seconds, `now_ms` the wall clock."""

    def __init__(
        self, api: Api, catalogue: Catalogue, position_mode: PositionMode | None, clock: Clock, now_ms: NowMs
    ) -> None:
        self._api = api
        self._catalogue = catalogue
        self._clock = clock
        self._now_ms = now_ms
        self._legs = LegBook(position_mode)
        self._config: tuple[float, Config] | None = None
        self._positions_read_at: float | None = None
        self._oldest_working_ms: int | None = None

    def config(self, deadline: Deadline) -> Config:
        """Give the account's config, read again after some hours."""
        kept = self._config
        if kept is not None and self._clock() - kept[0] < CONFIG_AGE_S:
            return kept[1]
        return self._load_config(deadline)

    def state(self, deadline: Deadline) -> AccountState:
        """Read the account's money."""
        cells = _member(self._api.read(routes.STATE, deadline), "accountDetailsData")
        return read_state(self._fit(lambda config: config.state.row(cells), deadline))

    def positions(self, deadline: Deadline) -> tuple[Position, ...]:
        """Read the open positions."""
        read_at = self._clock()
        cells = _member(self._api.read(routes.POSITIONS, deadline), "positions")
        rows = self._fit(lambda config: config.positions.rows(cells), deadline)
        symbol_of = self._symbols(rows, deadline)
        positions = tuple(read_position(row, symbol_of) for row in rows)
        self._legs.learn(positions)
        self._positions_read_at = read_at
        return positions

    def orders(self, deadline: Deadline, since_ms: int) -> tuple[Order, ...]:
        """Read the working orders, then those final since `since_ms`: one that moves is seen twice, not never."""
        cells = _member(self._api.read(routes.ORDERS, deadline), "orders")
        working = self._fit(lambda config: config.orders.rows(cells), deadline)
        history = self._recent_history(working, since_ms, deadline)
        orders = read_orders(working, history, self._symbols([*working, *history], deadline))
        self._explain(orders, deadline)
        return self._legs.attribute(orders)

    def order_history(self, deadline: Deadline, from_ms: int, to_ms: int) -> tuple[Order, ...]:
        """Read the orders that became final in a range."""
        start = max(0, from_ms - HISTORY_MARGIN_MS)
        rows = read_all(lambda start, end: self._history_page(start, end, deadline), start, to_ms)
        ended = [row for row in rows if from_ms <= _ended_ms(row) <= to_ms]
        return self._legs.attribute(read_orders((), ended, self._symbols(ended, deadline)))

    def executions(self, deadline: Deadline, since_ms: int) -> tuple[Execution, ...]:
        """Read the session's fills since `since_ms`. Raises `NotSupportedError` where the broker has no such panel."""
        if not self.config(deadline).executions.columns:
            raise NotSupportedError("this TradeLocker broker does not list executions")
        cells = _member(self._api.read(routes.EXECUTIONS, deadline), "executions")
        rows = self._fit(lambda config: config.executions.rows(cells), deadline)
        symbol_of = self._symbols(rows, deadline)
        return tuple(read_execution(row, symbol_of) for row in rows if row.moment("createdDate") >= since_ms)

    def _recent_history(self, working: Sequence[Row], since_ms: int, deadline: Deadline) -> Sequence[Row]:
        """Read final orders with a wide margin; where that is too much, split the time asked for."""
        margin_ms = since_ms - HISTORY_MARGIN_MS
        oldest_ms = min(margin_ms, margin_ms if self._oldest_working_ms is None else self._oldest_working_ms)
        self._oldest_working_ms = min((row.moment("createdDate") for row in working), default=None)
        rows, cut = self._history_page(max(0, oldest_ms), None, deadline)
        if cut:
            start, end = max(0, since_ms - CLOCK_MARGIN_MS), self._now_ms() + CLOCK_MARGIN_MS
            rows = read_all(lambda start, end: self._history_page(start, end, deadline), start, end)
        return [row for row in rows if _ended_ms(row) >= since_ms - CLOCK_MARGIN_MS]

    def _history_page(self, from_ms: int, to_ms: int | None, deadline: Deadline) -> tuple[tuple[Row, ...], bool]:
        params = {"from": str(from_ms)} | ({} if to_ms is None else {"to": str(to_ms)})
        data = self._api.read(routes.ORDERS_HISTORY, deadline, params)
        cells = _member(data, "ordersHistory")
        rows = self._fit(lambda config: config.history.rows(cells), deadline)
        return rows, str(data.get("hasMore")).lower() == "true"

    def _explain(self, orders: Sequence[Order], deadline: Deadline) -> None:
        """Read the positions if a working order may be a stop or target that is not known yet."""
        read_at = self._positions_read_at
        fresh = read_at is not None and self._clock() - read_at < POSITIONS_AGE_S
        if not fresh and self._legs.has_unexplained(orders):
            self.positions(deadline)
            self._legs.dismiss_unexplained(orders)

    def _symbols(self, rows: Sequence[Row], deadline: Deadline) -> SymbolOf:
        if not rows:
            return str
        return self._catalogue.symbol_of({row.needed_id("tradableInstrumentId") for row in rows}, deadline)

    def _fit(self, fit: Callable[[Config], T], deadline: Deadline) -> T:
        """Fit cells to the columns; once more with a fresh config when the broker has changed them."""
        try:
            return fit(self.config(deadline))
        except ColumnsChangedError:
            return fit(self._load_config(deadline))

    def _load_config(self, deadline: Deadline) -> Config:
        read_at = self._clock()
        config = read_config(self._api.read(routes.CONFIG, deadline))
        self._api.quotas = config.quotas
        self._config = (read_at, config)
        return config


def _ended_ms(row: Row) -> int:
    """Give the last moment that a row can stand for: lastModified is cut to the second, and may precede createdDate."""
    return max(row.moment("createdDate"), row.moment("lastModified"))


def _member(data: object, name: str) -> object:
    if not isinstance(data, Mapping) or name not in data:
        raise BrokerUnavailableError(f"TradeLocker's reply has no {name}")
    return data[name]
