"""`orderbridge panel`: what TradingView is given to reach the broker panel: OAuth clients, servers, secrets.

A secret is shown once; the table keeps its SHA-256.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer

from orderbridge.broker_api.login.model import Client, OAuthClient, ServerClient
from orderbridge.broker_api.login.server_token import read_certificate
from orderbridge.broker_api.login.tokens import digest, new_secret
from orderbridge.broker_api.login.tradestation import ApiKey
from orderbridge.brokers.http import check_base_url
from orderbridge.brokers.login import Login
from orderbridge.brokers.tradestation.hosts import AUTH_URL, BASE_URLS
from orderbridge.cli.running import DeclinedError, JsonOption, Run, StackOption, YesOption, running
from orderbridge.errors import SettingsError
from orderbridge.secret import NO_SECRET, Secret
from orderbridge.storage.panel_clients import PanelClients
from orderbridge.storage.panel_key import PanelKey

CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
GRANT_TYPE = "urn:orderbridge:oauth:grant-type:personal-jwt"
LOOPBACK = ("localhost", "127.0.0.1")

app = typer.Typer(help="What TradingView is given to reach the broker panel.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(help="The client id; choose it: tradingview-production, ...")]


@app.command("client")
def client(
    context: typer.Context,
    client_id: IdArgument,
    redirect_uri: Annotated[
        list[str], typer.Option("--redirect-uri", help="Where TradingView wants people back; may be given again.")
    ],
    logout_uri: Annotated[
        list[str], typer.Option("--logout-uri", help="Where people go after signing out; may be given again.")
    ] = [],  # noqa: B006 - typer's form of a repeated option
    implicit: Annotated[bool, typer.Option("--implicit", help="Open the implicit flow too.")] = False,
    scope: Annotated[str, typer.Option("--scope", help="Scopes that may be asked for, in quotes; none: any.")] = "",
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make an OAuth client for one of TradingView's environments, or change its addresses; its secret stays."""
    with running(context, stack, as_json) as run:
        _check_id(client_id)
        before = _clients(run).get(client_id)
        if isinstance(before, ServerClient):
            raise SettingsError(f"{client_id} is a data server's client; choose another id")
        secret = NO_SECRET if before else new_secret(run.world.random_bytes)
        made = OAuthClient(
            client_id=client_id,
            secret_hashes=before.secret_hashes if before else (digest(secret.reveal()),),
            redirect_uris=tuple(_address(uri) for uri in redirect_uri),
            logout_uris=tuple(_address(uri) for uri in logout_uri),
            flows=("code", "token") if implicit else ("code",),
            scopes=tuple(scope.split()),
        )
        _clients(run).put(made)
        base = _base(run)
        told = {
            "client_id": client_id,
            "authorization_uri": f"{base}/oauth/authorize",
            "token_uri": f"{base}/oauth/token",
            "logout_uri": f"{base}/oauth/logout",
            "scope": scope,
        }
        _tell(run, told, secret, "Give these to TradingView:")


