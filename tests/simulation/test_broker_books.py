"""The books that the invariants read: an order that its broker renames stays one order."""

from decimal import Decimal

from orderbridge.model import PositionMode
from orderbridge.strategy.settings import AccountSettings
from tests.sandbox.tradestation.caller import MARGIN, Caller, limit
from tests.simulation.broker_books import TradeStationBook


def test_order_replaced_under_a_new_id_is_one_row_with_its_new_values() -> None:
    caller = Caller(replace_id="changes")
    account = AccountSettings("tsm", "tradestation", "sim", "ts1", MARGIN, PositionMode.NETTING, "http://x")
    book = TradeStationBook(account, caller.app.book)
    [order_id] = caller.placed(limit("BUY", "400.00", OrderConfirmID="the-mark"))
    [before] = book.rows()

    caller.send("PUT", f"/v3/orderexecution/orders/{order_id}", {"Quantity": "8"})

    [after] = book.rows()
    assert (before.id, before.mark) == (order_id, "the-mark")
    assert (after.id != order_id, after.mark, after.asked) == (True, "the-mark", Decimal(8))
    assert (before.working, after.working) == (True, True)
    assert TradeStationBook(account, caller.app.book).rows() == [after], "read for the first time afterwards"
