"""Entries: as asked, on the asked side, in the account's units, in time, within every limit, never while halted."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from orderbridge.commands import Place
from orderbridge.execution.records import CommandStatus
from orderbridge.strategy.settings import AccountRoute, StrategySettings
from orderbridge.strategy.symbols import canonical_root
from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.books import AccountBook, Placed
from tests.simulation.invariants.evidence import FiredAlert, Meant, Violation
from tests.simulation.invariants.ledger import Command, is_opening
from tests.simulation.invariants.pressed import Wanted

ZERO = Decimal(0)
SKEW_MS = 5_000
"""How far a process's clock may be off."""
PRESS_MS = 15_000
"""A press that could not be worked for so long is not sent any more."""
CONFIRM_MS = 25_000
"""What a press that closes first may take for that."""
WRITE_MS = 16_000
"""How long a write that was begun in time may take to arrive."""


def settings_of(view: View, strategy: str) -> list[StrategySettings]:
    return list(view.evidence.strategies.get(strategy, ()))


def scale(view: View, command: Command, symbol: str) -> Decimal:
    """Give what one of the alert's units is in the account's (the largest of all versions of the settings)."""
    scales = [Decimal(1)]
    book = view.books.by_account[command.account]
    for settings in settings_of(view, command.record.strategy):
        route = next((one for one in settings.accounts if one.account == command.account), None)
        units = Decimal(1)
        if settings.quantity_unit == "units" and book.tradelocker:
            units = book.account.units_per_quantity(symbol)
        scales.append((Decimal(1) if route is None else route.multiplier) / units)
    return max(scales[1:] or scales)


def fixed(view: View, command: Command) -> Decimal | None:
    """Give the route's fixed quantity in the account's units, where it has one."""
    for settings in settings_of(view, command.record.strategy):
        for route in settings.accounts:
            if route.account == command.account and route.fixed_quantity is not None:
                return _fixed_of(view, command, route, settings)
    return None


def _fixed_of(view: View, command: Command, route: AccountRoute, settings: StrategySettings) -> Decimal:
    assert route.fixed_quantity is not None
    book = view.books.by_account[command.account]
    symbol = str(getattr(command.record.command, "symbol", ""))
    in_units = settings.quantity_unit == "units" and book.tradelocker
    return route.fixed_quantity / (book.account.units_per_quantity(symbol) if in_units else Decimal(1))


def side_of(meant: Meant) -> int:
    return {"buy": 1, "sell": -1}.get(meant.action, 0)


