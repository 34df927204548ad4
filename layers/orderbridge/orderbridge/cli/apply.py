"""`orderbridge apply`: check the settings file, show what would change, write it."""

from pathlib import Path
from typing import Annotated

import typer

from orderbridge.cli.difference import Difference, difference
from orderbridge.cli.rules import Settings, read_settings
from orderbridge.cli.running import JsonOption, Run, StackOption, YesOption, running
from orderbridge.cli.sharing import shared_symbols
from orderbridge.errors import SettingsError
from orderbridge.storage.panel_settings import PanelSettingsStore
from orderbridge.storage.settings import PutAccount
from orderbridge.storage.users import Users

DEFAULT_FILE = "orderbridge.yaml"

FileArgument = Annotated[Path, typer.Argument(help="The settings file.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the difference and write nothing.")]


def apply(
    context: typer.Context,
    file: FileArgument = Path(DEFAULT_FILE),
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Check the settings file, show what changes, and write it to the deployment. Removing something asks first."""
    with running(context, stack, as_json) as run:
        settings = _read(run, file)
        found = difference(settings, run.settings.strategies(), run.settings.accounts())
        _unclaimed(run, found)
        panel = PanelSettingsStore(run.world.client("dynamodb"), run.table)
        panel_changes = panel.read() != settings.panel
        for line in found.lines:
            run.out.say(str(line), {"+": "green", "-": "red", "~": "yellow"}[line.sign])
        if panel_changes:
            run.out.say("~ panel: its instruments", "yellow")
        elif not found.lines:
            run.out.say("Nothing changes.")
        if found.removed and not dry_run:
            names = ", ".join(f"{line.kind} {line.name}" for line in found.removed)
            run.ask(f"Remove {names}? Alerts for a removed strategy are refused.", yes)
        written = (bool(found.changes) or panel_changes) and not dry_run
        if written:
            run.settings.change(found.changes)
            panel.write(settings.panel)
            run.out.say(f"Written: {len(found.lines) + panel_changes} change(s).")
        hints = _hints(settings, run)
        for hint in hints:
            run.out.aside(hint)
        run.out.result(
            {"changes": _listed(found), "panel_changes": panel_changes, "written": written, "hints": hints}
        )


def _read(run: Run, file: Path) -> Settings:
    path = file if file.is_absolute() else run.world.folder / file
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{file} cannot be read; begin with a copy of orderbridge.example.yaml") from None
    return read_settings(text, str(file), run.stack.broker_hosts, run.now_ms)


def _unclaimed(run: Run, found: Difference) -> None:
    """Refuse an account that a panel user has brought along: two lanes of one account would not know of each other."""
    users = Users(run.world.client("dynamodb"), run.table)
    for change in found.changes:
        login = users.claimant(change.settings) if isinstance(change, PutAccount) else None
        if login is not None and isinstance(change, PutAccount):
            account = change.settings
            raise SettingsError(
                f"account {account.name}: {account.broker} account {account.broker_account_id} is the panel user "
                f"{login!r}'s own; remove that user first (orderbridge users remove {login}), or leave the account out"
            )


def _listed(found: Difference) -> list[dict[str, str]]:
    return [
        {"sign": line.sign, "kind": line.kind, "name": line.name, "field": line.field, "old": line.old, "new": line.new}
        for line in found.lines
    ]


def _hints(settings: Settings, run: Run) -> list[str]:
    """Say what is still missing before alerts trade, and what to know of them."""
    strategies, accounts = run.settings.strategies(), run.settings.accounts()
    hints = [
        f"Strategy {name} has no key yet: orderbridge keys new {name}"
        for name in settings.strategies
        if name in strategies and not strategies[name].value.key_hashes
    ]
    for name, account in settings.accounts.items():
        stored = accounts.get(name)
        confirmed = stored is not None and stored.value.live_confirmed_at_ms is not None
        if account.environment == "live" and not confirmed:
            hints.append(f"Account {name} sends no live order yet: orderbridge live {name}")
    shares = shared_symbols(settings.strategies, settings.accounts, run.now_ms)
    hints += [
        f"{one.first.name} and {one.second.name} share {one.symbols} on account {one.account.name}, which nets: "
        f"the stop or exit of one can close what the other holds."
        for one in shares
        if one.allowed and one.mixed
    ]
    return hints
