"""What the operator sets for the panel: the instruments that it lists, and their names at TradingView."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

BrokerName = Literal["tradestation", "tradelocker"]
SymbolType = Literal[
    "stock", "dr", "right", "bond", "warrant", "structured", "index", "forex", "futures", "spot", "swap", "commodity",
    "crypto", "cfd", "option",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listed:
    """One instrument of the panel, by the broker's own symbol. What is left empty is taken from the broker's data."""

    symbol: str
    tradingview: str = ""
    """`PREFIX:SYMBOL`, for /mapping. Empty where TradingView shows the broker's own data (currencies, most CFDs)."""
    type: SymbolType | Literal[""] = ""
    pip_size: Decimal | None = None
    exchange: str = ""
    """For /symbol_info, upper case."""
    timezone: str = ""
    """For /symbol_info: the zone of `session`, one of TradingView's list."""
    session: str = ""
    """For /symbol_info, in TradingView's form (`1700-1700`, `24x7`)."""


@dataclass(frozen=True, slots=True)
class PanelSettings:
    """The panel's part of the settings."""

    instruments: Mapping[BrokerName, tuple[Listed, ...]] = field(default_factory=dict)

    def listed(self, broker: BrokerName) -> tuple[Listed, ...]:
        """Give the instruments of a broker."""
        return self.instruments.get(broker, ())

    def find(self, broker: BrokerName, symbol: str) -> Listed:
        """Give what is set for a symbol; one that is not listed (held, or typed) has nothing set."""
        return next((one for one in self.listed(broker) if one.symbol == symbol), Listed(symbol))
