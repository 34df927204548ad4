"""`orderbridge.yaml`: what it makes, and what is refused with line, field and mend."""

from decimal import Decimal
from pathlib import Path

import pytest

from orderbridge.cli.problems import Problem, SettingsProblems
from orderbridge.cli.rules import Settings, read_settings
from orderbridge.model import PositionMode
from orderbridge.storage.settings import Route
from orderbridge.strategy.settings import AccountRoute, AccountSettings, StrategySettings

NOW_MS = 1_790_000_000_000
HOSTS = (
    "api.tradestation.com",
    "sim-api.tradestation.com",
    "signin.tradestation.com",
    "demo.tradelocker.com",
    "live.tradelocker.com",
)
EXAMPLE = Path(__file__).resolve().parents[3] / "orderbridge.example.yaml"

ACCOUNTS = """\
accounts:
  sim:
    broker: tradestation
    environment: sim
    connection: ts
    account_id: SIM123F
    kind: futures
    position_mode: netting
  fx:
    broker: tradelocker
    environment: demo
    connection: tl
    account_id: "77"
    account_number: "1"
    position_mode: hedging
"""
ORB = """\
strategies:
  orb:
    accounts: [sim]
"""


def read(text: str) -> Settings:
    return read_settings(text, "orderbridge.yaml", HOSTS, NOW_MS)


def problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(SettingsProblems) as caught:
        read(text)
    return caught.value.problems


def only(text: str) -> Problem:
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


# ---- what it makes


def test_example_file_is_valid_and_gives_two_strategies() -> None:
    settings = read(EXAMPLE.read_text(encoding="utf-8"))

    assert set(settings.accounts) == {"sim-futures", "demo-fx"}
    assert settings.strategies["trend-eurusd"].accounts == (AccountRoute("demo-fx", Decimal(1), Decimal("0.10")),)


def test_small_file_has_the_defaults_of_the_docs() -> None:
    settings = read(ACCOUNTS + ORB)

    assert settings.strategies["orb"] == StrategySettings(
        name="orb",
        version=0,
        accounts=(AccountRoute("sim"),),
        max_notional=Decimal(250_000),
    )
    assert settings.accounts["sim"] == AccountSettings(
        name="sim",
        broker="tradestation",
        environment="sim",
        connection="ts",
        broker_account_id="SIM123F",
        position_mode=PositionMode.NETTING,
        base_url="https://sim-api.tradestation.com/v3",
        auth_url="https://signin.tradestation.com",
        kind="Futures",
    )
    assert settings.accounts["fx"].environment == "sim"
    assert settings.accounts["fx"].base_url == "https://demo.tradelocker.com/backend-api"


def test_every_strategy_field_reaches_its_twin() -> None:
    text = (
        ACCOUNTS
        + """\
strategies:
  all:
    mode: off
    accounts:
      - account: fx
        multiplier: 0.50
        fixed_quantity: 0.010
        symbols: {EURUSD: EURUSD.X}
    action_means: order
    allowed_actions: [buy, exit]
    symbol: EURUSD
    symbols: {EURUSD: EURUSD.Y}
    trades: [eurusd]
    quantity_unit: units
    pyramiding: 3
    catch_up: true
    on_foreign_position: adopt
    shares_symbol: true
    on_stop_refused: keep
    entry_max_age: 1.5s
    exit_max_age: 15m
    identity_field: id
    max_quantity: 2
    max_notional: none
"""
    )

    strategy = read(text).strategies["all"]

    assert strategy == StrategySettings(
        name="all",
        version=0,
        accounts=(AccountRoute("fx", Decimal("0.50"), Decimal("0.010"), {"EURUSD": "EURUSD.X"}),),
        mode="off",
        action_means="order",
        allowed_actions=("buy", "exit"),
        symbol="EURUSD",
        symbols={"EURUSD": "EURUSD.Y"},
        trades=("EURUSD", "EURUSD.X"),
        quantity_unit="units",
        pyramiding=3,
        catch_up=True,
        on_foreign_position="adopt",
        shares_symbol=True,
        on_stop_refused="keep",
        entry_max_age_ms=1500,
        exit_max_age_ms=900_000,
        identity_field="id",
        max_quantity=Decimal(2),
        max_notional=None,
    )
    assert str(strategy.accounts[0].multiplier) == "0.50"


