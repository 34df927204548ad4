"""DynamoDB and SQS for the alert receiver: four operations, the standard library alone.

The SDK takes more than half of a cold start's CPU (importing, reading service models, choosing endpoints), and
TradingView waits 3 s in all. What is needed of it is small: both services take a JSON body by POST, signed with
Signature Version 4. The tests hold the signature to the SDK's own. Credentials, region and endpoints come from the
variables that Lambda sets, or that the SDK knows (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`,
`AWS_ENDPOINT_URL_SQS`, `AWS_CA_BUNDLE`).
"""

import hashlib
import hmac
import http.client
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from orderbridge.machine import MACHINE, Machine
from orderbridge.secret import NO_SECRET, Secret

CONTENT_TYPE = "application/x-amz-json-1.0"


Connect = Callable[[str, float, float], http.client.HTTPConnection]
"""Opens a connection to a service, given its name and the time-outs for connecting and for reading, in seconds."""


class AwsError(Exception):
    """AWS answered with an error, or did not answer (status 0). Its text never holds what was sent."""

    def __init__(self, code: str, status: int = 0, reasons: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.reasons = tuple(reasons)
        """Of a cancelled transaction, one for each of its operations."""


class Credentials:
    """The function's identity, as Lambda's variables give it."""

    def __init__(self, access_key: str, secret_key: Secret, session_token: Secret = NO_SECRET) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.session_token = session_token

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "Credentials":
        """Read the variables. Raises `KeyError` naming one that is missing."""
        return cls(
            variables["AWS_ACCESS_KEY_ID"],
            Secret(variables["AWS_SECRET_ACCESS_KEY"]),
            Secret(variables.get("AWS_SESSION_TOKEN", "")),
        )


class AwsJson:
    """One service's JSON protocol over one kept connection a thread."""

    service = ""
    target = ""

    def __init__(
        self,
        variables: Mapping[str, str],
        connect_timeout_s: float,
        read_timeout_s: float,
        machine: Machine = MACHINE,
        connect: "Connect | None" = None,
    ) -> None:
        """`connect` opens a connection in another way than over the network."""
        self._credentials = Credentials.from_environment(variables)
        self._region = variables.get("AWS_REGION") or variables["AWS_DEFAULT_REGION"]
        named = variables.get(f"AWS_ENDPOINT_URL_{self.service.upper()}") or variables.get("AWS_ENDPOINT_URL")
        scheme, _, host = (named or self._public_endpoint()).rstrip("/").partition("://")
        self._host = host
        self._tls = _tls(variables.get("AWS_CA_BUNDLE")) if scheme == "https" else None
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._kept = threading.local()
        self._machine = machine
        self._open = connect or self._over_network

    def _public_endpoint(self) -> str:
        suffix = "amazonaws.com.cn" if self._region.startswith("cn-") else "amazonaws.com"
        return f"https://{self.service}.{self._region}.{suffix}"

    def call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Make one call. Raises `AwsError`."""
        body = json.dumps(arguments, separators=(",", ":")).encode()
        moment = time.gmtime(self._machine.now_ms() // 1000)
        headers = signed_headers(
            self.service, self._region, self._host, f"{self.target}.{operation}", body, self._credentials, moment
        )
        try:
            status, content = self._post(body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise AwsError(type(error).__name__) from None  # its text can repeat a header
        return _read(status, content)

    def _post(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if connection is not None:
            try:
                return self._exchange(connection, body, headers)
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()  # AWS closes what was idle, and that shows only now; no call here harms by being repeated
        connection = self._connect()
        return self._exchange(connection, body, headers)

    def _connect(self) -> http.client.HTTPConnection:
        connection = self._open(self.service, self._connect_timeout_s, self._read_timeout_s)
        self._kept.connection = connection
        return connection

    def _over_network(self, _: str, connect_timeout_s: float, read_timeout_s: float) -> http.client.HTTPConnection:
        connection = (
            http.client.HTTPSConnection(self._host, timeout=connect_timeout_s, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._host, timeout=connect_timeout_s)
        )
        connection.connect()
        connection.sock.settimeout(read_timeout_s)
        return connection

    def _exchange(
        self, connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        """Send the request in one piece (`HTTPConnection.request` takes two) and read the answer."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sock.sendall(f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body)
        response = http.client.HTTPResponse(connection.sock, method="POST")
        try:
            response.begin()
            content = response.read()
        finally:
            response.close()
        if response.will_close:
            self.close()
        return response.status, content

    def close(self) -> None:
        """Close this thread's connection; the next call opens another one."""
        connection = getattr(self._kept, "connection", None)
        self._kept.connection = None
        if connection is not None:
            connection.close()


class DynamoDb(AwsJson):
    """The two operations that receiving needs, with the SDK's names and arguments."""

    service = "dynamodb"
    target = "DynamoDB_20120810"

    def get_item(self, **arguments: Any) -> dict[str, Any]:
        return self.call("GetItem", arguments)

    def transact_write_items(self, **arguments: Any) -> dict[str, Any]:
        return self.call("TransactWriteItems", arguments)


class Sqs(AwsJson):
    """Sending, with the SDK's names and arguments."""

    service = "sqs"
    target = "AmazonSQS"

    def send_message(self, **arguments: Any) -> dict[str, Any]:
        return self.call("SendMessage", arguments)

    def send_message_batch(self, **arguments: Any) -> dict[str, Any]:
        return self.call("SendMessageBatch", arguments)


@cache
def _tls(authorities: str | None) -> ssl.SSLContext:
    """Give the one context of the process: reading the authorities takes longer than all the rest of it."""
    return ssl.create_default_context(cafile=authorities)


def signed_headers(
    service: str,
    region: str,
    host: str,
    target: str,
    body: bytes,
    credentials: Credentials,
    moment: time.struct_time,
) -> dict[str, str]:
    """Give the headers of a POST to `/`, signed with Signature Version 4."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", moment)
    headers = {"content-type": CONTENT_TYPE, "host": host, "x-amz-date": stamp, "x-amz-target": target}
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token.reveal()
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    signed = ";".join(names)
    request = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key.reveal()}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    scoped = f"{credentials.access_key}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 Credential={scoped}, SignedHeaders={signed}, Signature={signature}"
    return headers | {"authorization": authorization, "user-agent": "orderbridge"}


def _read(status: int, content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content or b"{}")
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise AwsError("UnreadableAnswer", status if status >= 400 else 502)
    if status == 200:
        return answer
    code = str(answer.get("__type", "")).rpartition("#")[2] or "UnknownError"
    reasons = answer.get("CancellationReasons")
    raise AwsError(code, status, reasons if isinstance(reasons, list) else ())
