"""What the receiver keeps of a strategy, and for how long."""

from dataclasses import replace

import pytest

from orderbridge.errors import StorageError
from orderbridge.storage.in_time import InTime
from orderbridge.storage.known_strategies import LARGEST, KnownStrategies
from orderbridge.storage.settings import Route
from orderbridge.strategy.settings import AccountRoute
from tests.unit.receiver.kit import ROUTES, STRATEGY, Bench
from tests.unit.storage.aws import TABLE


@pytest.fixture
def known(bench: Bench) -> KnownStrategies:
    return KnownStrategies(bench.dynamodb, TABLE, bench.machine)


def test_what_receiving_needs_is_read_as_the_command_line_wrote_it(bench: Bench, known: KnownStrategies) -> None:
    settings = replace(
        STRATEGY,
        accounts=(AccountRoute("sim", symbols={"A": "B"}), AccountRoute("fx")),
        symbol="MES1!",
        symbols={"X": "Y"},
        identity_field="id",
        mode="off",
    )
    bench.install(settings, (*ROUTES, Route("fx", "tradelocker", True)))

    found = known.find("demo", InTime(9))

    assert found is not None
    assert found.settings == settings
    assert found.brokers == {"sim": "tradestation", "fx": "tradelocker"}
    assert found.whole_account_lanes == {"fx"}


def test_strategy_is_read_once_in_its_time(bench: Bench, known: KnownStrategies) -> None:
    for _ in range(3):
        known.find("demo", InTime(9))
        bench.pass_time(4)

    assert bench.count_calls() == 1
    known.find("demo", InTime(9))
    assert bench.count_calls() == 1


def test_unknown_strategy_is_looked_for_again_soon(bench: Bench, known: KnownStrategies) -> None:
    assert known.find("new", InTime(9)) is None
    bench.install(replace(STRATEGY, name="new"))

    assert known.find("new", InTime(9)) is None
    bench.pass_time(2.5)
    assert known.find("new", InTime(9)) is not None


def test_fresher_settings_are_read_on_demand(bench: Bench, known: KnownStrategies) -> None:
    known.find("demo", InTime(9))
    bench.pass_time(2)
    bench.count_calls()

    known.find("demo", InTime(9), max_age_s=1)

    assert bench.count_calls() == 1


def test_names_that_nobody_has_do_not_fill_the_memory(known: KnownStrategies) -> None:
    for at in range(LARGEST + 50):
        known.find(f"nobody{at}", InTime(9))

    assert len(known._kept) <= LARGEST


@pytest.mark.parametrize("data", ["{}", "[]", "", '{"name": "demo", "version": 1}'])
def test_item_that_cannot_be_read_is_an_error_not_an_unknown_strategy(
    bench: Bench, known: KnownStrategies, data: str
) -> None:
    item = {"pk": {"S": "STRATEGY#demo"}, "sk": {"S": "SETTINGS"}, "data": {"S": data}, "routes": {"S": "[]"}}
    bench.dynamodb._client.put_item(TableName=TABLE, Item=item)

    with pytest.raises(StorageError, match="demo"):
        known.find("demo", InTime(9))
