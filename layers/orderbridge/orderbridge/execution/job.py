"""Work one job: decide once, then step by step until the goal is reached, parking where time has to pass.

    no plan yet     look, decide, store the goal with the first revision
    plan stored     resume: what was NEW is closed as not sent, what is pending is asked for, then the next step
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from orderbridge.alerts.alert import Action, Alert
from orderbridge.errors import AmbiguousSymbolError, BrokerReadError, UnknownSymbolError
from orderbridge.execution.asking import Asker
from orderbridge.execution.by_hand import ByHand
from orderbridge.execution.care import GRACE_MS
from orderbridge.execution.deciding import Decider
from orderbridge.execution.desk import Desk
from orderbridge.execution.endings import entered, entry_ended, reached
from orderbridge.execution.hand_books import exits_of
from orderbridge.execution.held import hidden_entries
from orderbridge.execution.plans import carry_out, close_unsent, store_revision, went_out
from orderbridge.execution.ready_made import ReadyMade
from orderbridge.execution.records import CommandRecord, Job, StoredJob
from orderbridge.execution.resolve import Tell
from orderbridge.execution.results import RESERVE_S, RETRY_MS, Parked, Result
from orderbridge.execution.session import CLOCKS_MS, LOOK_PAUSE_S, LaneSession
from orderbridge.execution.steps import CONFIRM_MS, Await, Progress, Reached, Send, closed_by, next_step, unwanted
from orderbridge.execution.tending import Tender
from orderbridge.model import Direction, Order, OrderType, PositionMode
from orderbridge.strategy.ages import age_of
from orderbridge.strategy.goal import End, Ending, Goal, Holding
from orderbridge.strategy.settings import AccountRoute, StrategySettings

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
EXIT_GIVE_UP_MS = 15 * 60_000
"""How long an exit goes on trying (TRADING.md rule 12)."""
FILL_WAIT_MS = 5_000
"""How long the handler waits for the fill of a market order."""
SHOW_WAIT_MS = 1_200
"""How long it waits for any other order to show, so that a rejection is told at once."""
RESTS_MS, REST_PAUSE_S = 5_000, 2.0
"""A close that works for so long rests, in a closed market perhaps: it is looked at no more often than a stop is."""
CUT_MS = 4_000
"""How long a stop may stay cut for a close that cannot go out yet."""
KNOWN_MS = 10_000
"""How old a look may be for a job that it leaves nothing to do for."""


class JobWorker:
    """Works the jobs of one lane while it is held."""

    def __init__(
        self, lane: LaneSession, desk: Desk, tender: Tender, held_up: Callable[[], bool] = lambda: False
    ) -> None:
        """`held_up` tells whether a job waits that need not wait for what becomes of an entry."""
        self._lane = lane
        self._desk = desk
        self._tender = tender
        self._asker = Asker(lane, tender, self._wait, self._tell, held_up)
        self._decider = Decider(lane, desk)
        self._clock = lane.clock
        self._sent = False
        """Something was sent for the job: it can no longer expire."""
        self._spared_until_ms = 0
        """Until then what the job closes may be without its stop."""
        self._turned = False
        """The job was decided anew, since what it was to cancel had filled."""
        self.phases: dict[str, int] = {}
        """When the job was planned, sent and answered, in epoch ms."""

    def work(self, stored: StoredJob) -> Result:
        """Bring the job as far as it goes now."""
        job = stored.job
        if job.wish is not None:
            return ByHand(self._lane, self._desk, self._asker.ask_for_own, self._protect).work(job)
        if job.commands:
            try:
                return ReadyMade(self._lane, self._asker.ask_for_own, self._current).work(job)
            except BrokerReadError as error:
                return self._again(job, "broker_unreachable", f"The broker cannot be read just now ({error}).")
        settings = self._desk.settings.strategy(job.strategy)
        route = _route(settings, job.account)
        if settings is None or route is None or job.alert is None:
            return End(Ending.REFUSED, "strategy_gone", f"{job.strategy} no longer trades {job.account}.")
        try:
            return self._pursue(job, settings, route)
        except (UnknownSymbolError, AmbiguousSymbolError) as error:
            return End(Ending.REFUSED, "unknown_symbol", f"{error}. Name the broker's symbol in the symbol map.")
        except BrokerReadError as error:
            return self._later(job, settings, "broker_unreachable", f"The broker cannot be read just now ({error}).")

    # ---- towards the goal

    def _pursue(self, job: Job, settings: StrategySettings, route: AccountRoute) -> Result:
        plans = self._lane.store.plans(self._lane.fence.lane, job.job_id)
        records = [record for _, commands in plans for record in commands]
        records = close_unsent(self._lane, records)
        known = plans[-1][0].goal if plans else None
        goal = known if known is not None else self._decide(job, settings, route)
        if not isinstance(goal, Goal):
            return goal
        decided_now, revision = known is None, len(plans)
        while True:
            waiting = self._asker.ask_for_own(job)
            if waiting is not None:
                return waiting
            records = [self._current(record) for record in records]
            self._sent = self._sent or any(record.sent_at_ms for record in records)
            answered = entry_ended(records) or self._entered(records)
            if answered is not None:
                return answered
            holding = self._held(job, settings, decided_now=decided_now)
            if not isinstance(holding, Holding):
                return holding
            decided_now = False
            holding = self._with_adopted_exits(goal, holding)
            step = next_step(
                goal, holding, self._progress(job, records), self._lane.broker.capabilities, self._mode()
            )
            if isinstance(step, Reached):
                return self._entry_hidden(job, settings, goal) or reached(goal, records, holding, job.root)
            if isinstance(step, Await):
                parked = self._await(job, goal, step)
                if parked is not None:
                    return parked
            elif self._stands_against(goal, step, holding, records):
                anew = self._decide(job, settings, route)
                if not isinstance(anew, Goal):
                    return anew
                goal, decided_now = anew, True
            else:
                revision += 1
                sent = self._send(job, settings, goal, records, holding, step, revision)
                if not isinstance(sent, list):
                    return sent
                records += sent
                self._note_sent(records)

    def _send(
        self,
        job: Job,
        settings: StrategySettings,
        goal: Goal,
        records: Sequence[CommandRecord],
        holding: Holding,
        step: Send,
        revision: int,
    ) -> list[CommandRecord] | Result:
        """Store a step's commands and carry them out, unless it is too late for them or another exit is unknown."""
        late = self._late_entry(goal, records, step) or self._out_of_time(job, settings)
        late = late or self._other_exit_unknown(job, settings, holding, step)
        if late is not None:
            return late
        new = store_revision(self._lane, job.job_id, job.strategy, job.root, goal, revision, step.commands)
        self._note("planned")
        if _closes(step, holding):
            self._spared_until_ms = self._clock.now_ms() + CUT_MS
        return carry_out(self._lane, new, entry_expires_at_ms(job.alert, settings, job.accepted_at_ms))

    def _stands_against(self, goal: Goal, step: Send, holding: Holding, records: Sequence[CommandRecord]) -> bool:
        """Tell, once, whether an own entry of the other side has filled before its cancel came.

        Nothing but cancels has been sent for the job then: it is decided anew, and closes before it opens.
        """
        entering = goal.entry is not None and any(role == "entry" for role, _ in step.commands)
        sent = [record.role for record in records if record.sent_at_ms]
        if self._turned or not entering or goal.close is not Direction.FLAT or set(sent) != {"other"}:
            return False
        assert goal.entry is not None
        self._turned = holding.owned * goal.entry.side.sign < 0
        return self._turned

    def _decide(self, job: Job, settings: StrategySettings, route: AccountRoute) -> Goal | Result:
        assert job.alert is not None
        if job.origin == "care":
            # Our own exits and cancels, flatten among them, are no alerts: what the strategy allows does not bind them.
            settings = replace(settings, mode="sim", allowed_actions=tuple(Action), trades=())
        else:
            blocked = self._decider.not_allowed(settings)
            if blocked is not None:
                return blocked
        if self._lane.state.pending and self._only_opens(job):
            return self._later(job, settings, "unresolved", "An earlier order is not resolved yet.")
        self._asker.before_exit(job)
        prepared = self._decider.prepare(job, settings, route)
        if isinstance(prepared, End):
            return prepared
        known = self._known_since(job)
        if known is not None:
            decided = self._decider.decide(prepared, known)
            if isinstance(decided, End):
                return decided
        holding = self._look(job, settings)
        return self._decider.decide(prepared, holding) if isinstance(holding, Holding) else holding

    def _known_since(self, job: Job) -> Holding | None:
        """Give what is held by the last look if the job was waiting when that began, and nothing was sent since.

        It may be too old to act on, but where it leaves nothing to do the job ends as it would have ended then: so a
        backlog is not worked at the pace of the looks.
        """
        lane = self._lane
        if lane.look is None or lane.wrote or job.root in lane.unsettled:
            return None
        waited_ms = lane.look.requested_at_ms - job.accepted_at_ms
        age_ms = self._clock.now_ms() - lane.look.requested_at_ms
        return lane.holding(job.strategy, job.root) if waited_ms > CLOCKS_MS and age_ms < KNOWN_MS else None

    def _held(self, job: Job, settings: StrategySettings, *, decided_now: bool) -> Holding | Result:
        """The first step goes by what was decided on: by a later look it could miss what came to be held meanwhile."""
        return self._lane.holding(job.strategy, job.root) if decided_now else self._look(job, settings)

    def _look(self, job: Job, settings: StrategySettings) -> Holding | Result:
        """Look until report and ledger agree, as far as the time allows (TRADING.md rule 1).

        A stop that this job has cut is put back meanwhile, should it take long (rule 15).
        """
        self._lane.see()
        self._tender.keep_stops(job.root)  # of what else the lane holds: this job may take long
        while job.root in self._lane.unsettled and not self._pending_in(job.root):
            if self._lane.deadline.remaining() < RESERVE_S:
                return self._later(job, settings, "unsettled", "The broker does not show an earlier fill yet.")
            self._wait(job, LOOK_PAUSE_S)
            self._lane.see(max_age_ms=0)
        return self._lane.holding(job.strategy, job.root)

    def _with_adopted_exits(self, goal: Goal, holding: Holding) -> Holding:
        """Whoever closes what a stranger or a person at the panel holds must take away what protects it there first."""
        if not goal.adopt or self._lane.look is None or self._lane.broker.capabilities.close_by_id:
            return holding
        found = [
            order
            for position in holding.positions
            for order in exits_of(self._lane.state, self._lane.look, position, closing=True)
        ]
        known = {order.id for order in holding.exits}
        return replace(holding, exits=(*holding.exits, *(order for order in found if order.id not in known)))

    def _pending_in(self, root: str) -> bool:
        return any(pending.root == root for pending in self._lane.state.pending)

    def _current(self, record: CommandRecord) -> CommandRecord:
        return record if record.status.final else self._lane.store.command(self._lane.fence.lane, record.command_id)

    def _progress(self, job: Job, records: Sequence[CommandRecord]) -> Progress:
        book = self._lane.state.book(job.strategy, job.root)
        working = frozenset(order.order_id for order in book.tracked if not order.status.final)
        sent = tuple(went_out(records))
        assert self._lane.look is not None
        closed = closed_by(sent, self._lane.look, self._mode())
        return Progress(sent, working, self._clock.now_ms(), closed)

    def _await(self, job: Job, goal: Goal, step: Await) -> Result | None:
        now_ms = self._clock.now_ms()
        if step.what == "cancel" and goal.close is Direction.FLAT and now_ms - step.since_ms >= CONFIRM_MS:
            return End(Ending.FAILED, "cancel_not_confirmed", "The broker has not confirmed the cancellation.")
        if step.what in ("close", "close_again") and now_ms - job.accepted_at_ms >= EXIT_GIVE_UP_MS:
            return End(Ending.FAILED, "close_given_up", "The position could not be closed for 15 minutes: please act.")
        rests = step.what == "close" and now_ms - step.since_ms > RESTS_MS
        pause_s = REST_PAUSE_S if rests else LOOK_PAUSE_S
        long_wait = step.what == "close_again" and step.until_ms - now_ms > 2_000
        if long_wait or self._lane.deadline.remaining() < RESERVE_S + pause_s:
            return Parked(max(step.until_ms, now_ms + RETRY_MS), step.what, "The close is being repeated until flat.")
        self._wait(job, pause_s)
        self._lane.see(max_age_ms=0)
        return None

    def _wait(self, job: Job, seconds: float) -> None:
        """Wait a little; what is held without its stop by now does not wait as well (TRADING.md rule 15)."""
        self._tender.keep_stops(job.root if self._clock.now_ms() < self._spared_until_ms else None)
        self._lane.pause(seconds)

    def _protect(self, strategy: str, root: str) -> None:
        self._tender.care(self._lane.state.book(strategy, root))

    def _only_opens(self, job: Job) -> bool:
        """Tell whether the alert can only open or add: one that closes something must not wait for its entry."""
        assert job.alert is not None
        side = {Action.BUY: 1, Action.SELL: -1}.get(job.alert.action)
        if job.alert.action is Action.ADD:
            return True
        flat = job.alert.target is not None and job.alert.target.direction is Direction.FLAT
        return side is not None and not flat and self._lane.state.book(job.strategy, job.root).owned * side >= 0

    # ---- endings

    def _late_entry(self, goal: Goal, records: Sequence[CommandRecord], step: Send) -> End | None:
        """No entry when the close took longer than CONFIRM_MS (TRADING.md rule 9)."""
        if goal.close is Direction.FLAT or not any(role == "entry" for role, _ in step.commands):
            return None
        closes = [record.sent_at_ms for record in records if record.role == "close" and record.sent_at_ms]
        if closes and self._clock.now_ms() - min(closes) > CONFIRM_MS:
            sentence = "The close was not confirmed within 10 seconds, so the entry was not sent."
            return End(Ending.FAILED, "close_not_confirmed", sentence)
        return None

    def _out_of_time(self, job: Job, settings: StrategySettings) -> Result | None:
        """Leave to the next worker what this one has no time to send: the broker would be blamed for a refusal."""
        if self._lane.deadline.remaining() >= RESERVE_S:
            return None
        return self._later(job, settings, "no_time", "The worker's time was over before anything was sent.")

    def _entry_hidden(self, job: Job, settings: StrategySettings, goal: Goal) -> Result | None:
        """An exit reads again while an entry that it is to take away may have filled unseen (TRADING.md rule 1)."""
        assert self._lane.look is not None
        hidden = hidden_entries(self._lane.state.book(job.strategy, job.root), self._lane.look)
        if goal.entry is not None or not any(unwanted(goal, order.side) for order in hidden):
            return None
        return self._later(job, settings, "unsettled", "The broker does not show what became of an entry.")

    def _other_exit_unknown(self, job: Job, settings: StrategySettings, holding: Holding, step: Send) -> Result | None:
        """No second exit while it is unknown what became of one: both could close, and stops would be freed in vain."""
        mine = (job.strategy, job.root, "close")
        pending = {(one.strategy, one.root, one.role) for one in self._lane.state.pending}
        if mine not in pending or not _closes(step, holding):
            return None
        return self._later(job, settings, "unresolved", "An earlier exit is not resolved yet.")

    def _entered(self, records: Sequence[CommandRecord]) -> End | None:
        """The broker has taken the entry: wait a moment for its fill, and say what became of it."""
        entry = next((r for r in records if r.role == "entry" and r.taken), None)
        if entry is None:
            return None
        return entered(entry, self._await_fill(entry))

    def _await_fill(self, entry: CommandRecord) -> Order | None:
        ids = {placed.order_id for placed in entry.orders if placed.leg == "order"}
        market = getattr(entry.command, "order_type", None) is OrderType.MARKET
        sent_ms = self._clock.now_ms()
        until_ms = sent_ms + (FILL_WAIT_MS if market else SHOW_WAIT_MS)
        order: Order | None = None
        while True:
            try:
                look = self._lane.see(max_age_ms=0)
            except BrokerReadError:
                return order
            order = next((o for o in look.orders if o.id in ids), order)
            settled = not self._lane.unsettled
            if order is not None and (order.status.final or not market) and settled:
                return order
            if self._clock.now_ms() >= until_ms or self._lane.deadline.remaining() < RESERVE_S:
                return order
            # The entry's own stop may come with the rest of its fill: nothing stands in its place at once (rule 16).
            self._tender.keep_stops(entry.root if self._clock.now_ms() - sent_ms < GRACE_MS else None)
            self._lane.pause(LOOK_PAUSE_S)

    def _later(self, job: Job, settings: StrategySettings, code: str, sentence: str) -> Result:
        """Try again in a second: an entry until it is too old, an exit until it is given up."""
        assert job.alert is not None
        now_ms = self._clock.now_ms()
        expires_ms = entry_expires_at_ms(job.alert, settings, job.accepted_at_ms)
        if now_ms >= expires_ms and not self._sent and self._only_opens(job):
            return End(Ending.EXPIRED, code, f"{sentence} The alert has grown too old meanwhile.")
        return self._again(job, code, sentence)

    def _again(self, job: Job, code: str, sentence: str) -> Result:
        now_ms = self._clock.now_ms()
        if now_ms - job.accepted_at_ms >= EXIT_GIVE_UP_MS:
            return End(Ending.FAILED, code, f"{sentence} Given up after 15 minutes: please act.")
        return Parked(now_ms + RETRY_MS, code, sentence)

    # ---- small things

    def _mode(self) -> PositionMode:
        return self._desk.account.position_mode

    def _note(self, phase: str) -> None:
        self.phases.setdefault(phase, self._clock.now_ms())

    def _note_sent(self, records: Sequence[CommandRecord]) -> None:
        """Note when the first command was given to the broker, and that it has been answered (or will not be)."""
        sent = [record.sent_at_ms for record in records if record.sent_at_ms]
        if sent:
            self.phases.setdefault("sent", min(sent))
            self._note("answered")

    def _tell(self, job: Job) -> Tell:
        def tell(code: str, sentence: str) -> None:
            self._desk.tell(code, sentence, account=job.account, strategy=job.strategy, alert_id=job.alert_id)

        return tell


def _closes(step: Send, holding: Holding) -> bool:
    """Tell whether a step closes, or cancels or shrinks a stop or target so that the next one can."""
    exits = {order.id for order in holding.exits}
    return any(role == "close" or getattr(command, "order_id", None) in exits for role, command in step.commands)


def entry_expires_at_ms(alert: Alert | None, settings: StrategySettings, accepted_at_ms: int) -> int:
    """Give the moment from which the alert's entry is stale (TRADING.md rule 19)."""
    assert alert is not None
    return accepted_at_ms + settings.entry_max_age_ms - age_of(alert, accepted_at_ms, accepted_at_ms).ms


def _route(settings: StrategySettings | None, account: str) -> AccountRoute | None:
    routes = settings.accounts if settings is not None else ()
    return next((route for route in routes if route.account == account), None)
