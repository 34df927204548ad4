"""The numbered table, the capability table and the tests say the same."""

import importlib
from dataclasses import fields
from pathlib import Path

from orderbridge.brokers.port import Capabilities
from orderbridge.brokers.tradelocker.capabilities import CAPABILITIES
from orderbridge.brokers.tradestation.capabilities import EQUITIES, FUTURES
from orderbridge.brokers.tradestation.statuses import status_of
from tests.contract.cases import CASES

PAGE = Path(__file__).parents[2] / "docs" / "brokers.md"
COLUMNS = (EQUITIES, FUTURES, CAPABILITIES)


def capability_rows() -> list[str]:
    """Give the lines of the capability table as `docs/brokers.md` prints them."""
    return [
        f"| `{field.name}` | " + " | ".join(_words(getattr(column, field.name)) for column in COLUMNS) + " |"
        for field in fields(Capabilities)
        if field.name != "broker"
    ]


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return ", ".join(sorted(str(item) for item in value))
    return str(value)


def test_every_numbered_case_has_a_test() -> None:
    held: set[str] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        module = importlib.import_module(f"tests.contract.{path.stem}")
        for value in vars(module).values():
            held |= set(getattr(value, "contract_cases", ()))
    assert held == set(CASES)


def test_the_docs_list_every_case_with_its_sentence() -> None:
    lines = PAGE.read_text().splitlines()
    printed = [line for line in lines if line.startswith("| BC-")]
    assert printed == [f"| {number} | {sentence} |" for number, sentence in CASES.items()]


def test_the_docs_print_the_capability_table() -> None:
    lines = PAGE.read_text().splitlines()
    assert [line for line in lines if line.startswith("| `") and line.split("`")[1] in _NAMES] == capability_rows()


_NAMES = {field.name for field in fields(Capabilities)}


def test_the_docs_print_what_each_status_code_becomes() -> None:
    text = PAGE.read_text()
    for code in ("FLL", "BRF", "REJ", "BRO", "DOA", "CAN", "EXP", "TSC", "SCN", "FLP", "OSO", "PLA"):
        status = status_of(code, closed=True, reject_reason="", filled=code == "FLP")
        (line,) = [line for line in text.splitlines() if f" {code}" in line and line.startswith(f"| {status} |")]
        assert line
