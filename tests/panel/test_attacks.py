"""Requests that are forged or make no sense (accounts of others: test_strangers; logging in: tests/unit/broker_api)."""

from typing import Any

import pytest

from tests.panel.conftest import PANEL_BENCHES
from tests.panel.schema import operations
from tests.panel.world import PanelWorld


@pytest.fixture(params=["tradelocker", "tradestation"])
def world(request: pytest.FixtureRequest) -> PanelWorld:
    world = PanelWorld(PANEL_BENCHES[request.param]())
    world.place()
    return world


@pytest.mark.parametrize("token", [None, "", "not a token", "eyJhbGciOiJub25lIn0.e30."])
def test_operation_without_a_good_token_is_401_with_the_error_body_and_does_nothing(
    world: PanelWorld, token: str | None
) -> None:
    writes = world.bench.writes()
    for name, (method, path) in sorted(operations().items()):
        if name in ("authorize", "getMapping"):
            continue
        form = world.ticket() if method != "GET" else None

        reply = world.ask(method, path.replace("{accountId}", world.account.name), form, token=token)

        assert (reply.status, reply.content["s"]) == (401, "error"), name
        assert reply.headers["Access-Control-Allow-Origin"] == "https://www.tradingview.com"
    assert world.bench.writes() == writes


@pytest.mark.parametrize(
    "body",
    [
        b"instrument=X&instrument=Y&qty=1&side=buy&type=market&currentAsk=1&currentBid=1",
        b"qty=1&qty=2",
        b"qty=NaN",
        b"qty=Infinity",
        b"qty=-1",
        b"qty=0",
        b"qty=1e999999999",
        b"qty=1_0",
        b"qty=%D9%A1",
        b"qty=" + b"9" * 5000,
        b"side=BUY",
        b"type=market%00",
        b"\xff\xfe=1",
        b"a=1&" * 2000,
        b"x" * 1_000_000,
        b'{"qty": 1}',
        b"",
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_order_form_that_makes_no_sense_is_an_error_and_places_nothing(world: PanelWorld, body: bytes) -> None:
    good = b"instrument=%s&qty=1&side=buy&type=market&currentAsk=1&currentBid=1" % world.bench.symbol.encode()
    writes = world.bench.writes()
    mixed = good.replace(b"qty=1&", b"") + b"&" + body if body.startswith(b"qty") else body

    reply = world.ask("POST", world.own("orders"), body=mixed)
    world.settle()

    assert reply.status == 200
    assert reply.errmsg
    assert world.bench.writes() == writes


@pytest.mark.parametrize("value", ["a\nb", "\x00", "\x1b[31m", "é" * 300, "../../../etc/passwd", "<script>"])
def test_strange_text_in_query_and_path_is_an_error(world: PanelWorld, value: str) -> None:
    assert world.ask("GET", "/quotes", accountId=world.account.name, symbols=value).status == 200
    assert world.ask("GET", world.own("executions"), instrument=value).status == 200
    reply = world.ask("DELETE", world.own("orders/" + value.replace("/", "%2F")))
    assert reply.errmsg in ("There is no such order.", "There is nothing of this id.")


@pytest.mark.parametrize("locale", ["", "xx", "en\x00", "zh_CN", "fa_IR", "e" * 10_000])
def test_locale_that_is_not_known_is_english(world: PanelWorld, locale: str) -> None:
    assert world.ask("GET", "/config", locale=locale).d == world.ask("GET", "/config").d


def test_body_that_is_no_form_is_an_error(world: PanelWorld) -> None:
    reply = world.ask("POST", world.own("orders"), body=b'{"qty":1}')

    assert reply.errmsg


def test_get_with_a_body_is_read_as_if_it_had_none(world: PanelWorld) -> None:
    assert world.ask("GET", world.own("orders"), body=b"a=1").ok


def test_operation_that_does_not_exist_is_an_error_with_cors(world: PanelWorld) -> None:
    for method, path in (("GET", "/"), ("PATCH", "/orders"), ("GET", "/accounts//orders"), ("POST", "/accounts")):
        reply = world.ask(method, path, strict=False)
        assert (reply.status, reply.content["s"]) == (200, "error")


def test_number_too_many_digits_long_is_refused_not_rounded(world: PanelWorld) -> None:
    many: Any = "1.0000000000000000000000001"

    assert world.ask("POST", world.own("orders"), {**world.ticket(), "qty": many}).errmsg


def test_markup_in_an_error_is_text_in_json(world: PanelWorld) -> None:
    reply = world.ask("POST", world.own("orders"), {**world.ticket(), "instrument": "<b>x</b>"})

    assert reply.errmsg == "The broker has no <b>x</b>."
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
