"""Give each run a folder of its own, so that a second one works beside the first."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from sandbox import places

MOST_RUNS = 20


class TooManyRunsError(Exception):
    """Twenty runs are up already in this checkout."""


@dataclass(frozen=True)
class Instance:
    """One run: its number, its folder, and where other programs look for its endpoints."""

    number: int
    folder: Path
    endpoint_files: tuple[Path, ...]

    @property
    def stack_name(self) -> str:
        """Name of the stack that this run deploys."""
        return f"orderbridge-{self.number}"


@contextmanager
def claim(runs: Path = places.RUNS) -> Iterator[Instance]:
    """Take the first folder under `runs` that no living run has, emptied; it is free again at the end.

    `runs/endpoints.json` belongs to the run that came first of those that are up; every run has one in its folder too.
    Raises `TooManyRunsError`.
    """
    runs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        number = next((n for n in range(1, MOST_RUNS + 1) if _lock(held, runs / f"{n}.lock")), None)
        if number is None:
            raise TooManyRunsError(f"{MOST_RUNS} runs are up in {runs}")
        folder = runs / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        files = [folder / "endpoints.json"]
        if _lock(held, runs / "endpoints.lock"):
            files.append(runs / "endpoints.json")
        yield Instance(number, folder, tuple(files))


def _lock(held: ExitStack, path: Path) -> bool:
    """Hold a lock that ends with the process at the latest, or say that another process has it."""
    file: TextIOWrapper = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    held.callback(file.close)
    return True
