"""Orders that a restored ledger does not know: whose they are, and how they become a strategy's again.

    ours by its mark, and one strategy trades the account   -> that strategy's
    closes what exactly one strategy owns (netting)         -> that strategy's
    hangs on an order or a position that is known           -> followed with it
    any other that has filled or works                      -> a person says
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from orderbridge.brokers.port import Evidence, Leg, Look, PlacedOrder
from orderbridge.commands import Bracket, Place
from orderbridge.execution.decisions import Owners
from orderbridge.execution.evidence import SKEW_MS, find
from orderbridge.execution.records import CommandRecord, CommandStatus, LaneState, Plan, Protection, Role
from orderbridge.execution.resolve import with_claims
from orderbridge.execution.session import LaneSession, with_book
from orderbridge.execution.submit import track
from orderbridge.model import Duration, Order, OrderType, PositionMode
from orderbridge.strategy.symbols import canonical_root

ZERO = Decimal(0)
RESTORED = "restored"
"""The code of a job and of a command that the lost time may have worked already."""


Closers = Callable[[Order], Sequence[CommandRecord]]
"""Gives the closes by position id, whose answers name no order, that an order may be."""


def nobody(order: Order) -> Sequence[CommandRecord]:
    """Know no close."""
    del order
    return ()


@dataclass(frozen=True, slots=True)
class Lost:
    """The time that the restored ledger does not know of."""

    since_ms: int
    """The last moment that the ledger is sure of."""
    restored_at_ms: int
    """When the table was made: what it holds from before came with the backup."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says about orders and holdings."""

    by: str = ""
    adopt: Mapping[str, str] = field(default_factory=dict)
    """Order id -> strategy."""
    foreign: frozenset[str] = frozenset()
    """Orders to leave alone."""
    foreign_rest: bool = False
    """Every other order that nobody knows is left alone."""
    take: frozenset[str] = frozenset()
    """`ACCOUNT#ROOT`s whose holding is as the broker reports it."""


@dataclass(slots=True)
class LaneReport:
    """What was found and done in one lane."""

    lane: str
    ended: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    """What a person must say before the halt can be lifted."""


