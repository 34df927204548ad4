"""A story as plain values: what is set up, and what happens when. Drawn from a seed before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from orderbridge.model import PositionMode
from tests.simulation.weather import Window

START_MS = 1_794_322_800_000
"""Tuesday, 10 November 2026, 10:00 in New York: every market is open."""


@dataclass(frozen=True, slots=True)
class Market:
    """A symbol of a broker, in numbers that fit it."""

    symbol: str
    tickers: tuple[str, ...]
    """As alerts may call it."""
    price: Decimal
    distance: Decimal
    """On the tick, and far enough for any stop; so is an eighth of it."""
    unit: Decimal
    """The least quantity that the stories trade, in the account's own scale."""
    lot: Decimal
    """Units of one lot, where the account counts in lots."""


@dataclass(frozen=True, slots=True)
class Seat:
    """One account of the story."""

    name: str
    broker: str
    account_id: str
    mode: PositionMode
    account_number: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Strategy:
    """One strategy of the story: whom it trades, and its settings beside the defaults."""

    name: str
    accounts: tuple[str, ...]
    symbol: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One thing that happens `at_ms` after the story's beginning."""

    at_ms: int
    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={_short(value)}" for name, value in self.values.items() if value is not None)
        return f"{self.kind} {told}"


@dataclass(frozen=True)
class Story:
    """Everything that a seed tells."""

    seed: int
    shape: str
    switches: Mapping[str, Mapping[str, str]]
    """Broker -> its unconfirmed behaviours."""
    seats: tuple[Seat, ...]
    strategies: tuple[Strategy, ...]
    steps: tuple[Step, ...]
    calm_ms: int
    """When every disturbance has ended."""
    patient: bool = True
    """Whether the end waits out every redelivery and lapse, or only until nothing is open any more."""
    panel: tuple[str, ...] = ()
    """Accounts that a person trades at TradingView's panel."""
    restores: bool = False
    """Whether the table goes back to a copy of it."""
    skew_ms: int = 0
    """How far the clocks of two environments may differ from the true time, either way."""

    def without(self, left_out: frozenset[int]) -> "Story":
        """Give the story without some of its steps, named by their places."""
        return replace(self, steps=tuple(step for at, step in enumerate(self.steps) if at not in left_out))

    def __str__(self) -> str:
        lines = [f"story {self.shape} of seed {self.seed}"]
        lines += [f"  {broker}: {dict(values)}" for broker, values in self.switches.items() if values]
        lines += [f"  account {one.name}: {one.broker} {one.account_id} {one.mode}" for one in self.seats]
        lines += [f"  at the panel: {', '.join(self.panel)}"] if self.panel else []
        lines += [
            f"  strategy {one.name}: {one.symbol} on {', '.join(one.accounts)} {dict(one.settings)}"
            for one in self.strategies
        ]
        return "\n".join(lines)


def _short(value: object) -> str:
    if isinstance(value, Window):
        where = ",".join(sorted(value.services | value.functions | value.operations))
        return f"{value.fault} at {value.rate:g}{' of ' + where if where else ''}"
    return str(value)
