"""The simulated AWS, moto and MiniStack answer the same scripts alike, call by call."""

import pytest

from sandbox.local_aws import BridgeResources, LocalAws
from tests.fidelity import queue_cases, secret_cases, systems, table_cases
from tests.fidelity.calling import Caller, Case, System
from tests.fidelity.known_differences import differences

pytestmark = pytest.mark.race

CASES = [*table_cases.case.all, *queue_cases.case.all, *secret_cases.case.all]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_simulated_aws_answers_as_aws_does(case: Case) -> None:
    play(case, systems.simulated())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_moto_answers_as_aws_does_but_for_known_differences(case: Case) -> None:
    with systems.moto() as moto:
        play(case, moto)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_ministack_answers_as_aws_does_but_for_known_differences(
    case: Case, aws: LocalAws, bridge: BridgeResources
) -> None:
    play(case, systems.ministack(aws, bridge))


def play(case: Case, system: System) -> None:
    known = differences(system.name, case.number)
    caller = Caller(system, case.number, known)
    case.script(caller)
    assert not caller.wrong, f"{system.name}, {case.title}: " + "; ".join(caller.wrong)
    assert max(known, default=0) <= caller.made
