"""Links: what alerts say of the position before and after them, and the order that fits several of them best. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

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
    if direction is None:
        return None if size is None else Said(Direction.of(size), abs(size))
    if direction is Direction.FLAT:
        return FLAT
    return Said(direction, None if size is None else abs(size))


def distance(before: Said, previous: Said | None) -> Decimal:
    """Give how much movement is missing between two positions; nothing where a size is not said."""
    if previous is None:
        return ZERO
    if before.direction is previous.direction and (before.size is None or previous.size is None):
        return ZERO
    return abs(before.signed - previous.signed)


def best_order(base: Said, links: Sequence[Link], known: int) -> tuple[Decimal, tuple[int, ...]]:
    """Give the order of `links` with the least movement missing between them, and how much that is.

    The first `known` links were worked or passed already. When nothing is missing they come first: the end is the same
    in every such order. Otherwise a doubtful link counts as older: not to trade is told, a wrong trade is not undone.
    """
    indices = range(len(links))
    complete = _search(base, links, tuple(indices))
    if complete[0] == 0:
        return complete
    return _search(base, links, (*indices[known:], *indices[:known]))


def _search(base: Said, links: Sequence[Link], preference: Sequence[int]) -> tuple[Decimal, tuple[int, ...]]:
    """Held and Karp's search over subsets; among equal orders the one that follows `preference`."""
    rank = {index: place for place, index in enumerate(preference)}
    best: dict[tuple[int, int], Ranked] = {
        (1 << i, i): (distance(base, links[i].previous), (rank[i],)) for i in preference
    }
    for _ in range(len(links) - 1):
        longer: dict[tuple[int, int], Ranked] = {}
        for (taken, last), (missing, ranks) in best.items():
            for i in preference:
                if taken & 1 << i:
                    continue
                step = (missing + distance(links[last].result, links[i].previous), (*ranks, rank[i]))
                key = (taken | 1 << i, i)
                if key not in longer or step < longer[key]:
                    longer[key] = step
        best = longer
    missing, ranks = min(best.values())
    return missing, tuple(preference[place] for place in ranks)
