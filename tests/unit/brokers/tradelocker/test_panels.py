"""Positions, orders and history as the adapter reads them."""

from decimal import Decimal
from typing import Any

import httpx
import pytest

from orderbridge.brokers.tradelocker.panels import CONFIG_AGE_S, HISTORY_MARGIN_MS
from orderbridge.errors import BrokerUnavailableError, NotSupportedError, RateLimitedError, ReadRefusedError
from orderbridge.model import OrderStatus
from tests.unit.brokers.kit import reply, soon
from tests.unit.brokers.tradelocker.fake import (
    CONFIG,
    NOW_MS,
    Clock,
    Server,
    array,
    broker,
    error,
    filled_cells,
    ok,
    order_cells,
    position_cells,
)

ORDERS, HISTORY = "GET /trade/accounts/1180/orders", "GET /trade/accounts/1180/ordersHistory"
POSITIONS, INSTRUMENTS = "GET /trade/accounts/1180/positions", "GET /trade/accounts/1180/instruments"
CONFIG_ROUTE = "GET /trade/config"
SINCE = 1767951980000


def _orders(*cells: dict[str, object]) -> httpx.Response:
    return ok({"orders": [array("orders", one) for one in cells]})


def _history(*cells: dict[str, object], more: bool = False) -> httpx.Response:
    return ok({"ordersHistory": [array("ordersHistory", one) for one in cells], "hasMore": more})


def _positions(*cells: dict[str, object]) -> httpx.Response:
    return ok({"positions": [array("positions", one) for one in cells]})


def test_working_orders_are_read_before_the_history() -> None:
    server = Server({ORDERS: _orders(order_cells(id="5")), HISTORY: _history(filled_cells(id="6"))})

    found = broker(server).orders(soon(), SINCE)

    assert [order.id for order in found] == ["5", "6"]
    assert server.names.index(ORDERS) < server.names.index(HISTORY)


def test_order_that_moved_between_the_two_reads_is_final_and_given_once() -> None:
    server = Server(
        {ORDERS: _orders(order_cells(id="5")), HISTORY: _history(filled_cells(id="5", type="limit", validity="GTC"))}
    )

    (order,) = broker(server).orders(soon(), SINCE)

    assert order.status is OrderStatus.FILLED


def test_history_is_asked_with_a_margin_and_older_rows_are_left_out() -> None:
    old = filled_cells(id="4", createdDate=str(SINCE - 3_600_000), lastModified=str(SINCE - 3_600_000))
    ended_now = filled_cells(id="5", createdDate=str(SINCE - 3_600_000), lastModified=str(SINCE + 1_000))
    server = Server({HISTORY: _history(old, ended_now)})

    found = broker(server).orders(soon(), SINCE)

    assert [order.id for order in found] == ["5"]
    assert int(server.sent(HISTORY)[0].url.params["from"]) == SINCE - HISTORY_MARGIN_MS


def test_history_is_asked_from_the_oldest_order_that_was_working_before() -> None:
    # Filtered by creation, an order that ends now would otherwise be in neither list.
    created = SINCE - 30 * HISTORY_MARGIN_MS
    account = broker(server := Server({ORDERS: [_orders(order_cells(createdDate=str(created))), _orders()]}))

    account.orders(soon(), SINCE)
    account.orders(soon(), SINCE)

    assert int(server.sent(HISTORY)[1].url.params["from"]) == created


def test_cut_history_is_split_until_nothing_is_missing() -> None:
    rows = [
        filled_cells(id=str(100 + n), createdDate=str(SINCE + 1_000 * n), lastModified=str(SINCE + 1_000 * n))
        for n in range(12)
    ]

    def page(request: httpx.Request) -> httpx.Response:
        start, end = int(request.url.params["from"]), int(request.url.params.get("to", NOW_MS * 2))
        found = [one for one in rows if start <= int(str(one["createdDate"])) <= end]
        return _history(*found[-4:], more=len(found) > 4)

    found = broker(Server({HISTORY: page})).orders(soon(), SINCE)

    assert {order.id for order in found} == {str(100 + n) for n in range(12)}


def test_columns_changed_meanwhile_are_read_again_once() -> None:
    panel = CONFIG["d"]["positionsConfig"]
    columns = [{"id": "commission", "description": ""}, *panel["columns"]]
    changed = reply({"s": "ok", "d": {**CONFIG["d"], "positionsConfig": {**panel, "columns": columns}}})
    names = [column["id"] for column in columns]
    rows = ok({"positions": [array("positions", position_cells(), names)]})
    server = Server({CONFIG_ROUTE: [reply(CONFIG), changed], POSITIONS: rows})

    (position,) = broker(server).positions(soon())

    assert position.quantity == 10
    assert len(server.sent(CONFIG_ROUTE)) == 2


def test_rows_that_fit_no_config_are_unavailable() -> None:
    server = Server({POSITIONS: ok({"positions": [["1", "2"]]})})

    with pytest.raises(BrokerUnavailableError, match="columns"):
        broker(server).positions(soon())
    assert len(server.sent(CONFIG_ROUTE)) == 2


def test_config_is_kept_for_hours_and_then_read_again() -> None:
    clock = Clock()
    account = broker(server := Server(), clock=clock)

    account.positions(soon())
    clock.seconds += CONFIG_AGE_S - 1
    account.positions(soon())
    assert len(server.sent(CONFIG_ROUTE)) == 1
    clock.seconds += 2
    account.positions(soon())
    assert len(server.sent(CONFIG_ROUTE)) == 2


