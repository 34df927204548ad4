"""Put the running bridge together: environment, clients, one desk and one worker an account. The outermost room.

Functions and the command line call this; nothing in the layer imports it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx

from orderbridge.brokers.http import BrokerHttp, MonotonicDeadline, open_client
from orderbridge.brokers.login import Refresh
from orderbridge.brokers.port import Broker, Deadline
from orderbridge.brokers.tradelocker import hosts as tradelocker_hosts
from orderbridge.brokers.tradelocker.adapter import TradeLocker
from orderbridge.brokers.tradelocker.auth import Exchange as TradeLockerExchange
from orderbridge.brokers.tradelocker.auth import refresh as refresh_tradelocker
from orderbridge.brokers.tradelocker.quotas import HostBudget
from orderbridge.brokers.tradestation import hosts as tradestation_hosts
from orderbridge.brokers.tradestation.adapter import TradeStation
from orderbridge.brokers.tradestation.auth import TradeStationAuth
from orderbridge.errors import SettingsError
from orderbridge.execution.desk import Desk
from orderbridge.execution.looks import Looks
from orderbridge.execution.watcher import Watcher
from orderbridge.execution.worker import LaneWorker, Worked, bell_delay_s
from orderbridge.machine import MACHINE, Machine, new_id
from orderbridge.storage.bell import SqsBell
from orderbridge.storage.budgets import DynamoBudget
from orderbridge.storage.clients import client
from orderbridge.storage.incarnation import Incarnation
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.notices import DynamoNotices
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.settings import SettingsStore
from orderbridge.storage.snapshots import DynamoSnapshots
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.tokens import TokenKeeper
from orderbridge.storage.watch import DynamoWatch
from orderbridge.strategy.settings import AccountSettings, StrategySettings

SETTINGS_S = 5.0
"""How long settings are used before they are read again."""
LOOK_GAP_MS = {"tradestation": 350, "tradelocker": 1_050}
"""The least time between two looks: TradeLocker allows one read a second and route, TradeStation 320 in 5 minutes."""


def aws_client(service: str) -> Any:
    """Give a client of an AWS service; the table's waits and tries longer, since everything hangs on it."""
    return client(service, 1.0, 3.0, 3) if service == "dynamodb" else client(service)


@dataclass(frozen=True, slots=True)
class Environment:
    """The functions' environment variables."""

    table: str
    bell_queue_url: str
    notices_topic_arn: str
    secret_prefix: str
    broker_hosts: tuple[str, ...]
    """Allowed `host` or `host:port`."""
    dead_letter_queue_url: str = ""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Environment":
        """Read the variables that the template sets. Raises `KeyError` naming one that is missing."""
        urls = [url.strip() for url in variables["BROKER_HOSTS"].split(",") if url.strip()]
        return cls(
            table=variables["TABLE_NAME"],
            bell_queue_url=variables["BELL_QUEUE_URL"],
            notices_topic_arn=variables["NOTICES_TOPIC_ARN"],
            secret_prefix=variables["SECRET_PREFIX"],
            broker_hosts=tuple(urlsplit(url).netloc if "//" in url else url for url in urls),
            dead_letter_queue_url=variables.get("DEAD_LETTER_QUEUE_URL", ""),
        )


@dataclass(slots=True)
class CachedSettings:
    """`SettingsSource` that reads each item again after `SETTINGS_S`."""

    store: SettingsStore
    monotonic: Callable[[], float]
    _kept: dict[tuple[str, str], tuple[float, Any]] = field(default_factory=dict)

    def strategy(self, name: str) -> StrategySettings | None:
        found = self._read("strategy", name)
        return None if found is None else found.value

    def account(self, name: str) -> AccountSettings | None:
        found = self._read("account", name)
        return None if found is None else found.value

    def _read(self, kind: str, name: str) -> Any:
        kept = self._kept.get((kind, name))
        now = self.monotonic()
        if kept is None or now - kept[0] > SETTINGS_S:
            read = self.store.strategy if kind == "strategy" else self.store.account
            kept = (now, read(name))
            self._kept[(kind, name)] = kept
        return kept[1]


