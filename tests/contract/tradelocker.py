"""The contract suite's simulated TradeLocker: the sandbox's model in this process and in virtual time."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import httpx

from orderbridge.brokers.http import BrokerHttp, MonotonicDeadline, open_client
from orderbridge.brokers.login import Login, LoginRefused
from orderbridge.brokers.port import Deadline
from orderbridge.brokers.tradelocker import auth
from orderbridge.brokers.tradelocker.adapter import TradeLocker
from orderbridge.brokers.tradelocker.hosts import api_url
from orderbridge.brokers.tradelocker.quotas import HostBudget
from orderbridge.errors import LoginLostError, RateLimitedError
from orderbridge.model import PositionMode, Side
from orderbridge.secret import Secret
from sandbox.simserver import ManualClock, Request
from sandbox.simserver.inprocess import InProcess
from sandbox.simserver.transport import SimulatedTransport
from sandbox.tradelocker.app import TradeLockerApp
from sandbox.tradelocker.switches import ALL
from tests.contract.backend import Book, BookOrder, BookPosition, Fault
from tests.machine import HandMade

START_MS = 1_794_304_800_000
"""Tuesday, 10 November 2026, 10:00 UTC: every market is open."""
LATENCY_MS = 60
"""Of each request. It keeps one address below the edge's 20 requests a second."""
HOSTS = ("127.0.0.1",)
BASE_URL = "http://127.0.0.1:8000"

_RULES: Mapping[Fault, Mapping[str, object]] = {
    Fault.CONNECTION_REFUSED: {"kind": "refuse_connection"},
    Fault.RESET_BEFORE: {"kind": "reset_before"},
    Fault.REPLY_LOST: {"kind": "reply_lost"},
    Fault.TIMEOUT_AFTER: {"kind": "slow_after", "seconds": 60},
    Fault.TIMEOUT_BEFORE: {"kind": "hang_before", "seconds": 60},
    Fault.ERROR_BEFORE: {"kind": "status_before", "status": 503},
    Fault.ERROR_AFTER: {"kind": "status_after", "status": 502},
    Fault.GARBLED_AFTER: {"kind": "truncated"},
    Fault.RATE_JSON: {"kind": "rate_json"},
    Fault.RATE_EDGE: {"kind": "rate_edge"},
    Fault.UNAUTHORIZED: {"kind": "unauthorized"},
    Fault.ERROR_BODY: {"kind": "error_200", "text": "Order could not be placed"},
}


class VirtualTime:
    """The simulator's clock as everybody else sees it."""

    def __init__(self) -> None:
        self.clock = ManualClock(START_MS)

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def seconds(self) -> float:
        """Give a monotonic clock in seconds."""
        return (self.clock.now_ms() - START_MS) / 1000

    def sleep(self, seconds: float) -> None:
        self.clock.advance(round(seconds * 1000))


class PacedBudget:
    """Waits in virtual time until a request is allowed, as the bridge's budget does in real time."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._taken: dict[str, deque[int]] = {}
        self._paused_until: dict[str, int] = {}

    def spend(self, resource: str, limit: int, period_ms: int, deadline: Deadline) -> None:
        taken = self._taken.setdefault(resource, deque(maxlen=limit))
        now = self._time.now_ms()
        free_at = max(self._paused_until.get(resource, 0), taken[0] + period_ms if len(taken) == limit else 0)
        if free_at - now > deadline.remaining() * 1000:
            raise RateLimitedError("no request left", free_at - now)
        self._time.clock.advance(max(0, free_at - now))
        taken.append(self._time.now_ms())

    def observe(self, resource: str, remaining: int, reset_ms: int) -> None:
        if remaining == 0:
            self._paused_until[resource] = self._time.now_ms() + reset_ms


class Tokens:
    """The login's tokens, refreshed at the simulator when they have lapsed or were refused."""

    def __init__(self, exchange: auth.Exchange, login: Login) -> None:
        self._exchange = exchange
        self.login = login

    def access_token(self, deadline: Deadline) -> Secret:
        if self.login.access_expires_at_ms <= self._exchange.now_ms():
            return self._refresh(deadline)
        return self.login.access_token

    def renew(self, refused: Secret, deadline: Deadline) -> Secret:
        return self._refresh(deadline) if self.login.access_token == refused else self.login.access_token

    def _refresh(self, deadline: Deadline) -> Secret:
        outcome = auth.refresh(self._exchange, self.login, deadline)
        if isinstance(outcome, LoginRefused):
            raise LoginLostError(outcome.message)
        self.login = outcome
        return outcome.access_token


