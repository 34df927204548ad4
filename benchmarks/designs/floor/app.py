"""The floor: a handler that authenticates, reads and answers with json, hmac and hashlib alone, and stores nothing."""

import hashlib
import hmac
import json
import os
from typing import Any

KEY_HASH = bytes.fromhex(os.environ["KEY_HASH"])


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Answer one alert."""
    digest = hashlib.sha256(str(event["pathParameters"]["key"]).encode()).digest()
    if not hmac.compare_digest(digest, KEY_HASH):
        return {"statusCode": 401, "body": "{}"}
    alert = json.loads(event["body"])
    return {"statusCode": 202, "body": json.dumps({"status": "accepted", "ticker": alert["ticker"]})}
