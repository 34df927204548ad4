"""The users, accounts and API keys that the simulated TradeStation starts with.

SANDBOX_TRADERS in the environment adds so many users with one margin account each, for measurements with many accounts.
"""

import os
from dataclasses import dataclass
from decimal import Decimal

from sandbox.tradestation.model import Account, AccountType

CLOSING_ONLY = "Closing Transactions Only"


@dataclass(frozen=True, slots=True)
class SeedAccount:
    """An account as it stands at start."""

    id: str
    type: AccountType
    cash: Decimal
    status: str = "Active"
    reg_t: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A user of the simulated TradeStation, with a refresh token that is good from the start."""

    name: str
    password: str
    refresh_token: str
    accounts: tuple[SeedAccount, ...]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key; one without a secret must use PKCE."""

    client_id: str
    client_secret: str | None




def _crowd(count: int) -> tuple[User, ...]:
    return tuple(
        User(
            f"crowd-{number}",
            f"crowd-password-{number}",
            f"crowd-refresh-token-{number}",
            (SeedAccount(f"SIM2{number:06d}M", "Margin", Decimal(10_000_000)),),
        )
        for number in range(count)
    )


USERS = (
    User(
        "sim-trader-1",
        "sandbox-password-1",
        "sim-refresh-token-of-trader-1",
        (
            SeedAccount("SIM1234567M", "Margin", Decimal(100_000), reg_t=True),
            SeedAccount("SIM1234567F", "Futures", Decimal(250_000)),
            SeedAccount("SIM1234567C", "Cash", Decimal(25_000)),
            SeedAccount("SIM1234568M", "Margin", Decimal(50_000), status=CLOSING_ONLY),
        ),
    ),
    User(
        "sim-trader-2",
        "sandbox-password-2",
        "sim-refresh-token-of-trader-2",
        (
            SeedAccount("SIM7654321M", "Margin", Decimal(100_000)),
            SeedAccount("SIM7654321F", "Futures", Decimal(250_000)),
        ),
    ),
    *_crowd(int(os.environ.get("SANDBOX_TRADERS", "0"))),
)
KEYS = (
    ApiKey("SimKeyAbCdEfGhIjKlMnOpQrStUvWxYz", "sim-client-secret"),
    ApiKey("SimPublicKeyGhIjKlMnOpQrStUvWxYz", None),
)
CALLBACKS = frozenset(
    {"http://localhost", *(f"http://localhost:{port}" for port in (80, 3000, 3001, 8080, 31022))}
)  # fmt: skip
"""The callbacks that TradeStation allows without asking (3000 and 31022 are certain)."""


def new_accounts() -> dict[str, Account]:
    """Make every account as it stands at start, by id."""
    return {
        seed.id: Account(
            seed.id, seed.type, user.name, seed.status, seed.cash, reg_t=seed.reg_t, starting_cash=seed.cash
        )
        for user in USERS
        for seed in user.accounts
    }
