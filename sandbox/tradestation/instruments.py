"""The symbols that the simulated TradeStation knows, with their formats, margins and starting prices.

SANDBOX_STOCKS in the environment adds so many stocks (`CROWD000`, `CROWD001`, ...), for measurements with many symbols.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

AssetType = Literal["STOCK", "FUTURE", "STOCKOPTION", "INDEX"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """One symbol. `underlying` is the front contract of a continuous future, or the root of a contract or option."""

    symbol: str
    asset: AssetType
    description: str
    exchange: str
    increment: Decimal
    price: Decimal
    point_value: Decimal = Decimal(1)
    root: str = ""
    underlying: str = ""
    expiration: date | None = None
    margin: Decimal = Decimal(0)
    """Initial margin of one contract, in dollars; futures only."""
    decimals: int = 2
    fraction: tuple[int, int] | None = None
    """Fraction and sub-fraction of prices that are quoted so (32 and 2: halves of 32nds)."""
    strike: Decimal | None = None
    call: bool = True

    @property
    def data_only(self) -> bool:
        """True for what has quotes but cannot be ordered: continuous futures and indexes."""
        return self.symbol.startswith(("@", "$"))

    @property
    def commission(self) -> Decimal:
        """Commission of one share or contract, in dollars."""
        return {"STOCK": Decimal(0), "FUTURE": Decimal("1.5"), "STOCKOPTION": Decimal("0.6"), "INDEX": Decimal(0)}[
            self.asset
        ]

    def on_increment(self, price: Decimal) -> bool:
        """Tell whether a price is one that may be ordered."""
        return price % self.increment == 0

    def to_increment(self, price: Decimal) -> Decimal:
        """Give the nearest price that may be ordered."""
        return (price / self.increment).to_integral_value() * self.increment


def _stock(symbol: str, description: str, exchange: str, price: str) -> Instrument:
    return Instrument(symbol, "STOCK", description, exchange, Decimal("0.01"), Decimal(price), root=symbol)


@dataclass(frozen=True, slots=True)
class _Root:
    root: str
    name: str
    exchange: str
    increment: str
    point_value: str
    price: str
    margin: str
    decimals: int = 2
    fraction: tuple[int, int] | None = None


_ROOTS = (
    _Root("MES", "Micro E-mini S&P 500", "CME", "0.25", "5", "6900.25", "2400"),
    _Root("ES", "E-mini S&P 500", "CME", "0.25", "50", "6900.25", "24000"),
    _Root("MNQ", "Micro E-mini Nasdaq-100", "CME", "0.25", "2", "25100.50", "3500"),
    _Root("NQ", "E-mini Nasdaq-100", "CME", "0.25", "20", "25100.50", "35000"),
    _Root("MGC", "Micro Gold", "COMEX", "0.1", "10", "4080.0", "1700", decimals=1),
    _Root("CL", "Crude Oil", "NYMEX", "0.01", "1000", "62.10", "4000"),
    _Root("TY", "10 Yr U.S. Treasury Notes", "CBOT", "0.015625", "1000", "112.5", "2000", fraction=(32, 2)),
    _Root("EC", "Euro FX", "CME", "0.00005", "125000", "1.16500", "2900", decimals=5),
)
_CONTRACTS: Mapping[str, tuple[tuple[str, date], ...]] = {
    "MES": (("Z26", date(2026, 12, 18)), ("H27", date(2027, 3, 19))),
    "ES": (("Z26", date(2026, 12, 18)),),
    "MNQ": (("Z26", date(2026, 12, 18)),),
    "NQ": (("Z26", date(2026, 12, 18)),),
    "MGC": (("Z26", date(2026, 12, 29)),),
    "CL": (("F27", date(2026, 12, 21)),),
    "TY": (("Z26", date(2026, 12, 21)),),
    "EC": (("Z26", date(2026, 12, 14)),),
}
_CONTINUOUS = ("MES", "ES", "MNQ", "TY")


def _future(root: _Root, symbol: str, underlying: str, expiration: date | None) -> Instrument:
    return Instrument(
        symbol,
        "FUTURE",
        f"{root.name} {'Continuous Contract' if expiration is None else symbol[-3:]}",
        root.exchange,
        Decimal(root.increment),
        Decimal(root.price),
        Decimal(root.point_value),
        root=root.root,
        underlying=underlying,
        expiration=expiration,
        margin=Decimal(root.margin),
        decimals=root.decimals,
        fraction=root.fraction,
    )


def _listed() -> dict[str, Instrument]:
    listed = [
        _stock("MSFT", "Microsoft Corp", "NASDAQ", "412.30"),
        _stock("AAPL", "Apple Inc", "NASDAQ", "228.40"),
        _stock("SPY", "SPDR S&P 500 ETF", "ARCX", "582.50"),
        _stock("TSLA", "Tesla Inc", "NASDAQ", "342.10"),
        _stock("GE", "GE Aerospace", "NYSE", "181.20"),
        *(
            _stock(f"CROWD{number:03d}", f"Crowd Stock {number}", "NASDAQ", f"{100 + number}.00")
            for number in range(int(os.environ.get("SANDBOX_STOCKS", "0")))
        ),
        Instrument("$SPX.X", "INDEX", "S&P 500 Index", "INDEX", Decimal("0.01"), Decimal("6885.10"), root="$SPX.X"),
    ]
    for root in _ROOTS:
        months = _CONTRACTS[root.root]
        listed += [_future(root, root.root + month, root.root, expiration) for month, expiration in months]
        if root.root in _CONTINUOUS:
            listed.append(_future(root, f"@{root.root}", root.root + months[0][0], None))
    return {instrument.symbol: instrument for instrument in listed}


LISTED: Mapping[str, Instrument] = _listed()
_OPTION = re.compile(r"([A-Z]{1,5}) (\d{2})(\d{2})(\d{2})([CP])(\d+(?:\.\d+)?)")


def find(symbol: str) -> Instrument | None:
    """Give the instrument of a symbol, whatever its case; options exist for every listed stock."""
    name = symbol.strip().upper()
    return LISTED.get(name) or _option(name)


def _option(name: str) -> Instrument | None:
    match = _OPTION.fullmatch(name)
    stock = LISTED.get(match[1]) if match else None
    if match is None or stock is None or stock.asset != "STOCK":
        return None
    try:
        expiration = date(2000 + int(match[2]), int(match[3]), int(match[4]))
    except ValueError:
        return None
    strike, call = Decimal(match[6]), match[5] == "C"
    inner = max(Decimal(0), stock.price - strike if call else strike - stock.price)
    return Instrument(
        name,
        "STOCKOPTION",
        f"{stock.symbol} {expiration:%b %Y} {strike} {'Call' if call else 'Put'}",
        "OPRA",
        Decimal("0.01"),
        inner + Decimal("2.50"),
        Decimal(100),
        root=stock.symbol,
        underlying=stock.symbol,
        expiration=expiration,
        strike=strike,
        call=call,
    )
