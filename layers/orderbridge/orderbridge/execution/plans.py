"""Store a plan's next revision and carry it out, command by command."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from orderbridge.commands import Command, Place
from orderbridge.execution.held import with_root
from orderbridge.execution.records import NOT_SENT, CommandRecord, CommandStatus, Plan, Protection, Role
from orderbridge.execution.session import LaneSession, with_book
from orderbridge.execution.submit import gates_of, submit
from orderbridge.strategy.goal import Goal


def command_id_of(job_id: str, revision: int, step: int) -> str:
    """Give a command's id: a pure function, so that a plan made again after a crash names the same commands."""
    return hashlib.sha256(f"{job_id}/{revision}/{step}".encode()).hexdigest()[:32]


def store_revision(
    lane: LaneSession,
    job_id: str,
    strategy: str,
    root: str,
    goal: Goal | None,
    revision: int,
    commands: Sequence[tuple[Role, Command]],
) -> list[CommandRecord]:
    """Store the revision and its commands before anything of it is sent. """
    now_ms = lane.clock.now_ms()
    records = [
        CommandRecord(
            command_id=command_id_of(job_id, revision, step),
            job_id=job_id,
            strategy=strategy,
            root=root,
            revision=revision,
            step=step,
            command=command,
            role=role,
            changed_at_ms=now_ms,
        )
        for step, (role, command) in enumerate(commands)
    ]
    state = lane.state if lane.look is None else with_root(lane.state, lane.look.positions, root)
    for record in records:
        command = record.command
        if record.role == "entry" and isinstance(command, Place) and command.bracket is not None:
            book = state.book(strategy, root)
            others = tuple(planned for planned in book.planned if planned.job_id != job_id)
            own = Protection(command.symbol, command.bracket, job_id, asked_ms=now_ms)
            state = with_book(state, replace(book, planned=(*others, own)))
    plan = Plan(job_id, revision, goal, tuple(record.command_id for record in records), now_ms)
    lane.store.save_plan(lane.fence, plan, records, state)
    lane.state = state
    return records


def carry_out(
    lane: LaneSession, records: Sequence[CommandRecord], not_after_ms: int | None
) -> list[CommandRecord]:
    """Send what is still NEW, in order; stop after the first that is not accepted and close the rest as not sent."""
    done: list[CommandRecord] = []
    stopped = False
    for record in records:
        if record.status is CommandStatus.NEW:
            expiry = not_after_ms if record.role == "entry" else None
            record = _skip(lane, record) if stopped else submit(
                lane, record, gates_of(lane, record.strategy, record.command), expiry
            )
        stopped = stopped or record.status not in (CommandStatus.ACCEPTED, CommandStatus.REFUSED)
        done.append(record)
    return done


def not_sent(record: CommandRecord, why: str, now_ms: int) -> CommandRecord:
    """Give the record of a command that stays unsent."""
    return replace(record, status=CommandStatus.EXPIRED, code=NOT_SENT, message=why, changed_at_ms=now_ms)


def _skip(lane: LaneSession, record: CommandRecord) -> CommandRecord:
    skipped = not_sent(record, "an earlier step of the plan did not go through", lane.clock.now_ms())
    lane.store.finish(lane.fence, skipped, CommandStatus.NEW, lane.state)
    return skipped


def close_unsent(lane: LaneSession, records: Sequence[CommandRecord]) -> list[CommandRecord]:
    """Close what a dead worker left NEW: it was never sent, and what it aimed at may have changed since."""
    return [_skip(lane, record) if record.status is CommandStatus.NEW else record for record in records]


def went_out(records: Sequence[CommandRecord]) -> list[CommandRecord]:
    """Leave out what was stored and never sent, because a worker died or an earlier command's outcome is unknown.

    It is still to be done, if the look says so.
    """
    return [record for record in records if record.code != NOT_SENT]


def told_of_sent(records: Sequence[CommandRecord]) -> str:
    """Say in a sentence what became of a job's commands, for a job that is not worked any further."""
    taken = sum(1 for record in records if record.status is CommandStatus.ACCEPTED)
    if not all(record.status.final for record in records):
        return "It is not known yet whether an order of it was taken: please check the account."
    if taken:
        return f"Before that the broker has taken {taken} request(s) of it: please check the account."
    if any(record.sent_at_ms for record in records):
        return "The broker has taken nothing of it."
    return "Nothing was sent for it."
