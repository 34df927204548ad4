"""A lane at a broker that answers what a test says, on the real ledger: for what no simulated broker does at will.

Where the test says nothing, a market order fills at once and any other one works. No stop or target is released by
itself, so the bridge has to place it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from orderbridge import codec
from orderbridge.brokers import port
from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.port import (
    Absent,
    Accepted,
    Capabilities,
    Deadline,
    Evidence,
    Look,
    PlacedOrder,
    Resolution,
)
from orderbridge.commands import Cancel, Command, Place, PlaceGroup
from orderbridge.errors import BrokerReadError, UnknownSymbolError
from orderbridge.execution.plans import store_revision
from orderbridge.execution.ports import Held
from orderbridge.execution.records import CommandRecord, Job, Role, StoredJob
from orderbridge.execution.session import LaneSession
from orderbridge.execution.worker import Worked
from orderbridge.model import Instrument, Order, OrderType, Position, PositionMode, Quote
from orderbridge.storage import keys
from orderbridge.storage.items import marshal, unmarshal
from orderbridge.strategy.settings import AccountSettings
from tests.scenario.world import TABLE, Outcome, World
from tests.unit.execution.cases import CANCELLED, EURUSD, FILLED, MES, NOW_MS, TRADESTATION, WORKING, d, position

QUOTE = Quote(MES, d(5000), d(5000), d(5000), NOW_MS)
Answer = port.Outcome | BrokerReadError | Callable[[Command], port.Outcome]


@dataclass
class ScriptedBroker:
    """One account. `answers` are for the next writes; `unreadable` is raised by every read while it is set."""

    now_ms: Callable[[], int]
    capabilities: Capabilities = TRADESTATION
    answers: list[Answer] = field(default_factory=list)
    sent: list[Command] = field(default_factory=list)
    command_ids: list[str] = field(default_factory=list)
    limits_s: list[float] = field(default_factory=list)
    """What was left of the deadline at each write."""
    held: dict[str, Position] = field(default_factory=dict)
    book: dict[str, Order] = field(default_factory=dict)
    resolution: Resolution = field(default_factory=Absent)
    evidence: list[Evidence] = field(default_factory=list)
    looks: int = 0
    took: Callable[[], None] = lambda: None
    """Lets pass the time that a read takes."""
    unreadable: BrokerReadError | None = None
    quoted: Quote | BrokerReadError = QUOTE
    instruments: dict[str, Instrument] = field(default_factory=dict)

    def orders(self, deadline: Deadline, since_ms: int) -> tuple[Order, ...]:
        self.looks += 1
        self.took()
        if self.unreadable is not None:
            raise self.unreadable
        return tuple(self.book.values())

    def positions(self, deadline: Deadline) -> tuple[Position, ...]:
        return tuple(self.held.values())

    def instrument(self, symbol: str, deadline: Deadline) -> Instrument:
        if symbol not in self.instruments:
            raise UnknownSymbolError(f"no {symbol}")
        return self.instruments[symbol]

    def quote(self, symbol: str, deadline: Deadline) -> Quote:
        if isinstance(self.quoted, BrokerReadError):
            raise self.quoted
        return self.quoted

    def send(self, command: Command, command_id: str, deadline: Deadline) -> port.Outcome:
        self.sent.append(command)
        self.command_ids.append(command_id)
        self.limits_s.append(deadline.remaining())
        answer: Answer = self.answers.pop(0) if self.answers else self.carry_out
        if isinstance(answer, BrokerReadError):
            raise answer
        return answer(command) if callable(answer) else answer

    def resolve(self, command: Command, command_id: str, evidence: Evidence, look: Look) -> Resolution:
        self.evidence.append(evidence)
        return self.resolution

    def carry_out(self, command: Command) -> port.Outcome:
        """Do what a command asks for."""
        name = f"o{len(self.sent)}"
        match command:
            case Cancel():
                self.show(replace(self.book[command.order_id], status=CANCELLED))
                return Accepted()
            case Place():
                self._place(name, command)
                return Accepted((PlacedOrder(name, "order"),))
            case PlaceGroup():
                names = [f"{name}.{index}" for index in range(len(command.orders))]
                for child, place in zip(names, command.orders, strict=True):
                    self._place(child, place, tuple(one for one in names if one != child))
                return Accepted(tuple(PlacedOrder(child, "child", index) for index, child in enumerate(names)))
            case _:
                return Accepted()

    def _place(self, name: str, command: Place, siblings: tuple[str, ...] = ()) -> None:
        fills = command.order_type is OrderType.MARKET
        order = Order(
            id=name,
            symbol=command.symbol,
            side=command.side,
            type=command.order_type,
            quantity=command.quantity,
            status=FILLED if fills else WORKING,
            filled_quantity=command.quantity if fills else Decimal(0),
            average_price=d(5000) if fills else None,
            limit_price=command.limit_price,
            stop_price=command.stop_price,
            placed_at_ms=self.now_ms(),
            sibling_ids=siblings,
        )
        self.show(order)
        if fills:
            self.hold(command.symbol, self.signed(command.symbol) + command.quantity * command.side.sign)

    # ---- what the test says

    def show(self, *orders: Order) -> None:
        self.book |= {order.id: order for order in orders}

    def fill(self, order_id: str) -> None:
        """Let a working order fill, position and all."""
        order = self.book[order_id]
        self.show(replace(order, status=FILLED, filled_quantity=order.quantity))
        self.hold(order.symbol, self.signed(order.symbol) + order.quantity * order.side.sign)

    def signed(self, symbol: str) -> Decimal:
        return self.held[symbol].signed if symbol in self.held else Decimal(0)

    def hold(self, symbol: str, signed: Decimal | int) -> None:
        self.held.pop(symbol, None)
        if signed:
            self.held[symbol] = replace(position(str(signed), symbol), symbol=symbol)


class ScriptedBench:
    """What a world needs of a broker's bench."""

    symbol = MES
    gap_ms = 0

    def __init__(self, capabilities: Capabilities = TRADESTATION, mode: PositionMode = PositionMode.NETTING) -> None:
        self._now_ms = NOW_MS
        self._mode = mode
        self.broker = ScriptedBroker(self.now_ms, capabilities)
        self.broker.instruments = {MES: Instrument(MES, asset_type="future"), EURUSD: Instrument(EURUSD)}

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, ms: int) -> None:
        self._now_ms += ms

    def account(self) -> AccountSettings:
        at: Any = self.broker.capabilities.broker
        return AccountSettings("acct", at, "sim", "login", "1", self._mode, "https://broker.invalid")

    def new_broker(self) -> ScriptedBroker:
        return self.broker


