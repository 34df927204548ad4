"""When a symbol trades, by control or by the exchange's hours, and when an order's day ends."""

from datetime import datetime, time, timedelta
from typing import Literal, get_args

from sandbox.simserver import ControlError
from sandbox.tradestation import eastern
from sandbox.tradestation.instruments import Instrument, find
from sandbox.tradestation.switches import Switches

State = Literal["open", "extended", "closed", "halted"]
PLUS = frozenset({"DYP", "GCP", "GDP"})
"""Durations that live in the extended session too."""


class Sessions:
    """The session of each symbol. What control sets counts until it says `auto`."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._set: dict[str, State] = {}

    def reset(self) -> None:
        """Forget what control has set."""
        self._set.clear()

    def set(self, key: str, state: object) -> None:
        """Set the state of a symbol or an asset type (STOCK, FUTURE, STOCKOPTION). Raises `ControlError`."""
        name = key.strip().upper()
        if name not in ("STOCK", "FUTURE", "STOCKOPTION") and find(name) is None:
            raise ControlError(f"unknown symbol or asset type {key!r}")
        if state == "auto":
            self._set.pop(name, None)
        elif state in get_args(State):
            self._set[name] = state  # type: ignore[assignment]  # narrowed by the line above
        else:
            raise ControlError(f"unknown session {state!r}", allowed=["auto", *get_args(State)])

    def state(self, instrument: Instrument, now_ms: int) -> State:
        """Give the state of an instrument's session at this moment."""
        told = self._set.get(instrument.symbol) or self._set.get(instrument.asset)
        if told:
            return told
        if self._switches["session_hours"] == "always_open":
            return "open"
        return self._by_hours(instrument, eastern.wall(now_ms))

    def works(self, instrument: Instrument, order_type: str, duration: str, now_ms: int) -> bool:
        """Tell whether such an order may fill now: outside regular hours only limit orders with a plus duration."""
        state = self.state(instrument, now_ms)
        if state == "extended":
            return order_type == "Limit" and duration in PLUS
        return state == "open"

    def next_end(self, instrument: Instrument, plus: bool, now_ms: int) -> int:
        """Give the moment at which the session that a day order belongs to ends, strictly after now."""
        stock_closing = time(20) if plus else time(16)
        closing = time(17) if instrument.asset == "FUTURE" else stock_closing
        now = eastern.wall(now_ms)
        end = datetime.combine(now.date(), closing)
        while end <= now or end.weekday() >= 5:
            end += timedelta(days=1)
        return eastern.to_ms(end)

    def next_opening(self, instrument: Instrument, now_ms: int) -> int:
        """Give the moment of the next opening by the exchange's hours, strictly after now."""
        now = eastern.wall(now_ms)
        opens = time(18) if instrument.asset == "FUTURE" else time(9, 30)
        opening = datetime.combine(now.date(), opens)
        closed_days = (4, 5) if instrument.asset == "FUTURE" else (5, 6)
        while opening <= now or opening.weekday() in closed_days:
            opening += timedelta(days=1)
        return eastern.to_ms(opening)

    def next_extended_opening(self, now_ms: int) -> int:
        """Give the moment at which the next extended session of stocks begins."""
        now = eastern.wall(now_ms)
        starts = [self._premarket, time(16)]
        days = (now.date() + timedelta(days=offset) for offset in range(8))
        moments = (datetime.combine(day, start) for day in days if day.weekday() < 5 for start in starts)
        return eastern.to_ms(next(moment for moment in moments if moment > now))

    @property
    def _premarket(self) -> time:
        return time.fromisoformat(self._switches["premarket_start"])

    def _by_hours(self, instrument: Instrument, now: datetime) -> State:
        clock, day = now.time(), now.weekday()
        if instrument.asset == "FUTURE":
            shut = (
                day == 5 or (day == 6 and clock < time(18)) or (day == 4 and clock >= time(17))
                or time(17) <= clock < time(18)
            )  # fmt: skip
            return "closed" if shut else "open"
        if day >= 5:
            return "closed"
        if time(9, 30) <= clock < time(16):
            return "open"
        extended = self._premarket <= clock < time(20) and instrument.asset == "STOCK"
        return "extended" if extended else "closed"
