"""The current access token of a connection, refreshed by one worker at a time.

    memory copy -> secret -> refresh under the lease:

    step                                     what a crash after it loses
    take the lease, read the secret again    nothing
    exchange at the broker                   the new pair (*)
    extend the lease, if it is still mine    the new pair (*)
    PutSecretValue                           nothing: the next worker finds the pair
    settle: note its age, free the lease     nothing

(*) It exists in this process only. Where the refresh token does not rotate (TradeStation's default) the old one still
works. Where it rotates, the broker may refuse the old one: then the login ends as refused and a person connects again
(TradeLocker's refresh can log in by e-mail and password instead). So a new pair is stored before it is used, storing is
tried to the end of the lease, and a pair that could not be stored is kept and stored by the next call. A worker that
was fenced out writes nothing. The version before stays as AWSPREVIOUS.

A secret takes about one write in 10 minutes for good (AWS removes old versions no faster), which is when the refresher
renews; renewals after a 401 come on top and are limited by the hour.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from orderbridge.brokers.login import Login, LoginRefused, Refresh
from orderbridge.brokers.port import Deadline
from orderbridge.errors import BrokerReadError, BrokerUnavailableError, ConflictError, LoginLostError, StorageError
from orderbridge.machine import MACHINE, Machine, new_id
from orderbridge.secret import Secret
from orderbridge.storage.secrets import LoginSecrets, NotConnectedError, StoredLogin
from orderbridge.storage.token_lease import Connection, Lease, Taken, TokenLeases

USABLE_MS = 30_000
"""A token with less left than this is not handed out: the request that carries it must arrive while it is valid."""
LAST_MS = 3_000
"""Down to this it is handed out all the same, when no other can be had."""
REFRESH_AFTER_MS = 600_000
"""A pair is refreshed at this age, or at half its life if that is shorter."""
LEASE_MS = 30_000
STORE_MS = 12_000
"""The part of the lease that is kept for storing what the exchange gave."""
STALE_READS, STALE_PAUSE_S = 12, 0.25
"""How often a secret that is older than the lease's item says is read again, and after what pause."""
EXCHANGE_MIN_S = 2.0
"""With less time than this no exchange is begun: its answer would come too late to be read."""
STORE_TRIES = 4
RENEWALS_PER_HOUR = 20
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class TokenReport:
    """How one connection stands after a round of the refresher."""

    connection: str
    age_ms: int
    """Since the pair was last refreshed or first obtained."""
    refreshed: bool = False
    refused: bool = False
    """The broker refuses the login: a person must connect again."""
    problem: str = ""
    """Why a refresh that was due did not happen; empty when all is well."""


@dataclass(frozen=True, slots=True)
class _Unstored:
    """A pair that the broker gave and Secrets Manager did not take yet."""

    login: Login
    version: str
    replaces: str
    """Version of the secret whose refresh token was exchanged for it."""


