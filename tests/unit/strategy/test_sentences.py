"""The whole text of each decision: what the trader reads is part of the interface, down to the comma."""

import pytest

from orderbridge.strategy.goal import End
from orderbridge.strategy.reasons import REASONS
from tests.unit.strategy.sentences import DECISIONS, TEXT, block_of

WRITTEN = {block.partition("\n")[0]: block for block in TEXT.read_text().strip().split("\n\n")}


@pytest.mark.parametrize("name", DECISIONS)
def test_decision_tells_the_trader_so(name: str) -> None:
    assert block_of(name) == WRITTEN[name]


def test_every_reason_of_the_room_has_its_sentence() -> None:
    ended = {decided.code for decision in DECISIONS.values() if isinstance(decided := decision(), End)}

    assert set(REASONS) - ended == set()


def test_text_has_no_case_that_is_gone() -> None:
    assert set(WRITTEN) == set(DECISIONS)
