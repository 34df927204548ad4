"""Play a story to its end, and judge it."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

from orderbridge.strategy.goal import Ending
from tests.simulation.bodies import body_of
from tests.simulation.deeds import Deeds
from tests.simulation.invariants.evidence import Counts, Meant, Violation
from tests.simulation.invariants.judge import Judge
from tests.simulation.lambdas import logs_given_back
from tests.simulation.people import People
from tests.simulation.shapes import SHAPES
from tests.simulation.stories import story_of
from tests.simulation.story import START_MS, Step, Story, Strategy
from tests.simulation.world import World, quiet_output

QUIET_MS = 290_000
"""Redelivery of a bell after two minutes, a lapsed lease, an unknown outcome given up after a minute, and some more."""
SETTLED_MS = 12_000
OPEN = ("OPEN#JOB", "OPEN#COMMAND")
LAST_MS = 90_000
"""After the last exits."""


@dataclass
class Played:
    """What became of a story."""

    story: Story
    violations: tuple[Violation, ...]
    counts: Counts
    lines: list[str]
    statistics: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    complaints: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    """Of processor time."""
    digest: str = ""
    """Of every write to the table, every order at the brokers and every answer: the same story has the same."""


def story_for(seed: int, shape: str = "full") -> Story:
    """Draw the story of a seed."""
    return story_of(seed, SHAPES[shape], shape)


def play(seed: int, shape: str = "full", *, told: bool = False) -> Played:
    """Draw the story of a seed and play it."""
    return play_story(story_for(seed, shape), told=told)


def play_story(story: Story, *, told: bool = False, stop_at: str = "") -> Played:
    """Play a story; `told` keeps its time line, `stop_at` names an invariant whose violation ends it (`*`: any)."""
    began = time.process_time()
    with quiet_output(), logs_given_back(), patch.dict(os.environ, ENVIRONMENT):
        world = World(story, told=told)
        people = People(world)
        judge = Judge(world)
        known = [0]

        def watch() -> None:
            judge.after_step()
            if told and len(judge.violations) > known[0]:
                for violation in judge.violations[known[0] :]:
                    world.note(f"!!! {violation.name}: {violation.sentence}")
                known[0] = len(judge.violations)

        world.watch = watch

        def stopped() -> bool:
            return bool(stop_at) and any(stop_at in ("*", one.name) for one in judge.violations)

        _run(world, people, stopped)
        violations = judge.violations if stopped() else judge.at_end()
    played = Played(story, violations, judge.counts, world.lines)
    played.seconds = time.process_time() - began
    _count(world, people, played)
    return played


ENVIRONMENT = {"SECRET_PREFIX": "orderbridge/simulated/", "POWERTOOLS_METRICS_DISABLED": "true"}


def _run(world: World, people: People, over: Callable[[], bool]) -> None:
    deeds = Deeds(world, people)
    hub = world.hub
    for step in world.story.steps:
        hub.at(START_MS + step.at_ms, partial(deeds.do, step))
    calm_ms = START_MS + world.story.calm_ms
    hub.at(calm_ms, deeds.calm)
    while hub.now <= calm_ms and not over():
        hub.run(min(hub.now + 2_000, calm_ms + 1))
    _wait(world, people, hub.now, calm_ms + QUIET_MS, over)
    for strategy in world.story.strategies:
        _fire_last_exit(deeds, world, strategy)
    _wait(world, people, hub.now + 5_000, hub.now + LAST_MS, over)
    for account in world.story.panel * 2:  # the person looks once more: what was open may be resolved by the first
        world.panel.poll(0, account)
        hub.run(hub.now + 4_000)


def _wait(world: World, people: People, from_ms: int, until_ms: int, over: Callable[[], bool]) -> None:
    """Wait until a moment, or, where the story is not patient, some seconds longer than anything is open."""
    world.hub.run(from_ms)
    settled_ms = 0
    while world.hub.now < until_ms and settled_ms < SETTLED_MS and not over():
        world.hub.run(min(world.hub.now + 3_000, until_ms))
        settled_ms = settled_ms + 3_000 if not world.story.patient and is_settled(world, people) else 0


def is_settled(world: World, people: People) -> bool:
    """Tell whether nothing is open: no job, no command, no alert on its way, and no bell but the watch's."""
    if any(not alert.over for alert in world.alerts) or not world.panel.quiet or people.at_work:
        return False
    if any('"lane"' in body for body in world.aws.queues.bodies(world.aws.bell_url)):
        return False
    return not any(item.get("gpk", {}).get("S", "") in OPEN for item in world.items.values())


def _fire_last_exit(deeds: Deeds, world: World, strategy: Strategy) -> None:
    now = world.hub.now
    meant = Meant("exit", strategy.symbol, fired_at_ms=now // 1000 * 1000)
    values: dict[str, Any] = {
        "strategy": strategy.name,
        "meant": meant,
        "body": body_of(meant, "native"),
        "fired_ms": now,
    }
    deeds.do(Step(now - START_MS, "alert", values))


def _count(world: World, people: People, played: Played) -> None:
    numbers = played.statistics
    for alert in world.alerts:
        statuses = [one.status for one in alert.deliveries]
        numbers["alerts fired"] += 1
        numbers["deliveries"] += len(statuses)
        numbers["alerts accepted"] += any(status == 202 for status in statuses)
        numbers["alerts lost"] += all(status is None or status >= 500 for status in statuses)
    for key, item in world.items.items():
        if key[1] == "ALERT":
            status = item["status"]["S"]
            numbers[f"ended {status}" if status in set(Ending) else "not ended"] += 1
        elif key[1].startswith("COMMAND#"):
            numbers["commands"] += 1
    for name, function in world.functions.items():
        numbers[f"invocations of {name}"] += function.invocations
    numbers["orders at the brokers"] = sum(len(book.rows()) for book in world.accounts.values())
    for press in world.presses:
        numbers["presses"] += 1
        numbers[f"presses answered {press.said or 'with nothing certain'}"] += 1
    numbers["panel polls"] = world.panel.polls
    numbers["restored tables"] = len(world.restored)
    numbers["restored tables that send again"] = people.lifted
    numbers["holdings taken as the broker reports them"] = len(world.taken_over)
    numbers["orders decided by a person"] = people.decisions
    numbers["alerts lost with the table"] = played.counts.lost_with_the_table
    numbers["kills"] = world.kills
    numbers["writes to the table"] = len(world.writes)
    numbers["virtual seconds"] = (world.hub.now - START_MS) // 1000
    played.faults = Counter({str(fault): count for fault, count in world.weather.met.items()})
    played.complaints = world.equipment.complaints.counts
    digest = hashlib.sha256()
    for write in world.writes:
        digest.update(f"{write.at_ms} {write.process} {write.key} {write.after}\n".encode())
    for alert in world.alerts:
        digest.update(f"{alert.deliveries}\n".encode())
    digest.update(f"{world.presses}\n".encode() if world.presses else b"")
    for name, book in world.accounts.items():
        digest.update(f"{name} {list(book.rows())}\n".encode())
    played.digest = digest.hexdigest()
