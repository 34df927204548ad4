"""Signing in to TradeStation: OAuth2's authorization code, refresh and revocation (its authentication pages).

An access token lives 20 minutes and is good at the SIM and at the live host. A refresh token neither expires nor
changes unless the API key was set to rotate it; a new one in a reply replaces the old one at once.
"""

import base64
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import httpx

from orderbridge.brokers.http import Reply, check_base_url, exchange, failure
from orderbridge.brokers.login import Login, LoginRefused, RefreshOutcome
from orderbridge.brokers.port import Deadline
from orderbridge.brokers.tradestation.hosts import AUTH_URL, BASE_URLS, Environment
from orderbridge.errors import BrokerUnavailableError
from orderbridge.machine import MACHINE
from orderbridge.secret import NO_SECRET, Secret

AUDIENCE = "https://api.tradestation.com"
"""The same for SIM and live."""
NEEDED_SCOPES = ("openid", "offline_access", "MarketData", "ReadAccount", "Trade")
SCOPE = "openid offline_access profile MarketData ReadAccount Trade"
_TEMPORARY = frozenset({"temporarily_unavailable", "server_error", "too_many_requests", "slow_down"})


@dataclass(frozen=True, slots=True)
class Pkce:
    """A code verifier and its challenge, for API keys of the PKCE kind (they have no client secret)."""

    verifier: Secret
    challenge: str


def pkce(random_bytes: bytes) -> Pkce:
    """Make a verifier from 32 or more random bytes."""
    if len(random_bytes) < 32:
        raise ValueError("a code verifier needs 32 random bytes")
    verifier = _url_safe(random_bytes[:96])
    return Pkce(Secret(verifier), _url_safe(hashlib.sha256(verifier.encode()).digest()))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the sign-in page's code was exchanged for."""

    login: Login
    id_token: Secret
    """Says who signed in (OpenID Connect); empty when the scope `openid` was not granted."""


def authorization_url(
    client_id: str,
    redirect_uri: str,
    state: str,
    *,
    challenge: str = "",
    scope: str = SCOPE,
    force_login: bool = False,
    auth_url: str = AUTH_URL,
) -> str:
    """Give the sign-in page's address. The redirect address must be on the API key's list of allowed ones."""
    params = {
        "response_type": "code",
        "client_id": client_id,
        "audience": AUDIENCE,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
    }
    if challenge:
        params |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    if force_login:
        params["prompt"] = "login"
    return f"{auth_url.rstrip('/')}/authorize?{urlencode(params)}"


def missing_scopes(login: Login) -> tuple[str, ...]:
    """Give the scopes that the login lacks for trading; the sign-in page lets a person untick some."""
    granted = login.scope.split()
    return tuple(scope for scope in NEEDED_SCOPES if scope not in granted)