@dataclass(slots=True)
class Adoption:
    """Goes through the orders of one look at one lane, under its fence."""

    lane: LaneSession
    look: Look
    lost: Lost
    strategies: Sequence[str]
    ours: Callable[[Order], bool]
    owners: Owners
    answers: Answers
    report: LaneReport
    closers: Closers = nobody

    def adopt_all(self) -> None:
        """Give each unknown order to whom it belongs, or ask."""
        for order in sorted(self._strangers(), key=lambda one: (one.placed_at_ms, one.id)):
            strategy = self._owner(order)
            if strategy is not None:
                self._adopt(order, strategy)
            elif order.id in self.answers.foreign or self.answers.foreign_rest:
                self._leave(order)
            elif order.filled_quantity or not order.status.final:
                self._ask(order)

    def _strangers(self) -> Iterator[Order]:
        known = {order.order_id for book in self.lane.state.books for order in book.tracked}
        positions = {position_id for book in self.lane.state.books for position_id in book.position_ids}
        undecided = {
            one for pending in self.lane.state.pending for one in self._candidates(pending.command_id)
        }
        ids = {order.id for order in self.look.orders}
        earliest_ms = self.lost.since_ms - SKEW_MS
        whole = self.lane.fence.lane.endswith("#*")
        root = self.lane.fence.lane.partition("#")[2]
        for order in self.look.orders:
            hangs = order.parent_id is not None and order.parent_id in known | ids
            if order.parent_type == "position":
                hangs = self._hedging or order.filled_quantity == 0
            here = whole or canonical_root(order.symbol) == root
            if order.id in known | undecided or hangs or not here or order.placed_at_ms < earliest_ms:
                continue
            if self._hedging and (order.position_id in positions or order.effect == "close"):
                continue  # what is held is told by the positions; one that is gone needs no order to explain it
            if not self.owners(order.id) and not self.closers(order):
                yield order

    @property
    def _hedging(self) -> bool:
        return self.lane.account.position_mode is PositionMode.HEDGING

    def _candidates(self, command_id: str) -> Sequence[str]:
        record = self.lane.store.command(self.lane.fence.lane, command_id)
        evidence = with_claims(self.lane.state, record.evidence or Evidence(record.sent_at_ms))
        return find(self.lane.broker, record, evidence, self.look).order_ids

    def _owner(self, order: Order) -> str | None:
        """Tell whose the order is where that is no guess: the only strategy's, or of the only one that it can close."""
        if order.id in self.answers.adopt:
            return self.answers.adopt[order.id]
        if order.id in self.answers.foreign:
            return None
        holders = [] if self._hedging else self._closes(order)
        if len(holders) == 1 and order.effect != "open":
            return holders[0]
        return self.strategies[0] if self.ours(order) and len(self.strategies) == 1 else None

    def _closes(self, order: Order) -> list[str]:
        root = canonical_root(order.symbol)
        owned = self._owned_by_now(root)
        return [
            name
            for name, quantity in owned.items()
            if quantity * order.side.sign < 0 and order.quantity <= abs(quantity)
        ]

    def _owned_by_now(self, root: str) -> dict[str, Decimal]:
        """Give what each strategy owns with the fills that the look shows and the books do not hold yet."""
        orders = {order.id: order for order in self.look.orders}
        owned: dict[str, Decimal] = {}
        for book in self.lane.state.books:
            if book.root != root:
                continue
            owned[book.strategy] = book.owned
            for one in book.tracked:
                shown = orders.get(one.order_id)
                if shown is not None:
                    owned[book.strategy] += (shown.filled_quantity - one.booked) * one.side.sign
        return owned

    def _adopt(self, order: Order, strategy: str) -> None:
        root = canonical_root(order.symbol)
        role = self._role(order, strategy, root)
        legs = self._legs(order)
        bracket = _bracket(legs) or self._on_position(order)
        record = replace(
            self._record(order, strategy, role),
            command=_as_command(order, role, _bracket(legs)),
            orders=(PlacedOrder(order.id, "order"), *(PlacedOrder(leg.id, _leg(leg)) for leg in legs)),
        )
        state = track(self.lane.state, record)
        if role == "entry" and bracket is not None:
            book = state.book(strategy, root)
            own = Protection(order.symbol, bracket, record.job_id)
            state = with_book(state, replace(book, planned=(*book.planned, own)))
        self._save(record, state)
        self.report.adopted.append(f"{_words(order)} -> {strategy} ({role})")

    def _leave(self, order: Order) -> None:
        """Note that the order is nobody's, and count what it filled to what is held beside the strategies."""
        root = canonical_root(order.symbol)
        record = replace(
            self._record(order, "", "other"),
            status=CommandStatus.DECIDED_BY_PERSON,
            message="a stranger's order",
            decided_by=self.answers.by,
        )
        before = self.lane.state.root(root)
        held = replace(before, baseline=before.baseline + order.filled_quantity * order.side.sign)
        others = tuple(one for one in self.lane.state.roots if one.root != root)
        self._save(record, replace(self.lane.state, roots=(*others, held)))
        self.report.left_alone.append(_words(order))

    def _record(self, order: Order, strategy: str, role: Role) -> CommandRecord:
        job_id = f"{RESTORED}.{self.lane.account.name}.{order.id}"
        return CommandRecord(
            command_id=hashlib.sha256(job_id.encode()).hexdigest()[:32],
            job_id=job_id,
            strategy=strategy,
            root=canonical_root(order.symbol),
            revision=1,
            step=0,
            command=_as_command(order, role, None),
            role=role,
            status=CommandStatus.ACCEPTED,
            sent_at_ms=order.placed_at_ms,
            orders=(PlacedOrder(order.id, "order"),),
            code=RESTORED,
            message="found at the broker after the table was restored",
            changed_at_ms=self.lane.clock.now_ms(),
        )

    def _save(self, record: CommandRecord, state: LaneState) -> None:
        plan = Plan(record.job_id, 1, None, (record.command_id,), record.changed_at_ms)
        self.lane.store.save_plan(self.lane.fence, plan, [record], state)
        self.lane.state = state

    def _role(self, order: Order, strategy: str, root: str) -> Role:
        owned = self._owned_by_now(root).get(strategy, ZERO)
        if self._hedging or owned * order.side.sign >= 0:
            return "entry"
        if order.status.final or order.type is OrderType.MARKET:
            return "close"
        return "target" if order.type is OrderType.LIMIT else "stop"

    def _legs(self, order: Order) -> list[Order]:
        if self.lane.broker.capabilities.position_bracket:
            return []
        return [one for one in self.look.orders if one.parent_id == order.id and not self.owners(one.id)]

    def _on_position(self, order: Order) -> Bracket | None:
        orders = {one.id: one for one in self.look.orders}
        for position in self.look.positions:
            if order.position_id != position.id:
                continue
            legs = [orders[one] for one in (position.stop_loss_id, position.take_profit_id) if one in orders]
            return _bracket(legs)
        return None

    def _ask(self, order: Order) -> None:
        mark = " with our mark" if self.ours(order) else ""
        known = ", ".join(self.strategies) or "none"
        self.report.questions.append(
            f"{_words(order)}{mark} is not in the ledger: --adopt {order.id}=STRATEGY (of {known}), "
            f"or --foreign {order.id} to leave it alone"
        )


def _as_command(order: Order, role: Role, bracket: Bracket | None) -> Place:
    return Place(
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        effect="open" if role == "entry" else "close",
        order_type=order.type,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        trail_amount=order.trail_amount,
        trail_percent=order.trail_percent,
        duration=next((one for one in Duration if one.value == order.duration), Duration.DAY),
        bracket=bracket,
    )


def _bracket(legs: Sequence[Order]) -> Bracket | None:
    stop = next((leg for leg in legs if leg.type is not OrderType.LIMIT), None)
    target = next((leg for leg in legs if leg.type is OrderType.LIMIT), None)
    if stop is None and target is None:
        return None
    return Bracket(
        stop_loss=stop.stop_price if stop is not None else None,
        stop_limit=stop.limit_price if stop is not None else None,
        trail_amount=stop.trail_amount if stop is not None else None,
        trail_percent=stop.trail_percent if stop is not None else None,
        take_profit=target.limit_price if target is not None else None,
    )


def _leg(order: Order) -> Leg:
    return "take_profit" if order.type is OrderType.LIMIT else "stop_loss"


def _words(order: Order) -> str:
    state = f"filled {order.filled_quantity}" if order.filled_quantity else str(order.status)
    return f"order {order.id} ({order.side} {order.quantity} {order.symbol} {order.type}, {state})"
