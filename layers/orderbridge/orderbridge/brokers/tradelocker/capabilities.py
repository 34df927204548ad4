"""What a TradeLocker account can do."""

from orderbridge.brokers.port import Capabilities
from orderbridge.model import Duration, OrderType, PositionMode

CAPABILITIES = Capabilities(
    broker="tradelocker",
    order_types=frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP}),
    durations=frozenset({Duration.GTC, Duration.IOC}),
    position_modes=frozenset({PositionMode.HEDGING, PositionMode.NETTING}),
    quantity_unit="lots",
    entry_bracket=True,
    # A trailing stop exists, but its distance is in pips whose size the API does not tell: not offered.
    bracket_types=frozenset({OrderType.STOP}),
    position_bracket=True,
    close_by_id=True,
    groups=False,
    replace=True,
    cancel_all=True,
    close_all=True,
    label=True,
    # One user of the service reports a "too many requests" for a second trade action while one is under way.
    one_action_at_a_time=True,
    crosses_zero=False,
)
