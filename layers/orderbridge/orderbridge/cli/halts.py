"""`orderbridge halt` and `resume`: the kill switch, and what is to become of what works and is held.

halt                 no new entries; working entry orders are cancelled; exits and stops go on
halt --flatten       the same, and what the bridge's strategies hold is closed
halt --everything    nothing is sent any more, exits and stops neither
"""

import difflib
from collections.abc import Iterator
from typing import Annotated

import typer

from orderbridge.alerts.alert import Action, Alert
from orderbridge.cli.holding import all_accounts
from orderbridge.cli.running import JsonOption, Run, StackOption, YesOption, running
from orderbridge.cli.status import BLOCKED
from orderbridge.errors import SettingsError
from orderbridge.execution.records import Book, Job
from orderbridge.model import Direction
from orderbridge.storage.bell import SqsBell
from orderbridge.storage.control import GLOBAL, account_scope, strategy_scope
from orderbridge.storage.lanes import DynamoLanes
from orderbridge.storage.overview import Overview
from orderbridge.storage.watch import DynamoWatch

AccountOption = Annotated[str, typer.Option("--account", help="Only this account.")]
StrategyOption = Annotated[str, typer.Option("--strategy", help="Only this strategy.")]


def halt(
    context: typer.Context,
    account: AccountOption = "",
    strategy: StrategyOption = "",
    flatten: Annotated[bool, typer.Option("--flatten", help="Close what the bridge's strategies hold.")] = False,
    everything: Annotated[bool, typer.Option("--everything", help="Stop exits and stops too.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Noted with the halt.")] = "",
    yes: YesOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Stop new entries at once, everywhere or in one account or strategy, and cancel entry orders that work."""
    with running(context, stack, as_json) as run:
        scope = _scope(run, account, strategy)
        if flatten and everything:
            raise SettingsError("--flatten sends orders and --everything stops all; say one of them")
        if everything:
            run.ask("Positions keep no stop that is still to be sent, and nothing is closed. Go on?", yes)
        switch = run.controls.halt(scope, "all" if everything else "entries", reason, run.world.user, run.now_ms)
        jobs = [] if everything else list(_jobs(run, account, strategy, flatten))
        _store(run, jobs)
        closing = sum(1 for job in jobs if job.alert is not None and job.alert.action is Action.EXIT)
        run.out.say(f"Halted: {BLOCKED[switch.blocks]} ({scope}).", "yellow")
        if jobs:
            run.out.say(f"{closing} position(s) to close, {len(jobs) - closing} with entry orders to cancel.")
        run.out.aside("`orderbridge status` shows what is still open; `orderbridge resume` lifts the halt.")
        run.out.result(
            {"scope": scope, "blocks": switch.blocks, "jobs": [job.job_id for job in jobs], "closing": closing}
        )


def resume(
    context: typer.Context,
    account: AccountOption = "",
    strategy: StrategyOption = "",
    restored: Annotated[
        bool, typer.Option("--restored", help="Let a restored table send again, once it is reconciled.")
    ] = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Lift a halt. A wider or narrower one stays until it is lifted too."""
    with running(context, stack, as_json) as run:
        if restored:
            _lift(run, account or strategy)
            return
        scope = _scope(run, account, strategy)
        run.controls.resume(scope, run.world.user, run.now_ms)
        left = [switch for switch in run.controls.all() if switch.blocks != "none" and switch.scope != scope]
        run.out.say(f"Resumed ({scope}).", "green")
        for switch in left:
            run.out.say(f"Still halted: {BLOCKED[switch.blocks]} ({switch.scope}).", "yellow")
        run.out.result({"scope": scope, "still_halted": [switch.scope for switch in left]})


def _lift(run: Run, narrower: str) -> None:
    """Let a restored table send again, and wake the lanes in which alerts have waited for it."""
    if narrower:
        raise SettingsError("--restored is for the whole table")
    generation = run.bridge.incarnation.lift(run.world.user, run.now_ms)
    lanes = dict.fromkeys(stored.job.lane for stored in Overview(run.bridge.dynamodb, run.table).open_jobs())
    for lane in lanes:
        run.bridge.bell.ring_lane(lane)
    run.out.say(f"The restored table sends again (generation {generation}).", "green")
    left = [switch for switch in run.controls.all() if switch.blocks != "none"]
    for switch in left:
        run.out.say(f"Still halted: {BLOCKED[switch.blocks]} ({switch.scope}).", "yellow")
    run.out.result(
        {"generation": generation, "lanes_rung": list(lanes), "still_halted": [switch.scope for switch in left]}
    )


def _scope(run: Run, account: str, strategy: str) -> str:
    """Give the switch's scope. A name that is not known is refused: a halt that stops nothing would be believed."""
    if account and strategy:
        raise SettingsError("say --account or --strategy, or neither for everything")
    if account:
        _known(account, all_accounts(run), "account")
        return account_scope(account)
    if strategy:
        _known(strategy, list(run.settings.strategies()), "strategy")
        return strategy_scope(strategy)
    return GLOBAL


def _known(name: str, names: list[str], kind: str) -> None:
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(names) or 'none'}"
        raise SettingsError(f"there is no {kind} {name!r}; {hint}")


def _jobs(run: Run, account: str, strategy: str, flatten: bool) -> Iterator[Job]:
    """Give a job for each book of a strategy in the scope that has something to cancel or to close."""
    client = run.world.client("dynamodb")
    watch, overview = DynamoWatch(client, run.table), Overview(client, run.table)
    for name in [account] if account else all_accounts(run):
        for lane in watch.lanes(name):
            for book in overview.lane_state(lane).books:
                alert = _wanted(book, flatten)
                if alert is not None and strategy in ("", book.strategy) and not book.of_person:
                    yield _job(run, name, lane, book, alert)


def _wanted(book: Book, flatten: bool) -> Alert | None:
    entries = [order for order in book.tracked if order.role == "entry" and not order.status.final]
    symbols = [order.symbol for order in (*entries, *book.tracked)]
    if book.protection is not None:
        symbols.append(book.protection.symbol)
    symbol = symbols[0] if symbols else book.root
    if flatten and book.owned != 0:
        return Alert(Action.EXIT, symbol, exit_side=Direction.of(book.owned))
    return Alert(Action.CANCEL, symbol) if entries else None


def _job(run: Run, account: str, lane: str, book: Book, alert: Alert) -> Job:
    alert_id = f"halt-{run.now_ms}-{book.strategy}-{book.root}"
    return Job(
        job_id=f"{alert_id}.{account}",
        alert_id=alert_id,
        strategy=book.strategy,
        account=account,
        lane=lane,
        root=book.root,
        accepted_at_ms=run.now_ms,
        alert=alert,
        origin="care",
    )


def _store(run: Run, jobs: list[Job]) -> None:
    if not jobs:
        return
    lanes = DynamoLanes(run.world.client("dynamodb"), run.table)
    for job in jobs:
        lanes.put_job(job)
    bell = SqsBell(run.world.client("sqs"), run.stack.variables["BELL_QUEUE_URL"])
    for lane in dict.fromkeys(job.lane for job in jobs):
        bell.ring_lane(lane)
