"""Links: what alerts say of the position before and after them, and the order that fits several of them best. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from orderbridge.alerts.alert import Alert
from orderbridge.model import Direction

ZERO = Decimal(0)
Ranked = tuple[Decimal, tuple[int, ...]]
"""How much movement an order of links leaves unexplained, and the order."""


@dataclass(frozen=True, slots=True)
class Said:
    """A position as a message says it; `size` is positive, None where only the direction is said."""

    direction: Direction
    size: Decimal | None = None

    @property
    def signed(self) -> Decimal:
        """Give the signed size; an unknown size counts as one."""
        return (Decimal(1) if self.size is None else self.size) * self.direction.sign


FLAT = Said(Direction.FLAT, ZERO)


@dataclass(frozen=True, slots=True)
class Link:
    """What one alert says of the position before and after it; `previous` is None where it does not say it."""

    previous: Said | None
    result: Said


def link_of(alert: Alert) -> Link | None:
    """Give the link that an alert is; None when it does not say which position results."""
    if alert.target is None:
        return None
    result = _said(alert.target.direction, alert.target.size)
    if result is None:
        return None
    return Link(_said(alert.target.previous_direction, alert.target.previous_size), result)


def _said(direction: Direction | None, size: Decimal | None) -> Said | None:
    if direction is Direction.FLAT or size == 0:
        return FLAT
    if direction is None:
        return None if size is None else Said(Direction.of(size), abs(size))
    return Said(direction, None if size is None else abs(size))


def distance(before: Said, previous: Said | None) -> Decimal:
    """Give how much movement is missing between two positions; nothing where a size is not said."""
    if previous is None:
        return ZERO
    if before.direction is previous.direction and (before.size is None or previous.size is None):
        return ZERO
    return abs(before.signed - previous.signed)


def joins_on(now: Said, link: Link) -> bool:
    """Tell whether a link continues from a position."""
    return distance(now, link.previous) == 0


def only_reduces(link: Link) -> bool:
    """Tell whether a link makes a position smaller without turning it round."""
    if link.previous is None:
        return link.result.direction is Direction.FLAT
    before, after = link.previous.signed, link.result.signed
    return link.result.direction in (Direction.FLAT, link.previous.direction) and abs(after) < abs(before)


@dataclass(frozen=True, slots=True)
class Timed:
    """A link and the second in which it fired, None where that is not known."""

    link: Link
    second: int | None


def best_order(base: Said, links: Sequence[Timed], doubtful: Sequence[int] = ()) -> Ranked:
    """Give the order of `links` with the least movement missing between them, and how much that is.

    No link stands before one of an earlier second. Among equal orders: the links as they come, if nothing is missing;
    otherwise the `doubtful` ones (by index) first, then the others as they come.
    """
    indices = range(len(links))
    if _is_order(base, links):
        return ZERO, tuple(indices)
    complete = _search(base, links, tuple(indices))
    if complete[0] == 0 or not doubtful:
        return complete
    return _search(base, links, (*doubtful, *(index for index in indices if index not in doubtful)))


def _is_order(base: Said, links: Sequence[Timed]) -> bool:
    """Tell whether the links join on to one another as they come: the common case, without a search."""
    before = [base, *(timed.link.result for timed in links)]
    joined = all(joins_on(now, timed.link) for now, timed in zip(before, links, strict=False))
    return joined and not any(_is_before(late, early) for early, late in combinations(links, 2))


def _search(base: Said, links: Sequence[Timed], preference: Sequence[int]) -> Ranked:
    """Held and Karp's search over subsets; among equal orders the one that follows `preference`."""
    rank = {index: place for place, index in enumerate(preference)}
    earlier = [_mask(j for j in preference if _is_before(links[j], links[i])) for i in range(len(links))]
    best: dict[tuple[int, int], Ranked] = {
        (1 << i, i): (distance(base, links[i].link.previous), (rank[i],)) for i in preference if not earlier[i]
    }
    for _ in range(len(links) - 1):
        longer: dict[tuple[int, int], Ranked] = {}
        for (taken, last), (missing, ranks) in best.items():
            for i in preference:
                if taken & 1 << i or earlier[i] & ~taken:
                    continue
                gap = distance(links[last].link.result, links[i].link.previous)
                key, step = (taken | 1 << i, i), (missing + gap, (*ranks, rank[i]))
                if key not in longer or step < longer[key]:
                    longer[key] = step
        best = longer
    missing, ranks = min(best.values())
    return missing, tuple(preference[place] for place in ranks)


def _mask(indices: Iterable[int]) -> int:
    return sum(1 << index for index in indices)


def _is_before(one: Timed, other: Timed) -> bool:
    return one.second is not None and other.second is not None and one.second < other.second
