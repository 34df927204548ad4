"""Sessions: closed, extended, halted; by control and by the exchange's hours (items 5 and 9; section 12)."""

from datetime import UTC, datetime

import pytest

from sandbox.tradestation import eastern
from sandbox.tradestation.instruments import LISTED, find
from sandbox.tradestation.sessions import Sessions
from sandbox.tradestation.switches import Switches
from tests.sandbox.tradestation.caller import FUTURES, Caller, limit, order, refusal, stop

HOUR_MS = 3_600_000


def at(text: str) -> int:
    """Give the epoch ms of a New York wall time."""
    return eastern.to_ms(datetime.fromisoformat(text))


def test_order_while_closed_is_queued_and_fills_at_the_opening() -> None:
    caller = Caller()
    caller.control("session", {"STOCK": "closed"})
    [order_id] = caller.placed(order())
    row = caller.row(order_id)
    assert (row["Status"], row["StatusDescription"]) == ("DON", "Queued")
    caller.control("session", {"STOCK": "open"})
    assert caller.status(order_id) == "FLL"


def test_closing_ends_the_day_of_what_works() -> None:
    caller = Caller()
    [day], [gtc] = caller.placed(limit("BUY", "400.00")), caller.placed(limit("BUY", "400.00", duration="GTC"))
    [future] = caller.placed(limit("BUY", "6800.00", "1", "MESZ26"))
    caller.control("session", {"STOCK": "closed"})
    assert (caller.status(day), caller.status(gtc), caller.status(future, FUTURES)) == ("EXP", "DON", "ACK")


def test_order_placed_while_closed_outlives_an_unrelated_change() -> None:
    caller = Caller()
    caller.control("session", {"STOCK": "closed"})
    [order_id] = caller.placed(order())
    caller.control("session", {"MESZ26": "closed"})
    assert caller.status(order_id) == "DON"


def test_one_symbol_can_close_alone() -> None:
    caller = Caller()
    caller.control("session", {"MSFT": "closed"})
    caller.placed(order())
    caller.placed(order(symbol="AAPL"))
    assert (caller.held("MSFT"), caller.held("AAPL")) == (None, "10")


def test_extended_session_fills_only_plus_limit_orders() -> None:
    caller = Caller()
    caller.control("session", {"STOCK": "extended"})
    [plus] = caller.placed(limit("BUY", "420.00", duration="DYP"))
    [plain] = caller.placed(limit("BUY", "420.00"))
    [market] = caller.placed(order(duration="DYP"))
    assert [caller.status(each) for each in (plus, plain, market)] == ["FLL", "DON", "DON"]


def test_stop_sleeps_in_the_extended_session() -> None:
    caller = Caller()
    caller.placed(order())
    [order_id] = caller.placed(stop("SELL", "400.00", duration="GTC"))
    caller.control("session", {"STOCK": "extended"})
    caller.price("MSFT", "390.00")
    assert caller.status(order_id) == "ACK"
    caller.control("session", {"STOCK": "open"})
    assert caller.status(order_id) == "FLL"


def test_plus_market_orders_can_be_refused() -> None:
    caller = Caller(extended_market_orders="refused")
    assert "Only limit orders" in refusal(caller.place(order(duration="DYP")))


def test_halted_symbol_fills_nothing_and_expires_nothing() -> None:
    caller = Caller()
    caller.price("MSFT", {"halted": True})
    [order_id] = caller.placed(order())
    assert caller.status(order_id) == "ACK"
    caller.price("MSFT", {"halted": False})
    assert caller.status(order_id) == "FLL"


@pytest.mark.parametrize(
    ("symbol", "moment", "state"),
    [
        ("MSFT", "2026-07-14T09:29:59", "extended"),
        ("MSFT", "2026-07-14T09:30", "open"),
        ("MSFT", "2026-07-14T16:00", "extended"),
        ("MSFT", "2026-07-14T20:00", "closed"),
        ("MSFT", "2026-07-18T12:00", "closed"),
        ("MSFT", "2026-03-09T09:30", "open"),
        ("MESZ26", "2026-07-14T16:59", "open"),
        ("MESZ26", "2026-07-14T17:00", "closed"),
        ("MESZ26", "2026-07-14T18:00", "open"),
        ("MESZ26", "2026-07-17T17:00", "closed"),
        ("MESZ26", "2026-07-19T17:59", "closed"),
        ("MESZ26", "2026-07-19T18:00", "open"),
        ("MSFT 261218C450", "2026-07-14T08:00", "closed"),
    ],
)
def test_hours_of_the_exchange(symbol: str, moment: str, state: str) -> None:
    instrument = find(symbol)
    assert instrument is not None
    assert Sessions(Switches({"session_hours": "exchange"})).state(instrument, at(moment)) == state


