"""The path of a request through faults and journal into a simulated broker, without sockets.

arrives -> fault before? -> app.handle (one at a time) -> fault after? -> reply, or one of the exceptions

Broken
  ConnectionRefusedFault   not processed
  ResetBefore              not processed
  NoReply                  not processed, and nothing came for `seconds`
  ReplyLost                processed
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from sandbox.simserver.app import App, Controllable, WordsError200, WordsRateLimit, WordsUnauthorized
from sandbox.simserver.control import Control, is_control
from sandbox.simserver.faults import Fault, FaultKind, FaultScript
from sandbox.simserver.journal import LOST, Entry, Journal
from sandbox.simserver.messages import Request, Response

EDGE_PAGE = (
    "<!DOCTYPE html>\n<html lang='en-US'><head><title>Access denied</title></head>"
    "<body><h1>Error 1015</h1><p>You are being rate limited</p><p>error code: 1015</p></body></html>\n"
)


class Broken(Exception):  # noqa: N818 - these are what happens to a connection, not errors of ours
    """No reply comes. `seconds` is how long the connection stayed open before that."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(type(self).__name__)
        self.seconds = seconds


class ConnectionRefusedFault(Broken):
    """No connection came about."""


class ResetBefore(Broken):
    """The connection was reset before the broker saw the request."""


class NoReply(Broken):
    """The broker never saw the request and no reply came."""


class ReplyLost(Broken):
    """The broker processed the request; its reply never left."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A reply, and the delays that scripted faults put before and after the broker's work, in seconds."""

    response: Response
    delay_before_s: float = 0.0
    delay_after_s: float = 0.0

    @property
    def delay_s(self) -> float:
        return self.delay_before_s + self.delay_after_s


def _no_wait(seconds: float) -> None:
    del seconds


class InProcess:
    """A simulated broker with its faults and its journal.

    `wait` is called with the seconds of each scripted delay, outside of the lock that serialises the broker: the server
    sleeps there, a simulation moves its clock, and by default nothing happens and the delay is only reported.
    """

    def __init__(
        self,
        app: App,
        faults: FaultScript | None = None,
        journal: Journal | None = None,
        *,
        wait: Callable[[float], None] = _no_wait,
    ) -> None:
        self.app = app
        self.faults = faults if faults is not None else FaultScript()
        self.journal = journal if journal is not None else _journal_of(app)
        self._wait = wait
        self._lock = threading.RLock()
        self._control = Control(app, self.faults, self.journal)

    def send(self, request: Request) -> Response:
        """Answer one request. Raises a leaf of `Broken` when a fault takes the reply away."""
        return self.deliver(request).response

    def deliver(self, request: Request) -> Delivery:
        """Answer one request and tell the delays. Raises a leaf of `Broken` when a fault takes the reply away."""
        if is_control(request):
            with self._lock:
                return Delivery(self._control.answer(request))
        fault = self.faults.take(request)
        entry = self.journal.open(request, fault)
        try:
            delivery = self._before(request, fault) or self._through(request, fault, entry)
        except Broken:
            self.journal.close(entry, LOST)
            raise
        self.journal.close(entry, delivery.response.status)
        return delivery

    def _before(self, request: Request, fault: Fault | None) -> Delivery | None:
        """Give the reply of a fault that keeps the request from the broker."""
        if fault is None:
            return None
        match fault.kind:
            case FaultKind.REFUSE_CONNECTION:
                raise ConnectionRefusedFault
            case FaultKind.RESET_BEFORE:
                raise ResetBefore
            case FaultKind.HANG_BEFORE:
                self._wait(fault.seconds)
                raise NoReply(fault.seconds)
            case FaultKind.STATUS_BEFORE:
                return Delivery(_scripted(fault))
            case FaultKind.RATE_EDGE:
                return Delivery(Response.text(EDGE_PAGE, 429, "text/html"))
            case FaultKind.RATE_JSON | FaultKind.UNAUTHORIZED | FaultKind.ERROR_200:
                with self._lock:
                    return Delivery(_worded(self.app, request, fault))
            case FaultKind.SLOW_BEFORE | FaultKind.REPLY_LOST | FaultKind.SLOW_AFTER:
                return None
            case FaultKind.STATUS_AFTER | FaultKind.TRUNCATED:
                return None
            case _:
                assert_never(fault.kind)

    def _through(self, request: Request, fault: Fault | None, entry: Entry) -> Delivery:
        """Let the broker process the request, and do to its reply what the fault says."""
        before = fault.seconds if fault and fault.kind is FaultKind.SLOW_BEFORE else 0.0
        if before:
            self._wait(before)
        with self._lock, self.journal.handling(entry):
            response = self.app.handle(request)
        if fault is None or fault.kind is FaultKind.SLOW_BEFORE:
            return Delivery(response, before)
        if fault.kind is FaultKind.REPLY_LOST:
            raise ReplyLost
        if fault.kind is FaultKind.SLOW_AFTER:
            self._wait(fault.seconds)
            return Delivery(response, delay_after_s=fault.seconds)
        if fault.kind is FaultKind.STATUS_AFTER:
            return Delivery(_scripted(fault))
        return Delivery(Response(response.status, response.headers, _cut(response.body)))


def _journal_of(app: App) -> Journal:
    """Give the journal that the broker itself writes to, if it has one, else a new one on the broker's clock."""
    own = getattr(app, "journal", None)
    if isinstance(own, Journal):
        return own
    return Journal(app.clock if isinstance(app, Controllable) else None)


def _scripted(fault: Fault) -> Response:
    if isinstance(fault.body, str):
        return Response.text(fault.body, fault.status, fault.content_type or "text/plain", fault.headers)
    response = Response.json_of(fault.body, fault.status, fault.headers)
    if fault.content_type is None:
        return response
    return Response(response.status, {**response.headers, "Content-Type": fault.content_type}, response.body)


def _worded(app: App, request: Request, fault: Fault) -> Response:
    if fault.kind is FaultKind.RATE_JSON:
        if isinstance(app, WordsRateLimit):
            return app.rate_limited(request)
        return Response.json_of({"message": "Too Many Requests"}, 429)
    if fault.kind is FaultKind.UNAUTHORIZED:
        if isinstance(app, WordsUnauthorized):
            return app.unauthorized(request)
        return Response.json_of({"message": "Unauthorized"}, 401)
    if isinstance(app, WordsError200):
        return app.error_200(request, fault.text)
    return Response.json_of({"error": fault.text})


def _cut(body: bytes) -> bytes:
    """Give the first half of a body; never all of it, and never valid JSON."""
    return body[: len(body) // 2] or b"{"
