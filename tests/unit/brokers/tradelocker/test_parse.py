"""The rows of the reference pages, and what brokers do to them, as the bridge's nouns."""

from decimal import Decimal

import pytest

from orderbridge.brokers.tradelocker.parse import (
    parent_of_leg,
    read_account_rules,
    read_accounts,
    read_execution,
    read_order,
    read_orders,
    read_position,
    read_state,
)
from orderbridge.errors import BrokerUnavailableError
from orderbridge.model import AccountState, BrokerAccount, Execution, Order, OrderStatus, OrderType, Position, Side
from tests.unit.brokers.tradelocker.fake import ROWS, filled_cells, order_cells, position_cells, row


def _symbol(instrument_id: str) -> str:
    return {"206": "BTCUSD"}[instrument_id]


def _order(cells: dict[str, object]) -> Order:
    return read_order(row("orders", cells), _symbol)


def test_sample_working_limit_order_is_read() -> None:
    assert _order(order_cells()) == Order(
        id="7277816997907673698",
        symbol="BTCUSD",
        side=Side.SELL,
        type=OrderType.LIMIT,
        quantity=Decimal(100),
        status=OrderStatus.WORKING,
        limit_price=Decimal("91011.74"),
        duration="gtc",
        placed_at_ms=1767886346666,
        updated_at_ms=1767886346666,  # lastModified is cut to the second and lies before
        native_status="New",
    )


def test_sample_filled_market_order_is_read() -> None:
    assert _order(filled_cells()) == Order(
        id="7277816997907785466",
        symbol="BTCUSD",
        side=Side.SELL,
        type=OrderType.MARKET,
        quantity=Decimal(10),
        status=OrderStatus.FILLED,
        filled_quantity=Decimal(10),
        average_price=Decimal(90263),  # not `price`, which is a reference price
        duration="ioc",
        placed_at_ms=1767951991995,
        updated_at_ms=1767951992000,
        position_id="7277816997846856994",
        native_status="Filled",
    )


def test_sample_row_of_a_change_is_working_with_its_status_not_believed() -> None:
    order = _order(dict(ROWS["patch_order_response_row"]))

    assert order.status is OrderStatus.WORKING
    assert "None" in order.message


def test_sample_position_is_read() -> None:
    assert read_position(row("positions", position_cells()), _symbol) == Position(
        id="7277816997846858725",
        symbol="BTCUSD",
        side=Side.BUY,
        quantity=Decimal(10),
        average_price=Decimal("90415.16"),
        unrealized_pl=Decimal("-458.10"),
        opened_at_ms=1767952099156,
    )


def test_sample_state_is_read() -> None:
    assert read_state(row("accountDetails", ROWS["state"])) == AccountState(
        balance=Decimal("392084.93"),
        equity=Decimal("391415.43"),
        unrealized_pl=Decimal("-669.5"),
        available_funds=Decimal("389608.865"),
        margin_used=Decimal("1806.965"),
    )


def test_execution_row_is_read() -> None:
    cells = {
        "id": "7277816997907785999",
        "price": "90263.5",
        "side": "sell",
        "createdDate": "1767951991999",
        "qty": "0.40",
        "orderId": "7277816997907785466",
        "positionId": "7277816997846856994",
        "tradableInstrumentId": "206",
    }

    assert read_execution(row("filledOrders", cells), _symbol) == Execution(
        id="7277816997907785999",
        order_id="7277816997907785466",
        symbol="BTCUSD",
        side=Side.SELL,
        quantity=Decimal("0.40"),
        price=Decimal("90263.5"),
        time_ms=1767951991999,
        position_id="7277816997846856994",
    )


def test_unfilled_row_of_a_netting_account_does_not_name_its_position() -> None:
    order = _order(order_cells(positionId="7277816997846856994"))

    assert order.position_id is None


def test_position_ids_of_zero_or_empty_text_are_none() -> None:
    position = read_position(row("positions", position_cells(stopLossId="0", takeProfitId="", strategyId="")), _symbol)

    assert (position.stop_loss_id, position.take_profit_id, position.label) == (None, None, "")


def test_stop_row_has_its_stop_price_and_no_limit_price() -> None:
    order = _order(order_cells(type="stop", price="0", stopPrice="95000.00"))

    assert (order.type, order.stop_price, order.limit_price) == (OrderType.STOP, Decimal(95000), None)


def test_filled_row_without_filled_quantity_is_filled_whole() -> None:
    assert _order(filled_cells(filledQty=None)).filled_quantity == 10


def test_immediate_order_with_a_part_filled_is_filled_with_that_part() -> None:
    order = _order(filled_cells(status="Cancelled", filledQty="4"))

    assert (order.status, order.filled_quantity, order.remaining) == (OrderStatus.FILLED, Decimal(4), Decimal(0))


