"""The numbered table and the tests name each other."""

import importlib
from pathlib import Path

from tests.contract.cases import CASES


def test_every_numbered_case_has_a_test() -> None:
    held: set[str] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        module = importlib.import_module(f"tests.contract.{path.stem}")
        for value in vars(module).values():
            held |= set(getattr(value, "contract_cases", ()))
    assert held == set(CASES)


def test_the_docs_list_every_case_with_its_sentence() -> None:
    page = (Path(__file__).parents[2] / "docs" / "brokers.md").read_text()
    for number, sentence in CASES.items():
        assert f"| {number} | {sentence} |" in page
