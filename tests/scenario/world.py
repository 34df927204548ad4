"""A whole bridge in one process and in virtual time: alerts in, simulated brokers out, a simulated table between.

Bells are delivered in order of their due time; the clock jumps to the next one. Nothing here uses threads: races are
judged on the local AWS (`tests/race`).
"""

import heapq
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from orderbridge import codec
from orderbridge.alerts.alert import Action, Alert
from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.port import Look
from orderbridge.execution.desk import Desk
from orderbridge.execution.looks import Looks
from orderbridge.execution.records import CommandRecord, Job, LaneState
from orderbridge.execution.sweep import DeadLetters, Swept, sweep
from orderbridge.execution.watcher import Watcher
from orderbridge.execution.worker import LaneWorker, bell_delay_s
from orderbridge.storage import keys
from orderbridge.storage.dead_letters import lane_of_message
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.snapshots import DynamoSnapshots
from orderbridge.storage.sweep import DynamoSweep
from orderbridge.storage.watch import DynamoWatch
from orderbridge.strategy.settings import AccountRoute, AccountSettings, StrategySettings
from orderbridge.strategy.symbols import canonical_root, lane_of, root_for
from tests.scenario.bench import ScenarioBench
from tests.scenario.killing import STORE_CALLS, KilledError, Killer, Mortal
from tests.simulation.dynamo import AT_ONCE, SimulatedTable

TABLE = "bridge"
HANDLER_S = 55.0
REDELIVERY_MS = 60_000
LONG_S = 60.0
"""A wait for an end, not a stretch of time: it stops soon after the end has come."""


class BenchClock:
    """The bench's virtual time as the bridge sees it."""

    def __init__(self, bench: ScenarioBench) -> None:
        self._bench = bench
        self._start = bench.now_ms()

    def now_ms(self) -> int:
        return self._bench.now_ms()

    def monotonic(self) -> float:
        return (self._bench.now_ms() - self._start) / 1000

    def sleep(self, seconds: float) -> None:
        self._bench.advance(max(1, round(seconds * 1000)))


@dataclass
class BellTower:
    """The doorbell queue: bells with the moment they are due."""

    clock: BenchClock
    bells: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)
    _count: Any = field(default_factory=itertools.count)

    def ring_lane(self, lane: str, delay_s: int = 0) -> None:
        self._push({"lane": lane}, delay_s)

    def ring_watch(self, account: str, turn: int, delay_s: int = 0) -> None:
        self._push({"watch": account, "turn": turn}, delay_s)

    def _push(self, body: dict[str, Any], delay_s: int) -> None:
        heapq.heappush(self.bells, (self.clock.now_ms() + delay_s * 1000, next(self._count), body))


@dataclass
class FixedSettings:
    strategies: dict[str, StrategySettings]
    accounts: dict[str, AccountSettings]

    def strategy(self, name: str) -> StrategySettings | None:
        return self.strategies.get(name)

    def account(self, name: str) -> AccountSettings | None:
        return self.accounts.get(name)


class NoDeadLetters:
    def receive(self) -> list[tuple[str, str]]:
        return []

    def delete(self, handle: str) -> None:
        raise AssertionError(handle)


@dataclass(frozen=True)
class Outcome:
    """How one alert ended."""

    status: str
    code: str
    sentence: str


