"""The documents name every field and every command, and nothing outside imports the command line."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from orderbridge.cli import schema
from orderbridge.cli.app import app

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "layers" / "orderbridge" / "orderbridge"


def first_cells(document: str, section: str = "") -> set[str]:
    """Give what stands in code style in the first cell of the tables of a section."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    if section:
        text = text.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
    rows = [re.split(r"(?<!\\)\|", line)[1] for line in text.splitlines() if line.startswith("|")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize(
    ("section", "models"),
    [
        ("accounts", [schema.Account]),
        ("strategies", [schema.Strategy, schema.Route]),
        ("panel", [schema.PanelInstrument]),
    ],
)
def test_settings_document_lists_exactly_the_fields_of_the_file(section: str, models: list[Any]) -> None:
    assert first_cells("settings.md", section) == {name for model in models for name in model.model_fields}


def commands(command: Any, path: str = "") -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path
        return
    for name, one in inner.items():
        yield from commands(one, f"{path} {name}".strip())


def test_command_document_lists_exactly_the_commands() -> None:
    listed = {re.split(r" [\[A-Z-]", cell)[0] for cell in first_cells("cli.md") if cell[0].islower()}

    assert listed == set(commands(get_command(app)))


def test_command_document_lists_the_certification_cases() -> None:
    text = (PACKAGE / "cli" / "certification.py").read_text(encoding="utf-8")
    document = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")

    assert set(re.findall(r'"(CERT-\d\d)"', text)) == set(re.findall(r"\| (CERT-\d\d) \|", document))


def test_nothing_outside_of_the_command_line_imports_it() -> None:
    files = [*PACKAGE.rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    guilty = [
        str(file.relative_to(ROOT))
        for file in files
        if PACKAGE / "cli" not in file.parents and any(name.startswith("orderbridge.cli") for name in imported(file))
    ]

    assert guilty == []


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                yield module
                yield from (f"{module}.{alias.name}" for alias in node.names)
