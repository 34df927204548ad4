"""Take the code of a broker's sign-in page: on a local address that the browser is sent to, or pasted by the person."""

import hmac
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from orderbridge.errors import BrokerReadError, SettingsError
from orderbridge.secret import Secret

PORTS = (3000, 31022, 3001, 8080)
"""Ports of `http://localhost` that TradeStation allows for an API key unless told otherwise (its sign-in pages)."""
DONE = b"<!doctype html><title>Orderbridge</title><p>Signed in. This window can be closed."
NOT_DONE = b"<!doctype html><title>Orderbridge</title><p>Not signed in. The terminal says why."


class SignInRefusedError(BrokerReadError):
    """The sign-in page, or the person at it, said no."""


def code_of(answer: str, state: str) -> Secret:
    """Give the code in the address that the browser was sent to, or in its query; a bare code is itself.

    Raises `SignInRefusedError` when the page said no, or when the address is not the answer to this sign-in.
    """
    query = urlsplit(answer.strip()).query if "?" in answer else answer.strip()
    if "=" not in query:
        return Secret(query)
    fields = {key: values[0] for key, values in parse_qs(query).items()}
    if "error" in fields:
        raise SignInRefusedError(f"the sign-in was refused: {fields.get('error_description') or fields['error']}"[:300])
    if not hmac.compare_digest(fields.get("state", "").encode(), state.encode()):
        raise SignInRefusedError("this is the answer to another sign-in; begin again")
    if not fields.get("code"):
        raise SignInRefusedError("there is no code in the answer of the sign-in page")
    return Secret(fields["code"])


class Callback:
    """A web server on this machine's own address that waits for one answer."""

    def __init__(self, ports: tuple[int, ...] = PORTS) -> None:
        """Listen on the first port that is free. Raises `SettingsError` when none is."""
        self._answers: list[str] = []
        self._server = self._listen(ports)

    @property
    def redirect_uri(self) -> str:
        return f"http://localhost:{self._server.server_port}"

    def wait(self, state: str, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> Secret:
        """Give the code, once the browser has brought it. Raises `SignInRefusedError`."""
        ends_at = monotonic() + seconds
        try:
            while not self._answers:
                left = ends_at - monotonic()
                if left <= 0:
                    raise SignInRefusedError(f"nobody signed in within {seconds:.0f} seconds")
                self._server.timeout = min(left, 1.0)
                self._server.handle_request()
        finally:
            self._server.server_close()
        return code_of(f"?{self._answers[0]}", state)

    def _listen(self, ports: tuple[int, ...]) -> HTTPServer:
        answers = self._answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = urlsplit(self.path).query
                fields = parse_qs(query)
                if fields.keys() & {"code", "error"}:
                    answers.append(query)
                self.send_response(200 if "code" in fields else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(DONE if "code" in fields else NOT_DONE)

            def log_message(self, *_: Any) -> None:
                """Say nothing: the path holds the code."""

        for port in ports:
            try:
                return HTTPServer(("127.0.0.1", port), Handler)
            except OSError:
                continue
        listed = ", ".join(map(str, ports))
        raise SettingsError(f"the ports {listed} are all taken on this machine; free one, or use --paste")
