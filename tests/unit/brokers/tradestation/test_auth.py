"""Signing in: the page's address, the code, the refresh; a dead login is told from a token endpoint that is down."""

import base64
import hashlib
import logging
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from orderbridge.brokers.http import open_client
from orderbridge.brokers.login import Login, LoginRefused, Refresh
from orderbridge.brokers.tradestation import auth
from orderbridge.brokers.tradestation.auth import TradeStationAuth, authorization_url, missing_scopes, pkce
from orderbridge.errors import BrokerUnavailableError, SettingsError
from orderbridge.secret import NO_SECRET, Secret
from tests.unit.brokers.kit import HOSTS, Script, reply, soon
from tests.unit.brokers.tradestation.bodies import body

NOW = 1_772_463_600_000
LOGIN = Login(
    broker="tradestation",
    environment="sim",
    base_url="https://sim-api.tradestation.com/v3",
    auth_url="https://signin.tradestation.com",
    refresh_token=Secret("refresh-1"),
    access_token=Secret("access-1"),
    access_expires_at_ms=NOW,
    obtained_at_ms=NOW - 1_200_000,
    client_id="key",
    client_secret=Secret("hush"),
    scope=auth.SCOPE,
)


def endpoint(script: Script) -> TradeStationAuth:
    return TradeStationAuth(open_client(httpx.MockTransport(script)), HOSTS, now_ms=lambda: NOW)


def form(script: Script, index: int = 0) -> dict[str, str]:
    fields = parse_qs(script.requests[index].content.decode(), strict_parsing=True)
    return {key: values[0] for key, values in fields.items()}


def exchanged(script: Script, **more: Any) -> Login | LoginRefused:
    return endpoint(script).exchange_code(
        Secret("the-code"), "http://localhost:3000", "key", Secret("hush"), "sim", soon(), **more
    )


# ---- the sign-in page


def test_sign_in_page_asks_for_the_scopes_and_keeps_the_state() -> None:
    url = authorization_url("key", "http://localhost:3000", "st/ate", challenge="chal", force_login=True)
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "signin.tradestation.com", "/authorize")
    assert {key: values[0] for key, values in parse_qs(parts.query).items()} == {
        "response_type": "code",
        "client_id": "key",
        "audience": "https://api.tradestation.com",
        "redirect_uri": "http://localhost:3000",
        "scope": "openid offline_access profile MarketData ReadAccount Trade",
        "state": "st/ate",
        "code_challenge": "chal",
        "code_challenge_method": "S256",
        "prompt": "login",
    }


def test_sign_in_page_without_pkce_names_no_challenge() -> None:
    assert "code_challenge" not in authorization_url("key", "http://localhost:3000", "s")


@pytest.mark.parametrize("size", [32, 96, 200])
def test_pkce_verifier_has_an_allowed_length_and_its_challenge(size: int) -> None:
    made = pkce(bytes(range(200))[:size])
    verifier = made.verifier.reveal()
    assert 43 <= len(verifier) <= 128
    expected = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert made.challenge == expected
    with pytest.raises(ValueError, match="32"):
        pkce(b"short")


# ---- code -> login


def test_code_becomes_a_login() -> None:
    script = Script([reply(body("token"))])
    login = exchanged(script)
    assert isinstance(login, Login)
    assert form(script) == {
        "grant_type": "authorization_code",
        "client_id": "key",
        "client_secret": "hush",
        "code": "the-code",
        "redirect_uri": "http://localhost:3000",
    }
    assert str(script.requests[0].url) == "https://signin.tradestation.com/oauth/token"
    assert (login.access_token.reveal(), login.refresh_token.reveal()) == ("eyJ.fresh", "refresh-2")
    assert (login.access_expires_at_ms, login.obtained_at_ms) == (NOW + 1_200_000, NOW)
    assert login.base_url == "https://sim-api.tradestation.com/v3"
    assert missing_scopes(login) == ()


def test_code_of_a_pkce_key_sends_the_verifier_and_no_secret() -> None:
    script = Script([reply(body("token"))])
    endpoint(script).exchange_code(
        Secret("c"), "http://localhost:3000", "key", NO_SECRET, "sim", soon(), verifier=Secret("v" * 43)
    )
    assert form(script)["code_verifier"] == "v" * 43
    assert "client_secret" not in form(script)


