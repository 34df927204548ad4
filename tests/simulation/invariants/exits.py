"""Exits: they close what is ours, no more than asked, never across zero, and in the end all of it."""

from collections.abc import Iterator
from decimal import Decimal

from orderbridge.strategy.goal import Ending
from orderbridge.strategy.symbols import canonical_root
from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.books import AccountBook, Placed, Step
from tests.simulation.invariants.entries import scale, settings_of
from tests.simulation.invariants.evidence import Meant, Violation
from tests.simulation.invariants.ledger import Command, Job, by_hand
from tests.simulation.invariants.pressed import Wanted

ZERO = Decimal(0)
LOT_STEP = Decimal("0.01")
"""The step of every instrument of the simulated TradeLocker."""


def adopts(view: View, strategy: str) -> bool:
    return any(one.on_foreign_position == "adopt" for one in settings_of(view, strategy))


class ReducesOnly(Invariant):
    """No closing order, stop or target opens a position or turns one round: not the account's, not the strategy's."""

    def __init__(self) -> None:
        self._checked: dict[tuple[str, str], int] = {}

    def after_step(self, view: View) -> Iterator[Violation]:
        for book in view.changed:
            for root, steps in book.steps.items():
                start = self._checked.get((book.account.settings.name, root), 0)
                self._checked[(book.account.settings.name, root)] = len(steps)
                for step in steps[start:]:
                    if step.placed.purpose in ("close", "stop", "target") and not step.placed.row.by_hand:
                        yield from self._crosses(view, book, step, root)

    def _crosses(self, view: View, book: AccountBook, step: Step, root: str) -> Iterator[Violation]:
        row = step.placed.row
        name = f"order {row.id} ({step.placed.purpose} of {step.placed.strategy or 'nobody'})"
        if step.placed.purpose != "close" and (_crossed_by_others(book, step, root) or _just_netted(book, step, root)):
            return
        if _rests_of_a_ticket(view, step) and _just_gone(book, step, root):
            return
        if _booked_late(view, step.placed):
            return
        if not book.hedging and _opens(step.held_before, step.signed):
            yield self.violated(view, f"{name} moved {root} from {step.held_before} to {step.held}", step.at_ms)
        by_broker = book.tradelocker and step.placed.purpose != "close"  # as large as the position, whoever's it is
        mine = step.placed.strategy and not adopts(view, step.placed.strategy) and not by_broker
        # A person may close whatever the account holds, and may hold both sides where positions are kept apart.
        mine = mine and not by_hand(_closer(step)) and not by_hand(step.placed.strategy)
        if mine and _opens(step.owned_before, step.signed) and _opens(step.at_once_before, step.signed):
            said = f"{name} sold or bought more than the strategy owns: {step.owned_before} became {step.owned}"
            yield self.violated(view, said, step.at_ms)


def _booked_late(view: View, placed: Placed) -> bool:
    """Tell whether the order was booked when its caller had given up: nobody could take it back any more."""
    return any(one.kind == "late" and one.to_ms == placed.row.opened_ms for one in view.evidence.troubles)


NETTED_MS = 10_000


def _just_netted(book: AccountBook, step: Step, root: str) -> bool:
    """Tell whether a person's resting order has taken the position away just before: the exit is still to be freed."""
    entries = [one for one in book.steps[root] if one.placed.purpose == "entry" and by_hand(one.placed.strategy)]
    return any(0 <= step.at_ms - one.at_ms < NETTED_MS and one.signed * step.signed > 0 for one in entries)


def _rests_of_a_ticket(view: View, step: Step) -> bool:
    """Tell whether the order is a person's own that rested until now, and closed what was held when it was placed."""
    command = step.placed.command
    wanted = None if command is None else view.ledger.wanted(command)
    return wanted is not None and wanted.button == "place" and step.placed.row.opened_ms < step.at_ms


def _just_gone(book: AccountBook, step: Step, root: str) -> bool:
    """Tell whether another order has closed the position just before: the one that rests is still to be cancelled."""
    others = (one for one in book.steps[root] if one.placed is not step.placed and one.signed * step.signed > 0)
    return any(0 <= step.at_ms - one.at_ms < NETTED_MS for one in others)


def _crossed_by_others(book: AccountBook, step: Step, root: str) -> bool:
    """Tell whether another order than the one that a person's exit belongs to has opened something in the symbol.

    The broker itself works the bracket of a person's order, whatever else the person does meanwhile.
    """
    if not by_hand(step.placed.strategy):
        return False
    mine = step.placed.command
    opened = [one.placed for one in book.steps[root] if one.placed.purpose in ("entry", "hand")]
    return any(one.command is not mine for one in opened)


def _closer(step: Step) -> str:
    return "" if step.placed.command is None else step.placed.command.record.strategy


def _opens(before: Decimal, signed: Decimal) -> bool:
    return before * signed >= 0 or abs(signed) > abs(before)


