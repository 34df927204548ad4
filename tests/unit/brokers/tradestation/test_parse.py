"""Example bodies become the bridge's nouns; the traps of TradeStation's quantities and statuses are known."""

from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.tradestation import parse, statuses
from orderbridge.errors import BrokerUnavailableError, RateLimitedError, ReadRefusedError
from orderbridge.model import Order, OrderStatus, OrderType, Side
from tests.unit.brokers.tradestation.bodies import body

ACCOUNT = "SIM1000001M"
D = Decimal


def order_row(**fields: Any) -> dict[str, Any]:
    """One order row; keys of a leg go to the leg."""
    leg = {"Symbol": "MSFT", "AssetType": "STOCK", "BuyOrSell": "Buy", "QuantityOrdered": "10", "ExecQuantity": "0"}
    row = {"AccountID": ACCOUNT, "OrderID": "1", "Status": "ACK", "OrderType": "Market", "Duration": "DAY"}
    for key, value in fields.items():
        (leg if key in (*leg, "ExecutionPrice", "QuantityRemaining", "OpenOrClose") else row)[key] = value
    return {**row, "Legs": [leg]}


def parsed(**fields: Any) -> Order:
    (order,) = parse.orders({"Orders": [order_row(**fields)], "Errors": []}, ACCOUNT)
    return order


# ---- accounts, money, positions


def test_accounts_are_active_only_when_the_status_says_exactly_that() -> None:
    accounts = parse.accounts(body("accounts"))
    assert [(account.id, account.status) for account in accounts] == [
        ("SIM1000001M", "active"),
        ("SIM1000001F", "active"),
        ("20000003", "closing_only"),
        ("20000004", "closing_only"),
        ("20000005", "closing_only"),
        ("20000006", "blocked"),
        ("20000007", "blocked"),
    ]
    assert (accounts[0].name, accounts[0].kind, accounts[1].kind) == ("Swing", "Margin", "Futures")


@pytest.mark.parametrize(
    ("name", "account", "expected"),
    [
        ("balances_margin", "SIM1000001M", ("39735.538", "41893.6211", "98.2831", "79471.07", "1029.9")),
        ("balances_futures", "SIM1000001F", ("50000.32", "49400.32", "-599.999999", "48790.32", "660")),
    ],
)
def test_balances_give_the_accounts_money(name: str, account: str, expected: tuple[str, ...]) -> None:
    state = parse.account_state(body(name), account)
    found = (state.balance, state.equity, state.unrealized_pl, state.available_funds, state.margin_used)
    assert found == tuple(D(text) for text in expected)


def test_balances_without_the_account_are_unavailable() -> None:
    with pytest.raises(BrokerUnavailableError):
        parse.account_state(body("balances_margin"), "SIM9999999M")


def test_positions_are_signed_by_their_side_and_empty_or_deleted_rows_are_none() -> None:
    positions = parse.positions(body("positions"), ACCOUNT)
    assert [(p.id, p.signed, p.asset_type) for p in positions] == [
        ("NAT", D(1800), "stock"),
        ("PLTR", D(-2), "stock"),
        ("MSFT 261218C450", D(1), "option"),
    ]
    assert positions[0].average_price == D("2.4688888889")
    assert positions[2].average_price is None  # SIM leaves it out at times
    assert positions[0].opened_at_ms == 1_772_635_789_000
    assert [p.native_id for p in positions] == ["700000001", "700000002", "700000003"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"AccountID": ACCOUNT, "Error": "Forbidden", "Message": "Invalid Account ID."}, ReadRefusedError),
        ({"AccountID": ACCOUNT, "Error": "InternalServerError", "Message": "x"}, BrokerUnavailableError),
        ({"AccountID": ACCOUNT, "Error": "GatewayTimeout"}, BrokerUnavailableError),
        ({"AccountID": ACCOUNT, "Error": "TooManyRequests"}, RateLimitedError),
    ],
)
def test_no_positions_beside_an_error_is_never_flat(error: dict[str, str], expected: type[Exception]) -> None:
    with pytest.raises(expected):
        parse.positions({"Positions": [], "Errors": [error]}, ACCOUNT)


@pytest.mark.parametrize("broken", [{}, {"Positions": None}, [], None, {"Positions": [{"Symbol": "X"}]}])
def test_positions_of_another_shape_are_unavailable(broken: object) -> None:
    with pytest.raises(BrokerUnavailableError):
        parse.positions(broken, ACCOUNT)


# ---- orders


