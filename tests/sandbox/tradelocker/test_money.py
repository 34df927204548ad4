"""Account state: profit, margin and fees in the account's currency."""

from decimal import Decimal

import pytest

from sandbox.tradelocker.instruments import CATALOGUE
from tests.sandbox.tradelocker.caller import BTCUSD, EURUSD, Caller

USDJPY, GER40, NAS100, ZN = 280, 404, 402, 612
EUR_ACCOUNT = 2


def test_open_profit_moves_equity_and_margin_moves_free_funds() -> None:
    caller = Caller()
    caller.place(qty="1")

    caller.price("EURUSD", "1.09450", "1.09458")

    state = caller.state()
    assert state["balance"] == 100000
    assert state["openGrossPnL"] == Decimal(992)
    assert state["projectedBalance"] == Decimal(100992)
    margin = Decimal("3648.47")
    assert state["initialMarginReq"] == margin
    assert state["availableFunds"] == Decimal(100992) - margin
    assert (state["positionsCount"], state["ordersCount"], state["todayVolume"]) == (1, 0, 1)
    assert caller.rows("positions")[0]["unrealizedPl"] == "992.00"


def test_close_turns_open_profit_into_balance() -> None:
    caller = Caller()
    position = caller.position_of(caller.place(BTCUSD, qty="0.50", side="sell"))
    caller.price("BTCUSD", "70000.00", "70001.00")

    caller.call("DELETE", f"/positions/{position['id']}", {"qty": "0.20"})

    state = caller.state()
    assert state["balance"] == 100000 + Decimal("0.2") * (Decimal("77260.50") - Decimal(70001))
    assert state["todayGross"] == state["todayNet"] == Decimal("1451.90")
    assert state["openGrossPnL"] == Decimal("2177.85")


@pytest.mark.parametrize(
    ("acc_num", "tid", "name", "bid", "ask", "profit"),
    [
        (EUR_ACCOUNT, EURUSD, "EURUSD", "1.09450", "1.09458", "906.32"),
        (1, USDJPY, "USDJPY", "150.860", "150.870", "662.84"),
        (EUR_ACCOUNT, USDJPY, "USDJPY", "150.860", "150.870", "611.18"),
        (1, GER40, "GER40", "19491.4", "19492.6", "10.85"),
        (EUR_ACCOUNT, GER40, "GER40", "19491.4", "19492.6", "10.00"),
        (1, NAS100, "NAS100", "21061.6", "21062.8", "100.00"),
        (1, ZN, "ZN", "111.453125", "111.468750", "1000.00"),
    ],
)
def test_profit_is_in_the_accounts_currency(acc_num: int, tid: int, name: str, bid: str, ask: str, profit: str) -> None:
    caller = Caller(acc_num=acc_num)
    caller.place(tid, qty="1")

    caller.price(name, bid, ask)

    assert caller.rows("positions")[0]["unrealizedPl"] == profit


def test_commission_is_taken_at_each_fill_and_shown_in_the_day() -> None:
    caller = Caller({"commission_cents_per_lot": 350})
    position = caller.position_of(caller.place(qty="2"))
    opened = caller.state()

    caller.call("DELETE", f"/positions/{position['id']}", {"qty": 0})

    assert opened["balance"] == 99993
    assert opened["openNetPnL"] == opened["openGrossPnL"] - 7
    state = caller.state()
    assert state["todayFees"] == 14
    assert state["todayNet"] == state["todayGross"] - 14
    assert state["balance"] == 100000 + state["todayNet"]


def test_day_figures_begin_anew_at_midnight_utc() -> None:
    caller = Caller({"access_token_minutes": 10000})
    caller.place()

    before = caller.state()["todayTradesCount"]
    caller.clock.advance(9 * 3_600_000)

    assert (before, caller.state()["todayTradesCount"]) == (1, 0)


def test_state_cells_are_json_numbers_with_whole_ones_as_integers() -> None:
    state = Caller().state()

    assert len(state) == 26
    assert all(isinstance(value, int | Decimal) for value in state.values())
    assert (state["marginWarningLevel"], state["stopOutLevel"]) == (100, 50)


def test_default_quotes_of_every_instrument_stand_on_its_ticks() -> None:
    for instrument in CATALOGUE:
        assert instrument.on_tick(instrument.quote.bid), instrument.name
        assert instrument.on_tick(instrument.quote.ask), instrument.name
        assert instrument.quote.bid < instrument.quote.ask, instrument.name
