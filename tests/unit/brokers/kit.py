"""A broker connection without a network: a scripted transport, tokens and a budget that remember what was asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from orderbridge.brokers.budget import Budget, Unlimited
from orderbridge.brokers.http import BrokerHttp, MonotonicDeadline, open_client
from orderbridge.brokers.port import Deadline
from orderbridge.secret import Secret
from tests.machine import HandMade

Answer = httpx.Response | Exception
BASE_URL = "https://sim-api.tradestation.com/v3"
HOSTS = ("sim-api.tradestation.com", "signin.tradestation.com")


def reply(body: Any = None, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
    """Make a JSON reply; no body when it is None, text as it is when it is a string."""
    if body is None:
        return httpx.Response(status, headers=headers)
    content = body if isinstance(body, str) else json.dumps(body)
    return httpx.Response(status, headers=headers, content=content)


@dataclass
class Script:
    """Answers requests in turn, the last answer for ever; keeps the requests."""

    answers: list[Answer]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def sent(self) -> list[Any]:
        """The JSON bodies of the requests."""
        return [json.loads(request.content) if request.content else None for request in self.requests]

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


class Tokens:
    """Hands out token-1, then token-2 after a renewal, and so on; `refuse` makes the renewal fail."""

    def __init__(self, refuse: Exception | None = None) -> None:
        self.issued = 1
        self.refuse = refuse

    def access_token(self, deadline: Deadline) -> Secret:
        return Secret(f"token-{self.issued}")

    def renew(self, refused: Secret, deadline: Deadline) -> Secret:
        if self.refuse is not None:
            raise self.refuse
        self.issued += 1
        return Secret(f"token-{self.issued}")


@dataclass
class Slept:
    """Stands in for sleeping."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def connection(
    handler: Callable[[httpx.Request], httpx.Response],
    *,
    tokens: Tokens | None = None,
    budget: Budget | None = None,
    sleep: Callable[[float], None] | None = None,
) -> BrokerHttp:
    """Give a connection whose requests go to `handler`."""
    client = open_client(httpx.MockTransport(handler))
    machine = HandMade(sleep=sleep or Slept())
    return BrokerHttp(client, BASE_URL, HOSTS, tokens or Tokens(), budget or Unlimited(), machine=machine)


def soon(seconds: float = 20.0) -> MonotonicDeadline:
    return MonotonicDeadline(seconds)
