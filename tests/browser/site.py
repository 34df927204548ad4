"""The login function behind a loopback server, as API Gateway has it behind its own; a stand-in for TradingView."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from orderbridge.broker_api.gateway import read_request
from orderbridge.broker_api.login.routes import LoginRoutes

STAGE = "/v1"


@dataclass
class Gateway:
    """The login page at `url`, answered by `routes`."""

    url: str
    routes: LoginRoutes
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        with self.lock:  # moto is not for threads
            return self.routes.answer(read_request(event)).event()


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve(handler: type[_Quiet]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def gateway(routes: LoginRoutes) -> Iterator[Gateway]:
    """Serve the routes below `/v1`."""
    found: list[Gateway] = []

    class Handler(_Quiet):
        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            parts = urlsplit(self.path)
            if not parts.path.startswith(f"{STAGE}/"):
                self.reply(404, [], b"")
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: self.headers.get_all(name) for name in self.headers}
            result = found[0].answer(
                {
                    "path": parts.path.removeprefix(STAGE),
                    "httpMethod": self.command,
                    "multiValueHeaders": headers,
                    "multiValueQueryStringParameters": parse_qs(parts.query, keep_blank_values=True),
                    "requestContext": {"identity": {"sourceIp": "127.0.0.1"}},
                    "body": base64.b64encode(body).decode(),
                    "isBase64Encoded": True,
                }
            )
            listed = [(name, value) for name, values in result["multiValueHeaders"].items() for value in values]
            self.reply(result["statusCode"], listed, str(result["body"]).encode())

    with serve(Handler) as url:
        found.append(Gateway(f"{url}{STAGE}", routes))
        yield found[0]


@contextmanager
def tradingview() -> Iterator[str]:
    """Serve pages that the browser comes back to, on another site (`localhost` is not 127.0.0.1).

    `/frame?URL` is a page with that address in a frame, as TradingView renews an implicit token.
    """

    class Handler(_Quiet):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            frame = f'<iframe src="{parts.query}"></iframe>' if parts.path == "/frame" else ""
            page = f"<!DOCTYPE html><title>TradingView</title><p>Back at TradingView</p>{frame}"
            self.reply(200, [("Content-Type", "text/html")], page.encode())

    with serve(Handler) as url:
        yield url.replace("127.0.0.1", "localhost")
