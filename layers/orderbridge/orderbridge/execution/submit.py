"""Send one command through the ledger: SENDING is stored before the request, its outcome after it.

    crash before `begin`            nothing was sent; the command is NEW and is sent by whoever resumes the plan
    crash between `begin` and POST  SENDING, overdue -> UNKNOWN -> the broker is asked -> NOT_FOUND, a person is told
    crash after the POST            SENDING, overdue -> UNKNOWN -> the broker is asked -> ACCEPTED
    the outcome cannot be stored    as a crash after the POST
"""

import logging
from dataclasses import replace
from decimal import Decimal
from typing import assert_never

from orderbridge.brokers.deadline import MonotonicDeadline
from orderbridge.brokers.port import Accepted, Evidence, NotTaken, Outcome, PlacedOrder, Refused, Unknown
from orderbridge.commands import Cancel, ClosePosition, Command, Place, PlaceGroup, Replace, increases_exposure
from orderbridge.errors import BrokerReadError, LoginLostError
from orderbridge.execution.ports import Gates, Stopped
from orderbridge.execution.records import CommandRecord, CommandStatus, LaneState, Pending, Role, Tracked
from orderbridge.execution.session import LaneSession, with_book, with_pending, without_pending
from orderbridge.model import OrderType, PositionMode, Side
from orderbridge.strategy.symbols import canonical_root

log = logging.getLogger(__name__)

WRITE_S = 15.0
"""The longest that one write may take."""
SEND_LIMIT_MS = 20_000
"""After this a SENDING command counts as UNKNOWN; longer than any write takes."""
LATE_MS = 2_000
"""A sender that was held up this long between the ledger and the wire does not send any more."""
ATTEMPTS = 3
"""Sendings of one command, each after proof that the one before was not taken."""
MAX_RETRY_PAUSE_S = 5.0


def submit(lane: LaneSession, record: CommandRecord, gates: Gates, not_after_ms: int | None) -> CommandRecord:
    """Send a NEW command and give its record as the ledger holds it afterwards.

    `not_after_ms` is the moment from which an entry is stale. Raises `StorageError` when the ledger cannot be written
    before sending (nothing was sent) or after it (the command is SENDING and will be asked for).
    """
    while True:
        now_ms = lane.clock.now_ms()
        if not_after_ms is not None and now_ms >= not_after_ms:
            return _close(lane, record, CommandStatus.EXPIRED, "expired", "it grew too old before the broker took it")
        begun_record = replace(
            record,
            status=CommandStatus.SENDING,
            attempt=record.attempt + 1,
            sent_at_ms=now_ms,
            send_by_ms=now_ms + SEND_LIMIT_MS,
            evidence=_evidence(lane, record.command, now_ms),
            changed_at_ms=now_ms,
        )
        state = with_pending(lane.state, _pending(begun_record))
        answer = lane.store.begin(lane.fence, begun_record, state, gates)
        if isinstance(answer, Stopped):
            return _close(lane, record, CommandStatus.HALTED, answer.by, _why_stopped(answer))
        lane.state = state
        outcome = _send(lane, begun_record)
        lane.wrote = True
        record, pause_s = _after(lane, begun_record, outcome)
        if record.status is not CommandStatus.NEW:
            return record
        if pause_s + 1 > lane.deadline.remaining():
            return _close(lane, record, CommandStatus.REFUSED, "not_taken", "the broker did not take it in time")
        lane.clock.sleep(pause_s)


def _send(lane: LaneSession, record: CommandRecord) -> Outcome:
    if lane.clock.now_ms() - record.sent_at_ms > LATE_MS:
        return Unknown("held up between ledger and wire")
    deadline = MonotonicDeadline(min(WRITE_S, lane.deadline.remaining()), lane.clock.monotonic)
    try:
        return lane.broker.send(record.command, record.command_id, deadline)
    except LoginLostError:
        return NotTaken("unauthorized")
    except BrokerReadError:  # a look-up that the command needs failed: adapters raise only before the write
        return NotTaken("not_connected")


