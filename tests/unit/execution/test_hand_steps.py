"""What is sent next for what a person asks for at the panel: placing, closing, reversing, undoing."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.brokers.port import Capabilities, PlacedOrder
from orderbridge.commands import Bracket, Cancel, ClosePosition, Place
from orderbridge.execution import wishes
from orderbridge.execution.hand_scene import Scene, Step
from orderbridge.execution.hand_steps import first_goal, next_by_hand
from orderbridge.execution.records import CommandRecord, CommandStatus, LaneState
from orderbridge.execution.steps import CONFIRM_MS, Await, Reached, Send
from orderbridge.model import Direction, Duration, OrderType, PositionMode
from orderbridge.strategy.goal import End, Ending, Entry, Goal
from tests.unit.execution.cases import (
    BRACKET,
    BUY,
    CANCELLED,
    EURUSD,
    FILLED,
    LIMIT,
    MARKET,
    MES,
    NOW_MS,
    SELL,
    STOP,
    TRADELOCKER,
    TRADESTATION,
    WORKING,
    book,
    d,
    look,
    of,
    order,
    pair,
    place,
    position,
    record,
    tracked,
)

NETTING, HEDGING = PositionMode.NETTING, PositionMode.HEDGING
LONG, SHORT = Direction.LONG, Direction.SHORT


def scene(
    *shown: Any,
    at: Capabilities = TRADESTATION,
    mode: PositionMode = NETTING,
    state: LaneState | None = None,
    goal: Goal | None = None,
    records: tuple[CommandRecord, ...] = (),
) -> Scene:
    return Scene(look(*shown), state or LaneState(), at, mode, NOW_MS, records, goal)


SENTENCES = {
    "already_closing": "Working orders close this position already. Cancel one of them first.",
    "bracket_on_close": "This order closes a position: a stop loss or take profit has no place.",
    "crosses_zero": "This limit order is larger than the position that it closes. "
    "Close the position first, then place the rest.",
    "flat": "This position is closed already.",
    "not_done": "The market is closed.",
    "not_found": "The order is not shown any more.",
}


def refusal(step: Step) -> str:
    assert isinstance(step, End), step
    assert (step.ending, step.sentence) == (Ending.REFUSED, SENTENCES[step.code])
    return step.code


def towards(position_: Any, quantity: int | None, entry: Entry | None = None) -> Goal:
    """Give the goal that closes so much of a position, and opens `entry` then."""
    return Goal(
        symbol=position_.symbol,
        root="MES" if position_.symbol == MES else position_.symbol,
        kind="reduce" if entry is None else "reverse",
        close=LONG if position_.side is BUY else SHORT,
        close_quantity=None if quantity is None else d(quantity),
        adopt=True,
        entry=entry,
    )


def record_of(role: Any, **fields: Any) -> CommandRecord:
    return record(place(SELL, 3, "close"), role, **fields)


# ---- placing


def placing(side: Any = SELL, quantity: int = 2, **fields: Any) -> wishes.PlaceOrder:
    return wishes.PlaceOrder(place(side, quantity, **fields))


@pytest.mark.parametrize("shown", [(), (position(-2),), (position(2, symbol="MNQZ26"),)])
def test_order_that_reduces_nothing_opens(shown: Any) -> None:
    asked = placing(SELL, effect="close", bracket=BRACKET)

    assert next_by_hand(asked, scene(*shown)) == Send((("entry", replace(asked.order, effect="open")),))


def test_order_against_a_position_opens_where_fills_do_not_net() -> None:
    asked = placing(SELL)

    assert next_by_hand(asked, scene(position(2), mode=HEDGING)) == Send((("entry", asked.order),))


def test_order_is_placed_once() -> None:
    assert next_by_hand(placing(), scene(records=(record_of("entry"),))) == Reached()


@pytest.mark.parametrize("kind", [LIMIT, STOP, OrderType.STOP_LIMIT])
def test_resting_order_against_a_position_closes_its_part(kind: OrderType) -> None:
    asked = placing(SELL, 2, order_type=kind)

    assert next_by_hand(asked, scene(position(3))) == Send((("close", replace(asked.order, effect="close")),))
    whole = placing(SELL, 3, order_type=kind)
    assert next_by_hand(whole, scene(position(3))) == Send((("close", replace(whole.order, effect="close")),))


def test_resting_order_that_would_turn_the_position_is_refused() -> None:
    assert refusal(next_by_hand(placing(SELL, 4, order_type=LIMIT), scene(position(3)))) == "crosses_zero"
    assert refusal(next_by_hand(placing(BUY, 4, order_type=LIMIT), scene(position(-3)))) == "crosses_zero"


def test_resting_order_beside_working_closes_is_refused() -> None:
    closing = order("c", kind=LIMIT, effect="close", quantity=3, filled=1)
    asked = placing(SELL, 2, order_type=LIMIT)

    assert refusal(next_by_hand(asked, scene(position(3), closing))) == "already_closing"
    assert isinstance(next_by_hand(asked, scene(position(4), closing)), Send)


def test_stop_and_target_of_a_position_do_not_count_as_closes() -> None:
    legs = (order("st", sibling_ids=("tp",)), order("tp", kind=LIMIT, sibling_ids=("st",), effect="close"))

    assert isinstance(next_by_hand(placing(SELL, 2, order_type=LIMIT), scene(position(2), *legs)), Send)


@pytest.mark.parametrize("kind", [LIMIT, MARKET])
def test_bracket_has_no_place_on_an_order_that_closes(kind: OrderType) -> None:
    asked = placing(SELL, 2, order_type=kind, bracket=BRACKET)

    assert refusal(next_by_hand(asked, scene(position(2)))) == "bracket_on_close"


@pytest.mark.parametrize(("quantity", "closes"), [(2, 2), (3, None)])
def test_market_order_against_a_position_closes_as_much(quantity: int, closes: int | None) -> None:
    assert next_by_hand(placing(SELL, quantity), scene(position(3))) == towards(position(3), closes)


def test_market_order_larger_than_the_position_opens_the_rest() -> None:
    asked = placing(BUY, 5, bracket=BRACKET, duration=Duration.GTC)

    rest = Entry(BUY, d(2), MARKET, duration=Duration.GTC, bracket=BRACKET)
    assert next_by_hand(asked, scene(position(-3))) == towards(position(-3), None, rest)


# ---- closing and reversing


def closing(quantity: int | None = None, **fields: Any) -> wishes.ClosePosition:
    part = None if quantity is None else d(quantity)
    return wishes.ClosePosition(**{"position_id": "p1", "symbol": MES, "held_side": BUY, "quantity": part, **fields})


HELD = position(3, "p1")
REVERSE = wishes.ReversePosition("p1", MES, BUY)


def protecting(native_id: str) -> wishes.ProtectPosition:
    return wishes.ProtectPosition("p1", MES, BUY, BRACKET, native_id)


@pytest.mark.parametrize(("quantity", "closes"), [(None, None), (2, 2), (3, None), (4, None)])
def test_position_is_closed_by_what_was_asked_and_held(quantity: int | None, closes: int | None) -> None:
    assert next_by_hand(closing(quantity), scene(HELD)) == towards(HELD, closes)


def test_reversal_closes_all_and_opens_as_much() -> None:
    assert next_by_hand(REVERSE, scene(HELD)) == towards(HELD, None, Entry(SELL, d(3)))


@pytest.mark.parametrize("wish", [closing(), REVERSE])
@pytest.mark.parametrize("shown", [(), (position(-3, "p1"),), (position(3, "p2"),)])
def test_position_that_is_gone_or_turned_is_left_alone(wish: Any, shown: Any) -> None:
    assert refusal(next_by_hand(wish, scene(*shown))) == "flat"
    assert next_by_hand(wish, scene(*shown, records=(record_of("close"),))) == Reached()


def test_every_position_of_a_symbol_is_closed_once() -> None:
    shown = (pair(1, "p1"), pair(-2, "p2"), pair(3, "p3", symbol="XAUUSD"))
    first, second = ClosePosition("p1", EURUSD, BUY, d(1)), ClosePosition("p2", EURUSD, SELL, d(2))

    def step(*records: CommandRecord) -> Step:
        return next_by_hand(wishes.CloseSymbol(EURUSD), scene(*shown, at=TRADELOCKER, records=records))

    assert step() == Send((("close", first), ("close", second)))
    assert step(record(first)) == Send((("close", second),))
    assert step(record(first), record(second)) == Reached()


def test_symbol_of_which_nothing_is_held_is_told_so() -> None:
    wish = wishes.CloseSymbol(MES)

    assert refusal(next_by_hand(wish, scene(position(1, symbol="MNQZ26")))) == "flat"
    assert next_by_hand(wish, scene(records=(record_of("close"),))) == Reached()
    assert next_by_hand(wish, scene(HELD)) == towards(HELD, None)


# ---- undoing

UNDO = wishes.UndoOrder("o", MES, BUY)


def ghost(**fields: Any) -> Any:
    return order("o", kind=MARKET, **{"side": BUY, "status": FILLED, "filled": 2, **fields})


def test_order_that_shows_up_late_is_cancelled_while_it_works() -> None:
    works = ghost(filled=0, status=order("x").status)

    assert next_by_hand(UNDO, scene(works)) == Send((("other", Cancel("o", MES)),))
    asked = record(Cancel("o", MES), "other")
    assert next_by_hand(UNDO, scene(works, records=(asked,))) == Await("cancel", 0, NOW_MS + 1_000)


def test_what_it_has_filled_is_closed() -> None:
    assert next_by_hand(UNDO, scene(ghost(), position(2))) == towards(position(2), None)
    assert next_by_hand(UNDO, scene(ghost(status=CANCELLED), position(5))) == towards(position(5), 2)
    assert next_by_hand(UNDO, scene(ghost(filled=2, quantity=2), position(1))) == towards(position(1), None)


def test_position_that_it_opened_is_known_by_its_id() -> None:
    shown = (pair(5, "p0", symbol=MES), pair(3, "p1", symbol=MES))

    assert next_by_hand(UNDO, scene(ghost(position_id="p1"), *shown, mode=HEDGING)) == towards(shown[1], 2)
    assert next_by_hand(UNDO, scene(ghost(position_id="p9"), *shown, mode=HEDGING)) == Reached()


@pytest.mark.parametrize(
    ("seen", "shown", "same"), [("7", "7", True), ("7", "8", False), ("7", "", True), ("", "8", True)]
)
def test_press_is_for_the_position_that_the_person_saw(seen: str, shown: str, same: bool) -> None:
    """Where fills net the symbol is the id: what is opened after a close is another position all the same."""
    there = scene(position(3, "p1", native_id=shown))

    for wish in (closing(native_id=seen), replace(REVERSE, native_id=seen), protecting(seen)):
        step = next_by_hand(wish, there)
        assert same != (isinstance(step, End) and step.code == "flat")


@pytest.mark.parametrize("shown", [(), (position(-2),), (position(2, symbol="MNQZ26"),)])
def test_fill_that_is_held_no_more_needs_no_undoing(shown: Any) -> None:
    assert next_by_hand(UNDO, scene(ghost(), *shown)) == Reached()


def test_order_that_ended_unfilled_needs_no_undoing() -> None:
    assert next_by_hand(UNDO, scene(ghost(filled=0, status=CANCELLED), position(2))) == Reached()


def test_order_that_is_not_shown_cannot_be_undone() -> None:
    assert refusal(next_by_hand(UNDO, scene())) == "not_found"


# ---- towards a stored goal

CLOSE_ALL = towards(HELD, None)
TURN = towards(HELD, None, Entry(SELL, d(3)))
SELL_ALL = Place(MES, SELL, d(3), "close")


def on_the_way(goal: Goal, wish: Any, *shown: Any, records: tuple[CommandRecord, ...] = (), **fields: Any) -> Step:
    return next_by_hand(wish, scene(*shown, goal=goal, records=records, **fields))


def test_goal_is_reached_as_an_exit_is() -> None:
    exits = (order("st", quantity=3), order("in", status=order("x").status, symbol="MNQZ26"))

    assert on_the_way(CLOSE_ALL, closing(), HELD, *exits) == Send((("other", Cancel("st", MES)),))
    assert on_the_way(CLOSE_ALL, closing(), HELD) == Send((("close", SELL_ALL),))
    assert on_the_way(CLOSE_ALL, closing(), HELD, records=(record_of("close"),)) == Reached()


def test_working_close_is_freed_first() -> None:
    plain = order("c", kind=LIMIT, effect="close", quantity=1)

    assert on_the_way(CLOSE_ALL, closing(), HELD, plain) == Send((("other", Cancel("c", MES)),))


def test_close_that_the_broker_refused_is_told_in_its_words() -> None:
    refused = record_of("close", status=CommandStatus.REFUSED, code="closed", message="The market is closed.")

    step = on_the_way(CLOSE_ALL, closing(), HELD, records=(refused,))

    assert step == End(Ending.REFUSED, "closed", "The market is closed.")
    nothing = replace(refused, code="")
    assert refusal(on_the_way(CLOSE_ALL, closing(), HELD, records=(nothing,))) == "not_done"


def test_close_that_was_not_found_has_failed() -> None:
    lost = record_of("close", status=CommandStatus.NOT_FOUND)

    step = on_the_way(CLOSE_ALL, closing(), HELD, records=(lost,))

    assert isinstance(step, End)
    assert (step.ending, step.code) == (Ending.FAILED, "not_found")
    assert step.sentence == "The close was sent, its answer was lost, and the broker still shows the position."


def test_entry_of_a_reversal_follows_the_close_and_ends_it() -> None:
    closed = record_of("close")

    step = on_the_way(TURN, REVERSE, records=(closed,))

    assert step == Send((("entry", Place(MES, SELL, d(3), "open")),))
    assert on_the_way(TURN, REVERSE, records=(closed, record_of("entry"))) == Reached()
    still = position(1, "p1")
    assert on_the_way(TURN, REVERSE, still, records=(closed, record_of("entry"))) == Reached(), "a look of before"


def ended_close(filled: int, **fields: Any) -> tuple[CommandRecord, Any]:
    shown = order("c", SELL, MARKET, 3, filled, **{"status": FILLED if filled == 3 else CANCELLED, **fields})
    return record_of("close", orders=(PlacedOrder("c", "order"),)), shown


@pytest.mark.parametrize(
    ("closed", "shown", "opened"),
    [
        (record(Place(MES, SELL, d(2), "close")), (), 2),
        (record(ClosePosition("p1", MES, BUY, d(1))), (), 1),
        (record(ClosePosition("p1", MES, BUY, d(5))), (), 3),
        (ended_close(1)[0], ended_close(1)[1:], 1),
        (ended_close(3)[0], ended_close(3)[1:], 3),
        (ended_close(0)[0], ended_close(0, status=WORKING)[1:], 3),
    ],
)
def test_reversal_opens_no_more_than_it_has_closed_itself(closed: CommandRecord, shown: Any, opened: int) -> None:
    """The position's stop took the rest, before the close was sent or while it was filling."""
    step = on_the_way(TURN, REVERSE, *shown, records=(closed,))

    assert step == Send((("entry", Place(MES, SELL, d(opened), "open")),))


