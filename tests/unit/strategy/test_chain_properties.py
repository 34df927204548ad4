"""For every arrival order of a chain the end is the same (TRADING.md rule 7): played through the decisions."""

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from orderbridge.alerts.alert import Action, Alert
from orderbridge.model import Direction
from orderbridge.strategy.chain import LINK_WAIT_MS, ChainItem, ChainKey, ChainState, arrange, link_of, passed, worked
from orderbridge.strategy.goal import Goal
from tests.unit.strategy.cases import FUTURES, NOW_MS, holds, target

KEY: ChainKey = ("trend", "MES")


@dataclass(frozen=True)
class Step:
    """One alert of a chain: the position before and after, and the second in which it fired."""

    before: int
    after: int
    second: int | None

    @property
    def alert(self) -> Alert:
        return Alert(
            Action.BUY if self.after > self.before else Action.SELL,
            "MES1!",
            quantity=Decimal(abs(self.after - self.before)),
            target=target(self.after, self.before),
            fired_at_ms=None if self.second is None else NOW_MS + 1000 * self.second,
        )


@dataclass
class Lane:
    """A lane worked in virtual time: a fill is immediate, the end of each job is kept."""

    held: Decimal
    state: ChainState
    superseded: int = 0

    def play(self, arrivals: list[tuple[int, Step]]) -> "Lane":
        """Work off `arrivals` (milliseconds after the last second, step)."""
        coming = sorted(arrivals, key=lambda arrival: arrival[0])
        waiting: dict[str, tuple[ChainItem, Alert]] = {}
        now_ms = 0
        while coming or waiting:
            while coming and coming[0][0] <= now_ms:
                accepted_ms, step = coming.pop(0)
                job_id = f"{len(coming):03d}"
                link = link_of(step.alert)
                waiting[job_id] = (
                    ChainItem(job_id, *KEY, link, step.alert.fired_at_ms, NOW_MS + accepted_ms),
                    step.alert,
                )
            wake_ms = self.work(waiting, NOW_MS + now_ms)
            following = [at for at in (coming[0][0] if coming else None, wake_ms) if at is not None]
            if not following:
                assert not waiting, "a job is stuck"
                break
            assert min(following) > now_ms or not coming
            now_ms = min(following)
        return self

    def work(self, waiting: dict[str, tuple[ChainItem, Alert]], now_ms: int) -> int | None:
        while True:
            arranged = arrange([item for item, _ in waiting.values()], {KEY: self.state}, now_ms)
            for job_id in arranged.superseded:
                self.state = passed(self.state, waiting.pop(job_id)[0])
                self.superseded += 1
            if arranged.next is None:
                if arranged.superseded:
                    continue
                return None if arranged.wait_until_ms is None else arranged.wait_until_ms - NOW_MS
            item, asked = waiting.pop(arranged.next)
            self.state = worked(self.state, item)
            self.trade(asked)

    def trade(self, asked: Alert) -> None:
        desk = FUTURES.with_settings(entry_max_age_ms=10**9)
        decided = desk.decide(asked, holds(self.held))
        if not isinstance(decided, Goal):
            return
        if decided.close is not Direction.FLAT:
            closed = abs(self.held) if decided.close_quantity is None else decided.close_quantity
            self.held -= closed * decided.close.sign
        if decided.entry is not None:
            self.held += decided.entry.quantity * decided.entry.side.sign


def lane_at(position: int) -> Lane:
    """A lane whose strategy and account stand at `position`, reached well before."""
    started = Step(0, position, -100)
    state = ChainState()
    if position:
        link = link_of(started.alert)
        state = worked(state, ChainItem("start", *KEY, link, started.alert.fired_at_ms, NOW_MS - 99_000))
    return Lane(Decimal(position), state)


@st.composite
def chains(draw: st.DrawFn, max_size: int = 6, most_seconds: int = 1, returns: bool = True) -> list[Step]:
    """Draw a chain; without `returns` it is never twice at one position."""
    positions = [draw(st.integers(-4, 4))]
    for _ in range(draw(st.integers(1, max_size))):
        been = positions if not returns else positions[-1:]
        left = [position for position in range(-4, 5) if position not in been]
        positions.append(draw(st.sampled_from(left)))
    seconds = sorted(draw(st.lists(st.integers(0, most_seconds), min_size=len(positions), max_size=len(positions))))
    return [
        Step(before, after, second)
        for before, after, second in zip(positions[:-1], positions[1:], seconds[1:], strict=True)
    ]


