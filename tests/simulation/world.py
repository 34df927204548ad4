"""A whole bridge and everything around it in one process: what a story happens to."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from random import Random
from typing import Any

from orderbridge.strategy.settings import StrategySettings
from tests.simulation.account import Account
from tests.simulation.connections import StoredLogin
from tests.simulation.cores import Core, TradeLockerCore, TradeStationCore
from tests.simulation.equipment import Equipment
from tests.simulation.hub import Hub
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
from tests.simulation.lambdas import TIMEOUT_MS, Function
from tests.simulation.ledgers import TradeLockerLedger, TradeStationLedger
from tests.simulation.panel import TradingPanel
from tests.simulation.process import Process
from tests.simulation.sources import Poller, Scheduler
from tests.simulation.stored import KEY, Stored
from tests.simulation.story import START_MS, Story
from tests.simulation.tradingview import TradingView
from tests.simulation.troubles import Troubles
from tests.simulation.weather import Weather


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
        self.trouble = Troubles(self.hub.now_ms)
        self.stumbles: dict[str, int] = {}
        self.aws = Account(self.hub.now_ms, self.dice("account"), self.dice("secrets"))
        self.cores: dict[str, Core] = {
            "tradelocker": TradeLockerCore(self.hub, story.switches.get("tradelocker", {})),
            "tradestation": TradeStationCore(self.hub, story.switches.get("tradestation", {})),
        }
        self._core_due: dict[str, int] = {}
        self.kills = 0
        self.lost_logins: set[str] = set()
        self.restored: list[Restored] = []
        self.taken_over: set[tuple[str, str]] = set()
        self._backup: tuple[int, dict[Any, Any]] | None = None
        self.faults_ended_ms: int | None = None
        self._marks: tuple[int, ...] = ()
        self.equipment = Equipment(
            self.hub, self.weather, self, self.aws, self.cores, self.dice, story.skew_ms, self.note
        )  # fmt: skip
        self.functions = {
            name: Function(self.hub, name, self.dice(f"function {name}"), self.equipment.environment)
            for name in TIMEOUT_MS
        }
        self.tradingview = TradingView(
            self.hub, self.functions["alert_receiver"], self.weather, self.dice("tradingview"), self.note,
            lambda strategy: KEY + strategy,
        )  # fmt: skip
        self.poller = Poller(
            self.hub, self.aws.queues, self.aws.bell_url, self.functions["order_executor"], self.weather,
            self.dice("poller"), self.note,
        )  # fmt: skip
        self.scheduler = Scheduler(self.hub, self.functions["refresher"], self.weather, self.dice("scheduler"))
        self.stored = self._move_in()
        self._books = {name: self._book(name) for name in self.stored.accounts}
        self._logins = [
            StoredLogin(connection, self.aws, self.cores, self.lost_logins, self.hub.now_ms)
            for connection in self.stored.connections
        ]
        token = self.stored.let_in(story.panel, self.hub.now, self.dice("sign-in")) if story.panel else ""
        self.panel = TradingPanel(
            self.hub, self.functions["broker_api"], self.weather, self.dice("browsers"), self.note, token
        )

    def _move_in(self) -> Stored:
        stored = Stored(self.story, self.aws)
        stored.log_in(self.cores, self.hub.now)
        if self.story.restores:  # the refresher's first minute was long ago
            stored.mark(self.hub.now)
        return stored

    def _book(self, name: str) -> AccountEvidence:
        settings = self.stored.accounts[name]
        ledger = TradeLockerLedger if settings.broker == "tradelocker" else TradeStationLedger
        return ledger(settings, self.cores[settings.broker])

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
        self.trouble.begin("killed", 85_000)

    def frozen(self, milliseconds: int, service: str) -> None:
        if service in self.cores:
            self.trouble.begin("frozen", milliseconds)
        self.trouble.begin("killed", milliseconds + 85_000)

    def late(self, milliseconds: int) -> None:
        self.trouble.begin("late", milliseconds)

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

    # ---- a restored table

    def back_up(self) -> None:
        """Make the copy to which the table may go back."""
        self._backup = (self.hub.now, self.aws.table.backup())

    def restore(self) -> None:
        """End every process, and put the table back to the copy; trading at the brokers goes on."""
        if self._backup is None:
            return
        for process in self.equipment.processes:
            if process.alive:
                self.lost_logins |= process.in_hand
                self.stumbled(process)
                process.alive = False
        self.equipment.processes.clear()
        for function in self.functions.values():
            function.forget()
        copied_ms, items = self._backup
        self.aws.table.restore(items)
        self.restored.append(Restored(self.hub.now, copied_ms, len(self.aws.writes), self.aws.table.table_id))
        self.aws.flights.keys.clear()
        self.trouble.begin("restored", None)

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
        return self.stored.strategies

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
        return self.trouble.all

    @property
    def told(self) -> Sequence[Told]:
        return self.aws.told()

    @property
    def exchanges(self) -> Sequence[Exchange]:
        return self.equipment.exchanges.all

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
