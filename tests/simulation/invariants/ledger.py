"""The bridge's own table as the invariants read it: kept up to date from the writes, never read twice."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orderbridge import codec
from orderbridge.commands import ClosePosition, Place, PlaceGroup
from orderbridge.execution.records import CommandRecord, CommandStatus
from orderbridge.storage.items import unmarshal
from tests.simulation.invariants.evidence import Evidence, FiredAlert, Key, Restored, Write
from tests.simulation.invariants.pressed import Pressed, Wanted

PENDING = frozenset({CommandStatus.SENDING, CommandStatus.UNKNOWN})


@dataclass(slots=True)
class Job:
    """What the table says of one job."""

    job_id: str
    alert_id: str
    strategy: str
    account: str
    lane: str
    root: str
    origin: str
    accepted_at_ms: int
    stored_ms: int
    status: str = "QUEUED"
    code: str = ""
    sentence: str = ""
    ended_ms: int | None = None


@dataclass(slots=True)
class Command:
    """What the table says of one command, and when it said it."""

    record: CommandRecord
    lane: str
    account: str
    planned: bool = False
    """A stored plan names it."""
    sending_ms: list[int] = field(default_factory=list)
    """When it became SENDING, in true time, each time."""

    @property
    def begun(self) -> bool:
        return bool(self.sending_ms)

    @property
    def pending(self) -> bool:
        return self.record.status in PENDING


@dataclass(frozen=True, slots=True)
class Move:
    """A command's state before and after one write."""

    write: Write
    before: CommandRecord | None
    command: Command


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A job's link was taken up in its chain, by the lane's state."""

    at_ms: int
    lane: str
    strategy: str
    root: str
    job_id: str


class Ledger:
    """Jobs, commands, alerts and chains by what was written so far."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._read = 0
        self.jobs: dict[str, Job] = {}
        self.commands: dict[str, Command] = {}
        self.ever: list[Command] = []
        """Every command that was ever stored, also what a restored table has forgotten."""
        self.by_lane: dict[str, list[Command]] = {}
        self.by_job: dict[str, list[Command]] = {}
        self.alerts: dict[str, Mapping[str, Any]] = {}
        """Plain values of each alert's item."""
        self.notices: list[Mapping[str, Any]] = []
        self.taken_up: list[TakenUp] = []
        self._chain_jobs: dict[tuple[str, str, str], str] = {}
        self._plans: dict[str, set[str]] = {}
        self._fired: dict[str, FiredAlert] = {}
        self.restores: list[Restored] = []
        self.lost_alerts: set[str] = set()
        """Of alerts that went with what a restored table has forgotten."""
        self.lost_jobs: dict[str, Job] = {}
        self.by_press: dict[int, list[str]] = {}
        """Press -> ids of its jobs: stored by the process that was answering it then."""
        self._presses: dict[str, int] = {}
        self._ended: list[Job] = []

    def refresh(self) -> tuple[list[Write], list[Move]]:
        """Take in what was written since the last call."""
        writes = list(self._evidence.writes[self._read :])
        moves: list[Move] = []
        for write in writes:
            self._go_back()
            self._read += 1
            moves += self._take(write)
        self._go_back()
        return writes, moves

    def _go_back(self) -> None:
        """Forget what a restored table has forgotten; what was at the broker by then keeps its command."""
        restores = self._evidence.restored
        while len(self.restores) < len(restores) and restores[len(self.restores)].writes <= self._read:
            self.restores.append(restores[len(self.restores)])
            items = self._evidence.items
            self.lost_alerts |= {one for one in self.alerts if (f"ALERT#{one}", "ALERT") not in items}
            self.alerts = {one: item for one, item in self.alerts.items() if one not in self.lost_alerts}
            self.taken_up.clear()
            there = {key[1].partition("#")[2]: item for key, item in items.items() if key[1].startswith("COMMAND#")}
            for name, command in list(self.commands.items()):
                if name in there:
                    command.record = codec.loads(CommandRecord, there[name]["data"]["S"])
                else:
                    del self.commands[name]
                    self.by_lane[command.lane].remove(command)
            jobs = {key[1].split("#", 2)[2]: item for key, item in items.items() if key[1].startswith("JOB#")}
            for job_id, job in list(self.jobs.items()):
                if job_id not in jobs:
                    self.lost_jobs[job_id] = self.jobs.pop(job_id)
                elif "gpk" in jobs[job_id]:
                    job.status, job.code, job.ended_ms = str(unmarshal(jobs[job_id])["status"]), "", None

    def _take(self, write: Write) -> Iterator[Move]:
        partition, kind = write.key[0], write.key[1].partition("#")[0]
        if write.after is None:
            return
        if partition.startswith("ALERT#"):
            self.alerts[partition.partition("#")[2]] = unmarshal(write.after)
        elif partition.startswith("NOTICE#") and write.before is None:
            self.notices.append(unmarshal(write.after))
        elif kind == "JOB":
            self._job(write)
        elif kind == "STATE" and partition.startswith("LANE#"):
            self._state(write)
        elif kind == "PLAN":
            lane = partition.partition("#")[2]
            names = json.loads(write.after["data"]["S"])["command_ids"]
            self._plans.setdefault(lane, set()).update(names)
            for name in names:
                if name in self.commands:
                    self.commands[name].planned = True
        elif kind == "COMMAND":
            yield self._command(write)

    def _job(self, write: Write) -> None:
        assert write.after is not None
        item = unmarshal(write.after)
        job_id = write.key[1].split("#", 2)[2]
        job = self.jobs.get(job_id)
        if job is None:
            data = _data(write.after)
            job = self.jobs[job_id] = Job(
                job_id,
                str(data.get("alert_id", "")),
                str(data.get("strategy", "")),
                str(data.get("account", "")),
                str(item.get("lane", "")),
                str(data.get("root", "")),
                str(data.get("origin", "alert")),
                int(data.get("accepted_at_ms", 0)),
                write.at_ms,
            )
            self._press(job, write.process)
        job.status = str(item.get("status", ""))
        job.code, job.sentence = str(item.get("code", "")), str(item.get("sentence", ""))
        if "gpk" not in item and job.ended_ms is None:
            job.ended_ms = write.at_ms
            self._ended.append(job)

    def _press(self, job: Job, process: str) -> None:
        number = self._evidence.serving.get(process) if job.origin == "panel" else None
        if number is not None:
            self._presses[job.job_id] = number
            self.by_press.setdefault(number, []).append(job.job_id)

    def _state(self, write: Write) -> None:
        assert write.after is not None
        if write.before is not None and write.before.get("data") == write.after.get("data"):
            return
        lane = write.key[0].partition("#")[2]
        for book in _data(write.after).get("books", ()):
            place = (lane, str(book["strategy"]), str(book["root"]))
            job_id = str(book.get("chain_job", ""))
            if job_id and self._chain_jobs.get(place) != job_id:
                self._chain_jobs[place] = job_id
                self.taken_up.append(TakenUp(write.at_ms, *place, job_id))

    def _command(self, write: Write) -> Move:
        assert write.after is not None
        lane = write.key[0].partition("#")[2]
        record: CommandRecord = codec.loads(CommandRecord, write.after["data"]["S"])
        command = self.commands.get(record.command_id)
        before = None if command is None else command.record
        if command is None:
            command = self.commands[record.command_id] = Command(record, lane, lane.partition("#")[0])
            command.planned = record.command_id in self._plans.get(lane, ())
            self.ever.append(command)
            self.by_lane.setdefault(lane, []).append(command)
            self.by_job.setdefault(record.job_id, []).append(command)
        command.record = record
        if record.status is CommandStatus.SENDING and (before is None or before.status is not CommandStatus.SENDING):
            command.sending_ms.append(write.at_ms)
        return Move(write, before, command)

    def take_ended(self) -> list[Job]:
        """Give the jobs that have ended since the last call."""
        ended, self._ended = self._ended, []
        return ended

    # ---- what belongs together

    def fired(self, alert_id: str) -> FiredAlert | None:
        """Give the alert that an id stands for: by an answer, else by strategy and body."""
        known = self._fired.get(alert_id)
        if known is not None:
            return known
        item = self.alerts.get(alert_id, {})
        for alert in self._evidence.alerts:
            named = any(one.alert_id == alert_id for one in alert.deliveries)
            same = bool(alert.body) and item.get("body") == alert.body.decode("utf-8", "replace")
            if named or (same and item.get("strategy") == alert.strategy):
                self._fired[alert_id] = alert
                return alert
        return None

    def fired_of(self, command: Command) -> FiredAlert | None:
        """Give the alert that a command was made for; None for the bridge's own care."""
        job = self.jobs.get(command.record.job_id)
        return None if job is None or job.origin != "alert" else self.fired(job.alert_id)

    def pressed(self, job_id: str) -> Pressed | None:
        """Give the press that a job was stored for; None for any other job."""
        number = self._presses.get(job_id)
        return None if number is None else self._evidence.presses[number]

    def pressed_at(self, account: str, symbol: str, since_ms: int) -> list[Wanted]:
        """Give what was pressed for a symbol of an account since a moment, as far as it was taken in."""
        return [
            press.wanted
            for number in self.by_press
            for press in (self._evidence.presses[number],)
            if (press.wanted.account, press.wanted.symbol) == (account, symbol) and press.at_ms >= since_ms
        ]

    def wanted(self, command: Command) -> Wanted | None:
        """Give what the person wants whose press a command was made for."""
        press = self.pressed(command.record.job_id)
        return None if press is None else press.wanted

    def state(self, lane: str) -> Mapping[str, Any]:
        """Give a lane's state as JSON data."""
        item = self._evidence.items.get((f"LANE#{lane}", "STATE"))
        return _data(item) if item is not None else {}

    def lanes(self) -> list[str]:
        return list(self.by_lane)


def by_hand(strategy: str) -> bool:
    """Tell whether a book is a person's at the panel, not a strategy's."""
    return strategy.startswith("panel:")


def is_opening(record: CommandRecord) -> bool:
    """Tell whether the command can open or add."""
    command = record.command
    if isinstance(command, Place):
        return command.effect == "open"
    return isinstance(command, PlaceGroup) and any(order.effect == "open" for order in command.orders)


def is_closing(record: CommandRecord) -> bool:
    """Tell whether the command closes at once (no stop, no target)."""
    return record.role == "close" and isinstance(record.command, Place | ClosePosition)


def _data(item: Mapping[str, Any]) -> Mapping[str, Any]:
    text = item.get("data", {}).get("S", "{}")
    data: Mapping[str, Any] = json.loads(text)
    return data


__all__ = ["Command", "Job", "Key", "Ledger", "Move", "TakenUp", "by_hand", "is_closing", "is_opening"]
