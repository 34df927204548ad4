"""The instruments of the simulated broker: what the list and the details route say of each, ticks, default quotes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from sandbox.tradelocker.switches import Switches

Calendar = Literal["crypto", "fx", "metals", "index", "equity"]
SymbolStatus = Literal["FULLY_OPEN", "CLOSED", "TRADING_HALT"]

SESSION_IDS: Mapping[Calendar, int] = {"crypto": 1547, "fx": 1501, "metals": 1502, "index": 1503, "equity": 1504}
OPEN_STATUS_ID = 20
CLOSED_STATUS_ID = 21
HALTED_STATUS_ID = 22


@dataclass(frozen=True)
class TickBand:
    """A tick size that applies from a price on; `left` None means from minus infinity."""

    left: Decimal | None
    size: Decimal


@dataclass(frozen=True)
class Quote:
    """Best bid and ask."""

    bid: Decimal
    ask: Decimal

    @property
    def mid(self) -> Decimal:
        """The middle between bid and ask."""
        return (self.bid + self.ask) / 2


@dataclass(frozen=True)
class Instrument:
    """One tradable instrument; quantities of orders are in lots of `lot_size` units."""

    tid: int
    symbol_id: int
    name: str
    description: str
    type: str
    calendar: Calendar
    base_currency: str | None
    quoting_currency: str
    lot_size: Decimal
    lot_step: Decimal
    min_lot: Decimal
    max_lot: Decimal | None
    ticks: tuple[TickBand, ...]
    pip: Decimal
    leverage: Decimal
    quote: Quote
    exchange: str
    hedging_type: str = "fx_cfd"
    contract_month: str | None = None

    def tick_at(self, price: Decimal) -> Decimal:
        """Return the tick of the band with the greatest left limit not above `price`."""
        size = self.ticks[0].size
        for band in self.ticks:
            if band.left is None or band.left <= price:
                size = band.size
        return size

    def on_tick(self, price: Decimal) -> bool:
        """Tell whether `price` is a whole number of ticks."""
        return price % self.tick_at(price) == 0

    def round_to_tick(self, price: Decimal) -> Decimal:
        """Return the tick nearest to `price`."""
        tick = self.tick_at(price)
        return (price / tick).quantize(Decimal(1)) * tick


def _ticks(text: str) -> tuple[TickBand, ...]:
    """Read `0.01` (one band) or `0.0001,1:0.01` (0.01 from a price of 1 on)."""
    bands = []
    for part in text.split(","):
        left, colon, size = part.rpartition(":")
        bands.append(TickBand(Decimal(left) if colon else None, Decimal(size)))
    return tuple(bands)


def _instrument(
    ids: tuple[int, int],
    name: str,
    description: str,
    kind: tuple[str, Calendar, str],
    currencies: str,
    lots: tuple[str, str, str | None],
    ticks: tuple[str, str],
    leverage: str,
    quote: tuple[str, str],
    *,
    contract_month: str | None = None,
) -> Instrument:
    """Build a row of the catalogue: `lots` is size, step (and smallest lot) and largest; `ticks` tick and pip."""
    base, _, quoting = currencies.partition("/")
    lot_size, lot_step, max_lot = lots
    return Instrument(
        tid=ids[0],
        symbol_id=ids[1],
        name=name,
        description=description,
        type=kind[0],
        calendar=kind[1],
        exchange=kind[2],
        base_currency=base or None,
        quoting_currency=quoting,
        lot_size=Decimal(lot_size),
        lot_step=Decimal(lot_step),
        min_lot=Decimal(lot_step),
        max_lot=None if max_lot is None else Decimal(max_lot),
        ticks=_ticks(ticks[0]),
        pip=Decimal(ticks[1]),
        leverage=Decimal(leverage),
        quote=Quote(Decimal(quote[0]), Decimal(quote[1])),
        hedging_type="fx_cfd" if kind[0] in {"FOREX", "CRYPTO"} else "none",
        contract_month=contract_month,
    )


_FX: tuple[str, Calendar, str] = ("FOREX", "fx", "Forex")
_CRYPTO: tuple[str, Calendar, str] = ("CRYPTO", "crypto", "Cryptos")
_INDEX: tuple[str, Calendar, str] = ("EQUITY_CFD", "index", "Indices")
_FUTURE: tuple[str, Calendar, str] = ("FUTURES_CFD", "index", "Futures")
_FX_LOTS = ("100000", "0.01", "50")
_COIN_LOTS = ("1", "0.01", None)

# fmt: off
# Ids of EURUSD and BTCUSD are those of the demo cluster; brokers file metals and indices under FOREX or EQUITY_CFD.
CATALOGUE: tuple[Instrument, ...] = (
    _instrument((278, 315), "EURUSD", "Euro vs US Dollar", _FX, "EUR/USD", _FX_LOTS, ("0.00001", "0.0001"), "30.00",
                ("1.08450", "1.08458")),
    _instrument((279, 316), "GBPUSD", "Pound vs US Dollar", _FX, "GBP/USD", _FX_LOTS, ("0.00001", "0.0001"), "30.00",
                ("1.26730", "1.26740")),
    _instrument((280, 317), "USDJPY", "US Dollar vs Yen", _FX, "USD/JPY", _FX_LOTS, ("0.001", "0.01"), "30.00",
                ("149.850", "149.860")),
    _instrument((206, 243), "BTCUSD", "Bitcoin vs US Dollar", _CRYPTO, "BTC/USD", _COIN_LOTS, ("0.01", "1"), "3.00",
                ("77260.50", "77261.70")),
    _instrument((207, 244), "ETHUSD", "Ether vs US Dollar", _CRYPTO, "ETH/USD", _COIN_LOTS, ("0.01", "0.1"), "3.00",
                ("2941.10", "2941.90")),
    _instrument((208, 245), "LTCUSD", "Litecoin vs US Dollar", _CRYPTO, "LTC/USD", _COIN_LOTS, ("0.01", "0.01"), "2.00",
                ("84.20", "84.31")),
    _instrument((209, 246), "DOGEUSD", "Dogecoin vs US Dollar", _CRYPTO, "DOGE/USD", ("1000", "0.01", None),
                ("0.00001", "0.0001"), "2.00", ("0.14210", "0.14242")),
    _instrument((311, 348), "XAUUSD", "Gold vs US Dollar", ("FOREX", "metals", "Metals"), "XAU/USD",
                ("100", "0.01", "20"), ("0.01", "0.1"), "20.00", ("2654.30", "2654.55")),
    _instrument((402, 439), "NAS100", "US Tech 100", _INDEX, "/USD", ("10", "0.01", "100"), ("0.1", "1"), "20.00",
                ("21050.4", "21051.6")),
    _instrument((403, 440), "US30", "US Wall Street 30", _INDEX, "/USD", ("1", "0.1", "250"), ("1", "1"), "20.00",
                ("43870", "43873")),
    _instrument((404, 441), "GER40", "Germany 40", _INDEX, "/EUR", ("1", "0.1", "250"), ("0.1", "1"), "20.00",
                ("19480.2", "19481.4")),
    _instrument((520, 557), "AAPL", "Apple Inc.", ("EQUITY_CFD", "equity", "NASDAQ"), "/USD", ("1", "0.1", None),
                ("0.0001,1:0.01", "0.01"), "5.00", ("228.48", "228.52")),
    _instrument((611, 648), "MES", "Micro E-mini S&P 500", _FUTURE, "/USD", ("5", "1", "500"), ("0.25", "1"), "20.00",
                ("5950.25", "5950.50"), contract_month="202612"),
    _instrument((612, 649), "ZN", "10-Year T-Note", _FUTURE, "/USD", ("1000", "1", "500"),
                ("0.015625", "0.015625"), "50.00", ("110.437500", "110.453125"), contract_month="202612"),
)
# fmt: on

_PLAIN = next(instrument for instrument in CATALOGUE if instrument.name == "EURUSD")


def _renamed(suffix: str, shift: int) -> Instrument:
    """Return EURUSD under another name, as a second instrument with ids of its own."""
    return replace(_PLAIN, name=f"EURUSD{suffix}", tid=_PLAIN.tid + shift, symbol_id=_PLAIN.symbol_id + shift)


EURUSD_X = _renamed(".X", 1000)
EURUSD_R = _renamed(".R", 2000)
BY_TID: Mapping[int, Instrument] = {one.tid: one for one in (*CATALOGUE, EURUSD_X, EURUSD_R)}


def listed(switches: Switches) -> Iterator[Instrument]:
    """Yield the instruments that exist under the switch `eurusd_names`."""
    names = switches["eurusd_names"]
    for instrument in CATALOGUE:
        if instrument is not _PLAIN or names in {"plain", "with_x"}:
            yield instrument
    if names != "plain":
        yield EURUSD_X
    if names == "only_x_and_r":
        yield EURUSD_R


def info_route_ids(instrument: Instrument, user_index: int, switches: Switches) -> tuple[int, ...]:
    """Return the INFO routes that a user has for `instrument`; the ids differ between users."""
    first = 450 + 10 * user_index + SESSION_IDS[instrument.calendar] % 5
    return (first,) if switches["info_routes"] == "one" else (first, first + 700)


def trade_route_id(instrument: Instrument, user_index: int) -> int:
    """Return the TRADE route that a user has for `instrument`."""
    return 9912 + 1000 * user_index + SESSION_IDS[instrument.calendar] % 5
