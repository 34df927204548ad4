"""The bell queue's dead letters: bells that were answered three times without success."""

import json
from typing import Any

from orderbridge.storage.transact import call


class SqsDeadLetters:
    """`DeadLetters` on the dead-letter queue."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def receive(self) -> list[tuple[str, str]]:
        """Give up to ten messages as (body, handle)."""
        reply = call(self._client.receive_message, QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
        return [(message["Body"], message["ReceiptHandle"]) for message in reply.get("Messages", [])]

    def delete(self, handle: str) -> None:
        """Remove a message that was dealt with."""
        call(self._client.delete_message, QueueUrl=self._queue_url, ReceiptHandle=handle)


def lane_of_message(body: str) -> str | None:
    """Give the lane that a dead bell was for; None for a watch or a notices bell, which the sweep repeats anyway."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    lane = message.get("lane") if isinstance(message, dict) else None
    return lane if isinstance(lane, str) else None
