"""What went out stands, whatever fails afterwards: no error for what was done, nothing late, nothing untold."""

from typing import Any

import pytest

from orderbridge.brokers.port import Broker, Deadline, Outcome, Refused
from orderbridge.commands import Command, Place
from orderbridge.errors import StorageError
from orderbridge.execution.ports import Held
from orderbridge.execution.session import LaneSession
from tests.contract.backend import Fault
from tests.panel.conftest import PANEL_BENCHES, MakePanel
from tests.panel.front_end import FrontEnd
from tests.panel.test_stale_press import before_write
from tests.panel.world import PanelWorld
from tests.scenario.killing import KilledError, Killer


def dark_after_the_next_write(world: PanelWorld) -> None:
    """Let the next write be taken and answered, and nothing be readable from then on."""
    world.get("instruments")
    transport = world.inside.transport
    before_write(world, lambda: transport.pending_reads.extend([Fault.ERROR_BEFORE] * 1_000))


def failing(world: PanelWorld, monkeypatch: pytest.MonkeyPatch, method: str, times: int, *, done: bool) -> None:
    """Let calls of the table that write panel requests, or read jobs, fail; `done`: carried out all the same."""
    inner = getattr(world.client, method)
    left = [times]

    def called(**arguments: Any) -> Any:
        about = str(arguments)
        if left[0] and ("REQUEST#" in about or (method == "get_item" and "JOB#" in about)):
            left[0] -= 1
            if done:
                inner(**arguments)
            raise StorageError("the table cannot be reached")
        return inner(**arguments)

    monkeypatch.setattr(world.client, method, called)


def test_close_that_was_taken_is_no_error_though_the_broker_cannot_be_read_any_more(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place()
    (position,) = world.positions()
    dark_after_the_next_write(world)

    closed = world.ask("DELETE", world.own(f"positions/{position['id']}"))
    world.answer_again()
    world.settle(30)

    assert closed.ok
    assert world.held() == 0


def test_request_whose_storing_was_not_answered_is_stored_once_and_carried_out(
    make_panel: MakePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_panel()
    world.get("orders")
    failing(world, monkeypatch, "transact_write_items", 1, done=True)

    placed = world.place()
    world.settle(5)

    assert placed.ok
    assert world.held() == world.bench.unit


def test_write_of_which_the_store_cannot_tell_is_neither_ok_nor_a_200_error(
    tradelocker: PanelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    tradelocker.get("orders")
    failing(tradelocker, monkeypatch, "get_item", 1_000, done=False)

    placed = tradelocker.ask("POST", tradelocker.own("orders"), tradelocker.ticket(), strict=False)

    assert placed.status == 503
    assert "not known whether this was taken" in placed.content["errmsg"]


def test_reversal_that_has_only_taken_the_stop_away_is_not_gone_on_with_when_it_is_old() -> None:
    world = PanelWorld(PANEL_BENCHES["tradestation-futures"]())
    price, distance = world.bench.price, world.bench.distance
    world.place("buy", stopLoss=price - distance)
    world.settle(6)
    front = FrontEnd(world)
    front.look()
    world.restart()
    world.killer = Killer(name="after send")

    with pytest.raises(KilledError):
        front.reverse()
    world.restart()
    world.api = world.new_api()
    world.settle(130)

    assert world.held() == world.bench.unit
    assert world.protection().stopped_quantity == world.bench.unit
    assert "too_old" in world.notices()


def test_reversal_whose_entry_the_broker_refuses_says_that_it_has_closed(
    make_netting: MakePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_netting()
    world.place("buy")
    world.settle(6)
    front = FrontEnd(world)
    front.look()
    adapter = type(world.bench.broker)
    send = adapter.send

    def refuse_entries(broker: Broker, command: Command, command_id: str, deadline: Deadline) -> Outcome:
        if isinstance(command, Place) and command.effect == "open":
            return Refused("funds", "Not enough margin.")
        return send(broker, command, command_id, deadline)

    monkeypatch.setattr(adapter, "send", refuse_entries)

    reply = front.reverse()
    world.settle(6)

    assert reply is not None
    assert reply.errmsg.startswith("The position was closed, and nothing was opened instead: Not enough")
    assert world.held() == 0
    assert "funds" in world.notices()


def test_press_that_is_refused_after_it_was_answered_as_open_is_told(tradelocker: PanelWorld) -> None:
    world = tradelocker
    world.place()
    (position,) = world.positions()
    held = world.lanes.take(world.lane(), "somebody-else", world.clock.now_ms(), 45_000)
    assert isinstance(held, Held)
    closed = world.ask("DELETE", world.own(f"positions/{position['id']}"))
    world.bench.close_elsewhere()
    world.lanes.release(held.fence)

    world.sweep()
    world.settle(2)

    assert closed.ok
    assert "flat" in world.notices()


def test_person_who_is_long_and_short_at_once_keeps_both_positions_in_the_book(tradelocker: PanelWorld) -> None:
    world = tradelocker
    for side in ("buy", "sell"):
        assert world.place(side).ok
        world.settle(3)

    (book,) = [book for book in world.state().books if book.strategy == "panel:alice"]

    assert book.owned == 0
    assert len(book.position_ids) == 2


def test_strategy_that_adopts_closes_what_a_person_holds_with_its_stop(make_netting: MakePanel) -> None:
    world = make_netting(strategies={"s": {"on_foreign_position": "adopt"}})
    price, distance = world.bench.price, world.bench.distance
    assert world.place("buy", stopLoss=price - distance, takeProfit=price + distance).ok
    world.settle(6)

    outcome = world.fire("exit", seconds=20)

    assert outcome.status == "ordered"
    assert world.held() == 0
    assert world.working() == []


def test_press_that_grew_old_while_the_broker_was_looked_at_is_not_sent(
    tradestation: PanelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = tradestation
    world.get("orders")
    held = world.lanes.take(world.lane(), "somebody-else", world.clock.now_ms(), 45_000)
    assert isinstance(held, Held)
    assert world.place().ok, "open: somebody else works the lane"
    world.lanes.release(held.fence)
    see = LaneSession.see

    def slow(lane: LaneSession, *args: Any, **more: Any) -> None:
        world.clock.sleep(4)
        see(lane, *args, **more)

    monkeypatch.setattr(LaneSession, "see", slow)
    world.sweep()
    world.settle(60)

    assert world.held() == 0
    assert "too_old" in world.notices()
