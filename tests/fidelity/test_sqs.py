"""What the doorbell relies on in SQS."""

import time

import pytest

from sandbox.local_aws import BridgeResources, LocalAws

pytestmark = pytest.mark.race


def test_delayed_bell_comes_when_its_delay_is_over(aws: LocalAws, bridge: BridgeResources) -> None:
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=bridge.bell_queue_url, MessageBody="late", DelaySeconds=1)
    sent = time.monotonic()

    at_once = sqs.receive_message(QueueUrl=bridge.bell_queue_url, WaitTimeSeconds=0)
    later = sqs.receive_message(QueueUrl=bridge.bell_queue_url, WaitTimeSeconds=3)

    assert "Messages" not in at_once
    assert [message["Body"] for message in later["Messages"]] == ["late"]
    assert 0.8 <= time.monotonic() - sent <= 2.0


def test_bell_received_too_often_ends_among_the_dead_letters(aws: LocalAws, bridge: BridgeResources) -> None:
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=bridge.bell_queue_url, MessageBody="poison")

    for _ in range(5):
        for message in sqs.receive_message(QueueUrl=bridge.bell_queue_url, WaitTimeSeconds=0)["Messages"]:
            sqs.change_message_visibility(
                QueueUrl=bridge.bell_queue_url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
    sixth = sqs.receive_message(QueueUrl=bridge.bell_queue_url, WaitTimeSeconds=0)

    assert "Messages" not in sixth
    dead = sqs.receive_message(QueueUrl=bridge.dead_letter_queue_url, WaitTimeSeconds=1)
    assert [message["Body"] for message in dead["Messages"]] == ["poison"]


def test_received_bell_is_hidden_until_it_is_deleted(aws: LocalAws, bridge: BridgeResources) -> None:
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=bridge.bell_queue_url, MessageBody="once")

    (first,) = sqs.receive_message(QueueUrl=bridge.bell_queue_url, WaitTimeSeconds=1)["Messages"]
    second = sqs.receive_message(QueueUrl=bridge.bell_queue_url, WaitTimeSeconds=0)
    sqs.delete_message(QueueUrl=bridge.bell_queue_url, ReceiptHandle=first["ReceiptHandle"])

    assert "Messages" not in second
    attributes = sqs.get_queue_attributes(QueueUrl=bridge.bell_queue_url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "0"
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
