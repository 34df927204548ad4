"""What the bridge has decided to reach for one alert at one account, and what it knows when it decides. Pure values."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from orderbridge.commands import Bracket
from orderbridge.model import Direction, Duration, Order, OrderType, Position, Side


class Ending(StrEnum):
    """The terminal states of an alert and of a job (TRADING.md rule 26)."""

    ORDERED = "ordered"
    NO_ACTION = "no_action"
    REFUSED = "refused"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class End:
    """A terminal state with its stable reason code and a sentence for the trader."""

    ending: Ending
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The order that opens or adds, sent when what had to be closed is confirmed closed."""

    side: Side
    quantity: Decimal
    order_type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    duration: Duration = Duration.DAY
    bracket: Bracket | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """One alert's aim at one account: cancel, then close, then enter; each part may be absent.

    Computed once from the first look, stored with the plan's first revision, and never widened afterwards: later
    revisions only carry out what is left of it.
    """

    symbol: str
    """The broker symbol of an entry; closes use the symbol of what is held (TRADING.md rule 4)."""
    root: str
    kind: Literal["enter", "reduce", "exit", "reverse", "cancel", "order"]
    cancel_entries: Literal["none", "opposite", "all"] = "none"
    """Which own working entry orders of the root are cancelled first: all, or those against the goal's side, which is
    the entry's, else that of the closing orders (a buy closes a short)."""
    close: Direction = Direction.FLAT
    """The side that is reduced; FLAT when nothing is."""
    close_quantity: Decimal | None = None
    """How much of it (positive); None is all that the strategy may close: min(owned, held), or held under `adopt`."""
    close_most: Decimal | None = None
    """Where all goes: what the alert names (positive), the limit should an entry fill until then."""
    close_floor: Decimal = Decimal(0)
    """What the strategy still owns (positive) when the close is done; set by the executor at the first look."""
    reckoned: Decimal | None = None
    """How much the entry counts as closed (rule 9): what is closed beyond it, since an own entry filled until then,
    comes off the entry. None where its size does not depend on it."""
    adopt: bool = False
    """A full close takes all that is held, not only what is owned."""
    entry: Entry | None = None
    dropped: End | None = None
    """Why the entry that the alert also asks for is left out; the close goes ahead, and the user is told."""
    test: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """What one strategy and its account hold of one root, our own commands that are not visible yet included."""

    held: Decimal
    """Signed sum of the account's positions of this root."""
    owned: Decimal
    """Signed quantity that this strategy's commands filled and that is still held; never beyond `held`."""
    positions: tuple[Position, ...] = ()
    entries: tuple[Order, ...] = ()
    """Own orders that are working and can open or add."""
    exits: tuple[Order, ...] = ()
    """Own orders that are working and can only close (stops, targets, closing limits)."""
    foreign: tuple[Order, ...] = ()
    """Working orders of this root that no command of the bridge placed."""
    people: tuple[Order, ...] = ()
    """Working orders by which people at the panel close what is held on this side, no stops and targets among them."""
    unknown_entries: Decimal = Decimal(0)
    """Signed quantity of entries whose outcome is UNKNOWN; they count as filled for every limit (rule 1)."""
    unknown_exits: int = 0
    entry_count: int = 0
    """How many filled or working entries make up the strategy's side (for `pyramiding`)."""

    @property
    def working_entry_quantity(self) -> Decimal:
        """Give the signed quantity that working entries can still add."""
        return sum((order.remaining * order.side.sign for order in self.entries), Decimal(0))
