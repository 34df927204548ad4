"""What several kinds of tests share: one local AWS a session, fresh stores a test."""

from collections.abc import Iterator

import pytest

from sandbox.local_aws import BridgeResources, LocalAws, create_resources, local_aws


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """Give a running MiniStack with IAM enforced; it ends with the session."""
    with local_aws(tmp_path_factory.mktemp("local-aws")) as running:
        yield running


@pytest.fixture
def bridge(aws: LocalAws) -> BridgeResources:
    """Give a table, queues and topic that no other test uses, made as the template says."""
    return create_resources(aws)