class FaultyTransport(httpx.BaseTransport):
    """Puts the pending faults in front of the next read, or write on `/trade`, and lets each request take its time."""

    def __init__(self, inner: SimulatedTransport, sim: InProcess, time: VirtualTime) -> None:
        self._inner = inner
        self._sim = sim
        self._time = time
        self.pending_write: Fault | None = None
        self.pending_reads: deque[Fault] = deque()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._time.clock.advance(LATENCY_MS)
        if "/trade/" in request.url.path or request.method == "GET":
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
                control(self._sim, "tokens", {"expire": "all", "refuse_logins": True})
            case Fault.REJECTED_LATER:
                control(self._sim, "script", {"behaviour": "reject_later"})
            case _:
                self._sim.faults.add({"match": {"path": "/trade/|all-accounts"}, "fault": _RULES[fault], "times": 1})


def control(sim: InProcess, what: str, payload: object) -> Any:
    """Use one of the simulator's control endpoints."""
    body = json.dumps(payload, default=str).encode()
    response = sim.send(Request.of("POST", f"/_control/{what}", {"content-type": "application/json"}, body))
    assert response.status == 200, response.body
    return json.loads(response.body)


@dataclass(frozen=True)
class Seat:
    """A test login's account, and what is traded on it."""

    email: str = "trader@sandbox.test"
    password: str = "sandbox-password-1"
    server: str = "SANDBOX"
    account_id: str = "1180"
    account_number: str = "1"
    mode: PositionMode = PositionMode.HEDGING
    symbol: str = "BTCUSD"


