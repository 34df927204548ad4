"""Logging in, refreshing the rotating pair, and where a token may send the bridge."""

import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from orderbridge.brokers.http import open_client
from orderbridge.brokers.login import Login, LoginRefused, RefreshOutcome
from orderbridge.brokers.tradelocker import auth
from orderbridge.brokers.tradelocker.hosts import api_url, check_environment, home_url
from orderbridge.brokers.tradelocker.jwt import claims_of, expiry_ms, host_of
from orderbridge.errors import BrokerUnavailableError, LoginLostError, RateLimitedError, SettingsError
from orderbridge.secret import NO_SECRET, Secret
from tests.unit.brokers.kit import reply, soon
from tests.unit.brokers.tradelocker.fake import BASE_URL, HOSTS, NOW_MS, Server

LATER_S = NOW_MS // 1000 + 3600
SHARD = ("demo.tradelocker.com", "bsb.tradelocker.com", "live.tradelocker.com", "evil.example")


def _jwt(**claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'HS256'})}.{part({'sub': '1|X', **claims})}.c2ln"


def _pair(number: int = 1, **claims: object) -> dict[str, Any]:
    return {
        "accessToken": _jwt(exp=LATER_S, jti=f"a{number}", **claims),
        "refreshToken": _jwt(exp=LATER_S + 86_400, jti=f"r{number}"),
        "expireDate": "2026-01-09T11:30:00.000Z",
    }


def _exchange(server: Server, hosts: tuple[str, ...] = HOSTS) -> auth.Exchange:
    return auth.Exchange(open_client(httpx.MockTransport(server)), hosts, lambda: NOW_MS)


def _log_in(server: Server, hosts: tuple[str, ...] = HOSTS, base_url: str = BASE_URL) -> RefreshOutcome:
    return auth.log_in(
        _exchange(server, hosts),
        environment="sim",
        base_url=base_url,
        email="a@b.test",
        password=Secret("hunter2"),
        server="OSP-DEMO",
        deadline=soon(),
        developer_api_key=Secret("tl-key"),
    )


HELD = Login(
    broker="tradelocker", environment="sim", base_url=BASE_URL, auth_url=BASE_URL,
    refresh_token=Secret("old-refresh"), access_token=Secret("old-access"), access_expires_at_ms=0, obtained_at_ms=0,
    refresh_expires_at_ms=NOW_MS + 1, email="a@b.test", password=Secret("hunter2"), server="OSP-DEMO",
)  # fmt: skip
TOKEN, REFRESH = "POST /auth/jwt/token", "POST /auth/jwt/refresh"


def _refresh(server: Server, login: Login = HELD) -> RefreshOutcome:
    return auth.refresher(_exchange(server))(login, soon())


def _body(request: httpx.Request) -> Any:
    return json.loads(request.content)


# ---- logging in


def test_login_sends_the_three_fields_and_keeps_the_pair_with_its_expiry() -> None:
    server = Server({TOKEN: reply(_pair(), 201)})

    login = _log_in(server)

    assert isinstance(login, Login)
    assert (login.access_token.reveal(), login.refresh_token.reveal()) == tuple(list(_pair().values())[:2])
    assert (login.access_expires_at_ms, login.refresh_expires_at_ms) == (LATER_S * 1000, (LATER_S + 86_400) * 1000)
    assert (login.obtained_at_ms, login.base_url, login.environment) == (NOW_MS, BASE_URL, "sim")
    (request,) = server.requests
    assert _body(request) == {"email": "a@b.test", "password": "hunter2", "server": "OSP-DEMO"}
    assert request.headers["developer-api-key"] == "tl-key"
    assert "authorization" not in request.headers
    assert "accnum" not in request.headers


def test_base_url_without_the_apis_root_gets_it() -> None:
    server = Server({TOKEN: reply(_pair(), 200)})

    login = _log_in(server, base_url="https://demo.tradelocker.com/")

    assert isinstance(login, Login)
    assert login.base_url == BASE_URL
    assert server.names == [TOKEN]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refused_credentials_end_with_the_brokers_words(status: int) -> None:
    outcome = _log_in(Server({TOKEN: reply({"message": "Invalid credentials"}, status)}))

    assert outcome == LoginRefused("Invalid credentials")