def test_reversal_whose_close_came_to_nothing_opens_nothing() -> None:
    closed, shown = ended_close(0)

    assert refusal(on_the_way(TURN, REVERSE, shown, records=(closed,))) == "flat"
    assert isinstance(on_the_way(TURN, REVERSE, shown, HELD, records=(closed,)), Await), "the position is still there"


def test_reversal_closes_once_and_waits() -> None:
    assert on_the_way(TURN, REVERSE, HELD) == Send((("close", SELL_ALL),))
    part = record_of("close", sent_at_ms=NOW_MS - CONFIRM_MS)
    assert on_the_way(TURN, REVERSE, position(1, "p1"), records=(part,)) == Await(
        "close", NOW_MS - CONFIRM_MS, NOW_MS + 1_000
    )


def test_reversal_whose_close_does_not_show_opens_nothing() -> None:
    late = record_of("close", sent_at_ms=NOW_MS - CONFIRM_MS - 1)

    step = on_the_way(TURN, REVERSE, records=(late,))

    assert isinstance(step, End)
    assert (step.ending, step.code) == (Ending.FAILED, "close_not_confirmed")
    assert step.sentence == "The close was not confirmed within 10 seconds, so nothing was opened."


def test_reversal_of_what_somebody_else_closed_opens_nothing() -> None:
    assert refusal(on_the_way(TURN, REVERSE)) == "flat"