class TradeLockerBench:
    """One simulated TradeLocker with the adapter in front of it."""

    def __init__(self, switches: Mapping[str, object] | None = None, seat: Seat = Seat()) -> None:
        self.seat = seat
        self.time = VirtualTime()
        self.app = TradeLockerApp(self.time.clock, switches)
        self.sim = InProcess(self.app)
        self.transport = FaultyTransport(SimulatedTransport(self.sim, waited=self.time.sleep), self.sim, self.time)
        self.client = open_client(self.transport)
        self.tokens = Tokens(auth.Exchange(self.client, HOSTS, self.time.now_ms), self._log_in())
        self.budget = PacedBudget(self.time)
        self._broker = self.new_broker()

    @property
    def broker(self) -> TradeLocker:
        return self._broker

    def new_broker(self) -> TradeLocker:
        """Give another adapter of the same account, as another process would have it: it remembers nothing."""
        login = self.tokens.login
        http = BrokerHttp(
            self.client,
            api_url(login.base_url),
            HOSTS,
            self.tokens,
            HostBudget(self.budget),
            machine=HandMade(self.time.now_ms, self.time.seconds, self.time.sleep),
        )
        return TradeLocker(
            http,
            self.seat.account_id,
            self.seat.account_number,
            self.seat.mode,
            clock=self.time.seconds,
            now_ms=self.time.now_ms,
        )

    @property
    def symbol(self) -> str:
        return self.seat.symbol

    @property
    def price(self) -> Decimal:
        return Decimal("77261.10")

    @property
    def distance(self) -> Decimal:
        return Decimal("500.00")

    @property
    def unit(self) -> Decimal:
        return Decimal("0.10")

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
        control(self.sim, "script", {"behaviour": "partial_fill", "qty": str(quantity)})

    def hide_from_reads(self, ms: int) -> None:
        control(self.sim, "freeze", {"ms": ms})

    def close_elsewhere(self) -> None:
        for position in self.book().positions:
            if position.symbol == self.symbol:
                control(self.sim, "trade", {"account": int(self.seat.account_id), "close": position.id})

    def expire_token(self) -> None:
        control(self.sim, "tokens", {"expire": "access"})

    def book(self) -> Book:
        account = self._account()
        return Book(
            orders=tuple(_book_order(one) for one in account["orders"]),
            positions=tuple(_book_position(one) for one in account["positions"]),
        )

    def writes(self) -> int:
        return sum(
            entry["method"] != "GET" and "/trade/" in str(entry["path"]) and entry["fault"] != "refuse_connection"
            for entry in self.sim.journal.entries()
        )

    def bodies(self) -> list[Any]:
        """Give the bodies of the write requests so far, as the simulator read them."""
        entries = self.sim.journal.entries()
        return [one["body"] for one in entries if one["method"] != "GET" and "/trade/" in str(one["path"])]

    def deadline(self) -> MonotonicDeadline:
        return MonotonicDeadline(20, self.time.seconds)

    def _account(self) -> Mapping[str, Any]:
        accounts: Any = self.app.state()["accounts"]
        return next(one for one in accounts if one["id"] == self.seat.account_id)

    def _log_in(self) -> Login:
        outcome = auth.log_in(
            auth.Exchange(self.client, HOSTS, self.time.now_ms),
            environment="sim",
            base_url=BASE_URL,
            email=self.seat.email,
            password=Secret(self.seat.password),
            server=self.seat.server,
            deadline=MonotonicDeadline(20, self.time.seconds),
        )
        assert isinstance(outcome, Login), outcome
        return outcome


class TradeLockerBackend:
    """The simulated TradeLocker for the contract suite."""

    @property
    def name(self) -> Literal["tradelocker"]:
        return "tradelocker"

    @property
    def switches(self) -> Mapping[str, tuple[object, ...]]:
        return {switch.name: _usable(switch.name, switch.values) for switch in ALL}

    def open(self, switches: Mapping[str, object] | None = None) -> TradeLockerBench:
        return TradeLockerBench(switches)


def _usable(name: str, values: tuple[str, ...]) -> tuple[object, ...]:
    """Leave out settings under which nothing can be traded; `test_tradelocker.py` has those."""
    without = {"missing_columns": ("history_strategy_id", "every_strategy_id"), "host_claim": ("wrong_shard",)}
    return tuple(value for value in values if value not in without.get(name, ()))


_STATES: Mapping[str, Literal["working", "filled", "cancelled", "rejected"]] = {
    "working": "working",
    "filled": "filled",
    "cancelled": "cancelled",
    "refused after it was accepted": "rejected",
    "ioc without a fill": "cancelled",
    "ioc filled in part": "filled",
    "position gone": "cancelled",
}


def _book_order(row: Mapping[str, Any]) -> BookOrder:
    return BookOrder(
        id=row["orderId"],
        symbol=row["instrument"],
        side=Side(row["side"]),
        quantity=Decimal(row["qty"]),
        filled=Decimal(row["filledQty"]),
        state=_STATES[row["status"]],
        limit_price=_price(row["price"]) if row["type"] == "limit" else None,
        stop_price=_price(row["stopPrice"]),
    )


def _book_position(row: Mapping[str, Any]) -> BookPosition:
    sign = Side(row["side"]).sign
    return BookPosition(
        id=row["positionId"],
        symbol=row["instrument"],
        signed=Decimal(row["qty"]) * sign,
        stop_loss=_price(row["stopLoss"]),
        take_profit=_price(row["takeProfit"]),
    )


def _price(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
