"""The alert receiver's handler: everything is made while the function starts, when Lambda gives it more CPU."""

import os
import time
from typing import Any

from orderbridge.alerts.authentication import Sources
from orderbridge.alerts.receipt import UNAVAILABLE
from orderbridge.lean_log import lean_logger
from orderbridge.receiving import Receiver
from orderbridge.storage.in_time import CONNECT_TIMEOUT_S, READ_TIMEOUT_S
from orderbridge.storage.intake import Intake
from orderbridge.storage.known_strategies import KnownStrategies
from orderbridge.storage.lean_aws import DynamoDb, Sqs

logger = lean_logger("alert-receiver", os.environ.get("LOG_LEVEL", "INFO"))
dynamodb = DynamoDb(os.environ, CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
sqs = Sqs(os.environ, CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
receiver = Receiver(
    KnownStrategies(dynamodb, os.environ["TABLE_NAME"]),
    Intake(dynamodb, sqs, os.environ["TABLE_NAME"], os.environ["BELL_QUEUE_URL"]),
    Sources(os.environ["ALERT_SOURCES"]),
    stack=os.environ["SECRET_PREFIX"].split("/")[1],  # `orderbridge/STACK/`
    now_ms=lambda: time.time_ns() // 1_000_000,
    random_bytes=os.urandom,
)


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Answer one alert, from the gateway or from `orderbridge fire`. Our own failure is a 503: it is sent again."""
    try:
        answer = receiver.receive(event)
    except Exception:
        logger.exception("the alert was not answered as planned")
        answer = UNAVAILABLE
    return answer.response()
