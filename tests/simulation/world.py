"""A whole bridge and everything around it in one process: what a story happens to."""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from orderbridge.broker_api.login.issue import begin
from orderbridge.broker_api.login.model import User
from orderbridge.broker_api.settings import Listed, PanelSettings
from orderbridge.cli.rules import Settings
from orderbridge.panel import Panel, PanelEnvironment
from orderbridge.panel_stage import PanelProcess
from orderbridge.storage.incarnation import Incarnation
from orderbridge.storage.panel_settings import PanelSettingsStore
from orderbridge.storage.secrets import LoginSecrets
from orderbridge.storage.sessions import Sessions
from orderbridge.storage.settings import PutAccount, PutStrategy, SettingsStore
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.users import Users
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from orderbridge.wiring import Bridge
from orderbridge.wiring import Environment as Variables
from tests.simulation.account import PREFIX, TABLE, Account
from tests.simulation.connections import StoredLogin, account_settings, login_of
from tests.simulation.cores import Core, TradeLockerCore, TradeStationCore
from tests.simulation.exchanges import Exchanges
from tests.simulation.hub import Hub
from tests.simulation.invariants.base import View
from tests.simulation.invariants.books import Placed
from tests.simulation.invariants.evidence import (
    AccountEvidence,
    FiredAlert,
    LoginEvidence,
    Restored,
    Told,
    Trouble,
    Write,
)
from tests.simulation.invariants.exchanged import Exchange
from tests.simulation.invariants.pressed import Listing, Pressed
from tests.simulation.lambdas import TIMEOUT_MS, Complaints, Environment, Function, take_logs
from tests.simulation.ledgers import TradeLockerLedger, TradeStationLedger
from tests.simulation.markets import COINS, FUTURES, SHARES
from tests.simulation.panel import TradingPanel
from tests.simulation.process import Process
from tests.simulation.protocol import InProcessConnection
from tests.simulation.recovery import Operator, terminal
from tests.simulation.sdk import SdkClient
from tests.simulation.sources import Poller, Scheduler
from tests.simulation.story import START_MS, Story, Strategy
from tests.simulation.tradingview import TradingView
from tests.simulation.weather import Weather
from tests.simulation.wire import BrokerWire, Outages

KEY = "the-key-of-"
PERSON = "ann"
"""Who trades at the panel."""
PANEL = PanelSettings(
    {
        "tradestation": tuple(Listed(one.symbol) for one in (*SHARES, *FUTURES)),
        "tradelocker": tuple(Listed(one.symbol) for one in COINS),
    }
)
ATTEMPTS = {"dynamodb": (3, 3.0)}
"""Service -> tries in all, read time-out in seconds, as `wiring.aws_client` and `storage.clients` have them."""
DEFAULT_ATTEMPTS = (2, 2.0)


