"""Native messages for tests: written as fields, read as the receiver reads them."""

import json
from typing import Any

from orderbridge.alerts.alert import Alert, Refusal
from orderbridge.alerts.dialect import Context
from orderbridge.alerts.dialects import read_alert
from orderbridge.alerts.reading import read_body

NOW_MS = 1_772_640_903_000
"""2026-03-04T16:15:03Z"""
FIRED = "2026-03-04T16:15:02Z"
FIRED_MS = NOW_MS - 1000


def read_text(text: str | bytes, symbol: str = "") -> Alert | Refusal:
    """Read a body as it arrives."""
    raw = text.encode() if isinstance(text, str) else text
    return read_alert(read_body(raw), Context(NOW_MS, symbol))


def read(symbol: str = "", **fields: Any) -> Alert | Refusal:
    """Read a message with these fields; `ticker` is MSFT unless said otherwise."""
    return read_text(json.dumps({"ticker": "MSFT"} | fields), symbol)


def alert(**fields: Any) -> Alert:
    """Read a message that must be understood."""
    understood = read(**fields)
    assert isinstance(understood, Alert), understood
    return understood


def refusal(**fields: Any) -> Refusal:
    """Read a message that must be refused."""
    refused = read(**fields)
    assert isinstance(refused, Refusal), refused
    return refused


def told(understood: Alert) -> str:
    """Give all notes as one text."""
    return "\n".join(understood.notes)
