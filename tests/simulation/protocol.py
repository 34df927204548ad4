"""AWS's JSON protocol over in-process connections, for the receiver's own client: bytes in, bytes out, no socket.

The connection stands before two clients shaped as the SDK's (the simulated ones, or whatever the kernel puts around
them). What they raise comes out as it would on the wire: a service's error as a 4xx or 5xx answer, a lost connection or
a time-out as the error of the socket.
"""

import http.client
import io
import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from tests.simulation.errors import NotSimulatedError

OPERATIONS: Mapping[str, tuple[str, str]] = {
    "DynamoDB_20120810.GetItem": ("dynamodb", "get_item"),
    "DynamoDB_20120810.TransactWriteItems": ("dynamodb", "transact_write_items"),
    "AmazonSQS.SendMessage": ("sqs", "send_message"),
    "AmazonSQS.SendMessageBatch": ("sqs", "send_message_batch"),
}
PREFIXES = {"dynamodb": "com.amazonaws.dynamodb.v20120810#", "sqs": "com.amazonaws.sqs#"}
QUERY_CODES = {"AWS.SimpleQueueService.NonExistentQueue": "QueueDoesNotExist"}
"""The SDK gives SQS's errors the names of its old protocol; on the wire they have others."""
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=\S+/(?P<service>\w+)/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}"
)


class InProcessConnection(http.client.HTTPConnection):
    """A connection to one service. It is its own socket."""

    def __init__(self, service: str, client: Any) -> None:
        """`client` has the operations of `service` (`dynamodb` or `sqs`) with the SDK's names and arguments."""
        super().__init__(f"{service}.simulated")
        self._service = service
        self._client = client
        self._reply = b""
        self.sock: Any = self

    def connect(self) -> None:
        """There is nothing to connect to."""

    def settimeout(self, seconds: float) -> None:
        """The kernel decides what takes too long."""

    def sendall(self, data: bytes) -> None:
        """Take a whole request and answer it: what goes wrong is raised here, where the SDK's client raises it too."""
        status, answer = self._answer(*_parsed(data))
        content = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} {'OK' if status == 200 else 'Error'}\r\ncontent-length: {len(content)}\r\n\r\n"
        self._reply = head.encode() + content

    def makefile(self, mode: str) -> io.BytesIO:
        """Give the answer, as `http.client.HTTPResponse` reads it from a socket."""
        assert mode == "rb"
        return io.BytesIO(self._reply)

    def close(self) -> None:
        """There is nothing to close."""

    def _answer(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        target = headers["x-amz-target"]
        signed = AUTHORIZATION.fullmatch(headers["authorization"])
        service, operation = OPERATIONS.get(target, ("", ""))
        if service != self._service or signed is None or signed["service"] != service:
            raise NotSimulatedError(f"{target}, sent to {self._service} and signed for it or not")
        if headers["content-type"] != "application/x-amz-json-1.0":
            raise NotSimulatedError("another content type")
        try:
            return 200, getattr(self._client, operation)(**json.loads(body))
        except ClientError as error:
            return _told(service, error)
        except BotoCoreError as error:
            raise _on_the_wire(error) from error


def _parsed(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    if first != "POST / HTTP/1.1" or int(headers["content-length"]) != len(body):
        raise NotSimulatedError(f"{first} with {len(body)} bytes")
    return headers, body


def _told(service: str, error: ClientError) -> tuple[int, dict[str, Any]]:
    """Give the answer that the SDK would read this error from."""
    response: Any = error.response
    code = str(response["Error"]["Code"])
    name = QUERY_CODES.get(code, code.removeprefix("AWS.SimpleQueueService."))
    answer = {"__type": PREFIXES[service] + name, "message": response["Error"].get("Message", "")}
    for extra in ("CancellationReasons", "Item"):
        if extra in response:
            answer[extra] = response[extra]
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)), answer


def _on_the_wire(error: BotoCoreError) -> OSError:
    """Give what the socket would have raised where the SDK raises `error`."""
    match error:
        case ReadTimeoutError() | ConnectTimeoutError():
            return TimeoutError("timed out")
        case EndpointConnectionError():
            return ConnectionRefusedError("refused")
        case ConnectionClosedError():
            return http.client.RemoteDisconnected("closed without an answer")
        case _:
            return ConnectionResetError("reset")
