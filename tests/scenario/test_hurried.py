"""A worker whose time is nearly over does not start to send: the next one does, with all of its time."""

from collections.abc import Callable
from typing import Any

import pytest

from orderbridge.brokers.http import MonotonicDeadline
from tests.scenario.conftest import BENCHES
from tests.scenario.killing import Killer
from tests.scenario.world import HANDLER_S, World

SHORT_S, STEP_S = 4.0, 3.5
"""What the first worker has, and what starting the job takes of it."""


class Slow(Killer):
    """Kills nobody; the start of the first job takes long."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def around(self, name: str, call: Any) -> Any:
        if name == "start_job" and "after start_job" not in self.seen:
            self._world.clock.sleep(STEP_S)
        return super().around(name, call)


class Hurried(World):
    """A world whose first worker, once `hurry` was called, has little time."""

    seconds = HANDLER_S

    def hurry(self) -> None:
        self.seconds = SHORT_S
        self.killer = Slow(self)
        self.restart()

    def deadline(self) -> MonotonicDeadline:
        seconds, self.seconds = self.seconds, HANDLER_S
        return MonotonicDeadline(seconds, self.clock.monotonic)


@pytest.fixture(params=sorted(BENCHES))
def world(request: pytest.FixtureRequest) -> Hurried:
    make: Callable[..., Any] = BENCHES[request.param]
    return Hurried(make())


def test_entry_for_which_no_time_is_left_is_sent_by_the_next_worker(world: Hurried) -> None:
    world.hurry()

    outcome = world.fire("buy", str(world.bench.unit), seconds=20)

    assert outcome.status == "ordered", outcome
    assert world.held() == world.bench.unit
    assert len(world.commands()) == 1


def test_exit_for_which_no_time_is_left_is_sent_by_the_next_worker(world: Hurried) -> None:
    world.fire("buy", str(world.bench.unit), seconds=20)
    world.hurry()

    outcome = world.fire("exit", None, seconds=20)

    assert outcome.status == "ordered", outcome
    assert world.held() == 0
