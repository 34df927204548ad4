"""/config, /mapping, /accounts, /userInfo, /logout, /authorize."""

from collections.abc import Callable, Mapping
from typing import Protocol

from orderbridge.broker_api.accounts import account_model
from orderbridge.broker_api.answers import Bare, ShownError
from orderbridge.broker_api.login.authenticate import accounts_of
from orderbridge.broker_api.login.issue import Issued
from orderbridge.broker_api.login.model import User
from orderbridge.broker_api.login.password_login import Denied
from orderbridge.broker_api.models import AccountModel, ConfigModel, MappingModel
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.ports import Backstage
from orderbridge.secret import Secret

SUMMARY = (
    ("balance", "Balance"),
    ("equity", "Equity"),
    ("profit", "Profit"),
    ("available", "Available"),
    ("connection", "Broker"),
)
"""The account summary row; `state.accountSummaryRowData` has a value for each."""
TABLE_COLUMNS = (("name", "Account"), ("value", "Value"))


class Door(Protocol):
    """What logging in gives (`broker_api/login`)."""

    def sign_in(self, login: str, password: Secret, address: str) -> Issued | Denied: ...


class Configuration:
    """What is asked for once, at login."""

    def __init__(self, stage: Backstage, door: Door, log_out: Callable[[str], None]) -> None:
        self._stage = stage
        self._door = door
        self._log_out = log_out

    def authorize(self, call: Call) -> Mapping[str, object]:
        """Log in with login and password; a fresh token each time."""
        login, password = call.form.need("login"), call.form.password()
        issued = self._door.sign_in(login, Secret(password), call.address)
        if isinstance(issued, Denied):
            raise ShownError(issued.message)
        return {"access_token": issued.access_token.reveal(), "expiration": issued.access_ends_ms // 1000}

    def logout(self, call: Call) -> None:
        """End the sign-in of this token."""
        self._log_out(call.token)

    def config(self, call: Call) -> ConfigModel:
        """Give what all accounts share: the summary row, its table, and the slowest polling that there is."""
        del call
        return {
            "accountSummaryRow": [{"id": name, "title": title} for name, title in SUMMARY],
            "accountManager": [
                {
                    "id": "account",
                    "title": "Account",
                    "columns": [{"id": name, "title": title} for name, title in TABLE_COLUMNS],
                }
            ],
            "pullingInterval": {
                "quotes": 1000,
                "orders": 1000,
                "positions": 1500,
                "accountManager": 1500,
                "balances": 1500,
            },
        }

    def mapping(self, call: Call) -> Bare:
        """Give the instruments that have a name at TradingView; TradingView's servers ask without a token."""
        del call
        settings = self._stage.settings()
        rows = {one.symbol: one.tradingview for listed in settings.instruments.values() for one in listed}
        model: MappingModel = {
            "symbols": [{"f": [symbol], "s": name} for symbol, name in sorted(rows.items()) if name],
            "fields": ["brokerSymbol"],
        }
        return Bare(dict(model))

    def accounts(self, call: Call) -> list[AccountModel]:
        """Give the user's accounts; one whose broker is not known just now is left out."""
        accounts = accounts_of(call.user, self._stage)
        if not accounts:
            raise ShownError("No broker account is linked to this login. Ask whoever runs the bridge.")
        return [
            account_model(account, self._stage.desk(account).broker.capabilities) for account in accounts.values()
        ]

    def user_info(self, call: Call) -> dict[str, object]:
        """Give nothing: the fields of this answer are not published, and none may be made up."""
        assert isinstance(call.who, User)
        return {}
