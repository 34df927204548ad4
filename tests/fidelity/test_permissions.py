"""Each function's policy allows what the function does and no more; what is taken out of it is denied."""

import contextlib
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.local_aws import BridgeResources, LocalAws, roles

pytestmark = pytest.mark.race

RECEIVER, EXECUTOR, REFRESHER = "AlertReceiverRole", "OrderExecutorRole", "RefresherRole"
LOGIN, PANEL = "BrokerLoginRole", "BrokerApiRole"
ROLES = [RECEIVER, EXECUTOR, REFRESHER, LOGIN, PANEL]
KEY = {"pk": {"S": "A"}, "sk": {"S": "X"}}
OTHER_SECRET = "orderbridge/another-stack/login"


class Actor:
    """A function's role, and the calls that functions make."""

    def __init__(self, aws: LocalAws, bridge: BridgeResources, role: str, without: str | None = None) -> None:
        credentials = roles.assume(aws, roles.policy(role, bridge, without=without))
        self._bridge = bridge
        self._client: Callable[[str], Any] = lambda service: aws.client(service, **credentials)

    def do(self, call: str) -> None:
        """Make one call; `call` is an IAM action, or a name of one's own for a call to a foreign thing."""
        bridge, table = self._bridge, {"TableName": self._bridge.table_name}
        dynamodb, sqs = self._client("dynamodb"), self._client("sqs")
        secrets, sns = self._client("secretsmanager"), self._client("sns")
        login = f"{bridge.secret_prefix}login"
        put = {"Put": {**table, "Item": KEY}}
        absent = {"Key": {**KEY, "sk": {"S": "Y"}}, "ConditionExpression": "attribute_not_exists(pk)"}
        check = {"ConditionCheck": {**table, **absent}}
        query = {"KeyConditionExpression": "gpk = :v", "ExpressionAttributeValues": {":v": {"S": "OPEN#JOB"}}}
        calls: dict[str, Callable[[], Any]] = {
            "dynamodb:GetItem": lambda: dynamodb.get_item(**table, Key=KEY),
            "dynamodb:PutItem": lambda: dynamodb.put_item(**table, Item=KEY),
            "dynamodb:UpdateItem": lambda: dynamodb.update_item(**table, Key=KEY),
            "dynamodb:DeleteItem": lambda: dynamodb.delete_item(**table, Key=KEY),
            "dynamodb:ConditionCheckItem": lambda: dynamodb.transact_write_items(TransactItems=[put, check]),
            "dynamodb:Query": lambda: dynamodb.query(**table, IndexName="open", **query),
            "dynamodb:Scan": lambda: dynamodb.scan(**table),
            "dynamodb:DeleteTable": lambda: dynamodb.delete_table(**table),
            "sqs:SendMessage": lambda: sqs.send_message(QueueUrl=bridge.bell_queue_url, MessageBody="x"),
            "sqs:ReceiveMessage": lambda: sqs.receive_message(QueueUrl=bridge.bell_queue_url),
            "receive a dead letter": lambda: sqs.receive_message(QueueUrl=bridge.dead_letter_queue_url),
            "sqs:PurgeQueue": lambda: sqs.purge_queue(QueueUrl=bridge.bell_queue_url),
            "secretsmanager:GetSecretValue": lambda: secrets.get_secret_value(SecretId=login),
            "secretsmanager:PutSecretValue": lambda: secrets.put_secret_value(SecretId=login, SecretString="y"),
            "secretsmanager:DeleteSecret": lambda: secrets.delete_secret(SecretId=login),
            "read another stack's login": lambda: secrets.get_secret_value(SecretId=OTHER_SECRET),
            "read the login page's key": lambda: secrets.get_secret_value(
                SecretId=f"{bridge.secret_prefix}panel/tradestation"
            ),
            "write a user's own login": lambda: secrets.put_secret_value(
                SecretId=f"{bridge.secret_prefix}connections/user.ann", SecretString="y"
            ),
            "make a user's own login": lambda: secrets.create_secret(
                Name=f"{bridge.secret_prefix}connections/user.{uuid.uuid4().hex}", SecretString="y"
            ),
            "read a user's own login": lambda: secrets.get_secret_value(
                SecretId=f"{bridge.secret_prefix}connections/user.ann"
            ),
            "sns:Publish": lambda: sns.publish(TopicArn=bridge.topic_arn, Message="x"),
            "iam:CreateUser": lambda: self._client("iam").create_user(UserName="intruder"),
        }
        calls[call]()

    def may(self, call: str) -> bool:
        """Tell whether the call is allowed."""
        try:
            self.do(call)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException", "AuthorizationError"}:
                return False
            raise
        return True