def _after(lane: LaneSession, sent: CommandRecord, outcome: Outcome) -> tuple[CommandRecord, float]:
    now_ms = lane.clock.now_ms()
    pause_s = 0.0
    match outcome:
        case Accepted():
            record = replace(
                sent, status=CommandStatus.ACCEPTED, orders=outcome.orders, message=outcome.message, code="accepted"
            )
        case Refused():
            record = replace(sent, status=CommandStatus.REFUSED, code=outcome.code, message=outcome.message)
            if outcome.code == "duplicate":  # an earlier sending of this very command arrived: ask which order it is
                record = replace(record, status=CommandStatus.UNKNOWN)
        case NotTaken():
            again = sent.attempt < ATTEMPTS
            record = replace(
                sent,
                status=CommandStatus.NEW if again else CommandStatus.REFUSED,
                code=outcome.reason,
                message="the broker did not take the request",
            )
            pause_s = min(max(outcome.retry_after_ms / 1000, 0.2), MAX_RETRY_PAUSE_S)
        case Unknown():
            record = replace(sent, status=CommandStatus.UNKNOWN, code="unknown", message=outcome.reason)
        case _:
            assert_never(outcome)
    record = replace(record, changed_at_ms=now_ms)
    state = lane.state
    if record.status is not CommandStatus.UNKNOWN:
        state = without_pending(state, record.command_id)
    if record.status is CommandStatus.ACCEPTED:
        state = await_close(lane, track(state, record), record)
    lane.store.finish(lane.fence, record, CommandStatus.SENDING, state)
    lane.state = state
    log.info(
        "command answered", extra={"command_id": record.command_id, "status": record.status, "code": record.code}
    )
    return record, pause_s


def _close(lane: LaneSession, record: CommandRecord, status: CommandStatus, code: str, message: str) -> CommandRecord:
    closed = replace(record, status=status, code=code, message=message, changed_at_ms=lane.clock.now_ms())
    lane.store.finish(lane.fence, closed, CommandStatus.NEW, lane.state)
    return closed


def _why_stopped(stopped: Stopped) -> str:
    return {
        "halted": "trading is halted",
        "gate": "an earlier order of this account and symbol is not resolved yet",
        "live": "live trading of this account is not confirmed",
        "state": "the command has been taken up already",
    }[stopped.by]


def _pending(record: CommandRecord) -> Pending:
    command = record.command
    signed = Decimal(0)
    if isinstance(command, Place) and command.effect == "open":
        signed = command.quantity * command.side.sign
    return Pending(
        command_id=record.command_id,
        job_id=record.job_id,
        strategy=record.strategy,
        root=record.root,
        role=record.role,
        signed_quantity=signed,
        since_ms=record.sent_at_ms,
    )


def _evidence(lane: LaneSession, command: Command, now_ms: int) -> Evidence:
    look = lane.look
    if look is None:
        return Evidence(now_ms)
    symbol = getattr(command, "symbol", None)
    root = canonical_root(symbol) if symbol else None
    return Evidence(
        sent_at_ms=now_ms,
        order_ids=tuple(o.id for o in look.orders if root is None or canonical_root(o.symbol) == root),
        quantities={p.id: p.signed for p in look.positions if root is None or canonical_root(p.symbol) == root},
        claimed_ids=tuple(o.order_id for book in lane.state.books for o in book.tracked),
    )


# ---- what an accepted command leaves to follow


