"""Imports point one way (DESIGN of the rooms in docs/architecture.md): every module of the layer is in one room.

    functions -> outermost -> broker_api | execution -> strategy -> alerts -> ground
    adapters (brokers/*, storage) -> the rooms whose protocols they implement
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "orderbridge"

GROUND = frozenset({"model", "errors", "secret", "codec"})
INNER = GROUND | {"commands", "port"}
"""What every room may know: values, the broker protocol, and the errors of both."""

MAY_IMPORT: dict[str, frozenset[str]] = {
    "model": frozenset(),
    "errors": frozenset(),
    "secret": frozenset(),
    "codec": frozenset(),
    "machine": frozenset(),
    "commands": frozenset({"model"}),
    "port": GROUND | {"commands"},
    "alerts": GROUND,
    "strategy": INNER | {"alerts"},
    "execution": INNER | {"alerts", "strategy"},
    "broker_api": INNER | {"alerts", "strategy", "execution"},
    "http": INNER | {"machine"},
    "tradestation": INNER | {"http", "machine"},
    "tradelocker": INNER | {"http", "machine"},
    "storage": INNER | {"machine", "alerts", "strategy", "execution", "broker_api"},
    "telling": frozenset(),
    "receiving": INNER | {"machine", "alerts", "storage", "telling"},
    "wiring": INNER
    | {"alerts", "strategy", "execution", "broker_api", "http", "tradestation", "tradelocker", "storage", "telling"}
    | {"machine"},
}
ROOM_OF: dict[str, str] = {
    "brokers.port": "port",
    "brokers.login": "port",
    "brokers.budget": "port",
    "brokers.deadline": "port",
    "brokers.http": "http",
    "brokers.exchange": "http",
    "brokers.tradestation": "tradestation",
    "brokers.tradelocker": "tradelocker",
    "lean_log": "telling",
    "observe": "telling",
    "panel": "wiring",
    "panel_stage": "wiring",
}
"""Modules and packages whose room is not named as they are."""

UNBOUND = frozenset({"cli"})
"""Outermost: it may import every room, and no room may import it."""

PURE = ("model", "errors", "secret", "codec", "commands", "port", "alerts", "strategy")
PURE_LIBRARY = frozenset(
    {
        "base64",
        "binascii",
        "collections",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "functools",
        "hashlib",
        "hmac",
        "ipaddress",
        "itertools",
        "json",
        "math",
        "re",
        "types",
        "typing",
    }
)
NO_CLOCK = PURE_LIBRARY | {"logging"}
"""Executing is told the time and is handed its adapters; it may log."""

EXCEPTIONS = {
    ("codec", "pydantic"): "imported when something is read back, so that the receiver, which only writes, lacks it",
    ("brokers.deadline", "time"): "the default of an argument; the rooms inside pass their own clock",
}
READS_THE_CLOCK = frozenset({"now", "today", "utcnow", "time_ns", "monotonic_ns", "perf_counter"})


@dataclass(frozen=True)
class Module:
    """One file of the layer, by its name below `orderbridge`."""

    name: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return room_of(self.name)

    def imports(self) -> Iterator[str]:
        """Give the full names of what the file imports, also inside functions and under TYPE_CHECKING."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                for alias in node.names:
                    below = f"{base}.{alias.name}"
                    yield below if below.removeprefix("orderbridge.") in names() else base


def room_of(name: str) -> str:
    """Give the room of a module by its longest known prefix, else its first part."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        prefix = ".".join(parts[:end])
        if prefix in ROOM_OF:
            return ROOM_OF[prefix]
    return parts[0]


@cache
def names() -> frozenset[str]:
    return frozenset(
        ".".join(file.relative_to(LAYER / "orderbridge").with_suffix("").parts).removesuffix(".__init__")
        for file in (LAYER / "orderbridge").rglob("*.py")
    )


@cache
def modules() -> tuple[Module, ...]:
    found = []
    for name in sorted(names() - {"__init__"}):
        file = LAYER / "orderbridge" / Path(*name.split("."))
        path = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
        found.append(Module(name, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


def outside(module: Module) -> set[str]:
    """Give the libraries that a module imports, without the exceptions that have a reason."""
    tops = {name.split(".")[0] for name in module.imports()} - {"orderbridge"}
    return {top for top in tops if (module.name, top) not in EXCEPTIONS}


def other_rooms(module: Module) -> set[str]:
    inside = {name.removeprefix("orderbridge.") for name in module.imports() if name.startswith("orderbridge.")}
    return {room_of(name) for name in inside} - {module.room}


def by_name(chosen: tuple[str, ...] | None = None) -> list[Module]:
    return [m for m in modules() if (m.room in chosen if chosen else m.room not in UNBOUND)]


def test_every_room_is_found() -> None:
    packages = {"brokers"}  # the package itself holds nothing

    assert {module.room for module in modules()} - packages - UNBOUND == set(MAY_IMPORT)


@pytest.mark.parametrize("module", by_name(), ids=lambda module: module.name)
def test_module_imports_only_rooms_that_its_own_may_know(module: Module) -> None:
    assert other_rooms(module) <= MAY_IMPORT.get(module.room, frozenset())


@pytest.mark.parametrize("module", by_name(PURE), ids=lambda module: module.name)
def test_pure_module_imports_no_clock_no_random_no_environment_and_no_service(module: Module) -> None:
    called = {
        node.func.attr
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }

    assert outside(module) <= PURE_LIBRARY
    assert not called & READS_THE_CLOCK


@pytest.mark.parametrize("module", by_name(("execution",)), ids=lambda module: module.name)
def test_executing_module_is_handed_its_clock_and_its_adapters(module: Module) -> None:
    assert outside(module) <= NO_CLOCK


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.name)
def test_module_of_the_layer_knows_no_function_no_sandbox_and_no_test(module: Module) -> None:
    assert not outside(module) & {"app", "functions", "sandbox", "tests", "benchmarks"}


@pytest.mark.parametrize(
    "module", [m for m in modules() if m.room not in {"storage", "cli"}], ids=lambda module: module.name
)
def test_only_storage_knows_the_aws_sdk(module: Module) -> None:
    assert not outside(module) & {"boto3", "botocore"}


@pytest.mark.parametrize("folder", ["simserver", "tradestation", "tradelocker"])
def test_simulated_broker_shares_no_code_with_the_bridge(folder: str) -> None:
    files = list((ROOT / "sandbox" / folder).rglob("*.py"))
    trees = [Module(file.name, ast.parse(file.read_text(encoding="utf-8"))) for file in files]

    assert files
    assert not [tree.name for tree in trees if any(name.startswith("orderbridge") for name in tree.imports())]


def test_each_exception_is_still_needed() -> None:
    imported = {(m.name, name.split(".")[0]) for m in modules() for name in m.imports()}

    assert set(EXCEPTIONS) <= imported
