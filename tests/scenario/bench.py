"""What a scenario needs of a simulated broker beyond the contract suite's bench."""

from decimal import Decimal
from typing import Any, Literal, Protocol

from orderbridge.brokers.port import Broker
from orderbridge.strategy.settings import AccountSettings
from tests.contract.backend import Bench


class ScenarioBench(Bench, Protocol):
    @property
    def tokens(self) -> Any:
        """The login's tokens; `.login` is what is stored of it."""
        ...

    @property
    def gap_ms(self) -> int:
        """The least time between two looks."""
        ...

    def account(self) -> AccountSettings: ...

    def new_broker(self) -> Broker:
        """Give another adapter of the same account, as another process would have it."""
        ...

    def open_elsewhere(self, signed: Decimal) -> None:
        """Somebody trades by hand at the broker: buy (positive) or sell this much at market."""
        ...

    def set_session(self, state: Literal["open", "closed"]) -> None:
        """Open or close the market of the bench's symbol."""
        ...

    def refuse_stops(self) -> None:
        """Let the broker refuse every protective stop from now on."""
        ...

    def reads(self, what: str) -> int:
        """Count the reads of orders since `reset_reads`."""
        ...

    def reset_reads(self) -> None: ...
