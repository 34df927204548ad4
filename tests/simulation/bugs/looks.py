"""Planted bugs of mechanics after a write: what became of it, what is held, what is watched, told and protected."""

from dataclasses import replace
from typing import Any

from orderbridge.brokers.port import Absent, Done, PlacedOrder
from orderbridge.brokers.tradelocker.adapter import TradeLocker
from orderbridge.brokers.tradestation.adapter import TradeStation
from orderbridge.commands import ClosePosition, Place
from orderbridge.execution import bookkeeping, care, resolve, steps, submit
from orderbridge.execution.looks import Looks
from orderbridge.execution.records import CommandStatus
from orderbridge.execution.session import LaneSession
from orderbridge.execution.watcher import Watcher
from orderbridge.execution.worker import LaneWorker
from orderbridge.storage import jobs
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.sweep import DynamoSweep
from tests.simulation.bugs.patcher import Patcher


def resolved_by_quantity_only(patch: Patcher) -> None:
    """Any order of the same side and size counts as the one that was sent."""

    def twin(original: Any) -> Any:
        def ask(self: Any, command: Any, command_id: str, evidence: Any, look: Any) -> Any:
            if not isinstance(command, Place):
                return original(self, command, command_id, evidence, look)
            fits = [o for o in look.orders if (o.side, o.quantity) == (command.side, command.quantity)]
            return Done((PlacedOrder(fits[-1].id, "order"),)) if fits else Absent()

        return ask

    patch.method(TradeLocker, "resolve", twin)
    patch.method(TradeStation, "resolve", twin)


def given_up_at_the_first_look(patch: Patcher) -> None:
    patch.function(resolve, "GIVE_UP_MS", lambda _: 0)
    patch.function(resolve, "LEAST_ASKED", lambda _: 0)


def dead_senders_never_asked_for(patch: Patcher) -> None:
    """A command whose sender died stays SENDING."""

    def twin(original: Any) -> Any:
        def resolve_pending(lane: LaneSession, tell: Any) -> None:
            kept = [p for p in lane.state.pending if _status(lane, p) is not CommandStatus.SENDING]
            if kept:
                original(lane, tell)

        return resolve_pending

    patch.function(resolve, "resolve_pending", twin)


def _status(lane: LaneSession, pending: Any) -> CommandStatus:
    return lane.store.command(lane.fence.lane, pending.command_id).status


def held_read_before_the_last_own_fill(patch: Patcher) -> None:
    """A look of up to half a minute ago will do, whatever was sent since."""

    def get(original: Any) -> Any:
        def old(self: Looks, deadline: Any, since_ms: int, flight: int = 0, max_age_ms: int = 1_000) -> Any:
            shared = self._store.read(self._account)
            if shared.look is not None and self._clock.now_ms() - shared.look.requested_at_ms < 30_000:
                return shared.look
            return original(self, deadline, since_ms, flight, max_age_ms)

        return old

    patch.method(Looks, "get", get)


def unsettled_not_waited_for(patch: Patcher) -> None:
    """Report and ledger do not agree, and the report is believed at once."""
    patch.function(bookkeeping, "SETTLE_MS", lambda _: 0)


def late_sending_goes_out(patch: Patcher) -> None:
    """A sender that stood still between ledger and wire sends all the same."""
    patch.function(submit, "LATE_MS", lambda _: 10**9)


def bell_lost_without_a_sweep(patch: Patcher) -> None:
    patch.method(DynamoSweep, "overdue_lanes", lambda _: lambda self, before_ms: [])


def nothing_watched(patch: Patcher) -> None:
    patch.method(Watcher, "ensure", lambda _: lambda self, account: None)


def lane_not_rung_again(patch: Patcher) -> None:
    """What is parked, or was stored while the lane was held, waits for somebody else's bell."""
    patch.method(LaneWorker, "_again", lambda _: lambda self, session, wake_at_ms: None)
    patch.method(DynamoSweep, "overdue_lanes", lambda _: lambda self, before_ms: [])


def notice_not_stored(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        return lambda self, fence, stored, end, now_ms, tell: original(self, fence, stored, end, now_ms, False)

    patch.method(DynamoLanes, "end_job", twin)


def alert_left_open(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def operations(*arguments: Any) -> Any:
            return [one for one in original(*arguments) if "jobs_ended" not in str(one)]

        return operations

    patch.function(jobs, "end_job_operations", twin)


def stop_never_put_back(patch: Patcher) -> None:
    patch.function(care, "_missing", lambda _: lambda book, holding, now_ms: None)
    patch.function(care, "_waiting_children", lambda _: lambda book, holding, now_ms: None)


def partial_close_by_id_closes_all(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def commands(*arguments: Any) -> Any:
            return tuple(
                (role, replace(one, quantity=None) if isinstance(one, ClosePosition) else one)
                for role, one in original(*arguments)
            )

        return commands

    patch.function(steps, "_closing_positions", twin)


def close_repeated_before_it_shows(patch: Patcher) -> None:
    """A close is planned again though the last one may still fill."""
    patch.function(steps, "_close_under_way", lambda _: lambda progress: None)


def stops_left_behind(patch: Patcher) -> None:
    """A stop outlives its position, or covers more than is held."""
    patch.function(care, "_no_orphans", lambda _: lambda holding: None)
    patch.function(care, "_no_surplus", lambda _: lambda book, holding: None)
    patch.function(steps, "_release", lambda _: lambda goal, holding, left, progress: None)
