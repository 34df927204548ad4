"""Strategy and account settings as items.

| attribute | on | for |
|---|---|---|
| `data` | both | the runtime form, `StrategySettings` or `AccountSettings`, as JSON (`orderbridge.codec`) |
| `version` | both | each write names the version that it replaces, so that no change is lost |
| `routes` | strategies | JSON list of {account, broker, whole_account_lane}: what the receiver knows of accounts |
| `live_confirmed_at_ms` | accounts | exists only after `orderbridge live`; the sending transaction checks for it |
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar, assert_never

from orderbridge import codec
from orderbridge.errors import ConflictError
from orderbridge.storage import keys
from orderbridge.storage.items import Item, Scalar, marshal, unmarshal
from orderbridge.storage.releases import decoded
from orderbridge.storage.transact import ConditionFailedError, call, query_all, transact
from orderbridge.strategy.settings import AccountSettings, StrategySettings

T = TypeVar("T", StrategySettings, AccountSettings)
V = TypeVar("V")

LARGEST_TRANSACTION = 100
"""DynamoDB's limit."""


@dataclass(frozen=True, slots=True)
class Route:
    """What the alert receiver must know of one account of a strategy, so that it reads no account item."""

    account: str
    broker: Literal["tradestation", "tradelocker"]
    whole_account_lane: bool
    """The broker takes one trade action of an account at a time, so the lane is the account."""


@dataclass(frozen=True, slots=True)
class Versioned(Generic[V]):
    """Settings with the version of their item; a write names it."""

    value: V
    version: int


@dataclass(frozen=True, slots=True)
class PutStrategy:
    """Write a strategy; `replaces` is the version that it was made from, None for a new one."""

    settings: StrategySettings
    routes: tuple[Route, ...]
    replaces: int | None


@dataclass(frozen=True, slots=True)
class PutAccount:
    settings: AccountSettings
    replaces: int | None


@dataclass(frozen=True, slots=True)
class Remove:
    kind: Literal["strategy", "account"]
    name: str
    replaces: int


Change = PutStrategy | PutAccount | Remove


