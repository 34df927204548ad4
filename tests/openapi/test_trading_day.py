"""A trading day at each kind of account, through the functions' handlers; every answer's form is checked.

What the panel shows is compared with the simulated brokers' own books.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.inprocess import oauth
from tests.inprocess.bridge import InProcessBridge
from tests.inprocess.client import Client
from tests.inprocess.seats import SEATS, Seat
from tests.panel.world import FINAL, Reply

SETTLED_S = 5.0
ENDED_S = 20.0
"""A stop kept in a TradeLocker order that has filled in part is listed for so long after the order's end."""


class Day:
    """One account's user at the panel."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.bridge = InProcessBridge()
        self.client = Client(self.bridge)

    def own(self, what: str) -> str:
        return f"/accounts/{self.seat.account.name}/{what}"

    def get(self, what: str, **query: Any) -> Any:
        return self.client.ask("GET", self.own(what), **query).d

    def ticket(self, side: str, kind: str = "market", **fields: object) -> dict[str, object]:
        seat = self.seat
        prices = {"currentAsk": seat.price, "currentBid": seat.price}
        return {"instrument": seat.symbol, "qty": seat.unit, "side": side, "type": kind, **prices, **fields}

    def place(self, side: str, kind: str = "market", **fields: object) -> str:
        """Place an order and give its id; it is listed under it at once."""
        ticket = self.ticket(side, kind, **fields)
        placed = self.client.ask("POST", self.own("orders"), ticket, requestId=self.request())
        order_id = str(placed.d["orderId"])
        assert order_id in self.orders()
        self.settle()
        return order_id

    def request(self) -> str:
        self._requests = getattr(self, "_requests", 0) + 1
        return f"request{self._requests}"

    def orders(self) -> dict[str, Any]:
        return {order["id"]: order for order in self.get("orders")}

    def position(self) -> Any:
        (found,) = self.get("positions")
        return found

    def brackets(self) -> dict[str, Any]:
        """Give the working bracket orders of the position, by type."""
        mine = [order for order in self.orders().values() if order.get("parentId") == self.position()["id"]]
        return {order["type"]: order for order in mine if order["status"] == "working"}

    def change(self, method: str, what: str, form: dict[str, object] | None = None) -> Reply:
        reply = self.client.ask(method, self.own(what), form)
        self.settle()
        return reply

    def settle(self) -> None:
        self.bridge.run(SETTLED_S)

    @property
    def held(self) -> Decimal:
        return self.bridge.held(self.seat)

    def fill_at_most(self, quantity: Decimal) -> None:
        """Let the broker fill only this much of the next order."""
        if self.seat.broker == "tradestation":
            partial = {"quantities": [str(quantity)], "then": "stay"}
            script: dict[str, object] = {"match": {"symbol": self.seat.symbol}, "partial_fill": partial}
        else:
            script = {"behaviour": "partial_fill", "qty": str(quantity)}
        self.bridge.control(self.seat, "script", script)


@pytest.fixture(params=sorted(SEATS))
def day(request: pytest.FixtureRequest) -> Iterator[Day]:
    """Give a day whose user is logged in by the password flow, and ends flat."""
    day = Day(SEATS[request.param])
    day.client.log_in()
    yield day
    day.bridge.run(ENDED_S)
    assert day.held == 0
    assert {order["status"] for order in day.orders().values()} <= set(FINAL)
    assert day.get("positions") == []


def test_logins_by_password_and_by_code_work_until_they_are_ended(day: Day) -> None:
    by_password = day.client.token
    tokens = oauth.redeem(day.bridge, oauth.code(day.bridge))
    renewed = oauth.refresh(day.bridge, tokens["refresh_token"])

    old, new = Client(day.bridge, tokens["access_token"]), Client(day.bridge, renewed["access_token"])
    assert old.ask("GET", "/accounts").ok  # until the new one is used
    assert new.ask("GET", "/accounts").ok
    assert old.ask("GET", "/accounts").status == 401
    assert day.client.ask("POST", "/logout").ok
    assert Client(day.bridge, by_password).ask("GET", "/accounts").status == 401
    assert new.ask("GET", "/accounts").ok

    day.client.token = renewed["access_token"]


def test_everything_that_is_asked_once_at_login(day: Day) -> None:
    seat, ask = day.seat, day.client.ask

    config, accounts = ask("GET", "/config").d, {one["id"]: one for one in ask("GET", "/accounts").d}
    flags = accounts[seat.account.name]["config"]
    assert ask("GET", "/userInfo").d == {}
    assert Client(day.bridge).ask("GET", "/mapping").content["fields"] == ["brokerSymbol"]
    assert f"orderbridge_{seat.broker}" in ask("GET", "/permissions").d["groups"]
    assert seat.symbol in {one["name"] for one in day.get("instruments")}
    assert len(day.get("state")["amData"]) == len(config["accountManager"])
    assert day.get("orders") == day.get("ordersHistory") == day.get("positions") == []
    assert ask("GET", "/groups").ok
    assert ask("GET", "/symbol_info").ok

    for what, flag in (("balances", "supportBalances"), ("netPositions", "supportMultiposition")):
        assert ask("GET", day.own(what)).ok is flags[flag]
    for what in ("getLeverage", "setLeverage", "previewLeverage"):
        form = {"instrument": seat.symbol, "side": "buy", "orderType": "market", "leverage": 5}
        assert ask("POST", day.own(what), form).ok is flags["supportLeverage"]
    assert ask("POST", day.own("orderInfo"), day.ticket("buy")).ok is flags["supportCustomOrderInfo"]
    assert ask("POST", day.own("previewOrder"), day.ticket("buy")).ok is flags["supportPlaceOrderPreview"]
    assert ask("GET", "/depth", accountId=seat.account.name, symbol=seat.symbol).ok is flags["supportLevel2Data"]


def test_prices_and_bars_are_the_brokers_own(day: Day) -> None:
    seat, now_s = day.seat, day.bridge.clock.now_ms() // 1000

    (quote,) = day.client.ask("GET", "/quotes", accountId=seat.account.name, symbols=seat.symbol).d
    quoted = Decimal(str(quote["v"]["bid"]))
    query: dict[str, Any] = {"symbol": seat.symbol, "resolution": "1", "from": now_s - 900, "to": now_s}
    bars = day.client.ask("GET", "/history", **query)

    assert (quote["s"], quote["n"]) == ("ok", seat.symbol)
    assert abs(quoted - seat.price) < seat.distance
    if seat.broker == "tradelocker":  # the data are those of the user's first account's broker: TradeStation here
        assert not bars.ok
    elif seat.symbol == "MSFT":
        assert len(bars.content["t"]) > 10


def test_market_order_with_a_bracket_from_its_entry_to_its_end(day: Day) -> None:
    price, step, unit = day.seat.price, day.seat.distance, day.seat.unit

    entry = day.place("buy", stopLoss=price - 2 * step, takeProfit=price + 2 * step)
    assert day.held == unit
    assert day.orders()[entry]["status"] == "filled"
    assert {kind: order["side"] for kind, order in day.brackets().items()} == {"stop": "sell", "limit": "sell"}

    position = f"positions/{day.position()['id']}"
    assert day.change("PUT", position, {"stopLoss": price - step, "takeProfit": price + 2 * step}).ok
    assert Decimal(str(day.brackets()["stop"]["stopPrice"])) == price - step
    target = day.brackets()["limit"]["id"]
    assert day.change("PUT", position, {"stopLoss": price - step}).ok
    assert set(day.brackets()) == {"stop"}
    assert day.orders()[target]["status"] == "cancelled"
    assert day.change("DELETE", f"orders/{day.brackets()['stop']['id']}").ok
    assert day.brackets() == {}

    assert day.change("DELETE", position, {"amount": unit / 2}).ok
    assert day.held == unit / 2
    assert day.change("DELETE", position).ok
    assert day.change("DELETE", position).errmsg == "This position is closed already."

    fills = day.get("executions", instrument=day.seat.symbol)
    assert [fill["side"] for fill in fills] == ["buy", "sell", "sell"]
    assert [fill["isClose"] for fill in fills] == [False, True, True]
    assert sum(Decimal(str(fill["qty"])) for fill in fills) == 2 * unit


def test_short_position_is_turned_around_where_fills_net(day: Day) -> None:
    day.place("sell")
    assert day.held == -day.seat.unit

    turned = day.change("PUT", f"positions/{day.position()['id']}", {"side": "buy"})

    assert turned.ok is not day.seat.hedging
    assert day.held == (-day.seat.unit if day.seat.hedging else day.seat.unit)
    assert day.change("DELETE", f"positions/{day.position()['id']}").ok


@pytest.mark.parametrize("kind", ["limit", "stop", "stoplimit"])
def test_order_that_waits_is_changed_and_cancelled_with_its_bracket(day: Day, kind: str) -> None:
    price, step, unit = day.seat.price, day.seat.distance, day.seat.unit
    prices = {
        "limit": {"limitPrice": price - 2 * step},
        "stop": {"stopPrice": price + 2 * step},
        "stoplimit": {"stopPrice": price + 2 * step, "limitPrice": price + 3 * step},
    }[kind]
    bracket = {"stopLoss": price - 6 * step, "takeProfit": price + 6 * step}
    if kind == "stoplimit" and day.seat.broker == "tradelocker":
        form = day.ticket("buy", kind, **prices)
        assert day.client.ask("POST", day.own("orders"), form).errmsg == "This broker has no stoplimit orders."
        return

    order = day.place("buy", kind, **prices, **bracket)
    assert day.orders()[order]["status"] == "working"
    legs = [one for one in day.orders().values() if one.get("parentId") == order]
    assert {leg["status"] for leg in legs} <= {"inactive"}
    assert {leg["type"] for leg in legs} in ({"stop", "limit"}, set())  # TradeLocker lists none before the fill

    moved = {name: value - step / 5 for name, value in prices.items()}
    assert day.change("PUT", f"orders/{order}", {"qty": unit / 2, **moved, **bracket}).ok
    changed = day.orders()[order]
    assert (changed["status"], Decimal(str(changed["qty"]))) == ("working", unit / 2)
    assert {name: Decimal(str(changed[name])) for name in prices} == moved

    assert day.change("DELETE", f"orders/{order}").ok
    assert day.orders()[order]["status"] == "cancelled"
    assert "already" in day.change("DELETE", f"orders/{order}").errmsg


def test_partly_filled_order_is_cancelled_and_its_part_closed(day: Day) -> None:
    price, step, unit = day.seat.price, day.seat.distance, day.seat.unit
    day.fill_at_most(unit / 2)

    order = day.place("buy", "limit", limitPrice=price + step / 5, stopLoss=price - step, takeProfit=price + step)
    day.settle()
    listed = day.orders()[order]
    assert (listed["status"], Decimal(str(listed["filledQty"]))) == ("working", unit / 2)
    assert day.held == unit / 2

    assert day.change("DELETE", f"orders/{order}").ok
    assert day.orders()[order]["status"] == "cancelled"
    assert day.change("DELETE", f"positions/{day.position()['id']}").ok


def test_target_that_is_reached_ends_position_and_stop(day: Day) -> None:
    price, step = day.seat.price, day.seat.distance
    day.place("buy", stopLoss=price - step, takeProfit=price + step)
    legs = {kind: order["id"] for kind, order in day.brackets().items()}

    day.bridge.set_price(day.seat, price + step + step / 5)
    day.settle()

    ended = {kind: day.orders()[order]["status"] for kind, order in legs.items()}
    assert ended == {"limit": "filled", "stop": "cancelled"}


def test_positions_of_a_hedging_account_are_closed_one_by_one_and_together(day: Day) -> None:
    unit, symbol = day.seat.unit, day.seat.symbol
    if not day.seat.hedging:
        assert day.client.ask("GET", day.own("individualPositions")).errmsg
        assert day.client.ask("DELETE", day.own(f"netPositions/{symbol}")).errmsg
        return
    for side in ("buy", "buy", "sell"):
        day.place(side)
    first = day.get("individualPositions")[0]
    one = f"individualPositions/{first['id']}"

    assert day.change("PUT", one, {"stopLoss": day.seat.price - day.seat.distance}).ok
    assert [o["type"] for o in day.orders().values() if o.get("parentId") == first["id"]] == ["stop"]
    assert day.change("DELETE", one, {"amount": unit / 2}).ok
    (net,) = day.get("netPositions")
    assert (Decimal(str(net["longQty"])), Decimal(str(net["shortQty"]))) == (unit * 3 / 2, unit)
    assert day.change("DELETE", f"netPositions/{symbol}").ok


def test_latency_is_told_and_the_day_becomes_history(day: Day) -> None:
    form = day.ticket("buy", "limit", limitPrice=day.seat.price - day.seat.distance)
    placed = day.client.ask("POST", day.own("orders"), form, requestId="once").d
    again = day.client.ask("POST", day.own("orders"), form, requestId="once").d
    assert again == placed
    measured = {
        "transactionId": placed["transactionId"],
        "transactionType": "place_order",
        "instrument": day.seat.symbol,
        "side": "buy",
        "ask": day.seat.price,
        "bid": day.seat.price,
        "timestamp": day.bridge.clock.now_ms(),
        "roundTripDuration": 183,
    }
    assert day.client.ask("POST", day.own("trackLatency"), measured).content == {"s": "ok"}
    day.settle()
    assert day.change("DELETE", f"orders/{placed['orderId']}").ok

    day.bridge.run(3 * 24 * 3600)
    day.client.log_in()

    past = {order["id"]: order["status"] for order in day.get("ordersHistory")}
    assert past[placed["orderId"]] == "cancelled"
    assert placed["orderId"] not in day.orders()
