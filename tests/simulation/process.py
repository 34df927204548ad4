"""One Lambda environment as a process: its clock, its dice, and how it dies."""

from collections.abc import Callable
from random import Random
from typing import Protocol, TypeVar

from tests.simulation.hub import Hub
from tests.simulation.weather import Fate, Fault, Weather

T = TypeVar("T")

NEVER = 2**62


class KilledError(BaseException):
    """The process is dead: nothing after this line has run. Not an Exception, since no handler may survive it."""


class Observer(Protocol):
    """Who is told what a process does."""

    actor: str
    """Whose call is being carried out."""

    def changed(self) -> None:
        """Look at the world: a call has just been carried out."""
        ...

    def died(self, process: "Process", why: str) -> None: ...

    def frozen(self, milliseconds: int, service: str) -> None: ...

    def late(self, milliseconds: int) -> None:
        """Note that a broker will book a write in so long, when its caller has given up."""
        ...

    def stumbled(self, process: "Process") -> None:
        """Note that a call of the process went wrong, or that it died: what it was at may not have been done."""
        ...


class Process:
    """`Machine` of one Lambda environment, and the door through which all of its calls go out."""

    def __init__(
        self, hub: Hub, weather: Weather, observer: Observer, function: str, name: str, dice: Random, skew_ms: int
    ) -> None:
        self.hub = hub
        self.weather = weather
        self.observer = observer
        self.function = function
        self.name = name
        self.dice = dice
        self.skew_ms = skew_ms
        self.alive = True
        self.ends_ms = NEVER
        """When the present invocation is out of time: Lambda ends the environment."""
        self.in_hand: set[str] = set()
        """Connections whose new token pair is known to this process alone."""
        self._born_ms = hub.now - dice.randrange(1_000_000)

    # ---- Machine

    def now_ms(self) -> int:
        """Give the time by this environment's own clock."""
        return self.hub.now + self.skew_ms

    def monotonic(self) -> float:
        return (self.hub.now - self._born_ms) / 1000

    def sleep(self, seconds: float) -> None:
        self.wait(max(1, round(seconds * 1000)))

    def chance(self) -> float:
        return self.dice.random()

    def random_bytes(self, count: int) -> bytes:
        return self.dice.randbytes(count)

    # ---- time and death

    def wait(self, milliseconds: int) -> None:
        """Let time pass. Raises `KilledError` when the invocation's time is over by then."""
        if not self.alive:
            raise KilledError(self.name)
        hub = self.hub
        hub.pause(min(milliseconds, self.ends_ms - hub.now))
        if not self.alive:
            raise KilledError(self.name)
        if hub.now >= self.ends_ms:
            self.die("out of time")

    def die(self, why: str) -> None:
        """End the process here."""
        self.alive = False
        self.observer.stumbled(self)
        self.observer.died(self, why)
        raise KilledError(why)

    def remaining_ms(self) -> int:
        """Give what is left of the invocation's time."""
        return max(0, self.ends_ms - self.hub.now)

    # ---- calls

    def fate(self, service: str, operation: str) -> Fate | None:
        """Draw what a call meets, and suffer what comes before it is carried out."""
        fate = self.weather.fate(self.dice, self.name, self.function, service, operation)
        if fate is None:
            return None
        self.observer.stumbled(self)
        if fate.fault is Fault.KILL_BEFORE:
            self.die(f"before {service} {operation}")
        if fate.fault is Fault.FREEZE:
            self.observer.frozen(fate.ms, service)
        if fate.fault in (Fault.FREEZE, Fault.SLOW_BEFORE):
            self.wait(fate.ms)
        return fate

    def carry_out(self, deed: Callable[[], T]) -> T:
        """Carry out a call's effect in the process's name."""
        observer = self.observer
        observer.actor = self.name
        try:
            return deed()
        finally:
            observer.changed()

    def afterwards(self, fate: Fate | None, service: str, operation: str) -> None:
        """Suffer what comes after a call was carried out."""
        if fate is None:
            return
        if fate.fault is Fault.KILL_AFTER:
            self.die(f"after {service} {operation}")
        if fate.fault is Fault.SLOW_AFTER:
            self.wait(fate.ms)
