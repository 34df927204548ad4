"""Tend what a lane holds: resolve what is unknown, flatten ghosts, put back the stop that is missing.

    missing stop       placed again, for what is bare; refused: the position is closed or kept (TRADING.md rule 17)
    late ghost         what an entry that was told not to exist has opened is closed
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from orderbridge.alerts.alert import Action, Alert
from orderbridge.commands import Place
from orderbridge.errors import BrokerReadError
from orderbridge.execution.care import care_for, unprotected
from orderbridge.execution.desk import Desk, amount
from orderbridge.execution.hand_books import base_of, handed_over
from orderbridge.execution.held import held_of
from orderbridge.execution.plans import carry_out, store_revision
from orderbridge.execution.ports import JobStore
from orderbridge.execution.records import Book, CommandRecord, CommandStatus, Job, by_hand
from orderbridge.execution.resolve import find_ghosts, resolve_pending
from orderbridge.execution.session import LaneSession, with_book
from orderbridge.execution.wishes import UndoOrder
from orderbridge.model import Direction
from orderbridge.strategy.goal import Holding
from orderbridge.strategy.symbols import canonical_root

log = logging.getLogger(__name__)

ZERO = Decimal(0)
TEND_AGAIN_MS = 1_500
OLDEST_LOOK_MS = 10_000
"""How old a look may be that a missing stop is put back by, if nothing was sent since: one may take seconds itself."""
MAX_REJECTIONS = 2
"""Stops that the broker took and rejected afterwards, until it counts as refusing them: the entry's own, and ours."""
TEMPORARY = frozenset({"rate_limited", "closed", "not_taken", "edge_limited", "not_connected", "unauthorized"})
CHANGED = frozenset({"reserved", "side_mismatch", "flat", "not_found"})
"""Refusals that say nothing about the stop itself, or that the holding has changed: look again, then try again."""


