"""CORS of the token endpoints: the asking origin echoed for TradingView's pages, on every status code."""

import pytest
from botocore.exceptions import EndpointConnectionError

from orderbridge.broker_api.cors import cors_headers, may_read, preflight_headers
from orderbridge.broker_api.gateway import Answer, read_request
from orderbridge.broker_api.login.routes import failed
from orderbridge.errors import StorageError
from tests.unit.broker_api.login.bench import Bench, event, panel_bench

TRADINGVIEW = "https://www.tradingview.com"
ROUTES = ["/oauth/token", "/authorize/token"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://www.tradingview.com",
        "https://de.tradingview.com",
        "https://tradingview.com",
        "https://a.b.tradingview.com",
    ],
)
def test_tradingviews_pages_may_read(origin: str) -> None:
    assert cors_headers(origin) == {"Vary": "Origin", "Access-Control-Allow-Origin": origin}


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "http://www.tradingview.com",
        "https://www.tradingview.com:8443",
        "https://www.tradingview.com/",
        "https://eviltradingview.com",
        "https://tradingview.com.evil.example",
        "https://evil.example/https://www.tradingview.com",
        "https://-.tradingview.com",
        "https://www.tradingview.com\n",
        "https://www.tradingview.com, https://evil.example",
        "https://WWW.TRADINGVIEW.COM",
    ],
)
def test_other_pages_may_not_read(origin: str) -> None:
    assert not may_read(origin)
    assert preflight_headers(origin) == {"Vary": "Origin"}


def test_origin_of_the_settings_may_read() -> None:
    assert may_read("http://localhost:6285", ("http://localhost:6285",))
    assert not may_read("http://localhost:6286", ("http://localhost:6285",))


@pytest.mark.parametrize("path", ROUTES)
def test_preflight_is_answered_with_a_max_age(bench: Bench, path: str) -> None:
    answer = bench.send("OPTIONS", path, headers={"Origin": TRADINGVIEW})

    assert (answer.status, answer.body) == (204, "")
    assert answer.headers["Access-Control-Allow-Origin"] == TRADINGVIEW
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    ("method", "form", "status"),
    [("POST", {}, 400), ("POST", {"grant_type": "x", "client_id": "y", "client_secret": "z"}, 400), ("GET", None, 405)],
)
def test_errors_carry_the_origin_too(
    bench: Bench, path: str, method: str, form: dict[str, str] | None, status: int
) -> None:
    answer = bench.send(method, path, form=form, headers={"Origin": TRADINGVIEW})

    assert answer.status in (status, 401)
    assert answer.headers["Access-Control-Allow-Origin"] == TRADINGVIEW
    assert answer.headers["Vary"] == "Origin"


def test_our_own_failure_carries_the_origin_too() -> None:
    request = read_request(event("POST", "/oauth/token", headers={"Origin": TRADINGVIEW}))

    answer = failed(request)

    assert answer.status == 503
    assert answer.headers["Access-Control-Allow-Origin"] == TRADINGVIEW


def test_failure_behind_a_page_is_a_page() -> None:
    answer = failed(read_request(event("GET", "/oauth/authorize")))

    assert answer.status == 503
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_settings_origins_reach_the_endpoints() -> None:
    with panel_bench(origins=("http://localhost:6285",)) as bench:
        answer = bench.send("OPTIONS", "/oauth/token", headers={"Origin": "http://localhost:6285"})

    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:6285"


def test_answer_becomes_the_gateways_result_with_both_cookies() -> None:
    event = Answer(302, "", {"Location": "/x"}, ("a=1", "b=2")).event()

    assert event["multiValueHeaders"] == {"Location": ["/x"], "Set-Cookie": ["a=1", "b=2"]}
    assert event["statusCode"] == 302


def test_table_out_of_reach_is_our_own_failure(bench: Bench) -> None:
    class Unreachable:
        def get_item(self, **_: object) -> None:
            raise EndpointConnectionError(endpoint_url="table")

    bench.panel.clients._client = Unreachable()

    with pytest.raises(StorageError):
        bench.send("GET", "/oauth/authorize", query="client_id=x")
