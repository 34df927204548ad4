"""One worker's hold of a lane: its fence, its state, and what was last seen at the broker."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from orderbridge.brokers.port import Broker, Deadline, Look
from orderbridge.execution.bookkeeping import Event, observe
from orderbridge.execution.held import holding_of
from orderbridge.execution.looks import Looks, history_since
from orderbridge.execution.ports import Clock, Fence, LaneStore
from orderbridge.execution.records import Book, LaneState, Pending, Tracked
from orderbridge.strategy.goal import Holding
from orderbridge.strategy.settings import AccountSettings

HOLD_MS = 45_000
"""How long a lane is held without a sign of life."""
SPARE_MS = 20_000
"""What is left of that, at the least, when a pause is over."""
CLOCKS_MS = 5_000
"""How far the clocks of two of our processes may lie apart."""
LOOK_PAUSE_S = 0.2
"""How long a job waits before it looks again."""


@dataclass(slots=True)
class LaneSession:
    """Mutable on purpose: it mirrors the lane's item while the lane is held."""

    store: LaneStore
    broker: Broker
    looks: Looks
    clock: Clock
    account: AccountSettings
    fence: Fence
    state: LaneState
    deadline: Deadline
    on_event: Callable[[Event], None]
    look: Look | None = None
    unsettled: frozenset[str] = frozenset()
    tended_ms: dict[tuple[str, str], int] = field(default_factory=dict)
    """When each book's protection was last mended: what was sent has to show before more is sent."""
    wrote: bool = field(default=False)
    """Something was sent since the last look: the next look must have begun after it."""

    def see(self, max_age_ms: int = 1_000) -> Look:
        """Look at the account, book what it shows, and keep the state. Raises `BrokerReadError`."""
        flight = self.looks.after_now() if self.wrote else 0
        oldest = min((order.placed_at_ms for book in self.state.books for order in book.tracked), default=None)
        since = history_since(self.clock.now_ms(), oldest)
        look = self.looks.get(self.deadline, since, flight, max_age_ms)
        self.wrote = False
        if look == self.look and not self.unsettled:
            return look
        observed = observe(self.state, look, self.clock.now_ms(), self.account.position_mode)
        self.look, self.unsettled = look, observed.unsettled
        if observed.state != self.state:
            self.store.save_state(self.fence, observed.state)
            self.state = observed.state
        for event in observed.events:
            self.on_event(event)
        return look

    def pause(self, seconds: float) -> None:
        """Wait, and go on holding the lane: a job may wait longer than a lease lasts. Raises `ConflictError`."""
        now_ms = self.clock.now_ms()
        if self.fence.until_ms - now_ms < seconds * 1000 + SPARE_MS:
            self.fence = self.store.extend(self.fence, now_ms, HOLD_MS)
        self.clock.sleep(seconds)

    def holding(self, strategy: str, root: str) -> Holding:
        """Give what the strategy holds of `root` by the last look."""
        assert self.look is not None, "see() comes first"
        return holding_of(self.state, self.look, strategy, root, self.account.position_mode)

    def tracked(self, order_id: str) -> Tracked | None:
        return next((o for book in self.state.books for o in book.tracked if o.order_id == order_id), None)


def with_book(state: LaneState, book: Book) -> LaneState:
    """Give the state with this book in place of the former one."""
    others = tuple(b for b in state.books if (b.strategy, b.root) != (book.strategy, book.root))
    return replace(state, books=(*others, book))


def with_pending(state: LaneState, pending: Pending) -> LaneState:
    others = tuple(p for p in state.pending if p.command_id != pending.command_id)
    return replace(state, pending=(*others, pending))


def without_pending(state: LaneState, command_id: str) -> LaneState:
    return replace(state, pending=tuple(p for p in state.pending if p.command_id != command_id))


def without_claims(state: LaneState) -> LaneState:
    """Forget what other commands' orders are, once nothing is looked for any more."""
    return state if state.pending or state.lost else replace(state, claimed=())
