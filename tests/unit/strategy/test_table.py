"""Every cell of TRADING.md rule 10's table, at both brokers; and the docs say the same."""

import pytest

from tests.unit.strategy.cases import FUTURES, FX, Desk
from tests.unit.strategy.table import (
    CELLS,
    DOCUMENT,
    FORMS,
    SIZES,
    cell_alert,
    cell_holding,
    spoken,
    with_generated_parts,
)

EACH = [
    pytest.param(held, action, size, cell, id=f"{held}-{action}-{form}")
    for (held, action), cells in CELLS.items()
    for form, size, cell in zip(FORMS, SIZES, cells, strict=True)
]


@pytest.mark.parametrize("desk", [pytest.param(FUTURES, id="tradestation"), pytest.param(FX, id="tradelocker")])
@pytest.mark.parametrize(("held", "action", "size", "cell"), EACH)
def test_cell_of_the_table_is_decided_so(desk: Desk, held: str, action: str, size: int | None, cell: str) -> None:
    decided = desk.decide(cell_alert(action, size), cell_holding(held, action))

    assert spoken(decided, held) == cell


def test_table_has_every_cell() -> None:
    actions = ("buy", "sell", "add", "exit", "exit long", "exit short", "cancel")

    assert set(CELLS) == {(held, action) for held in ("flat", "long 2", "short 2") for action in actions}
    assert {len(cells) for cells in CELLS.values()} == {len(FORMS)}


def test_document_shows_the_table_and_the_reasons_as_they_are() -> None:
    text = DOCUMENT.read_text()

    assert text == with_generated_parts(text)
    assert "| short 2 | buy | close 2, buy 1 |" in text
    assert "| `same_side_held` |" in text