@pytest.fixture
def stores(aws: LocalAws, bridge: BridgeResources) -> BridgeResources:
    """Give stores that hold this stack's login and, beside it, another stack's."""
    secrets = aws.client("secretsmanager")
    for name in ("login", "panel/tradestation", "connections/user.ann"):
        secrets.create_secret(Name=f"{bridge.secret_prefix}{name}", SecretString="x")
    with contextlib.suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=OTHER_SECRET, SecretString="x")
    return bridge


ALLOWED = {
    RECEIVER: [
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:ConditionCheckItem",
        "sqs:SendMessage",
    ],
    EXECUTOR: [
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:Query",
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "sns:Publish",
    ],
    PANEL: [
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:Query",
        "sqs:SendMessage",
        "read a user's own login",
        "write a user's own login",
        "sns:Publish",
    ],
    LOGIN: [
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:DeleteItem",
        "dynamodb:Query",
        "read the login page's key",
        "write a user's own login",
        "make a user's own login",
    ],
    REFRESHER: [
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "sqs:SendMessage",
        "receive a dead letter",
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "sns:Publish",
    ],
}

DENIED_TO_ALL = [
    "dynamodb:Scan",
    "dynamodb:DeleteTable",
    "sqs:PurgeQueue",
    "secretsmanager:DeleteSecret",
    "read another stack's login",
    "iam:CreateUser",
]
DENIED = {
    RECEIVER: [
        "dynamodb:DeleteItem",
        "dynamodb:Query",
        "sqs:ReceiveMessage",
        "secretsmanager:GetSecretValue",
        "sns:Publish",
    ],
    EXECUTOR: ["receive a dead letter"],
    REFRESHER: ["sqs:ReceiveMessage"],
    PANEL: [
        "sqs:ReceiveMessage",
        "receive a dead letter",
        "secretsmanager:GetSecretValue",
        "read the login page's key",
    ],
    LOGIN: [
        "secretsmanager:GetSecretValue",
        "secretsmanager:PutSecretValue",
        "read a user's own login",
        "sqs:SendMessage",
        "sns:Publish",
    ],
}


@pytest.mark.parametrize("role", ROLES)
def test_role_is_allowed_what_its_function_does(aws: LocalAws, stores: BridgeResources, role: str) -> None:
    actor = Actor(aws, stores, role)

    refused = [call for call in ALLOWED[role] if not actor.may(call)]

    assert refused == []


@pytest.mark.parametrize("role", ROLES)
def test_role_is_denied_everything_else(aws: LocalAws, stores: BridgeResources, role: str) -> None:
    actor = Actor(aws, stores, role)

    granted = [call for call in [*DENIED_TO_ALL, *DENIED[role]] if actor.may(call)]

    assert granted == []


@pytest.mark.parametrize(
    ("role", "statement", "call"),
    [
        (RECEIVER, "StoreAlerts", "dynamodb:PutItem"),
        (RECEIVER, "StoreAlerts", "dynamodb:ConditionCheckItem"),
        (RECEIVER, "RingBells", "sqs:SendMessage"),
        (EXECUTOR, "WorkTheLedger", "dynamodb:UpdateItem"),
        (EXECUTOR, "UseBrokerLogins", "secretsmanager:GetSecretValue"),
        (EXECUTOR, "TellTheUser", "sns:Publish"),
        (REFRESHER, "UseBrokerLogins", "secretsmanager:PutSecretValue"),
        (REFRESHER, "EmptyDeadLetters", "receive a dead letter"),
        (LOGIN, "KeepSessions", "dynamodb:PutItem"),
        (LOGIN, "ReadTheLoginPagesKey", "read the login page's key"),
        (LOGIN, "KeepUsersOwnLogins", "make a user's own login"),
    ],
)
def test_removed_permission_is_denied(
    aws: LocalAws, stores: BridgeResources, role: str, statement: str, call: str
) -> None:
    whole, less = Actor(aws, stores, role), Actor(aws, stores, role, without=statement)

    assert (whole.may(call), less.may(call)) == (True, False)
