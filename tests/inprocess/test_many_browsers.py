"""Many browsers of one account cost the broker what one costs: counted in requests, in virtual time."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.inprocess.bridge import InProcessBridge
from tests.inprocess.client import Client
from tests.inprocess.seats import SEATS, Seat

POLLS_MS = {"quotes": 1_000, "orders": 1_000, "positions": 1_500, "state": 1_500}
"""The largest intervals that TradingView allows: 3.3 requests a second from each browser."""
SECONDS = 16
ALERT, ALERT_MS = "alert", 7_300
PROCESSES = 4
LEAST_MS: dict[str, dict[str, int]] = {
    "tradestation": {"orders": 1_900, "positions": 1_900, "balances": 2_000, "quotes": 1_200},
    "tradelocker": {"orders": 2_100, "positions": 2_100, "ordersHistory": 2_100, "state": 2_000, "quotes": 1_200},
}
"""How old what was read may be before it is read again, by the broker's route."""
HALF_MS: dict[str, dict[str, float]] = {
    "tradestation": {"orders": 1_875, "positions": 1_875, "balances": 1_875, "quotes": 1_200},
    "tradelocker": {"orders": 2_000, "positions": 2_000, "ordersHistory": 2_000, "state": 1_000, "quotes": 200},
}
"""Requests so far apart are half of what the broker allows: 320 or 500 in 5 minutes; 1, 4 in two, or 10 a second."""
NOISE_MS = 300
"""A few requests to the broker, which take 60 ms each here."""
OLDEST_S = 4.5
"""What is shown of orders and positions may be so old on average while the broker answers."""


@dataclass
class Watched:
    """What the broker saw: how often each route was read, and after how long each alert's order came, in ms."""

    reads: Counter[str] = field(default_factory=Counter)
    waits_ms: list[int] = field(default_factory=list)


def watched(seat: Seat, browsers: int, seconds: int = SECONDS, *, alerts: bool = False) -> Watched:
    """Let so many browsers poll, and alerts fire where they shall: an entry, then its exit."""
    bridge = InProcessBridge()
    processes = [bridge.new_panel() for _ in range(PROCESSES)]
    first = Client(bridge)
    first.log_in()
    tabs = [Client(bridge, first.token, processes[number % PROCESSES]) for number in range(browsers)]
    account = seat.account.name
    asked: dict[str, tuple[str, dict[str, Any]]] = {what: (f"/accounts/{account}/{what}", {}) for what in POLLS_MS}
    asked["quotes"] = ("/quotes", {"accountId": account, "symbols": seat.symbol})
    for path, query in asked.values():
        first.ask("GET", path, **query)  # what is read once: instruments, the day's history

    journal, began = bridge.sims[seat.broker].journal, len(bridge.sims[seat.broker].journal.entries())
    start_ms = bridge.clock.now_ms()
    found = Watched()
    turns = [(start_ms + 1_000 * n // browsers, n, what) for n in range(browsers) for what in POLLS_MS]
    turns += [(start_ms + 3_000, 0, ALERT)] if alerts else []
    heapq.heapify(turns)
    while turns and turns[0][0] < start_ms + seconds * 1_000:
        due_ms, number, what = heapq.heappop(turns)
        bridge.run(max(0, due_ms - bridge.clock.now_ms()) / 1_000)
        if what == ALERT:
            found.waits_ms.append(_traded(bridge, seat))
            heapq.heappush(turns, (due_ms + ALERT_MS, number, what))
            continue
        path, query = asked[what]
        reply = tabs[number].ask("GET", path, strict=False, **query)
        assert reply.ok, reply.content
        heapq.heappush(turns, (due_ms + POLLS_MS[what], number, what))
    found.reads = Counter(_route(str(one["path"])) for one in journal.entries()[began:] if one["method"] == "GET")
    assert not any(one["status"] == 429 for one in journal.entries()[began:])
    return found


def _traded(bridge: InProcessBridge, seat: Seat) -> int:
    """Fire an alert, and give after how long its order came to the broker."""
    journal, fired_ms = bridge.sims[seat.broker].journal, bridge.clock.now_ms()
    before = len(journal.entries())
    if bridge.held(seat):
        bridge.fire(seat, "exit")
    else:
        bridge.fire(seat, "buy", quantity=seat.unit)
    bridge.run(0.1)
    return next(int(str(one["at_ms"])) for one in journal.entries()[before:] if one["method"] != "GET") - fired_ms


def _route(path: str) -> str:
    """Name a request's route; a symbol's or an instrument's own path counts for all of its kind."""
    parts = path.strip("/").split("/")
    return next((part for part in reversed(parts) if part in ("quotes", "instruments")), parts[-1])


@pytest.mark.parametrize("name", ["ts-margin", "tl-hedging"])
def test_reads_of_the_broker_do_not_grow_from_one_browser_to_a_hundred(name: str) -> None:
    seat = SEATS[name]

    one, hundred = watched(seat, 1).reads, watched(seat, 100).reads

    for route, least_ms in LEAST_MS[seat.broker].items():
        assert hundred[route] <= SECONDS * 1_000 / least_ms + 1, (route, one, hundred)
        assert least_ms >= HALF_MS[seat.broker][route]
    for route in set(hundred) - set(LEAST_MS[seat.broker]):
        assert hundred[route] <= PROCESSES * max(2, one[route]), (route, one, hundred)
    for reads in (one, hundred):
        assert min(reads["orders"], reads["positions"]) >= SECONDS / OLDEST_S, reads


@pytest.mark.parametrize("name", ["ts-margin", "tl-hedging"])
def test_alerts_reach_the_broker_as_soon_while_ten_browsers_poll(name: str) -> None:
    seat = SEATS[name]

    alone = watched(seat, 0, 120, alerts=True).waits_ms
    together = watched(seat, 10, 120, alerts=True).waits_ms

    assert len(together) >= 12
    assert max(together) <= max(alone) + NOISE_MS, (sorted(alone), sorted(together))
