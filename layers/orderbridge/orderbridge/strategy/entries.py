"""From a move's open quantity to the entry order, or the reason why there is none. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from orderbridge.model import PositionMode, Side
from orderbridge.strategy.ages import age_of
from orderbridge.strategy.brackets import bracket_of
from orderbridge.strategy.case import Case
from orderbridge.strategy.durations import duration_of
from orderbridge.strategy.goal import End, Entry
from orderbridge.strategy.limits import check_limits
from orderbridge.strategy.move import Move
from orderbridge.strategy.prices import OrderPrices, order_prices
from orderbridge.strategy.reasons import end, number, position


@dataclass(frozen=True, slots=True)
class Planned:
    """The entry order, and what is said about it."""

    entry: Entry
    notes: tuple[str, ...] = ()


def entry_of(case: Case, move: Move) -> Planned | End:
    """Give the entry order of a move that opens something."""
    blocked = _too_old(case) or _unknown(case) or _foreign(case, move.side) or _not_tradable(case)
    if blocked:
        return blocked
    prices = order_prices(case, move.side)
    if isinstance(prices, End):
        return prices
    sized = check_limits(case, move.side, move.open, _worth(case, prices))
    if isinstance(sized, End):
        return sized
    bracketed = bracket_of(case, move.side, prices)
    if isinstance(bracketed, End):
        return bracketed
    duration = duration_of(case)
    if isinstance(duration, End):
        return duration
    entry = Entry(
        side=move.side,
        quantity=move.open,
        order_type=case.alert.order_type,
        limit_price=prices.limit,
        stop_price=prices.stop,
        trail_amount=prices.trail_amount,
        trail_percent=prices.trail_percent,
        duration=duration,
        bracket=bracketed.bracket,
    )
    return Planned(entry, (*_other_months(case, move.side), *sized, *prices.notes, *bracketed.notes))


def _too_old(case: Case) -> End | None:
    """Rule 19: a stale entry is not traded."""
    age = age_of(case.alert, case.now_ms, case.accepted_at_ms)
    if age.ms <= case.settings.entry_max_age_ms:
        return None
    limit = case.settings.entry_max_age_ms / 1000
    text = f"The alert is {age.ms / 1000:.1f} s old, and entries expire after {limit:g} s."
    return end("entry_too_old", f"{text} {age.note}".rstrip())


def _unknown(case: Case) -> End | None:
    """Rule 13: nobody knows what an UNKNOWN order did, so nothing is opened until it is resolved."""
    holding = case.holding
    if not holding.unknown_entries and not holding.unknown_exits:
        return None
    what = []
    if holding.unknown_entries:
        what.append(f"an entry of {position(holding.unknown_entries)}")
    if holding.unknown_exits:
        what.append(f"{holding.unknown_exits} exit{'s' if holding.unknown_exits > 1 else ''}")
    return end("unknown_command", f"The outcome of {' and '.join(what)} in {case.root} is unknown; nothing is opened.")


def _foreign(case: Case, side: Side) -> End | None:
    """Rule 3, and rule 2's netting: an entry must not close what somebody else opened."""
    foreign = case.foreign
    if foreign and case.settings.on_foreign_position == "halt":
        return end(
            "foreign_position",
            f"{case.route.account} holds {position(foreign)} in {case.root} that strategy {case.settings.name} did "
            "not open; entries are halted (on_foreign_position).",
        )
    if foreign * side.sign < 0 and case.position_mode is PositionMode.NETTING:
        return end(
            "foreign_opposite",
            f"{case.route.account} holds {position(foreign)} in {case.root} that strategy {case.settings.name} did "
            f"not open; a {side} would close it.",
        )
    return None


def _not_tradable(case: Case) -> End | None:
    instrument = case.instrument
    if not instrument.tradable:
        return end("not_tradable", f"{instrument.symbol} carries data only; name a contract that is traded.")
    if instrument.expires_at_ms is not None and case.now_ms >= instrument.expires_at_ms:
        return end("contract_expired", f"{instrument.symbol} has expired; its next contract is another symbol.")
    return None


def _worth(case: Case, prices: OrderPrices) -> Decimal | None:
    """Give the price that the order's money value is reckoned with."""
    if prices.expected is not None:
        return prices.expected
    if case.quote is not None and case.quote.reference is not None:
        return case.quote.reference
    return case.alert.price


def _other_months(case: Case, side: Side) -> tuple[str, ...]:
    """Rule 4: say which month is held when the entry goes to another."""
    held = [p for p in case.holding.positions if p.side is side and p.symbol != case.instrument.symbol]
    return tuple(
        f"{number(p.quantity)} {case.unit} are held in {p.symbol}; the entry goes to {case.instrument.symbol}."
        for p in held
    )
