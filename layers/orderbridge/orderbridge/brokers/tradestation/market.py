"""Symbols, quotes and bars of TradeStation's market data as the bridge's own nouns."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal

from orderbridge.brokers.tradestation import values
from orderbridge.brokers.tradestation.parse import ASSET_TYPES
from orderbridge.brokers.tradestation.values import Row, number, objects, positive, text, time_ms
from orderbridge.errors import BrokerUnavailableError, NotSupportedError, UnknownSymbolError
from orderbridge.model import Bar, Instrument, PriceStep, Quote

MOST_INTRADAY_BARS = 57_600
"""TradeStation gives at most this many intraday bars in one reply."""
_DATA_ONLY = ("index", "crypto", "forex")


def instrument(body: object, symbol: str) -> Instrument:
    """Give the instrument of exactly `symbol`. Raises `UnknownSymbolError` when the reply does not have it."""
    row = _row_of(body, "Symbols", symbol)
    asset = ASSET_TYPES.get(text(row, "AssetType").upper(), "unknown")
    continuous = symbol.startswith("@")
    quantities = _object(row, "QuantityFormat")
    prices = _object(row, "PriceFormat")
    return Instrument(
        symbol=text(row, "Symbol").upper(),
        description=text(row, "Description"),
        asset_type=asset,
        currency=text(row, "Currency") or "USD",
        price_steps=_price_steps(prices),
        quantity_step=positive(quantities, "Increment") or Decimal(1),
        min_quantity=positive(quantities, "MinimumTradeQuantity") or Decimal(1),
        units_per_quantity=positive(prices, "PointValue") or Decimal(1),
        tradable=not continuous and not symbol.startswith("$") and asset not in _DATA_ONLY,
        front_contract=text(row, "Underlying").upper() or None if continuous else None,
        expires_at_ms=time_ms(row, "ExpirationDate") or None,
        broker_ref=text(row, "Exchange"),
    )


def _price_steps(prices: Row) -> tuple[PriceStep, ...]:
    """Give the increments: one, or a schedule whose first row is open below (an option: 0.01 below 3, 0.05 from 3)."""
    steps = sorted(
        (number(row, "StartsAt") or Decimal(0), tick)
        for row in objects(prices, "IncrementSchedule")
        if (tick := positive(row, "Increment"))
    )
    if steps:
        return tuple(PriceStep(starts_at if i else None, tick) for i, (starts_at, tick) in enumerate(steps))
    tick = positive(prices, "Increment")
    if tick is None:
        raise BrokerUnavailableError("TradeStation: the symbol has no price increment")
    return (PriceStep(None, tick),)


def quote(body: object, symbol: str) -> Quote:
    """Give the quote of exactly `symbol`. Raises `UnknownSymbolError` when the reply does not have it."""
    row = _row_of(body, "Quotes", symbol)
    flags = _object(row, "MarketFlags")
    return Quote(
        symbol=text(row, "Symbol").upper(),
        bid=positive(row, "Bid"),
        ask=positive(row, "Ask"),
        last=positive(row, "Last"),
        time_ms=time_ms(row, "TradeTime") or None,
        delayed=flags.get("IsDelayed") is True,
        halted=flags.get("IsHalted") is True,
    )


def _row_of(body: object, key: str, symbol: str) -> Row:
    for row in values.rows(body, key) if isinstance(body, dict) and key in body else ():
        if text(row, "Symbol").casefold() == symbol.casefold():
            return row
    errors = objects(body, "Errors") if isinstance(body, dict) else ()
    if any("invalid symbol" not in text(error, "Error").casefold() for error in errors):
        raise BrokerUnavailableError(f"TradeStation: {text(errors[0], 'Error')} ({symbol})"[:300])
    raise UnknownSymbolError(f"TradeStation has no symbol {symbol}")


def _object(row: Row, key: str) -> Row:
    value = row.get(key)
    return value if isinstance(value, dict) else {}


# ---- bars


@dataclass(frozen=True, slots=True)
class Interval:
    """TradeStation's name for a bar's length."""

    unit: Literal["Minute", "Daily", "Weekly", "Monthly"]
    minutes: int

    @property
    def params(self) -> dict[str, str]:
        return {"unit": self.unit, "interval": str(self.minutes if self.unit == "Minute" else 1)}


_LONG: dict[str, Literal["Daily", "Weekly", "Monthly"]] = {"D": "Daily", "W": "Weekly", "M": "Monthly"}


def interval_of(resolution: str) -> Interval:
    """Give the interval for TradingView's resolution: minutes up to 1440, or 1D, 1W, 1M. Raises `NotSupportedError`."""
    if resolution.isascii() and resolution.isdigit() and 1 <= int(resolution) <= 1440:
        return Interval("Minute", int(resolution))
    letter = resolution.removeprefix("1")
    if letter in _LONG:
        return Interval(_LONG[letter], 0)
    raise NotSupportedError(f"TradeStation has no bars of {resolution}")


def bars(body: object, interval: Interval) -> tuple[Bar, ...]:
    """Give the bars, oldest first, each with its opening time (TradeStation stamps a bar's end)."""
    found = (_bar(row, interval) for row in values.rows(body, "Bars"))
    return tuple(sorted(found, key=lambda bar: bar.time_ms))


def _bar(row: Row, interval: Interval) -> Bar:
    prices = [positive(row, key) for key in ("Open", "High", "Low", "Close")]
    opened, high, low, close = (price if price is not None else Decimal(0) for price in prices)
    if None in prices:
        raise BrokerUnavailableError("TradeStation: a bar lacks a price")
    ends = values.from_ms(time_ms(row, "TimeStamp"))
    return Bar(
        values.to_ms(_opening(ends, interval)), opened, high, low, close, number(row, "TotalVolume") or Decimal(0)
    )


def _opening(ends: datetime, interval: Interval) -> datetime:
    day = datetime(ends.year, ends.month, ends.day, tzinfo=UTC)
    match interval.unit:
        case "Minute":
            return ends - timedelta(minutes=interval.minutes)
        case "Daily":
            return day
        case "Weekly":
            return day - timedelta(days=day.weekday())
        case "Monthly":
            return day.replace(day=1)
