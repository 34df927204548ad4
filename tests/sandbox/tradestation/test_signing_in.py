"""Authorize, token, refresh, revoke, and what an access token allows (item 1; section 3)."""

import base64
import hashlib
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.simserver import Request, Response
from sandbox.tradestation import KEYS, USERS
from tests.sandbox.tradestation.caller import Caller

SECRET_KEY, PUBLIC_KEY = KEYS
CALLBACK = "http://localhost:31022"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
SCOPE = "openid offline_access profile MarketData ReadAccount Trade"


def authorize(caller: Caller, **changes: str | None) -> Response:
    fields: dict[str, str | None] = {
        "response_type": "code",
        "client_id": SECRET_KEY.client_id,
        "audience": "https://api.tradestation.com",
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "state": "s-1",
    }
    kept = {name: value for name, value in (fields | changes).items() if value is not None}
    return caller.inner.send(Request.of("GET", f"/authorize?{urlencode(kept)}"))


def answer(reply: Response) -> dict[str, str]:
    assert reply.status == 302, reply.body
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


def exchange(caller: Caller, code: str, **changes: str) -> Response:
    fields = {
        "grant_type": "authorization_code",
        "client_id": SECRET_KEY.client_id,
        "client_secret": SECRET_KEY.client_secret or "",
        "code": code,
        "redirect_uri": CALLBACK,
    }
    return caller.form("/oauth/token", **{name: value for name, value in (fields | changes).items() if value})


def test_signing_in_gives_code_and_state_and_tokens_that_work() -> None:
    caller = Caller()
    told = answer(authorize(caller))
    tokens = exchange(caller, told["code"]).json()
    assert told["state"] == "s-1"
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 1200, SCOPE)
    assert caller.send("GET", "/v3/brokerage/accounts", token=tokens["access_token"]).status == 200
    assert caller.refresh(tokens["refresh_token"])["access_token"] != tokens["access_token"]


def test_code_is_good_once_and_only_with_its_callback() -> None:
    caller = Caller()
    code = answer(authorize(caller))["code"]
    assert exchange(caller, code, redirect_uri="http://localhost:3000").status == 403
    assert exchange(caller, code).json()["error"] == "invalid_grant"


def test_code_dies_with_time() -> None:
    caller = Caller()
    code = answer(authorize(caller))["code"]
    caller.advance(600_000)
    assert exchange(caller, code).status == 403


def test_pkce_needs_the_verifier_and_no_secret() -> None:
    caller = Caller()
    pkce = {"client_id": PUBLIC_KEY.client_id, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    public = {"client_id": PUBLIC_KEY.client_id, "client_secret": ""}
    good, bad = (answer(authorize(caller, **pkce))["code"] for _ in range(2))
    assert exchange(caller, good, code_verifier=VERIFIER, **public).status == 200
    assert exchange(caller, bad, code_verifier="w" * 43, **public).json()["error"] == "invalid_grant"
    assert answer(authorize(caller, client_id=PUBLIC_KEY.client_id))["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"audience": "https://sim-api.tradestation.com"}, "access_denied"),
        ({"audience": None}, "access_denied"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "Trade ReadAccount"}, "invalid_scope"),
        ({"scope": "openid trade"}, "invalid_scope"),
        ({"deny": "1"}, "access_denied"),
    ],
)
def test_wrong_authorize_request_is_sent_back_with_the_error(changes: dict[str, str | None], error: str) -> None:
    told = answer(authorize(Caller(), **changes))
    assert (told["error"], told["state"]) == (error, "s-1")


@pytest.mark.parametrize("changes", [{"redirect_uri": "http://localhost:9999"}, {"client_id": "nobody"}])
def test_unknown_callback_or_client_is_not_redirected_to(changes: dict[str, str]) -> None:
    assert authorize(Caller(), **changes).status == 403


def test_sign_in_form_checks_the_password() -> None:
    caller = Caller(authorize_page="form")
    query = urlsplit(f"?{urlencode({'client_id': SECRET_KEY.client_id})}").query
    assert "password" in authorize(caller).body.decode()
    fields = {
        "response_type": "code",
        "client_id": SECRET_KEY.client_id,
        "audience": "https://api.tradestation.com",
        "redirect_uri": CALLBACK,
        "scope": SCOPE,
        "username": USERS[1].name,
    }
    assert caller.form(f"/authorize?{query}", **fields, password="wrong").status == 200
    code = answer(caller.form(f"/authorize?{query}", **fields, password=USERS[1].password))["code"]
    token = exchange(caller, code).json()["access_token"]
    accounts = caller.send("GET", "/v3/brokerage/accounts", token=token).json()["Accounts"]
    assert {row["AccountID"] for row in accounts} == {account.id for account in USERS[1].accounts}


