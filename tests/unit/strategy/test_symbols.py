"""Roots, lanes and the broker's name of an alert's symbol (TRADING.md rules 4 and 25)."""

from datetime import UTC, datetime

import pytest

from orderbridge.alerts.alert import Action, Alert, Refusal
from orderbridge.strategy.roots import EXCHANGE_ROOTS, SHARED_ROOTS, TRADESTATION_ROOTS
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from orderbridge.strategy.symbols import (
    BrokerName,
    FutureContract,
    Lookup,
    canonical_root,
    lane_of,
    parse_contract,
    root_for,
    same_root,
    wanted_symbol,
)

NOW_MS = int(datetime(2026, 11, 4, tzinfo=UTC).timestamp() * 1000)


def look(
    symbol: str,
    broker: BrokerName = "tradestation",
    exchange: str = "",
    account_map: dict[str, str] | None = None,
    strategy_map: dict[str, str] | None = None,
    default: str = "",
) -> Lookup | Refusal:
    route = AccountRoute("a", symbols=account_map or {})
    settings = StrategySettings("s", 1, (route,), symbol=default, symbols=strategy_map or {})
    alert = Alert(action=Action.BUY, symbol=symbol, exchange=exchange)
    return wanted_symbol(alert, settings, route, broker, NOW_MS)


def refused(answer: Lookup | Refusal) -> str:
    assert isinstance(answer, Refusal)
    return answer.code


@pytest.mark.parametrize(
    ("symbol", "root"),
    [
        ("MES1!", "MES"),
        ("CME_MINI:MES1!", "MES"),
        ("MES2!", "MES"),
        ("MESZ2026", "MES"),
        ("MESZ26", "MES"),
        ("MESZ6", "MES"),
        ("mesz26", "MES"),
        ("@MES", "MES"),
        ("@ES=102XN", "ES"),
        ("@ES.D", "ES"),
        ("ESZ26.D", "ES"),
        ("6E1!", "6E"),
        ("6EZ2026", "6E"),
        ("ECZ26", "6E"),
        ("@EC", "6E"),
        ("ZC1!", "ZC"),
        ("CZ26", "ZC"),
        ("MP1H27", "6M"),
        ("6MH2027", "6M"),
        ("TYH25", "ZN"),
        ("BRN1!", "B"),
        ("M2K1!", "M2K"),
        ("NASDAQ:AAPL", "AAPL"),
        ("aapl", "AAPL"),
        ("C", "C"),
        ("brk.b", "BRK.B"),
        ("FX:EURUSD", "EURUSD"),
        ("US30.cash", "US30.CASH"),
        ("HK50", "HK50"),
        ("EU50", "EU50"),
        ("DJ30", "DJ30"),
        ("CN50", "CN50"),
        ("CH20", "CH20"),
        ("GER40", "GER40"),
        ("NAS100", "NAS100"),
        ("BTCUSDT.P", "BTCUSDT.P"),
        ("$SPX.X", "$SPX.X"),
    ],
)
def test_symbol_in_any_notation_gives_its_root(symbol: str, root: str) -> None:
    assert canonical_root(symbol) == root


@pytest.mark.parametrize(("exchange_root", "theirs"), TRADESTATION_ROOTS.items())
def test_every_renamed_root_meets_its_tradestation_name_in_one_root(exchange_root: str, theirs: str) -> None:
    spellings = [f"{exchange_root}1!", f"{exchange_root}Z2026", f"{exchange_root}Z26", f"{theirs}Z26", f"@{theirs}"]

    assert {canonical_root(spelling) for spelling in spellings} == {exchange_root}


def test_renamed_roots_are_never_both_an_exchange_root_and_a_tradestation_root() -> None:
    assert len(EXCHANGE_ROOTS) == len(TRADESTATION_ROOTS)
    assert not set(EXCHANGE_ROOTS) & set(TRADESTATION_ROOTS)
    assert set(EXCHANGE_ROOTS) >= SHARED_ROOTS


def test_same_root_compares_futures_over_months_and_shares_by_name() -> None:
    assert same_root("MES1!", "MESZ26")
    assert same_root("6E1!", "ECH27")
    assert same_root("NASDAQ:AAPL", "AAPL")
    assert not same_root("MES1!", "ES1!")
    assert not same_root("C", "CZ26")


def test_lane_is_the_root_or_the_whole_account() -> None:
    assert lane_of("futures", "MES", whole_account=False) == "futures#MES"
    assert lane_of("demo", "EURUSD", whole_account=True) == "demo#*"


