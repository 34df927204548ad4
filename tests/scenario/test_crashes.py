"""The worker dies at each of its steps: after redelivery the write is done once, or not at all with a recorded reason.

The moments are the calls of the ledger and the broker write, each before and after (`tests.scenario.killing`). Between
the end of one call and the beginning of the next nothing is stored or sent, so the ends stand for both; with RACE_LONG
set the beginnings are tried too.
"""

import os
from collections.abc import Callable

import pytest

from tests.scenario.killing import Killer
from tests.scenario.test_orders import bracket
from tests.scenario.world import World

MakeWorld = Callable[..., World]
REDELIVERED_S = 200.0
"""The queue redelivers after a minute, the lane's lease lapses before, and an unknown outcome is given up after one."""


def run_killed_at(make_world: MakeWorld, kind: str, moment: int | None) -> tuple[World, str, list[str]]:
    """Fire one alert with the worker dying at `moment`; give the world, the alert's id and the moments seen."""
    world = make_world({"s": {"entry_max_age_ms": 600_000}})
    unit = world.bench.unit
    if kind != "enter":
        world.fire("buy", str(unit), **bracket(world))
    world.restart()
    killer = world.killer = Killer(moment)
    if kind == "enter":
        alert_id = world.send("buy", str(unit), **bracket(world))
    elif kind == "partial":
        alert_id = world.send("exit", str(unit / 2))
    elif kind == "exit":
        alert_id = world.send("exit")
    else:
        alert_id = world.send("sell", str(unit * 2), **bracket(world, -1))
    world.run_until(lambda: world.outcome(alert_id).status != "accepted", REDELIVERED_S)
    return world, alert_id, killer.seen


def moments_of(make_world: MakeWorld, kind: str) -> list[str]:
    _, _, seen = run_killed_at(make_world, kind, None)
    return seen[: len(seen) - seen[::-1].index("after end_job")]


@pytest.mark.parametrize("kind", ["enter", "partial", "exit", "reverse"])
def test_killed_at_any_step_the_order_is_placed_once_or_accounted_for(make_world: MakeWorld, kind: str) -> None:
    moments = moments_of(make_world, kind)
    assert "before send" in moments, moments
    for moment, name in enumerate(moments):
        if moment and name.startswith("before") and "RACE_LONG" not in os.environ:
            continue
        world, alert_id, _ = run_killed_at(make_world, kind, moment)
        unit, outcome, where = world.bench.unit, world.outcome(alert_id), f"{kind} killed {moment} ({name})"
        assert outcome.status in ("ordered", "failed"), f"{where}: {outcome}"
        done, not_done = {
            "enter": (unit, 0),
            "partial": (unit / 2, unit),
            "exit": (0, unit),
            "reverse": (-unit, 0),
        }[kind]
        assert world.held() == (done if outcome.status == "ordered" else not_done), f"{where}: {outcome}"
        if outcome.status == "failed":
            assert kind in ("enter", "reverse"), f"{where}: an exit does not give up, {outcome}"
            assert world.told or world.notices(), f"{where}: nobody was told"
        if world.held() != 0:
            assert world.protection().stopped_quantity == abs(world.held()), f"{where}: no stop"
        assert all(record.status.final for record in world.commands()), where
