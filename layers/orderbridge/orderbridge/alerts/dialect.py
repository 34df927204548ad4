"""What a dialect of alert messages is. `dialects.py` lists those that are understood. Pure."""

from dataclasses import dataclass
from typing import Protocol

from orderbridge.alerts.alert import Alert, Refusal
from orderbridge.alerts.reading import Body


@dataclass(frozen=True, slots=True)
class Context:
    """What a message is read against."""

    received_at_ms: int
    symbol: str = ""
    """The strategy's own symbol, for messages that name none."""


class Dialect(Protocol):
    """One way of writing alerts."""

    @property
    def name(self) -> str: ...

    def recognises(self, body: Body) -> bool:
        """Tell whether a body is written in this dialect; it may still turn out not to be understood."""
        ...

    def read(self, body: Body, context: Context) -> Alert | Refusal:
        """Read a body that this dialect recognises. Never raises."""
        ...