@pytest.mark.parametrize(
    ("symbol", "contract"),
    [
        ("MESZ2026", FutureContract("MES", 12, 2026)),
        ("CME_MINI:MESH27", FutureContract("MES", 3, 2027)),
        ("ECF27", FutureContract("6E", 1, 2027)),
        ("MESZ6", FutureContract("MES", 12, 2026)),
        ("MESZ5", FutureContract("MES", 12, 2025)),
        ("MESZ4", FutureContract("MES", 12, 2034)),
        ("AAPL", None),
        ("MES1!", None),
    ],
)
def test_dated_contract_is_read_in_every_notation(symbol: str, contract: FutureContract | None) -> None:
    assert parse_contract(symbol, NOW_MS) == contract


def test_contract_is_written_in_both_notations() -> None:
    contract = FutureContract("6E", 12, 2026)

    assert (contract.tradestation(), contract.tradingview()) == ("ECZ26", "6EZ2026")


@pytest.mark.parametrize(
    ("symbol", "found"),
    [
        ("AAPL", Lookup("AAPL")),
        ("MESZ2026", Lookup("MESZ26")),
        ("MESZ6", Lookup("MESZ26")),
        ("6EZ2026", Lookup("ECZ26")),
        ("ECZ26", Lookup("ECZ26")),
        ("CME:6EZ2026", Lookup("ECZ26")),
        ("MES1!", Lookup("@MES", continuous=True)),
        ("6E1!", Lookup("@EC", continuous=True)),
        ("BRN1!", Lookup("@BRN", continuous=True)),
        ("@MES", Lookup("@MES", continuous=True)),
        ("C", Lookup("C")),
    ],
)
def test_name_at_tradestation_is_the_same_name_in_its_notation(symbol: str, found: Lookup) -> None:
    assert look(symbol) == found


@pytest.mark.parametrize("symbol", ["EURUSD", "US30.cash", "MES1!", "ESZ2026"])
def test_name_at_tradelocker_is_exactly_the_alerts(symbol: str) -> None:
    assert look(symbol, broker="tradelocker") == Lookup(symbol)


def test_accounts_map_wins_over_the_strategys_and_both_over_the_name() -> None:
    strategy_map = {"MES1!": "MNQZ26"}

    assert look("MES1!", account_map={"MES1!": "ESZ26"}, strategy_map=strategy_map) == Lookup("ESZ26")
    assert look("MES1!", strategy_map=strategy_map) == Lookup("MNQZ26")
    assert look("mes1!", strategy_map=strategy_map) == Lookup("MNQZ26")


def test_map_row_with_the_exchange_wins_over_one_without() -> None:
    rows = {"EURUSD": "EURUSD", "OANDA:EURUSD": "EURUSD.o"}

    assert look("EURUSD", "tradelocker", exchange="OANDA", account_map=rows) == Lookup("EURUSD.o")
    assert look("EURUSD", "tradelocker", exchange="FX", account_map=rows) == Lookup("EURUSD")


def test_map_target_in_tradingviews_notation_is_translated() -> None:
    assert look("NQ1!", account_map={"NQ1!": "CME_MINI:MNQ1!"}) == Lookup("@MNQ", continuous=True)


def test_two_map_rows_that_fit_are_refused_by_both_names() -> None:
    answer = look("MES1!", account_map={"MES1!": "MESZ26", "mes1!": "MESH27"})

    assert refused(answer) == "symbol_ambiguous"
    assert isinstance(answer, Refusal)
    assert "MESZ26" in answer.message
    assert "MESH27" in answer.message


@pytest.mark.parametrize(
    ("symbol", "exchange", "code"),
    [
        ("", "", "symbol_missing"),
        ("MES2!", "", "symbol_not_tradable"),
        ("EC1!", "", "symbol_ambiguous"),
        ("C1!", "ICEEUR", "symbol_ambiguous"),
        ("NKZ2026", "", "symbol_ambiguous"),
        ("NK1!", "SGX", "symbol_exchange_unknown"),
        ("SI1!", "MOEX", "symbol_exchange_unknown"),
    ],
)
def test_future_that_could_be_another_product_is_refused(symbol: str, exchange: str, code: str) -> None:
    assert refused(look(symbol, exchange=exchange)) == code


