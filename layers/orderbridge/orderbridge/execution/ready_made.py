"""Commands that come ready-made, as a halt's cancels do: sent once, as they are, and the broker's answers told."""

from collections.abc import Callable
from typing import assert_never

from orderbridge.commands import (
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.execution.plans import carry_out, close_unsent, store_revision
from orderbridge.execution.records import CommandRecord, CommandStatus, Job, Role
from orderbridge.execution.results import Parked, Result
from orderbridge.execution.session import LaneSession
from orderbridge.strategy.goal import End, Ending


class ReadyMade:
    """Works the jobs of one lane that carry their commands."""

    def __init__(
        self,
        lane: LaneSession,
        ask_for_own: Callable[[Job], Parked | None],
        current: Callable[[CommandRecord], CommandRecord],
    ) -> None:
        """`ask_for_own` resolves what is unknown of a job, `current` reads a command again."""
        self._lane = lane
        self._ask_for_own = ask_for_own
        self._current = current

    def work(self, job: Job) -> Result:
        """Bring the job as far as it goes now. Raises `BrokerReadError`."""
        plans = self._lane.store.plans(self._lane.fence.lane, job.job_id)
        if not plans:
            self._lane.see()
            commands = [(_role(command), command) for command in job.commands]
            new = store_revision(self._lane, job.job_id, job.strategy, job.root, None, 1, commands)
            records = carry_out(self._lane, new, None)
        else:
            records = close_unsent(self._lane, plans[0][1])
        waiting = self._ask_for_own(job)
        if waiting is not None:
            return waiting
        records = [self._current(record) for record in records]
        failed = [record for record in records if not record.taken]
        if not failed:
            return End(Ending.ORDERED, "done", f"Done: {', '.join(record.message or 'accepted' for record in records)}")
        ending = Ending.REFUSED if failed[0].status is CommandStatus.REFUSED else Ending.FAILED
        return End(ending, failed[0].code or "not_done", f"Not done: {failed[0].message}")


def _role(command: Command) -> Role:
    match command:
        case Place():
            return "entry" if command.effect == "open" else "close"
        case PlaceGroup():
            return "entry" if any(order.effect == "open" for order in command.orders) else "stop"
        case ClosePosition() | CloseAll():
            return "close"
        case ModifyPosition():
            return "stop"
        case Replace() | Cancel() | CancelAll():
            return "other"
        case _:
            assert_never(command)
