"""Virtual time, and a request budget and tokens that live in it."""

from collections import deque

from orderbridge.brokers.login import Login, LoginRefused, Refresh
from orderbridge.brokers.port import Deadline
from orderbridge.errors import LoginLostError, RateLimitedError
from orderbridge.secret import Secret
from sandbox.simserver import ManualClock


class VirtualTime:
    """The simulator's clock as everybody else sees it."""

    def __init__(self, start_ms: int) -> None:
        self.clock = ManualClock(start_ms)
        self._start_ms = start_ms

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def seconds(self) -> float:
        """Give a monotonic clock in seconds."""
        return (self.clock.now_ms() - self._start_ms) / 1000

    def sleep(self, seconds: float) -> None:
        self.clock.advance(round(seconds * 1000))


class PacedBudget:
    """Waits in virtual time until a request is allowed, as the bridge's budget does in real time."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._taken: dict[str, deque[int]] = {}
        self._paused_until: dict[str, int] = {}

    def spend(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> None:
        taken = self._taken.setdefault(resource, deque(maxlen=limit))
        now = self._time.now_ms()
        free_at = max(self._paused_until.get(resource, 0), taken[0] + period_ms if len(taken) == limit else 0)
        if free_at - now > deadline.remaining() * 1000:
            raise RateLimitedError("no request left", free_at - now)
        self._time.clock.advance(max(0, free_at - now))
        taken.append(self._time.now_ms())

    def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
        if remaining == 0:
            self._paused_until[resource] = self._time.now_ms() + reset_ms


class LiveTokens:
    """A login's tokens, refreshed at the simulator when they have lapsed or were refused."""

    def __init__(self, login: Login, refresh: Refresh, time: VirtualTime) -> None:
        self.login = login
        self._refresh = refresh
        self._time = time

    def access_token(self, deadline: Deadline) -> Secret:
        if self.login.access_expires_at_ms <= self._time.now_ms():
            return self._renewed(deadline)
        return self.login.access_token

    def renew(self, refused: Secret, deadline: Deadline) -> Secret:
        return self._renewed(deadline) if self.login.access_token == refused else self.login.access_token

    def _renewed(self, deadline: Deadline) -> Secret:
        outcome = self._refresh(self.login, deadline)
        if isinstance(outcome, LoginRefused):
            raise LoginLostError(outcome.message)
        self.login = outcome
        return outcome.access_token
