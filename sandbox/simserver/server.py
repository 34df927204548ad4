"""Serve a simulated broker over HTTP/1.1 on a loopback address."""

import socket
import struct
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from sandbox.simserver.app import App
from sandbox.simserver.faults import FaultScript
from sandbox.simserver.inprocess import Broken, ConnectionRefusedFault, InProcess, ResetBefore
from sandbox.simserver.journal import Journal
from sandbox.simserver.messages import Request, Response

MAX_BODY_BYTES = 4 * 1024 * 1024
_BODILESS = (204, 304)


class Server:
    """A running server. Use as a context manager, or call `close`."""

    def __init__(self, app: App, host: str, port: int, faults: FaultScript | None, journal: Journal | None) -> None:
        self._closing = threading.Event()
        self.inner = InProcess(app, faults, journal, wait=self._wait)
        self._http = _Http((host, port), self.inner)
        self.host, self.port = host, int(self._http.server_address[1])
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return f"http://{self.host}:{self.port}"

    def close(self) -> None:
        """Stop, ending open connections and scripted delays. Does nothing the second time."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.end_connections()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wait(self, seconds: float) -> None:
        self._closing.wait(seconds)


def serve(
    app: App,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    faults: FaultScript | None = None,
    journal: Journal | None = None,
) -> Server:
    """Start serving `app` in threads of this process; port 0 takes a free one. Raises `OSError` if it is taken."""
    return Server(app, host, port, faults, journal)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], inner: InProcess) -> None:
        self.inner = inner
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        with self._open_lock:
            still_open = list(self._open)
        for connection in still_open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it ended by itself meanwhile

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over clients that hang up; anything else is a defect of the simulator and is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one segment
    server: _Http

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request.of(self.command, self.path, headers, body)
        try:
            response = self.server.inner.send(request)
        except (ResetBefore, ConnectionRefusedFault):
            self._reset()
            return
        except Broken:
            self.close_connection = True
            return
        self._reply(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve  # noqa: N815 - names of the base class

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._refuse(411, "Length Required")
            return None
        if int(length) > MAX_BODY_BYTES:
            self._refuse(413, "Payload Too Large")
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # the client hung up half-way, so this never was a request
            self.close_connection = True
            return None
        return body

    def _refuse(self, status: int, text: str) -> None:
        self.close_connection = True
        self._reply(Response.text(text, status, headers={"Connection": "close"}))

    def _reply(self, response: Response) -> None:
        self.send_response(response.status)
        _write_headers(self, response.headers)
        if response.status not in _BODILESS:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD" and response.status not in _BODILESS:
            self.wfile.write(response.body)

    def _reset(self) -> None:
        """Close with RST: lingering for no time drops what is unsent and says so to the other side."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(self.connection.detach())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
        """Log nothing: request lines can hold codes."""


def _write_headers(handler: BaseHTTPRequestHandler, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if name.lower() not in ("content-length", "transfer-encoding"):
            handler.send_header(name, value)
