"""Act as a function of the stack: with the policy that the template gives its role, and nothing more."""

import json
import uuid
from typing import Any

from sandbox.local_aws import template as templates
from sandbox.local_aws.ministack import REGION, LocalAws
from sandbox.local_aws.resources import BridgeResources

ACCOUNT = "000000000000"


def policy(role: str, bridge: BridgeResources, *, without: str | None = None) -> dict[str, Any]:
    """Give the template's policy of `role` over `bridge`, if asked without the statement of that Sid.

    Raises ValueError when there is no such statement.
    """
    properties = templates.properties(templates.load(), role)
    (document,) = [entry["PolicyDocument"] for entry in properties["Policies"]]
    statements = [statement for statement in document["Statement"] if statement["Sid"] != without]
    if without is not None and len(statements) == len(document["Statement"]):
        raise ValueError(f"{role} has no statement {without}")
    resolved: dict[str, Any] = templates.resolve({**document, "Statement": statements}, _known(bridge))
    return resolved


def make(aws: LocalAws, document: dict[str, Any], trusted: dict[str, str]) -> tuple[str, str]:
    """Make a role with just this policy, which `trusted` (the principal) may take on; give its name and ARN."""
    iam = aws.client("iam")
    name = f"probe-{uuid.uuid4().hex[:12]}"
    trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    trusting = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting)["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="probe", PolicyDocument=json.dumps(document))
    return name, str(role["Arn"])


def assume(aws: LocalAws, document: dict[str, Any]) -> dict[str, str]:
    """Make a role with just this policy and give its credentials, as `LocalAws.client` takes them."""
    _, arn = make(aws, document, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    keys = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="probe")["Credentials"]
    return {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }


def _known(bridge: BridgeResources) -> dict[str, str]:
    queues = {"BellQueue": bridge.bell_queue_url, "BellDeadLetterQueue": bridge.dead_letter_queue_url}
    logs = ("AlertReceiverLogs", "BrokerApiLogs", "BrokerLoginLogs", "OrderExecutorLogs", "RefresherLogs")
    return {
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::StackName": bridge.secret_prefix.split("/")[1],
        "BridgeTable.Arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{bridge.table_name}",
        "Condition.HasRestoredTable": "false",
        "NoticesTopic": bridge.topic_arn,
        "ScheduleDeadLetterQueue.Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:schedules",
        **{f"{name}.Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rsplit('/', 1)[1]}" for name, url in queues.items()},
        **{f"{name}.Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}" for name in logs},
    }
