"""Settings items: all changes or none, each under the version that it replaces."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.errors import ConflictError
from orderbridge.model import PositionMode
from orderbridge.storage import keys
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.storage.settings import PutAccount, PutStrategy, Remove, Route, SettingsStore
from orderbridge.strategy.settings import AccountRoute, AccountSettings, StrategySettings
from tests.unit.storage.aws import TABLE, Aws, fake_aws

ROUTES = (Route("sim", "tradestation", False),)


@pytest.fixture
def aws() -> Iterator[Aws]:
    with fake_aws() as account:
        yield account


@pytest.fixture
def store(aws: Aws) -> SettingsStore:
    return SettingsStore(aws.dynamodb, TABLE)


def strategy(name: str = "orb", **changes: Any) -> StrategySettings:
    return StrategySettings(name=name, version=0, accounts=(AccountRoute("sim", Decimal("0.5")),), **changes)


def account(name: str = "sim") -> AccountSettings:
    return AccountSettings(
        name, "tradestation", "sim", "ts-sim", "SIM123F", PositionMode.NETTING, "https://sim-api.tradestation.com/v3"
    )


def item_of(aws: Aws, key: dict[str, str]) -> dict[str, Any]:
    return dict(unmarshal(aws.dynamodb.get_item(TableName=TABLE, Key=marshal(key))["Item"]))


def test_written_settings_are_read_back(store: SettingsStore) -> None:
    store.change([PutAccount(account(), None), PutStrategy(strategy(pyramiding=2), ROUTES, None)])

    read = store.strategy("orb")

    assert read is not None
    assert (read.value, read.version) == (replace(strategy(pyramiding=2), version=1), 1)
    assert store.accounts()["sim"].value == account()
    assert list(store.strategies()) == ["orb"]


def test_strategy_item_carries_routes_for_the_receiver(aws: Aws, store: SettingsStore) -> None:
    store.change([PutStrategy(strategy(), ROUTES, None)])

    routes = json.loads(item_of(aws, keys.strategy("orb"))["routes"])

    assert routes == [{"account": "sim", "broker": "tradestation", "whole_account_lane": False}]


def test_write_over_a_version_that_changed_meanwhile_is_refused_and_nothing_written(store: SettingsStore) -> None:
    store.change([PutStrategy(strategy(), ROUTES, None)])
    store.change([PutStrategy(strategy(pyramiding=3), ROUTES, 1)])

    with pytest.raises(ConflictError, match="orb"):
        store.change([PutAccount(account(), None), PutStrategy(strategy(pyramiding=9), ROUTES, 1)])

    read = store.strategy("orb")
    assert read is not None
    assert read.value.pyramiding == 3
    assert store.account("sim") is None


def test_new_strategy_does_not_overwrite_one_of_its_name(store: SettingsStore) -> None:
    store.change([PutStrategy(strategy(), ROUTES, None)])

    with pytest.raises(ConflictError):
        store.change([PutStrategy(strategy(), ROUTES, None)])


def test_removed_settings_are_gone(store: SettingsStore) -> None:
    store.change([PutAccount(account(), None), PutStrategy(strategy(), ROUTES, None)])

    store.change([Remove("strategy", "orb", 1), Remove("account", "sim", 1)])

    assert (store.strategies(), store.accounts()) == ({}, {})


def test_more_changes_than_a_transaction_takes_are_written(store: SettingsStore) -> None:
    store.change([PutStrategy(strategy(f"s{number}"), ROUTES, None) for number in range(101)])

    assert len(store.strategies()) == 101


def test_keys_are_replaced_without_touching_routes(aws: Aws, store: SettingsStore) -> None:
    store.change([PutStrategy(strategy(), ROUTES, None)])
    before = store.strategy("orb")
    assert before is not None

    store.set_keys(before, ("a" * 64,))

    after = store.strategy("orb")
    assert after is not None
    assert (after.value.key_hashes, after.version, after.value.version) == (("a" * 64,), 2, 2)
    assert "routes" in item_of(aws, keys.strategy("orb"))
    with pytest.raises(ConflictError):
        store.set_keys(before, ())


def test_live_confirmation_is_an_attribute_that_the_sending_transaction_can_check(
    aws: Aws, store: SettingsStore
) -> None:
    store.change([PutAccount(account(), None)])
    before = store.account("sim")
    assert before is not None
    assert "live_confirmed_at_ms" not in item_of(aws, keys.account("sim"))

    store.confirm_live(before, 1_790_000_000_000)

    confirmed = store.account("sim")
    assert confirmed is not None
    assert confirmed.value.live_confirmed_at_ms == 1_790_000_000_000
    assert item_of(aws, keys.account("sim"))["live_confirmed_at_ms"] == 1_790_000_000_000
    store.confirm_live(confirmed, None)
    assert "live_confirmed_at_ms" not in item_of(aws, keys.account("sim"))
