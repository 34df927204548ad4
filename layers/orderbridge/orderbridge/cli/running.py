"""How every command runs: its output, its deployment when it asks for one, and its exit code when it fails.

| code | meaning |
|---|---|
| 0 | done |
| 1 | the command found what it was asked to look for: something is wrong (`doctor`, `certify`, `fire`) |
| 2 | the command line itself is wrong |
| 3 | settings cannot be used |
| 4 | AWS or the stack cannot be reached or refuses |
| 5 | the broker cannot be reached or refuses |
| 6 | the person said no |
| 7 | something was changed by somebody else meanwhile; nothing was written, run it again |
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from orderbridge.cli.output import Output
from orderbridge.cli.problems import SettingsProblems
from orderbridge.cli.stack import Stack, find_stack
from orderbridge.cli.world import World
from orderbridge.errors import BrokerReadError, ConflictError, OrderbridgeError, SettingsError, StorageError
from orderbridge.storage.control import Controls
from orderbridge.storage.settings import SettingsStore

if TYPE_CHECKING:
    from orderbridge.wiring import Bridge

FOUND, USAGE, SETTINGS, AWS, BROKER, DECLINED, CHANGED = 1, 2, 3, 4, 5, 6, 7

StackOption = Annotated[
    str, typer.Option("--stack", help="The CloudFormation stack (else ORDERBRIDGE_STACK, samconfig.toml).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


class DeclinedError(OrderbridgeError):
    """A person was asked and said no, or could not be asked."""


@dataclass
class Run:
    """One command that is being carried out."""

    world: World
    out: Output
    asked_for: str
    _stack: Stack | None = field(default=None)
    _bridge: "Bridge | None" = field(default=None)

    @property
    def stack(self) -> Stack:
        if self._stack is None:
            self._stack = find_stack(self.world, self.asked_for)
        return self._stack

    @property
    def bridge(self) -> "Bridge":
        if self._bridge is None:
            self._bridge = self.world.bridge(self.stack.environment)
        return self._bridge

    @property
    def now_ms(self) -> int:
        return self.world.now_ms()

    @property
    def table(self) -> str:
        return self.stack.table

    @property
    def settings(self) -> SettingsStore:
        return SettingsStore(self.world.client("dynamodb"), self.table)

    @property
    def controls(self) -> Controls:
        return Controls(self.world.client("dynamodb"), self.table)

    def ask(self, question: str, yes: bool) -> None:
        """Ask for a yes unless it was given already. Raises `DeclinedError`."""
        if yes:
            return
        if self.out.as_json or not self.world.interactive:
            raise DeclinedError(f"{question} Nobody can be asked here; add --yes.")
        if not typer.confirm(question, err=True):
            raise DeclinedError("Nothing was done.")


@contextmanager
def running(context: typer.Context, stack: str, as_json: bool) -> Iterator[Run]:
    """Carry out a command; say in one sentence why it failed, and end with the code that stands for it."""
    out = Output(as_json)
    try:
        yield Run(context.find_object(World) or _no_world(), out, stack)
    except SettingsProblems as error:
        problems = [{"line": p.line, "field": p.field, "message": p.message, "mend": p.mend} for p in error.problems]
        out.error(str(error), {"file": error.file, "problems": problems})
        raise typer.Exit(SETTINGS) from None
    except OrderbridgeError as error:
        out.error(str(error))
        raise typer.Exit(_code(error)) from None
    except typer.Abort:
        out.error("Stopped at the question.")
        raise typer.Exit(DECLINED) from None


def _code(error: OrderbridgeError) -> int:
    match error:
        case SettingsError():
            return SETTINGS
        case ConflictError():
            return CHANGED
        case StorageError():
            return AWS
        case BrokerReadError():
            return BROKER
        case DeclinedError():
            return DECLINED
        case _:
            return FOUND


def _no_world() -> World:
    raise LookupError("the command was started without a world")
