"""Other people's accounts, orders and positions: to a stranger they are not there, in any operation of the API."""

from typing import Any

import pytest

from tests.contract import tradelocker as tl
from tests.contract.tradestation import FUTURES
from tests.panel.conftest import PANEL_BENCHES
from tests.panel.schema import operations
from tests.panel.world import PanelWorld

MALLORY = "token-of-mallory"
NAMING_AN_ACCOUNT = sorted(
    (name, method, path)
    for name, (method, path) in operations().items()
    if "{accountId}" in path or name in ("getQuotes", "getDepth")
)
SEATS = {"tradelocker": tl.Seat(account_id="1181", account_number="2"), "tradestation": FUTURES}


@pytest.fixture(params=sorted(SEATS))
def world(request: pytest.FixtureRequest) -> PanelWorld:
    world = PanelWorld(PANEL_BENCHES[request.param]())
    world.add_neighbour(MALLORY, "mallory", SEATS[request.param])
    world.place()
    world.place("buy", kind="limit", limitPrice=world.bench.price - world.bench.distance)
    return world


def real_ids(world: PanelWorld) -> dict[str, str]:
    """Give what stands in the paths of alice's own requests."""
    position = world.positions()[0]["id"]
    order = next(o["id"] for o in world.orders().values() if o["status"] == "working")
    return {
        "{accountId}": world.account.name,
        "{orderId}": order,
        "{positionId}": position,
        "{individualPositionId}": position,
        "{netPositionId}": world.bench.symbol,
    }


def filled(path: str, ids: dict[str, str]) -> str:
    for name, value in ids.items():
        path = path.replace(name, value)
    return path


def standing(world: PanelWorld) -> tuple[object, ...]:
    return world.held(), world.working(), world.bench.writes()


def test_operations_are_the_published_ones_and_no_other(world: PanelWorld) -> None:
    served = {(route.method, route.path) for _, route in world.api._routes}

    assert served == set(operations().values())
    assert len(served) == 35


@pytest.mark.parametrize(("name", "method", "path"), NAMING_AN_ACCOUNT, ids=[one[0] for one in NAMING_AN_ACCOUNT])
def test_account_of_somebody_else_is_answered_as_if_it_were_none(
    world: PanelWorld, name: str, method: str, path: str
) -> None:
    ids, before = real_ids(world), standing(world)
    form = {"amount": 1, **world.ticket()} if method != "GET" else None
    symbol = world.bench.symbol
    query = {"instrument": symbol, "symbols": symbol, "symbol": symbol}

    def asked(account: str) -> object:
        named: dict[str, Any] = {**query, "accountId": account}
        return world.ask(method, filled(path, {**ids, "{accountId}": account}), form, token=MALLORY, **named).content

    theirs, nobodys = asked(world.account.name), asked("no-such-account")
    world.settle()

    assert theirs == nobodys
    if name != "trackLatency":  # whose published answer knows no error: it is passed over
        assert theirs == {"s": "error", "errmsg": "There is no such account."}
    assert standing(world) == before


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("PUT", "orders/{orderId}", {"qty": 1, "limitPrice": 1}),
        ("DELETE", "orders/{orderId}", None),
        ("PUT", "positions/{positionId}", {"stopLoss": 1}),
        ("PUT", "positions/{positionId}", {"side": "sell"}),
        ("DELETE", "positions/{positionId}", None),
        ("DELETE", "positions/{positionId}", {"amount": 1}),
        ("PUT", "individualPositions/{individualPositionId}", {"stopLoss": 1}),
        ("DELETE", "individualPositions/{individualPositionId}", None),
        ("DELETE", "netPositions/{netPositionId}", None),
    ],
)
def test_id_of_somebody_elses_order_or_position_in_ones_own_account_is_nothing(
    world: PanelWorld, method: str, path: str, form: dict[str, object] | None
) -> None:
    ids, before = real_ids(world), standing(world)

    reply = world.ask(method, filled(f"/accounts/mallorys-own/{path}", ids), form, token=MALLORY)
    world.settle()

    assert reply.errmsg in (
        "There is no such order.",
        "This position is closed already.",
        "There is no such position.",
        "Positions of this account are netted by the broker already.",
    )
    assert standing(world) == before


def test_ones_own_lists_hold_nothing_of_anybody_else(world: PanelWorld) -> None:
    mine = [world.ask("GET", f"/accounts/mallorys-own/{what}", token=MALLORY).d for what in ("orders", "positions")]
    fills = world.ask("GET", "/accounts/mallorys-own/executions", token=MALLORY, instrument=world.bench.symbol).d

    assert (mine, fills) == ([[], []], [])
    assert world.orders()
    assert world.positions()


def test_account_list_has_ones_own_accounts_alone(world: PanelWorld) -> None:
    assert [one["id"] for one in world.ask("GET", "/accounts").d] == [world.account.name]
    assert [one["id"] for one in world.ask("GET", "/accounts", token=MALLORY).d] == ["mallorys-own"]


def test_same_request_id_of_another_user_is_another_request(world: PanelWorld) -> None:
    world.guard.users["token-of-bob"] = type(world.guard.users[MALLORY])("bob", "1", accounts=(world.account.name,))
    path, unit = world.own("orders"), world.bench.unit

    first = world.ask("POST", path, world.ticket(), requestId="same")
    second = world.ask("POST", path, world.ticket(), requestId="same", token="token-of-bob")
    world.settle()

    assert first.d["orderId"] != second.d["orderId"]
    assert world.held() == unit * 3
