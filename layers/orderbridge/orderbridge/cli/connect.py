"""`orderbridge connect`: sign in at a broker once; the login is kept in Secrets Manager and refreshed from then on."""

import base64
from typing import Annotated, Literal

import typer

from orderbridge.brokers.http import MonotonicDeadline, open_client
from orderbridge.brokers.login import Login, LoginRefused, RefreshOutcome
from orderbridge.brokers.tradelocker import auth as tradelocker_auth
from orderbridge.brokers.tradelocker import hosts as tradelocker_hosts
from orderbridge.brokers.tradestation import auth as tradestation_auth
from orderbridge.brokers.tradestation.hosts import AUTH_URL
from orderbridge.cli.fields import NAME
from orderbridge.cli.listing import as_values, as_yaml, list_accounts
from orderbridge.cli.running import DeclinedError, JsonOption, Run, StackOption, running
from orderbridge.cli.sign_in import PORTS, Callback, SignInRefusedError, code_of
from orderbridge.errors import BrokerReadError, SettingsError
from orderbridge.secret import NO_SECRET, Secret

SIGN_IN_S = 300.0
BROKER_S = 60.0

app = typer.Typer(help="Sign in at a broker.", no_args_is_help=True)

BaseUrlOption = Annotated[
    str, typer.Option("--base-url", help="Another API address (a simulated broker); the stack must allow its host.")
]


