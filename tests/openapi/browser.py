"""What stands between the generated requests and the bridge: a log-in that lasts, and an account that lives.

Time passes with each request, so that quotas recover and snapshots grow old. Orders and positions that a request names
by one of the placeholders are made at the simulated broker by hand where there are none.
"""

import base64
import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from tests.inprocess.bridge import InProcessBridge
from tests.inprocess.gateway import event_of
from tests.inprocess.seats import Seat
from tests.inprocess.starting import LOGIN, PASSWORD
from tests.openapi.document import LIVE_BRACKET, LIVE_NET_POSITION, LIVE_ORDER, LIVE_POSITION
from tests.panel.schema import operation_of

ORIGIN = "https://www.tradingview.com"
TOKEN = "token-of-the-generated-requests"
"""Stands for whatever token the last log-in gave."""
STEP_MS = 400
REQUESTS = 250
"""So many requests are sent to one bridge; then everything begins again, so that its lists stay short."""


class Browser:
    """Sends requests for one account."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.told: Counter[tuple[str, str]] = Counter()
        """How often which operation answered `ok`, `error` or `401`."""
        self.wrong: list[str] = []
        """Where what was answered and what the broker then had were two things."""
        self._started = 0
        self._start()

    def _start(self) -> None:
        self._started += 1
        self.bridge = InProcessBridge((self.seat.account.name,), seed=self._started)
        self._sent = 0
        self._token = ""

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a generated request; it counts."""
        self._sent += 1
        if self._sent > REQUESTS:
            self._start()
        self.bridge.run(STEP_MS / 1000)
        path = str(event["path"])
        for stands_for in (LIVE_ORDER, LIVE_BRACKET, LIVE_POSITION, LIVE_NET_POSITION):
            if path.endswith(f"/{stands_for}"):
                path = path.replace(stands_for, quote(self._live(stands_for), safe=""))
        headers = dict(event["multiValueHeaders"])
        if headers.get("authorization") == [f"Bearer {TOKEN}"]:
            headers["authorization"] = [f"Bearer {self.token()}"]
        headers["origin"] = [ORIGIN]
        sent = {**event, "path": path, "multiValueHeaders": headers}
        before = set(self.bridge.orders(self.seat))
        answer = self.bridge.ask_panel(sent)
        self._count(str(event["httpMethod"]), path, answer)
        if path.endswith("/orders") and event["httpMethod"] == "POST":
            self._compare(sent, answer, before)
        return answer

    def _compare(self, sent: Mapping[str, Any], answer: Mapping[str, Any], before: set[str]) -> None:
        """Hold the answer to a ticket against the broker's own book: refused is no order, taken is what was asked."""
        form = {name: values[0] for name, values in parse_qs(base64.b64decode(sent["body"] or "").decode()).items()}
        new = [one for order_id, one in self.bridge.orders(self.seat).items() if order_id not in before]
        mine = sum((quantity for side, quantity in new if side == form.get("side")), Decimal(0))
        taken = json.loads(answer["body"])["s"] == "ok"
        if (not taken and new) or (taken and mine and mine != Decimal(form["qty"])):
            self.wrong.append(f"{form} was answered {answer['body']}, and the broker has {new} more")

    def _count(self, method: str, path: str, answer: Mapping[str, Any]) -> None:
        try:
            name = operation_of(method, path)
        except AssertionError:
            name = "undeclared"
        told = "401" if answer["statusCode"] == 401 else json.loads(answer["body"] or "{}").get("s", "ok")
        self.told[(name, told)] += 1
        if name == "logout" and told == "ok":
            self._token = ""

    # ---- logged in

    def token(self) -> str:
        """Give a token that is good."""
        if not self._token:
            form = {"login": LOGIN, "password": PASSWORD}
            self._token = str(self.ask("POST", "/authorize", form, token="")["d"]["access_token"])
        return self._token

    def ask(self, method: str, path: str, form: Mapping[str, object] | None = None, *, token: str | None = None) -> Any:
        """Send a request of the test's own."""
        headers = {"origin": ORIGIN, "content-type": "application/x-www-form-urlencoded"}
        if token != "":
            headers["authorization"] = f"Bearer {token or self.token()}"
        event = event_of(method, path, "locale=en", headers, urlencode(form or {}).encode() or None)
        return json.loads(self.bridge.ask_panel(event)["body"])

    # ---- an account that lives

    def _live(self, stands_for: str) -> str:
        for _ in range(3):
            found = self._found(stands_for)
            if found is not None:
                return found
            self._make(stands_for)
            self.bridge.run(4)
        return "none"

    def _found(self, stands_for: str) -> str | None:
        own = f"/accounts/{self.seat.account.name}"
        if stands_for in (LIVE_POSITION, LIVE_NET_POSITION):
            positions = self.ask("GET", f"{own}/positions").get("d", [])
            held = next((one["id"] for one in positions if one["instrument"] == self.seat.symbol), None)
            return held if held is None or stands_for == LIVE_POSITION else self.seat.symbol
        orders = [one for one in self.ask("GET", f"{own}/orders").get("d", []) if one["status"] == "working"]
        bracket = stands_for == LIVE_BRACKET
        return next((one["id"] for one in orders if (one.get("parentType") == "position") is bracket), None)

    def _make(self, stands_for: str) -> None:
        """Trade through the panel: a market order with a bracket, or a limit order that stays."""
        seat = self.seat
        form: dict[str, object] = {
            "instrument": seat.symbol,
            "qty": seat.unit,
            "side": "buy",
            "type": "market",
            "currentAsk": seat.price,
            "currentBid": seat.price,
        }
        if stands_for == LIVE_ORDER:
            form |= {"type": "limit", "limitPrice": seat.price - seat.distance}
        else:
            form |= {"stopLoss": seat.price - 3 * seat.distance, "takeProfit": seat.price + 3 * seat.distance}
        self.ask("POST", f"/accounts/{seat.account.name}/orders", form)
