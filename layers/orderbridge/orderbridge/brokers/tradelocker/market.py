"""Market data of TradeLocker: quotes, depth, bars. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orderbridge.errors import BrokerUnavailableError, NotSupportedError
from orderbridge.model import Bar, Quote

_MINUTE_MS = 60_000
_DAY_MS = 24 * 60 * _MINUTE_MS

# TradingView's resolution -> the platform's, and the shortest time between two bars.
_RESOLUTIONS: Mapping[str, tuple[str, int]] = {
    "1": ("1m", _MINUTE_MS),
    "5": ("5m", 5 * _MINUTE_MS),
    "15": ("15m", 15 * _MINUTE_MS),
    "30": ("30m", 30 * _MINUTE_MS),
    "60": ("1H", 60 * _MINUTE_MS),
    "240": ("4H", 240 * _MINUTE_MS),
    "1D": ("1D", _DAY_MS),
    "1W": ("1W", 7 * _DAY_MS),
    "1M": ("1M", 28 * _DAY_MS),
}


@dataclass(frozen=True, slots=True)
class Resolution:
    """A bar length: the platform's name, and the least milliseconds between two bars."""

    name: str
    step_ms: int


def resolution_of(tradingview: str) -> Resolution:
    """Give the platform's name of TradingView's resolution (`D` is `1D`). Raises `NotSupportedError`."""
    name = f"1{tradingview}" if tradingview in ("D", "W", "M") else tradingview
    if name not in _RESOLUTIONS:
        raise NotSupportedError(f"TradeLocker has no bars of resolution {tradingview}")
    return Resolution(*_RESOLUTIONS[name])


def windows(from_ms: int, to_ms: int, step_ms: int, max_bars: int) -> tuple[tuple[int, int], ...]:
    """Cut a range, both ends included, into windows of at most `max_bars` bars each."""
    span = step_ms * (max_bars - 1)
    starts = range(from_ms, to_ms + 1, span + 1)
    return tuple((start, min(start + span, to_ms)) for start in starts)


@dataclass(frozen=True, slots=True)
class Depth:
    """Price and size of each level, best first."""

    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


def read_quote(symbol: str, data: object, *, halted: bool = False) -> Quote:
    """Read `/trade/quotes`. It has no time, so its age can't be seen; `halted` comes from the instrument's details."""
    fields = data if isinstance(data, Mapping) else {}
    return Quote(symbol, bid=_price(fields, "bp"), ask=_price(fields, "ap"), last=None, time_ms=None, halted=halted)


def read_depth(data: object) -> Depth:
    """Read `/trade/depth`; both sides may be empty."""
    fields = data if isinstance(data, Mapping) else {}
    return Depth(bids=_levels(fields.get("bids")), asks=_levels(fields.get("asks")))


def read_bars(reply: Mapping[str, Any]) -> tuple[Bar, ...]:
    """Read a whole reply of `/trade/history`; `no_data` is no bars."""
    data = reply.get("d")
    details = data.get("barDetails") if isinstance(data, Mapping) else None
    if details is None and reply.get("s") == "no_data":
        return ()
    if not isinstance(details, Sequence):
        raise BrokerUnavailableError("TradeLocker's bars cannot be read")
    return tuple(_bar(one, int(_number(one, "t"))) for one in details)


def read_daily_bar(data: object) -> Bar:
    """Read `/trade/dailyBar`, the current day's bar; it has no time, so `time_ms` is 0."""
    return _bar(data, 0)


def _bar(fields: object, time_ms: int) -> Bar:
    return Bar(
        time_ms,
        open=_number(fields, "o"),
        high=_number(fields, "h"),
        low=_number(fields, "l"),
        close=_number(fields, "c"),
        volume=_number(fields, "v"),
    )


def _number(fields: object, key: str) -> Decimal:
    value = fields.get(key) if isinstance(fields, Mapping) else None
    if not isinstance(value, (int, Decimal)) or isinstance(value, bool):
        raise BrokerUnavailableError(f"a bar of TradeLocker's has no {key}")
    return Decimal(value)


def _price(fields: Mapping[str, Any], key: str) -> Decimal | None:
    value = fields.get(key)
    return Decimal(value) or None if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None


def _levels(levels: object) -> tuple[tuple[Decimal, Decimal], ...]:
    if not isinstance(levels, Sequence) or isinstance(levels, str):
        return ()
    return tuple((Decimal(price), Decimal(size)) for price, size in levels)
