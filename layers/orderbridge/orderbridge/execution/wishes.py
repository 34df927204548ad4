"""What a person asks for at the panel, as plain data: stored with the job, decided on in the lane, under its lease.

Ids are the broker's own. What a wish means depends on what is held when it is carried out (`execution/by_hand.py`), so
none of them holds a finished command.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from orderbridge.commands import Bracket, Place
from orderbridge.model import Side

NO_BRACKET = Bracket()


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Place an order; its `effect` is decided by what is held.

    A market order against a netted position closes as much as it can and opens the rest, as it would at the broker.
    """

    order: Place
    kind: Literal["place_order"] = "place_order"


@dataclass(frozen=True, slots=True)
class ModifyOrder:
    """Give a working order these values; its whole bracket is named, so a leg that is missing is removed."""

    order_id: str
    symbol: str
    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    bracket: Bracket = NO_BRACKET
    kind: Literal["modify_order"] = "modify_order"


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Cancel a working order, or remove the stop or target that the id stands for."""

    order_id: str
    symbol: str
    kind: Literal["cancel_order"] = "cancel_order"


@dataclass(frozen=True, slots=True)
class ProtectPosition:
    """Give a position this stop and target; what the bracket lacks is removed."""

    position_id: str
    symbol: str
    held_side: Side
    bracket: Bracket
    native_id: str = ""
    """The broker's own id of what the person saw, where `position_id` is a symbol."""
    kind: Literal["protect_position"] = "protect_position"


@dataclass(frozen=True, slots=True)
class ClosePosition:
    """Close a position, or `quantity` of it, if it is still held on the side that the person saw."""

    position_id: str
    symbol: str
    held_side: Side
    quantity: Decimal | None = None
    native_id: str = ""
    kind: Literal["close_position"] = "close_position"


@dataclass(frozen=True, slots=True)
class CloseSymbol:
    """Close every position of a symbol."""

    symbol: str
    kind: Literal["close_symbol"] = "close_symbol"


@dataclass(frozen=True, slots=True)
class ReversePosition:
    """Close a position and, once that is confirmed, open as much on the other side."""

    position_id: str
    symbol: str
    held_side: Side
    native_id: str = ""
    kind: Literal["reverse_position"] = "reverse_position"


@dataclass(frozen=True, slots=True)
class UndoOrder:
    """Cancel an order that showed up after it had been given up, and close what it has filled."""

    order_id: str
    symbol: str
    side: Side
    kind: Literal["undo_order"] = "undo_order"


Wish = (
    PlaceOrder
    | ModifyOrder
    | CancelOrder
    | ProtectPosition
    | ClosePosition
    | CloseSymbol
    | ReversePosition
    | UndoOrder
)
