"""Every kind of write meets every fault: it is done once, or not done with a recorded reason; never twice.

The write's kind is what the job's own command is; what the fault does is in `Fault`.
"""

from collections.abc import Callable
from decimal import Decimal

import pytest

from orderbridge.commands import (
    Bracket,
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Replace,
)
from orderbridge.execution.care import protective
from orderbridge.execution.records import CommandStatus, Job
from orderbridge.model import OrderType, Side
from orderbridge.strategy.symbols import lane_of
from tests.contract.backend import Fault
from tests.scenario.test_orders import bracket
from tests.scenario.world import World

MakeWorld = Callable[..., World]
LONG_ENOUGH_S = 100.0
"""An unknown outcome is given up after 60 s."""

ENTRY_FAULTS = list(Fault)


@pytest.mark.parametrize("fault", ENTRY_FAULTS)
@pytest.mark.parametrize("kind", ["market", "limit_with_bracket"])
def test_entry_under_fault_is_placed_once_or_not_with_a_reason(make_world: MakeWorld, kind: str, fault: Fault) -> None:
    world = make_world()
    fields = bracket(world)
    if kind == "limit_with_bracket":
        price = world.bench.price - world.bench.distance / 2
        fields |= {"order_type": OrderType.LIMIT, "limit_price": price}
    world.bench.fault(fault)

    outcome = world.fire("buy", str(world.bench.unit), seconds=LONG_ENOUGH_S, **fields)

    entries = [order for order in world.bench.book().orders if order.side is Side.BUY and order.state != "rejected"]
    assert len(entries) <= 1, "placed twice"
    if fault is Fault.REJECTED_LATER and outcome.status == "ordered":
        assert "broker_rejected" in [code for code, _ in world.told], "it was working when the alert ended"
        return
    assert (outcome.status == "ordered") == (len(entries) == 1), outcome
    if not entries:
        assert outcome.status in ("refused", "failed"), outcome
        assert outcome.sentence
        assert world.told or world.notices()
    if fault.booked:
        assert len(entries) == 1, "the broker had taken it"
    assert all(record.status.final for record in world.commands())


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.LOGIN_DEAD])
@pytest.mark.parametrize("part", ["all", "half"])
def test_close_under_fault_closes_exactly_what_was_asked(make_world: MakeWorld, part: str, fault: Fault) -> None:
    world = make_world()
    unit = world.bench.unit
    world.fire("buy", str(unit))
    world.bench.fault(fault)

    outcome = world.fire("exit", None if part == "all" else str(unit / 2), seconds=LONG_ENOUGH_S)

    assert world.held() == (0 if part == "all" else unit / 2)
    assert outcome.status == "ordered", outcome


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.LOGIN_DEAD])
def test_reversal_under_fault_never_holds_both_or_too_much(make_world: MakeWorld, fault: Fault) -> None:
    world = make_world()
    unit = world.bench.unit
    world.fire("buy", str(unit))
    world.bench.fault(fault)

    outcome = world.fire("sell", str(unit * 2), seconds=LONG_ENOUGH_S)

    assert world.held() in (-unit, Decimal(0)), "the long is closed; the short is there once or not at all"
    assert outcome.status in ("ordered", "failed", "expired", "refused"), outcome
    assert (world.held() == -unit) == (outcome.status == "ordered"), outcome


# ---- writes that come ready-made: the panel's, and flatten


def ready_made(world: World, kind: str) -> tuple[Command, Callable[[], bool]]:
    """Give a command of the kind, and a check at the broker's book that it took effect."""
    bench, unit = world.bench, world.bench.unit
    price, distance = bench.price, bench.distance

    def positions() -> list[object]:
        return [row for row in bench.book().positions if row.symbol == bench.symbol]

    if kind in ("replace", "cancel", "cancel_all"):
        world.fire("buy", str(unit), order_type=OrderType.LIMIT, limit_price=price - distance)
        order_id = next(order.id for order in world.working())
        if kind == "replace":
            new = price - 2 * distance
            replace = Replace(order_id, bench.symbol, limit_price=new)
            return replace, lambda: [order.limit_price for order in world.working()] == [new]
        if kind == "cancel":
            return Cancel(order_id, bench.symbol), lambda: world.working() == []
        return CancelAll(bench.symbol), lambda: world.working() == []
    world.fire("buy", str(unit))
    if kind == "group":
        group = protective(bench.symbol, Side.SELL, unit, Bracket(price - distance, take_profit=price + distance))
        return group, lambda: len(world.working()) == 2
    position = bench.book().positions[0]
    if kind == "position_modify":
        stop = price - distance
        return (
            ModifyPosition(position.id, bench.symbol, stop_loss=stop),
            lambda: [row.stop_loss for row in bench.book().positions] == [stop],
        )
    if kind == "partial_close":
        close = ClosePosition(position.id, bench.symbol, Side.BUY, unit, unit / 2)
        return close, lambda: world.held() == unit / 2
    return CloseAll(bench.symbol), lambda: positions() == []


KINDS = ["replace", "cancel", "cancel_all", "group", "position_modify", "partial_close", "close_all"]
NEEDS = {
    "cancel_all": "cancel_all",
    "group": "groups",
    "position_modify": "position_bracket",
    "partial_close": "close_by_id",
    "close_all": "close_all",
}
FAULTS = [fault for fault in Fault if fault not in (Fault.LOGIN_DEAD, Fault.REJECTED_LATER)]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_ready_made_write_under_fault_is_done_once_or_not(make_world: MakeWorld, kind: str, fault: Fault) -> None:
    world = make_world()
    if kind in NEEDS and not getattr(world.worker_capabilities, NEEDS[kind]):
        return  # the capability table says that this broker does not have it (docs/brokers.md)
    command, done = ready_made(world, kind)
    world.bench.fault(fault)
    lane = lane_of(world.account.name, world.root(), world.worker_capabilities.one_action_at_a_time)
    before = world.held()
    job = Job("panel.1", "panel.1", "s", world.account.name, lane, world.root(), world.clock.now_ms(),
              commands=(command,), origin="panel")  # fmt: skip

    world.put(job)
    world.run_until(lambda: any(r.job_id == "panel.1" and r.status.final for r in world.commands()), LONG_ENOUGH_S)

    record = next(record for record in world.commands() if record.job_id == "panel.1")
    assert record.status.final
    assert done() == (record.status is CommandStatus.ACCEPTED), record
    if fault.booked:
        assert record.status is CommandStatus.ACCEPTED, record
    if kind == "partial_close":
        assert world.held() in (before, before / 2), "closed twice"
