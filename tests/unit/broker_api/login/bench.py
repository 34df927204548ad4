"""A panel on moto, a clock, and browsers that keep cookies; every request goes through the gateway's event form."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from orderbridge.broker_api.gateway import Answer, read_request
from orderbridge.broker_api.login.model import OAuthClient, User
from orderbridge.broker_api.login.passwords import hash_password
from orderbridge.broker_api.login.routes import LoginRoutes
from orderbridge.broker_api.login.tokens import digest
from orderbridge.model import PositionMode
from orderbridge.panel import Panel, PanelEnvironment
from orderbridge.secret import Secret
from orderbridge.storage.settings import PutAccount, SettingsStore
from orderbridge.strategy.settings import AccountSettings
from tests.inprocess.gateway import event_of
from tests.machine import HandMade
from tests.unit.storage.aws import PREFIX, TABLE, Aws, fake_aws

NOW_MS = 1_790_000_000_000
PASSWORD = "correct horse battery"
CLIENT, SECRET = "tv-production", "client-secret-of-tradingview"
REDIRECT = "https://www.tradingview.com/trading/oauth-redirect/orderbridge/"
LOGOUT = "https://www.tradingview.com/trading/logout-redirect/"
STATE = "a state/with=odd&signs+é"


@cache
def password_hash() -> str:
    """Hash the one password once: it takes a tenth of a second on purpose."""
    return hash_password(Secret(PASSWORD))


class Random:
    """Bytes that differ at each call and are the same in each run."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, count: int) -> bytes:
        self.calls += 1
        return hashlib.shake_256(str(self.calls).encode()).digest(count)


@dataclass
class Bench:
    """A panel and what a test needs around it."""

    panel: Panel
    aws: Aws
    clock: list[int]
    routes: LoginRoutes

    # ---- the world

    def pass_ms(self, ms: int) -> None:
        self.clock[0] += ms

    @property
    def now_ms(self) -> int:
        return self.clock[0]

    def add_user(self, login: str, *accounts: str, **fields: Any) -> User:
        user = User(
            **{
                "login": login,
                "generation": f"generation-of-{login}",
                "accounts": accounts,
                "password_hash": password_hash(),
                **fields,
            }
        )
        self.panel.users.put(user, None)
        return user

    def add_account(self, name: str, **fields: Any) -> AccountSettings:
        account = settings_of(name, **fields)
        SettingsStore(self.aws.dynamodb, TABLE).change([PutAccount(account, None)])
        return account

    def items(self) -> list[dict[str, Any]]:
        """Give everything that is in the table."""
        return list(self.aws.dynamodb.scan(TableName=TABLE)["Items"])

    def send(self, method: str, path: str, **parts: Any) -> Answer:
        """Send one request through the gateway's event."""
        return self.routes.answer(read_request(event(method, path, **parts)))

    def token(self, form: Mapping[str, Any], **parts: Any) -> tuple[int, dict[str, Any]]:
        """Ask the token endpoint."""
        answer = self.send("POST", parts.pop("path", "/oauth/token"), form=form, **parts)
        return answer.status, json.loads(answer.body)

    # ---- the code flow, as TradingView goes through it

    def code(self, browser: "BrowserTab | None" = None, login: str = "ann") -> str:
        tab = browser or BrowserTab(self)
        tab.open(authorization())
        return told(tab.submit(login=login, password=PASSWORD))["code"]

    def redeem(self, code: str, /, **changes: Any) -> tuple[int, dict[str, Any]]:
        form: dict[str, Any] = {
            "grant_type": "authorization_code",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "code": code,
            "redirect_uri": REDIRECT,
        }
        return self.token(form | changes)

    def tokens(self, login: str = "ann") -> dict[str, Any]:
        status, tokens = self.redeem(self.code(login=login))
        assert status == 200, tokens
        return tokens

    def refresh(self, token: str, **changes: str) -> tuple[int, dict[str, Any]]:
        return self.token({"grant_type": "refresh_token", "refresh_token": token, "client_secret": SECRET} | changes)

    def who(self, token: str) -> str:
        """Give the login of a token's user."""
        return self.panel.authenticator.authenticate(token).login


