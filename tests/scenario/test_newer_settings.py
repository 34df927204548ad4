"""Settings that a newer release has written bar entries after a roll-back; what is held can be left all the same."""

from collections.abc import Callable
from dataclasses import replace

from tests.scenario.world import World

MakeWorld = Callable[..., World]
UNKNOWN = ("max_daily_loss",)


def roll_back(world: World) -> None:
    """Have the strategy's settings hold a field that this release does not know."""
    world.settings.strategies["s"] = replace(world.settings.strategies["s"], unknown=UNKNOWN)


def test_entry_under_unknown_settings_is_refused_and_told(make_world: MakeWorld) -> None:
    world = make_world()
    roll_back(world)

    outcome = world.fire("buy", str(world.bench.unit), seconds=15)

    assert (outcome.status, outcome.code) == ("refused", "settings_newer"), outcome
    assert UNKNOWN[0] in outcome.sentence
    assert world.notices(), "the user is told"
    assert world.held() == 0


def test_entry_under_unknown_settings_of_the_account_is_refused(make_world: MakeWorld) -> None:
    world = make_world()
    world.settings.accounts[world.account.name] = world.account = replace(world.account, unknown=UNKNOWN)

    outcome = world.fire("buy", str(world.bench.unit), seconds=15)

    assert (outcome.status, outcome.code) == ("refused", "settings_newer"), outcome
    assert world.held() == 0


def test_exit_under_unknown_settings_closes(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit), seconds=15)
    roll_back(world)

    outcome = world.fire("exit", None, seconds=15)

    assert outcome.status == "ordered", outcome
    assert world.held() == 0


def test_reversal_under_unknown_settings_closes_and_does_not_open(make_world: MakeWorld) -> None:
    world = make_world()
    world.fire("buy", str(world.bench.unit), seconds=15)
    roll_back(world)

    outcome = world.fire("sell", str(world.bench.unit * 2), seconds=15)

    assert outcome.status == "ordered", outcome
    assert UNKNOWN[0] in outcome.sentence
    assert world.held() == 0