@app.command("server")
def server(
    context: typer.Context,
    client_id: IdArgument,
    certificate: Annotated[
        list[Path], typer.Option("--certificate", help="PEM file that TradingView signs with; may be given again.")
    ],
    account: Annotated[
        str, typer.Option("--account", help="The account whose login reads the bars and symbols that are served.")
    ],
    user_id: Annotated[str, typer.Option("--user-id", help="The assertion's `sub` (else the client id).")] = "",
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a client for one of TradingView's data servers (the JWT flow), or change it; its secret stays."""
    with running(context, stack, as_json) as run:
        _check_id(client_id)
        before = _clients(run).get(client_id)
        if isinstance(before, OAuthClient):
            raise SettingsError(f"{client_id} is an OAuth client; choose another id")
        if run.settings.account(account) is None:
            raise SettingsError(f"{account} is not among the accounts of the settings")
        secret = NO_SECRET if before else new_secret(run.world.random_bytes)
        base = _base(run)
        made = ServerClient(
            client_id=client_id,
            secret_hashes=before.secret_hashes if before else (digest(secret.reveal()),),
            user_id=user_id or client_id,
            app_url=base,
            token_url=f"{base}/authorize/token",
            grant_type=GRANT_TYPE,
            certificates=tuple(read_certificate(_read(run, path)) for path in _certificates(run, certificate)),
            account=account,
        )
        _clients(run).put(made)
        told = {
            "client_id": client_id,
            "AppUrl": made.app_url,
            "UserId": made.user_id,
            "token_url": made.token_url,
            "grant_type": made.grant_type,
            "x5t": ", ".join(one.sha1 for one in made.certificates),
        }
        _tell(run, told, secret, "Give these to TradingView, with the certificate and its key:")


@app.command("secret")
def secret_of(
    context: typer.Context,
    client_id: IdArgument,
    revoke: Annotated[
        Literal["old", "new"] | None, typer.Option("--revoke", help="End one of two secrets instead.")
    ] = None,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Make a second secret beside the first, so that TradingView can change over; then revoke the old one."""
    with running(context, stack, as_json) as run:
        found = _found(run, client_id)
        hashes = found.secret_hashes
        if revoke:
            if len(hashes) < 2:
                raise SettingsError(f"{client_id} has one secret only; make another one first")
            _clients(run).put(replace(found, secret_hashes=hashes[1:] if revoke == "old" else hashes[:1]))
            run.out.say(f"The {revoke} secret of {client_id} is revoked.")
            run.out.result({"client_id": client_id, "revoked": revoke})
            return
        if len(hashes) > 1:
            raise SettingsError(f"{client_id} has two secrets already; end one with --revoke old")
        secret = new_secret(run.world.random_bytes)
        _clients(run).put(replace(found, secret_hashes=(*hashes, digest(secret.reveal()))))
        _tell(run, {"client_id": client_id}, secret, "Both secrets are valid now:")


@app.command("remove")
def remove(
    context: typer.Context,
    client_id: IdArgument,
    yes: YesOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Remove a client; it gets no more tokens, and those that it has end within half an hour."""
    with running(context, stack, as_json) as run:
        found = _found(run, client_id)
        run.ask(f"Remove {client_id}? TradingView's people cannot sign in through it any more.", yes)
        _clients(run).remove(found.client_id)
        run.out.say(f"{client_id} removed.")
        run.out.result({"client_id": client_id, "removed": True})


@app.command("list")
def list_clients(context: typer.Context, stack: StackOption = "", as_json: JsonOption = False) -> None:
    """List the clients and their addresses."""
    with running(context, stack, as_json) as run:
        clients = _clients(run).all()
        rows = [(one.client_id, _kind(one), _where(one), str(len(one.secret_hashes))) for one in clients]
        run.out.table(("client", "for", "addresses", "secrets"), rows, empty="No clients yet.")
        run.out.result(
            {
                "clients": [
                    {"client_id": one.client_id, "kind": _kind(one), "addresses": _where(one).split(" ")}
                    for one in clients
                ]
            }
        )


@app.command("tradestation")
def tradestation(
    context: typer.Context,
    client_id: Annotated[
        str, typer.Option("--client-id", envvar="TRADESTATION_CLIENT_ID", help="The API key's id.")
    ] = "",
    environment: Annotated[
        Literal["sim", "live"], typer.Option("--environment", help="Which accounts people bring.")
    ] = "sim",
    off: Annotated[bool, typer.Option("--off", help="No longer offer it.")] = False,
    auth_url: Annotated[
        str, typer.Option("--auth-url", help="Another sign-in address (a simulated broker).")
    ] = AUTH_URL,
    base_url: Annotated[str, typer.Option("--base-url", help="Another API address (a simulated broker).")] = "",
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Let people sign in at TradeStation on the login page. Asks for the key's secret (TRADESTATION_CLIENT_SECRET)."""
    with running(context, stack, as_json) as run:
        keys = PanelKey(run.world.client("secretsmanager"), run.stack.secret_prefix)
        if off:
            keys.remove()
            run.out.say("The login page offers TradeStation no longer (within 5 minutes).")
            run.out.result({"tradestation": False})
            return
        if not client_id:
            raise SettingsError("the API key's id is missing; give --client-id")
        blank = Login(
            broker="tradestation",
            environment=environment,
            base_url=check_base_url(base_url or BASE_URLS[environment], run.stack.broker_hosts),
            auth_url=check_base_url(auth_url, run.stack.broker_hosts),
            refresh_token=NO_SECRET,
            access_token=NO_SECRET,
            access_expires_at_ms=0,
            obtained_at_ms=0,
            client_id=client_id,
            client_secret=_key_secret(run),
        )
        callback = f"{_base(run)}/oauth/tradestation/callback"
        keys.write(ApiKey(blank, callback))
        run.out.say("The login page offers TradeStation (within 5 minutes).", "green")
        run.out.say(f"TradeStation must have this on the API key's list of allowed callbacks: {callback}")
        run.out.result({"tradestation": True, "callback": callback, "environment": environment})


def _clients(run: Run) -> PanelClients:
    return PanelClients(run.world.client("dynamodb"), run.table)


def _found(run: Run, client_id: str) -> Client:
    found = _clients(run).get(client_id)
    if found is None:
        known = ", ".join(one.client_id for one in _clients(run).all()) or "none"
        raise SettingsError(f"there is no client {client_id!r}; clients are: {known}")
    return found


def _base(run: Run) -> str:
    if not run.stack.panel_api_url:
        raise SettingsError("this deployment has no panel yet; deploy the present template")
    return run.stack.panel_api_url


def _check_id(client_id: str) -> None:
    if not CLIENT_ID.fullmatch(client_id):
        raise SettingsError(f"{client_id!r} cannot be a client id; use 3 to 64 letters, digits and . _ -")


def _address(uri: str) -> str:
    """Check an address that people are sent to: https, or plain http on this machine."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        host, parts = "", urlsplit("")
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    plain = not (parts.username or parts.password or parts.fragment) and uri.isascii() and uri.isprintable()
    if not host or not secure or not plain or any(letter in uri for letter in " \\;,'\""):
        raise SettingsError(f"{uri!r} cannot be an address to return to; give the whole https address, without #")
    return uri


def _certificates(run: Run, paths: list[Path]) -> list[Path]:
    for path in paths:
        try:
            read_certificate(_read(run, path))
        except ValueError as error:
            raise SettingsError(f"{path}: {error}") from None
    return paths


def _read(run: Run, path: Path) -> str:
    try:
        return (path if path.is_absolute() else run.world.folder / path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{path} cannot be read as a PEM file") from None


def _key_secret(run: Run) -> Secret:
    given = run.world.environ.get("TRADESTATION_CLIENT_SECRET", "")
    if not given:
        if run.out.as_json or not run.world.interactive:
            raise DeclinedError(
                "The key's secret is missing and nobody can be asked here; set TRADESTATION_CLIENT_SECRET."
            )
        given = str(typer.prompt("API key's secret", hide_input=True, err=True)).strip()
    return Secret(given)


def _tell(run: Run, values: dict[str, str], secret: Secret, title: str) -> None:
    run.out.say(title)
    for name, value in values.items():
        run.out.say(f"  {name}: {value or '-'}")
    told: dict[str, object] = dict(values)
    if secret:
        told["client_secret"] = secret.reveal()
        run.out.say(f"  client_secret: {secret.reveal()}", "bold")
        run.out.aside("The secret is shown this once.")
    else:
        run.out.aside("The secret stays as it is.")
    run.out.result(told)


def _kind(client: Client) -> str:
    return "data server" if isinstance(client, ServerClient) else " and ".join(client.flows)


def _where(client: Client) -> str:
    return client.token_url if isinstance(client, ServerClient) else " ".join(client.redirect_uris)
