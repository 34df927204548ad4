"""One delivery of an alert, taken out of the event that invokes the receiver. Pure; never raises.

| event | sent by | authenticated by |
|---|---|---|
| API Gateway's proxy event | TradingView | source address and the strategy's key |
| `{"fire": {"strategy": ..., "body": ..., "test": ...}}` | `orderbridge fire` | the user's AWS identity (IAM) |

Nobody can send the second form through the gateway: its events have a fixed shape, and the request is inside it.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orderbridge.secret import NO_SECRET, Secret


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was sent, for which strategy, by whom."""

    strategy: str
    raw: bytes = field(repr=False)
    key: Secret = NO_SECRET
    source_ip: str = ""
    direct: bool = False
    """Sent by the user's own AWS identity: no key and no source address are asked for."""
    test: bool = False


def delivery_of(event: Mapping[str, Any]) -> Delivery:
    """Take the delivery out of an event; what is missing is empty, and then nothing fits it."""
    fire = event.get("fire")
    if isinstance(fire, Mapping):
        body = fire.get("body")
        raw = body.encode("utf-8", "replace") if isinstance(body, str) else b""
        return Delivery(str(fire.get("strategy", "")), raw, direct=True, test=fire.get("test") is True)
    path = _mapping(event.get("pathParameters"))
    identity = _mapping(_mapping(event.get("requestContext")).get("identity"))
    return Delivery(
        strategy=str(path.get("strategy", "")),
        raw=_raw(event.get("body"), event.get("isBase64Encoded") is True),
        key=Secret(str(path.get("key", ""))),
        source_ip=str(identity.get("sourceIp", "")),
    )


def _raw(body: Any, is_base64: bool) -> bytes:
    if not isinstance(body, str):
        return b""
    if is_base64:
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError):
            pass  # then it is what it looks like
    return body.encode("utf-8", "replace")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
