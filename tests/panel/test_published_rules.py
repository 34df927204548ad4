"""What TradingView's autotests of trading are known to check, and rules of its manual, at each kind of account."""

import re
from typing import Any

import pytest

from orderbridge.model import PositionMode
from tests.panel.conftest import MakePanel

# ---- configuration


def test_state_has_a_value_for_each_item_and_a_cell_for_each_column(make_panel: MakePanel) -> None:
    world = make_panel()

    config, state = world.ask("GET", "/config").d, world.get("state")

    assert len(state["accountSummaryRowData"]) == len(config["accountSummaryRow"])
    assert len(state["amData"]) == len(config["accountManager"])
    for table, rows in zip(config["accountManager"], state["amData"], strict=True):
        assert {len(row) for row in rows} == {len(table["columns"])}


def test_polling_is_as_slow_as_tradingview_allows(make_panel: MakePanel) -> None:
    interval = make_panel().ask("GET", "/config").d["pullingInterval"]

    assert interval == {"quotes": 1000, "orders": 1000, "positions": 1500, "accountManager": 1500, "balances": 1500}


def test_each_list_of_durations_has_one_default_and_types_that_the_account_has(make_panel: MakePanel) -> None:
    for account in make_panel().ask("GET", "/accounts").d:
        flags = account["config"]
        possible = {"limit", "stop"} | ({"market"} if flags["supportMarketOrders"] else set())
        possible |= {"stoplimit"} if flags["supportStopLimitOrders"] else set()
        assert [duration.get("default", False) for duration in account["durations"]].count(True) == 1
        assert all(set(duration["supportedOrderTypes"]) <= possible for duration in account["durations"])


def test_every_mapped_instrument_is_listed_and_every_name_has_its_exchange(make_panel: MakePanel) -> None:
    world = make_panel()

    mapping = world.ask("GET", "/mapping", token=None).content
    names = {one["name"] for one in world.get("instruments")}

    assert mapping["fields"] == ["brokerSymbol"]
    assert {row["f"][0] for row in mapping["symbols"]} <= names
    assert all(re.fullmatch(r"[^:\s]+:[^\s]+", row["s"]) for row in mapping["symbols"])


def test_quote_is_given_under_the_very_name_that_was_asked_for(make_panel: MakePanel) -> None:
    world = make_panel()
    symbols = f"{world.bench.symbol},NOSUCH"

    quotes = world.ask("GET", "/quotes", accountId=world.account.name, symbols=symbols).d

    assert [(one["n"], one["s"]) for one in quotes] == [(world.bench.symbol, "ok"), ("NOSUCH", "error")]
    assert quotes[0]["v"]["bid"] <= quotes[0]["v"]["ask"]


# ---- orders


@pytest.mark.parametrize("kind", ["market", "limit", "stop", "stoplimit"])
def test_prices_stand_only_on_orders_of_their_type(make_panel: MakePanel, kind: str) -> None:
    world = make_panel()
    price, distance = world.bench.price, world.bench.distance
    by_kind: dict[str, dict[str, Any]] = {
        "market": {},
        "limit": {"limitPrice": price - distance, "stopPrice": 0},
        "stop": {"stopPrice": price + distance, "limitPrice": 0},
        "stoplimit": {"stopPrice": price + distance, "limitPrice": price + 2 * distance},
    }

    placed = world.place("buy", kind=kind, **by_kind[kind])

    if not world.ask("GET", "/accounts").d[0]["config"]["supportStopLimitOrders"] and kind == "stoplimit":
        assert placed.errmsg == "This broker has no stoplimit orders."
        return
    order = world.orders()[placed.d["orderId"]]
    assert order["type"] == kind
    assert ("limitPrice" in order) is (kind in ("limit", "stoplimit"))
    assert ("stopPrice" in order) is (kind in ("stop", "stoplimit"))
    assert "trailingStopPips" not in order


def test_one_bracket_filled_cancels_the_other(make_panel: MakePanel) -> None:
    world = make_panel()
    price, distance = world.bench.price, world.bench.distance
    world.place("buy", stopLoss=price - distance, takeProfit=price + distance)
    world.settle()
    legs = {o["type"]: o["id"] for o in world.orders().values() if "parentId" in o}

    world.bench.set_price(price + distance + distance / 10)
    world.settle(6)

    orders = world.orders()
    assert (orders[legs["limit"]]["status"], orders[legs["stop"]]["status"]) == ("filled", "cancelled")
    assert world.held() == 0
    assert world.positions() == []


