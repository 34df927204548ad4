"""Planted bugs of trading meaning: what is opened, how much, at which price, and when it must not be."""

from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from orderbridge.alerts.alert import Action
from orderbridge.execution import job
from orderbridge.model import OrderType, Side
from orderbridge.strategy import (
    ages,
    brackets,
    chain,
    decide,
    entries,
    exits,
    limits,
    moves,
    prices,
    sizing,
    standing,
    targets,
)
from orderbridge.strategy.case import Case
from orderbridge.strategy.goal import End, Goal
from orderbridge.strategy.move import Move
from orderbridge.strategy.sizing import Sized
from tests.simulation.bugs.patcher import Patcher

ZERO = Decimal(0)


def units_taken_for_lots(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def scale_of(case: Case) -> Any:
            scale = original(case)
            return scale if isinstance(scale, End) else replace(scale, units=Decimal(1))

        return scale_of

    patch.function(sizing, "scale_of", twin)


def sell_taken_for_buy(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        return lambda case: original(
            replace(case, alert=replace(case.alert, action=Action.BUY, stop_loss=None, take_profit=None))
            if case.alert.action is Action.SELL
            else case
        )

    patch.function(moves, "move_of", twin)


def trim_reenters_after_a_stop(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def to_target(case: Case, side: Side, link: Any) -> Any:
            move = original(case, side, link)
            if isinstance(move, End) and move.code == "nothing_to_reduce" and case.alert.quantity:
                return Move(side, open=sizing.scale_of(case).whole(case.alert.quantity))  # type: ignore[union-attr]
            return move

        return to_target

    patch.function(targets, "to_target", twin)


def target_taken_as_delta(patch: Patcher) -> None:
    def twin(_: Any) -> Any:
        def missing(case: Case, side: Side, link: Any, scale: Any) -> Sized:
            del side
            return Sized(scale.whole(abs(link.result.signed)))

        return missing

    patch.function(targets, "_missing_sized", twin)


def missed_entries_always_caught_up(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def missing(case: Case, side: Side, link: Any, scale: Any) -> Any:
            return original(replace(case, settings=replace(case.settings, catch_up=True)), side, link, scale)

        return missing

    patch.function(targets, "_missing_sized", twin)


def exit_opens(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def exit_move(case: Case, link: Any) -> Any:
            move = original(case, link)
            if isinstance(move, End) and move.code == "already_flat":
                return Move(Side.SELL, open=max(case.instrument.min_quantity, case.instrument.quantity_step))
            return move

        return exit_move

    patch.function(exits, "exit_move", twin)


def reversal_opens_the_whole_quantity(patch: Patcher) -> None:
    patch.function(sizing, "order_size", lambda original: lambda case, less=ZERO: original(case))


def reversal_without_closing(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def be_on(case: Case, side: Side) -> Any:
            move = original(case, side)
            return replace(move, close=ZERO, closes_all=False) if isinstance(move, Move) else move

        return be_on

    patch.function(moves, "_be_on", twin)


def pyramiding_ignored(patch: Patcher) -> None:
    patch.function(standing, "no_more_entries", lambda _: lambda case, side: None)


def limit_counts_one_order_only(patch: Patcher) -> None:
    patch.function(limits, "standing_on", lambda _: lambda case, side: ZERO)


def stale_entry_traded(patch: Patcher) -> None:
    patch.function(entries, "_too_old", lambda _: lambda case: None)
    patch.function(job, "entry_expires_at_ms", lambda original: lambda *facts: original(*facts) + 10**9)


def age_counted_from_arrival(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        return lambda alert, now_ms, accepted_at_ms: original(replace(alert, fired_at_ms=None), now_ms, accepted_at_ms)

    patch.function(ages, "age_of", twin)


def limit_rounded_against_the_trader(patch: Patcher) -> None:
    patch.function(prices, "to_tick", _rounds_worse)


def stop_rounded_looser(patch: Patcher) -> None:
    """Only the protective prices: the brackets' own name for the rounding."""

    def twin(original: Any) -> Any:
        def stop_leg(case: Case, side: Side, order: Any, asked: Any) -> Any:
            leg = original(case, side, order, asked)
            if isinstance(leg, End) or leg.stop_loss is None:
                return leg
            tick = case.instrument.tick_at(leg.stop_loss)
            return replace(leg, stop_loss=leg.stop_loss - tick * side.sign)

        return stop_leg

    patch.function(brackets, "_stop_leg", twin)


def _rounds_worse(original: Any) -> Any:
    def to_tick(price: Decimal, instrument: Any, up: bool) -> Decimal:
        tick = instrument.tick_at(price)
        rounding = ROUND_FLOOR if up else ROUND_CEILING
        rounded: Decimal = (price / tick).to_integral_value(rounding) * tick
        return rounded

    return to_tick


def limit_sent_at_market(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def enter(case: Case, move: Move, planned: Any) -> Goal:
            goal: Goal = original(case, move, planned)
            assert goal.entry is not None
            return replace(goal, entry=replace(goal.entry, order_type=OrderType.MARKET, limit_price=None))

        return enter

    patch.function(decide, "_enter", twin)


def stop_dropped(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def entry_of(case: Case, move: Move) -> Any:
            planned = original(case, move)
            return planned if isinstance(planned, End) else replace(planned, entry=replace(planned.entry, bracket=None))

        return entry_of

    patch.function(entries, "entry_of", twin)


def arrival_order_taken_for_fire_order(patch: Patcher) -> None:
    def twin(_: Any) -> Any:
        def arrange(waiting: Any, states: Any, now_ms: int) -> chain.Arrangement:
            del states, now_ms
            return chain.Arrangement(min(waiting, key=lambda item: (item.accepted_at_ms, item.job_id)).job_id)

        return arrange

    patch.function(chain, "arrange", twin)


def named_side_of_an_exit_ignored(patch: Patcher) -> None:
    patch.function(exits, "_exit_side", lambda _: lambda case, link: None)


def partial_exit_taken_as_full(patch: Patcher) -> None:
    patch.function(exits, "_asked_part", lambda _: lambda case, link: None)


def full_exit_leaves_a_part(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def exit_move(case: Case, link: Any) -> Any:
            move = original(case, link)
            step = case.instrument.quantity_step
            if isinstance(move, Move) and move.closes_all and move.close > step:
                return replace(move, close=move.close - step, closes_all=False)
            return move

        return exit_move

    patch.function(exits, "exit_move", twin)


def exit_leaves_working_entries(patch: Patcher) -> None:
    def twin(original: Any) -> Any:
        def close(case: Case, move: Move) -> Any:
            return original(case, replace(move, cancels=False, cancels_both=False))

        return close

    patch.function(decide, "_close", twin)


def foreign_position_taken_for_ours(patch: Patcher) -> None:
    patch.method(Case, "adopts", lambda _: property(lambda case: True))
