"""`orderbridge alerts`: one alert's whole way, from the message to the broker's orders."""

import json
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from orderbridge import codec
from orderbridge.cli.running import JsonOption, Run, StackOption, running
from orderbridge.cli.wording import utc
from orderbridge.errors import SettingsError
from orderbridge.execution.records import CommandRecord, Plan, StoredJob, Tracked
from orderbridge.storage.items import Item
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.overview import Overview

app = typer.Typer(help="Look alerts up.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Way:
    """What became of an alert at one account."""

    stored: StoredJob
    revisions: list[tuple[Plan, list[CommandRecord]]]
    orders: list[Tracked]
    """Those of its orders that the lane still follows."""


@app.command("list")
def list_alerts(
    context: typer.Context,
    strategy: Annotated[str, typer.Argument(help="Only this strategy.")] = "",
    last: Annotated[int, typer.Option("--last", min=1, max=200)] = 20,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the last alerts with how they ended."""
    with running(context, stack, as_json) as run:
        overview = Overview(run.world.client("dynamodb"), run.table)
        names = [strategy] if strategy else sorted(run.settings.strategies())
        found = [item for name in names for item in overview.last_alerts(name, last)]
        found = sorted(found, key=lambda item: int(item["received_at_ms"]), reverse=True)[:last]
        columns = ("received (UTC)", "strategy", "alert", "ended", "reason", "")
        rows = [
            (
                utc(int(item["received_at_ms"])),
                str(item["strategy"]),
                str(item["alert_id"]),
                *(str(item.get(name, "")) for name in ("status", "code", "sentence")),
            )
            for item in found
        ]
        run.out.table(columns, rows)
        run.out.result({"alerts": [_shown(item) for item in found]})


@app.command("show")
def show(
    context: typer.Context,
    alert_id: Annotated[str, typer.Argument(help="The alert's id, or a job's.")],
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show an alert's message, how it was read, and its jobs, plans, commands and orders."""
    with running(context, stack, as_json) as run:
        overview = Overview(run.world.client("dynamodb"), run.table)
        alert = overview.alert(alert_id) or overview.alert(alert_id.partition(".")[0])
        if alert is None:
            raise SettingsError(f"there is no alert {alert_id!r}; `orderbridge alerts list` names the last ones")
        ways = [_way(run, overview, stored) for stored in overview.jobs(alert, lanes_of(alert))]
        _print(run, alert, ways)
        run.out.result({**_shown(alert), "read": json.loads(str(alert["data"])), "jobs": [_plain(way) for way in ways]})


def lanes_of(alert: Item) -> list[str]:
    """Give the lanes that an alert's jobs are in."""
    return [str(lane) for lane in json.loads(str(alert.get("lanes", "[]")))]


def _way(run: Run, overview: Overview, stored: StoredJob) -> Way:
    job = stored.job
    revisions = DynamoLanes(run.world.client("dynamodb"), run.table).plans(job.lane, job.job_id)
    tracked = [
        order for book in overview.lane_state(job.lane).books for order in book.tracked if order.job_id == job.job_id
    ]
    return Way(stored, revisions, tracked)


def _print(run: Run, alert: Item, ways: list[Way]) -> None:
    out = run.out
    out.say(f"Alert {alert['alert_id']} to {alert['strategy']}, {utc(int(alert['received_at_ms']))} UTC", "bold")
    out.say(f"{alert['status']} ({alert.get('code', '')}): {alert.get('sentence', '')}")
    out.say(str(alert.get("body", "")), "dim")
    for way in ways:
        stored, job = way.stored, way.stored.job
        replayed = f", again for {job.replay_of}" if job.replay_of else ""
        out.say(f"\nJob {job.job_id} in lane {job.lane}{replayed}: {stored.status}", "bold")
        out.say(f"  {stored.sentence}" if stored.sentence else "  Not worked yet.")
        if job.phases:
            out.say(f"  {_phases(dict(job.phases))}", "dim")
        for plan, records in way.revisions:
            notes = " ".join(plan.goal.notes) if plan.goal else ""
            out.say(f"  Plan {plan.revision}, {utc(plan.made_at_ms)} {notes}".rstrip())
            for record in records:
                ids = ", ".join(placed.order_id for placed in record.orders)
                told = f"{record.status} {record.role} {record.command.kind} {_asked(record)}"
                out.say(f"    {told}{f' -> {ids}' if ids else ''}{f' ({record.message})' if record.message else ''}")
        for order in way.orders:
            out.say(
                f"  Order {order.order_id}: {order.status}, {order.booked} of {order.quantity} {order.symbol} filled"
            )


def _asked(record: CommandRecord) -> str:
    """Give the command's own words: side, quantity, symbol, where it has them."""
    names = ("side", "quantity", "symbol", "order_type", "limit_price", "stop_price", "order_id", "position_id")
    values = [getattr(record.command, name, None) for name in names]
    return " ".join(str(value) for value in values if value not in (None, ""))


def _phases(phases: dict[str, int]) -> str:
    first = min(phases.values())
    return ", ".join(f"{name} +{at - first} ms" for name, at in sorted(phases.items(), key=lambda item: item[1]))


def _shown(item: Item) -> dict[str, Any]:
    hidden = ("pk", "sk", "gpk", "gsk", "schema", "data", "expires_at", "lanes")
    return {name: value for name, value in item.items() if name not in hidden}


def _plain(way: Way) -> dict[str, Any]:
    return {
        **codec.plain(way.stored),
        "revisions": [{**codec.plain(plan), "commands": codec.plain(records)} for plan, records in way.revisions],
        "orders": codec.plain(way.orders),
    }