def test_file_knows_every_field_of_the_runtime_settings() -> None:
    from dataclasses import fields

    from orderbridge.cli import schema

    words = {"entry_max_age_ms": "entry_max_age", "exit_max_age_ms": "exit_max_age"}
    unwritten = {"name", "version", "key_hashes", "unknown"}
    wanted = {words.get(f.name, f.name) for f in fields(StrategySettings)} - unwritten

    assert set(schema.Strategy.model_fields) == wanted
    words = {"broker_account_id": "account_id"}
    wanted = {words.get(f.name, f.name) for f in fields(AccountSettings)} - {"name", "live_confirmed_at_ms", "unknown"}
    assert set(schema.Account.model_fields) == wanted


def test_routes_tell_the_receiver_where_the_lane_is_the_account() -> None:
    settings = read(ACCOUNTS + "strategies:\n  orb:\n    quantity_unit: units\n    accounts: [sim, fx]\n")

    assert settings.routes(settings.strategies["orb"]) == (
        Route("sim", "tradestation", False),
        Route("fx", "tradelocker", True),
    )


# ---- shape


@pytest.mark.parametrize(
    ("line", "field", "message", "mend"),
    [
        ("    mode: paper", "mode", "'paper' is not known", "Write off, sim or live."),
        ("    mode: Live", "mode", "'Live' is not known", "Did you mean live? Write off, sim or live."),
        ("    pyramidding: 2", "pyramidding", "pyramidding is not known here", "Did you mean pyramiding?"),
        ("    zzz: 2", "zzz", "zzz is not known here", "Remove it. Known are accounts, mode,"),
        ("    pyramiding: 0", "pyramiding", "'0' is no whole number from 1 to 100", "1 or 3"),
        ("    entry_max_age: 30", "entry_max_age", "'30' is no duration", "500ms, 30s, 15m or 2h"),
        ("    exit_max_age: -1s", "exit_max_age", "'-1s' is no duration", "30s"),
        ("    catch_up: yes", "catch_up", "'yes' is neither true nor false", "Write true or false."),
        ("    max_quantity: 0", "max_quantity", "'0' is no number above zero", "1, 0.5 or 0.01"),
        ("    max_quantity: .inf", "max_quantity", "'.inf' is no number above zero", "0.5"),
        ("    max_notional: lots", "max_notional", "'lots' is no number above zero", "0.5"),
        ("    max_quantity: 1_0.0.0", "max_quantity", "'1_0.0.0' is no number above zero", "0.5"),
        ("    trades: MES", "trades", "trades must be a list", "in brackets"),
        ("    symbols: [MES]", "symbols", "symbols must hold fields of its own", "below it"),
        ("    allowed_actions: [buy, hold]", "allowed_actions.1", "'hold' is not known", "Write buy, sell, add"),
        ("    allowed_actions: []", "allowed_actions", "allowed_actions is empty", "at least one"),
        ("    symbol:", "symbol", "this must be a text", "quotes"),
    ],
)
def test_wrong_value_names_its_line_field_and_mend(line: str, field: str, message: str, mend: str) -> None:
    problem = only(ACCOUNTS + ORB + line + "\n")

    assert problem.line == len((ACCOUNTS + ORB).splitlines()) + 1
    assert problem.field == f"strategies.orb.{field}"
    assert problem.message == message
    assert mend in problem.mend


def test_missing_position_mode_says_where_it_is_shown() -> None:
    problem = only(ACCOUNTS.replace("    position_mode: netting\n", "") + ORB)

    assert (problem.line, problem.field) == (2, "accounts.sim.position_mode")
    assert "orderbridge accounts" in problem.mend


def test_unknown_field_at_the_top_is_refused() -> None:
    assert only(ACCOUNTS + "strategis:\n  a: 1\n").mend.startswith("Did you mean strategies?")


def test_field_of_a_route_is_refused_with_the_nearest_name() -> None:
    text = ACCOUNTS + "strategies:\n  orb:\n    accounts:\n      - account: sim\n        multiplyer: 2\n"

    problem = only(text)

    assert (problem.line, problem.field) == (20, "strategies.orb.accounts.0.multiplyer")
    assert problem.mend.startswith("Did you mean multiplier?")


def test_strategy_name_that_cannot_stand_in_a_url_is_refused() -> None:
    problem = only(ACCOUNTS + ORB.replace("orb:", "my orb#1:"))

    assert problem.line == 17
    assert "letters, digits" in problem.mend


def test_empty_file_is_refused() -> None:
    assert only("").mend.startswith("Write `field: value` lines")


