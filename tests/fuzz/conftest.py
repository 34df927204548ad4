"""The alert endpoint as a fixture."""

from collections.abc import Iterator

import pytest

from tests.fuzz.site import Site, running


@pytest.fixture
def site() -> Iterator[Site]:
    """Give the endpoint on an empty table."""
    with running() as made:
        yield made
