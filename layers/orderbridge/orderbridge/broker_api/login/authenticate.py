"""Who a token belongs to, and which accounts are whose. Every call of the panel comes through here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from orderbridge.broker_api.login.model import Client, ServerClient, SignIn, StoredUser, User
from orderbridge.broker_api.login.ports import AccountSource, ClientStore, NowMs, SessionStore, UserStore
from orderbridge.broker_api.login.rotation import use_access
from orderbridge.broker_api.login.tokens import digest, sign_in_of
from orderbridge.errors import ConflictError, NotSignedInError, NotYoursError
from orderbridge.strategy.settings import AccountSettings

T = TypeVar("T")

KEPT_S = 5.0
"""How long a user or client is used before being read again: until then a removal or an unlinking may not be felt."""
MOST_KEPT = 200
TRIES = 5


class Authenticator:
    """Tells whose token it is. Every method raises `NotSignedInError` (401) and `StorageError` (a failure of ours)."""

    def __init__(
        self,
        sessions: SessionStore,
        users: UserStore,
        clients: ClientStore,
        now_ms: NowMs,
        monotonic: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._clients = clients
        self._now_ms = now_ms
        self._kept_users: _Kept[User] = _Kept(lambda login: _value(users.get(login)), monotonic)
        self._kept_clients: _Kept[Client] = _Kept(clients.get, monotonic)

    def authenticate(self, token: str) -> User:
        """Give the user of an access token; the token of a data server is none of a user's.

        A token ends with the client that it was given to, as with its user.
        """
        sign_in = self._sign_in(token)
        user = self._kept_users.get(sign_in.user) if sign_in.user else None
        if user is None or user.generation != sign_in.generation:
            raise NotSignedInError("the sign-in is over")
        if sign_in.client_id and self._kept_clients.get(sign_in.client_id) is None:
            raise NotSignedInError("the client that it was given to is removed")
        return user

    def authenticate_server(self, token: str) -> ServerClient:
        """Give the data server of an access token; a user's token is none of a server's."""
        sign_in = self._sign_in(token)
        client = self._clients.get(sign_in.client_id) if sign_in.flow == "server" else None
        if not isinstance(client, ServerClient):
            raise NotSignedInError("the token is not a data server's")
        return client

    def authenticate_either(self, token: str) -> User | ServerClient:
        """Give whoever may read market data with this token: a data server, or a user."""
        if self._sign_in(token).flow == "server":
            return self.authenticate_server(token)
        return self.authenticate(token)

    def log_out(self, token: str) -> None:
        """End the sign-in of a token, refresh token included."""
        self._sessions.end(self._sign_in(token).id)

    def _sign_in(self, token: str) -> SignIn:
        sign_in_id = sign_in_of(token)
        if sign_in_id is None:
            raise NotSignedInError("there is no access token")
        found = digest(token)
        for _ in range(TRIES):
            read = self._sessions.sign_in(sign_in_id)
            used = None if read is None else use_access(read[0], found, self._now_ms())
            if read is None or used is None:
                raise NotSignedInError("the access token is not valid")
            if used is read[0]:
                return used
            try:
                self._sessions.change(used, read[1])
            except ConflictError:
                continue
            return used
        raise NotSignedInError("the access token is being replaced")


@dataclass
class _Kept(Generic[T]):
    """Values by name, each read again after KEPT_S."""

    read: Callable[[str], T | None]
    monotonic: Callable[[], float]
    values: dict[str, tuple[float, T | None]] = field(default_factory=dict)

    def get(self, name: str) -> T | None:
        """Give the value of a name, None where there is none."""
        kept, now = self.values.get(name), self.monotonic()
        if kept is None or now - kept[0] > KEPT_S:
            if len(self.values) >= MOST_KEPT:
                self.values.clear()
            kept = self.values[name] = (now, self.read(name))
        return kept[1]


def _value(found: StoredUser | None) -> User | None:
    return None if found is None else found.value


def account_of(user: User, name: str, accounts: AccountSource) -> AccountSettings:
    """Give an account of this user. Raises `NotYoursError`, in the same words, for anybody else's and for none."""
    settings = accounts.account(name) if name in user.all_accounts else None
    if settings is None or (name in user.own_accounts and settings.connection != user.connection):
        raise NotYoursError("There is no such account.")
    return settings


def accounts_of(user: User, accounts: AccountSource) -> dict[str, AccountSettings]:
    """Give the accounts of this user, by name; one that was taken out of the settings is left out."""
    found: dict[str, AccountSettings] = {}
    for name in user.all_accounts:
        try:
            found[name] = account_of(user, name, accounts)
        except NotYoursError:
            continue
    return found
