"""What a TradeStation account can do."""

from orderbridge.brokers.port import Capabilities
from orderbridge.model import Duration, OrderType, PositionMode

EQUITIES = Capabilities(
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
"""A cash or margin account. One order cannot turn a position around: each of the four actions fits one side only."""

FUTURES = Capabilities(
    broker="tradestation",
    order_types=frozenset(OrderType),
    durations=frozenset({Duration.DAY, Duration.GTC, Duration.IOC, Duration.FOK}),
    position_modes=EQUITIES.position_modes,
    quantity_unit="units",
    entry_bracket=True,
    bracket_types=EQUITIES.bracket_types,
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
"""A futures account. Whether one order may cross zero is unconfirmed, so none does."""


def capabilities_of(account_kind: str) -> Capabilities:
    """Give the capabilities of an account type as TradeStation names it (`Cash`, `Margin`, `Futures`, `DVP`)."""
    return FUTURES if account_kind.casefold() == "futures" else EQUITIES
