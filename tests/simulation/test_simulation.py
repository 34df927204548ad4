"""The simulation itself: one seed is one story in any process, and its limits are the template's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.account import MOST_RECEIVED, VISIBILITY_S
from tests.simulation.lambdas import TIMEOUT_MS
from tests.simulation.play import play, play_story, story_for
from tests.simulation.shapes import SHAPES
from tests.simulation.sources import CONCURRENCY

ROOT = Path(__file__).resolve().parents[2]
SEED, SHAPE = 4, "killed"
PROGRAM = f"from tests.simulation.play import play; print(play({SEED}, {SHAPE!r}).digest)"


def test_same_seed_tells_the_same_story_to_the_byte_in_another_process_too() -> None:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'layers/orderbridge'}{os.pathsep}{ROOT}", "PYTHONHASHSEED": "7"}

    here = [play(SEED, SHAPE).digest, play(SEED, SHAPE).digest]
    there = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout.strip()

    assert here == [there, there]


def test_another_seed_tells_another_story() -> None:
    assert str(story_for(1).steps) != str(story_for(2).steps)


def test_time_line_changes_nothing_of_what_happens() -> None:
    assert play(SEED, SHAPE, told=True).digest == play(SEED, SHAPE).digest


def test_story_without_its_steps_goes_on_alike_to_its_end() -> None:
    story = story_for(SEED, SHAPE)

    played = play_story(story.without(frozenset(range(len(story.steps)))))

    assert not played.violations
    assert played.statistics["alerts fired"] == len(story.strategies)


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_shape_can_be_drawn_and_its_steps_come_in_order(shape: str) -> None:
    for seed in range(1, 6):
        moments = [step.at_ms for step in story_for(seed, shape).steps]
        assert moments == sorted(moments)


def test_time_outs_and_limits_are_those_of_the_template() -> None:
    template = (ROOT / "template.yaml").read_text(encoding="utf-8")

    def of(resource: str, name: str) -> int:
        part = template[template.index(f"\n  {resource}:\n") :]
        found = re.search(rf"\b{name}: (\d+)", part)
        assert found is not None
        return int(found[1])

    names = {
        "alert_receiver": "AlertReceiver",
        "broker_api": "BrokerApi",
        "order_executor": "OrderExecutor",
        "refresher": "Refresher",
    }
    assert {name: of(f"{title}Function", "Timeout") * 1000 for name, title in names.items()} == TIMEOUT_MS
    assert of("BellQueue", "VisibilityTimeout") == VISIBILITY_S
    assert of("BellQueue", "maxReceiveCount") == MOST_RECEIVED
    default = re.search(r'ExecutorConcurrency:.*?Default: "(\d+)"', template, re.DOTALL)
    assert default is not None
    assert int(default[1]) == CONCURRENCY
