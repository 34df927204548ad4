"""The watcher's passes and the minute's sweep."""

from dataclasses import dataclass, field

import pytest

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.execution.sweep import FORGOTTEN_MS, OVERDUE_MS, Swept, sweep
from orderbridge.execution.watcher import ALIVE_MS, SETTLE_MS, WATCH_S, Watcher
from tests.unit.execution.cases import NOW_MS


@dataclass
class Table:
    """The watch's and the sweep's parts of the table, and what was asked of them."""

    turn: int | None = 7
    watched: dict[str, list[str]] = field(default_factory=dict)
    sleeps: bool = True
    overdue: list[str] = field(default_factory=list)
    unknown: int = 0
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def wake(self, account: str, now_ms: int, alive_until_ms: int) -> int | None:
        self.asked.append(("wake", account, now_ms, alive_until_ms))
        return self.turn

    def take_turn(self, account: str, turn: int, alive_until_ms: int) -> int | None:
        self.asked.append(("turn", account, turn, alive_until_ms))
        return self.turn

    def sleep(self, account: str, turn: int, since_ms: int) -> bool:
        self.asked.append(("sleep", account, turn, since_ms))
        return self.sleeps

    def lanes(self, account: str) -> list[str]:
        return self.watched.get(account, [])

    def overdue_lanes(self, before_ms: int) -> list[str]:
        self.asked.append(("overdue", before_ms))
        return self.overdue

    def count_unknown(self) -> int:
        return self.unknown

    def give_up(self, lane: str, now_ms: int) -> bool:
        self.asked.append(("give up", lane, now_ms))
        return True

    def close_forgotten(self, before_ms: int, now_ms: int) -> int:
        self.asked.append(("forgotten", before_ms, now_ms))
        return 0


@dataclass
class Bells:
    rung: list[tuple[object, ...]] = field(default_factory=list)

    def ring_lane(self, lane: str, delay_s: int = 0) -> None:
        self.rung.append((lane, delay_s))

    def ring_watch(self, account: str, turn: int, delay_s: int = 0) -> None:
        self.rung.append((account, turn, delay_s))


@dataclass
class Time:
    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


class Round:
    def __init__(self, **table: object) -> None:
        self.table, self.bells, self.time = Table(**table), Bells(), Time()  # type: ignore[arg-type]
        self.watcher = Watcher(self.table, self.bells, self.time)
        self.worked: list[str] = []

    def watch(self, left_s: float = 60.0, lane_s: float = 0.0) -> None:
        def work(lane: str) -> None:
            self.worked.append(lane)
            self.time.sleep(lane_s)

        self.watcher.watch("acct", 6, work, MonotonicDeadline(left_s, self.time.monotonic))


# ---- the watcher


def test_watch_is_started_when_none_goes_on() -> None:
    given = Round()
    given.watcher.ensure("acct")

    assert given.table.asked == [("wake", "acct", NOW_MS, NOW_MS + ALIVE_MS)]
    assert given.bells.rung == [("acct", 7, WATCH_S)]
    busy = Round(turn=None)
    busy.watcher.ensure("acct")
    assert busy.bells.rung == []


def test_pass_works_every_watched_lane_and_rings_again() -> None:
    given = Round(watched={"acct": ["a", "b"]})

    given.watch()

    assert given.worked == ["a", "b"]
    assert given.table.asked == [("turn", "acct", 6, NOW_MS + ALIVE_MS)]
    assert given.bells.rung == [("acct", 7, WATCH_S)]


def test_bell_of_another_turn_does_nothing() -> None:
    given = Round(turn=None, watched={"acct": ["a"]})

    given.watch()

    assert (given.worked, given.bells.rung) == ([], [])


@pytest.mark.parametrize(("sleeps", "rung"), [(True, []), (False, [("acct", 7, WATCH_S)])])
def test_watch_with_nothing_to_see_falls_asleep_unless_it_was_asked_for(sleeps: bool, rung: list[object]) -> None:
    given = Round(sleeps=sleeps)

    given.watch()

    assert given.table.asked[-1] == ("sleep", "acct", 7, NOW_MS - SETTLE_MS)
    assert given.bells.rung == rung


def test_pass_ends_in_time_and_rings_again() -> None:
    given = Round(watched={"acct": ["a", "b", "c"]})

    given.watch(left_s=14.0, lane_s=4.0)

    assert given.worked == ["a", "b"], "ten seconds are left for the second, and less for the third"
    assert given.bells.rung == [("acct", 7, WATCH_S)]


# ---- the sweep


class Letters:
    """Dead letters, two at a time."""

    def __init__(self, *bodies: str) -> None:
        self.left = [(body, f"handle of {body}") for body in bodies]
        self.deleted: list[str] = []

    def receive(self) -> list[tuple[str, str]]:
        batch, self.left = self.left[:2], self.left[2:]
        return batch

    def delete(self, handle: str) -> None:
        self.deleted.append(handle)


def swept(given: Round, letters: Letters, *accounts: str) -> Swept:
    return sweep(
        given.table,
        letters,
        given.bells,
        given.watcher,
        accounts,
        lambda body: body.removeprefix("lane ") if body.startswith("lane ") else None,
        given.time,
    )


def test_overdue_lanes_are_rung_and_unknown_commands_counted() -> None:
    given = Round(overdue=["a", "b"], unknown=3)

    assert swept(given, Letters()) == Swept(2, 0, 3)
    assert given.bells.rung == [("a", 0), ("b", 0)]
    assert given.table.asked == [("forgotten", NOW_MS - FORGOTTEN_MS, NOW_MS), ("overdue", NOW_MS - OVERDUE_MS)]


def test_dead_letters_end_their_work_and_are_deleted() -> None:
    given, letters = Round(), Letters("lane a", "watch", "lane b")

    assert swept(given, letters) == Swept(0, 3, 0)
    assert given.bells.rung == [("a", 0), ("b", 0)]
    assert given.table.asked[2:] == [("give up", "a", NOW_MS), ("give up", "b", NOW_MS)]
    assert letters.deleted == ["handle of lane a", "handle of watch", "handle of lane b"]


def test_watches_that_lost_their_bell_are_revived_where_something_is_watched() -> None:
    given = Round(watched={"busy": ["x"]})

    swept(given, Letters(), "idle", "busy")

    assert given.bells.rung == [("busy", 7, WATCH_S)]
