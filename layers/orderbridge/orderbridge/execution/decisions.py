"""A person decides what became of a command whose outcome the bridge cannot tell.

    UNKNOWN            -> DECIDED_BY_PERSON   placed: the order named is the command's, and is followed from here on
    UNKNOWN            -> DECIDED_BY_PERSON   not placed: an entry ends its job, an exit is planned afresh
    SENDING, overdue   -> UNKNOWN             first, as for every worker
    DECIDED_BY_PERSON  the same again changes nothing; another decision is refused

Whatever the broker shows is checked before: a decision never makes one order two commands', nor a command two orders.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from orderbridge.brokers.port import Ambiguous, Done, Evidence, Leg, Look, PlacedOrder
from orderbridge.commands import Place, PlaceGroup
from orderbridge.errors import ConflictError, DecisionError
from orderbridge.execution.evidence import Candidate, Findings, differences, family, find, fits
from orderbridge.execution.looks import DEFAULT_HISTORY_MS, HISTORY_MARGIN_MS
from orderbridge.execution.records import NOT_PLACED, PLACED, CommandRecord, CommandStatus
from orderbridge.execution.resolve import GIVE_UP_MS, Tell, move, named, with_claims
from orderbridge.execution.session import LaneSession
from orderbridge.model import Order, OrderType

Owners = Callable[[str], Sequence[CommandRecord]]
"""Gives the commands of the lane that an order belongs to."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person says."""

    outcome: Literal["placed", "not_placed"]
    by: str
    order_id: str = ""
    reason: str = ""
    force: bool = False
    """Take an order although its quantity, type or prices are not what was asked for; nothing else is forced."""


@dataclass(frozen=True, slots=True)
class Decided:
    record: CommandRecord
    again: bool = False
    """It had been decided so before."""


def decide(lane: LaneSession, command_id: str, decision: Decision, owners: Owners, tell: Tell) -> Decided:
    """Check a decision and record it, under the lane's fence.

    Raises `DecisionError` when the broker or the ledger speaks against it, `ConflictError` when the command has another
    ending, `BrokerReadError` when the broker cannot be asked. Then nothing is written.
    """
    record = _pending(lane, lane.store.command(lane.fence.lane, command_id))
    if record.status is not CommandStatus.UNKNOWN:
        return _ended(record, decision)
    found, look = look_for(lane, record)
    done = _placed(lane, record, decision, found, look, owners) if decision.outcome == PLACED else None
    if decision.outcome == NOT_PLACED:
        _check_not_placed(lane, record, found)
    said = "placed" + (f" as order {decision.order_id}" if decision.order_id else "")
    message = f"{decision.by} decided: {said if done is not None else 'not placed'}"
    message += f" ({decision.reason})" if decision.reason else ""
    shown = done if done is not None else found.resolution if isinstance(found.resolution, Ambiguous) else None
    moved = move(lane, record, CommandStatus.DECIDED_BY_PERSON, decision.outcome, message, shown, decision.by)
    tell("decided", f"{named(record)}: {message}.")
    return Decided(moved)


def look_for(lane: LaneSession, record: CommandRecord) -> tuple[Findings, Look]:
    """Read the account now, back to the command's sending, and say what it shows. Raises `BrokerReadError`."""
    since_ms = record.sent_at_ms - HISTORY_MARGIN_MS
    flight = lane.looks.after_now()
    look = lane.looks.get(lane.deadline, since_ms - since_ms % DEFAULT_HISTORY_MS, flight, 0)
    evidence = with_claims(lane.state, record.evidence or Evidence(record.sent_at_ms))
    return find(lane.broker, record, evidence, look), look


def _pending(lane: LaneSession, record: CommandRecord) -> CommandRecord:
    if record.status is not CommandStatus.SENDING:
        return record
    if lane.clock.now_ms() < record.send_by_ms:
        raise DecisionError("the command is being sent just now; try again in half a minute")
    return move(lane, record, CommandStatus.UNKNOWN, "unknown", "the sender did not come back", None)


def _ended(record: CommandRecord, decision: Decision) -> Decided:
    ids = [placed.order_id for placed in record.orders]
    if record.taken:
        same = decision.outcome == PLACED and (decision.order_id in ids or not decision.order_id)
    else:
        gone = record.status in (CommandStatus.NOT_FOUND, CommandStatus.DECIDED_BY_PERSON)
        same = decision.outcome == NOT_PLACED and gone
    if same:
        return Decided(record, again=True)
    orders = f", orders {', '.join(ids)}" if ids else ""
    raise ConflictError(f"the command is {record.status} already ({record.message or record.code}{orders})")


