"""The `orderbridge` command: every command's name and where it stands."""

import typer

from orderbridge.cli import accounts, apply, connect, webhook_keys

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
