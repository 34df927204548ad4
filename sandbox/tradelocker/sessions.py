"""When the simulated markets are open, in UTC, and what the session routes say of it."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sandbox.tradelocker.instruments import (
    CLOSED_STATUS_ID,
    HALTED_STATUS_ID,
    OPEN_STATUS_ID,
    SESSION_IDS,
    Calendar,
    SymbolStatus,
)

_DAY_NAMES = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_ALL_DAY = (0, 1440)
_BREAK_FROM, _BREAK_TO = 21 * 60, 22 * 60
_HOLIDAYS = ((1, 1, "New Year's Day"), (12, 25, "Christmas Day"))

Periods = tuple[tuple[int, int], ...]

_FX_WEEK: tuple[Periods, ...] = (*[(_ALL_DAY,)] * 4, ((0, 22 * 60),), (), ((22 * 60, 1440),))
_BROKEN_DAY: Periods = ((0, _BREAK_FROM), (_BREAK_TO, 1440))
_METALS_WEEK: tuple[Periods, ...] = (*[_BROKEN_DAY] * 4, ((0, _BREAK_FROM),), (), ((_BREAK_TO, 1440),))
_EQUITY_WEEK: tuple[Periods, ...] = (*[((14 * 60 + 30, 21 * 60),)] * 5, (), ())

_WEEKS: Mapping[Calendar, tuple[Periods, ...]] = {
    "crypto": ((_ALL_DAY,),) * 7,
    "fx": _FX_WEEK,
    "metals": _METALS_WEEK,
    "index": _METALS_WEEK,
    "equity": _EQUITY_WEEK,
}

STATUS_IDS: Mapping[SymbolStatus, int] = {
    "FULLY_OPEN": OPEN_STATUS_ID,
    "CLOSED": CLOSED_STATUS_ID,
    "TRADING_HALT": HALTED_STATUS_ID,
}


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


def is_open(calendar: Calendar, at_ms: int) -> bool:
    """Tell whether the calendar has the market open at a moment."""
    moment = _moment(at_ms)
    if not trades_on(calendar, moment):
        return False
    minute = moment.hour * 60 + moment.minute
    return any(start <= minute < end for start, end in _WEEKS[calendar][moment.weekday()])


def trades_on(calendar: Calendar, day: datetime) -> bool:
    """Tell whether the market is open at any time of a day."""
    if calendar != "crypto" and any((day.month, day.day) == (month, number) for month, number, _ in _HOLIDAYS):
        return False
    return bool(_WEEKS[calendar][day.weekday()])


def session_object(session_id: int, now_ms: int, times: str) -> Mapping[str, object] | None:
    """Return what GET /trade/sessions/{id} says, or None for an unknown id.

    Its inner shape is unconfirmed; `times` is text (21:00), minutes (of the day) or absent.
    """
    calendar = next((name for name, number in SESSION_IDS.items() if number == session_id), None)
    if calendar is None:
        return None
    year = _moment(now_ms).year
    holidays = [] if calendar == "crypto" else [
        {"date": f"{year}-{month:02}-{number:02}", "name": name} for month, number, name in _HOLIDAYS
    ]  # fmt: skip
    session: dict[str, object] = {
        "blockTrading": False,
        "holidays": holidays,
        "id": str(session_id),
        "name": calendar.upper(),
    }
    if times != "absent":
        session["timeZone"] = "UTC"
        session["sessionPeriods"] = [
            {"day": name, "start": _time(start, times), "end": _time(end, times)}
            for name, periods in zip(_DAY_NAMES, _WEEKS[calendar], strict=True)
            for start, end in periods
        ]
    return session


def status_object(status_id: int) -> Mapping[str, list[int]] | None:
    """Return what GET /trade/sessionStatuses/{id} says, or None for an unknown id.

    Operations are new, modify, cancel; order types manual, market, stop, limit, stop limit, trailing stop.
    """
    if status_id == OPEN_STATUS_ID:
        return {"allowedOperations": [1, 1, 1], "allowedOrderTypes": [1, 1, 1, 1, 0, 1]}
    if status_id in {CLOSED_STATUS_ID, HALTED_STATUS_ID}:
        return {"allowedOperations": [0, 0, 1], "allowedOrderTypes": [0, 0, 0, 0, 0, 0]}
    return None


def _time(minute: int, times: str) -> str | int:
    return minute if times == "minutes" else f"{minute // 60:02}:{minute % 60:02}"
