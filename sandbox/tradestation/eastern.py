"""New York's wall clock by the rule in force since 2007, so that no time-zone database is needed."""

from datetime import UTC, date, datetime, time, timedelta

DAY_MS = 86_400_000
_STANDARD = timedelta(hours=-5)
_SUMMER = timedelta(hours=-4)


def wall(ms: int) -> datetime:
    """Give New York's wall time, naive, at this epoch millisecond."""
    utc = datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None)
    standard = utc + _STANDARD
    # the change falls at 2:00 standard time in spring and 1:00 standard time in autumn
    begins = datetime.combine(_nth_sunday(standard.year, 3, 2), time(2))
    ends = datetime.combine(_nth_sunday(standard.year, 11, 1), time(1))
    return utc + (_SUMMER if begins <= standard < ends else _STANDARD)


def to_ms(moment: datetime) -> int:
    """Give the epoch millisecond of a naive New York wall time; of a repeated hour the first."""
    begins = datetime.combine(_nth_sunday(moment.year, 3, 2), time(2))
    ends = datetime.combine(_nth_sunday(moment.year, 11, 1), time(2))
    offset = _SUMMER if begins <= moment < ends else _STANDARD
    return int((moment - offset).replace(tzinfo=UTC).timestamp() * 1000)


def utc_text(ms: int) -> str:
    """Give an RFC 3339 text in UTC with whole seconds, as TradeStation writes it."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _nth_sunday(year: int, month: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (n - 1))
