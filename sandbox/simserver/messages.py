"""An HTTP request and an HTTP response as plain values, without sockets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit


class UnreadableBodyError(ValueError):
    """The body is not what the caller asked for (JSON, a form)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` is percent-decoded and has no query; header names are lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Self:
        """Make a request from a request target such as `/v3/x%20y?since=2026-01-02`."""
        parts = urlsplit(target)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        return cls(method.upper(), unquote(parts.path), query, lower, body)

    def json(self) -> Any:
        """Parse the body as JSON, numbers with a point as Decimal. Raises `UnreadableBodyError`."""
        try:
            return json.loads(self.body.decode(), parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise UnreadableBodyError("the body is not JSON") from error

    def form(self) -> dict[str, str]:
        """Parse the body as a form (application/x-www-form-urlencoded). Raises `UnreadableBodyError`."""
        try:
            return dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        except ValueError as error:
            raise UnreadableBodyError("the body is not a form") from error

    def param(self, name: str) -> str | None:
        """Give the first query parameter of this name, whatever its case; None when it is absent."""
        return next((value for key, value in self.query if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Response:
    """One complete HTTP response."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def json_of(cls, obj: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        """Make a JSON response; a Decimal becomes a JSON number."""
        body = json.dumps(obj, default=_plain, ensure_ascii=False).encode()
        return cls(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body)

    @classmethod
    def empty(cls, status: int = 204, headers: Mapping[str, str] | None = None) -> Self:
        """Make a response without a body."""
        return cls(status, dict(headers or {}))

    @classmethod
    def text(
        cls, text: str, status: int = 200, content_type: str = "text/plain", headers: Mapping[str, str] | None = None
    ) -> Self:
        """Make a response whose body is `text` as it is."""
        return cls(status, {"Content-Type": f"{content_type}; charset=utf-8", **(headers or {})}, text.encode())

    def json(self) -> Any:
        """Parse the body as JSON, numbers with a point as Decimal. Raises `UnreadableBodyError`."""
        try:
            return json.loads(self.body.decode(), parse_float=Decimal)
        except ValueError as error:
            raise UnreadableBodyError("the body is not JSON") from error


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")
