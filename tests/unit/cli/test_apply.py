"""`orderbridge apply`: the difference shown, then written; keys kept; removals asked for."""

import json

import pytest

from orderbridge.storage.panel_settings import PanelSettingsStore
from orderbridge.storage.settings import SettingsStore
from orderbridge.strategy.settings import AccountSettings, StrategySettings
from tests.unit.cli.bench import ACCOUNTS, NOW_MS, SETTINGS, Bench
from tests.unit.storage.aws import TABLE

SHARED_ACCOUNT = """\
accounts:
  fx:
    broker: tradelocker
    environment: sim
    connection: tl
    account_id: 123
    account_number: 1
    position_mode: {mode}
strategies:
"""
SHARER = """\
  {name}:
    accounts: [fx]
    trades: [EURUSD]
    quantity_unit: lots
    shares_symbol: true
"""


def store(bench: Bench) -> SettingsStore:
    return SettingsStore(bench.client("dynamodb"), TABLE)


def strategy(bench: Bench, name: str = "orb") -> StrategySettings:
    found = store(bench).strategy(name)
    assert found is not None
    return found.value


def account(bench: Bench) -> AccountSettings:
    found = store(bench).account("sim")
    assert found is not None
    return found.value


def test_first_apply_writes_everything_and_says_what_is_missing(bench: Bench) -> None:
    bench.write(SETTINGS)

    result = bench.run("apply")

    assert result.exit_code == 0
    assert "+ account sim\n+ strategy orb\nWritten: 2 change(s)." in result.stdout
    assert "orderbridge keys new orb" in result.stderr
    assert strategy(bench).trades == ("MES",)


def test_second_apply_of_the_same_file_changes_nothing(applied: Bench) -> None:
    result = applied.ok("apply")

    assert (result["changes"], result["written"]) == ([], False)
    assert strategy(applied).version == 1


@pytest.mark.parametrize(("mode", "warned"), [("netting", True), ("hedging", False)])
def test_strategies_that_share_a_symbol_are_warned_of_where_the_account_nets(
    bench: Bench, mode: str, warned: bool
) -> None:
    at_tradelocker = SHARED_ACCOUNT.format(mode=mode)
    bench.write(at_tradelocker + "".join(SHARER.format(name=name) for name in ("one", "two")))

    result = bench.ok("apply")

    sharing = [hint for hint in result["hints"] if "share EURUSD on account fx, which nets" in hint]
    assert len(sharing) == warned


def test_changed_field_is_shown_with_both_values_and_written(applied: Bench) -> None:
    applied.write(SETTINGS + "    pyramiding: 3\n")

    result = applied.run("apply")

    assert "~ strategy orb: pyramiding: 1 -> 3" in result.stdout
    assert (strategy(applied).pyramiding, strategy(applied).version) == (3, 2)


def test_dry_run_shows_the_difference_and_writes_nothing(applied: Bench) -> None:
    applied.write(SETTINGS + "    pyramiding: 3\n")

    result = applied.ok("apply", "--dry-run")

    assert result["changes"] == [
        {"sign": "~", "kind": "strategy", "name": "orb", "field": "pyramiding", "old": "1", "new": "3"}
    ]
    assert strategy(applied).pyramiding == 1


def test_keys_survive_apply(applied: Bench) -> None:
    applied.ok("keys", "new", "orb")
    hashes = strategy(applied).key_hashes
    applied.write(SETTINGS + "    pyramiding: 3\n")

    applied.ok("apply")

    assert strategy(applied).key_hashes == hashes != ()


def test_removing_a_strategy_asks_and_a_no_leaves_everything(applied: Bench) -> None:
    applied.write(ACCOUNTS)

    result = applied.run("apply", answers="n\n")

    assert result.exit_code == 6
    assert "Remove strategy orb?" in result.stderr
    assert strategy(applied).name == "orb"


def test_removing_a_strategy_with_yes_removes_it(applied: Bench) -> None:
    applied.write(ACCOUNTS)

    result = applied.ok("apply", "--yes")

    assert [(line["sign"], line["name"]) for line in result["changes"]] == [("-", "orb")]
    assert store(applied).strategy("orb") is None


