"""What a strategy holds and works in a root, seen from one side. Pure."""

from decimal import Decimal

from orderbridge.model import Side
from orderbridge.strategy.case import ZERO, Case
from orderbridge.strategy.goal import End
from orderbridge.strategy.reasons import end, number, position


def ahead_of(case: Case, side: Side) -> Decimal:
    """Give what the strategy holds on `side`; negative when it holds the other side."""
    return case.mine * side.sign


def standing_on(case: Case, side: Side) -> Decimal:
    """Give what is held and working on `side`, positive: working and UNKNOWN entries count as filled (rule 1)."""
    return max(ZERO, ahead_of(case, side)) + case.working(side)


def no_more_entries(case: Case, side: Side) -> End | None:
    """Refuse another entry on a side that is held or working, beyond what `pyramiding` allows."""
    held, working = max(ZERO, ahead_of(case, side)), case.working(side)
    count = _entries_on(case, side)
    if count == 0 or count < case.settings.pyramiding:
        return None
    states = [f"{position(held * side.sign)} held{held_months(case)}"] if held else []
    states += [f"a {side} of {number(working)} working"] if working else []
    return end(
        "same_side_held",
        f"{case.root}: {' and '.join(states)}, entry {count} of {case.settings.pyramiding} that pyramiding allows; "
        f"another {side} needs a higher `pyramiding`, the action `add` or a target.",
    )


def _entries_on(case: Case, side: Side) -> int:
    """Count the entries that make up the side, those that only work included."""
    if ahead_of(case, side) > 0:
        return max(1, case.holding.entry_count)
    unknown = 1 if case.holding.unknown_entries * side.sign > 0 else 0
    return sum(1 for order in case.holding.entries if order.side is side) + unknown


def held_months(case: Case) -> str:
    """Name the months that are held where they are not the alert's (rule 4)."""
    others = sorted({held.symbol for held in case.holding.positions if held.symbol != case.instrument.symbol})
    return f" ({', '.join(others)})" if others else ""
