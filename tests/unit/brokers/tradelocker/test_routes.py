"""Each of the 25 published routes: what goes out, and that its answer is understood."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from orderbridge.brokers.http import open_client
from orderbridge.brokers.login import Login
from orderbridge.brokers.port import Accepted, PlacedOrder
from orderbridge.brokers.tradelocker import auth
from orderbridge.brokers.tradelocker.adapter import TradeLocker
from orderbridge.brokers.tradelocker.routes import ROUTES
from orderbridge.commands import (
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    ModifyPosition,
    Place,
    Replace,
)
from orderbridge.model import Side
from orderbridge.secret import NO_SECRET, Secret
from tests.unit.brokers.kit import reply, soon
from tests.unit.brokers.tradelocker.fake import (
    BASE_URL,
    HOSTS,
    INFO,
    NOW_MS,
    ROWS,
    TRADE,
    Server,
    array,
    broker,
    filled_cells,
    ok,
    order_cells,
    position_cells,
)

DOCS = Path(__file__).parents[4] / "docs" / "tradelocker-routes.md"
ID = "0123456789abcdef0123456789abcdef"
PAIR = {"accessToken": "access", "refreshToken": "refresh", "expireDate": "2026-01-09T11:30:00Z"}
TAKEN = reply({"s": "ok"})


def _ask(name: str, answer: httpx.Response, call: Callable[[TradeLocker], Any]) -> tuple[Any, httpx.Request]:
    """Give what the adapter made of the answer, and the one request of that name."""
    server = Server({name: answer})
    result = call(broker(server, developer_api_key=Secret("tl-key")))
    (request,) = server.sent(name)
    if "/trade/" in name:
        assert request.headers["accnum"] == "1"
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["developer-api-key"] == "tl-key"
    return result, request


def _exchange(name: str, login: Callable[[auth.Exchange], Any]) -> tuple[Any, httpx.Request]:
    server = Server({name: reply(PAIR, 201)})
    result = login(auth.Exchange(open_client(httpx.MockTransport(server)), HOSTS, lambda: NOW_MS))
    return result, server.requests[0]


def _body(request: httpx.Request) -> Any:
    return json.loads(request.content, parse_float=Decimal)


# ---- /auth


def test_login_posts_credentials() -> None:
    login, request = _exchange("POST /auth/jwt/token", _log_in)

    assert login.access_token.reveal() == "access"
    assert _body(request) == {"email": "a@b.test", "password": "hunter2", "server": "X"}


def test_refresh_posts_the_refresh_token() -> None:
    login, request = _exchange("POST /auth/jwt/refresh", lambda at: auth.refresh(at, _held(), soon()))

    assert login.refresh_token.reveal() == "refresh"
    assert _body(request) == {"refreshToken": "old"}


def test_all_accounts_are_listed_without_an_account_header() -> None:
    entry = {"id": "1180", "name": "A#1180", "currency": "USD", "status": "ACTIVE", "accNum": "1"}

    accounts, request = _ask(
        "GET /auth/jwt/all-accounts", reply({"accounts": [entry]}), lambda account: account.accounts(soon())
    )

    assert [one.id for one in accounts] == ["1180"]
    assert "accnum" not in request.headers


# ---- reads


def test_config_is_read_for_the_columns() -> None:
    config = {"id": "ordersHistoryConfig", "columns": []}

    missing, _ = _ask("GET /trade/config", ok({"ordersHistoryConfig": config}), lambda one: one.missing_columns(soon()))

    assert "ordersHistory.strategyId" in missing


def test_account_rules_are_read() -> None:
    rules, _ = _ask(
        "GET /trade/accounts", ok([{"id": "1180", "tradingRules": {"a": 1}}]), lambda one: one.account_rules(soon())
    )

    assert [(one.account_id, one.trading) for one in rules] == [("1180", {"a": 1})]


def test_executions_are_read_since_a_time() -> None:
    cells = {"id": "1", "price": "2", "side": "buy", "qty": "3", "orderId": "4", "tradableInstrumentId": "206"}
    rows = [array("filledOrders", {**cells, "createdDate": str(moment), "id": str(moment)}) for moment in (999, 1_000)]

    found, _ = _ask(
        "GET /trade/accounts/1180/executions", ok({"executions": rows}), lambda one: one.executions(soon(), 1_000)
    )

    assert [(one.id, one.symbol, one.quantity) for one in found] == [("1000", "BTCUSD", Decimal(3))]


def test_instruments_are_listed_for_the_account() -> None:
    server = Server()

    found = broker(server).instrument("BTCUSD", soon())

    assert found.broker_ref == "206"
    assert len(server.sent("GET /trade/accounts/1180/instruments")) == 1


def test_working_orders_are_read() -> None:
    found, _ = _ask(
        "GET /trade/accounts/1180/orders",
        ok({"orders": [array("orders", order_cells())]}),
        lambda one: one.orders(soon(), 0),
    )

    assert [order.id for order in found] == ["7277816997907673698"]


def test_order_history_is_read_from_a_time() -> None:
    found, request = _ask(
        "GET /trade/accounts/1180/ordersHistory",
        ok({"ordersHistory": [array("ordersHistory", filled_cells())], "hasMore": False}),
        lambda one: one.order_history(soon(), 1767951990000, 1767952000000),
    )

    assert [order.id for order in found] == ["7277816997907785466"]
    assert int(request.url.params["from"]) < 1767951990000
    assert request.url.params["to"] == "1767952000000"


def test_positions_are_read() -> None:
    found, _ = _ask(
        "GET /trade/accounts/1180/positions",
        ok({"positions": [array("positions", position_cells())]}),
        lambda one: one.positions(soon()),
    )

    assert [(one.id, one.symbol) for one in found] == [("7277816997846858725", "BTCUSD")]


def test_state_is_read() -> None:
    found, _ = _ask(
        "GET /trade/accounts/1180/state",
        ok({"accountDetailsData": array("accountDetails", ROWS["state"])}),
        lambda one: one.state(soon()),
    )

    assert found.balance == Decimal("392084.93")


def test_instrument_details_are_read_with_a_route() -> None:
    server = Server()

    found = broker(server).instrument("BTCUSD", soon())

    (request,) = server.sent("GET /trade/instruments/206")
    assert request.url.params["routeId"] == TRADE
    assert found.units_per_quantity == 1


def test_session_is_read_by_the_id_in_the_details() -> None:
    found, _ = _ask("GET /trade/sessions/1547", ok({"id": 1547}), lambda one: one.session("BTCUSD", soon()))

    assert found.id == "1547"


def test_session_status_is_read_by_the_id_in_the_details() -> None:
    data = {"allowedOperations": [1, 1, 1], "allowedOrderTypes": [0, 1, 1, 1, 0, 1]}

    found, _ = _ask("GET /trade/sessionStatuses/20", ok(data), lambda one: one.session_status("BTCUSD", soon()))

    assert found.may_place


def test_daily_bar_is_read_of_the_prices_that_bars_are_made_from() -> None:
    bar = {"o": 1.5, "h": 2, "l": 1, "c": 1.75, "v": 10}

    found, request = _ask("GET /trade/dailyBar", ok(bar), lambda one: one.daily_bar("BTCUSD", soon()))

    assert found.close == Decimal("1.75")
    assert dict(request.url.params) == {"routeId": INFO, "tradableInstrumentId": "206", "barType": "BID"}


def test_depth_is_read_on_the_info_route() -> None:
    found, request = _ask(
        "GET /trade/depth", ok({"asks": [[2, 1]], "bids": []}), lambda one: one.depth("BTCUSD", soon())
    )

    assert found.asks == ((Decimal(2), Decimal(1)),)
    assert dict(request.url.params) == {"routeId": INFO, "tradableInstrumentId": "206"}


def test_quote_is_read_on_the_info_route() -> None:
    found, request = _ask("GET /trade/quotes", ok({"ap": 2.5, "bp": 2.25}), lambda one: one.quote("BTCUSD", soon()))

    assert (found.bid, found.ask) == (Decimal("2.25"), Decimal("2.5"))
    assert dict(request.url.params) == {"routeId": INFO, "tradableInstrumentId": "206"}


def test_bars_are_read_on_the_info_route() -> None:
    bar = {"t": 60_000, "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}

    found, request = _ask(
        "GET /trade/history", ok({"barDetails": [bar]}), lambda one: one.bars("BTCUSD", "60", 0, 120_000, soon())
    )

    assert [one.time_ms for one in found] == [60_000]
    assert dict(request.url.params) == {
        "routeId": INFO, "tradableInstrumentId": "206", "resolution": "1H", "from": "0", "to": "120000",
    }  # fmt: skip


# ---- writes


def test_order_is_placed_on_the_trade_route() -> None:
    command = Place("BTCUSD", Side.BUY, Decimal("0.10"), "open")

    outcome, request = _ask(
        "POST /trade/accounts/1180/orders", ok({"orderId": "7001"}), lambda one: one.send(command, ID, soon())
    )

    assert outcome == Accepted((PlacedOrder("7001", "order"),))
    assert _body(request)["routeId"] == int(TRADE)


def test_every_order_is_cancelled_for_one_instrument() -> None:
    outcome, request = _ask(
        "DELETE /trade/accounts/1180/orders", TAKEN, lambda one: one.send(CancelAll("BTCUSD"), ID, soon())
    )

    assert outcome == Accepted()
    assert dict(request.url.params) == {"tradableInstrumentId": "206"}


def test_every_position_is_closed_in_one_request() -> None:
    outcome, request = _ask(
        "DELETE /trade/accounts/1180/positions", TAKEN, lambda one: one.send(CloseAll(), ID, soon())
    )

    assert outcome == Accepted()
    assert dict(request.url.params) == {}


def test_order_is_cancelled() -> None:
    outcome, _ = _ask(
        "DELETE /trade/orders/7001", reply(None, 204), lambda one: one.send(Cancel("7001", "BTCUSD"), ID, soon())
    )

    assert outcome == Accepted((PlacedOrder("7001", "order"),))


def test_order_is_changed() -> None:
    changed = ok({"orders": [array("orders", ROWS["patch_order_response_row"])]})
    command = Replace("7001", "BTCUSD", limit_price=Decimal("89800.5"))

    outcome, request = _ask("PATCH /trade/orders/7001", changed, lambda one: one.send(command, ID, soon()))

    assert outcome == Accepted((PlacedOrder("7001", "order"),))
    assert _body(request) == {"price": Decimal("89800.5")}


def test_position_is_closed_with_its_quantity_in_the_body() -> None:
    command = ClosePosition("77", "BTCUSD", Side.BUY, Decimal("0.10"), Decimal("0.04"))

    outcome, request = _ask("DELETE /trade/positions/77", TAKEN, lambda one: one.send(command, ID, soon()))

    assert outcome == Accepted()
    assert (_body(request), dict(request.url.params)) == ({"qty": Decimal("0.04")}, {})


def test_position_is_changed() -> None:
    command = ModifyPosition("77", "BTCUSD", stop_loss=Decimal(76_000), remove_take_profit=True)

    outcome, request = _ask("PATCH /trade/positions/77", TAKEN, lambda one: one.send(command, ID, soon()))

    assert outcome == Accepted()
    assert _body(request) == {"stopLoss": 76_000, "takeProfit": None}


# ---- the table


def test_there_are_25_routes_and_the_docs_list_each_with_a_test_that_exists() -> None:
    rows = re.findall(r"^\| `(?:GET|POST|PATCH|DELETE) .*", DOCS.read_text(), re.MULTILINE)
    lines = [row.split("|") for row in rows]
    listed = {cells[1].strip().strip("`"): cells[-2].strip().strip("`") for cells in lines}

    assert len(ROUTES) == len({(route.method, route.path) for route in ROUTES}) == 25
    assert set(listed) == {f"{route.method} {route.path}" for route in ROUTES}
    tests = re.findall(r"^def (test_\w+)", Path(__file__).read_text(), re.MULTILINE)
    assert set(listed.values()) <= set(tests)
    assert len(set(listed.values())) == 25


@pytest.mark.parametrize("order_id", ["../positions/77", "7?x=1", "7/8"])
def test_id_in_a_path_cannot_lead_to_another_route(order_id: str) -> None:
    server = Server()

    broker(server).send(Cancel(order_id, "BTCUSD"), ID, soon())

    (request,) = server.requests[-1:]
    assert request.url.raw_path.count(b"/") == BASE_URL.count("/", 8) + 3
    assert b"?" not in request.url.raw_path


def _log_in(at: auth.Exchange) -> Any:
    return auth.log_in(
        at, environment="sim", base_url=BASE_URL, email="a@b.test", password=Secret("hunter2"), server="X",
        deadline=soon(),
    )  # fmt: skip


def _held() -> Login:
    return Login("tradelocker", "sim", BASE_URL, BASE_URL, Secret("old"), NO_SECRET, 0, 0)
