"""Who runs the bridge: a person with the command line.

    restored table     `orderbridge reconcile` until nothing is open, then `orderbridge resume --restored`
    notice that asks   `orderbridge unresolved`, and `orderbridge resolve` for what it says is to be decided

The commands are the real ones, on a machine of its own beside the functions'. What the person says about orders is
what is true, as the broker's own book has it: whoever placed an order, it is theirs.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from typer.testing import CliRunner

from orderbridge.cli.app import app
from orderbridge.cli.world import World as CommandLine
from orderbridge.wiring import Bridge
from orderbridge.wiring import Environment as Variables
from tests.simulation.process import KilledError, Process

TRIES = 12
PAUSE_MS = 5_000
BEGINS = '{\n  "'
"""How a command's JSON begins."""


@dataclass(frozen=True)
class Terminal(CommandLine):
    """`World` of the command line in virtual time: its bridge runs on the simulated machine too."""

    process: Process | None = None

    def bridge(self, environment: Variables) -> Bridge:
        assert self.process is not None
        return Bridge(environment, self.transport, self.process, self.client)


def terminal(process: Process, transport: Any, client: Callable[[str], Any], variables: Mapping[str, str]) -> Terminal:
    """Open a terminal on a process."""
    return Terminal(
        environ=variables,
        folder=Path("/"),
        user="operator",
        interactive=False,
        client=client,
        open_browser=lambda _: False,
        random_bytes=process.random_bytes,
        now_ms=process.now_ms,
        sleep=process.sleep,
        transport=transport,
        process=process,
    )


class Truth(Protocol):
    """What the person sees at the broker."""

    def owner_of(self, order_id: str) -> str:
        """Give the strategy whose order it is, else nothing."""
        ...

    def order_of(self, command_id: str) -> str:
        """Give the order that came of a command, else nothing."""
        ...


class Operator:
    """Recovers a restored table, and decides what the bridge cannot tell."""

    def __init__(
        self,
        opened: Terminal,
        truth: Truth,
        took: Callable[[str, str], None],
        note: Callable[[str], None],
    ) -> None:
        """`took` hears of each account and root whose holding was taken as the broker reports it."""
        self._took = took
        self._terminal = opened
        self._truth = truth
        self._note = note
        self.decided = 0
        """How many decisions were recorded."""

    def recover(self) -> bool:
        """Reconcile until nothing is open, then lift the halt; False when the person is gone or has given up."""
        answers: dict[str, None] = {}
        try:
            for _ in range(TRIES):
                code, said = self._run("reconcile", "--yes", "--json", *answers)
                if code == 0:
                    code, _ = self._run("resume", "--restored", "--json")
                    if code == 0:
                        return True
                answers |= dict.fromkeys(self._answers(said))
                self._wait(PAUSE_MS)
        except KilledError:
            return False
        return False

    def decide(self) -> bool:
        """Decide until no command's outcome is unknown; False when the person is gone or has given up."""
        try:
            for _ in range(TRIES):
                _, said = self._run("unresolved", "--json")
                unknown = said.get("unknown")
                if unknown == []:
                    return True
                for one in unknown or ():
                    if one["overdue"]:
                        self._resolve(one["command"])
                self._wait(2 * PAUSE_MS)
        except KilledError:
            return False
        return False

    def _resolve(self, command_id: str) -> None:
        order_id = self._truth.order_of(command_id)
        outcome = ("--as=placed", f"--order-id={order_id}") if order_id else ("--as=not-placed",)
        code, said = self._run("resolve", command_id, *outcome, "--reason=seen at the broker", "--yes", "--json")
        self.decided += code == 0 and not said["already"]

    def _wait(self, milliseconds: int) -> None:
        assert self._terminal.process is not None
        self._terminal.process.wait(milliseconds)

    def _run(self, *arguments: str) -> tuple[int, Any]:
        result = CliRunner().invoke(app, list(arguments), obj=self._terminal)
        begins = result.stdout.find(BEGINS)  # other processes print meanwhile
        said = json.JSONDecoder().raw_decode(result.stdout, begins)[0] if begins >= 0 else {}
        self._note(f"operator: {' '.join(arguments)} -> {result.exit_code} {result.stderr.strip()[:200]}")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, said

    def _answers(self, said: Mapping[str, Any]) -> list[str]:
        """Answer every question of a reconciliation: whose the orders are first, since that may explain a holding."""
        questions = [question for lane in said.get("lanes", ()) for question in lane["questions"]]
        for question in questions:
            self._note(f"operator: {question}")
        found: list[str] = []
        for order in filter(None, (re.search(r"--adopt (\S+)=STRATEGY", question) for question in questions)):
            owner = self._truth.owner_of(order[1])
            found.append(f"--adopt={order[1]}={owner}" if owner else f"--foreign={order[1]}")
        if found:
            return found
        for take in filter(None, (re.search(r"--take (\S+)", question) for question in questions)):
            found.append(f"--take={take[1]}")
            account, _, root = take[1].partition("#")
            self._took(account, root)
        return found