class Scripted(World):
    """One lane at a scripted broker."""

    def __init__(self, strategies: Mapping[str, Mapping[str, Any]] | None = None, **bench: Any) -> None:
        self.script = ScriptedBench(**bench)
        self.broker = self.script.broker
        self.addressed: list[dict[str, str]] = []
        """Whom each telling of `told` is about."""
        super().__init__(self.script, strategies)  # type: ignore[arg-type]

    def tell(self, code: str, sentence: str, **about: str) -> None:
        super().tell(code, sentence)
        self.addressed.append(about)

    def work(self) -> Worked:
        """Answer one bell of the lane."""
        return self.worker().work(self.lane(), self.deadline())

    def ending(self, job: Job) -> Outcome:
        """Give how a job ended that has no alert."""
        item = self._item(job)
        return Outcome(str(item["status"]), str(item["code"]), str(item["sentence"]))

    def phases(self, job: Job) -> dict[str, int]:
        kept: Job = codec.loads(Job, str(self._item(job)["data"]))
        return dict(kept.phases)

    def _item(self, job: Job) -> dict[str, Any]:
        key = marshal(keys.job(job.lane, job.accepted_at_ms, job.job_id))
        return dict(unmarshal(self.client.get_item(TableName=TABLE, Key=key)["Item"]))

    def stored_jobs(self) -> list[StoredJob]:
        return self.lanes.inbox(self.lane())

    @contextmanager
    def session(self, deadline_s: float = 55.0) -> Iterator[LaneSession]:
        """Hold the lane as a worker does."""
        held = self.lanes.take(self.lane(), "me", self.clock.now_ms(), 600_000)
        assert isinstance(held, Held)
        session = self.new_worker()._session(held, MonotonicDeadline(deadline_s, self.clock.monotonic))
        yield session
        self.lanes.release(session.fence)

    def planned(
        self, lane: LaneSession, command: Command, role: Role = "entry", job_id: str = "job", revision: int = 1
    ) -> CommandRecord:
        """Store a revision of one command."""
        (record,) = store_revision(lane, job_id, "s", "MES", None, revision, [(role, command)])
        return record
