"""A bridge on real parts: MiniStack's table and queues, a simulated broker and the executor in processes of their own.

What the queue's poller does in AWS is done here: a bell is taken from the queue, a new process answers it, and the bell
is deleted unless the process has died. What takes a minute there (the bell's visibility time-out, the end of a lane's
lease, the asking after an unknown order) passes by setting the clocks of the broker and of the site's processes ahead.
"""

import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from orderbridge.alerts.alert import Action, Alert
from orderbridge.brokers.http import MonotonicDeadline, open_client
from orderbridge.brokers.login import Login
from orderbridge.brokers.tradelocker import auth
from orderbridge.commands import Command
from orderbridge.execution.records import Job
from orderbridge.model import PositionMode
from orderbridge.secret import Secret
from orderbridge.storage import keys
from orderbridge.storage.bell import SqsBell
from orderbridge.storage.items import Item, marshal, unmarshal
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.settings import Change, PutAccount, PutStrategy, Route, SettingsStore
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.tokens import TokenKeeper
from orderbridge.strategy.settings import AccountRoute, AccountSettings, StrategySettings
from orderbridge.strategy.symbols import canonical_root, lane_of, root_for
from sandbox import places
from sandbox.demo.booked import told_by
from sandbox.demo.brokers import SimulatedBroker
from sandbox.demo.facts import Told
from sandbox.demo.ledger import Ledger, read_ledger
from sandbox.local_aws import BridgeResources, LocalAws, create_resources
from tests.race.wire import Wire
from tests.race.workers import HANDLER_S, Stop, Worker, Workers

ACCOUNT = "acct"
CONNECTION = "main"
STRATEGY = "s"
EVENT = places.ROOT / "events" / "sqs-bell.json"
LONG_S = 300.0
"""No run takes so long, even on a slow machine."""
CONNECT_S = 20.0


@dataclass(frozen=True)
class Seat:
    """An account at a simulated broker, and what is traded on it."""

    broker: Literal["tradestation", "tradelocker"]
    account_id: str
    symbol: str
    price: Decimal
    distance: Decimal
    unit: Decimal
    account_number: str = ""
    kind: str = ""

    @property
    def whole_account_lane(self) -> bool:
        return self.broker == "tradelocker"


TRADESTATION = Seat(
    "tradestation", "SIM1234567M", "MSFT", Decimal("412.30"), Decimal("5.00"), Decimal(10), kind="Margin"
)
TRADELOCKER = Seat(
    "tradelocker", "1180", "BTCUSD", Decimal("77261.10"), Decimal("500.00"), Decimal("0.10"), account_number="1"
)
UNLIMITED: Mapping[str, Mapping[str, str]] = {"tradelocker": {"rate_limits": "wide"}, "tradestation": {"quotas": "off"}}
"""A busy machine delays one request and not the next: whether a broker's limits are kept is not judged here."""
SEATS = {seat.broker: seat for seat in (TRADESTATION, TRADELOCKER)}


@dataclass(frozen=True)
class Outcome:
    """How one job ended."""

    status: str
    code: str
    sentence: str


