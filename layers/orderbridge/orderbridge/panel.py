"""Put the panel's login together: for the two panel functions and for the command line. An outermost room.

Nothing in the layer imports it. It leaves the executor's rooms alone, so that a login page starts without them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from orderbridge.broker_api.login.authenticate import Authenticator
from orderbridge.broker_api.login.browsers import Browsers
from orderbridge.broker_api.login.endpoint import TokenEndpoint
from orderbridge.broker_api.login.password_login import PasswordLogin
from orderbridge.broker_api.login.routes import LoginRoutes
from orderbridge.broker_api.login.server_token import ServerTokenEndpoint
from orderbridge.broker_api.login.site import Site
from orderbridge.broker_api.login.tradestation import ApiKey, Arrival, TradeStationSignIn
from orderbridge.brokers.budget import Unlimited
from orderbridge.brokers.http import BrokerHttp, MonotonicDeadline, open_client
from orderbridge.brokers.login import Login, LoginRefused
from orderbridge.brokers.port import Deadline
from orderbridge.brokers.tradestation.adapter import TradeStation
from orderbridge.brokers.tradestation.auth import (
    SignedIn,
    TradeStationAuth,
    authorization_url,
    missing_scopes,
)
from orderbridge.brokers.tradestation.hosts import check_environment
from orderbridge.errors import LoginLostError, SettingsError, StorageError
from orderbridge.machine import MACHINE, Machine
from orderbridge.model import BrokerAccount
from orderbridge.secret import Secret
from orderbridge.storage.attempts import Attempts
from orderbridge.storage.clients import client
from orderbridge.storage.panel_clients import PanelClients
from orderbridge.storage.panel_key import PanelKey
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.sessions import Sessions
from orderbridge.storage.settings import SettingsStore
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.tokens import TokenKeeper
from orderbridge.storage.users import Users
from orderbridge.strategy.settings import AccountSettings

KEY_S = 300.0
"""How long the API key is used before it is read again."""
BROKER_S = 15.0
"""The time for one step at TradeStation; the gateway gives up at 29 s."""


@dataclass(frozen=True, slots=True)
class PanelEnvironment:
    """The panel functions' environment variables."""

    table: str
    secret_prefix: str
    broker_hosts: tuple[str, ...]
    """Allowed `host` or `host:port`."""
    origins: tuple[str, ...]
    """Origins beside TradingView's own."""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "PanelEnvironment":
        """Read the variables that the template sets. Raises `KeyError` naming one that is missing."""
        urls = _listed(variables["BROKER_HOSTS"])
        return cls(
            table=variables["TABLE_NAME"],
            secret_prefix=variables["SECRET_PREFIX"],
            broker_hosts=tuple(urlsplit(url).netloc if "//" in url else url for url in urls),
            origins=_listed(variables.get("PANEL_ORIGINS", "")),
        )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


class Panel:
    """One process's stores and rooms for logging in."""

    def __init__(
        self,
        environment: PanelEnvironment,
        *,
        transport: httpx.BaseTransport | None = None,
        machine: Machine = MACHINE,
        client_of: Callable[[str], Any] = lambda service: client(service, 1.0, 3.0, 3),
    ) -> None:
        self.environment = environment
        self._machine = machine
        self.now_ms = now_ms = machine.now_ms
        self._random_bytes = random_bytes = machine.random_bytes
        dynamodb = client_of("dynamodb")
        self._dynamodb = dynamodb
        self._client_of = client_of
        self._transport = transport
        self.users = Users(dynamodb, environment.table)
        self.sessions = Sessions(dynamodb, environment.table)
        self.clients = PanelClients(dynamodb, environment.table)
        self.accounts = StoredAccounts(SettingsStore(dynamodb, environment.table))
        self.authenticator = Authenticator(self.sessions, self.users, self.clients, now_ms, machine.monotonic)
        self.passwords = PasswordLogin(
            self.users, self.sessions, Attempts(dynamodb, environment.table), now_ms, random_bytes
        )

    def login_routes(self) -> LoginRoutes:
        """Put the login function together."""
        door = TradeStationDoor(
            self.environment, self._dynamodb, self._client_of("secretsmanager"), self._transport, self._machine
        )
        browsers = Browsers(self.sessions, self.users, self.now_ms, self._random_bytes)
        site = Site(
            self.clients,
            self.users,
            self.sessions,
            browsers,
            self.passwords,
            self.accounts,
            self.now_ms,
            self._random_bytes,
            has_tradestation=door.is_open,
        )
        tradestation = TradeStationSignIn(
            door, site, browsers, self.users, self.sessions, self.now_ms, self._random_bytes
        )
        tokens = TokenEndpoint(self.clients, self.users, self.sessions, self.now_ms, self._random_bytes)
        servers = ServerTokenEndpoint(self.clients, self.sessions, self.now_ms, self._random_bytes)
        return LoginRoutes(
            {
                ("GET", "/oauth/authorize"): site.authorize,
                ("POST", "/oauth/authorize"): site.authorize,
                ("GET", "/oauth/logout"): site.log_out,
                ("GET", "/oauth/tradestation/start"): tradestation.start,
                ("GET", "/oauth/tradestation/callback"): tradestation.callback,
                ("POST", "/oauth/token"): tokens.answer,
                ("POST", "/authorize/token"): servers.answer,
            },
            self.environment.origins,
        )


