"""Bells that were given up: the lane's failing job is ended and told, and its followers go on."""

import json
from collections.abc import Callable

from orderbridge.cli.replay import replayed
from orderbridge.storage.dead_jobs import DeadJobs
from tests.scenario.world import TABLE, World

MakeWorld = Callable[..., World]


class DeadLetters:
    """A dead-letter queue with these bells in it."""

    def __init__(self, *bodies: str) -> None:
        self.messages = list(enumerate(bodies))

    def receive(self) -> list[tuple[str, str]]:
        return [(body, str(at)) for at, body in self.messages[:10]]

    def delete(self, handle: str) -> None:
        self.messages = [(at, body) for at, body in self.messages if str(at) != handle]


def test_dead_bell_ends_the_job_at_the_head_and_its_follower_is_worked(make_world: MakeWorld) -> None:
    world = make_world()
    failing = world.send("buy", str(world.bench.unit))
    follower = world.send("exit")
    lane = str(world.bell.bells[0][2]["lane"])
    world.bell.bells.clear()
    letters = DeadLetters(json.dumps({"lane": lane}), json.dumps({"watch": world.account.name, "turn": 1}), "no json")

    swept = world.sweep(letters)
    world.run(20)

    assert swept.dead_letters == 3
    assert letters.messages == []
    assert (world.outcome(failing).status, world.outcome(failing).code) == ("failed", "dead_letter")
    assert world.outcome(follower).status == "no_action"
    assert "dead_letter" in world.notices()


def test_dead_bell_of_an_idle_lane_is_only_removed(make_world: MakeWorld) -> None:
    world = make_world()
    outcome = world.fire("buy", str(world.bench.unit))
    letters = DeadLetters(json.dumps({"lane": f"{world.account.name}#{world.root()}"}))

    world.sweep(letters)

    assert letters.messages == []
    assert world.outcome("a001") == outcome


def test_replayed_entry_that_has_grown_old_is_not_traded_and_an_exit_is(make_world: MakeWorld) -> None:
    world = make_world({"s": {"pyramiding": 3}})
    world.fire("buy", str(world.bench.unit))
    world.bell.bells.clear()
    for action in ("buy", "exit"):
        world.send(action, None if action == "exit" else str(world.bench.unit))
    world.bell.bells.clear()
    for _ in range(2):
        world.sweep(DeadLetters(json.dumps({"lane": world.lane()})))
        world.bell.bells.clear()
    world.bench.advance(60_000)
    dead = DeadJobs(world.client, TABLE)
    replays = []
    for one in dead.listed():
        stored = world.lanes.job(one.lane, one.accepted_at_ms, one.job_id)
        assert stored is not None
        again = replayed(stored.job, world.clock.now_ms())
        dead.replay(stored.job, again)
        replays.append(again)
        world.bench.advance(1)
    world.bell.ring_lane(world.lane())

    world.run(30)

    ends = [world.lanes.job(one.lane, one.accepted_at_ms, one.job_id) for one in replays]
    assert [(one.job.replay_of[:4], one.status) for one in ends if one is not None] == [
        ("a002", "expired"),
        ("a003", "ordered"),
    ]
    assert world.held() == 0
    assert dead.listed() == []