class LeavesForeignAlone(Invariant):
    """What a person opened at the broker is never closed by the bridge, nor one strategy's position by another."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for book in view.changed:
            if not book.hedging:
                continue  # where an account nets, `ReducesOnly` sees it: nobody closes more than its own
            opened = {one.row.position_id: one for one in book.placed if one.row.role == "order"}
            for placed in book.placed:
                if placed.row.role != "close" or placed.row.by_hand or placed.row.filled == 0:
                    continue
                opening = opened.get(placed.row.position_id)
                closer = "" if placed.command is None else placed.command.record.strategy
                if opening is None or adopts(view, closer):
                    continue
                if by_hand(closer) and placed.command is not None:
                    yield from self._pressed(view, placed.command, opening.row.position_id)
                    continue
                if opening.purpose == "hand":
                    yield self.violated(
                        view, f"{closer or 'the bridge'} closed {opening.row.position_id}, opened by hand"
                    )
                elif closer and opening.strategy and opening.strategy.partition("#")[0] != closer.partition("#")[0]:
                    yield self.violated(view, f"{closer} closed {opening.row.position_id} of {opening.strategy}")


    def _pressed(self, view: View, command: Command, position_id: str) -> Iterator[Violation]:
        """A person may close anybody's position: the one that was on the screen."""
        wanted = view.ledger.wanted(command)
        if wanted is not None and wanted.aim != position_id:
            pressed = f"{wanted.button} of {wanted.aim or wanted.symbol}"
            yield self.violated(view, f"a person pressed {pressed}, and {position_id} was closed")


class OneSideOnly(Invariant):
    """At a hedging account no strategy holds both sides of a symbol: a reversal closes first."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for book in view.changed:
            if not book.hedging:
                continue
            owner = {one.row.position_id: one.strategy for one in book.placed if one.row.role == "order"}
            sides: dict[tuple[str, str], set[int]] = {}
            for held in book.positions:
                strategy = owner.get(held.id, "")
                if strategy and not held.by_hand and not by_hand(strategy):  # a person may hold both sides
                    sides.setdefault((strategy, canonical_root(held.symbol)), set()).add(1 if held.signed > 0 else -1)
            for (strategy, root), signs in sides.items():
                if len(signs) > 1 and not any(told.code == "ghost_fill" for told in view.evidence.told):
                    yield self.violated(view, f"{strategy} holds {root} long and short")


class ClosesAsAsked(Invariant):
    """A partial exit or a trim closes what its alert asks for and no more; a buy closes shorts only, a sell longs."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for book in view.changed:
            jobs = {
                one.command.record.job_id
                for one in book.placed
                if one.purpose == "close" and one.command is not None and one.row.filled
            }
            for job_id in sorted(jobs):
                yield from self._too_much(view, book, job_id)

    def _too_much(self, view: View, book: AccountBook, job_id: str) -> Iterator[Violation]:
        commands = view.ledger.by_job[job_id]
        alert = view.ledger.fired_of(commands[0])
        wanted = view.ledger.wanted(commands[0])
        if wanted is not None:
            yield from self._pressed(view, book, job_id, wanted)
        if alert is None:
            return
        meant = alert.meant
        closes = [one for command in commands for one in book.of_command(command) if one.purpose == "close"]
        closed = sum((one.row.filled for one in closes if not _booked_late(view, one)), ZERO)
        times = scale(view, commands[0], closes[0].row.symbol)
        sides = {one.row.sign for one in closes}
        if meant.action in ("buy", "sell") and sides != {1 if meant.action == "buy" else -1}:
            yield self.violated(view, f"{job_id} is a {meant.action} and closed on the other side")
        if meant.action in ("add", "cancel", "none"):
            yield self.violated(view, f"{job_id} is a {meant.action} and closed {closed}")
        part = meant.quantity if meant.action == "exit" and meant.after is None else None
        if part and closed > part * times:
            yield self.violated(view, f"{job_id} closed {closed}, and its alert asks for {part * times}")
        if meant.exit_side is not None and sides - {-meant.exit_side.sign}:
            yield self.violated(view, f"{job_id} exits {meant.exit_side} and closed the other side")
        yield from self._beyond_target(view, book, job_id, commands)

    def _pressed(self, view: View, book: AccountBook, job_id: str, wanted: Wanted) -> Iterator[Violation]:
        commands = view.ledger.by_job[job_id]
        closes = [one.row for command in commands for one in book.of_command(command) if one.purpose == "close"]
        closed = sum((row.filled for row in closes), ZERO)
        side = wanted.side if wanted.button == "place" else -wanted.side
        if wanted.button in ("modify", "cancel", "protect") or (wanted.button == "place" and book.hedging):
            yield self.violated(view, f"a person pressed {wanted.button}, and {job_id} closed {closed}")
        elif {row.sign for row in closes} != {side}:
            yield self.violated(view, f"{job_id} closed the side that the person did not press {wanted.button} for")
        elif wanted.quantity is not None and wanted.button != "reverse":
            later = (one for one in view.ledger.pressed_at(wanted.account, wanted.symbol, 0) if one.button == "modify")
            asked = max(wanted.quantity, *(one.quantity or ZERO for one in later), ZERO)
            if closed > asked:
                yield self.violated(view, f"{job_id} closed {closed}, and the person asked for {asked}")

    def _beyond_target(
        self, view: View, book: AccountBook, job_id: str, commands: list[Command]
    ) -> Iterator[Violation]:
        alert = view.ledger.fired_of(commands[0])
        if alert is None or alert.meant.after is None or alert.meant.after == 0:
            return
        mine = [
            step
            for steps in book.steps.values()
            for step in steps
            if step.placed.purpose == "close"
            and step.placed.command is not None
            and step.placed.command.record.job_id == job_id
        ]
        if not mine or alert.meant.after * mine[-1].owned_before <= 0 or adopts(view, commands[0].record.strategy):
            return  # who adopts aims with all that the account holds
        wanted = abs(alert.meant.after) * scale(view, commands[0], mine[-1].placed.row.symbol)
        step = mine[-1]
        if _stopped_meanwhile(book, step):
            return
        rounded = LOT_STEP if book.tradelocker else _fraction(wanted)  # sizes are rounded down to the broker's step
        if abs(step.owned) <= min(wanted, abs(mine[0].owned_before)) - rounded:
            yield self.violated(view, f"{job_id} closed down to {step.owned}, and its target is {alert.meant.after}")


