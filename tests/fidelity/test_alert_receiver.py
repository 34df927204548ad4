"""The alert receiver against a table and a queue that other processes see: its own client, under its own role."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from orderbridge.alerts.authentication import Sources
from orderbridge.receiving import Receiver
from orderbridge.storage.in_time import CONNECT_TIMEOUT_S, READ_TIMEOUT_S
from orderbridge.storage.intake import Intake
from orderbridge.storage.items import marshal
from orderbridge.storage.known_strategies import KnownStrategies
from orderbridge.storage.lean_aws import AwsError, DynamoDb, Sqs
from orderbridge.storage.settings import Route, strategy_item
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from sandbox.local_aws import BridgeResources, LocalAws, roles

pytestmark = pytest.mark.race

KEY = "a-key-that-is-only-used-here"
DELIVERIES = 8
ROUNDS = 5


class Site:
    """The receiver's stores, with one strategy in them, as the receiver's own role reaches them."""

    def __init__(self, aws: LocalAws, bridge: BridgeResources, without: str | None = None) -> None:
        self.aws, self.bridge = aws, bridge
        settings = StrategySettings(
            name="demo",
            version=1,
            accounts=(AccountRoute("sim"), AccountRoute("fx")),
            key_hashes=(hashlib.sha256(KEY.encode()).hexdigest(),),
            identity_field="",
        )
        routes = (Route("sim", "tradestation", False), Route("fx", "tradelocker", True))
        aws.client("dynamodb").put_item(TableName=bridge.table_name, Item=marshal(strategy_item(settings, routes)))
        credentials = roles.assume(aws, roles.policy("AlertReceiverRole", bridge, without=without))
        self.variables = {
            "AWS_ENDPOINT_URL": aws.client("dynamodb").meta.endpoint_url,
            "AWS_REGION": aws.client("dynamodb").meta.region_name,
            "AWS_ACCESS_KEY_ID": credentials["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": credentials["aws_secret_access_key"],
            "AWS_SESSION_TOKEN": credentials.get("aws_session_token", ""),
        }
        self.dynamodb = DynamoDb(self.variables, CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        self.sqs = Sqs(self.variables, CONNECT_TIMEOUT_S, READ_TIMEOUT_S)

    def receiver(self) -> Receiver:
        """Make a receiver that has read nothing yet."""
        return Receiver(
            KnownStrategies(self.dynamodb, self.bridge.table_name),
            Intake(self.dynamodb, self.sqs, self.bridge.table_name, self.bridge.bell_queue_url),
            Sources("*"),
            stack="test",
        )

    def close(self) -> None:
        """Close this thread's connections."""
        self.dynamodb.close()
        self.sqs.close()

    def stored(self, prefix: str) -> list[dict[str, Any]]:
        """Give the items whose partition begins with `prefix`."""
        found = self.aws.client("dynamodb").scan(TableName=self.bridge.table_name, ConsistentRead=True)["Items"]
        return [item for item in found if item["pk"]["S"].startswith(prefix)]

    def bells(self) -> list[str]:
        """Take the bells out of the queue."""
        sqs, bells = self.aws.client("sqs"), []
        queue = {"QueueUrl": self.bridge.bell_queue_url}
        while found := sqs.receive_message(**queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
            bells += [message["Body"] for message in found]
            for message in found:
                sqs.delete_message(**queue, ReceiptHandle=message["ReceiptHandle"])
        return sorted(bells)


def event(**fields: Any) -> dict[str, Any]:
    body = {"ticker": "MES1!", "action": "buy", "quantity": 1} | fields
    return {
        "pathParameters": {"strategy": "demo", "key": KEY},
        "requestContext": {"identity": {"sourceIp": "127.0.0.1"}},
        "body": json.dumps(body),
    }


def test_alert_is_stored_and_rung_and_its_repetition_is_not_stored_again(
    aws: LocalAws, bridge: BridgeResources
) -> None:
    site = Site(aws, bridge)
    receiver = site.receiver()

    first, again = receiver.receive(event()), receiver.receive(event())

    assert (first.status, again.status, again.body) == (202, 200, first.body)
    assert len(site.stored("ALERT#")) == 1
    assert len(site.stored("LANE#")) == 2
    assert [bell for bell in site.bells() if "lane" in bell] == ['{"lane": "fx#*"}'] * 2 + ['{"lane": "sim#MES"}'] * 2
    site.close()


def test_refused_alert_is_kept_with_its_notice(aws: LocalAws, bridge: BridgeResources) -> None:
    site = Site(aws, bridge)

    answer = site.receiver().receive(event(quantity="{{x}}"))

    assert answer.status == 400
    assert [item["status"]["S"] for item in site.stored("ALERT#")] == ["refused"]
    assert len(site.stored("NOTICE#")) == 1
    site.close()


def test_one_alert_delivered_at_the_same_moment_is_stored_once(aws: LocalAws, bridge: BridgeResources) -> None:
    site = Site(aws, bridge)
    barrier = Barrier(DELIVERIES)

    def deliver(number: int) -> tuple[int, str]:
        receiver = site.receiver()
        receiver.receive(event(action="nonsense", id=number))  # warm, so that the deliveries meet
        barrier.wait()
        answer = receiver.receive(event(id=number // 100))
        site.close()
        return answer.status, json.loads(answer.body).get("alert_id", "")

    with ThreadPoolExecutor(DELIVERIES) as pool:
        for round_ in range(1, ROUNDS + 1):
            answers = list(pool.map(deliver, range(round_ * 100, round_ * 100 + DELIVERIES)))

            assert sorted(status for status, _ in answers) == [200] * (DELIVERIES - 1) + [202]
            assert len({alert_id for _, alert_id in answers}) == 1
            accepted = [item for item in site.stored("ALERT#") if item["status"]["S"] == "accepted"]
            assert len(accepted) == round_
            assert len(site.stored("LANE#")) == 2 * round_


def test_receiver_that_may_not_write_answers_503(aws: LocalAws, bridge: BridgeResources) -> None:
    site = Site(aws, bridge, without="StoreAlerts")

    with pytest.raises(AwsError, match="AccessDenied"):
        site.dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": bridge.table_name, "Item": {"pk": {"S": "A"}, "sk": {"S": "B"}}}}]
        )
    assert site.receiver().receive(event()).status == 503
    site.close()
