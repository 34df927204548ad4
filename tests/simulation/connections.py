"""How the accounts of a story hang at their brokers: settings of each seat, login of its connection, and its state."""

from collections.abc import Callable, Collection, Mapping

from orderbridge.brokers.login import Login
from orderbridge.secret import Secret
from orderbridge.storage.secrets import login_from_json
from orderbridge.strategy.settings import AccountSettings
from sandbox.tradelocker.seeds import LOGINS
from sandbox.tradestation.seeds import KEYS, USERS
from tests.simulation.account import PREFIX, Account
from tests.simulation.cores import Core, origin
from tests.simulation.story import Seat


def account_settings(seat: Seat) -> AccountSettings:
    """Give the settings of a seat."""
    at = origin(seat.broker)
    return AccountSettings(
        name=seat.name,
        broker="tradelocker" if seat.broker == "tradelocker" else "tradestation",
        environment="sim",
        connection="ts1" if seat.broker == "tradestation" else ("tl1" if seat.account_id < "2" else "tl2"),
        broker_account_id=seat.account_id,
        position_mode=seat.mode,
        base_url=at if seat.broker == "tradelocker" else f"{at}/v3",
        account_number=seat.account_number,
        kind=seat.kind,
    )


def login_of(connection: str, cores: Mapping[str, Core], now_ms: int) -> Login:
    """Log a connection in at its broker."""
    if connection.startswith("ts"):
        user, key = USERS[0], KEYS[0]
        assert key.client_secret is not None
        at = origin("tradestation")
        return Login(
            "tradestation",
            "sim",
            f"{at}/v3",
            at,
            Secret(user.refresh_token),
            Secret("none-yet"),
            now_ms,
            now_ms,
            client_id=key.client_id,
            client_secret=Secret(key.client_secret),
            scope="openid offline_access profile MarketData ReadAccount Trade",
        )
    seed = LOGINS[int(connection[2:]) - 1]
    pair = cores["tradelocker"].app.simulator.tokens.log_in(seed.email, seed.password, seed.server, now_ms)
    at = origin("tradelocker")
    return Login(
        "tradelocker",
        "sim",
        at,
        f"{at}/backend-api",
        Secret(pair.refresh),
        Secret(pair.access),
        pair.expires_at_ms,
        now_ms,
        email=seed.email,
        password=Secret(seed.password),
        server=seed.server,
    )


class StoredLogin:
    """`LoginEvidence` of one connection."""

    def __init__(
        self,
        connection: str,
        aws: Account,
        cores: Mapping[str, Core],
        lost_logins: Collection[str],
        now_ms: Callable[[], int],
    ) -> None:
        """`lost_logins` names the brokers whose answer died with a process before it was stored."""
        self._connection = connection
        self._aws = aws
        self._cores = cores
        self._lost_logins = lost_logins
        self._now_ms = now_ms

    @property
    def connection(self) -> str:
        return self._connection

    def works(self) -> bool:
        login = login_from_json(self._aws.secrets.texts(f"{PREFIX}connections/{self._connection}")["AWSCURRENT"])
        if login.broker == "tradelocker":
            return not self._cores["tradelocker"].app.simulator.tokens.refuses_logins
        dated = self._cores["tradestation"].app.tokens._refresh.get(login.refresh_token.reveal())
        return dated is not None and self._now_ms() < dated.dies_ms

    def lost_in_hand(self) -> bool:
        broker = "tradestation" if self._connection.startswith("ts") else "tradelocker"
        return broker in self._lost_logins
