"""The three systems that must answer alike."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import botocore.session
from moto import mock_aws

from sandbox.local_aws import BridgeResources, LocalAws
from tests.fidelity.calling import System
from tests.simulation.dynamo import AT_ONCE, SimulatedTable
from tests.simulation.queues import SimulatedQueues
from tests.simulation.secrets import SimulatedSecrets
from tests.simulation.topics import SimulatedTopics
from tests.unit.storage.aws import create_table

START_MS = 1_795_000_000_000
SERVICES = ("dynamodb", "sqs", "secretsmanager", "sns")
BELL = {"VisibilityTimeout": "120", "MessageRetentionPeriod": "86400", "ReceiveMessageWaitTimeSeconds": "20"}
"""The bell queue's attributes in the template."""


def simulated() -> System:
    """Give a simulated AWS in which background work takes no time."""
    now = [START_MS]
    queues = SimulatedQueues(lambda: now[0])

    def wait(url: str, seconds: float) -> None:
        due_ms, until_ms = queues.next_due_ms(url), now[0] + round(seconds * 1000)
        now[0] = until_ms if due_ms is None else min(until_ms, max(due_ms, now[0]))

    clients = {
        "dynamodb": SimulatedTable(lambda: now[0], "fidelity", AT_ONCE),
        "sqs": queues,
        "secretsmanager": SimulatedSecrets(lambda: now[0]),
        "sns": SimulatedTopics(lambda: now[0]),
    }
    return _system("simulated", clients, "fidelity", wait=wait)


@contextmanager
def moto() -> Iterator[System]:
    """Give an empty account in moto."""
    with mock_aws():
        clients = {service: _moto_client(service) for service in SERVICES}
        create_table(clients["dynamodb"], "fidelity")
        yield _system("moto", clients, "fidelity")


def ministack(aws: LocalAws, bridge: BridgeResources) -> System:
    """Give MiniStack, with stores made as the template says."""
    return System(
        "ministack",
        {service: aws.shared_client(service) for service in SERVICES},
        bridge.table_name,
        bridge.bell_queue_url,
        bridge.dead_letter_queue_url,
        bridge.topic_arn,
        bridge.secret_prefix,
    )


def with_fresh_queues(system: System, name: str) -> System:
    """Give the same system with a bell and dead letters that are empty."""
    bell, dead = _queues(system.clients["sqs"], name)
    return replace(system, bell_url=bell, dead_letter_url=dead)


def _system(name: str, clients: Mapping[str, Any], table: str, **more: Any) -> System:
    bell, dead = _queues(clients["sqs"], "first")
    topic = clients["sns"].create_topic(Name="notices")["TopicArn"]
    return System(name, clients, table, bell, dead, topic, "orderbridge/fidelity/", **more)


def _queues(sqs: Any, name: str) -> tuple[str, str]:
    dead = sqs.create_queue(QueueName=f"{name}-dead", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    bell = sqs.create_queue(QueueName=f"{name}-bell", Attributes=BELL | {"RedrivePolicy": redrive})["QueueUrl"]
    return bell, dead


@cache
def _moto_client(service: str) -> Any:
    return botocore.session.Session().create_client(
        service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
