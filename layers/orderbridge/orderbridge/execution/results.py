"""How far working a job has come."""

from dataclasses import dataclass

from orderbridge.strategy.goal import End

RESERVE_S = 3.0
"""Time that must be left to note a job's end or to park it."""
RETRY_MS = 1_000
"""How soon a parked job is taken up again, where nothing else says when."""


@dataclass(frozen=True, slots=True)
class Parked:
    """The job goes on at `wake_at_ms`."""

    wake_at_ms: int
    code: str
    sentence: str


Result = End | Parked
