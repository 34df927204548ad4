"""`orderbridge keys`: the random keys in webhook URLs. The table keeps their SHA-256 only; a key is shown once."""

import base64
import hashlib
from typing import Annotated, Literal, assert_never

import typer

from orderbridge.cli.running import JsonOption, Run, StackOption, YesOption, running
from orderbridge.errors import SettingsError
from orderbridge.storage.settings import Versioned
from orderbridge.strategy.settings import StrategySettings

KEY_BYTES = 20
"""160 bits: more than the 128 that guessing must not reach, and 27 characters in a URL."""

app = typer.Typer(help="Keys of webhook URLs.", no_args_is_help=True)

Which = Literal["old", "new", "all"]
StrategyArgument = Annotated[str, typer.Argument(help="The strategy's name.")]


def new_key(random_bytes: bytes) -> str:
    """Make a key that can stand in a URL."""
    return base64.urlsafe_b64encode(random_bytes).decode().rstrip("=")


def key_hash(key: str) -> str:
    """Give what is stored of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


@app.command("new")
def new(
    context: typer.Context, strategy: StrategyArgument, stack: StackOption = "", as_json: JsonOption = False
) -> None:
    """Make the strategy's first key and show its webhook URL, once."""
    with running(context, stack, as_json) as run:
        found = _strategy(run, strategy)
        if found.value.key_hashes:
            raise SettingsError(f"{strategy} has a key already; `orderbridge keys rotate {strategy}` adds another one")
        _add(run, found)


@app.command("rotate")
def rotate(
    context: typer.Context, strategy: StrategyArgument, stack: StackOption = "", as_json: JsonOption = False
) -> None:
    """Make another key beside the present one; both are valid until one is revoked, so that alerts can be moved."""
    with running(context, stack, as_json) as run:
        found = _strategy(run, strategy)
        if len(found.value.key_hashes) > 1:
            raise SettingsError(
                f"{strategy} has two keys already; `orderbridge keys revoke {strategy} --which old` ends the older one"
            )
        _add(run, found)


@app.command("revoke")
def revoke(
    context: typer.Context,
    strategy: StrategyArgument,
    which: Annotated[Which | None, typer.Option("--which", help="Needed where two keys are valid.")] = None,
    yes: YesOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """End a key: alerts that still carry it are refused from then on."""
    with running(context, stack, as_json) as run:
        found = _strategy(run, strategy)
        kept = _kept(found.value, which)
        ended = len(found.value.key_hashes) - len(kept)
        if not kept:
            run.ask(f"{strategy} has no valid key after this; its alerts are refused. Go on?", yes)
        run.settings.set_keys(found, kept)
        run.out.say(f"{ended} key(s) revoked, {len(kept)} valid. The receiver forgets a key within its cache time.")
        run.out.result({"strategy": strategy, "revoked": ended, "valid": len(kept)})


def _kept(settings: StrategySettings, which: Which | None) -> tuple[str, ...]:
    hashes = settings.key_hashes
    if not hashes:
        raise SettingsError(f"{settings.name} has no key")
    if which is None and len(hashes) > 1:
        raise SettingsError(f"{settings.name} has two keys; say --which old, --which new or --which all")
    match which:
        case "old":
            return hashes[1:]
        case "new":
            return hashes[:-1]
        case "all" | None:
            return ()
        case _:
            assert_never(which)


def _strategy(run: Run, name: str) -> Versioned[StrategySettings]:
    found = run.settings.strategy(name)
    if found is None:
        known = ", ".join(sorted(run.settings.strategies())) or "none"
        raise SettingsError(f"there is no strategy {name!r}; applied are: {known}")
    return found


def _add(run: Run, found: Versioned[StrategySettings]) -> None:
    key = new_key(run.world.random_bytes(KEY_BYTES))
    settings = run.settings.set_keys(found, (*found.value.key_hashes, key_hash(key)))
    url = run.stack.webhook_url(settings.name, key)
    run.out.say("The webhook URL for TradingView's alert dialog; it is shown this once and is a secret:")
    run.out.say(url, "bold")
    run.out.result({"strategy": settings.name, "key": key, "url": url, "valid": len(settings.key_hashes)})
