"""The simulated AWS where no other one can be asked: what takes minutes there, and what AWS leaves open."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from orderbridge.storage.lean_aws import AwsError, DynamoDb
from sandbox import places
from tests.simulation.dynamo import Lags, SimulatedTable
from tests.simulation.errors import NotSimulatedError
from tests.simulation.protocol import InProcessConnection
from tests.simulation.queues import SimulatedQueues, event_record
from tests.simulation.secrets import SimulatedSecrets

TABLE = "bridge"
DAY_MS = 86_400_000
KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "AWS_REGION": "us-east-1"}


@dataclass
class Clock:
    """Virtual time, with a new lag for each write."""

    ms: int = 1_795_000_000_000
    lags: list[int] = field(default_factory=list)

    def now_ms(self) -> int:
        return self.ms

    def lag_ms(self) -> int:
        return self.lags.pop(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def item(pk: str, **attributes: str) -> dict[str, Any]:
    return {name: {"S": text} for name, text in {"pk": pk, "sk": "X", **attributes}.items()}


def listed(table: SimulatedTable) -> list[str]:
    asked: dict[str, Any] = {"KeyConditionExpression": "gpk = :p", "ExpressionAttributeValues": {":p": {"S": "OPEN"}}}
    return [found["gsk"]["S"] for found in table.query(TableName=TABLE, IndexName="open", **asked)["Items"]]


# ---- the table


def test_index_shows_a_write_after_its_lag_and_those_of_an_item_in_their_order(clock: Clock) -> None:
    clock.lags = [100, 10, 10]
    table = SimulatedTable(clock.now_ms, TABLE, Lags(index_ms=clock.lag_ms))
    table.put_item(TableName=TABLE, Item=item("A", gpk="OPEN", gsk="first"))
    table.put_item(TableName=TABLE, Item=item("B", gpk="OPEN", gsk="other"))
    table.put_item(TableName=TABLE, Item=item("A", gpk="OPEN", gsk="second"))

    assert listed(table) == []
    clock.ms += 10
    assert listed(table) == ["other"]
    clock.ms += 89
    assert listed(table) == ["other"]
    clock.ms += 1
    assert listed(table) == ["other", "second"]


def test_read_without_consistency_gives_the_item_before_its_last_write(clock: Clock) -> None:
    table = SimulatedTable(clock.now_ms, TABLE, Lags(read_ms=lambda: 30))
    about: dict[str, Any] = {"TableName": TABLE, "Key": item("A")}
    table.put_item(TableName=TABLE, Item=item("A", mark="old"))

    assert table.get_item(**about) == {}
    clock.ms += 30
    table.put_item(TableName=TABLE, Item=item("A", mark="new"))

    assert table.get_item(**about)["Item"]["mark"] == {"S": "old"}
    assert table.get_item(**about, ConsistentRead=True)["Item"]["mark"] == {"S": "new"}
    clock.ms += 30
    assert table.get_item(**about)["Item"]["mark"] == {"S": "new"}


def test_lapsed_item_goes_after_a_while_unless_it_was_given_longer(clock: Clock) -> None:
    table = SimulatedTable(clock.now_ms, TABLE, Lags(expiry_ms=lambda: 5000))
    seen: list[Any] = []
    table.observers.append(lambda key, before, after: seen.append((key[0], before is None, after is None)))
    lapses = {"expires_at": {"N": str(clock.ms // 1000 + 10)}}
    table.put_item(TableName=TABLE, Item=item("A") | lapses)
    table.put_item(TableName=TABLE, Item=item("B") | lapses)
    table.put_item(TableName=TABLE, Item=item("B") | {"expires_at": {"N": str(clock.ms // 1000 + 60)}})

    clock.ms += 14_999
    assert len(table.scan(TableName=TABLE)["Items"]) == 2
    clock.ms += 1
    assert [found["pk"]["S"] for found in table.scan(TableName=TABLE)["Items"]] == ["B"]
    assert seen == [("A", True, False), ("B", True, False), ("B", False, False), ("A", False, True)]


def test_transaction_is_known_by_its_token_for_ten_minutes(clock: Clock) -> None:
    table = SimulatedTable(clock.now_ms, TABLE)
    added = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
    operations = [{"Update": {"TableName": TABLE, "Key": item("A"), **added}}]

    def counted() -> str:
        table.transact_write_items(TransactItems=operations, ClientRequestToken="t")
        number: str = table.items[("A", "X")]["n"]["N"]
        return number

    assert counted() == "1"
    clock.ms += 599_999
    assert counted() == "1"
    clock.ms += 1
    assert counted() == "2"


def test_items_that_are_given_out_are_copies(clock: Clock) -> None:
    table = SimulatedTable(clock.now_ms, TABLE)
    given = item("A", mark="kept")
    table.put_item(TableName=TABLE, Item=given)
    given["mark"]["S"] = "spoilt"
    read = table.get_item(TableName=TABLE, Key=item("A"), ConsistentRead=True)["Item"]
    assert read["mark"] == {"S": "kept"}
    read["mark"]["S"] = "spoilt"

    assert table.items[("A", "X")]["mark"] == {"S": "kept"}


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("put_item", {"Item": item("A") | {"n": {"N": "1.5"}}}),
        ("put_item", {"Item": item("A") | {"n": {"L": []}}}),
        ("put_item", {"Item": item("A"), "Expected": {}}),
        ("put_item", {"Item": item("A"), "ReturnValues": "UPDATED_OLD"}),
        (
            "update_item",
            {"Key": item("A"), "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"NULL": True}}},
        ),
        ("query", {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "A"}}}),
    ],
)
def test_what_is_not_simulated_is_refused_loudly(clock: Clock, operation: str, arguments: dict[str, Any]) -> None:
    table = SimulatedTable(clock.now_ms, TABLE)

    with pytest.raises(NotSimulatedError):
        getattr(table, operation)(TableName=TABLE, **arguments)


def test_queue_with_attributes_that_are_not_simulated_is_refused_loudly(clock: Clock) -> None:
    with pytest.raises(NotSimulatedError):
        SimulatedQueues(clock.now_ms).create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})


# ---- queues


@pytest.fixture
def queues(clock: Clock) -> tuple[SimulatedQueues, str, str]:
    return with_queues(SimulatedQueues(clock.now_ms))


def with_queues(made: SimulatedQueues) -> tuple[SimulatedQueues, str, str]:
    dead = made.create_queue(QueueName="dead", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": made.arn(dead), "maxReceiveCount": 5})
    about = {"VisibilityTimeout": "120", "MessageRetentionPeriod": "86400", "RedrivePolicy": redrive}
    return made, made.create_queue(QueueName="bell", Attributes=about)["QueueUrl"], dead


def bodies(queues: SimulatedQueues, url: str) -> list[str]:
    received = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [message["Body"] for message in received.get("Messages", [])]


def test_unanswered_message_comes_each_two_minutes_and_then_is_a_dead_letter(
    clock: Clock, queues: tuple[SimulatedQueues, str, str]
) -> None:
    made, bell, dead = queues
    made.send_message(QueueUrl=bell, MessageBody="one", DelaySeconds=900)
    came: list[int] = []
    start = clock.ms
    while (due := made.next_due_ms(bell)) is not None:
        clock.ms = due
        came += [due - start] if bodies(made, bell) else []

    assert came == [900_000 + 120_000 * at for at in range(5)]
    assert clock.ms - start == 1_500_000
    assert bodies(made, dead) == ["one"]


def test_message_is_forgotten_a_day_after_it_was_sent(clock: Clock, queues: tuple[SimulatedQueues, str, str]) -> None:
    made, bell, dead = queues
    made.send_message(QueueUrl=bell, MessageBody="one")
    clock.ms += DAY_MS - 1
    assert bodies(made, bell) == ["one"]

    clock.ms += 120_000

    assert bodies(made, bell) == []
    assert bodies(made, dead) == []


def test_message_may_be_delivered_again_in_flight_and_when_it_was_deleted(
    queues: tuple[SimulatedQueues, str, str],
) -> None:
    made, bell, _ = queues
    made.send_message(QueueUrl=bell, MessageBody="one")
    (first,) = made.receive_message(QueueUrl=bell, AttributeNames=["All"])["Messages"]

    made.deliver_again(bell, first)
    (second,) = made.receive_message(QueueUrl=bell)["Messages"]
    made.delete_message(QueueUrl=bell, ReceiptHandle=second["ReceiptHandle"])
    made.deliver_again(bell, first)
    (third,) = made.receive_message(QueueUrl=bell)["Messages"]

    assert first["MessageId"] == second["MessageId"] == third["MessageId"]
    assert third["Body"] == "one"


def test_messages_come_in_the_order_that_is_drawn(clock: Clock) -> None:
    choices = iter([2, 0, 0])
    made, bell, _ = with_queues(SimulatedQueues(clock.now_ms, lambda _: next(choices)))
    for body in ("one", "two", "three"):
        made.send_message(QueueUrl=bell, MessageBody=body)

    assert bodies(made, bell) == ["three", "one", "two"]


def test_record_of_a_message_has_what_lambdas_event_has(queues: tuple[SimulatedQueues, str, str]) -> None:
    made, bell, _ = queues
    stored = json.loads((places.ROOT / "events" / "sqs-bell.json").read_text(encoding="utf-8"))["Records"][0]
    made.send_message(QueueUrl=bell, MessageBody=stored["body"])
    (message,) = made.receive_message(QueueUrl=bell, AttributeNames=["All"])["Messages"]

    record = event_record(message, made.arn(bell))

    assert sorted(record) == sorted(stored)
    assert sorted(record["attributes"]) == sorted(stored["attributes"])
    assert (record["body"], record["md5OfBody"]) == (stored["body"], stored["md5OfBody"])


# ---- secrets


def test_secret_is_gone_when_its_recovery_window_has_passed(clock: Clock) -> None:
    secrets = SimulatedSecrets(clock.now_ms)
    secrets.create_secret(Name="s", SecretString="one")
    secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)

    clock.ms += 7 * DAY_MS - 1
    with pytest.raises(ClientError, match="marked for deletion"):
        secrets.get_secret_value(SecretId="s")
    clock.ms += 1
    secrets.create_secret(Name="s", SecretString="two")

    assert secrets.texts("s") == {"AWSCURRENT": "two"}


def test_secret_may_be_read_as_it_was_for_a_while(clock: Clock) -> None:
    secrets = SimulatedSecrets(clock.now_ms, lambda: 100)
    secrets.create_secret(Name="s", SecretString="one")
    secrets.put_secret_value(SecretId="s", SecretString="two")

    assert secrets.get_secret_value(SecretId="s", VersionStage="AWSCURRENT")["SecretString"] == "one"
    clock.ms += 100
    assert secrets.get_secret_value(SecretId="s", VersionStage="AWSCURRENT")["SecretString"] == "two"


@pytest.mark.parametrize(("minutes", "holds"), [(10, True), (5, False)])
def test_secret_takes_a_write_each_ten_minutes_for_good(clock: Clock, minutes: int, holds: bool) -> None:
    secrets = SimulatedSecrets(clock.now_ms)
    secrets.create_secret(Name="s", SecretString="0")

    def write() -> None:
        for at in range(3 * 24 * 60 // minutes):
            clock.ms += minutes * 60_000
            secrets.put_secret_value(SecretId="s", SecretString=str(at))

    if holds:
        write()
        assert len(secrets.texts("s")) == 2
    else:
        with pytest.raises(ClientError, match="LimitExceeded"):
            write()


# ---- the protocol


class Failing:
    """A table whose calls end otherwise, one after the other."""

    def __init__(self, *ends: Exception) -> None:
        self._ends = list(ends)

    def get_item(self, **_: Any) -> dict[str, Any]:
        raise self._ends.pop(0)


def lean(table: Any) -> DynamoDb:
    return DynamoDb(KEYS, 1, 1, connect=lambda service, _, __: InProcessConnection(service, table))


def test_receivers_client_reads_answers_and_refusals(clock: Clock) -> None:
    table = SimulatedTable(clock.now_ms, TABLE)
    put = {"TableName": TABLE, "Item": item("A"), "ConditionExpression": "attribute_not_exists(pk)"}
    operations = [{"Put": put | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}]
    client = lean(table)
    client.transact_write_items(TransactItems=operations)

    with pytest.raises(AwsError) as refused:
        client.transact_write_items(TransactItems=operations)

    assert (refused.value.code, refused.value.status) == ("TransactionCanceledException", 400)
    assert [(reason["Code"], reason["Item"]) for reason in refused.value.reasons] == [
        ("ConditionalCheckFailed", item("A"))
    ]
    assert client.get_item(TableName=TABLE, Key=item("A"), ConsistentRead=True) == {"Item": item("A")}


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda: ReadTimeoutError(endpoint_url="x"), TimeoutError.__name__),
        (lambda: ConnectionClosedError(endpoint_url="x"), http.client.RemoteDisconnected.__name__),
    ],
)
def test_receivers_client_meets_a_lost_connection_as_on_the_wire(end: Callable[[], Exception], code: str) -> None:
    with pytest.raises(AwsError) as lost:
        lean(Failing(end(), end())).get_item(TableName=TABLE, Key=item("A"))

    assert (lost.value.code, lost.value.status) == (code, 0)
