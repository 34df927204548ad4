"""From the alert's quantity to the broker's: multiplier, unit, step (TRADING.md rules 6, 9, 22, 23). Pure.

account quantity = alert quantity x multiplier / units per lot     (the last only for `units` at a lots broker)
"""

from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from orderbridge.strategy.case import ZERO, Case
from orderbridge.strategy.goal import End
from orderbridge.strategy.reasons import end, number

FIXED_QUANTITY = "fixed_quantity"


@dataclass(frozen=True, slots=True)
class Scale:
    """How the alert's quantities become the account's."""

    multiplier: Decimal
    units: Decimal
    """The alert's units in one of the broker's: `lotSize` where the strategy counts units and the broker lots."""
    step: Decimal

    def exact(self, quantity: Decimal) -> Decimal:
        """Give an alert's quantity in the account's scale, unrounded."""
        return quantity * self.multiplier / self.units

    def whole(self, quantity: Decimal) -> Decimal:
        """Give an alert's quantity (not negative) in the account's scale, rounded down to the step."""
        return self.down(self.exact(quantity))

    def down(self, quantity: Decimal) -> Decimal:
        """Round a quantity of the account down to the step."""
        return round_down(quantity, self.step)


def round_down(quantity: Decimal, step: Decimal) -> Decimal:
    """Round a positive quantity down to a multiple of `step`."""
    return (quantity / step).to_integral_value(ROUND_FLOOR) * step


def scale_of(case: Case) -> Scale | End:
    """Give the account's scale; refused where the unit of the alert's quantities is not known (rule 23)."""
    unit, name = case.settings.quantity_unit, case.settings.name
    units = Decimal(1)
    if case.capabilities.quantity_unit == "lots":
        if unit is None:
            return end(
                "quantity_unit_missing",
                f"{case.broker} trades lots, and strategy {name} does not say whether its quantities are "
                f"lots or units; set quantity_unit.",
            )
        if unit == "units":
            units = case.instrument.units_per_quantity
    elif unit == "lots":
        return end(
            "quantity_unit_mismatch",
            f"Strategy {name} counts lots, and {case.broker} trades {case.unit}; use quantity_unit: units.",
        )
    return Scale(case.route.multiplier, units, case.instrument.quantity_step)


@dataclass(frozen=True, slots=True)
class Sized:
    """A quantity of the account (zero is possible) and what is said about how it came about."""

    quantity: Decimal
    notes: tuple[str, ...] = ()
    less: Decimal | None = None
    """What of the order's quantity counts as closing; None where what is closed does not matter."""


def asked_quantity(case: Case) -> Decimal | End:
    """Give the alert's own quantity, checked: what an entry or a partial exit needs."""
    quantity = case.alert.quantity
    if quantity is None:
        return end("quantity_missing", f"The alert says no quantity, and {case.route.account} has no fixed one.")
    if case.alert.quantity_type != FIXED_QUANTITY:
        return end("quantity_type_unsupported", f"quantityType {case.alert.quantity_type} is not supported yet.")
    if quantity < 0:
        return end("quantity_negative", f"The quantity is {number(quantity)}; say the side by the action.")
    if quantity == 0:
        return end("quantity_zero", "The quantity is 0: zero is not taken for missing.")
    return quantity


def order_size(case: Case, less: Decimal | None = None) -> Sized | End:
    """Give the size of an entry from the alert's order quantity, less what it closes in the account's scale (rule 9).

    A fixed quantity of the route is the size of every entry, whatever the alert says.
    """
    scale = scale_of(case)
    if isinstance(scale, End):
        return scale
    if case.route.fixed_quantity is not None:
        return whole_steps(case, case.route.fixed_quantity / scale.units)
    quantity = asked_quantity(case)
    if isinstance(quantity, End):
        return quantity
    rest = scale.exact(quantity) - (less or ZERO)
    if less is not None and rest <= 0:
        text = (
            f"The order's {number(scale.exact(quantity))} {case.unit} less {number(less)} closed leave nothing to open."
        )
        return Sized(ZERO, (text,))
    sized = whole_steps(case, rest)
    return sized if isinstance(sized, End) else replace(sized, less=less)


def whole_steps(case: Case, exact: Decimal) -> Sized | End:
    """Round a positive quantity of the account down to its step; refused when nothing is left."""
    step = case.instrument.quantity_step
    whole = round_down(exact, step)
    if whole == 0:
        return end(
            "quantity_rounds_to_zero",
            f"{number(exact)} {case.unit} of {case.instrument.symbol} are less than one step of {number(step)}.",
        )
    if whole == exact:
        return Sized(whole)
    return Sized(whole, (f"{number(exact)} {case.unit} rounded down to {number(whole)} (step {number(step)}).",))