class Tender:
    """Tends one lane while it is held."""

    def __init__(self, lane: LaneSession, jobs: JobStore, desk: Desk) -> None:
        self._lane = lane
        self._jobs = jobs
        self._desk = desk

    def tend(self) -> None:
        """Resolve what is unknown and see that what is held has its stop; a broker that cannot be read is left be."""
        if not self._lane.state.watched:
            return
        try:
            self._lane.see()
            resolve_pending(self._lane, self._tell)
            if self._lane.wrote:
                self._lane.see(max_age_ms=0)
            for ghost in find_ghosts(self._lane, self._tell):
                self._flatten_ghost(ghost)
            for book in self._lane.state.books:
                self.care(self._lane.state.book(book.strategy, book.root))
        except BrokerReadError as error:
            log.warning("the lane could not be tended", extra={"lane": self._lane.fence.lane, "problem": str(error)})

    def keep_stops(self, spare: str | None = None) -> None:
        """Put back the stops that are missing by the last look, between and within jobs: each may wait for long.

        A job that takes stops of the root `spare` away itself, to close what they protect, has its time to do so.
        """
        if not any(self._bare(spare)):
            return
        try:
            self._lane.see(OLDEST_LOOK_MS)
            for book in self._bare(spare):
                self.care(book)
        except BrokerReadError as error:
            log.warning("a stop could not be put back", extra={"lane": self._lane.fence.lane, "problem": str(error)})

    def _bare(self, spare: str | None) -> Iterator[Book]:
        """Give the books that lack a stop, each as it stands by then: what was sent for one is looked at at once."""
        for name, root in [(book.strategy, book.root) for book in self._lane.state.books if book.root != spare]:
            book = self._lane.state.book(name, root)
            if self._lacks_its_stop(book):
                yield book

    def _lacks_its_stop(self, book: Book) -> bool:
        """Tell whether a book holds something without its stop by the last look, and it is not given up (rule 17)."""
        lane, wanted = self._lane, book.protection
        if lane.look is None or wanted is None or wanted.refused:
            return False
        return unprotected(book, lane.holding(book.strategy, book.root), lane.broker.capabilities)

    def care(self, book: Book) -> None:
        """See that what a book holds has its stop, and nothing else rests for it. Raises `BrokerReadError`."""
        bare = self._lacks_its_stop(book)
        pending = {pending.role for pending in self._lane.state.pending if pending.root == book.root}
        unsettled = book.root in self._lane.unsettled and not pending and not self._holds_more(book)
        # A stop that the position itself carries is a price alone: right for what is held, however much that is, and
        # the same when it is set twice. A stop order of unknown outcome may be there: a second one could open.
        by_price = bare and self._lane.broker.capabilities.position_bracket
        # What an unknown entry may have opened is nobody's yet, and takes nothing away from what is held without it.
        harmless = {"close"} | ({"entry"} if bare else set()) | ({"stop"} if by_price else set())
        if pending - harmless or (unsettled and not by_price):
            return
        now_ms = self._lane.clock.now_ms()
        if now_ms - self._lane.tended_ms.get((book.strategy, book.root), 0) < TEND_AGAIN_MS:
            return
        holding = self._lane.holding(book.strategy, book.root)
        capabilities = self._lane.broker.capabilities
        wanted = book.protection
        if wanted is not None and not wanted.refused and book.owned != 0 and wanted.rejections >= MAX_REJECTIONS:
            self._stop_refused(book.strategy, book.root, "rejected after it was taken")
            return
        self._note_protection(book, unprotected(book, holding, capabilities), now_ms)
        care = care_for(self._lane.state.book(book.strategy, book.root), holding, capabilities, now_ms)
        if care is None:
            self._hand_over(book, holding)
            return
        job_id = f"care.{self._lane.account.name}.{self._lane.fence.epoch}.{book.strategy}.{book.root}.{now_ms}"
        self._lane.tended_ms[(book.strategy, book.root)] = now_ms
        records = store_revision(self._lane, job_id, book.strategy, book.root, None, 1, care.commands)
        done = carry_out(self._lane, records, None)
        log.info("tended", extra={"lane": self._lane.fence.lane, "why": care.why})
        for record in done:
            if record.role == "stop":
                self._after_stop(record)
        if any(record.sent_at_ms for record in done):
            self._lane.see(max_age_ms=0)

    def _holds_more(self, book: Book) -> bool:
        """Tell whether the broker reports more on the book's side than its fills explain: all of it can have a stop."""
        lane, sign = self._lane, 1 if book.owned > 0 else -1
        reported = held_of(lane.look.positions, book.root) if lane.look is not None else ZERO
        return reported * sign > max(ZERO, lane.state.root(book.root).baseline * sign)

    def _hand_over(self, book: Book, holding: Holding) -> None:
        """What a person holds, and the broker now protects, is the person's own from here on."""
        state = handed_over(
            self._lane.state, self._lane.state.book(book.strategy, book.root), holding, self._lane.broker.capabilities
        )
        if state is not None:
            self._lane.store.save_state(self._lane.fence, state)
            self._lane.state = state

    def _note_protection(self, book: Book, naked: bool, now_ms: int) -> None:
        since = book.unprotected_since_ms
        if naked == (since is not None):
            return
        if since is not None:
            log.info("protected again", extra={"metric": "UnprotectedMs", "value": now_ms - since, "root": book.root})
        self._lane.state = with_book(self._lane.state, replace(book, unprotected_since_ms=now_ms if naked else None))
        self._lane.store.save_state(self._lane.fence, self._lane.state)

    def _after_stop(self, record: CommandRecord) -> None:
        refusals = [placed.refused for placed in record.orders if placed.refused]
        if record.status is CommandStatus.REFUSED and record.code not in TEMPORARY | CHANGED:
            self._stop_refused(record.strategy, record.root, record.message)
        elif refusals:
            self._stop_refused(record.strategy, record.root, str(refusals[0]))

    def _stop_refused(self, strategy: str, root: str, message: str) -> None:
        """The broker refuses the stop: close the position or keep it, as the strategy says, and tell (rule 17)."""
        book = self._lane.state.book(strategy, root)
        if book.protection is None:
            return
        settings = self._desk.settings.strategy(strategy)
        keep = by_hand(strategy) or (settings is not None and settings.on_stop_refused == "keep")
        protection = replace(book.protection, refused=message)
        self._lane.state = with_book(self._lane.state, replace(book, protection=protection))
        self._lane.store.save_state(self._lane.fence, self._lane.state)
        done = "kept" if keep else "closed"
        held = f"{amount(abs(book.owned))} {root}"
        self._tell("stop_refused", f"The broker refused the stop for {held} ({message}); the position is {done}.")
        if not keep:
            self._exit(strategy, root, f"stoprefused.{book.protection.job_id}", book)

    def _flatten_ghost(self, ghost: CommandRecord) -> None:
        self._lane.see(max_age_ms=0)
        if by_hand(ghost.strategy):
            self._undo(ghost)
            return
        book = self._lane.state.book(ghost.strategy, ghost.root)
        self._exit(ghost.strategy, ghost.root, f"ghost.{ghost.command_id}", book)

    def _undo(self, ghost: CommandRecord) -> None:
        """Queue the undoing of a person's order that was told not to exist."""
        command = ghost.command
        if not isinstance(command, Place) or not ghost.orders:
            return
        job = Job(
            job_id=f"ghost.{ghost.command_id}",
            alert_id="",
            strategy=base_of(ghost.strategy),
            account=self._lane.account.name,
            lane=self._lane.fence.lane,
            root=ghost.root,
            accepted_at_ms=self._lane.clock.now_ms(),
            wish=UndoOrder(ghost.orders[0].order_id, command.symbol, command.side),
            origin="care",
        )
        self._jobs.put_job(job)

    def _exit(self, strategy: str, root: str, alert_id: str, book: Book) -> None:
        """Queue an exit of our own: it goes the way of every exit, and does not give up."""
        now_ms = self._lane.clock.now_ms()
        look = self._lane.look
        held = [p.symbol for p in look.positions if canonical_root(p.symbol) == root] if look is not None else []
        symbol = held[0] if held else book.protection.symbol if book.protection is not None else root
        job = Job(
            job_id=f"{alert_id}.{self._lane.account.name}",
            alert_id=alert_id,
            strategy=strategy,
            account=self._lane.account.name,
            lane=self._lane.fence.lane,
            root=root,
            accepted_at_ms=now_ms,
            alert=Alert(Action.EXIT, symbol, exit_side=Direction.of(book.owned) if book.owned else None),
            origin="care",
        )
        self._jobs.put_job(job)

    def _tell(self, code: str, sentence: str) -> None:
        self._desk.tell(code, sentence, account=self._desk.account.name)
