"""A plain caller of the simulated TradeLocker for its tests: rows by column name, exact numbers, time that is moved."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.simserver import InProcess, ManualClock, Request, Response
from sandbox.tradelocker import LOGINS, TradeLockerApp

START_MS = 1_767_886_346_666
"""A Thursday, 15:32:26.666 UTC."""

EURUSD, BTCUSD, AAPL, XAUUSD = 278, 206, 520, 311


class Caller:
    """Logged in as one user, on one account."""

    def __init__(self, switches: Mapping[str, object] | None = None, *, acc_num: int = 1, user: int = 0) -> None:
        self.clock = ManualClock(START_MS)
        self.app = TradeLockerApp(self.clock, {"rate_limits": "off", **(switches or {})})
        self.inner = InProcess(self.app)
        self.login = LOGINS[user]
        self.seed = self.login.accounts[acc_num - 1]
        self.account = self.seed.account_id
        self.tokens = self.log_in()
        self.headers = {"Authorization": f"Bearer {self.tokens['accessToken']}", "accNum": str(acc_num)}

    def send(self, method: str, target: str, body: object = None, headers: Mapping[str, str] | None = None) -> Response:
        """Send one request as it is; a body goes as JSON."""
        content = {"Content-Type": "application/json"} if body is not None else {}
        raw = b"" if body is None else json.dumps(body, default=float).encode()
        return self.inner.send(Request.of(method, target, {**content, **(headers or {})}, raw))

    def log_in(self, **changes: str) -> Mapping[str, str]:
        """Log in; `changes` replace credentials."""
        credentials = {"email": self.login.email, "password": self.login.password, "server": self.login.server}
        answer = self.send("POST", "/backend-api/auth/jwt/token", {**credentials, **changes})
        tokens: Mapping[str, str] = answer.json()
        return tokens

    def call(self, method: str, path: str, body: object = None) -> Response:
        """Send a request under /trade; {a} in the path stands for the account."""
        return self.send(method, f"/backend-api/trade{path.replace('{a}', str(self.account))}", body, self.headers)

    def get(self, path: str) -> Any:
        """Return `d` of a read that must succeed."""
        answer = self.call("GET", path).json()
        assert answer["s"] == "ok", answer
        return answer["d"]

    def rows(self, panel: str, query: str = "") -> list[dict[str, Any]]:
        """Return a panel's rows, each by column name."""
        config = {"executions": "filledOrders"}.get(panel, panel)
        columns = [column["id"] for column in self.get("/config")[f"{config}Config"]["columns"]]
        rows: Sequence[Sequence[object]] = self.get(f"/accounts/{{a}}/{panel}{query}")[panel]
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def row(self, panel: str, row_id: str) -> dict[str, Any]:
        """Return the one row with this id."""
        (found,) = [row for row in self.rows(panel) if row["id"] == row_id]
        return found

    def state(self) -> dict[str, Any]:
        """Return the account's state by column name."""
        columns = [column["id"] for column in self.get("/config")["accountDetailsConfig"]["columns"]]
        return dict(zip(columns, self.get("/accounts/{a}/state")["accountDetailsData"], strict=True))

    def trade_route(self, tid: int) -> int:
        """Return the TRADE route of an instrument."""
        (route,) = (route for route in self._routes(tid) if route["type"] == "TRADE")
        return int(route["id"])

    def info_routes(self, tid: int) -> list[int]:
        """Return the INFO routes of an instrument, in the list's order."""
        return [route["id"] for route in self._routes(tid) if route["type"] == "INFO"]

    def _routes(self, tid: int) -> list[dict[str, Any]]:
        listed = self.get("/accounts/{a}/instruments")["instruments"]
        (found,) = [one for one in listed if one["tradableInstrumentId"] == tid]
        routes: list[dict[str, Any]] = found["routes"]
        return routes

    def order_body(self, tid: int = EURUSD, **changes: object) -> dict[str, object]:
        """Return the body of a market buy of 0.10 lots with `changes`."""
        market = {"qty": "0.10", "side": "buy", "type": "market", "validity": "IOC"}
        return {**market, "routeId": self.trade_route(tid), "tradableInstrumentId": tid, **changes}

    def try_place(self, tid: int = EURUSD, **changes: object) -> Any:
        """Place an order and return the whole answer."""
        return self.call("POST", "/accounts/{a}/orders", self.order_body(tid, **changes)).json()

    def place(self, tid: int = EURUSD, **changes: object) -> str:
        """Place an order that must be accepted and return its id."""
        answer = self.try_place(tid, **changes)
        assert answer["s"] == "ok", answer
        order_id: str = answer["d"]["orderId"]
        return order_id

    def place_limit(self, price: str, tid: int = EURUSD, **changes: object) -> str:
        """Place a limit order."""
        return self.place(tid, type="limit", validity="GTC", price=Decimal(price), **changes)

    def position_of(self, order_id: str) -> dict[str, Any]:
        """Return the position that a filled order opened."""
        return self.row("positions", self.row("ordersHistory", order_id)["positionId"])

    def control(self, path: str, body: object = None, method: str = "POST") -> Any:
        """Send a control request that must succeed."""
        answer = self.send(method, f"/_control/{path}", body)
        assert answer.status == 200, answer.body
        return answer.json()

    def price(self, name: str, bid: str, ask: str) -> None:
        """Move an instrument's quote."""
        self.control("prices", {name: {"bid": bid, "ask": ask}})

    def script(self, behaviour: str, **parameters: object) -> None:
        """Script the next matching order."""
        self.control("script", {"behaviour": behaviour, **parameters})
