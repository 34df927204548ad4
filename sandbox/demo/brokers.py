"""Start the simulated brokers, and ask them afterwards what they were asked and what they hold."""

import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sandbox import places, processes

BrokerName = Literal["tradestation", "tradelocker"]
READY_WITHIN_S = 20.0


@dataclass(frozen=True)
class SimulatedBroker:
    """One simulated broker that is up; `described` is the line that it printed."""

    name: BrokerName
    base_url: str
    control_url: str
    described: Mapping[str, Any]
    process: processes.Child

    def journal(self) -> list[dict[str, Any]]:
        """Give the requests that it got, in order."""
        entries: list[dict[str, Any]] = self._ask("journal")["entries"]
        return entries

    def state(self) -> dict[str, Any]:
        """Give all that it holds."""
        return self._ask("state")

    def control(self, what: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Post to one of its control endpoints."""
        return self._ask(what, json.dumps(payload).encode())

    def forget(self, what: Literal["faults", "journal"]) -> None:
        """Have it forget its faults, or its journal."""
        self._ask(what, method="DELETE")

    def _ask(self, what: str, body: bytes | None = None, method: str | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.control_url}/{what}", body, headers, method=method)
        with _opener().open(request, timeout=10) as answer:
            content: dict[str, Any] = json.load(answer, parse_float=Decimal)
            return content


@cache
def _opener() -> urllib.request.OpenerDirector:
    """Make the opener once: each reads the machine's certificates, which takes longer than what is asked."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def simulated_broker(name: BrokerName, folder: Path, port: int = 0) -> Iterator[SimulatedBroker]:
    """Run a simulated broker for the length of a `with`; `folder` takes its log, port 0 is a free one.

    Raises `StartError` when it does not say where it listens.
    """
    child = processes.start(
        name,
        [sys.executable, "-m", f"sandbox.{name}", "--port", str(port)],
        environment=places.plain_environment(),
        folder=folder / "logs",
        cwd=places.ROOT,
    )
    try:
        described = json.loads(processes.first_line(child, READY_WITHIN_S))
        yield SimulatedBroker(name, described["base_url"], described["control_url"], described, child)
    finally:
        child.stop()
