"""By what an order of ours is recognised in TradeStation's list."""

from orderbridge.commands import Place
from orderbridge.model import Duration, Order, OrderType


def fits(order: Order, wanted: Place) -> bool:
    """Tell whether an order is what was asked for: symbol, side, effect, type, prices, trail, duration and quantity."""
    return fits_as_part(order, wanted) and order.quantity == wanted.quantity


def fits_as_part(order: Order, wanted: Place) -> bool:
    """Tell the same of an order that belongs to another one: a fill of its sibling may have made it smaller."""
    return (
        order.symbol.casefold() == wanted.symbol.casefold()
        and order.side is wanted.side
        and order.effect in ("unknown", wanted.effect)
        and order.type is wanted.order_type
        and order.quantity <= wanted.quantity
        and _prices_fit(order, wanted)
        and _duration_fits(order.duration, wanted.duration)
    )


def _prices_fit(order: Order, wanted: Place) -> bool:
    """Compare as numbers: replies write "272.3" for "272.30". Only the prices that the type has count."""
    match wanted.order_type:
        case OrderType.MARKET:
            return True
        case OrderType.LIMIT:
            return order.limit_price == wanted.limit_price
        case OrderType.STOP:
            return order.stop_price == wanted.stop_price
        case OrderType.STOP_LIMIT:
            return (order.limit_price, order.stop_price) == (wanted.limit_price, wanted.stop_price)
        case OrderType.TRAILING_STOP:
            amount = wanted.trail_amount
            percent = wanted.trail_percent if amount is None else None
            return (order.trail_amount, order.trail_percent) == (amount, percent)


def _duration_fits(shown: str, wanted: Duration) -> bool:
    """Compare durations; a future has no separate extended session, so its `DAY+` may be shown as `DAY`."""
    plain = {Duration.DAY_EXT: Duration.DAY, Duration.GTC_EXT: Duration.GTC}
    return shown in ("", wanted, plain.get(wanted, wanted))
