"""Columns, cells, filters, and how late the panels are."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.sandbox.tradelocker.caller import BTCUSD, EURUSD, START_MS, Caller

CONFIG_KEYS = [
    "customerAccess",
    "positionsConfig",
    "ordersConfig",
    "ordersHistoryConfig",
    "filledOrdersConfig",
    "accountDetailsConfig",
    "rateLimits",
    "limits",
]


def column_ids(caller: Caller, key: str) -> list[str]:
    return [column["id"] for column in caller.get("/config")[key]["columns"]]


def test_config_has_its_keys_in_order_and_the_published_column_counts() -> None:
    config = Caller().get("/config")

    assert list(config) == CONFIG_KEYS
    counts = {key: len(config[key]["columns"]) for key in CONFIG_KEYS[1:6]}
    assert list(counts.values()) == [11, 22, 22, 8, 26]
    assert len(config["rateLimits"]) == 18
    assert all(value is True for value in config["customerAccess"].values())


@pytest.mark.parametrize("order", ["shuffled", "reversed"])
def test_columns_in_another_order_still_name_every_cell(order: str) -> None:
    usual, other = Caller(), Caller({"column_order": order})

    for caller in (usual, other):
        caller.place(BTCUSD, qty="0.01", strategyId="mine")

    assert column_ids(usual, "ordersConfig") != column_ids(other, "ordersConfig")
    assert usual.rows("ordersHistory") == other.rows("ordersHistory")
    assert usual.rows("positions") == other.rows("positions")
    assert usual.rows("executions") == other.rows("executions")
    assert usual.state() == other.state()


def test_a_brokers_own_columns_stand_amid_the_known_ones() -> None:
    caller = Caller({"extra_columns": "some"})
    order_id = caller.place()

    assert column_ids(caller, "ordersHistoryConfig")[3:5] == ["commission", "pnl"]
    row = caller.row("ordersHistory", order_id)
    assert (row["commission"], row["qty"]) == ("0.00", "0.10")
    assert caller.state()["balance"] == 100000


@pytest.mark.parametrize(
    ("missing", "key", "column"),
    [
        ("history_strategy_id", "ordersHistoryConfig", "strategyId"),
        ("every_strategy_id", "positionsConfig", "strategyId"),
        ("brackets", "ordersConfig", "stopLoss"),
    ],
)
def test_columns_that_a_broker_leaves_out_are_in_neither_config_nor_rows(missing: str, key: str, column: str) -> None:
    caller = Caller({"missing_columns": missing})
    caller.place()

    assert column not in column_ids(caller, key)
    assert column in column_ids(Caller(), key)
    assert all(column not in row for row in caller.rows(key.removesuffix("Config")))


def test_executions_can_come_in_another_order() -> None:
    usual, other = Caller(), Caller({"executions_order": "ids_first"})
    order_ids = [caller.place() for caller in (usual, other)]

    assert column_ids(usual, "filledOrdersConfig")[:4] == ["id", "price", "side", "createdDate"]
    assert column_ids(other, "filledOrdersConfig")[:3] == ["id", "orderId", "positionId"]
    assert [caller.rows("executions")[0]["orderId"] for caller in (usual, other)] == order_ids


def test_executions_are_those_of_the_session() -> None:
    caller = Caller()
    caller.place()
    before = len(caller.rows("executions"))

    caller.clock.advance(12 * 3_600_000)
    caller.tokens = caller.log_in()
    caller.headers["Authorization"] = f"Bearer {caller.tokens['accessToken']}"

    assert (before, caller.rows("executions")) == (1, [])
    assert len(caller.rows("ordersHistory")) == 1


def test_every_cell_of_orders_and_positions_is_text_or_null() -> None:
    caller = Caller()
    caller.place(stopLoss=1.0, stopLossType="absolute")
    caller.place_limit("1.00000")

    cells = [
        cell
        for panel in ("orders", "ordersHistory", "positions")
        for row in caller.rows(panel)
        for cell in row.values()
    ]

    assert all(cell is None or isinstance(cell, str) for cell in cells)


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({"number_text": "plain"}, {"qty": "0.1", "filledQty": "0.1"}),
        ({"number_text": "one_decimal"}, {"qty": "0.1", "filledQty": "0.1"}),
        ({"number_text": "two_decimals"}, {"qty": "0.10", "filledQty": "0.10"}),
        ({"missing_strategy_id": "null"}, {"strategyId": None}),
        ({"missing_strategy_id": "empty"}, {"strategyId": ""}),
        ({"history_price": "null"}, {"price": None, "stopPrice": None}),
        ({"last_modified": "floor"}, {"lastModified": "1767886346000"}),
        ({"last_modified": "round"}, {"lastModified": "1767886347000"}),
        ({"last_modified": "exact"}, {"lastModified": str(START_MS)}),
        ({"status_spelling": "upper"}, {"status": "FILLED"}),
        ({"status_spelling": "lower"}, {"status": "filled"}),
    ],
)
def test_history_row_is_spelled_as_switched(switches: Mapping[str, object], expected: Mapping[str, object]) -> None:
    caller = Caller(switches)

    row = caller.row("ordersHistory", caller.place())

    assert {name: row[name] for name in expected} == expected


def test_cancelled_is_spelled_american_where_switched() -> None:
    caller = Caller({"status_spelling": "american"})
    order_id = caller.place_limit("1.00000")
    caller.call("DELETE", f"/orders/{order_id}")

    assert caller.row("ordersHistory", order_id)["status"] == "Canceled"


def test_history_honours_from_to_and_instrument() -> None:
    caller = Caller()
    first = caller.place()
    caller.clock.advance(1000)
    second = caller.place(BTCUSD, qty="0.01")

    def ids(query: str) -> list[str]:
        return [row["id"] for row in caller.rows("ordersHistory", query)]

    assert ids("") == [second, first]
    assert ids(f"?from={START_MS + 1}") == [second]
    assert ids(f"?to={START_MS}") == [first]
    assert ids(f"?from={START_MS}&to={START_MS + 1000}") == [second, first]
    assert ids(f"?tradableInstrumentId={EURUSD}&ref=py_c") == [first]
    assert caller.call("GET", "/accounts/{a}/ordersHistory?from=yesterday").json()["s"] == "error"


@pytest.mark.parametrize(("date", "found"), [("created", 0), ("modified", 1)])
def test_from_looks_at_the_date_that_is_switched(date: str, found: int) -> None:
    caller = Caller({"date_filter": date})
    order_id = caller.place_limit("1.00000")
    caller.clock.advance(60_000)
    caller.call("DELETE", f"/orders/{order_id}")

    assert len(caller.rows("ordersHistory", f"?from={START_MS + 1}")) == found


def test_history_that_is_cut_keeps_the_newest_and_says_so() -> None:
    caller = Caller({"history_rows": 2, "history_order": "oldest_first"})
    ids = [caller.place() for _ in range(3)]

    answer: dict[str, Any] = caller.get("/accounts/{a}/ordersHistory")

    assert answer["hasMore"] is True
    assert [row[0] for row in answer["ordersHistory"]] == ids[1:]
    assert caller.get(f"/accounts/{{a}}/ordersHistory?to={START_MS - 1}")["hasMore"] is False


def test_history_goes_back_as_far_as_switched() -> None:
    caller = Caller({"history_days": 1, "access_token_minutes": 10000})
    caller.place()

    caller.clock.advance(86_400_000)
    before = len(caller.rows("ordersHistory"))
    caller.clock.advance(1)

    assert (before, caller.rows("ordersHistory")) == (1, [])


def test_config_may_have_a_panel_of_the_brokers_own() -> None:
    assert "rewardsConfig" in Caller({"extra_panel": True}).get("/config")


def test_history_lag_leaves_an_order_in_neither_list_for_a_while() -> None:
    caller = Caller({"history_lag_ms": 1500})
    order_id = caller.place_limit("1.00000")
    caller.call("DELETE", f"/orders/{order_id}")

    at_once = caller.rows("orders") + caller.rows("ordersHistory")
    caller.clock.advance(1500)

    assert at_once == []
    assert [row["id"] for row in caller.rows("ordersHistory")] == [order_id]


def test_visibility_lag_shows_orders_positions_and_executions_as_they_were() -> None:
    caller = Caller({"visibility_lag_ms": 700})
    order_id = caller.place()
    panels = ("ordersHistory", "positions", "executions")

    caller.clock.advance(699)
    before = [caller.rows(panel) for panel in panels]
    caller.clock.advance(1)
    after = [len(caller.rows(panel)) for panel in panels]
    position = caller.position_of(order_id)
    caller.call("DELETE", f"/positions/{position['id']}", {"qty": "0.04"})
    lagging = caller.row("positions", position["id"])["qty"]
    caller.clock.advance(700)

    assert (before, after) == ([[], [], []], [1, 1, 1])
    assert (lagging, caller.row("positions", position["id"])["qty"]) == ("0.1", "0.06")


def test_trade_accounts_is_a_list_with_the_rules_of_this_account() -> None:
    (account,) = Caller(acc_num=3).get("/accounts")

    assert (account["id"], account["currency"]) == ("1182", "USD")
    assert account["tradingRules"]["supportPositionNetting"] is True
    assert account["riskRules"]["maxDailyLoss"] is None
