"""What people store before trading begins, and change later: accounts, strategies, logins, who may use the panel."""

import hashlib
from collections.abc import Mapping
from random import Random
from typing import Any

from orderbridge.broker_api.login.issue import begin
from orderbridge.broker_api.login.model import User
from orderbridge.broker_api.settings import Listed, PanelSettings
from orderbridge.cli.rules import Settings
from orderbridge.storage.incarnation import Incarnation
from orderbridge.storage.panel_settings import PanelSettingsStore
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.sessions import Sessions
from orderbridge.storage.settings import PutAccount, PutStrategy, SettingsStore
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.users import Users
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from tests.simulation.account import PREFIX, TABLE, Account
from tests.simulation.connections import account_settings, login_of
from tests.simulation.cores import Core
from tests.simulation.markets import COINS, FUTURES, SHARES
from tests.simulation.story import Story, Strategy

KEY = "the-key-of-"
PERSON = "ann"
"""Who trades at the panel."""
PANEL = PanelSettings(
    {
        "tradestation": tuple(Listed(one.symbol) for one in (*SHARES, *FUTURES)),
        "tradelocker": tuple(Listed(one.symbol) for one in COINS),
    }
)


class Stored:
    """Writes what the command line and the sign-in write."""

    def __init__(self, story: Story, aws: Account) -> None:
        self._aws = aws
        self.accounts = {seat.name: account_settings(seat) for seat in story.seats}
        self.connections = sorted({settings.connection for settings in self.accounts.values()})
        self.strategies: dict[str, list[StrategySettings]] = {}
        """Every version of each strategy's settings, oldest first."""
        self._settings = SettingsStore(aws.table, TABLE)
        self._settings.change([PutAccount(settings, None) for settings in self.accounts.values()])
        for strategy in story.strategies:
            self.put_strategy(strategy, None)

    def log_in(self, cores: Mapping[str, Core], now_ms: int) -> None:
        """Log every connection in, and store its login."""
        secrets, leases = LoginSecrets(self._aws.secrets, PREFIX), TokenLeases(self._aws.table, TABLE)
        for connection in self.connections:
            login = login_of(connection, cores, now_ms)
            version = connection.ljust(32, "0")
            secrets.create(connection, login, version)
            leases.register(connection, login, version)

    def mark(self, now_ms: int) -> None:
        """Mark the table as the one in use, as the refresher's first minute does."""
        Incarnation(self._aws.table, TABLE).beat(now_ms)

    def let_in(self, accounts: tuple[str, ...], now_ms: int, dice: Random) -> str:
        """Make the panel's person with these accounts; give the token of their sign-in."""
        PanelSettingsStore(self._aws.table, TABLE).write(PANEL)
        user = User(PERSON, "1", accounts=accounts)
        Users(self._aws.table, TABLE).put(user, None)
        sign_in, issued = begin("password", now_ms, dice.randbytes, user=user)
        Sessions(self._aws.table, TABLE).begin(sign_in)
        return issued.access_token.reveal()

    def put_strategy(self, strategy: Strategy, replaces: int | None, **changed: Any) -> None:
        """Write a strategy's settings as the command line does."""
        brokers = {self.accounts[name].broker for name in strategy.accounts}
        settings = StrategySettings(
            name=strategy.name,
            version=(replaces or 0) + 1,
            accounts=tuple(AccountRoute(name) for name in strategy.accounts),
            key_hashes=(hashlib.sha256((KEY + strategy.name).encode()).hexdigest(),),
            **{"quantity_unit": "lots" if "tradelocker" in brokers else None, **strategy.settings, **changed},
        )
        routes = Settings(self.accounts, {}, PANEL).routes(settings)
        self._settings.change([PutStrategy(settings, routes, replaces)])
        self.strategies.setdefault(strategy.name, []).append(settings)

    def settings_of(self, strategy: str) -> StrategySettings:
        """Give a strategy's settings as they stand: a table that was put back has those of its copy."""
        stored = self._settings.strategy(strategy)
        assert stored is not None
        return stored.value
