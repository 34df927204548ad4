"""Processes of the race tests, from the tests' side; `tests.race.worker_process` is the other one."""

import json
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sandbox import places, processes
from sandbox.demo.brokers import BrokerName, SimulatedBroker
from tests.race.moments import Moment

LAYER = places.ROOT / "layers" / "orderbridge"
READY_WITHIN_S = 60.0
CLOCK_BYTES = 8
ANSWER_WITHIN_S = 120.0
"""No test waits so long; it only keeps a hanging worker from hanging the tests."""
HANDLER_S = 60.0
"""The executor's time-out in the template."""


class EndedError(Exception):
    """A process has ended that was to answer."""


@dataclass(frozen=True)
class Stop:
    """Where a worker stops itself, and by which signal."""

    moment: Moment
    role: str
    """Of the command at whose steps it stops."""
    signal: Literal["SIGKILL", "SIGSTOP"] = "SIGKILL"


class Clock:
    """The wall clock of some workers; it can be set ahead while they run."""

    def __init__(self, file: Path) -> None:
        file.write_bytes(bytes(CLOCK_BYTES))
        self.file = file
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def advance(self, ms: int) -> None:
        """Set it ahead; the one write of eight bytes is seen whole."""
        self.ahead_ms += ms
        with self.file.open("r+b") as opened:
            opened.write(self.ahead_ms.to_bytes(CLOCK_BYTES, "little"))


class Process:
    """One process, and the connection that it was forked for."""

    def __init__(self, port: int, first: Mapping[str, object]) -> None:
        self._connection = socket.create_connection((places.LOOPBACK, port), timeout=ANSWER_WITHIN_S)
        self._lines = self._connection.makefile("r", encoding="utf-8")
        self.send(first)
        self.pid = int(self.receive()["pid"])

    def send(self, what: Mapping[str, object]) -> None:
        self._connection.sendall(json.dumps(what).encode() + b"\n")

    def receive(self) -> dict[str, Any]:
        """Wait for a line. Raises `EndedError` when the process ends instead."""
        try:
            line = self._lines.readline()
        except ConnectionResetError:
            line = ""
        if not line:
            raise EndedError(f"process {self.pid} has ended")
        told: dict[str, Any] = json.loads(line)
        return told

    def end(self) -> None:
        """Kill the process, wherever it stands; one that is dead already may have left its id to another."""
        if self._alive():
            os.kill(self.pid, signal.SIGKILL)
        self._lines.close()
        self._connection.close()

    def _alive(self) -> bool:
        self._connection.setblocking(False)
        try:
            return self._connection.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False


class Worker:
    """A process that calls handlers of the functions, one call after the other."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.reached: Moment | None = None
        """Where it has stopped itself."""

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.end()

    def start(self, function: str, event: Mapping[str, object], seconds: float = HANDLER_S) -> None:
        """Have it call a handler that has `seconds` to answer."""
        self._process.send({"function": function, "event": event, "seconds": seconds})

    def answer(self) -> Any:
        """Wait for the handler's answer; None when the process stops itself. Raises `EndedError`."""
        told = self._process.receive()
        if "reached" in told:
            self.reached = Moment(told["reached"])
            return None
        return told["answer"]

    def call(self, function: str, event: Mapping[str, object], seconds: float = HANDLER_S) -> Any:
        """Call a handler and wait for its answer, as `answer` does."""
        self.start(function, event, seconds)
        return self.answer()

    def kill(self) -> None:
        """Kill the process at this moment, whatever it does."""
        os.kill(self._process.pid, signal.SIGKILL)

    def has_died(self) -> bool:
        """Tell whether the process has ended; waits for it, so ask only one that was to die."""
        try:
            self._process.receive()
        except EndedError:
            return True
        return False

    def go_on(self) -> None:
        """Continue the process after SIGSTOP."""
        os.kill(self._process.pid, signal.SIGCONT)


@dataclass(frozen=True)
class Workers:
    """Makes processes; all of them end with the one that they are forked from."""

    port: int
    folder: Path
    process: processes.Child

    def clock(self) -> Clock:
        """Make a clock that shows the machine's time until it is set ahead."""
        return Clock(self.folder / f"clock-{uuid.uuid4().hex}")

    def start(self, environment: Mapping[str, str], clock: Clock, stop: Stop | None = None) -> Worker:
        """Start a worker."""
        wanted = None if stop is None else asdict(stop)
        first = {"environment": dict(environment), "clock": str(clock.file), "stop": wanted}
        return Worker(Process(self.port, first))

    @contextmanager
    def broker(self, name: BrokerName) -> Iterator[SimulatedBroker]:
        """Run a simulated broker in a process of its own, for the length of a `with`."""
        process = Process(self.port, {"broker": name})
        try:
            described = process.receive()
            yield SimulatedBroker(name, described["base_url"], described["control_url"], described, self.process)
        finally:
            process.end()


@contextmanager
def worker_processes(folder: Path, layer: Path = LAYER) -> Iterator[Workers]:
    """Make workers that run on this layer, for the length of a `with`; `folder` takes what they log."""
    search = (layer, places.ROOT)
    child = processes.start(
        "workers",
        [sys.executable, "-m", "tests.race.worker_process"],
        environment=places.plain_environment() | {"PYTHONPATH": os.pathsep.join(map(str, search))},
        folder=folder / "logs",
        cwd=places.ROOT,
    )
    try:
        port = json.loads(processes.first_line(child, READY_WITHIN_S))["port"]
        yield Workers(port, folder, child)
    finally:
        child.stop()