def test_refusal_inside_a_200_is_a_refusal() -> None:
    assert _log_in(Server({TOKEN: reply({"s": "error", "errmsg": "no"})})) == LoginRefused("no")


@pytest.mark.parametrize(
    "answer",
    [
        reply("<html>blocked</html>", 403),
        reply({}, 500),
        reply({"message": "not found"}, 404),
        reply("not json", 200),
        reply({"accessToken": "x"}, 201),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
    ],
)
def test_reply_that_proves_nothing_about_the_login_is_unavailable(answer: httpx.Response | Exception) -> None:
    with pytest.raises(BrokerUnavailableError):
        _log_in(Server({TOKEN: answer}))


def test_limited_login_says_how_long_to_wait() -> None:
    with pytest.raises(RateLimitedError) as caught:
        _log_in(Server({TOKEN: reply("error code: 1015", 429)}))
    assert caught.value.retry_after_ms == 15_000


@pytest.mark.parametrize("base_url", ["https://evil.example", "http://demo.tradelocker.com"])
def test_host_outside_the_list_is_never_asked(base_url: str) -> None:
    server = Server()

    with pytest.raises(SettingsError):
        _log_in(server, base_url=base_url)
    assert server.requests == []


def test_demo_login_is_never_asked_at_the_live_host() -> None:
    with pytest.raises(SettingsError, match="live host"):
        _log_in(Server(), ("live.tradelocker.com",), "https://live.tradelocker.com/backend-api")


def test_token_without_expiry_is_taken_for_less_than_an_hour() -> None:
    opaque = {"accessToken": "opaque", "refreshToken": "opaque-too"}

    login = _log_in(Server({TOKEN: reply(opaque, 201)}))
    dated = _log_in(Server({TOKEN: reply({**opaque, "expireDate": "2026-01-09T11:30:00.000Z"}, 201)}))

    assert isinstance(login, Login)
    assert login.access_expires_at_ms == NOW_MS + auth.ASSUMED_LIFE_MS
    assert login.refresh_expires_at_ms is None
    assert isinstance(dated, Login)
    assert dated.access_expires_at_ms == 1_767_958_200_000


def test_secrets_of_a_login_do_not_show() -> None:
    login = _log_in(Server({TOKEN: reply(_pair(), 201)}))

    assert "hunter2" not in repr(login)
    assert _pair()["accessToken"] not in repr(login)


# ---- refreshing


def test_refresh_rotates_the_pair_and_needs_no_password() -> None:
    server = Server({REFRESH: reply(_pair(2), 201)})

    login = _refresh(server)

    assert isinstance(login, Login)
    assert login.refresh_token.reveal() == _pair(2)["refreshToken"]
    assert login.password == HELD.password
    assert server.names == [REFRESH]
    assert _body(server.requests[0]) == {"refreshToken": "old-refresh"}


@pytest.mark.parametrize("status", [400, 401])
def test_dead_refresh_token_leads_to_the_password(status: int) -> None:
    server = Server({REFRESH: reply({"message": "Token is no longer valid"}, status), TOKEN: reply(_pair(3), 201)})

    login = _refresh(server)

    assert isinstance(login, Login)
    assert login.refresh_token.reveal() == _pair(3)["refreshToken"]
    assert server.names == [REFRESH, TOKEN]


def test_lapsed_refresh_token_is_not_even_sent() -> None:
    server = Server({TOKEN: reply(_pair(3), 201)})

    _refresh(server, replace(HELD, refresh_expires_at_ms=NOW_MS))

    assert server.names == [TOKEN]