class World:
    """One account at one simulated broker, traded by strategies."""

    def __init__(self, bench: ScenarioBench, strategies: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        self.bench = bench
        self.clock = BenchClock(bench)
        self.bell = BellTower(self.clock)
        self.client: Any = SimulatedTable(self.clock.now_ms, lags=AT_ONCE)
        self.lanes = DynamoLanes(self.client, TABLE)
        self.account = bench.account()
        self.settings = FixedSettings({}, {self.account.name: self.account})
        for name, values in (strategies or {"s": {}}).items():
            self.add_strategy(name, **values)
        self.told: list[tuple[str, str]] = []
        self.watcher = Watcher(DynamoWatch(self.client, TABLE), self.bell, self.clock)
        self.owner = itertools.count(1)
        self._alerts = itertools.count(1)
        self._worker: LaneWorker | None = None
        self.killer: Killer | None = None

    def add_strategy(self, name: str, *, route: Mapping[str, Any] | None = None, **values: Any) -> None:
        unit = "lots" if self.account.broker == "tradelocker" else None
        self.settings.strategies[name] = StrategySettings(
            name=name,
            version=1,
            accounts=(AccountRoute(self.account.name, **(route or {})),),
            **{"quantity_unit": unit, **values},
        )

    def tell(self, code: str, sentence: str, **_: str) -> None:
        self.told.append((code, sentence))

    # ---- the bridge

    def worker(self) -> LaneWorker:
        """Give the worker of the present process."""
        if self._worker is None:
            self._worker = self.new_worker()
        return self._worker

    def new_worker(self) -> LaneWorker:
        """Give the worker of another process: other memory, another owner of leases."""
        owner = f"owner-{next(self.owner)}"
        broker = self.bench.new_broker()
        desk = Desk(self.account, broker, self.settings, self.clock, self.tell)
        snapshots = DynamoSnapshots(self.client, TABLE)
        looks = Looks(snapshots, broker, self.clock, self.account.name, owner, self.bench.gap_ms)
        store: Any = self.lanes
        if self.killer is not None:
            store = Mortal(store, self.killer, STORE_CALLS)
            desk.broker = Mortal(broker, self.killer, ("send",))
        return LaneWorker(store, self.lanes, self.bell, self.clock, desk, looks, owner)

    def restart(self) -> None:
        """The process has died: whoever comes next starts from the table."""
        self._worker = None

    def deadline(self) -> MonotonicDeadline:
        return MonotonicDeadline(HANDLER_S, self.clock.monotonic)

    def answer(self, body: Mapping[str, Any]) -> None:
        """Do what the order executor does with one bell."""
        if "lane" in body:
            lane = str(body["lane"])
            worked = self.worker().work(lane, self.deadline())
            if worked.again_in_ms is not None:
                self.bell.ring_lane(lane, bell_delay_s(worked.again_in_ms))
            if worked.watched:
                self.watcher.ensure(self.account.name)
        else:
            deadline = self.deadline()
            self.watcher.watch(
                self.account.name, int(body["turn"]), lambda lane: self._watch_lane(lane, deadline), deadline
            )

    def _watch_lane(self, lane: str, deadline: MonotonicDeadline) -> None:
        worked = self.worker().work(lane, deadline)
        if worked.jobs and worked.again_in_ms is not None:
            self.bell.ring_lane(lane, bell_delay_s(worked.again_in_ms))

    def run(self, seconds: float = 30.0) -> None:
        """Deliver bells until `seconds` have passed; the clock ends exactly there."""
        end_ms = self.clock.now_ms() + round(seconds * 1000)
        while self.bell.bells and self.bell.bells[0][0] <= end_ms:
            due_ms, _, body = heapq.heappop(self.bell.bells)
            if due_ms > self.clock.now_ms():
                self.bench.advance(due_ms - self.clock.now_ms())
            try:
                self.answer(body)
            except KilledError:
                self.restart()  # the queue delivers the bell again once its visibility time-out is over
                heapq.heappush(self.bell.bells, (self.clock.now_ms() + REDELIVERY_MS, -due_ms, body))
        if end_ms > self.clock.now_ms():
            self.bench.advance(end_ms - self.clock.now_ms())

    def sweep(self, dead_letters: DeadLetters | None = None) -> Swept:
        """Make the scheduler's round."""
        return sweep(
            DynamoSweep(self.client, TABLE),
            dead_letters or NoDeadLetters(),
            self.bell,
            self.watcher,
            [self.account.name],
            lane_of_message,
            self.clock,
        )

    # ---- alerts

    def store(self, alert: Alert, strategy: str = "s", ring: bool = True) -> str:
        """Store an alert's job as the receiver does; give the alert's id."""
        alert_id = f"a{next(self._alerts):03d}"
        settings = self.settings.strategies[strategy]
        route = settings.accounts[0]
        root = root_for(alert, settings, route, self.account.broker, self.clock.now_ms())
        job = Job(
            job_id=f"{alert_id}.{self.account.name}",
            alert_id=alert_id,
            strategy=strategy,
            account=self.account.name,
            lane=lane_of(self.account.name, root, self.worker_capabilities.one_action_at_a_time),
            root=root,
            accepted_at_ms=self.clock.now_ms(),
            alert=alert,
        )
        self.client.put_item(
            TableName=TABLE,
            Item=marshal({**keys.alert(alert_id), "alert_id": alert_id, "status": "accepted", "jobs": 1}),
        )
        self.put(job, ring)
        return alert_id

    def put(self, job: Job, ring: bool = True) -> None:
        assert self.lanes.put_job(job)
        if ring:
            self.bell.ring_lane(job.lane)

    @property
    def worker_capabilities(self) -> Any:
        return self.bench.broker.capabilities

    def send(self, action: str, quantity: str | None = None, strategy: str = "s", **fields: Any) -> str:
        """Store an alert for the bench's symbol."""
        alert = Alert(
            Action(action),
            fields.pop("symbol", self.bench.symbol),
            quantity=None if quantity is None else Decimal(quantity),
            fired_at_ms=fields.pop("fired_at_ms", self.clock.now_ms()),
            **fields,
        )
        return self.store(alert, strategy)

    def fire(
        self, action: str, quantity: str | None = None, strategy: str = "s", *, seconds: float = 6.0, **fields: Any
    ) -> Outcome:
        """Store an alert, let the bridge work, and give how it ended."""
        alert_id = self.send(action, quantity, strategy, **fields)
        if seconds < LONG_S:
            self.run(seconds)
        else:
            self.run_until(lambda: self.outcome(alert_id).status != "accepted", seconds)
        return self.outcome(alert_id)

    def run_until(self, done: Callable[[], bool], seconds: float) -> None:
        """Run until `done` and nothing is pending, then a little longer: what comes too much would show then."""
        end_ms = self.clock.now_ms() + round(seconds * 1000)
        while self.clock.now_ms() < end_ms and not (done() and not self.state().pending):
            self.run(2)
        self.run(8)

    def outcome(self, alert_id: str) -> Outcome:
        reply = self.client.get_item(TableName=TABLE, Key=marshal(keys.alert(alert_id)), ConsistentRead=True)
        item = unmarshal(reply["Item"])
        return Outcome(str(item["status"]), str(item.get("code", "")), str(item.get("sentence", "")))

    # ---- what stands

    def state(self) -> LaneState:
        """Give the state of the only lane that has one."""
        items = self.client.scan(TableName=TABLE)["Items"]
        rows = [item for item in items if item["sk"]["S"] == "STATE" and "data" in item]
        states: list[LaneState] = [codec.loads(LaneState, row["data"]["S"]) for row in rows]
        assert len(states) <= 1
        return states[0] if states else LaneState()

    def commands(self) -> list[CommandRecord]:
        """Give every command of the ledger, in the order of their making."""
        items = self.client.scan(TableName=TABLE)["Items"]
        rows = [item for item in items if item["sk"]["S"].startswith("COMMAND#")]
        records: list[CommandRecord] = [codec.loads(CommandRecord, row["data"]["S"]) for row in rows]
        return sorted(records, key=lambda r: (r.changed_at_ms, r.job_id, r.revision, r.step))

    def held(self) -> Decimal:
        """Give what the broker's own book holds of the bench's symbol."""
        return self.bench.book().held(self.bench.symbol)

    def working(self) -> list[Any]:
        return [order for order in self.bench.book().orders if order.state in ("working", "waiting")]

    def root(self) -> str:
        return canonical_root(self.bench.symbol)

    def lane(self) -> str:
        """Give the lane of the bench's symbol."""
        return lane_of(self.account.name, self.root(), self.worker_capabilities.one_action_at_a_time)

    def worker_look(self) -> Look:
        """Read the account as the bridge does."""
        broker, deadline = self.bench.broker, self.deadline()
        orders = broker.orders(deadline, self.clock.now_ms() - 3_600_000)
        return Look(broker.positions(deadline), orders, self.clock.now_ms())

    def make_live(self, *, confirmed: bool, stored: bool = True) -> None:
        """Turn the account into a live one; `confirmed` is what the settings say, `stored` what the table says."""
        at_ms = self.clock.now_ms() if confirmed else None
        self.account = replace(self.account, environment="live", live_confirmed_at_ms=at_ms)
        self.settings.accounts[self.account.name] = self.account
        item: dict[str, Any] = dict(keys.account(self.account.name))
        if confirmed and stored:
            item["live_confirmed_at_ms"] = at_ms
        self.client.put_item(TableName=TABLE, Item=marshal(item))
        self._worker = None

    def spoil_job(self, alert_id: str) -> None:
        """Make the stored job undecodable."""
        for item in self.client.scan(TableName=TABLE)["Items"]:
            if item["sk"]["S"].startswith("JOB#") and item["sk"]["S"].endswith(f"{alert_id}.{self.account.name}"):
                self.client.put_item(TableName=TABLE, Item={**item, "data": {"S": '{"job_id": 5}'}})

    def notices(self) -> list[str]:
        """Give the codes of the notices that jobs left for the user."""
        items = self.client.scan(TableName=TABLE)["Items"]
        return [item["code"]["S"] for item in items if item["sk"]["S"] == "NOTICE"]

    def protection(self) -> "Protection":
        """Give what protects the bench's position at the broker, by the broker's own book."""
        book = self.bench.book()
        side = 1 if self.held() > 0 else -1
        stop = target = None
        quantity = Decimal(0)
        for position in book.positions:
            if position.symbol == self.bench.symbol and position.stop_loss is not None:
                stop, target = position.stop_loss, position.take_profit
                quantity += abs(position.signed)
        for order in book.orders:
            if order.state == "working" and order.symbol == self.bench.symbol and order.side.sign != side:
                if order.stop_price is not None and not quantity_by_position(book, self.bench.symbol):
                    stop = order.stop_price
                    quantity += order.quantity - order.filled
                elif order.limit_price is not None:
                    target = order.limit_price
        return Protection(stop, target, quantity)


@dataclass(frozen=True)
class Protection:
    stop: Decimal | None
    target: Decimal | None
    stopped_quantity: Decimal


def quantity_by_position(book: Any, symbol: str) -> bool:
    """Tell whether the broker keeps stops with the positions themselves."""
    return any(position.symbol == symbol and position.stop_loss is not None for position in book.positions)