def test_scopes_that_were_unticked_are_missing() -> None:
    login = exchanged(Script([reply({**body("token"), "scope": "openid offline_access MarketData ReadAccount"})]))
    assert isinstance(login, Login)
    assert missing_scopes(login) == ("Trade",)


def test_code_that_gives_no_refresh_token_is_refused() -> None:
    given = {key: value for key, value in body("token").items() if key != "refresh_token"}
    assert isinstance(exchanged(Script([reply(given)])), LoginRefused)


def test_host_outside_the_list_gets_neither_code_nor_token() -> None:
    script = Script([reply(body("token"))])
    with pytest.raises(SettingsError):
        exchanged(script, auth_url="https://evil.example")
    with pytest.raises(SettingsError):
        exchanged(script, base_url="https://evil.example/v3")
    with pytest.raises(SettingsError):
        endpoint(script).refresh(replace(LOGIN, auth_url="https://evil.example"), soon())
    assert script.requests == []


# ---- refresh


def test_refresh_gives_a_new_access_token_and_keeps_the_rest() -> None:
    script = Script([reply(body("token_refreshed"))])
    refresh: Refresh = endpoint(script).refresh
    renewed = refresh(LOGIN, soon())
    assert renewed == replace(
        LOGIN, access_token=Secret("eyJ.newer"), access_expires_at_ms=NOW + 1_200_000, obtained_at_ms=NOW
    )
    assert form(script) == {
        "grant_type": "refresh_token",
        "client_id": "key",
        "client_secret": "hush",
        "refresh_token": "refresh-1",
    }


def test_refresh_of_a_rotating_key_takes_the_new_refresh_token() -> None:
    renewed = endpoint(Script([reply(body("token"))])).refresh(LOGIN, soon())
    assert isinstance(renewed, Login)
    assert renewed.refresh_token == Secret("refresh-2")


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refusal_in_oauths_words_is_a_dead_login(status: int) -> None:
    refused = endpoint(Script([reply(body("token_refused"), status)])).refresh(LOGIN, soon())
    assert refused == LoginRefused("invalid_grant: Unknown or invalid refresh token.")
    assert endpoint(Script([reply({"error": "invalid_client"}, status)])).refresh(LOGIN, soon()) == LoginRefused(
        "invalid_client"
    )


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("down"),
        reply({"error": "server_error"}, 500),
        reply("<html>blocked</html>", 403),
        reply({"message": "odd"}, 401),
        reply({"error": "temporarily_unavailable"}, 400),
        reply({"error": "too_many_requests"}, 429),
        reply({"token_type": "Bearer"}),
        reply({"access_token": "", "expires_in": 1200}),
        reply({"access_token": "x", "expires_in": "soon"}),
        reply("<html>"),
        reply(None, 204),
    ],
)
def test_token_endpoint_that_proves_nothing_is_unavailable_and_asked_once(answer: httpx.Response | Exception) -> None:
    script = Script([answer])
    with pytest.raises(BrokerUnavailableError):
        endpoint(script).refresh(LOGIN, soon())
    assert len(script.requests) == 1


# ---- revoke


def test_revoke_sends_the_token_under_both_names_that_the_page_shows() -> None:
    script = Script([reply({}, 200)])
    endpoint(script).revoke(LOGIN, soon())
    assert str(script.requests[0].url) == "https://signin.tradestation.com/oauth/revoke"
    assert script.sent == [
        {"client_id": "key", "client_secret": "hush", "token": "refresh-1", "refresh_token": "refresh-1"}
    ]


@pytest.mark.parametrize("answer", [reply({}, 400), httpx.ReadTimeout("slow")])
def test_revoke_that_is_not_confirmed_says_so(answer: httpx.Response | Exception) -> None:
    with pytest.raises(BrokerUnavailableError):
        endpoint(Script([answer])).revoke(LOGIN, soon())


def test_nothing_secret_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    login = endpoint(Script([reply(body("token"))])).refresh(LOGIN, soon())
    shown = f"{login!r} {caplog.text}"
    for secret in ("hush", "refresh-1", "refresh-2", "eyJ.fresh"):
        assert secret not in shown
