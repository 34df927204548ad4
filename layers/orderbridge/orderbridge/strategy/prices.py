"""Prices of an entry order, rounded to the tick by what they are for (TRADING.md rule 22). Pure.

limit         never worse than asked: a buy down, a sell up
entry stop    away from the market: a buy up, a sell down
stop-loss     towards earlier protection: of a long up, of a short down
stop limit    of a protective stop: towards being filled, of a long down, of a short up
take-profit   towards being reached: of a long down, of a short up
trail         a smaller distance, at least one tick
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from orderbridge.model import Instrument, OrderType, Side
from orderbridge.strategy.case import Case
from orderbridge.strategy.goal import End
from orderbridge.strategy.reasons import end, number


@dataclass(frozen=True, slots=True)
class OrderPrices:
    """An order's own prices, rounded; None where its type has none."""

    limit: Decimal | None = None
    stop: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    notes: tuple[str, ...] = ()

    @property
    def expected(self) -> Decimal | None:
        """Give the price at which the order starts to fill, where the order says one."""
        return self.stop if self.stop is not None else self.limit


def to_tick(price: Decimal, instrument: Instrument, up: bool) -> Decimal:
    """Round a price to the tick that applies at it."""
    tick = instrument.tick_at(price)
    return (price / tick).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * tick


def rounding_note(name: str, asked: Decimal, rounded: Decimal, instrument: Instrument) -> tuple[str, ...]:
    """Say that a price was rounded; nothing when it was not."""
    if asked == rounded:
        return ()
    tick = number(instrument.tick_at(asked))
    return (f"The {name} {number(asked)} is rounded to {number(rounded)} (tick {tick}).",)


def order_prices(case: Case, side: Side) -> OrderPrices | End:
    """Give the prices of an entry; refused where the type needs one that the alert does not say."""
    order_type = case.alert.order_type
    if order_type not in case.capabilities.order_types:
        return end("order_type_unsupported", f"{case.broker} has no {order_type} orders.")
    missing = _missing(case, order_type)
    if missing:
        return end("price_missing", f"A {order_type} order needs {missing}, and the alert does not say it.")
    for name, price in _asked(case, order_type):
        if price <= 0:
            return end("price_not_positive", f"The {name} {number(price)} is not a price.")
    return _rounded(case, side, order_type)


def _missing(case: Case, order_type: OrderType) -> str:
    alert = case.alert
    if order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and alert.limit_price is None:
        return "limitPrice"
    if order_type in (OrderType.STOP, OrderType.STOP_LIMIT) and alert.stop_price is None:
        return "stopPrice"
    if order_type is OrderType.TRAILING_STOP and alert.trail_amount is None and alert.trail_percent is None:
        return "trailAmount or trailPercent"
    return ""


def _asked(case: Case, order_type: OrderType) -> list[tuple[str, Decimal]]:
    """List the prices that the order type uses."""
    alert, used = case.alert, _USED[order_type]
    values = {
        "limitPrice": alert.limit_price,
        "stopPrice": alert.stop_price,
        "trailAmount": alert.trail_amount,
        "trailPercent": alert.trail_percent,
    }
    return [(name, value) for name in used if (value := values[name]) is not None]


_USED: dict[OrderType, tuple[str, ...]] = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limitPrice",),
    OrderType.STOP: ("stopPrice",),
    OrderType.STOP_LIMIT: ("stopPrice", "limitPrice"),
    OrderType.TRAILING_STOP: ("trailAmount", "trailPercent"),
}


def _rounded(case: Case, side: Side, order_type: OrderType) -> OrderPrices:
    asked = dict(_asked(case, order_type))
    instrument, buys = case.instrument, side is Side.BUY
    notes: tuple[str, ...] = ()
    limit, stop, trail = asked.get("limitPrice"), asked.get("stopPrice"), asked.get("trailAmount")
    if limit is not None:
        limit, unrounded = to_tick(limit, instrument, up=not buys), limit
        notes += rounding_note("limit price", unrounded, limit, instrument)
    if stop is not None:
        stop, unrounded = to_tick(stop, instrument, up=buys), stop
        notes += rounding_note("stop price", unrounded, stop, instrument)
    if trail is not None:
        trail, unrounded = trail_to_tick(trail, instrument), trail
        notes += rounding_note("trail", unrounded, trail, instrument)
    percent = None if trail is not None else asked.get("trailPercent")
    return OrderPrices(limit, stop, trail, percent, notes + _passed_over(case, order_type))


def trail_to_tick(amount: Decimal, instrument: Instrument) -> Decimal:
    """Round a trailing distance down, to one tick at least."""
    return max(to_tick(amount, instrument, up=False), instrument.tick_at(amount))


def _passed_over(case: Case, order_type: OrderType) -> tuple[str, ...]:
    alert, used = case.alert, _USED[order_type]
    prices = (("limitPrice", alert.limit_price), ("stopPrice", alert.stop_price))
    return tuple(
        f"A {order_type} order has no {name}; {number(price)} is not obeyed."
        for name, price in prices
        if price is not None and name not in used
    )
