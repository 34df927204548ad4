"""Both simulated brokers, one after the other."""

import pytest

from tests.contract.backend import Backend
from tests.contract.backends import BACKENDS, title


@pytest.fixture(params=BACKENDS, ids=title)
def backend(request: pytest.FixtureRequest) -> Backend:
    chosen: Backend = request.param
    return chosen
