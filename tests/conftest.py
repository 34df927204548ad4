"""What several kinds of tests share: one local AWS a session, fresh stores a test."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, settings

from sandbox import places
from sandbox.local_aws import BridgeResources, LocalAws, create_resources, local_aws

settings.register_profile(
    "any machine",  # a busy or slow one is no reason to fail
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any machine")

RACES = {"race", "fidelity", "e2e"}
"""Folders whose tests are judged on the local AWS; `make pytest` runs them apart from the others."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Refuse a test that would be run among the wrong ones."""
    for item in items:
        apart = item.path.relative_to(places.ROOT / "tests").parts[0] in RACES
        if apart is not (item.get_closest_marker("race") is not None):
            rule = "belongs into tests/race, tests/fidelity or tests/e2e" if not apart else "lacks the mark `race`"
            raise pytest.UsageError(f"{item.nodeid} {rule}")


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """Give a running MiniStack with IAM enforced; it ends with the session."""
    with local_aws(tmp_path_factory.mktemp("local-aws")) as running:
        yield running


@pytest.fixture
def bridge(aws: LocalAws) -> BridgeResources:
    """Give a table, queues and topic that no other test uses, made as the template says."""
    return create_resources(aws)
