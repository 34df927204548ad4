"""Quotes, depth and bars."""

from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.tradelocker.market import (
    read_bars,
    read_daily_bar,
    read_depth,
    read_quote,
    resolution_of,
    windows,
)
from orderbridge.errors import BrokerUnavailableError, NotSupportedError
from orderbridge.model import Bar, Quote
from tests.unit.brokers.tradelocker.fake import recorded

BAR = {"t": 1767951900000, "o": 1, "h": 4, "l": Decimal("0.5"), "c": 2, "v": 10}


def test_observed_quote_has_both_sides_and_no_time() -> None:
    quote = read_quote("BTCUSD", recorded("quote")["d"] | {"ap": Decimal("77261.7"), "bp": Decimal("77260.5")})

    assert quote == Quote("BTCUSD", Decimal("77260.5"), Decimal("77261.7"), None, None)


@pytest.mark.parametrize("data", [{}, {"ap": None, "bp": 0}, None, {"ap": True}])
def test_missing_or_zero_price_is_none(data: object) -> None:
    quote = read_quote("BTCUSD", data)

    assert (quote.bid, quote.ask) == (None, None)


@pytest.mark.parametrize(
    ("tradingview", "native"),
    [
        *(("1", "1m"), ("5", "5m"), ("15", "15m"), ("30", "30m"), ("60", "1H"), ("240", "4H")),
        *(("D", "1D"), ("1D", "1D"), ("W", "1W"), ("1W", "1W"), ("1M", "1M"), ("M", "1M")),
    ],
)
def test_resolution_is_translated(tradingview: str, native: str) -> None:
    assert resolution_of(tradingview).name == native


@pytest.mark.parametrize("tradingview", ["3", "120", "1S", ""])
def test_resolution_that_the_platform_lacks_is_not_supported(tradingview: str) -> None:
    with pytest.raises(NotSupportedError):
        resolution_of(tradingview)


def test_bars_are_read_and_no_data_is_none() -> None:
    expected = Bar(1767951900000, Decimal(1), Decimal(4), Decimal("0.5"), Decimal(2), Decimal(10))

    assert read_bars({"s": "ok", "d": {"barDetails": [BAR]}}) == (expected,)
    assert read_bars({"s": "no_data", "nb": 1767900000000}) == ()
    assert read_bars({"s": "no_data", "d": {}}) == ()


@pytest.mark.parametrize("reply", [{"s": "ok", "d": {}}, {"s": "ok", "d": {"barDetails": [{"t": 1}]}}, {"s": "ok"}])
def test_bars_that_cannot_be_read_are_unavailable(reply: dict[str, Any]) -> None:
    with pytest.raises(BrokerUnavailableError):
        read_bars(reply)


def test_daily_bar_has_no_time() -> None:
    assert read_daily_bar({key: BAR[key] for key in "ohlcv"}).time_ms == 0


def test_depth_is_read_best_first_and_may_be_empty() -> None:
    depth = read_depth({"asks": [[Decimal("2.5"), 1], [3, 2]], "bids": []})

    assert depth.asks == ((Decimal("2.5"), Decimal(1)), (Decimal(3), Decimal(2)))
    assert depth.bids == ()
    assert read_depth(None).asks == ()


def test_range_of_bars_is_cut_below_the_platforms_limit() -> None:
    found = windows(0, 1_000, step_ms=100, max_bars=4)

    assert found == ((0, 300), (301, 601), (602, 902), (903, 1_000))
    assert windows(5, 5, step_ms=100, max_bars=4) == ((5, 5),)
