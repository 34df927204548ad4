"""The query of a request: the last of repeated keys counts, unknown keys are ignored."""

from collections.abc import Iterable

from sandbox.tradelocker.fields import BadField, whole_of


class Query:
    """Reads query parameters; a method raises `BadField` on one that is missing or of the wrong kind."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values = dict(pairs)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str:
        """Return a parameter that must be there."""
        if name not in self._values:
            raise BadField(f"{name} is required")
        return self._values[name]

    def whole(self, name: str) -> int:
        """Return a whole number that must be there."""
        return whole_of(self.text(name), name)

    def optional_text(self, name: str) -> str | None:
        """Return a parameter that may be missing."""
        return self._values.get(name)

    def optional_whole(self, name: str) -> int | None:
        """Return a whole number that may be missing."""
        return self.whole(name) if name in self._values else None
