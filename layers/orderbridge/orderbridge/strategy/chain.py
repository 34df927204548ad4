"""Put the waiting alerts of a lane in their order (TRADING.md rule 7). Pure.

Alerts of one strategy and root form a chain: each says the position before and the position after.

    flat -> long 1      long 1 -> long 2      long 2 -> flat

TradingView may deliver them in any order, and its fire times have whole seconds. So a link goes as soon as it joins on
to where the chain stands; one that does not waits up to `LINK_WAIT_MS` for the missing one. A link that belongs before
one that was worked is superseded. Where it belongs is told by its second, and within a second by the order of all known
links that leaves the least movement unexplained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orderbridge.strategy.chain_order import LINK_WAIT_MS, Placed, place_links
from orderbridge.strategy.chain_state import ChainItem, ChainKey, ChainState, with_known
from orderbridge.strategy.links import Link, Said, link_of

__all__ = [
    "LINK_WAIT_MS",
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
    state = with_known(state, item, worked=True)
    second = max((second for second in (state.second, item.second) if second is not None), default=None)
    return replace(state, now=item.link.result, second=second)


def passed(state: ChainState, item: ChainItem) -> ChainState:
    """Give the chain's state once `item` is superseded: it still explains what the other links do."""
    return state if item.link is None else with_known(state, item, worked=False)


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
    placed = place_links(older, [item for item in front if item.link is not None], state)
    late = [item for item in placed.before if placed.complete or _waited(item, now_ms)]
    pending = [_deadline(item) for item in placed.before if item not in late]
    head = _head(placed, [item for item in front if item.link is None])
    if head is not None and head is placed.head and placed.gap and not _waited(head, now_ms):
        pending.append(_deadline(head))
        head = None
    return _Arranged(head, min(pending, default=None), tuple(item.job_id for item in late))


def _is_older(state: ChainState, item: ChainItem) -> bool:
    return state.second is not None and item.second is not None and item.second < state.second


def _earliest(items: Sequence[ChainItem]) -> list[ChainItem]:
    """Drop what fired in a later second than another; an alert without a fire time may belong anywhere."""
    first = min((item.second for item in items if item.second is not None), default=None)
    return [item for item in items if item.second is None or item.second == first]


def _head(placed: Placed, unlinked: Sequence[ChainItem]) -> ChainItem | None:
    heads = [item for item in (placed.head, *unlinked[:1]) if item is not None]
    return min(heads, key=lambda item: item.accepted_at_ms, default=None)


def _deadline(item: ChainItem) -> int:
    return item.accepted_at_ms + LINK_WAIT_MS


def _waited(item: ChainItem, now_ms: int) -> bool:
    return now_ms >= _deadline(item)


def _age_key(item: ChainItem) -> tuple[int, int]:
    fired_ms = item.accepted_at_ms if item.second is None else item.second * 1000
    return (fired_ms, item.accepted_at_ms)
