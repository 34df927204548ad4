"""Fixtures of the scenarios: a world at each simulated broker."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.contract.tradestation import FUTURES
from tests.scenario.tradelocker import TradeLockerScenario
from tests.scenario.tradestation import TradeStationScenario
from tests.scenario.world import World

BENCHES: dict[str, Callable[..., Any]] = {
    "tradelocker": TradeLockerScenario,
    "tradestation": TradeStationScenario,
    "tradestation-futures": partial(TradeStationScenario, seat=FUTURES),
}


@pytest.fixture(params=sorted(BENCHES))
def make_world(request: pytest.FixtureRequest) -> Callable[..., World]:
    """Give a maker of worlds, once for each broker."""

    def make(strategies: Any = None, **bench: Any) -> World:
        return World(BENCHES[request.param](**bench), strategies)

    return make
