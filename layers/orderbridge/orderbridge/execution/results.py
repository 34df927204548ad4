"""How far working a job has come."""

from dataclasses import dataclass

from orderbridge.strategy.goal import End


@dataclass(frozen=True, slots=True)
class Parked:
    """The job goes on at `wake_at_ms`."""

    wake_at_ms: int
    code: str
    sentence: str


Result = End | Parked
