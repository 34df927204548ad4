"""The numbered cases that `orderbridge certify` tries at the broker itself, with the smallest orders it takes.

What the documents leave open is not judged but written down as `seen`. Each case says which case of the contract suite
(BC-...) it is the counterpart of, where there is one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeVar

from orderbridge.brokers.port import (
    Accepted,
    Broker,
    Capabilities,
    Deadline,
    Evidence,
    Look,
    NotTaken,
    Outcome,
    Refused,
    Resolution,
)
from orderbridge.commands import Bracket, Cancel, ClosePosition, Command, Place, Replace
from orderbridge.errors import BrokerReadError, RateLimitedError, UnknownSymbolError
from orderbridge.model import Duration, Instrument, Order, OrderStatus, OrderType, Position, Side
from orderbridge.strategy.prices import to_tick

T = TypeVar("T")
Verdict = Literal["passed", "failed", "seen", "skipped"]

LIMITED_TRIES = 10
WRITE_PAUSE_S = 1.1
SHOW_S = 15.0
"""How long an order, a cancel or a fill may take to show."""
HISTORY_MS = 3_600_000
FAR = Decimal("0.97")
"""A resting buy stands at this part of the price: too low to fill, near enough to be taken."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one case saw."""

    number: str
    title: str
    verdict: Verdict
    saw: str
    took_ms: int


class Patient:
    """The calls of a broker that a run makes, each repeated after the pause that a limit asks for.

    A write is repeated only when the broker says that it did not take it.
    """

    def __init__(self, broker: Broker, sleep: Callable[[float], None], deadline: Callable[[], Deadline]) -> None:
        self._broker = broker
        self._sleep = sleep
        self._deadline = deadline

    @property
    def capabilities(self) -> Capabilities:
        return self._broker.capabilities

    def read(self, ask: Callable[[Broker, Deadline], T]) -> T:
        """Make one read. Raises `BrokerReadError`."""
        for _ in range(LIMITED_TRIES):
            try:
                return ask(self._broker, self._deadline())
            except RateLimitedError as error:
                self._sleep(error.retry_after_ms / 1000 + 0.1)
        return ask(self._broker, self._deadline())

    def send(self, command: Command, command_id: str) -> Outcome:
        """Send one command; where an account takes one action at a time, at the pace of its quotas."""
        if self.capabilities.one_action_at_a_time:
            self._sleep(WRITE_PAUSE_S)
        for _ in range(LIMITED_TRIES):
            outcome = self._broker.send(command, command_id, self._deadline())
            match outcome:
                case NotTaken(reason="edge_limited", retry_after_ms=pause_ms):
                    self._sleep(pause_ms / 1000 + 0.1)
                case Refused(code="rate_limited"):
                    self._sleep(1.1)
                case _:
                    return outcome
        return outcome

    def resolve(self, command: Command, command_id: str, evidence: Evidence, look: Look) -> Resolution:
        return self._broker.resolve(command, command_id, evidence, look)


class StopCaseError(Exception):
    """A case cannot go on; its text says what was seen."""

    def __init__(self, verdict: Verdict, saw: str) -> None:
        super().__init__(saw)
        self.verdict = verdict
        self.saw = saw


