"""Orders and the ledger: once each, recorded first, moved only as the ledger's table of states allows."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from orderbridge.commands import ClosePosition, Place
from orderbridge.execution.records import CommandStatus as S
from orderbridge.strategy.symbols import canonical_root
from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.books import AccountBook, Placed
from tests.simulation.invariants.evidence import Violation
from tests.simulation.invariants.ledger import Command, is_closing, is_opening

ZERO = Decimal(0)
MOVES = {
    None: {S.NEW},
    S.NEW: {S.SENDING, S.EXPIRED, S.HALTED, S.REFUSED},
    S.SENDING: {S.NEW, S.ACCEPTED, S.REFUSED, S.UNKNOWN},
    S.UNKNOWN: {S.ACCEPTED, S.NOT_FOUND, S.DECIDED_BY_PERSON},
}


class OneOrderPerCommand(Invariant):
    """No command ever becomes two orders at the broker."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for book in view.changed:
            if book.fresh:
                yield from self._doubled(view, book)

    def _doubled(self, view: View, book: AccountBook) -> Iterator[Violation]:
        rows = [one.row for one in book.placed if not one.row.by_hand and not one.row.rejected]
        marked = [row for row in rows if row.mark and (row.role == "order")]
        for mark, count in Counter(row.mark for row in marked).items():
            if count > 1:
                yield self.violated(view, f"{count} orders carry the mark {mark}: one command was sent twice")
        closes = Counter(row.position_id for row in rows if row.role == "close")
        for position_id, count in closes.items():
            closing = [one for one in view.ledger.ever if _closes(one, position_id)]
            wanted = sum(len(command.sending_ms) for command in closing)
            if count > wanted:
                yield self.violated(view, f"position {position_id} was closed {count} times by {wanted} sendings")


def _closes(command: Command, position_id: str) -> bool:
    wanted = command.record.command
    return isinstance(wanted, ClosePosition) and wanted.position_id == position_id


class RecordedFirst(Invariant):
    """Nothing is at the broker whose command was not stored, planned and SENDING before."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for book in view.changed:
            for placed in book.fresh:
                if placed.purpose != "hand" and placed.row.role not in ("stop", "target"):
                    yield from self._unrecorded(view, book, placed)

    def _unrecorded(self, view: View, book: AccountBook, placed: Placed) -> Iterator[Violation]:
        row, command = placed.row, placed.command
        name = f"order {row.id} ({'buy' if row.sign > 0 else 'sell'} {row.asked} {row.symbol})"
        if command is None:
            if row.mark or row.role == "close" or not _under_way(view, book, row.sign):
                yield self.violated(view, f"{name} is at the broker and no command in the ledger is it")
        elif not command.begun:
            yield self.violated(view, f"{name} is at the broker and its command is {command.record.status}")
        elif not command.planned:
            yield self.violated(view, f"{name} is at the broker and no stored plan names its command")


def _under_way(view: View, book: AccountBook, sign: int) -> bool:
    """Tell whether a command is SENDING that an unmarked order may be."""
    account = book.account.settings.name
    return any(command.account == account and command.pending for command in view.ledger.commands.values())


class LegalMoves(Invariant):
    """A command's state moves only as the ledger's table says; what is final stays."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for move in view.moves:
            before = None if move.before is None else move.before.status
            after = move.command.record.status
            by_operator = view.ledger.restores and record_of_a_restore(move.command)
            if after is not before and after not in MOVES.get(before, set()) and not by_operator:
                yield self.violated(view, f"a {move.command.record.role} went from {before} to {after}")
            if before is not None and move.before is not None and move.before.command != move.command.record.command:
                yield self.violated(view, f"the stored command {move.command.record.command_id} was changed")


def record_of_a_restore(command: Command) -> bool:
    """Tell whether a reconciliation has noted an order that the restored table did not know: it is no sending."""
    return command.record.job_id.startswith("restored.") and not command.begun


