"""The template's table, queues and topic without a deployment: what handlers need when a test calls them itself."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sandbox.local_aws import template as templates
from sandbox.local_aws.ministack import LocalAws

# CreateTable takes these properties as they are; CloudFormation sets the others by further calls.
_TABLE_PROPERTIES = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")


@dataclass(frozen=True)
class BridgeResources:
    """One set of the stack's stores, under names of its own."""

    table_name: str
    bell_queue_url: str
    dead_letter_queue_url: str
    topic_arn: str
    secret_prefix: str
    broker_hosts: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """Give the variables that the template gives to each function."""
        return {
            "TABLE_NAME": self.table_name,
            "BELL_QUEUE_URL": self.bell_queue_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_letter_queue_url,
            "NOTICES_TOPIC_ARN": self.topic_arn,
            "SECRET_PREFIX": self.secret_prefix,
            "BROKER_HOSTS": ",".join(self.broker_hosts),
            "ALERT_SOURCES": "*",
            "PANEL_ORIGINS": "",
            "LOG_LEVEL": "INFO",
        }


def create_resources(aws: LocalAws, *, broker_hosts: tuple[str, ...] = ()) -> BridgeResources:
    """Create a fresh table, bell with its dead letter queue, and topic, with the template's own properties."""
    template = _template()
    name = f"test-{uuid.uuid4().hex[:12]}"
    dynamodb, sqs = aws.shared_client("dynamodb"), aws.shared_client("sqs")
    table = templates.properties(template, "BridgeTable")
    dynamodb.create_table(TableName=name, **{key: table[key] for key in _TABLE_PROPERTIES})
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=table["TimeToLiveSpecification"])
    dead_letters = templates.properties(template, "BellDeadLetterQueue")
    dead_letter_url = _create_queue(sqs, f"{name}-dead", dead_letters, {})
    dead_letter_arn = f"arn:aws:sqs:{sqs.meta.region_name}:{dead_letter_url.split('/')[-2]}:{name}-dead"
    bell = templates.properties(template, "BellQueue")
    redrive = bell["RedrivePolicy"] | {"deadLetterTargetArn": dead_letter_arn}
    bell_url = _create_queue(sqs, f"{name}-bell", bell, {"RedrivePolicy": json.dumps(redrive)})
    return BridgeResources(
        table_name=name,
        bell_queue_url=bell_url,
        dead_letter_queue_url=dead_letter_url,
        topic_arn=aws.shared_client("sns").create_topic(Name=name)["TopicArn"],
        secret_prefix=f"orderbridge/{name}/",
        broker_hosts=(*templates.default(template, "BrokerHosts").split(","), *broker_hosts),
    )


@cache
def _template() -> templates.Template:
    """Read the template once: reading it takes half a second."""
    return templates.load()


def _create_queue(sqs: Any, name: str, properties: Mapping[str, Any], replaced: Mapping[str, str]) -> str:
    attributes = {key: _text(value) for key, value in properties.items() if key not in replaced} | dict(replaced)
    url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