def test_published_limits_are_used_once_the_config_is_read() -> None:
    limits = [{"rateLimitType": "GET_POSITIONS", "measure": "SECONDS", "intervalNum": 1, "limit": 9}]
    spent: list[tuple[str, int]] = []

    class Budget:
        def spend(self, resource: str, limit: int, period_ms: int, deadline: Any) -> None:
            spent.append((resource, limit))

        def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
            raise AssertionError("nothing was refused")

    account = broker(
        Server({CONFIG_ROUTE: reply({"s": "ok", "d": {**CONFIG["d"], "rateLimits": limits}})}), budget=Budget()
    )
    account.positions(soon())
    account.positions(soon())

    assert spent == [("GET_POSITIONS", 1), ("X_CONFIG", 1), ("GET_POSITIONS", 9)]


def test_stop_and_target_are_linked_by_a_recent_read_of_the_positions() -> None:
    stop = order_cells(id="40", type="stop", price=None, stopPrice="95000", positionId=None)
    target = order_cells(id="41", price="85000", positionId=None)
    held = position_cells(id="77", side="sell", stopLossId="40", takeProfitId="41")
    account = broker(server := Server({ORDERS: _orders(stop, target), POSITIONS: _positions(held)}))

    account.positions(soon())
    found = account.orders(soon(), SINCE)

    assert [(order.parent_id, order.parent_type, order.effect) for order in found] == [("77", "position", "close")] * 2
    assert len(server.sent(POSITIONS)) == 1


def test_unexplained_working_order_has_the_positions_read_once() -> None:
    stop = order_cells(id="40", type="stop", price=None, stopPrice="95000")
    stranger = order_cells(id="50")
    held = position_cells(id="77", side="sell", stopLossId="40")
    clock = Clock()
    server = Server({ORDERS: _orders(stop, stranger), POSITIONS: _positions(held)})
    account = broker(server, clock=clock)

    first, _ = account.orders(soon(), SINCE)
    clock.seconds += 60
    account.orders(soon(), SINCE)

    assert first.parent_id == "77"
    assert len(server.sent(POSITIONS)) == 1


def test_nothing_that_could_be_a_leg_needs_no_read_of_the_positions() -> None:
    server = Server({HISTORY: _history(filled_cells())})

    broker(server).orders(soon(), SINCE)

    assert POSITIONS not in server.names


def test_instrument_missing_from_the_list_has_it_read_again_and_keeps_its_id_as_name() -> None:
    clock = Clock()
    server = Server({POSITIONS: _positions(position_cells(tradableInstrumentId="999"))})
    account = broker(server, clock=clock)

    (position,) = account.positions(soon())
    assert position.symbol == "#999"
    clock.seconds += 60
    account.positions(soon())
    assert len(server.sent(INSTRUMENTS)) == 2


def test_empty_account_needs_no_list_of_instruments() -> None:
    server = Server()

    assert broker(server).positions(soon()) == ()
    assert broker(server).orders(soon(), SINCE) == ()
    assert INSTRUMENTS not in server.names


def test_history_between_two_times_has_what_ended_there() -> None:
    inside = filled_cells(id="5", createdDate=str(SINCE - 60_000), lastModified=str(SINCE + 500))
    before = filled_cells(id="4", createdDate=str(SINCE - 60_000), lastModified=str(SINCE - 30_000))
    after = filled_cells(id="6", createdDate=str(SINCE + 500), lastModified=str(SINCE + 9_000))
    server = Server({HISTORY: _history(inside, before, after)})

    found = broker(server).order_history(soon(), SINCE, SINCE + 1_000)

    assert [order.id for order in found] == ["5"]


def test_history_counts_an_order_by_its_creation_where_the_last_change_is_cut_to_the_second() -> None:
    server = Server({HISTORY: _history(filled_cells(createdDate=str(SINCE + 600), lastModified=str(SINCE)))})

    assert len(broker(server).order_history(soon(), SINCE + 500, SINCE + 1_000)) == 1


def test_broker_without_an_executions_panel_does_not_support_them() -> None:
    config = {name: entry for name, entry in CONFIG["d"].items() if name != "filledOrdersConfig"}

    with pytest.raises(NotSupportedError):
        broker(Server({CONFIG_ROUTE: ok(config)})).executions(soon(), 0)


def test_refusal_inside_a_200_is_an_error_and_never_an_empty_account() -> None:
    with pytest.raises(ReadRefusedError, match="Account not found"):
        broker(Server({POSITIONS: error("Account not found!")})).positions(soon())
    with pytest.raises(RateLimitedError):
        broker(Server({POSITIONS: error("Too many requests")})).positions(soon())


@pytest.mark.parametrize(
    "answer", [reply({}), reply({"s": "ok"}), reply([]), ok({}), ok(None), ok({"positions": None})]
)
def test_reply_of_another_shape_is_an_error_and_never_an_empty_account(answer: httpx.Response) -> None:
    with pytest.raises(BrokerUnavailableError):
        broker(Server({POSITIONS: answer})).positions(soon())


def test_fill_of_a_stop_is_attributed_after_its_position_is_gone() -> None:
    stop = order_cells(id="40", type="stop", side="sell", price=None, stopPrice="80000")
    held = position_cells(id="77", stopLossId="40")
    hit = filled_cells(
        id="40", type="stop", validity="GTC", strategyId="", positionId="77", lastModified=str(SINCE + 1)
    )
    server = Server(
        {
            ORDERS: [_orders(stop), _orders()],
            POSITIONS: [_positions(held), _positions()],
            HISTORY: [_history(), _history(hit)],
        }
    )
    account = broker(server)

    account.positions(soon())
    account.orders(soon(), SINCE)
    account.positions(soon())
    (order,) = account.orders(soon(), SINCE)

    assert (order.status, order.parent_id, order.effect) == (OrderStatus.FILLED, "77", "close")
    assert order.filled_quantity == Decimal(10)
