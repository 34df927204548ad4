"""Builders for decisions: a TradeStation future and a TradeLocker currency pair, an alert, a holding."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from orderbridge.alerts.alert import Action, Alert, Target
from orderbridge.brokers.port import Capabilities
from orderbridge.model import (
    Direction,
    Duration,
    Instrument,
    Order,
    OrderStatus,
    OrderType,
    Position,
    PositionMode,
    PriceStep,
    Quote,
    Side,
)
from orderbridge.strategy.decide import decide
from orderbridge.strategy.goal import End, Entry, Goal, Holding
from orderbridge.strategy.settings import AccountRoute, StrategySettings

NOW_MS = 1_793_000_000_000

TRADESTATION = Capabilities(
    broker="tradestation",
    order_types=frozenset(OrderType),
    durations=frozenset(Duration),
    position_modes=frozenset({PositionMode.NETTING}),
    quantity_unit="units",
    entry_bracket=True,
    bracket_types=frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP}),
    position_bracket=False,
    close_by_id=False,
    groups=True,
    replace=True,
    cancel_all=False,
    close_all=False,
    label=False,
    one_action_at_a_time=False,
    crosses_zero=False,
)

TRADELOCKER = Capabilities(
    broker="tradelocker",
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP}),
    durations=frozenset({Duration.GTC, Duration.IOC}),
    position_modes=frozenset({PositionMode.HEDGING, PositionMode.NETTING}),
    quantity_unit="lots",
    entry_bracket=True,
    bracket_types=frozenset({OrderType.STOP}),
    position_bracket=True,
    close_by_id=True,
    groups=False,
    replace=True,
    cancel_all=True,
    close_all=True,
    label=True,
    one_action_at_a_time=True,
    crosses_zero=False,
)

MES = Instrument(
    "MESZ26",
    asset_type="future",
    price_steps=(PriceStep(None, Decimal("0.25")),),
    units_per_quantity=Decimal(5),
)
EURUSD = Instrument(
    "EURUSD",
    asset_type="forex",
    price_steps=(PriceStep(None, Decimal("0.00001")),),
    quantity_step=Decimal("0.01"),
    min_quantity=Decimal("0.01"),
    units_per_quantity=Decimal(100_000),
)


def d(value: int | str) -> Decimal:
    return Decimal(value)


@dataclass(frozen=True)
class Desk:
    """One account to decide for; `replace` what a test is about."""

    capabilities: Capabilities
    instrument: Instrument
    position_mode: PositionMode
    quote: Quote | None
    settings: StrategySettings
    route: AccountRoute = field(default_factory=lambda: AccountRoute("acct"))
    now_ms: int = NOW_MS
    accepted_at_ms: int = NOW_MS

    def decide(self, alert: Alert, holding: Holding | None = None) -> Goal | End:
        return decide(
            alert,
            self.settings,
            self.route,
            self.capabilities,
            self.instrument,
            self.quote,
            holding if holding is not None else Holding(d(0), d(0)),
            self.now_ms,
            self.accepted_at_ms,
            self.position_mode,
        )

    def goal(self, alert: Alert, holding: Holding | None = None) -> Goal:
        decided = self.decide(alert, holding)
        assert isinstance(decided, Goal), decided
        return decided

    def entry(self, alert: Alert, holding: Holding | None = None) -> Entry:
        entry = self.goal(alert, holding).entry
        assert entry is not None
        return entry

    def end(self, alert: Alert, holding: Holding | None = None) -> End:
        decided = self.decide(alert, holding)
        assert isinstance(decided, End), decided
        return decided

    def code(self, alert: Alert, holding: Holding | None = None) -> str:
        return self.end(alert, holding).code

    def with_settings(self, **changes: Any) -> "Desk":
        return replace(self, settings=replace(self.settings, **changes))

    def with_route(self, **changes: Any) -> "Desk":
        return replace(self, route=replace(self.route, **changes))

    def with_(self, **changes: Any) -> "Desk":
        return replace(self, **changes)


def quote(middle: str, symbol: str = "MESZ26") -> Quote:
    return Quote(symbol, d(middle), d(middle), d(middle), NOW_MS)


FUTURES = Desk(
    TRADESTATION,
    MES,
    PositionMode.NETTING,
    quote("5000"),
    StrategySettings("trend", 1, (), quantity_unit="units"),
)
FX = Desk(
    TRADELOCKER,
    EURUSD,
    PositionMode.HEDGING,
    quote("1.10000", "EURUSD"),
    StrategySettings("trend", 1, (), quantity_unit="lots", max_notional=d(10_000_000)),
)
DESKS = [FUTURES, FX]


def alert(action: str, quantity: int | str | None = None, **fields: Any) -> Alert:
    return Alert(Action(action), "MES1!", quantity=None if quantity is None else Decimal(quantity), **fields)


def target(size: int | str | None, previous: int | str | None = None) -> Target:
    """A target by sizes; `None` leaves it out."""
    return Target(
        size=None if size is None else Decimal(size), previous_size=None if previous is None else Decimal(previous)
    )


def toward(direction: str, previous: str | None = None) -> Target:
    """A target by directions only."""
    return Target(Direction(direction), previous_direction=None if previous is None else Direction(previous))


def holds(signed: int | str | Decimal, count: int = 1, **fields: Any) -> Holding:
    """A holding that is all the strategy's own, made by `count` entries."""
    return Holding(Decimal(signed), Decimal(signed), entry_count=count if Decimal(signed) else 0, **fields)


def working(side: str, quantity: int | str = 1, filled: int | str = 0, symbol: str = "MESZ26") -> Order:
    return Order(
        f"{side}-{quantity}",
        symbol,
        Side(side),
        OrderType.LIMIT,
        Decimal(quantity),
        OrderStatus.WORKING,
        Decimal(filled),
    )


def held_in(symbol: str, signed: int | str) -> Position:
    side = Side.BUY if Decimal(signed) > 0 else Side.SELL
    return Position(f"p-{symbol}", symbol, side, abs(Decimal(signed)))
