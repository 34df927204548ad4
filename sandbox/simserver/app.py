"""What a simulated broker offers to the server that carries it.

`App` is all that is needed. A broker that is also `Controllable` gets the control endpoints for switches, prices,
state, clock and reset from the server; the `Words...` protocols let it word its own refusals when a fault asks for one.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from sandbox.simserver.clock import Clock
from sandbox.simserver.messages import Request, Response


class ControlError(ValueError):
    """A control request that cannot be obeyed: answered 400 with the text and `details`."""

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.details = details


class App(Protocol):
    """A simulated broker in this process: no sockets, no clock but the one it was given."""

    def handle(self, request: Request) -> Response:
        """Answer one request on the broker's own HTTP surface."""
        ...

    def control(self, request: Request) -> Response:
        """Answer a request under `/_control/` that the server itself does not know. May raise `ControlError`."""
        ...


@runtime_checkable
class Controllable(Protocol):
    """A broker whose switches, prices, book and clock the server may show and set. Setters raise `ControlError`."""

    @property
    def clock(self) -> Clock: ...

    def switches(self) -> Mapping[str, object]:
        """Give every switch by name, with its value and whatever describes it."""
        ...

    def set_switches(self, values: Mapping[str, object]) -> None:
        """Set all of these switches, or none."""
        ...

    def set_prices(self, prices: Mapping[str, object]) -> None:
        """Move prices: a number, or a mapping with bid, ask or last, for each symbol."""
        ...

    def state(self) -> Mapping[str, object]:
        """Give the whole book as JSON-ready values."""
        ...

    def reset(self) -> None:
        """Go back to the state at start, switches included."""
        ...


@runtime_checkable
class WordsError200(Protocol):
    """A broker that can refuse inside a 200."""

    def error_200(self, request: Request, text: str) -> Response:
        """Word a refusal of this request inside a 200; nothing is booked."""
        ...


@runtime_checkable
class WordsRateLimit(Protocol):
    """A broker with a 429 of its own."""

    def rate_limited(self, request: Request) -> Response:
        """Word the 429 that this request meets; nothing is booked."""
        ...


@runtime_checkable
class WordsUnauthorized(Protocol):
    """A broker with a 401 of its own."""

    def unauthorized(self, request: Request) -> Response:
        """Word the 401 that this request meets; nothing is booked."""
        ...
