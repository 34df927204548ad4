"""`orderbridge accounts`: the broker's accounts behind the connections, as lines for `orderbridge.yaml`."""

from typing import Annotated

import typer

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.cli.listing import Listed, as_values, as_yaml, current_login, list_accounts
from orderbridge.cli.running import BROKER, JsonOption, Run, StackOption, running
from orderbridge.errors import BrokerReadError, SettingsError
from orderbridge.storage.token_lease import TokenLeases

EACH_S = 45.0


def accounts(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(help="Only this connection.")] = "",
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """List the accounts of the connected logins, with the lines for orderbridge.yaml."""
    with running(context, stack, as_json) as run:
        names = _connections(run, connection)
        listed: list[Listed] = []
        problems: dict[str, str] = {}
        for name in names:
            try:
                deadline = MonotonicDeadline(EACH_S)
                listed += list_accounts(run, name, current_login(run, name, deadline), deadline)
            except BrokerReadError as error:
                problems[name] = str(error)
        rows = [
            (
                one.settings.connection,
                one.account.id,
                one.account.kind,
                one.account.currency,
                one.account.status,
                _mode(one),
            )
            for one in listed
        ]
        run.out.table(("connection", "account", "kind", "currency", "status", "positions"), rows)
        for one in listed:
            run.out.say(as_yaml(one))
        for name, problem in problems.items():
            run.out.aside(f"{name}: {problem}", "red")
        run.out.result({"accounts": [as_values(one) for one in listed], "problems": problems})
        if problems:
            raise typer.Exit(BROKER)


def _mode(listed: Listed) -> str:
    return str(listed.settings.position_mode) if listed.mode_seen else "not seen yet"


def _connections(run: Run, only: str) -> list[str]:
    known = [connection.name for connection in TokenLeases(run.world.client("dynamodb"), run.table).connections()]
    if only and only not in known:
        raise SettingsError(f"there is no connection {only!r}; connected are: {', '.join(known) or 'none'}")
    return [only] if only else known
