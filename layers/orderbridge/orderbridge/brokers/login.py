"""A broker login: what Secrets Manager keeps of it, and who hands out its access token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from orderbridge.brokers.port import Deadline
from orderbridge.secret import NO_SECRET, Secret


@dataclass(frozen=True, slots=True)
class Login:
    """One connection's secret. TradeStation uses the client fields, TradeLocker e-mail, password and server."""

    broker: Literal["tradestation", "tradelocker"]
    environment: Literal["sim", "live"]
    base_url: str
    auth_url: str
    refresh_token: Secret
    access_token: Secret
    access_expires_at_ms: int
    obtained_at_ms: int
    """When the pair was last refreshed or first obtained."""
    refresh_expires_at_ms: int | None = None
    client_id: str = ""
    client_secret: Secret = NO_SECRET
    scope: str = ""
    email: str = ""
    password: Secret = NO_SECRET
    server: str = ""
    developer_api_key: Secret = NO_SECRET


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """The broker's proof that this login is dead; a person must connect again."""

    message: str


RefreshOutcome = Login | LoginRefused
"""A time-out or 5xx of the token endpoint is raised as `BrokerUnavailableError` instead: it proves nothing."""

Refresh = Callable[[Login, Deadline], RefreshOutcome]


class TokenSource(Protocol):
    """Hands out the current access token of one connection."""

    def access_token(self, deadline: Deadline) -> Secret:
        """Give a token that is still valid, refreshed when it is about to lapse. Raises `LoginLostError`."""
        ...

    def renew(self, refused: Secret, deadline: Deadline) -> Secret:
        """Give another token than `refused`, which the broker answered with 401; refresh once unless somebody did."""
        ...
