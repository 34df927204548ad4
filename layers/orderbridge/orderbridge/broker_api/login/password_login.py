"""Sign in with login and password: from our page, and from TradingView's own dialog (`POST /authorize`).

Each try takes a place in three windows before the password is looked at, and gives it back when it was right:

| of whom | tries | window |
|---|---|---|
| this login from this address | 5 | 5 minutes |
| this address, any login | 30 | 15 minutes |
| this login, any address | 100 | 1 hour |

The last one is wide, since anybody could use it to keep a person out.
"""

import ipaddress
import re
from dataclasses import dataclass, replace

from orderbridge.broker_api.login import passwords
from orderbridge.broker_api.login.issue import Issued, begin
from orderbridge.broker_api.login.model import Limit, User
from orderbridge.broker_api.login.ports import AttemptStore, NowMs, SessionStore, UserStore
from orderbridge.broker_api.login.tokens import RandomBytes, digest
from orderbridge.errors import ConflictError
from orderbridge.secret import Secret

LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
MINUTE_MS = 60_000
WRONG = "The login or the password is wrong."


@dataclass(frozen=True, slots=True)
class Denied:
    """No sign-in, and what to tell the person."""

    message: str
    limited: bool = False
    """Too many tries: the password was not looked at."""


def clean_login(text: str) -> str:
    """Give a login as it is stored; empty when nobody can have it."""
    login = text.strip().lower()
    return login if LOGIN.fullmatch(login) else ""


def limits_of(login: str, address: str) -> tuple[Limit, ...]:
    """Give the windows of one try."""
    network = network_of(address)
    return (
        Limit(digest(f"login and address\n{login}\n{network}"), 5, 5 * MINUTE_MS),
        Limit(digest(f"address\n{network}"), 30, 15 * MINUTE_MS),
        Limit(digest(f"login\n{login}"), 100, 60 * MINUTE_MS),
    )


def network_of(address: str) -> str:
    """Give what counts as one address: of IPv6 the 64 bits that a household has to choose from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


class PasswordLogin:
    """Checks passwords. Every method raises `StorageError` when the table fails."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        attempts: AttemptStore,
        now_ms: NowMs,
        random_bytes: RandomBytes,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._attempts = attempts
        self._now_ms = now_ms
        self._random_bytes = random_bytes

    def check(self, login: str, password: Secret, address: str) -> User | Denied:
        """Give the user whose login and password these are; an unknown login is answered as a wrong password is."""
        name = clean_login(login)
        limits = limits_of(name or digest(login), address)
        until_ms = self._take(limits)
        if until_ms is not None:
            minutes = max(1, -(-(until_ms - self._now_ms()) // MINUTE_MS))
            return Denied(f"Too many tries. Wait {minutes} min and try again.", limited=True)
        found = self._users.get(name) if name else None
        if not passwords.verify(found.value.password_hash if found else "", password) or found is None:
            return Denied(WRONG)
        self._give_back(limits)
        user = found.value
        if passwords.outdated(user.password_hash):
            user = self._hashed_again(user, found.version, password)
        return user

    def sign_in(self, login: str, password: Secret, address: str) -> Issued | Denied:
        """Give a new access token for login and password (the password flow), a fresh one at each call."""
        user = self.check(login, password, address)
        if isinstance(user, Denied):
            return user
        sign_in, issued = begin("password", self._now_ms(), self._random_bytes, user=user)
        self._sessions.begin(sign_in)
        return issued

    def _take(self, limits: tuple[Limit, ...]) -> int | None:
        """Take a place in every window, or in none: then give when there is one."""
        for position, limit in enumerate(limits):
            until_ms = self._attempts.take(limit, self._now_ms())
            if until_ms is not None:
                self._give_back(limits[:position])
                return until_ms
        return None

    def _give_back(self, limits: tuple[Limit, ...]) -> None:
        for limit in limits:
            self._attempts.give_back(limit, self._now_ms())

    def _hashed_again(self, user: User, version: int, password: Secret) -> User:
        """Keep the password under today's costs; that somebody changed the user meanwhile costs nothing."""
        rehashed = replace(user, password_hash=passwords.hash_password(password))
        try:
            self._users.put(rehashed, version)
        except ConflictError:
            return user
        return rehashed
