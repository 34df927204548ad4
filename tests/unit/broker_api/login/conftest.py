"""The login's bench."""

from collections.abc import Iterator

import pytest

from tests.unit.broker_api.login.bench import Bench, BrowserTab, panel_bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Give a panel on moto with two users."""
    with panel_bench() as made:
        yield made


@pytest.fixture
def tab(bench: Bench) -> BrowserTab:
    """Give a browser that has been nowhere yet."""
    return BrowserTab(bench)
