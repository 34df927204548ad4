"""What stands in the stores of `InProcessBridge` at the start: settings, a user, a client, broker logins."""

import hashlib
from functools import cache
from typing import Any

import httpx

from orderbridge.broker_api.login.model import OAuthClient, User
from orderbridge.broker_api.login.passwords import hash_password
from orderbridge.broker_api.login.tokens import digest
from orderbridge.brokers.http import MonotonicDeadline, open_client
from orderbridge.brokers.login import Login
from orderbridge.brokers.tradelocker import auth as tradelocker
from orderbridge.brokers.tradestation.auth import TradeStationAuth
from orderbridge.machine import Machine
from orderbridge.secret import Secret
from orderbridge.storage.panel_clients import PanelClients
from orderbridge.storage.panel_settings import PanelSettingsStore
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.settings import PutAccount, PutStrategy, Route, SettingsStore
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.users import Users
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from sandbox.tradelocker.seeds import LOGINS
from sandbox.tradestation import KEYS, USERS
from tests.inprocess.clocks import Wire
from tests.inprocess.seats import PANEL, SEATS, TRADELOCKER, TRADESTATION, Seat

HOSTS = ("127.0.0.1",)
TABLE, PREFIX = "bridge", "orderbridge/contract/"
SIGN_IN_S = 20.0
LOGIN, PASSWORD = "ann", "correct horse battery"
CLIENT, CLIENT_SECRET = "tradingview", "secret-of-tradingview"
REDIRECT = "https://www.tradingview.com/trading/oauth-redirect/orderbridge/"
LOGOUT = "https://www.tradingview.com/trading/logout-redirect/"
KEY = "a-key-of-the-alerts-0123456789abcdef"


def set_up(table: Any, secrets: Any, wire: Wire, machine: Machine, accounts: tuple[str, ...]) -> None:
    """Fill the stores; `accounts` are those of the one user."""
    SettingsStore(table, TABLE).change(
        [change for seat in SEATS.values() for change in (PutAccount(seat.account, None), _strategy(seat))]
    )
    PanelSettingsStore(table, TABLE).write(PANEL)
    Users(table, TABLE).put(User(LOGIN, "1", accounts=accounts, password_hash=_password_hash()), None)
    PanelClients(table, TABLE).put(OAuthClient(CLIENT, (digest(CLIENT_SECRET),), (REDIRECT,), (LOGOUT,)))
    with open_client(wire) as client:
        for login in (_at_tradestation(client, machine), _at_tradelocker(client, machine)):
            version = f"{login.broker:-<32}"
            LoginSecrets(secrets, PREFIX).create(login.broker, login, version)
            TokenLeases(table, TABLE).register(login.broker, login, version)


@cache
def _password_hash() -> str:
    """Hash the one password once: it takes a tenth of a second on purpose."""
    return hash_password(Secret(PASSWORD))


def _strategy(seat: Seat) -> PutStrategy:
    """Give the strategy that trades the seat's account alone; it has the account's name."""
    name, whole = seat.account.name, seat.broker == "tradelocker"
    strategy = StrategySettings(
        name=name,
        version=1,
        accounts=(AccountRoute(name),),
        key_hashes=(hashlib.sha256(KEY.encode()).hexdigest(),),
        quantity_unit="lots" if whole else None,
    )
    return PutStrategy(strategy, (Route(name, seat.broker, whole),), None)


def _at_tradestation(client: httpx.Client, machine: Machine) -> Login:
    key = KEYS[0]
    blank = Login(
        broker="tradestation",
        environment="sim",
        base_url=f"{TRADESTATION}/v3",
        auth_url=TRADESTATION,
        refresh_token=Secret(USERS[0].refresh_token),
        access_token=Secret(""),
        access_expires_at_ms=0,
        obtained_at_ms=0,
        client_id=key.client_id,
        client_secret=Secret(str(key.client_secret)),
    )
    login = TradeStationAuth(client, HOSTS, machine.now_ms).refresh(blank, _deadline(machine))
    assert isinstance(login, Login), login
    return login


def _at_tradelocker(client: httpx.Client, machine: Machine) -> Login:
    given = LOGINS[0]
    login = tradelocker.log_in(
        tradelocker.Exchange(client, HOSTS, machine.now_ms),
        environment="sim",
        base_url=TRADELOCKER,
        email=given.email,
        password=Secret(given.password),
        server=given.server,
        deadline=_deadline(machine),
    )
    assert isinstance(login, Login), login
    return login


def _deadline(machine: Machine) -> MonotonicDeadline:
    return MonotonicDeadline(SIGN_IN_S, machine.monotonic)
