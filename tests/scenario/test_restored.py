"""The table is restored from a backup while orders went on at the broker: halted, reconciled, never twice."""

import copy
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from orderbridge.errors import ConflictError, StorageError
from orderbridge.execution.adoption import Answers, LaneReport, Lost
from orderbridge.execution.ports import Busy, Gates, Held
from orderbridge.execution.reconcile import look_back, reconcile
from orderbridge.execution.records import CommandStatus
from orderbridge.model import PositionMode
from orderbridge.storage.incarnation import Incarnation
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.overview import Overview
from tests.contract.tradelocker import Seat
from tests.scenario.killing import Killer
from tests.scenario.test_orders import bracket
from tests.scenario.tradelocker import TradeLockerScenario
from tests.scenario.world import TABLE, World

MakeWorld = Callable[..., "Restorable"]
Items = dict[Any, Any]
PATIENT = {"s": {"entry_max_age_ms": 3_600_000}}
"""Alerts that are still young after the restore, so that nothing but the ledger keeps them from being traded."""
RESTORE_MS = 600_000


class Restorable(World):
    """A world whose table knows which one it is, and can be put back to an earlier state in a new table."""

    def __init__(self, bench: Any, strategies: Any) -> None:
        super().__init__(bench, strategies)
        self._open_table()
        assert self.incarnation.beat(self.clock.now_ms())

    def _open_table(self) -> None:
        """Do what a process does that starts: it remembers nothing of any table."""
        self.incarnation = Incarnation(self.client, TABLE, self.clock.monotonic)
        self.lanes = DynamoLanes(self.client, TABLE, incarnation=self.incarnation)
        self.restart()

    def backup(self) -> Items:
        self.incarnation.beat(self.clock.now_ms())
        return copy.deepcopy(self.client.items)

    def restore(self, items: Items) -> None:
        """Put a backup back, as AWS does: into a new table, some minutes later."""
        self.bench.advance(RESTORE_MS)
        for key in list(self.client.items):
            self.client.delete_item(TableName=TABLE, Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}})
        for item in items.values():
            self.client.put_item(TableName=TABLE, Item=item)
        self.client.table_id = "00000000-0000-4000-8000-000000000002"
        self.client.created_at_ms = self.clock.now_ms()
        self._open_table()

    def reconcile(self, **answers: Any) -> LaneReport:
        """Do in the bench's lane what `orderbridge reconcile` does in each."""
        lane = self.lane()
        lanes = DynamoLanes(self.client, TABLE)
        held = lanes.take(lane, "ann", self.clock.now_ms(), 45_000)
        assert isinstance(held, Held)
        worker = self.new_worker()
        worker._store = lanes
        session = worker._session(held, self.deadline())
        overview = Overview(self.client, TABLE)
        lost = Lost(self.incarnation.known().seen_at_ms, self.incarnation.table().created_at_ms)
        try:
            return reconcile(
                session,
                look_back(session, lost),
                lost,
                sorted(self.settings.strategies),
                lambda order: order.label.startswith("ob-"),
                partial(overview.commands_of_order, lane),
                Answers(by="ann", **answers),
                partial(overview.closes_of_order, lane),
            )
        finally:
            lanes.release(session.fence)

    def lift(self) -> None:
        self.incarnation.reconciled("ann", self.clock.now_ms())
        self.incarnation.lift("ann", self.clock.now_ms())
        self._open_table()
        self.sweep()

    def adopted(self) -> LaneReport:
        """Reconcile, saying that every order in question is the strategy's."""
        report = self.reconcile()
        ids = [question.split()[1] for question in report.questions if question.startswith("order ")]
        return self.reconcile(adopt=dict.fromkeys(ids, "s")) if ids else report


@pytest.fixture
def make_restorable(make_world: Callable[..., World]) -> MakeWorld:
    def make(strategies: Any = None, **bench: Any) -> Restorable:
        return Restorable(make_world(strategies, **bench).bench, strategies)

    return make


def test_restored_table_sends_nothing_and_keeps_what_arrives(make_restorable: MakeWorld) -> None:
    world = make_restorable(PATIENT)
    world.fire("buy", str(world.bench.unit), **bracket(world))
    backup = world.backup()
    world.restore(backup)
    writes = world.bench.writes()

    alert_id = world.send("exit")
    world.run(60)
    world.sweep()
    world.run(60)

    assert world.bench.writes() == writes
    assert world.outcome(alert_id).status == "accepted", "stored, and waiting"
    assert isinstance(world.lanes.take(world.lane(), "x", world.clock.now_ms(), 1), Busy)
    assert not world.incarnation.beat(world.clock.now_ms())
    assert len(world.bell.bells) < 10, "bells do not pile up"


