"""The planted bugs: each can be planted and taken out again, and some are found here (all by `make simulate-ci`)."""

import sys
from types import ModuleType
from typing import Any

import pytest

from tests.simulation.bugs.catalogue import BUGS, BY_NAME
from tests.simulation.bugs.patcher import patched
from tests.simulation.bugs.prove import prove
from tests.simulation.invariants.catalogue import KINDS
from tests.simulation.shapes import SHAPES
from tests.simulation.tables import DOCS, with_tables

QUICK = ("exit-opens", "plan-not-stored", "one-job-for-all-accounts")


def product() -> dict[tuple[str, str], Any]:
    """Give every function, constant and method of the product by its place."""
    found: dict[tuple[str, str], Any] = {}
    for title, module in list(sys.modules.items()):
        if title.partition(".")[0] != "orderbridge":
            continue
        for name, value in vars(module).items():
            if isinstance(value, ModuleType) or name.startswith("__"):
                continue
            found[(title, name)] = value
            if isinstance(value, type):
                methods = {inner: each for inner, each in vars(value).items() if callable(each) or inner == "adopts"}
                found |= {(title, f"{name}.{inner}"): each for inner, each in methods.items()}
    return found


def changed(before: dict[tuple[str, str], Any]) -> set[tuple[str, str]]:
    after = product()
    return {place for place, value in before.items() if after.get(place) is not value}


@pytest.mark.parametrize("name", BY_NAME)
def test_bug_is_planted_and_taken_out_again(name: str) -> None:
    before = product()

    with patched(BY_NAME[name].install):
        planted = changed(before)

    assert planted, "the bug changes nothing"
    assert changed(before) == set()


def test_bugs_are_enough_and_half_of_them_of_trading_meaning() -> None:
    trading = sum(bug.kind == "trading" for bug in BUGS)

    assert len(BUGS) == len(BY_NAME) >= 36
    assert min(trading, len(BUGS) - trading) >= 18


def test_bugs_name_shapes_and_invariants_that_there_are() -> None:
    names = {kind.__name__ for kind in KINDS}

    assert {bug.shape for bug in BUGS} <= set(SHAPES)
    assert {name for bug in BUGS for name in bug.caught_by} <= names
    assert all(0 < bug.seeds <= 20 for bug in BUGS)


@pytest.mark.parametrize("name", QUICK)
def test_bug_is_found(name: str) -> None:
    assert prove(BY_NAME[name]).holds


def test_page_lists_invariants_and_bugs_as_they_are() -> None:
    text = DOCS.read_text()

    assert with_tables(text) == text, "write them: python -m tests.simulation.tables"
