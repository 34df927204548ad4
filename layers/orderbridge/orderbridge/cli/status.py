"""`orderbridge status`: connections, halts, what is open, and the last alerts with how they ended."""

from typing import Annotated, Any

import typer

from orderbridge import codec
from orderbridge.cli.running import JsonOption, Run, StackOption, running
from orderbridge.cli.wording import ago, ahead, utc
from orderbridge.storage.control import Switch
from orderbridge.storage.incarnation import Incarnation
from orderbridge.storage.items import Item
from orderbridge.storage.overview import OpenCommand, Overview
from orderbridge.storage.token_lease import Connection, TokenLeases

BLOCKED = {"entries": "entries", "all": "everything, exits too"}


def status(
    context: typer.Context,
    last: Annotated[int, typer.Option("--last", min=1, max=50, help="Alerts shown of each strategy.")] = 5,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show connections, halts, open orders and the last alerts."""
    with running(context, stack, as_json) as run:
        overview = Overview(run.world.client("dynamodb"), run.table)
        connections = TokenLeases(run.world.client("dynamodb"), run.table).connections()
        halts = [switch for switch in run.controls.all() if switch.blocks != "none"]
        commands = overview.open_commands()
        jobs = overview.open_jobs()
        strategies = run.settings.strategies()
        alerts = {name: overview.last_alerts(name, last) for name in strategies}
        restored = Incarnation(run.world.client("dynamodb"), run.table).restored()
        if restored:
            run.out.say("The table was restored from a backup: nothing is sent. Run: orderbridge reconcile", "red")
        _connections(run, connections)
        _halts(run, halts)
        _commands(run, commands)
        rows = [
            (
                stored.job.job_id,
                stored.job.lane,
                stored.status,
                ago(stored.job.accepted_at_ms, run.now_ms),
                stored.sentence,
            )
            for stored in jobs
        ]
        run.out.table(("job", "lane", "status", "accepted", ""), rows, "Jobs without an ending")
        _alerts(run, alerts)
        if overview.unreadable:
            run.out.aside(f"{overview.unreadable} item(s) were written by another release and are not shown.", "red")
        run.out.result(
            {
                "stack": run.stack.name,
                "connections": [_connection(one, run.now_ms) for one in connections],
                "restored": restored,
                "halts": codec.plain(halts),
                "open_commands": [{"lane": one.lane, **codec.plain(one.record)} for one in commands],
                "open_jobs": codec.plain(jobs),
                "untold_notices": overview.untold_notices(),
                "strategies": {
                    name: {
                        "mode": found.value.mode,
                        "keys": len(found.value.key_hashes),
                        "alerts": [_alert(a) for a in alerts[name]],
                    }
                    for name, found in strategies.items()
                },
                "unreadable": overview.unreadable,
            }
        )


def _connections(run: Run, connections: list[Connection]) -> None:
    rows = [
        (
            one.name,
            one.broker,
            one.environment,
            f"refused: {one.message or 'connect again'}" if one.status == "refused" else "good",
            ago(one.obtained_at_ms, run.now_ms),
            ahead(one.access_expires_at_ms, run.now_ms),
        )
        for one in connections
    ]
    columns = ("connection", "broker", "", "login", "refreshed", "token ends")
    run.out.table(columns, rows, "Connections", "None: orderbridge connect tradestation, or tradelocker.")


def _halts(run: Run, halts: list[Switch]) -> None:
    rows = [(one.scope, BLOCKED[one.blocks], one.by, utc(one.changed_at_ms), one.reason) for one in halts]
    run.out.table(("scope", "stopped", "by", "since", "reason"), rows, "Halts")


def _commands(run: Run, commands: list[OpenCommand]) -> None:
    rows = [
        (
            one.lane,
            one.record.status.value,
            one.record.role,
            one.record.command.kind,
            ago(one.record.changed_at_ms, run.now_ms),
            one.record.message,
        )
        for one in commands
    ]
    run.out.table(("lane", "status", "role", "command", "since", ""), rows, "Open commands")


def _alerts(run: Run, alerts: dict[str, list[Item]]) -> None:
    for name, items in alerts.items():
        rows = [
            (
                str(a["alert_id"]),
                ago(int(a["received_at_ms"]), run.now_ms),
                str(a["status"]),
                str(a.get("sentence", "")),
            )
            for a in items
        ]
        run.out.table(("alert", "received", "ended", ""), rows, f"Last alerts of {name}")


def _connection(one: Connection, now_ms: int) -> dict[str, Any]:
    return {
        "name": one.name,
        "broker": one.broker,
        "environment": one.environment,
        "status": one.status,
        "message": one.message,
        "token_age_ms": now_ms - one.obtained_at_ms if one.obtained_at_ms else None,
        "access_expires_at_ms": one.access_expires_at_ms,
    }


def _alert(item: Item) -> dict[str, Any]:
    names = ("alert_id", "received_at_ms", "status", "code", "sentence", "source", "ended_at_ms")
    return {name: item[name] for name in names if name in item}