def test_process_that_was_at_work_is_stopped_in_the_transaction_of_the_sending(make_restorable: MakeWorld) -> None:
    world = make_restorable()
    world.fire("buy", str(world.bench.unit))
    held = world.lanes.take(world.lane(), "warm", world.clock.now_ms(), 45_000)
    assert isinstance(held, Held)
    record = world.commands()[-1]
    world.client.table_id = "another"
    world.bench.advance(61_000)

    with pytest.raises(StorageError, match="restored"):
        world.lanes.begin(held.fence, record, held.state, Gates("x", "s", False, False))


def test_halt_is_not_lifted_before_it_is_reconciled(make_restorable: MakeWorld) -> None:
    world = make_restorable()
    world.restore(world.backup())

    with pytest.raises(ConflictError, match="reconcile"):
        world.incarnation.lift("ann", world.clock.now_ms())
    world.reconcile()
    world.lift()

    assert world.incarnation.known().generation == 1
    assert world.fire("buy", str(world.bench.unit)).status == "ordered"


def test_alert_that_was_worked_in_the_lost_time_is_not_worked_again(make_restorable: MakeWorld) -> None:
    world = make_restorable(PATIENT)
    alert_id = world.send("buy", str(world.bench.unit), **bracket(world))
    backup = world.backup()
    world.run(10)
    assert world.held() == world.bench.unit
    world.restore(backup)

    report = world.adopted()
    writes = world.bench.writes()
    world.lift()
    world.run(30)

    assert report.questions == []
    assert (world.outcome(alert_id).status, world.outcome(alert_id).code) == ("failed", "restored")
    assert "restored" in world.notices()
    assert world.bench.writes() == writes, "the holding has its stop already"
    assert (world.held(), world.protection().stopped_quantity) == (world.bench.unit, world.bench.unit)
    assert world.state().book("s", world.root()).owned == world.bench.unit


def test_entry_of_the_lost_time_is_adopted_and_its_alert_sent_again_adds_nothing(make_restorable: MakeWorld) -> None:
    world = make_restorable(PATIENT)
    backup = world.backup()
    world.fire("buy", str(world.bench.unit), **bracket(world))
    world.restore(backup)

    report = world.adopted()
    world.lift()
    again = world.fire("buy", str(world.bench.unit), **bracket(world))
    ended = world.fire("exit", seconds=10)

    assert len(report.adopted) == 1
    assert again.status == "refused", again
    assert ended.status == "ordered"
    assert (world.held(), world.working()) == (Decimal(0), [])


def test_stop_of_an_adopted_entry_is_put_back_when_it_is_lost(make_restorable: MakeWorld) -> None:
    from tests.scenario.test_found import take_stop_away

    world = make_restorable(PATIENT)
    backup = world.backup()
    world.fire("buy", str(world.bench.unit), **bracket(world))
    stop = world.protection().stop
    world.restore(backup)
    world.adopted()
    world.lift()
    world.run(10)

    take_stop_away(world)
    world.run(10)

    assert (world.protection().stop, world.protection().stopped_quantity) == (stop, world.bench.unit)


def test_exit_of_the_lost_time_is_seen_and_nothing_is_closed_twice(make_restorable: MakeWorld) -> None:
    world = make_restorable(PATIENT)
    world.fire("buy", str(world.bench.unit), **bracket(world))
    backup = world.backup()
    world.fire("exit", seconds=10)
    assert world.held() == 0
    world.restore(backup)

    report = world.reconcile()
    writes = world.bench.writes()
    world.lift()
    world.run(30)

    assert report.questions == []
    assert (world.held(), world.bench.writes()) == (Decimal(0), writes)
    assert world.state().book("s", world.root()).owned == 0
    assert world.fire("buy", str(world.bench.unit)).status == "ordered"


def test_reversal_of_the_lost_time_is_seen(make_restorable: MakeWorld) -> None:
    world = make_restorable(PATIENT)
    world.fire("buy", str(world.bench.unit))
    backup = world.backup()
    world.fire("sell", str(world.bench.unit * 2), seconds=20, **bracket(world, -1))
    assert world.held() == -world.bench.unit
    world.restore(backup)

    report = world.adopted()
    world.lift()
    world.run(20)

    assert report.questions == []
    assert world.state().book("s", world.root()).owned == -world.bench.unit
    assert (world.held(), world.protection().stopped_quantity) == (-world.bench.unit, world.bench.unit)


