"""The alert receiver is lean: its cold start is what TradingView's 3 seconds see."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "pydantic",
    "httpx",
    "requests",
    "aws_xray_sdk",
    "boto3",
    "boto3.resources",
    "aws_lambda_powertools",
    "asyncio",
)
LARGEST = 200
"""Modules after the import; the number does not jitter as times do."""
PROGRAM = """
import json, sys
import app
print(json.dumps(sorted(sys.modules)))
"""


@cache
def imported() -> frozenset[str]:
    """Give the modules that are there after importing the handler in a fresh process."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "layers/orderbridge", ROOT / "functions/alert_receiver"))),
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "TABLE_NAME": "bridge",
        "BELL_QUEUE_URL": "http://127.0.0.1:1/queue",
        "ALERT_SOURCES": "*",
        "SECRET_PREFIX": "orderbridge/test/",
    }
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("heavy", HEAVY)
def test_importing_the_handler_leaves_heavy_libraries_out(heavy: str) -> None:
    assert heavy not in imported()


def test_importing_the_handler_stays_below_its_number_of_modules() -> None:
    assert len(imported()) < LARGEST


def test_importing_the_handler_reads_neither_executor_nor_brokers() -> None:
    rooms = ("orderbridge.execution", "orderbridge.brokers", "orderbridge.broker_api", "orderbridge.cli")

    assert [name for name in imported() if name.startswith(rooms)] == []


def test_handler_is_among_what_was_imported() -> None:
    assert {"app", "orderbridge.receiving", "orderbridge.alerts.native"} <= imported()
