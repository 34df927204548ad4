"""Carry out what a person asks for at the panel, through the same ledger and under the same lease as an alert's orders.

    look -> next step (`hand_steps`) -> store the revision -> send -> look again, until nothing is left to send

It differs from an alert's job in three ways: what was not sent within MAX_AGE_MS is not sent any more, a refusal is
told and not tried again, and the person's books get their stop back only where the bridge itself took it away.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import assert_never

from orderbridge.commands import Command, Place
from orderbridge.errors import AmbiguousSymbolError, BrokerReadError, UnknownSymbolError
from orderbridge.execution.care import protective
from orderbridge.execution.desk import Desk
from orderbridge.execution.hand_books import adopted, armed, base_of, entry_book, followers_of, owners_of, reworded
from orderbridge.execution.hand_changes import word_of
from orderbridge.execution.hand_scene import Clear, Protect, Scene, position_of
from orderbridge.execution.hand_steps import first_goal, next_by_hand
from orderbridge.execution.plans import carry_out, close_unsent, store_revision, went_out
from orderbridge.execution.records import (
    NOT_PLACED,
    Book,
    CommandRecord,
    CommandStatus,
    Job,
    LaneState,
    Protection,
    Role,
)
from orderbridge.execution.results import Parked, Result
from orderbridge.execution.session import LOOK_PAUSE_S, LaneSession, with_book
from orderbridge.execution.steps import Await, Reached, Send
from orderbridge.execution.wishes import (
    ClosePosition,
    CloseSymbol,
    PlaceOrder,
    ProtectPosition,
    ReversePosition,
    UndoOrder,
    Wish,
)
from orderbridge.model import Position
from orderbridge.strategy.goal import End, Ending, Goal

MAX_AGE_MS = 15_000
"""A person who pressed a button this long ago has been told that the outcome is open, and may have pressed another."""
SETTLE_S = 3.0
"""How long a fill that does not show yet is waited for."""
LOOK_MS, FRESH_MS = 1_000, 300
"""How old a look may be: where positions are closed by id, and where a close is an order of its own."""
RESERVE_S = 1.5


class ByHand:
    """Carries out one wish in the lane that `lane` holds."""

    def __init__(
        self,
        lane: LaneSession,
        desk: Desk,
        ask: Callable[[Job], Parked | None],
        protect: Callable[[str, str], None],
    ) -> None:
        """`ask` resolves the job's own unknown commands or parks it; `protect` puts back a missing stop of a book."""
        self._lane = lane
        self._desk = desk
        self._ask = ask
        self._put_back = protect
        self._clock = lane.clock
        self._before: dict[tuple[str, str], Book] = {}
        """What books wanted before the person's word, should the broker refuse it."""
        self._sent = False
        """Something of the wish went out: from then on only a look tells what became of it."""

    def work(self, job: Job) -> Result:
        """Bring the wish as far as it goes now."""
        assert job.wish is not None
        plans = self._lane.store.plans(self._lane.fence.lane, job.job_id)
        records = went_out(close_unsent(self._lane, [record for _, commands in plans for record in commands]))
        self._sent = any(record.sent_at_ms for record in records)
        goal = next((plan.goal for plan, _ in plans if plan.goal is not None), None)
        try:
            return self._pursue(job, job.wish, records, goal, len(plans))
        except (UnknownSymbolError, AmbiguousSymbolError) as error:
            return End(Ending.REFUSED, "unknown_symbol", str(error))
        except BrokerReadError as error:
            return self._unreadable(job, str(error))

    def _pursue(
        self, job: Job, wish: Wish, records: list[CommandRecord], goal: Goal | None, revision: int
    ) -> Result:
        while True:
            waiting = self._ask(job)
            if waiting is not None:
                return waiting
            records = went_out([self._current(record) for record in records])
            ended = self._refused(goal, records) or self._too_early(job, wish, records)
            ended = ended or self._too_old(job, goal, records)
            if ended is not None:
                return ended
            scene = self._scene(job, wish, records, goal)
            if isinstance(scene, End):
                return scene
            step = next_by_hand(wish, scene)
            match step:
                case End():
                    return step
                case Reached():
                    return End(Ending.ORDERED, "done", "Done.")
                case Goal():
                    goal = first_goal(step, wish, scene)
                case Await():
                    if self._lane.deadline.remaining() < RESERVE_S:
                        return Parked(self._clock.now_ms() + 1_000, step.what, "Waiting for the broker to confirm.")
                    self._lane.pause(LOOK_PAUSE_S)
                    self._lane.see(max_age_ms=0)
                case Send() | Clear() | Protect():
                    for owner, commands in self._prepared(job, wish, scene, step):
                        revision += 1
                        new = store_revision(self._lane, job.job_id, owner, job.root, goal, revision, commands)
                        records += carry_out(self._lane, new, self._expires_ms(job))
                        self._sent = any(record.sent_at_ms for record in went_out(records))
                case _:
                    assert_never(step)

    # ---- what is known

    def _scene(
        self, job: Job, wish: Wish, records: Sequence[CommandRecord], goal: Goal | None
    ) -> Scene | End:
        self._lane.see(self._oldest_look_ms(job))
        until_ms = self._clock.now_ms() + round(SETTLE_S * 1000)
        while job.root in self._lane.unsettled and not self._lane.state.pending:
            if self._clock.now_ms() >= until_ms or self._lane.deadline.remaining() < RESERVE_S:
                if records or not _may_open(wish):
                    break
                return End(Ending.REFUSED, "unsettled", "The broker does not show an earlier fill yet. Try again.")
            self._lane.pause(LOOK_PAUSE_S)
            self._lane.see(max_age_ms=0)
        assert self._lane.look is not None
        late = self._too_old(job, goal, records)  # a look may take its time
        return late or Scene(
            look=self._lane.look,
            state=self._lane.state,
            capabilities=self._lane.broker.capabilities,
            mode=self._desk.account.position_mode,
            now_ms=self._clock.now_ms(),
            records=tuple(records),
            goal=goal,
        )

    def _oldest_look_ms(self, job: Job) -> int:
        """A look must have begun after the press: a close sent for what is gone by then would open the other side.

        A close by id can close nothing else, whatever has happened since.
        """
        if self._lane.broker.capabilities.close_by_id:
            return LOOK_MS
        return max(0, min(FRESH_MS, self._clock.now_ms() - job.accepted_at_ms))

    def _too_early(self, job: Job, wish: Wish, records: Sequence[CommandRecord]) -> End | None:
        """No second close while it is not known what became of one; a full close by id may be repeated."""
        repeatable = self._lane.broker.capabilities.close_by_id and _whole(wish)
        if records or repeatable or not _may_close(wish):
            return None
        if not any(pending.root == job.root and pending.role == "close" for pending in self._lane.state.pending):
            return None
        sentence = (
            "It is not known yet whether an earlier close of this symbol was taken. "
            "Wait until it is, or look at the broker."
        )
        return End(Ending.REFUSED, "unresolved", sentence)

    def _current(self, record: CommandRecord) -> CommandRecord:
        return record if record.status.final else self._lane.store.command(self._lane.fence.lane, record.command_id)

    def _too_old(self, job: Job, goal: Goal | None, records: Sequence[CommandRecord]) -> End | None:
        """What is only prepared counts as not sent: exits that were taken away for a close are put back."""
        sent = any(record.sent_at_ms and (goal is None or record.role != "other") for record in records)
        if sent or self._clock.now_ms() - job.accepted_at_ms <= MAX_AGE_MS or isinstance(job.wish, UndoOrder):
            return None
        return End(Ending.EXPIRED, "too_old", "Not sent: it could not be worked in time.")

    def _expires_ms(self, job: Job) -> int | None:
        """A broker that takes no request is asked again, but not for an entry that has grown too old meanwhile."""
        return None if self._sent or isinstance(job.wish, UndoOrder) else job.accepted_at_ms + MAX_AGE_MS + 1

    def _unreadable(self, job: Job, problem: str) -> Result:
        age_ms = self._clock.now_ms() - job.accepted_at_ms
        sentence = f"The broker cannot be read just now ({problem})."
        pending = any(pending.job_id == job.job_id for pending in self._lane.state.pending)
        if self._sent or pending or isinstance(job.wish, UndoOrder):
            return Parked(self._clock.now_ms() + 2_000, "broker_unreachable", sentence)
        if age_ms < MAX_AGE_MS and self._lane.deadline.remaining() > RESERVE_S:
            return Parked(self._clock.now_ms() + 500, "broker_unreachable", sentence)
        return End(Ending.REFUSED, "broker_unreachable", sentence)

    # ---- sending

    def _prepared(
        self, job: Job, wish: Wish, scene: Scene, step: Send | Clear | Protect
    ) -> list[tuple[str, list[tuple[Role, Command]]]]:
        """Note in the books what is to be so, and give the commands by the book that follows them."""
        position = self._position(wish, scene)
        if position is not None and not scene.capabilities.position_bracket:
            state = adopted(scene.state, scene.look, position, job.strategy, job.job_id)
            if not isinstance(step, Protect) and any(role == "other" for role, _ in step.commands):
                state = armed(state, scene.look, position, job.job_id)
            scene = replace(scene, state=state)
        word = word_of(wish, scene)
        for book in word.books if word is not None else ():
            self._before.setdefault((book.strategy, book.root), book)
        if isinstance(step, Protect):
            return self._protecting(job, step, scene)
        if word is not None and isinstance(step, Send):
            state = reworded(scene.state, word.books, word.change, job.accepted_at_ms, word.entries)
            scene = replace(scene, state=state)
        self._save(scene.state)
        return self._by_owner(job, step.commands)

    def _protecting(
        self, job: Job, step: Protect, scene: Scene
    ) -> list[tuple[str, list[tuple[Role, Command]]]]:
        """Each holder's part of the position gets the bracket, in its holder's book."""
        state, position, bracket = scene.state, step.position, step.bracket
        planned: list[tuple[str, list[tuple[Role, Command]]]] = []
        for book in owners_of(state, position):
            self._before.setdefault((book.strategy, book.root), book)
            wanted = Protection(position.symbol, bracket, job.job_id, asked_ms=job.accepted_at_ms)
            state = with_book(state, replace(book, protection=wanted))
            command = protective(position.symbol, position.side.opposite, abs(book.owned), bracket)
            role: Role = "stop" if bracket.has_stop else "target"
            planned.append((book.strategy, [(role, command)]))
        self._save(state)
        return planned

    def _by_owner(
        self, job: Job, commands: Sequence[tuple[Role, Command]]
    ) -> list[tuple[str, list[tuple[Role, Command]]]]:
        planned: list[tuple[str, list[tuple[Role, Command]]]] = []
        for role, command in commands:
            owner = self._owner(job, role, command)
            if planned and planned[-1][0] == owner:
                planned[-1][1].append((role, command))
            else:
                planned.append((owner, [(role, command)]))
        return planned

    def _owner(self, job: Job, role: Role, command: Command) -> str:
        if isinstance(command, Place) and role == "entry" and command.bracket is not None:
            return entry_book(job.strategy, job.job_id)
        order_id = getattr(command, "order_id", None)
        if order_id is not None:
            for book in followers_of(self._lane.state, getattr(command, "symbol", job.root), (order_id,), None):
                return book.strategy
        return base_of(job.strategy)

    def _save(self, state: LaneState) -> None:
        if state != self._lane.state:
            self._lane.store.save_state(self._lane.fence, state)
            self._lane.state = state

    def _position(self, wish: Wish, scene: Scene) -> Position | None:
        """Give the position that the wish closes or protects."""
        match wish:
            case ClosePosition() | ReversePosition() | ProtectPosition():
                return position_of(wish, scene)
            case PlaceOrder(order=Place(symbol=symbol)) | CloseSymbol(symbol=symbol) | UndoOrder(symbol=symbol):
                found = (p for p in scene.look.positions if p.symbol == symbol)
                return next(found, None) if scene.goal is not None else None
            case _:
                return None

    # ---- refusals

    def _refused(self, goal: Goal | None, records: Sequence[CommandRecord]) -> End | None:
        for record in records:
            if not _failed(record):
                continue
            if goal is not None and record.role in ("close", "other"):
                continue  # `hand_steps` tells a refused close, and tries a refused release again
            self._take_back()
            refusals = [placed.refused for placed in record.orders if placed.refused]
            end = _told(record, record.message or (refusals[0] if refusals else ""))
            closed = record.role == "entry" and any(one.role == "close" and one.taken for one in records)
            return _half_done(end) if closed else end
        return None

    def _take_back(self) -> None:
        """The broker does not do what the person said: the books want again what they wanted, and get it."""
        state = self._lane.state
        for book in state.books:
            before = self._before.get((book.strategy, book.root))
            if before is None:
                continue
            planned = {one.job_id: one for one in before.planned}
            again = replace(book, planned=tuple(planned.get(one.job_id, one) for one in book.planned))
            if book.owned != 0:
                own = before.protection
                again = replace(again, protection=None if own is None else replace(own, quantity=None))
            state = with_book(state, again)
        self._save(state)
        for strategy, root in self._before:
            self._put_back(strategy, root)