def test_dead_refresh_token_without_a_password_ends_the_login() -> None:
    server = Server({REFRESH: reply({"message": "spent"}, 401)})
    bare = replace(HELD, password=NO_SECRET)

    assert _refresh(server, bare) == LoginRefused("spent")
    assert isinstance(_refresh(server, replace(bare, refresh_expires_at_ms=1)), LoginRefused)
    assert server.names == [REFRESH]


def test_dead_refresh_token_and_refused_password_end_the_login() -> None:
    server = Server({REFRESH: reply({}, 401), TOKEN: reply({"message": "Invalid credentials"}, 400)})

    assert _refresh(server) == LoginRefused("Invalid credentials")


@pytest.mark.parametrize("answer", [reply({}, 503), reply("<html>", 403), httpx.ReadTimeout("slow")])
def test_refresh_that_proves_nothing_never_uses_the_password(answer: httpx.Response | Exception) -> None:
    server = Server({REFRESH: answer, TOKEN: reply(_pair(), 201)})

    with pytest.raises(BrokerUnavailableError):
        _refresh(server)
    assert server.names == [REFRESH]


# ---- the host claim


def test_host_claim_is_honoured_when_it_is_the_platforms_and_allowed() -> None:
    server = Server({TOKEN: reply(_pair(host="bsb.tradelocker.com"), 201)})

    login = _log_in(server, SHARD)

    assert isinstance(login, Login)
    assert login.base_url == "https://bsb.tradelocker.com/backend-api"
    assert login.auth_url == BASE_URL


@pytest.mark.parametrize(
    "claim",
    [
        "evil.example",  # allowed, but not the platform's
        "other.tradelocker.com",  # the platform's, but not allowed
        "live.tradelocker.com",  # the other environment
        "eviltradelocker.com",
        "evil.example/x.tradelocker.com",
        "evil.example#.tradelocker.com",
        "evil.example@bsb.tradelocker.com",
        "bsb.tradelocker.com:8443",
        "",
    ],
)
def test_host_claim_that_could_lead_elsewhere_is_ignored(claim: str) -> None:
    assert home_url(BASE_URL, claim, "sim", SHARD) == BASE_URL


def test_environment_is_held_against_the_platforms_two_hosts_only() -> None:
    check_environment("live", "https://live.tradelocker.com/backend-api")
    check_environment("live", "http://127.0.0.1:8000/backend-api")
    with pytest.raises(SettingsError):
        check_environment("live", BASE_URL)
    assert api_url("http://127.0.0.1:8000") == "http://127.0.0.1:8000/backend-api"


# ---- tokens


def test_claims_are_read_without_their_padding() -> None:
    token = Secret(_jwt(exp=LATER_S, host="demo.tradelocker.com"))

    assert claims_of(token)["sub"] == "1|X"
    assert (expiry_ms(token), host_of(token)) == (LATER_S * 1000, "demo.tradelocker.com")


@pytest.mark.parametrize("text", ["", "opaque", "a.b.c", "a.!!.c", "a.e30.c", "a.bnVsbA.c"])
def test_token_that_is_no_jwt_claims_nothing(text: str) -> None:
    assert (expiry_ms(Secret(text)), host_of(Secret(text))) == (None, "")


# ---- accounts


def test_accounts_of_a_fresh_login_are_listed() -> None:
    entry = {"id": "1180", "name": "A#1180", "currency": "USD", "status": "ACTIVE", "accNum": "1"}
    server = Server({"GET /auth/jwt/all-accounts": reply({"accounts": [entry]})})

    (account,) = auth.all_accounts(_exchange(server), HELD, soon())

    assert (account.id, account.account_number) == ("1180", "1")
    assert server.requests[0].headers["authorization"] == "Bearer old-access"


def test_accounts_of_a_refused_token_are_a_lost_login() -> None:
    with pytest.raises(LoginLostError):
        auth.all_accounts(_exchange(Server({"GET /auth/jwt/all-accounts": reply({}, 401)})), HELD, soon())
    with pytest.raises(BrokerUnavailableError):
        auth.all_accounts(_exchange(Server({"GET /auth/jwt/all-accounts": reply({}, 500)})), HELD, soon())
