"""What a person must decide or know of, each with what the broker shows now. Reads only, and takes no lane.

    unknown        a command that may have been carried out or not
    not_found      an entry that was given up and told; it is watched for, and closed should it show up
    parked         a job that waits, with the reason
    halted         a lane in which entries wait for an unknown one
    disagreement   a holding that ledger and broker count differently
    dead_letters   jobs that were made terminal unread
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from orderbridge.brokers.deadline import MonotonicDeadline
from orderbridge.brokers.port import Absent, Ambiguous, Broker, Done, Evidence, Look
from orderbridge.cli.holding import all_accounts
from orderbridge.cli.resolve import what_follows
from orderbridge.cli.running import Run
from orderbridge.errors import BrokerReadError, SettingsError, StorageError
from orderbridge.execution.bookkeeping import observe
from orderbridge.execution.evidence import Candidate, find
from orderbridge.execution.held import held_of
from orderbridge.execution.looks import DEFAULT_HISTORY_MS, HISTORY_MARGIN_MS
from orderbridge.execution.records import CommandRecord, CommandStatus, LaneState, StoredJob
from orderbridge.execution.resolve import GIVE_UP_MS, named, with_claims
from orderbridge.model import Position, PositionMode
from orderbridge.storage.overview import OpenCommand, Overview
from orderbridge.storage.watch import DynamoWatch
from orderbridge.strategy.symbols import canonical_root

READ_S = 20.0
Values = dict[str, Any]


@dataclass
class Findings:
    """All of it, as plain values for `--json`."""

    unknown: list[Values] = field(default_factory=list)
    not_found: list[Values] = field(default_factory=list)
    parked: list[Values] = field(default_factory=list)
    halted: list[Values] = field(default_factory=list)
    disagreements: list[Values] = field(default_factory=list)
    dead_letters: list[Values] = field(default_factory=list)
    unread: list[Values] = field(default_factory=list)
    """Accounts whose broker could not be read."""

    @property
    def to_decide(self) -> int:
        """Count what waits for a person: what is still being asked, parked or watched for does not."""
        mine = sum(1 for one in self.unknown if one["overdue"])
        return mine + len(self.disagreements) + len(self.dead_letters)


def gather(run: Run, dead_letters: Sequence[Values]) -> Findings:
    """Read the ledger, then each account that something is open in."""
    overview = Overview(run.world.client("dynamodb"), run.table)
    watch = DynamoWatch(run.world.client("dynamodb"), run.table)
    found = Findings(dead_letters=list(dead_letters))
    jobs, commands = overview.open_jobs(), overview.open_commands()
    found.parked = [_parked(stored, run.now_ms) for stored in jobs if stored.status == "WORKING" or stored.wake_at_ms]
    accounts = dict.fromkeys([*all_accounts(run), *(one.lane.partition("#")[0] for one in commands)])
    for account in accounts:
        of_account = [one for one in commands if one.lane.partition("#")[0] == account]
        lanes = dict.fromkeys([*watch.lanes(account), *(one.lane for one in of_account)])
        if lanes:
            states = {lane: overview.lane_state(lane) for lane in lanes}
            _Account(run, account, states, of_account, found).read(jobs)
    return found


@dataclass
class _Account:
    run: Run
    name: str
    states: dict[str, LaneState]
    commands: list[OpenCommand]
    found: Findings

    def read(self, jobs: Sequence[StoredJob]) -> None:
        lost = self._lost()
        sendings = [one.record.sent_at_ms for one in self.commands if one.record.sent_at_ms]
        sendings += [record.sent_at_ms for _, record, _ in lost]
        look, broker, mode = self._look(min(sendings, default=self.run.now_ms))
        for one in self.commands:
            if one.record.status is not CommandStatus.NEW:
                self.found.unknown.append(self._unknown(one, broker, look))
        for lane, record, until_ms in lost:
            shown = _evidence(record, self.states[lane], broker, look)
            self.found.not_found.append({**_named(record, lane), "watched_until_ms": until_ms, **shown})
        for lane, state in self.states.items():
            self._halted(lane, state, jobs)
            if look is not None and mode is not None:
                self.found.disagreements += _disagreements(lane, state, look, self.run.now_ms, mode)

    def _lost(self) -> list[tuple[str, CommandRecord, int]]:
        lanes = self.run.bridge.lanes
        pairs = [(lane, lost) for lane, state in self.states.items() for lost in state.lost]
        return [(lane, lanes.command(lane, lost.command_id), lost.until_ms) for lane, lost in pairs]

    def _look(self, earliest_ms: int) -> tuple[Look | None, Broker | None, PositionMode | None]:
        since_ms = earliest_ms - HISTORY_MARGIN_MS
        try:
            desk = self.run.bridge.desk(self.name)
            looks = self.run.bridge.looks(desk.account, desk.broker)
            since_ms -= since_ms % DEFAULT_HISTORY_MS
            look = looks.get(MonotonicDeadline(READ_S), since_ms, looks.after_now(), 0)
        except (BrokerReadError, SettingsError, StorageError) as error:
            self.found.unread.append({"account": self.name, "problem": str(error)})
            return None, None, None
        return look, desk.broker, desk.account.position_mode

    def _unknown(self, one: OpenCommand, broker: Broker | None, look: Look | None) -> Values:
        record, state = one.record, self.states[one.lane]
        sending = record.status is CommandStatus.SENDING and self.run.now_ms < record.send_by_ms
        overdue = not sending and self.run.now_ms - record.sent_at_ms >= GIVE_UP_MS
        decisions = {outcome: what_follows(record, outcome) for outcome in ("placed", "not_placed")}
        about = {**_named(record, one.lane), "overdue": overdue, "decisions": decisions}
        return {**about, **_evidence(record, state, broker, look)}

    def _halted(self, lane: str, state: LaneState, jobs: Sequence[StoredJob]) -> None:
        if not state.pending:
            return
        waiting = [stored.job.job_id for stored in jobs if stored.job.lane == lane]
        self.found.halted.append(
            {"lane": lane, "by": [pending.command_id for pending in state.pending], "jobs_waiting": waiting}
        )


def _named(record: CommandRecord, lane: str) -> Values:
    return {
        "command": record.command_id,
        "lane": lane,
        "account": lane.partition("#")[0],
        "strategy": record.strategy,
        "job": record.job_id,
        "role": record.role,
        "asked": named(record),
        "status": str(record.status),
        "sent_at_ms": record.sent_at_ms,
        "message": record.message,
    }


def _evidence(record: CommandRecord, state: LaneState, broker: Broker | None, look: Look | None) -> Values:
    if look is None or broker is None:
        return {"shown": "unread", "candidates": [], "positions": []}
    findings = find(broker, record, with_claims(state, record.evidence or Evidence(record.sent_at_ms)), look)
    shown = {Done: "placed", Absent: "absent", Ambiguous: "several"}[type(findings.resolution)]
    held = [position for position in look.positions if canonical_root(position.symbol) == record.root]
    return {
        "shown": shown,
        "candidates": [_candidate(one) for one in findings.candidates],
        "positions": [_position(one) for one in held],
    }


def _candidate(one: Candidate) -> Values:
    order = one.order
    return {
        "order_id": order.id,
        "placed_at_ms": order.placed_at_ms,
        "side": str(order.side),
        "symbol": order.symbol,
        "type": str(order.type),
        "quantity": str(order.quantity),
        "filled": str(order.filled_quantity),
        "status": str(order.status),
        "mark": order.label,
        "fits": one.fits,
        "differs": list(one.differs),
    }


def _position(position: Position) -> Values:
    return {
        "position_id": position.id,
        "symbol": position.symbol,
        "quantity": str(position.signed),
        "opened_at_ms": position.opened_at_ms,
    }


def _parked(stored: StoredJob, now_ms: int) -> Values:
    return {
        "job": stored.job.job_id,
        "lane": stored.job.lane,
        "code": stored.code,
        "sentence": stored.sentence,
        "accepted_at_ms": stored.job.accepted_at_ms,
        "wakes_in_ms": max(0, stored.wake_at_ms - now_ms),
    }


def _disagreements(
    lane: str, state: LaneState, look: Look, now_ms: int, mode: PositionMode
) -> Iterable[Values]:
    """Compare what ledger and orders explain with what the account holds; a fill that the look shows is explained."""
    observed = observe(state, look, now_ms, mode)
    orders = {order.id: order for order in look.orders}
    for root in sorted({book.root for book in state.books}):
        books = [book for book in state.books if book.root == root]
        if any(pending.root == root for pending in state.pending):
            continue
        fills = sum(
            (
                (orders[one.order_id].filled_quantity - one.booked) * one.side.sign
                for book in books
                for one in book.tracked
                if one.order_id in orders
            ),
            Decimal(0),
        )
        held = held_of(look.positions, root)
        owned = sum((book.owned for book in books), Decimal(0)) + fills
        if mode is PositionMode.HEDGING:
            differs = root in observed.unsettled
        else:
            differs = held != state.root(root).baseline + fills or owned * held < 0 or abs(owned) > abs(held)
        if differs:
            yield {
                "lane": lane,
                "root": root,
                "ledger": str(owned),
                "broker": str(held),
                "strategies": {book.strategy: str(book.owned) for book in books},
            }
