"""What the stories trade: seats at both brokers, and symbols with prices and sizes that fit them."""

from decimal import Decimal

from orderbridge.model import PositionMode
from tests.simulation.story import Market, Seat

SEATS = (
    Seat("tsm", "tradestation", "SIM1234567M", PositionMode.NETTING, kind="Margin"),
    Seat("tsf", "tradestation", "SIM1234567F", PositionMode.NETTING, kind="Futures"),
    Seat("tlh", "tradelocker", "1180", PositionMode.HEDGING, account_number="1"),
    Seat("tln", "tradelocker", "1182", PositionMode.NETTING, account_number="3"),
    Seat("tl2", "tradelocker", "2270", PositionMode.HEDGING, account_number="1"),
)


def _market(symbol: str, tickers: str, price: str, distance: str, unit: str, lot: str = "1") -> Market:
    return Market(symbol, tuple(tickers.split()), Decimal(price), Decimal(distance), Decimal(unit), Decimal(lot))


SHARES = (
    _market("MSFT", "MSFT NASDAQ:MSFT", "412.30", "4.00", "5"),
    _market("AAPL", "AAPL NASDAQ:AAPL", "228.40", "4.00", "5"),
    _market("GE", "GE NYSE:GE", "181.20", "3.20", "10"),
)
FUTURES = (_market("MESZ26", "MES1! CME_MINI:MES1! MESZ2026", "6900.25", "24.00", "1"),)
COINS = (
    _market("BTCUSD", "BTCUSD", "77261.10", "480.00", "0.04"),
    _market("ETHUSD", "ETHUSD", "2941.50", "40.00", "0.20"),
    _market("EURUSD", "EURUSD FX:EURUSD", "1.08454", "0.00480", "0.02", "100000"),
    _market("XAUUSD", "XAUUSD", "2654.42", "16.00", "0.02", "100"),
)
MARKETS = {"tsm": SHARES, "tsf": FUTURES, "tlh": COINS, "tln": COINS, "tl2": COINS}
"""Seat -> what can be traded there."""


def market(seat: str, symbol: str) -> Market:
    """Give what a seat trades under a symbol."""
    return next(one for one in MARKETS[seat] if one.symbol == symbol)
