"""What a process of the race tests is: `python -m tests.race.worker_process`.

One process imports everything once and forks for each connection, so that a worker costs milliseconds and is a process
of its own all the same: it shares nothing with another one but what had been imported, and SIGKILL ends it at once.

    first line      {"environment": {...}, "clock": "/a/file", "stop": {"moment", "role", "signal"} or null}
    answered        {"pid": 123}
    further lines   {"function": "order_executor", "event": {...}, "seconds": 60}
    answered        {"answer": ...}, and before the process stops itself {"reached": "after_post"}

The first line {"broker": "tradelocker"} makes it a simulated broker instead: after its pid that one prints a line of
its own.
"""

import importlib
import json
import mmap
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orderbridge.panel_stage  # the panel's handler reads the environment while it is imported
import orderbridge.receiving  # noqa: F401 - and so does the receiver's
from functions.order_executor import app as executor
from orderbridge import codec
from orderbridge.brokers.http import open_client
from orderbridge.brokers.port import Look
from orderbridge.execution.records import CommandRecord, Job, LaneState, Plan
from orderbridge.storage import clients
from orderbridge.strategy.settings import AccountSettings, StrategySettings
from orderbridge.wiring import Bridge, Environment
from sandbox.tradelocker import __main__ as tradelocker
from sandbox.tradestation import __main__ as tradestation
from tests.race.moments import Moment, Steps
from tests.race.workers import CLOCK_BYTES

BROKERS = {"tradelocker": tradelocker.main, "tradestation": tradestation.main}
STORED = (AccountSettings, CommandRecord, Job, LaneState, Look, Plan, StrategySettings)
SERVICES = ("dynamodb", "secretsmanager", "sns", "sqs")

Tell = Callable[[Mapping[str, object]], None]


def main() -> None:
    """Fork a process for each connection, until SIGTERM."""
    prepare()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        print(json.dumps({"port": server.getsockname()[1]}), flush=True)  # noqa: T201 - the tests read it
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                serve(connection)
                sys.exit()
            connection.close()
            bury()


def bury() -> None:
    """Take leave of the processes that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return


def prepare() -> None:
    """Do once what each worker would do slowly: read the SDK's models, import what httpx needs, build the decoders."""
    session = clients._session()
    for service in SERVICES:
        session.create_client(service, region_name="us-east-1")
    open_client().close()
    for kind in STORED:
        codec._adapter(kind)


def serve(connection: socket.socket) -> None:
    """Be the process that the first line asks for."""

    def tell(what: Mapping[str, object]) -> None:
        connection.sendall(json.dumps(what).encode() + b"\n")

    lines = connection.makefile("r", encoding="utf-8")
    first = json.loads(lines.readline())
    tell({"pid": os.getpid()})
    if "broker" in first:
        os.dup2(connection.fileno(), sys.stdout.fileno())
        BROKERS[first["broker"]]([])
        return
    os.environ.clear()
    os.environ.update(first["environment"])
    follow_clock(first["clock"])
    if first["stop"] is not None:
        stop_at(first["stop"], tell)
    for line in lines:
        asked = json.loads(line)
        handler = importlib.import_module(f"functions.{asked['function']}.app").handler
        tell({"answer": handler(asked["event"], context(asked["seconds"]))})


def follow_clock(file: str) -> None:
    """Let this process's wall clock be ahead of the machine's by what the file says at each moment, in milliseconds."""
    with Path(file).open("rb") as opened:
        ahead = mmap.mmap(opened.fileno(), CLOCK_BYTES, access=mmap.ACCESS_READ)
    machine_ns = time.time_ns

    def time_ns() -> int:
        return machine_ns() + int.from_bytes(ahead[:], "little") * 1_000_000

    for name, clock in {"time_ns": time_ns, "time": lambda: time_ns() / 1e9}.items():
        setattr(time, name, clock)


def stop_at(stop: Mapping[str, str], tell: Tell) -> None:
    """Have the executor stop itself with a signal, the first time that it comes to the moment."""
    wanted = Moment(stop["moment"])
    seen: list[Moment] = []

    def reached(moment: Moment) -> None:
        if moment is wanted and not seen:
            seen.append(moment)
            tell({"reached": moment})
            os.kill(os.getpid(), signal.Signals[stop["signal"]])

    steps = Steps(stop["role"], reached)
    executor.bridge = Bridge(Environment.read(os.environ), steps.transport())
    steps.follow(executor.bridge)


def context(seconds: float) -> Any:
    """Give what the handlers ask of Lambda's context."""
    ends = time.monotonic() + seconds
    return SimpleNamespace(get_remaining_time_in_millis=lambda: max(0, int((ends - time.monotonic()) * 1000)))


if __name__ == "__main__":
    main()
