"""TradeLocker's instruments: the account's list, and what one instrument's details say. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from orderbridge.errors import AmbiguousSymbolError, BrokerUnavailableError, UnknownSymbolError
from orderbridge.model import AssetType, Instrument, PriceStep

_ASSET_TYPES: Mapping[str, AssetType] = {
    "CRYPTO": "crypto",
    "EQUITY": "stock",
    "EQUITY_CFD": "cfd",
    "ETF": "stock",
    "FOREX": "forex",
    "FUTURES": "future",
    "FUTURES_CFD": "cfd",
    "INDICES": "index",
    "OPTIONS": "option",
    "SPREADBET": "cfd",
}
_STOPPED = frozenset({"CLOSED", "TRADING_HALT"})


@dataclass(frozen=True, slots=True)
class Listing:
    """One entry of the account's list. Route ids are the account's own and differ between brokers."""

    instrument_id: str
    """`tradableInstrumentId`."""
    name: str
    type: str
    description: str
    exchange: str
    trade_routes: tuple[str, ...]
    info_routes: tuple[str, ...]
    bar_source: str

    @property
    def trade_route(self) -> str:
        """The route that orders take. Raises `UnknownSymbolError` for an instrument that is only shown."""
        if not self.trade_routes:
            raise UnknownSymbolError(f"{self.name} cannot be traded on this account: it has no TRADE route")
        return self.trade_routes[0]


@dataclass(frozen=True, slots=True)
class Directory:
    """The account's list, by symbol and by id. A symbol is the name, or `name#id` where several share the name."""

    by_symbol: Mapping[str, Listing]
    symbols: Mapping[str, str]
    """By `tradableInstrumentId`."""

    def find(self, symbol: str) -> Listing:
        """Give the instrument of exactly this symbol.

        Raises `AmbiguousSymbolError` when several have the name, or when only names with a broker's suffix fit and
        there are several; `UnknownSymbolError` otherwise. A single name with a suffix is told, not taken.
        """
        found = self.by_symbol.get(symbol)
        if found is not None:
            return found
        namesakes = tuple(own for own, one in self.by_symbol.items() if one.name == symbol)
        near = namesakes or tuple(own for own, one in self.by_symbol.items() if _stem(one.name) == _stem(symbol))
        if len(near) > 1:
            raise AmbiguousSymbolError(symbol, near)
        hint = f"; {near[0]} is near, name it in the symbol map if it is meant" if near else ""
        raise UnknownSymbolError(f"TradeLocker has no instrument {symbol} on this account{hint}")


def read_directory(entries: object) -> Directory:
    """Read `d.instruments`. Raises `BrokerUnavailableError` when it is no list of objects with id and name."""
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise BrokerUnavailableError("TradeLocker's list of instruments cannot be read")
    listings = [_listing(entry) for entry in entries]
    bearers = Counter(one.name for one in listings)
    by_symbol = {f"{one.name}#{one.instrument_id}" if bearers[one.name] > 1 else one.name: one for one in listings}
    return Directory(by_symbol, {one.instrument_id: symbol for symbol, one in by_symbol.items()})


@dataclass(frozen=True, slots=True)
class Details:
    """The details of one instrument."""

    instrument: Instrument
    stopped: bool
    """The broker says that it is closed or halted."""
    session_id: str
    session_status_id: str


def read_details(symbol: str, listing: Listing, data: object) -> Details:
    """Read `/trade/instruments/{id}`. Raises `BrokerUnavailableError` when sizes or price steps are missing."""
    if not isinstance(data, Mapping):
        raise BrokerUnavailableError(f"TradeLocker's details of {symbol} cannot be read")
    instrument = Instrument(
        symbol=symbol,
        description=str(data.get("description") or listing.description),
        asset_type=_ASSET_TYPES.get(str(data.get("type") or listing.type).upper(), "unknown"),
        currency=str(data.get("quotingCurrency") or "USD"),
        price_steps=_price_steps(symbol, data.get("tickSize")),
        quantity_step=_size(symbol, data, "lotStep"),
        min_quantity=_size(symbol, data, "minLot"),
        max_quantity=_number(data.get("maxLot")) or None,
        units_per_quantity=_size(symbol, data, "lotSize"),
        tradable=bool(listing.trade_routes),
        expires_at_ms=_moment(data.get("lastTradeDate")),
        broker_ref=listing.instrument_id,
    )
    return Details(
        instrument,
        stopped=str(data.get("symbolStatus") or "").upper() in _STOPPED,
        session_id=str(data.get("tradeSessionId") or ""),
        session_status_id=str(data.get("tradeSessionStatusId") or ""),
    )


def _listing(entry: object) -> Listing:
    if not isinstance(entry, Mapping) or not entry.get("tradableInstrumentId") or not entry.get("name"):
        raise BrokerUnavailableError("an instrument of TradeLocker's list has no id or name")
    return Listing(
        instrument_id=str(entry["tradableInstrumentId"]),
        name=str(entry["name"]),
        type=str(entry.get("type") or ""),
        description=str(entry.get("description") or ""),
        exchange=str(entry.get("tradingExchange") or ""),
        trade_routes=_routes(entry.get("routes"), "TRADE"),
        info_routes=_routes(entry.get("routes"), "INFO"),
        bar_source=str(entry.get("barSource") or "BID"),
    )


def _routes(entries: object, kind: str) -> tuple[str, ...]:
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        return ()
    found = (one for one in entries if isinstance(one, Mapping) and one.get("type") == kind)
    return tuple(str(one["id"]) for one in found if one.get("id"))


def _price_steps(symbol: str, bands: object) -> tuple[PriceStep, ...]:
    """Read the banded table: a band's tick applies from its left limit upwards; the first has none."""
    steps = []
    for band in bands if isinstance(bands, Sequence) and not isinstance(bands, str) else ():
        tick = _number(band.get("tickSize")) if isinstance(band, Mapping) else None
        if tick is None or tick <= 0:
            raise BrokerUnavailableError(f"TradeLocker's details of {symbol} have an unreadable tickSize")
        steps.append(PriceStep(_number(band.get("leftRangeLimit")), tick))
    if not steps:
        raise BrokerUnavailableError(f"TradeLocker's details of {symbol} have no tickSize")
    return tuple(sorted(steps, key=lambda step: (step.from_price is not None, step.from_price or Decimal(0))))


def _size(symbol: str, data: Mapping[str, Any], key: str) -> Decimal:
    """Never guessed: a wrong lot size is a wrong order."""
    number = _number(data.get(key))
    if number is None or number <= 0:
        raise BrokerUnavailableError(f"TradeLocker's details of {symbol} have no {key}")
    return number


def _number(value: object) -> Decimal | None:
    match value:
        case bool() | None:
            return None
        case int() | Decimal():
            return Decimal(value)
        case str() if value.strip().replace(".", "", 1).lstrip("-").isdecimal():
            return Decimal(value.strip())
        case _:
            return None


def _moment(value: object) -> int | None:
    """Read a date; its form is not published: epoch milliseconds and ISO text are understood."""
    match value:
        case int() if value > 0 and value is not True:
            return value
        case str() if value.isdecimal() and len(value) >= 12:
            return int(value)
        case str():
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                return None
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
        case _:
            return None


def _stem(name: str) -> str:
    """Give a name without a broker's suffix (`EURUSD.X`, `BTCUSD.TTF`)."""
    return name.partition(".")[0].casefold()
