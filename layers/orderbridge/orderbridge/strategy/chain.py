"""Put the waiting alerts of a lane in their order (TRADING.md rule 7). Pure.

Alerts of one strategy and root form a chain: each says the position before and the position after.

    flat -> long 1      long 1 -> long 2      long 2 -> flat

TradingView may deliver them in any order, and its fire times have whole seconds. What is known to be older by its
second is superseded; links of one second stand in the order that leaves the least movement unexplained, counting those
that were worked already. A link that does not join on waits up to `LINK_WAIT_MS` for the missing one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orderbridge.strategy.links import FLAT, Link, Said, best_order, distance, link_of

LINK_WAIT_MS = 1_500
"""How long after its acceptance a link waits for a missing one before it."""

UNTIMED_MOMENT_MS = 8_000
"""Links without a fire time that are accepted within this are one moment: TradingView resends 5 s after an answer
that may take 3 s."""

CREDIBLE_AHEAD_MS = 60_000
"""A fire time further ahead of the acceptance is no fire time."""

KEPT_LINKS = 3
ORDERED_LINKS = 6
"""The search for the best order looks at so many worked and so many waiting links of one moment."""

ChainKey = tuple[str, str]
"""Strategy and canonical root."""

__all__ = [
    "Arrangement",
    "ChainItem",
    "ChainKey",
    "ChainState",
    "Link",
    "Said",
    "arrange",
    "link_of",
    "passed",
    "worked",
]


@dataclass(frozen=True, slots=True)
class ChainItem:
    """One waiting job. `link` is None for an alert that says no position."""

    job_id: str
    strategy: str
    root: str
    link: Link | None
    fired_at_ms: int | None
    accepted_at_ms: int

    @property
    def key(self) -> ChainKey:
        return (self.strategy, self.root)

    @property
    def second(self) -> int | None:
        """Give the fire time, None where there is none or it cannot be one."""
        if self.fired_at_ms is None or self.fired_at_ms > self.accepted_at_ms + CREDIBLE_AHEAD_MS:
            return None
        return self.fired_at_ms // 1000


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where a chain stands, and the moment of the last link worked: kept with the lane, made by `worked`/`passed`."""

    now: Said = FLAT
    second: int | None = None
    accepted_at_ms: int | None = None
    base: Said = FLAT
    """Where the chain stood when that moment began."""
    worked: tuple[Link, ...] = ()
    """The moment's links that were worked, in that order."""
    passed: tuple[Link, ...] = ()
    """The moment's links that came too late."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What to do with a lane's waiting jobs now."""

    next: str | None = None
    """The job to work; None when nothing may go yet."""
    wait_until_ms: int | None = None
    """When to arrange again at the latest, where a link waits for a missing one."""
    superseded: tuple[str, ...] = ()
    """Jobs whose chain places them before one that was worked already."""


def arrange(waiting: Sequence[ChainItem], states: Mapping[ChainKey, ChainState], now_ms: int) -> Arrangement:
    """Tell which waiting job of a lane goes next, until when to wait, and which jobs are superseded.

    Chains are independent of one another; among chains whose next link may go, the one fired first goes first.
    """
    chains: dict[ChainKey, list[ChainItem]] = {}
    for item in sorted(waiting, key=lambda item: (item.accepted_at_ms, item.job_id)):
        chains.setdefault(item.key, []).append(item)
    arranged = [_arrange_chain(items, states.get(key, ChainState()), now_ms) for key, items in chains.items()]
    heads = [chain.head for chain in arranged if chain.head is not None]
    waits = [chain.wait_until_ms for chain in arranged if chain.wait_until_ms is not None]
    return Arrangement(
        next=min(heads, key=_age_key).job_id if heads else None,
        wait_until_ms=min(waits, default=None),
        superseded=tuple(job_id for chain in arranged for job_id in chain.superseded),
    )


def worked(state: ChainState, item: ChainItem) -> ChainState:
    """Give the chain's state once `item` is taken up: stored before its first broker write."""
    if item.link is None:
        return state
    if not _same_moment(state, item):
        state = ChainState(base=state.now)
    return _trimmed(
        replace(
            state,
            now=item.link.result,
            second=item.second,
            accepted_at_ms=item.accepted_at_ms,
            worked=(*state.worked, item.link),
        )
    )


def passed(state: ChainState, item: ChainItem) -> ChainState:
    """Give the chain's state once `item` is superseded: it still explains what the other links do."""
    if item.link is None or not _same_moment(state, item):
        return state
    return _trimmed(replace(state, passed=(*state.passed, item.link)))


# ---- one chain


@dataclass(frozen=True, slots=True)
class _Arranged:
    head: ChainItem | None = None
    wait_until_ms: int | None = None
    superseded: tuple[str, ...] = ()


