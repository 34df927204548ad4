"""What a simulated broker was asked, in order, and what came of it. It never holds a header, a password or a token."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.simserver.clock import Clock, SystemClock
from sandbox.simserver.faults import Fault
from sandbox.simserver.messages import Request, UnreadableBodyError

LOST = "lost"
"""Stands for the status when no byte of reply went out."""
MASK = "***"
_SECRET = re.compile(
    r"pass(word|wd)?|.*secret.*|authorization|(access|refresh|id)_?token|token|code|code_verifier|(api|developer).?key",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Entry:
    """One request on the broker's surface. `status` is None while it runs, and `lost` when no reply went out."""

    sequence: int
    at_ms: int
    method: str
    path: str
    query: list[list[str]]
    body: object
    fault: str | None
    status: int | str | None = None
    booked: list[dict[str, object]] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """Give the entry as JSON-ready values."""
        return {name: getattr(self, name) for name in self.__slots__}


class Journal:
    """Keeps the entries. Safe for use by many threads; `booked` belongs to the request being handled in this thread."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._entries: list[Entry] = []
        self._sequence = 0
        self._lock = threading.Lock()
        self._current = threading.local()

    def open(self, request: Request, fault: Fault | None) -> Entry:
        """Start the entry of a request that has arrived."""
        query = [[name, MASK if _SECRET.fullmatch(name) else value] for name, value in request.query]
        with self._lock:
            self._sequence += 1
            entry = Entry(
                sequence=self._sequence,
                at_ms=self._clock.now_ms(),
                method=request.method,
                path=request.path,
                query=query,
                body=_readable(request),
                fault=fault.kind.value if fault else None,
            )
            self._entries.append(entry)
            return entry

    def close(self, entry: Entry, status: int | str) -> None:
        """Note what was replied."""
        with self._lock:
            entry.status = status

    @contextmanager
    def handling(self, entry: Entry) -> Iterator[None]:
        """Make `entry` the one that `booked` writes to, in this thread, while the broker handles the request."""
        self._current.entry = entry
        try:
            yield
        finally:
            self._current.entry = None

    def booked(self, what: str, **facts: object) -> None:
        """Note what the broker booked for the request being handled; outside of a request it is passed over."""
        entry: Entry | None = getattr(self._current, "entry", None)
        if entry is not None:
            with self._lock:
                entry.booked.append({"what": what, **_masked_mapping(facts)})

    def entries(self) -> list[dict[str, object]]:
        """Give every entry, oldest first, as JSON-ready values."""
        with self._lock:
            return [entry.as_json() for entry in self._entries]

    def clear(self) -> None:
        """Forget the entries; the numbers go on."""
        with self._lock:
            self._entries.clear()


def _readable(request: Request) -> object:
    if not request.body:
        return None
    try:
        if "x-www-form-urlencoded" in request.headers.get("content-type", ""):
            return _masked(request.form())
        return _masked(request.json())
    except UnreadableBodyError:
        return {"unreadable_bytes": len(request.body)}


def _masked(value: object) -> object:
    if isinstance(value, Mapping):
        return _masked_mapping(value)
    if isinstance(value, (list, tuple)):
        return [_masked(item) for item in value]
    return value


def _masked_mapping(value: Mapping[str, object]) -> dict[str, object]:
    return {name: MASK if _SECRET.fullmatch(name) else _masked(item) for name, item in value.items()}