class BackupAtSending(Killer):
    """Takes the backup just before a request goes out: the command is SENDING in it."""

    def __init__(self, world: Restorable) -> None:
        super().__init__()
        self.world = world
        self.items: Items = {}

    def _moment(self, name: str) -> None:
        if name == "before send" and not self.items:
            self.items = self.world.backup()


def test_command_that_was_being_sent_is_found_and_its_alert_is_not_worked_again(make_restorable: MakeWorld) -> None:
    world = make_restorable(PATIENT)
    world.killer = killer = BackupAtSending(world)
    alert_id = world.send("buy", str(world.bench.unit), **bracket(world))
    world.run(10)
    world.killer = None
    world.restore(killer.items)

    report = world.reconcile()
    world.lift()
    world.run(30)

    assert (len(report.resolved), report.questions) == (1, [])
    assert world.outcome(alert_id).code == "restored"
    assert [record.status for record in world.commands()] == [CommandStatus.ACCEPTED]
    assert (world.held(), world.protection().stopped_quantity) == (world.bench.unit, world.bench.unit)
    assert world.state().book("s", world.root()).owned == world.bench.unit


def test_order_by_hand_is_asked_about_and_left_alone_when_it_is_a_stranger_s(make_restorable: MakeWorld) -> None:
    world = make_restorable(PATIENT)
    backup = world.backup()
    world.bench.open_elsewhere(world.bench.unit)
    world.bench.advance(2_000)
    world.restore(backup)

    first = world.reconcile()
    (question,) = first.questions
    order_id = question.split()[1]
    second = world.reconcile(foreign=frozenset({order_id}))
    third = world.reconcile()
    world.lift()
    world.run(20)
    ended = world.fire("exit", seconds=10)

    assert (second.questions, len(second.left_alone), third.questions) == ([], 1, [])
    assert ended.status == "no_action"
    assert world.held() == world.bench.unit, "foreign positions are untouched"


def test_reconciling_again_changes_nothing(make_restorable: MakeWorld) -> None:
    world = make_restorable(PATIENT)
    backup = world.backup()
    world.fire("buy", str(world.bench.unit), **bracket(world))
    world.restore(backup)
    world.adopted()
    commands, state = world.commands(), world.state()

    again = world.reconcile()

    assert (again.adopted, again.ended, again.questions) == ([], [], [])
    assert (world.commands(), world.state()) == (commands, state)


def test_alert_stored_after_the_restore_is_worked_once_the_halt_is_lifted(make_restorable: MakeWorld) -> None:
    world = make_restorable(PATIENT)
    world.restore(world.backup())
    world.bench.advance(5_000)
    alert_id = world.send("buy", str(world.bench.unit))
    world.run(30)

    report = world.reconcile()
    world.lift()
    world.run(10)

    assert report.ended == []
    assert world.outcome(alert_id).status == "ordered"
    assert world.held() == world.bench.unit


def test_netting_account_at_tradelocker_is_compared_by_its_sum() -> None:
    seat = Seat(account_id="1182", account_number="3", mode=PositionMode.NETTING)
    world = Restorable(TradeLockerScenario(seat=seat), PATIENT)
    world.fire("buy", str(world.bench.unit))
    backup = world.backup()
    world.fire("exit", seconds=10)
    world.fire("buy", str(world.bench.unit / 2), **bracket(world))
    world.restore(backup)

    report = world.adopted()
    world.lift()
    world.run(20)

    assert report.questions == []
    assert world.state().book("s", world.root()).owned == world.bench.unit / 2
    assert world.protection().stopped_quantity == world.bench.unit / 2


def test_close_that_was_booked_before_the_copy_is_no_question_where_fills_net() -> None:
    """The last beat is older than the copy: what the copy has booked lies in the time that is looked at again."""
    seat = Seat(account_id="1182", account_number="3", mode=PositionMode.NETTING)
    world = Restorable(TradeLockerScenario(seat=seat), PATIENT)
    unit = world.bench.unit
    world.fire("buy", str(unit))
    world.fire("exit")
    world.fire("buy", str(unit * 2))
    assert world.held() == unit * 2
    world.restore(copy.deepcopy(world.client.items))

    report = world.reconcile()

    assert report.questions == []
    assert world.state().book("s", world.root()).owned == unit * 2
