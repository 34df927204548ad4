"""The contract suite's simulated TradeStation: the sandbox's model in this process and in virtual time."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx

from orderbridge.brokers.http import BrokerHttp, MonotonicDeadline, open_client
from orderbridge.brokers.login import Login
from orderbridge.brokers.tradestation.adapter import TradeStation
from orderbridge.brokers.tradestation.auth import TradeStationAuth, authorization_url
from orderbridge.model import Side
from orderbridge.secret import Secret
from sandbox.simserver import InProcess, Request
from sandbox.simserver.transport import SimulatedTransport
from sandbox.tradestation import KEYS
from sandbox.tradestation import TradeStation as Simulator
from sandbox.tradestation.switches import ALL
from tests.contract.backend import Book, BookOrder, BookPosition, Fault
from tests.contract.virtual import LiveTokens, PacedBudget, VirtualTime
from tests.machine import HandMade

START_MS = 1_794_322_800_000
"""Tuesday, 10 November 2026, 10:00 in New York: every market is open."""
LATENCY_MS = 60
HOSTS = ("127.0.0.1",)
ORIGIN = "http://127.0.0.1:8000"
CALLBACK = "http://localhost:3000"

_RULES: Mapping[Fault, Mapping[str, object]] = {
    Fault.CONNECTION_REFUSED: {"kind": "refuse_connection"},
    Fault.RESET_BEFORE: {"kind": "reset_before"},
    Fault.REPLY_LOST: {"kind": "reply_lost"},
    Fault.TIMEOUT_AFTER: {"kind": "slow_after", "seconds": 60},
    Fault.TIMEOUT_BEFORE: {"kind": "hang_before", "seconds": 60},
    Fault.ERROR_BEFORE: {"kind": "status_before", "status": 503, "body": {"Error": "ServiceUnavailable"}},
    Fault.ERROR_AFTER: {"kind": "status_after", "status": 504, "body": {"Error": "GatewayTimeout"}},
    Fault.GARBLED_AFTER: {"kind": "truncated"},
    Fault.RATE_JSON: {"kind": "rate_json"},
    Fault.RATE_EDGE: {"kind": "rate_edge"},
    Fault.UNAUTHORIZED: {"kind": "unauthorized"},
    Fault.ERROR_BODY: {"kind": "error_200", "text": "The order could not be taken"},
}


@dataclass(frozen=True)
class Seat:
    """An account, and what is traded on it."""

    title: str
    account_id: str
    account_kind: str
    symbol: str
    price: str
    distance: str
    unit: str


EQUITIES = Seat("tradestation", "SIM1234567M", "Margin", "MSFT", "412.30", "5.00", "10")
FUTURES = Seat("tradestation-futures", "SIM1234567F", "Futures", "MESZ26", "6900.25", "25.00", "2")


class FaultyTransport(httpx.BaseTransport):
    """Puts the pending faults in front of the next read or write of the API, and lets each request take its time."""

    def __init__(self, inner: SimulatedTransport, sim: InProcess, time: VirtualTime, seat: Seat) -> None:
        self._inner = inner
        self._sim = sim
        self._time = time
        self._seat = seat
        self.pending_write: Fault | None = None
        self.pending_reads: deque[Fault] = deque()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._time.clock.advance(LATENCY_MS)
        if request.url.path.startswith("/v3/"):
            fault = self._take(request.method)
            if fault is not None:
                self._arm(fault)
        return self._inner.handle_request(request)

    def _take(self, method: str) -> Fault | None:
        if method == "GET":
            return self.pending_reads.popleft() if self.pending_reads else None
        fault, self.pending_write = self.pending_write, None
        return fault

    def _arm(self, fault: Fault) -> None:
        match fault:
            case Fault.LOGIN_DEAD:
                control(self._sim, "tokens", {"expire": "all"})
            case Fault.REJECTED_LATER:
                rule = {"match": {"symbol": self._seat.symbol}, "times": 3, "reject_later": {"after_ms": 500}}
                control(self._sim, "script", rule)
            case _:
                self._sim.faults.add({"match": {"path": "^/v3/"}, "fault": _RULES[fault], "times": 1})


def control(sim: InProcess, what: str, payload: object) -> Any:
    """Use one of the simulator's control endpoints."""
    body = json.dumps(payload, default=str).encode()
    response = sim.send(Request.of("POST", f"/_control/{what}", {"content-type": "application/json"}, body))
    assert response.status == 200, response.body
    return json.loads(response.body)


