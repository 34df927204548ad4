"""One HTTP request, sent once, and what is known afterwards: a reply, no connection, or nothing.

Nothing here logs, and nothing given or raised here holds a header, a token, a body or the text of an `httpx` error.
"""

import json
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx

from orderbridge.brokers.port import Deadline
from orderbridge.errors import SettingsError
from orderbridge.machine import MACHINE

MAX_BODY_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """The longest that each phase of a request may take, in seconds; the deadline shortens them."""

    connect: float = 3.0
    write: float = 4.0
    pool: float = 1.0
    read: float = 15.0

    def under(self, remaining: float) -> httpx.Timeout:
        """Share out `remaining` seconds so that the phases together do not exceed them."""
        connect = min(self.connect, remaining * 0.2)
        write = min(self.write, remaining * 0.1)
        pool = min(self.pool, remaining * 0.1)
        return httpx.Timeout(
            connect=connect, write=write, pool=pool, read=min(self.read, remaining - connect - write - pool)
        )


DEFAULT_LIMITS = TimeLimits()


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP reply. `body` is parsed JSON (numbers as int or Decimal), None when empty or unreadable."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(default=None, repr=False)
    unreadable: bool = False
    """There is a body and it is not JSON."""
    text: str = field(default="", repr=False)
    """The beginning of an unreadable body."""
    received_at_ms: int = 0

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300 and not self.unreadable

    @property
    def edge_limited(self) -> bool:
        """True for the page of the network's edge that names error 1015: the request never reached the broker."""
        return self.status == 429 and self.unreadable and "1015" in self.text

    @property
    def retry_after_ms(self) -> int:
        """How long the broker asks to wait, from whichever header it used; 0 when it does not say."""
        seconds = _retry_after_s(self.headers.get("retry-after", ""), self.received_at_ms)
        if seconds is None:
            seconds = first_number(self.headers, RESET_HEADERS)
        return 0 if seconds is None else int(seconds * 1000)


@dataclass(frozen=True, slots=True)
class NotConnected:
    """No connection came about, so no byte of the request went out."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Part or all of the request may have gone out, and no complete reply came back."""

    reason: str


Exchange = Reply | NotConnected | Lost


def open_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Make the client for brokers: no redirects, no proxies or passwords from the environment, TLS verified.

    It keeps no cookies: one process serves several logins, and none may travel in another's session.
    """
    for name in ("httpx", "httpcore"):  # httpx tells each URL at INFO, httpcore reply headers at DEBUG
        logging.getLogger(name).setLevel(logging.WARNING)
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.Client(transport=transport, follow_redirects=False, trust_env=False, verify=True, cookies=no_cookies)


def check_base_url(base_url: str, allowed_hosts: Collection[str]) -> str:
    """Give `base_url` without a trailing slash if its host is allowed. Raises `SettingsError` otherwise.

    An allowed host is `name` or `name:port`. Plain http is for loopback addresses only, where an entry without
    a port stands for every port.
    """
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    loopback = host in ("127.0.0.1", "localhost", "::1")
    default_port = 443 if parts.scheme == "https" else 80
    name = host if parts.port in (None, default_port) else f"{host}:{parts.port}"
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise SettingsError(f"broker URL of host {name!r}: https is required")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise SettingsError(f"broker URL of host {name!r}: no user, query or fragment is allowed in it")
    allowed = {entry.strip().lower() for entry in allowed_hosts}
    if name not in allowed and not (loopback and host in allowed):
        raise SettingsError(f"broker host {name!r} is not in the list of allowed broker hosts")
    return base_url.rstrip("/")


def encode(value: object) -> str:
    """Give `value` as JSON text; a Decimal becomes a number with exactly its digits."""
    match value:
        case Decimal():
            if not value.is_finite():
                raise ValueError("a number that is not finite has no JSON form")
            return format(value, "f")
        case Mapping():
            return "{" + ",".join(f"{json.dumps(str(key))}:{encode(item)}" for key, item in value.items()) + "}"
        case str() | bool() | int() | None:
            return json.dumps(value)
        case Sequence():
            return "[" + ",".join(encode(item) for item in value) + "]"
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form here")


def exchange(
    client: httpx.Client,
    method: str,
    url: str,
    deadline: Deadline,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    body: object = None,
    form: Mapping[str, str] | None = None,
    limits: TimeLimits = DEFAULT_LIMITS,
    now_ms: Callable[[], int] = MACHINE.now_ms,
) -> Exchange:
    """Send one request, once, and read the whole reply before the deadline.

    Only a connection that could not be opened is `NotConnected`: the connection is opened before the first byte
    of the request. A kept-alive connection that turns out dead is `Lost`, since the request may have been read.
    """
    remaining = deadline.remaining()
    if remaining <= 0:
        return NotConnected("no time left")
    content = None if body is None else encode(body)
    sent_headers = {"Accept": "application/json", **(headers or {})}
    if content is not None:
        sent_headers["Content-Type"] = "application/json"
    request = client.build_request(
        method, url, headers=sent_headers, params=params, content=content, data=form, timeout=limits.under(remaining)
    )
    try:
        response = client.send(request, stream=True, follow_redirects=False)
        try:
            return _read_reply(response, deadline, now_ms)
        finally:
            response.close()
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return NotConnected(_words(error))
    except (httpx.HTTPError, OSError) as error:
        return Lost(_words(error))


def message_of(reply: Reply) -> str:
    """Give the broker's own words in an error reply, at most 300 characters; empty when it has none."""
    words: object = reply.text
    if isinstance(reply.body, Mapping):
        words = next(
            (reply.body[key] for key in ("Message", "errmsg", "message", "error", "Error") if reply.body.get(key)), ""
        )
    return words[:300].strip() if isinstance(words, str) else ""