@dataclass
class BrowserTab:
    """A browser: keeps cookies, finds forms and sends them."""

    bench: Bench
    cookies: dict[str, str] = field(default_factory=dict)
    query: str = ""
    answer: Answer = field(default_factory=lambda: Answer(0))
    address: str = "203.0.113.5"
    headers: dict[str, str] = field(default_factory=lambda: {"sec-fetch-site": "same-origin"})

    def open(self, query: str, path: str = "/oauth/authorize") -> Answer:
        """Open a page by its address."""
        self.query = query
        return self._send("GET", path, query=query)

    def submit(self, action: str = "sign_in", **fields: str) -> Answer:
        """Send the page's form."""
        found = re.search(r'name="form_key" value="([^"]*)"', self.answer.body)
        form = {"form_key": found[1] if found else "", "action": action, **fields}
        return self._send("POST", "/oauth/authorize", query=self.query, form=form)

    def _send(self, method: str, path: str, **parts: Any) -> Answer:
        headers = dict(self.headers)
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.answer = self.bench.send(method, path, headers=headers, address=self.address, **parts)
        for line in self.answer.cookies:
            name, _, value = line.partition(";")[0].partition("=")
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return self.answer

    @property
    def title(self) -> str:
        found = re.search(r"<title>(.*?)</title>", self.answer.body)
        return unescape(found[1]) if found else ""

    @property
    def error(self) -> str:
        found = re.search(r'role="alert"[^>]*><p>(.*?)(<a|</p>)', self.answer.body)
        return unescape(found[1]).strip() if found else ""


def settings_of(name: str, **fields: Any) -> AccountSettings:
    return AccountSettings(
        **{
            "name": name,
            "broker": "tradestation",
            "environment": "sim",
            "connection": "ts",
            "broker_account_id": f"SIM-{name}",
            "position_mode": PositionMode.NETTING,
            "base_url": "https://sim-api.tradestation.com/v3",
            **fields,
        }
    )


def authorization(**changes: str | None) -> str:
    """Give the query of TradingView's authorization request."""
    asked: dict[str, str | None] = {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": REDIRECT,
        "scope": "general",
        "state": STATE,
    }
    return urlencode({name: value for name, value in (asked | changes).items() if value is not None})


def told(answer: Answer) -> dict[str, str]:
    """Give what a redirect tells, in its query or its fragment."""
    assert answer.status == 302, (answer.status, answer.body[:500])
    parts = urlsplit(answer.headers["Location"])
    return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment, strict_parsing=True).items()}


def event(
    method: str,
    path: str,
    *,
    query: str = "",
    form: Mapping[str, Any] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    address: str = "203.0.113.5",
) -> dict[str, Any]:
    """Make the gateway's event."""
    sent = dict(headers or {})
    raw = body
    if form is not None:
        raw = urlencode(form, doseq=True).encode()
        sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return event_of(method, path, query, sent, raw, address=address, resource="/oauth/{proxy+}")


def oauth_client(**fields: Any) -> OAuthClient:
    return OAuthClient(
        **{
            "client_id": CLIENT,
            "secret_hashes": (digest(SECRET),),
            "redirect_uris": (REDIRECT,),
            "logout_uris": (LOGOUT,),
            "flows": ("code", "token"),
            **fields,
        }
    )


@contextmanager
def panel_bench(transport: httpx.BaseTransport | None = None, **environment: Any) -> Iterator[Bench]:
    """Give a panel with one client and the users ann (accounts sim-a, sim-shared) and bob (sim-b, sim-shared)."""
    clock = [NOW_MS]
    with fake_aws() as aws:
        clients = {"dynamodb": aws.dynamodb, "secretsmanager": aws.secretsmanager}
        panel = Panel(
            PanelEnvironment(
                **{"table": TABLE, "secret_prefix": PREFIX, "broker_hosts": (), "origins": (), **environment}
            ),
            transport=transport,
            machine=HandMade(now_ms=lambda: clock[0], random_bytes=Random()),
            client_of=clients.__getitem__,
        )
        bench = Bench(panel, aws, clock, panel.login_routes())
        panel.clients.put(oauth_client())
        for name in ("sim-a", "sim-b", "sim-shared"):
            bench.add_account(name)
        bench.add_user("ann", "sim-a", "sim-shared")
        bench.add_user("bob", "sim-b", "sim-shared")
        yield bench
