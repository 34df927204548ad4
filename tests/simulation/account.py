"""The simulated AWS account: table, queues, secrets and topic, made as the template makes them, and who wrote what."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.simulation.dynamo import Lags, SimulatedTable
from tests.simulation.invariants.evidence import Key, Told, Write
from tests.simulation.queues import SimulatedQueues
from tests.simulation.sdk import Flights
from tests.simulation.secrets import SimulatedSecrets
from tests.simulation.topics import SimulatedTopics

TABLE = "bridge"
PREFIX = "orderbridge/simulated/"
VISIBILITY_S = 120
MOST_RECEIVED = 5
"""The template's; `test_world.py` holds them to it."""


SECRET_LAGS_MS = (0, 0, 60, 400, 2_000)
"""After a write of a secret, for how long a read that names no version may give the one before."""


class Account:
    """Every service in use, behind the client's own methods, without faults."""

    def __init__(self, now_ms: Callable[[], int], dice: Random, secrets_dice: Random) -> None:
        self._now_ms = now_ms
        lags = Lags(lambda: dice.randint(0, 400), lambda: dice.randint(0, 400), lambda: 3_600_000)
        self.table = SimulatedTable(now_ms, TABLE, lags)
        self.queues = SimulatedQueues(now_ms, order=lambda count: 0 if count == 1 else dice.randrange(count))
        dead = self.queues.create_queue(QueueName="dead", Attributes={"VisibilityTimeout": "60"})
        self.dead_url: str = dead["QueueUrl"]
        policy = f'{{"deadLetterTargetArn": "{self.queues.arn(self.dead_url)}", "maxReceiveCount": {MOST_RECEIVED}}}'
        attributes = {
            "VisibilityTimeout": str(VISIBILITY_S),
            "MessageRetentionPeriod": "86400",
            "RedrivePolicy": policy,
        }
        self.bell_url: str = self.queues.create_queue(QueueName="bells", Attributes=attributes)["QueueUrl"]
        self.secrets = SimulatedSecrets(now_ms, lambda: secrets_dice.choice(SECRET_LAGS_MS))
        self.topics = SimulatedTopics(now_ms)
        self.topic: str = self.topics.create_topic(Name="notices")["TopicArn"]
        self.flights = Flights()
        self.writes: list[Write] = []
        self.actor = "world"
        self.table.observers.append(self._observe)

    def service(self, name: str) -> Any:
        """Give the model behind a service's client."""
        return {
            "dynamodb": self.table,
            "sqs": self.queues,
            "secretsmanager": self.secrets,
            "sns": self.topics,
        }[name]

    def variables(self) -> dict[str, str]:
        """Give the functions' environment variables, as the template sets them."""
        return {
            "TABLE_NAME": TABLE,
            "BELL_QUEUE_URL": self.bell_url,
            "DEAD_LETTER_QUEUE_URL": self.dead_url,
            "NOTICES_TOPIC_ARN": self.topic,
            "SECRET_PREFIX": PREFIX,
            "BROKER_HOSTS": "http://127.0.0.1:8001,http://127.0.0.1:8002",
            "ALERT_SOURCES": "52.89.214.238,34.212.75.30,54.218.53.128,52.32.178.7",
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def _observe(self, key: Key, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        self.writes.append(Write(self._now_ms(), self.actor, key, before, after))

    def told(self) -> list[Told]:
        """Give the notices that were published so far."""
        return [
            Told(one.at_ms, one.subject.removeprefix("Orderbridge: "), one.message)
            for one in self.topics.published(self.topic)
        ]