def test_limit_order_cancelled_after_a_part_stays_cancelled_with_that_part() -> None:
    order = _order(order_cells(status="Cancelled", filledQty="4"))

    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELLED, Decimal(4))


def test_unknown_type_is_told_by_its_prices() -> None:
    assert _order(order_cells(type="oddball", price="1.5")).type is OrderType.LIMIT
    assert _order(order_cells(type="oddball", price=None, stopPrice="1.5")).type is OrderType.STOP
    assert _order(order_cells(type="oddball", price=None)).type is OrderType.MARKET


def test_trailing_stop_row_is_a_trailing_stop() -> None:
    order = _order(order_cells(type="stop", price=None, stopPrice="95000", stopLossType="trailingOffset"))

    assert (order.type, order.stop_price) == (OrderType.TRAILING_STOP, Decimal(95000))


@pytest.mark.parametrize(("column", "cell"), [("side", "long"), ("qty", None), ("id", None), ("side", None)])
def test_row_that_cannot_be_understood_makes_the_read_fail(column: str, cell: object) -> None:
    with pytest.raises(BrokerUnavailableError, match=column):
        _order(order_cells(**{column: cell}))


def test_order_in_both_lists_is_given_once_as_the_history_has_it() -> None:
    working = row("orders", order_cells(id="5", stopLoss="95000", stopLossType="absolute"))
    final = row("ordersHistory", order_cells(id="5", status="Filled", filledQty="100", positionId="9"))

    (order,) = read_orders([working], [final], _symbol)

    assert (order.status, order.position_id) == (OrderStatus.FILLED, "9")


def test_working_order_with_bracket_columns_is_followed_by_inactive_legs() -> None:
    cells = order_cells(
        id="5", side="buy", qty="0.30", filledQty="0.10", price="90000",
        stopLoss="89000.5", stopLossType="absolute", takeProfit="95000", takeProfitType="absolute",
        strategyId="ob-x",
    )  # fmt: skip

    parent, stop, target = read_orders([row("orders", cells)], [], _symbol)

    assert parent.id == "5"
    assert (stop.id, stop.type, stop.stop_price) == ("5:SL", OrderType.STOP, Decimal("89000.5"))
    assert (target.id, target.type, target.limit_price) == ("5:TP", OrderType.LIMIT, Decimal(95000))
    for leg, sibling in ((stop, "5:TP"), (target, "5:SL")):
        assert (leg.status, leg.side, leg.quantity) == (OrderStatus.INACTIVE, Side.SELL, Decimal("0.20"))
        assert (leg.parent_id, leg.parent_type, leg.sibling_ids, leg.effect) == ("5", "order", (sibling,), "close")
        assert leg.label == ""


def test_final_order_with_bracket_columns_has_no_inactive_legs() -> None:
    cells = filled_cells(stopLoss="95000", stopLossType="absolute")

    assert len(read_orders([], [row("ordersHistory", cells)], _symbol)) == 1


def test_offset_of_a_bracket_is_never_read_as_a_price() -> None:
    cells = order_cells(id="5", stopLoss="50", stopLossType="offset", takeProfit="70", takeProfitType="offset")

    _, stop, target = read_orders([row("orders", cells)], [], _symbol)

    assert (stop.stop_price, target.limit_price) == (None, None)


def test_id_of_a_leg_names_its_order_and_other_ids_do_not() -> None:
    assert parent_of_leg("727:SL") == ("727", "SL")
    assert parent_of_leg("727:TP") == ("727", "TP")
    assert parent_of_leg("7277816997907673698") is None


def test_accounts_are_read_with_number_and_status() -> None:
    sample = {"id": "1180", "name": "A#1180", "currency": "USD", "status": "ACTIVE", "accNum": "1"}
    entries = [
        {**sample, "accountBalance": "10000.00"},
        {"id": 1181, "name": "A#1181", "currency": "EUR", "status": "RESTRICTED", "accNum": 2},
        {**sample, "id": "1182", "status": "ARCHIVED"},
    ]

    first, second, third = read_accounts(entries)

    assert first == BrokerAccount("1180", "A#1180", "USD", "", "active", "ACTIVE", "1")
    assert (second.id, second.account_number, second.status) == ("1181", "2", "closing_only")
    assert third.status == "blocked"


@pytest.mark.parametrize("entries", [None, {}, [{"id": "1180"}], ["1180"]])
def test_accounts_that_cannot_be_read_are_unavailable(entries: object) -> None:
    with pytest.raises(BrokerUnavailableError):
        read_accounts(entries)


def test_account_rules_keep_what_the_broker_says() -> None:
    (rules,) = read_account_rules([{"id": "1180", "tradingRules": {"supportBrackets": True}, "riskRules": {"x": None}}])

    assert (rules.account_id, rules.trading, rules.risk) == ("1180", {"supportBrackets": True}, {"x": None})
    with pytest.raises(BrokerUnavailableError):
        read_account_rules({"accounts": []})
