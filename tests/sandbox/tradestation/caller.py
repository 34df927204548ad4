"""A client of the simulated TradeStation, written for its tests: plain requests, nothing of the bridge."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from sandbox.simserver import InProcess, ManualClock, Request, Response
from sandbox.tradestation import KEYS, USERS, TradeStation

START_MS = 1_784_039_467_000
"""Tuesday, 14 July 2026, 14:31:07 UTC, 10:31:07 in New York."""
MARGIN, FUTURES, CASH, CLOSING = "SIM1234567M", "SIM1234567F", "SIM1234567C", "SIM1234568M"
OTHER_MARGIN = "SIM7654321M"
ORDERS, GROUPS = "/v3/orderexecution/orders", "/v3/orderexecution/ordergroups"


class Caller:
    """One user of one simulated TradeStation with a clock of its own."""

    def __init__(self, **switches: object) -> None:
        self.clock = ManualClock(START_MS)
        self.app = TradeStation(self.clock, switches)
        self.inner = InProcess(self.app)
        self.user = USERS[0]
        self.token = ""
        self._refresh_token = self.user.refresh_token

    def beside(self, user: int) -> "Caller":
        """Give another user of the same broker."""
        other = Caller()
        other.clock, other.app, other.inner, other.user = self.clock, self.app, self.inner, USERS[user]
        other._refresh_token = other.user.refresh_token
        return other

    # ---- requests

    def send(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Response:
        """Send one request as the signed-in user."""
        if token is None:
            token = self.token = self.token or str(self.refresh()["access_token"])
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self.inner.send(Request.of(method, path, headers, content))

    def form(self, path: str, **fields: str) -> Response:
        """Post a form to the sign-in service."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.inner.send(Request.of("POST", path, headers, urlencode(fields).encode()))

    def refresh(self, token: str | None = None) -> dict[str, Any]:
        """Refresh with the user's token, which may be replaced, or with another."""
        reply = self.form(
            "/oauth/token",
            grant_type="refresh_token",
            client_id=KEYS[0].client_id,
            client_secret=KEYS[0].client_secret or "",
            refresh_token=token or self._refresh_token,
        )
        if token is None:
            self._refresh_token = reply.json().get("refresh_token", self._refresh_token)
        return dict(reply.json())

    def get(self, path: str) -> Any:
        """Read something below /v3 and give its JSON."""
        return self.send("GET", "/v3" + path).json()

    def control(self, name: str, body: object = None, method: str = "POST") -> Any:
        """Ask something of the control surface, which must agree."""
        content = b"" if body is None else json.dumps(body).encode()
        reply = self.inner.send(Request.of(method, f"/_control/{name}", body=content))
        assert reply.status == 200, reply.body
        return reply.json()

    def advance(self, ms: int) -> None:
        """Let time pass; the next request has a fresh token."""
        self.clock.advance(ms)
        self.token = ""

    # ---- what most tests do

    def place(self, body: Mapping[str, object]) -> Response:
        """Place an order."""
        return self.send("POST", ORDERS, body)

    def placed(self, body: Mapping[str, object]) -> list[str]:
        """Place an order, with children or not, that must be taken whole, and give the ids."""
        return self._ids(self.place(body))

    def group(self, kind: str, *orders: Mapping[str, object]) -> list[str]:
        """Place a group that must be taken whole, and give the ids."""
        return self._ids(self.send("POST", GROUPS, {"Type": kind, "Orders": list(orders)}))

    def price(self, symbol: str, price: object) -> None:
        """Move a price."""
        self.control("prices", {symbol: price})

    def row(self, order_id: str, account: str = MARGIN) -> dict[str, Any]:
        """Read one order."""
        reply = self.get(f"/brokerage/accounts/{account}/orders/{order_id}")
        assert len(reply["Orders"]) == 1, reply
        return dict(reply["Orders"][0])

    def leg(self, order_id: str, account: str = MARGIN) -> dict[str, Any]:
        """Read one order's leg."""
        return dict(self.row(order_id, account)["Legs"][0])

    def status(self, order_id: str, account: str = MARGIN) -> str:
        """Read one order's status."""
        return str(self.row(order_id, account)["Status"])

    def held(self, symbol: str, account: str = MARGIN) -> str | None:
        """Read the signed quantity held; None when there is no position."""
        rows = self.get(f"/brokerage/accounts/{account}/positions?symbol={symbol}")["Positions"]
        return str(rows[0]["Quantity"]) if rows else None

    def booked(self, order_id: str) -> dict[str, Any]:
        """Give one order of the broker's own book."""
        orders = self.control("state", method="GET")["orders"]
        return dict(next(order for order in orders if order["order_id"] == order_id))

    @staticmethod
    def _ids(reply: Response) -> list[str]:
        body = reply.json()
        body = body[0] if isinstance(body, list) else body
        assert reply.status == 200, body
        assert not body.get("Errors"), body
        assert not any(entry.get("Error") for entry in body["Orders"]), body
        return [str(entry["OrderID"]) for entry in body["Orders"]]


def order(action: str = "BUY", quantity: str = "10", symbol: str = "MSFT", **fields: object) -> dict[str, object]:
    """Make an order's body: a day market order at the margin account, unless told otherwise."""
    duration = fields.pop("duration", "DAY")
    future = symbol[-2:].isdigit() and " " not in symbol
    body: dict[str, object] = {
        "AccountID": FUTURES if future else MARGIN,
        "Symbol": symbol,
        "Quantity": quantity,
        "OrderType": "Market",
        "TradeAction": action,
        "TimeInForce": {"Duration": duration},
    }
    return body | fields


def limit(action: str, price: str, quantity: str = "10", symbol: str = "MSFT", **fields: object) -> dict[str, object]:
    """Make a limit order's body."""
    return order(action, quantity, symbol, OrderType="Limit", LimitPrice=price, **fields)


def stop(action: str, price: str, quantity: str = "10", symbol: str = "MSFT", **fields: object) -> dict[str, object]:
    """Make a stop order's body."""
    return order(action, quantity, symbol, OrderType="StopMarket", StopPrice=price, **fields)


def bracket(entry: dict[str, object], *exits: dict[str, object], kind: str = "BRK") -> dict[str, object]:
    """Make an entry that sends a group of exits."""
    return entry | {"OSOs": [{"Type": kind, "Orders": list(exits)}]}


def refusal(reply: Response) -> str:
    """Give the text of a refusal, whatever its form; fail if nothing was refused."""
    body = reply.json()
    if reply.status >= 400:
        return str(body["Message"])
    rows = [*(body.get("Errors") or []), *(row for row in body.get("Orders", []) if row.get("Error"))]
    rows += [body] if body.get("Error") else []
    assert rows, body
    return str(rows[0]["Message"])
