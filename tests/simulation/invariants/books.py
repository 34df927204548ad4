"""The brokers' books with each order's place in the ledger: whose it is, and what it was placed for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from orderbridge.brokers.tradelocker.labels import label_of
from orderbridge.brokers.tradestation.wire import confirm_id
from orderbridge.commands import ClosePosition, Place, PlaceGroup
from orderbridge.commands import Command as WireCommand
from orderbridge.execution.records import CommandStatus
from orderbridge.model import OrderType, PositionMode
from orderbridge.strategy.symbols import canonical_root
from tests.simulation.invariants.evidence import AccountEvidence, Evidence, Held, Row
from tests.simulation.invariants.ledger import Command, Ledger, Move, by_hand, is_opening

ZERO = Decimal(0)
Purpose = Literal["entry", "close", "stop", "target", "hand", "stray"]


@dataclass(frozen=True, slots=True)
class Placed:
    """One order of the book and why it is there. `stray`: nothing in the ledger explains it."""

    row: Row
    purpose: Purpose
    strategy: str = ""
    command: Command | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One fill of a symbol's root, with what the account and the order's strategy held before and after."""

    at_ms: int
    placed: Placed
    signed: Decimal
    held_before: Decimal
    held: Decimal
    owned_before: Decimal
    owned: Decimal
    """Of the order's own strategy (a person's orders have none)."""
    at_once_before: Decimal
    """What it owned before, if fills of one moment count as one sum: no look can tell which of them came first."""


@dataclass(slots=True)
class Run:
    """What one strategy has done in one root since it was flat last."""

    owned: Decimal = ZERO
    at_once: Decimal = ZERO
    """The same, if fills of one moment count as one sum."""
    entries: list[Placed] = field(default_factory=list)
    """Entry orders with a fill since then, first fill first."""


