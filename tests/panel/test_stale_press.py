"""The position changes between what the person saw and the press: no press opens what was meant to be closed.

What the person saw is as fresh as it can be, so that no part of the bridge would look again by itself.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from orderbridge.alerts.alert import StopLoss
from orderbridge.model import PositionMode
from tests.contract.backend import Fault
from tests.panel.conftest import MakePanel
from tests.panel.front_end import FrontEnd
from tests.panel.world import PanelWorld

SIDES = ("buy", "sell")
PRESSES = ("close", "close_half", "reverse", "flatten")


def sign(side: str) -> int:
    return 1 if side == "buy" else -1


def seen(world: PanelWorld, side: str = "buy", *, bracket: bool) -> FrontEnd:
    """Enter by hand, and look at it at this very moment."""
    price, distance, turn = world.bench.price, world.bench.distance, sign(side)
    fields: dict[str, Any] = {"stopLoss": price - turn * distance, "takeProfit": price + turn * distance}
    assert world.place(side, **(fields if bracket else {})).ok
    world.settle(6)
    return looked(world)


def looked(world: PanelWorld) -> FrontEnd:
    front = FrontEnd(world)
    world.bench.advance(5_000)
    front.look()
    return front


def replies(front: FrontEnd, press: str) -> list[Any]:
    reply = getattr(front, press)()
    return reply if isinstance(reply, list) else [] if reply is None else [reply]


def halve(world: PanelWorld) -> None:
    """Somebody closes half at the broker itself."""
    world.bench.open_elsewhere(-world.held() / 2)


def stopped(world: PanelWorld, side: str) -> None:
    """The market runs through the stop: the broker closes."""
    world.bench.set_price(world.bench.price - sign(side) * (world.bench.distance + world.bench.distance / 5))
    assert world.held() == 0


def before_write(world: PanelWorld, event: Callable[[], None]) -> None:
    """Let something happen at the broker just before the bridge's next write arrives there."""
    transport = world.inside.transport
    handle = transport.handle_request

    def handled(request: httpx.Request) -> Any:
        if request.method != "GET":
            transport.handle_request = handle
            event()
        return handle(request)

    transport.handle_request = handled


@pytest.mark.parametrize("press", PRESSES)
@pytest.mark.parametrize("side", SIDES)
def test_press_after_the_stop_has_filled_opens_nothing(make_panel: MakePanel, side: str, press: str) -> None:
    world = make_panel()
    front = seen(world, side, bracket=True)
    stopped(world, side)

    told = replies(front, press)
    world.settle(15)

    assert not any(reply.ok for reply in told)
    assert world.held() == 0
    assert world.working() == []


@pytest.mark.parametrize("bracket", [True, False], ids=["bracket", "bare"])
@pytest.mark.parametrize("press", PRESSES)
@pytest.mark.parametrize("side", SIDES)
def test_press_after_somebody_closed_at_the_broker_opens_nothing(
    make_panel: MakePanel, side: str, press: str, bracket: bool
) -> None:
    world = make_panel()
    front = seen(world, side, bracket=bracket)
    world.bench.close_elsewhere()

    told = replies(front, press)
    world.settle(15)

    assert not any(reply.ok for reply in told)
    assert world.held() == 0
    assert world.working() == []


@pytest.mark.parametrize("press", [*PRESSES, "drag_stop"])
@pytest.mark.parametrize("side", SIDES)
def test_press_after_half_was_closed_at_the_broker_goes_no_further_than_it_says(
    make_netting: MakePanel, side: str, press: str
) -> None:
    world = make_netting()
    bracket = world.account.kind != "Margin"  # whose shares are reserved by the exits
    front = seen(world, side, bracket=bracket)
    halve(world)
    half = sign(side) * world.bench.unit / 2
    assert world.held() == half

    told = (
        [front.drag_stop(world.bench.price - 2 * sign(side) * world.bench.distance)]
        if press == "drag_stop"
        else replies(front, press)
    )
    world.settle(15)

    if press == "reverse" and not all(reply.ok for reply in told):
        assert "Try again" in told[0].errmsg  # report and ledger disagree: nothing is opened on that
        assert world.held() == half
        return
    assert all(reply.ok for reply in told)
    turned = -sign(side) * world.bench.unit
    expected = {"reverse": {-half, turned}, "drag_stop": {half}}.get(press, {Decimal(0)})
    assert world.held() in expected
    if press == "drag_stop":
        assert world.protection().stopped_quantity == abs(half)


