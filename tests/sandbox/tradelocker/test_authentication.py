"""Logging in, tokens, headers, and who may see what."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.sandbox.tradelocker.caller import START_MS, Caller

ACCOUNTS = "/backend-api/auth/jwt/all-accounts"


def claims(token: str) -> Mapping[str, Any]:
    body = token.split(".")[1]
    found: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def refresh(caller: Caller, token: str) -> Any:
    return caller.send("POST", "/backend-api/auth/jwt/refresh", {"refreshToken": token})


def accounts_status(caller: Caller, token: str) -> int:
    return caller.send("GET", ACCOUNTS, headers={"Authorization": f"Bearer {token}"}).status


def test_login_answers_201_with_a_pair_of_jwts_and_no_envelope() -> None:
    caller = Caller()

    answer = caller.send(
        "POST",
        "/backend-api/auth/jwt/token?ref=py_c&v=0.56.1",
        {"email": caller.login.email, "password": caller.login.password, "server": caller.login.server},
    )

    assert answer.status == 201
    assert set(answer.json()) == {"accessToken", "refreshToken", "expireDate"}
    access = claims(answer.json()["accessToken"])
    assert access["exp"] == START_MS // 1000 + 3600
    assert isinstance(access["sub"], str)
    assert access["host"] == "demo.tradelocker.com"
    assert answer.json()["expireDate"] == "2026-01-08T16:32:26.000Z"


@pytest.mark.parametrize(("field", "value"), [("email", "x@y.z"), ("password", "wrong"), ("server", "sandbox")])
def test_login_with_one_wrong_credential_is_400(field: str, value: str) -> None:
    caller = Caller()
    good = {"email": caller.login.email, "password": caller.login.password, "server": caller.login.server}

    answer = caller.send("POST", "/backend-api/auth/jwt/token", {**good, field: value})

    assert answer.status == 400
    assert "accessToken" not in answer.json()


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_login_has_the_switched_status(status: int) -> None:
    caller = Caller({"bad_login_status": status})
    wrong = {"email": caller.login.email, "password": "wrong", "server": caller.login.server}

    assert caller.send("POST", "/backend-api/auth/jwt/token", wrong).status == status


def test_refresh_token_dies_at_its_age_with_the_switched_status() -> None:
    caller = Caller({"refresh_token_minutes": 120, "dead_refresh_status": "400"})

    caller.clock.advance(119 * 60_000)
    renewed = refresh(caller, caller.tokens["refreshToken"])
    caller.clock.advance(120 * 60_000)

    assert renewed.status == 201
    assert refresh(caller, renewed.json()["refreshToken"]).status == 400


def test_server_name_in_another_case_logs_in_where_case_does_not_count() -> None:
    caller = Caller({"server_case": "any"})

    assert "accessToken" in caller.log_in(server="sandbox")


def test_refresh_rotates_both_tokens_and_spends_the_old_refresh_token() -> None:
    caller = Caller()

    first = refresh(caller, caller.tokens["refreshToken"])
    second = refresh(caller, caller.tokens["refreshToken"])

    assert first.status == 201
    assert first.json()["accessToken"] != caller.tokens["accessToken"]
    assert first.json()["refreshToken"] != caller.tokens["refreshToken"]
    assert second.status == 401
    assert accounts_status(caller, caller.tokens["accessToken"]) == 200


def test_old_tokens_follow_their_switches() -> None:
    caller = Caller({"old_refresh_token_dies": "no", "old_access_token_dies": "yes"})

    refresh(caller, caller.tokens["refreshToken"])

    assert accounts_status(caller, caller.tokens["accessToken"]) == 401
    assert refresh(caller, caller.tokens["refreshToken"]).status == 201


def test_access_token_is_refused_once_it_has_expired() -> None:
    caller = Caller()

    caller.clock.advance(3_600_000 - START_MS % 1000 - 1)
    before = accounts_status(caller, caller.tokens["accessToken"])
    caller.clock.advance(1)

    assert (before, accounts_status(caller, caller.tokens["accessToken"])) == (200, 401)


def test_login_evicts_the_earlier_session_where_switched_on() -> None:
    caller = Caller({"login_evicts_session": True})

    newer = caller.log_in()

    assert accounts_status(caller, caller.tokens["accessToken"]) == 401
    assert accounts_status(caller, newer["accessToken"]) == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic abc", "Bearer é"])
def test_bad_authorization_is_401(header: str) -> None:
    caller = Caller()

    assert caller.send("GET", ACCOUNTS, headers={"Authorization": header}).status == 401


def test_refresh_token_is_no_access_token_nor_the_other_way_round() -> None:
    caller = Caller()

    assert accounts_status(caller, caller.tokens["refreshToken"]) == 401
    assert refresh(caller, caller.tokens["accessToken"]).status == 401


def test_forged_token_is_refused() -> None:
    caller = Caller()
    head, body, signature = caller.tokens["accessToken"].split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**claims(f"{head}.{body}."), "exp": 9**12}).encode()).decode()

    assert accounts_status(caller, f"{head}.{forged.rstrip('=')}.{signature}") == 401


def test_token_of_another_shard_is_403_on_every_trade_route() -> None:
    caller = Caller({"host_claim": "wrong_shard"})

    answer = caller.call("GET", "/config")

    assert answer.status == 403
    assert answer.json()["errmsg"] == "JWT validation failed or server not found"


def test_accounts_are_flat_text_and_the_users_own() -> None:
    caller = Caller(user=1)

    answer = caller.send("GET", ACCOUNTS, headers={"Authorization": f"Bearer {caller.tokens['accessToken']}"}).json()

    assert [account["id"] for account in answer["accounts"]] == ["2270", "2271"]
    assert answer["accounts"][1] == {
        "id": "2271",
        "name": "A#2271",
        "currency": "USD",
        "status": "RESTRICTED",
        "accNum": "2",
        "accountBalance": "5000.00",
    }


@pytest.mark.parametrize("acc_num", [None, "", "one"])
def test_trade_route_without_a_readable_acc_num_is_400(acc_num: str | None) -> None:
    caller = Caller()
    headers = {"Authorization": caller.headers["Authorization"]}
    if acc_num is not None:
        headers["accNum"] = acc_num

    assert caller.send("GET", "/backend-api/trade/config", headers=headers).status == 400


@pytest.mark.parametrize("path", ["/accounts/9999/positions", "/accounts/1181/positions", "/accounts/2270/orders"])
def test_account_id_that_is_not_of_this_acc_num_is_refused_in_a_200(path: str) -> None:
    answer = Caller().call("GET", path)

    assert (answer.status, answer.json()) == (200, {"s": "error", "errmsg": "Account not found!"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/backend-api/trade/orders/1"),
        ("POST", "/backend-api/trade/orders"),
        ("DELETE", "/backend-api/trade/accounts/1180/positions/5"),
        ("PUT", "/backend-api/trade/orders/1"),
        ("GET", "/trade/config"),
        ("GET", "/backend-api/trade/accounts/1180/positionsHistory"),
    ],
)
def test_route_outside_the_published_list_is_404(method: str, path: str) -> None:
    caller = Caller()

    assert caller.send(method, path, headers=caller.headers).status == 404


def test_orders_of_the_users_other_account_are_not_found() -> None:
    caller = Caller()
    order_id = caller.place_limit("1.00000")

    other = {**caller.headers, "accNum": "2"}
    answer = caller.send("DELETE", f"/backend-api/trade/orders/{order_id}", headers=other)

    assert answer.json()["s"] == "error"
    assert caller.row("orders", order_id)["isOpen"] == "true"


def test_http_error_body_has_the_other_shape_where_switched() -> None:
    caller = Caller({"http_error_body": "message"})

    answer = caller.send("GET", ACCOUNTS)

    assert answer.json() == {"statusCode": 401, "message": "Unauthorized"}
