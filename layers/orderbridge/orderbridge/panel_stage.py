"""Put the panel's broker API together on top of a running bridge. An outermost room."""

from fractions import Fraction
from functools import cached_property

from orderbridge.broker_api.ports import PanelDesk
from orderbridge.broker_api.serving import BrokerApi
from orderbridge.broker_api.settings import PanelSettings
from orderbridge.brokers.port import Deadline
from orderbridge.machine import Machine, new_id
from orderbridge.panel import Panel
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.panel_books import DynamoPanelBooks
from orderbridge.storage.panel_cache import DynamoPanelCache
from orderbridge.storage.panel_requests import DynamoPanelRequests
from orderbridge.storage.panel_settings import PanelSettingsStore
from orderbridge.storage.snapshots import DynamoSnapshots
from orderbridge.strategy.settings import AccountSettings
from orderbridge.wiring import SETTINGS_S, Bridge

SHARE = Fraction(1, 2)
"""The most of each of a broker's quotas that the panel may use: the rest is for orders."""


class Stage:
    """`Backstage` of the deployed panel."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        client, table = bridge.dynamodb, bridge.environment.table
        self.books = DynamoPanelBooks(client, table)
        self.cache = DynamoPanelCache(client, table)
        self.requests = DynamoPanelRequests(client, table, bridge.clock)
        self.look_store = DynamoSnapshots(client, table)
        self._panel_settings = PanelSettingsStore(client, table)
        self._read: tuple[float, PanelSettings] | None = None
        self._desks: dict[AccountSettings, PanelDesk] = {}

    @property
    def clock(self) -> Machine:
        return self._bridge.clock

    @property
    def ledger(self) -> DynamoLanes:
        return self._bridge.lanes

    def settings(self) -> PanelSettings:
        """Give the panel's settings, read again after some seconds."""
        now = self._bridge.clock.monotonic()
        if self._read is None or now - self._read[0] > SETTINGS_S:
            self._read = (now, self._panel_settings.read())
        return self._read[1]

    def account(self, name: str) -> AccountSettings | None:
        return self._bridge.settings.account(name)

    def desk(self, account: AccountSettings) -> PanelDesk:
        """Give the account's desk, made anew when its settings change. Raises `SettingsError`."""
        if account not in self._desks:
            self._desks = {kept: desk for kept, desk in self._desks.items() if kept.name != account.name}
            broker = self._bridge.broker(account, SHARE)
            self._desks[account] = PanelDesk(account, broker, self._bridge.looks(account, broker))
        return self._desks[account]

    def new_id(self) -> str:
        return new_id(self._bridge.clock)

    def work_lane(self, lane: str, deadline: Deadline) -> None:
        self._bridge.work_lane(lane, deadline)


class PanelProcess:
    """One process of the broker API function: what it makes once and keeps."""

    def __init__(self, bridge: Bridge, panel: Panel) -> None:
        self._bridge = bridge
        self._panel = panel

    def deadline(self, seconds: float) -> Deadline:
        """Give the moment `seconds` from now."""
        return self._bridge.deadline(seconds)

    @cached_property
    def api(self) -> BrokerApi:
        """The API with its stores, its guard and its password door."""
        panel = self._panel
        return BrokerApi(Stage(self._bridge), panel.authenticator, panel.passwords, panel.environment.origins)
