"""A position keeps its stop: nothing that was entered with one is held without it for more than 10 s.

The clock runs from the fill that bares a quantity until a stop (or an order that is closing it) works for all of it.
What counts as bare comes from the alerts' meaning and the broker's book alone, never from what the bridge believes.

The clock stands still, and starts again at its end, during a `Trouble` of the account: while the broker cannot be
reached or shows old reads, while its session is closed, while it refuses stops, while the store fails, while everything
is halted, and after a process was killed or froze (whoever comes next must wait for its lease: 45 s, and for the watch:
revived by the minute's round). Nobody can place a stop then, nor before the order history shows whose a position is
(`history_lag_ms`), nor a second stop order while the first may work: its answer was lost, and the broker is asked for
it. The longest time with all of that counted in is reported.
"""

from collections.abc import Iterator
from decimal import Decimal

from orderbridge.execution.records import CommandStatus
from orderbridge.execution.tending import CHANGED, TEMPORARY
from orderbridge.strategy.symbols import canonical_root
from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.books import AccountBook, Placed, base_of
from tests.simulation.invariants.entries import settings_of
from tests.simulation.invariants.evidence import Row, Trouble, Violation
from tests.simulation.invariants.ledger import Command

ZERO = Decimal(0)
LONGEST_MS = 10_000
ASKED_MS = 70_000
"""How long the bridge asks for a stop whose answer was lost until it counts as not placed: 60 s, and a watch's turn."""
ALIKE_MS = 5_000
"""Orders placed within this of one another are told apart by nothing else than what they ask for."""
Place = tuple[str, str, str]
"""Account, strategy and root, or a position's id."""


