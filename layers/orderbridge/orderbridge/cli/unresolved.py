"""`orderbridge unresolved`: what a person must decide, with the broker's evidence and what each decision would do."""

from typing import Any

import typer

from orderbridge.cli.dead_letters import dead_letters
from orderbridge.cli.findings import Findings, gather
from orderbridge.cli.running import FOUND, JsonOption, Run, StackOption, running
from orderbridge.cli.wording import ago, utc
from orderbridge.storage.incarnation import Incarnation

SHOWN = {
    "placed": "the broker shows it",
    "absent": "the broker shows nothing that could be it",
    "several": "several orders could be it",
    "unread": "the broker could not be read",
}
Values = dict[str, Any]


def unresolved(context: typer.Context, stack: StackOption = "", as_json: JsonOption = False) -> None:
    """List what a person must decide, with what the broker shows now. Exit code 1 when there is something."""
    with running(context, stack, as_json) as run:
        restored = Incarnation(run.world.client("dynamodb"), run.table).restored()
        if restored:
            run.out.say("The table was restored from a backup: nothing is sent. Run: orderbridge reconcile", "red")
        found = gather(run, dead_letters(run))
        for one in found.unread:
            run.out.say(f"{one['account']} cannot be read: {one['problem']}.", "red")
        for one in found.unknown:
            _unknown(run, one)
        for one in found.not_found:
            _not_found(run, one)
        _rest(run, found)
        nothing = not (found.unknown or found.not_found or found.parked or found.unread or found.to_decide or restored)
        if nothing:
            run.out.say("Nothing waits for a decision.", "green")
        run.out.result(
            {**vars(found), "restored": restored, "to_decide": found.to_decide, "as_of_ms": run.now_ms}
        )
        if found.to_decide or restored:
            raise typer.Exit(FOUND)


def _unknown(run: Run, one: Values) -> None:
    state = "to be decided" if one["overdue"] else "the bridge still asks"
    run.out.say(f"{one['asked']} of {one['strategy']} in {one['lane']}: outcome unknown, {state}", "yellow")
    run.out.say(f"  command {one['command']}, sent {utc(one['sent_at_ms'])} ({ago(one['sent_at_ms'], run.now_ms)})")
    _evidence(run, one)
    if one["overdue"]:
        run.out.say(f"  orderbridge resolve {one['command']} --as placed --order-id ID")
        run.out.say(f"      {one['decisions']['placed']}")
        run.out.say(f"  orderbridge resolve {one['command']} --as not-placed")
        run.out.say(f"      {one['decisions']['not_placed']}")


def _not_found(run: Run, one: Values) -> None:
    run.out.say(f"{one['asked']} of {one['strategy']} in {one['lane']}: given up and told", "yellow")
    run.out.say(f"  command {one['command']}, sent {utc(one['sent_at_ms'])}")
    _evidence(run, one)
    until = utc(one["watched_until_ms"])
    run.out.say(f"  Nothing to decide: until {until} it is watched for, and closed should it show up.")


def _evidence(run: Run, one: Values) -> None:
    run.out.say(f"  Now {SHOWN[one['shown']]}.")
    orders = [
        (
            order["order_id"],
            utc(order["placed_at_ms"]) if order["placed_at_ms"] else "",
            f"{order['side']} {order['quantity']} {order['symbol']} {order['type']}",
            f"{order['status']}, filled {order['filled']}",
            "fits" if order["fits"] else f"differs: {', '.join(order['differs']) or 'its mark'}",
            order["mark"],
        )
        for order in one["candidates"]
    ]
    if orders:
        run.out.table(("order", "placed", "", "state", "compared", "mark"), orders)
    held = [(p["position_id"], p["quantity"], p["symbol"]) for p in one["positions"]]
    if held:
        run.out.table(("position", "holds", ""), held)


def _rest(run: Run, found: Findings) -> None:
    if found.halted:
        rows = [(one["lane"], ", ".join(one["by"]), ", ".join(one["jobs_waiting"])) for one in found.halted]
        run.out.table(("lane", "waits for command", "jobs behind it"), rows, "Lanes whose entries wait")
    if found.parked:
        jobs = [
            (one["job"], one["lane"], ago(one["accepted_at_ms"], run.now_ms), one["sentence"]) for one in found.parked
        ]
        run.out.table(("job", "lane", "accepted", "waits because"), jobs, "Parked jobs (they go on by themselves)")
    if found.disagreements:
        drifts = [(one["lane"], one["root"], one["ledger"], one["broker"]) for one in found.disagreements]
        run.out.table(("lane", "root", "ledger", "broker"), drifts, "Holdings counted differently")
        run.out.say("  The broker's report is taken after 10 s. If it is wrong: orderbridge halt --account ACCOUNT")
    if found.dead_letters:
        dead = [
            (one["job"], utc(one["received_at_ms"]), one["code"], one["replay"]) for one in found.dead_letters
        ]
        run.out.table(("job", "received", "why", "orderbridge replay"), dead, "Dead letters")