def test_example_orders_become_the_bridges_orders() -> None:
    orders = {order.id: order for order in parse.orders(body("orders"), ACCOUNT)}
    assert "900000010" not in orders  # two symbols: an option spread
    found = {key: (o.side, o.type, o.status, o.filled_quantity, o.duration, o.effect) for key, o in orders.items()}
    assert found == {
        "900000001": (Side.BUY, OrderType.MARKET, OrderStatus.WORKING, D(0), "gtc", "open"),
        "900000002": (Side.BUY, OrderType.MARKET, OrderStatus.FILLED, D(10), "day", "open"),
        "900000003": (Side.SELL, OrderType.LIMIT, OrderStatus.WORKING, D(0), "gtc", "close"),
        "900000004": (Side.SELL, OrderType.TRAILING_STOP, OrderStatus.WORKING, D(0), "gtc", "close"),
        "900000005": (Side.SELL, OrderType.STOP_LIMIT, OrderStatus.WORKING, D(0), "day", "close"),
        "900000006": (Side.SELL, OrderType.STOP, OrderStatus.INACTIVE, D(0), "gtc", "close"),
        "900000008": (Side.BUY, OrderType.LIMIT, OrderStatus.WORKING, D(4), "day_ext", "open"),
        "900000009": (Side.SELL, OrderType.STOP, OrderStatus.WORKING, D(0), "gtc_ext", "unknown"),
        "900000011": (Side.SELL, OrderType.MARKET, OrderStatus.REJECTED, D(0), "day", "open"),
    }
    assert orders["900000003"].sibling_ids == ("900000004",)
    assert (orders["900000006"].parent_id, orders["900000006"].parent_type) == ("900000001", "order")
    assert orders["900000006"].sibling_ids == ("900000007",)
    assert orders["900000004"].trail_percent == D(5)
    assert orders["900000008"].average_price == D("412.28")
    assert orders["900000011"].message == "EC602: You are long 10 shares"
    assert orders["900000002"].placed_at_ms == 1_772_466_465_000
    assert orders["900000002"].updated_at_ms == 1_772_470_417_000


def test_expired_order_with_a_full_exec_quantity_and_no_price_is_not_filled() -> None:
    filled, expired = parse.orders(body("historicalorders"), ACCOUNT)
    assert (filled.status, filled.filled_quantity, filled.average_price) == (OrderStatus.FILLED, D(1), D("108.4375"))
    assert (expired.status, expired.filled_quantity, expired.average_price) == (OrderStatus.CANCELLED, D(0), None)


@pytest.mark.parametrize(
    ("fields", "filled"),
    [
        ({"Status": "ACK", "ExecQuantity": "10", "ExecutionPrice": "5"}, "10"),
        ({"Status": "ACK", "ExecQuantity": "10", "FilledPrice": "0"}, "0"),
        ({"Status": "FPR", "ExecQuantity": "4"}, "4"),
        ({"Status": "FLP", "ExecQuantity": "4"}, "4"),
        ({"Status": "FLL", "ExecQuantity": "0"}, "10"),
        ({"Status": "FLL", "ExecQuantity": None}, "10"),
        ({"Status": "BRF", "ExecQuantity": "10"}, "10"),
        ({"Status": "EXP", "ExecQuantity": "3", "FilledPrice": "7.5"}, "3"),
        ({"Status": "OUT", "ExecQuantity": "10"}, "0"),
        ({"Status": "STP", "QuantityRemaining": "0"}, "0"),
    ],
)
def test_filled_quantity_needs_a_price_or_a_status_that_says_filled(fields: dict[str, Any], filled: str) -> None:
    assert parsed(**fields).filled_quantity == D(filled)


def test_ordered_quantity_that_is_missing_is_what_was_filled_and_what_remains() -> None:
    order = parsed(Status="FPR", QuantityOrdered=None, ExecQuantity="4", QuantityRemaining="6")
    assert order.quantity == D(10)


def test_legs_given_twice_count_once() -> None:
    row = order_row()
    row["Legs"] = row["Legs"] * 2
    (order,) = parse.orders({"Orders": [row]}, ACCOUNT)
    assert order.quantity == D(10)


def test_nulls_are_the_same_as_absent_fields() -> None:
    nulls = dict.fromkeys(
        ("LimitPrice", "StopPrice", "TrailingStop", "ConditionalOrders", "RejectReason", "ClosedDateTime", "GroupName")
    )
    assert parsed(**nulls) == parsed()


def test_rows_of_another_account_are_left_out() -> None:
    assert parse.orders({"Orders": [order_row(AccountID="SIM2")]}, ACCOUNT) == ()


@pytest.mark.parametrize(
    "fields", [{"OrderID": ""}, {"Status": None}, {"OrderType": "Peg"}, {"QuantityOrdered": "ten"}]
)
def test_row_that_cannot_be_understood_makes_the_read_fail(fields: dict[str, Any]) -> None:
    with pytest.raises(BrokerUnavailableError):
        parsed(**fields)


