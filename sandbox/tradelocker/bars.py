"""Price history that is made up, yet the same at every request: a few waves around the instrument's default quote."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from sandbox.tradelocker import sessions
from sandbox.tradelocker.instruments import Instrument, Quote

Resolution = Literal["1M", "1W", "1D", "4H", "1H", "30m", "15m", "5m", "1m"]
BarType = Literal["ASK", "BID", "TRADE"]
Bar = Mapping[str, float]

_MINUTE_MS = 60_000
_DAY_MS = 1440 * _MINUTE_MS
_WEEK_MS = 7 * _DAY_MS
_MONDAY_MS = 4 * _DAY_MS
"""The first Monday of the epoch: weekly bars begin on Mondays."""

STEP_MS: Mapping[str, int] = {
    "1M": 30 * _DAY_MS,
    "1W": _WEEK_MS,
    "1D": _DAY_MS,
    "4H": 240 * _MINUTE_MS,
    "1H": 60 * _MINUTE_MS,
    "30m": 30 * _MINUTE_MS,
    "15m": 15 * _MINUTE_MS,
    "5m": 5 * _MINUTE_MS,
    "1m": _MINUTE_MS,
}
_WAVES = ((0.06, 400 * _DAY_MS), (0.02, 37 * _DAY_MS), (0.006, 3 * _DAY_MS), (0.0015, 7 * 60 * _MINUTE_MS))


def estimate(from_ms: int, to_ms: int, resolution: str) -> int:
    """Return about how many bars a range asks for."""
    return (to_ms - from_ms) // STEP_MS[resolution]


def history(instrument: Instrument, resolution: str, from_ms: int, to_ms: int, now_ms: int) -> list[Bar]:
    """Return the bars whose opening lies in the range (both ends count; the future is clipped)."""
    found: list[Bar] = []
    ended_ms, close = 0, 0.0
    for start, end in _spans(instrument, resolution, from_ms, min(to_ms, now_ms)):
        opening = close if start == ended_ms else _price(instrument, start)
        ended_ms, close = end, _price(instrument, end)
        found.append(_bar(instrument, start, opening, close))
    return found


def last_before(instrument: Instrument, resolution: str, before_ms: int) -> int | None:
    """Return the opening of the latest bar before a moment."""
    spans = list(_spans(instrument, resolution, before_ms - 10 * max(STEP_MS[resolution], _DAY_MS), before_ms - 1))
    return spans[-1][0] if spans else None


def daily_bar(instrument: Instrument, side: str, quote: Quote, now_ms: int) -> Bar:
    """Return today's bar for a side, closing at the current quote."""
    midnight = now_ms - now_ms % _DAY_MS
    close = float({"ASK": quote.ask, "BID": quote.bid}.get(side, quote.mid))
    opening = _price(instrument, midnight)
    high, low = max(opening, close), min(opening, close)
    return {"o": opening, "h": high, "l": low, "c": close, "v": _volume(instrument, midnight)}


def _spans(instrument: Instrument, resolution: str, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    """Yield opening and end of each bar that exists: none while the market is closed."""
    if resolution == "1M":
        yield from _months(instrument, from_ms, to_ms)
        return
    step = STEP_MS[resolution]
    shift = _MONDAY_MS if resolution == "1W" else 0
    start = -(-(from_ms - shift) // step) * step + shift
    for opening in range(start, to_ms + 1, step):
        if resolution == "1W" or _trades(instrument, opening, step):
            yield opening, opening + step


def _trades(instrument: Instrument, opening: int, step: int) -> bool:
    if instrument.calendar == "crypto":
        return True
    if step >= _DAY_MS:
        return sessions.trades_on(instrument.calendar, datetime.fromtimestamp(opening / 1000, UTC))
    return sessions.is_open(instrument.calendar, opening)


def _months(instrument: Instrument, from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    moment = datetime.fromtimestamp(from_ms / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while (month_ms := int(moment.timestamp() * 1000)) <= to_ms:
        following = (moment + timedelta(days=32)).replace(day=1)
        first = moment
        while not sessions.trades_on(instrument.calendar, first):
            first += timedelta(days=1)
        opening = int(first.timestamp() * 1000)
        if from_ms <= opening <= to_ms:
            yield opening, int(following.timestamp() * 1000)
        assert month_ms <= opening
        moment = following


def _bar(instrument: Instrument, start: int, opening: float, close: float) -> Bar:
    volume = _volume(instrument, start)
    wick = opening * volume * 1e-7
    return {
        "t": start,
        "o": opening,
        "h": _on_tick(instrument, max(opening, close) + wick),
        "l": _on_tick(instrument, min(opening, close) - wick),
        "c": close,
        "v": volume,
    }


def _price(instrument: Instrument, at_ms: int) -> float:
    wave = 1.0
    for number, (height, period_ms) in enumerate(_WAVES):
        phase = instrument.tid * (number + 1) * 0.7
        wave += height * math.sin(at_ms / period_ms * 2 * math.pi + phase)
    return _on_tick(instrument, float(instrument.quote.bid) * wave)


def _on_tick(instrument: Instrument, price: float) -> float:
    tick = float(instrument.ticks[-1].size)
    return round(round(price / tick) * tick, 6)


def _volume(instrument: Instrument, at_ms: int) -> float:
    return float(100 + (at_ms // _MINUTE_MS * 2654435761 + instrument.tid) % 900)
