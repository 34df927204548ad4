"""Other releases of the layer, made from this one: copies of its source with what a later release might change.

NEXT      each stored record has one more field, which it always writes: this release passes it over
REBUILT   it writes every record in a shape of its own, under a higher `schema`, and reads both shapes
"""

import ast
import shutil
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from tests.race.workers import LAYER

GROWING: Mapping[str, tuple[str, ...]] = {
    "execution/records.py": ("Job", "CommandRecord", "Plan", "Tracked", "Protection", "Book", "Pending", "LaneState"),
    "brokers/login.py": ("Login",),
    "brokers/port.py": ("Look", "PlacedOrder"),
}
FIELD = '    added: str = field(default_factory=lambda: __import__("uuid").uuid4().hex)\n'
"""A default that never equals what stands there, so that it is always stored."""
DUMPS = '    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"))'
LOADS = "    return cast(T, _adapter(cast(Any, kind)).validate_json(text))"


class Release(StrEnum):
    """A release beside this one."""

    NEXT = "next"
    REBUILT = "rebuilt"


def make(release: Release, folder: Path) -> Path:
    """Make a release's layer below `folder`; give its path."""
    layer = folder / release
    shutil.copytree(LAYER / "orderbridge", layer / "orderbridge", ignore=shutil.ignore_patterns("__pycache__"))
    _CHANGES[release](layer / "orderbridge")
    return layer


def _grow(package: Path) -> None:
    """Add a field to each stored record, behind its others."""
    for file, names in GROWING.items():
        path = package / file
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        classes = {node.name: node for node in ast.parse("".join(lines)).body if isinstance(node, ast.ClassDef)}
        for line in sorted((_end_of_fields(classes[name]) for name in names), reverse=True):
            lines.insert(line, FIELD)
        text = "".join(lines)
        if "import dataclass, field" not in text:
            text = text.replace("from dataclasses import dataclass", "from dataclasses import dataclass, field", 1)
        path.write_text(text, encoding="utf-8")


def _end_of_fields(record: ast.ClassDef) -> int:
    """Give the line after which the record's last field is described."""
    last = max(at for at, node in enumerate(record.body) if isinstance(node, ast.AnnAssign))
    following = record.body[last + 1 : last + 2]
    described = following and isinstance(following[0], ast.Expr)
    return (following[0] if described else record.body[last]).end_lineno or 0


def _rebuild(package: Path) -> None:
    """Wrap every record in another object, which needs a higher schema, and read it with or without."""
    _replace(package / "storage" / "keys.py", "SCHEMA = 1\n", "SCHEMA = 2\n")
    _replace(package / "codec.py", DUMPS, DUMPS.replace("plain(value)", '{"rebuilt": plain(value)}'))
    unwrapped = '    given = json.loads(text)\n    if isinstance(given, dict) and "rebuilt" in given:\n'
    unwrapped += '        text = json.dumps(given["rebuilt"])\n'
    _replace(package / "codec.py", LOADS, unwrapped + LOADS)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has changed: {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


_CHANGES: Mapping[Release, Callable[[Path], None]] = {Release.NEXT: _grow, Release.REBUILT: _rebuild}
