"""One HTTP request to a broker, sent once, and what is known afterwards.

    exchange(...)  -> Reply | NotConnected | Lost       (one request, no token)
    read(...)      -> the parsed body, or a leaf of BrokerReadError; repeated within deadline and budget
    write(...)     -> Reply | NotTaken | Unknown        (sent once; repeated only after a 401, which proves refusal)

Nothing here logs, and no exception raised here holds a header, a token, a body or the text of an `httpx` error.
"""

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from orderbridge.brokers.budget import Budget
from orderbridge.brokers.login import TokenSource
from orderbridge.brokers.port import Deadline, NotTaken, Unknown
from orderbridge.errors import (
    BrokerReadError,
    BrokerUnavailableError,
    LoginLostError,
    RateLimitedError,
    ReadRefusedError,
    SettingsError,
)
from orderbridge.secret import Secret

EDGE_PAUSE_MS = 15_000
"""How long an edge block (Cloudflare's page 1015) is left alone; users report 3 to 60 s."""
RATE_PAUSE_MS = 1_000
"""How long to wait after a 429 that names no time."""
READ_PAUSES_S = (0.15, 0.6)
MIN_WRITE_S = 0.5
"""With less time than this a write would only end as unknown, so it is not sent."""
MAX_BODY_BYTES = 32 * 1024 * 1024