def track(state: LaneState, record: CommandRecord) -> LaneState:
    """Give the state that follows the orders of an accepted command."""
    if state.lost or any(pending.command_id != record.command_id for pending in state.pending):
        ids = (placed.order_id for placed in record.orders if placed.order_id)
        state = replace(state, claimed=tuple(dict.fromkeys((*state.claimed, *ids))))
    book = state.book(record.strategy, record.root)
    command = record.command
    if isinstance(command, Replace):
        changed = tuple(
            replace(
                o,
                order_id=record.orders[0].order_id if record.orders else o.order_id,
                quantity=command.quantity or o.quantity,
            )
            if o.order_id == command.order_id
            else o
            for o in book.tracked
        )
        return with_book(state, replace(book, tracked=changed))
    if isinstance(command, Cancel):
        left = tuple(replace(o, leaving=True) if o.order_id == command.order_id else o for o in book.tracked)
        return state if left == book.tracked else with_book(state, replace(book, tracked=left))
    known = {o.order_id for o in book.tracked}
    fresh = [placed for placed in record.orders if placed.order_id and placed.order_id not in known]
    new = tuple(o for o in (_tracked(record, placed) for placed in fresh) if o is not None)
    return with_book(state, replace(book, tracked=(*book.tracked, *new))) if new else state


def await_close(lane: LaneSession, state: LaneState, record: CommandRecord) -> LaneState:
    """Follow a close whose answer names no order, where what it sold cannot be told from the position alone.

    At an account that nets, a position may be larger than what the strategy owns of it: then it shrinks, and only the
    closing order's row says that it was ours which went. And while a position that was closed whole is listed still,
    nobody else in the lane may count on it (TRADING.md rule 1).
    """
    command, book = record.command, state.book(record.strategy, record.root)
    if not isinstance(command, ClosePosition) or record.orders or lane.look is None:
        return state
    before = record.evidence.order_ids if record.evidence is not None else ()
    tells = command.quantity is not None and command.expected_quantity <= abs(book.owned)
    if lane.account.position_mode is PositionMode.HEDGING or tells:
        return state
    quantity = command.expected_quantity if command.quantity is None else command.quantity
    closing = Tracked(
        order_id=f"close-of:{record.command_id}",
        command_id=record.command_id,
        job_id=record.job_id,
        role="close",
        symbol=command.symbol,
        side=command.held_side.opposite,
        quantity=quantity,
        placed_at_ms=record.sent_at_ms,
        position_id=command.position_id,
        lookalikes=tuple(
            order.id
            for order in lane.look.orders
            if order.id in before  # a look from after the sending shows the closing order itself
            and (order.position_id, order.side, order.quantity)
            == (command.position_id, command.held_side.opposite, quantity)
        ),
    )
    return with_book(state, replace(book, tracked=(*book.tracked, closing)))


def _tracked(record: CommandRecord, placed: PlacedOrder) -> Tracked | None:
    if placed.refused is not None:
        return None
    order = _order_of(record.command, placed)
    if order is None:
        return None
    role, symbol, side, quantity = order
    return Tracked(
        order_id=placed.order_id,
        command_id=record.command_id,
        job_id=record.job_id,
        role=role or record.role,
        symbol=symbol,
        side=side,
        quantity=quantity,
        placed_at_ms=record.sent_at_ms,
    )


def _order_of(command: Command, placed: PlacedOrder) -> tuple[Role | None, str, Side, Decimal] | None:
    match command:
        case Place():
            if placed.leg == "order":
                return None, command.symbol, command.side, command.quantity
            role: Role = "stop" if placed.leg == "stop_loss" else "target"
            return role, command.symbol, command.side.opposite, command.quantity
        case PlaceGroup():
            child = command.orders[placed.index]
            role = "target" if child.order_type is OrderType.LIMIT else "stop"
            return (role if child.effect == "close" else "entry"), child.symbol, child.side, child.quantity
        case ClosePosition():
            quantity = command.quantity if command.quantity is not None else command.expected_quantity
            return "close", command.symbol, command.held_side.opposite, quantity
        case _:
            return None


def gates_of(lane: LaneSession, strategy: str, command: Command) -> Gates:
    """Give what the transaction that starts this sending must check."""
    return Gates(
        account=lane.account.name,
        strategy=strategy.partition("#")[0],  # a person's entry is under the switch of the person's book
        increases_exposure=increases_exposure(command),
        live=lane.account.environment == "live",
    )
