"""The usual way to write the receiver: Powertools' resolver with validation, Tracer, Metrics, Logger; pydantic; boto3.

It does the same duty as the bridge's receiver, with less care: the key from a secret, the alert checked by a model, one
item, one message. It makes the client that it would call the broker with, and does not call it.
"""

import hashlib
import hmac
import json
import os
import time
from decimal import Decimal
from typing import Annotated, Any, Literal

import boto3
import httpx
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field

logger = Logger(service="naive")
tracer = Tracer(service="naive")
metrics = Metrics(namespace="Naive", service="naive")
app = APIGatewayRestResolver(enable_validation=True)
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
sqs = boto3.client("sqs")
broker = httpx.Client(timeout=10)

Quantity = Annotated[Decimal, Field(gt=0)]


class Exit(BaseModel):
    """A stop or a target."""

    type: Literal["stop", "stop_limit", "trailing_stop"] | None = None
    price: Decimal | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None


class Alert(BaseModel):
    """An alert's message."""

    model_config = ConfigDict(extra="forbid")

    ticker: str
    action: Literal["buy", "sell", "exit", "cancel", "add"]
    quantity: Quantity | None = None
    orderType: Literal["market", "limit", "stop", "stop_limit", "trailing_stop"] = "market"  # noqa: N815
    limitPrice: Decimal | None = None  # noqa: N815
    stopPrice: Decimal | None = None  # noqa: N815
    takeProfit: Exit | None = None  # noqa: N815
    stopLoss: Exit | None = None  # noqa: N815
    timeInForce: Literal["day", "gtc"] = "day"  # noqa: N815
    time: str | None = None
    id: str | int | None = None


@app.post("/alerts/<strategy>/<key>")
@tracer.capture_method
def receive(strategy: str, key: str, alert: Alert) -> Response[str]:
    """Take in one alert."""
    expected = str(parameters.get_secret(os.environ["KEY_SECRET"], max_age=300))
    if not hmac.compare_digest(key.encode(), expected.encode()):
        return _answer(401, {"status": "rejected"})
    body = app.current_event.body or ""
    alert_id = hashlib.sha256(f"{strategy}\n{body}".encode()).hexdigest()
    item: dict[str, str | int] = {
        "pk": f"ALERT#{alert_id}",
        "sk": "ALERT",
        "strategy": strategy,
        "status": "accepted",
        "received_at_ms": time.time_ns() // 1_000_000,
        "alert": alert.model_dump_json(),
    }
    try:
        table.put_item(Item=item, ConditionExpression="attribute_not_exists(pk)")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return _answer(200, {"status": "duplicate", "alert_id": alert_id})
    sqs.send_message(QueueUrl=os.environ["BELL_QUEUE_URL"], MessageBody=json.dumps({"alert_id": alert_id}))
    metrics.add_metric(name="AlertsAccepted", unit=MetricUnit.Count, value=1)
    logger.info("alert accepted", extra={"strategy": strategy, "alert_id": alert_id})
    return _answer(202, {"status": "accepted", "alert_id": alert_id})


def _answer(status: int, body: dict[str, Any]) -> Response[str]:
    return Response(status_code=status, content_type=content_types.APPLICATION_JSON, body=json.dumps(body))


@tracer.capture_lambda_handler
@metrics.log_metrics
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one alert."""
    return app.resolve(event, context)
