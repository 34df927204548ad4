"""Whatever arrives is read or refused; and garbage is never an order."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orderbridge import codec
from orderbridge.alerts.alert import Action, Alert, Refusal
from orderbridge.alerts.vocabulary import FIELDS
from tests.unit.alerts.kit import read_text

WORDS = ["buy", "sell", "exit", "cancel", "add", "long", "short", "flat", "limit", "stop", "NaN", "{{x}}", "", "1", "0"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=20),
)
INNER = st.dictionaries(
    st.sampled_from(["type", "stopPrice", "limitPrice", "percent", "amount", "trailAmount", "trailPercent", "price"]),
    SCALARS,
    max_size=4,
)
MESSAGES = st.dictionaries(
    st.one_of(st.sampled_from(sorted({field.name for field in FIELDS.values()})), st.text(max_size=12)),
    st.one_of(SCALARS, INNER, st.lists(SCALARS, max_size=3)),
    max_size=12,
)


def checked(read: Alert | Refusal) -> Alert | Refusal:
    """Check what holds for every reading: it can be stored, and a refusal says why."""
    codec.dumps(read).encode()
    if isinstance(read, Refusal):
        assert read.code
        assert read.message
        assert read.hint
    return read


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_never_an_order(raw: bytes) -> None:
    assert isinstance(checked(read_text(raw)), Refusal)


@given(st.text(alphabet='{}[]":, \n\\“”aN1-.tru{{', max_size=60))
def test_anything_that_looks_like_json_is_read_or_refused(text: str) -> None:
    assert isinstance(checked(read_text(text.encode("utf-8", "replace"))), Refusal)


@given(MESSAGES)
def test_any_message_is_read_or_refused(fields: dict[str, Any]) -> None:
    read = checked(read_text(json.dumps(fields)))

    if isinstance(read, Alert):
        assert read.symbol
        assert read.action is not Action.NONE
        assert read.quantity is None or read.quantity > 0


@given(MESSAGES)
def test_any_addition_to_an_exit_leaves_it_an_exit_or_names_what_it_needs(fields: dict[str, Any]) -> None:
    kept = {"ticker": "MSFT", "action": "exit"}
    deciding = {"action", "ticker", "test", "ordertype", "quantity", "quantitytype", "contracts", "ordercontracts"}
    positions = {"sentiment", "marketposition", "positionsize", "marketpositionsize"}
    plain = {
        name: value
        for name, value in fields.items()
        if "".join(c for c in name.lower() if c not in " ._-\t\n") not in deciding | positions
    }

    read = checked(read_text(json.dumps(plain | kept)))

    assert isinstance(read, Alert), read
    assert read.action is Action.EXIT


@given(
    st.text(max_size=40).filter(lambda text: text.strip().lower() not in {"", "buy", "sell", "add", "exit", "cancel"})
)
def test_no_other_word_is_an_action(word: str) -> None:
    read = checked(read_text(json.dumps({"ticker": "MSFT", "action": word})))

    assert isinstance(read, Refusal) or read.action is Action.EXIT  # exit_long, exit short