def test_removing_where_nobody_can_be_asked_is_declined(applied: Bench) -> None:
    applied.write(ACCOUNTS)

    result = applied.run("apply", interactive=False)

    assert result.exit_code == 6
    assert "add --yes" in result.stderr
    assert strategy(applied).name == "orb"


def test_file_with_problems_is_refused_with_each_of_them_and_nothing_is_written(bench: Bench) -> None:
    bench.write(SETTINGS + "    mode: papre\n    pyramidding: 3\n")

    result = bench.run("apply", "--json")

    answer = json.loads(result.stdout)
    assert result.exit_code == 3
    assert [(problem["line"], problem["field"]) for problem in answer["problems"]] == [
        (13, "strategies.orb.mode"),
        (14, "strategies.orb.pyramidding"),
    ]
    assert store(bench).strategies() == {}


def test_missing_file_names_the_example(bench: Bench) -> None:
    result = bench.run("apply")

    assert result.exit_code == 3
    assert "orderbridge.example.yaml" in result.stderr


def test_host_outside_of_the_stack_s_list_is_refused(bench: Bench) -> None:
    bench.write(SETTINGS.replace("connection: ts\n", "connection: ts\n    base_url: https://evil.example.com/v3\n"))

    result = bench.run("apply")

    assert result.exit_code == 3
    assert "evil.example.com" in result.stderr


def test_live_confirmation_stays_until_the_account_is_another_one(applied: Bench) -> None:
    found = store(applied).account("sim")
    assert found is not None
    store(applied).confirm_live(found, NOW_MS)

    applied.write(SETTINGS.replace("    position_mode", "    currency: EUR\n    position_mode"))
    applied.ok("apply")
    kept = account(applied).live_confirmed_at_ms
    applied.write(SETTINGS.replace("SIM123F", "SIM999F"))
    applied.ok("apply")

    assert kept == NOW_MS
    assert account(applied).live_confirmed_at_ms is None


def test_account_that_moves_to_another_lane_form_rewrites_its_strategies_routes(bench: Bench) -> None:
    text = SETTINGS + "    quantity_unit: units\n"
    bench.write(text)
    bench.ok("apply")
    moved = text.replace("broker: tradestation", "broker: tradelocker").replace("environment: sim", "environment: demo")
    bench.write(moved.replace("SIM123F", "77").replace("kind: futures", "account_number: 1"))

    bench.ok("apply")

    item = bench.client("dynamodb").get_item(
        TableName=TABLE, Key={"pk": {"S": "STRATEGY#orb"}, "sk": {"S": "SETTINGS"}}
    )["Item"]
    assert json.loads(item["routes"]["S"]) == [{"account": "sim", "broker": "tradelocker", "whole_account_lane": True}]


def test_unknown_stack_says_what_to_do(bench: Bench) -> None:
    bench.write(SETTINGS)

    result = bench.run("apply", "--stack", "other")

    assert result.exit_code == 4
    assert "no stack 'other'" in result.stderr


def test_stack_is_found_in_samconfig(bench: Bench) -> None:
    bench.write(SETTINGS)
    bench.write('[default.global.parameters]\nstack_name = "my-bridge"\n', "samconfig.toml")

    assert bench.ok("apply", environ={})["written"]


def test_variables_stand_for_the_stack(bench: Bench) -> None:
    bench.write(SETTINGS)
    outputs = bench.cloudformation.outputs
    variables = {
        "TABLE_NAME": TABLE,
        "BELL_QUEUE_URL": outputs["BellQueueUrl"],
        "NOTICES_TOPIC_ARN": outputs["TopicArn"],
        "SECRET_PREFIX": outputs["SecretPrefix"],
        "BROKER_HOSTS": outputs["BrokerHosts"],
    }

    assert bench.ok("apply", environ=variables)["written"]


def test_apply_writes_the_panels_instruments_and_says_so_once(applied: Bench) -> None:
    applied.write(SETTINGS + "\npanel:\n  tradestation:\n    AAPL: NASDAQ:AAPL\n")

    first, second = applied.run("apply"), applied.run("apply")

    assert "~ panel: its instruments" in first.stdout
    assert "Nothing changes." in second.stdout
    (listed,) = PanelSettingsStore(applied.client("dynamodb"), TABLE).read().listed("tradestation")
    assert (listed.symbol, listed.tradingview) == ("AAPL", "NASDAQ:AAPL")
