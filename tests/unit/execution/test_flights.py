"""Which look serves whom, who starts a flight, and how far back it reads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.port import Look
from orderbridge.errors import BrokerUnavailableError
from orderbridge.execution.looks import (
    DEFAULT_HISTORY_MS,
    FLIGHT_MS,
    HISTORY_MARGIN_MS,
    MAX_HISTORY_MS,
    POLL_S,
    Looks,
    SharedLook,
    history_since,
)
from tests.unit.execution.cases import NOW_MS, order, position
from tests.unit.execution.scripted import ScriptedBench

GAP_MS = 400


@dataclass
class Board:
    """The snapshot's part of the table, for one account."""

    look: Look | None = None
    started: int = 0
    done: int = 0
    until_ms: int = 0
    owners: list[tuple[str, str, int, int]] = field(default_factory=list)
    refuses: bool = False
    on_read: Callable[["Board"], None] = lambda _: None

    def read(self, account: str) -> SharedLook:
        assert account == "acct"
        self.on_read(self)
        return SharedLook(self.look, self.started, self.done, self.until_ms)

    def take_flight(self, account: str, owner: str, now_ms: int, until_ms: int) -> int | None:
        self.owners.append((account, owner, now_ms, until_ms))
        if self.refuses:
            return None
        self.started += 1
        return self.started

    def land(self, account: str, flight: int, look: Look | None) -> None:
        assert account == "acct"
        self.done, self.look = flight, look or self.look


class Tower:
    """One process that wants looks."""

    def __init__(self, **board: object) -> None:
        self.bench = ScriptedBench()
        self.broker: Any = self.bench.broker
        self.board = Board(**board)  # type: ignore[arg-type]
        self.slept: list[float] = []
        broker: Any = self.broker
        self.looks = Looks(self.board, broker, self, "acct", "me", GAP_MS)

    def now_ms(self) -> int:
        return self.bench.now_ms()

    def monotonic(self) -> float:
        return self.bench.now_ms() / 1000

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.bench.advance(round(seconds * 1000))

    def get(self, since_ms: int = NOW_MS, flight: int = 0, max_age_ms: int = 1_000, left_s: float = 10.0) -> Look:
        return self.looks.get(MonotonicDeadline(left_s, self.monotonic), since_ms, flight, max_age_ms)


def shown(age_ms: int = 0, since_ms: int = NOW_MS) -> Look:
    return Look((), (), NOW_MS - age_ms, since_ms)


# ---- which look serves


def test_first_look_is_flown_and_kept() -> None:
    tower = Tower()
    tower.broker.show(order("o"))
    tower.broker.held = {"p": position(1, "p")}

    look = tower.get(since_ms=NOW_MS - 5)

    assert look == Look((position(1, "p"),), (order("o"),), NOW_MS, NOW_MS - 5)
    assert tower.board.look == look
    assert tower.board.owners == [("acct", "me", NOW_MS, NOW_MS + FLIGHT_MS)]
    assert (tower.board.started, tower.board.done) == (1, 1)


@pytest.mark.parametrize(
    ("look", "asks", "serves"),
    [
        (shown(1_000), {}, True),
        (shown(1_001), {}, False),
        (shown(0), {"max_age_ms": 0}, True),
        (shown(1), {"max_age_ms": 0}, False),
        (shown(0), {"flight": 3}, True),
        (shown(0), {"flight": 4}, False),
        (shown(0, NOW_MS - 1), {}, True),
        (shown(0, NOW_MS + 1), {}, False),
    ],
)
def test_look_serves_by_its_age_flight_and_reach(look: Look, asks: dict[str, int], serves: bool) -> None:
    tower = Tower(look=look, started=3, done=3)

    given = tower.get(**asks)

    assert (given is look) is serves
    assert tower.broker.looks == (0 if serves else 1)


def test_look_of_another_that_began_since_serves_however_long_it_took() -> None:
    tower = Tower(look=shown(5_000), started=3, done=3, until_ms=NOW_MS + 3_000)

    def land(board: Board) -> None:
        if tower.now_ms() >= NOW_MS + 2_000:
            board.started, board.done, board.look = 4, 4, shown(-50)

    tower.board.on_read = land

    assert tower.get(max_age_ms=0) == shown(-50)
    assert tower.broker.looks == 0


def test_look_of_a_flight_that_had_begun_before_is_as_old_as_it_is() -> None:
    tower = Tower(look=shown(5_000), started=4, done=3, until_ms=NOW_MS + 1_000)

    def land(board: Board) -> None:
        if tower.now_ms() >= NOW_MS + 500:
            board.done, board.look = 4, shown(200)

    tower.board.on_read = land

    assert tower.get(max_age_ms=100).requested_at_ms > NOW_MS
    assert tower.broker.looks == 1


def test_look_after_a_write_is_of_a_flight_that_has_not_begun() -> None:
    assert Tower(started=7).looks.after_now() == 8


# ---- who flies


def test_flight_of_another_is_waited_for_until_its_time_is_over() -> None:
    tower = Tower(started=1, until_ms=NOW_MS + 120)

    tower.get()

    assert tower.slept == [POLL_S] * 3
    assert tower.board.owners[0][2] == NOW_MS + 150


def test_flight_that_another_took_first_is_waited_for() -> None:
    tower = Tower(refuses=True)

    with pytest.raises(BrokerUnavailableError):
        tower.get(left_s=0.2)
    assert tower.slept == [POLL_S] * 3


@pytest.mark.parametrize(("age_ms", "pauses"), [(100, [0.3]), (GAP_MS, []), (5_000, []), (-10_000, [0.4])])
def test_flights_keep_their_distance(age_ms: int, pauses: list[float]) -> None:
    tower = Tower(look=shown(age_ms))

    if age_ms < 0:
        with pytest.raises(BrokerUnavailableError):
            tower.get(flight=9, left_s=0.6)
    else:
        tower.get(flight=1)

    assert tower.slept == pauses


@pytest.mark.parametrize(("left_s", "looks"), [(0.06, 1), (0.05, 0)])
def test_pause_that_the_deadline_does_not_leave_is_no_look(left_s: float, looks: int) -> None:
    tower = Tower(until_ms=NOW_MS + 10)

    if looks:
        tower.get(left_s=left_s)
    else:
        with pytest.raises(BrokerUnavailableError, match="within the time that is left"):
            tower.get(left_s=left_s)

    assert tower.broker.looks == looks


def test_flight_that_fails_lands_without_a_look() -> None:
    tower = Tower(look=shown(5_000))
    tower.broker.unreadable = BrokerUnavailableError("down")

    with pytest.raises(BrokerUnavailableError, match="down"):
        tower.get()
    assert (tower.board.done, tower.board.look) == (1, shown(5_000))


# ---- how far back


HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("oldest_ms", "expected_ms"),
    [
        (None, 99 * HOUR_MS),
        (100 * HOUR_MS, 99 * HOUR_MS),
        (99 * HOUR_MS + HISTORY_MARGIN_MS, 99 * HOUR_MS),
        (99 * HOUR_MS + HISTORY_MARGIN_MS - 1, 98 * HOUR_MS),
        (50 * HOUR_MS, 49 * HOUR_MS),
    ],
)
def test_history_reaches_back_to_the_oldest_order_by_whole_hours(oldest_ms: int | None, expected_ms: int) -> None:
    assert history_since(100 * HOUR_MS + 1_234, oldest_ms) == expected_ms
    assert DEFAULT_HISTORY_MS == HOUR_MS


def test_history_reaches_back_a_month_at_most() -> None:
    assert history_since(NOW_MS, 1) == NOW_MS - MAX_HISTORY_MS
