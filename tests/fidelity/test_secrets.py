"""What the token source relies on in Secrets Manager."""

import uuid

import pytest

from sandbox.local_aws import BridgeResources, LocalAws

pytestmark = pytest.mark.race


def test_new_value_is_current_and_the_one_before_is_kept(aws: LocalAws, bridge: BridgeResources) -> None:
    secrets = aws.client("secretsmanager")
    name = f"{bridge.secret_prefix}connection"
    first = secrets.create_secret(Name=name, SecretString="one")["VersionId"]

    second = secrets.put_secret_value(SecretId=name, SecretString="two")["VersionId"]

    current = secrets.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")
    previous = secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
    assert (current["SecretString"], current["VersionId"]) == ("two", second)
    assert (previous["SecretString"], previous["VersionId"]) == ("one", first)


def test_value_put_again_with_its_token_makes_no_new_version(aws: LocalAws, bridge: BridgeResources) -> None:
    secrets = aws.client("secretsmanager")
    name = f"{bridge.secret_prefix}connection"
    secrets.create_secret(Name=name, SecretString="one")
    token = str(uuid.uuid4())

    first = secrets.put_secret_value(SecretId=name, SecretString="two", ClientRequestToken=token)
    second = secrets.put_secret_value(SecretId=name, SecretString="two", ClientRequestToken=token)

    assert first["VersionId"] == second["VersionId"] == token
    # AWSPREVIOUS is not asserted: the local AWS loses that label here, AWS keeps it on the first version.
    assert secrets.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["SecretString"] == "two"
