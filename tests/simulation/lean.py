"""The receiver's own lean AWS client over the simulated services: temporary, until `protocol.py` stands."""

import io
import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

OPERATIONS = {
    "GetItem": "get_item",
    "TransactWriteItems": "transact_write_items",
    "SendMessage": "send_message",
    "SendMessageBatch": "send_message_batch",
}


class _Socket:
    def __init__(self, client: Any) -> None:
        self._client = client
        self._reply = b""

    def sendall(self, data: bytes) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        target = next(line for line in head.decode().split("\r\n") if line.startswith("x-amz-target"))
        operation = target.rpartition(".")[2]
        try:
            answer, status = getattr(self._client, OPERATIONS[operation])(**json.loads(body)), 200
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            answer = {"__type": f"x#{code}", "CancellationReasons": error.response.get("CancellationReasons")}
        except BotoCoreError as error:
            raise TimeoutError from error
        content = json.dumps(answer).encode()
        self._reply = f"HTTP/1.1 {status} x\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content

    def makefile(self, _: str) -> io.BytesIO:
        return io.BytesIO(self._reply)


class _Connection:
    def __init__(self, client: Any) -> None:
        self.sock = _Socket(client)

    def close(self) -> None:
        return


def connect_to(client_of: Callable[[str], Any]) -> Any:
    """Give what opens the lean client's connections."""
    kept: dict[str, Any] = {}

    def connect(service: str, _connect_s: float, _read_s: float) -> Any:
        if service not in kept:
            kept[service] = client_of(service)
        return _Connection(kept[service])

    return connect
