"""The place of waiting links among those that were handled already. Pure; `chain.py` says what for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from orderbridge.strategy.chain_state import ChainItem, ChainState, recent
from orderbridge.strategy.links import Ranked, Said, Timed, best_order, distance, joins_on, only_reduces

LINK_WAIT_MS = 1_500
"""How long after its acceptance a link waits for a missing one before it."""

ORDERED_LINKS = 9
"""How many links in all the search for the best order looks at."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What the waiting links of one chain are to do."""

    before: tuple[ChainItem, ...] = ()
    """Waiting links that belong before one that was worked."""
    head: ChainItem | None = None
    """The first waiting link after those worked."""
    gap: bool = False
    """The head does not join on to where the chain stands."""
    complete: bool = True
    """All links join on to one another: nothing is missing."""


def place_links(older: Sequence[ChainItem], front: Sequence[ChainItem], state: ChainState) -> Placed:
    """Place the links that fired in an earlier second than one that was worked (`older`), and the next ones (`front`).

    Where nothing is missing, before or after, every way of working links as they join on leads to the same end; older
    links that the newer ones go on without are round trips there, and they are superseded. Otherwise the order with the
    least movement missing tells what came too late.
    """
    if not (older or front):
        return Placed()
    shown = recent(state, (*older, *front))
    waiting = _joined_first((*older, *front), state.now)[: ORDERED_LINKS - len(shown.known)]
    links = [*(one.timed for one in shown.known), *(Timed(item.said, item.second) for item in waiting)]
    ranked = best_order(shown.base, links, _late(waiting, shown))
    complete = ranked[0] == 0
    if complete and _without_gaps(shown) and all(item.said.previous for item in older):
        if older and front and _leads_to(links[ranked[1][-1]].link.result, front, state.now):
            return Placed(before=tuple(older), head=_joined_first(front, state.now)[0])
        goes_on = joins_on(state.now, waiting[0].said) and (front or _ends_elsewhere(state, links, ranked))
        return Placed(head=waiting[0]) if goes_on else Placed(before=tuple(waiting))
    twins = [] if complete else [item for item in waiting if _is_twin(item, shown)]
    if twins:
        rest = place_links(_others(older, twins), _others(front, twins), state)
        return replace(rest, before=(*rest.before, *twins), complete=False)
    return _divide(waiting, older, shown, ranked)


def _divide(waiting: Sequence[ChainItem], older: Sequence[ChainItem], state: ChainState, ranked: Ranked) -> Placed:
    """Part the waiting links into those that came too late and those that go on, by the best order of all."""
    missing, order = ranked
    place = {index: at for at, index in enumerate(order)}
    last_worked = max((place[i] for i, one in enumerate(state.known) if one.worked), default=-1)
    items = dict(enumerate(waiting, start=len(state.known)))
    # An exit that is only doubtful is worked: a reduction never opens. So is what came with the link before it.
    doubtful = [i for i in _late(waiting, state) if not only_reduces(items[i].said)]
    behind = [i for i in items if place[i] < last_worked and (missing == 0 or i in doubtful)]
    before = [i for i in order if i in items and (i in behind or items[i] in older)]
    after = [items[i] for i in order if i in items and i not in before]
    head = next((item for item in after if joins_on(state.now, item.said)), after[0] if after else None)
    return Placed(
        before=tuple(items[i] for i in before),
        head=head,
        gap=head is not None and not joins_on(state.now, head.said),
        complete=missing == 0,
    )


def _late(waiting: Sequence[ChainItem], state: ChainState) -> list[int]:
    """Give the places of the waiting links that came later than a link waits: where doubtful, they are older.

    Not to trade is told, a wrong trade is not undone.
    """
    newest_ms = max((one.accepted_at_ms for one in state.known if one.worked), default=None)
    if newest_ms is None:
        return []
    late = [item.accepted_at_ms > newest_ms + LINK_WAIT_MS for item in waiting]
    return [index for index, is_late in enumerate(late, start=len(state.known)) if is_late]


def _is_twin(item: ChainItem, state: ChainState) -> bool:
    """Tell whether the same step of the same second was worked already: two alerts on one strategy."""
    return any(one.worked and (one.link, one.second) == (item.link, item.second) for one in state.known)


def _others(items: Sequence[ChainItem], without: Sequence[ChainItem]) -> list[ChainItem]:
    return [item for item in items if item not in without]


def _without_gaps(state: ChainState) -> bool:
    """Tell whether each worked link joined on to the one before it."""
    at = state.base
    for one in state.known:
        if one.worked and not joins_on(at, one.link):
            return False
        at = one.link.result if one.worked else at
    return True


def _ends_elsewhere(state: ChainState, links: Sequence[Timed], ranked: Ranked) -> bool:
    """Tell whether the chain ends where it does not stand; else an older round trip is over and not traded now."""
    return distance(state.now, links[ranked[1][-1]].link.result) > 0


def _joined_first(linked: Sequence[ChainItem], now: Said) -> list[ChainItem]:
    """Put the links that join on one after the other first: a long burst is ordered in pieces from its beginning."""
    left, joined = sorted(linked, key=_content), list[ChainItem]()
    while following := [item for item in left if joins_on(now, item.said)]:
        joined.append(following[0])
        left.remove(following[0])
        now = following[0].said.result
    return joined + left


def _leads_to(end: Said, linked: Sequence[ChainItem], now: Said) -> bool:
    """Tell whether the links lead from a position to another, one joining on to the other."""
    for item in _joined_first(linked, now):
        if not joins_on(now, item.said):
            return False
        now = item.said.result
    return distance(now, end) == 0


def _content(item: ChainItem) -> tuple[int, bool, Decimal, Decimal, int]:
    """Sort by what the links say rather than by arrival, so that a doubt is decided in one way."""
    link = item.said
    before = Decimal(0) if link.previous is None else link.previous.signed
    return (item.second or 0, not only_reduces(link), before, link.result.signed, item.accepted_at_ms)
