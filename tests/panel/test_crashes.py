"""The process dies at each step of a press: what was wished happens once or not at all; what is held keeps its stop.

The moments are the calls of the ledger and the broker write, each before and after (`tests.scenario.killing`): those at
which something is about to be sent or has just been, and with RACE_LONG set all of them.
"""

import os
from decimal import Decimal
from typing import Any

import pytest

from tests.panel.conftest import PANEL_BENCHES
from tests.panel.front_end import FrontEnd
from tests.panel.world import PanelWorld
from tests.scenario.killing import KilledError, Killer

KINDS = ("enter", "close", "close_half", "reverse", "through", "drag_stop", "remove_stop", "add_target")
CASES = [("tradestation-futures", kind) for kind in KINDS]
CASES += [("tradelocker", kind) for kind in KINDS if kind not in ("reverse", "through")]  # it hedges
TELLING = ("after begin", "after send")
OVER_S = 130.0
"""A lease lapses after 45 s, and what is not known is given up a minute after it was sent."""


def prepared(bench: str, kind: str) -> tuple[PanelWorld, FrontEnd]:
    world = PanelWorld(PANEL_BENCHES[bench]())
    price, distance = world.bench.price, world.bench.distance
    front = FrontEnd(world)
    if kind != "enter":
        target = 0 if kind == "add_target" else price + distance
        assert world.place("buy", stopLoss=price - distance, takeProfit=target).ok
        world.settle(6)
        front.look()
    world.restart()
    return world, front


def press(world: PanelWorld, front: FrontEnd, kind: str) -> Any:
    price, distance = world.bench.price, world.bench.distance
    match kind:
        case "enter":
            return world.place("buy", stopLoss=price - distance, takeProfit=price + distance)
        case "through":
            return world.place("sell", world.bench.unit * 2, stopLoss=price + distance)
        case "drag_stop":
            return front.drag_stop(price - 2 * distance)
        case "add_target":
            path = world.own(f"positions/{front.position()['id']}")
            return world.ask("PUT", path, {"stopLoss": price - distance, "takeProfit": price + distance})
        case _:
            return getattr(front, kind)()


def killed_at(bench: str, kind: str, moment: int | None) -> tuple[PanelWorld, list[str]]:
    """Press with the process dying at `moment`; the scheduler's rounds find what it left."""
    world, front = prepared(bench, kind)
    killer = world.killer = Killer(moment)
    try:
        press(world, front, kind)
    except KilledError:
        world.restart()
        world.api = world.new_api()
    pressed = list(killer.seen)
    for _ in range(3):
        world.sweep()
        world.settle(OVER_S / 3)
    return world, pressed


def wished(kind: str, unit: Decimal) -> set[Decimal]:
    """What may be held in the end: what was wished, what was before, and flat where the second half is dropped."""
    return {
        "enter": {unit, Decimal(0)},
        "close": {Decimal(0), unit},
        "close_half": {unit / 2, unit},
        "reverse": {-unit, Decimal(0), unit},
        "through": {-unit, Decimal(0), unit},
    }.get(kind, {unit})


def worth_dying_at(moments: list[str]) -> list[tuple[int, str]]:
    every = list(enumerate(moments))
    return every if os.environ.get("RACE_LONG") else [one for one in every if one[1] in TELLING]


@pytest.mark.parametrize(("bench", "kind"), CASES)
def test_press_that_is_cut_off_at_any_step_is_done_once_or_not_at_all(bench: str, kind: str) -> None:
    _, moments = killed_at(bench, kind, None)
    assert "after send" in moments, moments
    for moment, name in worth_dying_at(moments):
        world, _ = killed_at(bench, kind, moment)
        where = f"{kind} killed {moment} ({name})"
        held, unit = world.held(), world.bench.unit
        assert held in wished(kind, unit), f"{where}: holds {held}"
        if held != 0 and kind != "remove_stop" and not (kind == "reverse" and held < 0):
            assert world.protection().stopped_quantity == abs(held), f"{where}: no stop for {held}"
        if held == 0:
            assert world.working() == [], f"{where}: orphans"
        assert all(record.status.final for record in world.commands()), where
        world.orders()