def test_delayed_feed_of_a_known_exchange_is_the_same_product() -> None:
    assert look("MES1!", exchange="CME_MINI_DL") == Lookup("@MES", continuous=True)


def test_alert_without_symbol_takes_the_strategys() -> None:
    assert look("", default="CME_MINI:MES1!") == Lookup("@MES", continuous=True)


@pytest.mark.parametrize(
    ("symbol", "account_map", "root"),
    [("SPX", {"SPX": "US500"}, "US500"), ("MES1!", {"MES1!": "MESZ26"}, "MES"), ("MES2!", {}, "MES")],
)
def test_root_of_a_job_is_that_of_the_broker_symbol(symbol: str, account_map: dict[str, str], root: str) -> None:
    route = AccountRoute("a", symbols=account_map)
    settings = StrategySettings("s", 1, (route,))

    assert root_for(Alert(Action.BUY, symbol), settings, route, "tradestation", NOW_MS) == root


@pytest.mark.parametrize(
    ("symbol", "moment", "year"),
    [
        ("MESZ2041", datetime(2026, 11, 4, tzinfo=UTC), 2041),
        ("MESZ41", datetime(2026, 11, 4, tzinfo=UTC), 2041),
        ("MESZ5", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), 2025),
        ("MESZ5", datetime(2027, 1, 1, tzinfo=UTC), 2035),
        ("MESZ7", datetime(2027, 1, 1, tzinfo=UTC), 2027),
    ],
)
def test_year_of_a_contract_is_the_one_that_its_digits_say(symbol: str, moment: datetime, year: int) -> None:
    contract = parse_contract(symbol, int(moment.timestamp() * 1000))

    assert contract is not None
    assert contract.year == year


def test_map_may_name_a_contract_by_one_digit_of_its_year() -> None:
    assert look("NQ1!", strategy_map={"NQ1!": "MNQZ6"}) == Lookup("MNQZ26")


def test_exchange_of_the_alert_belongs_to_the_symbol_of_the_alert_only() -> None:
    assert look("", exchange="NSE", default="CME_MINI:MESZ2026") == Lookup("MESZ26")
    assert refused(look("NIFTYZ2026", exchange="NSE", default="CME_MINI:MESZ2026")) == "symbol_exchange_unknown"
    assert look("MESZ2026", default="NSE:NIFTYZ2026") == Lookup("MESZ26")


@pytest.mark.parametrize("exchange", ["CME_MINI_DLY", "CME_MINI_DL", "CME_MINI"])
def test_delayed_data_of_an_exchange_are_of_the_same_exchange(exchange: str) -> None:
    assert look("MESZ2026", exchange=exchange) == Lookup("MESZ26")


def test_refused_symbol_of_the_settings_has_its_own_root() -> None:
    route = AccountRoute("a")
    settings = StrategySettings("s", 1, (route,), symbol="CME_MINI:MES2!")

    assert root_for(Alert(Action.BUY, ""), settings, route, "tradestation", NOW_MS) == "MES"


HINT = "Name the dated contract in the alert, or map the symbol in the settings (accounts: symbols)."


@pytest.mark.parametrize(
    ("answer", "code", "message"),
    [
        (look(""), "symbol_missing", "The alert names no symbol and the strategy has none of its own."),
        (
            look("NQ1!", strategy_map={"NQ1!": "MNQ1!", "nq1!": "NQZ26"}),
            "symbol_ambiguous",
            "NQ1! is mapped to MNQ1! and NQZ26; one of them must go.",
        ),
        (
            look("NIFTYZ2026", exchange="NSE"),
            "symbol_exchange_unknown",
            "NSE:NIFTYZ2026 is a future of an exchange whose products TradeStation may list under other names.",
        ),
        (
            look("NIFTY1!", exchange="NSE"),
            "symbol_exchange_unknown",
            "NSE:NIFTY1! is a future of an exchange whose products TradeStation may list under other names.",
        ),
        (
            look("ECZ2026"),
            "symbol_ambiguous",
            "EC in ECZ2026 can be TradeStation's EC (the exchange's 6E) or another exchange's EC.",
        ),
        (
            look("MES2!"),
            "symbol_not_tradable",
            "MES2! is a later continuous month; no broker trades it and its contract is not known here.",
        ),
    ],
)
def test_refused_symbol_is_told_with_the_mend(answer: Lookup | Refusal, code: str, message: str) -> None:
    assert answer == Refusal(code, "ticker", message, HINT)
