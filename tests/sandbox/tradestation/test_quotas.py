"""Quotas of five minutes for each user and resource (item 13; section 10)."""

import pytest

from tests.sandbox.tradestation.caller import FUTURES, MARGIN, Caller, limit

PERIOD_MS = 300_000
POSITIONS = f"/v3/brokerage/accounts/{MARGIN}/positions"


def use(caller: Caller, times: int, path: str = POSITIONS) -> list[int]:
    caller.send("GET", "/v3/orderexecution/routes")  # has no quota, and makes the token
    return [caller.send("GET", path).status for _ in range(times)]


def test_request_over_the_quota_is_a_429_with_headers() -> None:
    caller = Caller()
    assert use(caller, 320) == [200] * 320
    reply = caller.send("GET", POSITIONS)
    assert (reply.status, reply.json()) == (429, {"Error": "TooManyRequests", "Message": "Rate quota exceeded"})
    assert {name: reply.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Period", "Remaining", "Resource")} == {
        "Limit": "320",
        "Period": "300",
        "Remaining": "0",
        "Resource": "positions",
    }
    assert 0 < int(reply.headers["X-RateLimit-Reset"]) <= 300


def test_each_reply_tells_what_is_left() -> None:
    caller = Caller()
    left = [int(caller.send("GET", POSITIONS).headers["X-RateLimit-Remaining"]) for _ in range(3)]
    assert left == [319, 318, 317]


def test_resources_and_users_have_their_own() -> None:
    caller = Caller()
    use(caller, 321)
    assert caller.send("GET", f"/v3/brokerage/accounts/{MARGIN}/orders").status == 200
    assert caller.beside(1).send("GET", "/v3/brokerage/accounts/SIM7654321M/positions").status == 200


def test_orders_and_history_share_one() -> None:
    caller = Caller()
    use(caller, 320, f"/v3/brokerage/accounts/{MARGIN}/orders")
    assert caller.send("GET", f"/v3/brokerage/accounts/{MARGIN}/historicalorders?since=2026-07-14").status == 429


def test_quotes_have_five_hundred() -> None:
    assert use(Caller(), 501, "/v3/marketdata/quotes/MSFT") == [200] * 500 + [429]


@pytest.mark.parametrize(("window", "after"), [("fixed", 320), ("rolling", 160)])
def test_window_is_fixed_or_rolls(window: str, after: int) -> None:
    caller = Caller(quota_window=window)
    use(caller, 160)
    caller.advance(PERIOD_MS - 1_000)
    assert use(caller, 161)[-1] == 429
    caller.advance(1_000)
    assert use(caller, 321).count(200) == after


def test_batch_can_count_each_of_its_accounts() -> None:
    caller = Caller(quota_counting="item")
    reply = caller.send("GET", f"/v3/brokerage/accounts/{MARGIN},{FUTURES}/positions")
    assert reply.headers["X-RateLimit-Remaining"] == "318"


def test_placing_has_no_quota_unless_the_switch_sets_one() -> None:
    assert "X-RateLimit-Limit" not in Caller().place(limit("BUY", "400.00")).headers
    caller = Caller(placement_quota="2")
    statuses = [caller.place(limit("BUY", "400.00")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert len(caller.control("state", method="GET")["orders"]) == 2


def test_headers_can_have_the_older_name() -> None:
    assert Caller(quota_header_prefix="Rate-Limit").send("GET", POSITIONS).headers["Rate-Limit-Limit"] == "320"


def test_quotas_can_be_off() -> None:
    assert set(use(Caller(quotas="off"), 330)) == {200}


def test_control_is_not_counted() -> None:
    caller = Caller()
    for _ in range(5):
        caller.control("state", method="GET")
    assert caller.send("GET", POSITIONS).headers["X-RateLimit-Remaining"] == "319"
