"""Whatever arrives is read or refused by name, and what is accepted stands in the body."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orderbridge.alerts.alert import Action, Alert, Refusal, StopLoss
from orderbridge.model import Direction
from tests.fuzz.bodies import MESSAGES, OTHERS, bodies, pairs_of_messages
from tests.fuzz.oracle import check
from tests.unit.alerts.kit import read_text

many = settings(max_examples=150, deadline=None)


@many
@given(bodies())
@example(b'{"ticker": "MSFT", "action": "exit", "action": "buy"}')
@example(b'{"ticker": "MSFT", "action": "buy", "quantity": 1, "quantity": true}')
@example(b'{"ticker": "CME_MINI:ES1!-CME_MINI:NQ1!", "action": "buy"}')
@example(b'{"ticker": "MSFT", "action": "buy", "comment": 1e99999999}')
def test_no_order_comes_from_garbage(raw: bytes) -> None:
    check(raw, read_text(raw))


@many
@given(st.binary(max_size=400))
def test_any_bytes_are_refused(raw: bytes) -> None:
    read = read_text(raw)

    check(raw, read)
    assert isinstance(read, Refusal)


@pytest.mark.parametrize("message", OTHERS)
def test_forms_of_messages_that_are_not_known_are_refused(message: str) -> None:
    assert isinstance(read_text(message), Refusal)


@pytest.mark.parametrize("at", range(len(MESSAGES)))
def test_each_message_cut_anywhere_is_refused(at: int) -> None:
    raw = json.dumps(MESSAGES[at]).encode()

    assert all(isinstance(read_text(raw[:end]), Refusal) for end in range(len(raw)))


# ---- what must make no difference


def alike(one: str, other: str) -> None:
    first, second = read_text(one), read_text(other)
    if isinstance(first, Alert) and isinstance(second, Alert):
        assert replace(first, notes=tuple(sorted(first.notes))) == replace(second, notes=tuple(sorted(second.notes)))
    else:
        assert type(first) is type(second), (first, second)


def text_of(pairs: list[tuple[str, str]], between: str = ", ", after: str = ": ") -> str:
    return "{" + between.join(f"{json.dumps(name)}{after}{value}" for name, value in pairs) + "}"


@many
@given(pairs_of_messages(), st.randoms(use_true_random=False))
def test_order_of_the_names_makes_no_difference(pairs: list[tuple[str, str]], dice: Any) -> None:
    shuffled = pairs[:]
    dice.shuffle(shuffled)

    alike(text_of(pairs), text_of(shuffled))


@many
@given(pairs_of_messages(), st.sampled_from(["", " ", "\n", "\r\n\t", "  \n  "]))
def test_spaces_between_values_make_no_difference(pairs: list[tuple[str, str]], space: str) -> None:
    alike(text_of(pairs), space + text_of(pairs, f"{space},{space}", f"{space}:{space}") + space)


@many
@given(pairs_of_messages())
def test_value_told_twice_alike_makes_no_difference(pairs: list[tuple[str, str]]) -> None:
    alike(text_of(pairs), text_of(pairs + pairs))


@many
@given(pairs_of_messages(most=0))
def test_spelling_of_the_names_makes_no_difference(pairs: list[tuple[str, str]]) -> None:
    respelled = [(name.upper().replace("_", "-"), value) for name, value in pairs]
    read, other = read_text(text_of(pairs)), read_text(text_of(respelled))

    assert isinstance(read, Alert) == isinstance(other, Alert)
    if isinstance(read, Alert) and isinstance(other, Alert):
        assert replace(read, notes=()) == replace(other, notes=())


# ---- the checker bites

ENTRY = (
    b'{"ticker": "MSFT", "action": "buy", "quantity": 2.50, "orderType": "limit", "limitPrice": 400.10,'
    b' "market_position": "long", "market_position_size": 2.5, "stopLoss": {"stopPrice": 390}}'
)
EXIT = b'{"ticker": "MSFT", "action": "exit", "quantity": 2}'


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": Action.SELL},
        {"action": Action.ADD},
        {"action": Action.EXIT},
        {"action": Action.CANCEL},
        {"action": Action.NONE},
        {"symbol": "MSF"},
        {"symbol": ""},
        {"quantity": Decimal("2.5")},
        {"quantity": Decimal(25)},
        {"quantity": None},
        {"limit_price": Decimal("400.1")},
        {"limit_price": None},
        {"stop_price": Decimal("400.10")},
        {"stop_loss": None},
        {"stop_loss": StopLoss(stop_price=Decimal(391))},
        {"stop_loss": StopLoss(percent=Decimal(390))},
        {"target_size": Decimal(3)},
    ],
    ids=str,
)
def test_wrong_reading_is_noticed(wrong: dict[str, Any]) -> None:
    read = read_text(ENTRY)
    assert isinstance(read, Alert)
    assert read.target is not None
    if "target_size" in wrong:
        wrong = {"target": replace(read.target, size=wrong["target_size"])}
    check(ENTRY, read)

    with pytest.raises(AssertionError):
        check(ENTRY, replace(read, **wrong))


def test_part_read_as_all_is_noticed() -> None:
    read = read_text(EXIT)
    assert isinstance(read, Alert)
    check(EXIT, read)

    with pytest.raises(AssertionError, match="part"):
        check(EXIT, replace(read, quantity=None))


@pytest.mark.parametrize(
    "doubled", [b'"action": "sell"', b'"quantity": 3', b'"take_profit": 1, "takeProfit": 2', b'"symbol": "X"']
)
def test_reading_of_one_value_of_two_is_noticed(doubled: bytes) -> None:
    read = read_text(ENTRY)
    assert isinstance(read, Alert)

    with pytest.raises(AssertionError):
        check(ENTRY[:-1] + b", " + doubled + b"}", read)


def test_exit_that_nobody_asked_for_is_noticed() -> None:
    target = Alert(Action.EXIT, "MSFT", exit_side=Direction.LONG)

    with pytest.raises(AssertionError, match="nobody asked"):
        check(b'{"ticker": "MSFT", "action": "buy"}', target)


def test_refusal_that_names_no_field_is_noticed() -> None:
    with pytest.raises(AssertionError, match="names no field"):
        check(b"{}", Refusal("not_a_number", "", "It is no number.", "Send one."))