def test_all_problems_are_told_at_once_in_the_order_of_lines() -> None:
    text = ACCOUNTS.replace("netting", "net") + ORB + "    mode: papre\n    nonsense: 1\n"

    assert [problem.line for problem in problems(text)] == [8, 19, 20]


def test_error_text_names_file_line_field_and_mend() -> None:
    with pytest.raises(SettingsProblems) as caught:
        read(ACCOUNTS + ORB + "    mode: paper\n")

    assert str(caught.value) == (
        "orderbridge.yaml, line 19, strategies.orb.mode: 'paper' is not known. Write off, sim or live."
    )


# ---- YAML itself


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("accounts:\n  a: @x\n", 2, "must stand in quotes"),
        ("accounts:\n\ta: 1\n", 2, "indent with spaces"),
        ("accounts: 1\naccounts: 2\n", 2, "stands here again, after line 1"),
        ("accounts: !!binary aGk=\n", 1, "tag"),
        ("? [a]\n: 1\n", 1, "a key must be a text"),
    ],
)
def test_text_that_is_not_yaml_names_the_line(text: str, line: int, words: str) -> None:
    problem = only(text)

    assert problem.line == line
    assert words in str(problem)


def test_numbers_keep_their_digits_and_ids_their_zeros() -> None:
    text = ACCOUNTS.replace('account_id: "77"', "account_id: 0077")

    assert read(text + ORB).accounts["fx"].broker_account_id == "0077"


# ---- accounts


def change_account(old: str, new: str) -> Problem:
    return only(ACCOUNTS.replace(old, new, 1) + ORB)


def test_hedging_at_tradestation_is_refused() -> None:
    problem = change_account("position_mode: netting", "position_mode: hedging")

    assert (problem.line, problem.mend) == (8, "Write position_mode: netting.")


def test_tradestation_account_without_its_kind_is_refused() -> None:
    assert "kind: margin" in change_account("    kind: futures\n", "").mend


def test_tradestation_account_of_the_other_environment_is_refused() -> None:
    problem = change_account("account_id: SIM123F", "account_id: 123F")

    assert (problem.field, problem.line) == ("accounts.sim.environment", 4)


def test_live_host_for_a_simulated_account_is_refused() -> None:
    text = ACCOUNTS.replace("    connection: tl\n", "    connection: tl\n    base_url: https://live.tradelocker.com\n")

    assert "live host" in only(text + ORB).message


def test_host_that_the_stack_does_not_allow_is_refused() -> None:
    text = ACCOUNTS.replace("    connection: tl\n", "    connection: tl\n    base_url: https://evil.example.com\n")

    problem = only(text + ORB)

    assert (problem.field, problem.line) == ("accounts.fx.base_url", 13)
    assert "BrokerHosts" in problem.mend


def test_tradelocker_account_without_its_number_is_refused() -> None:
    problem = change_account('    account_number: "1"\n', "")

    assert (problem.field, problem.message) == ("accounts.fx.account_number", "account_number is missing")


def test_same_broker_account_under_two_names_is_refused() -> None:
    text = ACCOUNTS + ACCOUNTS.removeprefix("accounts:\n").replace("  sim:", "  sim2:").replace("  fx:", "  fx2:")

    messages = [problem.message for problem in problems(text + ORB)]

    assert messages == [
        "sim2 and sim are the same account of the broker",
        "fx2 and fx are the same account of the broker",
    ]


# ---- strategies


def test_account_that_is_not_in_the_file_is_refused_with_the_nearest_name() -> None:
    problem = only(ACCOUNTS + ORB.replace("[sim]", "[sim, sin]"))

    assert (problem.field, problem.line, problem.mend) == ("strategies.orb.accounts.1", 18, "Did you mean sim?")


def test_account_named_twice_is_refused() -> None:
    assert "twice" in only(ACCOUNTS + ORB.replace("[sim]", "[sim, sim]")).message


def test_live_account_under_mode_sim_is_refused() -> None:
    text = ACCOUNTS.replace("environment: sim", "environment: live").replace("SIM123F", "123F") + ORB

    assert "mode is sim, and sim is a live account" in only(text).message
    assert read(text + "    mode: live\n").strategies["orb"].mode == "live"


def test_tradelocker_strategy_without_quantity_unit_is_refused() -> None:
    problem = only(ACCOUNTS + ORB.replace("[sim]", "[fx]"))

    assert problem.field == "strategies.orb.quantity_unit"
    assert "counts in lots" in problem.message


