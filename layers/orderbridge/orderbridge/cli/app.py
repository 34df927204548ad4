"""The `orderbridge` command: every command's name and where it stands."""

import typer

from orderbridge.cli import (
    accounts,
    alerts,
    apply,
    certify,
    connect,
    doctor,
    fire,
    halts,
    live,
    panel,
    reconcile,
    replay,
    resolve,
    status,
    unresolved,
    users,
    webhook_keys,
)

app = typer.Typer(
    name="orderbridge",
    help="TradingView alerts become TradeStation and TradeLocker orders.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.command("apply")(apply.apply)
app.add_typer(webhook_keys.app, name="keys")
app.add_typer(connect.app, name="connect")
app.command("accounts")(accounts.accounts)
app.command("status")(status.status)
app.add_typer(alerts.app, name="alerts")
app.command("fire")(fire.fire)
app.command("halt")(halts.halt)
app.command("resume")(halts.resume)
app.command("doctor")(doctor.doctor)
app.command("live")(live.live)
app.command("unresolved")(unresolved.unresolved)
app.command("resolve")(resolve.resolve)
app.command("reconcile")(reconcile.reconcile_table)
app.command("replay")(replay.replay)
app.command("certify")(certify.certify)
app.add_typer(users.app, name="users")
app.add_typer(panel.app, name="panel")
