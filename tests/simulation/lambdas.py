"""Lambda: the real handlers, one module instance for each environment, with its own memory, clock and death."""

import logging
import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from types import CodeType, ModuleType
from typing import Any
from unittest.mock import patch

from tests.simulation.hub import Hub
from tests.simulation.process import NEVER, KilledError, Process

ROOT = Path(__file__).resolve().parents[2]
COLD_MS = {
    "alert_receiver": (350, 900),
    "broker_api": (1_000, 2_800),
    "order_executor": (900, 2_500),
    "refresher": (900, 2_500),
}
TIMEOUT_MS = {"alert_receiver": 5_000, "broker_api": 28_000, "order_executor": 60_000, "refresher": 50_000}
"""As in the template; `test_world.py` holds them to it."""

Done = Callable[[Any], None]
Begun = Callable[[str], None]


class Context:
    """What Lambda tells a handler of its invocation."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def get_remaining_time_in_millis(self) -> int:
        return self._process.remaining_ms()


@cache
def _code(function: str) -> CodeType:
    path = ROOT / "functions" / function / "app.py"
    return compile(path.read_text(encoding="utf-8"), str(path), "exec")


class Complaints(logging.Filter):
    """Counts what the functions complain about, and notes it in the story."""

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        reason = getattr(record, "reason", "") or getattr(record, "problem", "")
        about = f" ({kind or reason})" if kind or reason else ""
        self.counts[f"{record.getMessage()}{about}"] += 1
        self._note(f"log: {record.getMessage()}{about}{_places(record)}")

    def filter(self, record: logging.LogRecord) -> bool:
        """Stand before a logger whose own handler must stay: note the record, and let nothing through."""
        self.emit(record)
        return False


def _places(record: logging.LogRecord) -> str:
    """Give an exception's text and the last places that it came through."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    frames = traceback.extract_tb(record.exc_info[2])[-4:]
    places = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames))
    return f": {record.exc_info[1]} at {places}"


def take_logs(complaints: Complaints, function: str) -> None:
    """Take what a function logs: writing Powertools' lines would cost more than all the rest."""
    bridge = logging.getLogger("orderbridge")
    bridge.handlers[:] = [_Taking(complaints)]
    bridge.setLevel(logging.WARNING)
    bridge.propagate = False
    service = logging.getLogger(function.replace("_", "-"))
    service.filters[:] = [complaints]
    service.setLevel(logging.WARNING)


@contextmanager
def logs_given_back() -> Iterator[None]:
    """Leave the loggers as they were: other tests of this process read them."""
    bridge = logging.getLogger("orderbridge")
    handlers, level, propagate = bridge.handlers[:], bridge.level, bridge.propagate
    services = [logging.getLogger(function.replace("_", "-")) for function in TIMEOUT_MS]
    before = [(service, service.filters[:], service.level) for service in services]
    try:
        yield
    finally:
        bridge.handlers[:], bridge.propagate = handlers, propagate
        bridge.setLevel(level)
        for service, filters, its_level in before:
            service.filters[:] = filters
            service.setLevel(its_level)


class _Taking(logging.Handler):
    """A handler that tells the complaints, whose own filter would keep everything out."""

    def __init__(self, complaints: Complaints) -> None:
        super().__init__()
        self._complaints = complaints

    def emit(self, record: logging.LogRecord) -> None:
        self._complaints.emit(record)


class Environment:
    """One environment of a function: a process and the module that runs in it."""

    def __init__(self, function: str, process: Process, variables: Mapping[str, str]) -> None:
        """`variables` are what the module finds in its environment while it is loaded."""
        self.process = process
        self.module = ModuleType(f"{function}_app")
        with patch.dict(os.environ, variables):
            exec(_code(function), self.module.__dict__)

    def invoke(self, event: Mapping[str, Any], timeout_ms: int) -> tuple[bool, Any]:
        """Call the handler; give whether it came to an end, and its result."""
        process = self.process
        process.ends_ms = process.hub.now + timeout_ms
        try:
            result = self.module.handler(event, Context(process))
        except KilledError:
            return False, None
        process.ends_ms = NEVER
        return True, result


class Function:
    """One function: its warm environments, and how another one comes about."""

    def __init__(self, hub: Hub, name: str, dice: Random, equip: Callable[[str, int], Environment]) -> None:
        """`equip` makes the environment of that number, with everything in it that the real one would make itself."""
        self._hub = hub
        self.name = name
        self._dice = dice
        self._equip = equip
        self._idle: list[Environment] = []
        self._made = 0
        self.reap_rate = 0.01
        """How often a warm environment is not there any more when it is wanted."""
        self.invocations = 0

    def invoke(self, event: Mapping[str, Any], done: Done, begun: Begun = lambda _: None) -> None:
        """Invoke the function in an environment of its own; `done` gets the result, or None when it has died.

        `begun` hears the name of the environment just before its handler is called.
        """
        self.invocations += 1
        if self._idle and self._dice.random() < self.reap_rate:
            self._idle.pop(self._dice.randrange(len(self._idle)))
        if self._idle:
            environment = self._idle.pop(self._dice.randrange(len(self._idle)))
            self._hub.start(lambda: self._work(environment, event, done, begun))
        else:
            self._made += 1
            number = self._made
            delay_ms = self._dice.randint(*COLD_MS[self.name])
            work = lambda: self._work(self._equip(self.name, number), event, done, begun)  # noqa: E731
            self._hub.after(delay_ms, lambda: self._hub.start(work))

    def forget(self) -> None:
        """Let every warm environment be gone."""
        self._idle.clear()

    def _work(self, environment: Environment, event: Mapping[str, Any], done: Done, begun: Begun) -> None:
        begun(environment.process.name)
        ended, result = environment.invoke(event, TIMEOUT_MS[self.name])
        if ended and environment.process.alive:
            self._idle.append(environment)
        self._hub.after(0, lambda: done(result if ended else None))
