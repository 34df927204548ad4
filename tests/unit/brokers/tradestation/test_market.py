"""Symbols, quotes and bars."""

from decimal import Decimal

import pytest

from orderbridge.brokers.tradestation import market
from orderbridge.brokers.tradestation.symbols import in_path, kind_of
from orderbridge.errors import BrokerUnavailableError, NotSupportedError, UnknownSymbolError
from orderbridge.model import PriceStep
from tests.unit.brokers.tradestation.bodies import body

D = Decimal


@pytest.mark.parametrize(
    ("symbol", "kind"),
    [
        ("MSFT", "stock"),
        ("BRK.B", "stock"),
        ("F", "stock"),
        ("S", "stock"),
        ("MESZ26", "future"),
        ("TYH25", "future"),
        ("MP1Z26", "future"),
        ("ESZ26.D", "future"),
        ("MSFT 220916C305", "option"),
        ("INTC 250411P20.5", "option"),
        ("@ES", "data"),
        ("$SPX.X", "data"),
    ],
)
def test_symbol_form_tells_its_kind(symbol: str, kind: str) -> None:
    assert kind_of(symbol) == kind
    assert kind_of(symbol.lower()) == kind


@pytest.mark.parametrize(
    ("part", "quoted"),
    [
        ("MSFT 220916C305", "MSFT%20220916C305"),
        ("@ES", "@ES"),
        ("../x", "..%2Fx"),
        ("..", "%2E%2E"),
        ("A?b#c", "A%3Fb%23c"),
    ],
)
def test_path_part_cannot_leave_its_place(part: str, quoted: str) -> None:
    assert in_path(part) == quoted


def test_future_gives_tick_point_value_and_expiry() -> None:
    found = market.instrument(body("symbols"), "MESZ26")
    assert found.price_steps == (PriceStep(None, D("0.25")),)
    assert (found.units_per_quantity, found.asset_type, found.tradable) == (D(5), "future", True)
    assert found.expires_at_ms == 1_797_552_000_000
    assert found.front_contract is None


def test_continuous_future_is_not_tradable_and_names_its_front_contract() -> None:
    found = market.instrument(body("symbols"), "@TY")
    assert (found.tradable, found.front_contract, found.tick_at(D(108))) == (False, "TYM26", D("0.015625"))


def test_option_schedule_gives_its_tick_by_price() -> None:
    found = market.instrument(body("symbols"), "TLT 260409P90")
    assert [found.tick_at(D(price)) for price in ("0.5", "2.99", "3", "7")] == [
        D("0.01"),
        D("0.01"),
        D("0.05"),
        D("0.05"),
    ]
    assert found.front_contract is None


def test_index_is_data_only() -> None:
    assert not market.instrument(body("symbols"), "$SPX.X").tradable


def test_symbol_is_found_whatever_its_case() -> None:
    assert market.instrument(body("symbols"), "msft").symbol == "MSFT"


def test_symbol_that_the_reply_does_not_have_is_unknown() -> None:
    with pytest.raises(UnknownSymbolError):
        market.instrument(body("symbols"), "MSF")
    with pytest.raises(UnknownSymbolError):
        market.quote(body("quotes"), "INVALID")
    with pytest.raises(UnknownSymbolError):
        market.quote({"Errors": [{"Symbol": "X", "Error": "FAILED, INVALID SYMBOL"}]}, "X")


def test_error_that_is_not_about_the_symbol_is_no_proof_that_it_is_unknown() -> None:
    with pytest.raises(BrokerUnavailableError):
        market.quote({"Quotes": [], "Errors": [{"Symbol": "MSFT", "Error": "Not entitled to data"}]}, "MSFT")


def test_quote_has_prices_and_flags_and_zero_is_no_price() -> None:
    found = market.quote(body("quotes"), "MSFT")
    assert (found.bid, found.ask, found.last, found.reference) == (D("412.83"), D("412.87"), D("412.85"), D("412.85"))
    assert (found.delayed, found.halted, found.time_ms) == (False, False, 1_772_464_754_000)
    halted = market.quote(body("quotes"), "HALT")
    assert (halted.bid, halted.ask, halted.delayed, halted.halted) == (None, None, True, True)


@pytest.mark.parametrize(
    ("resolution", "params"),
    [
        ("1", {"unit": "Minute", "interval": "1"}),
        ("240", {"unit": "Minute", "interval": "240"}),
        ("1D", {"unit": "Daily", "interval": "1"}),
        ("D", {"unit": "Daily", "interval": "1"}),
        ("1W", {"unit": "Weekly", "interval": "1"}),
        ("M", {"unit": "Monthly", "interval": "1"}),
    ],
)
def test_resolution_has_its_interval(resolution: str, params: dict[str, str]) -> None:
    assert market.interval_of(resolution).params == params


@pytest.mark.parametrize("resolution", ["0", "1441", "2D", "30S", "", "x"])
def test_resolution_that_tradestation_does_not_have_is_refused(resolution: str) -> None:
    with pytest.raises(NotSupportedError):
        market.interval_of(resolution)


def test_bars_carry_their_opening_time() -> None:
    minutes = market.bars(body("bars_minute"), market.interval_of("5"))
    assert [bar.time_ms for bar in minutes] == [1_774_445_400_000, 1_774_445_700_000]
    days = market.bars(body("bars_daily"), market.interval_of("1D"))
    assert [bar.time_ms % 86_400_000 for bar in days] == [0, 0]
    assert (days[0].open, days[0].high, days[0].low, days[0].close) == (
        D("393.92"),
        D("396.36"),
        D("392.64"),
        D("395.16"),
    )


def test_weekly_and_monthly_bars_open_on_monday_and_on_the_first() -> None:
    bar = {**body("bars_daily")["Bars"][0], "TimeStamp": "2026-03-27T20:00:00Z"}
    (week,) = market.bars({"Bars": [bar]}, market.interval_of("1W"))
    (month,) = market.bars({"Bars": [bar]}, market.interval_of("1M"))
    assert week.time_ms == 1_774_224_000_000  # 2026-03-23
    assert month.time_ms == 1_772_323_200_000  # 2026-03-01
