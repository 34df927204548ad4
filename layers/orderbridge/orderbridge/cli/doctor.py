"""`orderbridge doctor`: before the open, try everything that an alert will need, and say what would go wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Literal

import typer

from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.port import Broker, Deadline
from orderbridge.cli.listing import Listed, current_login, list_accounts
from orderbridge.cli.running import FOUND, JsonOption, Run, StackOption, running
from orderbridge.cli.stack import aws_call
from orderbridge.cli.status import BLOCKED
from orderbridge.errors import BrokerReadError, RateLimitedError, SettingsError, StorageError
from orderbridge.storage.incarnation import Incarnation
from orderbridge.storage.overview import Overview
from orderbridge.storage.token_lease import Connection, TokenLeases
from orderbridge.storage.users import Users
from orderbridge.strategy.settings import AccountSettings, StrategySettings

BROKER_S = 45.0
SKEW_MS = 2_000
"""From here on a clock is told; alerts count as too old or too new by that much."""
SKEW_BAD_MS = 30_000
SILENT_MS = 21 * 60_000
"""A pair older than this was not refreshed when it was due: the refresher does not run."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    about: str
    verdict: Literal["ok", "note", "bad"]
    sentence: str


Findings = Iterator[Finding]


def doctor(
    context: typer.Context,
    refresh: Annotated[bool, typer.Option(help="Try a token refresh of each connection.")] = True,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Check clock, version, token refresh, quotas, accounts and switches. Ends with 1 when something is bad."""
    with running(context, stack, as_json) as run:
        findings = [*_deployment(run), *_clock(run)]
        connections = TokenLeases(run.world.client("dynamodb"), run.table).connections()
        if not connections:
            findings.append(Finding("connections", "bad", "No broker is connected: orderbridge connect."))
        for connection in connections:
            findings += _connection(run, connection, refresh)
        findings += _settings(run, {connection.name for connection in connections})
        findings += _switches(run)
        findings += _open_work(run)
        rows = [
            (finding.about, {"ok": "ok", "note": "look", "bad": "BAD"}[finding.verdict], finding.sentence)
            for finding in findings
        ]
        run.out.table(("about", "", ""), rows)
        bad = sum(1 for finding in findings if finding.verdict == "bad")
        run.out.say("All is well." if not bad else f"{bad} thing(s) to mend.", "red" if bad else "green")
        run.out.result(
            {
                "bad": bad,
                "findings": [{"about": f.about, "verdict": f.verdict, "sentence": f.sentence} for f in findings],
            }
        )
        if bad:
            raise typer.Exit(FOUND)


# ---- deployment and clock


def _deployment(run: Run) -> Findings:
    deployed = run.stack.template_version
    try:
        own = version("orderbridge")
    except PackageNotFoundError:
        own = ""
    if deployed and own and deployed != own:
        yield Finding("version", "note", f"The stack is {deployed}, this command {own}: deploy the newer of the two.")
    else:
        yield Finding("version", "ok", f"{deployed or 'not told'}, stack {run.stack.name}.")


def _clock(run: Run) -> Findings:
    """Compare this machine's clock with AWS's: the functions run on AWS's, and `fire` puts this one in alerts."""
    asked_ms = run.now_ms
    reply = aws_call(run.world.client("dynamodb").describe_table, TableName=run.table)
    date = reply.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        theirs_ms = int(parsedate_to_datetime(date).timestamp() * 1000)
    except (TypeError, ValueError):
        yield Finding("clock", "note", "AWS named no time in its answer.")
        return
    # The header has whole seconds, so up to one of them is no difference.
    skew_ms = max(0, abs(asked_ms - theirs_ms) - 1_000)
    verdict: Literal["ok", "note", "bad"] = "ok" if skew_ms < SKEW_MS else "note" if skew_ms < SKEW_BAD_MS else "bad"
    yield Finding(
        "clock", verdict, f"This machine and AWS differ by {'less than 2' if verdict == 'ok' else skew_ms // 1000} s."
    )


# ---- connections and accounts


def _connection(run: Run, connection: Connection, refresh: bool) -> Findings:
    name = f"connection {connection.name}"
    if connection.status == "refused":
        again = f"orderbridge connect {connection.broker} {connection.name}"
        yield Finding(name, "bad", f"The broker refuses the login ({connection.message}): {again}.")
        return
    age_ms = run.now_ms - connection.obtained_at_ms
    if age_ms > SILENT_MS:
        yield Finding(
            name, "bad", f"Its token was last refreshed {age_ms // 60_000} min ago: the refresher does not run."
        )
    yield from _tried(name, lambda: _use(run, connection.name, refresh))


def _use(run: Run, connection: str, refresh: bool) -> Findings:
    deadline = MonotonicDeadline(BROKER_S)
    keeper = run.bridge.keeper(connection)
    if refresh:
        keeper.renew(keeper.access_token(deadline), deadline)
        yield Finding(f"connection {connection}", "ok", "The token was refreshed and stored.")
    listed = {
        one.account.id: one
        for one in list_accounts(run, connection, current_login(run, connection, deadline), deadline)
    }
    accounts = {name: found.value for name, found in run.settings.accounts().items()}
    accounts |= Users(run.world.client("dynamodb"), run.table).own_accounts()
    for name, settings in sorted(accounts.items()):
        if settings.connection == connection:
            yield from _account(run, name, settings, listed.get(settings.broker_account_id), deadline)


def _account(run: Run, name: str, settings: AccountSettings, listed: Listed | None, deadline: Deadline) -> Findings:
    about = f"account {name}"
    if listed is None:
        yield Finding(about, "bad", f"The login has no account {settings.broker_account_id} any more.")
        return
    if listed.account.status != "active":
        yield Finding(about, "bad", f"The broker calls it {listed.account.native_status or listed.account.status}.")
    if listed.mode_seen and listed.settings.position_mode is not settings.position_mode:
        seen, said = listed.settings.position_mode, settings.position_mode
        yield Finding(about, "bad", f"The broker counts positions as {seen}, the settings say {said}; entries halt.")
    yield from _tried(about, lambda: _readable(about, run.bridge.broker(settings), deadline))


def _readable(about: str, broker: Broker, deadline: Deadline) -> Findings:
    state = broker.state(deadline)
    positions = broker.positions(deadline)
    funds = f", {state.available_funds:f} available" if state.available_funds is not None else ""
    yield Finding(about, "ok", f"Equity {state.equity:f}{funds}; {len(positions)} position(s).")


def _tried(about: str, attempt: Callable[[], Findings]) -> Findings:
    try:
        yield from attempt()
    except RateLimitedError as error:
        yield Finding(
            about, "bad", f"The broker's request quota is used up for {error.retry_after_ms // 1000 + 1} s more."
        )
    except (BrokerReadError, StorageError, SettingsError) as error:
        yield Finding(about, "bad", f"{error}.")


# ---- settings, switches, what is open


def _settings(run: Run, connected: set[str]) -> Findings:
    accounts = {name: found.value for name, found in run.settings.accounts().items()}
    strategies = run.settings.strategies()
    if not strategies:
        yield Finding("settings", "note", "No strategy is applied: orderbridge apply.")
    for name, account in sorted(accounts.items()):
        if account.connection not in connected:
            yield Finding(f"account {name}", "bad", f"Its connection {account.connection} is not connected.")
    for name in sorted(strategies):
        yield from _strategy(strategies[name].value, accounts)


def _strategy(settings: StrategySettings, accounts: dict[str, AccountSettings]) -> Findings:
    about = f"strategy {settings.name}"
    if not settings.key_hashes:
        yield Finding(about, "note", f"It has no key, so no alert reaches it: orderbridge keys new {settings.name}.")
    if settings.mode == "off":
        yield Finding(about, "note", "It is switched off (mode: off).")
    for route in settings.accounts:
        account = accounts.get(route.account)
        live = settings.mode == "live" and account is not None and account.environment == "live"
        if live and account is not None and account.live_confirmed_at_ms is None:
            yield Finding(about, "bad", f"Live orders are not confirmed: orderbridge live {account.name}.")


def _switches(run: Run) -> Findings:
    if Incarnation(run.world.client("dynamodb"), run.table).restored():
        yield Finding("table", "bad", "It was restored from a backup, and nothing is sent: orderbridge reconcile.")
    for switch in run.controls.all():
        if switch.blocks != "none":
            yield Finding("halt", "note", f"{BLOCKED[switch.blocks]} stopped ({switch.scope}) by {switch.by}.")


def _open_work(run: Run) -> Findings:
    overview = Overview(run.world.client("dynamodb"), run.table)
    unknown = [one for one in overview.open_commands() if one.record.status == "UNKNOWN"]
    if unknown:
        lanes = ", ".join(sorted({one.lane for one in unknown}))
        yield Finding(
            "ledger", "bad", f"{len(unknown)} order(s) with an unknown outcome ({lanes}); entries there wait."
        )
    dead = _waiting(run, run.stack.variables.get("DEAD_LETTER_QUEUE_URL", ""))
    if dead:
        yield Finding("queue", "bad", f"{dead} bell(s) in the dead-letter queue: the refresher does not run.")
    untold = overview.untold_notices()
    if untold:
        yield Finding("notices", "note", f"{untold} notice(s) are not published yet.")


def _waiting(run: Run, queue_url: str) -> int:
    if not queue_url:
        return 0
    operation = run.world.client("sqs").get_queue_attributes
    reply = aws_call(operation, QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(reply["Attributes"]["ApproximateNumberOfMessages"])
