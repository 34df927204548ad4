"""The columns of /symbol_info. Pure.

Where the broker's data do not say when a symbol trades, the operator's settings do, else what is usual for its kind.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal

from orderbridge.broker_api.prices import TYPES, tick_size
from orderbridge.broker_api.settings import Listed
from orderbridge.model import AssetType, Instrument
from orderbridge.strategy.symbols import canonical_root

SESSIONS: dict[AssetType, tuple[str, str]] = {
    "stock": ("America/New_York", "0930-1600"),
    "future": ("America/Chicago", "1700-1600"),
    "forex": ("America/New_York", "1700-1700"),
    "crypto": ("Etc/UTC", "24x7"),
    "cfd": ("America/New_York", "1800-1700"),
    "index": ("America/New_York", "0930-1600"),
    "option": ("America/New_York", "0930-1600"),
    "unknown": ("America/New_York", "1800-1700"),
}
_PAIR = re.compile(r"[A-Z]{6}")
_NOT_ALLOWED = re.compile(r"[^A-Z0-9._]")


def symbol_name(symbol: str) -> str:
    """Give a broker's symbol as TradingView takes it: upper-case letters, digits, dot and underscore."""
    return _NOT_ALLOWED.sub("_", symbol.upper())


class Columns:
    """Columns of equal length, one row for each symbol."""

    def __init__(self) -> None:
        self.rows: dict[str, list[object]] = {}

    @property
    def empty(self) -> bool:
        return not self.rows

    def add(self, instrument: Instrument, listed: Listed, price: Decimal | None) -> None:
        """Add a symbol."""
        tick = tick_size(instrument, price)
        scale, movement = _scale(tick)
        zone, session = SESSIONS[instrument.asset_type]
        kind = listed.type or TYPES[instrument.asset_type]
        pair = instrument.asset_type == "forex" and _PAIR.fullmatch(symbol_name(instrument.symbol)[:6]) is not None
        exchange = (listed.exchange or _exchange(instrument, listed)).upper()
        specs = kind if kind in ("cfd", "crypto") else "cfd" if instrument.asset_type == "cfd" else None
        row: dict[str, object] = {
            "symbol": symbol_name(instrument.symbol),
            "description": instrument.description or instrument.symbol,
            "currency": instrument.currency,
            "exchange-listed": exchange,
            "exchange-traded": exchange,
            "minmovement": movement,
            "pricescale": scale,
            "minmovement2": 10 if pair and tick in (Decimal("0.00001"), Decimal("0.001")) else 0,
            "timezone": listed.timezone or zone,
            "type": kind,
            "session-regular": listed.session or session,
            "root": canonical_root(instrument.symbol) if kind == "futures" else None,
            "root-description": instrument.description or instrument.symbol if kind == "futures" else None,
            "expiration": _day(instrument.expires_at_ms) if kind == "futures" else None,
            "base-currency": instrument.symbol[:3].upper() if pair else None,
            "has-intraday": True,
            "has-no-volume": False,
            "ticker": instrument.symbol,
            "has-daily": True,
            "has-weekly-and-monthly": False,
            "pointvalue": float(instrument.units_per_quantity) if kind == "futures" else 1,
            "typespecs": specs,
        }
        row["volume-type"] = "base" if specs == "crypto" else None
        for name, value in row.items():
            self.rows.setdefault(name, []).append(value)


def _scale(tick: Decimal) -> tuple[int, int]:
    """Give (pricescale, minmovement): the tick is the movement over the scale, a power of ten."""
    digits = max(0, -int(tick.normalize().as_tuple().exponent))
    scale = 10**digits
    return scale, int(tick * scale)


def _day(at_ms: int | None) -> int | None:
    """Give a day as the number YYYYMMDD."""
    if at_ms is None:
        return None
    return int(f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y%m%d}")


def _exchange(instrument: Instrument, listed: Listed) -> str:
    prefix = listed.tradingview.partition(":")[0]
    return prefix or (instrument.broker_ref if instrument.broker_ref.isalpha() else "") or "ORDERBRIDGE"
