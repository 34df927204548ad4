"""The answers to a delivery, and what TradingView makes of them. Pure.

| status | means | TradingView |
|---|---|---|
| 202 | stored; it will be worked | done |
| 200 | this alert was stored before: the first receipt again | done |
| 400 | not understood; kept as refused | never resends |
| 401 | strategy or key not known, the same answer for both | never resends |
| 403 | the source address is not allowed | never resends |
| 503 | not stored | resends up to three times, 5 s after each answer |

Never 429 or 504: TradingView resends neither.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orderbridge import codec
from orderbridge.alerts.alert import Alert, Refusal

SHOWN = (
    "action",
    "symbol",
    "exit_side",
    "quantity",
    "order_type",
    "limit_price",
    "stop_price",
    "trail_amount",
    "trail_percent",
    "take_profit",
    "stop_loss",
    "time_in_force",
    "target",
    "fired_at_ms",
    "bar_time_ms",
)
"""What the receipt repeats of the alert, so that a trader sees how the message was read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status with a JSON body."""

    status: int
    body: str

    def response(self) -> dict[str, Any]:
        """Give the answer in API Gateway's form."""
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        if self.status == 503:
            headers["Retry-After"] = "5"
        return {"statusCode": self.status, "headers": headers, "body": self.body, "isBase64Encoded": False}


def accepted(alert_id: str, strategy: str, alert: Alert, accounts: Sequence[str], received_at_ms: int) -> Answer:
    """Answer an alert that is stored."""
    plain = codec.plain(alert)
    said = {name: plain[name] for name in SHOWN if name in plain}
    receipt = {
        "alert_id": alert_id,
        "status": "accepted",
        "strategy": strategy,
        "accounts": list(accounts),
        "received_at_ms": received_at_ms,
        "read": said,
        "notes": list(alert.notes),
    }
    return Answer(202, _json(receipt | ({"test": True} if alert.test else {})))


def refused(alert_id: str, refusal: Refusal) -> Answer:
    """Answer a message that is not understood."""
    return Answer(
        400,
        _json(
            {
                "alert_id": alert_id,
                "status": "refused",
                "code": refusal.code,
                "field": refusal.field,
                "message": refusal.message,
                "hint": refusal.hint,
            }
        ),
    )


def again(first: str) -> Answer:
    """Answer a delivery of an alert that is stored already, with the body of the first answer."""
    return Answer(400 if json.loads(first).get("status") == "refused" else 200, first)


def _plainly(status: int, code: str, message: str) -> Answer:
    return Answer(status, json.dumps({"status": "rejected", "code": code, "message": message}))


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"))


UNAUTHORIZED = _plainly(401, "unauthorized", "Strategy or key is not known.")
FORBIDDEN = _plainly(403, "source_not_allowed", "Alerts are taken only from TradingView's addresses.")
UNAVAILABLE = _plainly(503, "not_stored", "The alert could not be stored; please send it again.")
