"""What TradingView's own autotests of data are known to check, at each kind of account."""

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


def test_daily_bars_into_the_future_have_none_that_is_not_over(make_panel: MakePanel) -> None:
    world = make_panel()
    data_server(world)
    now_s = world.clock.now_ms() // 1000

    bars = history(world, {"from": now_s - 5 * 86_400, "to": now_s + 5 * 86_400}, "1D")

    assert bars["t"]
    assert bars["t"][-1] <= now_s
    assert bars["t"] == sorted(set(bars["t"]))


def test_day_of_a_market_that_never_closes_has_1440_minutes(tradelocker: PanelWorld) -> None:
    data_server(tradelocker)
    end = minute(tradelocker)

    bars = history(tradelocker, {"from": end - 1_439 * 60, "to": end})

    assert bars["t"] == list(range(end - 1_439 * 60, end + 60, 60))
    assert all(low <= min(o, c) and max(o, c) <= high for o, c, low, high in zip(
        bars["o"], bars["c"], bars["l"], bars["h"], strict=True
    ))


@pytest.mark.parametrize("path", ["/symbol_info", "/groups", "/mapping"])
def test_data_are_json_by_their_content_type(tradelocker: PanelWorld, path: str) -> None:
    data_server(tradelocker)

    reply = tradelocker.ask("GET", path, token=SERVER)

    assert reply.headers["Content-Type"] == "application/json"


def _prefix(longer: Sequence[Any], shorter: Sequence[Any]) -> bool:
    return list(longer[: len(shorter)]) == list(shorter)
