"""Answers in TradingView's form: 200 with `s: ok` or `s: error`, 401 for a token that does not stand, 503 for a write
of which nobody knows whether it was taken.

Decimals become JSON numbers: whole ones integers, others the shortest number that reads back as the same value.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from orderbridge.broker_api.gateway import Answer
from orderbridge.broker_api.models import Number

HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class ShownError(Exception):
    """What cannot be done, in words that TradingView shows the user."""


class UnansweredError(Exception):
    """It is not known whether a write was taken, and nothing can be shown for it: neither `ok` nor an error is true."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A whole answer, for the operations that have no `d`."""

    content: Mapping[str, object]


def number(value: Decimal) -> Number:
    """Give a Decimal as a JSON number."""
    return int(value) if value == value.to_integral_value() else float(value)


def answer(content: object) -> Answer:
    """Give the answer of an operation: what it gives stands under `d`; None has no `d`; `Bare` is all there is."""
    if isinstance(content, Bare):
        return _json(200, content.content)
    return _json(200, {"s": "ok"} if content is None else {"s": "ok", "d": content})


def error(message: str) -> Answer:
    """Give an error that is shown to the user."""
    return _json(200, {"s": "error", "errmsg": message})


def unknown() -> Answer:
    """Give the answer to a write of which the bridge itself cannot tell whether it was taken.

    Only a proven refusal is a 200 with an error. This is a 5xx, which promises nothing, with words all the same.
    """
    message = "It is not known whether this was taken. Look at your orders and positions before you press again."
    return _json(503, {"s": "error", "errmsg": message})


def not_signed_in() -> Answer:
    """Give the answer to a missing or dead token."""
    return _json(401, {"s": "error", "errmsg": "Your session has ended. Log in again."})


def _json(status: int, content: object) -> Answer:
    return Answer(status, json.dumps(content, separators=(",", ":")), HEADERS)
