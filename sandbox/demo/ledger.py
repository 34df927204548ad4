"""Read the bridge's ledger out of its table, and tell it in the form of `facts`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never

from orderbridge import codec
from orderbridge.brokers.port import PlacedOrder
from orderbridge.commands import (
    Bracket,
    Cancel,
    CancelAll,
    CloseAll,
    ClosePosition,
    Command,
    ModifyPosition,
    Place,
    PlaceGroup,
    Replace,
)
from orderbridge.execution.records import Book, CommandRecord, CommandStatus, LaneState, Plan, StoredJob
from orderbridge.storage.items import AttributeValues, Item, unmarshal
from orderbridge.storage.jobs import stored_job
from orderbridge.strategy.settings import AccountSettings
from sandbox.demo.facts import Exit, Holding, Order, Told, Write
from sandbox.local_aws import LocalAws

NOT_SENT = frozenset({"unauthorized", "not_connected", "edge_limited", "not_taken"})
"""Codes of commands that the broker never took, on proof."""


@dataclass(frozen=True)
class Account:
    """Where an account of the settings is."""

    broker: str
    broker_account_id: str


@dataclass(frozen=True)
class Ledger:
    """The table's content, as far as it tells of alerts and orders."""

    alerts: Mapping[str, Item]
    jobs: Sequence[StoredJob]
    commands: Sequence[tuple[str, CommandRecord]]
    """With the name of the account."""
    states: Mapping[str, LaneState]
    """By lane."""
    accounts: Mapping[str, Account]
    moments: Mapping[str, Mapping[str, int]]
    """By job: when it was first started, planned and ended."""

    def phases(self, stored: StoredJob) -> dict[str, int]:
        """Give when a job reached each phase, in epoch ms; a phase that it never reached is missing."""
        sent = next((record for record in self.commands_of(stored.job.job_id) if record.sent_at_ms), None)
        found = {name: stored.job.phases.get(name, 0) for name in ("received", "stored")}
        found |= self.moments.get(stored.job.job_id, {})
        if sent is not None:
            found |= {"sent": sent.sent_at_ms, "answered": sent.changed_at_ms}
        return {name: at_ms for name, at_ms in found.items() if at_ms}

    def commands_of(self, job_id: str) -> list[CommandRecord]:
        """Give a job's commands in the order of their making."""
        mine = [record for _, record in self.commands if record.job_id == job_id]
        return sorted(mine, key=lambda record: (record.revision, record.step))


def read_ledger(aws: LocalAws, table: str) -> Ledger:
    """Read all of it, consistently."""
    pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return ledger_of([item for page in pages for item in page["Items"]])


def ledger_of(items: Sequence[AttributeValues]) -> Ledger:
    """Give the ledger that a table's items make up."""
    found = [(str(values["sk"]).partition("#")[0], item, values) for item in items for values in (unmarshal(item),)]
    return Ledger(
        alerts={str(values["alert_id"]): values for kind, _, values in found if kind == "ALERT"},
        jobs=[stored_job(item) for kind, item, _ in found if kind == "JOB"],
        commands=[
            (str(values["lane"]).partition("#")[0], codec.loads(CommandRecord, str(values["data"])))
            for kind, _, values in found
            if kind == "COMMAND"
        ],
        states={
            str(values["pk"]).removeprefix("LANE#"): codec.loads(LaneState, str(values["data"]))
            for kind, _, values in found
            if kind == "STATE" and "data" in values
        },
        accounts=dict(_accounts(values for kind, _, values in found if kind == "SETTINGS")),
        moments=_moments(values for _, _, values in found),
    )


def _accounts(items: Iterable[Item]) -> Iterator[tuple[str, Account]]:
    for item in items:
        if str(item["pk"]).startswith("ACCOUNT#"):
            settings: AccountSettings = codec.loads(AccountSettings, str(item["data"]))
            yield settings.name, Account(settings.broker, settings.broker_account_id)


