"""The brokers' own books of a world's accounts, with a number that moves whenever a book may have changed."""

from orderbridge.strategy.settings import AccountSettings
from tests.simulation.broker_books import TradeLockerBook, TradeStationBook
from tests.simulation.cores import Core


class TradeLockerLedger(TradeLockerBook):
    """One account at the world's TradeLocker."""

    def __init__(self, settings: AccountSettings, core: Core) -> None:
        super().__init__(settings, core.app.simulator)
        self._core = core

    def version(self) -> int:
        return self._core.changes


class TradeStationLedger(TradeStationBook):
    """One account at the world's TradeStation."""

    def __init__(self, settings: AccountSettings, core: Core) -> None:
        super().__init__(settings, core.app.book)
        self._core = core

    def version(self) -> int:
        return self._core.changes