class AccountBook:
    """One account's book, read again only when it has changed."""

    def __init__(self, account: AccountEvidence, ledger: Ledger, marks: dict[str, tuple[Command, str]]) -> None:
        self.account = account
        self.hedging = account.settings.position_mode is PositionMode.HEDGING
        self.tradelocker = account.settings.broker == "tradelocker"
        self._ledger = ledger
        self._marks = marks
        self._version: object = None
        self.placed: list[Placed] = []
        self.positions: tuple[Held, ...] = ()
        self.steps: dict[str, list[Step]] = {}
        """By canonical root, in the order of their time."""
        self.runs: dict[tuple[str, str], Run] = {}
        """By strategy and root."""
        self.fresh: list[Placed] = []
        """Orders that were not there at the last look."""
        self._seen: set[str] = set()
        self._commands_seen = -1

    def refresh(self, *, anew: bool = False) -> bool:
        """Read the book; False when nothing has changed. `anew`: whose an order is may have."""
        version = self.account.version()
        if version == self._version and not anew:
            self.fresh = []
            return False
        self._version = version
        rows = self.account.rows()
        self.positions = tuple(self.account.positions())
        by_id = {row.id: row for row in rows}
        opened = {row.position_id: row for row in rows if row.role == "order" and row.position_id}
        self.placed = [self._place(row, by_id, opened) for row in rows]
        self.fresh = [one for one in self.placed if one.row.id not in self._seen]
        self._seen.update(one.row.id for one in self.fresh)
        self._follow()
        return True

    # ---- whose an order is

    def _place(self, row: Row, by_id: dict[str, Row], opened: dict[str, Row]) -> Placed:
        if row.by_hand:
            return Placed(row, "hand", self._owner(row, opened) if self.hedging else self._mistaken_for(row, by_id))
        if self.tradelocker and row.role != "order":
            return self._of_position(row, by_id.get(row.parent_id) or opened.get(row.position_id))
        command, leg = self._marks.get(row.mark, (None, "")) if row.mark else (None, "")
        if command is None and row.parent_id in by_id:
            parent = self._place(by_id[row.parent_id], by_id, opened)
            purpose: Purpose = "target" if row.type is OrderType.LIMIT else "stop"
            return Placed(row, "hand" if parent.purpose == "hand" else purpose, parent.strategy, parent.command)
        command = command or self._by_order_id(row)
        if command is None:
            return Placed(row, "stray")
        return Placed(row, _purpose(command, leg, row), base_of(command.record.strategy), command)

    def _of_position(self, row: Row, opening: Row | None) -> Placed:
        """TradeLocker's closing rows carry no mark of their own: they belong to whoever opened the position."""
        assert row.role != "order"
        netted = row.role == "close" and not self.hedging
        if opening is None:  # of an entry that filled in parts, the row names the position of its last part alone
            closing = self._closing(row)
            return Placed(row, row.role, "" if closing is None else base_of(closing.record.strategy), closing)
        if opening.by_hand and not netted:
            return Placed(row, row.role, "", self._closing(row))
        command, _ = self._marks.get(opening.mark, (None, ""))
        strategy = "" if command is None else base_of(command.record.strategy)
        closing = self._closing(row) if row.role == "close" else command
        if netted and closing is not None:
            strategy = base_of(closing.record.strategy)  # where fills net, whoever closes gives up its own
        return Placed(row, row.role, strategy, closing)

    def _owner(self, row: Row, opened: dict[str, Row]) -> str:
        """Give the strategy whose own position a person closes at a hedging account."""
        opening = opened.get(row.position_id) if row.role == "close" else None
        command, _ = self._marks.get(opening.mark, (None, "")) if opening is not None else (None, "")
        return "" if command is None else base_of(command.record.strategy)

    def _mistaken_for(self, row: Row, rows: dict[str, Row]) -> str:
        """Give the strategy whose order a person's is taken for, where fills net.

        The strategy's own got lost on its way, and the person did the very same after its sending: TradeStation gives
        no mark back, and the close of a TradeLocker position has none, so nobody can tell one from the other.
        """
        mine = (one for one in self._ledger.ever if one.account == self.account.settings.name)
        taken = next((one for one in mine if row.id in {placed.order_id for placed in one.record.orders}), None)
        if taken is None or not taken.begun or taken.sending_ms[0] > row.opened_ms:
            return ""
        ours = (one for one in rows.values() if not one.by_hand)
        booked = (self._marks[one.mark][0] if one.mark in self._marks else self._closing(one) for one in ours)
        lost = taken not in booked and _is_as_asked(row, taken.record.command)
        return base_of(taken.record.strategy) if lost else ""

    def _closing(self, row: Row) -> Command | None:
        """Give the command that a closing row came from: the last one for its position that was under way then."""
        found: Command | None = None
        for command in self._ledger.ever:
            wanted = command.record.command
            if isinstance(wanted, ClosePosition) and wanted.position_id == row.position_id and command.begun:
                if any(placed.order_id == row.id for placed in command.record.orders):
                    return command
                if command.sending_ms[0] <= row.opened_ms:
                    found = command
        return found

    def _by_order_id(self, row: Row) -> Command | None:
        if row.mark:
            return None
        for command in self._ledger.ever:
            if command.account == self.account.settings.name and any(
                placed.order_id == row.id for placed in command.record.orders
            ):
                return command
        return None

    # ---- what is held, fill by fill

    def _follow(self) -> None:
        self.steps = {}
        self.runs = {}
        held: dict[str, Decimal] = {}
        moved: set[str] = set()
        fills = [
            (fill.at_ms, number, fill.quantity * placed.row.sign, placed)
            for number, placed in enumerate(self.placed)
            for fill in placed.row.fills
        ]
        fills.sort(key=lambda fill: fill[:2])
        for index, (at_ms, _, signed, placed) in enumerate(fills):
            root = canonical_root(placed.row.symbol)
            before = held.get(root, ZERO)
            held[root] = before + signed
            run = self.runs.setdefault((placed.strategy, root), Run()) if placed.strategy else Run()
            owned_before, at_once_before = run.owned, run.at_once
            run.owned += signed
            run.at_once += signed
            if placed.strategy:
                self._note(run, placed, owned_before)
            self.steps.setdefault(root, []).append(
                Step(at_ms, placed, signed, before, held[root], owned_before, run.owned, at_once_before)
            )
            moved.add(root)
            self._share(root, held[root])
            if at_ms not in {later for later, *_ in fills[index + 1 : index + 2]}:
                for name in moved:
                    self._share_at_once(name, held[name])
                moved.clear()

    def _note(self, run: Run, placed: Placed, before: Decimal) -> None:
        if run.owned == 0 or before * run.owned < 0:
            run.entries = []
        if placed.purpose == "entry" and run.owned != 0 and placed.row.id not in {one.row.id for one in run.entries}:
            run.entries.append(placed)

    def _share(self, root: str, held: Decimal) -> None:
        """Nobody owns more than the account holds, nor all of them together: what was closed beside them, or by one of
        them beyond its own, people lose before strategies do (rule 3)."""
        left = held
        for run in self._sharers(root):
            run.owned = _part(run.owned, left)
            left -= run.owned
            if run.owned == 0:
                run.entries = []

    def _share_at_once(self, root: str, held: Decimal) -> None:
        left = held
        for run in self._sharers(root):
            run.at_once = _part(run.at_once, left)
            left -= run.at_once

    def _sharers(self, root: str) -> list[Run]:
        names = sorted((by_hand(strategy), strategy) for strategy, of in self.runs if of == root and not self.hedging)
        return [self.runs[(strategy, root)] for _, strategy in names]

    def held(self, root: str) -> Decimal:
        """Give the signed sum of what is held of a root."""
        return sum((one.signed for one in self.positions if canonical_root(one.symbol) == root), ZERO)

    def of_command(self, command: Command) -> list[Placed]:
        return [one for one in self.placed if one.command is command]


