"""API Gateway's REST event as a request, and an answer as what it takes back. The panel's functions share this."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Multi = Mapping[str, tuple[str, ...]]
"""Every value of each name, in the order that they came in."""

MOST_FIELDS = 100


class BadRequestError(ValueError):
    """A request that cannot be read; the text may be shown to whoever sent it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Nothing of it shows in a representation: it holds tokens, passwords and cookies."""

    method: str
    path: str
    """Below the stage: `/oauth/token`."""
    query: Multi = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Names in lower case; of a repeated header, its values joined by commas."""
    body: bytes = field(default=b"", repr=False)
    address: str = ""
    """Where it came from, as the gateway saw it."""

    def form(self, largest: int) -> Multi:
        """Read the body as a form. Raises `BadRequestError` when it is none, is longer, or has too many fields."""
        if len(self.body) > largest:
            raise BadRequestError("the form is too long")
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self.body and kind != "application/x-www-form-urlencoded":
            raise BadRequestError("the body must be a form (application/x-www-form-urlencoded)")
        try:
            pairs = parse_qsl(
                self.body.decode("ascii"),
                keep_blank_values=True,
                encoding="utf-8",
                errors="strict",
                max_num_fields=MOST_FIELDS,
            )
        except (UnicodeDecodeError, ValueError):
            raise BadRequestError("the form cannot be read") from None
        values: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            values[name] = (*values.get(name, ()), value)
        return values

    def cookie(self, name: str) -> str:
        """Give a cookie's value, empty when there is none; of several, the first, which is the closest one."""
        for part in self.headers.get("cookie", "").replace(",", ";").split(";"):
            found, _, value = part.strip().partition("=")
            if found == name:
                return value
        return ""

    @property
    def bearer(self) -> str:
        """The access token of the Authorization header, empty when there is none."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)
    """Whole Set-Cookie values."""

    def with_headers(self, more: Mapping[str, str]) -> "Answer":
        """Give the same answer with more headers."""
        return Answer(self.status, self.body, {**self.headers, **more}, self.cookies)

    def event(self) -> dict[str, Any]:
        """Give the function's result."""
        headers = {name: [value] for name, value in self.headers.items()}
        if self.cookies:
            headers["Set-Cookie"] = list(self.cookies)
        return {
            "statusCode": self.status,
            "multiValueHeaders": headers,
            "body": self.body,
            "isBase64Encoded": False,
        }


def origin_of(event: Mapping[str, Any]) -> str:
    """Give the origin of the page that asks, for an answer to a request that cannot be read."""
    headers = event.get("multiValueHeaders") or {}
    return next((str(values[-1]) for name, values in headers.items() if name.lower() == "origin" and values), "")


def read_request(event: Mapping[str, Any]) -> Request:
    """Read the gateway's event. Raises `BadRequestError` when its body is not what its mark says."""
    headers = event.get("multiValueHeaders") or {}
    query = event.get("multiValueQueryStringParameters") or {}
    text = event.get("body") or ""
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except (binascii.Error, ValueError):
        raise BadRequestError("the body cannot be read") from None
    return Request(
        method=str(event["httpMethod"]).upper(),
        path=str(event["path"]),
        query={str(name): tuple(map(str, values)) for name, values in query.items()},
        headers={str(name).lower(): ", ".join(map(str, values)) for name, values in headers.items()},
        body=body,
        address=str(event.get("requestContext", {}).get("identity", {}).get("sourceIp", "")),
    )
