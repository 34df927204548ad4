"""Many browsers of one account cost the broker what one costs: counted in requests, in virtual time."""

import heapq
from collections import Counter
from typing import Any

import pytest

from tests.inprocess.bridge import InProcessBridge
from tests.inprocess.client import Client
from tests.inprocess.seats import SEATS, Seat

POLLS_MS = {"quotes": 1_000, "orders": 1_000, "positions": 1_500, "state": 1_500}
"""The largest intervals that TradingView allows: 3.3 requests a second from each browser."""
SECONDS = 16
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
OLDEST_S = 4.5
"""What is shown of orders and positions may be so old on average while the broker answers."""


def polled(seat: Seat, browsers: int) -> Counter[str]:
    """Let so many browsers poll, and give how often the broker was read, by route."""
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
    turns = [(start_ms + 1_000 * n // browsers, n, what) for n in range(browsers) for what in POLLS_MS]
    heapq.heapify(turns)
    while turns and turns[0][0] < start_ms + SECONDS * 1_000:
        due_ms, number, what = heapq.heappop(turns)
        bridge.clock.advance(max(0, due_ms - bridge.clock.now_ms()))
        path, query = asked[what]
        reply = tabs[number].ask("GET", path, strict=False, **query)
        assert reply.ok, reply.content
        heapq.heappush(turns, (due_ms + POLLS_MS[what], number, what))
    reads = journal.entries()[began:]
    return Counter(_route(str(entry["path"])) for entry in reads)


def _route(path: str) -> str:
    """Name a request's route; a symbol's or an instrument's own path counts for all of its kind."""
    parts = path.strip("/").split("/")
    return next((part for part in reversed(parts) if part in ("quotes", "instruments")), parts[-1])


@pytest.mark.parametrize("name", ["ts-margin", "tl-hedging"])
def test_reads_of_the_broker_do_not_grow_from_one_browser_to_a_hundred(name: str) -> None:
    seat = SEATS[name]

    one, hundred = polled(seat, 1), polled(seat, 100)

    for route, least_ms in LEAST_MS[seat.broker].items():
        assert hundred[route] <= SECONDS * 1_000 / least_ms + 1, (route, one, hundred)
        assert least_ms >= HALF_MS[seat.broker][route]
    for route in set(hundred) - set(LEAST_MS[seat.broker]):
        assert hundred[route] <= PROCESSES * max(2, one[route]), (route, one, hundred)
    for reads in (one, hundred):
        assert min(reads["orders"], reads["positions"]) >= SECONDS / OLDEST_S, reads