class KeepsItsStop(Invariant):
    """Nothing that was entered with a stop is held without one for more than 10 s."""

    def __init__(self) -> None:
        self._since_ms: dict[Place, int] = {}
        self._net_ms: dict[Place, int] = {}
        self._said: dict[Place, str] = {}
        self._handed: set[str] = set()
        """Entries whose stop has worked for all that is held."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for book in view.changed:
            name = book.account.settings.name
            bare = dict(self._bare(view, book))
            for place in [place for place in self._since_ms if place[0] == name and place not in bare]:
                self._close(view, place)
            for place, said in bare.items():
                self._since_ms.setdefault(place, view.now_ms)
                self._net_ms.setdefault(place, max(view.now_ms, _shown_ms(book, place)))
                self._said[place] = said
        yield from self._too_long(view)

    def at_end(self, view: View) -> Iterator[Violation]:
        yield from self._too_long(view)
        for place in list(self._since_ms):
            self._close(view, place)

    def _close(self, view: View, place: Place) -> None:
        bare_ms = view.now_ms - self._since_ms.pop(place)
        self._net_ms.pop(place)
        view.counts.longest_bare_ms = max(view.counts.longest_bare_ms, bare_ms)

    def _too_long(self, view: View) -> Iterator[Violation]:
        for place, since_ms in list(self._net_ms.items()):
            begun_ms = max([since_ms, *(_ended_ms(view, one) for one in _troubles(view, place[0], since_ms))])
            begun_ms = view.now_ms if _is_asked_for(view, place) else begun_ms
            self._net_ms[place] = begun_ms
            if view.now_ms - begun_ms > LONGEST_MS:
                yield self.violated(view, f"{self._said[place]} for more than {LONGEST_MS // 1000} s", begun_ms)

    # ---- what is bare

    def _bare(self, view: View, book: AccountBook) -> Iterator[tuple[Place, str]]:
        return self._bare_positions(view, book) if book.tradelocker else self._bare_sums(view, book)

    def _bare_positions(self, view: View, book: AccountBook) -> Iterator[tuple[Place, str]]:
        """TradeLocker: a position carries its stop itself."""
        opened = {one.row.position_id: one for one in book.placed if one.row.role == "order"}
        closing = {one.row.position_id for one in book.placed if one.row.role == "close" and one.row.working}
        for held in book.positions:
            if held.stop is not None and held.id in opened:
                self._handed.add(opened[held.id].row.id)
            if held.by_hand or held.stop is not None or held.id in closing:
                continue
            opening = opened.get(held.id)
            if not book.hedging:
                symbol = canonical_root(held.symbol)
                sharing = [run for (_, root), run in book.runs.items() if root == symbol and run.owned]
                entries = [entry for run in sharing for entry in run.entries]
            else:
                entries = [] if opening is None else [opening]
            strategies = {entry.strategy for entry in entries}
            wanting = [entry for entry in entries if self._wants_stop(view, entry)]
            if wanting and not self._given_up(view, book, strategies):
                yield (book.account.settings.name, held.id, ""), f"position {held.id} ({held.signed}) has no stop"

    def _bare_sums(self, view: View, book: AccountBook) -> Iterator[tuple[Place, str]]:
        """TradeStation: working stops and closing orders must cover what the strategy owns."""
        for (strategy, root), run in book.runs.items():
            wanting = [entry for entry in run.entries if self._wants_stop(view, entry)]
            if run.owned == 0 or not wanting:
                continue
            sign = 1 if run.owned > 0 else -1
            asked = sum((_left_of(entry, book) for entry in wanting), ZERO)  # another entry may have been given no stop
            needed = min(asked, abs(run.owned), max(ZERO, book.held(root) * sign))
            covering = [
                one.row
                for one in book.placed
                if one.strategy == strategy
                and one.purpose in ("stop", "close")
                and one.row.working
                and one.row.released
                and one.row.sign == -sign
                and canonical_root(one.row.symbol) == root
            ]
            covered = sum((row.asked - row.filled for row in covering), ZERO)
            if covered and covered >= needed:
                self._handed.update(entry.row.id for entry in wanting)
            if covered < needed and not self._given_up(view, book, {strategy}) and not _undecided(book, strategy):
                yield (
                    (book.account.settings.name, strategy, root),
                    f"{strategy} holds {needed} {root} and {covered} of it has a stop",
                )

    def _wants_stop(self, view: View, entry: Placed) -> bool:
        """A person's order was given a stop, and from when it works on that is the person's own affair.

        What a person says at the panel holds for a strategy's stop too: one that was taken away is not put back.
        """
        if entry.command is None:
            return False
        since_ms, account = entry.row.opened_ms, entry.command.account
        if any(one.unprotects for one in view.ledger.pressed_at(account, entry.row.symbol, since_ms)):
            return False
        alert, wanted = view.ledger.fired_of(entry.command), view.ledger.wanted(entry.command)
        if wanted is not None:
            return wanted.stop_loss is not None and entry.row.id not in self._handed
        return alert is not None and alert.meant.stop_loss is not None

    def _given_up(self, view: View, book: AccountBook, strategies: set[str]) -> bool:
        """The broker has refused the stop, and the settings say `keep` (rule 17)."""
        refused = any(one.purpose == "stop" and one.row.rejected and one.strategy in strategies for one in book.placed)
        refused = refused or any(one.kind == "refused" for one in view.evidence.troubles)
        refused = refused or any(_refused_stop(one, book, strategies) for one in view.ledger.ever)
        keeps = any(one.on_stop_refused == "keep" for name in strategies for one in settings_of(view, name))
        return refused and keeps


def _refused_stop(command: Command, book: AccountBook, strategies: set[str]) -> bool:
    """Tell whether the broker has refused to set a stop for what it is: it lies beyond the price by now, perhaps."""
    record = command.record
    here = command.account == book.account.settings.name and base_of(record.strategy) in strategies
    refused = record.role == "stop" and record.status is CommandStatus.REFUSED
    return here and refused and record.code not in TEMPORARY | CHANGED


def _is_asked_for(view: View, place: Place) -> bool:
    """Tell whether a stop order is on its way, or its answer was lost: nobody places a second one beside it.

    At TradeLocker a stop is a price of the position, which may be set twice.
    """
    account, strategy, root = place
    if view.books.by_account[account].tradelocker:
        return False
    stops = (one for one in view.ledger.commands.values() if one.pending and one.record.role == "stop")
    return any(
        (one.account, base_of(one.record.strategy), one.record.root) == (account, strategy, root)
        and one.begun
        and view.now_ms - one.sending_ms[-1] <= ASKED_MS
        for one in stops
    )


def _left_of(entry: Placed, book: AccountBook) -> Decimal:
    """Give what an entry has opened and its own stop and target have not closed."""
    own = (one.row.filled for one in book.placed if one.row.parent_id == entry.row.id)
    return entry.row.filled - sum(own, ZERO)


def _undecided(book: AccountBook, strategy: str) -> bool:
    """Tell whether only a person can say what the strategy owns: the answer to its entry was lost, and a stranger's
    order beside it is just like it."""
    lost = [
        one.row
        for one in book.placed
        if one.strategy == strategy and one.purpose == "entry" and one.command is not None and one.command.pending
    ]
    return any(_alike(row, other.row) for row in lost for other in book.placed if other.row.by_hand)


def _alike(row: Row, other: Row) -> bool:
    same = (row.symbol, row.sign, row.asked, row.type, row.limit_price, row.stop_price)
    apart_ms = abs(row.opened_ms - other.opened_ms)
    return apart_ms <= ALIKE_MS and same == (
        other.symbol, other.sign, other.asked, other.type, other.limit_price, other.stop_price,
    )  # fmt: skip


def _shown_ms(book: AccountBook, place: Place) -> int:
    """Give from when the broker's history shows the entries that opened a position; 0 where none is late."""
    opened = (one.row for one in book.placed if one.row.role == "order")
    return max((row.shown_ms for row in opened if row.position_id and row.position_id == place[1]), default=0)


def _troubles(view: View, account: str, since_ms: int) -> list[Trouble]:
    return [
        one
        for one in view.evidence.troubles
        if one.kind != "late"
        and one.account in ("", account)
        and (one.to_ms is None or one.to_ms > since_ms)
        and one.from_ms <= view.now_ms
    ]


def _ended_ms(view: View, trouble: Trouble) -> int:
    return view.now_ms if trouble.to_ms is None else min(trouble.to_ms, view.now_ms)
