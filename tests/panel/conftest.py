"""Fixtures of the panel's tests: a world with a panel at each simulated broker, netting and hedging."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from orderbridge.model import PositionMode
from tests.contract.tradelocker import Seat
from tests.panel.world import PanelWorld
from tests.scenario.conftest import BENCHES
from tests.scenario.tradelocker import TradeLockerScenario

NETTING = Seat(account_id="1182", account_number="3", mode=PositionMode.NETTING)
PANEL_BENCHES: dict[str, Callable[..., Any]] = {
    **BENCHES,
    "tradelocker-netting": partial(TradeLockerScenario, seat=NETTING),
}
MakePanel = Callable[..., PanelWorld]


@pytest.fixture(params=sorted(PANEL_BENCHES))
def make_panel(request: pytest.FixtureRequest) -> MakePanel:
    """Give a maker of worlds with a panel, once for each kind of account."""

    def make(strategies: Any = None, listed: Any = (), **bench: Any) -> PanelWorld:
        return PanelWorld(PANEL_BENCHES[request.param](**bench), strategies, listed)

    return make


@pytest.fixture(params=["tradelocker-netting", "tradestation", "tradestation-futures"])
def make_netting(request: pytest.FixtureRequest) -> MakePanel:
    """Give a maker of worlds whose account nets the fills of a symbol."""

    def make(strategies: Any = None, **bench: Any) -> PanelWorld:
        return PanelWorld(PANEL_BENCHES[request.param](**bench), strategies)

    return make


@pytest.fixture
def tradestation() -> PanelWorld:
    return PanelWorld(PANEL_BENCHES["tradestation"]())


@pytest.fixture
def tradelocker() -> PanelWorld:
    return PanelWorld(PANEL_BENCHES["tradelocker"]())
