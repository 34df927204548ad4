"""An httpx transport into a simulated broker in this process: no sockets, and time-outs without waiting."""

from collections.abc import Callable

import httpx

from sandbox.simserver.inprocess import ConnectionRefusedFault, InProcess, NoReply, ReplyLost, ResetBefore
from sandbox.simserver.messages import Request


def _no_wait(seconds: float) -> None:
    del seconds


class SimulatedTransport(httpx.BaseTransport):
    """Carries httpx requests to a broker and turns what goes wrong into the exception that httpx would raise.

    | fault | exception |
    |---|---|
    | refuse_connection | ConnectError |
    | reset_before | ReadError |
    | reply_lost | RemoteProtocolError |
    | hang_before, and any delay longer than the request's read time-out | ReadTimeout |

    `waited` is called with the seconds that the client spent waiting, at most its read time-out.
    """

    def __init__(self, inner: InProcess, *, waited: Callable[[float], None] = _no_wait) -> None:
        self._inner = inner
        self._waited = waited

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises the httpx exceptions named above."""
        plain = Request.of(request.method, request.url.raw_path.decode(), dict(request.headers), request.read())
        limit = _read_limit(request)
        try:
            delivery = self._inner.deliver(plain)
        except ConnectionRefusedFault as error:
            raise httpx.ConnectError("Connection refused", request=request) from error
        except ResetBefore as error:
            raise httpx.ReadError("Connection reset by peer", request=request) from error
        except ReplyLost as error:
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            ) from error
        except NoReply as error:
            self._waited(min(error.seconds, limit))
            if error.seconds < limit:
                raise httpx.RemoteProtocolError("Server disconnected", request=request) from error
            raise httpx.ReadTimeout("The read operation timed out", request=request) from error
        self._waited(min(delivery.delay_s, limit))
        if delivery.delay_s > limit:
            raise httpx.ReadTimeout("The read operation timed out", request=request)
        response = delivery.response
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)


def _read_limit(request: httpx.Request) -> float:
    timeout = request.extensions.get("timeout", {})
    limit = timeout.get("read") if isinstance(timeout, dict) else None
    return float("inf") if limit is None else float(limit)