class Site:
    """One account at one simulated broker, traded by one strategy."""

    def __init__(
        self,
        aws: LocalAws,
        bridge: BridgeResources,
        workers: Workers,
        broker: SimulatedBroker,
        seat: Seat,
        wire: Wire | None = None,
    ) -> None:
        self.aws, self.bridge, self.workers, self.broker, self.seat = aws, bridge, workers, broker, seat
        self.wire = wire
        """What lies between the processes on one side, AWS and the broker on the other; nothing where it is None."""
        self.variables: dict[str, str] = {}
        """What the functions' environment has here and nowhere else."""
        self.dynamodb, self.sqs = aws.shared_client("dynamodb"), aws.shared_client("sqs")
        self.lanes = DynamoLanes(self.dynamodb, bridge.table_name)
        self.bell = SqsBell(self.sqs, bridge.bell_queue_url)
        self.settings = StrategySettings(STRATEGY, 1, (AccountRoute(ACCOUNT),))
        self.clock = workers.clock()
        self._count = itertools.count(1)

    # ---- connecting

    def connect(self, **settings: Any) -> None:
        """Store the login and the settings; `settings` are the strategy's."""
        unit = "lots" if self.seat.broker == "tradelocker" else None
        self.settings = replace(self.settings, **{"quantity_unit": unit, **settings})
        if self.seat.broker == "tradelocker":
            self.broker.control("session", {self.seat.symbol: "FULLY_OPEN"})
        self.broker.control("switches", UNLIMITED[self.seat.broker])
        login = self._tradelocker_login() if self.seat.broker == "tradelocker" else self._tradestation_login()
        secrets = LoginSecrets(self.aws.shared_client("secretsmanager"), self.bridge.secret_prefix)
        leases = TokenLeases(self.dynamodb, self.bridge.table_name)
        keeper = TokenKeeper(CONNECTION, secrets, leases, lambda login, _: login)
        keeper.replace_login(login, MonotonicDeadline(CONNECT_S))
        route = Route(ACCOUNT, self.seat.broker, self.seat.whole_account_lane)
        changes: list[Change] = [PutAccount(self.account(), None), PutStrategy(self.settings, (route,), None)]
        SettingsStore(self.dynamodb, self.bridge.table_name).change(changes)

    def account(self) -> AccountSettings:
        hedging = self.seat.broker == "tradelocker"
        return AccountSettings(
            name=ACCOUNT,
            broker=self.seat.broker,
            environment="sim",
            connection=CONNECTION,
            broker_account_id=self.seat.account_id,
            position_mode=PositionMode.HEDGING if hedging else PositionMode.NETTING,
            base_url=self.broker.base_url,
            account_number=self.seat.account_number,
            kind=self.seat.kind,
        )

    def _tradestation_login(self) -> Login:
        """Give a login whose access token has lapsed: the first process refreshes it."""
        described = self.broker.described
        return Login(
            broker="tradestation",
            environment="sim",
            base_url=self.broker.base_url,
            auth_url=str(described["auth_url"]),
            refresh_token=Secret(described["users"][0]["refresh_token"]),
            access_token=Secret("lapsed"),
            access_expires_at_ms=1,
            obtained_at_ms=0,
            client_id=str(described["client_id"]),
            client_secret=Secret(described["client_secret"]),
        )

    def _tradelocker_login(self) -> Login:
        login = self.broker.described["login"]
        with open_client() as client:
            outcome = auth.log_in(
                auth.Exchange(client, (places.LOOPBACK,), self.now_ms),
                environment="sim",
                base_url=self.broker.base_url,
                email=login["email"],
                password=Secret(login["password"]),
                server=login["server"],
                deadline=MonotonicDeadline(CONNECT_S),
            )
        assert isinstance(outcome, Login), outcome
        return outcome

    # ---- time

    def now_ms(self) -> int:
        return self.clock.now_ms()

    def pass_time(self, seconds: int) -> None:
        """Set the clocks of the broker and of all of the site's processes ahead."""
        self.broker.control("clock", {"advance_ms": seconds * 1000})
        self.clock.advance(seconds * 1000)

    # ---- jobs

    def alert(self, action: Action, quantity: Decimal | None = None, **fields: Any) -> Job:
        """Make the job of an alert for the seat's symbol."""
        alert = Alert(action, fields.pop("symbol", self.seat.symbol), quantity=quantity, **fields)
        alert = replace(alert, fired_at_ms=self.now_ms())
        root = root_for(alert, self.settings, self.settings.accounts[0], self.seat.broker, self.now_ms())
        return self._job(root, alert=alert)

    def ready_made(self, *commands: Command) -> Job:
        """Make a job of commands, as the panel does."""
        return self._job(canonical_root(self.seat.symbol), commands=commands, origin="panel")

    def _job(self, root: str, **fields: Any) -> Job:
        alert_id = f"{next(self._count):04d}-{uuid.uuid4().hex}"
        return Job(
            job_id=f"{alert_id}.{ACCOUNT}",
            alert_id=alert_id,
            strategy=STRATEGY,
            account=ACCOUNT,
            lane=lane_of(ACCOUNT, root, self.seat.whole_account_lane),
            root=root,
            accepted_at_ms=self.now_ms(),
            **fields,
        )

    def put(self, job: Job, *, ring: bool = True) -> None:
        """Store a job as the receiver does, and ring for it."""
        alert: Item = {**keys.alert(job.alert_id), "alert_id": job.alert_id, "status": "accepted", "jobs": 1}
        self.dynamodb.put_item(TableName=self.bridge.table_name, Item=marshal(alert))
        assert self.lanes.put_job(job)
        if ring:
            self.bell.ring_lane(job.lane)

    def fire(self, action: Action, quantity: Decimal | None = None, **fields: Any) -> Outcome:
        """Store an alert's job and let it be worked to its end."""
        job = self.alert(action, quantity, **fields)
        self.put(job)
        return self.work(job)

    def work(self, job: Job) -> Outcome:
        """Answer bells until the job has ended."""
        self.answer_bells(lambda: self.outcome(job) is not None)
        outcome = self.outcome(job)
        assert outcome is not None
        return outcome

    def outcome(self, job: Job) -> Outcome | None:
        """Tell how a job ended; None while it has not."""
        key = marshal(keys.job(job.lane, job.accepted_at_ms, job.job_id))
        item = unmarshal(self.dynamodb.get_item(TableName=self.bridge.table_name, Key=key, ConsistentRead=True)["Item"])
        if "gpk" in item:
            return None
        return Outcome(str(item["status"]), str(item["code"]), str(item["sentence"]))

    def open_jobs(self) -> int:
        """Count the jobs that have not ended."""
        condition = {"KeyConditionExpression": "gpk = :open", "ExpressionAttributeValues": {":open": {"S": "OPEN#JOB"}}}
        found = self.dynamodb.query(TableName=self.bridge.table_name, IndexName=keys.INDEX, **condition)
        return int(found["Count"])

    # ---- bells

    def answer_bells(self, done: Callable[[], bool]) -> None:
        """Have processes answer the queue's bells until it is `done`."""
        give_up = time.monotonic() + LONG_S
        while not done():
            assert time.monotonic() < give_up, "this takes too long"
            for message in self.bells():
                self.answer(message)

    def kill_at(self, stop: Stop, job: Job) -> None:
        """Answer bells until the process that does so has stopped itself, then let the bell be delivered again."""
        alive = True
        while alive:
            assert self.outcome(job) is None, f"{stop.moment} was never reached"
            for message in self.bells():
                alive = self.answer(message, stop)

    def bells(self) -> list[Mapping[str, Any]]:
        """Take the next bell, if one comes within a second."""
        queue = self.bridge.bell_queue_url
        wanted = {"MaxNumberOfMessages": 1, "WaitTimeSeconds": 1, "AttributeNames": ["All"]}
        messages: list[Mapping[str, Any]] = self.sqs.receive_message(QueueUrl=queue, **wanted).get("Messages", [])
        return messages

    def next_bell(self) -> Mapping[str, Any]:
        """Wait for the next bell and take it."""
        give_up = time.monotonic() + LONG_S
        while time.monotonic() < give_up:
            for message in self.bells():
                return message
        raise AssertionError("no bell comes")

    def answer(self, message: Mapping[str, Any], stop: Stop | None = None) -> bool:
        """Have a process of its own answer one bell; False when it has died meanwhile."""
        with self.worker(stop) as worker:
            return self.answer_by(worker, message)

    def answer_by(self, worker: Worker, message: Mapping[str, Any], seconds: float = HANDLER_S) -> bool:
        """Have this process answer one bell within so many seconds; False when it has died meanwhile."""
        about = {"QueueUrl": self.bridge.bell_queue_url, "ReceiptHandle": message["ReceiptHandle"]}
        answer = worker.call("order_executor", bell_event(message), seconds)
        alive = answer is not None or not worker.has_died()
        if answer is None or answer["batchItemFailures"]:
            self.sqs.change_message_visibility(**about, VisibilityTimeout=0)
        else:
            self.sqs.delete_message(**about)
        return alive

    def bells_left(self) -> int:
        """Count the bells that are in the queue, those that are not due yet too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"]
        told = self.sqs.get_queue_attributes(QueueUrl=self.bridge.bell_queue_url, AttributeNames=names)
        return sum(int(told["Attributes"][name]) for name in names)

    def worker(self, stop: Stop | None = None) -> Worker:
        """Start a process in a function's environment."""
        return self.workers.start(self.environment(), self.clock, stop)

    def environment(self) -> dict[str, str]:
        """Give a function's environment."""
        over = {} if self.wire is None else {"AWS_ENDPOINT_URL": self.wire.to(self.aws.endpoint)}
        return self.aws.environment() | self.bridge.environment() | over | self.variables

    # ---- what stands

    def ledger(self) -> Ledger:
        """Read the bridge's table."""
        return read_ledger(self.aws, self.bridge.table_name)

    def notices(self) -> list[str]:
        """Give the codes of what the user is told."""
        found = self.dynamodb.scan(TableName=self.bridge.table_name, ConsistentRead=True)["Items"]
        items: list[Item] = [unmarshal(item) for item in found if item["sk"]["S"] == "NOTICE"]
        return [str(item["code"]) for item in items]

    def booked(self) -> Told:
        """Give what the broker's own journal and book tell."""
        return told_by(self.seat.broker, self.broker.journal(), self.broker.state())

    def held(self) -> Decimal:
        """Give what the broker holds of the seat's symbol."""
        holding = self.booked().holdings.get((self.seat.account_id, self.seat.symbol))
        return Decimal(0) if holding is None else holding.quantity