def test_lots_at_tradestation_are_refused() -> None:
    assert "knows no lots" in only(ACCOUNTS + ORB + "    quantity_unit: lots\n").message


def test_symbol_mapped_to_two_names_is_refused_with_both() -> None:
    problem = only(ACCOUNTS + ORB + "    symbols:\n      MES1!: MESZ26\n      mes1!: MESH27\n")

    assert (problem.line, problem.message) == (21, "mes1! is mapped to MESZ26 and to MESH27")


def test_symbol_that_the_broker_cannot_trade_is_refused() -> None:
    problem = only(ACCOUNTS + ORB + "    symbol: MES2!\n")

    assert (problem.line, problem.field) == (19, "strategies.orb.symbol")


def test_symbol_whose_root_is_two_products_is_refused() -> None:
    problem = only(ACCOUNTS + ORB + "    symbol: AD1!\n")

    assert "another exchange's AD" in problem.message


def test_symbol_outside_of_trades_is_refused() -> None:
    problem = only(ACCOUNTS + ORB + "    trades: [MES]\n    symbol: MNQ1!\n")

    assert "not among the symbols" in problem.message


# ---- one owner of a symbol (rule 3)

TWO = """\
strategies:
  one:
    accounts: [sim]
{one}  two:
    accounts: [sim]
{two}"""


def two(one: str = "", other: str = "") -> str:
    def lines(text: str) -> str:
        return "".join(f"    {line}\n" for line in text.splitlines())

    return ACCOUNTS + TWO.format(one=lines(one), two=lines(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("", ""),
        ("trades: [MES]", ""),
        ("", "trades: [MNQ]"),
        ("trades: [MES, MNQ]", "trades: [MESZ2026]"),
        ("trades: [6E1!]", "trades: ['@EC']"),
        ("shares_symbol: true", ""),
        ("trades: [MES]\nsymbols: {MES1!: MNQZ26}", "trades: [MNQ]"),
    ],
)
def test_two_strategies_that_could_trade_one_symbol_on_one_account_are_refused(one: str, other: str) -> None:
    problem = only(two(one, other))

    assert problem.field == "strategies.two"
    assert "two and one can both trade" in problem.message
    assert "shares_symbol: true in both" in problem.mend


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("trades: [MES]", "trades: [MNQ]"),
        ("shares_symbol: true", "shares_symbol: true"),
        ("trades: [MES]\nshares_symbol: true", "trades: [MES]\nshares_symbol: true"),
    ],
)
def test_two_strategies_that_keep_apart_or_share_on_purpose_pass(one: str, other: str) -> None:
    assert set(read(two(one, other)).strategies) == {"one", "two"}


def test_same_symbol_on_two_accounts_passes() -> None:
    text = two("trades: [EURUSD]", "trades: [EURUSD]\nquantity_unit: lots")
    parts = text.rsplit("accounts: [sim]", 1)

    assert set(read(parts[0] + "accounts: [fx]" + parts[1]).strategies) == {"one", "two"}


PANEL = """
panel:
  tradestation:
    AAPL: NASDAQ:AAPL
  tradelocker:
    EURUSD:
    XAUUSD: {type: commodity, pip_size: 0.1}
"""


def test_panel_lists_instruments_by_broker() -> None:
    settings = read_settings(ACCOUNTS + PANEL, "f.yaml", HOSTS, NOW_MS)

    assert settings.panel.find("tradestation", "AAPL").tradingview == "NASDAQ:AAPL"
    assert [one.symbol for one in settings.panel.listed("tradelocker")] == ["EURUSD", "XAUUSD"]
    assert settings.panel.find("tradelocker", "XAUUSD").pip_size == Decimal("0.1")


def test_panel_name_without_exchange_is_refused_with_its_line() -> None:
    with pytest.raises(SettingsProblems) as refused:
        read_settings(ACCOUNTS + "\npanel:\n  tradestation:\n    AAPL: AAPL\n", "f.yaml", HOSTS, NOW_MS)

    (problem,) = refused.value.problems
    assert "panel.tradestation.AAPL" in problem.field


def test_one_broker_name_for_two_symbols_of_tradingview_is_refused() -> None:
    text = "\npanel:\n  tradestation: {AAPL: 'NASDAQ:AAPL'}\n  tradelocker: {AAPL: 'BATS:AAPL'}\n"

    with pytest.raises(SettingsProblems, match="AAPL is NASDAQ:AAPL at TradeStation"):
        read_settings(ACCOUNTS + text, "f.yaml", HOSTS, NOW_MS)