class World:
    """Implements `Evidence`, and `Observer` of all processes."""

    def __init__(self, story: Story, watch: Callable[[], None] = lambda: None, told: bool = False) -> None:
        """`watch` is called after each step that may have changed something; `told` keeps the time line."""
        self.story = story
        self.watch = watch
        self.lines: list[str] = []
        self._tells = told
        self.hub = Hub(START_MS, self._seed("hub"))
        self.weather = Weather(self.note)
        self.outages = Outages()
        self._exchanges = Exchanges(self.hub.now_ms)
        self.stumbles: dict[str, int] = {}
        self.aws = Account(self.hub.now_ms, self.dice("account"), self.dice("secrets"))
        self.cores: dict[str, Core] = {
            "tradelocker": TradeLockerCore(self.hub, story.switches.get("tradelocker", {})),
            "tradestation": TradeStationCore(self.hub, story.switches.get("tradestation", {})),
        }
        self._core_due: dict[str, int] = {}
        self.aws.topics.on_message = self._hear
        self.complaints = Complaints(self.note)
        self.kills = 0
        self.restored: list[Restored] = []
        self.taken_over: set[tuple[str, str]] = set()
        self.lifted = 0
        """How many restored tables an operator has let send again."""
        self.operators = 0
        """How many are at work, or on their way to it."""
        self.decisions = 0
        """How many orders of unknown outcome they have decided."""
        self._people = 0
        self._backup: tuple[int, dict[Any, Any]] | None = None
        self._processes: list[Process] = []
        self.faults_ended_ms: int | None = None
        self._troubles: list[Trouble] = []
        self._marks: tuple[int, ...] = ()
        self.functions = {name: self._function(name) for name in TIMEOUT_MS}
        self.tradingview = TradingView(
            self.hub, self.functions["alert_receiver"], self.weather, self.dice("tradingview"), self.note,
            lambda strategy: KEY + strategy,
        )  # fmt: skip
        self.poller = Poller(
            self.hub, self.aws.queues, self.aws.bell_url, self.functions["order_executor"], self.weather,
            self.dice("poller"), self.note,
        )  # fmt: skip
        self.scheduler = Scheduler(self.hub, self.functions["refresher"], self.weather, self.dice("scheduler"))
        self._settings_versions: dict[str, list[StrategySettings]] = {}
        self._books: dict[str, AccountEvidence] = {}
        self.lost_logins: set[str] = set()
        self._move_in()
        self.panel = TradingPanel(
            self.hub, self.functions["broker_api"], self.weather, self.dice("browsers"), self.note,
            self._let_in() if story.panel else "",
        )  # fmt: skip

    # ---- chance and the time line

    def _seed(self, name: str) -> str:
        return f"{self.story.shape} {self.story.seed} {name}"

    def dice(self, name: str) -> Random:
        """Give dice of their own to whoever draws, so that what one draws moves nobody else's numbers."""
        return Random(self._seed(name))

    def note(self, text: str) -> None:
        """Add a line to the story's time line."""
        if self._tells:
            self.lines.append(f"{(self.hub.now - START_MS) / 1000:9.3f}  {text}")

    # ---- Observer

    @property
    def actor(self) -> str:
        return self.aws.actor

    @actor.setter
    def actor(self, name: str) -> None:
        self.aws.actor = name

    def changed(self) -> None:
        """Look at what a call has changed: the invariants are asked, and whoever waits for it is woken."""
        marks = (len(self.aws.writes), *(core.changes for core in self.cores.values()))
        if marks != self._marks:
            self._marks = marks
            self._expect_cores()
            self.watch()
        self.poller.wake()
        self.actor = "world"

    def died(self, process: Process, why: str) -> None:
        self.kills += 1
        self.lost_logins |= process.in_hand
        self.note(f"{process.name} died {why}")
        self.trouble("killed", 85_000)

    def frozen(self, milliseconds: int, service: str) -> None:
        if service in self.cores:
            self.trouble("frozen", milliseconds)
        self.trouble("killed", milliseconds + 85_000)

    def stumbled(self, process: Process) -> None:
        self.stumbles[process.name] = self.hub.now

    def _expect_cores(self) -> None:
        """See that what falls due at a broker happens at its moment, and is seen then."""
        for name, core in self.cores.items():
            due_ms = core.next_due_ms()
            if due_ms is not None and self._core_due.get(name, 0) <= self.hub.now:
                self._core_due[name] = max(due_ms, self.hub.now + 1)
                self.hub.at(self._core_due[name], partial(self._advance, core))

    def _advance(self, core: Core) -> None:
        core.advance()
        self.changed()

    def trouble(self, kind: Any, for_ms: int | None, account: str = "") -> None:
        """Log a stretch of time in which nobody could have done better."""
        to_ms = None if for_ms is None else self.hub.now + for_ms
        self._troubles.append(Trouble(self.hub.now, to_ms, kind, account))

    def trouble_over(self, kind: str, account: str = "") -> None:
        """End the troubles of a kind that last."""
        now = self.hub.now
        for at, one in enumerate(self._troubles):
            if one.kind == kind and one.account == account and one.to_ms is None:
                self._troubles[at] = replace(one, to_ms=now)

    # ---- moving in

    def _function(self, name: str) -> Function:
        return Function(self.hub, name, self.dice(f"function {name}"), self._equip)

    def _equip(self, function: str, number: int) -> Environment:
        name = f"{function}-{number}"
        dice = self.dice(name)
        skew_ms = dice.randint(-self.story.skew_ms, self.story.skew_ms)
        process = Process(self.hub, self.weather, self, function, name, dice, skew_ms)
        self._processes.append(process)
        variables = self.aws.variables()
        environment = Environment(function, process, variables if function == "broker_api" else {})
        take_logs(self.complaints, function)
        self.note(f"{name} starts, its clock {skew_ms} ms off")
        module = environment.module.__dict__
        if function == "alert_receiver":
            module["receiver"] = module["receiver_of"](variables, process, self._connect(process))
            return environment
        wire = BrokerWire(process, self.cores, self.outages, self._exchanges, self._wrote)
        clients = self.client_of(process, retries=True)
        bridge = Bridge(Variables.read(variables), wire, process, clients)
        if function == "broker_api":
            panel = Panel(PanelEnvironment.read(variables), transport=wire, machine=process, client_of=clients)
            module["process"] = PanelProcess(bridge, panel)
        else:
            module["bridge"] = bridge
        return environment

    def _connect(self, process: Process) -> Any:
        """Give what opens the connections of the receiver's own lean client."""
        client_of = self.client_of(process)
        clients = {service: client_of(service) for service in ("dynamodb", "sqs")}
        return lambda service, _connect_s, _read_s: InProcessConnection(service, clients[service])

    def client_of(self, process: Process, *, retries: bool = False) -> Callable[[str], Any]:
        """Give what gives a process its AWS clients."""

        def made(service: str) -> SdkClient:
            attempts, read_timeout_s = ATTEMPTS.get(service, DEFAULT_ATTEMPTS)
            if not retries:
                attempts, read_timeout_s = 1, 0.8
            client = SdkClient(process, self.aws.service(service), service, self.aws.flights, attempts, read_timeout_s)
            if service == "secretsmanager":
                client.on_done = self._secret_done(process)
            return client

        return made

    def _secret_done(self, process: Process) -> Callable[[str], None]:
        def done(operation: str) -> None:
            if operation in ("put_secret_value", "create_secret"):
                process.in_hand.clear()

        return done

    def _wrote(self, process: str, operation: str, fault: str, status: int | None) -> None:
        self.note(f"{process} {operation} -> {status}{' ' + fault if fault else ''}")

    def _move_in(self) -> None:
        accounts = {seat.name: account_settings(seat) for seat in self.story.seats}
        self._settings = SettingsStore(self.aws.table, TABLE)
        self._settings.change([PutAccount(settings, None) for settings in accounts.values()])
        for strategy in self.story.strategies:
            self.put_strategy(strategy, None)
        secrets, leases = LoginSecrets(self.aws.secrets, PREFIX), TokenLeases(self.aws.table, TABLE)
        for connection in sorted({settings.connection for settings in accounts.values()}):
            login = login_of(connection, self.cores, self.hub.now)
            version = connection.ljust(32, "0")
            secrets.create(connection, login, version)
            leases.register(connection, login, version)
        for name, settings in accounts.items():
            core = self.cores[settings.broker]
            ledger = TradeLockerLedger if settings.broker == "tradelocker" else TradeStationLedger
            self._books[name] = ledger(settings, core)
        if self.story.restores:  # the refresher's first minute was long ago
            Incarnation(self.aws.table, TABLE).beat(self.hub.now)
        self._logins = [
            StoredLogin(connection, self.aws, self.cores, self.lost_logins, self.hub.now_ms)
            for connection in sorted({settings.connection for settings in accounts.values()})
        ]

    # ---- a restored table

    def back_up(self) -> None:
        """Make the copy to which the table may go back."""
        self._backup = (self.hub.now, self.aws.table.backup())

    def restore(self) -> None:
        """End every process, and put the table back to the copy; trading at the brokers goes on."""
        if self._backup is None:
            return
        for process in self._processes:
            if process.alive:
                self.lost_logins |= process.in_hand
                self.stumbled(process)
                process.alive = False
        self._processes.clear()
        for function in self.functions.values():
            function.forget()
        copied_ms, items = self._backup
        self.aws.table.restore(items)
        self.restored.append(Restored(self.hub.now, copied_ms, len(self.aws.writes), self.aws.table.table_id))
        self.aws.flights.keys.clear()
        self.trouble("halted", None)

    def recover(self) -> None:
        """Let a person reconcile the restored table and lift its halt."""
        if not self.restored or len(self.restored) == self.lifted or self.operators:
            return
        self.operators += 1
        number = len(self.restored)
        operator = self._operator(f"operator-{number}", "operator")

        def work() -> None:
            if operator.recover():
                self.lifted = number
                self.trouble_over("halted")
                self.trouble("killed", 125_000)
            self.operators -= 1
            self.changed()

        self.hub.start(work)

    def _operator(self, name: str, dice: str) -> Operator:
        process = Process(self.hub, self.weather, self, "operator", name, self.dice(dice), 0)
        wire = BrokerWire(process, self.cores, self.outages, self._exchanges, self._wrote)
        opened = terminal(process, wire, self.client_of(process, retries=True), self.aws.variables())
        return Operator(opened, self, lambda account, root: self.taken_over.add((account, root)), self.note)

    def owner_of(self, order_id: str) -> str:
        """Give the strategy that has placed an order in truth."""
        found = next((one for one in self._placed() if one.row.id == order_id), None)
        return found.strategy if found is not None and found.strategy in self._settings_versions else ""

    def order_of(self, command_id: str) -> str:
        """Give the order that a command has become in truth, without its exits."""
        mine = (one for one in self._placed() if one.command is not None and not one.row.parent_id)
        found = next((one for one in mine if one.command and one.command.record.command_id == command_id), None)
        return "" if found is None else found.row.id

    def _placed(self) -> list[Placed]:
        view = View(self)
        view.refresh()
        return [one for book in view.books.by_account.values() for one in book.placed]

    # ---- what a person is asked

    def _hear(self, message: str) -> None:
        """A person reads the notice some time later, and looks into what it asks about."""
        if "orderbridge unresolved" not in message:
            return
        self.operators += 1
        self._people += 1
        name = f"person-{self._people}"
        self.hub.after(self.dice(name).randint(5_000, 40_000), lambda: self.hub.start(partial(self._decide, name)))

    def _decide(self, name: str) -> None:
        operator = self._operator(name, f"terminal of {name}")
        done = operator.decide()
        self.decisions += operator.decided
        if not done:
            self._hear("orderbridge unresolved")
        self.operators -= 1
        self.changed()

    def _let_in(self) -> str:
        """Make the panel's person with all accounts of the story; give the token of their sign-in."""
        PanelSettingsStore(self.aws.table, TABLE).write(PANEL)
        user = User(PERSON, "1", accounts=self.story.panel)
        Users(self.aws.table, TABLE).put(user, None)
        sign_in, issued = begin("password", self.hub.now, self.dice("sign-in").randbytes, user=user)
        Sessions(self.aws.table, TABLE).begin(sign_in)
        return issued.access_token.reveal()

    def put_strategy(self, strategy: Strategy, replaces: int | None, **changed: Any) -> None:
        """Write a strategy's settings as the command line does."""
        seats = {seat.name: seat for seat in self.story.seats}
        brokers = {seats[name].broker for name in strategy.accounts}
        settings = StrategySettings(
            name=strategy.name,
            version=(replaces or 0) + 1,
            accounts=tuple(AccountRoute(name) for name in strategy.accounts),
            key_hashes=(hashlib.sha256((KEY + strategy.name).encode()).hexdigest(),),
            **{"quantity_unit": "lots" if "tradelocker" in brokers else None, **strategy.settings, **changed},
        )
        accounts = {name: account_settings(seat) for name, seat in seats.items()}
        routes = Settings(accounts, {}, PANEL).routes(settings)
        self._settings.change([PutStrategy(settings, routes, replaces)])
        self._settings_versions.setdefault(strategy.name, []).append(settings)

    def settings_of(self, strategy: str) -> StrategySettings:
        """Give a strategy's settings as they stand: a table that was put back has those of its copy."""
        stored = self._settings.strategy(strategy)
        assert stored is not None
        return stored.value

    # ---- Evidence

    def now_ms(self) -> int:
        return self.hub.now

    @property
    def items(self) -> Mapping[Any, Mapping[str, Any]]:
        return self.aws.table.items

    @property
    def writes(self) -> Sequence[Write]:
        return self.aws.writes

    @property
    def accounts(self) -> Mapping[str, AccountEvidence]:
        return self._books

    @property
    def strategies(self) -> Mapping[str, Sequence[StrategySettings]]:
        return self._settings_versions

    @property
    def alerts(self) -> Sequence[FiredAlert]:
        return self.tradingview.alerts

    @property
    def presses(self) -> Sequence[Pressed]:
        return self.panel.presses

    @property
    def serving(self) -> Mapping[str, int]:
        return self.panel.serving

    @property
    def listings(self) -> Sequence[Listing]:
        return self.panel.listings

    @property
    def troubles(self) -> Sequence[Trouble]:
        return self._troubles

    @property
    def told(self) -> Sequence[Told]:
        return self.aws.told()

    @property
    def exchanges(self) -> Sequence[Exchange]:
        return self._exchanges.all

    @property
    def logins(self) -> Sequence[LoginEvidence]:
        return self._logins


@contextmanager
def quiet_output() -> Iterator[None]:
    """Throw away what the functions print, their metrics."""
    with redirect_stdout(_Nowhere()):
        yield


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)
