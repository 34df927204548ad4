"""Size limits of an entry (TRADING.md rules 1, 22, 23). Pure.

Held, working and UNKNOWN count as filled: what is limited is the position that all of it together would make.
"""

from decimal import Decimal

from orderbridge.model import Side
from orderbridge.strategy.case import Case
from orderbridge.strategy.goal import End
from orderbridge.strategy.reasons import end, number
from orderbridge.strategy.sizing import scale_of
from orderbridge.strategy.standing import standing_on


def check_limits(case: Case, side: Side, quantity: Decimal, price: Decimal | None) -> tuple[str, ...] | End:
    """Refuse an entry beyond the instrument's or the strategy's limits; else say the size in units and money."""
    return (
        _instrument_limits(case, quantity)
        or _max_quantity(case, side, quantity)
        or _max_notional(case, side, quantity, price)
        or _audit(case, quantity, price)
    )


def _instrument_limits(case: Case, quantity: Decimal) -> End | None:
    instrument, asked = case.instrument, f"{number(quantity)} {case.unit}"
    if quantity < instrument.min_quantity:
        return end(
            "quantity_below_minimum",
            f"{asked} of {instrument.symbol} are less than the minimum of {number(instrument.min_quantity)}.",
        )
    if instrument.max_quantity is not None and quantity > instrument.max_quantity:
        return end(
            "quantity_above_maximum",
            f"{asked} of {instrument.symbol} are more than the maximum of {number(instrument.max_quantity)}.",
        )
    return None


def _max_quantity(case: Case, side: Side, quantity: Decimal) -> End | None:
    """`max_quantity` counts in the strategy's unit, as its alerts do, before any multiplier."""
    limit, scale = case.settings.max_quantity, scale_of(case)
    if limit is None:
        return None
    if isinstance(scale, End):
        return scale
    total = standing_on(case, side) + quantity
    if total * scale.units <= limit:
        return None
    return end(
        "max_quantity",
        f"{_sum(case, side, quantity)} {case.unit} in {case.root} exceed max_quantity {number(limit)}"
        + (f" ({number(limit / scale.units)} {case.unit})." if scale.units != 1 else "."),
    )


def _max_notional(case: Case, side: Side, quantity: Decimal, price: Decimal | None) -> End | None:
    limit, currency = case.settings.max_notional, case.instrument.currency
    if limit is None:
        return None
    if price is None:
        return end("notional_unknown", f"max_notional is {number(limit)} {currency}, and no price is known.")
    total = standing_on(case, side) + quantity
    notional = total * case.instrument.units_per_quantity * price
    if notional <= limit:
        return None
    return end(
        "max_notional",
        f"{_sum(case, side, quantity)} {case.unit} of {case.instrument.symbol} at {number(price)} are "
        f"{number(notional)} {currency}, more than max_notional {number(limit)}.",
    )


def _sum(case: Case, side: Side, quantity: Decimal) -> str:
    standing = standing_on(case, side)
    return f"{number(standing)} held or working and {number(quantity)} more" if standing else number(quantity)


def _audit(case: Case, quantity: Decimal, price: Decimal | None) -> tuple[str, ...]:
    """Where lots are traded, both numbers and the notional are said (rule 23)."""
    if case.capabilities.quantity_unit != "lots":
        return ()
    units = quantity * case.instrument.units_per_quantity
    worth = "" if price is None else f", about {number(units * price)} {case.instrument.currency}"
    return (f"{number(quantity)} lots are {number(units)} units of {case.instrument.symbol}{worth}.",)
