"""What the simulation has found (`make simulate`), each as small as it gets."""

from dataclasses import replace

from orderbridge.commands import Cancel
from tests.scenario.test_orders import bracket
from tests.scenario.tradestation import TradeStationScenario
from tests.scenario.world import World


def _cared_for(account: str) -> set[str]:
    """Hold something at an account of this name, lose its stop, and give the ids of the commands that replace it."""
    world = World(TradeStationScenario())
    world.account = replace(world.account, name=account)
    world.settings.accounts = {account: world.account}
    world.add_strategy("s")
    world.fire("buy", str(world.bench.unit), stop_loss=bracket(world)["stop_loss"])
    cancel = Cancel(world.working()[0].id, world.bench.symbol)
    world.bench.broker.send(cancel, "0" * 32, world.deadline())
    world.run(10)
    return {record.command_id for record in world.commands() if record.job_id.startswith("care.")}


def test_commands_of_our_own_making_differ_between_accounts_at_the_same_moment() -> None:
    """Full seed 101: one strategy on two accounts of one login; TradeStation refuses the second OrderConfirmID."""
    first, second = _cared_for("one"), _cared_for("other")

    assert first
    assert not first & second
