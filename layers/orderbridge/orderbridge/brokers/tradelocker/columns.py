"""The panels of `/trade/config`: which cell of a row means what.

Rows are arrays whose order the broker decides; brokers add and drop columns. A cell is text, a number or null; "none"
is written as null, as empty text or as 0, depending on the panel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from orderbridge.brokers.http import Quota
from orderbridge.brokers.tradelocker.quotas import read_quotas
from orderbridge.errors import BrokerUnavailableError

_ORDER_COLUMNS = (
    *("id", "status", "filledQty", "avgPrice", "positionId"),
    *("tradableInstrumentId", "side", "qty", "strategyId"),
)
_NEEDED_TO_TRADE: Mapping[str, tuple[str, ...]] = {
    "orders": _ORDER_COLUMNS,
    "ordersHistory": _ORDER_COLUMNS,
    "positions": ("id", "avgPrice", "tradableInstrumentId", "side", "qty", "strategyId"),
}
"""Without these an order can't be found again, so none may be placed. (A position has no status or filled quantity.)"""

_MAX_BARS = 20_000


class ColumnsChangedError(BrokerUnavailableError):
    """A row has another number of cells than its panel has columns: the config must be read again."""


class Row:
    """One row of a panel, its cells by column id. A column that the broker lacks reads as none."""

    __slots__ = ("_cells", "_panel")

    def __init__(self, panel: str, cells: Mapping[str, object]) -> None:
        self._panel = panel
        self._cells = cells

    def text(self, column: str) -> str:
        """Give a cell as text; empty for none."""
        value = self._cells.get(column)
        return "" if value is None else str(value).strip()

    def id(self, column: str) -> str | None:
        """Give an id; null, empty text and 0 are none."""
        text = self.text(column)
        return text if text not in ("", "0") else None

    def number(self, column: str) -> Decimal | None:
        """Give a quantity or an amount; None for none and for what is not a finite number."""
        try:
            number = Decimal(self.text(column))
        except InvalidOperation:
            return None
        return number if number.is_finite() else None

    def price(self, column: str) -> Decimal | None:
        """Give a price; 0 is none."""
        return self.number(column) or None

    def moment(self, column: str) -> int:
        """Give epoch milliseconds; 0 for none."""
        return int(self.number(column) or 0)

    def needed_id(self, column: str) -> str:
        """Give an id. Raises `BrokerUnavailableError` when there is none."""
        found = self.id(column)
        if found is None:
            raise self.unreadable(column)
        return found

    def needed_number(self, column: str) -> Decimal:
        """Give a number. Raises `BrokerUnavailableError` when there is none."""
        found = self.number(column)
        if found is None:
            raise self.unreadable(column)
        return found

    def unreadable(self, column: str) -> BrokerUnavailableError:
        """Make the error for a cell that must be there and can't be read."""
        return BrokerUnavailableError(f"a row of TradeLocker's {self._panel} has no readable {column}")


@dataclass(frozen=True, slots=True)
class Panel:
    """The column ids of one kind of row, in the broker's order."""

    name: str
    columns: tuple[str, ...]

    def rows(self, cells: object) -> tuple[Row, ...]:
        """Give rows by column id. Raises `ColumnsChangedError` when one has another length than the panel."""
        if not isinstance(cells, Sequence) or isinstance(cells, str):
            raise BrokerUnavailableError(f"TradeLocker's {self.name} are not a list")
        return tuple(self._row(one) for one in cells)

    def row(self, cells: object) -> Row:
        """Give the single row of a panel without ids (the account's state), which may have further cells."""
        if not isinstance(cells, Sequence) or isinstance(cells, str) or len(cells) < len(self.columns):
            raise ColumnsChangedError(f"TradeLocker's {self.name} does not fit its columns")
        return Row(self.name, dict(zip(self.columns, cells, strict=False)))

    def _row(self, cells: object) -> Row:
        if not isinstance(cells, Sequence) or isinstance(cells, str) or len(cells) != len(self.columns):
            raise ColumnsChangedError(f"a row of TradeLocker's {self.name} does not fit its columns")
        return Row(self.name, dict(zip(self.columns, cells, strict=True)))


@dataclass(frozen=True, slots=True)
class Config:
    """What `/trade/config` tells about panels and limits."""

    orders: Panel
    history: Panel
    positions: Panel
    executions: Panel
    state: Panel
    quotas: Mapping[str, Quota]
    max_bars: int = _MAX_BARS
    """A request for more bars is refused."""
    missing: tuple[str, ...] = ()
    """Columns (`ordersHistory.strategyId`) without which no order may be placed."""


def read_config(data: object) -> Config:
    """Read the `d` of `/trade/config`. Raises `BrokerUnavailableError` when it has no panels."""
    if not isinstance(data, Mapping):
        raise BrokerUnavailableError("TradeLocker's config cannot be read")
    panels = {
        name: _panel(name, data.get(f"{name}Config"))
        for name in ("orders", "ordersHistory", "positions", "filledOrders", "accountDetails")
    }
    return Config(
        orders=panels["orders"],
        history=panels["ordersHistory"],
        positions=panels["positions"],
        executions=panels["filledOrders"],
        state=panels["accountDetails"],
        quotas=read_quotas(data.get("rateLimits")),
        max_bars=_limit(data.get("limits"), "QUOTES_HISTORY_BARS") or _MAX_BARS,
        missing=tuple(
            f"{name}.{column}"
            for name, columns in _NEEDED_TO_TRADE.items()
            for column in columns
            if column not in panels[name].columns
        ),
    )


def _panel(name: str, entry: object) -> Panel:
    match entry:
        case {"columns": [*columns]}:
            return Panel(name, tuple(_column_id(column) for column in columns))
        case _:
            return Panel(name, ())  # a panel that the broker does not give; its rows, if any, will not fit


def _column_id(column: object) -> str:
    match column:
        case {"id": str(name)}:
            return name
        case _:
            raise BrokerUnavailableError("a column in TradeLocker's config has no id")


def _limit(entries: object, name: str) -> int | None:
    for entry in entries if isinstance(entries, Sequence) else ():
        match entry:
            case {"limitType": str(kind), "limit": int(limit)} if kind == name and limit > 0:
                return limit
    return None
