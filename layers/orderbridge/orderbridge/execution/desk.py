"""What a worker needs to know beside the lane: settings, instruments, quotes; and the sentences it writes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from orderbridge.brokers.port import Broker, Deadline
from orderbridge.errors import BrokerReadError
from orderbridge.execution.ports import Clock
from orderbridge.model import Instrument, Quote
from orderbridge.strategy.settings import AccountSettings, StrategySettings

INSTRUMENT_MS = 6 * 3_600_000
FRONT_MONTH_MS = 15 * 60_000
"""A continuous symbol may roll within the day."""


class SettingsSource(Protocol):
    """Settings as stored; each call may answer from a short cache."""

    def strategy(self, name: str) -> StrategySettings | None: ...

    def account(self, name: str) -> AccountSettings | None: ...


@dataclass(slots=True)
class Desk:
    """One account's desk: its broker and what rarely changes there, kept for the life of the process."""

    account: AccountSettings
    broker: Broker
    settings: SettingsSource
    clock: Clock
    tell: Callable[..., None]
    _instruments: dict[str, tuple[int, Instrument]] = field(default_factory=dict)

    def instrument(self, symbol: str, deadline: Deadline, max_age_ms: int = INSTRUMENT_MS) -> Instrument:
        """Give the instrument of a broker symbol. Raises `UnknownSymbolError`, `AmbiguousSymbolError`."""
        now_ms = self.clock.now_ms()
        kept = self._instruments.get(symbol)
        if kept is not None and now_ms - kept[0] < max_age_ms:
            return kept[1]
        instrument = self.broker.instrument(symbol, deadline)
        self._instruments[symbol] = (now_ms, instrument)
        return instrument

    def quote(self, symbol: str, deadline: Deadline) -> Quote | None:
        """Give a quote, or None when the broker has none just now: deciding says whether one is needed."""
        try:
            return self.broker.quote(symbol, deadline)
        except BrokerReadError:
            return None


def amount(quantity: Decimal) -> str:
    """Write a quantity or price without superfluous zeros."""
    text = format(quantity, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
