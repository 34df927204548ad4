"""The accounts behind a login, and how each would stand in `orderbridge.yaml`."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orderbridge.brokers.http import open_client
from orderbridge.brokers.login import Login
from orderbridge.brokers.port import Deadline
from orderbridge.brokers.tradelocker import auth as tradelocker_auth
from orderbridge.brokers.tradelocker import hosts as tradelocker_hosts
from orderbridge.brokers.tradelocker.adapter import TradeLocker
from orderbridge.brokers.tradestation import hosts as tradestation_hosts
from orderbridge.cli.running import Run
from orderbridge.errors import BrokerReadError
from orderbridge.model import BrokerAccount, PositionMode
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.strategy.settings import AccountSettings

if TYPE_CHECKING:
    from orderbridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Listed:
    """One account as its broker shows it."""

    account: BrokerAccount
    settings: AccountSettings
    """What its settings would be; `position_mode` is a guess where it was not seen."""
    mode_seen: bool
    """Whether the broker's answer tells how the account counts positions."""


def current_login(run: Run, connection: str, deadline: Deadline) -> Login:
    """Give a connection's login with an access token that is valid. Raises `BrokerReadError`, `StorageError`."""
    run.bridge.keeper(connection).access_token(deadline)
    secrets = LoginSecrets(run.world.client("secretsmanager"), run.stack.secret_prefix)
    return secrets.read(connection).login


def list_accounts(run: Run, connection: str, login: Login, deadline: Deadline) -> list[Listed]:
    """List the accounts of a login. Raises `BrokerReadError`."""
    if login.broker == "tradestation":
        return _tradestation(run.bridge, connection, login, deadline)
    at = tradelocker_auth.Exchange(open_client(run.world.transport), run.stack.broker_hosts)
    accounts = tradelocker_auth.all_accounts(at, login, deadline)
    return [_tradelocker(run.bridge, connection, login, account, deadline) for account in accounts]


def _tradestation(bridge: "Bridge", connection: str, login: Login, deadline: Deadline) -> list[Listed]:
    # Any id of the right environment will do: the list belongs to the login, not to an account.
    anyone = _settings(connection, login, "SIM" if login.environment == "sim" else "0")
    accounts = bridge.broker(anyone).accounts(deadline)
    return [
        Listed(
            account,
            replace(_settings(connection, login, account.id), kind=account.kind, currency=account.currency),
            mode_seen=True,
        )
        for account in accounts
    ]


def _tradelocker(bridge: "Bridge", connection: str, login: Login, account: BrokerAccount, deadline: Deadline) -> Listed:
    settings = replace(
        _settings(connection, login, account.id),
        position_mode=PositionMode.HEDGING,
        account_number=account.account_number,
        currency=account.currency,
    )
    mode = _seen_mode(bridge, settings, deadline) if account.status == "active" else None
    return Listed(account, replace(settings, position_mode=mode or PositionMode.HEDGING), mode_seen=mode is not None)


def _seen_mode(bridge: "Bridge", settings: AccountSettings, deadline: Deadline) -> PositionMode | None:
    """Tell how the account counts positions: by the broker's rules, else by two positions in one symbol."""
    broker = bridge.broker(settings)
    if not isinstance(broker, TradeLocker):
        return None
    try:
        for rules in broker.account_rules(deadline):
            netting = rules.trading.get("supportPositionNetting")
            if rules.account_id == settings.broker_account_id and isinstance(netting, bool):
                return PositionMode.NETTING if netting else PositionMode.HEDGING
        symbols = [position.symbol for position in broker.positions(deadline)]
    except BrokerReadError:
        return None
    return PositionMode.HEDGING if len(symbols) > len(set(symbols)) else None


def _settings(connection: str, login: Login, account_id: str) -> AccountSettings:
    return AccountSettings(
        name=f"{connection}-{account_id}".lower(),
        broker=login.broker,
        environment=login.environment,
        connection=connection,
        broker_account_id=account_id,
        position_mode=PositionMode.NETTING,
        base_url=login.base_url,
        auth_url=login.auth_url if login.broker == "tradestation" else "",
    )


def as_yaml(listed: Listed) -> str:
    """Give the account's part of `orderbridge.yaml`, ready to paste under `accounts:`."""
    settings = listed.settings
    tradelocker = settings.broker == "tradelocker"
    urls = tradelocker_hosts.BASE_URLS if tradelocker else tradestation_hosts.BASE_URLS
    seen = "" if listed.mode_seen else "  # not seen yet: check it at the broker"
    lines = [
        f"  {settings.name}:",
        f"    broker: {settings.broker}",
        f"    environment: {'demo' if tradelocker and settings.environment == 'sim' else settings.environment}",
        f"    connection: {settings.connection}",
        f'    account_id: "{settings.broker_account_id}"',
        f'    account_number: "{settings.account_number}"' if tradelocker else f"    kind: {settings.kind.lower()}",
        f"    position_mode: {settings.position_mode}{seen}",
        f"    currency: {settings.currency}",
    ]
    if settings.base_url != urls[settings.environment]:
        lines.append(f"    base_url: {settings.base_url}")
    if settings.auth_url not in ("", tradestation_hosts.AUTH_URL):
        lines.append(f"    auth_url: {settings.auth_url}")
    return "\n".join(lines)


def as_values(listed: Listed) -> dict[str, object]:
    """Give the account for `--json`."""
    account, settings = listed.account, listed.settings
    return {
        "name": settings.name,
        "broker": settings.broker,
        "environment": settings.environment,
        "connection": settings.connection,
        "account_id": account.id,
        "account_number": account.account_number,
        "kind": account.kind,
        "currency": account.currency,
        "status": account.status,
        "native_status": account.native_status,
        "position_mode": str(settings.position_mode),
        "position_mode_seen": listed.mode_seen,
        "base_url": settings.base_url,
        "yaml": as_yaml(listed),
    }
