"""`orderbridge reconcile`: bring a table that was restored from a backup together with the brokers; sends nothing.

It goes through every account, lane by lane, adopts what is explained and asks for the rest. When nothing is open any
more, `orderbridge resume --restored` lifts the halt.
"""

from collections.abc import Iterable
from functools import partial
from typing import Annotated, Any

import typer

from orderbridge import codec
from orderbridge.brokers.deadline import MonotonicDeadline
from orderbridge.brokers.tradelocker.labels import is_ours
from orderbridge.cli.holding import all_accounts, lane_held
from orderbridge.cli.running import FOUND, JsonOption, Run, StackOption, YesOption, running
from orderbridge.cli.wording import utc
from orderbridge.errors import BrokerReadError, SettingsError
from orderbridge.execution.adoption import Answers, LaneReport, Lost
from orderbridge.execution.looks import DEFAULT_HISTORY_MS, HISTORY_MARGIN_MS
from orderbridge.execution.reconcile import look_back, reconcile
from orderbridge.model import Order
from orderbridge.storage.overview import Overview
from orderbridge.storage.users import Users
from orderbridge.storage.watch import DynamoWatch
from orderbridge.strategy.symbols import canonical_root, lane_of

A_PERSON = "a person at the panel"
READ_S = 40.0

ListOption = list[str]


def reconcile_table(
    context: typer.Context,
    adopt: Annotated[
        ListOption | None, typer.Option("--adopt", help="ORDER=STRATEGY: an order of the lost time is this strategy's.")
    ] = None,
    foreign: Annotated[
        ListOption | None, typer.Option("--foreign", help="An order of the lost time to leave alone.")
    ] = None,
    foreign_rest: Annotated[
        bool, typer.Option("--foreign-rest", help="Leave every other unknown order alone.")
    ] = False,
    take: Annotated[
        ListOption | None, typer.Option("--take", help="ACCOUNT#ROOT: the holding is as the broker reports it.")
    ] = None,
    yes: YesOption = False,
    stack: StackOption = "",
    as_json: JsonOption = False,
) -> None:
    """Compare a restored table with the brokers and adopt what is explained. Exit code 1 while something is open."""
    with running(context, stack, as_json) as run:
        known, table = run.bridge.incarnation.known(), run.bridge.incarnation.table()
        if known.table_id in ("", table.id):
            run.out.say("This table was not restored from a backup: nothing to reconcile.", "green")
            run.out.result({"restored": False, "generation": known.generation})
            return
        lost = Lost(known.seen_at_ms, table.created_at_ms)
        answers = Answers(
            run.world.user, _pairs(run, adopt or []), frozenset(foreign or []), foreign_rest, frozenset(take or [])
        )
        run.out.say(f"Restored {utc(table.created_at_ms)} UTC; the ledger is known until {utc(lost.since_ms)} UTC.")
        run.ask("Alerts that were open then end as failed, and what the brokers show is adopted. Go on?", yes)
        reports: list[LaneReport] = []
        unread: list[dict[str, str]] = []
        for account in all_accounts(run):
            try:
                reports += _account(run, account, lost, answers)
            except (BrokerReadError, SettingsError) as error:
                unread.append({"account": account, "problem": str(error)})
        done = not unread and not any(report.questions for report in reports)
        if done:
            run.bridge.incarnation.reconciled(run.world.user, run.now_ms)
        _say(run, reports, unread, done)
        run.out.result(
            {
                "restored": True,
                "known_until_ms": lost.since_ms,
                "restored_at_ms": lost.restored_at_ms,
                "lanes": [_plain(report) for report in reports],
                "unread": unread,
                "reconciled": done,
            }
        )
        if not done:
            raise typer.Exit(FOUND)


def _account(run: Run, account: str, lost: Lost, answers: Answers) -> list[LaneReport]:
    strategies = _strategies(run, account)
    overview = Overview(run.world.client("dynamodb"), run.table)
    reports: list[LaneReport] = []
    for lane in _lanes(run, account, lost, overview):
        with lane_held(run, lane) as session:
            look = look_back(session, lost)
            owners, closers = partial(overview.commands_of_order, lane), partial(overview.closes_of_order, lane)
            reports.append(reconcile(session, look, lost, strategies, _is_ours, owners, answers, closers))
    return reports


def _is_ours(order: Order) -> bool:
    return is_ours(order.label)


def _lanes(run: Run, account: str, lost: Lost, overview: Overview) -> list[str]:
    """Name the lanes that the ledger has something in, and those of what the broker shows of the lost time."""
    desk = run.bridge.desk(account)
    looks = run.bridge.looks(desk.account, desk.broker)
    since_ms = lost.since_ms - HISTORY_MARGIN_MS
    look = looks.get(MonotonicDeadline(READ_S), since_ms - since_ms % DEFAULT_HISTORY_MS, looks.after_now(), 0)
    symbols = {position.symbol for position in look.positions} | {
        order.symbol for order in look.orders if order.placed_at_ms >= lost.since_ms - HISTORY_MARGIN_MS
    }
    whole = desk.broker.capabilities.one_action_at_a_time
    shown = {lane_of(account, canonical_root(symbol), whole) for symbol in symbols}
    open_lanes = [stored.job.lane for stored in overview.open_jobs()] + [one.lane for one in overview.open_commands()]
    watched = DynamoWatch(run.world.client("dynamodb"), run.table).lanes(account)
    return sorted({*watched, *shown, *(lane for lane in open_lanes if lane.partition("#")[0] == account)})


def _strategies(run: Run, account: str) -> list[str]:
    """Name those that may have sent an order there; a person's orders at the panel are nobody's to adopt."""
    strategies = run.settings.strategies()
    names = [name for name, found in strategies.items() if any(r.account == account for r in found.value.accounts)]
    users = Users(run.world.client("dynamodb"), run.table).all().values()
    at_panel = any(account in (*user.value.accounts, *user.value.own_accounts) for user in users)
    return sorted(names) + ([A_PERSON] if at_panel else [])


def _pairs(run: Run, texts: Iterable[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    known = run.settings.strategies()
    for order_id, strategy in pairs.items():
        if not order_id or strategy not in known:
            names = ", ".join(sorted(known)) or "none"
            raise SettingsError(f"--adopt takes ORDER=STRATEGY, and {strategy!r} is no strategy; known are {names}")
    return pairs


def _say(run: Run, reports: list[LaneReport], unread: list[dict[str, str]], done: bool) -> None:
    for report in reports:
        for title, lines in (
            ("not worked again", report.ended),
            ("found", report.resolved),
            ("adopted", report.adopted),
            ("left alone", report.left_alone),
        ):
            for line in lines:
                run.out.say(f"{report.lane}: {title}: {line}")
        for question in report.questions:
            run.out.say(f"{report.lane}: OPEN: {question}", "yellow")
    for one in unread:
        run.out.say(f"{one['account']}: OPEN: it cannot be read: {one['problem']}.", "red")
    if done:
        run.out.say("Ledger and brokers agree. Nothing is sent until: orderbridge resume --restored", "green")
        run.out.aside("Settings, keys, halts and live confirmations are those of the backup too: check them first.")
    else:
        run.out.say("Answer what is open, all of it in one run of this command.", "yellow")


def _plain(report: LaneReport) -> dict[str, Any]:
    plain: dict[str, Any] = codec.plain(report)
    return {**plain, "questions": report.questions, "adopted": report.adopted, "ended": report.ended}