def test_premarket_start_is_a_switch() -> None:
    early, late = (
        Sessions(Switches({"session_hours": "exchange", "premarket_start": at_})) for at_ in ("04:00", "08:00")
    )
    moment = at("2026-07-14T07:00")
    assert (early.state(LISTED["MSFT"], moment), late.state(LISTED["MSFT"], moment)) == ("extended", "closed")


def test_market_order_on_the_weekend_waits_for_monday() -> None:
    caller = Caller(session_hours="exchange")
    caller.advance(at("2026-07-18T12:00") - caller.clock.now_ms())
    [order_id] = caller.placed(order())
    assert caller.booked(order_id)["status"] == "DON"
    caller.advance(at("2026-07-20T09:29:59") - caller.clock.now_ms())
    assert caller.booked(order_id)["status"] == "DON"
    caller.advance(1_000)
    assert caller.booked(order_id)["status"] == "FLL"


def test_gtc_stop_works_again_the_next_morning() -> None:
    caller = Caller(session_hours="exchange")
    caller.placed(order())
    [order_id] = caller.placed(stop("SELL", "400.00", duration="GTC"))
    caller.advance(at("2026-07-14T18:00") - caller.clock.now_ms())
    caller.price("MSFT", "390.00")
    assert caller.booked(order_id)["status"] == "DON"
    caller.advance(at("2026-07-15T09:30") - caller.clock.now_ms())
    assert caller.booked(order_id)["status"] == "FLL"


def test_plus_limit_order_works_from_the_premarket() -> None:
    caller = Caller(session_hours="exchange")
    caller.advance(at("2026-07-14T21:00") - caller.clock.now_ms())
    [order_id] = caller.placed(limit("BUY", "420.00", duration="GCP"))
    caller.advance(at("2026-07-15T03:59") - caller.clock.now_ms())
    assert caller.booked(order_id)["status"] == "DON"
    caller.advance(60_000)
    assert caller.booked(order_id)["status"] == "FLL"


def test_opening_order_waits_for_the_next_opening() -> None:
    caller = Caller()
    [order_id] = caller.placed(order(duration="OPG"))
    assert caller.status(order_id) == "DON"
    caller.advance(at("2026-07-15T09:29:59") - caller.clock.now_ms())
    assert caller.booked(order_id)["status"] == "DON"
    caller.advance(1_000)
    assert caller.booked(order_id)["status"] == "FLL"


def test_opening_limit_order_that_missed_expires_with_its_day() -> None:
    caller = Caller()
    [order_id] = caller.placed(limit("BUY", "400.00", duration="OPG"))
    caller.advance(at("2026-07-15T15:59") - caller.clock.now_ms())
    assert caller.booked(order_id)["status"] == "ACK"
    caller.advance(60_000)
    assert caller.booked(order_id)["status"] == "EXP"


@pytest.mark.parametrize(
    ("moment", "utc"),
    [
        ("2026-03-08T01:59", "2026-03-08T06:59"),
        ("2026-03-08T03:00", "2026-03-08T07:00"),
        ("2026-07-14T10:00", "2026-07-14T14:00"),
        ("2026-11-01T00:30", "2026-11-01T04:30"),
        ("2026-11-01T03:00", "2026-11-01T08:00"),
        ("2026-12-14T10:00", "2026-12-14T15:00"),
    ],
)
def test_new_york_time_changes_with_daylight_saving(moment: str, utc: str) -> None:
    ms = at(moment)
    assert datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M") == utc
    assert eastern.wall(ms).strftime("%Y-%m-%dT%H:%M") == moment