@app.command("tradestation")
def tradestation(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the connection.")] = "tradestation",
    environment: Annotated[
        Literal["sim", "live"], typer.Option("--environment", help="sim is TradeStation's simulator.")
    ] = "sim",
    client_id: Annotated[
        str, typer.Option("--client-id", envvar="TRADESTATION_CLIENT_ID", help="The API key's id.")
    ] = "",
    pkce: Annotated[bool, typer.Option("--pkce", help="The API key is of the PKCE kind and has no secret.")] = False,
    port: Annotated[int, typer.Option("--port", help="The only local port to use (else 3000, 31022, 3001, 8080).")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the sign-in address only.")] = False,
    paste: Annotated[bool, typer.Option("--paste", help="Paste the address that the browser ends at.")] = False,
    code: Annotated[str, typer.Option("--code", help="A code that was fetched already; asks nothing.")] = "",
    redirect_uri: Annotated[
        str, typer.Option("--redirect-uri", help="With --paste or --code: the address that the key allows.")
    ] = f"http://localhost:{PORTS[0]}",
    auth_url: Annotated[
        str, typer.Option("--auth-url", help="Another sign-in address (a simulated broker).")
    ] = AUTH_URL,
    base_url: BaseUrlOption = "",
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Sign in at TradeStation in the browser. The API key's secret is asked for, or TRADESTATION_CLIENT_SECRET."""
    with running(context, stack, as_json) as run:
        _check_name(name)
        key_id = client_id or _ask(run, "API key (client id)", "TRADESTATION_CLIENT_ID")
        secret = NO_SECRET if pkce else Secret(_secret(run, "API key's secret", "TRADESTATION_CLIENT_SECRET"))
        proof = tradestation_auth.pkce(run.world.random_bytes(48)) if pkce else None
        state = base64.urlsafe_b64encode(run.world.random_bytes(24)).decode()
        callback = None if paste or code else Callback((port,) if port else PORTS)
        address = callback.redirect_uri if callback else redirect_uri
        url = tradestation_auth.authorization_url(
            key_id, address, state, challenge=proof.challenge if proof else "", auth_url=auth_url
        )
        if code and pkce:
            raise SettingsError("--code cannot go with --pkce: the code belongs to a verifier of its own")
        fetched = Secret(code) if code else _signed_in(run, url, state, callback, no_browser)
        endpoint = tradestation_auth.TradeStationAuth(open_client(run.world.transport), run.stack.broker_hosts)
        outcome = endpoint.exchange_code(
            fetched,
            address,
            key_id,
            secret,
            environment,
            MonotonicDeadline(BROKER_S),
            verifier=proof.verifier if proof else NO_SECRET,
            base_url=base_url,
            auth_url=auth_url,
        )
        login = _accepted(outcome)
        missing = tradestation_auth.missing_scopes(login)
        if missing:
            raise SignInRefusedError(f"the sign-in lacks {', '.join(missing)}; sign in again and leave them ticked")
        _keep(run, name, login)


@app.command("tradelocker")
def tradelocker(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the connection.")] = "tradelocker",
    environment: Annotated[Literal["demo", "live"], typer.Option("--environment")] = "demo",
    email: Annotated[str, typer.Option("--email", envvar="TRADELOCKER_EMAIL")] = "",
    server: Annotated[
        str, typer.Option("--server", envvar="TRADELOCKER_SERVER", help="The broker's server, as the app names it.")
    ] = "",
    base_url: BaseUrlOption = "",
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Log in at TradeLocker. The password is asked for, or TRADELOCKER_PASSWORD; it is kept to log in again."""
    with running(context, stack, as_json) as run:
        _check_name(name)
        where: tradelocker_hosts.Environment = "live" if environment == "live" else "sim"
        outcome = tradelocker_auth.log_in(
            tradelocker_auth.Exchange(open_client(run.world.transport), run.stack.broker_hosts),
            environment=where,
            base_url=base_url or tradelocker_hosts.BASE_URLS[where],
            email=email or _ask(run, "E-mail", "TRADELOCKER_EMAIL"),
            server=server or _ask(run, "Server", "TRADELOCKER_SERVER"),
            password=Secret(_secret(run, "Password", "TRADELOCKER_PASSWORD")),
            deadline=MonotonicDeadline(BROKER_S),
            developer_api_key=Secret(run.world.environ.get("TRADELOCKER_DEVELOPER_KEY", "")),
        )
        _keep(run, name, _accepted(outcome))


def _signed_in(run: Run, url: str, state: str, callback: Callback | None, no_browser: bool) -> Secret:
    opened = not no_browser and run.world.open_browser(url)
    run.out.aside("Sign in on the page in the browser." if opened else "Open this address in a browser and sign in:")
    if not opened:
        run.out.aside(url, "")
    if callback is not None:
        return callback.wait(state, SIGN_IN_S)
    return code_of(_secret(run, "Address that the browser ended at", ""), state)


def _accepted(outcome: RefreshOutcome) -> Login:
    if isinstance(outcome, LoginRefused):
        raise SignInRefusedError(f"the broker refuses the login: {outcome.message}")
    return outcome


def _keep(run: Run, name: str, login: Login) -> None:
    """Store the login, then show its accounts; a list that fails does not take the login back."""
    deadline = MonotonicDeadline(BROKER_S)
    run.bridge.keeper(name).replace_login(login, deadline)
    run.out.say(f"Connected as {name} ({login.broker}, {login.environment}).", "green")
    try:
        listed = list_accounts(run, name, login, deadline)
    except BrokerReadError as error:
        listed = []
        run.out.aside(f"Its accounts could not be listed ({error}); try `orderbridge accounts {name}`.")
    if listed:
        run.out.say("Put the accounts that you want to trade under `accounts:` in orderbridge.yaml:")
        for one in listed:
            run.out.say(as_yaml(one))
    run.out.result(
        {
            "connection": name,
            "broker": login.broker,
            "environment": login.environment,
            "access_expires_at_ms": login.access_expires_at_ms,
            "accounts": [as_values(one) for one in listed],
        }
    )


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise SettingsError(f"{name!r} cannot be a name; use letters, digits, hyphens and underscores")


def _ask(run: Run, what: str, variable: str) -> str:
    if run.out.as_json or not run.world.interactive:
        raise DeclinedError(f"{what} is missing and nobody can be asked here; set {variable}.")
    return str(typer.prompt(what, err=True)).strip()


def _secret(run: Run, what: str, variable: str) -> str:
    """Take a secret from the environment or ask for it without showing it; never from an argument, which others see."""
    given = run.world.environ.get(variable, "") if variable else ""
    if given:
        return given
    if run.out.as_json or not run.world.interactive:
        hint = f"set {variable}" if variable else "run it in a terminal"
        raise DeclinedError(f"{what} is missing and nobody can be asked here; {hint}.")
    return str(typer.prompt(what, hide_input=True, err=True)).strip()
