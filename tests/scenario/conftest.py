"""Fixtures of the scenarios: moto's store, and a world at each simulated broker."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from moto import mock_aws

from tests.contract.tradestation import FUTURES
from tests.scenario.tradelocker import TradeLockerScenario
from tests.scenario.tradestation import TradeStationScenario
from tests.scenario.world import World

BENCHES: dict[str, Callable[..., Any]] = {
    "tradelocker": TradeLockerScenario,
    "tradestation": TradeStationScenario,
    "tradestation-futures": partial(TradeStationScenario, seat=FUTURES),
}


@pytest.fixture(autouse=True)
def _store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture(params=sorted(BENCHES))
def make_world(request: pytest.FixtureRequest) -> Callable[..., World]:
    """Give a maker of worlds, once for each broker."""

    def make(strategies: Any = None, **bench: Any) -> World:
        return World(BENCHES[request.param](**bench), strategies)

    return make
