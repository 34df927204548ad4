"""Lanes: one worker at a time, fenced; jobs in the order of their chain."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from orderbridge.model import OrderType
from orderbridge.strategy.goal import Ending
from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.evidence import Violation, Write
from tests.simulation.invariants.ledger import by_hand

FENCED = ("STATE", "PLAN", "COMMAND")


class FencedOutWritesNothing(Invariant):
    """A worker whose lane another has taken writes nothing of it any more, and no lane has two workers."""

    def __init__(self) -> None:
        self._epochs: dict[tuple[str, str], int] = {}
        """Of each process and lane: the epoch under which it took the lane last."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for write in view.writes:
            lane = write.key[0].partition("#")[2]
            if not write.key[0].startswith("LANE#") or write.process == "world":
                continue
            kind = write.key[1].partition("#")[0]
            if kind == "STATE" and _takes(write):
                yield from self._taken(view, write, lane)
            elif kind in FENCED and write.after is not None:
                yield from self._fenced(view, write, lane)

    def _taken(self, view: View, write: Write, lane: str) -> Iterator[Violation]:
        before, after = write.before or {}, write.after or {}
        owner = before.get("owner", {}).get("S", "")
        held = _number(before, "until_ms") > write.at_ms + SKEW_MS
        if held and owner != after.get("owner", {}).get("S", ""):
            yield self.violated(view, f"lane {lane} was taken while another worker held it", write.at_ms)
        if _number(after, "epoch") <= _number(before, "epoch"):
            yield self.violated(view, f"lane {lane} was taken and its epoch is {_number(after, 'epoch')} as before")
        self._epochs[(write.process, lane)] = _number(after, "epoch")

    def _fenced(self, view: View, write: Write, lane: str) -> Iterator[Violation]:
        own = self._epochs.get((write.process, lane))
        state: Any = write.after if write.key[1] == "STATE" else view.evidence.items.get((f"LANE#{lane}", "STATE"), {})
        now = _number(state or {}, "epoch")
        if own is not None and own < now and not self._later(view, write, lane):
            what = write.key[1].partition("#")[0].lower()
            yield self.violated(view, f"{write.process} wrote a {what} of {lane} under epoch {own}, and it is {now}")

    def _later(self, view: View, write: Write, lane: str) -> bool:
        """Tell whether the lane was taken after this write within the same step."""
        after = view.writes[view.writes.index(write) + 1 :]
        return any(other.key == (f"LANE#{lane}", "STATE") and _takes(other) for other in after)


SKEW_MS = 5_000


def _takes(write: Write) -> bool:
    """A worker that takes the lane names itself and a moment until when; every other write leaves both."""
    before, after = write.before or {}, write.after or {}
    owner = after.get("owner", {}).get("S", "")
    longer = _number(after, "until_ms") > _number(before, "until_ms")
    again = before.get("owner", {}).get("S", "") != owner or _number(before, "until_ms") == 0
    return bool(owner) and (_number(after, "epoch") > _number(before, "epoch") or (longer and again))


