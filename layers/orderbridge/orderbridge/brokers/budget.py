"""How many requests a broker still allows: asked before each request, told by each reply."""

from typing import Protocol

from orderbridge.brokers.port import Deadline


class Budget(Protocol):
    """The request budget of one connection, shared by every process that uses it."""

    def spend(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> None:
        """Take one request of `resource`, waiting while the deadline allows it.

        `limit` requests are allowed per `period_ms` as far as is known. Raises `RateLimitedError` when none is left.
        """
        ...

    def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
        """Learn from a reply's headers (or a 429) that `remaining` requests are left for the next `reset_ms`."""
        ...


class Unlimited:
    """A budget that never refuses: for tests and one-off commands."""

    def spend(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> None:
        """Allow it."""

    def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
        """Ignore it."""
