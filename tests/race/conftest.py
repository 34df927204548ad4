"""Fixtures of the race tests: one process a session that the others are forked from."""

from collections.abc import Iterator

import pytest

from tests.race.workers import Workers, worker_processes


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Give a maker of processes; they end with the session."""
    with worker_processes(tmp_path_factory.mktemp("workers")) as running:
        yield running