class MonotonicDeadline:
    """A moment `seconds` from now on the monotonic clock."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds

    def remaining(self) -> float:
        """Give the seconds left; never negative."""
        return max(0.0, self._ends_at - self._clock())


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


@dataclass(frozen=True, slots=True)
class Quota:
    """What a broker publishes about one resource: `limit` requests in `period_ms`."""

    resource: str
    limit: int
    period_ms: int


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
        seconds = _retry_after_s(self.headers.get("retry-after", ""))
        if seconds is None:
            seconds = _first_number(self.headers, RESET_HEADERS)
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
WriteResult = Reply | NotTaken | Unknown


def open_client(transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """Make the client for a broker: no redirects, no proxies or passwords from the environment, TLS verified."""
    for name in ("httpx", "httpcore"):  # httpx tells each URL at INFO, httpcore reply headers at DEBUG
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.Client(transport=transport, follow_redirects=False, trust_env=False, verify=True)


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
    limits: TimeLimits = TimeLimits(),
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
            return _read_reply(response, deadline)
        finally:
            response.close()
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        return NotConnected(_words(error))
    except (httpx.HTTPError, OSError) as error:
        return Lost(_words(error))


class BrokerHttp:
    """Requests of one broker login: each with its current token and inside the shared budget."""

    def __init__(
        self,
        client: httpx.Client,
        base_url: str,
        allowed_hosts: Collection[str],
        tokens: TokenSource,
        budget: Budget,
        limits: TimeLimits = TimeLimits(),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Raises `SettingsError` when the base URL's host is not allowed."""
        self._client = client
        self._base_url = check_base_url(base_url, allowed_hosts)
        self._tokens = tokens
        self._budget = budget
        self._limits = limits
        self._sleep = sleep

    def read(
        self,
        path: str,
        quota: Quota,
        deadline: Deadline,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: object = None,
    ) -> Any:
        """Read `path` (below the base URL, already quoted) and give the parsed body.

        `method` POST is for questions that change nothing, such as an order's preview. Time-outs, resets, 5xx and
        unreadable replies are tried again, three times in all, while the deadline allows. Raises
        `BrokerUnavailableError`, `RateLimitedError`, `LoginLostError`, `ReadRefusedError` (other 4xx).
        """
        token = self._tokens.access_token(deadline)
        renewed = False
        pauses = list(READ_PAUSES_S)
        while True:
            result = self._send(method, path, quota, deadline, token, params, headers, body)
            if isinstance(result, Reply):
                if result.ok and result.body is not None:
                    return result.body
                if result.status == 401:
                    if renewed:
                        raise LoginLostError("the broker refuses the login, also with a fresh token")
                    token, renewed = self._tokens.renew(token, deadline), True
                    continue
                if 400 <= result.status < 500:
                    raise _refused_read(result)
            if not pauses or deadline.remaining() <= pauses[0] + MIN_WRITE_S:
                raise BrokerUnavailableError(_failure(result))
            self._sleep(pauses.pop(0))

    def write(
        self,
        method: str,
        path: str,
        quota: Quota,
        deadline: Deadline,
        *,
        body: object = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> WriteResult:
        """Send a write once; after a 401 renew the token and send it once more.

        Gives a `Reply` only for a readable (or empty) 2xx and for a 4xx, which the adapter judges. What never reached
        the broker's order handling is `NotTaken`, all else after sending `Unknown`. Never raises for the wire.
        """
        if deadline.remaining() < MIN_WRITE_S:
            return NotTaken("not_connected")
        try:
            token = self._tokens.access_token(deadline)
            result = self._send(method, path, quota, deadline, token, params, headers, body)
            if isinstance(result, Reply) and result.status == 401:
                token = self._tokens.renew(token, deadline)
                result = self._send(method, path, quota, deadline, token, params, headers, body)
        except RateLimitedError as error:
            return NotTaken("edge_limited", error.retry_after_ms)
        except BrokerUnavailableError:
            return NotTaken("not_connected")
        except BrokerReadError:
            return NotTaken("unauthorized")
        return _write_result(result)

    def _send(
        self,
        method: str,
        path: str,
        quota: Quota,
        deadline: Deadline,
        token: Secret,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: object,
    ) -> Exchange:
        self._budget.spend(quota.resource, quota.limit, quota.period_ms, deadline)
        sent_headers = {**(headers or {}), "Authorization": f"Bearer {token.reveal()}"}
        url = self._base_url + path
        result = exchange(
            self._client,
            method,
            url,
            deadline,
            headers=sent_headers,
            params=params,
            body=body,
            limits=self._limits,
        )
        if isinstance(result, Reply):
            self._observe(quota, result)
        return result

    def _observe(self, quota: Quota, reply: Reply) -> None:
        remaining = _first_number(reply.headers, REMAINING_HEADERS)
        reset = _first_number(reply.headers, RESET_HEADERS)
        if reply.status == 429:
            self._budget.observe(quota.resource, 0, wait_ms(reply))
        elif remaining is not None and reset is not None:
            self._budget.observe(quota.resource, max(0, int(remaining)), int(reset * 1000))


def wait_ms(reply: Reply) -> int:
    """Give how long to leave a broker alone after its 429."""
    if reply.edge_limited:
        return max(reply.retry_after_ms, EDGE_PAUSE_MS)
    return reply.retry_after_ms or RATE_PAUSE_MS


def _write_result(result: Exchange) -> WriteResult:
    match result:
        case NotConnected():
            return NotTaken("not_connected")
        case Lost():
            return Unknown(result.reason)
        case Reply(status=401):
            return NotTaken("unauthorized")
        case Reply() if result.edge_limited:
            return NotTaken("edge_limited", wait_ms(result))
        case Reply() if result.ok or 400 <= result.status < 500:
            return result
        case _:
            return Unknown(_failure(result))


def _refused_read(reply: Reply) -> BrokerReadError:
    if reply.status == 429:
        return RateLimitedError("the broker's request quota is used up", wait_ms(reply))
    return ReadRefusedError(reply.status, message_of(reply))


def message_of(reply: Reply) -> str:
    """Give the broker's own words in an error reply, at most 300 characters; empty when it has none."""
    words: object = reply.text
    if isinstance(reply.body, Mapping):
        words = next(
            (reply.body[key] for key in ("Message", "errmsg", "message", "error", "Error") if reply.body.get(key)), ""
        )
    return words[:300].strip() if isinstance(words, str) else ""


def _failure(result: Exchange) -> str:
    match result:
        case Reply():
            return "unreadable reply" if 200 <= result.status < 300 else f"HTTP {result.status}"
        case NotConnected() | Lost():
            return result.reason


def _read_reply(response: httpx.Response, deadline: Deadline) -> Reply | Lost:
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
        return Reply(response.status_code, headers)
    try:
        body = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Reply(response.status_code, headers, None, True, raw[:4000].decode("utf-8", "replace"))
    return Reply(response.status_code, headers, body)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


REMAINING_HEADERS = ("x-ratelimit-remaining", "ratelimit-remaining", "rate-limit-remaining", "x-rate-limit-remaining")
RESET_HEADERS = ("x-ratelimit-reset", "ratelimit-reset", "rate-limit-reset", "x-rate-limit-reset")
_LONGEST_RESET_S = 86_400


def _first_number(headers: Mapping[str, str], names: tuple[str, ...]) -> Decimal | None:
    for name in names:
        try:
            number = Decimal(headers.get(name, ""))
        except InvalidOperation:
            continue
        if number.is_finite() and 0 <= number <= _LONGEST_RESET_S:  # larger: a date, not a duration
            return number
    return None


def _retry_after_s(value: str) -> Decimal | None:
    number = _first_number({"x": value}, ("x",))
    if number is not None or not value:
        return number
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        return None
    return max(Decimal(0), Decimal(int((until - datetime.now(UTC)).total_seconds())))


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
