"""Accounts at the simulated brokers, with a login whose token is fresh: what a measured executor finds stored."""

import string
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.aws_stub import AwsStub
from orderbridge.brokers.deadline import MonotonicDeadline
from orderbridge.brokers.http import open_client
from orderbridge.brokers.login import Login, LoginRefused
from orderbridge.brokers.tradelocker import auth as tradelocker_auth
from orderbridge.brokers.tradestation.auth import TradeStationAuth
from orderbridge.model import PositionMode
from orderbridge.secret import Secret
from orderbridge.storage.secrets import login_to_json
from orderbridge.storage.settings import PutAccount, PutStrategy, Route, SettingsStore
from orderbridge.strategy.settings import AccountRoute, AccountSettings, StrategySettings
from sandbox.demo.brokers import BrokerName, SimulatedBroker

TABLE = "bridge"
SECRET_PREFIX = "orderbridge/benchmark/"
STRATEGY = "measured"
KEY = "benchmark-key-0123456789abcdef"
KEY_SECRET = f"{SECRET_PREFIX}key"
HOSTS = ("127.0.0.1",)
SIGN_IN_S = 20.0

_MESSAGE = string.Template(
    '{"ticker": "$ticker", "action": "buy", "quantity": $quantity, "orderType": "market", '
    '"stopLoss": {"type": "stop", "percent": 2}, "takeProfit": {"percent": 4}, "time": "$time", "id": "$id"}'
)


@dataclass(frozen=True)
class Seat:
    """One account at one simulated broker, and what is bought there."""

    account: AccountSettings
    login: Login
    ticker: str
    quantity: str

    def message(self, number: int) -> str:
        """Give an alert's message, another one for each number."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return _MESSAGE.substitute(ticker=self.ticker, quantity=self.quantity, time=now, id=number)

    def store(self, stub: AwsStub, key_hash: str) -> None:
        """Put settings and login where the functions look for them."""
        whole = self.account.broker == "tradelocker"
        strategy = StrategySettings(
            name=STRATEGY,
            version=1,
            accounts=(AccountRoute(self.account.name),),
            key_hashes=(key_hash,),
            quantity_unit="lots" if whole else None,
        )
        route = Route(self.account.name, self.account.broker, whole)
        changes = (PutAccount(self.account, None), PutStrategy(strategy, (route,), None))
        SettingsStore(stub.table, TABLE).change(changes)
        stub.secrets[f"{SECRET_PREFIX}connections/{self.account.connection}"] = login_to_json(self.login)
        stub.secrets[KEY_SECRET] = KEY


def take_seat(broker: SimulatedBroker) -> Seat:
    """Sign in and give the seat. Raises `RuntimeError` when the simulated broker refuses."""
    login = _tradestation(broker) if broker.name == "tradestation" else _tradelocker(broker)
    accounts: dict[BrokerName, tuple[str, PositionMode, str, str, str, str]] = {
        "tradestation": ("SIM1234567M", PositionMode.NETTING, "", "Margin", "MSFT", "10"),
        "tradelocker": ("1180", PositionMode.HEDGING, "1", "", "EURUSD", "0.1"),
    }
    broker_account_id, mode, number, kind, ticker, quantity = accounts[broker.name]
    account = AccountSettings(
        name=broker.name,
        broker=broker.name,
        environment="sim",
        connection=broker.name,
        broker_account_id=broker_account_id,
        position_mode=mode,
        base_url=broker.base_url,
        auth_url=login.auth_url,
        account_number=number,
        kind=kind,
    )
    return Seat(account, login, ticker, quantity)


def _tradestation(broker: SimulatedBroker) -> Login:
    described = broker.described
    login = Login(
        broker="tradestation",
        environment="sim",
        base_url=broker.base_url,
        auth_url=str(described["auth_url"]),
        refresh_token=Secret(str(described["users"][0]["refresh_token"])),
        access_token=Secret(""),
        access_expires_at_ms=0,
        obtained_at_ms=0,
        client_id=str(described["client_id"]),
        client_secret=Secret(str(described["client_secret"])),
    )
    with open_client() as client:
        return _accepted(TradeStationAuth(client, HOSTS).refresh(login, MonotonicDeadline(SIGN_IN_S)))


def _tradelocker(broker: SimulatedBroker) -> Login:
    given: Mapping[str, str] = broker.described["login"]
    with open_client() as client:
        return _accepted(
            tradelocker_auth.log_in(
                tradelocker_auth.Exchange(client, HOSTS),
                environment="sim",
                base_url=broker.base_url,
                email=given["email"],
                password=Secret(given["password"]),
                server=given["server"],
                deadline=MonotonicDeadline(SIGN_IN_S),
            )
        )


def _accepted(outcome: Login | LoginRefused) -> Login:
    if isinstance(outcome, LoginRefused):
        raise RuntimeError(f"the simulated broker refuses the login: {outcome.message}")
    return outcome
