"""The largest, smallest and finest numbers that an alert can carry are decided on like others: no limit is met."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orderbridge.alerts.alert import Alert
from orderbridge.strategy.goal import End, Goal
from tests.fuzz.oracle import numbers_of
from tests.unit.alerts.kit import read_text
from tests.unit.strategy.cases import DESKS, NOW_MS, Desk, d, holds

NUMBERS = st.sampled_from(
    [
        "999999999999999",
        "999999999999999.999999999999",
        "123456789012345.123456789012",
        "0.000000000001",
        "1e14",
        "9.99e14",
        "1e-12",
        "0.1",
        "1",
        "5000",
    ]
)
LEVELS: dict[str, tuple[str, ...]] = {
    "takeProfit": ("limitPrice", "percent", "amount"),
    "stopLoss": ("stopPrice", "percent", "amount", "trailAmount", "trailPercent"),
}
OFTEN = ("quantity", "market_position_size", "prev_market_position_size", "price")


@st.composite
def messages(draw: st.DrawFn) -> str:
    """Give a message that is read, with extreme numbers wherever there may be one."""
    said: dict[str, Any] = {"ticker": "MES1!", "action": draw(st.sampled_from(["buy", "sell", "add", "exit"]))}
    said |= {name: draw(NUMBERS) for name in OFTEN if draw(st.booleans())}
    if "market_position_size" in said or draw(st.booleans()):
        said["market_position"] = {"buy": "long", "sell": "short"}.get(said["action"], "long")
    if "prev_market_position_size" in said:
        said["prev_market_position"] = draw(st.sampled_from(["long", "short"]))
    kind = draw(st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop"]))
    said["orderType"] = kind
    if "limit" in kind:
        said["limitPrice"] = draw(NUMBERS)
    if kind in ("stop", "stop_limit"):
        said["stopPrice"] = draw(NUMBERS)
    if kind == "trailing_stop":
        said[draw(st.sampled_from(["trailAmount", "trailPercent"]))] = draw(NUMBERS)
    for level, names in LEVELS.items():
        if draw(st.booleans()):
            said[level] = {draw(st.sampled_from(names)): draw(NUMBERS)}
    return json.dumps(said)


def desk_without_limits(desk: Desk, multiplier: str) -> Desk:
    """Give a desk that takes sizes and prices as they come, so that they get as far as they can."""
    return desk.with_settings(max_notional=None).with_route(multiplier=d(multiplier))


@settings(max_examples=200, deadline=None)
@given(messages(), st.sampled_from(DESKS), st.sampled_from(["1", "3", "0.1"]), st.booleans(), st.integers(-2, 2))
def test_extreme_numbers_are_decided_on(text: str, desk: Desk, multiplier: str, loose: bool, held: int) -> None:
    read = read_text(text)
    if not isinstance(read, Alert):
        return
    desk = desk_without_limits(desk, multiplier) if loose else desk

    decided = desk.decide(replace(read, fired_at_ms=NOW_MS), holds(held))

    assert isinstance(decided, (Goal, End))
    assert all(number.is_finite() for number in numbers_of(decided))


@pytest.mark.parametrize("desk", DESKS, ids=lambda desk: desk.capabilities.broker)
def test_largest_order_is_refused_by_a_limit_and_taken_without_one(desk: Desk) -> None:
    read = read_text(json.dumps({"ticker": "MES1!", "action": "buy", "quantity": "999999999999999"}))
    assert isinstance(read, Alert)

    assert desk.with_settings(max_notional=d(10_000_000)).code(read) == "max_notional"
    assert desk_without_limits(desk, "1").entry(read).quantity == Decimal(999_999_999_999_999)
