"""The alert receiver's handler: everything is made while the function starts."""

import os
from collections.abc import Mapping
from typing import Any

from orderbridge.alerts.authentication import Sources
from orderbridge.alerts.receipt import UNAVAILABLE
from orderbridge.lean_log import lean_logger
from orderbridge.machine import MACHINE, Machine
from orderbridge.receiving import Receiver
from orderbridge.storage.in_time import CONNECT_TIMEOUT_S, READ_TIMEOUT_S
from orderbridge.storage.intake import Intake
from orderbridge.storage.known_strategies import KnownStrategies
from orderbridge.storage.lean_aws import Connect, DynamoDb, Sqs

logger = lean_logger("alert-receiver", os.environ.get("LOG_LEVEL", "INFO"))


def receiver_of(variables: Mapping[str, str], machine: Machine = MACHINE, connect: Connect | None = None) -> Receiver:
    """Make the receiver from the function's variables. Raises `KeyError` naming one that is missing."""
    dynamodb = DynamoDb(variables, CONNECT_TIMEOUT_S, READ_TIMEOUT_S, machine, connect)
    sqs = Sqs(variables, CONNECT_TIMEOUT_S, READ_TIMEOUT_S, machine, connect)
    return Receiver(
        KnownStrategies(dynamodb, variables["TABLE_NAME"], machine),
        Intake(dynamodb, sqs, variables["TABLE_NAME"], variables["BELL_QUEUE_URL"]),
        Sources(variables["ALERT_SOURCES"]),
        stack=variables["SECRET_PREFIX"].split("/")[1],  # `orderbridge/STACK/`
        machine=machine,
    )


receiver = receiver_of(os.environ) if "TABLE_NAME" in os.environ else None
"""Made at import where the function's variables stand: Lambda gives more CPU then than to the first alert."""


def handler(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Answer one alert, from the gateway or from `orderbridge fire`. Our own failure is a 503: it is sent again."""
    global receiver
    try:
        receiver = receiver or receiver_of(os.environ)
        answer = receiver.receive(event)
    except Exception:
        logger.exception("the alert was not answered as planned")
        answer = UNAVAILABLE
    return answer.response()