def _stopped_meanwhile(book: AccountBook, step: Step) -> bool:
    """Tell whether a stop or a person closed some of it while the order, sent for what there was, was still to fill."""
    row, command = step.placed.row, step.placed.command
    sending_ms = command.sending_ms if command is not None else []
    sent_ms = max((at_ms for at_ms in sending_ms if at_ms <= row.opened_ms), default=row.opened_ms)
    others = (one for one in book.steps[canonical_root(row.symbol)] if one.placed.purpose in ("stop", "target", "hand"))
    return any(sent_ms <= one.at_ms <= step.at_ms for one in others)


def _fraction(wanted: Decimal) -> Decimal:
    """Give what rounding down to whole shares or contracts may take, and never quite does."""
    return wanted % 1 or Decimal("0.000001")


class FlatAfterTheLastExit(Invariant):
    """An exit of everything leaves nothing: not when it has ended, and where it is the last alert, not in the end."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def after_step(self, view: View) -> Iterator[Violation]:
        for job in view.ended:
            alert = view.ledger.fired(job.alert_id) if job.origin == "alert" else None
            book = view.books.by_account.get(job.account)
            if alert is None or book is None or not _closes_all(alert.meant) or job.code != "closed":
                continue
            run = book.runs.get((job.strategy, job.root))
            unsure = any(one.pending for one in view.ledger.by_lane.get(job.lane, ()))
            if run is not None and run.owned != 0 and not unsure and job.job_id not in self._seen:
                self._seen.add(job.job_id)
                yield self.violated(view, f"{job.job_id} has closed, and {job.strategy} owns {run.owned} {job.root}")

    def at_end(self, view: View) -> Iterator[Violation]:
        last: dict[tuple[str, str, str], Job] = {}
        for job in view.ledger.jobs.values():
            if job.origin == "alert":
                place = (job.account, job.strategy, job.root)
                known = last.get(place)
                if known is None or (job.accepted_at_ms, job.stored_ms) >= (known.accepted_at_ms, known.stored_ms):
                    last[place] = job
        for (account, strategy, root), job in last.items():
            alert = view.ledger.fired(job.alert_id)
            book = view.books.by_account.get(account)
            if alert is None or book is None or job.status not in (Ending.ORDERED, Ending.NO_ACTION):
                continue
            if not _closes_all(alert.meant) or (account, root) in view.evidence.taken_over:
                continue
            run = book.runs.get((strategy, root))
            if run is not None and run.owned != 0:
                yield self.violated(view, f"{strategy} still owns {run.owned} {root} after {job.job_id} ({job.code})")
            for placed in book.placed:
                mine = placed.strategy == strategy and canonical_root(placed.row.symbol) == root
                if mine and placed.row.working and placed.row.role not in ("stop", "target"):
                    yield self.violated(view, f"order {placed.row.id} of {strategy} still works after {job.job_id}")


def _closes_all(meant: Meant) -> bool:
    """Tell whether an alert asks for the end of everything: an exit that names no part and no side."""
    whole = meant.action == "exit" and not meant.quantity and meant.exit_side is None
    return whole and meant.before is None and meant.after in (None, ZERO)