@dataclass(slots=True)
class Certifier:
    """One run on one symbol of one account. Whatever it opened it closes again, also when a case fails."""

    broker: Patient
    symbol: str
    now_ms: Callable[[], int]
    sleep: Callable[[float], None]
    new_id: Callable[[], str]
    """Gives a command id: 32 hexadecimal digits, never the same twice."""
    instrument: Instrument = field(init=False)
    price: Decimal = field(init=False, default=Decimal(0))

    # ---- the run

    def run(self) -> Iterator[Result]:
        """Try the cases one after the other and give what each saw; a failed one does not keep the next from it."""
        for number, title, attempt in self._cases():
            began_ms = self.now_ms()
            try:
                verdict, saw = attempt()
            except StopCaseError as stop:
                verdict, saw = stop.verdict, stop.saw
            except BrokerReadError as error:
                verdict, saw = "failed", str(error)
            yield Result(number, title, verdict, saw, self.now_ms() - began_ms)
            if verdict == "failed" and number in ("CERT-01", "CERT-02"):
                return

    def clean_up(self) -> str:
        """Cancel what works and close what is held in the symbol; say what could not be done, empty when all was."""
        for order in self._working():
            if order.parent_type != "position":  # what the position carries goes with it
                self._send(Cancel(order.id, self.symbol))
        self._until(lambda: all(order.parent_type == "position" for order in self._working()) or None)
        for position in self._held():
            self._send(self._closing(position))
        self._until(lambda: not self._held() or None)
        left = [f"order {order.id} works" for order in self._working()]
        left += [f"{p.quantity} {p.symbol} is held" for p in self._held()]
        return "; ".join(left)

    def occupied(self) -> str:
        """Say what stands in the symbol already; empty when nothing does. Raises `BrokerReadError`."""
        found = [f"{p.side} {p.quantity}" for p in self._held()] + [f"order {order.id}" for order in self._working()]
        return ", ".join(found)

    def _cases(self) -> list[tuple[str, str, Callable[[], tuple[Verdict, str]]]]:
        return [
            ("CERT-01", "Instrument and its steps are read (BC-106)", self._reads_instrument),
            ("CERT-02", "Quote and account state are read (BC-106)", self._reads_quote),
            ("CERT-03", "An unknown symbol is refused by name (BC-012)", self._unknown_symbol),
            ("CERT-04", "A quantity below the smallest is refused", self._too_small),
            ("CERT-05", "A limit order works as it was placed, and is found again as a lost one is (BC-003, BC-201)",
             self._lost_and_found),
            ("CERT-06", "A replaced order shows its new price (BC-206)", self._replaced),
            ("CERT-07", "A cancelled order ends; cancelling it again is refused (BC-010)", self._cancelled),
            ("CERT-08", "What the broker does with a command's mark that it has seen before", self._same_mark),
            ("CERT-09", "A market order fills, and its exits show (BC-204)", self._entry_with_exits),
            ("CERT-10", "A second entry: one position or two", self._second_entry),
            ("CERT-11", "A close leaves nothing held and no exit behind (BC-204)", self._closed),
        ]  # fmt: skip

    # ---- reads

    def _reads_instrument(self) -> tuple[Verdict, str]:
        self.instrument = self.broker.read(lambda broker, deadline: broker.instrument(self.symbol, deadline))
        one = self.instrument
        if not one.tradable:
            raise StopCaseError("failed", f"{self.symbol} cannot be traded; name {one.front_contract or 'another'}")
        ticks = ", ".join(str(row.tick) for row in one.price_steps)
        return "passed", (
            f"{one.description or one.symbol}: tick {ticks}, step {one.quantity_step}, smallest {one.min_quantity}, "
            f"{one.units_per_quantity} units each"
        )

    def _reads_quote(self) -> tuple[Verdict, str]:
        quote = self.broker.read(lambda broker, deadline: broker.quote(self.symbol, deadline))
        state = self.broker.read(lambda broker, deadline: broker.state(deadline))
        if quote.reference is None:
            raise StopCaseError("failed", "the quote has no price")
        self.price = quote.reference
        late = f", {self.now_ms() - quote.time_ms} ms old" if quote.time_ms else ""
        marks = "".join(f", {word}" for word, true in (("delayed", quote.delayed), ("halted", quote.halted)) if true)
        return "passed", f"{quote.bid} / {quote.ask}{late}{marks}; equity {state.equity}"

    def _unknown_symbol(self) -> tuple[Verdict, str]:
        try:
            self.broker.read(lambda broker, deadline: broker.instrument("ZZNOSUCH9", deadline))
        except UnknownSymbolError as error:
            return "passed", str(error)
        return "failed", "the broker gave an instrument for ZZNOSUCH9"

    # ---- refusals and resting orders

    def _too_small(self) -> tuple[Verdict, str]:
        small = self.instrument.min_quantity / 10
        outcome = self._send(self._resting(small))
        if isinstance(outcome, Refused):
            return "passed", f"{outcome.code}: {outcome.message}"
        if isinstance(outcome, Accepted):
            return "failed", f"{small} was accepted: {self._ids(outcome)}"
        return "failed", f"{outcome}"

    def _lost_and_found(self) -> tuple[Verdict, str]:
        before = self._look()
        evidence = Evidence(
            sent_at_ms=self.now_ms(),
            order_ids=tuple(order.id for order in before.orders if order.symbol == self.symbol),
            quantities={p.id: p.signed for p in before.positions if p.symbol == self.symbol},
        )
        command, command_id = self._resting(), self.new_id()
        outcome = self.broker.send(command, command_id)
        order = self._shown(outcome, OrderStatus.WORKING)
        if (order.quantity, order.limit_price) != (command.quantity, command.limit_price):
            return "failed", f"it shows as {order.quantity} at {order.limit_price}"
        resolution = self.broker.resolve(command, command_id, evidence, self._look())
        ids = {placed.order_id for placed in getattr(resolution, "orders", ())}
        if order.id not in ids:
            return "failed", f"it shows as {order.id}, and asking as for a lost order gives {resolution}"
        return "passed", f"order {order.id}, native status {order.native_status}, label {order.label or 'none'}"

    def _replaced(self) -> tuple[Verdict, str]:
        if not self.broker.capabilities.replace:
            raise StopCaseError("skipped", "the broker does not have it")
        order = self._resting_order()
        price = to_tick(self.price * FAR * FAR, self.instrument, up=False)
        outcome = self._send(Replace(order.id, self.symbol, limit_price=price))
        if not isinstance(outcome, Accepted):
            return "failed", f"{outcome}"
        shown = self._until(lambda: next((o for o in self._working() if o.limit_price == price), None))
        if shown is None:
            return "failed", f"accepted, and {SHOW_S:.0f} s later no working order has the new price"
        return "passed", f"{'the same id' if shown.id == order.id else f'another id, {shown.id}'}"

    def _cancelled(self) -> tuple[Verdict, str]:
        order = self._resting_order()
        outcome = self._send(Cancel(order.id, self.symbol))
        if not isinstance(outcome, Accepted):
            return "failed", f"{outcome}"
        ended = self._until(lambda: next((o for o in self._orders() if o.id == order.id and o.status.final), None))
        if ended is None:
            return "failed", f"accepted, and {SHOW_S:.0f} s later the order is not final"
        again = self._send(Cancel(order.id, self.symbol))
        told = f"{again.code}: {again.message}" if isinstance(again, Refused) else f"{again}"
        right = isinstance(again, Refused) and again.code == "not_found"
        return "passed" if right else "failed", f"ended as {ended.native_status or ended.status}; again: {told}"

    def _same_mark(self) -> tuple[Verdict, str]:
        command, command_id = self._resting(), self.new_id()
        first = self.broker.send(command, command_id)
        second = self.broker.send(command, command_id)
        self.sleep(1)
        count = len(self._working())
        told = f"{second.code}: {second.message}" if isinstance(second, Refused) else type(second).__name__
        for order in self._working():
            self._send(Cancel(order.id, self.symbol))
        self._until(lambda: not self._working() or None)
        return "seen", f"first {type(first).__name__}, second {told}; {count} order(s) worked"

    # ---- a position

    def _entry_with_exits(self) -> tuple[Verdict, str]:
        bracket = Bracket(
            stop_loss=to_tick(self.price * FAR, self.instrument, up=False),
            take_profit=to_tick(self.price * (2 - FAR), self.instrument, up=True),
        )
        began_ms = self.now_ms()
        outcome = self._send(self._market(bracket))
        order = self._shown(outcome, OrderStatus.FILLED)
        position = self._until(lambda: next(iter(self._held()), None))
        if position is None:
            return "failed", f"order {order.id} is filled, and no position shows"
        held_ms = self.now_ms() - began_ms
        exits = self._until(lambda: found if len(found := self._exits()) >= 2 else None)
        if exits is None:
            return "failed", f"held after {held_ms} ms at {position.average_price}; its stop and target do not show"
        kinds = ", ".join(f"{one.type} {one.status}" for one in exits)
        return "passed", f"held after {held_ms} ms at {position.average_price}; exits {kinds}"

    def _second_entry(self) -> tuple[Verdict, str]:
        self._need_position()
        before = sum((p.quantity for p in self._held()), Decimal(0))
        self._shown(self._send(self._market(None)), OrderStatus.FILLED)
        grown = self._until(lambda: sum((p.quantity for p in self._held()), Decimal(0)) > before or None)
        count = len(self._held())
        if not grown:
            return "failed", "filled, and the position has not grown"
        return "seen", f"{count} position(s): the account {'nets' if count == 1 else 'hedges'}"

    def _closed(self) -> tuple[Verdict, str]:
        self._need_position()
        if not self.broker.capabilities.close_by_id:
            for order in self._working():  # shares that a stop has reserved cannot be sold
                self._send(Cancel(order.id, self.symbol))
            self._until(lambda: not self._working() or None)
        began_ms = self.now_ms()
        for position in self._held():
            outcome = self._send(self._closing(position))
            if not isinstance(outcome, Accepted):
                return "failed", f"{outcome}"
        if self._until(lambda: not self._held() or None) is None:
            return "failed", f"still held {SHOW_S:.0f} s after the close was accepted"
        flat_ms = self.now_ms() - began_ms
        left = self._until(lambda: not self._working() or None)
        if left is None:
            return "failed", f"flat after {flat_ms} ms, and {len(self._working())} order(s) still work"
        return "passed", f"flat after {flat_ms} ms"

    # ---- parts

    def _resting(self, quantity: Decimal | None = None) -> Place:
        limit = to_tick(self.price * FAR, self.instrument, up=False)
        size = quantity if quantity is not None else self.instrument.min_quantity
        return Place(
            self.symbol,
            Side.BUY,
            size,
            "open",
            OrderType.LIMIT,
            limit_price=limit,
            duration=self._duration(Duration.GTC),
        )

    def _market(self, bracket: Bracket | None) -> Place:
        duration = self._duration(Duration.DAY if Duration.DAY in self.broker.capabilities.durations else Duration.IOC)
        return Place(self.symbol, Side.BUY, self.instrument.min_quantity, "open", duration=duration, bracket=bracket)

    def _duration(self, wanted: Duration) -> Duration:
        offered = self.broker.capabilities.durations
        return wanted if wanted in offered else min(offered)

    def _closing(self, position: Position) -> Command:
        if self.broker.capabilities.close_by_id:
            return ClosePosition(position.id, self.symbol, position.side, position.quantity)
        duration = self._duration(Duration.DAY)
        return Place(self.symbol, position.side.opposite, position.quantity, "close", duration=duration)

    def _send(self, command: Command) -> Outcome:
        return self.broker.send(command, self.new_id())

    def _ids(self, outcome: Accepted) -> str:
        return ", ".join(placed.order_id for placed in outcome.orders)

    def _shown(self, outcome: Outcome, status: OrderStatus) -> Order:
        """Wait until an accepted order shows with this status."""
        if not isinstance(outcome, Accepted):
            closed = isinstance(outcome, Refused) and outcome.code == "closed"
            raise StopCaseError("skipped" if closed else "failed", "the market is closed" if closed else f"{outcome}")
        ids = {placed.order_id for placed in outcome.orders}
        order = self._until(lambda: next((o for o in self._orders() if o.id in ids and o.status is status), None))
        if order is None:
            last = next((o for o in self._orders() if o.id in ids), None)
            state = f"it shows as {last.status} ({last.message})" if last else "it does not show"
            raise StopCaseError("failed", f"accepted, and {SHOW_S:.0f} s later {state}")
        return order

    def _resting_order(self) -> Order:
        order = next(iter(self._working()), None)
        if order is None:
            raise StopCaseError("skipped", "no order works")
        return order

    def _need_position(self) -> None:
        if not self._held():
            raise StopCaseError("skipped", "nothing is held")

    def _look(self) -> Look:
        requested = self.now_ms()
        orders = self._all_orders()
        return Look(self._positions(), orders, requested, requested - HISTORY_MS)

    def _all_orders(self) -> tuple[Order, ...]:
        since_ms = self.now_ms() - HISTORY_MS
        return self.broker.read(lambda broker, deadline: broker.orders(deadline, since_ms))

    def _positions(self) -> tuple[Position, ...]:
        return self.broker.read(lambda broker, deadline: broker.positions(deadline))

    def _orders(self) -> list[Order]:
        return [order for order in self._all_orders() if order.symbol == self.symbol]

    def _working(self) -> list[Order]:
        return [order for order in self._orders() if not order.status.final]

    def _exits(self) -> list[Order]:
        return [order for order in self._working() if order.side is Side.SELL]

    def _held(self) -> list[Position]:
        return [p for p in self._positions() if p.symbol == self.symbol and p.quantity > 0]

    def _until(self, found: Callable[[], T | None]) -> T | None:
        """Ask once a second until there is an answer, for `SHOW_S` at most."""
        ends_at_ms = self.now_ms() + int(SHOW_S * 1000)
        while True:
            answer = found()
            if answer is not None or self.now_ms() >= ends_at_ms:
                return answer
            self.sleep(1)
