"""The command line's bench."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.bench import Bench, deployment


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Give a deployment in moto and a command line that works on it."""
    with deployment(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def applied(bench: Bench) -> Bench:
    """Give a bench whose deployment has one account and one strategy."""
    from tests.unit.cli.bench import SETTINGS

    bench.write(SETTINGS)
    bench.ok("apply")
    return bench
