"""What the broker shows that could be a command whose outcome is unknown: for a person, and for checking a decision.

    candidate   an order of the command's root that was not there before the sending and is no other command's
    fits        the broker's adapter recognises this very order as the command's: fingerprint, or `strategyId`
    differs     in what the order is not what was asked for
"""

from collections.abc import Sequence
from dataclasses import dataclass

from orderbridge.brokers.port import Ambiguous, Broker, Done, Evidence, Look, Resolution
from orderbridge.commands import ClosePosition, Command, Place, PlaceGroup, Replace
from orderbridge.execution.records import CommandRecord
from orderbridge.model import Order
from orderbridge.strategy.symbols import canonical_root

SKEW_MS = 5_000
"""How far the broker's clock may be from ours."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One order that could be the command's."""

    order: Order
    fits: bool
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a look shows about one command."""

    resolution: Resolution
    candidates: tuple[Candidate, ...]

    @property
    def order_ids(self) -> tuple[str, ...]:
        """Give the orders that the adapter takes for the command's."""
        match self.resolution:
            case Ambiguous(order_ids=ids):
                return ids
            case Done(orders=orders):
                return tuple(placed.order_id for placed in orders if placed.order_id)
            case _:
                return ()


def find(broker: Broker, record: CommandRecord, evidence: Evidence, look: Look) -> Findings:
    """Compare a look that was requested after the sending with what the command asked for. Pure."""
    resolution = broker.resolve(record.command, record.command_id, evidence, look)
    found = Findings(resolution, ())
    orders = [o for o in look.orders if _possible(o, record, evidence) or o.id in found.order_ids]
    ids = {order.id for order in orders}
    heads = [order for order in orders if order.parent_id not in ids or order.id in found.order_ids]
    return Findings(resolution, tuple(_candidate(broker, record, evidence, look, order) for order in heads))


def _possible(order: Order, record: CommandRecord, evidence: Evidence) -> bool:
    earlier = order.id in evidence.order_ids or order.id in evidence.claimed_ids
    late_enough = order.placed_at_ms == 0 or order.placed_at_ms >= evidence.sent_at_ms - SKEW_MS
    return not earlier and late_enough and canonical_root(order.symbol) == record.root


def _candidate(broker: Broker, record: CommandRecord, evidence: Evidence, look: Look, order: Order) -> Candidate:
    return Candidate(order, fits(broker, record, evidence, look, order), differences(record.command, order))


def fits(broker: Broker, record: CommandRecord, evidence: Evidence, look: Look, order: Order) -> bool:
    """Tell whether the adapter recognises this order as the command's when it sees no other one."""
    alone = Look((), family(look.orders, order), look.requested_at_ms, look.since_ms)
    found = broker.resolve(record.command, record.command_id, evidence, alone)
    return isinstance(found, Done) and any(placed.order_id == order.id for placed in found.orders)


def family(orders: Sequence[Order], order: Order) -> tuple[Order, ...]:
    """Give an order with those that hang on it or stand beside it."""
    return tuple(
        other
        for other in orders
        if other.id == order.id
        or other.parent_id == order.id
        or other.id in order.sibling_ids
        or order.id in other.sibling_ids
    )


def differences(command: Command, order: Order) -> tuple[str, ...]:
    """Name in what an order is not what the command asked for."""
    match command:
        case Place():
            return _from_place(command, order)
        case PlaceGroup():
            return min((_from_place(child, order) for child in command.orders), key=len)
        case Replace():
            asked = {name: getattr(command, name) for name in ("quantity", "limit_price", "stop_price")}
            return tuple(name for name, value in asked.items() if value is not None and getattr(order, name) != value)
        case ClosePosition():
            side = () if order.side is command.held_side.opposite else ("side",)
            quantity = command.expected_quantity if command.quantity is None else command.quantity
            return side if order.quantity == quantity else (*side, "quantity")
        case _:
            return ()


def _from_place(command: Place, order: Order) -> tuple[str, ...]:
    pairs = (
        ("symbol", order.symbol.casefold(), command.symbol.casefold()),
        ("side", order.side, command.side),
        ("quantity", order.quantity, command.quantity),
        ("type", order.type, command.order_type),
        ("limit_price", order.limit_price if command.limit_price is not None else None, command.limit_price),
        ("stop_price", order.stop_price if command.stop_price is not None else None, command.stop_price),
    )
    return tuple(name for name, has, wanted in pairs if has != wanted)