def _number(item: Any, name: str) -> int:
    return int(item.get(name, {}).get("N", 0))


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a chain that was taken up: when it fired, and the position before and after it."""

    job_id: str
    second: int
    before: Decimal | None
    after: Decimal


class ChainInOrder(Invariant):
    """The alerts of a chain are worked in the order in which they fired; one that comes too late is superseded."""

    def at_end(self, view: View) -> Iterator[Violation]:
        for links in _taken_up(view).values():
            newest, late = links[0], list[Link]()
            for link in links[1:]:
                if link.second < newest.second:
                    late.append(link)
                    continue
                yield from self._late(view, newest, late)
                newest, late = link, []
            yield from self._late(view, newest, late)

    def _late(self, view: View, newest: Link, late: Sequence[Link]) -> Iterator[Violation]:
        if _leads_elsewhere(newest.after, late):
            return
        for link in late:
            seconds = newest.second - link.second
            name = f"{link.job_id} was worked after {newest.job_id}"
            yield self.violated(view, f"{name}, which fired {seconds} s later")


def _leads_elsewhere(stands: Decimal, late: Sequence[Link]) -> bool:
    """Tell whether late links join on one after the other and are no round trip.

    Such ones are worked: a chain of which nothing is missing ends where it ends (rule 7), and a like link that fired
    later has been worked in their place.
    """
    now = stands
    for link in late:
        if link.before != now:
            return False
        now = link.after
    return now != stands


def _taken_up(view: View) -> dict[tuple[str, str, str], list[Link]]:
    """Give the links of each lane's chains as they were taken up; none that was superseded, or whose time is absurd."""
    links: dict[tuple[str, str, str], list[Link]] = {}
    for taken in view.ledger.taken_up:
        job = view.ledger.jobs.get(taken.job_id)
        alert = None if job is None else view.ledger.fired(job.alert_id)
        if job is None or alert is None or job.status == Ending.SUPERSEDED:
            continue
        fired_at_ms, meant = alert.meant.fired_at_ms, alert.meant
        if fired_at_ms is None or meant.after is None or fired_at_ms > job.accepted_at_ms + 60_000:
            continue
        link = Link(job.job_id, fired_at_ms // 1000, meant.before, meant.after)
        links.setdefault((taken.lane, taken.strategy, taken.root), []).append(link)
    return links


class EndsWhereTheChainEnds(Invariant):
    """For every arrival order of a complete chain the end is the same: what the last link says (rule 7)."""

    def at_end(self, view: View) -> Iterator[Violation]:
        if view.ledger.lost_alerts:
            return  # a chain with links that went with the table is not complete
        for strategy, complete in _complete_chains(view).items():
            for book in view.books.by_account.values():
                wanted = complete[-1]
                last = [
                    job
                    for job in view.ledger.jobs.values()
                    if job.strategy == strategy and job.account == book.account.settings.name
                ]
                if not last or any(job.status not in (Ending.ORDERED, Ending.NO_ACTION) for job in last):
                    continue
                owned = sum(run.owned for (name, _), run in book.runs.items() if name == strategy)
                if (owned > 0) - (owned < 0) != (wanted > 0) - (wanted < 0):
                    yield self.violated(view, f"{strategy} owns {owned}, and its chain ends at {wanted}")


def _traded_by_hand(view: View) -> set[str]:
    """Name the strategies in whose symbols a person has traded at the panel, where that changes what they hold."""
    names: set[str] = set()
    for book in view.books.by_account.values():
        for root, steps in book.steps.items():
            mine = [step for step in steps if step.placed.command and by_hand(step.placed.command.record.strategy)]
            names |= {step.placed.strategy for step in mine}
            if mine and not book.hedging:
                names |= {strategy for strategy, of in book.runs if of == root}
    return names


def _complete_chains(view: View) -> dict[str, list[Any]]:
    """Give the chains of which every alert is a link that joins on to the one fired before, and was taken."""
    chains: dict[str, list[Any]] = {}
    broken: set[str] = set()
    for alert in sorted(view.evidence.alerts, key=lambda alert: alert.fired_at_ms):
        ends = chains.setdefault(alert.strategy, [])
        now = ends[-1] if ends else 0
        meant = alert.meant
        filled = meant.order_type is OrderType.MARKET  # a resting order may never fill
        if meant.after is None or meant.before != now or not (alert.taken and meant.understood and filled):
            broken.add(alert.strategy)
        else:
            ends.append(meant.after)
    stopped = {
        step.placed.strategy
        for book in view.books.by_account.values()
        for steps in book.steps.values()
        for step in steps
        if step.placed.purpose in ("stop", "target", "hand") or step.placed.row.by_hand
    }
    if "" in stopped:
        return {}
    stopped |= _traded_by_hand(view)
    return {name: ends for name, ends in chains.items() if ends and name not in broken | stopped}
