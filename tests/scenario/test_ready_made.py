"""Commands that come ready-made, and a broker that cannot be read."""

from collections.abc import Callable

from orderbridge.commands import Cancel
from orderbridge.execution.records import Job
from orderbridge.model import OrderType
from orderbridge.strategy.symbols import lane_of
from tests.contract.backend import Fault
from tests.scenario.world import World

MORE_READS = 40
"""Each try to read makes three requests, and a job may be started three times."""


def test_ready_made_command_waits_while_the_broker_cannot_be_read(make_world: Callable[..., World]) -> None:
    world = make_world()
    bench = world.bench
    price = bench.price - bench.distance
    world.fire("buy", str(bench.unit), order_type=OrderType.LIMIT, limit_price=price)
    (order,) = world.working()
    lane = lane_of(world.account.name, world.root(), world.worker_capabilities.one_action_at_a_time)
    commands = (Cancel(order.id, bench.symbol),)
    at_ms = world.clock.now_ms()
    job = Job("p.1", "p.1", "s", world.account.name, lane, world.root(), at_ms, commands=commands, origin="panel")
    bench.read_fault(Fault.ERROR_BEFORE, MORE_READS)

    world.put(job)
    world.run(60)

    assert world.working() == []
    assert [record.code for record in world.commands() if record.job_id == "p.1"] == ["accepted"]
