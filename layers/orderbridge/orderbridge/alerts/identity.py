"""Which deliveries are one alert. Pure.

TradingView sends no id. It delivers one alert up to four times, byte by byte the same, 5 s after each answer of 5xx; so
an alert is its body. Two alerts of one second that differ in nothing are one alert to anybody.

    body with a fire time      the same body is the same alert for days
    body without one           the same body is the same alert for 40 s (three resends 5 s apart, each up to 3 s long),
                               later it is a new one: nothing in it could have changed
    identity_field             where the settings name a field, its value is the alert; another body with the same
                               value is refused
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from orderbridge.alerts.alert import Action, Alert, Refusal
from orderbridge.alerts.message import as_text
from orderbridge.alerts.reading import Value
from orderbridge.alerts.vocabulary import folded

LONG_WINDOW_MS = 7 * 24 * 3600 * 1000
SHORT_WINDOW_MS = 40_000
_HINT = "Send {} with another value in each alert, or take identity_field out of the settings."


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes an alert itself, and until when."""

    key: str
    body_hash: str
    window_until_ms: int
    by_field: bool = False
    note: str = ""


def identify(
    strategy: str,
    raw: bytes,
    alert: Alert,
    fields: Mapping[str, Value] | None,
    identity_field: str,
    received_at_ms: int,
    test: bool = False,
) -> Identity | Refusal:
    """Give an alert's identity. Refused only where the settings name a field and the message has no value in it."""
    whole = by_body(strategy, raw, alert, received_at_ms, test)
    if not identity_field:
        return whole
    value = _value(fields or {}, identity_field)
    if value is None:
        text = f"The settings take {identity_field} for the alert's identity, and the message has no value there."
        if alert.action is Action.EXIT:  # TRADING.md rule 11
            return replace(whole, note=f"Not obeyed: {text}")
        return Refusal("identity_missing", identity_field, text, _HINT.format(identity_field))
    key = f"f-{_hash(strategy, test, value.encode('utf-8', 'replace'))}"
    return Identity(key, whole.body_hash, received_at_ms + LONG_WINDOW_MS, by_field=True)


def by_body(strategy: str, raw: bytes, read: Alert | Refusal, received_at_ms: int, test: bool = False) -> Identity:
    """Give the identity of a body as it is.

    A test run is an alert of its own: it must not stand in the way of the real one.
    """
    body_hash = _hash(strategy, test, raw)
    timed = isinstance(read, Alert) and read.fired_at_ms is not None
    return Identity(f"b-{body_hash}", body_hash, received_at_ms + (LONG_WINDOW_MS if timed else SHORT_WINDOW_MS))


def conflict(identity_field: str) -> Refusal:
    """Give the refusal of a body whose identity is taken by another body."""
    return Refusal(
        "identity_conflict",
        identity_field,
        f"An alert with the same {identity_field} and another content was received before; this one is not traded.",
        _HINT.format(identity_field),
    )


def alert_id(received_at_ms: int, random_bytes: bytes) -> str:
    """Give a fresh id: sorted by time, and not to be guessed. `random_bytes` are eight."""
    return f"{received_at_ms:011x}{random_bytes.hex()}"


def _hash(strategy: str, test: bool, content: bytes) -> str:
    kind = b"test" if test else b"real"
    return hashlib.sha256(b"\n".join((strategy.encode(), kind, content))).hexdigest()


def _value(fields: Mapping[str, Value], path: str) -> str | None:
    """Give the text of the field at a dotted path, None where it says nothing."""
    found: Value = dict(fields)
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = next((value for key, value in found.items() if folded(key) == folded(name)), None)
    if not isinstance(found, (str, Decimal)):
        return None
    text = as_text(found)
    return None if not text or "{{" in text else text
