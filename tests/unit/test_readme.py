"""What the README says to type, to paste and to read exists: commands, targets, settings, message, documents."""

import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from orderbridge.alerts.alert import Action, Alert
from orderbridge.alerts.dialect import Context
from orderbridge.alerts.dialects import read_alert
from orderbridge.alerts.reading import read_body
from orderbridge.cli.app import app
from orderbridge.cli.rules import read_settings
from orderbridge.model import Direction

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOW_MS = 1_795_271_400_000
HOSTS = ("sim-api.tradestation.com", "signin.tradestation.com")
AS_RENDERED = {
    "{{exchange}}": "CME_MINI",
    "{{ticker}}": "MES1!",
    "{{strategy.order.action}}": "sell",
    "{{strategy.order.contracts}}": "3",
    "{{strategy.market_position}}": "short",
    "{{strategy.market_position_size}}": "1",
    "{{strategy.prev_market_position}}": "long",
    "{{strategy.prev_market_position_size}}": "2",
    "{{close}}": "6900.25",
    "{{timenow}}": "2026-11-21T14:29:59Z",
    "{{interval}}": "5",
    "{{strategy.order.id}}": "Short",
}


def blocks(language: str) -> list[str]:
    """Give the README's code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def typed(program: str) -> list[str]:
    """Give every line and code span of the README that runs `program`."""
    lines = [line for block in blocks("") for line in block.splitlines()]
    spans = [span for span in re.findall(r"`([^`\n]+)`", README) if span.startswith(f"{program} ")]
    return sorted({line.split("#")[0].strip() for line in [*lines, *spans] if line.startswith(f"{program} ")})


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """Give the command that the words name, and the words after it."""
    command: Any = get_command(app)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)


@pytest.mark.parametrize("line", typed("orderbridge"))
def test_command_of_the_readme_exists_with_its_options(line: str) -> None:
    command, rest = command_of(line.split()[1:])

    assert not hasattr(command, "commands") or rest == []
    assert {word for word in rest if word.startswith("--")} <= set(options(command))


@pytest.mark.parametrize("line", typed("make"))
def test_target_of_the_readme_exists(line: str) -> None:
    target = line.split()[1]
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)

    assert re.search(rf"^  make {target} ", done.stdout, re.MULTILINE)


def test_files_that_the_readme_names_exist() -> None:
    named = re.findall(r"\]\((docs/[^)#]+)\)", README) + re.findall(r"(?<!\w)events/alerts/[\w.-]+\.json", README)

    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_document_is_named_in_the_readme() -> None:
    assert [file.name for file in (ROOT / "docs").glob("*.md") if f"docs/{file.name}" not in README] == []


def test_settings_of_the_readme_are_accepted() -> None:
    (text,) = blocks("yaml")

    settings = read_settings(text, "README.md", HOSTS, NOW_MS)

    assert set(settings.strategies) == {"orb-mes"}


def test_message_of_the_readme_is_read_as_the_target_that_it_says() -> None:
    (text,) = blocks("json")
    for placeholder, value in AS_RENDERED.items():
        text = text.replace(placeholder, value)

    alert = read_alert(read_body(text.encode()), Context(NOW_MS, ""))

    assert isinstance(alert, Alert), alert
    assert (alert.action, alert.symbol, alert.exchange) == (Action.SELL, "MES1!", "CME_MINI")
    assert alert.target is not None
    assert (alert.target.direction, alert.target.size) == (Direction.SHORT, Decimal(-1))
    assert alert.fired_at_ms == NOW_MS - 1_000
    assert "{{" not in text


def test_tests_and_modules_that_the_architecture_page_names_exist() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "layers" / "orderbridge" / "orderbridge"
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    tests = set(re.findall(r"`(test_\w+)`", page))
    files = {name for name in re.findall(r"`([\w/]+(?:\.py|/))`", page) if "/" in name}
    roots = (ROOT, package)

    assert len(tests) > 15
    assert [name for name in sorted(tests) if f"def {name}(" not in sources] == []
    assert [name for name in sorted(files) if not any((root / name).exists() for root in roots)] == []