def _failed(record: CommandRecord) -> bool:
    """Tell whether a command came to nothing; one that was taken may still have had all of its orders refused."""
    if record.taken:
        return bool(record.orders) and all(placed.refused for placed in record.orders)
    return record.status.final


def _may_open(wish: Wish) -> bool:
    return not isinstance(wish, (ClosePosition, ProtectPosition, UndoOrder))


def _may_close(wish: Wish) -> bool:
    return isinstance(wish, (PlaceOrder, ClosePosition, CloseSymbol, ReversePosition))


def _whole(wish: Wish) -> bool:
    return isinstance(wish, CloseSymbol) or (isinstance(wish, ClosePosition) and wish.quantity is None)


def _half_done(end: End) -> End:
    """Tell of a reversal whose entry is refused that its close has been done."""
    if end.ending is Ending.FAILED:
        return end
    return End(Ending.FAILED, end.code, f"The position was closed, and nothing was opened instead: {end.sentence}")


def _told(record: CommandRecord, message: str) -> End:
    match record.status:
        case CommandStatus.NOT_FOUND:
            sentence = "It was sent, the answer was lost, and the broker does not show it."
            return End(Ending.FAILED, "not_found", sentence)
        case CommandStatus.DECIDED_BY_PERSON:
            return End(Ending.FAILED, NOT_PLACED, f"{record.message}.")
        case CommandStatus.HALTED:
            return End(Ending.REFUSED, record.code or "halted", f"Not sent: {message}.")
        case CommandStatus.EXPIRED:
            return End(Ending.EXPIRED, "too_old", f"Not sent: {message}.")
        case _:
            return End(Ending.REFUSED, record.code or "broker_refused", message or "The broker refused.")
