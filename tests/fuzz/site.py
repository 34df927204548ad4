"""The alert endpoint in one process: the real handler and its own AWS client, over a simulated table and queue."""

import base64
import contextlib
import hashlib
import importlib
import io
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.settings import Route, strategy_item
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from tests.machine import HandMade
from tests.simulation.dynamo import SimulatedTable
from tests.simulation.protocol import InProcessConnection
from tests.simulation.queues import SimulatedQueues

KEY = "a-key-that-nobody-may-see-0123456789"
SOURCE = "52.89.214.238"
START_MS = 1_772_640_903_000
"""2026-03-04T16:15:03Z"""
PATH = "/alerts/{strategy}/{key}"


@dataclass(frozen=True)
class Answer:
    """What the gateway passes on."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.text)
        return content


class Site:
    """One stack with the strategies `demo` (its messages name the symbol) and `own` (it has one, and an identity)."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.now_ms = START_MS
        self._count = 0
        self.fresh()

    def fresh(self) -> None:
        """Begin again with an empty table."""
        clock = lambda: self.now_ms  # noqa: E731
        self.table = SimulatedTable(clock)
        self.queues = SimulatedQueues(clock)
        self.queue_url = self.queues.create_queue(QueueName="bells")["QueueUrl"]
        hashes = (hashlib.sha256(KEY.encode()).hexdigest(),)
        for settings in (
            StrategySettings("demo", 1, (AccountRoute("sim"), AccountRoute("fx")), key_hashes=hashes),
            StrategySettings(
                "own", 1, (AccountRoute("sim"),), key_hashes=hashes, symbol="MSFT", identity_field="extras.signal"
            ),
        ):
            routes = tuple(Route(each.account, "tradestation", each.account == "fx") for each in settings.accounts)
            self.table.put_item(TableName="bridge", Item=marshal(strategy_item(settings, routes)))
        clients = {"dynamodb": self.table, "sqs": self.queues}
        machine = HandMade(now_ms=clock, monotonic=lambda: self.now_ms / 1000, random_bytes=self._next_bytes)
        variables = {
            "TABLE_NAME": "bridge",
            "BELL_QUEUE_URL": self.queue_url,
            "ALERT_SOURCES": SOURCE,
            "SECRET_PREFIX": "orderbridge/fuzz/",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        self._app.receiver = self._app.receiver_of(
            variables, machine, lambda service, *_: InProcessConnection(service, clients[service])
        )

    def _next_bytes(self, count: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(count, "big")

    def post(
        self,
        raw: bytes,
        *,
        strategy: str = "demo",
        key: str = KEY,
        as_base64: bool = False,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        source: str = SOURCE,
    ) -> Answer:
        """Post a body as the gateway hands it on; a text that is not UTF-8 arrives as base64."""
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            as_base64, text = True, ""
        return self.deliver(
            {
                "resource": PATH,
                "path": f"/alerts/{strategy}/{key}",
                "httpMethod": "POST",
                "headers": dict(headers or {}),
                "multiValueHeaders": {name: [value] for name, value in (headers or {}).items()},
                "queryStringParameters": dict(query) if query else None,
                "pathParameters": {"strategy": strategy, "key": key},
                "requestContext": {"identity": {"sourceIp": source}},
                "body": base64.b64encode(raw).decode() if as_base64 else text,
                "isBase64Encoded": as_base64,
            }
        )

    def deliver(self, event: dict[str, Any]) -> Answer:
        """Deliver an event of any shape, once through JSON as Lambda does."""
        with contextlib.redirect_stdout(io.StringIO()) as log:
            response = self._app.handler(json.loads(json.dumps(event)), None)
        self.log = log.getvalue()
        assert response["isBase64Encoded"] is False
        return Answer(response["statusCode"], response["headers"], response["body"])

    def pass_time(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)

    def items(self, kind: str) -> list[Item]:
        """Give all items whose partition key begins with `kind`."""
        return [unmarshal(item) for (pk, _), item in self.table.items.items() if pk.startswith(kind)]

    def jobs(self) -> list[dict[str, Any]]:
        """Give what the executor would work."""
        found = [item for item in self.items("LANE#") if str(item["sk"]).startswith("JOB#")]
        return [json.loads(str(item["data"])) for item in found]

    def alert(self, alert_id: str) -> Item:
        (found,) = self.items(f"ALERT#{alert_id}")
        return found

    def bells(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.queues.bodies(self.queue_url)]


@contextlib.contextmanager
def running() -> Iterator[Site]:
    """Give the endpoint; the function's logger is put back at the end."""
    logger = logging.getLogger("orderbridge")
    before = (logger.handlers[:], logger.level, logger.propagate)
    app: Any = importlib.import_module("alert_receiver.app")
    kept = app.receiver
    try:
        yield Site(app)
    finally:
        app.receiver = kept
        logger.handlers[:], level, logger.propagate = before
        logger.setLevel(level)
