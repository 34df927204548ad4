"""`orderbridge live`: let real orders out, for one account, by typing its id."""

from typing import Annotated

import typer

from orderbridge.cli.holding import all_accounts
from orderbridge.cli.running import DeclinedError, JsonOption, Run, StackOption, running
from orderbridge.errors import SettingsError
from orderbridge.strategy.settings import AccountSettings


def live(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account's name in the settings.")],
    confirm: Annotated[str, typer.Option("--confirm", help="The broker's account id, where nobody can be asked.")] = "",
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the confirmation back.")] = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Confirm that an account may send live orders. Without this, a live account sends nothing."""
    with running(context, stack, as_json) as run:
        found = run.settings.account(account)
        if found is None:
            known = ", ".join(all_accounts(run)) or "none"
            raise SettingsError(f"there is no account {account!r}; applied are: {known}")
        settings = found.value
        if settings.environment != "live":
            raise SettingsError(f"{account} is an account of the simulator; it needs no confirmation")
        if revoke:
            run.settings.confirm_live(found, None)
            run.out.say(f"{account} sends no live order any more. Positions that are open stay open.", "yellow")
        else:
            _typed(run, settings, confirm)
            run.settings.confirm_live(found, run.now_ms)
            run.out.say(f"{account} sends live orders from now on.", "red")
        run.out.result({"account": account, "live": not revoke})


def _typed(run: Run, settings: AccountSettings, confirm: str) -> None:
    trading = [
        f"{name} (mode {found.value.mode}, position at most {found.value.max_notional or 'any'})"
        for name, found in sorted(run.settings.strategies().items())
        if any(route.account == settings.name for route in found.value.accounts)
    ]
    run.out.aside(f"{settings.broker} account {settings.broker_account_id} at {settings.base_url}: real money.", "red")
    run.out.aside(f"Strategies that trade it: {', '.join(trading) or 'none'}.")
    typed = confirm
    if not typed:
        if run.out.as_json or not run.world.interactive:
            raise DeclinedError("nobody can be asked here; add --confirm with the broker's account id")
        typed = str(typer.prompt(f"Type the account id {settings.broker_account_id} to confirm", err=True)).strip()
    if typed != settings.broker_account_id:
        raise DeclinedError("That is not the account's id; nothing was changed.")
