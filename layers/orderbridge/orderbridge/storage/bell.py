"""The doorbell queue: messages say where to look, never what to do, so that nothing is lost with one of them."""

import json
from typing import Any

from orderbridge.storage.transact import call


class SqsBell:
    """Rings lanes and watchers through the bell queue. Raises `StorageError` when the queue cannot be reached."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def ring_lane(self, lane: str, delay_s: int = 0) -> None:
        """Ask for a worker in `lane`, after at most 900 seconds."""
        self._send({"lane": lane}, delay_s)

    def ring_watch(self, account: str, turn: int, delay_s: int = 0) -> None:
        """Ask for the account's next watch; only the bell with the current turn counts."""
        self._send({"watch": account, "turn": turn}, delay_s)

    def _send(self, body: dict[str, Any], delay_s: int) -> None:
        call(
            self._client.send_message, QueueUrl=self._queue_url, MessageBody=json.dumps(body), DelaySeconds=delay_s
        )
