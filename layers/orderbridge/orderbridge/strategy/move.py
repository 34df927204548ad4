"""A move: what an alert closes and opens at one account, before it is an order. Pure values."""

from dataclasses import dataclass, replace
from decimal import Decimal

from orderbridge.model import Direction, Side
from orderbridge.strategy.case import ZERO
from orderbridge.strategy.goal import End
from orderbridge.strategy.sizing import Sized


@dataclass(frozen=True, slots=True)
class Move:
    """First close, then open; quantities are positive and the account's."""

    side: Side
    """The side of the orders: a buy closes a short and opens a long."""
    close: Decimal = ZERO
    closes_all: bool = False
    """Everything that the strategy holds on the other side goes, also what fills until then."""
    open: Decimal = ZERO
    refused: End | None = None
    """Why nothing is opened although the alert asks for it; the close goes ahead."""
    cancels: bool = False
    """Own working entries on the other side are cancelled first."""
    cancels_both: bool = False
    """Own working entries on either side are cancelled first."""
    most: Decimal | None = None
    """Where all goes: what the alert names, the limit should an entry fill until then."""
    reckoned: Decimal | None = None
    """What of the close `open` is less of already; None where the size does not depend on it."""
    plain: bool = False
    """A plain order (`action_means: order`)."""
    notes: tuple[str, ...] = ()

    @property
    def closing(self) -> Direction:
        """Give the held side that is closed."""
        return Direction.SHORT if self.side is Side.BUY else Direction.LONG

    @property
    def reduces(self) -> bool:
        return self.close > 0 or self.closes_all


def opened(move: Move, size: Sized | End) -> Move | End:
    """Complete a move by what it opens; where that is refused, the close goes ahead alone."""
    if isinstance(size, End):
        return replace(move, refused=size) if move.reduces else size
    return replace(move, open=size.quantity, reckoned=size.less, notes=move.notes + size.notes)
