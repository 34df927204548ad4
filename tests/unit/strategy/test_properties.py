"""What holds for every decision, whatever the alert and the holding."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orderbridge.alerts.alert import Action, Alert, StopLoss, TakeProfit, Target
from orderbridge.model import Direction, Duration, OrderType, Side
from orderbridge.strategy.goal import End, Goal, Holding
from orderbridge.strategy.reasons import REASONS
from tests.unit.strategy.cases import DESKS, FUTURES, NOW_MS, Desk, alert, d, holds, target, working

sizes = st.decimals(0, 12, places=1)
signed = st.decimals(-12, 12, places=1)
whole = st.integers(-12, 12).map(Decimal)
multipliers = st.sampled_from([d("0.1"), d("0.5"), d("1"), d("1.5"), d("3")])
directions = st.sampled_from([Direction.FLAT, Direction.LONG, Direction.SHORT])
desks = st.sampled_from(DESKS)


@st.composite
def targets(draw: st.DrawFn) -> Target | None:
    if draw(st.booleans()):
        return None
    if draw(st.booleans()):
        return Target(draw(directions), None, draw(st.none() | directions))
    return Target(size=draw(signed), previous_size=draw(st.none() | signed))


@st.composite
def alerts(draw: st.DrawFn, *actions: Action) -> Alert:
    return Alert(
        draw(st.sampled_from(actions or tuple(Action))),
        "MES1!",
        exit_side=draw(st.none() | directions),
        quantity=draw(st.none() | sizes),
        target=draw(targets()),
    )


@st.composite
def holdings(draw: st.DrawFn) -> Holding:
    held = draw(whole)
    owned = draw(st.sampled_from([held, held, Decimal(0), (held / 2).to_integral_value()]))
    entries = draw(st.lists(st.sampled_from([working("buy"), working("sell", 3)]), max_size=2))
    unknown = draw(st.sampled_from([d(0), d(0), d(0), d(2), d(-1)]))
    return Holding(
        held,
        owned,
        entries=tuple(entries),
        unknown_entries=unknown,
        unknown_exits=draw(st.sampled_from([0, 0, 1])),
        entry_count=(1 if owned else 0) + len(entries),
    )


@st.composite
def configured(draw: st.DrawFn) -> Desk:
    desk = draw(desks).with_settings(
        action_means=draw(st.sampled_from(["side", "order"])),
        pyramiding=draw(st.integers(1, 3)),
        catch_up=draw(st.booleans()),
        on_foreign_position=draw(st.sampled_from(["ignore", "adopt", "halt"])),
    )
    return desk.with_route(
        multiplier=draw(multipliers), fixed_quantity=draw(st.none() | st.sampled_from([d(1), d("2.5")]))
    )


def mine(desk: Desk, holding: Holding) -> Decimal:
    if desk.settings.on_foreign_position == "adopt":
        return holding.held
    return holding.owned


def closed(goal: Goal, held: Decimal) -> Decimal:
    """Give how much the goal closes of what is held."""
    if goal.close is Direction.FLAT or goal.close.sign * held <= 0:
        return Decimal(0)
    return abs(held) if goal.close_quantity is None else goal.close_quantity


@given(configured(), alerts(), holdings())
def test_every_decision_is_a_goal_or_an_end_with_a_known_reason(desk: Desk, asked: Alert, holding: Holding) -> None:
    decided = desk.decide(asked, holding)

    if isinstance(decided, End):
        assert REASONS[decided.code][0] is decided.ending
        assert decided.sentence.endswith(".")
    else:
        assert decided.entry is not None or decided.close is not Direction.FLAT or decided.kind == "cancel"


@given(configured(), alerts(Action.EXIT), holdings())
def test_no_exit_opens(desk: Desk, asked: Alert, holding: Holding) -> None:
    decided = desk.decide(asked, holding)

    assert isinstance(decided, End) or decided.entry is None


@given(configured(), alerts(), holdings())
def test_no_close_crosses_zero(desk: Desk, asked: Alert, holding: Holding) -> None:
    decided = desk.decide(asked, holding)

    if isinstance(decided, Goal) and decided.close_quantity is not None:
        held = mine(desk, holding)
        assert Direction.of(held) is decided.close
        assert 0 < decided.close_quantity <= abs(held)


@given(configured(), alerts(Action.BUY, Action.SELL), holdings())
def test_alert_moves_only_in_its_own_direction(desk: Desk, asked: Alert, holding: Holding) -> None:
    decided = desk.decide(asked, holding)

    if isinstance(decided, Goal):
        buys = asked.action is Action.BUY
        assert decided.close in (Direction.FLAT, Direction.SHORT if buys else Direction.LONG)
        assert decided.entry is None or decided.entry.side is (Side.BUY if buys else Side.SELL)


@given(configured(), alerts(Action.BUY, Action.SELL, Action.ADD), holdings())
def test_no_entry_while_the_other_side_is_left(desk: Desk, asked: Alert, holding: Holding) -> None:
    decided = desk.decide(asked, holding)

    if isinstance(decided, Goal) and decided.entry is not None:
        held = mine(desk, holding)
        if held * decided.entry.side.sign < 0:
            assert closed(decided, held) == abs(held)


@given(configured(), alerts(), holdings())
def test_no_entry_while_an_order_is_unknown(desk: Desk, asked: Alert, holding: Holding) -> None:
    assume(holding.unknown_entries or holding.unknown_exits)

    decided = desk.decide(asked, holding)

    assert isinstance(decided, End) or decided.entry is None


@given(desks, multipliers, st.sampled_from([Action.BUY, Action.SELL]), signed, signed, whole)
def test_increase_is_bounded_by_its_own_step_and_by_the_target(
    desk: Desk, multiplier: Decimal, action: Action, size: Decimal, previous: Decimal, held: Decimal
) -> None:
    sign = 1 if action is Action.BUY else -1
    asked = Alert(action, "MES1!", target=target(str(size), str(previous)))

    decided = desk.with_route(multiplier=multiplier).decide(asked, holds(held))

    if isinstance(decided, Goal) and decided.entry is not None:
        step = desk.instrument.quantity_step
        own = max(Decimal(0), size * sign) * multiplier - max(Decimal(0), previous * sign) * multiplier
        assert decided.entry.quantity < own + step
        assert max(Decimal(0), held * sign) + decided.entry.quantity <= size * sign * multiplier


@given(configured(), alerts(), holdings())
def test_quantities_are_multiples_of_the_step(desk: Desk, asked: Alert, holding: Holding) -> None:
    decided = desk.decide(asked, holding)

    if isinstance(decided, Goal):
        for quantity in (decided.close_quantity, decided.entry.quantity if decided.entry else None):
            assert quantity is None or quantity % desk.instrument.quantity_step == 0


@given(desks, multipliers, alerts(Action.BUY, Action.SELL, Action.EXIT), holdings(), st.sampled_from([2, 5, 10]))
def test_scaling_the_message_and_scaling_the_multiplier_are_the_same(
    desk: Desk, multiplier: Decimal, asked: Alert, holding: Holding, factor: int
) -> None:
    larger = replace(
        asked,
        quantity=None if asked.quantity is None else asked.quantity * factor,
        target=None if asked.target is None else scaled(asked.target, factor),
    )

    by_message = desk.with_route(multiplier=multiplier).decide(larger, holding)
    by_multiplier = desk.with_route(multiplier=multiplier * factor).decide(asked, holding)

    assert outline(by_message) == outline(by_multiplier)


def scaled(asked: Target, factor: int) -> Target:
    return replace(
        asked,
        size=None if asked.size is None else asked.size * factor,
        previous_size=None if asked.previous_size is None else asked.previous_size * factor,
    )


def outline(decided: Goal | End) -> Any:
    if isinstance(decided, End):
        return decided.code
    dropped = decided.dropped.code if decided.dropped else ""
    return replace(decided, notes=(), dropped=None), dropped


@given(configured(), alerts(), holdings())
def test_the_mirror_image_is_decided_as_the_mirror_image(desk: Desk, asked: Alert, holding: Holding) -> None:
    assume(mine(desk, holding) or holding.unknown_entries or holding.working_entry_quantity or not holding.entries)

    decided, mirrored = desk.decide(asked, holding), desk.decide(mirror_alert(asked), mirror_holding(holding))

    if isinstance(decided, End) or isinstance(mirrored, End):
        assert outline(decided) == outline(mirrored)
        return
    assert (decided.kind, decided.cancel_entries, decided.close_quantity) == (
        mirrored.kind,
        mirrored.cancel_entries,
        mirrored.close_quantity,
    )
    assert decided.close is flip(mirrored.close)
    assert (decided.entry is None) == (mirrored.entry is None)
    if decided.entry is not None and mirrored.entry is not None:
        assert decided.entry.side is mirrored.entry.side.opposite
        assert decided.entry.quantity == mirrored.entry.quantity


def flip(direction: Direction | None) -> Direction | None:
    if direction is None or direction is Direction.FLAT:
        return direction
    return Direction.SHORT if direction is Direction.LONG else Direction.LONG


def mirror_alert(asked: Alert) -> Alert:
    action = {Action.BUY: Action.SELL, Action.SELL: Action.BUY}.get(asked.action, asked.action)
    aim = asked.target
    if aim is not None:
        aim = Target(
            flip(aim.direction),
            None if aim.size is None else -aim.size,
            flip(aim.previous_direction),
            None if aim.previous_size is None else -aim.previous_size,
        )
    return replace(asked, action=action, exit_side=flip(asked.exit_side), target=aim)


def mirror_holding(holding: Holding) -> Holding:
    return replace(
        holding,
        held=-holding.held,
        owned=-holding.owned,
        entries=tuple(replace(order, side=order.side.opposite) for order in holding.entries),
        unknown_entries=-holding.unknown_entries,
    )


@given(desks, multipliers, st.lists(st.integers(1, 5), min_size=1, max_size=6), st.booleans())
def test_steps_of_a_ladder_sum_to_its_last_target(
    desk: Desk, multiplier: Decimal, rises: list[int], short: bool
) -> None:
    desk = desk.with_route(multiplier=multiplier).with_settings(max_notional=d(10**12))
    held, before = Decimal(0), 0
    for rise in rises:
        sign = -1 if short else 1
        asked = alert("sell" if short else "buy", rise, target=target(sign * (before + rise), sign * before))
        decided = desk.decide(asked, holds(held))
        if isinstance(decided, Goal) and decided.entry is not None:
            held += decided.entry.quantity * decided.entry.side.sign
        before += rise

    step = desk.instrument.quantity_step
    assert abs(held) == before * multiplier // step * step


@given(
    alerts(Action.BUY, Action.SELL),
    st.sampled_from(list(OrderType)),
    st.decimals(-100, 10_000, places=3),
    st.none() | st.sampled_from(list(Duration)),
    st.booleans(),
)
def test_bracket_of_an_entry_lies_on_its_right_sides(
    asked: Alert, order_type: OrderType, price: Decimal, duration: Duration | None, extended: bool
) -> None:
    asked = replace(
        asked,
        order_type=order_type,
        limit_price=price,
        stop_price=price,
        time_in_force=duration,
        extended_hours=extended,
        stop_loss=StopLoss(amount=d("7.3")),
        take_profit=TakeProfit(percent=d("1.3")),
    )

    decided = FUTURES.decide(asked)

    if isinstance(decided, Goal) and decided.entry is not None and decided.entry.bracket is not None:
        bracket, sign = decided.entry.bracket, decided.entry.side.sign
        assert bracket.stop_loss is not None
        assert bracket.take_profit is not None
        assert (bracket.take_profit - bracket.stop_loss) * sign > 0
        assert bracket.stop_loss % d("0.25") == bracket.take_profit % d("0.25") == 0


@pytest.mark.parametrize("age_ms", [0, 29_999, 30_001, 10**9])
def test_age_never_holds_back_a_close(age_ms: int) -> None:
    decided = FUTURES.decide(alert("sell", 5, fired_at_ms=NOW_MS - age_ms), holds(2))

    assert isinstance(decided, Goal)
    assert decided.close is Direction.LONG
