"""A simulated SNS topic behind the client's own method: what was told, and when."""

# ruff: noqa: N803 - boto's own names
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulation.errors import client_error

MOST_BYTES = 262_144
LONGEST_SUBJECT = 100


@dataclass(frozen=True, slots=True)
class Published:
    """One message as its subscribers get it."""

    at_ms: int
    subject: str
    message: str


class SimulatedTopics:
    """The topics of one account."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._topics: dict[str, list[Published]] = {}
        self._count = 0
        self.on_message: Callable[[str], None] = lambda _: None
        """The subscriber: hears of each message."""

    def create_topic(self, *, Name: str) -> dict[str, Any]:
        arn = f"arn:aws:sns:us-east-1:123456789012:{Name}"
        self._topics.setdefault(arn, [])
        return {"TopicArn": arn}

    def publish(self, *, TopicArn: str, Subject: str, Message: str) -> dict[str, Any]:
        published = self._topics.get(TopicArn)
        if published is None:
            raise client_error("Publish", "NotFound", "Topic does not exist", 404)
        printable = Subject.isascii() and Subject.isprintable()
        if not 0 < len(Subject) <= LONGEST_SUBJECT or not printable or Subject.startswith(" "):
            raise client_error("Publish", "InvalidParameter", "Invalid parameter: Subject")
        if not 0 < len(Message.encode()) <= MOST_BYTES:
            raise client_error("Publish", "InvalidParameter", "Invalid parameter: Message")
        self._count += 1
        published.append(Published(self._now_ms(), Subject, Message))
        self.on_message(Message)
        return {"MessageId": f"{self._count:08x}-5215-4000-8000-{self._count:012x}"}

    def published(self, topic_arn: str) -> list[Published]:
        """Give what a topic was told, oldest first."""
        return list(self._topics[topic_arn])