# ---- placed


def _placed(
    lane: LaneSession, record: CommandRecord, decision: Decision, found: Findings, look: Look, owners: Owners
) -> Done:
    if not isinstance(record.command, (Place, PlaceGroup)) and not decision.order_id:
        if isinstance(found.resolution, Done):
            return found.resolution
        raise DecisionError("the broker does not show that it was carried out; name the order with --order-id")
    order = next((order for order in look.orders if order.id == decision.order_id), None)
    if order is None:
        raise DecisionError(f"the broker shows no order {decision.order_id or '(none was named)'} since the sending")
    _check_order(lane, record, decision, look, order, owners)
    evidence = with_claims(lane.state, record.evidence or Evidence(record.sent_at_ms))
    ours = {one.id for one in family(look.orders, order)}
    others = tuple(one for one in found.order_ids if one not in ours)
    claimed = (*evidence.claimed_ids, *others)
    alone = Evidence(evidence.sent_at_ms, evidence.order_ids, evidence.quantities, claimed)
    resolution = lane.broker.resolve(record.command, record.command_id, alone, look)
    if isinstance(resolution, Done) and any(placed.order_id == order.id for placed in resolution.orders):
        return resolution
    return Done(_as_placed(record, order, look), "named by a person")


def _check_order(
    lane: LaneSession, record: CommandRecord, decision: Decision, look: Look, order: Order, owners: Owners
) -> None:
    evidence = with_claims(lane.state, record.evidence or Evidence(record.sent_at_ms))
    if order.id in evidence.order_ids:
        raise DecisionError(f"order {order.id} was there before the command was sent")
    owner = next((one for one in owners(order.id) if one.command_id != record.command_id), None)
    if owner is not None or order.id in evidence.claimed_ids:
        whose = f"command {owner.command_id}" if owner is not None else "another command"
        raise DecisionError(f"order {order.id} belongs to {whose}")
    if fits(lane.broker, record, evidence, look, order):
        return
    if order.label:
        raise DecisionError(f"order {order.id} carries another mark ({order.label}): it is not this command's")
    differs = differences(record.command, order)
    if "symbol" in differs or "side" in differs:
        raise DecisionError(f"order {order.id} is {order.side} {order.symbol}: it cannot be this command's")
    if not decision.force:
        what = f"differs in {', '.join(differs)}" if differs else "is not recognised as it"
        raise DecisionError(f"order {order.id} {what}; if it is the command's order nevertheless, add --force")


def _as_placed(record: CommandRecord, order: Order, look: Look) -> tuple[PlacedOrder, ...]:
    """Give the order with its exits, by what hangs on it."""
    index = 0
    leg: Leg = "order"
    if isinstance(record.command, PlaceGroup):
        leg = "child"
        counts = [len(differences(child, order)) for child in record.command.orders]
        index = counts.index(min(counts))
    children = [one for one in look.orders if one.parent_id == order.id]
    exits = [PlacedOrder(c.id, "take_profit" if c.type is OrderType.LIMIT else "stop_loss", index) for c in children]
    return (PlacedOrder(order.id, leg, index), *exits)


# ---- not placed


def _check_not_placed(lane: LaneSession, record: CommandRecord, found: Findings) -> None:
    if isinstance(found.resolution, Done):
        ids = ", ".join(found.order_ids)
        shown = f"as order {ids}" if ids else found.resolution.message or "its effect stands in the account"
        raise DecisionError(f"the broker shows that it was placed ({shown})")
    left_ms = record.sent_at_ms + GIVE_UP_MS - lane.clock.now_ms()
    if left_ms > 0:
        raise DecisionError(f"the broker may still show it; try again in {left_ms // 1000 + 1} s")
    working = [one.order.id for one in found.candidates if _could_be_it(one, found) and not one.order.status.final]
    if working and record.role != "entry":
        raise DecisionError(
            f"order {', '.join(working)} works and could be it; a second one would close too much: "
            f"cancel it at the broker, or name it with --as placed"
        )


def _could_be_it(candidate: Candidate, found: Findings) -> bool:
    return candidate.fits or candidate.order.id in found.order_ids