@given(chains(), st.data())
@settings(max_examples=200, deadline=None)
def test_complete_chain_ends_at_its_last_position_for_every_arrival_order(
    chain: list[Step], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(chain))
    gaps = data.draw(st.lists(st.integers(1, 250), min_size=len(chain), max_size=len(chain)))
    arrivals = [(2_000 + sum(gaps[: n + 1]), step) for n, step in enumerate(shuffled)]

    lane = lane_at(chain[0].before).play(arrivals)

    assert lane.held == chain[-1].after


def test_older_links_of_a_complete_chain_are_worked_only_as_far_as_its_end_is_missing() -> None:
    arrived = [
        Step(-4, -1, 1),
        Step(-2, -1, 0),
        Step(-1, -4, 1),
        Step(-2, -3, 0),
        Step(-1, -4, 0),
        Step(-3, -2, 0),
    ]

    lane = lane_at(-2).play([(2_000 + n, step) for n, step in enumerate(arrived)])

    assert (lane.held, lane.superseded) == (Decimal(-4), 2)


def test_round_trip_that_is_over_is_not_traded_afterwards() -> None:
    arrived = [Step(0, 1, 1), Step(1, 0, 0), Step(0, 1, 0)]

    lane = lane_at(0).play([(2_000 + n, step) for n, step in enumerate(arrived)])

    assert (lane.held, lane.superseded) == (Decimal(1), 2)


@given(chains(), st.data())
@settings(max_examples=150, deadline=None)
def test_complete_chain_without_fire_times_ends_at_its_last_position_for_every_arrival_order(
    chain: list[Step], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations([replace(step, second=None) for step in chain]))

    lane = lane_at(chain[0].before).play([(2_000 + 150 * n, step) for n, step in enumerate(shuffled)])

    assert lane.held == chain[-1].after


@given(chains(max_size=4, returns=False), st.data())
@settings(max_examples=100, deadline=None)
def test_chain_with_a_lost_link_ends_the_same_for_every_arrival_order(chain: list[Step], data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(chain) - 1))
    left = [step for n, step in enumerate(chain) if n != lost]

    ends = {
        lane_at(chain[0].before).play([(2_000 + 100 * n, step) for n, step in enumerate(order)]).held
        for order in permutations(left)
    }

    assert len(ends) == 1


@given(chains(max_size=4, returns=False), st.data())
@settings(max_examples=150, deadline=None)
def test_chain_with_a_doubled_link_ends_at_its_last_position(chain: list[Step], data: st.DataObject) -> None:
    doubled = [*chain, data.draw(st.sampled_from(chain))]
    shuffled = data.draw(st.permutations(doubled))

    lane = lane_at(chain[0].before).play([(2_000 + 100 * n, step) for n, step in enumerate(shuffled)])

    assert lane.held == chain[-1].after


@given(chains(most_seconds=3), st.data())
@settings(max_examples=150, deadline=None)
def test_late_links_leave_no_job_waiting_and_no_more_than_the_chain_ever_asked_for(
    chain: list[Step], data: st.DataObject
) -> None:
    delays = data.draw(
        st.lists(st.sampled_from([10, 700, 1_600, 5_300, 10_600]), min_size=len(chain), max_size=len(chain))
    )
    arrivals = [
        (1000 * (step.second or 0) + delay + n, step) for n, (delay, step) in enumerate(zip(delays, chain, strict=True))
    ]

    lane = lane_at(chain[0].before).play(arrivals)

    assert abs(lane.held) <= max(abs(position) for step in chain for position in (step.before, step.after))


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_entry_that_arrives_after_the_exit_was_worked_is_superseded(data: st.DataObject) -> None:
    size = data.draw(st.sampled_from([1, -2]))
    entry, leave = Step(0, size, 0), Step(size, 0, data.draw(st.integers(0, 3)))

    lane = lane_at(0).play([(5_000, leave), (5_000 + data.draw(st.integers(1_501, 20_000)), entry)])

    assert (lane.held, lane.superseded) == (Decimal(0), 1)


def test_link_that_never_comes_holds_its_followers_back_no_longer_than_the_wait() -> None:
    follower = Step(1, 2, 0).alert

    wake_ms = lane_at(0).work({"b": (ChainItem("b", *KEY, link_of(follower), NOW_MS, NOW_MS), follower)}, NOW_MS)

    assert wake_ms == LINK_WAIT_MS
