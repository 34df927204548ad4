"""Which lines of the reader a set of bodies reaches: counted by the interpreter, for the summary of `make fuzz`."""

import importlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOMS = ("orderbridge.alerts",)
PASSED_OVER = ("authentication.py", "identity.py", "delivery.py", "receipt.py")
"""Rooms of the receiver beside the reader."""


def lines_reached(bodies: Iterable[bytes], read: Callable[[bytes], object]) -> tuple[int, int]:
    """Give how many lines inside the reader's functions were run, and how many there are."""
    folder = Path(str(importlib.import_module(ROOMS[0]).__path__[0]))
    files = {str(path): path for path in sorted(folder.glob("*.py")) if path.name not in PASSED_OVER}
    seen: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in files:
            return None
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        for body in bodies:
            read(body)
    finally:
        sys.settrace(None)
    there = {
        (name, line)
        for name, path in files.items()
        for code in _functions(compile(path.read_text(encoding="utf-8"), name, "exec"))
        for _, _, line in code.co_lines()
        if line is not None and line != code.co_firstlineno
    }
    return len(seen & there), len(there)


def _functions(code: CodeType) -> Iterable[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_flags & 0x2:  # CO_NEWLOCALS: a function, not a class body
                yield inner
            yield from _functions(inner)
