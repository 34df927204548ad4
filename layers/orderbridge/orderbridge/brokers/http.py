"""Requests of one broker login: with its current token, inside the shared budget, repeated only where that is safe.

    read(...)      -> the parsed body, or a leaf of BrokerReadError; repeated within deadline and budget
    write(...)     -> Reply | NotTaken | Unknown        (sent once; repeated only after a 401, which proves refusal)

`exchange` below them sends one request without a token. Nothing here logs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import httpx

from orderbridge.brokers.budget import Budget
from orderbridge.brokers.deadline import MonotonicDeadline
from orderbridge.brokers.exchange import (
    DEFAULT_LIMITS,
    LIMIT_HEADERS,
    REMAINING_HEADERS,
    RESET_HEADERS,
    Exchange,
    Lost,
    NotConnected,
    Reply,
    TimeLimits,
    check_base_url,
    encode,
    exchange,
    failure,
    first_number,
    message_of,
    open_client,
)
from orderbridge.brokers.login import TokenSource
from orderbridge.brokers.port import Deadline, NotTaken, Unknown
from orderbridge.errors import (
    BrokerReadError,
    BrokerUnavailableError,
    LoginLostError,
    RateLimitedError,
    ReadRefusedError,
)
from orderbridge.machine import MACHINE, Machine
from orderbridge.secret import Secret

__all__ = [
    "EDGE_PAUSE_MS",
    "RATE_PAUSE_MS",
    "BrokerHttp",
    "Exchange",
    "Kept",
    "Lost",
    "MonotonicDeadline",
    "NotConnected",
    "Quota",
    "Reply",
    "TimeLimits",
    "WriteResult",
    "check_base_url",
    "encode",
    "exchange",
    "failure",
    "message_of",
    "open_client",
    "wait_ms",
]

EDGE_PAUSE_MS = 15_000
"""How long an edge block (Cloudflare's page 1015) is left alone; users report 3 to 60 s."""
RATE_PAUSE_MS = 1_000
"""How long to wait after a 429 that names no time."""
READ_PAUSES_S = (0.15, 0.6)
RENEWALS = 2
"""How often the token is renewed within one request: the first time another process may have stored the pair long
before, and it is dead as well; the second one is fresh."""
UNCOUNTED = 100_000
"""As many as nobody sends: of what is kept only the broker's word counts."""
MIN_WRITE_S = 0.5
"""With less time than this a write would only end as unknown, so it is not sent."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A part of a quota that some requests must leave to others, counted under a name of its own in the budget."""

    name: str
    part: Fraction


@dataclass(frozen=True, slots=True)
class Quota:
    """What a broker publishes about one resource: `limit` requests in `period_ms`."""

    resource: str
    limit: int
    period_ms: int
    kept: tuple[Kept, ...] = ()
    """What is kept of it: known as soon as a reply's headers tell the broker's own limit and what is left of it."""


WriteResult = Reply | NotTaken | Unknown


class BrokerHttp:
    """Requests of one broker login: each with its current token and inside the shared budget."""

    def __init__(
        self,
        client: httpx.Client,
        base_url: str,
        allowed_hosts: Collection[str],
        tokens: TokenSource,
        budget: Budget,
        limits: TimeLimits = DEFAULT_LIMITS,
        machine: Machine = MACHINE,
    ) -> None:
        """Raises `SettingsError` when the base URL's host is not allowed."""
        self._client = client
        self._base_url = check_base_url(base_url, allowed_hosts)
        self._tokens = tokens
        self._budget = budget
        self._limits = limits
        self._machine = machine

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
        renewals = RENEWALS
        pauses = list(READ_PAUSES_S)
        failed = ""
        while True:
            try:
                result = self._send(method, path, quota, deadline, token, params, headers, body)
            except RateLimitedError:
                if failed:  # no request is left to try again with: what went wrong is what counts
                    raise BrokerUnavailableError(failed) from None
                raise
            if isinstance(result, Reply):
                if result.ok and result.body is not None:
                    return result.body
                if result.status == 401:
                    if not renewals:
                        raise LoginLostError("the broker refuses the login, also with a fresh token")
                    token, renewals = self._tokens.renew(token, deadline), renewals - 1
                    continue
                if 400 <= result.status < 500:
                    raise _refused_read(result)
            failed = failure(result)
            if not pauses or deadline.remaining() <= pauses[0] + MIN_WRITE_S:
                raise BrokerUnavailableError(failed)
            self._machine.sleep(pauses.pop(0))

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
        leaves: Kept | None = None,
    ) -> WriteResult:
        """Send a write once, and again only after a 401, with a renewed token.

        One that `leaves` a part of the quota is not taken while the broker says that no more than that is left. Gives a
        `Reply` only for a readable (or empty) 2xx and for a 4xx, which the adapter judges. What never reached the
        broker's order handling is `NotTaken`, all else after sending `Unknown`. Never raises for the wire.
        """
        if deadline.remaining() < MIN_WRITE_S:
            return NotTaken("not_connected")
        try:
            token = self._tokens.access_token(deadline)
            if leaves is not None:
                self._leave(leaves, quota)
            result = self._send(method, path, quota, deadline, token, params, headers, body)
            for _ in range(RENEWALS):
                if not (isinstance(result, Reply) and result.status == 401):
                    break
                token = self._tokens.renew(token, deadline)
                result = self._send(method, path, quota, deadline, token, params, headers, body)
        except RateLimitedError as error:
            return NotTaken("edge_limited", error.retry_after_ms)
        except BrokerUnavailableError:
            return NotTaken("not_connected")
        except BrokerReadError:
            return NotTaken("unauthorized")
        return _write_result(result)

    def _leave(self, kept: Kept, quota: Quota) -> None:
        """Raise `RateLimitedError` while no more is left than what is kept; at once, since an entry grows too old."""
        at_once = MonotonicDeadline(0, self._machine.monotonic)
        self._budget.spend(kept.name, UNCOUNTED, quota.period_ms, at_once)

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
            now_ms=self._machine.now_ms,
        )
        if isinstance(result, Reply):
            self._observe(quota, result)
        return result

    def _observe(self, quota: Quota, reply: Reply) -> None:
        remaining = first_number(reply.headers, REMAINING_HEADERS)
        reset = first_number(reply.headers, RESET_HEADERS)
        if reply.status == 429:
            self._budget.observe(quota.resource, 0, wait_ms(reply))
        elif remaining is not None and reset is not None:
            self._budget.observe(quota.resource, max(0, int(remaining)), int(reset * 1000))
            limit = first_number(reply.headers, LIMIT_HEADERS)
            for kept in quota.kept:
                if limit is not None and int(remaining) <= int(limit) * kept.part:
                    self._budget.observe(kept.name, 0, int(reset * 1000))


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
            return Unknown(failure(result))


def _refused_read(reply: Reply) -> BrokerReadError:
    if reply.status == 429:
        return RateLimitedError("the broker's request quota is used up", wait_ms(reply))
    return ReadRefusedError(reply.status, message_of(reply))
