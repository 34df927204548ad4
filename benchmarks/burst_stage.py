"""What a burst happens on: accounts, strategies and logins in the local AWS, and the processes that do the work."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orderbridge.brokers.deadline import MonotonicDeadline
from orderbridge.brokers.login import Login
from orderbridge.model import PositionMode
from orderbridge.secret import Secret
from orderbridge.storage import keys
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.settings import PutAccount, PutStrategy, Route, SettingsStore
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.tokens import TokenKeeper
from orderbridge.strategy.settings import AccountRoute, AccountSettings, StrategySettings
from sandbox import places, processes
from sandbox.demo.brokers import SimulatedBroker
from sandbox.local_aws import BridgeResources, LocalAws, create_resources

KEY = "benchmark-key-0123456789abcdef"
KEY_HASHES = (hashlib.sha256(KEY.encode()).hexdigest(),)
ACTIONS = ("buy", "exit", "sell", "exit")
"""What is fired for a symbol, over and over."""
EVENT: dict[str, Any] = json.loads((places.ROOT / "events" / "api-gateway-alert.json").read_text(encoding="utf-8"))
PATH = "layers/orderbridge"
CONNECT_S = 30.0
READY_S = 120.0
GIVE_UP_S = 1_800.0
FRESH_MS = 3_600_000
"""Entries stay fresh: what is measured is how long the burst takes, not how much of it grows old."""


@dataclass(frozen=True)
class Burst:
    """How much is fired, and who works it."""

    accounts: int
    symbols: int
    alerts: int
    executors: int
    receivers: int
    clock_rate: float = 1.0

    def symbol(self, number: int) -> str:
        """Name the symbol of an alert."""
        return f"CROWD{number % self.symbols:03d}"

    def account(self, number: int) -> str:
        """Name the account of an alert: each symbol is traded on one."""
        return f"account-{number % self.symbols % self.accounts}"

    def action(self, number: int) -> str:
        """Give what an alert asks for: the next step of its symbol's."""
        return ACTIONS[number // self.symbols % len(ACTIONS)]

    def event(self, number: int) -> dict[str, Any]:
        """Give the gateway's event of an alert."""
        body: dict[str, Any] = {"ticker": self.symbol(number), "action": self.action(number), "id": number}
        if self.action(number) != "exit":
            body["quantity"] = 1
        strategy = self.account(number)
        return EVENT | {"pathParameters": {"strategy": strategy, "key": KEY}, "body": json.dumps(body)}


class Staged:
    """A burst that can be fired."""

    def __init__(
        self, burst: Burst, aws: LocalAws, resources: BridgeResources, broker: SimulatedBroker, clock: "Clock"
    ) -> None:
        self.burst, self.aws, self.resources, self.broker, self.clock = burst, aws, resources, broker, clock
        self.receivers: list[subprocess.Popen[str]] = []
        self.fired_at_ms = 0
        self.fired_at = 0.0

    def fire(self) -> list[Mapping[str, Any]]:
        """Deliver all alerts; those of a symbol by one receiver, in order. Give what was answered."""
        self.fired_at_ms, self.fired_at = self.clock.now_ms(), time.monotonic()
        shares = [
            [number for number in range(self.burst.alerts) if number % self.burst.symbols % self.burst.receivers == at]
            for at in range(self.burst.receivers)
        ]
        with ThreadPoolExecutor(self.burst.receivers) as pool:
            return [answer for answers in pool.map(self._deliver, self.receivers, shares) for answer in answers]

    def _deliver(self, receiver: subprocess.Popen[str], numbers: Sequence[int]) -> list[Mapping[str, Any]]:
        assert receiver.stdin is not None
        answers: list[Mapping[str, Any]] = []
        for number in numbers:
            receiver.stdin.write(json.dumps(self.burst.event(number)) + "\n")
            receiver.stdin.flush()
            answers.append(json.loads(_line(receiver)))
        return answers

    def wait(self) -> float:
        """Wait until every job has ended; give how long it took since the first alert, in the machine's seconds."""
        give_up = time.monotonic() + GIVE_UP_S
        condition = {"KeyConditionExpression": "gpk = :open", "ExpressionAttributeValues": {":open": {"S": "OPEN#JOB"}}}
        dynamodb = self.aws.client("dynamodb")
        while time.monotonic() < give_up:
            found = dynamodb.query(
                TableName=self.resources.table_name, IndexName=keys.INDEX, Select="COUNT", **condition
            )
            if found["Count"] == 0:
                return time.monotonic() - self.fired_at
            time.sleep(0.5)
        raise TimeoutError("the burst is not worked in half an hour")


@dataclass(frozen=True)
class Clock:
    """The wall clock of the run."""

    started_ms: int
    rate: float

    def now_ms(self) -> int:
        """Give its time."""
        machine_ms = time.time_ns() // 1_000_000
        return self.started_ms + round((machine_ms - self.started_ms) * self.rate)


@contextmanager
def stage(aws: LocalAws, burst: Burst, folder: Path) -> Iterator[Staged]:
    """Set everything up for the length of a `with`."""
    clock = Clock(time.time_ns() // 1_000_000, burst.clock_rate)
    plain = places.plain_environment() | {
        "BURST_CLOCK": f"{clock.started_ms}:{clock.rate}",
        "PYTHONPATH": f"{places.ROOT / PATH}:{places.ROOT}",
        "SANDBOX_TRADERS": str(burst.accounts),
        "SANDBOX_STOCKS": str(burst.symbols),
    }
    with ExitStack() as up:
        broker = _broker(up, plain, folder)
        origin = "/".join(broker.base_url.split("/")[:3])
        resources = create_resources(aws, broker_hosts=(origin,))
        _connect(aws, resources, broker)
        environment = plain | aws.sdk_settings() | resources.environment()
        staged = Staged(burst, aws, resources, broker, clock)
        staged.receivers = [_receiver(up, environment, folder) for _ in range(burst.receivers)]
        executors = [_start(up, "executor", environment, folder) for _ in range(burst.executors)]
        for receiver in staged.receivers:
            _line(receiver)
        for executor in executors:
            processes.first_line(executor, READY_S)
        yield staged


def _start(up: ExitStack, role: str, environment: Mapping[str, str], folder: Path) -> processes.Child:
    """Start a process whose output goes to a log."""
    name = f"{role}-{len(list(folder.glob(f'logs/{role}-*')))}"
    command = [sys.executable, "-m", "benchmarks.burst_worker", role]
    child = processes.start(name, command, environment=environment, folder=folder / "logs", cwd=places.ROOT)
    up.callback(child.stop)
    return child


def _receiver(up: ExitStack, environment: Mapping[str, str], folder: Path) -> subprocess.Popen[str]:
    log = up.enter_context((folder / "receivers.log").open("a"))
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.burst_worker", "receiver"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=dict(environment),
        cwd=places.ROOT,
        text=True,
    )
    up.callback(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _line(process: subprocess.Popen[str]) -> str:
    """Give the next line. Raises `RuntimeError` when the process has ended."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a receiver has ended with {process.wait()}")
    return line


def _broker(up: ExitStack, environment: Mapping[str, str], folder: Path) -> SimulatedBroker:
    child = _start(up, "broker", environment, folder)
    described = json.loads(processes.first_line(child, READY_S))
    return SimulatedBroker("tradestation", described["base_url"], described["control_url"], described, child)


def _connect(aws: LocalAws, resources: BridgeResources, broker: SimulatedBroker) -> None:
    """Store a login, an account and a strategy for each account."""
    secrets = LoginSecrets(aws.client("secretsmanager"), resources.secret_prefix)
    dynamodb = aws.client("dynamodb")
    leases = TokenLeases(dynamodb, resources.table_name)
    crowd = [user for user in broker.described["users"] if user["username"].startswith("crowd-")]
    for at, user in enumerate(crowd):
        name = f"account-{at}"
        login = Login(
            broker="tradestation",
            environment="sim",
            base_url=broker.base_url,
            auth_url=str(broker.described["auth_url"]),
            refresh_token=Secret(user["refresh_token"]),
            access_token=Secret("lapsed"),
            access_expires_at_ms=1,
            obtained_at_ms=0,
            client_id=str(broker.described["client_id"]),
            client_secret=Secret(broker.described["client_secret"]),
        )
        keeper = TokenKeeper(name, secrets, leases, lambda login, _: login)
        keeper.replace_login(login, MonotonicDeadline(CONNECT_S))
        account = AccountSettings(
            name=name,
            broker="tradestation",
            environment="sim",
            connection=name,
            broker_account_id=user["accounts"][0]["id"],
            position_mode=PositionMode.NETTING,
            base_url=broker.base_url,
            kind="Margin",
        )
        strategy = StrategySettings(name, 1, (AccountRoute(name),), key_hashes=KEY_HASHES, entry_max_age_ms=FRESH_MS)
        route = Route(name, "tradestation", whole_account_lane=False)
        SettingsStore(dynamodb, resources.table_name).change(
            [PutAccount(account, None), PutStrategy(strategy, (route,), None)]
        )
