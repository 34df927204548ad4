"""Quotes, symbols, bars and the v2 symbol searches (section 4.3 and 11)."""

from decimal import Decimal

import pytest

from tests.sandbox.tradestation.caller import Caller

LISTED = (
    "MSFT", "AAPL", "SPY", "TSLA", "MESZ26", "MESH27", "ESZ26", "MNQZ26", "NQZ26", "MGCZ26", "CLF27", "TYZ26", "ECZ26",
    "@MES", "@ES", "@MNQ", "@TY",
)  # fmt: skip


def test_every_symbol_has_a_quote_on_its_increment() -> None:
    caller = Caller()
    quotes = caller.get(f"/marketdata/quotes/{','.join(LISTED)}")
    symbols = caller.get(f"/marketdata/symbols/{','.join(LISTED)}")
    increments = {row["Symbol"]: Decimal(row["PriceFormat"]["Increment"]) for row in symbols["Symbols"]}
    assert [row["Symbol"] for row in quotes["Quotes"]] == list(LISTED)
    for row in quotes["Quotes"]:
        bid, ask, last = (Decimal(row[name]) for name in ("Bid", "Ask", "Last"))
        assert bid <= last <= ask
        assert all(price % increments[row["Symbol"]] == 0 for price in (bid, ask, last))


def test_unknown_symbol_is_an_error_beside_the_others() -> None:
    reply = Caller().get("/marketdata/quotes/MSFT,INVALID")
    assert [row["Symbol"] for row in reply["Quotes"]] == ["MSFT"]
    assert reply["Errors"] == [{"Symbol": "INVALID", "Error": "FAILED, INVALID SYMBOL"}]


@pytest.mark.parametrize(("what", "most"), [("quotes", 100), ("symbols", 50)])
def test_batch_is_limited(what: str, most: int) -> None:
    caller = Caller()
    assert caller.send("GET", f"/v3/marketdata/{what}/{','.join(['MSFT'] * most)}").status == 200
    assert caller.send("GET", f"/v3/marketdata/{what}/{','.join(['MSFT'] * (most + 1))}").status == 400


def test_continuous_future_names_its_contract_and_has_its_price() -> None:
    caller = Caller()
    caller.price("MESZ26", {"bid": 7000, "ask": 7000.25, "last": 7000})
    [symbol] = caller.get("/marketdata/symbols/%40MES")["Symbols"]
    [quote] = caller.get("/marketdata/quotes/@MES")["Quotes"]
    assert (symbol["Underlying"], quote["Last"]) == ("MESZ26", "7000")


def test_continuous_future_can_roll() -> None:
    caller = Caller()
    caller.price("@MES", {"front": "MESH27"})
    caller.price("MESH27", 7100)
    [symbol] = caller.get("/marketdata/symbols/@MES")["Symbols"]
    [quote] = caller.get("/marketdata/quotes/@MES")["Quotes"]
    assert (symbol["Underlying"], quote["Last"]) == ("MESH27", "7100")


def test_symbol_details_have_the_formats_of_the_recordings() -> None:
    rows = Caller().get("/marketdata/symbols/TYZ26,MSFT,MSFT%20261218C450")["Symbols"]
    assert rows[0]["PriceFormat"] == {
        "Format": "SubFraction",
        "Fraction": "32",
        "SubFraction": "2",
        "IncrementStyle": "Simple",
        "Increment": "0.015625",
        "PointValue": "1000",
    }
    assert rows[0]["ExpirationDate"] == "2026-12-21T00:00:00Z"
    assert rows[1]["QuantityFormat"]["MinimumTradeQuantity"] == "1"
    assert (rows[2]["AssetType"], rows[2]["StrikePrice"], rows[2]["OptionType"]) == ("STOCKOPTION", "450", "CALL")


def test_flags_are_shown() -> None:
    caller = Caller()
    caller.price("MSFT", {"halted": True, "delayed": True})
    [row] = caller.get("/marketdata/quotes/MSFT")["Quotes"]
    assert row["MarketFlags"] == {"IsDelayed": True, "IsHardToBorrow": False, "IsBats": False, "IsHalted": True}


def test_bars_are_the_same_each_time_and_end_with_history() -> None:
    first, second = (Caller().get("/marketdata/barcharts/MSFT?unit=Daily&barsback=5")["Bars"] for _ in range(2))
    assert first == second
    assert [bar["IsEndOfHistory"] for bar in first] == [False] * 4 + [True]
    assert [bar["TimeStamp"][:10] for bar in first] == [
        "2026-07-08",
        "2026-07-09",
        "2026-07-10",
        "2026-07-13",
        "2026-07-14",
    ]
    for bar in first:
        low, high = Decimal(bar["Low"]), Decimal(bar["High"])
        assert low <= Decimal(bar["Open"]) <= high
        assert low <= Decimal(bar["Close"]) <= high


def test_open_bar_closes_at_the_last_price() -> None:
    caller = Caller()
    caller.price("MESZ26", 6950)
    [bar] = caller.get("/marketdata/barcharts/MESZ26?unit=Minute&interval=5")["Bars"]
    assert (bar["Close"], bar["BarStatus"], bar["TimeStamp"]) == ("6950", "Open", "2026-07-14T14:35:00Z")


def test_bars_between_two_dates() -> None:
    query = "unit=Minute&interval=60&firstdate=2026-07-14T10:00:00Z&lastdate=2026-07-14T13:00:00Z"
    bars = Caller().get(f"/marketdata/barcharts/MSFT?{query}")["Bars"]
    assert [bar["TimeStamp"][11:16] for bar in bars] == ["10:00", "11:00", "12:00", "13:00"]


@pytest.mark.parametrize("unit", ["Weekly", "Monthly"])
def test_longer_bars_are_one_a_period(unit: str) -> None:
    bars = Caller().get(f"/marketdata/barcharts/MSFT?unit={unit}&barsback=3")["Bars"]
    assert len({bar["TimeStamp"] for bar in bars}) == 3


@pytest.mark.parametrize(
    "query",
    [
        "unit=Hourly",
        "unit=Minute&interval=1441",
        "unit=Daily&interval=2",
        "barsback=5&firstdate=2026-07-01",
        "unit=Minute&barsback=57601",
        "barsback=x",
        "firstdate=someday",
    ],
)
def test_bad_bar_request_is_a_400(query: str) -> None:
    assert Caller().send("GET", f"/v3/marketdata/barcharts/MSFT?{query}").status == 400


def test_v2_suggest_and_search() -> None:
    caller = Caller()
    suggested = caller.send("GET", "/v2/data/symbols/suggest/MES?$top=2").json()
    found = caller.send("GET", "/v2/data/symbols/search/C=FU&R=ES").json()
    assert [row["Name"] for row in suggested] == ["MESZ26", "MESH27"]
    assert [row["Name"] for row in found] == ["ESZ26", "@ES"]
