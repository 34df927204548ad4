"""The function itself: made from its environment, answering in the gateway's form."""

import importlib
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from orderbridge.machine import RealMachine
from orderbridge.storage.lean_aws import AwsError
from tests.unit.receiver.awsserver import AwsServer, aws_server
from tests.unit.receiver.kit import BUY, KEY, Bench
from tests.unit.storage.aws import TABLE


@pytest.fixture
def server(bench: Bench) -> Iterator[AwsServer]:
    """Give a server whose DynamoDB and SQS are moto's."""
    operations = {
        "DynamoDB_20120810.GetItem": bench.dynamodb.get_item,
        "DynamoDB_20120810.TransactWriteItems": bench.dynamodb.transact_write_items,
        "AmazonSQS.SendMessage": bench.sqs.send_message,
        "AmazonSQS.SendMessageBatch": bench.sqs.send_message_batch,
    }

    def answer(target: str, body: Any) -> tuple[int, Any]:
        try:
            return 200, operations[target](**body)
        except AwsError as error:
            return error.status, {"__type": f"x#{error.code}", "CancellationReasons": error.reasons}

    with aws_server() as running:
        running.answer = answer
        yield running


@pytest.fixture
def app(bench: Bench, server: AwsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import the handler as Lambda does; the AWS that it calls is moto behind a server on this machine."""
    logger = logging.getLogger("orderbridge")
    before = (logger.handlers[:], logger.level, logger.propagate)
    environment = {
        "AWS_ENDPOINT_URL": server.url,
        "TABLE_NAME": TABLE,
        "BELL_QUEUE_URL": bench.queue_url,
        "ALERT_SOURCES": "52.89.214.238",
        "SECRET_PREFIX": "orderbridge/mine/",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(RealMachine, "monotonic", lambda _: 0.0)  # moto may take longer than TradingView waits
    sys.modules.pop("alert_receiver.app", None)
    app = importlib.import_module("alert_receiver.app")
    yield app
    app.receiver._intake._dynamodb.close()
    app.receiver._intake._sqs.close()
    sys.modules.pop("alert_receiver.app", None)
    logger.handlers[:], level, logger.propagate = before
    logger.setLevel(level)


def event(key: str = KEY) -> dict[str, Any]:
    return {
        "pathParameters": {"strategy": "demo", "key": key},
        "requestContext": {"identity": {"sourceIp": "52.89.214.238"}},
        "body": json.dumps(BUY),
        "isBase64Encoded": False,
    }


def test_alert_is_answered_in_the_gateways_form(app: Any, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    response = app.handler(event(), None)

    assert response["statusCode"] == 202
    assert json.loads(response["body"])["status"] == "accepted"
    assert bench.bells() == [{"lane": "sim#MES"}]
    assert '"Stack": "mine"' in capsys.readouterr().out


def test_wrong_key_is_answered_401(app: Any) -> None:
    assert app.handler(event(key="wrong"), None)["statusCode"] == 401


def test_failure_of_our_own_is_answered_503_so_that_the_alert_is_sent_again(
    app: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr(app.receiver, "receive", fail)

    assert app.handler(event(), None)["statusCode"] == 503
    assert "canary" not in capsys.readouterr().out


def test_repeated_alert_is_answered_with_the_first_receipt(app: Any) -> None:
    first, again = app.handler(event(), None), app.handler(event(), None)

    assert (first["statusCode"], again["statusCode"]) == (202, 200)
    assert again["body"] == first["body"]


def test_store_that_does_not_answer_is_answered_503_in_time(app: Any, server: AwsServer) -> None:
    server.answer = lambda target, body: (0, None)

    assert app.handler(event(), None)["statusCode"] == 503
