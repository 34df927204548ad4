"""Logging in to TradeLocker, refreshing the token pair, and listing the login's accounts.

    refresh token alive --POST refresh--> a new pair (the old refresh token counts as spent)
    refresh token dead  --POST token (e-mail, password, server)--> a new pair

The password is used only on proof that the refresh token is dead: a full login can end the trader's own session in
the app. A time-out or a 5xx proves nothing and is raised.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx

from orderbridge.brokers.http import Lost, NotConnected, Reply, check_base_url, exchange, message_of, wait_ms
from orderbridge.brokers.login import Login, LoginRefused, Refresh, RefreshOutcome
from orderbridge.brokers.port import Deadline
from orderbridge.brokers.tradelocker import routes
from orderbridge.brokers.tradelocker.hosts import Environment, api_url, check_environment, home_url
from orderbridge.brokers.tradelocker.jwt import expiry_ms, host_of
from orderbridge.brokers.tradelocker.parse import read_accounts
from orderbridge.brokers.tradelocker.routes import Route
from orderbridge.errors import BrokerUnavailableError, LoginLostError, RateLimitedError
from orderbridge.machine import MACHINE
from orderbridge.model import BrokerAccount
from orderbridge.secret import NO_SECRET, Secret

ASSUMED_LIFE_MS = 50 * 60_000
"""For an access token that does not tell its expiry: others refresh at 50 minutes."""
NowMs = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where tokens are exchanged: the client, and the hosts that it may talk to."""

    client: httpx.Client
    allowed_hosts: Collection[str]
    now_ms: NowMs = MACHINE.now_ms


def log_in(
    at: Exchange,
    *,
    environment: Environment,
    base_url: str,
    email: str,
    password: Secret,
    server: str,
    deadline: Deadline,
    developer_api_key: Secret = NO_SECRET,
) -> RefreshOutcome:
    """Log in with e-mail, password and the broker's server name.

    Raises `SettingsError` (host not allowed, or of the other environment), `BrokerUnavailableError`,
    `RateLimitedError`.
    """
    url = check_base_url(api_url(base_url), at.allowed_hosts)
    check_environment(environment, url)
    blank = Login(
        broker="tradelocker",
        environment=environment,
        base_url=url,
        auth_url=url,
        refresh_token=NO_SECRET,
        access_token=NO_SECRET,
        access_expires_at_ms=0,
        obtained_at_ms=0,
        email=email,
        password=password,
        server=server,
        developer_api_key=developer_api_key,
    )
    return _password_login(at, blank, deadline)


def refresh(at: Exchange, login: Login, deadline: Deadline) -> RefreshOutcome:
    """Exchange the refresh token; log in again only if it is dead and the password is stored.

    Raises `SettingsError`, `BrokerUnavailableError`, `RateLimitedError`.
    """
    check_base_url(login.base_url, at.allowed_hosts)
    check_environment(login.environment, login.base_url)
    refused: LoginRefused | None = None
    if login.refresh_token and not _lapsed(login, at.now_ms()):
        reply = _post(at, login, routes.REFRESH, {"refreshToken": login.refresh_token.reveal()}, deadline)
        if not isinstance(reply, LoginRefused):
            return _renewed(at, login, reply)
        refused = reply
    if not (login.email and login.password and login.server):
        return refused or LoginRefused("the refresh token has lapsed, and no password is stored")
    return _password_login(at, login, deadline)


def refresher(at: Exchange) -> Refresh:
    """Give `refresh` as the token keeper calls it."""
    return lambda login, deadline: refresh(at, login, deadline)


def all_accounts(at: Exchange, login: Login, deadline: Deadline) -> tuple[BrokerAccount, ...]:
    """List the accounts of a login that has just been made. Raises `LoginLostError`, `BrokerUnavailableError`."""
    url = check_base_url(login.base_url, at.allowed_hosts) + routes.ALL_ACCOUNTS.path
    headers = {**_key_header(login), "Authorization": f"Bearer {login.access_token.reveal()}"}
    result = exchange(at.client, "GET", url, deadline, headers=headers, now_ms=at.now_ms)
    match result:
        case Reply(status=401 | 403):
            raise LoginLostError("TradeLocker refuses the login's token")
        case Reply(body=Mapping() as body) if result.ok:
            return read_accounts(body.get("accounts"))
        case _:
            raise _unavailable(result)


def _password_login(at: Exchange, login: Login, deadline: Deadline) -> RefreshOutcome:
    body = {"email": login.email, "password": login.password.reveal(), "server": login.server}
    reply = _post(at, login, routes.LOGIN, body, deadline)
    return reply if isinstance(reply, LoginRefused) else _renewed(at, login, reply)


def _post(
    at: Exchange, login: Login, route: Route, body: Mapping[str, str], deadline: Deadline
) -> Mapping[str, object] | LoginRefused:
    """Send one request of the token routes. A 403 with a page of the edge proves nothing about the login."""
    url, headers = login.auth_url + route.path, _key_header(login)
    result = exchange(at.client, "POST", url, deadline, headers=headers, body=body, now_ms=at.now_ms)
    match result:
        case Reply(status=429):
            raise RateLimitedError("TradeLocker limits logins for now", wait_ms(result))
        case Reply(status=400 | 401 | 403) if result.status == 401 or not result.unreadable:
            words = "" if result.unreadable else message_of(result)
            return LoginRefused(words or f"TradeLocker answered HTTP {result.status}")
        case Reply(body={"s": "error"}):
            return LoginRefused(message_of(result) or "TradeLocker gave no reason")
        case Reply(body=Mapping() as answer) if result.ok:
            return answer
        case _:
            raise _unavailable(result)


def _renewed(at: Exchange, login: Login, answer: Mapping[str, object]) -> Login:
    access, fresh = answer.get("accessToken"), answer.get("refreshToken")
    if not (isinstance(access, str) and access and isinstance(fresh, str) and fresh):
        raise BrokerUnavailableError("TradeLocker's reply has no token pair")
    now_ms, token = at.now_ms(), Secret(access)
    return replace(
        login,
        access_token=token,
        refresh_token=Secret(fresh),
        access_expires_at_ms=expiry_ms(token) or _date_ms(answer.get("expireDate")) or now_ms + ASSUMED_LIFE_MS,
        refresh_expires_at_ms=expiry_ms(Secret(fresh)),
        obtained_at_ms=now_ms,
        base_url=home_url(login.base_url, host_of(token), login.environment, at.allowed_hosts),
    )


def _lapsed(login: Login, now_ms: int) -> bool:
    return login.refresh_expires_at_ms is not None and login.refresh_expires_at_ms <= now_ms


def _date_ms(text: object) -> int | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _key_header(login: Login) -> Mapping[str, str]:
    return {"developer-api-key": login.developer_api_key.reveal()} if login.developer_api_key else {}


def _unavailable(result: Reply | NotConnected | Lost) -> BrokerUnavailableError:
    match result:
        case Reply():
            return BrokerUnavailableError(f"TradeLocker's token service answered HTTP {result.status}")
        case NotConnected() | Lost():
            return BrokerUnavailableError(f"TradeLocker's token service: {result.reason}")
