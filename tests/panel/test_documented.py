"""The table of operations in docs/panel.md says what each broker's account really answers."""

import re
from pathlib import Path
from typing import Any

import pytest

from orderbridge.broker_api.settings import Listed
from tests.panel.conftest import PANEL_BENCHES
from tests.panel.schema import operations
from tests.panel.test_data import SERVER, data_server
from tests.panel.world import PanelWorld

PAGE = Path(__file__).resolve().parents[2] / "docs" / "panel.md"
ROWS = re.findall(r"^\| `(\w+) (/\S*)` \| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def world_of(bench: str) -> PanelWorld:
    world = PanelWorld(PANEL_BENCHES[bench]())
    world.panel_settings = type(world.panel_settings)({world.account.broker: (Listed(world.bench.symbol, "X:Y"),)})
    data_server(world)
    return world


def answered(world: PanelWorld, method: str, path: str) -> bool:
    """Ask with all that the operation may want; tell whether the answer is no error."""
    query: dict[str, Any] = {
        "accountId": world.account.name,
        "symbols": world.bench.symbol,
        "symbol": world.bench.symbol,
        "instrument": world.bench.symbol,
    }
    if path == "/history":
        now_s = world.clock.now_ms() // 1000
        query |= {"symbol": world.bench.symbol, "resolution": "1", "from": now_s - 3_600, "to": now_s}
    if path in ("/groups", "/symbol_info", "/history"):
        query["token"] = SERVER
    position = world.positions()[0]
    for name in ("positionId", "individualPositionId"):
        path = path.replace(f"{{{name}}}", position["id"])
    path = path.replace("{accountId}", world.account.name).replace("{netPositionId}", world.bench.symbol)
    form = {**world.ticket(), "orderType": "market", "leverage": 5, "transactionType": "place_order"}
    form = {name: value for name, value in form.items() if name != "side" or "ositions" not in path}
    return world.ask(method, path, form if method != "GET" else None, **query).ok


def test_each_operation_stands_in_the_table_once() -> None:
    assert sorted((method, path) for method, path, _, _ in ROWS) == sorted(operations().values())


@pytest.mark.parametrize("bench", ["tradestation", "tradelocker"])
def test_what_the_table_calls_an_error_is_one_and_nothing_else_is(bench: str) -> None:
    world = world_of(bench)
    for method, path, *cells in ROWS:
        if path in ("/authorize", "/logout") or "{orderId}" in path:
            continue  # needs a password, ends the sign-in, or needs an order that works: other tests have them
        if not world.positions():
            world.place()
            world.settle()
        cell = cells[["tradestation", "tradelocker"].index(bench)]

        assert answered(world, method, path) is not cell.startswith("error"), (path, cell)
