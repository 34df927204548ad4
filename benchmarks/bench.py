"""The measured functions, what they talk to, and one alert's way through them."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import layer as layers
from benchmarks.aws_stub import AwsStub, aws_stub, version_of
from benchmarks.measure import WARM_UP, Design, Measured, bell_event, environment, run, webhook_event
from benchmarks.seats import KEY, SECRET_PREFIX, TABLE, Seat, take_seat
from orderbridge.brokers.login import Login
from orderbridge.storage.secrets import login_to_json
from orderbridge.storage.token_lease import TokenLeases
from sandbox import places
from sandbox.demo.brokers import BrokerName, SimulatedBroker, simulated_broker
from sandbox.demo.setup import open_markets

BROKERS: tuple[BrokerName, ...] = ("tradestation", "tradelocker")
KEY_HASH = hashlib.sha256(KEY.encode()).hexdigest()
DESIGNS = Path(__file__).parent / "designs"


@dataclass(frozen=True)
class FirstOrder:
    """One alert that became one order, receiver and executor both in fresh processes."""

    receiver: Measured
    executor: Measured
    calls: int
    """AWS calls of both until the order's POST."""

    @property
    def cpu_ms(self) -> float:
        """CPU from the receiver's start to the POST."""
        return self.receiver.start_ms + self.receiver.cold_ms + (self.executor.posted_ms or 0.0)

    @property
    def wall_ms(self) -> float:
        """Wall clock's time of both processes to the POST, without what lies between them."""
        received = self.receiver.invokes[0].ended_at - self.receiver.spawned_at
        return received + (self.executor.posted_at or 0.0) - self.executor.spawned_at


@contextmanager
def measuring(*, build_again: bool = True) -> Iterator["Bench"]:
    """Build the layer and start what the measured functions talk to, for the length of a `with`."""
    layer, extra = layers.build(again=build_again)
    with ExitStack() as up:
        folder = Path(up.enter_context(tempfile.TemporaryDirectory()))
        stub = up.enter_context(aws_stub())
        brokers = {name: up.enter_context(simulated_broker(name, layers.FOLDER)) for name in BROKERS}
        open_markets(brokers["tradelocker"])
        seats = {name: take_seat(broker) for name, broker in brokers.items()}
        yield Bench(folder, stub, brokers, seats, {design.name: design for design in _designs(layer, extra)})


def _designs(layer: Path, extra: Path) -> list[Design]:
    functions = places.ROOT / "functions"
    return [
        Design("floor", "floor: json, hmac, hashlib; stores nothing", (DESIGNS / "floor",)),
        Design("receiver", "alert receiver", (functions / "alert_receiver", layer)),
        Design("executor", "order executor, first bell to its end", (functions / "order_executor", layer)),
        Design("refresher", "refresher", (functions / "refresher", layer)),
        Design(
            "naive",
            "naive receiver",
            (DESIGNS / "naive", layer, extra),
            {"AWS_DATA_PATH": str(extra / layers.NAIVE_DATA)},
        ),
    ]


@dataclass(frozen=True)
class Bench:
    """The stub, the simulated brokers and what is run against them."""

    folder: Path
    stub: AwsStub
    brokers: dict[BrokerName, SimulatedBroker]
    seats: dict[BrokerName, Seat]
    designs: dict[str, Design]

    def receive(self, name: str, warm_invokes: int) -> Measured:
        """Run a receiver over one cold alert and then warm ones."""
        seat = self.fresh(BROKERS[0])
        events = [webhook_event(seat.message(number)) for number in range(1 + WARM_UP + warm_invokes)]
        measured = run(self.designs[name], events, environment(self.stub, KEY_HASH), self.folder)
        statuses = {invoke.answer["statusCode"] for invoke in measured.invokes}
        if statuses != {202} or (name != "floor" and len(self.stub.bells) != len(events)):
            raise RuntimeError(f"{name} rang {len(self.stub.bells)} bells, and answered {measured.invokes[0].answer}")
        return measured

    def first_order(self, name: BrokerName) -> FirstOrder:
        """Let one alert become one order, each function in a fresh process."""
        seat = self.fresh(name)
        broker = self.brokers[name]
        receiver = self.run("receiver", name, [webhook_event(seat.message(0))])
        executor = self.run("executor", name, [bell_event(self.stub.bells[0])])
        posts = [entry for entry in broker.journal() if entry["method"] == "POST"]
        placed = [entry for entry in posts if entry["path"].endswith("/orders")]
        if len(placed) != 1 or executor.posted_ms is None:
            raise RuntimeError(f"{name} got {len(placed)} orders: {_endings(self.stub)}")
        calls = len(self.stub.meter.between(0.0, executor.posted_at or 0.0).calls)
        return FirstOrder(receiver, executor, calls)

    def run(
        self, design: str, broker: BrokerName, events: Sequence[Mapping[str, Any]], pause_s: float = 0
    ) -> Measured:
        """Run one of our functions in a fresh process, with what the stores hold by now.

        Raises `RuntimeError` when it fails at its duty.
        """
        host = self.brokers[broker].base_url.split("/", 3)[2]
        variables = environment(self.stub, KEY_HASH, (host,))
        measured = run(self.designs[design], events, variables, self.folder, pause_s)
        failed = [invoke.answer for invoke in measured.invokes if invoke.answer.get("batchItemFailures")]
        if failed:
            raise RuntimeError(f"{design} did not answer a bell:\n{measured.output}")
        return measured

    def fresh(self, name: BrokerName) -> Seat:
        """Empty the stores and the broker, and store the seat's settings and login again."""
        self.stub.clear()
        self.brokers[name].control("reset", {})
        if name == "tradelocker":
            open_markets(self.brokers[name])
        self.seats[name].store(self.stub, KEY_HASH)
        return self.seats[name]

    def make_older(self, name: BrokerName, by_ms: int) -> None:
        """Store the seat's login as one that was obtained `by_ms` earlier, and note it as connected."""
        seat = self.seats[name]
        login = replace(seat.login, obtained_at_ms=seat.login.obtained_at_ms - by_ms)
        self.stub.secrets[f"{SECRET_PREFIX}connections/{seat.account.connection}"] = login_to_json(login)
        self.register(name, login)

    def register(self, name: BrokerName, login: Login) -> None:
        """Note a login as connected, which `orderbridge connect` does."""
        leases = TokenLeases(self.stub.table, TABLE)
        leases.register(self.seats[name].account.connection, login, version_of(login_to_json(login)))


def _endings(stub: AwsStub) -> list[Any]:
    items = stub.table.scan()["Items"]
    return [item.get("sentence") for item in items if item["sk"]["S"] == "ALERT"]
