"""A watch that falls asleep while an order is placed."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.execution.watcher import WATCH_S, Watcher
from orderbridge.storage import keys
from orderbridge.storage.items import marshal
from orderbridge.storage.watch import DynamoWatch
from tests.simulation.dynamo import Lags, SimulatedTable

TABLE = "bridge"
LANE = "acct#MES"


@dataclass
class Time:
    ms: int = 1_795_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000

    def sleep(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@dataclass
class Bells:
    """What was rung: the watch's turns."""

    turns: list[int] = field(default_factory=list)

    def ring_lane(self, lane: str, delay_s: int = 0) -> None:
        raise AssertionError(lane)

    def ring_watch(self, account: str, turn: int, delay_s: int = 0) -> None:
        self.turns.append(turn)


@dataclass
class Office:
    time: Time = field(default_factory=Time)
    bells: Bells = field(default_factory=Bells)
    worked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = SimulatedTable(self.time.now_ms, TABLE, Lags(index_ms=lambda: 100))
        self.watcher = Watcher(DynamoWatch(self.table, TABLE), self.bells, self.time)

    def order(self) -> None:
        """Note something to watch and ask for a watch, as a worker does."""
        values = marshal({":watch": "WATCH#acct", ":lane": LANE})
        about: dict[str, Any] = {
            "UpdateExpression": "SET gpk = :watch, gsk = :lane",
            "ExpressionAttributeValues": values,
        }
        self.table.update_item(TableName=TABLE, Key=marshal(keys.lane_state(LANE)), **about)
        self.watcher.ensure("acct")

    def answer(self) -> None:
        """Answer the last bell when it is due."""
        self.time.sleep(WATCH_S)
        self.watcher.watch("acct", self.bells.turns[-1], self.worked.append, MonotonicDeadline(60))


@pytest.fixture
def office() -> Office:
    return Office()


def test_watch_with_nothing_to_do_falls_asleep_and_the_next_order_wakes_it(office: Office) -> None:
    office.watcher.ensure("acct")
    office.answer()
    assert office.bells.turns == [1]

    office.order()
    office.answer()

    assert office.worked == [LANE]


def test_order_that_the_index_does_not_show_yet_is_watched_by_the_next_pass(office: Office) -> None:
    office.watcher.ensure("acct")
    office.time.sleep(WATCH_S - 0.05)
    office.order()  # finds the watch awake, and rings no bell
    office.time.sleep(0.05 - WATCH_S)
    office.answer()
    office.answer()

    assert office.worked == [LANE]


def test_order_placed_during_an_empty_pass_is_watched_by_the_next_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = office.watcher.store
    lanes = store.lanes

    def lanes_then_an_order(account: str) -> list[str]:
        found = lanes(account)
        monkeypatch.setattr(store, "lanes", lanes)
        office.order()
        return found

    office.watcher.ensure("acct")
    monkeypatch.setattr(store, "lanes", lanes_then_an_order)
    office.answer()
    office.answer()

    assert office.worked == [LANE]
