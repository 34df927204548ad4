"""The panel's function as it is deployed, where its processes and its accounts share something."""

import json

import pytest

from tests.inprocess.bridge import InProcessBridge
from tests.inprocess.client import Client
from tests.inprocess.gateway import event_of

STREAMS = (
    "/stream/quotes",
    "/streaming",
    *(f"/accounts/tl-hedging/stream/{what}" for what in ("state", "orders", "positions", "netPositions")),
    "/accounts/tl-hedging/stream/individualPositions",
)


@pytest.fixture
def client() -> Client:
    client = Client(InProcessBridge())
    client.log_in()
    return client


def test_second_account_of_a_login_waits_until_the_first_has_left_some_quota(client: Client) -> None:
    before_ms = client.bridge.clock.now_ms()

    replies = [client.ask("GET", f"/accounts/{name}/orders") for name in ("tl-hedging", "tl-netting")]

    assert [reply.content for reply in replies] == [{"s": "ok", "d": []}] * 2
    assert client.bridge.clock.now_ms() - before_ms < 10_000


def test_first_look_at_a_broker_that_is_down_is_told_within_seconds(client: Client) -> None:
    client.bridge.sims["tradelocker"].faults.add(
        {"match": {"path": "orders|positions"}, "fault": {"kind": "refuse_connection"}, "times": 50}
    )
    before_ms = client.bridge.clock.now_ms()

    reply = client.ask("GET", "/accounts/tl-hedging/orders")

    assert reply.errmsg == "The broker cannot be read just now. Try again in a moment."
    assert client.bridge.clock.now_ms() - before_ms < 10_000


@pytest.mark.parametrize("path", STREAMS)
def test_stream_is_refused_in_the_form_of_every_other_answer(client: Client, path: str) -> None:
    reply = client.ask("GET", path, strict=False)

    assert (reply.status, reply.content) == (200, {"s": "error", "errmsg": "There is no such operation."})
    assert reply.headers["Access-Control-Allow-Origin"] == "https://www.tradingview.com"


def test_change_that_gives_an_order_an_end_is_refused(client: Client) -> None:
    ticket = {"instrument": "BTCUSD", "qty": "0.1", "side": "buy", "type": "limit", "limitPrice": "76000"}
    own = "/accounts/tl-hedging/orders"
    order = client.ask("POST", own, {**ticket, "currentAsk": "77261.1", "currentBid": "77261.1"}).d["orderId"]

    reply = client.ask("PUT", f"{own}/{order}", {"qty": "0.1", "limitPrice": "76000", "durationDateTime": "1794400000"})

    assert reply.errmsg == "Orders that end at a given time are not offered here."


def test_body_that_is_not_what_its_mark_says_is_an_error_that_the_page_may_read(client: Client) -> None:
    headers = {"Origin": "https://de.tradingview.com"}
    event = event_of("POST", "/authorize", "", headers) | {"body": "%%%", "isBase64Encoded": True}

    answer = client.bridge.ask_panel(event, None)

    assert (answer["statusCode"], json.loads(answer["body"])["s"]) == (200, "error")
    assert answer["multiValueHeaders"]["Access-Control-Allow-Origin"] == ["https://de.tradingview.com"]