def test_parent_filled_in_part_works_on_and_its_filled_part_is_protected(make_panel: MakePanel) -> None:
    world = make_panel()
    price, distance, half = world.bench.price, world.bench.distance, world.bench.unit / 2
    world.bench.fill_at_most(half)

    placed = world.place(
        "buy", kind="limit", limitPrice=price + distance / 4, stopLoss=price - distance, takeProfit=price + distance
    )
    world.settle(10)

    order = world.orders()[placed.d["orderId"]]
    assert (order["status"], order["filledQty"]) == ("working", float(half))
    assert world.held() == half
    assert world.protection().stopped_quantity == half
    assert world.positions()[0]["qty"] == float(half)


def test_trailing_stop_is_given_in_pips_and_only_where_the_broker_has_it(make_panel: MakePanel) -> None:
    world = make_panel()
    has_it = world.ask("GET", "/accounts").d[0]["config"]["supportTrailingStop"]

    placed = world.place("buy", trailingStopPips=200)
    world.settle()

    if not has_it:
        assert "trailing" in placed.errmsg
        return
    (leg,) = [o for o in world.orders().values() if o.get("isTrailingStop")]
    assert (leg["trailingStopPips"], leg["type"], leg["parentType"]) == (200, "stop", "position")
    assert [o["id"] for o in world.orders().values() if "trailingStopPips" in o] == [leg["id"]]


def test_final_orders_stay_listed_and_the_history_has_only_earlier_ones(make_panel: MakePanel) -> None:
    world = make_panel()
    order_id = world.place().d["orderId"]
    world.settle()
    world.bench.advance(20 * 3_600_000)
    kept = world.orders()
    world.bench.advance(8 * 3_600_000)
    world.settle()

    assert kept[order_id]["status"] == "filled"
    listed = world.orders()
    past = {order["id"]: order for order in world.get("ordersHistory")}
    assert order_id not in listed
    assert past[order_id]["status"] == "filled"
    assert not set(listed) & set(past)
    assert len(world.get("ordersHistory", maxCount=0)) == 0


def test_two_browsers_of_one_user_see_the_same(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place()
    other = world.new_api()

    assert world.ask("GET", world.own("orders"), api=other).d == world.get("orders")


def test_profit_of_a_position_is_the_brokers_and_the_flags_say_so(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place()
    world.settle()
    world.bench.set_price(world.bench.price + world.bench.distance / 5)
    world.settle()

    flags = world.ask("GET", "/accounts").d[0]["config"]
    (position,), state = world.positions(), world.get("state")

    assert flags["supportPLUpdate"] is True
    assert position["unrealizedPl"] > 0
    assert state["unrealizedPl"] == pytest.approx(position["unrealizedPl"], abs=0.01)
    if world.account.kind != "Margin":  # TradeStation's cash is what is left after buying shares
        assert state["equity"] == pytest.approx(state["balance"] + state["unrealizedPl"], abs=0.01)


def test_flag_of_what_the_broker_cannot_do_is_off_and_its_operation_says_so(make_panel: MakePanel) -> None:
    world = make_panel()
    (account,) = world.ask("GET", "/accounts").d
    flags, ticket = account["config"], world.ticket()
    form = {"instrument": world.bench.symbol, "side": "buy", "orderType": "market", "leverage": 5}
    by_flag = {
        "supportBalances": world.ask("GET", world.own("balances")),
        "supportLeverage": world.ask("POST", world.own("getLeverage"), form),
        "supportPlaceOrderPreview": world.ask("POST", world.own("previewOrder"), ticket),
        "supportCustomOrderInfo": world.ask("POST", world.own("orderInfo"), ticket),
        "supportLevel2Data": world.ask("GET", "/depth", accountId=account["id"], symbol=world.bench.symbol),
        "supportPositionNetting": world.ask("GET", world.own("netPositions")),
    }

    for flag, reply in by_flag.items():
        if flag == "supportPositionNetting":  # served besides, where there is anything to net
            assert reply.ok is (world.account.position_mode is PositionMode.HEDGING)
        else:
            assert reply.ok is flags[flag], (flag, reply.content)
    assert world.held() == 0
    assert world.working() == []