class TokenKeeper:
    """`TokenSource` of one connection; one instance per process keeps the pair in memory."""

    def __init__(
        self,
        connection: str,
        secrets: LoginSecrets,
        leases: TokenLeases,
        refresh: Refresh,
        machine: Machine = MACHINE,
    ) -> None:
        """`refresh` makes one exchange at the broker."""
        self._connection = connection
        self._secrets = secrets
        self._leases = leases
        self._refresh = refresh
        self._machine = machine
        self._now_ms = machine.now_ms
        self._known: StoredLogin | None = None
        self._unstored: _Unstored | None = None
        self._single_flight = threading.Lock()

    # ---- TokenSource

    def access_token(self, deadline: Deadline) -> Secret:
        """Give a token that is still valid, refreshed when it is about to lapse.

        Raises `LoginLostError`, `BrokerUnavailableError` (no valid token for now), `StorageError`.
        """
        known = self._known
        if known is not None and self._usable(known):
            return known.login.access_token
        try:
            return self._obtain(self._usable, deadline).login.access_token
        except LoginLostError:
            raise
        except (BrokerReadError, StorageError):
            known = self._known
            if known is not None and self._left_ms(known) > LAST_MS:
                return known.login.access_token
            raise

    def renew(self, refused: Secret, deadline: Deadline) -> Secret:
        """Give another token than `refused`, which the broker answered with 401. Raises as `access_token` does."""

        def good(stored: StoredLogin) -> bool:
            return self._usable(stored) and stored.login.access_token != refused

        known = self._known
        if known is None or not good(known):
            known = self._obtain(good, deadline, after_401=True)
        return known.login.access_token

    # ---- for the command line

    def replace_login(self, login: Login, deadline: Deadline) -> None:
        """Store a login that a person has just made, when no refresh of the one before is under way.

        Raises `BrokerUnavailableError` when one is, to the end of the deadline; `StorageError`.
        """
        while not isinstance(lease := self._take(), Lease):
            self._wait(lease, deadline)
        try:
            version = new_id(self._machine)
            self._secrets.create(self._connection, login, version)
            self._leases.register(self._connection, login, version)
            self._known, self._unstored = StoredLogin(login, version), None
        finally:
            self._release(lease)

    # ---- for the refresher

    def refresh_if_due(self, deadline: Deadline) -> TokenReport:
        """Refresh the pair ahead of its expiry when it is old enough. Raises `StorageError`."""
        noted = self._leases.read(self._connection)
        if self._unstored is None and not self._due(noted.obtained_at_ms, noted.access_expires_at_ms):
            return self._report(noted)
        try:
            stored = self._obtain(self._fresh, deadline)
        except LoginLostError as error:
            return replace(self._report(noted), refused=True, problem=str(error))
        except BrokerReadError as error:
            return replace(self._report(noted), problem=str(error))
        age_ms = self._now_ms() - stored.login.obtained_at_ms
        return TokenReport(self._connection, age_ms, refreshed=stored.version != noted.version)

    def _report(self, noted: Connection) -> TokenReport:
        age_ms = self._now_ms() - noted.obtained_at_ms if noted.obtained_at_ms else 0
        refused = noted.status == "refused"
        return TokenReport(self._connection, age_ms, refused=refused, problem=noted.message if refused else "")

    # ---- conditions

    def _left_ms(self, stored: StoredLogin) -> int:
        return stored.login.access_expires_at_ms - self._now_ms()

    def _usable(self, stored: StoredLogin) -> bool:
        return self._left_ms(stored) > USABLE_MS

    def _fresh(self, stored: StoredLogin) -> bool:
        return not self._due(stored.login.obtained_at_ms, stored.login.access_expires_at_ms)

    def _due(self, obtained_at_ms: int, expires_at_ms: int) -> bool:
        life_ms = max(0, expires_at_ms - obtained_at_ms)
        return self._now_ms() >= obtained_at_ms + min(REFRESH_AFTER_MS, life_ms // 2)

    # ---- secret, then lease and exchange

    def _obtain(self, good: Callable[[StoredLogin], bool], deadline: Deadline, after_401: bool = False) -> StoredLogin:
        """Find a pair that is `good` in the secret, or make one; wait for another worker that is making one."""
        with self._alone(deadline):
            if self._known is not None and good(self._known) and self._unstored is None:
                return self._known
            stored = self._read()
            while self._unstored is not None or not good(stored):
                taken = self._take()
                if isinstance(taken, Lease):
                    return self._under_lease(taken, good, deadline, after_401)
                self._wait(taken, deadline)
                stored = self._read()
            return stored

    def _take(self) -> Lease | Taken:
        return self._leases.take(self._connection, new_id(self._machine), self._now_ms(), LEASE_MS)

    @contextmanager
    def _alone(self, deadline: Deadline) -> Iterator[None]:
        if not self._single_flight.acquire(timeout=deadline.remaining()):
            raise BrokerUnavailableError("another thread is still refreshing the token")
        try:
            yield
        finally:
            self._single_flight.release()

    def _read(self) -> StoredLogin:
        try:
            self._known = self._secrets.read(self._connection)
        except NotConnectedError as error:
            raise LoginLostError(str(error)) from None
        return self._known

    def _wait(self, taken: Taken, deadline: Deadline) -> None:
        pause_s = 0.1 + 0.3 * self._machine.chance()
        if deadline.remaining() <= pause_s:
            left_s = max(0, taken.until_ms - self._now_ms()) // 1000
            raise BrokerUnavailableError(f"another worker is refreshing the token, for up to {left_s} s more")
        self._machine.sleep(pause_s)

    def _under_lease(
        self, lease: Lease, good: Callable[[StoredLogin], bool], deadline: Deadline, after_401: bool
    ) -> StoredLogin:
        """Finish with the lease freed, whatever happens; a lease that cannot be freed lapses by itself."""
        try:
            stored = self._store_left_over(lease, self._newest(lease, deadline))
            if good(stored):
                self._settle(lease, stored, None)
                return stored
            return self._exchange(lease, stored, deadline, after_401)
        except ConflictError:
            self._unstored = None
            raise BrokerUnavailableError("another worker took over the refresh") from None
        except BaseException:
            self._release(lease)
            raise

    def _newest(self, lease: Lease, deadline: Deadline) -> StoredLogin:
        """Read the pair, no older than the one that the lease's item knows of.

        Secrets Manager promises no consistent read: right after a write it may still give the version before, whose
        refresh token must not be used again. An older pair is believed when it stays: a person may have put it back.
        """
        stored = self._read()
        for _ in range(STALE_READS):
            fresh = stored.login.obtained_at_ms >= lease.connection.obtained_at_ms
            if fresh or deadline.remaining() < EXCHANGE_MIN_S:
                break
            self._machine.sleep(STALE_PAUSE_S)
            stored = self._read()
        return stored

    def _settle(self, lease: Lease, stored: StoredLogin, renewals: tuple[int, int] | None) -> None:
        """Note what the secret holds. A failure costs nothing: the next refresh notes it."""
        try:
            self._leases.settle(lease, stored.login, stored.version, renewals)
        except StorageError:
            return

    def _release(self, lease: Lease) -> None:
        try:
            self._leases.release(lease)
        except StorageError:
            return

    def _exchange(self, lease: Lease, stored: StoredLogin, deadline: Deadline, after_401: bool) -> StoredLogin:
        if lease.connection.status == "refused" and lease.connection.version == stored.version:
            raise LoginLostError(self._lost(lease.connection.message))
        renewals = self._count_renewal(lease.connection) if after_401 else None
        within = _Within(deadline, self._now_ms, lease.until_ms - STORE_MS)
        if within.remaining() < EXCHANGE_MIN_S:
            raise BrokerUnavailableError("too little time is left to refresh the token")
        outcome = self._refresh(stored.login, within)
        if isinstance(outcome, LoginRefused):
            return self._refused(lease, stored, outcome)
        self._unstored = _Unstored(outcome, new_id(self._machine), stored.version)
        return self._store(lease, self._unstored, renewals)

    def _count_renewal(self, connection: Connection) -> tuple[int, int]:
        now_ms = self._now_ms()
        if now_ms - connection.renewals_since_ms >= HOUR_MS:
            return 1, now_ms
        if connection.renewals >= RENEWALS_PER_HOUR:
            raise BrokerUnavailableError(f"the broker refused {RENEWALS_PER_HOUR} fresh tokens within an hour")
        return connection.renewals + 1, connection.renewals_since_ms

    def _refused(self, lease: Lease, exchanged: StoredLogin, outcome: LoginRefused) -> StoredLogin:
        """Believe the refusal unless the secret has changed meanwhile: then it was another pair that was refused."""
        stored = self._read()
        if stored.version != exchanged.version and self._usable(stored):
            self._settle(lease, stored, None)
            return stored
        self._leases.refuse(lease, stored.version, outcome.message, self._now_ms())
        raise LoginLostError(self._lost(outcome.message))

    def _lost(self, message: str) -> str:
        reason = message or "no reason given"
        return f"the broker refuses the login of {self._connection!r} ({reason}); connect it again"

    # ---- storing

    def _store_left_over(self, lease: Lease, stored: StoredLogin) -> StoredLogin:
        """Store the pair that an earlier call could not, if the secret still holds what it was exchanged for."""
        left_over = self._unstored
        if left_over is None:
            return stored
        if stored.version != left_over.replaces:
            self._unstored = None
            return stored
        return self._store(lease, left_over, None)

    def _store(self, lease: Lease, pair: _Unstored, renewals: tuple[int, int] | None) -> StoredLogin:
        """Write the pair, if the lease is still mine; repeat what failed, since only this process has it."""
        lease = self._leases.extend(lease, self._now_ms() + LEASE_MS)
        for attempt in range(STORE_TRIES):
            try:
                self._secrets.write(self._connection, pair.login, pair.version)
                break
            except StorageError:
                if attempt == STORE_TRIES - 1 or lease.until_ms - self._now_ms() < STORE_MS:
                    raise
                self._machine.sleep(0.2 * 2**attempt)
        self._unstored = None
        self._known = StoredLogin(pair.login, pair.version)
        self._settle(lease, self._known, renewals)
        return self._known


class _Within:
    """A deadline that also ends at a moment of the wall clock, since that is what the lease is measured by."""

    def __init__(self, deadline: Deadline, now_ms: Callable[[], int], until_ms: int) -> None:
        self._deadline = deadline
        self._now_ms = now_ms
        self._until_ms = until_ms

    def remaining(self) -> float:
        return max(0.0, min(self._deadline.remaining(), (self._until_ms - self._now_ms()) / 1000))


def refresh_due(leases: TokenLeases, keeper_of: Callable[[str], TokenKeeper], deadline: Deadline) -> list[TokenReport]:
    """Refresh every connection whose pair is old enough; the ones that lapse first come first.

    A connection that fails does not keep the others from their turn: its report says why. Raises `StorageError` only
    when the connections cannot be listed.
    """
    connections = sorted(leases.connections(), key=lambda connection: connection.access_expires_at_ms)
    return [_one(connection, keeper_of, deadline) for connection in connections]


def _one(connection: Connection, keeper_of: Callable[[str], TokenKeeper], deadline: Deadline) -> TokenReport:
    try:
        return keeper_of(connection.name).refresh_if_due(deadline)
    except StorageError as error:
        return TokenReport(connection.name, 0, problem=str(error))