@pytest.mark.parametrize(
    ("action", "asset", "open_or_close", "expected"),
    [
        ("Buy", "STOCK", None, "open"),
        ("Sell", "STOCK", None, "close"),
        ("SellShort", "STOCK", None, "open"),
        ("BuyToCover", "STOCK", None, "close"),
        ("BUYTOCOVER", "STOCK", "Close", "close"),
        ("BuyToOpen", "STOCKOPTION", None, "open"),
        ("SellToClose", "STOCKOPTION", None, "close"),
        ("Buy", "FUTURE", None, "unknown"),
        ("Sell", "FUTURE", "Close", "close"),
    ],
)
def test_effect_comes_from_the_leg_or_the_action(
    action: str, asset: str, open_or_close: str | None, expected: str
) -> None:
    assert parsed(BuyOrSell=action, AssetType=asset, OpenOrClose=open_or_close).effect == expected


@pytest.mark.parametrize(
    ("native", "expected"),
    [("DAY", "day"), ("DAY+", "day_ext"), ("GTC+", "gtc_ext"), ("CLO", "cls"), ("OPG", "opg"), ("1 min", "1 min")],
)
def test_duration_of_a_reply_is_the_bridges_where_it_has_one(native: str, expected: str) -> None:
    assert parsed(Duration=native).duration == expected


# ---- statuses

FINAL = {
    "FLL": OrderStatus.FILLED,
    "BRF": OrderStatus.FILLED,
    "FLP": OrderStatus.CANCELLED,
    "CAN": OrderStatus.CANCELLED,
    "EXP": OrderStatus.CANCELLED,
    "TSC": OrderStatus.CANCELLED,
    "SCN": OrderStatus.CANCELLED,
    "REJ": OrderStatus.REJECTED,
    "BRO": OrderStatus.REJECTED,
    "DOA": OrderStatus.REJECTED,
}
WORKING = (
    "ACK",
    "ASS",
    "CHG",
    "CND",
    "COR",
    "CSN",
    "DIS",
    "DON",
    "ECN",
    "EXE",
    "FPR",
    "LAT",
    "OPN",
    "OTHER",
    "REC",
    "RJC",
    "RPD",
    "RSN",
    "STP",
    "STT",
    "SUS",
    "UCN",
    "NEVER_SEEN",
)
FINAL_WHEN_CLOSED = ("OUT", "UCH", "RJR", "BRC")


def status(code: str, **fields: Any) -> OrderStatus:
    return parsed(Status=code, **fields).status


@pytest.mark.parametrize("code", FINAL)
def test_final_code_ends_the_order(code: str) -> None:
    assert status(code) is FINAL[code]


@pytest.mark.parametrize("code", WORKING)
def test_code_that_does_not_say_the_end_leaves_the_order_working(code: str) -> None:
    assert status(code) is OrderStatus.WORKING
    assert status(code, ClosedDateTime="2026-03-02T16:00:00Z") is OrderStatus.WORKING


@pytest.mark.parametrize("code", FINAL_WHEN_CLOSED)
def test_code_seen_in_passing_is_final_only_with_its_closing_time(code: str) -> None:
    assert status(code) is OrderStatus.WORKING
    assert status(code, ClosedDateTime="0001-01-01T00:00:00Z") is OrderStatus.WORKING
    assert status(code, ClosedDateTime="2026-03-02T16:00:00Z") is OrderStatus.CANCELLED


def test_waiting_and_sending_orders_have_their_own_statuses() -> None:
    assert status("OSO") is OrderStatus.INACTIVE
    assert status("PLA") is OrderStatus.PLACING


def test_server_cancel_with_a_reason_and_no_fill_is_a_rejection() -> None:
    assert status("TSC", RejectReason="no locate") is OrderStatus.REJECTED
    partly = status("TSC", RejectReason="x", ExecQuantity="1", ExecutionPrice="5")
    assert partly is OrderStatus.CANCELLED


def test_every_published_code_is_covered() -> None:
    published = (
        "ACK",
        "ASS",
        "BRC",
        "BRF",
        "BRO",
        "CHG",
        "CND",
        "COR",
        "DIS",
        "DOA",
        "DON",
        "ECN",
        "EXE",
        "FPR",
        "LAT",
        "OPN",
        "OSO",
        "OTHER",
        "PLA",
        "REC",
        "RJC",
        "RPD",
        "RSN",
        "STP",
        "STT",
        "SUS",
        "UCN",
        "CAN",
        "EXP",
        "OUT",
        "RJR",
        "SCN",
        "TSC",
        "UCH",
        "REJ",
        "FLL",
        "FLP",
    )
    assert len(published) == 37
    assert set(published) <= {*FINAL, *WORKING, *FINAL_WHEN_CLOSED, "OSO", "PLA"}
    assert set(FINAL) >= statuses.FILL_CODES - {"FPR"}


def test_next_token_is_empty_on_the_last_page() -> None:
    assert parse.next_token({"Orders": [], "NextToken": "abc"}) == "abc"
    assert parse.next_token({"Orders": [], "NextToken": None}) == ""
    assert parse.next_token({"Orders": []}) == ""
