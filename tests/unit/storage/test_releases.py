"""Items of another release: what is read, and what is left as it is."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orderbridge import codec
from orderbridge.alerts.alert import Action, Alert
from orderbridge.broker_api.book import PanelBook
from orderbridge.brokers.login import Login
from orderbridge.brokers.port import Look
from orderbridge.commands import Cancel
from orderbridge.errors import NewerReleaseError
from orderbridge.execution.ports import Held
from orderbridge.execution.records import Book, CommandRecord, Job, LaneState, Plan
from orderbridge.model import PositionMode
from orderbridge.secret import Secret
from orderbridge.storage import keys
from orderbridge.storage.items import Item, marshal
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.overview import Overview
from orderbridge.storage.panel_books import DynamoPanelBooks
from orderbridge.storage.panel_cache import DynamoPanelCache
from orderbridge.storage.secrets import SHAPE, login_from_json, login_to_json
from orderbridge.storage.settings import PutAccount, PutStrategy, Route, SettingsStore, account_item, strategy_item
from orderbridge.storage.snapshots import DynamoSnapshots
from orderbridge.strategy.settings import AccountRoute, AccountSettings, StrategySettings
from tests.unit.storage.aws import TABLE, Aws, fake_aws

LANE, OWNER, HOLD_MS = "sim#MSFT", "worker", 45_000
NOW_MS = 1_795_000_000_000
NEWER = {"schema": keys.SCHEMA + 1}
STRATEGY = StrategySettings("orb", 1, (AccountRoute("sim"),))
ACCOUNT = AccountSettings("sim", "tradestation", "sim", "ts", "SIM1M", PositionMode.NETTING, "https://sim.invalid/v3")
JOB = Job("a.sim", "a", "orb", "sim", LANE, "MSFT", NOW_MS, alert=Alert(Action.BUY, "MSFT"))
PLAN = Plan("a.sim", 1, None, ("c",), NOW_MS)
COMMAND = CommandRecord("c", "a.sim", "orb", "MSFT", 1, 1, Cancel("1", "MSFT"), "other")
STATE = LaneState(books=(Book("orb", "MSFT"),))
LOGIN = Login("tradestation", "sim", "https://sim.invalid/v3", "https://sign.invalid", Secret("r"), Secret("a"), 1, 0)


@pytest.fixture
def aws() -> Iterator[Aws]:
    with fake_aws() as account:
        yield account


def put(aws: Aws, item: Item | dict[str, Any]) -> None:
    aws.dynamodb.put_item(TableName=TABLE, Item=marshal(item))


def content(aws: Aws) -> list[Any]:
    found: list[Any] = aws.dynamodb.scan(TableName=TABLE)["Items"]
    return sorted(found, key=lambda item: str(item["sk"]))


# ---- one more field


def grown(data: Any) -> Any:
    """Give JSON data with one more field in every object."""
    if isinstance(data, dict):
        return {name: grown(value) for name, value in data.items()} | {"added": {"by": ["the next release"]}}
    return [grown(one) for one in data] if isinstance(data, list) else data


@pytest.mark.parametrize("value", [JOB, PLAN, COMMAND, STATE, Look((), (), NOW_MS, 0), STRATEGY, ACCOUNT])
def test_field_that_a_later_release_added_is_passed_over(value: Any) -> None:
    text = json.dumps(grown(codec.plain(value)))

    assert codec.loads(type(value), text) == value


def test_login_of_a_later_release_with_another_field_is_read() -> None:
    text = json.dumps({**json.loads(login_to_json(LOGIN)), "added": "later"})

    assert login_from_json(text) == LOGIN


# ---- another shape


def store_newer(aws: Aws, kind: str) -> None:
    """Store what a release with a higher schema has written; nothing of its content is known here."""
    key: dict[str, str] = {
        "state": keys.lane_state(LANE),
        "job": keys.job(LANE, NOW_MS, JOB.job_id),
        "plan": keys.plan(LANE, JOB.job_id, 1),
        "command": keys.command(LANE, "c"),
        "strategy": keys.strategy("orb"),
        "account": keys.account("sim"),
    }[kind]
    lease = {"epoch": 3, "owner": "another", "until_ms": 0} if kind == "state" else {}
    about = {"status": "QUEUED", "lane": LANE, "gpk": "OPEN#JOB", "gsk": "1"} if kind == "job" else {}
    put(aws, {**key, **NEWER, **lease, **about, "data": '{"rebuilt": true}', "version": 1})


READS: dict[str, Callable[[Any], object]] = {
    "state": lambda table: DynamoLanes(table, TABLE).take(LANE, OWNER, NOW_MS, HOLD_MS),
    "job": lambda table: DynamoLanes(table, TABLE).inbox(LANE),
    "plan": lambda table: DynamoLanes(table, TABLE).plans(LANE, JOB.job_id),
    "command": lambda table: DynamoLanes(table, TABLE).command(LANE, "c"),
    "strategy": lambda table: SettingsStore(table, TABLE).strategy("orb"),
    "account": lambda table: SettingsStore(table, TABLE).account("sim"),
}


@pytest.mark.parametrize("kind", READS)
def test_item_of_a_newer_shape_is_refused_and_stays_as_it_is(aws: Aws, kind: str) -> None:
    store_newer(aws, kind)
    before = content(aws)

    with pytest.raises(NewerReleaseError):
        READS[kind](aws.dynamodb)

    assert content(aws) == before


def test_lane_taken_of_an_older_shape_keeps_its_schema_until_its_state_is_written(aws: Aws) -> None:
    older = {**keys.lane_state(LANE), "schema": keys.SCHEMA - 1, "epoch": 1, "until_ms": 0, "data": "{}"}
    put(aws, older)
    lanes = DynamoLanes(aws.dynamodb, TABLE)

    held = lanes.take(LANE, OWNER, NOW_MS, HOLD_MS)

    assert isinstance(held, Held)
    assert content(aws)[0]["schema"] == {"N": str(keys.SCHEMA - 1)}
    lanes.save_state(held.fence, STATE)
    assert content(aws)[0]["schema"] == {"N": str(keys.SCHEMA)}


def test_login_of_a_newer_shape_is_refused() -> None:
    text = json.dumps({"shape": SHAPE + 1, "sealed": "..."})

    with pytest.raises(NewerReleaseError):
        login_from_json(text)


def test_look_of_a_newer_shape_counts_as_none(aws: Aws) -> None:
    put(aws, {**keys.snapshot("sim"), **NEWER, "data": "?", "started": 4, "done": 4})
    snapshots = DynamoSnapshots(aws.dynamodb, TABLE)

    assert snapshots.read("sim").look is None
    flight = snapshots.take_flight("sim", OWNER, NOW_MS, NOW_MS + 1)
    assert flight == 5
    look = Look((), (), NOW_MS, 0)
    snapshots.land("sim", flight, look)
    assert snapshots.read("sim").look == look


@pytest.mark.parametrize("data", ["?", "c$~Y0h", "eJwr", codec.dumps({"positions": 1})])
def test_what_is_kept_in_a_form_that_cannot_be_read_is_read_anew(aws: Aws, data: str) -> None:
    put(aws, {**keys.snapshot("sim"), "schema": keys.SCHEMA, "data": data, "started": 4, "done": 4})
    put(aws, {**keys.panel_book("sim"), "schema": keys.SCHEMA, "data": data, "version": 7})
    put(aws, {**keys.panel_snapshot("ts", "quotes"), "schema": keys.SCHEMA, "data": data, "at_ms": 5})

    assert DynamoSnapshots(aws.dynamodb, TABLE).read("sim").look is None
    assert DynamoPanelBooks(aws.dynamodb, TABLE).read("sim") == (PanelBook(), 7)
    assert DynamoPanelCache(aws.dynamodb, TABLE).read("ts", "quotes").text == ""


def test_commands_of_a_newer_shape_are_counted_for_a_person_and_the_others_shown(aws: Aws) -> None:
    about: Item = {"lane": LANE, "gpk": "OPEN#COMMAND", "gsk": "1", "status": "NEW"}
    put(aws, {**keys.command(LANE, "c"), **about, "schema": keys.SCHEMA, "data": codec.dumps(COMMAND)})
    put(aws, {**keys.command(LANE, "d"), **about, **NEWER, "data": "?"})
    overview = Overview(aws.dynamodb, TABLE)

    assert [one.record for one in overview.open_commands()] == [COMMAND]
    assert overview.unreadable == 1


# ---- settings that this release does not know


def test_unknown_settings_are_named_wherever_they_stand(aws: Aws) -> None:
    route = (Route("sim", "tradestation", whole_account_lane=False),)
    for item in (strategy_item(STRATEGY, route), account_item(ACCOUNT, 1)):
        data = json.loads(str(item["data"]))
        data["max_daily_loss"] = "500"
        for one in data.get("accounts", ()):
            one["weight"] = 2
        put(aws, {**item, "data": json.dumps(data)})
    store = SettingsStore(aws.dynamodb, TABLE)

    strategy, account = store.strategy("orb"), store.account("sim")

    assert strategy is not None
    assert account is not None
    assert strategy.value == dataclasses.replace(STRATEGY, unknown=("accounts.0.weight", "max_daily_loss"))
    assert account.value == dataclasses.replace(ACCOUNT, unknown=("max_daily_loss",))


def test_key_and_confirmation_are_written_without_touching_what_is_unknown(aws: Aws) -> None:
    for item in (strategy_item(STRATEGY, ()), account_item(ACCOUNT, 1)):
        put(aws, {**item, "data": json.dumps({**json.loads(str(item["data"])), "max_daily_loss": "500"})})
    store = SettingsStore(aws.dynamodb, TABLE)
    strategy, account = store.strategy("orb"), store.account("sim")
    assert strategy is not None
    assert account is not None

    store.set_keys(strategy, ("0" * 64,))
    store.confirm_live(account, NOW_MS)

    strategy, account = store.strategy("orb"), store.account("sim")
    assert strategy is not None
    assert account is not None
    assert (strategy.value.key_hashes, strategy.value.unknown) == (("0" * 64,), ("max_daily_loss",))
    assert (account.value.live_confirmed_at_ms, account.value.unknown) == (NOW_MS, ("max_daily_loss",))
    store.confirm_live(account, None)
    account = store.account("sim")
    assert account is not None
    assert (account.value.live_confirmed_at_ms, account.value.unknown) == (None, ("max_daily_loss",))


def test_known_settings_have_no_unknown_ones(aws: Aws) -> None:
    store = SettingsStore(aws.dynamodb, TABLE)
    store.change([PutAccount(ACCOUNT, None), PutStrategy(STRATEGY, (), None)])

    assert [found.value.unknown for found in store.strategies().values()] == [()]
    assert [found.value.unknown for found in store.accounts().values()] == [()]