def test_market_order_through_what_is_gone_still_opens_its_rest() -> None:
    wish = wishes.PlaceOrder(place(SELL, 6))

    assert on_the_way(TURN, wish) == Send((("entry", Place(MES, SELL, d(3), "open")),))


def test_freeing_an_exit_of_a_reversal_is_no_close() -> None:
    assert on_the_way(TURN, REVERSE, HELD, order("st", quantity=3)) == Send((("other", Cancel("st", MES)),))


def test_exits_of_the_ledger_are_known_as_such() -> None:
    state = of(book(3, tracked("tp", "target"), tracked("e", "entry", side=SELL, job_id="in")))
    shown = (order("tp", kind=LIMIT, quantity=3), order("e", kind=LIMIT))

    assert on_the_way(CLOSE_ALL, closing(), HELD, *shown, state=state) == Send((("other", Cancel("tp", MES)),))


def test_symbol_and_undone_order_close_the_position_of_their_side() -> None:
    shown = (position(-1, "s"), position(3, "p1"))

    assert on_the_way(CLOSE_ALL, wishes.CloseSymbol(MES), *shown) == Send((("close", SELL_ALL),))
    assert on_the_way(CLOSE_ALL, UNDO, *shown) == Send((("close", SELL_ALL),))
    assert on_the_way(CLOSE_ALL, UNDO, ghost(position_id="p1"), *shown) == Send((("close", SELL_ALL),))
    assert on_the_way(CLOSE_ALL, UNDO, ghost(position_id="p9"), *shown) == Reached()
    assert on_the_way(CLOSE_ALL, UNDO, ghost(), *shown) == Send((("close", SELL_ALL),))


def test_short_is_closed_by_buying() -> None:
    goal = towards(position(-3), None)

    assert on_the_way(goal, wishes.CloseSymbol(MES), position(-3)) == Send((("close", Place(MES, BUY, d(3), "close")),))


def test_stored_goal_says_what_a_partial_close_leaves() -> None:
    assert first_goal(towards(HELD, 2), closing(2), scene(HELD)).close_floor == 1
    assert first_goal(CLOSE_ALL, closing(), scene(HELD)).close_floor == 0


def test_bracket_of_a_person_is_kept_for_the_entry() -> None:
    entry = Entry(SELL, d(1), bracket=Bracket(stop_loss=d(9)))

    step = on_the_way(towards(HELD, None, entry), placing(SELL, 4), records=(record_of("close"),))

    assert step == Send((("entry", Place(MES, SELL, d(1), "open", bracket=Bracket(stop_loss=d(9)))),))
