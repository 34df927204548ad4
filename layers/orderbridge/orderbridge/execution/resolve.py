"""Find out what became of a command whose outcome is not known: ask the broker, never send again.

    SENDING, overdue -> UNKNOWN                  whoever sent it has died, or could not store the outcome
    UNKNOWN -> ACCEPTED                          a look shows its effect; an exit also when all is flat
    UNKNOWN -> NOT_FOUND                         no look shows it for GIVE_UP_MS; a person is told
    UNKNOWN stays                                more than one order fits: a person decides (`execution/decisions.py`)
"""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from orderbridge.brokers.port import Absent, Ambiguous, Done, Evidence, Look, Resolution
from orderbridge.commands import Cancel, ClosePosition, Command, ModifyPosition, Replace
from orderbridge.execution.records import CommandRecord, CommandStatus, LaneState, Lost, Pending
from orderbridge.execution.session import LaneSession, with_pending, without_claims, without_pending
from orderbridge.execution.submit import await_close, track
from orderbridge.strategy.symbols import canonical_root

ASK_AFTER_S = (1, 2, 4, 8, 15, 30)
"""When the broker is asked, counted from the sending (TRADING.md rule 20); afterwards at every pass of the watcher."""
GIVE_UP_MS = 60_000
LEAST_ASKED = 4
"""Looks that must have shown nothing before a command is given up, however late the first of them came."""
GIVE_UP_STATE_MS = 12_000
"""For commands whose effect is a state that any look shows: an order that still works was not cancelled."""
GHOST_MS = 3_600_000
"""How long an entry that was not found is still looked for."""

Tell = Callable[[str, str], None]


def resolve_pending(lane: LaneSession, tell: Tell) -> None:
    """Ask for every pending command of the lane whose turn it is. Raises `BrokerReadError`.

    An entry that an exit has overtaken, and that was placed after all, becomes `Lost`: it is flattened as a ghost is.
    """
    for pending in lane.state.pending:
        if lane.clock.now_ms() < next_ask_ms(pending):
            continue
        record = lane.store.command(lane.fence.lane, pending.command_id)
        if record.status is CommandStatus.SENDING:
            if lane.clock.now_ms() < record.send_by_ms:
                continue
            record = move(lane, record, CommandStatus.UNKNOWN, "unknown", "the sender did not come back", None)
        if record.status is CommandStatus.UNKNOWN:
            lane.wrote = True  # the look must begin after the sending, whoever sent it
            _ask(lane, record, pending, tell)


def next_ask_ms(pending: Pending) -> int:
    """Tell when the broker is asked next about a pending command."""
    if pending.asked >= len(ASK_AFTER_S):
        return pending.asked_at_ms + 1_000
    return max(pending.since_ms + ASK_AFTER_S[pending.asked] * 1_000, pending.asked_at_ms + 1_000)


def _ask(lane: LaneSession, record: CommandRecord, pending: Pending, tell: Tell) -> None:
    look = lane.see(max_age_ms=0)
    evidence = record.evidence or Evidence(record.sent_at_ms)
    resolution = lane.broker.resolve(record.command, record.command_id, with_claims(lane.state, evidence), look)
    if isinstance(resolution, Absent) and record.role == "close" and flat(record, look):
        resolution = Done(message="flat, with nothing working")
    match resolution:
        case Done():
            message = resolution.message or "found at the broker"
            move(lane, record, CommandStatus.ACCEPTED, "found", message, resolution)
            lane.wrote = True
        case Ambiguous():
            ids = ", ".join(resolution.order_ids)
            if not pending.told:
                tell("ambiguous", f"{named(record)} has an unknown outcome, and several orders could be it: {ids}. "
                     f"Please decide: `orderbridge unresolved`.")
            _asked(lane, replace(pending, told=True))
        case Absent():
            age_ms = lane.clock.now_ms() - record.sent_at_ms
            if age_ms < _patience_ms(record.command) or pending.asked + 1 < LEAST_ASKED:
                _asked(lane, pending)
                return
            move(lane, record, CommandStatus.NOT_FOUND, "not_found", "the broker does not show it", None)
            tell("not_found", f"{named(record)} was sent, and the broker does not show it: please check the account.")
        case _:
            assert_never(resolution)


