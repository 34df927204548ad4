"""The whole bridge with its panel in one process and in virtual time, at either simulated broker."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal
from urllib.parse import urlencode

from orderbridge.broker_api.gateway import Request
from orderbridge.broker_api.login.model import ServerClient, User
from orderbridge.broker_api.login.password_login import Denied
from orderbridge.broker_api.ports import PanelDesk
from orderbridge.broker_api.serving import BrokerApi
from orderbridge.broker_api.settings import BrokerName, Listed, PanelSettings
from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.port import Deadline
from orderbridge.errors import NotSignedInError
from orderbridge.execution.looks import Looks
from orderbridge.secret import Secret
from orderbridge.storage.budgets import DynamoBudget
from orderbridge.storage.control import Controls
from orderbridge.storage.panel_books import DynamoPanelBooks
from orderbridge.storage.panel_cache import DynamoPanelCache
from orderbridge.storage.panel_requests import DynamoPanelRequests
from orderbridge.storage.snapshots import DynamoSnapshots
from orderbridge.strategy.settings import AccountSettings
from orderbridge.strategy.symbols import canonical_root, lane_of
from tests.machine import HandMade
from tests.panel.schema import check
from tests.scenario.world import TABLE, World

TOKEN = "token-of-alice"
ORIGIN = "https://www.tradingview.com"
SHARE = Fraction(1, 2)
FINAL = ("filled", "cancelled", "rejected")


@dataclass
class Reply:
    """An answer of the API."""

    status: int
    content: Any
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        return self.status == 200 and self.content.get("s", "ok") == "ok"

    @property
    def d(self) -> Any:
        assert self.ok, self.content
        return self.content["d"]

    @property
    def errmsg(self) -> str:
        assert self.content["s"] == "error", self.content
        return str(self.content["errmsg"])


class FakeGuard:
    """Tokens of people whose accounts are known; logging in is tested elsewhere."""

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.servers: dict[str, ServerClient] = {}

    def authenticate(self, token: str) -> User:
        if token not in self.users:
            raise NotSignedInError("no such token")
        return self.users[token]

    def authenticate_server(self, token: str) -> ServerClient:
        if token not in self.servers:
            raise NotSignedInError("no such token")
        return self.servers[token]

    def authenticate_either(self, token: str) -> User | ServerClient:
        return self.servers[token] if token in self.servers else self.authenticate(token)

    def log_out(self, token: str) -> None:
        self.authenticate_either(token)
        self.users.pop(token, None)


class NoDoor:
    def sign_in(self, login: str, password: Secret, address: str) -> Denied:
        return Denied("The login or the password is wrong.")


class TestStage:
    """`Backstage` of one process of the world."""

    __test__ = False

    def __init__(self, world: "PanelWorld") -> None:
        self._world = world
        self.clock = world.clock
        self.books = DynamoPanelBooks(world.client, TABLE)
        self.cache = DynamoPanelCache(world.client, TABLE)
        self.requests = DynamoPanelRequests(world.client, TABLE)
        self.look_store = DynamoSnapshots(world.client, TABLE)
        self.ledger = world.lanes
        self._desks: dict[str, PanelDesk] = {}

    def settings(self) -> PanelSettings:
        return self._world.panel_settings

    def account(self, name: str) -> AccountSettings | None:
        return self._world.settings.account(name)

    def desk(self, account: AccountSettings) -> PanelDesk:
        if account.name not in self._desks:
            broker = self._world.broker_within(SHARE, account.name)
            looks = Looks(
                self.look_store, broker, self.clock, account.name, f"panel-{id(self)}", self._world.bench.gap_ms
            )
            self._desks[account.name] = PanelDesk(account, broker, looks)
        return self._desks[account.name]

    def new_id(self) -> str:
        return f"id-{next(self._world.ids)}"

    def work_lane(self, lane: str, deadline: Deadline) -> None:
        self._world.work_for_panel(lane, deadline)


class PanelWorld(World):
    """A world with a panel: `ask` sends one request as TradingView's browser does, and checks the answer's form."""

    def __init__(self, bench: Any, strategies: Any = None, listed: tuple[Listed, ...] = ()) -> None:
        super().__init__(bench, strategies)
        self.ids = itertools.count(1)
        self.seats: dict[str, Any] = {}
        machine = HandMade(self.clock.now_ms, sleep=self.clock.sleep)
        bench.budget = DynamoBudget(self.client, TABLE, self.account.connection, machine)
        broker: BrokerName = self.account.broker
        self.panel_settings = PanelSettings({broker: listed or (Listed(bench.symbol, f"TEST:{bench.symbol}"),)})
        self.guard = FakeGuard()
        self.guard.users[TOKEN] = User("alice", "1", accounts=(self.account.name,))
        self.api = self.new_api()
        self.statuses: dict[str, str] = {}

    def new_api(self, origins: tuple[str, ...] = ()) -> BrokerApi:
        """Give the API of another process: it remembers nothing."""
        return BrokerApi(TestStage(self), self.guard, NoDoor(), origins)

    def broker_within(self, share: Fraction, account: str = "") -> Any:
        bench: Any = self.bench
        whole, seat = bench.budget, bench.seat
        bench.seat = self.seats.get(account, seat)
        bench.budget = DynamoBudget(
            self.client, TABLE, self.account.connection, HandMade(self.clock.now_ms, sleep=self.clock.sleep), share
        )
        try:
            return bench.new_broker()
        finally:
            bench.budget, bench.seat = whole, seat

    def add_neighbour(self, token: str, login: str, seat: Any) -> AccountSettings:
        """Let somebody else in, with an account of their own at the same simulated broker."""
        number = getattr(seat, "account_number", "")
        theirs = replace(
            self.account, name=f"{login}s-own", broker_account_id=seat.account_id, account_number=number
        )
        self.settings.accounts[theirs.name] = theirs
        self.seats[theirs.name] = seat
        self.guard.users[token] = User(login, "1", accounts=(theirs.name,))
        return theirs

    def work_for_panel(self, lane: str, deadline: Deadline) -> None:
        worked = self.worker().work(lane, deadline)
        if worked.again_in_ms is not None:
            self.bell.ring_lane(lane, max(1, round(worked.again_in_ms / 1000)))
        if worked.watched:
            self.watcher.ensure(self.account.name)

    def set_currency(self, currency: str) -> None:
        """Say in the settings that the account is kept in this currency."""
        self.account = replace(self.account, currency=currency)
        self.settings.accounts[self.account.name] = self.account
        self.api = self.new_api()

    def lose_snapshots(self) -> None:
        """Empty the table of all that was read of the broker; what the panel has told people is kept."""
        for item in self.client.scan(TableName=TABLE)["Items"]:
            if item["sk"]["S"].startswith(("SNAPSHOT", "CACHE#")):
                self.client.delete_item(TableName=TABLE, Key={name: item[name] for name in ("pk", "sk")})

    # ---- the broker

    @property
    def inside(self) -> Any:
        """The simulated broker's inside, as its own bench has it."""
        return self.bench

    def asked(self) -> int:
        """Count the requests that the broker has been sent."""
        return len(self.inside.sim.journal.entries())

    def answer_again(self) -> None:
        """End what was set up with `read_fault`."""
        self.inside.transport.pending_reads.clear()

    # ---- requests

    def ask(
        self,
        method: str,
        path: str,
        form: Mapping[str, object] | None = None,
        *,
        token: str | None = TOKEN,
        api: BrokerApi | None = None,
        body: bytes | None = None,
        origin: str = ORIGIN,
        strict: bool = True,
        **query: Any,
    ) -> Reply:
        """Send one request; `strict` checks the answer against the published description."""
        headers = {"origin": origin}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if form is not None or body is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        request = Request(
            method=method,
            path=path,
            query={name: (str(value),) for name, value in {"locale": "en", **query}.items()},
            headers=headers,
            body=body if body is not None else urlencode(form or {}).encode(),
            address="203.0.113.7",
        )
        answer = (api or self.api).answer(request, MonotonicDeadline(27, self.clock.monotonic))
        content = json.loads(answer.body) if answer.body else None
        if strict and method != "OPTIONS":
            check(method, path, answer.status, content)
        return Reply(answer.status, content, answer.headers)

    def own(self, what: str) -> str:
        return f"/accounts/{self.account.name}/{what}"

    def get(self, what: str, **query: Any) -> Any:
        """Read something of the account, successfully."""
        return self.ask("GET", self.own(what), **query).d

    def orders(self) -> dict[str, Any]:
        """Give the orders listed, by id; none has vanished without an end, and none has come back from one."""
        listed = self.get("orders")
        orders = {order["id"]: order for order in listed}
        assert len(orders) == len(listed), "an id is listed twice"
        for order_id, before in self.statuses.items():
            assert order_id in orders or before in FINAL, f"{order_id} vanished while {before}"
            now = orders[order_id]["status"] if order_id in orders else before
            assert before not in FINAL or now == before, f"{order_id} went from {before} back to {now}"
        self.statuses |= {order_id: order["status"] for order_id, order in orders.items()}
        return orders

    def positions(self) -> list[Any]:
        return list(self.get("positions"))

    def ticket(
        self, side: str = "buy", quantity: Decimal | None = None, kind: str = "market", **fields: object
    ) -> dict[str, object]:
        """Give the form of an order ticket for the bench's symbol."""
        price = self.bench.price
        return {
            "instrument": self.bench.symbol,
            "qty": quantity if quantity is not None else self.bench.unit,
            "side": side,
            "type": kind,
            "currentAsk": price,
            "currentBid": price,
            **fields,
        }

    def place(self, *args: Any, request_id: str = "", **fields: Any) -> Reply:
        query: dict[str, Any] = {"requestId": request_id} if request_id else {}
        return self.ask("POST", self.own("orders"), self.ticket(*args, **fields), **query)

    def lane(self) -> str:
        """Name the lane of the bench's symbol."""
        whole = self.worker_capabilities.one_action_at_a_time
        return lane_of(self.account.name, canonical_root(self.bench.symbol), whole)

    def halt(self, what: Literal["entries", "all"]) -> None:
        """Throw the global switch."""
        Controls(self.client, TABLE).halt("global", what, "test", "test", self.clock.now_ms())

    def settle(self, seconds: float = 3.0) -> None:
        """Let the bridge work, and what was read grow old."""
        self.run(seconds)