def test_without_offline_access_there_is_no_refresh_token() -> None:
    caller = Caller()
    code = answer(authorize(caller, scope="openid ReadAccount"))["code"]
    assert "refresh_token" not in exchange(caller, code).json()


def test_scope_that_was_not_asked_for_is_forbidden() -> None:
    caller = Caller()
    token = exchange(caller, answer(authorize(caller, scope="openid ReadAccount"))["code"]).json()["access_token"]
    assert caller.send("GET", "/v3/orderexecution/routes", token=token).status == 403
    assert caller.send("GET", "/v3/brokerage/accounts", token=token).status == 200


def test_access_token_ends_after_twenty_minutes() -> None:
    caller = Caller()
    token = str(caller.refresh()["access_token"])
    caller.advance(1_199_999)
    assert caller.send("GET", "/v3/brokerage/accounts", token=token).status == 200
    caller.advance(1)
    reply = caller.send("GET", "/v3/brokerage/accounts", token=token)
    assert (reply.status, reply.json()["Error"]) == (401, "Unauthorized")


@pytest.mark.parametrize(("dies", "again"), [("at_once", "error"), ("at_its_end", "access_token")])
def test_rotating_refresh_token_is_replaced(dies: str, again: str) -> None:
    caller = Caller(refresh_token_rotates="yes", rotated_token_dies=dies)
    first = caller.refresh()["refresh_token"]
    assert "refresh_token" in caller.refresh(first)
    assert again in caller.refresh(first)


def test_rotating_refresh_token_dies_after_its_minutes() -> None:
    caller = Caller(refresh_token_rotates="yes", rotation_minutes="30")
    token = caller.refresh()["refresh_token"]
    caller.advance(30 * 60_000)
    assert caller.refresh(token)["error"] == "invalid_grant"


def test_refresh_can_name_identity_scopes_only_and_still_work() -> None:
    caller = Caller(refresh_scope="identity_only")
    reply = caller.refresh()
    assert reply["scope"] == "openid offline_access profile"
    assert caller.send("GET", "/v3/brokerage/accounts", token=reply["access_token"]).status == 200


@pytest.mark.parametrize("status", ["403", "401", "400"])
def test_dead_refresh_token_is_refused_with_the_status_of_the_switch(status: str) -> None:
    caller = Caller(oauth_error_status=status)
    reply = caller.form(
        "/oauth/token",
        grant_type="refresh_token",
        client_id=SECRET_KEY.client_id,
        client_secret=SECRET_KEY.client_secret or "",
        refresh_token="unknown",
    )
    assert (reply.status, reply.json()["error"]) == (int(status), "invalid_grant")


def test_token_endpoint_refuses_json_and_a_wrong_secret() -> None:
    caller = Caller()
    as_json = caller.inner.send(Request.of("POST", "/oauth/token", {"Content-Type": "application/json"}, b"{}"))
    wrong = caller.form("/oauth/token", grant_type="refresh_token", client_id=SECRET_KEY.client_id, client_secret="x")
    assert (as_json.status, wrong.status) == (400, 401)


@pytest.mark.parametrize(("switch", "field", "status"), [("any", "token", 200), ("refresh_token", "token", 400)])
def test_revoke_ends_every_refresh_token_of_the_key(switch: str, field: str, status: int) -> None:
    caller = Caller(revoke_field=switch)
    fields = {"client_id": SECRET_KEY.client_id, "client_secret": SECRET_KEY.client_secret or ""}
    assert caller.form("/oauth/revoke", **fields, **{field: caller.user.refresh_token}).status == status
    assert ("error" in caller.refresh()) is (status == 200)


def test_control_ends_access_tokens_and_a_refresh_gives_a_good_one() -> None:
    caller = Caller()
    caller.get("/brokerage/accounts")
    assert caller.control("tokens", {"expire": "access"}) == {"expired": 1}
    assert caller.send("GET", "/v3/brokerage/accounts").status == 401
    caller.token = ""
    assert caller.send("GET", "/v3/brokerage/accounts").status == 200


def test_journal_holds_no_secret() -> None:
    caller = Caller()
    token = exchange(caller, answer(authorize(caller))["code"]).json()["access_token"]
    caller.send("GET", "/v3/brokerage/accounts", token=token)
    text = str(caller.inner.journal.entries())
    assert token not in text
    assert str(SECRET_KEY.client_secret) not in text
    assert "sim-code-" not in text
