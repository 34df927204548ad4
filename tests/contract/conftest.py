"""Both simulated brokers, one after the other."""

import pytest

from tests.contract.backend import Backend
from tests.contract.backends import BACKENDS


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.name)
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = request.param
    return chosen
