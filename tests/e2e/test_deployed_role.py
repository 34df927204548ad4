"""A deployed function has what its role allows and no more: IAM is enforced where the demo runs."""

import io
import json
import zipfile
from typing import Any

import pytest

from sandbox.local_aws import BridgeResources, LocalAws, roles

pytestmark = pytest.mark.race

CODE = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    try:
        boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody="{}")
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "sent"
"""


def deploy(aws: LocalAws, policy: dict[str, Any]) -> str:
    """Deploy a function that rings the bell, with this policy; give its name."""
    name, arn = roles.make(aws, policy, {"Service": "lambda.amazonaws.com"})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", CODE)
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=arn,
        Handler="app.handler",
        Timeout=20,
        Code={"ZipFile": packed.getvalue()},
    )
    return name


def rung(aws: LocalAws, function: str, bridge: BridgeResources) -> str:
    """Invoke the function, and give what it says of its call."""
    payload = json.dumps({"queue": bridge.bell_queue_url}).encode()
    answer = aws.client("lambda").invoke(FunctionName=function, Payload=payload)
    said: str = json.loads(answer["Payload"].read())
    return said


def test_removed_permission_is_denied_to_the_deployed_function(aws: LocalAws, bridge: BridgeResources) -> None:
    whole = deploy(aws, roles.policy("AlertReceiverRole", bridge))
    cut = deploy(aws, roles.policy("AlertReceiverRole", bridge, without="RingBells"))

    said = rung(aws, whole, bridge), rung(aws, cut, bridge)

    assert said[0] == "sent"
    assert said[1].startswith("AccessDenied")
