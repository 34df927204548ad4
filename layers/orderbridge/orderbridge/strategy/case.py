"""Everything that one decision is made from, and what follows from it directly. Pure values."""

from dataclasses import dataclass
from decimal import Decimal

from orderbridge.alerts.alert import Alert
from orderbridge.brokers.port import Capabilities
from orderbridge.model import Instrument, PositionMode, Quote, Side
from orderbridge.strategy.goal import Holding
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from orderbridge.strategy.symbols import canonical_root

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Case:
    """One alert at one account at one moment."""

    alert: Alert
    settings: StrategySettings
    route: AccountRoute
    capabilities: Capabilities
    instrument: Instrument
    quote: Quote | None
    holding: Holding
    now_ms: int
    accepted_at_ms: int
    position_mode: PositionMode

    @property
    def root(self) -> str:
        return canonical_root(self.instrument.symbol)

    @property
    def adopts(self) -> bool:
        return self.settings.on_foreign_position == "adopt"

    @property
    def mine(self) -> Decimal:
        """Give the signed position that this strategy may act on: min(owned, held), or all that is held when adopting.

        At a hedging account another's position on the other side takes nothing away from ours.
        """
        held, owned = self.holding.held, self.holding.owned
        if self.adopts:
            return held
        if self.position_mode is PositionMode.HEDGING:
            return owned
        return min(owned, max(held, ZERO)) if owned > 0 else max(owned, min(held, ZERO))

    @property
    def foreign(self) -> Decimal:
        """Give the signed quantity that is held and not this strategy's."""
        return ZERO if self.adopts else self.holding.held - self.mine

    def working(self, side: Side) -> Decimal:
        """Give what own working and UNKNOWN entries on `side` can still add, positive: it counts as filled (rule 1)."""
        known = sum((order.remaining for order in self.holding.entries if order.side is side), ZERO)
        return known + max(ZERO, self.holding.unknown_entries * side.sign)

    @property
    def broker(self) -> str:
        return {"tradestation": "TradeStation", "tradelocker": "TradeLocker"}[self.capabilities.broker]

    @property
    def unit(self) -> str:
        """Give the word for the broker's unit of quantity."""
        if self.capabilities.quantity_unit == "lots":
            return "lots"
        return {"stock": "shares", "future": "contracts"}.get(self.instrument.asset_type, "units")
