"""What the invariants see of refresh tokens: every exchange that one of our processes has asked a broker for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One refresh token that was sent to its broker, to be exchanged."""

    process: str
    sent_ms: int
    used: str
    gave: str = ""
    """The refresh token that came in its place; empty where the broker refused, or where a token stays as it is."""
    heard: bool = False
    """The answer has reached the process, whole."""
