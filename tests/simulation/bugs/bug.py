"""What a planted bug is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.simulation.bugs.patcher import Patcher


@dataclass(frozen=True, slots=True)
class Bug:
    """One planted bug, and how it must be found."""

    name: str
    kind: Literal["trading", "mechanics"]
    sentence: str
    install: Callable[[Patcher], None]
    shape: str
    """The kind of story that shows it."""
    caught_by: tuple[str, ...]
    """The invariants of which one names it."""
    seeds: int = 20
    """Within so many seeds of that shape, counted from 1, it must be found."""
