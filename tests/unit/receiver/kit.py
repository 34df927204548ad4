"""A receiver on moto's table and queue, with clocks that stand still. One thread: moto is not atomic under several."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from moto import mock_aws

from orderbridge.alerts.authentication import Sources
from orderbridge.machine import Machine
from orderbridge.receiving import Receiver
from orderbridge.storage.in_time import InTime
from orderbridge.storage.intake import Intake
from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.known_strategies import KnownStrategies
from orderbridge.storage.lean_aws import AwsError
from orderbridge.storage.settings import Route, strategy_item
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from tests.machine import HandMade
from tests.unit.storage.aws import TABLE, create_table

KEY = "a-key-that-nobody-may-see-0123456789"
TRADINGVIEW = "52.89.214.238"
NOW_MS = 1_772_640_903_000
"""2026-03-04T16:15:03Z"""
FIRED = "2026-03-04T16:15:02Z"
STRATEGY = StrategySettings(
    name="demo",
    version=1,
    accounts=(AccountRoute("sim"),),
    key_hashes=(hashlib.sha256(KEY.encode()).hexdigest(),),
)
ROUTES = (Route("sim", "tradestation", whole_account_lane=False),)


@cache
def _client(service: str) -> Any:
    return botocore.session.Session().create_client(
        service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


class Counted:
    """The SDK's client in the lean client's place; it counts calls, and fails or vanishes where a test says so."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []
        self.tokens: list[str] = []
        """The request tokens of transactions."""
        self.before: Callable[[str], None] = lambda name: None
        """Called with the operation's name before the call; it may raise."""
        self.after: Callable[[str], None] = lambda name: None
        """Called when the call has been carried out: raising here is a reply that was lost."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = getattr(self._client, name)

        def counted(**arguments: Any) -> Any:
            self.calls.append(name)
            if "ClientRequestToken" in arguments:
                self.tokens.append(arguments["ClientRequestToken"])
            self.before(name)
            try:
                reply = operation(**arguments)
            except ClientError as error:
                raise as_lean(error) from error
            self.after(name)
            return reply

        return counted


def as_lean(error: ClientError) -> AwsError:
    """Give the SDK's error as the lean client raises it."""
    response: Any = error.response
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return AwsError(response["Error"]["Code"], status, response.get("CancellationReasons", ()))


@dataclass
class Bench:
    """The receiver with everything that it touches."""

    dynamodb: Counted
    sqs: Counted
    queue_url: str
    now_ms: int = NOW_MS
    elapsed_s: float = 100.0
    ids: int = 0
    given_s: list[float] = field(default_factory=list)
    """The time that each delivery was given."""
    machine: HandMade = field(init=False)
    receiver: Receiver = field(init=False)

    def __post_init__(self) -> None:
        self.machine = HandMade(
            now_ms=lambda: self.now_ms,
            monotonic=lambda: self.elapsed_s,
            chance=lambda: 0.5,
            random_bytes=self._next_bytes,
        )
        self.receiver = self.new_receiver()

    def new_receiver(self, sources: str = TRADINGVIEW) -> Receiver:
        """Make a receiver that has read nothing yet."""
        return Receiver(
            KnownStrategies(self.dynamodb, TABLE, self.machine),
            Intake(self.dynamodb, self.sqs, TABLE, self.queue_url),
            Sources(sources),
            stack="test",
            machine=self.machine,
            in_time=self._in_time,
        )

    def _in_time(self, seconds: float, _: Machine) -> InTime:
        self.given_s.append(seconds)
        return InTime(seconds)

    def _next_bytes(self, count: int) -> bytes:
        self.ids += 1
        return self.ids.to_bytes(count, "big")

    def install(self, settings: StrategySettings = STRATEGY, routes: tuple[Route, ...] = ROUTES) -> None:
        """Write a strategy's settings as the command line does."""
        self.dynamodb._client.put_item(TableName=TABLE, Item=marshal(strategy_item(settings, routes)))

    def send(
        self, body: str | dict[str, Any], key: str = KEY, strategy: str = "demo", source: str = TRADINGVIEW
    ) -> tuple[int, dict[str, Any]]:
        """Deliver a body through the gateway; give status and answer."""
        event = {
            "pathParameters": {"strategy": strategy, "key": key},
            "requestContext": {"identity": {"sourceIp": source}},
            "body": body if isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
        }
        return self.deliver(event)

    def fire(self, body: dict[str, Any], test: bool = False, strategy: str = "demo") -> tuple[int, dict[str, Any]]:
        """Deliver a body as `orderbridge fire` does."""
        return self.deliver({"fire": {"strategy": strategy, "body": json.dumps(body), "test": test}})

    def deliver(self, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Deliver an event; give status and answer."""
        answer = self.receiver.receive(event)
        return answer.status, json.loads(answer.body)

    def pass_time(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.now_ms += round(seconds * 1000)
        self.elapsed_s += seconds

    def items(self, kind: str) -> list[Item]:
        """Give all items whose partition key begins with `kind`."""
        items = [unmarshal(item) for item in self.dynamodb._client.scan(TableName=TABLE)["Items"]]
        return [item for item in items if str(item["pk"]).startswith(kind)]

    def jobs(self) -> list[Item]:
        return [item for item in self.items("LANE#") if str(item["sk"]).startswith("JOB#")]

    def bells(self) -> list[dict[str, Any]]:
        """Take all bells out of the queue."""
        client, bells = self.sqs._client, []
        while found := client.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages"):
            bells += [json.loads(message["Body"]) for message in found]
            for message in found:
                client.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return sorted(bells, key=json.dumps)

    def count_calls(self) -> int:
        """Give the number of AWS calls since the last count."""
        count = len(self.dynamodb.calls) + len(self.sqs.calls)
        self.dynamodb.calls.clear()
        self.sqs.calls.clear()
        return count


@contextmanager
def fake_bench() -> Iterator[Bench]:
    """Give a bench with one strategy, `demo`, on one TradeStation account, `sim`."""
    with mock_aws():
        dynamodb, sqs = Counted(_client("dynamodb")), Counted(_client("sqs"))
        create_table(dynamodb._client)
        queue_url = sqs._client.create_queue(QueueName="bells")["QueueUrl"]
        bench = Bench(dynamodb, sqs, queue_url)
        bench.install()
        yield bench


BUY = {"ticker": "MES1!", "action": "buy", "quantity": 1, "time": FIRED}
EXIT = {"ticker": "MES1!", "action": "exit", "time": FIRED}
