"""A local HTTP server that speaks DynamoDB's and SQS's JSON protocol, for the lean client."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = tuple[int, Any]


@dataclass
class Seen:
    target: str
    body: Any
    headers: dict[str, str]
    port: int
    """The client's port: the same one means the same connection."""


@dataclass
class AwsServer:
    """Answers by `answer(target, body)`; a status of 0 closes the connection without an answer."""

    url: str
    answer: Callable[[str, Any], Answer] = lambda target, body: (200, {})
    seen: list[Seen] = field(default_factory=list)
    close_after_each: bool = False


@contextmanager
def aws_server() -> Iterator[AwsServer]:
    """Run a server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            target = self.headers["x-amz-target"]
            body = json.loads(raw)
            running.seen.append(Seen(target, body, dict(self.headers.items()), self.client_address[1]))
            status, content = running.answer(target, body)
            if status == 0:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            answer = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            if running.close_after_each:
                self.close_connection = True

        def log_request(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    running = AwsServer(f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
