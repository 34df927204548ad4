"""Kill switches."""

from collections.abc import Iterator

import pytest

from orderbridge.storage import keys
from orderbridge.storage.control import GLOBAL, Controls, Switch, account_scope
from orderbridge.storage.items import marshal
from tests.unit.storage.aws import TABLE, Aws, fake_aws

NOW_MS = 1_790_000_000_000


@pytest.fixture
def aws() -> Iterator[Aws]:
    with fake_aws() as account:
        yield account


@pytest.fixture
def controls(aws: Aws) -> Controls:
    return Controls(aws.dynamodb, TABLE)


def test_switch_that_was_never_turned_blocks_nothing(controls: Controls) -> None:
    assert controls.read(GLOBAL) == Switch(GLOBAL, "none", "", "", 0)
    assert controls.all() == []


def test_halted_scope_says_what_it_blocks_and_who_did_it(controls: Controls) -> None:
    switch = controls.halt(account_scope("sim"), "entries", "news", "ann", NOW_MS)

    assert controls.read("account#sim") == switch == Switch("account#sim", "entries", "news", "ann", NOW_MS)
    assert controls.all() == [switch]


def test_resumed_scope_blocks_nothing_and_still_says_who_did_it(controls: Controls) -> None:
    controls.halt(GLOBAL, "all", "", "ann", NOW_MS)

    controls.resume(GLOBAL, "bob", NOW_MS + 1)

    assert controls.read(GLOBAL) == Switch(GLOBAL, "none", "", "bob", NOW_MS + 1)


def test_unknown_value_reads_as_halted(aws: Aws, controls: Controls) -> None:
    aws.dynamodb.put_item(TableName=TABLE, Item=marshal({**keys.control(GLOBAL), "blocks": "something"}))

    assert controls.read(GLOBAL).blocks == "all"