class OneUnknownAtATime(Invariant):
    """While the outcome of an order is unknown no entry is sent in its lane, and no second exit for its strategy."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for move in view.moves:
            record = move.command.record
            if record.status is not S.SENDING or (move.before is not None and move.before.status is S.SENDING):
                continue
            for other in view.ledger.by_lane[move.command.lane]:
                if other is move.command or not other.pending:
                    continue
                if is_opening(record):
                    yield self.violated(view, f"{record.job_id} was sent while {other.record.job_id} is unknown")
                same = (other.record.strategy, other.record.root) == (record.strategy, record.root)
                again = _whole_by_id(view, move.command) and _whole_by_id(view, other)
                if again:
                    continue  # a person's second press on Close: by id it cannot close more than there is
                if is_closing(record) and is_closing(other.record) and same and _same_aim(record.command, other):
                    yield self.violated(view, f"{record.job_id} closes while the exit {other.record.job_id} is unknown")


def _whole_by_id(view: View, command: Command) -> bool:
    wanted = view.ledger.wanted(command)
    return wanted is not None and isinstance(command.record.command, ClosePosition) and wanted.quantity is None


def _same_aim(wanted: object, other: Command) -> bool:
    """Closes by id aim at one position each; the others at all that is held."""
    if isinstance(wanted, ClosePosition) and isinstance(other.record.command, ClosePosition):
        return wanted.position_id == other.record.command.position_id
    return True


class LedgerAgrees(Invariant):
    """At the end the ledger and the broker's book tell the same: what was placed, and what each strategy holds."""

    def at_end(self, view: View) -> Iterator[Violation]:
        if any(told.code == "ambiguous" for told in view.evidence.told):
            return
        for command in view.ledger.commands.values():
            book = view.books.by_account.get(command.account)
            if book is not None:
                yield from self._outcome(view, book, command)
        for book in view.books.by_account.values():
            yield from self._holdings(view, book)

    def _outcome(self, view: View, book: AccountBook, command: Command) -> Iterator[Violation]:
        record = command.record
        name = f"{record.job_id} {record.role} r{record.revision}"
        if record_of_a_restore(command):
            return
        if record.status in (S.NEW, S.SENDING, S.UNKNOWN):
            yield self.violated(view, f"{name} is still {record.status}")
        if not isinstance(record.command, Place):
            return
        mine = [one for one in book.of_command(command) if not one.row.rejected and one.purpose in ("entry", "close")]
        unplaced = {S.REFUSED, S.EXPIRED, S.HALTED} | (set() if record.role == "entry" else {S.NOT_FOUND})
        if mine and record.status in unplaced and not (record.status is S.NOT_FOUND and record.role != "close"):
            yield self.violated(view, f"{name} is {record.status}, and the broker has it all the same")
        if record.status is S.ACCEPTED and record.role in ("entry", "close") and not book.of_command(command):
            ids = {placed.order_id for placed in record.orders}
            refused = any(placed.refused for placed in record.orders)
            if not refused and not any(one.row.id in ids for one in book.placed) and ids:
                yield self.violated(view, f"{name} is ACCEPTED, and the broker does not have it")

    def _holdings(self, view: View, book: AccountBook) -> Iterator[Violation]:
        account = book.account.settings.name
        owned: dict[str, Decimal] = {}
        for lane in view.ledger.lanes():
            if lane.partition("#")[0] == account:
                for stored in view.ledger.state(lane).get("books", ()):
                    root = str(stored["root"])
                    owned[root] = owned.get(root, ZERO) + Decimal(str(stored.get("owned", "0")))
        hand = {canonical_root(one.row.symbol) for one in book.placed if one.purpose == "hand"}
        for root in sorted({canonical_root(one.symbol) for one in book.positions} | set(owned)):
            if book.hedging:
                mine = [one for one in book.positions if canonical_root(one.symbol) == root and not one.by_hand]
                held = sum((one.signed for one in mine), ZERO)
            elif root in hand or (account, root) in view.evidence.taken_over:
                continue
            else:
                held = book.held(root)
            if held != owned.get(root, ZERO):
                said = owned.get(root, ZERO)
                yield self.violated(view, f"{account} holds {held} {root} of ours, and the ledger says {said}")
