"""What one alert means at one account (TRADING.md). Pure: the same arguments always give the same answer.

The rules in their order; the first that ends the matter does:

    1  is it to be traded at all: mode, allowed actions, allowed roots
    2  `cancel`                                                       (rule 15)
    3  what it moves: close so much of the other side, open so much   (rules 5-9: moves.py, targets.py, exits.py)
    4  the close: nothing but its own maximal age holds it back       (rules 8, 11, 12)
    5  the entry: age, unknown orders, strangers, size, prices        (rules 1-3, 13, 19, 22, 23: entries.py)

What refuses an entry never holds back the close that belongs to it: the goal closes and says why nothing is opened.
"""

from dataclasses import replace
from typing import Literal

from orderbridge.alerts.alert import Action, Alert
from orderbridge.brokers.port import Capabilities
from orderbridge.model import Direction, Instrument, PositionMode, Quote
from orderbridge.strategy.ages import age_of
from orderbridge.strategy.case import ZERO, Case
from orderbridge.strategy.entries import Planned, entry_of
from orderbridge.strategy.goal import End, Goal, Holding
from orderbridge.strategy.move import Move
from orderbridge.strategy.moves import move_of
from orderbridge.strategy.reasons import end, number, position
from orderbridge.strategy.settings import AccountRoute, StrategySettings

Kind = Literal["enter", "reduce", "exit", "reverse", "order"]


def decide(
    alert: Alert,
    settings: StrategySettings,
    route: AccountRoute,
    capabilities: Capabilities,
    instrument: Instrument,
    quote: Quote | None,
    holding: Holding,
    now_ms: int,
    accepted_at_ms: int,
    position_mode: PositionMode,
) -> Goal | End:
    """Give the goal of an alert at one account, or the end that it has without an order.

    `instrument` is the one of an entry: `wanted_symbol`'s, a continuous future resolved to its front contract.
    `quote` may be None where it cannot be read: then what needs a price is refused, and the rest is not.
    """
    case = Case(
        alert,
        settings,
        route,
        capabilities,
        instrument,
        quote,
        holding,
        now_ms,
        accepted_at_ms,
        position_mode,
    )
    stopped = _stopped(case)
    if stopped:
        return stopped
    if alert.action is Action.CANCEL:
        return _cancel(case)
    move = move_of(case)
    if isinstance(move, End):
        return move
    if move.open == 0:
        return _close(case, move)
    planned = entry_of(case, move)
    if not isinstance(planned, End):
        return _enter(case, move, planned)
    return _close(case, replace(move, open=ZERO, refused=planned)) if move.reduces else planned


def _stopped(case: Case) -> End | None:
    alert, settings = case.alert, case.settings
    if settings.mode == "off":
        return end("mode_off", f"Strategy {settings.name} is switched off; the alert is kept and nothing is sent.")
    if alert.action is Action.NONE:
        return end("notice", "The alert is a notice and asks for no trade.")
    if alert.action not in settings.allowed_actions:
        allowed = ", ".join(settings.allowed_actions) or "nothing"
        return end("action_not_allowed", f"Strategy {settings.name} allows {allowed}, not {alert.action}.")
    if settings.trades and case.root not in settings.trades:
        allowed = ", ".join(settings.trades)
        return end("symbol_not_allowed", f"Strategy {settings.name} trades {allowed}, not {case.root}.")
    return None


def _cancel(case: Case) -> Goal | End:
    """Cancel the strategy's own working entries; what protects a position is not touched (rule 15)."""
    count = len(case.holding.entries)
    if count == 0:
        return end("nothing_working", f"No entry order of strategy {case.settings.name} works in {case.root}.")
    note = f"{count} working entry order{'s' if count > 1 else ''} to cancel."
    return Goal(case.instrument.symbol, case.root, "cancel", cancel_entries="all", test=case.alert.test, notes=(note,))


def _close(case: Case, move: Move) -> Goal | End:
    """Close, and open nothing."""
    limit, age = case.settings.exit_max_age_ms, age_of(case.alert, case.now_ms, case.accepted_at_ms)
    if limit is not None and age.ms > limit:
        text = f"The alert is {age.ms / 1000:.1f} s old, and exits expire after {limit / 1000:g} s."
        return end("exit_too_old", f"{text} {age.note}".rstrip())
    kind: Kind = "order" if move.plain else "exit" if move.closes_all else "reduce"
    left_out = () if move.refused is None else (f"Nothing is opened: {move.refused.sentence}",)
    return replace(_goal(case, move, kind), dropped=move.refused, notes=(*_closed(case, move), *move.notes, *left_out))


def _enter(case: Case, move: Move, planned: Planned) -> Goal:
    """Close what is in the way, confirmed, then enter."""
    kind: Kind = "order" if move.plain else "reverse" if move.reduces else "enter"
    age = age_of(case.alert, case.now_ms, case.accepted_at_ms)
    notes = (*_closed(case, move), *move.notes, *planned.notes, *((age.note,) if age.note else ()))
    return replace(_goal(case, move, kind), entry=planned.entry, notes=notes)


def _goal(case: Case, move: Move, kind: Kind) -> Goal:
    return Goal(
        symbol=case.instrument.symbol,
        root=case.root,
        kind=kind,
        cancel_entries="all" if move.cancels_both else "opposite" if move.cancels else "none",
        close=move.closing if move.reduces else Direction.FLAT,
        close_quantity=move.close if move.reduces and not move.closes_all else None,
        close_most=move.most,
        reckoned=move.reckoned,
        adopt=case.adopts,
        test=case.alert.test,
    )


def _closed(case: Case, move: Move) -> tuple[str, ...]:
    """Say what is closed, and in which month where that is not the alert's (rule 4)."""
    if move.close == 0:
        return ()
    months = sorted({held.symbol for held in case.holding.positions if held.side is move.side.opposite})
    where = f" ({', '.join(months)})" if months and months != [case.instrument.symbol] else ""
    part = "" if move.close == abs(case.mine) else f"{number(move.close)} of "
    return (f"Closes {part}{position(case.mine)}{where}.",)