@contextmanager
def new_site(aws: LocalAws, workers: Workers, seat: Seat, wire: Wire | None = None, **settings: Any) -> Iterator[Site]:
    """Make a site for the length of a `with`; its processes reach everything over `wire`, if there is one.

    `settings` are the strategy's.
    """
    with workers.broker(seat.broker) as broker:
        if wire is not None:
            broker = _behind(wire, broker)
        urls = (broker.base_url, str(broker.described.get("auth_url", "")))
        origins = tuple({"/".join(url.split("/")[:3]) for url in urls if url})
        site = Site(aws, create_resources(aws, broker_hosts=origins), workers, broker, seat, wire)
        site.connect(**settings)
        yield site


def _behind(wire: Wire, broker: SimulatedBroker) -> SimulatedBroker:
    """Give the broker as it is reached over the wire; its control endpoints stay where they are."""
    urls = {name: wire.to(url) for name, url in broker.described.items() if name in ("base_url", "auth_url")}
    return replace(broker, base_url=urls["base_url"], described={**broker.described, **urls})


def bell_event(*messages: Mapping[str, Any]) -> dict[str, Any]:
    """Give the stored event with these messages of the queue in it."""
    event: dict[str, Any] = json.loads(EVENT.read_text(encoding="utf-8"))
    (record,) = event["Records"]
    event["Records"] = [
        record
        | {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": record["attributes"] | message["Attributes"],
        }
        for message in messages
    ]
    return event


def writes_alone(told: Told) -> Told:
    """Leave out what stands in the end, since the ledger learns of a fill by the watcher's next look.

    Nor does it know how many orders a close-all made.
    """
    writes = tuple(replace(write, orders={}) if write.kind == "close all" else write for write in told.writes)
    return replace(told, writes=writes, holdings={}, working=frozenset())
