"""How old an alert is (TRADING.md rule 19). Pure.

A fire time (`{{timenow}}`) is whole seconds and truthful. A bar time (`{{time}}`) is the bar's opening: minutes to days
old when the alert fires. Both look the same once rendered, so a time that is aligned to the chart's interval and not
fresh is taken for a bar time, unless the message names the bar's time in a field of its own.
"""

import re
from dataclasses import dataclass
from math import gcd

from orderbridge.alerts.alert import Alert

AHEAD_MS = 60_000
"""A time further ahead of the arrival is no fire time."""

LONG_AGO_MS = 24 * 60 * 60 * 1000
"""A time further back is no fire time: TradingView's last resend comes some 20 s after the first delivery."""

FRESH_MS = 10_000
"""A bar that opened so recently may as well be a fire time on the bar's first second."""

SESSION_GRID_S = 15 * 60
"""Exchanges open on the quarter of an hour, so longer bars start on it, not on multiples of their own length."""

_INTERVAL = re.compile(r"^(\d*)([SsmhHDdWwM]?)$")
_SECONDS = {"S": 1, "s": 1, "": 60, "m": 60, "h": 3600, "H": 3600}


@dataclass(frozen=True, slots=True)
class Age:
    """Age in milliseconds, and what has to be said about the time that it was not measured from."""

    ms: int
    note: str = ""


def age_of(alert: Alert, now_ms: int, accepted_at_ms: int) -> Age:
    """Give the age of an alert: since it fired, or since it arrived where the message has no usable fire time."""
    since_arrival = max(0, now_ms - accepted_at_ms)
    reason = _not_a_fire_time(alert, accepted_at_ms)
    if reason:
        return Age(since_arrival, f"The age is measured from the arrival: {reason}.")
    if alert.fired_at_ms is None:
        return Age(since_arrival)
    return Age(max(since_arrival, now_ms - alert.fired_at_ms))


def _not_a_fire_time(alert: Alert, accepted_at_ms: int) -> str:
    fired_ms = alert.fired_at_ms
    if fired_ms is None:
        return "" if alert.bar_time_ms is None else "the message says only the bar's time; send {{timenow}} as its time"
    behind_ms = accepted_at_ms - fired_ms
    if behind_ms < -AHEAD_MS:
        return f"its time is {-behind_ms // 1000} s in the future"
    if behind_ms > LONG_AGO_MS:
        return f"its time is {behind_ms // 3_600_000} hours back"
    if fired_ms == alert.bar_time_ms:
        return "its time is the bar's time; send {{timenow}} as its time"
    if alert.bar_time_ms is None and behind_ms > FRESH_MS and _on_a_bar(fired_ms, alert.interval):
        return (
            f"its time lies {behind_ms // 1000} s back on the start of a bar of interval {alert.interval}, "
            "so it is taken for the bar's time; send {{timenow}} as its time"
        )
    return ""


def _on_a_bar(time_ms: int, interval: str) -> bool:
    seconds = interval_seconds(interval)
    return seconds is not None and time_ms % (gcd(seconds, SESSION_GRID_S) * 1000) == 0


def interval_seconds(interval: str) -> int | None:
    """Read TradingView's `{{interval}}` (`5`, `240`, `30S`, `D`, `1W`; also `5m`, `4h`); None when it is none."""
    match = _INTERVAL.match(interval.strip())
    if match is None or not match[0]:
        return None
    count = int(match[1] or 1)
    if count == 0:
        return None
    return count * _SECONDS.get(match[2], 24 * 3600)