@dataclass(frozen=True, slots=True)
class StoredAccounts:
    """`AccountSource` on the settings store."""

    store: SettingsStore

    def account(self, name: str) -> AccountSettings | None:
        found = self.store.account(name)
        return None if found is None else found.value


class TradeStationDoor:
    """TradeStation's sign-in service and Secrets Manager, as `orderbridge.broker_api.login.tradestation` needs them."""

    def __init__(
        self,
        environment: PanelEnvironment,
        dynamodb: Any,
        secretsmanager: Any,
        transport: httpx.BaseTransport | None,
        machine: Machine,
    ) -> None:
        self._hosts = environment.broker_hosts
        self._keys = PanelKey(secretsmanager, environment.secret_prefix)
        self._secrets = LoginSecrets(secretsmanager, environment.secret_prefix)
        self._leases = TokenLeases(dynamodb, environment.table)
        self._settings = SettingsStore(dynamodb, environment.table)
        self._http = open_client(transport)
        self._auth = TradeStationAuth(self._http, self._hosts, machine.now_ms)
        self._machine = machine
        self._read: tuple[float, ApiKey | None] | None = None

    def is_open(self) -> bool:
        """Tell whether the operator has set an API key for the login page."""
        now = self._machine.monotonic()
        if self._read is None or now - self._read[0] > KEY_S:
            self._read = (now, self._keys.read())
        return self._read[1] is not None

    def sign_in_url(self, state: str, *, force_login: bool) -> str:
        key = self._key()
        return authorization_url(
            key.blank.client_id, key.callback, state, force_login=force_login, auth_url=key.blank.auth_url
        )

    def _key(self) -> ApiKey:
        if not self.is_open() or self._read is None or self._read[1] is None:
            raise StorageError("there is no TradeStation API key for the login page")
        return self._read[1]

    def exchange(self, code: Secret) -> Arrival | LoginRefused:
        key = self._key()
        form = {"grant_type": "authorization_code", "code": code.reveal(), "redirect_uri": key.callback}
        outcome = self._auth.sign_in(key.blank, form, self._deadline())
        if not isinstance(outcome, SignedIn):
            return outcome
        return Arrival(outcome.login, outcome.id_token, missing_scopes(outcome.login))

    def accounts(self, login: Login) -> Sequence[BrokerAccount]:
        http = BrokerHttp(self._http, login.base_url, self._hosts, _Fresh(login), Unlimited(), machine=self._machine)
        listed = TradeStation(http, "", now_ms=self._machine.now_ms).accounts(self._deadline())
        return [account for account in listed if _of_its_environment(account, login)]

    def keep(self, connection: str, login: Login) -> None:
        keeper = TokenKeeper(connection, self._secrets, self._leases, self._auth.refresh, self._machine)
        keeper.replace_login(login, self._deadline())

    def _deadline(self) -> MonotonicDeadline:
        return MonotonicDeadline(BROKER_S, self._machine.monotonic)

    def settings_accounts(self) -> Mapping[str, AccountSettings]:
        return {name: found.value for name, found in self._settings.accounts().items()}


def _of_its_environment(account: BrokerAccount, login: Login) -> bool:
    try:
        check_environment(login.environment, login.base_url, account.id)
    except SettingsError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Fresh:
    """`TokenSource` of a login that was made a moment ago and is not stored yet."""

    login: Login

    def access_token(self, deadline: Deadline) -> Secret:
        del deadline
        return self.login.access_token

    def renew(self, refused: Secret, deadline: Deadline) -> Secret:
        del refused, deadline
        raise LoginLostError("TradeStation refuses the token that it has just given")