class SettingsStore:
    """Settings of one table. Every method raises `StorageError` when the table fails."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def strategies(self) -> dict[str, Versioned[StrategySettings]]:
        """Read all strategies, by name."""
        return {name: self._value(StrategySettings, item) for name, item in self._list("strategy").items()}

    def accounts(self) -> dict[str, Versioned[AccountSettings]]:
        """Read all accounts, by name."""
        return {name: self._value(AccountSettings, item) for name, item in self._list("account").items()}

    def strategy(self, name: str) -> Versioned[StrategySettings] | None:
        """Read one strategy, consistently."""
        item = self._get(keys.strategy(name))
        return None if item is None else self._value(StrategySettings, item)

    def account(self, name: str) -> Versioned[AccountSettings] | None:
        """Read one account, consistently."""
        item = self._get(keys.account(name))
        return None if item is None else self._value(AccountSettings, item)

    def change(self, changes: Sequence[Change]) -> None:
        """Carry out all changes or none. Raises `ConflictError` when something was changed by somebody else meanwhile.

        More than 100 changes are written a hundred at a time.
        """
        for start in range(0, len(changes), LARGEST_TRANSACTION):
            batch = changes[start : start + LARGEST_TRANSACTION]
            try:
                transact(self._client, [self._operation(change) for change in batch])
            except ConditionFailedError as refused:
                names = ", ".join(_name(batch[position]) for position in sorted(refused.failed))
                raise ConflictError(f"{names}: changed by somebody else meanwhile; nothing was written") from None

    def set_keys(self, strategy: Versioned[StrategySettings], key_hashes: tuple[str, ...]) -> StrategySettings:
        """Replace a strategy's key hashes and leave all else. Raises `ConflictError`."""
        settings = replace(strategy.value, key_hashes=key_hashes, version=strategy.version + 1)
        key = keys.strategy(settings.name)
        values: dict[str, Scalar] = {
            ":data": self._patched(key, settings, "key_hashes", "version"),
            ":version": settings.version,
            ":replaces": strategy.version,
        }
        self._update(key, "SET #data = :data, version = :version", values, settings.name)
        return settings

    def confirm_live(self, account: Versioned[AccountSettings], at_ms: int | None) -> AccountSettings:
        """Note that a person has confirmed real money for this account, or (None) take that back."""
        settings = replace(account.value, live_confirmed_at_ms=at_ms)
        values: dict[str, Scalar] = {
            ":data": self._patched(keys.account(settings.name), settings, "live_confirmed_at_ms"),
            ":version": account.version + 1,
            ":replaces": account.version,
        }
        expression = "SET #data = :data, version = :version"
        if at_ms is None:
            expression += " REMOVE live_confirmed_at_ms"
        else:
            expression += ", live_confirmed_at_ms = :at"
            values[":at"] = at_ms
        self._update(keys.account(settings.name), expression, values, settings.name)
        return settings

    # ---- items

    def _list(self, kind: Literal["strategy", "account"]) -> dict[str, Item]:
        items = query_all(
            self._client,
            TableName=self._table,
            IndexName=keys.INDEX,
            KeyConditionExpression="gpk = :kind",
            ExpressionAttributeValues=marshal({":kind": f"SETTINGS#{kind}"}),
        )
        return {str(item["gsk"]): item for item in map(unmarshal, items)}

    def _get(self, key: Mapping[str, str]) -> Item | None:
        reply = call(self._client.get_item, TableName=self._table, Key=marshal(key), ConsistentRead=True)
        return unmarshal(reply["Item"]) if "Item" in reply else None

    def _value(self, kind: type[T], item: Item) -> Versioned[T]:
        value: T = decoded(kind, item)
        unknown = tuple(sorted(codec.unknown_fields(value, json.loads(str(item["data"])))))
        return Versioned(replace(value, unknown=unknown), int(item["version"]))

    def _patched(self, key: Mapping[str, str], settings: StrategySettings | AccountSettings, *names: str) -> str:
        """Give the stored text with these fields as in `settings`; what this release does not know of it stays."""
        stored: dict[str, Any] = json.loads(str((self._get(key) or {"data": "{}"})["data"]))
        known = codec.plain(settings)
        kept = {name: value for name, value in stored.items() if name not in names}
        given = {name: known[name] for name in names if name in known}
        return json.dumps(kept | given, sort_keys=True, separators=(",", ":"))

    def _update(self, key: Mapping[str, str], expression: str, values: dict[str, Scalar], name: str) -> None:
        try:
            call(
                self._client.update_item,
                TableName=self._table,
                Key=marshal(key),
                UpdateExpression=expression,
                ConditionExpression="version = :replaces",
                ExpressionAttributeNames={"#data": "data"},
                ExpressionAttributeValues=marshal(values),
            )
        except ConditionFailedError:
            raise ConflictError(f"{name}: changed by somebody else meanwhile; nothing was written") from None

    def _operation(self, change: Change) -> dict[str, Any]:
        match change:
            case PutStrategy():
                settings = replace(change.settings, version=(change.replaces or 0) + 1)
                return self._put(strategy_item(settings, change.routes), change.replaces)
            case PutAccount():
                return self._put(account_item(change.settings, (change.replaces or 0) + 1), change.replaces)
            case Remove():
                key = keys.strategy(change.name) if change.kind == "strategy" else keys.account(change.name)
                return {"Delete": {"TableName": self._table, "Key": marshal(key), **_replacing(change.replaces)}}
            case _:
                assert_never(change)

    def _put(self, item: Mapping[str, Scalar | None], replaces: int | None) -> dict[str, Any]:
        return {"Put": {"TableName": self._table, "Item": marshal(item), **_replacing(replaces)}}


def strategy_item(settings: StrategySettings, routes: Sequence[Route]) -> dict[str, Scalar | None]:
    """Give the item of a strategy."""
    return {
        **keys.strategy(settings.name),
        "schema": keys.SCHEMA,
        "gpk": "SETTINGS#strategy",
        "gsk": settings.name,
        "version": settings.version,
        "data": codec.dumps(replace(settings, unknown=())),
        "routes": codec.dumps(list(routes)),
    }


def account_item(settings: AccountSettings, version: int) -> dict[str, Scalar | None]:
    """Give the item of an account."""
    return {
        **keys.account(settings.name),
        "schema": keys.SCHEMA,
        "gpk": "SETTINGS#account",
        "gsk": settings.name,
        "version": version,
        "data": codec.dumps(replace(settings, unknown=())),
        "live_confirmed_at_ms": settings.live_confirmed_at_ms,
    }


def _replacing(version: int | None) -> dict[str, Any]:
    if version is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "version = :replaces",
        "ExpressionAttributeValues": marshal({":replaces": version}),
    }


def _name(change: Change) -> str:
    return change.name if isinstance(change, Remove) else change.settings.name
