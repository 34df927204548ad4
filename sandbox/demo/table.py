"""Print what became of the sample alerts: alert, decision, broker order, status, each phase in ms."""

import sys
from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orderbridge.commands import ClosePosition
from orderbridge.execution.records import CommandRecord, CommandStatus, StoredJob
from sandbox.demo.facts import Told, plain
from sandbox.demo.firing import Fired
from sandbox.demo.ledger import Ledger, write_of

PHASES = ("stored", "started", "planned", "sent", "answered", "ended")
"""After `received`, from which they are counted."""
PHASES_IN_MS = " (phases in ms after the alert was received)"
WORDS = ("answer", "decision", "account", "broker order", "status")
LONG = ("decision", "broker order")
NOT_WRAPPED = ("answer", "account", "status")
WIDE = 200
"""Characters of a line where all fits into one table; also where the output is no terminal, such as a log."""
COLOURS = {"ordered": "green", "refused": "yellow", "expired": "yellow", "failed": "red"}

Row = tuple[str, ...]


def print_table(fired: Sequence[Fired], ledger: Ledger, booked: Mapping[str, Told]) -> None:
    """Print a part for each alert and account, with a row for each order; `booked` is what each broker tells.

    In a narrow window the phases stand in a table of their own below.
    """
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console = Console(file=sys.stdout, highlight=False, width=WIDE)
    found = list(parts(fired, ledger, booked))
    wide = console.width >= WIDE
    told = _table("What became of the sample alerts" + (PHASES_IN_MS if wide else ""), found, WORDS, wide)
    if wide:
        console.print(told)
        return
    console.print(told)
    console.print(_table(f"Phases{PHASES_IN_MS}", [part[:1] for part in found], ("account",), wide=True))


def _table(title: str, found: Sequence[Sequence[Row]], words: Sequence[str], wide: bool) -> Table:
    """Make a table of the alerts with these columns, and with the phases if it is a wide one."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("alert", no_wrap=wide)
    for name in words:
        table.add_column(name, no_wrap=wide and name in NOT_WRAPPED, min_width=30 if wide and name in LONG else None)
    for phase in PHASES if wide else ():
        table.add_column(phase, justify="right")
    for part in found:
        for row in part:
            cells = dict(zip(("alert", *WORDS, *PHASES), row, strict=False))
            table.add_row(*(cells.get(str(column.header), "") for column in table.columns))
        table.add_section()
    return table


def parts(fired: Sequence[Fired], ledger: Ledger, booked: Mapping[str, Told]) -> Iterator[list[Row]]:
    """Give the cells of each alert and account, with rich's markup."""
    seen: set[str] = set()
    for one in fired:
        named = f"{escape(one.sample.name)}\n[dim]{escape(one.sample.strategy)}[/]"
        answer = f"{one.status}\n[dim]{one.answered_ms} ms[/]"
        alert = ledger.alerts.get(one.alert_id, {})
        jobs = [stored for stored in ledger.jobs if stored.job.alert_id == one.alert_id]
        if one.alert_id in seen:
            yield [(named, answer, "[cyan]duplicate[/]\n[dim]The first receipt again; nothing was done.[/]")]
        elif not jobs:
            words = (str(alert.get(name, "")) for name in ("status", "code", "sentence"))
            yield [(named, answer, _decision(*words))]
        for stored in jobs if one.alert_id not in seen else ():
            yield list(_job(named, answer, stored, ledger, booked))
        seen.add(one.alert_id)


def _job(named: str, answer: str, stored: StoredJob, ledger: Ledger, booked: Mapping[str, Told]) -> Iterator[Row]:
    job = stored.job
    told = booked[ledger.accounts[job.account].broker]
    orders = [(_order(record), _status(record, told)) for record in ledger.commands_of(job.job_id)]
    first, *others = orders or [("", "")]
    decided = _decision(stored.status, stored.code, stored.sentence)
    phases = ledger.phases(stored)
    spent = [str(phases[name] - phases["received"]) if name in phases else "" for name in PHASES]
    yield named, answer, decided, escape(job.account), *first, *spent
    for order in others:
        yield "", "", "", "", *order


def _decision(ending: str, code: str, sentence: str) -> str:
    colour = COLOURS.get(ending, "cyan")
    return f"[{colour}]{escape(ending)}[/] {escape(code)}\n[dim]{escape(sentence)}[/]"


def _order(record: CommandRecord) -> str:
    write = write_of(record.command, record.orders, taken=record.status is CommandStatus.ACCEPTED)
    orders = [str(order) for order in write.orders.values()]
    changes = [f"{name} {'removed' if value is None else value}" for name, value in write.changes.items()]
    exits = [
        f"{name} {one.trail or plain(one.price)}"
        for order in write.orders.values()
        for name, one in (("stop", order.stop_loss), ("target", order.take_profit))
        if one is not None
    ]
    about = {"place": "", "close": "close: "}.get(write.kind, f"{write.kind} {write.about} ")
    return escape(about + ", ".join([*orders, *exits, *changes]))


def _status(record: CommandRecord, told: Told) -> str:
    """Give the broker's ids and statuses of what a command placed; else the ledger's own word."""
    ids = [placed.order_id for placed in record.orders if placed.leg in ("order", "child")]
    if isinstance(record.command, ClosePosition):
        ids = _closing(record, record.command, told)
    shown = [f"{one} {told.statuses[one]}" for one in ids if one in told.statuses]
    return escape("\n".join(shown) or record.status.value)


def _closing(record: CommandRecord, command: ClosePosition, told: Told) -> list[str]:
    """Give the ids of the orders that closed a position, or this part of it."""
    (wanted,) = write_of(command, record.orders, taken=True).orders.values()
    closes = [write for write in told.writes if write.kind == "close" and write.about == command.position_id]
    return [one for write in closes for one, order in write.orders.items() if order.quantity == wanted.quantity]
