"""The wire from a process to the simulated brokers: httpx requests in, virtual time and faults on the way."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import httpx

from sandbox.simserver import ControlError, Request, Response
from sandbox.simserver.inprocess import EDGE_PAGE
from tests.simulation.cores import PORTS, Core
from tests.simulation.exchanges import Exchanges
from tests.simulation.process import Process
from tests.simulation.weather import Fate, Fault

LATENCY_MS = (35, 90)
BROKER_OF = {port: name for name, port in PORTS.items()}
LOGIN_PATHS = ("/oauth/token", "/backend-api/auth/jwt/refresh", "/backend-api/auth/jwt/token")
NOTHING = {Fault.REFUSED, Fault.HANGS, Fault.ERROR_BEFORE, Fault.THROTTLED, Fault.RATE, Fault.EDGE, Fault.UNAUTHORIZED}
"""Faults under which the broker does not carry a request out."""


class Outages:
    """Which broker is down, until when."""

    def __init__(self) -> None:
        self.until_ms: dict[str, tuple[int, Fault]] = {}

    def of(self, broker: str, now_ms: int) -> Fault | None:
        until_ms, how = self.until_ms.get(broker, (0, Fault.REFUSED))
        return how if now_ms < until_ms else None


class BrokerWire(httpx.BaseTransport):
    """Carries one process's requests to the cores."""

    def __init__(
        self,
        process: Process,
        cores: Mapping[str, Core],
        outages: Outages,
        exchanges: Exchanges,
        told: Callable[[str, str, str, int | None], None],
    ) -> None:
        """`told` hears of each write: process, request, the fault or nothing, the status of the reply or None."""
        self._process = process
        self._cores = cores
        self._outages = outages
        self._exchanges = exchanges
        self._told = told

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises what httpx raises for a connection that fails."""
        process, core = self._process, self._cores[BROKER_OF[request.url.port or 0]]
        target = request.url.raw_path.decode()
        path = target.partition("?")[0]
        operation = f"{request.method} {path}"
        service = "login" if path in LOGIN_PATHS else core.name
        process.wait(process.dice.randint(*LATENCY_MS))
        fate = process.fate(service, operation)
        if fate is None:
            down = self._outages.of(core.name, process.hub.now)
            fate = None if down is None else Fate(down)
        limit_ms = _read_limit_ms(request)
        plain = Request.of(request.method, target, dict(request.headers), request.read())
        number = self._exchanges.send(process.name, plain) if service == "login" else None
        if fate is not None:
            self._before(core, fate, request, limit_ms)
        if fate is not None and fate.fault is Fault.LATE:
            handled = partial(self._handled, core, plain, number)
            if service != "login" and request.method != "GET":
                process.observer.late(limit_ms + fate.ms)
            process.hub.after(limit_ms + fate.ms, lambda: process.carry_out(handled))
            process.wait(limit_ms)
            raise httpx.ReadTimeout("no answer in time", request=request)
        answer = response = process.carry_out(lambda: self._answer(core, plain, fate, number))
        if request.method != "GET":
            self._told(process.name, operation, "" if fate is None else str(fate.fault), response.status)
        if service == "login" and response.status == 200:
            process.in_hand.add(core.name)
        if fate is not None:
            response = self._after(core, fate, request, response, limit_ms, operation)
        if response is answer:
            self._exchanges.hear(number)
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)

    def _before(self, core: Core, fate: Fate, request: httpx.Request, limit_ms: int) -> None:
        match fate.fault:
            case Fault.REFUSED:
                raise httpx.ConnectError("no connection", request=request)
            case Fault.HANGS:
                self._process.wait(limit_ms)
                raise httpx.ReadTimeout("no answer", request=request)
            case Fault.SLOW_BEFORE if fate.ms > limit_ms:
                raise httpx.ReadTimeout("no answer in time", request=request)
            case _:
                return

    def _handled(self, core: Core, request: Request, number: int | None) -> Response:
        return self._exchanges.answer(number, core.handle(request))

    def _answer(self, core: Core, request: Request, fate: Fate | None, number: int | None) -> Response:
        """Let the broker answer, or what stands before it."""
        match None if fate is None else fate.fault:
            case Fault.ERROR_BEFORE | Fault.THROTTLED:
                return Response.json_of({"Error": "ServiceUnavailable"}, 503)
            case Fault.RATE:
                refused: Response = core.app.rate_limited(request)
                return refused
            case Fault.EDGE:
                return Response.text(EDGE_PAGE, 429, "text/html")
            case Fault.UNAUTHORIZED:
                unknown: Response = core.app.unauthorized(request)
                return unknown
            case Fault.SAID_NO if request.method != "GET":
                said: Response = core.app.error_200(request, "The order could not be taken")
                return said
            case _:
                return self._handled(core, request, number)

    def _after(
        self, core: Core, fate: Fate, request: httpx.Request, response: Response, limit_ms: int, operation: str
    ) -> Response:
        process = self._process
        if fate.fault is Fault.SLOW_AFTER and fate.ms > limit_ms:
            process.wait(limit_ms)
            raise httpx.ReadTimeout("no answer in time", request=request)
        process.afterwards(fate, core.name, operation)
        match fate.fault:
            case Fault.LOST | Fault.TWINNED:
                if fate.fault is Fault.TWINNED and response.status == 200:
                    _place_twin(core, request)
                process.wait(limit_ms)
                raise httpx.ReadTimeout("no answer", request=request)
            case Fault.RESET:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
            case Fault.ERROR_AFTER:
                return Response.json_of({"Error": "GatewayTimeout"}, 504)
            case Fault.GARBLED:
                cut = response.body[: len(response.body) // 2] or b"{"
                return Response(response.status, response.headers, cut)
            case _:
                return response


def _place_twin(core: Core, request: httpx.Request) -> None:
    """Somebody orders at TradeStation itself what was just ordered there: nothing tells the two apart."""
    body = {key: value for key, value in json.loads(request.read()).items() if key not in ("OSOs", "OrderConfirmID")}
    if body["OrderType"] == "Market":
        with suppress(ControlError):
            core.control("trade", {"account": body["AccountID"], "order": body})


def _read_limit_ms(request: httpx.Request) -> int:
    return round(float(request.extensions["timeout"]["read"]) * 1000)
