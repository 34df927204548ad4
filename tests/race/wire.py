"""A wire between the bridge's processes and what they talk to: a TCP proxy that can be frozen, or cut at a request.

    process  ->  wire  ->  MiniStack, simulated broker
                  |
                  frozen: bytes wait in both directions, connections are still accepted, and what waited goes on later
                  cut:    the n-th request and its answer are handled; the answer is never given back

It knows as much of HTTP/1.1 as it needs to tell one request from the next. What the process did before it was cut has
happened, and it has learnt of all but the last of it: that is all that a death at that moment can leave behind.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox import places

LONGEST_HEAD = 1 << 20
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Passed:
    """One request that went over the wire."""

    number: int
    """From 1, over all the places that the wire leads to."""
    name: str
    """The operation of an AWS service, or method and path."""

    def __str__(self) -> str:
        return f"{self.number} ({self.name})"


Cut = Callable[[Passed], bool]
"""Is asked about each request once it was answered: True cuts the connection before the answer is given back."""


@dataclass
class Wire:
    """The proxies of one test; its methods may be called from any thread."""

    loop: asyncio.AbstractEventLoop
    passed: list[Passed] = field(default_factory=list)
    cut: Cut = field(default=lambda _: False)
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _servers: list[asyncio.Server] = field(default_factory=list)
    _ports: dict[str, int] = field(default_factory=dict)
    """Ours, by where they lead to."""
    _relays: set[asyncio.Task[Any]] = field(default_factory=set)

    def to(self, url: str) -> str:
        """Give a URL that leads to `url` over this wire."""
        parts = urlsplit(url)
        if parts.netloc not in self._ports:
            serving = self._serve(parts.hostname or places.LOOPBACK, parts.port or 80)
            self._ports[parts.netloc] = asyncio.run_coroutine_threadsafe(serving, self.loop).result()
        return parts._replace(netloc=f"{places.LOOPBACK}:{self._ports[parts.netloc]}").geturl()

    def freeze(self) -> None:
        """Let nothing through, in neither direction, until `thaw`."""
        self._set(self._open.clear)

    def thaw(self) -> None:
        """Let everything through, what has been waiting first: it arrives even if nobody waits for its answer."""
        self._set(self._open.set)

    def _set(self, change: Callable[[], None]) -> None:
        done = threading.Event()

        def apply() -> None:
            change()
            done.set()

        self.loop.call_soon_threadsafe(apply)
        done.wait()

    async def _serve(self, host: str, port: int) -> int:
        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._relays.add(task)  # the loop alone does not keep it
            try:
                with suppress(ConnectionError, asyncio.IncompleteReadError):
                    await _Relay(self, host, port, reader, writer).run()
            finally:
                self._relays.discard(task)
                await _hang_up(writer)

        server = await asyncio.start_server(relay, places.LOOPBACK, 0, limit=LONGEST_HEAD)
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def opened(self) -> None:
        """Wait while the wire is frozen."""
        await self._open.wait()

    def note(self, head: bytes) -> Passed:
        """Count a request."""
        self.passed.append(Passed(len(self.passed) + 1, _name(head)))
        return self.passed[-1]

    async def close(self) -> None:
        """Stop listening, and end what is still relayed."""
        for server in self._servers:
            server.close()
        relays = [*self._relays]
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)


class _Relay:
    """One connection of a process, and the one that is made for it."""

    def __init__(
        self, wire: Wire, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._wire, self._host, self._port = wire, host, port
        self._reader, self._writer = reader, writer
        self._there: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        """Relay requests and answers until either side ends."""
        try:
            while await self._one():
                pass
        finally:
            if self._there is not None:
                await _hang_up(self._there[1])

    async def _one(self) -> bool:
        head, body = await _message(self._reader, answer_to=None)
        await self._wire.opened()
        seen = self._wire.note(head)
        reader, writer = await self._upstream()
        writer.write(head + body)
        await writer.drain()
        answer_head, answer = await _message(reader, answer_to=head.split(b" ", 1)[0])
        await self._wire.opened()
        if self._wire.cut(seen):
            return False
        self._writer.write(answer_head + answer)
        await self._writer.drain()
        return b"connection: close" not in answer_head.lower()

    async def _upstream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Give the connection to the other side, a new one where that has closed the last one as idle."""
        if self._there is not None and self._there[0].at_eof():
            await _hang_up(self._there[1])
            self._there = None
        if self._there is None:
            self._there = await asyncio.open_connection(self._host, self._port, limit=LONGEST_HEAD)
        return self._there


async def _message(reader: asyncio.StreamReader, answer_to: bytes | None) -> tuple[bytes, bytes]:
    """Read a request, or the answer to one of that method: its head, and its body as it stands on the wire."""
    head = await reader.readuntil(HEAD_END)
    fields = _fields(head)
    if answer_to == b"HEAD" or (answer_to is not None and head.split(b" ", 2)[1] in (b"204", b"304")):
        return head, b""
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        return head, await _chunks(reader)
    if b"content-length" in fields:
        return head, await reader.readexactly(int(fields[b"content-length"]))
    return head, b"" if answer_to is None else await reader.read()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    read = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        chunk = await reader.readexactly(int(size.partition(b";")[0], 16) + 2)
        read += size + chunk
        if chunk == b"\r\n":
            return read


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


def _fields(head: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip().lower() for name, _, value in lines if name}


def _name(head: bytes) -> str:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"x-amz-target:"):
            return line.partition(b":")[2].strip().decode()
    method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
    return f"{method} {path.partition('?')[0]}"


@contextmanager
def new_wire() -> Iterator[Wire]:
    """Make a wire for the length of a `with`, in a thread of its own; it is open at first."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="wire", daemon=True)
    thread.start()
    wire = Wire(loop)
    wire.thaw()
    try:
        yield wire
    finally:
        asyncio.run_coroutine_threadsafe(wire.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
