"""The simulated broker without HTTP: its rooms put together, and what can be done to it from outside."""

from collections.abc import Mapping

from sandbox.tradelocker import instruments
from sandbox.tradelocker.book import Book
from sandbox.tradelocker.desk import Desk
from sandbox.tradelocker.holdings import Holdings
from sandbox.tradelocker.instruments import Instrument
from sandbox.tradelocker.limits import RateLimits
from sandbox.tradelocker.model import Account
from sandbox.tradelocker.panels import Panels
from sandbox.tradelocker.rows import Rows
from sandbox.tradelocker.script import Script
from sandbox.tradelocker.seeds import Login
from sandbox.tradelocker.switches import Switches
from sandbox.tradelocker.tokens import Tokens


class Simulator:
    """One broker. Every room sees the same switches; `reset` makes all but the tokens and switches new."""

    def __init__(self, switches: Mapping[str, object] | None = None, *, seed: str = "sandbox", host: str = "") -> None:
        self.switches = Switches(switches)
        self.tokens = Tokens(self.switches, seed, host)
        self.reset()

    def reset(self) -> None:
        """Begin anew: seed balances, no orders, default quotes, no script, no request counted."""
        self.book = Book(self.switches)
        self.script = Script()
        self.desk = Desk(self.book, self.script)
        self.holdings = Holdings(self.book, self.script, self.desk)
        self.limits = RateLimits(self.switches)
        self.panels = Panels(self.switches)
        self.rows = Rows(self.book)
        self.tokens.refuses_logins = False

    def account_of(self, login: Login, acc_num: int) -> Account | None:
        """Return a user's account by its accNum."""
        for seed in login.accounts:
            if seed.acc_num == acc_num:
                return self.book.accounts[seed.account_id]
        return None

    def instrument_named(self, name: str) -> Instrument | None:
        """Return a listed instrument by its exact name."""
        return next((one for one in instruments.listed(self.switches) if one.name == name), None)

    def instrument_by_id(self, tid: int) -> Instrument | None:
        """Return a listed instrument by its tradableInstrumentId."""
        return next((one for one in instruments.listed(self.switches) if one.tid == tid), None)
