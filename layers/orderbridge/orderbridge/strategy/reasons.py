"""Why a decision ends without an order: every stable reason code of this room, its ending and its meaning.

The table in `docs/decisions.md` is written from here. Codes are part of the interface: they are never renamed.
"""

from collections.abc import Mapping
from decimal import Context, Decimal
from types import MappingProxyType

from orderbridge.alerts.alert import Refusal
from orderbridge.strategy.goal import End, Ending

REASONS: Mapping[str, tuple[Ending, str]] = MappingProxyType(
    {
        # nothing to do
        "mode_off": (Ending.NO_ACTION, "the strategy is switched off"),
        "notice": (Ending.NO_ACTION, "the alert is understood and asks for no trade"),
        "already_flat": (Ending.NO_ACTION, "an exit, and nothing is held"),
        "side_not_held": (Ending.NO_ACTION, "an exit of a side that is not held"),
        "not_owned": (Ending.NO_ACTION, "an exit, and what is held was not opened by this strategy"),
        "nothing_working": (Ending.NO_ACTION, "a cancel, and no entry order of this strategy works"),
        "target_reached": (Ending.NO_ACTION, "the target is held or working already"),
        "nothing_to_reduce": (Ending.NO_ACTION, "the alert reduces a side that is not held: a reduction never opens"),
        # what the strategy does not allow
        "action_not_allowed": (Ending.REFUSED, "the action is not among the strategy's allowed_actions"),
        "symbol_not_allowed": (Ending.REFUSED, "the symbol is not among the roots that the strategy trades"),
        "same_side_held": (
            Ending.REFUSED,
            "the side is held or working already; pyramiding allows no further entry",
        ),
        "nothing_to_add_to": (Ending.REFUSED, "an add, and neither a position nor the message says a side"),
        "add_other_side": (Ending.REFUSED, "an add that names the side which is not held"),
        "resting_order_would_close": (
            Ending.REFUSED,
            "a plain limit or stop order against the held side: closes go at market",
        ),
        "opposite_order_works": (
            Ending.REFUSED,
            "a plain order that opens beside a working entry of the other side, which would close it again",
        ),
        # state
        "entry_too_old": (Ending.EXPIRED, "the alert is older than entry_max_age"),
        "exit_too_old": (Ending.EXPIRED, "the alert is older than exit_max_age"),
        "unknown_command": (Ending.REFUSED, "an order with unknown outcome blocks entries of this symbol"),
        "foreign_position": (Ending.REFUSED, "on_foreign_position is halt, and somebody else's position is held"),
        "foreign_opposite": (Ending.REFUSED, "the entry would close a position that this strategy did not open"),
        "not_tradable": (Ending.REFUSED, "the symbol carries data only"),
        "contract_expired": (Ending.REFUSED, "the contract has expired"),
        # size
        "quantity_missing": (Ending.REFUSED, "neither the alert nor the settings say a size"),
        "quantity_zero": (Ending.REFUSED, "the quantity is zero, and zero is not missing"),
        "quantity_negative": (Ending.REFUSED, "the quantity is negative"),
        "quantity_type_unsupported": (Ending.REFUSED, "only fixed quantities are supported"),
        "quantity_unit_missing": (Ending.REFUSED, "the broker trades lots, and the strategy states no quantity_unit"),
        "quantity_unit_mismatch": (Ending.REFUSED, "the strategy counts lots, and the broker trades units"),
        "quantity_rounds_to_zero": (Ending.REFUSED, "the size is less than one step"),
        "quantity_below_minimum": (Ending.REFUSED, "the size is less than the instrument's minimum"),
        "quantity_above_maximum": (Ending.REFUSED, "the size is more than the instrument's maximum"),
        "entry_size_unknown": (
            Ending.REFUSED,
            "the order also closes a position of unknown size, so the size of its entry is unknown",
        ),
        "reduction_unknown": (Ending.REFUSED, "how much of the position is closed cannot be told"),
        "max_quantity": (Ending.REFUSED, "held, working and new together exceed max_quantity"),
        "max_notional": (Ending.REFUSED, "held, working and new together exceed max_notional"),
        "notional_unknown": (Ending.REFUSED, "max_notional is set, and no price is known"),
        # order
        "order_type_unsupported": (Ending.REFUSED, "the broker does not have the order type"),
        "price_missing": (Ending.REFUSED, "the order type needs a price that the alert does not say"),
        "price_not_positive": (Ending.REFUSED, "a price is zero or negative"),
        "time_in_force_unsupported": (Ending.REFUSED, "the broker does not have the duration for this order"),
        "extended_hours_unsupported": (Ending.REFUSED, "the order cannot work in the extended sessions"),
        "bracket_unsupported": (Ending.REFUSED, "the broker does not have this kind of stop or target"),
        "bracket_incomplete": (Ending.REFUSED, "a stop or target is named without its price"),
        "bracket_needs_quote": (Ending.REFUSED, "a relative stop or target, and no price to compute it from"),
        "stop_wrong_side": (Ending.REFUSED, "the stop would trigger at once: it lies on the wrong side of the entry"),
        "target_wrong_side": (Ending.REFUSED, "the target lies on the wrong side of the entry"),
    }
)

_SHORT = Context(prec=12)


def end(code: str, sentence: str) -> End:
    """Build the end with this room's ending for `code`. Raises `KeyError` for a code that is not in `REASONS`."""
    return End(REASONS[code][0], code, sentence)


def end_of(refusal: Refusal) -> End:
    """Give the end of an alert whose symbol is refused (`orderbridge.strategy.symbols.wanted_symbol`)."""
    return End(Ending.REFUSED, refusal.code, f"{refusal.message} {refusal.hint}")


def number(value: Decimal) -> str:
    """Write a number for a sentence: at most twelve digits, no exponent, no trailing zeros, thousands set off."""
    return f"{_SHORT.create_decimal(value).normalize(_SHORT):,f}"


def position(signed: Decimal) -> str:
    """Write a signed quantity as a position: `long 2`, `short 0.5`, `flat`."""
    if signed == 0:
        return "flat"
    return f"{'long' if signed > 0 else 'short'} {number(abs(signed))}"
