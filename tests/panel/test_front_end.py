"""Each button of TradingView's front end at each kind of account: no press opens what the person meant to close."""

from decimal import Decimal
from typing import Any

import pytest

from orderbridge.model import PositionMode
from tests.panel.conftest import MakePanel
from tests.panel.front_end import FrontEnd
from tests.panel.world import PanelWorld

SIDES = ("buy", "sell")


def sign(side: str) -> int:
    return 1 if side == "buy" else -1


def held(world: PanelWorld, side: str, *, part: bool, bracket: bool = True) -> FrontEnd:
    """Enter by hand, whole or in part, with a bracket, and look at it."""
    price, distance, turn = world.bench.price, world.bench.distance, sign(side)
    fields: dict[str, Any] = {"stopLoss": price - turn * distance, "takeProfit": price + turn * distance}
    if part:
        world.bench.fill_at_most(world.bench.unit / 2)
    entry = world.place(side, **(fields if bracket else {}))
    assert entry.ok, entry.content
    world.settle(6)
    front = FrontEnd(world)
    front.look()
    assert world.held() * turn > 0
    return front


def stops(world: PanelWorld) -> Decimal:
    return world.protection().stopped_quantity


@pytest.mark.parametrize("part", [False, True], ids=["whole", "part"])
@pytest.mark.parametrize("side", SIDES)
def test_close_leaves_nothing(make_panel: MakePanel, side: str, part: bool) -> None:
    world = make_panel()
    front = held(world, side, part=part)

    assert front.close().ok
    world.settle(8)

    assert world.held() * sign(side) <= (world.bench.unit / 2 if part else 0)
    assert world.held() * sign(side) >= 0
    assert stops(world) == abs(world.held())


@pytest.mark.parametrize("part", [False, True], ids=["whole", "part"])
@pytest.mark.parametrize("side", SIDES)
def test_close_half_leaves_the_other_half_under_its_stop(make_panel: MakePanel, side: str, part: bool) -> None:
    world = make_panel()
    before = held(world, side, part=False)
    if part:
        world.bench.fill_at_most(world.bench.unit / 2)

    reply = before.close_half()
    world.settle(8)

    assert reply is not None
    assert reply.ok
    assert world.held() == sign(side) * world.bench.unit / 2
    assert stops(world) == abs(world.held())


@pytest.mark.parametrize("side", SIDES)
def test_reverse_is_shown_where_it_works_and_turns_the_position_around(make_panel: MakePanel, side: str) -> None:
    world = make_panel()
    front = held(world, side, part=False)

    reply = front.reverse()
    world.settle(12)

    if world.account.position_mode is PositionMode.HEDGING:
        assert reply is None
        assert world.held() == sign(side) * world.bench.unit
        return
    assert reply is not None
    assert reply.ok
    assert world.held() == -sign(side) * world.bench.unit
    assert world.working() == []


@pytest.mark.parametrize("side", SIDES)
def test_flatten_closes_all_and_cancels_all(make_panel: MakePanel, side: str) -> None:
    world = make_panel()
    price, distance, turn = world.bench.price, world.bench.distance, sign(side)
    held(world, side, part=False)
    assert world.place(side, kind="limit", limitPrice=price - 3 * turn * distance).ok
    world.settle()
    front = FrontEnd(world)
    front.look()

    replies = front.flatten()
    world.settle(8)

    assert [reply.content for reply in replies if not reply.ok] == []
    assert world.held() == 0
    assert world.working() == []


@pytest.mark.parametrize("side", SIDES)
def test_dragged_stop_moves_and_keeps_the_target(make_panel: MakePanel, side: str) -> None:
    world = make_panel()
    front = held(world, side, part=False)
    before = world.protection()
    price = world.bench.price - 2 * sign(side) * world.bench.distance

    assert front.drag_stop(price).ok
    world.settle(6)

    after = world.protection()
    assert (after.stop, after.target) == (price, before.target)
    assert after.stopped_quantity == world.bench.unit
    assert world.held() == sign(side) * world.bench.unit


@pytest.mark.parametrize("side", SIDES)
def test_removed_stop_stays_away_and_the_target_stays(make_panel: MakePanel, side: str) -> None:
    world = make_panel()
    front = held(world, side, part=False)
    target = world.protection().target

    assert front.remove_stop().ok
    world.settle(15)

    after = world.protection()
    assert (after.stop, after.target) == (None, target)
    assert world.held() == sign(side) * world.bench.unit
    front.look()
    assert front.brackets("stop") == []


@pytest.mark.parametrize("press", ["close", "close_half", "reverse"])
@pytest.mark.parametrize("side", SIDES)
def test_press_that_comes_after_the_broker_closed_the_position_opens_nothing(
    make_panel: MakePanel, side: str, press: str
) -> None:
    world = make_panel()
    front = held(world, side, part=False)
    world.bench.close_elsewhere()

    reply = getattr(front, press)()
    world.settle(12)

    assert reply is None or not reply.ok
    assert world.held() == 0


@pytest.mark.parametrize("press", ["close", "reverse"])
def test_press_for_a_position_that_has_turned_around_meanwhile_is_refused(make_netting: MakePanel, press: str) -> None:
    world = make_netting()
    front = held(world, "buy", part=False, bracket=False)
    world.bench.close_elsewhere()
    world.bench.open_elsewhere(-world.bench.unit)
    world.settle()
    turned = world.held()

    reply = getattr(front, press)()
    world.settle(12)

    assert not reply.ok
    assert world.held() == turned <= 0


@pytest.mark.parametrize("side", SIDES)
def test_opposite_ticket_reduces_first_and_opens_only_the_rest(make_netting: MakePanel, side: str) -> None:
    world = make_netting()
    held(world, side, part=False)
    other = "sell" if side == "buy" else "buy"

    placed = world.place(other, world.bench.unit * 2)
    world.settle(12)

    assert placed.ok
    assert world.orders()[placed.d["orderId"]]["status"] == "filled"
    assert world.held() == -sign(side) * world.bench.unit
    assert world.working() == []


def test_limit_larger_than_what_it_closes_is_refused(make_netting: MakePanel) -> None:
    world = make_netting()
    held(world, "buy", part=False, bracket=False)

    price = world.bench.price + world.bench.distance
    refused = world.place("sell", world.bench.unit * 2, "limit", limitPrice=price)

    assert "larger than the position" in refused.errmsg
    assert world.working() == []
