"""A small burst at one bar close, as `make burst` measures it at length: each alert is one order, in order."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.burst_judge import judge
from benchmarks.burst_stage import Burst, stage
from sandbox.local_aws import LocalAws

pytestmark = [pytest.mark.race, pytest.mark.xdist_group("race")]

BURST = Burst(accounts=3, symbols=9, alerts=18, executors=3, receivers=2)
"""Nine positions are opened and closed again."""


def test_burst_over_several_accounts_is_ordered_once_each_and_in_order(aws: LocalAws, tmp_path: Path) -> None:
    with stage(aws, BURST, tmp_path) as staged:
        answers = staged.fire()
        found = judge(staged, answers, staged.wait())

        staged.burst = replace(BURST, alerts=27)
        more = judge(staged, answers, 1.0)

    assert found["wrong"] == []
    assert found["endings"] == {"filled": BURST.symbols, "closed": BURST.symbols}
    assert any("the broker took" in sentence for sentence in more["wrong"]), "it is not judged by what was fired"
