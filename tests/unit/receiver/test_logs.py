"""The receiver's log lines and metrics, and what must never be in them."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from orderbridge.lean_log import lean_logger
from orderbridge.storage.lean_aws import AwsError
from tests.unit.receiver.kit import BUY, KEY, Bench

CANARY = "canary-7f3a9"


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    """Log as the function does, and leave other tests' logging alone."""
    logger = logging.getLogger("orderbridge")
    before = (logger.handlers[:], logger.level, logger.propagate)
    yield lean_logger("alert-receiver", "DEBUG")
    logger.handlers[:], level, logger.propagate = before
    logger.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_alert_logs_one_line_and_one_line_of_metrics(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    _, answer = bench.send(BUY)

    said, metrics = lines(capsys)
    assert (said["message"], said["level"], said["service"]) == ("alert answered", "INFO", "alert-receiver")
    assert (said["outcome"], said["status"], said["strategy"]) == ("Accepted", 202, "demo")
    assert (said["alert_id"], said["fire_to_receive_ms"], said["rung"]) == (answer["alert_id"], 1000, True)
    assert metrics["Stack"] == "test"
    assert metrics["AlertsAccepted"] == 1
    (directive,) = metrics["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Orderbridge", [["Stack"]])
    names = {metric["Name"] for metric in directive["Metrics"]}
    assert names == {
        "AlertsAccepted",
        "AuthenticateMs",
        "ReadMs",
        "StoreMs",
        "RingMs",
        "ReceiveMs",
        "FireToReceiveMs",
    }
    assert names <= set(metrics)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"key": "wrong"}, "Unauthorized"),
        ({"source": "203.0.113.7"}, "SourceRefused"),
        ({"body": "nonsense"}, "Refused"),
    ],
)
def test_each_outcome_has_its_metric(
    bench: Bench, capsys: pytest.CaptureFixture[str], change: dict[str, Any], outcome: str
) -> None:
    bench.send(**({"body": BUY} | change))

    assert lines(capsys)[-1][f"Alerts{outcome}"] == 1


def test_unauthorized_delivery_logs_nothing_of_its_path(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.send(BUY, strategy=CANARY, key=CANARY)

    assert CANARY not in capsys.readouterr().out


@pytest.mark.parametrize(
    "error",
    [
        None,
        AwsError("TimeoutError"),
        AwsError("AccessDeniedException", 400),
        RuntimeError(CANARY),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        {**BUY, "comment": CANARY},
        {**BUY, CANARY: 1},
        {**BUY, "quantity": CANARY},
        {**BUY, "ticker": CANARY * 9},
        f"{CANARY} is no json",
        {**BUY, "secret": CANARY},
    ],
)
def test_no_log_line_holds_a_key_or_anything_of_the_body(
    bench: Bench, capsys: pytest.CaptureFixture[str], body: Any, error: Exception | None
) -> None:
    def fail(name: str) -> None:
        if error is not None and name == "transact_write_items":
            raise error

    bench.dynamodb.before = fail
    try:
        bench.send(body)
        bench.send(body)
    except RuntimeError:
        logging.getLogger("orderbridge").exception("the alert was not answered as planned")

    logged = capsys.readouterr()
    assert logged.out
    assert CANARY not in logged.out + logged.err
    assert KEY not in logged.out + logged.err


def test_exception_is_told_by_type_and_place(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        logger.exception("something failed", extra={"alert_id": "x"})

    (line,) = lines(capsys)
    assert (line["exception"], line["alert_id"]) == ("ValueError", "x")
    assert line["places"][0].startswith("test_logs.py:")
