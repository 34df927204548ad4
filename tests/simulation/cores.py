"""The sandbox's broker cores under virtual time: one of each kind, whoever calls them, and their books as evidence."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.simserver import Request, Response
from sandbox.tradelocker.app import TradeLockerApp
from sandbox.tradestation import TradeStation
from tests.simulation.hub import Hub

PORTS = {"tradelocker": 8001, "tradestation": 8002}


def origin(broker: str) -> str:
    """Give the address of a simulated broker."""
    return f"http://127.0.0.1:{PORTS[broker]}"


class Core(ABC):
    """One simulated broker. `changes` counts whatever may have changed its book."""

    name = ""

    def __init__(self, hub: Hub, app: Any) -> None:
        self.hub = hub
        self.app = app
        self.changes = 0
        self._mark: object = None

    def handle(self, request: Request) -> Response:
        """Answer one request on the broker's own surface."""
        if request.method != "GET":
            self.changes += 1
        response: Response = self.app.handle(request)
        self._look()
        return response

    def control(self, what: str, payload: object, method: str = "POST") -> Any:
        """Do something at the broker itself. Raises `ControlError` when it cannot be done."""
        body = json.dumps(payload, default=str).encode()
        self.changes += 1
        response = self.app.control(Request.of(method, f"/_control/{what}", {}, body))
        self._look()
        return json.loads(response.body)

    def set_price(self, symbol: str, price: Decimal) -> None:
        """Move a price; orders see it."""
        self.changes += 1
        self.app.set_prices({symbol: price})
        self._look()

    def advance(self) -> None:
        """Let happen what is due by now."""
        self._advance()
        self._look()

    def version(self) -> int:
        """Give a number that is another one whenever the book has changed."""
        return self.changes

    def _look(self) -> None:
        mark = self._fingerprint()
        if mark != self._mark:
            self._mark = mark
            self.changes += 1

    @abstractmethod
    def next_due_ms(self) -> int | None:
        """Give when something is due that needs no request."""

    @abstractmethod
    def _advance(self) -> None: ...

    @abstractmethod
    def _fingerprint(self) -> object: ...


class TradeLockerCore(Core):
    name = "tradelocker"

    def __init__(self, hub: Hub, switches: Mapping[str, object]) -> None:
        super().__init__(hub, TradeLockerApp(hub, switches))

    def next_due_ms(self) -> int | None:
        book = self.app.simulator.book
        due = [
            order.plan.due_ms
            for account in book.accounts.values()
            for order in account.working.values()
            if order.plan.due_ms is not None
        ]
        return min(due, default=None)

    def _advance(self) -> None:
        self.app.simulator.book.advance(self.hub.now)

    def _fingerprint(self) -> object:
        return [(len(a.orders), len(a.executions), len(a.working)) for a in self.app.simulator.book.accounts.values()]


class TradeStationCore(Core):
    name = "tradestation"

    def __init__(self, hub: Hub, switches: Mapping[str, object]) -> None:
        super().__init__(hub, TradeStation(hub, switches))

    def next_due_ms(self) -> int | None:
        due = self.app.book.agenda._due
        return due[0][0] if due else None

    def _advance(self) -> None:
        self.app.book.agenda.run_until(self.hub.now)

    def _fingerprint(self) -> object:
        agenda = self.app.book.agenda
        return (len(self.app.book.orders), len(agenda._due), next(iter(agenda._due), None))
