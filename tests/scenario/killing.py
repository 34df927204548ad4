"""Kill the worker at a chosen moment: before or after any call to the store or any write to the broker."""

from dataclasses import dataclass, field
from typing import Any

STORE_CALLS = ("take", "start_job", "save_state", "save_plan", "begin", "finish", "park_job", "end_job", "extend")


class KilledError(BaseException):
    """The process has died; nothing after this line has run. Not an Exception: no handler may survive it."""


@dataclass
class Killer:
    """Counts the moments of a run, and dies at one of them.

    Moments come in pairs: 2n is before the n-th call, 2n + 1 after it and before its result is used.
    """

    at: int | None = None
    name: str = ""
    """Die at the first moment of this name instead."""
    seen: list[str] = field(default_factory=list)

    def around(self, name: str, call: Any) -> Any:
        self._moment(f"before {name}")
        result = call()
        self._moment(f"after {name}")
        return result

    def _moment(self, name: str) -> None:
        self.seen.append(name)
        if self.at == len(self.seen) - 1 or self.name == name:
            self.at, self.name = None, ""
            raise KilledError(name)


class Mortal:
    """Stands before an object and dies at the killer's moment around the named methods."""

    def __init__(self, inner: Any, killer: Killer, names: tuple[str, ...]) -> None:
        self._inner = inner
        self._killer = killer
        self._names = names

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name not in self._names:
            return value
        return lambda *args, **kwargs: self._killer.around(name, lambda: value(*args, **kwargs))
