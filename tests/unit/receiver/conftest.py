"""The receiver's bench as a fixture."""

from collections.abc import Iterator

import pytest

from tests.unit.receiver.kit import Bench, fake_bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Give a receiver on an empty table with one strategy."""
    with fake_bench() as made:
        yield made
