"""The adapter asks the right paths, pages to the end, and sends each command once."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from orderbridge.brokers.port import Accepted, Broker, Evidence, Look, PlacedOrder, Refused, Unknown
from orderbridge.brokers.tradestation.adapter import TradeStation
from orderbridge.commands import (
    Bracket,
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.errors import BrokerUnavailableError, NotSupportedError, ReadRefusedError, UnknownSymbolError
from orderbridge.model import Duration, OrderType, Side
from tests.unit.brokers.kit import Script, connection, reply, soon
from tests.unit.brokers.tradestation.bodies import body
from tests.unit.brokers.tradestation.test_parse import order_row

D = Decimal
ID = "0123456789abcdef0123456789abcdef"
NOW = 1_772_463_600_000  # 2026-03-02 15:00 UTC, in the middle of a session
HOUR = 3_600_000
ENTRY = Place("MSFT", Side.BUY, D(10), "open")


def plain(name: str) -> Any:
    return json.loads(json.dumps(body(name), default=str))


def broker(script: Callable[[httpx.Request], httpx.Response], kind: str = "Margin", now: int = NOW) -> TradeStation:
    return TradeStation(connection(script), "SIM1000001M", kind, now_ms=lambda: now)


def test_adapter_is_a_broker() -> None:
    port: Broker = broker(Script([reply({})]))
    assert port.capabilities.broker == "tradestation"


# ---- reads


@pytest.mark.parametrize(
    ("call", "name", "path"),
    [
        (lambda b: b.accounts(soon()), "accounts", "GET /v3/brokerage/accounts"),
        (lambda b: b.state(soon()), "balances_margin", "GET /v3/brokerage/accounts/SIM1000001M/balances"),
        (lambda b: b.positions(soon()), "positions", "GET /v3/brokerage/accounts/SIM1000001M/positions"),
        (
            lambda b: b.orders(soon(), NOW - 1),
            "orders",
            "GET /v3/brokerage/accounts/SIM1000001M/orders?pageSize=600",
        ),
        (lambda b: b.instrument("@TY", soon()), "symbols", "GET /v3/marketdata/symbols/@TY"),
        (
            lambda b: b.instrument("TLT 260409P90", soon()),
            "symbols",
            "GET /v3/marketdata/symbols/TLT%20260409P90",
        ),
        (lambda b: b.quote("MSFT", soon()), "quotes", "GET /v3/marketdata/quotes/MSFT"),
        (lambda b: b.routes(soon()), "routes", "GET /v3/orderexecution/routes"),
        (lambda b: b.activation_triggers(soon()), "activationtriggers", "GET /v3/orderexecution/activationtriggers"),
    ],
)
def test_read_asks_its_path_and_gives_something(call: Callable[[TradeStation], Any], name: str, path: str) -> None:
    script = Script([reply(plain(name))])
    assert call(broker(script))
    assert script.paths == [path]


def test_orders_are_read_page_by_page_to_the_end() -> None:
    pages = [
        reply({"Orders": [order_row(OrderID="1"), order_row(OrderID="2")], "NextToken": "t/1="}),
        reply({"Orders": [order_row(OrderID="2"), order_row(OrderID="3")], "NextToken": None}),
    ]
    script = Script([*pages])
    assert [order.id for order in broker(script).orders(soon(), NOW - 1)] == ["1", "2", "3"]
    assert script.paths[1].endswith("/orders?pageSize=600&nextToken=t%2F1%3D")


def test_orders_whose_later_page_fails_are_not_given_in_part() -> None:
    script = Script([reply({"Orders": [order_row()], "NextToken": "t"}), reply({}, 503)])
    with pytest.raises(BrokerUnavailableError):
        broker(script).orders(soon(), NOW - 1)


def test_orders_that_never_end_are_given_up() -> None:
    with pytest.raises(BrokerUnavailableError, match="pages"):
        broker(Script([reply({"Orders": [], "NextToken": "again"})])).orders(soon(), NOW - 1)


def test_error_beside_the_orders_is_no_empty_list() -> None:
    given = {"Orders": [], "Errors": [{"AccountID": "SIM1000001M", "Error": "Forbidden", "Message": "no"}]}
    with pytest.raises(ReadRefusedError):
        broker(Script([reply(given)])).orders(soon(), NOW - 1)


def test_order_history_asks_for_the_day_and_gives_only_the_span() -> None:
    script = Script([reply(plain("historicalorders"))])
    ends = 1_769_194_758_000  # 2026-01-23 18:59:18 UTC
    found = broker(script).order_history(soon(), ends - 1_000, ends)
    assert [order.id for order in found] == ["800000001"]
    assert parse_qs(script.paths[0].partition("?")[2])["since"] == ["2026-01-22"]


def test_order_history_does_not_ask_further_back_than_tradestation_keeps() -> None:
    script = Script([reply({"Orders": []})])
    broker(script).order_history(soon(), 0, NOW)
    assert parse_qs(script.paths[0].partition("?")[2])["since"] == ["2025-12-03"]


def test_executions_are_not_listed() -> None:
    with pytest.raises(NotSupportedError):
        broker(Script([reply({})])).executions(soon(), 0)


@pytest.mark.parametrize("answer", [reply({"Error": "NotFound"}, 404), reply({"Message": "INVALID SYMBOL"}, 400)])
def test_symbol_refused_by_status_is_unknown(answer: httpx.Response) -> None:
    with pytest.raises(UnknownSymbolError):
        broker(Script([answer])).instrument("NOPE", soon())


def test_bars_ask_for_the_span_up_to_the_last_bars_end() -> None:
    script = Script([reply(plain("bars_minute"))])
    opens = 1_774_445_400_000  # 2026-03-25 13:30 UTC
    bars = broker(script).bars("MSFT", "5", opens, opens, soon())
    assert [bar.time_ms for bar in bars] == [opens]
    assert parse_qs(script.paths[0].partition("?")[2]) == {
        "unit": ["Minute"],
        "interval": ["5"],
        "firstdate": ["2026-03-25T13:30:00Z"],
        "lastdate": ["2026-03-25T13:35:00Z"],
    }


def test_minute_bars_ask_for_no_more_than_tradestation_gives() -> None:
    script = Script([reply({"Bars": []})])
    broker(script).bars("MSFT", "1", 0, NOW, soon())
    assert parse_qs(script.paths[0].partition("?")[2])["firstdate"] == ["2026-01-21T15:00:00Z"]


# ---- the preview


def test_preview_gives_the_costs_of_an_order_or_a_group() -> None:
    script = Script([reply(plain("confirmations"))])
    stock, future = broker(script).preview(ENTRY, ID, soon())
    assert (stock.confirm_id, stock.estimated_cost, stock.currency) == ("q+aE/m+IrUX886i9/51TaH", D("4128.70"), "USD")
    assert future.initial_margin == "2,310.00 USD"
    broker(script).preview(PlaceGroup("oco", (ENTRY, ENTRY)), ID, soon())
    assert script.paths == ["POST /v3/orderexecution/orderconfirm", "POST /v3/orderexecution/ordergroupconfirm"]
    assert broker(Script([reply([plain("confirmations")])])).preview(ENTRY, ID, soon()) == (stock, future)


def test_preview_that_is_refused_says_why() -> None:
    with pytest.raises(ReadRefusedError, match="Missing order symbol"):
        broker(Script([reply({"Message": "Missing order symbol."}, 400)])).preview(ENTRY, ID, soon())
    with pytest.raises(BrokerUnavailableError):
        broker(Script([reply({"Confirmations": []})])).preview(ENTRY, ID, soon())


# ---- writes

STOP = Place("MSFT", Side.SELL, D(10), "close", OrderType.STOP, stop_price=D(405), duration=Duration.GTC)
SENT_ONE = {"Orders": [{"OrderID": "5", "Message": "Sent order: Buy 10 MSFT @ Market"}]}
CHANGED = {"OrderID": "5", "Message": "sent"}


@pytest.mark.parametrize(
    ("command", "answer", "path", "keys"),
    [
        (ENTRY, SENT_ONE, "POST /v3/orderexecution/orders", {"Symbol", "OrderConfirmID", "TradeAction"}),
        (PlaceGroup("oco", (STOP, STOP)), SENT_ONE, "POST /v3/orderexecution/ordergroups", {"Type", "Orders"}),
        (Replace("5", "MSFT", limit_price=D(3)), CHANGED, "PUT /v3/orderexecution/orders/5", {"LimitPrice"}),
        (Cancel("5", "MSFT"), CHANGED, "DELETE /v3/orderexecution/orders/5", set()),
    ],
)
def test_command_is_one_request(command: Command, answer: Any, path: str, keys: set[str]) -> None:
    script = Script([reply(answer)])
    outcome = broker(script).send(command, ID, soon())
    assert isinstance(outcome, Accepted)
    assert outcome.orders[0].order_id == "5"
    assert script.paths == [path]
    assert keys <= set(script.sent[0] or {})


def test_command_after_a_401_is_repeated_word_for_word() -> None:
    script = Script([reply({"Error": "Unauthorized"}, 401), reply(SENT_ONE)])
    assert broker(script).send(ENTRY, ID, soon()) == Accepted(
        (PlacedOrder("5", "order"),), "Sent order: Buy 10 MSFT @ Market"
    )
    assert script.sent[0] == script.sent[1]


def test_command_whose_reply_is_lost_is_sent_once_and_unknown() -> None:
    script = Script([httpx.ReadTimeout("slow")])
    assert isinstance(broker(script).send(ENTRY, ID, soon()), Unknown)
    assert len(script.requests) == 1


def test_replace_of_nothing_is_refused_without_a_request() -> None:
    script = Script([reply(CHANGED)])
    assert broker(script).send(Replace("5", "MSFT"), ID, soon()) == Refused("invalid", "the replace changes nothing")
    assert script.requests == []


@pytest.mark.parametrize(
    "command",
    [
        ClosePosition("MSFT", "MSFT", Side.BUY, D(10)),
        CancelAll(),
        CloseAll(),
        ModifyPosition("MSFT", "MSFT", stop_loss=D(1)),
    ],
)
def test_command_outside_the_capabilities_is_a_defect_of_the_caller(command: Command) -> None:
    script = Script([reply({})])
    with pytest.raises(TypeError):
        broker(script).send(command, ID, soon())
    with pytest.raises(TypeError):
        broker(script).resolve(command, ID, Evidence(0), Look((), (), 0))
    assert script.requests == []


@pytest.mark.parametrize(
    "command",
    [
        Replace("5", "MSFT", bracket=Bracket(stop_loss=D(1))),
        Replace("5", "MSFT", remove_stop_loss=True),
        Replace("5", "MSFT", remove_take_profit=True),
    ],
)
def test_protective_prices_are_not_replaced_within_the_entry(command: Replace) -> None:
    with pytest.raises(TypeError):
        broker(Script([reply({})])).send(command, ID, soon())


def test_futures_account_has_its_own_durations_and_nothing_crosses_zero() -> None:
    equities = broker(Script([reply({})])).capabilities
    futures = broker(Script([reply({})]), kind="Futures").capabilities
    assert equities.durations == frozenset(Duration)
    assert futures.durations == {Duration.DAY, Duration.GTC, Duration.IOC, Duration.FOK}
    assert [equities.crosses_zero, futures.crosses_zero] == [False, False]
