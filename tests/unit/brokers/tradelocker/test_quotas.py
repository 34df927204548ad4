"""Limits come from the account's config; an edge block pauses every route."""

import pytest

from orderbridge.brokers.http import EDGE_PAUSE_MS, Quota
from orderbridge.brokers.port import Deadline
from orderbridge.brokers.tradelocker import routes
from orderbridge.brokers.tradelocker.quotas import ASSUMED, HostBudget, read_quotas
from tests.unit.brokers.kit import soon


class Remembering:
    def __init__(self) -> None:
        self.spent: list[str] = []
        self.learned: dict[str, int] = {}

    def spend(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> None:
        self.spent.append(resource)

    def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
        self.learned[resource] = reset_ms


def test_published_limits_replace_the_assumed_ones() -> None:
    entries = [
        {"rateLimitType": "GET_ORDERS", "measure": "SECONDS", "intervalNum": 2, "limit": 7},
        {"rateLimitType": "NEW_ROUTE", "measure": "MINUTES", "intervalNum": 1, "limit": 30},
    ]

    quotas = read_quotas(entries)

    assert quotas["GET_ORDERS"] == Quota("GET_ORDERS", 7, 2_000)
    assert quotas["NEW_ROUTE"] == Quota("NEW_ROUTE", 30, 60_000)
    assert quotas["PLACE_ORDER"] == ASSUMED["PLACE_ORDER"]


@pytest.mark.parametrize(
    "entries",
    [
        None,
        [None],
        [{"rateLimitType": "GET_ORDERS", "measure": "HOURS", "intervalNum": 1, "limit": 5}],
        [{"rateLimitType": "GET_ORDERS", "measure": "SECONDS", "intervalNum": 0, "limit": 5}],
        [{"rateLimitType": "GET_ORDERS", "measure": "SECONDS", "intervalNum": 1, "limit": 0}],
        [{"rateLimitType": "GET_ORDERS", "measure": "SECONDS", "intervalNum": 1}],
    ],
)
def test_unreadable_limits_leave_the_assumed_ones(entries: object) -> None:
    assert read_quotas(entries) == ASSUMED


def test_every_route_has_a_limit_from_the_start() -> None:
    assert {route.limit for route in routes.ROUTES} <= set(ASSUMED)


def test_edge_block_of_one_route_pauses_all_of_them() -> None:
    inner = Remembering()

    HostBudget(inner).observe("PLACE_ORDER", 0, EDGE_PAUSE_MS)

    assert inner.learned == dict.fromkeys(ASSUMED, EDGE_PAUSE_MS)


def test_limit_of_one_route_pauses_that_route() -> None:
    inner = Remembering()
    budget = HostBudget(inner)

    budget.observe("PLACE_ORDER", 0, 1_000)
    budget.observe("GET_ORDERS", 3, EDGE_PAUSE_MS)
    budget.spend("QUOTES", 10, 1_000, soon())

    assert inner.learned == {"PLACE_ORDER": 1_000, "GET_ORDERS": EDGE_PAUSE_MS}
    assert inner.spent == ["QUOTES"]
