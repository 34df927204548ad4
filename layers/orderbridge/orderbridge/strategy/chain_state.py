"""What is kept of a chain of alerts, and what waits for its place in it. Pure values; `chain.py` says what for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orderbridge.strategy.links import FLAT, Link, Said, Timed

WINDOW_S = 5
"""Links that fired longer before a waiting one say nothing about its place."""

UNTIMED_WINDOW_MS = 8_000
"""The same without fire times, by acceptance: TradingView resends 5 s after an answer that may take 3 s."""

CREDIBLE_AHEAD_MS = 60_000
"""A fire time further ahead of the acceptance is no fire time."""

KEPT_LINKS = 6
"""How many handled links are kept."""

ChainKey = tuple[str, str]
"""Strategy and canonical root."""


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
    def said(self) -> Link:
        """Give the link of an item that is known to have one."""
        assert self.link is not None
        return self.link

    @property
    def second(self) -> int | None:
        """Give the fire time, None where there is none or it cannot be one."""
        if self.fired_at_ms is None or self.fired_at_ms > self.accepted_at_ms + CREDIBLE_AHEAD_MS:
            return None
        return self.fired_at_ms // 1000


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A link that was handled: worked, or superseded."""

    link: Link
    second: int | None
    accepted_at_ms: int
    worked: bool

    @property
    def timed(self) -> Timed:
        return Timed(self.link, self.second)


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where a chain stands, and its last links: kept with the lane, made by `worked` and `passed`."""

    now: Said = FLAT
    base: Said = FLAT
    """Where the chain stood before the first of `known`."""
    known: tuple[KnownLink, ...] = ()
    """In the order in which they were handled."""
    second: int | None = None
    """The latest fire second that was worked."""


def with_known(state: ChainState, item: ChainItem, worked: bool) -> ChainState:
    """Add a handled link; the oldest are forgotten."""
    state = recent(state, [item])
    known = (*state.known, KnownLink(item.said, item.second, item.accepted_at_ms, worked))
    return _without(replace(state, known=known), known[: max(0, len(known) - KEPT_LINKS)])


def recent(state: ChainState, waiting: Sequence[ChainItem]) -> ChainState:
    """Forget the links that are long past when the earliest of `waiting` fired."""
    first = min((item.second for item in waiting if item.second is not None), default=None)
    accepted_ms = min(item.accepted_at_ms for item in waiting)
    return _without(state, [one for one in state.known if _is_past(one, first, accepted_ms)])


def _is_past(known: KnownLink, first: int | None, accepted_ms: int) -> bool:
    if known.second is None or first is None:
        return (known.second is None) != (first is None) or known.accepted_at_ms < accepted_ms - UNTIMED_WINDOW_MS
    return known.second < first - WINDOW_S


def _without(state: ChainState, forgotten: Iterable[KnownLink]) -> ChainState:
    """What the last forgotten link led to is the new base."""
    for one in forgotten:
        base = one.link.result if one.worked else state.base
        known = list(state.known)
        known.remove(one)
        state = replace(state, base=base, known=tuple(known))
    return state
