"""The brokers that the suite holds to the contract."""

from tests.contract.backend import Backend
from tests.contract.tradelocker import TradeLockerBackend

BACKENDS: tuple[Backend, ...] = (TradeLockerBackend(),)
