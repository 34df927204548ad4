"""DynamoDB, SQS, Secrets Manager and SNS for the functions that are measured: a small HTTP server in this process.

The functions do all the work that they do against AWS (signing, writing and reading JSON, connections); what the
services do happens here and is counted to nobody. The table is the one that the scenarios run on.
"""

import hashlib
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import ClientError

from benchmarks.metering import Meter
from tests.simulation.dynamo import AT_ONCE, SimulatedTable

LOOPBACK = "127.0.0.1"


def _new_table() -> SimulatedTable:
    return SimulatedTable(lambda: time.time_ns() // 1_000_000, lags=AT_ONCE)


class AwsStub:
    """What the services hold."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.table: Any = _new_table()
        self.secrets: dict[str, str] = {}
        self.bells: list[str] = []
        """Bodies of the messages that were sent, oldest first."""
        self.meter = Meter()
        self._alone = threading.Lock()

    @property
    def queue_url(self) -> str:
        return f"{self.url}/000000000000/bell"

    def clear(self) -> None:
        """Forget everything."""
        with self._alone:
            self.table = _new_table()
            self.secrets.clear()
            self.bells.clear()
            self.meter = Meter()

    def answer(self, target: str, body: bytes) -> tuple[int, bytes]:
        """Answer one request: its operation, with the arguments as the SDK's clients name them."""
        service, _, operation = target.rpartition(".")
        with self._alone:
            if not service:
                self.meter.count("sns.Publish")
                return 200, _sns(parse_qs(body.decode()))
            arguments = json.loads(body)
            try:
                if service.startswith("DynamoDB"):
                    self.meter.count(f"dynamodb.{operation}")
                    answer = self._table_answer(operation, arguments)
                else:
                    self.meter.count(f"{service.removeprefix('Amazon').lower()}.{operation}")
                    answer = getattr(self, f"_{operation.lower()}")(arguments)
            except ClientError as error:
                return 400, json.dumps(_error_of(error)).encode()
            return 200, json.dumps(answer).encode()

    def _table_answer(self, operation: str, arguments: dict[str, Any]) -> Any:
        keys = [_key_of(each) for each in _writes(operation, arguments)]
        before = [self.table.items.get(key) for key in keys]
        try:
            method = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
            answer = getattr(self.table, method)(**arguments)
        finally:
            for key, old in zip(keys, before, strict=True):
                self.meter.count_write(old, self.table.items.get(key), transaction=operation.startswith("Transact"))
        if operation == "DescribeTable":  # of no units, and its time is a number on the wire
            return {"Table": {**answer["Table"], "CreationDateTime": answer["Table"]["CreationDateTime"].timestamp()}}
        if not keys:
            found = answer.get("Items", [answer["Item"]] if "Item" in answer else [])
            self.meter.count_read(found, consistent=bool(arguments.get("ConsistentRead")))
        return answer

    def _sendmessage(self, arguments: dict[str, Any]) -> dict[str, Any]:
        text = str(arguments["MessageBody"])
        self.bells.append(text)
        return {"MessageId": str(uuid.uuid4()), "MD5OfMessageBody": _md5(text)}

    def _sendmessagebatch(self, arguments: dict[str, Any]) -> dict[str, Any]:
        sent = [{"Id": entry["Id"], **self._sendmessage(entry)} for entry in arguments["Entries"]]
        return {"Successful": sent, "Failed": []}

    def _receivemessage(self, arguments: dict[str, Any]) -> dict[str, Any]:
        del arguments
        return {"Messages": []}

    def _putsecretvalue(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.secrets[str(arguments["SecretId"])] = str(arguments["SecretString"])
        return {"Name": arguments["SecretId"], "VersionId": arguments["ClientRequestToken"]}

    def _getsecretvalue(self, arguments: dict[str, Any]) -> dict[str, Any]:
        name = str(arguments["SecretId"])
        version = version_of(self.secrets[name])
        return {"Name": name, "SecretString": self.secrets[name], "VersionId": version, "ARN": name}


def version_of(secret: str) -> str:
    """Give the version of a secret that was put in without one."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def _writes(operation: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the writes of a request; none for a read."""
    if operation.startswith("Transact"):
        return [write for each in arguments["TransactItems"] for write in each.values()]
    return [arguments] if operation in ("PutItem", "UpdateItem", "DeleteItem") else []


def _key_of(write: dict[str, Any]) -> tuple[str, str]:
    key = write.get("Key") or write["Item"]
    return key["pk"]["S"], key["sk"]["S"]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _error_of(error: ClientError) -> dict[str, Any]:
    response: dict[str, Any] = dict(error.response)
    said = response.pop("Error")
    return {"__type": f"com.amazonaws.stub#{said['Code']}", "message": said["Message"], **response}


def _sns(form: dict[str, list[str]]) -> bytes:
    action = form["Action"][0]
    inside = f"<{action}Result><MessageId>{uuid.uuid4()}</MessageId></{action}Result>"
    return f'<{action}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/">{inside}</{action}Response>'.encode()


@contextmanager
def aws_stub() -> Iterator[AwsStub]:
    """Serve on a free loopback port for the length of a `with`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 64 * 1024  # header and body leave together

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, content = stub.answer(self.headers.get("X-Amz-Target", ""), body)
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
            """Stay silent."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = True
    stub = AwsStub(f"http://{LOOPBACK}:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