def with_claims(state: LaneState, evidence: Evidence) -> Evidence:
    """Give the evidence with the orders that the lane follows by now: they are other commands'."""
    tracked = (order.order_id for book in state.books for order in book.tracked)
    return replace(evidence, claimed_ids=tuple(dict.fromkeys((*evidence.claimed_ids, *tracked, *state.claimed))))


def _asked(lane: LaneSession, pending: Pending) -> None:
    asked = replace(pending, asked=pending.asked + 1, asked_at_ms=lane.clock.now_ms())
    lane.state = with_pending(lane.state, asked)
    lane.store.save_state(lane.fence, lane.state)


def _patience_ms(command: Command) -> int:
    if isinstance(command, (Cancel, Replace, ModifyPosition)):
        return GIVE_UP_STATE_MS
    if isinstance(command, ClosePosition) and command.quantity is None:
        return GIVE_UP_STATE_MS  # a full close by id may be repeated (TRADING.md rule 2)
    return GIVE_UP_MS


def flat(record: CommandRecord, look: Look) -> bool:
    """Tell whether nothing is held or works in the command's root."""
    held = any(canonical_root(position.symbol) == record.root for position in look.positions)
    working = any(canonical_root(o.symbol) == record.root and not o.status.final for o in look.orders)
    return not held and not working


def move(
    lane: LaneSession,
    record: CommandRecord,
    status: CommandStatus,
    code: str,
    message: str,
    found: Resolution | None,
    by: str = "",
) -> CommandRecord:
    """Move a pending command on with the lane's state; `found` is what the broker shows of it, `by` who decided it.

    An entry that ends without the broker showing anything that could be it is looked for as a ghost.
    """
    now_ms = lane.clock.now_ms()
    moved = replace(record, status=status, code=code, message=message, changed_at_ms=now_ms, decided_by=by)
    state = lane.state
    if status is not CommandStatus.UNKNOWN:
        state = without_pending(state, record.command_id)
    if isinstance(found, Done):
        moved = replace(moved, orders=found.orders)
        state = await_close(lane, track(state, moved), moved)
    pending = next((p for p in lane.state.pending if p.command_id == record.command_id), None)
    overtaken = isinstance(found, Done) and pending is not None and pending.flatten
    if overtaken or (status.final and found is None and record.role == "entry"):
        lost = Lost(record.command_id, record.strategy, record.root, now_ms + GHOST_MS)
        state = replace(state, lost=(*state.lost, lost))
    state = without_claims(state)
    lane.store.finish(lane.fence, moved, record.status, state)
    lane.state = state
    return moved


def find_ghosts(lane: LaneSession, tell: Tell) -> list[CommandRecord]:
    """Give entries that ended NOT_FOUND and show up after all; they are tracked from now on, and to be flattened."""
    found: list[CommandRecord] = []
    look = lane.look
    if look is None:
        return found
    now_ms = lane.clock.now_ms()
    for lost in lane.state.lost:
        record = lane.store.command(lane.fence.lane, lost.command_id)
        evidence = with_claims(lane.state, record.evidence or Evidence(record.sent_at_ms))
        resolution: Resolution = Done(record.orders)  # resolved and followed already, after an exit had overtaken it
        if not record.taken:
            resolution = lane.broker.resolve(record.command, record.command_id, evidence, look)
        if not isinstance(resolution, Done) and now_ms < lost.until_ms:
            continue
        state = replace(lane.state, lost=tuple(other for other in lane.state.lost if other != lost))
        if isinstance(resolution, Done):
            shown = replace(record, orders=resolution.orders, changed_at_ms=now_ms)
            state = state if record.taken else track(state, shown)
            found.append(shown)
            tell("ghost_fill", f"{named(record)} was given up and shows up after all: it is being closed again.")
        state = without_claims(state)
        lane.store.save_state(lane.fence, state)
        lane.state = state
    return found


def named(record: CommandRecord) -> str:
    """Name a command in a sentence."""
    command = record.command
    side = getattr(command, "side", None)
    quantity = getattr(command, "quantity", None)
    words = [record.role, command.kind.replace("_", " ")]
    words += [str(word) for word in (side, quantity, getattr(command, "symbol", None)) if word is not None]
    return f"A command ({' '.join(words)})"
