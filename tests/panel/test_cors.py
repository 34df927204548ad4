"""Every answer may be read by TradingView's pages and by the ones that the settings add, and by no other."""

import pytest

from orderbridge.broker_api.gateway import Request
from tests.panel.schema import operations
from tests.panel.world import PanelWorld

GOOD = ["https://www.tradingview.com", "https://de.tradingview.com", "https://tradingview.com"]
BAD = [
    "",
    "null",
    "http://www.tradingview.com",
    "https://tradingview.com.evil.example",
    "https://eviltradingview.com",
    "https://www.tradingview.com:8443",
    "https://a.b..tradingview.com",
    "https://www.tradingview.com\n",
]


@pytest.mark.parametrize("origin", GOOD)
@pytest.mark.parametrize("token", ["good", "bad"])
def test_origin_of_tradingview_is_echoed_whatever_the_status(
    tradelocker: PanelWorld, origin: str, token: str
) -> None:
    given = {} if token == "good" else {"token": None}
    for method, path in (("GET", "/config"), ("GET", "/accounts/x/orders"), ("GET", "/mapping"), ("GET", "/nothing")):
        reply = tradelocker.ask(method, path, origin=origin, strict=False, **given)
        assert reply.headers["Access-Control-Allow-Origin"] == origin
        assert reply.headers["Vary"] == "Origin"


def test_origin_is_echoed_when_the_bridge_itself_fails(tradelocker: PanelWorld) -> None:
    request = Request("GET", "/config", headers={"origin": GOOD[0]})

    answer = tradelocker.api.failed(request)

    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == GOOD[0]
    assert "Access-Control-Allow-Origin" not in tradelocker.api.failed(Request("GET", "/config")).headers


@pytest.mark.parametrize("origin", BAD)
def test_other_origin_gets_no_leave(tradelocker: PanelWorld, origin: str) -> None:
    reply = tradelocker.ask("GET", "/config", origin=origin)
    preflight = tradelocker.ask("OPTIONS", "/config", origin=origin)

    assert "Access-Control-Allow-Origin" not in reply.headers
    assert "Access-Control-Allow-Origin" not in preflight.headers


@pytest.mark.parametrize("name", sorted(operations()))
def test_preflight_allows_what_tradingview_sends_and_lasts(tradelocker: PanelWorld, name: str) -> None:
    _, path = operations()[name]

    reply = tradelocker.ask("OPTIONS", path, token=None)

    assert reply.status == 204
    assert reply.headers["Access-Control-Allow-Origin"] == "https://www.tradingview.com"
    assert {"GET", "POST", "PUT", "DELETE"} <= set(reply.headers["Access-Control-Allow-Methods"].split(", "))
    assert reply.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert int(reply.headers["Access-Control-Max-Age"]) >= 600


def test_origin_of_the_settings_is_echoed(tradelocker: PanelWorld) -> None:
    api = tradelocker.new_api(("https://www.xstaging.tv",))

    reply = tradelocker.ask("GET", "/config", origin="https://www.xstaging.tv", api=api)

    assert reply.headers["Access-Control-Allow-Origin"] == "https://www.xstaging.tv"
