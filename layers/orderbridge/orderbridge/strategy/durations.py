"""How long an entry works (TRADING.md rule 14 says how long its stop does: GTC). Pure.

not said       market: DAY where the broker has it, else IOC;  others: DAY where the broker has it, else GTC
said           as said, where the broker has it for the order type
extendedHours  DAY and GTC become DAY_EXT and GTC_EXT; limit orders only
"""

from orderbridge.model import Duration, OrderType
from orderbridge.strategy.case import Case
from orderbridge.strategy.goal import End
from orderbridge.strategy.reasons import end

_EXTENDED = {Duration.DAY: Duration.DAY_EXT, Duration.GTC: Duration.GTC_EXT}
_AUCTIONS = frozenset({Duration.OPG, Duration.CLS})


def duration_of(case: Case) -> Duration | End:
    """Give the duration of the alert's entry order."""
    asked, order_type = case.alert.time_in_force, case.alert.order_type
    possible = durations_for(case, order_type)
    if asked is None:
        duration = _default(possible, order_type)
    elif order_type is OrderType.MARKET and asked in (Duration.DAY, Duration.GTC) and asked not in possible:
        duration = _default(possible, order_type)  # a market order fills at once: how long it would work is moot
    elif asked in possible:
        duration = asked
    else:
        return end("time_in_force_unsupported", f"{case.broker} has no {order_type} orders with duration {asked}.")
    return _extended(case, duration) if case.alert.extended_hours else duration


def durations_for(case: Case, order_type: OrderType) -> frozenset[Duration]:
    """Give the durations that the broker has for an order type.

    TradeLocker: IOC for market, GTC for limit and stop orders. Auctions take market and limit orders only.
    """
    durations = case.capabilities.durations
    if case.capabilities.broker == "tradelocker":
        return durations & {Duration.IOC if order_type is OrderType.MARKET else Duration.GTC}
    return durations if order_type in (OrderType.MARKET, OrderType.LIMIT) else durations - _AUCTIONS


def _default(possible: frozenset[Duration], order_type: OrderType) -> Duration:
    if Duration.DAY in possible:
        return Duration.DAY
    return Duration.IOC if order_type is OrderType.MARKET else Duration.GTC


def _extended(case: Case, duration: Duration) -> Duration | End:
    if case.alert.order_type is not OrderType.LIMIT:
        return end(
            "extended_hours_unsupported",
            f"Outside regular hours only limit orders work, and this is a {case.alert.order_type} order.",
        )
    extended = _EXTENDED.get(duration)
    if extended is None or extended not in case.capabilities.durations:
        return end(
            "extended_hours_unsupported",
            f"{case.broker} has no {duration} orders of this account for the extended sessions.",
        )
    return extended
