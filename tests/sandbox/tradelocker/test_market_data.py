"""Instruments, routes, sessions, quotes and bars."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.tradelocker.caller import AAPL, BTCUSD, EURUSD, START_MS, XAUUSD, Caller

DAY = 86_400_000
JANUARY_2023 = 1_672_531_200_000
"""Sunday 1 January 2023, 00:00 UTC."""


def bars(caller: Caller, tid: int, resolution: str, from_ms: int, to_ms: int) -> Any:
    route = caller.info_routes(tid)[-1]
    query = f"routeId={route}&tradableInstrumentId={tid}&resolution={resolution}&from={from_ms}&to={to_ms}"
    return caller.call("GET", f"/history?{query}").json()


def quote(caller: Caller, tid: int, route: int) -> Any:
    return caller.call("GET", f"/quotes?routeId={route}&tradableInstrumentId={tid}").json()


def details(caller: Caller, tid: int) -> Any:
    return caller.get(f"/instruments/{tid}?routeId={caller.info_routes(tid)[0]}&locale=en")


def test_ids_are_those_of_the_demo_cluster_and_the_list_tells_no_lot_size() -> None:
    listed = {one["name"]: one for one in Caller().get("/accounts/{a}/instruments")["instruments"]}

    assert (listed["EURUSD"]["tradableInstrumentId"], listed["EURUSD"]["id"]) == (278, 315)
    assert listed["BTCUSD"]["tradableInstrumentId"] == 206
    wanted = {"GBPUSD", "USDJPY", "ETHUSD", "LTCUSD", "DOGEUSD", "XAUUSD", "NAS100", "US30", "AAPL", "MES", "ZN"}
    assert wanted <= set(listed)
    assert {"lotSize", "lotStep", "tickSize", "minLot"}.isdisjoint(listed["EURUSD"])


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("plain", ["EURUSD"]),
        ("with_x", ["EURUSD", "EURUSD.X"]),
        ("only_x", ["EURUSD.X"]),
        ("only_x_and_r", ["EURUSD.X", "EURUSD.R"]),
    ],
)
def test_suffixed_names_exist_as_switched(names: str, expected: list[str]) -> None:
    listed = Caller({"eurusd_names": names}).get("/accounts/{a}/instruments")["instruments"]

    assert [one["name"] for one in listed if one["name"].startswith("EURUSD")] == expected


def test_routes_differ_between_users_and_belong_to_their_user() -> None:
    first, second = Caller(), Caller(user=1)

    assert first.trade_route(EURUSD) != second.trade_route(EURUSD)
    assert quote(first, EURUSD, second.info_routes(EURUSD)[0])["s"] == "error"


def test_trade_route_serves_details_but_no_quotes() -> None:
    caller = Caller()
    route = caller.trade_route(EURUSD)

    assert caller.get(f"/instruments/{EURUSD}?routeId={route}")["name"] == "EURUSD"
    assert quote(caller, EURUSD, route)["s"] == "error"


def test_first_info_route_is_dead_where_switched() -> None:
    caller = Caller({"info_routes": "first_dead"})

    answers = [quote(caller, BTCUSD, route)["s"] for route in caller.info_routes(BTCUSD)]

    assert answers == ["error", "ok"]
    assert len(Caller({"info_routes": "one"}).info_routes(BTCUSD)) == 1


def test_details_say_lots_ticks_and_currencies() -> None:
    euro, apple = details(Caller(), EURUSD), details(Caller(), AAPL)

    assert (euro["lotSize"], euro["lotStep"], euro["minLot"], euro["maxLot"]) == (
        100000,
        Decimal("0.01"),
        Decimal("0.01"),
        50,
    )
    assert (euro["quotingCurrency"], euro["leverage"]) == ("USD", "30.00")
    assert [(band["leftRangeLimit"], str(band["tickSize"])) for band in apple["tickSize"]] == [
        (None, "0.0001"),
        (1, "0.01"),
    ]
    assert list(euro) == sorted(euro)
    assert len(euro) == 41


def test_details_need_a_known_route_and_locale() -> None:
    caller = Caller()

    for query in ("", "?routeId=1", f"?routeId={caller.trade_route(EURUSD)}&locale=xx"):
        assert caller.call("GET", f"/instruments/{EURUSD}{query}").json()["s"] == "error"


def test_quotes_have_four_numbers_and_no_time() -> None:
    caller = Caller()

    answer = quote(caller, BTCUSD, caller.info_routes(BTCUSD)[0])["d"]

    assert list(answer) == ["ap", "as", "bp", "bs"]
    assert (answer["ap"], answer["bp"]) == (Decimal("77261.7"), Decimal("77260.5"))


def test_depth_is_sorted_away_from_the_quote() -> None:
    caller = Caller()

    depth = caller.get(f"/depth?routeId={caller.info_routes(BTCUSD)[0]}&tradableInstrumentId={BTCUSD}")

    asks, bids = ([level[0] for level in depth[side]] for side in ("asks", "bids"))
    assert asks == [Decimal("77261.7"), Decimal("77261.71"), Decimal("77261.72")]
    assert bids == [Decimal("77260.5"), Decimal("77260.49"), Decimal("77260.48")]


def test_daily_bar_closes_at_the_side_that_is_asked() -> None:
    caller = Caller()
    query = f"routeId={caller.info_routes(BTCUSD)[0]}&tradableInstrumentId={BTCUSD}"

    ask, bid = (caller.get(f"/dailyBar?{query}&barType={side}") for side in ("ASK", "BID"))

    assert (ask["c"], bid["c"]) == (Decimal("77261.7"), Decimal("77260.5"))
    assert ask["l"] <= min(ask["o"], ask["c"]) <= ask["h"]
    assert caller.call("GET", f"/dailyBar?{query}&barType=MID").json()["s"] == "error"
    assert caller.call("GET", f"/dailyBar?{query}").json()["s"] == "error"


@pytest.mark.parametrize(
    ("resolution", "from_ms", "to_ms", "count"),
    [
        ("1D", JANUARY_2023 - 3 * 365 * DAY, JANUARY_2023, 1096),
        ("1H", JANUARY_2023, JANUARY_2023 + DAY, 25),
        ("15m", JANUARY_2023 + 1, JANUARY_2023 + DAY, 96),
        ("1M", JANUARY_2023, JANUARY_2023 + 364 * DAY, 12),
        ("1W", JANUARY_2023, JANUARY_2023 + 28 * DAY, 4),
    ],
)
def test_bars_fill_the_range_with_both_ends(resolution: str, from_ms: int, to_ms: int, count: int) -> None:
    found = bars(Caller(), BTCUSD, resolution, from_ms, to_ms)["d"]["barDetails"]

    assert len(found) == count
    assert all(from_ms <= bar["t"] <= to_ms for bar in found)
    assert all(bar["l"] <= min(bar["o"], bar["c"]) <= max(bar["o"], bar["c"]) <= bar["h"] for bar in found)


def test_bars_are_the_same_at_every_request_and_end_with_now() -> None:
    caller = Caller()

    first, second = (bars(caller, EURUSD, "1H", START_MS - DAY, START_MS + DAY) for _ in range(2))

    assert first == second
    assert first["d"]["barDetails"][-1]["t"] == START_MS - START_MS % 3_600_000


def test_weekend_has_no_bars_and_names_the_last_one_before() -> None:
    saturday = JANUARY_2023 + 6 * DAY

    answer = bars(Caller(), EURUSD, "1H", saturday, saturday + DAY - 1)

    assert answer == {"s": "no_data", "nb": saturday - 3 * 3_600_000}
    assert bars(Caller({"nb_unit": "s"}), EURUSD, "1H", saturday, saturday)["nb"] == saturday // 1000 - 3 * 3600
    assert "nb" not in bars(Caller({"nb_unit": "absent"}), EURUSD, "1H", saturday, saturday)


def test_more_bars_than_the_limit_are_refused() -> None:
    caller = Caller({"history_bars": 20000})

    answers = [bars(caller, BTCUSD, "1m", JANUARY_2023, JANUARY_2023 + count * 60_000)["s"] for count in (20000, 20001)]

    assert answers == ["ok", "error"]
    limits = {one["limitType"]: one["limit"] for one in caller.get("/config")["limits"]}
    assert limits == {"QUOTES_HISTORY_BARS": 20000, "MAX_ORDERS_COUNT_IN_HISTORY": 10000}


@pytest.mark.parametrize(
    "change", ["resolution=2H", "from=x", "from=1672531200001", "routeId=1", "tradableInstrumentId=1"]
)
def test_bad_history_request_is_refused(change: str) -> None:
    caller = Caller()
    query = f"routeId={caller.info_routes(EURUSD)[0]}&tradableInstrumentId={EURUSD}&resolution=1D"
    query += f"&from={JANUARY_2023}&to={JANUARY_2023}"

    assert caller.call("GET", f"/history?{query}&{change}").json()["s"] == "error"


def test_closed_session_shows_in_details_and_session_status() -> None:
    caller = Caller()
    caller.control("session", {"XAUUSD": "CLOSED"})

    gold = details(caller, XAUUSD)

    assert gold["symbolStatus"] == "CLOSED"
    status = caller.get(f"/sessionStatuses/{gold['tradeSessionStatusId']}")
    assert status == {"allowedOperations": [0, 0, 1], "allowedOrderTypes": [0, 0, 0, 0, 0, 0]}
    session = caller.get(f"/sessions/{gold['tradeSessionId']}")
    assert session["blockTrading"] is False
    assert {"day": "MONDAY", "start": "00:00", "end": "21:00"} in session["sessionPeriods"]


@pytest.mark.parametrize(("times", "end"), [("minutes", 1260), ("absent", None)])
def test_session_tells_its_times_as_switched(times: str, end: int | None) -> None:
    caller = Caller({"session_times": times})

    session = caller.get(f"/sessions/{details(caller, XAUUSD)['tradeSessionId']}")

    assert session.get("sessionPeriods", [{"end": None}])[0]["end"] == end


def test_unknown_session_is_refused() -> None:
    caller = Caller()

    assert caller.call("GET", "/sessions/1").json()["s"] == "error"
    assert caller.call("GET", "/sessionStatuses/1").json()["s"] == "error"


@pytest.mark.parametrize(
    ("tid", "hours", "status"),
    [
        (EURUSD, 0, "FULLY_OPEN"),
        (EURUSD, 31, "CLOSED"),
        (BTCUSD, 31, "FULLY_OPEN"),
        (XAUUSD, 6, "CLOSED"),
        (XAUUSD, 7, "FULLY_OPEN"),
        (AAPL, 5, "FULLY_OPEN"),
        (AAPL, 6, "CLOSED"),
    ],
)
def test_calendar_closes_markets_where_switched_on(tid: int, hours: int, status: str) -> None:
    caller = Caller({"sessions": "calendar", "access_token_minutes": 10000})
    caller.clock.advance(hours * 3_600_000)

    assert details(caller, tid)["symbolStatus"] == status
