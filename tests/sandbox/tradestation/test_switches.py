"""Every switch, at every value: the broker stays consistent and answers in its forms."""

import pytest

from sandbox.tradestation.switches import ALL, BY_NAME
from tests.sandbox.tradestation.caller import MARGIN, Caller, bracket, limit, order, stop

SETTINGS = [(switch.name, value) for switch in ALL for value in switch.values]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_day_of_trading_ends_flat_and_consistent_under_every_value(name: str, value: str) -> None:
    caller = Caller(**{name: value})
    told = "Enforce"
    exits = (stop("SELL", "400.00", BuyingPowerWarning=told), limit("SELL", "430.00", BuyingPowerWarning=told))
    caller.place(bracket(order(BuyingPowerWarning=told), *exits))
    caller.place(order("SELL", "99", BuyingPowerWarning=told))
    caller.advance(5_000)
    caller.price("MSFT", "431.00")
    caller.advance(5_000)
    state = caller.control("state", method="GET")
    assert state["positions"] == []
    assert [fill["quantity"] for fill in state["fills"]] == ["10", "10"]
    rows = caller.get(f"/brokerage/accounts/{MARGIN}/orders")["Orders"]
    assert {row["OrderID"] for row in rows} == {row["order_id"] for row in state["orders"]}
    assert caller.get("/brokerage/accounts")["Accounts"]


def test_every_switch_names_its_source_and_its_meaning() -> None:
    assert len(BY_NAME) == len(ALL)
    for switch in ALL:
        assert switch.source
        assert switch.meaning
        assert len(switch.values) >= 2
        assert len(set(switch.values)) == len(switch.values)


def test_numeric_switch_takes_any_whole_number_and_others_do_not() -> None:
    Caller(cancel_delay_ms=777)
    with pytest.raises(ValueError, match="nulls"):
        Caller(nulls=777)
