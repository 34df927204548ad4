"""The brokers that the suite holds to the contract."""

from tests.contract.backend import Backend
from tests.contract.tradelocker import TradeLockerBackend
from tests.contract.tradestation import FUTURES, TradeStationBackend

BACKENDS: tuple[Backend, ...] = (TradeStationBackend(), TradeStationBackend(FUTURES), TradeLockerBackend())


def title(backend: Backend) -> str:
    """Name a backend in the test's id."""
    return str(getattr(backend, "title", backend.name))