class TradeStationBench:
    """One simulated TradeStation with the adapter in front of it."""

    def __init__(self, seat: Seat, switches: Mapping[str, object] | None = None) -> None:
        self.seat = seat
        self.time = VirtualTime(START_MS)
        self.app = Simulator(self.time.clock, switches)
        self.sim = InProcess(self.app)
        inner = SimulatedTransport(self.sim, waited=self.time.sleep)
        self.transport = FaultyTransport(inner, self.sim, self.time, seat)
        self.client = open_client(self.transport)
        self.auth = TradeStationAuth(self.client, HOSTS, self.time.now_ms)
        self.tokens = LiveTokens(self._sign_in(), self.auth.refresh, self.time)
        self.budget = PacedBudget(self.time)
        self._broker = self.new_broker()

    @property
    def broker(self) -> TradeStation:
        return self._broker

    def new_broker(self) -> TradeStation:
        """Give another adapter of the same account, as another process would have it: it remembers nothing.

        Two switches stand for settings of the account that its owner makes once they are known.
        """
        machine = HandMade(self.time.now_ms, self.time.seconds, self.time.sleep)
        http = BrokerHttp(
            self.client, self.tokens.login.base_url, HOSTS, self.tokens, self.budget, machine=machine
        )
        return TradeStation(
            http,
            self.seat.account_id,
            self.seat.account_kind,
            now_ms=self.time.now_ms,
            confirm_ids=self.app.settings["confirm_id_origin"] == "any",
            buying_power_warning="Confirmed" if self.app.settings["buying_power_warning"] == "required" else None,
            page_size=2,
        )

    @property
    def symbol(self) -> str:
        return self.seat.symbol

    @property
    def price(self) -> Decimal:
        return Decimal(self.seat.price)

    @property
    def distance(self) -> Decimal:
        return Decimal(self.seat.distance)

    @property
    def unit(self) -> Decimal:
        return Decimal(self.seat.unit)

    def now_ms(self) -> int:
        return self.time.now_ms()

    def advance(self, ms: int) -> None:
        self.time.clock.advance(ms)
        self.app.state()

    def set_price(self, price: Decimal) -> None:
        self.app.set_prices({self.symbol: price})

    def fault(self, fault: Fault) -> None:
        self.transport.pending_write = fault

    def read_fault(self, fault: Fault, times: int = 1) -> None:
        self.transport.pending_reads.extend([fault] * times)

    def fill_at_most(self, quantity: Decimal) -> None:
        partial = {"quantities": [str(quantity)], "then": "stay"}
        control(self.sim, "script", {"match": {"symbol": self.symbol}, "partial_fill": partial})

    def hide_from_reads(self, ms: int) -> None:
        rule = {"match": {"symbol": self.symbol}, "times": 3, "late_history": {"ms": ms}}
        control(self.sim, "script", rule)

    def close_elsewhere(self) -> None:
        control(self.sim, "trade", {"account": self.seat.account_id, "close": self.symbol, "cancel_exits": True})

    def expire_token(self) -> None:
        control(self.sim, "tokens", {"expire": "access"})

    def book(self) -> Book:
        state: Any = self.app.state()
        return Book(
            orders=tuple(_book_order(row) for row in state["orders"] if row["account"] == self.seat.account_id),
            positions=tuple(
                BookPosition(row["symbol"], row["symbol"], Decimal(row["quantity"]))
                for row in state["positions"]
                if row["account"] == self.seat.account_id
            ),
        )

    def writes(self) -> int:
        return sum(
            entry["method"] != "GET"
            and str(entry["path"]).startswith("/v3/orderexecution/order")
            and entry["fault"] != "refuse_connection"
            for entry in self.sim.journal.entries()
        )

    def bodies(self) -> list[Any]:
        """Give the bodies of the write requests so far, as the simulator read them."""
        entries = self.sim.journal.entries()
        return [one["body"] for one in entries if one["method"] != "GET" and str(one["path"]).startswith("/v3/")]

    def deadline(self) -> MonotonicDeadline:
        return MonotonicDeadline(20, self.time.seconds)

    def _sign_in(self) -> Login:
        """Walk through the sign-in page as a browser would, and exchange its code."""
        key = KEYS[0]
        assert key.client_secret is not None
        page = self.client.get(authorization_url(key.client_id, CALLBACK, "state-1", auth_url=ORIGIN))
        answered = parse_qs(urlsplit(page.headers["Location"]).query)
        assert answered["state"] == ["state-1"]
        outcome = self.auth.exchange_code(
            Secret(answered["code"][0]),
            CALLBACK,
            key.client_id,
            Secret(key.client_secret),
            "sim",
            self.deadline(),
            base_url=f"{ORIGIN}/v3",
            auth_url=ORIGIN,
        )
        assert isinstance(outcome, Login), outcome
        return outcome


class TradeStationBackend:
    """One account of the simulated TradeStation for the contract suite."""

    def __init__(self, seat: Seat = EQUITIES) -> None:
        self.seat = seat

    @property
    def name(self) -> Literal["tradestation"]:
        return "tradestation"

    @property
    def title(self) -> str:
        return self.seat.title

    @property
    def switches(self) -> Mapping[str, tuple[object, ...]]:
        return {switch.name: switch.values for switch in ALL if switch.name != "authorize_page"}

    def open(self, switches: Mapping[str, object] | None = None) -> TradeStationBench:
        return TradeStationBench(self.seat, switches)


def _book_order(row: Mapping[str, Any]) -> BookOrder:
    return BookOrder(
        id=row["order_id"],
        symbol=row["symbol"],
        side=Side.BUY if row["action"].startswith("BUY") else Side.SELL,
        quantity=Decimal(row["quantity"]),
        filled=Decimal(row["filled"]),
        state=_state(row),
        limit_price=_price(row["limit_price"]),
        stop_price=_price(row["stop_price"]),
    )


def _state(row: Mapping[str, Any]) -> Literal["working", "waiting", "filled", "cancelled", "rejected"]:
    if row["working"]:
        return "working"
    if row["waiting"]:
        return "waiting"
    if row["status"] == "REJ":
        return "rejected"
    return "filled" if row["status"] in ("FLL", "BRF") else "cancelled"


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
