"""One headless Chromium a session; a panel, a gateway and a stand-in for TradingView a test."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orderbridge.broker_api.login.model import OAuthClient
from tests.browser.chromium import Chromium, Tab, chromium, find
from tests.browser.site import Gateway, gateway, tradingview
from tests.unit.broker_api.login.bench import Bench, authorization, oauth_client, panel_bench


@dataclass
class Place:
    """Where a test takes place."""

    bench: Bench
    gateway: Gateway
    tradingview: str
    tab: Tab
    pictures: Path

    @property
    def client(self) -> OAuthClient:
        return oauth_client(redirect_uris=(self.redirect_uri,))

    @property
    def redirect_uri(self) -> str:
        return f"{self.tradingview}/trading/oauth-redirect/orderbridge/"

    def login_url(self, **changes: str) -> str:
        """Give the address that TradingView opens."""
        return f"{self.gateway.url}/oauth/authorize?{authorization(redirect_uri=self.redirect_uri, **changes)}"

    def picture(self, name: str) -> None:
        """Take a picture of the page, to be looked at: it is kept where ORDERBRIDGE_SCREENSHOTS says."""
        self.tab.screenshot(self.pictures / f"{name}.png")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Give a running Chromium; without one the test is skipped."""
    path = find()
    if path is None:
        pytest.skip("no Chromium on this machine: install the package `chromium`, or set ORDERBRIDGE_CHROMIUM")
    folder = tmp_path_factory.mktemp("chromium") / "profile"
    with chromium(path, folder) as running:
        yield running


@pytest.fixture
def place(browser: Chromium, tmp_path: Path) -> Iterator[Place]:
    """Give a login page to open in a browser that has no cookies yet."""
    pictures = Path(os.environ.get("ORDERBRIDGE_SCREENSHOTS") or tmp_path)
    with panel_bench() as bench, gateway(bench.routes) as served, tradingview() as site, browser.tab() as tab:
        made = Place(bench, served, site, tab, pictures)
        bench.panel.clients.put(made.client)
        made.tab.look()
        yield made
