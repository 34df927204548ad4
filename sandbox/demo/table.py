"""Print what became of the sample alerts: alert, decision, broker order, status, each phase in ms."""

import sys
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orderbridge.commands import ClosePosition
from orderbridge.execution.records import CommandRecord, CommandStatus, StoredJob
from sandbox.demo.facts import Told
from sandbox.demo.firing import Fired
from sandbox.demo.ledger import Ledger, write_of

PHASES = ("stored", "started", "planned", "sent", "answered", "ended")
"""After `received`, from which they are counted."""
WIDE = 190
"""Columns where the output is no terminal, such as a log."""
COLOURS = {"ordered": "green", "refused": "yellow", "expired": "yellow", "failed": "red"}

Row = tuple[str, ...]


def print_table(fired: Sequence[Fired], ledger: Ledger, booked: Mapping[str, Told]) -> None:
    """Print a row for each alert and account; `booked` is what each broker tells."""
    table = Table(title="Sample alerts (phases in ms after received)", title_justify="left", show_lines=True)
    table.add_column("alert", no_wrap=True)
    table.add_column("answer", justify="right")
    table.add_column("decision", max_width=60, min_width=24)
    table.add_column("broker orders", min_width=24)
    table.add_column("status", no_wrap=True)
    for phase in PHASES:
        table.add_column(phase, justify="right")
    for row in rows(fired, ledger, booked):
        table.add_row(*row)
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, highlight=False, width=WIDE)
    console.print(table)


def rows(fired: Sequence[Fired], ledger: Ledger, booked: Mapping[str, Told]) -> Iterator[Row]:
    """Give the cells, with rich's markup."""
    seen: set[str] = set()
    for one in fired:
        named = f"{escape(one.sample.name)}\n[dim]{escape(one.sample.strategy)}[/]"
        answer = f"{one.status}\n[dim]{one.answered_ms} ms[/]"
        alert = ledger.alerts.get(one.alert_id, {})
        jobs = [stored for stored in ledger.jobs if stored.job.alert_id == one.alert_id]
        if one.alert_id in seen:
            yield named, answer, "the first receipt again, nothing done", "", "", *[""] * len(PHASES)
        elif not jobs:
            words = (str(alert.get(name, "")) for name in ("status", "code", "sentence"))
            yield named, answer, _decision(*words), "", "", *[""] * len(PHASES)
        for stored in jobs if one.alert_id not in seen else ():
            yield named, answer, *_job(stored, ledger, booked)
        seen.add(one.alert_id)


def _job(stored: StoredJob, ledger: Ledger, booked: Mapping[str, Told]) -> Row:
    job = stored.job
    told = booked[ledger.accounts[job.account].broker]
    records = ledger.commands_of(job.job_id)
    orders = [f"[dim]{escape(job.account)}[/]", *(escape(_order(record)) for record in records)]
    statuses = ["", *(escape(_status(record, told)) for record in records)]
    decided = _decision(stored.status, stored.code, stored.sentence)
    return decided, "\n".join(orders), "\n".join(statuses), *_phases(job.phases)


def _decision(ending: str, code: str, sentence: str) -> str:
    colour = COLOURS.get(ending, "cyan")
    return f"[{colour}]{escape(ending)}[/] {escape(code)}\n[dim]{escape(sentence)}[/]"


def _order(record: CommandRecord) -> str:
    write = write_of(record.command, record.orders, taken=record.status is CommandStatus.ACCEPTED)
    orders = [str(order) for order in write.orders.values()]
    changes = [f"{name} {'removed' if value is None else value}" for name, value in write.changes.items()]
    about = {"place": "", "close": f"close of {write.about}: "}.get(write.kind, f"{write.kind} {write.about} ")
    return about + ", ".join([*orders, *changes])


def _status(record: CommandRecord, told: Told) -> str:
    """Give the broker's ids and statuses of what a command placed; else the ledger's own word."""
    ids = [placed.order_id for placed in record.orders if placed.leg in ("order", "child")]
    if isinstance(record.command, ClosePosition):
        closes = (write for write in told.writes if write.kind == "close")
        ids = [order_id for write in closes if write.about == record.command.position_id for order_id in write.orders]
    shown = [f"{one} {told.statuses[one]}" for one in ids if one in told.statuses]
    return ", ".join(shown) or record.status.value


def _phases(phases: Mapping[str, int]) -> list[str]:
    received = phases.get("received", 0)
    return [str(phases[name] - received) if name in phases else "" for name in PHASES]