class TradeStationAuth:
    """The token endpoint. Each call sends one request and never repeats it: a rotated token could be lost by that."""

    def __init__(
        self, client: httpx.Client, allowed_hosts: Collection[str], now_ms: Callable[[], int] = MACHINE.now_ms
    ) -> None:
        self._client = client
        self._allowed_hosts = allowed_hosts
        self._now_ms = now_ms

    def exchange_code(
        self,
        code: Secret,
        redirect_uri: str,
        client_id: str,
        client_secret: Secret,
        environment: Environment,
        deadline: Deadline,
        *,
        verifier: Secret = NO_SECRET,
        base_url: str = "",
        auth_url: str = AUTH_URL,
    ) -> RefreshOutcome:
        """Turn the code of the sign-in page into a login. Raises `BrokerUnavailableError`, `SettingsError`."""
        blank = Login(
            broker="tradestation",
            environment=environment,
            base_url=base_url or BASE_URLS[environment],
            auth_url=auth_url,
            refresh_token=NO_SECRET,
            access_token=NO_SECRET,
            access_expires_at_ms=0,
            obtained_at_ms=0,
            client_id=client_id,
            client_secret=client_secret,
        )
        form = {"grant_type": "authorization_code", "code": code.reveal(), "redirect_uri": redirect_uri}
        if verifier:
            form["code_verifier"] = verifier.reveal()
        outcome = self.sign_in(blank, form, deadline)
        return outcome.login if isinstance(outcome, SignedIn) else outcome

    def sign_in(self, blank: Login, form: Mapping[str, str], deadline: Deadline) -> SignedIn | LoginRefused:
        """Exchange a code for a login, and for who signed in. Raises `BrokerUnavailableError`, `SettingsError`.

        `blank` is the login without its tokens; `form` the code's part of the request.
        """
        check_base_url(blank.base_url, self._allowed_hosts)
        outcome = self._ask(blank, form, deadline)
        if isinstance(outcome, LoginRefused):
            return outcome
        if not outcome.login.refresh_token:
            return LoginRefused("TradeStation gave no refresh token: the scope offline_access is missing")
        return outcome

    def refresh(self, login: Login, deadline: Deadline) -> RefreshOutcome:
        """Get a new access token. Raises `BrokerUnavailableError` when the reply proves nothing, `SettingsError`."""
        form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token.reveal()}
        outcome = self._ask(login, form, deadline)
        return outcome.login if isinstance(outcome, SignedIn) else outcome

    def revoke(self, login: Login, deadline: Deadline) -> None:
        """Revoke every refresh token of the API key. Raises `BrokerUnavailableError` unless the reply says it is done.

        The name of the token's field is unconfirmed, so both names that the page shows are sent.
        """
        token = login.refresh_token.reveal()
        body = {"client_id": login.client_id, "token": token, "refresh_token": token}
        if login.client_secret:
            body["client_secret"] = login.client_secret.reveal()
        url = f"{check_base_url(login.auth_url, self._allowed_hosts)}/oauth/revoke"
        result = exchange(self._client, "POST", url, deadline, body=body, now_ms=self._now_ms)
        if not (isinstance(result, Reply) and 200 <= result.status < 300):
            raise BrokerUnavailableError(f"the token was not revoked: {failure(result)}")

    def _ask(self, login: Login, form: Mapping[str, str], deadline: Deadline) -> SignedIn | LoginRefused:
        fields = {**form, "client_id": login.client_id}
        if login.client_secret:
            fields["client_secret"] = login.client_secret.reveal()
        url = f"{check_base_url(login.auth_url, self._allowed_hosts)}/oauth/token"
        asked_at_ms = self._now_ms()
        result = exchange(self._client, "POST", url, deadline, form=fields, now_ms=self._now_ms)
        if not isinstance(result, Reply) or not isinstance(result.body, dict):
            raise BrokerUnavailableError(f"the token endpoint did not answer: {failure(result)}")
        if result.ok:
            id_token = result.body.get("id_token")
            return SignedIn(
                _login_of(login, result.body, asked_at_ms),
                Secret(id_token) if isinstance(id_token, str) else NO_SECRET,
            )
        error, description = result.body.get("error"), result.body.get("error_description")
        if result.status in (400, 401, 403) and isinstance(error, str) and error not in _TEMPORARY:
            return LoginRefused(f"{error}: {description}"[:300] if isinstance(description, str) else error[:300])
        raise BrokerUnavailableError(f"the token endpoint did not answer: {failure(result)}")


def _login_of(login: Login, body: Mapping[str, object], asked_at_ms: int) -> Login:
    token, expires_in = body.get("access_token"), body.get("expires_in")
    if not isinstance(token, str) or not token or not isinstance(expires_in, int) or expires_in <= 0:
        raise BrokerUnavailableError("the token endpoint's reply has no access token")
    refresh_token, scope = body.get("refresh_token"), body.get("scope")
    rotated = isinstance(refresh_token, str) and bool(refresh_token)
    granted = scope if isinstance(scope, str) else ""
    # TradeStation's own example of a refresh shows a scope without the API's: what was granted at first stays.
    keeps = bool(login.scope) and "Trade" not in granted.split()
    return replace(
        login,
        access_token=Secret(token),
        access_expires_at_ms=asked_at_ms + expires_in * 1000,
        refresh_token=Secret(str(refresh_token)) if rotated else login.refresh_token,
        obtained_at_ms=asked_at_ms,
        scope=login.scope if keeps else granted or SCOPE,
    )


def _url_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
