"""When an alert fired, as far as its message says so (TRADING.md rule 19). Pure.

`{{timenow}}` is the moment of firing, UTC, in whole seconds. `{{time}}` is the opening time of the bar: on a daily
chart it is hours old when the alert fires. A time that is, or may be, a bar's is never used for the alert's age.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

MINUTE_MS = 60_000
FIRST_CREDIBLE_MS = 1_420_070_400_000
"""2015-01-01: no alert is older."""
AHEAD_MS = 5 * MINUTE_MS
"""A fire time this far ahead of its arrival is none: clocks differ by seconds, time zones by hours."""

_ISO = re.compile(
    r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?)(\.\d{1,9})?)?\s?(Z|UTC|[+-]\d{2}:?\d{2})?$",
    re.ASCII | re.IGNORECASE,
)
_INTERVAL = re.compile(r"^(\d{0,4})([SDWMTR]|min|m|h)?$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as a message says it; `reason` tells why it is not taken for the fire time, empty when it is."""

    at_ms: int
    reason: str = ""


def moment(value: str | Decimal, interval: str, received_at_ms: int, is_timenow: bool) -> Moment | None:
    """Read a time: ISO 8601, or seconds or milliseconds since 1970. None when it is none.

    `is_timenow`: the field's name says that it is the fire time, so alignment to a bar means nothing.
    """
    read = _since_1970(value) if isinstance(value, Decimal) or value.strip().isdecimal() else _iso(value)
    if read is None:
        return None
    at_ms, has_zone = read
    if not has_zone:
        return Moment(at_ms, "it has no time zone")
    if at_ms < FIRST_CREDIBLE_MS or at_ms > received_at_ms + AHEAD_MS:
        return Moment(at_ms, "it cannot be the time of firing")
    grain_ms = _grain_ms(interval)
    if not is_timenow and grain_ms and at_ms % grain_ms == 0:
        return Moment(at_ms, f"it is a whole bar of interval {interval} and may be the bar's time")
    return Moment(at_ms)


def _since_1970(value: str | Decimal) -> tuple[int, bool] | None:
    number = Decimal(value)
    if not number.is_finite() or not 0 <= number < 10**14:
        return None
    return int(number if number >= 10**11 else number * 1000), True


def _iso(text: str) -> tuple[int, bool] | None:
    match = _ISO.match(text.strip())
    if match is None:
        return None
    date, clock, fraction, zone = match.groups()
    zone = "+00:00" if not zone or zone.upper() in ("Z", "UTC") else zone
    fraction = (fraction or "")[:7]
    try:
        read = datetime.fromisoformat(f"{date}T{clock or '00:00'}{_padded(fraction)}{zone}")
        return int(read.astimezone(UTC).timestamp() * 1000), bool(match[4])
    except (ValueError, OverflowError):
        return None


def _padded(fraction: str) -> str:
    return f"{fraction:0<7}" if fraction else ""


def _grain_ms(interval: str) -> int:
    """Give the step that the opening times of an interval's bars lie on; 0 where that says nothing.

    Bars of an hour or more open with the session, at 9:30 for instance: always at a quarter of an hour.
    """
    match = _INTERVAL.match(interval.strip())
    if match is None or match[0] == "":
        return 0
    count, unit = int(match[1] or 1), match[2] or "min"
    match unit:
        case "min" | "m":
            minutes = count
        case "h":
            minutes = count * 60
        case "D" | "W" | "M":
            minutes = 15
        case _:
            return 0
    return (15 if minutes % 15 == 0 else minutes) * MINUTE_MS
