"""The position a message says should result, and contradictions (TRADING.md rules 6 and 7)."""

from decimal import Decimal
from typing import Any

import pytest

from orderbridge.alerts.alert import Action, Target
from orderbridge.model import Direction
from tests.unit.alerts.kit import alert, refusal

D = Decimal
LONG, SHORT, FLAT = Direction.LONG, Direction.SHORT, Direction.FLAT


@pytest.mark.parametrize(
    ("action", "fields", "target"),
    [
        ("buy", {"sentiment": "bullish"}, Target(LONG)),
        ("buy", {"sentiment": "long"}, Target(LONG)),
        ("sell", {"sentiment": "bearish"}, Target(SHORT)),
        ("buy", {"market_position": "long", "market_position_size": "3"}, Target(LONG, D(3))),
        ("sell", {"market_position": "short", "market_position_size": 3}, Target(SHORT, D(-3))),
        ("sell", {"position_size": -3}, Target(SHORT, D(-3))),
        ("buy", {"position_size": "0.5", "market_position": "long"}, Target(LONG, D("0.5"))),
        ("sell", {"position_size": 2, "market_position": "long"}, Target(LONG, D(2))),
        (
            "buy",
            {"marketPosition": "long", "position_size": 2, "prevMarketPosition": "flat", "prevMarketPositionSize": 0},
            Target(LONG, D(2), FLAT, D(0)),
        ),
        (
            "sell",
            {
                "strategy.market_position": "short",
                "strategy.position_size": -2,
                "strategy.prev_market_position": "long",
                "strategy.prev_market_position_size": "1",
            },
            Target(SHORT, D(-2), LONG, D(1)),
        ),
        ("buy", {"prev_market_position": "flat"}, Target(None, None, FLAT, D(0))),
    ],
)
def test_target_is_read_from_every_form(action: str, fields: dict[str, Any], target: Target) -> None:
    assert alert(action=action, **fields).target == target


def test_message_that_says_no_position_has_no_target() -> None:
    assert alert(action="buy").target is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"sentiment": "bullish", "market_position": "short"}, "market_position"),
        ({"sentiment": "bullish", "position_size": -1}, "position_size"),
        ({"market_position": "long", "market_position_size": 0}, "market_position_size"),
        ({"market_position": "flat", "market_position_size": 2}, "market_position_size"),
        ({"market_position": "long", "position_size": 2, "market_position_size": 3}, "market_position_size"),
        ({"prev_market_position": "long", "prev_market_position_size": 0}, "prev_market_position_size"),
        ({"prev_market_position": "flat", "prev_market_position_size": 1}, "prev_market_position_size"),
        ({"market_position": "long", "prev_market_position": "long", "position_size": 1,
          "prev_market_position_size": 2}, "action"),
        ({"market_position": "short", "prev_market_position": "flat"}, "action"),
        ({"market_position": "short", "prev_market_position": "long"}, "action"),
        ({"order_action": "sell"}, "order_action"),
    ],
)  # fmt: skip
def test_contradiction_refuses_an_entry_by_name(fields: dict[str, Any], field: str) -> None:
    refused = refusal(action="buy", **fields)

    assert (refused.code, refused.field) == ("contradiction", field)


def test_buy_that_ends_short_is_a_part_of_a_short_bought_back() -> None:
    understood = alert(action="buy", quantity=5, sentiment="bearish")

    assert understood.action is Action.BUY
    assert understood.target == Target(SHORT)


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        ({"market_position": "long", "prev_market_position": "flat"}, Action.BUY),
        ({"market_position": "short", "prev_market_position": "long"}, Action.SELL),
        ({"position_size": 1, "prev_market_position": "long", "prev_market_position_size": 3}, Action.SELL),
        ({"order_action": "sell", "quantity": 1}, Action.SELL),
        ({"market_position": "flat"}, Action.EXIT),
    ],
)
def test_message_without_an_action_is_read_where_it_says_the_way(fields: dict[str, Any], action: Action) -> None:
    assert alert(**fields).action is action


@pytest.mark.parametrize(
    "fields",
    [
        {"market_position": "long"},
        {"market_position": "long", "prev_market_position": "long"},
        {"prev_market_position": "long"},
    ],
)
def test_message_without_an_action_is_refused_where_the_side_would_be_a_guess(fields: dict[str, Any]) -> None:
    assert (refusal(**fields).code, refusal(**fields).field) == ("missing_field", "action")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"sentiment": ""}, "empty_value", "sentiment"),
        ({"sentiment": "up"}, "not_understood", "sentiment"),
        ({"position_size": "NaN"}, "not_a_number", "position_size"),
        ({"market_position_size": -3, "market_position": "short"}, "not_positive", "market_position_size"),
        ({"market_position_size": 3}, "missing_field", "market_position"),
    ],
)
def test_unusable_position_refuses_an_entry_by_name(fields: dict[str, Any], code: str, field: str) -> None:
    refused = refusal(action="buy", **fields)

    assert (refused.code, refused.field) == (code, field)


def test_add_that_ends_flat_is_a_contradiction() -> None:
    assert refusal(action="add", sentiment="flat").code == "contradiction"
    assert alert(action="add", sentiment="long").action is Action.ADD