class EntersAsAsked(Invariant):
    """An alert opens only on its own side and never more than it asks for; an exit, trim or cancel opens nothing."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for move in view.moves:
            if move.before is None and is_opening(move.command.record):
                yield from self._planned(view, move.command)

    def at_end(self, view: View) -> Iterator[Violation]:
        for job_id, commands in view.ledger.by_job.items():
            entries = [command for command in commands if is_opening(command.record)]
            alert = view.ledger.fired_of(commands[0])
            if entries and alert is not None:
                yield from self._opened(view, job_id, entries, alert)
            elif entries and (wanted := view.ledger.wanted(commands[0])) is not None:
                yield from self._opened_by_hand(view, job_id, commands, wanted)

    def _planned(self, view: View, command: Command) -> Iterator[Violation]:
        alert = view.ledger.fired_of(command)
        order = command.record.command
        job = view.ledger.jobs.get(command.record.job_id)
        if not isinstance(order, Place) or job is None:
            return
        if alert is None:
            if job.origin == "panel":
                yield from self._pressed(view, command, order)
            elif job.alert_id not in view.ledger.alerts:
                yield self.violated(view, f"{job.job_id} opens {order.quantity}, and no alert asked for it")
            return
        meant = alert.meant
        side, most = side_of(meant), self._most(view, command, meant)
        if meant.action in ("exit", "cancel", "none"):
            yield self.violated(view, f"{job.job_id} is a {meant.action} and opens {order.side} {order.quantity}")
        elif side and order.side.sign != side:
            yield self.violated(view, f"{job.job_id} is a {meant.action} and its entry is a {order.side}")
        elif most is not None and order.quantity > most:
            yield self.violated(view, f"{job.job_id} opens {order.quantity}, and its alert asks for {most} at most")

    def _pressed(self, view: View, command: Command, order: Place) -> Iterator[Violation]:
        wanted, name = view.ledger.wanted(command), command.record.job_id
        if wanted is None:
            yield self.violated(view, f"{name} opens {order.quantity}, and nobody pressed for it")
            return
        side = wanted.side if wanted.button == "place" else -wanted.side
        if wanted.button not in ("place", "reverse"):
            yield self.violated(view, f"{name} opens {order.quantity}, and a person pressed {wanted.button}")
        elif order.side.sign != side or order.symbol != wanted.symbol:
            yield self.violated(view, f"{name} opens {order.side} {order.symbol}, another side or symbol than pressed")
        elif wanted.button == "place" and wanted.quantity is not None and order.quantity > wanted.quantity:
            yield self.violated(view, f"{name} opens {order.quantity}, and its ticket says {wanted.quantity}")

    def _most(self, view: View, command: Command, meant: Meant) -> Decimal | None:
        """Give what the alert may open at most: its own step, its target, its quantity."""
        symbol = str(getattr(command.record.command, "symbol", ""))
        times, side = scale(view, command, symbol), side_of(meant)
        if meant.after is not None and side:
            after = max(ZERO, meant.after * side)
            before = None if meant.before is None else max(ZERO, meant.before * side)
            catches_up = any(settings.catch_up for settings in settings_of(view, command.record.strategy))
            step = after if before is None or catches_up else max(ZERO, after - before)
            own = fixed(view, command)
            return own if own is not None and step > 0 else step * times
        own = fixed(view, command)
        if own is not None:
            return own
        return None if meant.quantity is None else meant.quantity * times

    def _opened(self, view: View, job_id: str, entries: list[Command], alert: FiredAlert) -> Iterator[Violation]:
        """All orders of a job together: what a reversal closed counts against its quantity (rule 9)."""
        book = view.books.by_account.get(entries[0].account)
        most = self._most(view, entries[0], alert.meant)
        if book is None or most is None:
            return
        rows = [one for command in view.ledger.by_job[job_id] for one in book.of_command(command)]
        if rows and _resized(view, book, rows[0].row.symbol):
            return
        asked = sum((one.row.asked for one in rows if one.purpose == "entry" and not one.row.rejected), ZERO)
        if asked > most:
            yield self.violated(view, f"{job_id} has orders of {asked} to open, and its alert asks for {most}")
        closed = sum((one.row.filled for one in rows if one.purpose == "close"), ZERO)
        if alert.meant.after is None and fixed(view, entries[0]) is None and asked and asked + closed > most:
            yield self.violated(view, f"{job_id} closed {closed} and opened {asked} of the {most} that it asks for")


    def _opened_by_hand(
        self, view: View, job_id: str, commands: list[Command], wanted: Wanted
    ) -> Iterator[Violation]:
        """All orders of one press together: its ticket's quantity, or as much as the reversed position had."""
        book = view.books.by_account[commands[0].account]
        rows = [one for command in commands for one in book.of_command(command) if not one.row.rejected]
        opened = sum((one.row.asked for one in rows if one.purpose == "entry"), ZERO)
        closed = sum((one.row.filled for one in rows if one.purpose == "close"), ZERO)
        size = wanted.quantity if wanted.button == "place" and not _resized(view, book, wanted.symbol) else None
        if size is not None and opened + closed > size:
            yield self.violated(view, f"{job_id} closed {closed} and opened {opened} of the {size} on its ticket")
        if wanted.button == "reverse" and opened > closed:
            yield self.violated(view, f"{job_id} turned {closed} around and opened {opened}")


