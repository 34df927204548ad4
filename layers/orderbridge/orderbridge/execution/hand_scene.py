"""What is known when the next step of a person's wish is decided, and the steps that there are. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from orderbridge.brokers.port import Capabilities, Look
from orderbridge.commands import Bracket, Command
from orderbridge.execution import wishes
from orderbridge.execution.records import CommandRecord, LaneState, Role
from orderbridge.execution.steps import Await, Reached, Send
from orderbridge.model import Order, Position, PositionMode
from orderbridge.strategy.goal import End, Ending, Goal

ZERO = Decimal(0)
SHOW_MS = 3_000
"""How long a change may take to show before the person is answered all the same."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What is known when the next step is decided.

    `records` are the job's commands that went out so far, none of them pending.
    """

    look: Look
    state: LaneState
    capabilities: Capabilities
    mode: PositionMode
    now_ms: int
    records: tuple[CommandRecord, ...] = ()
    goal: Goal | None = None
    """What the first step was to reach, where it is more than one command."""

    @property
    def accepted(self) -> tuple[CommandRecord, ...]:
        return tuple(record for record in self.records if record.taken)


@dataclass(frozen=True, slots=True)
class Protect:
    """The position has no working exits any more: its holders' books now want this bracket, and have it placed."""

    position: Position
    bracket: Bracket


@dataclass(frozen=True, slots=True)
class Clear:
    """Take working exits away, so that others can be placed; until those stand, the old ones are what is wanted."""

    commands: tuple[tuple[Role, Command], ...]


Step = Send | Clear | Await | Reached | End | Protect | Goal
"""A `Goal` is to be stored, and asked about again."""


# ---- small things


def position_of(
    wish: wishes.ClosePosition | wishes.ReversePosition | wishes.ProtectPosition, scene: Scene
) -> Position | None:
    """Give the position that the person saw: the same id, on the same side, and not one that was opened after it."""
    found = (p for p in scene.look.positions if p.id == wish.position_id and p.side is wish.held_side)
    return next((p for p in found if not wish.native_id or p.native_id in ("", wish.native_id)), None)


def order_of(order_id: str | None, scene: Scene) -> Order | None:
    """Give a listed order, None for one that the broker does not show."""
    return next((order for order in scene.look.orders if order.id == order_id), None)


def sending(role: Role, command: Command) -> Send:
    """Send one command."""
    return Send(((role, command),))


def gone() -> End:
    """Refuse: the position is not there any more."""
    return refused("flat", "This position is closed already.")


def refused(code: str, sentence: str) -> End:
    """Refuse in words."""
    return End(Ending.REFUSED, code, sentence)
