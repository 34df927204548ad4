"""The strategy room is pure, and what the receiver imports of it is lean."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import orderbridge.strategy

ROOM = Path(orderbridge.strategy.__path__[0])
LAYER = ROOM.parents[1]
ALLOWED = {
    "collections.abc",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "itertools",
    "math",
    "re",
    "types",
    "typing",
    "orderbridge.alerts.alert",
    "orderbridge.brokers.port",
    "orderbridge.commands",
    "orderbridge.model",
}
NOT_PURE = {"now", "today", "utcnow", "time", "monotonic"}


@pytest.mark.parametrize("file", sorted(ROOM.glob("*.py")), ids=lambda file: file.name)
def test_file_of_the_room_imports_only_what_is_pure(file: Path) -> None:
    tree = ast.parse(file.read_text())

    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    called = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert {name for name in imported if not name.startswith("orderbridge.strategy.")} <= ALLOWED
    assert not called & NOT_PURE


def test_symbols_and_settings_load_without_pydantic() -> None:
    code = (
        "import sys; import orderbridge.strategy.symbols, orderbridge.strategy.settings; "
        "sys.exit(bool({'pydantic', 'boto3', 'botocore', 'httpx'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-S", "-c", code], env={"PYTHONPATH": str(LAYER)}, check=False, timeout=30)

    assert done.returncode == 0