class EntersInTime(Invariant):
    """No entry is sent once its alert is older than the settings allow."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for move in view.moves:
            command = move.command
            if command.record.status is CommandStatus.SENDING and is_opening(command.record):
                expires_ms = self._expires_ms(view, command)
                # By the sender's own clock: one that froze after it does not reach the broker any more (`_arrived`).
                late_ms = 0 if expires_ms is None else command.record.sent_at_ms - expires_ms
                if late_ms > SKEW_MS:
                    yield self.violated(view, f"{command.record.job_id} was sent {late_ms} ms after it had expired")
        for book in view.changed:
            for placed in book.fresh:
                if placed.purpose == "entry" and placed.command is not None:
                    yield from self._arrived(view, placed, placed.command)

    def _arrived(self, view: View, placed: Placed, command: Command) -> Iterator[Violation]:
        expires_ms = self._expires_ms(view, command)
        if self._stuck(view, placed, command):
            return
        if expires_ms is not None and placed.row.opened_ms > expires_ms + SKEW_MS + WRITE_MS:
            late_ms = placed.row.opened_ms - expires_ms
            yield self.violated(view, f"{command.record.job_id} arrived {late_ms} ms after it had expired")

    def _stuck(self, view: View, placed: Placed, command: Command) -> bool:
        """Nobody can help it when a process stands still just before the wire, or its request is booked long after."""
        frozen = [(one.from_ms, one.to_ms or 0) for one in view.evidence.troubles if one.kind in ("frozen", "late")]
        sent_ms = command.sending_ms[-1] if command.begun else view.now_ms
        return any(sent_ms <= from_ms and to_ms <= placed.row.opened_ms for from_ms, to_ms in frozen)

    def _expires_ms(self, view: View, command: Command) -> int | None:
        alert, job = view.ledger.fired_of(command), view.ledger.jobs.get(command.record.job_id)
        settings = settings_of(view, command.record.strategy)
        if job is not None and job.origin == "panel":
            closes_first = any(one.record.role == "close" for one in view.ledger.by_job[job.job_id])
            return job.stored_ms + PRESS_MS + (CONFIRM_MS if closes_first else 0)
        if alert is None or job is None or not settings:
            return None
        begun_ms = job.stored_ms if alert.meant.fired_at_ms is None else alert.meant.fired_at_ms
        return begun_ms + max(one.entry_max_age_ms for one in settings)


class NothingWhileHalted(Invariant):
    """Nothing is begun that a kill switch blocks in that very moment."""

    def after_step(self, view: View) -> Iterator[Violation]:
        halts = [write for write in view.writes if write.key[1] == "CONTROL"]
        for move in view.moves:
            record = move.command.record
            if record.status is not CommandStatus.SENDING or any(h.at_ms == move.write.at_ms for h in halts):
                continue
            strategy = record.strategy.partition("#")[0]
            for scope in ("global", f"account#{move.command.account}", f"strategy#{strategy}"):
                blocks = self._blocks(view, scope)
                if blocks == "all" or (blocks == "entries" and is_opening(record)):
                    yield self.violated(view, f"{record.job_id} {record.role} was sent while {scope} is halted")

    def _blocks(self, view: View, scope: str) -> str:
        item: Any = view.evidence.items.get((f"CONTROL#{scope}", "CONTROL"), {})
        return str(item.get("blocks", {}).get("S", "none"))


class WithinLimits(Invariant):
    """No entry goes beyond `pyramiding` or `max_quantity`: held, working and unknown count together."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for book in view.changed:
            for placed in book.fresh:
                if placed.purpose == "entry" and placed.command is not None and not placed.row.rejected:
                    yield from self._beyond(view, book, placed, placed.command)

    def _beyond(self, view: View, book: AccountBook, placed: Placed, command: Command) -> Iterator[Violation]:
        root, strategy = canonical_root(placed.row.symbol), command.record.strategy
        settings = settings_of(view, strategy)
        run = book.runs.get((strategy, root))
        owned = ZERO if run is None else run.owned
        working = [
            one
            for one in book.placed
            if one.purpose == "entry"
            and one.strategy == strategy
            and one.row.sign == placed.row.sign
            and canonical_root(one.row.symbol) == root
            and one.row.working
        ]
        standing = max(ZERO, owned * placed.row.sign) + sum((one.row.asked - one.row.filled for one in working), ZERO)
        limits = [one.max_quantity for one in settings]
        if limits and None not in limits:
            most = max(limit for limit in limits if limit is not None) * scale(view, command, placed.row.symbol)
            if standing > most:
                yield self.violated(view, f"{strategy} stands at {standing} {root}, and max_quantity is {most}")
        alert = view.ledger.fired_of(command)
        if (book.account.settings.name, root) in view.evidence.taken_over:
            return  # what was held then is nobody's, by a person's word
        plain = alert is not None and alert.meant.after is None and side_of(alert.meant) != 0
        if plain and settings and all(one.action_means == "side" for one in settings):
            held = [] if run is None or owned * placed.row.sign < 0 else run.entries
            count = len({one.row.id for one in (*held, *working)})
            allowed = max(one.pyramiding for one in settings)
            if count > max(1, allowed):
                yield self.violated(view, f"{command.record.job_id} is entry {count} of {allowed} that are allowed")


def _resized(view: View, book: AccountBook, symbol: str) -> bool:
    """Tell whether a person has changed an order of a symbol at the panel: it may be larger than it was placed."""
    said = view.ledger.pressed_at(book.account.settings.name, symbol, 0)
    return any(wanted.button == "modify" for wanted in said)


__all__ = ["EntersAsAsked", "EntersInTime", "NothingWhileHalted", "WithinLimits"]
