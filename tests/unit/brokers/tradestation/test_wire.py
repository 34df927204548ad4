"""Commands become TradeStation's request bodies."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.tradestation.wire import Bodies, confirm_id, replace_body, trade_action, wanted_orders
from orderbridge.commands import Bracket, Effect, Place, PlaceGroup, Replace
from orderbridge.model import Duration, OrderType, Side

D = Decimal
ID = "0123456789abcdef0123456789abcdef"
BODIES = Bodies("SIM1000001M")
ENTRY = Place("MSFT", Side.BUY, D("10"), "open")


def without_marks(body: Any) -> Any:
    """Give a body without its OrderConfirmIDs."""
    if isinstance(body, dict):
        return {key: without_marks(value) for key, value in body.items() if key != "OrderConfirmID"}
    return [without_marks(item) for item in body] if isinstance(body, list) else body


def marks(body: Any) -> list[str]:
    if isinstance(body, dict):
        own = [body["OrderConfirmID"]] if "OrderConfirmID" in body else []
        return own + [mark for value in body.values() for mark in marks(value)]
    return [mark for item in body for mark in marks(item)] if isinstance(body, list) else []


@pytest.mark.parametrize(
    ("symbol", "side", "effect", "action"),
    [
        ("MSFT", Side.BUY, "open", "BUY"),
        ("MSFT", Side.SELL, "close", "SELL"),
        ("MSFT", Side.SELL, "open", "SELLSHORT"),
        ("MSFT", Side.BUY, "close", "BUYTOCOVER"),
        ("MESZ26", Side.BUY, "open", "BUY"),
        ("MESZ26", Side.BUY, "close", "BUY"),
        ("MESZ26", Side.SELL, "open", "SELL"),
        ("MESZ26", Side.SELL, "close", "SELL"),
        ("MSFT 261218C450", Side.BUY, "open", "BUYTOOPEN"),
        ("MSFT 261218C450", Side.SELL, "close", "SELLTOCLOSE"),
        ("MSFT 261218C450", Side.SELL, "open", "SELLTOOPEN"),
        ("MSFT 261218C450", Side.BUY, "close", "BUYTOCLOSE"),
    ],
)
def test_action_fits_asset_side_and_effect(symbol: str, side: Side, effect: Effect, action: str) -> None:
    assert trade_action(symbol, side, effect) == action


def test_market_order_has_every_required_field_as_text() -> None:
    assert without_marks(BODIES.place(ENTRY, ID)) == {
        "AccountID": "SIM1000001M",
        "Symbol": "MSFT",
        "Quantity": "10",
        "OrderType": "Market",
        "TradeAction": "BUY",
        "TimeInForce": {"Duration": "DAY"},
        "Route": "Intelligent",
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"order_type": OrderType.LIMIT, "limit_price": D("412.30")},
            {"OrderType": "Limit", "LimitPrice": "412.30"},
        ),
        ({"order_type": OrderType.STOP, "stop_price": D("405.1")}, {"OrderType": "StopMarket", "StopPrice": "405.1"}),
        (
            {"order_type": OrderType.STOP_LIMIT, "stop_price": D("1E+2"), "limit_price": D("101.00")},
            {"OrderType": "StopLimit", "StopPrice": "100", "LimitPrice": "101.00"},
        ),
        (
            {"order_type": OrderType.TRAILING_STOP, "trail_amount": D("4.50")},
            {"OrderType": "StopMarket", "AdvancedOptions": {"TrailingStop": {"Amount": "4.50"}}},
        ),
        (
            {"order_type": OrderType.TRAILING_STOP, "trail_percent": D("5.0")},
            {"OrderType": "StopMarket", "AdvancedOptions": {"TrailingStop": {"Percent": "5.0"}}},
        ),
    ],
)
def test_each_type_carries_its_prices(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    body = without_marks(BODIES.place(replace(ENTRY, **changes), ID))
    prices = {key: body[key] for key in body if key in ("OrderType", "LimitPrice", "StopPrice", "AdvancedOptions")}
    assert prices == expected


@pytest.mark.parametrize(
    ("duration", "code"),
    [
        (Duration.DAY, "DAY"),
        (Duration.GTC, "GTC"),
        (Duration.DAY_EXT, "DYP"),
        (Duration.GTC_EXT, "GCP"),
        (Duration.OPG, "OPG"),
        (Duration.CLS, "CLO"),
        (Duration.IOC, "IOC"),
        (Duration.FOK, "FOK"),
    ],
)
def test_duration_has_its_request_code(duration: Duration, code: str) -> None:
    assert BODIES.place(replace(ENTRY, duration=duration), ID)["TimeInForce"] == {"Duration": code}


@pytest.mark.parametrize(("quantity", "text"), [("10", "10"), ("10.0", "10"), ("1E+2", "100"), ("0.5", "0.5")])
def test_quantity_is_plain_text(quantity: str, text: str) -> None:
    assert BODIES.place(replace(ENTRY, quantity=D(quantity)), ID)["Quantity"] == text


def test_future_names_no_route() -> None:
    assert "Route" not in BODIES.place(replace(ENTRY, symbol="MESZ26"), ID)


def test_buying_power_warning_is_sent_only_where_it_is_set() -> None:
    assert "BuyingPowerWarning" not in BODIES.place(ENTRY, ID)
    assert Bodies("SIM1000001M", "Confirmed").place(ENTRY, ID)["BuyingPowerWarning"] == "Confirmed"


def test_marks_can_be_left_out_of_every_order() -> None:
    body = Bodies("SIM1000001M", confirm_ids=False).place(replace(ENTRY, bracket=Bracket(stop_loss=D(405))), ID)
    assert marks(body) == []


def test_bracket_is_an_oso_of_complete_orders_that_work_until_cancelled() -> None:
    entry = replace(ENTRY, bracket=Bracket(stop_loss=D("405.10"), take_profit=D("431.50")))
    (group,) = without_marks(BODIES.place(entry, ID))["OSOs"]
    shared = {
        "AccountID": "SIM1000001M",
        "Symbol": "MSFT",
        "Quantity": "10",
        "TradeAction": "SELL",
        "TimeInForce": {"Duration": "GTC"},
        "Route": "Intelligent",
    }
    assert group == {
        "Type": "BRK",
        "Orders": [
            {**shared, "OrderType": "StopMarket", "StopPrice": "405.10"},
            {**shared, "OrderType": "Limit", "LimitPrice": "431.50"},
        ],
    }


@pytest.mark.parametrize(
    ("bracket", "order_type"),
    [
        (Bracket(stop_loss=D(405)), {"OrderType": "StopMarket", "StopPrice": "405"}),
        (Bracket(take_profit=D(431)), {"OrderType": "Limit", "LimitPrice": "431"}),
        (
            Bracket(stop_loss=D(405), stop_limit=D(404)),
            {"OrderType": "StopLimit", "StopPrice": "405", "LimitPrice": "404"},
        ),
        (
            Bracket(trail_amount=D("2.5")),
            {"OrderType": "StopMarket", "AdvancedOptions": {"TrailingStop": {"Amount": "2.5"}}},
        ),
        (
            Bracket(trail_percent=D(3)),
            {"OrderType": "StopMarket", "AdvancedOptions": {"TrailingStop": {"Percent": "3"}}},
        ),
    ],
)
def test_one_exit_is_a_normal_oso(bracket: Bracket, order_type: dict[str, Any]) -> None:
    (group,) = BODIES.place(replace(ENTRY, bracket=bracket), ID)["OSOs"]
    assert group["Type"] == "NORMAL"
    (child,) = group["Orders"]
    assert order_type.items() <= child.items()


def test_exits_of_a_short_cover_it() -> None:
    short = replace(ENTRY, side=Side.SELL, bracket=Bracket(stop_loss=D(420)))
    body = BODIES.place(short, ID)
    assert body["TradeAction"] == "SELLSHORT"
    assert body["OSOs"][0]["Orders"][0]["TradeAction"] == "BUYTOCOVER"


def test_group_names_its_type_and_every_order() -> None:
    stop = Place("MSFT", Side.SELL, D(10), "close", OrderType.STOP, stop_price=D(405), duration=Duration.GTC)
    target = Place("MSFT", Side.SELL, D(10), "close", OrderType.LIMIT, limit_price=D(431), duration=Duration.GTC)
    body = BODIES.group(PlaceGroup("brk", (stop, target)), ID)
    assert body["Type"] == "BRK"
    assert [order["OrderType"] for order in body["Orders"]] == ["StopMarket", "Limit"]
    assert BODIES.group(PlaceGroup("oco", (stop, target)), ID)["Type"] == "OCO"


def test_every_order_has_its_own_mark_of_22_url_safe_characters() -> None:
    bracket = Bracket(stop_loss=D(405), take_profit=D(431))
    body = BODIES.group(PlaceGroup("oco", (replace(ENTRY, bracket=bracket), replace(ENTRY, bracket=bracket))), ID)
    found = marks(body)
    assert len(set(found)) == len(found) == 6
    assert all(len(mark) == 22 and set(mark) <= set(URL_SAFE) for mark in found)


def test_mark_is_the_same_for_the_same_command_and_another_for_another() -> None:
    assert BODIES.place(ENTRY, ID) == BODIES.place(ENTRY, ID)
    assert confirm_id(ID, "0") != confirm_id("f" * 32, "0")


def test_wanted_orders_stand_entry_before_exits() -> None:
    entry = replace(ENTRY, bracket=Bracket(stop_loss=D(405), take_profit=D(431)))
    assert [(w.leg, w.index) for w in wanted_orders(entry)] == [("order", 0), ("stop_loss", 0), ("take_profit", 0)]
    group = PlaceGroup("oco", (entry, ENTRY))
    assert [(w.leg, w.index) for w in wanted_orders(group)] == [
        ("child", 0),
        ("stop_loss", 0),
        ("take_profit", 0),
        ("child", 1),
    ]


def test_replace_carries_only_what_changes() -> None:
    assert replace_body(Replace("1", "MSFT", limit_price=D("429.00"))) == {"LimitPrice": "429.00"}
    assert replace_body(Replace("1", "MSFT", quantity=D("8"), stop_price=D(1))) == {"Quantity": "8", "StopPrice": "1"}
    assert replace_body(Replace("1", "MSFT", trail_amount=D("2.11"))) == {
        "AdvancedOptions": {"TrailingStop": {"Amount": "2.11"}}
    }
    assert replace_body(Replace("1", "MSFT", trail_percent=D(5)))["AdvancedOptions"] == {
        "TrailingStop": {"Percent": "5"}
    }
    assert replace_body(Replace("1", "MSFT")) == {}


URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