def failure(result: Exchange) -> str:
    """Say in a few words why a request brought no usable reply."""
    match result:
        case Reply():
            return "unreadable reply" if 200 <= result.status < 300 else f"HTTP {result.status}"
        case NotConnected() | Lost():
            return result.reason


def _read_reply(response: httpx.Response, deadline: Deadline, now_ms: Callable[[], int]) -> Reply | Lost:
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return Lost("reply too large")
        if deadline.remaining() <= 0:  # the read time-out counts from byte to byte, so a drip would outlive it
            return Lost("no time left while reading the reply")
    raw = b"".join(chunks)
    headers = httpx.Headers(response.headers)
    if not raw.strip():
        return Reply(response.status_code, headers, received_at_ms=now_ms())
    try:
        body = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        start = raw[:4000].decode("utf-8", "replace")
        return Reply(response.status_code, headers, None, True, start, received_at_ms=now_ms())
    return Reply(response.status_code, headers, body, received_at_ms=now_ms())


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


LIMIT_HEADERS = ("x-ratelimit-limit", "ratelimit-limit", "rate-limit-limit", "x-rate-limit-limit")
REMAINING_HEADERS = ("x-ratelimit-remaining", "ratelimit-remaining", "rate-limit-remaining", "x-rate-limit-remaining")
RESET_HEADERS = ("x-ratelimit-reset", "ratelimit-reset", "rate-limit-reset", "x-rate-limit-reset")
_LONGEST_RESET_S = 86_400


def first_number(headers: Mapping[str, str], names: tuple[str, ...]) -> Decimal | None:
    """Give the number that the first of these headers holds, up to a day in seconds."""
    for name in names:
        try:
            number = Decimal(headers.get(name, ""))
        except InvalidOperation:
            continue
        if number.is_finite() and 0 <= number <= _LONGEST_RESET_S:  # larger: a date, not a duration
            return number
    return None


def _retry_after_s(value: str, now_ms: int) -> Decimal | None:
    number = first_number({"x": value}, ("x",))
    if number is not None or not value:
        return number
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        return None
    return max(Decimal(0), Decimal((int(until.timestamp() * 1000) - now_ms) // 1000))


def _words(error: Exception) -> str:
    """Name the kind of failure only: an error's own text may hold the URL."""
    match error:
        case httpx.ConnectTimeout():
            return "connecting timed out"
        case httpx.ConnectError():
            return "no connection"
        case httpx.TimeoutException():
            return "time-out"
        case httpx.RemoteProtocolError():
            return "connection ended without a reply"
        case httpx.NetworkError() | OSError():
            return "connection lost"
        case _:
            return "unreadable reply"
