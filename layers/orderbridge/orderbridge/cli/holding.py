"""Hold a lane as a worker does, for what a person does in it: its lease is waited for, its fence names every write."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orderbridge.brokers.deadline import MonotonicDeadline
from orderbridge.cli.running import Run
from orderbridge.errors import ConflictError, SettingsError
from orderbridge.execution.ports import Busy
from orderbridge.execution.session import HOLD_MS, LaneSession
from orderbridge.storage.lanes import DynamoLanes

if TYPE_CHECKING:
    from orderbridge.execution.bookkeeping import Event

WAIT_MS = 60_000
"""How long somebody else's lease is waited for: longer than a worker that has died can hold it."""
WORK_S = 40.0


@contextmanager
def lane_held(run: Run, lane: str) -> Iterator[LaneSession]:
    """Give a session of the lane; it is free again afterwards.

    Raises `ConflictError` when somebody else works the lane all the time, `SettingsError` when its account is gone.
    """
    bridge = run.bridge
    desk = bridge.desk(lane.partition("#")[0])
    until_ms = run.now_ms + WAIT_MS
    lanes = DynamoLanes(bridge.dynamodb, run.table, bridge.clock)  # sends nothing, so a restored table may be held too
    while isinstance(held := lanes.take(lane, bridge.owner, run.now_ms, HOLD_MS), Busy):
        if run.now_ms >= until_ms:
            raise ConflictError(f"lane {lane} is being worked all the time; try again")
        run.world.sleep(0.5)
    try:
        yield LaneSession(
            store=lanes,
            broker=desk.broker,
            looks=bridge.looks(desk.account, desk.broker),
            clock=bridge.clock,
            account=desk.account,
            fence=held.fence,
            state=held.state,
            deadline=MonotonicDeadline(WORK_S),
            on_event=_unheard,
        )
    finally:
        lanes.release(held.fence)


def all_accounts(run: Run) -> list[str]:
    """Name every account: those of the settings, and those that panel users brought along."""
    from orderbridge.storage.users import Users

    users = Users(run.world.client("dynamodb"), run.table)
    return sorted({*run.settings.accounts(), *users.own_accounts()})


def account_of(run: Run, lane: str) -> str:
    """Give the account of a lane. Raises `SettingsError` when it is not known any more."""
    name = lane.partition("#")[0]
    if run.settings.account(name) is None:
        raise SettingsError(f"account {name} is not in the settings any more; apply it again first")
    return name


def _unheard(_: "Event") -> None:
    """What happens to orders is told by the worker that comes next; here it is only looked at."""
