"""Which order closes which position: the stop and target of a position, and what the platform closes itself.

A position's stop and target are rows of their own among the orders. Nothing in those rows is certain to name the
position, so they are known by the ids in the position's row. Rows that the platform makes (a stop or target that
was hit, a close) have no label as a rule; once filled they name their position, and that is how they are attributed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orderbridge.model import Order, OrderType, Position, PositionMode, Side

_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class _Link:
    position_id: str
    sibling_id: str | None


class LegBook:
    """What one process has read of positions, kept after they are gone, so that a stop that was hit is explained."""

    def __init__(self, position_mode: PositionMode | None) -> None:
        self._hedging = position_mode is PositionMode.HEDGING
        self._links: dict[str, _Link] = {}
        self._sides: dict[str, Side] = {}
        self._strangers: set[str] = set()

    def learn(self, positions: Iterable[Position]) -> None:
        """Take in a read of the open positions."""
        if len(self._sides) > _REMEMBERED:
            self._links.clear()
            self._sides.clear()
        for position in positions:
            self._sides[position.id] = position.side
            legs = (position.stop_loss_id, position.take_profit_id)
            for leg, sibling in (legs, legs[::-1]):
                if leg is not None:
                    self._links[leg] = _Link(position.id, sibling)

    def has_unexplained(self, orders: Iterable[Order]) -> bool:
        """Tell whether a working order could be the leg of a position that has not been read yet."""
        return any(order.id not in self._strangers for order in self._candidates(orders))

    def dismiss_unexplained(self, orders: Iterable[Order]) -> None:
        """Note that the working orders left are no legs: the positions were read after them."""
        if len(self._strangers) > _REMEMBERED:
            self._strangers.clear()
        self._strangers.update(order.id for order in self._candidates(orders))

    def attribute(self, orders: Sequence[Order]) -> tuple[Order, ...]:
        """Give the orders with parent, siblings and effect filled in as far as they are known."""
        opened = self._opening_sides(orders)
        return tuple(self._attributed(order, opened) for order in orders)

    def _candidates(self, orders: Iterable[Order]) -> Iterable[Order]:
        return (
            order
            for order in orders
            if not order.status.final
            and order.type is not OrderType.MARKET
            and order.parent_id is None
            and order.id not in self._links
        )

    def _opening_sides(self, orders: Sequence[Order]) -> dict[str, Side]:
        """Tell on which side each position was opened: as it was read, else by the first of its opposite fills."""
        fills: dict[str, list[Order]] = {}
        for order in sorted(orders, key=_age):
            if order.position_id is not None:
                fills.setdefault(order.position_id, []).append(order)
        both_sides = {
            position_id: rows[0].side
            for position_id, rows in fills.items()
            if any(row.side is not rows[0].side for row in rows)
        }
        return both_sides | self._sides

    def _attributed(self, order: Order, opened: dict[str, Side]) -> Order:
        link = self._links.get(order.id)
        if link is not None:
            return replace(
                order,
                effect="close",
                parent_id=link.position_id,
                parent_type="position",
                sibling_ids=(link.sibling_id,) if link.sibling_id else (),
                position_id=link.position_id if order.filled_quantity > 0 else None,
            )
        if order.parent_id is not None:
            return order
        if order.position_id is not None and order.position_id in opened:
            if order.side is opened[order.position_id]:
                return replace(order, effect="open")
            return replace(order, effect="close", parent_id=order.position_id, parent_type="position")
        if self._hedging and order.label:
            return replace(order, effect="open")  # on a hedging account an order of its own never closes
        return order


def _age(order: Order) -> tuple[int, int, str]:
    """Sort by when orders filled; a stop is as old as the entry that it came with, but its id is younger."""
    return order.updated_at_ms, len(order.id), order.id
