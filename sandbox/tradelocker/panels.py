"""The panels: which columns they have, in what order, and what is visible in them when."""

import functools
import hashlib
from collections.abc import Mapping, Sequence

from sandbox.tradelocker.model import Account, Order, Panel, Position, Status
from sandbox.tradelocker.switches import Switches

ConfigKey = str
Row = Mapping[str, object]


def _names(text: str) -> Sequence[str]:
    return tuple(text.split())


_ORDER_COLUMNS = _names(
    "id tradableInstrumentId routeId qty side type status filledQty avgPrice price stopPrice validity expireDate "
    "createdDate lastModified isOpen positionId stopLoss stopLossType takeProfit takeProfitType strategyId"
)
_COLUMNS: Mapping[ConfigKey, Sequence[str]] = {
    "positionsConfig": _names(
        "id tradableInstrumentId routeId side qty avgPrice stopLossId takeProfitId openDate unrealizedPl strategyId"
    ),
    "ordersConfig": _ORDER_COLUMNS,
    "ordersHistoryConfig": _ORDER_COLUMNS,
    "filledOrdersConfig": _names("id price side createdDate qty orderId positionId tradableInstrumentId"),
    "accountDetailsConfig": _names(
        "balance projectedBalance availableFunds blockedBalance cashBalance unsettledCash withdrawalAvailable "
        "stocksValue optionValue initialMarginReq maintMarginReq marginWarningLevel blockedForStocks stockOrdersReq "
        "stopOutLevel warningMarginReq marginBeforeWarning todayGross todayNet todayFees todayVolume "
        "todayTradesCount openGrossPnL openNetPnL positionsCount ordersCount"
    ),
}
_TITLES: Mapping[ConfigKey, str] = {
    "positionsConfig": "Positions",
    "ordersConfig": "Orders",
    "ordersHistoryConfig": "Orders history",
    "filledOrdersConfig": "Filled orders",
    "accountDetailsConfig": "Account details",
}
_EXTRA: Mapping[ConfigKey, Sequence[str]] = {
    "positionsConfig": ("swap", "commission"),
    "ordersConfig": ("commission",),
    "ordersHistoryConfig": ("commission", "pnl"),
    "filledOrdersConfig": ("commission",),
    "accountDetailsConfig": ("bonus",),
}
_BRACKET_COLUMNS = frozenset({"stopLoss", "stopLossType", "takeProfit", "takeProfitType"})


class Panels:
    """Column lists under the switches in force, and which orders and positions they show at a moment."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._frozen = (0, 0)

    def freeze(self, now_ms: int, for_ms: int) -> None:
        """Keep what happens from now on out of orders, history, positions and executions for a while."""
        self._frozen = (now_ms - 1, now_ms + for_ms)

    def columns(self, key: ConfigKey) -> Sequence[str]:
        """Return a panel's column ids in order."""
        names = ("missing_columns", "executions_order", "extra_columns", "column_order")
        return _columns(key, *(self._switches[name] for name in names))

    def config(self) -> Mapping[str, object]:
        """Return the five column lists as GET /trade/config gives them, and maybe one of the broker's own."""
        known: dict[str, object] = {
            key: {
                "id": key.removesuffix("Config"),
                "title": title,
                "columns": [{"id": column, "description": column} for column in self.columns(key)],
            }
            for key, title in _TITLES.items()
        }
        if self._switches.on("extra_panel"):
            columns = [{"id": column, "description": column} for column in ("id", "points", "badge")]
            known["rewardsConfig"] = {"id": "rewards", "title": "Rewards", "columns": columns}
        return known

    def cells(self, key: ConfigKey, row: Row) -> list[object]:
        """Return a row's cells in the panel's order; a broker's own columns say nothing."""
        return [row.get(column, "0.00") for column in self.columns(key)]

    def working_orders(self, account: Account, now_ms: int) -> list[Order]:
        """Return the rows of GET .../orders: booked, and (as far as the panel knows yet) not final."""
        as_of_ms = self.as_of(now_ms)
        shown = [
            order
            for order in account.orders.values()
            if order.created_ms <= as_of_ms and (order.final_ms is None or order.final_ms > as_of_ms)
        ]
        return [order for order in shown if not _hidden(order.plan.hidden_polls, "orders")]

    def history(self, account: Account, now_ms: int) -> list[Order]:
        """Return the rows of GET .../ordersHistory: final, and late by what lag and script say."""
        as_of_ms, lag_ms = self.as_of(now_ms), self._switches.number("history_lag_ms")
        dropped = self._switches["sibling_history"] == "dropped"
        oldest_ms = now_ms - self._switches.number("history_days") * 86_400_000
        shown = [
            order
            for order in account.orders.values()
            if order.final_ms is not None
            and oldest_ms <= order.final_ms
            and order.final_ms + lag_ms + order.plan.late_history_ms <= as_of_ms
            and not (dropped and order.status is Status.SIBLING_GONE)
        ]
        return [order for order in shown if not _hidden(order.plan.hidden_polls, "ordersHistory")]

    def positions(self, account: Account, now_ms: int) -> list[Position]:
        """Return the rows of GET .../positions, whose quantity is `qty_at` the same moment."""
        as_of_ms = self.as_of(now_ms)
        shown = [one for one in account.positions.values() if one.qty_at(as_of_ms - one.late_ms) > 0]
        return [one for one in shown if not _hidden(one.hidden_polls, "positions")]

    def as_of(self, now_ms: int) -> int:
        """Return the moment whose state the panels show now."""
        since_ms, until_ms = self._frozen
        lagging_ms = now_ms - self._switches.number("visibility_lag_ms")
        return min(lagging_ms, since_ms) if now_ms < until_ms else lagging_ms

    def in_range(self, order: Order, from_ms: int | None, to_ms: int | None) -> bool:
        """Tell whether `from` and `to` let an order through, by the date that the filter looks at."""
        date_ms = order.created_ms if self._switches["date_filter"] == "created" else order.modified_ms
        return (from_ms is None or from_ms <= date_ms) and (to_ms is None or date_ms <= to_ms)


@functools.cache
def _columns(key: ConfigKey, missing: str, executions_order: str, extra: str, order: str) -> Sequence[str]:
    absent = _BRACKET_COLUMNS if missing == "brackets" else frozenset()
    if missing == "every_strategy_id" or (missing == "history_strategy_id" and key == "ordersHistoryConfig"):
        absent = frozenset({"strategyId"})
    columns = [column for column in _COLUMNS[key] if column not in absent]
    if key == "filledOrdersConfig" and executions_order == "ids_first":
        columns.sort(key=lambda column: (column != "id", not column.endswith("Id"), column))
    if extra == "some":
        columns[3:3] = _EXTRA[key]
    if order == "shuffled":
        columns.sort(key=lambda column: hashlib.sha256(f"{key} {column}".encode()).digest())
    elif order == "reversed":
        columns.reverse()
    return tuple(columns)


def _hidden(polls: dict[Panel, int], panel: Panel) -> bool:
    """Tell whether a script hides the row from this poll, and count the poll."""
    left = polls.get(panel, 0)
    if left > 0:
        polls[panel] = left - 1
    return left > 0
