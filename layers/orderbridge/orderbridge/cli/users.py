"""`orderbridge users`: who may use the broker panel, and with which accounts."""

import base64
from dataclasses import replace
from typing import Annotated

import typer

from orderbridge.broker_api.login.model import StoredUser, User
from orderbridge.broker_api.login.password_login import clean_login
from orderbridge.broker_api.login.passwords import hash_password, wrong_with
from orderbridge.cli.running import DeclinedError, JsonOption, Run, StackOption, YesOption, running
from orderbridge.errors import SettingsError
from orderbridge.secret import Secret
from orderbridge.storage.secrets import LoginSecrets, NotConnectedError
from orderbridge.storage.token_lease import TokenLeases
from orderbridge.storage.users import Users

PASSWORD_VARIABLE = "ORDERBRIDGE_PASSWORD"  # noqa: S105 - a variable's name
GENERATION_BYTES = 16

app = typer.Typer(help="Users of the broker panel.", no_args_is_help=True)

LoginArgument = Annotated[str, typer.Argument(help="The user's login.")]
AccountsArgument = Annotated[list[str], typer.Argument(help="Names of accounts in the settings.")]


@app.command("add")
def add(
    context: typer.Context,
    login: LoginArgument,
    account: Annotated[list[str], typer.Option("--account", help="An account to link; may be given again.")] = [],  # noqa: B006 - typer's form of a repeated option
    tradestation_account: Annotated[
        str,
        typer.Option(
            "--tradestation-account",
            help="Let whoever has this TradeStation account sign in at TradeStation itself, as this user.",
        ),
    ] = "",
    no_password: Annotated[bool, typer.Option("--no-password", help="The user signs in at TradeStation only.")] = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Add a user. The password is asked for, or ORDERBRIDGE_PASSWORD; it is stored as an argon2 hash."""
    with running(context, stack, as_json) as run:
        name = _name(login)
        if no_password and not tradestation_account:
            raise SettingsError("without a password the user needs --tradestation-account to sign in at all")
        accounts = _known_accounts(run, account)
        user = User(
            login=name,
            generation=_generation(run),
            accounts=accounts,
            password_hash="" if no_password else hash_password(_password(run)),
            tradestation_account=tradestation_account.strip(),
            created_at_ms=run.now_ms,
        )
        _users(run).put(user, None)
        run.out.say(f"User {name} added, with {len(accounts)} account(s).", "green")
        if not accounts and not tradestation_account:
            run.out.aside(f"Link an account: orderbridge users link {name} ACCOUNT")
        run.out.result(_shown(user))


@app.command("passwd")
def passwd(context: typer.Context, login: LoginArgument, stack: StackOption = "", as_json: JsonOption = False) -> None:
    """Set another password. Every sign-in of the user ends."""
    with running(context, stack, as_json) as run:
        found = _found(run, login)
        user = replace(found.value, password_hash=hash_password(_password(run)), generation=_generation(run))
        _users(run).put(user, found.version)
        run.out.say(f"{user.login} has a new password; sign-ins under the old one end within seconds.", "green")
        run.out.result(_shown(user))


@app.command("link")
def link(
    context: typer.Context,
    login: LoginArgument,
    accounts: AccountsArgument,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let a user see and trade accounts of the settings. Several users may be linked to one account."""
    with running(context, stack, as_json) as run:
        found = _found(run, login)
        linked = tuple(dict.fromkeys((*found.value.accounts, *_known_accounts(run, accounts))))
        _store_links(run, found, linked)


@app.command("unlink")
def unlink(
    context: typer.Context,
    login: LoginArgument,
    accounts: AccountsArgument,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Take accounts from a user again."""
    with running(context, stack, as_json) as run:
        found = _found(run, login)
        missing = [name for name in accounts if name not in found.value.accounts]
        if missing:
            raise SettingsError(f"{found.value.login} is not linked to {', '.join(missing)}")
        _store_links(run, found, tuple(name for name in found.value.accounts if name not in accounts))


@app.command("remove")
def remove(
    context: typer.Context,
    login: LoginArgument,
    yes: YesOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Remove a user: the sign-ins end, and what came with a broker login of the user's own goes."""
    with running(context, stack, as_json) as run:
        found = _found(run, login)
        user = found.value
        own = f" The accounts {', '.join(user.own_accounts)} are no longer watched." if user.own_accounts else ""
        run.ask(f"Remove user {user.login}?{own}", yes)
        _users(run).remove(found)
        if user.connection:
            _forget_connection(run, user.connection)
        run.out.say(f"User {user.login} removed. Orders that are working at the broker stay there.")
        run.out.result({"login": user.login, "removed": True, "own_accounts": list(user.own_accounts)})


@app.command("list")
def list_users(context: typer.Context, stack: StackOption = "", as_json: JsonOption = False) -> None:
    """List the users, how they sign in, and their accounts."""
    with running(context, stack, as_json) as run:
        users = [found.value for found in _users(run).all().values()]
        rows = [
            (user.login, _ways(user), ", ".join(user.accounts) or "-", ", ".join(user.own_accounts)) for user in users
        ]
        run.out.table(("login", "signs in by", "accounts", "own accounts"), rows, empty="No users yet.")
        run.out.result({"users": [_shown(user) for user in users]})


def _users(run: Run) -> Users:
    return Users(run.world.client("dynamodb"), run.table)


def _name(login: str) -> str:
    name = clean_login(login)
    if not name:
        raise SettingsError(
            f"{login!r} cannot be a login; use up to 64 letters, digits and . _ @ + -, and begin with a letter or digit"
        )
    return name


def _found(run: Run, login: str) -> StoredUser:
    found = _users(run).get(_name(login))
    if found is None:
        known = ", ".join(sorted(_users(run).all())) or "none"
        raise SettingsError(f"there is no user {login!r}; users are: {known}")
    return found


def _known_accounts(run: Run, names: list[str]) -> tuple[str, ...]:
    known = run.settings.accounts() if names else {}
    unknown = [name for name in names if name not in known]
    if unknown:
        listed = ", ".join(sorted(known)) or "none"
        raise SettingsError(f"{', '.join(unknown)}: not among the accounts of the settings, which are: {listed}")
    return tuple(dict.fromkeys(names))


def _store_links(run: Run, found: StoredUser, accounts: tuple[str, ...]) -> None:
    user = replace(found.value, accounts=accounts)
    _users(run).put(user, found.version)
    run.out.say(f"{user.login} has: {', '.join(user.all_accounts) or 'no account'}.")
    run.out.result(_shown(user))


def _forget_connection(run: Run, connection: str) -> None:
    try:
        LoginSecrets(run.world.client("secretsmanager"), run.stack.secret_prefix).delete(connection, at_once=True)
    except NotConnectedError:
        run.out.aside(f"There was no login {connection} any more.")
    TokenLeases(run.world.client("dynamodb"), run.table).forget(connection)


def _generation(run: Run) -> str:
    return base64.urlsafe_b64encode(run.world.random_bytes(GENERATION_BYTES)).decode().rstrip("=")


def _password(run: Run) -> Secret:
    """Take the password from the environment or ask for it, twice and unseen; never from an argument."""
    given = run.world.environ.get(PASSWORD_VARIABLE, "")
    if not given:
        if run.out.as_json or not run.world.interactive:
            raise DeclinedError(f"The password is missing and nobody can be asked here; set {PASSWORD_VARIABLE}.")
        given = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    wrong = wrong_with(Secret(given))
    if wrong:
        raise SettingsError(wrong)
    return Secret(given)


def _ways(user: User) -> str:
    ways = ["password"] if user.password_hash else []
    if user.tradestation_subject:
        ways.append("TradeStation")
    elif user.tradestation_account:
        ways.append("TradeStation (not yet done)")
    return ", ".join(ways) or "nothing"


def _shown(user: User) -> dict[str, object]:
    return {
        "login": user.login,
        "accounts": list(user.accounts),
        "own_accounts": list(user.own_accounts),
        "password": bool(user.password_hash),
        "tradestation_account": user.tradestation_account,
        "tradestation_signed_in": bool(user.tradestation_subject),
        "created_at_ms": user.created_at_ms,
    }
