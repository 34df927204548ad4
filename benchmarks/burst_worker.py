"""What a process of the burst is: `python -m benchmarks.burst_worker receiver | executor | broker`.

    receiver   each line of its input is an event of the gateway; answers a line {"status", "ms"} for each
    executor   answers the queue's bells, one after the other, as the queue's poller has the function do
    broker     a simulated TradeStation; it says in a line of JSON where it listens

BURST_CLOCK (`START_MS:RATE`) in the environment makes this process's clocks run at RATE from START_MS on, and its
pauses last accordingly: at 0.1 it behaves as on a machine, a table and a broker that are ten times as fast.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

HANDLER_S = 60.0
"""The executor's time-out in the template."""


def follow(clock: str) -> None:
    """Let the clocks run at another rate, and pauses by them."""
    start_ms, _, given = clock.partition(":")
    start_ns, rate = int(start_ms) * 1_000_000, float(given)
    machine_ns, machine_monotonic, machine_sleep = time.time_ns, time.monotonic, time.sleep
    numerator, denominator = rate.as_integer_ratio()

    def time_ns() -> int:
        return start_ns + (machine_ns() - start_ns) * numerator // denominator

    clocks: dict[str, Callable[..., Any]] = {
        "time_ns": time_ns,
        "time": lambda: time_ns() / 1e9,
        "monotonic": lambda: machine_monotonic() * rate,
        "sleep": lambda seconds: machine_sleep(seconds / rate),
    }
    for name, read in clocks.items():
        setattr(time, name, read)


def receive() -> None:
    """Be a warm receiver: TradingView's deliveries come one after the other."""
    from functions.alert_receiver.app import handler

    with os.fdopen(os.dup(1), "w") as told:
        os.dup2(2, 1)  # what the handler logs goes elsewhere
        told.write("ready\n")
        told.flush()
        for line in sys.stdin:
            began = time.perf_counter()
            answer = handler(json.loads(line), None)
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            told.write(json.dumps({"status": answer["statusCode"], "ms": milliseconds}) + "\n")
            told.flush()


class Context:
    """What the executor asks of Lambda's context."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + HANDLER_S

    def get_remaining_time_in_millis(self) -> int:
        """Give the time left."""
        return max(0, int((self._ends - time.monotonic()) * 1000))


def execute() -> None:
    """Be one of the executors until the process is ended."""
    from functions.order_executor.app import handler
    from orderbridge.storage.clients import client

    sqs, queue = client("sqs", 1.0, 30.0), os.environ["BELL_QUEUE_URL"]
    print("ready", flush=True)
    while True:
        wanted = {"MaxNumberOfMessages": 1, "WaitTimeSeconds": 2, "AttributeNames": ["All"]}
        for message in sqs.receive_message(QueueUrl=queue, **wanted).get("Messages", []):
            record: dict[str, Any] = {"messageId": message["MessageId"], "body": message["Body"]}
            answer = handler({"Records": [record]}, Context())
            about = {"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}
            if answer["batchItemFailures"]:
                sqs.change_message_visibility(**about, VisibilityTimeout=1)
            else:
                sqs.delete_message(**about)


def be_broker() -> None:
    """Be the simulated TradeStation."""
    from sandbox.tradestation.__main__ import main

    main([])


ROLES: dict[str, Callable[[], None]] = {"receiver": receive, "executor": execute, "broker": be_broker}

if __name__ == "__main__":
    if "BURST_CLOCK" in os.environ:
        follow(os.environ["BURST_CLOCK"])
    ROLES[sys.argv[1]]()
