"""The shapes of answers: envelope, errors, and the statuses a write may have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.tradelocker.switches import Switches

EDGE_PAGE = """<!DOCTYPE html>
<html><head><title>Access denied</title></head>
<body><h1>Error 1015</h1><p>You are being rate limited.</p></body></html>
"""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: `body` is JSON, text (an HTML page) or None for no body."""

    status: int
    body: Mapping[str, object] | str | None
    headers: Mapping[str, str] = field(default_factory=dict)


class HttpProblem(Exception):  # noqa: N818 - an answer, not a fault
    """A request that ends with an HTTP status other than 2xx."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers or {}


def ok(d: object) -> Answer:
    """Return 200 with `d` in the envelope."""
    return Answer(200, {"d": d, "s": "ok"})


def done(switches: Switches, *, patched_position: bool = False, d: object = None) -> Answer:
    """Return what a write answers that has nothing to say: 200 `{"s":"ok"}`, or 204 without a body, by switch."""
    reply = switches["write_reply"]
    if reply == "204" or (patched_position and reply == "204_patch_position"):
        return Answer(204, None)
    return Answer(200, {"s": "ok"} if d is None else {"d": d, "s": "ok"})


def error(text: str) -> Answer:
    """Return 200 with `s:"error"`: how the application refuses."""
    return Answer(200, {"s": "error", "errmsg": text})


def problem(switches: Switches, status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an HTTP error in the shape that is switched on (the real bodies are unconfirmed)."""
    if switches["http_error_body"] == "message":
        return Answer(status, {"statusCode": status, "message": text}, headers or {})
    return Answer(status, {"s": "error", "errmsg": text}, headers or {})


def number(value: Decimal) -> int | float:
    """Return a JSON number: whole ones without a point."""
    return int(value) if value == value.to_integral_value() else float(value)
