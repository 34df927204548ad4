"""`orderbridge resolve`: record what a person decided about a command whose outcome the bridge cannot tell."""

from typing import Annotated, Literal

import typer

from orderbridge import codec
from orderbridge.cli.holding import account_of, lane_held
from orderbridge.cli.running import JsonOption, Run, StackOption, YesOption, running
from orderbridge.cli.wording import utc
from orderbridge.errors import SettingsError
from orderbridge.execution.decisions import Decision, decide
from orderbridge.execution.records import CommandRecord
from orderbridge.execution.resolve import named
from orderbridge.storage.overview import Overview

WHAT_FOLLOWS = {
    ("entry", "placed"): "The order is followed from here on, gets its stop, and its alert ends as ordered.",
    ("entry", "not_placed"): "Its alert ends as failed; it is not sent again. Later entries of the lane go on.",
    ("close", "placed"): "The close counts as sent; what it leaves is closed as a new command until flat.",
    ("close", "not_placed"): "The account is read, and what is still held is closed by a new command.",
    ("stop", "placed"): "The stop is followed from here on.",
    ("stop", "not_placed"): "The holding gets a new stop within seconds.",
}
"""What each decision does, by the command's role."""
OTHERWISE = {
    "placed": "The change counts as made.",
    "not_placed": "The change counts as not made; where it is still needed it is sent as a new command.",
}


def resolve(
    context: typer.Context,
    command: Annotated[str, typer.Argument(help="The command's id, or its beginning, as `unresolved` shows it.")],
    outcome: Annotated[str, typer.Option("--as", help="placed or not-placed.")],
    order_id: Annotated[str, typer.Option("--order-id", help="The broker's order that is the command's.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Noted with the decision.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Take an order whose quantity, type or prices differ from the command's.")
    ] = False,
    yes: YesOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Decide what became of a command of unknown outcome; the broker and the ledger are asked first."""
    with running(context, stack, as_json) as run:
        said = _outcome(outcome)
        lane, command_id = _find(run, command)
        account_of(run, lane)
        record = run.bridge.lanes.command(lane, command_id)
        follows = what_follows(record, said)
        if not record.status.final:
            run.ask(f"{named(record)} in lane {lane}: {outcome}? {follows}", yes)
        decision = Decision(said, run.world.user, order_id, reason, force)
        overview = Overview(run.world.client("dynamodb"), run.table)

        def tell(code: str, sentence: str) -> None:
            run.bridge.notices.tell(code, sentence, account=lane.partition("#")[0], strategy=record.strategy)

        with lane_held(run, lane) as session:
            decided = decide(session, command_id, decision, lambda one: overview.commands_of_order(lane, one), tell)
        run.bridge.bell.ring_lane(lane)
        when = utc(decided.record.changed_at_ms)
        if decided.again:
            run.out.say(f"That stands already: {decided.record.message} ({when}).")
        else:
            run.out.say(f"Recorded: {decided.record.message}.", "green")
            run.out.say(follows)
        run.out.result(
            {"lane": lane, "already": decided.again, "follows": follows, "command": codec.plain(decided.record)}
        )


def what_follows(record: CommandRecord, outcome: Literal["placed", "not_placed"]) -> str:
    """Say in a sentence what a decision does."""
    return WHAT_FOLLOWS.get((record.role, outcome), OTHERWISE[outcome])


def _outcome(text: str) -> Literal["placed", "not_placed"]:
    match text:
        case "placed":
            return "placed"
        case "not-placed":
            return "not_placed"
        case _:
            raise SettingsError("--as takes placed or not-placed")


def _find(run: Run, text: str) -> tuple[str, str]:
    """Find a command by its id or the beginning of it; the beginning does for one that is open."""
    overview = Overview(run.world.client("dynamodb"), run.table)
    found = [(o.lane, o.record.command_id) for o in overview.open_commands() if o.record.command_id.startswith(text)]
    if len(found) == 1:
        return found[0]
    lane = overview.lane_of_command(text) if not found else None
    if lane is None:
        many = "is the beginning of several" if found else "is not known"
        raise SettingsError(f"the command {text!r} {many}; `orderbridge unresolved` lists them")
    return lane, text
