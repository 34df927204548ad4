"""Browsers of the broker panel as TradingView's site runs them: each polls at fixed intervals."""

import heapq
import http.client
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

POLLS_S = {"quotes": 1.0, "orders": 1.0, "positions": 1.5, "state": 1.5}
"""The largest intervals that TradingView allows, which are the bridge's: 3.3 requests a second and browser."""
PREFLIGHT = "preflight"
PREFLIGHT_S = 0.25
ORIGIN = "https://www.tradingview.com"
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answered:
    """One request: what it asked for, how long its browser waited, and what was wrong, if anything."""

    what: str
    waited_ms: float
    wrong: str = ""


class Connection:
    """One kept-alive connection to the panel's API."""

    def __init__(self, base: str, token: str = "") -> None:
        parts = urlsplit(base)
        self._prefix = parts.path
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        self._headers = {"Origin": ORIGIN} | ({"Authorization": f"Bearer {token}"} if token else {})

    def ask(
        self, method: str, path: str, query: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send one request and give status and body. Raises `OSError` and `http.client.HTTPException`."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        target = f"{self._prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            self._http.request(method, target, urlencode(form) if form is not None else None, self._headers | kind)
            answer = self._http.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self._http.close()  # the next request opens another one
            raise


@dataclass
class Crowd:
    """Browsers of one user at one account, with one more that only sends preflights: a handler that only answers."""

    base: str
    token: str
    account: str
    symbol: str
    answered: list[Answered] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self, browsers: int) -> None:
        """Let the browsers poll until `stop`."""
        for number in range(browsers):
            self._begin({what: number / browsers * every_s for what, every_s in POLLS_S.items()}, POLLS_S)
        self._begin({PREFLIGHT: 0.0}, {PREFLIGHT: PREFLIGHT_S})

    def stop(self) -> None:
        """End the polling and wait for the last answers."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _begin(self, offsets: Mapping[str, float], every_s: Mapping[str, float]) -> None:
        """Start one browser."""
        thread = threading.Thread(target=self._poll, args=(offsets, every_s), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _poll(self, offsets: Mapping[str, float], every_s: Mapping[str, float]) -> None:
        """Poll over one connection; what is late is asked for once, not as often as was missed."""
        connection = Connection(self.base, self.token)
        turns = [(time.monotonic() + offset_s, what) for what, offset_s in offsets.items()]
        heapq.heapify(turns)
        while not self._over.wait(max(0.0, turns[0][0] - time.monotonic())):
            due, what = turns[0]
            began = time.monotonic()
            wrong = self._ask(connection, what)
            self.answered.append(Answered(what, (time.monotonic() - began) * 1000, wrong))
            heapq.heapreplace(turns, (max(due + every_s[what], began), what))

    def _ask(self, connection: Connection, what: str) -> str:
        """Send one poll; give what is wrong with its answer, empty when nothing is."""
        query = {"locale": "en"}
        try:
            if what == PREFLIGHT:
                status, _ = connection.ask("OPTIONS", "/config")
                return "" if status == 204 else f"HTTP {status}"
            if what == "quotes":
                query |= {"accountId": self.account, "symbols": self.symbol}
            path = "/quotes" if what == "quotes" else f"/accounts/{self.account}/{what}"
            status, body = connection.ask("GET", path, query)
        except (OSError, http.client.HTTPException) as error:
            return type(error).__name__
        if status != 200:
            return f"HTTP {status}"
        content: dict[str, Any] = json.loads(body)
        return "" if content["s"] == "ok" else str(content["errmsg"])


def log_in(base: str, login: str, password: str) -> str:
    """Log in by the password flow and give the token. Raises `RuntimeError`."""
    form = {"login": login, "password": password, "locale": "en"}
    status, body = Connection(base).ask("POST", "/authorize", form=form)
    content: dict[str, Any] = json.loads(body)
    if status != 200 or content["s"] != "ok":
        raise RuntimeError(f"the panel does not let {login} in: {content}")
    return str(content["d"]["access_token"])


def errors_of(answered: Sequence[Answered]) -> list[str]:
    """Give what was wrong, each kind once, with how often."""
    kinds = sorted({one.wrong for one in answered if one.wrong})
    return [f"{sum(one.wrong == kind for one in answered)} x {kind}" for kind in kinds]
