"""Only a proven refusal is an error: a write whose answer was lost is `ok`, and keeps its id to the end."""

import pytest

from orderbridge.execution.ports import Held
from tests.contract.backend import Fault
from tests.panel.conftest import MakePanel
from tests.panel.world import PanelWorld

LOST = [Fault.REPLY_LOST, Fault.TIMEOUT_AFTER, Fault.ERROR_AFTER, Fault.GARBLED_AFTER]
NOTHING = [Fault.RESET_BEFORE, Fault.TIMEOUT_BEFORE, Fault.ERROR_BEFORE]


def lost_with_the_broker(world: PanelWorld) -> None:
    """Let the next write be taken and its answer be lost, and nothing be readable from then on."""
    world.get("instruments")
    transport = world.inside.transport
    arm = transport._arm

    def arm_and_go_dark(fault: Fault) -> None:
        arm(fault)
        transport.pending_reads.extend([Fault.ERROR_BEFORE] * 1_000)

    world.bench.fault(Fault.REPLY_LOST)
    transport._arm = lambda fault: arm(fault) if fault is Fault.ERROR_BEFORE else arm_and_go_dark(fault)


@pytest.mark.parametrize("fault", LOST)
def test_lost_answer_of_a_taken_order_ends_in_one_order_under_the_id_that_was_told(
    make_panel: MakePanel, fault: Fault
) -> None:
    world = make_panel()
    world.get("orders")
    world.bench.fault(fault)

    told = world.place().d["orderId"]
    world.settle(20)

    assert world.held() == world.bench.unit
    assert world.orders()[told]["status"] == "filled"
    assert len([o for o in world.orders().values() if o["status"] == "filled"]) == 1


@pytest.mark.parametrize("fault", NOTHING)
def test_lost_order_that_was_not_taken_ends_rejected_with_words(make_panel: MakePanel, fault: Fault) -> None:
    world = make_panel()
    world.get("orders")
    world.bench.fault(fault)

    told = world.place().d["orderId"]
    world.settle(100)

    order = world.orders()[told]
    assert order["status"] == "rejected"
    assert order["message"]["type"] == "error"
    assert world.held() == 0


def test_unknown_order_is_listed_as_placing_with_a_warning_and_a_like_one_is_refused(make_panel: MakePanel) -> None:
    world = make_panel()
    lost_with_the_broker(world)

    told = world.place(request_id="r1").d["orderId"]
    listed = world.orders()[told]
    repeated = world.place(request_id="r1")
    like = world.place(request_id="r2")
    world.answer_again()
    world.settle(30)

    assert (listed["status"], listed["message"]["type"]) == ("placing", "warning")
    assert repeated.d["orderId"] == told
    assert "not known yet" in like.errmsg
    assert world.orders()[told]["status"] == "filled"
    assert world.held() == world.bench.unit


def test_unknown_order_keeps_its_id_in_another_process(make_panel: MakePanel) -> None:
    world = make_panel()
    lost_with_the_broker(world)
    told = world.place().d["orderId"]
    world.api = world.new_api()
    world.restart()
    before = world.orders()[told]["status"]
    world.answer_again()
    world.settle(30)

    assert before == "placing"
    assert world.orders()[told]["status"] == "filled"
    fills = world.get("executions", instrument=world.bench.symbol)
    assert [fill["orderId"] for fill in fills] == [told]


@pytest.mark.parametrize("fault", [*LOST, *NOTHING])
def test_close_whose_answer_is_lost_is_ok_and_leaves_nothing_open_the_other_way(
    make_panel: MakePanel, fault: Fault
) -> None:
    world = make_panel()
    world.place()
    (position,) = world.positions()
    world.bench.fault(fault)

    closed = world.ask("DELETE", world.own(f"positions/{position['id']}"))
    world.settle(100)

    assert world.held() in (0, world.bench.unit)
    assert closed.ok or world.held() == world.bench.unit
    if fault.booked:
        assert closed.ok
        assert world.held() == 0


@pytest.mark.parametrize("fault", LOST)
def test_cancel_whose_answer_is_lost_is_ok_and_the_order_ends_cancelled(make_panel: MakePanel, fault: Fault) -> None:
    world = make_panel()
    price = world.bench.price - world.bench.distance
    order_id = world.place("buy", kind="limit", limitPrice=price).d["orderId"]
    world.bench.fault(fault)

    cancelled = world.ask("DELETE", world.own(f"orders/{order_id}"))
    world.settle(20)

    assert cancelled.ok
    assert world.orders()[order_id]["status"] == "cancelled"


@pytest.mark.parametrize("fault", [Fault.ERROR_BODY, Fault.RATE_EDGE, Fault.CONNECTION_REFUSED])
def test_proven_refusal_is_an_error_or_is_sent_again_but_never_twice(make_panel: MakePanel, fault: Fault) -> None:
    world = make_panel()
    world.get("orders")
    world.bench.fault(fault)

    placed = world.place()
    world.settle(20)

    assert world.held() == (world.bench.unit if placed.ok else 0)
    if fault is Fault.ERROR_BODY:
        assert not placed.ok


def test_order_that_nobody_may_send_any_more_is_not_sent_late(make_panel: MakePanel) -> None:
    world = make_panel()
    world.get("orders")
    held = world.lanes.take(world.lane(), "somebody-else", world.clock.now_ms(), 45_000)
    assert isinstance(held, Held)

    told = world.place().d["orderId"]
    placing = world.orders()[told]["status"]
    world.settle(120)

    assert placing == "placing"
    assert world.orders()[told]["status"] == "rejected"
    assert world.held() == 0


def test_halted_trading_refuses_an_order_and_lets_a_close_through(make_panel: MakePanel) -> None:
    world = make_panel()
    world.place()
    (position,) = world.positions()
    world.halt("entries")

    placed = world.place()
    closed = world.ask("DELETE", world.own(f"positions/{position['id']}"))
    world.settle()

    assert "halted" in placed.errmsg
    assert closed.ok
    assert world.held() == 0