def _arrange_chain(items: Sequence[ChainItem], state: ChainState, now_ms: int) -> _Arranged:
    """`items` come by arrival."""
    older = [item for item in items if item.link is not None and _is_older(state, item)]
    front = _earliest([item for item in items if item not in older])
    linked = _joined_first([item for item in front if item.link is not None], state.now)[:ORDERED_LINKS]
    placed = _place(linked, state)
    late = [item for item in placed.before if placed.complete or _waited(item, now_ms)]
    pending = [_deadline(item) for item in placed.before if item not in late]
    head = _head(placed, [item for item in front if item.link is None])
    if head is not None and head is placed.head and placed.gap and not _waited(head, now_ms):
        pending.append(_deadline(head))
        head = None
    return _Arranged(head, min(pending, default=None), tuple(item.job_id for item in (*older, *late)))


def _is_older(state: ChainState, item: ChainItem) -> bool:
    return state.second is not None and item.second is not None and item.second < state.second


def _earliest(items: Sequence[ChainItem]) -> list[ChainItem]:
    """Drop what fired in a later second than another; an alert without a fire time may belong anywhere."""
    first = min((item.second for item in items if item.second is not None), default=None)
    return [item for item in items if item.second is None or item.second == first]


def _joined_first(linked: Sequence[ChainItem], now: Said) -> list[ChainItem]:
    """Put the links that join on one after the other first: a long burst is ordered in pieces from its beginning."""
    left, joined = list(linked), list[ChainItem]()
    while following := [item for item in left if item.link and distance(now, item.link.previous) == 0]:
        joined.append(following[0])
        left.remove(following[0])
        assert following[0].link is not None
        now = following[0].link.result
    return joined + left


def _head(placed: "_Placed", unlinked: Sequence[ChainItem]) -> ChainItem | None:
    heads = [item for item in (placed.head, *unlinked[:1]) if item is not None]
    return min(heads, key=lambda item: item.accepted_at_ms, default=None)


def _deadline(item: ChainItem) -> int:
    return item.accepted_at_ms + LINK_WAIT_MS


def _waited(item: ChainItem, now_ms: int) -> bool:
    return now_ms >= _deadline(item)


def _age_key(item: ChainItem) -> tuple[int, int]:
    fired_ms = item.accepted_at_ms if item.second is None else item.second * 1000
    return (fired_ms, item.accepted_at_ms)


def _same_moment(state: ChainState, item: ChainItem) -> bool:
    if state.accepted_at_ms is None or (state.second is None) != (item.second is None):
        return False
    if item.second is not None:
        return item.second == state.second
    return abs(item.accepted_at_ms - state.accepted_at_ms) <= UNTIMED_MOMENT_MS


# ---- the order of the links of one moment


@dataclass(frozen=True, slots=True)
class _Placed:
    before: tuple[ChainItem, ...] = ()
    """Waiting links that belong before one that was worked."""
    head: ChainItem | None = None
    """The first waiting link after those worked."""
    gap: bool = False
    """Something is missing right before the head."""
    complete: bool = True
    """All links of the moment join on to one another."""


def _place(waiting: Sequence[ChainItem], state: ChainState) -> _Placed:
    """Put the waiting links among those of the same moment that are known already."""
    if not waiting:
        return _Placed()
    if not any(_same_moment(state, item) for item in waiting):
        state = ChainState(now=state.now, base=state.now)
    known = (*state.worked, *state.passed)
    links = (*known, *(item.link for item in waiting if item.link is not None))
    missing, order = best_order(state.base, links, len(known))
    position = {index: place for place, index in enumerate(order)}
    last_worked = max((position[index] for index in range(len(state.worked))), default=-1)
    items = dict(enumerate(waiting, start=len(known)))
    after = [index for index in order if index in items and position[index] > last_worked]
    head = after[0] if after else None
    return _Placed(
        before=tuple(items[index] for index in order if index in items and position[index] < last_worked),
        head=None if head is None else items[head],
        gap=head is not None and _gap_before(position[head], order, links, state.base),
        complete=missing == 0,
    )


def _gap_before(place: int, order: Sequence[int], links: Sequence[Link], base: Said) -> bool:
    before = base if place == 0 else links[order[place - 1]].result
    return distance(before, links[order[place]].previous) > 0


def _trimmed(state: ChainState) -> ChainState:
    """Forget the oldest links of a long moment: what they led to is the new base."""
    surplus = len(state.worked) - KEPT_LINKS
    if surplus > 0:
        state = replace(state, base=state.worked[surplus - 1].result, worked=state.worked[surplus:])
    return replace(state, passed=state.passed[-KEPT_LINKS:])