def _part(owned: Decimal, left: Decimal) -> Decimal:
    """Give as much of `owned` as is left, on the side of what is left."""
    return ZERO if owned * left <= 0 else min(owned, left) if left > 0 else max(owned, left)


class Books:
    """Every account's book, and the marks by which orders are known."""

    def __init__(self, evidence: Evidence, ledger: Ledger) -> None:
        self._evidence = evidence
        self._ledger = ledger
        self._marks: dict[str, tuple[Command, str]] = {}
        self.by_account: dict[str, AccountBook] = {}

    def refresh(self, moves: list[Move]) -> list[AccountBook]:
        """Take in new commands and give the accounts whose book has changed."""
        found: set[str] = set()
        for move in moves:
            if move.before is None:
                for mark, leg in _marks_of(move.command):
                    self._marks[mark] = (move.command, leg)
            elif move.before.status is CommandStatus.UNKNOWN and move.command.record.orders:
                found.add(move.command.account)  # the ledger says now which order it was
        for name, account in self._evidence.accounts.items():
            if name not in self.by_account:
                self.by_account[name] = AccountBook(account, self._ledger, self._marks)
        return [book for name, book in self.by_account.items() if book.refresh(anew=name in found)]


def base_of(strategy: str) -> str:
    """Give the one name of all books of a person at the panel; a strategy's own name."""
    return strategy.partition("#")[0] if by_hand(strategy) else strategy


def _is_as_asked(row: Row, command: WireCommand) -> bool:
    """Tell whether an order without a mark is what a command asks for."""
    if isinstance(command, ClosePosition):
        wanted = (command.position_id, -command.held_side.sign, command.quantity)
        return wanted == (row.position_id, row.sign, row.asked)
    return isinstance(command, Place) and (
        command.symbol, command.side.sign, command.quantity, command.order_type, command.limit_price,
        command.stop_price,
    ) == (row.symbol, row.sign, row.asked, row.type, row.limit_price, row.stop_price)  # fmt: skip


def _marks_of(command: Command) -> Iterator[tuple[str, str]]:
    """Give every mark that an order of this command may carry, with the leg that it stands for."""
    command_id, wanted = command.record.command_id, command.record.command
    if isinstance(wanted, Place):
        yield label_of(command_id), "0"
        for leg in ("0", "0.stop_loss", "0.take_profit"):
            yield confirm_id(command_id, leg), leg
    if isinstance(wanted, PlaceGroup):
        for index in range(len(wanted.orders)):
            yield confirm_id(command_id, str(index)), str(index)


def _purpose(command: Command, leg: str, row: Row) -> Purpose:
    if leg.endswith(".stop_loss"):
        return "stop"
    if leg.endswith(".take_profit"):
        return "target"
    wanted = command.record.command
    if isinstance(wanted, PlaceGroup) and not is_opening(command.record):
        return "target" if row.type is OrderType.LIMIT else "stop"
    if is_opening(command.record):
        entry = isinstance(wanted, PlaceGroup) or (isinstance(wanted, Place) and row.sign == wanted.side.sign)
        return "entry" if entry else "target" if row.type is OrderType.LIMIT else "stop"
    if command.record.role in ("stop", "target"):
        return "target" if row.type is OrderType.LIMIT else "stop"
    return "close"
