"""What TradingView's own autotests are known to check, and the rules of its manual, at each kind of account."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from orderbridge.broker_api.login.model import ServerClient
from tests.panel.conftest import MakePanel
from tests.panel.world import PanelWorld

SERVER = "token-of-a-data-server"


def data_server(world: PanelWorld) -> None:
    """Let TradingView's data server in."""
    client = ServerClient("data", (), "user", "https://app", "https://token", "urn:x", (), account=world.account.name)
    world.guard.servers[SERVER] = client


def history(world: PanelWorld, query: Mapping[str, Any], resolution: str = "1") -> Any:
    reply = world.ask("GET", "/history", token=SERVER, symbol=world.bench.symbol, resolution=resolution, **query)
    assert reply.ok, reply.content
    return reply.content


def minute(world: PanelWorld) -> int:
    """Give the last whole minute that is over, in Unix seconds."""
    now_s = world.clock.now_ms() // 1000
    return now_s - now_s % 60 - 60


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


# ---- data


def test_groups_have_one_prefix_and_lower_case_ids(make_panel: MakePanel) -> None:
    world = make_panel()
    data_server(world)

    groups = [one["id"] for one in world.ask("GET", "/groups", token=SERVER).d["groups"]]

    assert groups == world.ask("GET", "/permissions").d["groups"]
    assert all(re.fullmatch(r"[a-z_]+", group) and group.startswith("orderbridge_") for group in groups)


def test_symbol_info_has_columns_of_one_length_in_the_published_forms(make_panel: MakePanel) -> None:
    world = make_panel()
    data_server(world)

    info = world.ask("GET", "/symbol_info", token=SERVER).content
    rows = len(info["symbol"])

    assert {len(column) for name, column in info.items() if name != "s"} == {rows}
    assert all(name == name.upper() for name in (*info["exchange-listed"], *info["exchange-traded"]))
    assert all(isinstance(one, int) and re.fullmatch(r"10*", str(one)) for one in info["pricescale"])
    assert all(isinstance(one, int) and one > 0 for one in info["minmovement"])
    assert all("," not in ticker for ticker in info["ticker"])
    assert all(re.fullmatch(r"24x7|\d{4}-\d{4}(:\d+)?(\|.*)?", one) for one in info["session-regular"])
    assert world.ask("GET", "/symbol_info", token=SERVER, group="no_such_group").errmsg


@pytest.mark.parametrize("path", ["/groups", "/symbol_info", "/history", "/permissions"])
@pytest.mark.parametrize("token", [None, "", "dead", "x" * 5000])
def test_data_without_a_good_token_are_401(tradelocker: PanelWorld, path: str, token: str | None) -> None:
    assert tradelocker.ask("GET", path, token=token).status == 401


def test_history_from_equal_to_is_one_bar(make_panel: MakePanel) -> None:
    world = make_panel()
    data_server(world)
    at = minute(world) - 600

    assert history(world, {"from": at, "to": at})["t"] == [at]


def test_history_bounds_are_included_and_short_queries_add_up(make_panel: MakePanel) -> None:
    world = make_panel()
    data_server(world)
    end = minute(world) - 600
    whole = history(world, {"from": end - 49 * 60, "to": end})

    parts: list[int] = []
    for start in range(end - 49 * 60, end + 1, 10 * 60):
        parts += history(world, {"from": start, "to": min(start + 9 * 60, end)})["t"]

    assert len(whole["t"]) == 50
    assert (whole["t"][0], whole["t"][-1]) == (end - 49 * 60, end)
    assert parts == whole["t"]


def test_history_into_the_future_has_no_bar_that_is_not_over(make_panel: MakePanel) -> None:
    world = make_panel()
    data_server(world)
    now_s = world.clock.now_ms() // 1000

    bars = history(world, {"from": now_s - 600, "to": now_s + 86_400})

    assert bars["t"]
    assert bars["t"] == sorted(set(bars["t"]))
    assert bars["t"][-1] + 60 <= now_s


def test_later_history_begins_with_the_earlier_one(make_panel: MakePanel) -> None:
    world = make_panel()
    data_server(world)
    start = minute(world) - 600
    earlier = history(world, {"from": start, "to": start + 86_400})
    again = history(world, {"from": start, "to": start + 86_400})
    world.bench.advance(120_000)
    later = history(world, {"from": start, "to": start + 86_400})

    assert again == earlier
    assert _prefix(later["t"], earlier["t"])
    assert _prefix(later["c"], earlier["c"])
    assert len(later["t"]) > len(earlier["t"])


@pytest.mark.parametrize("count", [1, 7, 300])
def test_countback_gives_so_many_bars_whatever_from_says(make_panel: MakePanel, count: int) -> None:
    world = make_panel()
    data_server(world)
    end = minute(world)

    bars = history(world, {"from": end, "to": end, "countback": count})

    assert len(bars["t"]) == count
    assert bars["t"][-1] == end


def test_empty_range_has_all_columns_empty(make_panel: MakePanel) -> None:
    world = make_panel()
    data_server(world)
    future = world.clock.now_ms() // 1000 + 3_600

    bars = history(world, {"from": future, "to": future + 60})

    assert bars == {"s": "ok", "t": [], "o": [], "h": [], "l": [], "c": [], "v": []}


def test_daily_bars_are_at_midnight_utc(make_panel: MakePanel) -> None:
    world = make_panel()
    data_server(world)
    now_s = world.clock.now_ms() // 1000

    bars = history(world, {"from": now_s - 20 * 86_400, "to": now_s}, "1D")

    assert len(bars["t"]) > 5
    assert all(time % 86_400 == 0 for time in bars["t"])
    assert all(low <= close <= high for low, close, high in zip(bars["l"], bars["c"], bars["h"], strict=True))


def _prefix(longer: Sequence[Any], shorter: Sequence[Any]) -> bool:
    return list(longer[: len(shorter)]) == list(shorter)
