"""Bars made up from the symbol and the time: the same question has the same answer in every run."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal

from sandbox.tradestation import eastern
from sandbox.tradestation.instruments import Instrument
from sandbox.tradestation.text import plain

MOST_INTRADAY = 57_600
UNITS = ("Minute", "Daily", "Weekly", "Monthly")
_SPREAD = 40
"""A made-up price is at most this many increments from the symbol's base price."""


def bar_ends(unit: str, interval: int, last_ms: int) -> Iterator[int]:
    """Give the ends of the bars that begin before `last_ms`, newest first. Days and longer end at 16:00 New York."""
    if unit == "Minute":
        size_ms = interval * 60_000
        end_ms = -(-last_ms // size_ms) * size_ms
        while True:
            yield end_ms
            end_ms -= size_ms
    day = eastern.wall(last_ms).date()
    if eastern.to_ms(datetime.combine(day, time(9, 30))) > last_ms:
        day -= timedelta(days=1)
    seen = None
    while True:
        if day.weekday() < 5:
            period = {"Daily": day.toordinal(), "Weekly": day.isocalendar()[:2], "Monthly": (day.year, day.month)}[unit]
            if period != seen:
                seen = period
                yield eastern.to_ms(datetime.combine(day, time(16)))
        day -= timedelta(days=1)


def bar_row(instrument: Instrument, end_ms: int, now_ms: int, last: Decimal, *, newest: bool) -> dict[str, object]:
    """Give one bar; the one still open closes at the last price."""
    numbers = hashlib.sha256(f"{instrument.symbol} {end_ms}".encode()).digest()
    open_, close = (_price(instrument, numbers[index]) for index in (0, 1))
    is_open = end_ms > now_ms
    close = last if is_open else close
    reach = instrument.increment * (numbers[2] % 8)
    high, low = max(open_, close) + reach, min(open_, close) - instrument.increment * (numbers[3] % 8)
    up, down = 1000 + numbers[4] * 7, 1000 + numbers[5] * 7
    return {
        "High": plain(high),
        "Low": plain(low),
        "Open": plain(open_),
        "Close": plain(close),
        "TimeStamp": eastern.utc_text(end_ms),
        "TotalVolume": str((up + down) * 60),
        "DownTicks": down,
        "DownVolume": down * 60,
        "OpenInterest": "0",
        "IsRealtime": is_open,
        "IsEndOfHistory": newest,
        "TotalTicks": up + down,
        "UnchangedTicks": 0,
        "UnchangedVolume": 0,
        "UpTicks": up,
        "UpVolume": up * 60,
        "Epoch": end_ms,
        "BarStatus": "Open" if is_open else "Closed",
    }


def _price(instrument: Instrument, number: int) -> Decimal:
    return instrument.price + instrument.increment * (number % (2 * _SPREAD + 1) - _SPREAD)
