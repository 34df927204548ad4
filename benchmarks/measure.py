"""Start measured processes and read what they cost."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.aws_stub import AwsStub
from benchmarks.seats import KEY, KEY_SECRET, SECRET_PREFIX, STRATEGY, TABLE
from sandbox import places

CHILD = Path(__file__).parent / "child.py"
LIMIT_S = 120
WARM_UP = 20
"""Invokes after the first that are not counted."""


@dataclass(frozen=True)
class Design:
    """A handler and the folders of its Lambda."""

    name: str
    title: str
    paths: tuple[Path, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Invoke:
    """One call of a handler: CPU and sleep in ms, moments in epoch ms."""

    answer: Mapping[str, Any]
    cpu_ms: float
    began_at: float
    ended_at: float
    slept_ms: float


@dataclass(frozen=True)
class Measured:
    """What one process cost: CPU in ms, and moments of the wall clock in epoch ms."""

    start_ms: float
    import_ms: float
    modules: int
    invokes: tuple[Invoke, ...]
    spawned_at: float
    posted_at: float | None
    posted_ms: float | None
    """CPU from the process's start until the order's request was handed to the connection."""
    output: str
    """What it wrote to standard output: the function's log."""

    @property
    def first_ms(self) -> float:
        """CPU of the first invoke."""
        return self.invokes[0].cpu_ms

    @property
    def cold_ms(self) -> float:
        """CPU of import and first invoke."""
        return self.import_ms + self.first_ms

    @property
    def warm_ms(self) -> float | None:
        """CPU of a warm invoke, the mean of all that come after the warming up; None where there are none."""
        warm = [invoke.cpu_ms for invoke in self.invokes[1 + WARM_UP :]]
        return statistics.mean(warm) if warm else None


def run(
    design: Design,
    events: Sequence[Mapping[str, Any]],
    environment: Mapping[str, str],
    folder: Path,
    pause_s: float = 0,
) -> Measured:
    """Run a handler over `events` in a fresh process, with `pause_s` between them.

    Raises `CalledProcessError` when it ends with an error, `TimeoutExpired` when it does not end.
    """
    given, result, output = folder / "events.json", folder / "result.json", folder / "output.log"
    given.write_text(json.dumps(events), encoding="utf-8")
    paths = ":".join(str(path) for path in design.paths)
    spawned_at = time.time() * 1000
    with output.open("wb") as written:
        subprocess.run(
            [sys.executable, "-I", "-S", str(CHILD), paths, str(given), str(result), str(pause_s)],
            env={**environment, **design.variables},
            stdout=written,
            check=True,
            timeout=LIMIT_S,
        )
    told = json.loads(result.read_text(encoding="utf-8"))
    told["invokes"] = tuple(Invoke(**invoke) for invoke in told["invokes"])
    return Measured(**told, spawned_at=spawned_at, output=output.read_text(encoding="utf-8"))


def environment(stub: AwsStub, key_hash: str, broker_urls: Sequence[str] = ()) -> dict[str, str]:
    """Give the variables that Lambda and the template set."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "benchmark",
        "AWS_SECRET_ACCESS_KEY": "benchmark",
        "AWS_ENDPOINT_URL": stub.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "TABLE_NAME": TABLE,
        "BELL_QUEUE_URL": stub.queue_url,
        "DEAD_LETTER_QUEUE_URL": f"{stub.queue_url}-dead",
        "NOTICES_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:notices",
        "SECRET_PREFIX": SECRET_PREFIX,
        "BROKER_HOSTS": ",".join(broker_urls),
        "ALERT_SOURCES": "*",
        "LOG_LEVEL": "INFO",
        "KEY_HASH": key_hash,
        "KEY_SECRET": KEY_SECRET,
    }


def webhook_event(message: str) -> dict[str, Any]:
    """Give the event that API Gateway makes of an alert."""
    text = (places.ROOT / "events" / "api-gateway-alert.json").read_text(encoding="utf-8")
    event: dict[str, Any] = json.loads(text)
    path = f"/alerts/{STRATEGY}/{KEY}"
    return event | {"path": path, "pathParameters": {"strategy": STRATEGY, "key": KEY}, "body": message}


def bell_event(body: str) -> dict[str, Any]:
    """Give the event that Lambda makes of a bell."""
    event: dict[str, Any] = json.loads((places.ROOT / "events" / "sqs-bell.json").read_text(encoding="utf-8"))
    event["Records"][0]["body"] = body
    return event


def best_and_median(values: Sequence[float]) -> tuple[float, float]:
    """Give the least and the middle one."""
    return min(values), statistics.median(values)
