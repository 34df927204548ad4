"""/state and /balances: the account's money."""

from decimal import Decimal

from orderbridge.broker_api.answers import ShownError, number
from orderbridge.broker_api.models import StateModel
from orderbridge.broker_api.operations.call import Call
from orderbridge.broker_api.operations.outage import connection_text
from orderbridge.broker_api.reading import Reader
from orderbridge.errors import BrokerReadError


class State:
    """The account's money."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def get(self, call: Call) -> StateModel:
        """Give the account's money; in an outage the last that was known, and since when."""
        account = call.account
        try:
            seen = self._reader.state(account, call.deadline)
        except BrokerReadError:
            raise ShownError("The broker does not tell the account's state just now.") from None
        money = seen.value
        texts = [
            _money(money.balance, account.currency),
            _money(money.equity, account.currency),
            _money(money.unrealized_pl, account.currency),
            "-" if money.available_funds is None else _money(money.available_funds, account.currency),
            connection_text(account, self._reader.stale_since_ms(seen.at_ms)),
        ]
        margin = "-" if money.margin_used is None else _money(money.margin_used, account.currency)
        names = ("Balance", "Equity", "Profit", "Available", "Broker")
        rows = [[name, text] for name, text in zip(names, texts, strict=True)]
        model: StateModel = {
            "balance": number(money.balance),
            "unrealizedPl": number(money.unrealized_pl),
            "equity": number(money.equity),
            "accountSummaryRowData": texts,
            "amData": [[*rows, ["Margin used", margin]]],
        }
        if money.available_funds is not None:
            model["marginAvailable"] = number(money.available_funds)
        return model

    def balances(self, call: Call) -> object:
        """Refuse: neither broker holds coins for its accounts."""
        raise ShownError(f"{call.account.name} holds no crypto balances.")


def _money(value: Decimal, currency: str) -> str:
    return f"{value:,.2f} {currency}"