def _moments(items: Iterable[Item]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for item in items:
        kind, _, rest = str(item["sk"]).partition("#")
        if kind == "JOB":
            moments = {"started": "started_at_ms", "ended": "ended_at_ms"}
            job = found.setdefault(rest.partition("#")[2], {})
            job |= {name: int(item[attribute]) for name, attribute in moments.items() if attribute in item}
        if kind == "PLAN":
            plan: Plan = codec.loads(Plan, str(item["data"]))
            job = found.setdefault(plan.job_id, {})
            job["planned"] = min(plan.made_at_ms, job.get("planned", plan.made_at_ms))
    return found


def told_of(broker: str, ledger: Ledger) -> Told:
    """Give what the ledger tells of one broker."""
    mine = {name: account for name, account in ledger.accounts.items() if account.broker == broker}
    commands = [(name, record) for name, record in ledger.commands if name in mine]
    commands.sort(key=lambda one: (one[1].sent_at_ms, one[1].revision, one[1].step))
    records = [record for _, record in commands]
    states = {lane: state for lane, state in ledger.states.items() if lane.partition("#")[0] in mine}
    return Told(
        writes=tuple(write for record in records if (write := _write(record)) is not None),
        holdings=_holdings(states, commands, mine),
        working=frozenset(
            order.order_id
            for state in states.values()
            for book in state.books
            for order in book.tracked
            if not order.status.final
        ),
        open_commands=tuple(_words(record) for record in records if not record.status.final),
    )


# ---- requests


def _write(record: CommandRecord) -> Write | None:
    """Give the request that a command must have made; None where the broker never took one."""
    if record.status is CommandStatus.ACCEPTED:
        return write_of(record.command, record.orders, taken=True)
    if record.status is CommandStatus.REFUSED and record.code not in NOT_SENT:
        return write_of(record.command, record.orders, taken=False)
    return None


def write_of(command: Command, placed: Sequence[PlacedOrder], *, taken: bool) -> Write:
    """Give the request that a command stands for; `placed` are the ids that the broker gave."""
    match command:
        case Place():
            name = next((one.order_id for one in placed if one.leg == "order"), "#1")
            refused = {one.leg for one in placed if one.refused is not None}
            return Write("place", orders={name: _order(command, refused)}, taken=taken)
        case PlaceGroup():
            ids = {one.index: one.order_id for one in placed if one.leg == "child" and one.refused is None}
            children = enumerate(command.orders)
            orders = {ids.get(at, f"#{at}"): _order(child) for at, child in children if at in ids or not taken}
            return Write("place", orders=orders, taken=taken)
        case Replace():
            return Write("replace", command.order_id, changes=_replaced(command), taken=taken)
        case Cancel():
            return Write("cancel", command.order_id, taken=taken)
        case CancelAll():
            return Write("cancel all", taken=taken)
        case ClosePosition():
            quantity = command.expected_quantity if command.quantity is None else command.quantity
            order = Order(command.held_side.opposite.value, quantity, command.symbol, "market")
            return Write("close", command.position_id, {"#1": order}, taken=taken)
        case CloseAll():
            return Write("close all", taken=taken)
        case ModifyPosition():
            return Write("modify position", command.position_id, changes=_modified(command), taken=taken)
        case _:
            assert_never(command)


def _order(place: Place, refused: Iterable[str] = ()) -> Order:
    stop, target = _exits(place.bracket, place.quantity)
    return Order(
        side=place.side.value,
        quantity=place.quantity,
        symbol=place.symbol,
        type=place.order_type.value,
        limit=place.limit_price,
        stop=place.stop_price,
        trail=_trail(place.trail_amount, place.trail_percent),
        stop_loss=None if "stop_loss" in refused else stop,
        take_profit=None if "take_profit" in refused else target,
    )


def _exits(bracket: Bracket | None, quantity: Decimal) -> tuple[Exit | None, Exit | None]:
    if bracket is None:
        return None, None
    trail = _trail(bracket.trail_amount, bracket.trail_percent)
    stop = Exit(bracket.stop_loss, quantity, trail) if bracket.has_stop else None
    return stop, None if bracket.take_profit is None else Exit(bracket.take_profit, quantity)


def _trail(amount: Decimal | None, percent: Decimal | None) -> str:
    return f"{percent}%" if percent is not None else "" if amount is None else str(amount)


def _replaced(command: Replace) -> dict[str, Decimal | None]:
    bracket = command.bracket or Bracket()
    values = {
        "quantity": command.quantity,
        "limit price": command.limit_price,
        "stop price": command.stop_price,
        "stop loss": bracket.stop_loss,
        "take profit": bracket.take_profit,
    }
    return _set(values, command.remove_stop_loss, command.remove_take_profit)


def _modified(command: ModifyPosition) -> dict[str, Decimal | None]:
    values = {"stop loss": command.stop_loss, "take profit": command.take_profit}
    return _set(values, command.remove_stop_loss, command.remove_take_profit)


def _set(values: Mapping[str, Decimal | None], no_stop: bool, no_target: bool) -> dict[str, Decimal | None]:
    changes = {name: value for name, value in values.items() if value is not None}
    removed = [name for name, gone in (("stop loss", no_stop), ("take profit", no_target)) if gone]
    return {**changes, **dict.fromkeys(removed)}


def _words(record: CommandRecord) -> str:
    return f"{record.command.kind} of job {record.job_id} ({record.status})"


# ---- what stands in the end


def _holdings(
    states: Mapping[str, LaneState], commands: Sequence[tuple[str, CommandRecord]], accounts: Mapping[str, Account]
) -> dict[tuple[str, str], Holding]:
    symbols = {(name, record.root): symbol for name, record in commands if (symbol := _symbol(record.command))}
    return {
        (accounts[name].broker_account_id, symbols[name, book.root]): _holding(book)
        for name, book in _books(states)
        if book.owned != 0
    }


def _books(states: Mapping[str, LaneState]) -> Iterator[tuple[str, Book]]:
    for lane, state in states.items():
        for book in state.books:
            yield lane.partition("#")[0], book


def _symbol(command: Command) -> str | None:
    if isinstance(command, PlaceGroup):
        return command.orders[0].symbol
    return command.symbol


def _holding(book: Book) -> Holding:
    bracket = book.protection.bracket if book.protection is not None else None
    return Holding(book.owned, *_exits(bracket, abs(book.owned)))