class Bridge:
    """One process's bridge: what it makes once and keeps."""

    def __init__(
        self,
        environment: Environment,
        transport: httpx.BaseTransport | None = None,
        machine: Machine = MACHINE,
        client_of: Callable[[str], Any] = aws_client,
    ) -> None:
        """`transport` carries the requests to brokers, `client_of` gives the client of an AWS service."""
        self.environment = environment
        self.clock = machine
        self.client_of = client_of
        self.owner = new_id(machine)
        """This process, in leases: a worker that comes back finds its own."""
        self.dynamodb = client_of("dynamodb")
        self.incarnation = Incarnation(self.dynamodb, environment.table, machine.monotonic)
        self.lanes = DynamoLanes(self.dynamodb, environment.table, machine, self.incarnation)
        self.bell = SqsBell(client_of("sqs"), environment.bell_queue_url)
        self.watcher = Watcher(DynamoWatch(self.dynamodb, environment.table), self.bell, self.clock)
        self.settings = CachedSettings(SettingsStore(self.dynamodb, environment.table), machine.monotonic)
        self.notices = DynamoNotices(
            self.dynamodb, environment.table, client_of("sns"), environment.notices_topic_arn, self.clock
        )
        self.leases = TokenLeases(self.dynamodb, environment.table)
        self._secrets = LoginSecrets(client_of("secretsmanager"), environment.secret_prefix)
        self._snapshots = DynamoSnapshots(self.dynamodb, environment.table)
        self._http = open_client(transport)
        self._keepers: dict[str, TokenKeeper] = {}
        self._desks: dict[AccountSettings, Desk] = {}

    # ---- connections

    def keeper(self, connection: str) -> TokenKeeper:
        """Give the token keeper of a connection."""
        if connection not in self._keepers:
            self._keepers[connection] = TokenKeeper(connection, self._secrets, self.leases, self._refresh, self.clock)
        return self._keepers[connection]

    @property
    def _refresh(self) -> Refresh:
        hosts = self.environment.broker_hosts
        tradestation = TradeStationAuth(self._http, hosts, self.clock.now_ms)
        tradelocker = TradeLockerExchange(self._http, hosts, self.clock.now_ms)
        return lambda login, deadline: (
            tradestation.refresh(login, deadline)
            if login.broker == "tradestation"
            else refresh_tradelocker(tradelocker, login, deadline)
        )

    def broker(self, account: AccountSettings, share: Fraction | None = None) -> Broker:
        """Make the adapter of an account; `share` is the part of the broker's quotas that it may use.

        Raises `SettingsError` when its URL is not allowed or not its own.
        """
        budget = DynamoBudget(self.dynamodb, self.environment.table, account.connection, self.clock, share)
        http = partial(
            BrokerHttp,
            self._http,
            allowed_hosts=self.environment.broker_hosts,
            tokens=self.keeper(account.connection),
            machine=self.clock,
        )
        if account.broker == "tradestation":
            tradestation_hosts.check_environment(account.environment, account.base_url, account.broker_account_id)
            return TradeStation(
                http(base_url=account.base_url, budget=budget),
                account.broker_account_id,
                account.kind or "Margin",
                now_ms=self.clock.now_ms,
            )
        tradelocker_hosts.check_environment(account.environment, account.base_url)
        return TradeLocker(
            http(base_url=tradelocker_hosts.api_url(account.base_url), budget=HostBudget(budget)),
            account.broker_account_id,
            account.account_number,
            account.position_mode,
            developer_api_key=self._secrets.read(account.connection).login.developer_api_key,
            clock=self.clock.monotonic,
            now_ms=self.clock.now_ms,
        )

    # ---- work

    def deadline(self, seconds: float) -> MonotonicDeadline:
        """Give the moment `seconds` from now."""
        return MonotonicDeadline(seconds, self.clock.monotonic)

    def desk(self, account_name: str) -> Desk:
        """Give the desk of an account, made anew when its settings change. Raises `SettingsError`."""
        account = self.settings.account(account_name)
        if account is None:
            raise SettingsError(f"account {account_name} is not in the settings")
        if account not in self._desks:
            self._desks = {kept: desk for kept, desk in self._desks.items() if kept.name != account_name}
            self._desks[account] = Desk(account, self.broker(account), self.settings, self.clock, self.notices.tell)
        return self._desks[account]

    def worker(self, account_name: str) -> LaneWorker:
        """Give a worker for the lanes of an account."""
        desk = self.desk(account_name)
        looks = self.looks(desk.account, desk.broker)
        return LaneWorker(self.lanes, self.lanes, self.bell, self.clock, desk, looks, self.owner)

    def looks(self, account: AccountSettings, broker: Broker) -> Looks:
        """Give the account's looks, read through `broker` and shared with every other process."""
        return Looks(self._snapshots, broker, self.clock, account.name, self.owner, LOOK_GAP_MS[account.broker])

    def work_lane(self, lane: str, deadline: Deadline) -> Worked:
        """Work one lane, ring for what is left, and see that what is held is watched."""
        account = lane.partition("#")[0]
        worked = self.worker(account).work(lane, deadline)
        if worked.again_in_ms is not None:
            self.bell.ring_lane(lane, bell_delay_s(worked.again_in_ms))
        if worked.watched:
            self.watcher.ensure(account)
        return worked

    def watch(self, account: str, turn: int, deadline: Deadline) -> None:
        """Make one pass over the account's watched lanes."""
        self.watcher.watch(account, turn, lambda lane: self._watch_lane(lane, deadline), deadline)

    def _watch_lane(self, lane: str, deadline: Deadline) -> None:
        worked = self.worker(lane.partition("#")[0]).work(lane, deadline)
        if worked.jobs and worked.again_in_ms is not None:
            self.bell.ring_lane(lane, bell_delay_s(worked.again_in_ms))
