"""Who can log in to the simulated broker, and the accounts they have at the start."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

PositionMode = Literal["hedging", "netting"]

DEVELOPER_KEY = "tl-sandbox-developer-key"


@dataclass(frozen=True)
class AccountSeed:
    """An account at the start; `acc_num` counts per user, `account_id` is unique."""

    account_id: int
    acc_num: int
    name: str
    currency: str
    mode: PositionMode
    balance: Decimal
    status: str = "ACTIVE"


@dataclass(frozen=True)
class Login:
    """A test user: the credentials, and the accounts behind them."""

    user_index: int
    email: str
    password: str
    server: str
    accounts: tuple[AccountSeed, ...]


LOGINS: tuple[Login, ...] = (
    Login(
        user_index=0,
        email="trader@sandbox.test",
        password="sandbox-password-1",
        server="SANDBOX",
        accounts=(
            AccountSeed(1180, 1, "A#1180", "USD", "hedging", Decimal("100000.00")),
            AccountSeed(1181, 2, "A#1181", "EUR", "hedging", Decimal("50000.00")),
            AccountSeed(1182, 3, "A#1182", "USD", "netting", Decimal("25000.00")),
        ),
    ),
    Login(
        user_index=1,
        email="second@sandbox.test",
        password="sandbox-password-2",
        server="SANDBOX",
        accounts=(
            AccountSeed(2270, 1, "A#2270", "USD", "hedging", Decimal("10000.00")),
            AccountSeed(2271, 2, "A#2271", "USD", "hedging", Decimal("5000.00"), status="RESTRICTED"),
        ),
    ),
)


def describe(login: Login) -> Mapping[str, object]:
    """Return a login as JSON: what the command prints, so that a program can use it."""
    return {
        "email": login.email,
        "password": login.password,
        "server": login.server,
        "accounts": [
            {"id": str(one.account_id), "accNum": one.acc_num, "currency": one.currency, "mode": one.mode,
             "status": one.status}
            for one in login.accounts
        ],
    }  # fmt: skip
