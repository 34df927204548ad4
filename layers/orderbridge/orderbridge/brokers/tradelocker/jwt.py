"""What TradeLocker's tokens say of themselves. The signature is the broker's own business and is not checked."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from orderbridge.secret import Secret


def claims_of(token: Secret) -> Mapping[str, Any]:
    """Give the claims of a JSON Web Token; empty for a token that is none."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def expiry_ms(token: Secret) -> int | None:
    """Give when a token lapses, in epoch milliseconds; None when it does not say."""
    match claims_of(token).get("exp"):
        case bool():
            return None
        case int() | float() as seconds if seconds > 0:
            return int(seconds * 1000)
        case _:
            return None


def host_of(token: Secret) -> str:
    """Give the host that an access token claims to belong to; empty when it claims none."""
    host = claims_of(token).get("host")
    return host if isinstance(host, str) else ""
