"""How each process of a story is equipped: clock, AWS clients, way to the brokers, and the parts of the bridge."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from orderbridge.panel import Panel, PanelEnvironment
from orderbridge.panel_stage import PanelProcess
from orderbridge.wiring import Bridge
from orderbridge.wiring import Environment as Variables
from tests.simulation.account import Account
from tests.simulation.cores import Core
from tests.simulation.exchanges import Exchanges
from tests.simulation.hub import Hub
from tests.simulation.lambdas import Complaints, Environment, take_logs
from tests.simulation.process import Observer, Process
from tests.simulation.protocol import InProcessConnection
from tests.simulation.recovery import Terminal, terminal
from tests.simulation.sdk import SdkClient
from tests.simulation.weather import Weather
from tests.simulation.wire import BrokerWire, Outages

ATTEMPTS = {"dynamodb": (3, 3.0)}
"""Service -> tries in all, read time-out in seconds, as `wiring.aws_client` and `storage.clients` have them."""
DEFAULT_ATTEMPTS = (2, 2.0)
LEAN_ATTEMPTS = (1, 0.8)
"""The receiver's own client."""


class Equipment:
    """Starts processes, and knows all that were started."""

    def __init__(
        self,
        hub: Hub,
        weather: Weather,
        observer: Observer,
        aws: Account,
        cores: Mapping[str, Core],
        dice: Callable[[str], Random],
        skew_ms: int,
        note: Callable[[str], None],
    ) -> None:
        """`skew_ms` bounds how far a function's clock is off."""
        self._hub = hub
        self._weather = weather
        self._observer = observer
        self._aws = aws
        self._cores = cores
        self._dice = dice
        self._skew_ms = skew_ms
        self._note = note
        self.outages = Outages()
        self.exchanges = Exchanges(hub.now_ms)
        self.complaints = Complaints(note)
        self.processes: list[Process] = []

    def environment(self, function: str, number: int) -> Environment:
        """Start a function's environment of that number."""
        name = f"{function}-{number}"
        dice = self._dice(name)
        skew_ms = dice.randint(-self._skew_ms, self._skew_ms)
        process = self._process(function, name, dice, skew_ms)
        self.processes.append(process)
        variables = self._aws.variables()
        environment = Environment(function, process, variables if function == "broker_api" else {})
        take_logs(self.complaints, function)
        self._note(f"{name} starts, its clock {skew_ms} ms off")
        module = environment.module.__dict__
        if function == "alert_receiver":
            module["receiver"] = module["receiver_of"](variables, process, self._connect(process))
            return environment
        wire, clients = self._wire(process), self._clients(process)
        bridge = Bridge(Variables.read(variables), wire, process, clients)
        if function == "broker_api":
            panel = Panel(PanelEnvironment.read(variables), transport=wire, machine=process, client_of=clients)
            module["process"] = PanelProcess(bridge, panel)
        else:
            module["bridge"] = bridge
        return environment

    def terminal(self, name: str, dice: str) -> Terminal:
        """Start a person's terminal."""
        process = self._process("operator", name, self._dice(dice), 0)
        return terminal(process, self._wire(process), self._clients(process), self._aws.variables())

    def _process(self, function: str, name: str, dice: Random, skew_ms: int) -> Process:
        return Process(self._hub, self._weather, self._observer, function, name, dice, skew_ms)

    def _wire(self, process: Process) -> BrokerWire:
        return BrokerWire(process, self._cores, self.outages, self.exchanges, self._wrote)

    def _wrote(self, process: str, operation: str, fault: str, status: int | None) -> None:
        self._note(f"{process} {operation} -> {status}{' ' + fault if fault else ''}")

    def _connect(self, process: Process) -> Any:
        """Give what opens the connections of the receiver's own lean client."""
        clients = {service: self._client(process, service, LEAN_ATTEMPTS) for service in ("dynamodb", "sqs")}
        return lambda service, _connect_s, _read_s: InProcessConnection(service, clients[service])

    def _clients(self, process: Process) -> Callable[[str], Any]:
        """Give what gives a process its AWS clients."""
        return lambda service: self._client(process, service, ATTEMPTS.get(service, DEFAULT_ATTEMPTS))

    def _client(self, process: Process, service: str, attempts: tuple[int, float]) -> SdkClient:
        client = SdkClient(process, self._aws.service(service), service, self._aws.flights, *attempts)
        if service == "secretsmanager":
            client.on_done = _secret_done(process)
        return client


def _secret_done(process: Process) -> Callable[[str], None]:
    def done(operation: str) -> None:
        if operation in ("put_secret_value", "create_secret"):
            process.in_hand.clear()

    return done
