"""Rate limits: per route and interval, whose they are, and what a 429 looks like."""

from collections.abc import Mapping

import pytest

from sandbox.simserver import Response
from tests.sandbox.tradelocker.caller import BTCUSD, Caller


def limited(switches: Mapping[str, object] | None = None, *, acc_num: int = 1) -> Caller:
    return Caller({"rate_limits": "enforced", **(switches or {})}, acc_num=acc_num)


def statuses(caller: Caller, method: str, path: str, count: int) -> list[int]:
    return [caller.call(method, path).status for _ in range(count)]


def on_account(caller: Caller, acc_num: int, account: int) -> Response:
    headers = {**caller.headers, "accNum": str(acc_num)}
    return caller.send("GET", f"/backend-api/trade/accounts/{account}/positions", headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/accounts/{a}/positions", 1),
        ("GET", "/accounts/{a}/orders", 1),
        ("GET", "/accounts/{a}/ordersHistory", 1),
        ("GET", "/accounts/{a}/executions", 2),
        ("GET", "/accounts/{a}/state", 4),
        ("GET", "/quotes?routeId=1&tradableInstrumentId=1", 10),
        ("DELETE", "/orders/1", 5),
        ("DELETE", "/positions/1", 5),
        ("GET", "/config", 20),
    ],
)
def test_route_answers_429_beyond_its_limit(method: str, path: str, allowed: int) -> None:
    caller = limited()

    found = statuses(caller, method, path, allowed + (path != "/config"))

    assert found == [200] * allowed + ([429] if path != "/config" else [])


def test_orders_beyond_five_a_second_are_not_booked() -> None:
    caller = limited()
    body = {**Caller().order_body(BTCUSD, qty="0.01")}

    found = [caller.call("POST", "/accounts/{a}/orders", body).status for _ in range(7)]

    assert found == [200] * 5 + [429] * 2
    assert len(caller.rows("positions")) == 5


def test_limit_frees_itself_when_the_interval_is_over() -> None:
    caller = limited()

    first = statuses(caller, "GET", "/accounts/{a}/positions", 2)
    caller.clock.advance(999)
    second = statuses(caller, "GET", "/accounts/{a}/positions", 1)
    caller.clock.advance(1)
    third = statuses(caller, "GET", "/accounts/{a}/positions", 1)

    assert first + second + third == [200, 429, 429, 200]


def test_limit_over_two_seconds_needs_two_seconds() -> None:
    caller = limited()
    statuses(caller, "GET", "/accounts/{a}/state", 4)

    caller.clock.advance(1999)
    before = statuses(caller, "GET", "/accounts/{a}/state", 1)
    caller.clock.advance(1)

    assert before + statuses(caller, "GET", "/accounts/{a}/state", 1) == [429, 200]


def test_429_is_json_and_says_when_only_where_switched() -> None:
    silent, telling = limited(), limited({"retry_after": "present"})
    for caller in (silent, telling):
        statuses(caller, "GET", "/accounts/{a}/positions", 1)

    answers = [caller.call("GET", "/accounts/{a}/positions") for caller in (silent, telling)]

    assert all(answer.json()["s"] == "error" for answer in answers)
    found = [{name.lower(): value for name, value in answer.headers.items()} for answer in answers]
    assert "retry-after" not in found[0]
    assert found[1]["retry-after"] == "1"


@pytest.mark.parametrize(("scope", "second"), [("account", 200), ("user", 429), ("key", 429), ("ip", 429)])
def test_limit_is_shared_as_far_as_its_scope(scope: str, second: int) -> None:
    caller = limited({"rate_limit_scope": scope})

    first = on_account(caller, 1, 1180)

    assert (first.status, on_account(caller, 2, 1181).status) == (200, second)


def test_developer_key_widens_the_limits_where_switched() -> None:
    caller = limited({"developer_key": "wider"})
    caller.headers["developer-api-key"] = "tl-sandbox-developer-key"

    assert statuses(caller, "GET", "/accounts/{a}/positions", 6) == [200] * 5 + [429]


def test_wide_limits_are_published_as_they_are() -> None:
    caller = limited({"rate_limits": "wide"})

    published = {one["rateLimitType"]: one["limit"] for one in caller.get("/config")["rateLimits"]}

    assert published["GET_POSITIONS"] == 10
    assert statuses(caller, "GET", "/accounts/{a}/positions", 11) == [200] * 10 + [429]


@pytest.mark.parametrize(("switch", "allowed"), [("modify", 5), ("none", 8), ("place", 5)])
def test_deletes_count_under_the_switched_limit(switch: str, allowed: int) -> None:
    caller = limited({"cancel_limit": switch})

    found = statuses(caller, "DELETE", "/orders/1", 8)
    placed = caller.call("POST", "/accounts/{a}/orders", {}).status

    assert found.count(200) == allowed
    assert placed == (429 if switch == "place" else 200)


def test_config_counts_under_a_limit_where_switched() -> None:
    caller = limited({"config_limit": "GET_ACCOUNTS"})

    assert statuses(caller, "GET", "/config", 3) == [200, 200, 429]


def test_logins_are_not_limited_by_default() -> None:
    caller = limited()

    assert ["accessToken" in caller.log_in() for _ in range(3)] == [True] * 3


def test_logins_and_refreshes_are_limited_where_switched() -> None:
    caller = limited({"login_limit": "one_per_second"})
    body = {"refreshToken": caller.tokens["refreshToken"]}

    at_once = caller.send("POST", "/backend-api/auth/jwt/refresh", body).status
    caller.clock.advance(1000)

    assert (at_once, caller.send("POST", "/backend-api/auth/jwt/refresh", body).status) == (429, 201)


def test_edge_blocks_an_address_for_a_while_with_a_page_that_names_1015() -> None:
    caller = limited({"edge_limit": "on"})

    found = statuses(caller, "GET", "/config", 25)
    page = caller.call("GET", "/config")
    caller.clock.advance(10_000)

    assert 429 in found
    assert page.status == 429
    assert b"1015" in page.body
    assert page.headers["Content-Type"].startswith("text/html")
    assert caller.call("GET", "/config").status == 200
