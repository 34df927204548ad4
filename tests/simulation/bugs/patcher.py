"""Put a wrong twin in the place of one thing of the product, and take it back.

A function is replaced wherever a module of the product holds it, since `from x import f` gives every importer its own
name for it; a method is replaced in its class.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

PRODUCT = "orderbridge"


class Patcher:
    """Remembers what it replaced."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def method(self, kind: type, name: str, twin: Callable[[Any], Any]) -> None:
        """Replace a method (or property) by what `twin` makes of it."""
        original = kind.__dict__[name]
        setattr(kind, name, twin(original))
        self._undo.append(lambda: setattr(kind, name, original))

    def function(self, module: ModuleType, name: str, twin: Callable[[Any], Any]) -> None:
        """Replace a module's function, or constant, in every module of the product that has it."""
        original = getattr(module, name)
        wrong = twin(original)
        _swap(original, wrong, name)
        self._undo.append(lambda: _swap(wrong, original, name))

    def undo(self) -> None:
        """Put everything back, the last first."""
        while self._undo:
            self._undo.pop()()


def _swap(old: object, new: object, name: str) -> None:
    for title, module in list(sys.modules.items()):
        if title.partition(".")[0] == PRODUCT and vars(module).get(name) is old:
            setattr(module, name, new)


@contextmanager
def patched(install: Callable[[Patcher], None]) -> Iterator[None]:
    """Have a bug in the product for a while."""
    patcher = Patcher()
    try:
        install(patcher)
        yield
    finally:
        patcher.undo()
