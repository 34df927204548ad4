"""Names are exact, sizes come from the details, and nothing is guessed."""

from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.tradelocker.instruments import read_details, read_directory
from orderbridge.errors import AmbiguousSymbolError, BrokerUnavailableError, UnknownSymbolError
from orderbridge.model import Instrument, PriceStep
from tests.unit.brokers.tradelocker.fake import instrument, recorded


def _details(**changes: object) -> dict[str, Any]:
    parsed = {"lotStep": Decimal("0.01"), "minLot": Decimal("0.01")}
    parsed["tickSize"] = [{"leftRangeLimit": None, "tickSize": Decimal("0.01")}]  # type: ignore[assignment]
    return {**recorded("details_btcusd")["d"], **parsed, **changes}


LISTING = read_directory([instrument(206, "BTCUSD")]).find("BTCUSD")


def test_listed_instrument_has_its_ids_and_routes_as_text() -> None:
    routes = [{"id": 452, "type": "INFO"}, {"id": "453", "type": "INFO"}, {"id": 9912, "type": "TRADE"}]

    listing = read_directory([instrument(206, "BTCUSD", routes=routes, barSource="ASK")]).find("BTCUSD")

    assert (listing.instrument_id, listing.trade_route, listing.info_routes) == ("206", "9912", ("452", "453"))
    assert listing.bar_source == "ASK"


def test_instrument_without_a_trade_route_cannot_be_traded() -> None:
    listing = read_directory([instrument(7, "VIX", routes=[{"id": 1, "type": "INFO"}])]).find("VIX")

    with pytest.raises(UnknownSymbolError, match="TRADE route"):
        _ = listing.trade_route


def test_two_instruments_of_one_name_are_ambiguous_and_each_has_a_name_of_its_own() -> None:
    directory = read_directory([instrument(206, "BTCUSD"), instrument(901, "BTCUSD"), instrument(278, "EURUSD")])

    with pytest.raises(AmbiguousSymbolError, match="BTCUSD#206 and BTCUSD#901"):
        directory.find("BTCUSD")
    assert directory.find("BTCUSD#901").instrument_id == "901"
    assert directory.symbols == {"206": "BTCUSD#206", "901": "BTCUSD#901", "278": "EURUSD"}


def test_exact_name_wins_over_names_with_a_suffix() -> None:
    directory = read_directory([instrument(278, "EURUSD"), instrument(1278, "EURUSD.X"), instrument(2278, "EURUSD.R")])

    assert directory.find("EURUSD").instrument_id == "278"


def test_two_names_with_a_suffix_are_ambiguous() -> None:
    directory = read_directory([instrument(1278, "EURUSD.X"), instrument(2278, "EURUSD.R")])

    with pytest.raises(AmbiguousSymbolError) as caught:
        directory.find("EURUSD")
    assert caught.value.candidates == ("EURUSD.X", "EURUSD.R")


def test_single_name_with_a_suffix_is_told_and_not_taken() -> None:
    with pytest.raises(UnknownSymbolError, match=r"EURUSD\.X"):
        read_directory([instrument(1278, "EURUSD.X")]).find("EURUSD")


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC", "", "#206"])
def test_other_name_is_unknown(symbol: str) -> None:
    with pytest.raises(UnknownSymbolError):
        read_directory([instrument(206, "BTCUSD")]).find(symbol)


@pytest.mark.parametrize("entries", [None, "x", [{"name": "BTCUSD"}], [{"tradableInstrumentId": 1}], [[206, "BTCUSD"]]])
def test_list_of_another_shape_is_unavailable(entries: object) -> None:
    with pytest.raises(BrokerUnavailableError):
        read_directory(entries)


def test_observed_details_give_steps_sizes_and_currency() -> None:
    details = read_details("BTCUSD", LISTING, _details())

    assert details.instrument == Instrument(
        symbol="BTCUSD",
        description="Bitcoin vs US Dollar",
        asset_type="crypto",
        currency="USD",
        price_steps=(PriceStep(None, Decimal("0.01")),),
        quantity_step=Decimal("0.01"),
        min_quantity=Decimal("0.01"),
        max_quantity=None,
        units_per_quantity=Decimal(1),
        broker_ref="206",
    )
    assert (details.session_id, details.session_status_id, details.stopped) == ("1547", "20", False)


def test_lot_size_is_units_per_lot_and_not_the_step() -> None:
    found = read_details("XMRUSD", LISTING, _details(lotSize=10)).instrument

    assert (found.units_per_quantity, found.quantity_step) == (Decimal(10), Decimal("0.01"))


def test_banded_ticks_apply_from_their_left_limit() -> None:
    bands = [
        {"leftRangeLimit": 1, "tickSize": Decimal("0.01")},
        {"leftRangeLimit": None, "tickSize": Decimal("0.0001")},
    ]

    found = read_details("X", LISTING, _details(tickSize=bands)).instrument

    assert found.tick_at(Decimal("0.5")) == Decimal("0.0001")
    assert found.tick_at(Decimal(1)) == Decimal("0.01")


@pytest.mark.parametrize("key", ["lotSize", "lotStep", "minLot"])
@pytest.mark.parametrize("value", [None, 0, "x", True])
def test_missing_size_is_never_guessed(key: str, value: object) -> None:
    with pytest.raises(BrokerUnavailableError, match=key):
        read_details("BTCUSD", LISTING, _details(**{key: value}))


@pytest.mark.parametrize("bands", [None, [], [{"leftRangeLimit": None, "tickSize": 0}], [None]])
def test_missing_tick_is_never_guessed(bands: object) -> None:
    with pytest.raises(BrokerUnavailableError, match="tickSize"):
        read_details("BTCUSD", LISTING, _details(tickSize=bands))


@pytest.mark.parametrize(
    ("status", "stopped"), [("FULLY_OPEN", False), ("CLOSED", True), ("TRADING_HALT", True), (None, False)]
)
def test_symbol_status_tells_whether_trading_is_stopped(status: str | None, stopped: bool) -> None:
    assert read_details("BTCUSD", LISTING, _details(symbolStatus=status)).stopped is stopped


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1798675200000, 1798675200000),
        ("1798675200000", 1798675200000),
        ("2026-12-31", 1798675200000),
        ("2026-12-31T00:00:00Z", 1798675200000),
        ("soon", None),
        (None, None),
    ],
)
def test_last_trade_date_is_understood_in_the_usual_forms(value: object, expected: int | None) -> None:
    assert read_details("X", LISTING, _details(lastTradeDate=value)).instrument.expires_at_ms == expected