@pytest.mark.parametrize("noticed", [False, True], ids=["unnoticed", "noticed"])
@pytest.mark.parametrize("press", ["close", "reverse", "flatten", "drag_stop", "remove_stop"])
def test_press_for_a_position_that_has_turned_around_is_refused(
    make_netting: MakePanel, press: str, noticed: bool
) -> None:
    world = make_netting()
    front = seen(world, bracket=False)
    world.bench.close_elsewhere()
    world.bench.open_elsewhere(-world.bench.unit)
    turned = world.held()
    assert turned < 0
    if noticed:  # by the bridge, for another browser; not by this person
        world.settle()
        assert world.positions()[0]["side"] == "sell"

    told = [front.drag_stop(world.bench.price - 1)] if press == "drag_stop" else replies(front, press)
    world.settle(15)

    assert not any(reply.ok for reply in told)
    assert world.held() == turned
    assert world.working() == []


@pytest.mark.parametrize("press", ["close", "reverse"])
def test_stop_that_fills_while_it_is_being_taken_away_leaves_nothing(make_netting: MakePanel, press: str) -> None:
    world = make_netting()
    front = seen(world, bracket=True)
    before_write(world, lambda: stopped(world, "buy"))

    told = replies(front, press)
    world.settle(20)

    assert world.held() == 0
    assert world.working() == []
    if press == "reverse":
        assert not told[0].ok


@pytest.mark.parametrize("worked", [False, True], ids=["waiting", "worked"])
@pytest.mark.parametrize("press", PRESSES)
@pytest.mark.parametrize("side", SIDES)
def test_press_beside_an_alerts_reversal_leaves_what_the_alert_asks_for(
    make_panel: MakePanel, side: str, press: str, worked: bool
) -> None:
    """The alert came first, and has its turn first: the position that the person saw is gone by then.

    The other way round its whole quantity would open, of which half was to close.
    """
    world = make_panel({"s": {}})
    unit, turn = world.bench.unit, sign(side)
    world.fire(side, str(unit))
    front = looked(world)
    world.send("sell" if side == "buy" else "buy", str(unit * 2), target=None)
    if worked:
        world.settle(6)
        assert world.held() == -turn * unit

    told = replies(front, press)
    world.settle(20)

    assert not any(reply.ok for reply in told)
    assert world.held() == -turn * unit


@pytest.mark.parametrize("press", [*PRESSES, "remove_stop"])
def test_press_beside_alerts_that_close_and_enter_again_leaves_the_new_position(
    make_panel: MakePanel, press: str
) -> None:
    """It is on the side that the person saw, and yet another: nobody has pressed anything for it."""
    world = make_panel({"s": {}})
    unit, price, distance = str(world.bench.unit), world.bench.price, world.bench.distance
    world.fire("buy", unit, stop_loss=StopLoss(stop_price=price - distance))
    front = looked(world)
    world.send("exit")
    world.send("buy", unit, stop_loss=StopLoss(stop_price=price - distance))

    told = replies(front, press)
    world.settle(20)

    assert not any(reply.ok for reply in told)
    assert world.held() == world.bench.unit
    assert world.protection().stopped_quantity == world.bench.unit


@pytest.mark.parametrize("press", PRESSES)
def test_press_while_it_is_not_known_what_became_of_a_close_closes_at_most_once(
    make_panel: MakePanel, press: str
) -> None:
    world = make_panel()
    front = seen(world, bracket=False)
    world.bench.fault(Fault.TIMEOUT_BEFORE)
    first = front.close()

    told = replies(front, press)
    world.settle(90)

    unit = world.bench.unit
    assert first.ok
    if world.account.broker == "tradestation":
        assert not any(reply.ok for reply in told)
        assert world.held() in (0, unit)
        return
    # A close by id that no look shows has been given up by then: the second press is the first that counts.
    hedges = world.account.position_mode is PositionMode.HEDGING
    assert world.held() == {"close_half": unit / 2, "reverse": unit if hedges else -unit}.get(press, 0)


def test_second_browser_presses_too_and_one_of_them_closes(make_panel: MakePanel) -> None:
    world = make_panel()
    front, other = seen(world, bracket=True), FrontEnd(world)
    other.look()
    world.api, first = world.new_api(), world.api

    answers = [front.close()]
    world.api = first
    answers.append(other.close())
    world.settle(15)

    assert [answer.ok for answer in answers] == [True, False]
    assert world.held() == Decimal(0)
    assert world.working() == []
