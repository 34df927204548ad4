"""What the alert receiver knows of a strategy: read from its settings item, kept for some seconds.

The item (`storage/settings.py` writes it) has the strategy's settings as JSON in `data`, and in `routes` a JSON list of
`{account, broker, whole_account_lane}`: what is needed of each account, so that one read is enough. Only the fields
that receiving needs are taken, by hand: pydantic would double the cold start.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orderbridge.errors import StorageError
from orderbridge.machine import MACHINE, Machine
from orderbridge.storage import keys
from orderbridge.storage.in_time import InTime
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from orderbridge.strategy.symbols import BrokerName

TTL_S = 10.0
UNKNOWN_TTL_S = 2.0
"""Shorter, so that a strategy that was just applied is found."""
LARGEST = 500


@dataclass(frozen=True, slots=True)
class KnownStrategy:
    """A strategy as far as receiving needs it; the other settings have their defaults here."""

    settings: StrategySettings
    brokers: Mapping[str, BrokerName]
    """Account -> its broker."""
    whole_account_lanes: frozenset[str]
    """Accounts whose broker takes one trade action at a time."""


class KnownStrategies:
    """Strategies by name."""

    def __init__(self, client: Any, table: str, machine: Machine = MACHINE) -> None:
        self._client = client
        self._table = table
        self._machine = machine
        self._kept: dict[str, tuple[float, float, KnownStrategy | None]] = {}

    def find(self, name: str, in_time: InTime, max_age_s: float = TTL_S) -> KnownStrategy | None:
        """Give a strategy as it was at most `max_age_s` ago; None when there is none. Raises `StorageError`."""
        now = self._machine.monotonic()
        read_at, ttl, known = self._kept.get(name, (0.0, -1.0, None))
        if now - read_at <= min(ttl, max_age_s):
            return known
        known = self._read(name, in_time)
        if len(self._kept) >= LARGEST:
            self._kept.clear()
        ttl = UNKNOWN_TTL_S if known is None else TTL_S
        spread = 0.8 + 0.4 * self._machine.chance()  # many Lambdas do not read at one moment
        self._kept[name] = (now, ttl * spread, known)
        return known

    def _read(self, name: str, in_time: InTime) -> KnownStrategy | None:
        reply = in_time.call(
            self._client.get_item, TableName=self._table, Key=marshal(keys.strategy(name)), ConsistentRead=True
        )
        if "Item" not in reply:
            return None
        item = unmarshal(reply["Item"])
        try:
            routes = json.loads(str(item["routes"]))
            return KnownStrategy(
                settings=_settings(json.loads(str(item["data"]))),
                brokers={route["account"]: route["broker"] for route in routes},
                whole_account_lanes=frozenset(route["account"] for route in routes if route["whole_account_lane"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"the settings item of {name} cannot be read") from error


def _settings(data: Mapping[str, Any]) -> StrategySettings:
    return StrategySettings(
        name=data["name"],
        version=data["version"],
        accounts=tuple(AccountRoute(row["account"], symbols=row.get("symbols", {})) for row in data["accounts"]),
        mode=data.get("mode", "sim"),
        key_hashes=tuple(data.get("key_hashes", ())),
        symbol=data.get("symbol", ""),
        symbols=data.get("symbols", {}),
        identity_field=data.get("identity_field", ""),
    )
