"""Evidence made by hand: a few writes and rows, small enough to see that a verdict is right."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from orderbridge import codec
from orderbridge.brokers.tradelocker.labels import label_of
from orderbridge.brokers.tradestation.wire import confirm_id
from orderbridge.commands import Command, Place
from orderbridge.execution.records import CommandRecord, CommandStatus, Role
from orderbridge.model import PositionMode, Side
from orderbridge.storage.items import marshal
from orderbridge.strategy.settings import AccountRoute, AccountSettings, StrategySettings
from tests.simulation.invariants.evidence import (
    Delivery,
    Fill,
    FiredAlert,
    Held,
    Key,
    LoginEvidence,
    Meant,
    Restored,
    Row,
    Told,
    Trouble,
    Write,
)
from tests.simulation.invariants.exchanged import Exchange
from tests.simulation.invariants.pressed import Listing, Pressed

START_MS = 1_800_000_000_000
SYMBOL = {"tradestation": "MSFT", "tradelocker": "BTCUSD"}
D = Decimal


@dataclass
class MadeAccount:
    """An account whose book is two lists."""

    settings: AccountSettings
    lot: Decimal = field(default_factory=lambda: D(1))
    book: list[Row] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    changes: int = 0

    def version(self) -> object:
        return self.changes

    def rows(self) -> Sequence[Row]:
        return list(self.book)

    def positions(self) -> Sequence[Held]:
        return list(self.held)

    def units_per_quantity(self, symbol: str) -> Decimal:
        del symbol
        return self.lot


@dataclass(frozen=True)
class MadeLogin:
    connection: str
    good: bool
    in_hand: bool = False

    def works(self) -> bool:
        return self.good

    def lost_in_hand(self) -> bool:
        return self.in_hand


class Made:
    """`Evidence` that a test fills; `step` is what looks at it after each change."""

    def __init__(self, broker: Any = "tradestation", mode: PositionMode = PositionMode.NETTING) -> None:
        self.at_ms = START_MS
        self.items: dict[Key, Mapping[str, Any]] = {}
        self.writes: list[Write] = []
        self.account = MadeAccount(AccountSettings("acc", broker, "sim", "login", "1", mode, "http://x"))
        self.accounts = {"acc": self.account}
        self.strategies: dict[str, list[StrategySettings]] = {}
        self.alerts: list[FiredAlert] = []
        self.restored: list[Restored] = []
        self.taken_over: set[tuple[str, str]] = set()
        self.presses: list[Pressed] = []
        self.serving: dict[str, int] = {}
        self.listings: list[Listing] = []
        self.troubles: list[Trouble] = []
        self.told: list[Told] = []
        self.logins: list[LoginEvidence] = []
        self.exchanges: list[Exchange] = []
        self.stumbles: dict[str, int] = {}
        self.faults_ended_ms: int | None = START_MS
        self.step: Callable[[], object] = lambda: None
        self.symbol = SYMBOL[broker]
        self.strategy("s")

    def now_ms(self) -> int:
        return self.at_ms

    def later(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)
        self.step()

    def strategy(self, name: str, **values: Any) -> None:
        self.strategies[name] = [StrategySettings(name, 1, (AccountRoute("acc"),), **values)]

    # ---- the table

    def write(self, key: Key, item: Mapping[str, Any] | None, process: str = "p", *, quiet: bool = False) -> None:
        """Write an item of plain values; `quiet` leaves the look to the next write, as in one transaction."""
        after = None if item is None else marshal({"pk": key[0], "sk": key[1], **item})
        self.writes.append(Write(self.at_ms, process, key, self.items.get(key), after))
        if after is None:
            self.items.pop(key, None)
        else:
            self.items[key] = after
        if not quiet:
            self.step()

    def lane(self, epoch: int, owner: str, until_s: float = 45, process: str = "", **state: Any) -> None:
        """Write the lane's item; the process is its owner unless another is named."""
        item = {
            "epoch": epoch,
            "owner": owner,
            "until_ms": self.at_ms + round(until_s * 1000),
            "data": json.dumps(state),
        }
        self.write((f"LANE#{self._lane}", "STATE"), item, process or owner)

    @property
    def _lane(self) -> str:
        return f"acc#{self.symbol}"

    def fire(self, action: Any, quantity: Any = None, *, strategy: str = "s", status: int = 202, **meant: Any) -> str:
        """Fire an alert that is answered and stored with its job; give the job's id."""
        number = len(self.alerts)
        alert_id = f"a{number:02d}"
        size = None if quantity is None else D(quantity)
        fired = Meant(action, self.symbol, size, **{"fired_at_ms": self.at_ms, **meant})
        body = f"body {number}".encode()
        delivery = Delivery(self.at_ms, status, alert_id)
        self.alerts.append(FiredAlert(strategy, fired, body, self.at_ms, (delivery,)))
        self.store(number)
        return f"{alert_id}.acc"

    def store(self, number: int, *, alert_id: str = "", jobs: int = 1) -> None:
        """Store the items of an alert."""
        alert = self.alerts[number]
        alert_id = alert_id or f"a{number:02d}"
        item = {"strategy": alert.strategy, "body": alert.body.decode(), "status": "accepted", "jobs": jobs}
        self.write((f"ALERT#{alert_id}", "ALERT"), item, quiet=True)
        self.job(f"{alert_id}.acc", alert.strategy)

    def job(self, job_id: str, strategy: str = "s", status: str = "QUEUED", **about: Any) -> None:
        """Write a job's item; it is open until its status is an ending."""
        data = {
            "job_id": job_id,
            "alert_id": job_id.partition(".")[0],
            "strategy": strategy,
            "account": "acc",
            "root": self.symbol,
            "accepted_at_ms": self.at_ms,
        }
        item: dict[str, Any] = {"lane": self._lane, "status": status, "data": json.dumps(data), **about}
        key = next((one for one in self.items if one[1].endswith(f"#{job_id}") and one[1].startswith("JOB#")), None)
        if status in ("QUEUED", "WORKING"):
            item["gpk"] = "OPEN#JOB"
        self.write(key or (f"LANE#{self._lane}", f"JOB#{self.at_ms}#{job_id}"), item)

    def end(self, job_id: str, status: str, code: str = "done", sentence: str = "It was done.") -> None:
        """End a job and its alert."""
        alert_id = job_id.partition(".")[0]
        strategy = self.alerts[int(alert_id[1:])].strategy if alert_id[1:].isdigit() else "s"
        self.job(job_id, strategy, status, code=code, sentence=sentence)
        key = (f"ALERT#{alert_id}", "ALERT")
        kept = {name: next(iter(value.values())) for name, value in self.items[key].items() if name not in ("pk", "sk")}
        self.write(key, {**kept, "jobs": 1, "status": status, "code": code, "sentence": sentence})

    def plan(self, *command_ids: str) -> None:
        key = (f"LANE#{self._lane}", f"PLAN#{command_ids[0]}")
        self.write(key, {"data": json.dumps({"command_ids": list(command_ids)})})

    def command(
        self,
        job_id: str,
        command: Command,
        status: CommandStatus = CommandStatus.SENDING,
        *,
        role: Role = "entry",
        **more: Any,
    ) -> CommandRecord:
        """Store a plan and its command, and move it to `status` by way of NEW and SENDING."""
        strategy = more.pop("strategy", "s")
        record = CommandRecord(
            f"{job_id}-{role}", job_id, strategy, self.symbol, 1, 0, command, role, sent_at_ms=self.at_ms, **more
        )
        self.plan(record.command_id)
        self.move(record, CommandStatus.NEW)
        if status is not CommandStatus.NEW:
            self.move(record, CommandStatus.SENDING)
        if status not in (CommandStatus.NEW, CommandStatus.SENDING):
            self.move(record, status)
        return replace(record, status=status)

    def move(self, record: CommandRecord, status: CommandStatus) -> None:
        moved = replace(record, status=status)
        self.write((f"LANE#{self._lane}", f"COMMAND#{record.command_id}"), {"data": codec.dumps(moved)})

    def entry(
        self, job_id: str, side: Side, quantity: Any, status: CommandStatus = CommandStatus.SENDING, **more: Any
    ) -> CommandRecord:
        return self.command(job_id, Place(self.symbol, side, D(quantity), "open", **more), status)

    def close(
        self, job_id: str, side: Side, quantity: Any, status: CommandStatus = CommandStatus.SENDING
    ) -> CommandRecord:
        return self.command(job_id, Place(self.symbol, side, D(quantity), "close"), status, role="close")

    # ---- the book

    def mark(self, record: CommandRecord, leg: str = "0") -> str:
        if self.account.settings.broker == "tradelocker":
            return label_of(record.command_id)
        return confirm_id(record.command_id, leg)

    def row(self, mark: str, sign: int, asked: Any, filled: Any = 0, **more: Any) -> Row:
        """Put an order into the book; what is filled was filled now."""

        fills = (Fill(self.at_ms, D(filled)),) if D(filled) else ()
        usual: dict[str, Any] = {"rejected": False, "working": D(filled) < D(asked), "opened_ms": self.at_ms}
        number = str(len(self.account.book) + 1)
        row = Row(number, self.symbol, sign, D(asked), D(filled), **{**usual, "mark": mark, "fills": fills, **more})
        self.account.book.append(row)
        self.booked()
        return row

    def hold(self, *positions: Held) -> None:
        self.account.held[:] = positions
        self.booked()

    def booked(self) -> None:
        self.account.changes += 1
        self.step()


def on_netting() -> Made:
    return Made()


def on_hedging() -> Made:
    return Made("tradelocker", PositionMode.HEDGING)


def on_netted_positions() -> Made:
    return Made("tradelocker", PositionMode.NETTING)
