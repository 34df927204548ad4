"""What is sent when a person changes orders that stand: cancels, new prices, the stop and target of a position."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.brokers.port import Capabilities, PlacedOrder
from orderbridge.commands import Bracket, Cancel, Command, ModifyPosition, Place, Replace
from orderbridge.execution import wishes
from orderbridge.execution.hand_changes import cancelled, modified, protected, word_of
from orderbridge.execution.hand_scene import SHOW_MS, Clear, Protect, Scene, Step
from orderbridge.execution.records import CommandRecord, CommandStatus, LaneState
from orderbridge.execution.steps import Await, Reached, Send
from orderbridge.model import OrderType, PositionMode
from orderbridge.strategy.goal import End, Ending
from tests.unit.execution.cases import (
    BRACKET,
    BUY,
    CANCELLED,
    FILLED,
    INACTIVE,
    LIMIT,
    MES,
    NOW_MS,
    SELL,
    STOP,
    TRADELOCKER,
    TRADESTATION,
    book,
    d,
    look,
    of,
    order,
    position,
    record,
    tracked,
)

TRAILING = OrderType.TRAILING_STOP
ORDERS, POSITIONS = TRADESTATION, TRADELOCKER
"""Where exits are orders of their own, and where the position carries them."""


def scene(
    *shown: Any,
    at: Capabilities = ORDERS,
    state: LaneState | None = None,
    records: tuple[CommandRecord, ...] = (),
) -> Scene:
    return Scene(look(*shown), state or LaneState(), at, PositionMode.NETTING, NOW_MS, records)


def sent(step: Step) -> list[Command]:
    assert isinstance(step, Send), step
    return [command for _, command in step.commands]


def roles(step: Step) -> list[str]:
    assert isinstance(step, (Send, Clear)), step
    return [role for role, _ in step.commands]


SENTENCES = {
    "bracket_on_working": "This broker takes a stop loss or take profit only with a new order.",
    "bracket_quantity": "The quantity of a stop loss or take profit follows its position.",
    "cancel_not_confirmed": "The broker has not taken back the earlier stop loss or take profit.",
    "flat": "This position is closed already.",
    "not_found": "The broker does not list this order.",
    "price_missing": "The new price is missing.",
}


def refusal(step: Step) -> str:
    assert isinstance(step, End), step
    assert step.ending is Ending.REFUSED
    assert step.code == "final" or step.sentence == SENTENCES[step.code]
    return step.code


def taken(command: Command, **fields: Any) -> CommandRecord:
    return record(command, "other", **fields)


def refused(command: Command, **fields: Any) -> CommandRecord:
    return record(command, "other", status=CommandStatus.REFUSED, **fields)


# ---- cancelling

CANCEL = wishes.CancelOrder("o", MES)


def test_working_order_is_cancelled_once() -> None:
    resting = order("o", BUY, LIMIT)

    first = cancelled(CANCEL, scene(resting))

    assert first == Send((("other", Cancel("o", MES)),))
    assert cancelled(CANCEL, scene(resting, records=(taken(Cancel("o", MES)),))) == Reached()
    assert cancelled(CANCEL, scene(resting, records=(refused(Cancel("o", MES)),))) == first


@pytest.mark.parametrize(("shown", "code"), [((), "not_found"), ((order("o", status=FILLED),), "final")])
def test_order_that_is_gone_cannot_be_cancelled(shown: Any, code: str) -> None:
    assert refusal(cancelled(CANCEL, scene(*shown))) == code


def leg(kind: OrderType, **fields: Any) -> Any:
    return order("o", kind=kind, **{"parent_id": "p1", "parent_type": "position", **fields})


@pytest.mark.parametrize(
    ("kind", "removes"),
    [
        (STOP, {"remove_stop_loss": True}),
        (OrderType.STOP_LIMIT, {"remove_stop_loss": True}),
        (TRAILING, {"remove_stop_loss": True}),
        (LIMIT, {"remove_take_profit": True}),
    ],
)
def test_leg_of_a_position_is_removed_there(kind: OrderType, removes: dict[str, bool]) -> None:
    assert cancelled(CANCEL, scene(leg(kind), at=POSITIONS)) == Send(
        (("stop", ModifyPosition("p1", MES, **removes)),)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("at", "fields"),
    [(ORDERS, {}), (POSITIONS, {"parent_type": "order"}), (POSITIONS, {"parent_id": None})],
)
def test_leg_that_is_an_order_is_cancelled_as_one(at: Capabilities, fields: dict[str, Any]) -> None:
    assert sent(cancelled(CANCEL, scene(leg(STOP, **fields), at=at))) == [Cancel("o", MES)]


# ---- changing a working order


def change(quantity: int = 2, **fields: Any) -> wishes.ModifyOrder:
    return wishes.ModifyOrder("o", MES, d(quantity), **fields)


RESTING = order("o", BUY, LIMIT, 2, limit_price=d(10))


def test_only_what_differs_is_changed() -> None:
    assert modified(change(3, limit_price=d(10)), scene(RESTING)) == Send(
        (("other", Replace("o", MES, quantity=d(3))),)
    )
    assert sent(modified(change(limit_price=d(11)), scene(RESTING))) == [Replace("o", MES, limit_price=d(11))]
    stop = order("o", BUY, STOP, 2, stop_price=d(10))
    assert sent(modified(change(stop_price=d(11)), scene(stop))) == [Replace("o", MES, stop_price=d(11))]
    trail = order("o", BUY, TRAILING, 2, trail_amount=d(10))
    assert sent(modified(change(trail_amount=d(11)), scene(trail))) == [Replace("o", MES, trail_amount=d(11))]


@pytest.mark.parametrize("at", [ORDERS, POSITIONS])
def test_change_of_nothing_is_done(at: Capabilities) -> None:
    assert modified(change(limit_price=d(10)), scene(RESTING, at=at)) == Reached()


@pytest.mark.parametrize(("shown", "code"), [((), "not_found"), ((order("o", status=CANCELLED),), "final")])
def test_order_that_is_gone_cannot_be_changed(shown: Any, code: str) -> None:
    assert refusal(modified(change(3), scene(*shown))) == code


def test_change_that_was_taken_is_done_though_the_order_has_gone() -> None:
    command = Replace("o", MES, quantity=d(3))

    assert modified(change(3), scene(records=(taken(command),))) == Reached()
    filled = replace(RESTING, status=FILLED)
    assert modified(change(3, limit_price=d(10)), scene(filled, records=(taken(command),))) == Reached()


def test_change_is_sent_once_though_it_was_refused() -> None:
    command = Replace("o", MES, quantity=d(3))
    wish = change(3, limit_price=d(10))

    assert modified(wish, scene(RESTING, records=(refused(command),))) == Reached()


@pytest.mark.parametrize("shown", ["order and leg", "order as it was", "order without its leg", "neither"])
def test_change_that_gave_the_order_another_id_is_done(shown: str) -> None:
    wish = change(limit_price=d(11), bracket=Bracket(stop_loss=d(5)))
    done = taken(Replace("o", MES, limit_price=d(11)), orders=(PlacedOrder("n", "order"),))
    old = replace(RESTING, status=CANCELLED)
    leg = order("st", stop_price=d(5), parent_id="n")
    price = RESTING.limit_price if shown == "order as it was" else d(11)
    new = replace(RESTING, id="n", limit_price=price)
    now = {"order and leg": (new, leg), "order as it was": (new, leg), "order without its leg": (new,), "neither": ()}

    assert modified(wish, scene(old, *now[shown], records=(done,))) == Reached()


def test_leg_is_still_changed_after_the_order_got_another_id() -> None:
    wish = change(limit_price=d(11), bracket=Bracket(stop_loss=d(6)))
    done = taken(Replace("o", MES, limit_price=d(11)), orders=(PlacedOrder("n", "order"),))
    now = (replace(RESTING, id="n", limit_price=d(11)), order("st", stop_price=d(5), parent_id="n"))

    assert sent(modified(wish, scene(*now, records=(done,)))) == [Replace("st", MES, stop_price=d(6))]


LEGS = (
    order("st", stop_price=d(5), parent_id="o"),
    order("tp", kind=LIMIT, limit_price=d(15), parent_id="o"),
)


def test_legs_follow_the_quantity_and_their_new_prices() -> None:
    wish = change(3, limit_price=d(10), bracket=Bracket(stop_loss=d(6), take_profit=d(15)))

    given = modified(wish, scene(RESTING, *LEGS))

    assert sent(given) == [
        Replace("o", MES, quantity=d(3)),
        Replace("st", MES, quantity=d(3), stop_price=d(6)),
        Replace("tp", MES, quantity=d(3)),
    ]
    assert roles(given) == ["other"] * 3


def test_new_prices_of_legs_leave_the_order_itself_alone() -> None:
    wish = change(limit_price=d(10), bracket=Bracket(stop_loss=d(5), take_profit=d(16)))

    assert sent(modified(wish, scene(RESTING, *LEGS))) == [Replace("tp", MES, limit_price=d(16))]


def test_leg_that_the_bracket_lacks_is_cancelled() -> None:
    assert sent(modified(change(limit_price=d(10)), scene(RESTING, *LEGS))) == [Cancel("st", MES), Cancel("tp", MES)]
    only_stop = change(limit_price=d(10), bracket=Bracket(stop_loss=d(5)))
    assert sent(modified(only_stop, scene(RESTING, *LEGS))) == [Cancel("tp", MES)]


def test_trailing_leg_is_changed_by_its_distance() -> None:
    trail = order("st", kind=TRAILING, stop_price=d(5), trail_amount=d(2), parent_id="o")
    wish = change(limit_price=d(10), bracket=Bracket(trail_amount=d(3)))

    assert sent(modified(wish, scene(RESTING, trail))) == [Replace("st", MES, trail_amount=d(3))]


@pytest.mark.parametrize("bracket", [Bracket(stop_loss=d(5)), Bracket(take_profit=d(15))])
def test_leg_that_is_not_there_cannot_be_added_where_legs_are_orders(bracket: Bracket) -> None:
    done = tuple(replace(one, status=CANCELLED) for one in LEGS)

    assert refusal(modified(change(bracket=bracket), scene(RESTING, *done))) == "bracket_on_working"
    other = tuple(one for one in LEGS if (one.type is LIMIT) is bracket.has_stop)
    assert refusal(modified(change(bracket=bracket), scene(RESTING, *other))) == "bracket_on_working"


def at_position_broker(wish: wishes.ModifyOrder, *shown: Any) -> list[Command]:
    return sent(modified(wish, scene(*shown, at=POSITIONS)))


def test_order_that_carries_its_legs_is_changed_with_them() -> None:
    wish = change(3, limit_price=d(10), bracket=Bracket(stop_loss=d(6), take_profit=d(15)))

    assert at_position_broker(wish, RESTING, *LEGS) == [
        Replace("o", MES, quantity=d(3), bracket=Bracket(stop_loss=d(6)))
    ]
    assert at_position_broker(change(limit_price=d(10)), RESTING, *LEGS) == [
        Replace("o", MES, remove_stop_loss=True, remove_take_profit=True)
    ]
    both = change(limit_price=d(10), bracket=Bracket(stop_loss=d(5), take_profit=d(16)))
    assert at_position_broker(both, RESTING) == [Replace("o", MES, bracket=Bracket(stop_loss=d(5), take_profit=d(16)))]
    assert at_position_broker(both, RESTING, *LEGS) == [Replace("o", MES, bracket=Bracket(take_profit=d(16)))]


@pytest.mark.parametrize(
    ("kind", "price", "expected"),
    [
        (STOP, "stop_price", ModifyPosition("p1", MES, stop_loss=d(9))),
        (LIMIT, "limit_price", ModifyPosition("p1", MES, take_profit=d(9))),
    ],
)
def test_leg_of_a_position_gets_its_price_there(kind: OrderType, price: str, expected: Command) -> None:
    shown = leg(kind, **{price: d(8)})
    moved: dict[str, Any] = {price: d(9)}
    still: dict[str, Any] = {price: d(8)}

    given = modified(change(**moved), scene(shown, at=POSITIONS))

    assert sent(given) == [expected]
    assert roles(given) == ["stop"]
    assert modified(change(**still), scene(shown, at=POSITIONS)) == Reached()
    assert refusal(modified(change(), scene(shown, at=POSITIONS))) == "price_missing"
    assert refusal(modified(change(3, **moved), scene(shown, at=POSITIONS))) == "bracket_quantity"


@pytest.mark.parametrize(
    ("kind", "price", "expected"),
    [
        (STOP, "stop_price", Replace("o", MES, stop_price=d(9))),
        (LIMIT, "limit_price", Replace("o", MES, limit_price=d(9))),
    ],
)
def test_leg_of_a_working_order_gets_its_price_itself(kind: OrderType, price: str, expected: Command) -> None:
    shown = leg(kind, parent_type="order", **{price: d(8)})
    moved: dict[str, Any] = {price: d(9)}

    given = modified(change(**moved), scene(shown, at=POSITIONS))

    assert given == Send((("other", expected),))


# ---- the stop and target of a position

HELD = position(2, "p1")


def protect(bracket: Bracket, **fields: Any) -> wishes.ProtectPosition:
    return wishes.ProtectPosition(
        **{"position_id": "p1", "symbol": MES, "held_side": BUY, "bracket": bracket, **fields}
    )


@pytest.mark.parametrize("wish", [protect(BRACKET, position_id="p2"), protect(BRACKET, held_side=SELL)])
def test_position_that_is_gone_or_turned_cannot_be_protected(wish: wishes.ProtectPosition) -> None:
    assert refusal(protected(wish, scene(HELD))) == "flat"
    assert protected(wish, scene(HELD, records=(taken(Cancel("st", MES)),))) == Reached()


def carrying(stop: int | None = None, target: int | None = None) -> tuple[Any, ...]:
    legs = [order("s", stop_price=d(stop))] if stop else []
    legs += [order("t", kind=LIMIT, limit_price=d(target))] if target else []
    ids = {"stop_loss_id": "s" if stop else None, "take_profit_id": "t" if target else None}
    return (*legs, position(2, "p1", **ids))


@pytest.mark.parametrize(
    ("shown", "bracket", "expected"),
    [
        (carrying(), Bracket(stop_loss=d(5), take_profit=d(9)), {"stop_loss": d(5), "take_profit": d(9)}),
        (carrying(5, 9), Bracket(stop_loss=d(6), take_profit=d(9)), {"stop_loss": d(6)}),
        (carrying(5, 9), Bracket(stop_loss=d(5), take_profit=d(8)), {"take_profit": d(8)}),
        (carrying(5, 9), Bracket(), {"remove_stop_loss": True, "remove_take_profit": True}),
        (carrying(5), Bracket(take_profit=d(9)), {"take_profit": d(9), "remove_stop_loss": True}),
        (carrying(None, 9), Bracket(stop_loss=d(5)), {"stop_loss": d(5), "remove_take_profit": True}),
    ],
)
def test_position_that_carries_its_exits_is_changed(shown: Any, bracket: Bracket, expected: dict[str, Any]) -> None:
    change_ = ModifyPosition("p1", MES, **expected)

    given = protected(protect(bracket), scene(*shown, at=POSITIONS))

    assert given == Send((("stop", change_),))
    assert protected(protect(bracket), scene(*shown, at=POSITIONS, records=(refused(change_),))) == Reached()


def test_position_that_carries_what_is_wanted_is_done() -> None:
    wish = protect(Bracket(stop_loss=d(5), take_profit=d(9)))

    assert protected(wish, scene(*carrying(5, 9), at=POSITIONS)) == Reached()


STAND = (
    order("st", stop_price=d(5), sibling_ids=("tp",)),
    order("tp", kind=LIMIT, limit_price=d(9), sibling_ids=("st",)),
)


def test_prices_of_standing_exits_are_changed() -> None:
    wish = protect(Bracket(stop_loss=d(6), take_profit=d(8)))
    changes = [Replace("st", MES, stop_price=d(6)), Replace("tp", MES, limit_price=d(8))]

    assert sent(protected(wish, scene(HELD, *STAND))) == changes
    assert roles(protected(wish, scene(HELD, *STAND))) == ["other", "other"]
    assert sent(protected(wish, scene(HELD, *STAND, records=(taken(changes[0]),)))) == changes[1:]
    assert protected(wish, scene(HELD, *STAND, records=tuple(map(taken, changes)))) == Reached()
    assert protected(protect(Bracket(stop_loss=d(5), take_profit=d(9))), scene(HELD, *STAND)) == Reached()


def test_exit_that_the_bracket_lacks_is_cancelled() -> None:
    assert sent(protected(protect(Bracket(stop_loss=d(5))), scene(HELD, *STAND))) == [Cancel("tp", MES)]
    assert sent(protected(protect(Bracket(take_profit=d(9))), scene(HELD, *STAND))) == [Cancel("st", MES)]
    assert sent(protected(protect(Bracket()), scene(HELD, *STAND))) == [Cancel("st", MES), Cancel("tp", MES)]


@pytest.mark.parametrize("bracket", [Bracket(stop_loss=d(5)), Bracket(take_profit=d(9))])
def test_position_without_exits_is_protected_anew_once(bracket: Bracket) -> None:
    placed = taken(Place(MES, SELL, d(2), "close", STOP, stop_price=d(5)))

    assert protected(protect(bracket), scene(HELD)) == Protect(HELD, bracket)
    assert protected(protect(bracket), scene(HELD, records=(placed,))) == Reached()
    assert protected(protect(Bracket()), scene(HELD)) == Reached()


TRAIL = order("st", kind=TRAILING, trail_amount=d(2), sibling_ids=("tp",))


@pytest.mark.parametrize(
    ("stand", "bracket"),
    [
        (STAND[:1], Bracket(stop_loss=d(5), take_profit=d(9))),
        (STAND[1:], Bracket(stop_loss=d(5), take_profit=d(9))),
        (STAND, Bracket(trail_amount=d(3), take_profit=d(9))),
        ((TRAIL, STAND[1]), Bracket(stop_loss=d(5), take_profit=d(9))),
    ],
)
def test_exits_of_other_kinds_are_taken_away_first(stand: Any, bracket: Bracket) -> None:
    given = protected(protect(bracket), scene(HELD, *stand))

    assert given == Clear(tuple(("other", Cancel(one.id, MES)) for one in stand))


def test_trailing_stop_that_stands_is_moved() -> None:
    assert sent(protected(protect(Bracket(trail_amount=d(3))), scene(HELD, TRAIL))) == [
        Replace("st", MES, trail_amount=d(3))
    ]


def test_exits_that_are_being_taken_away_are_waited_for() -> None:
    wish = protect(Bracket(trail_amount=d(3), take_profit=d(9)))

    def after(*ages_ms: int) -> Step:
        names = ("st", "tp")
        asked = [taken(Cancel(name, MES), sent_at_ms=NOW_MS - age) for name, age in zip(names, ages_ms, strict=False)]
        return protected(wish, scene(HELD, *STAND, records=tuple(asked)))

    assert after(100) == Clear((("other", Cancel("tp", MES)),))
    assert after(2 * SHOW_MS, 100) == Await("cancel", NOW_MS - 2 * SHOW_MS, NOW_MS + 1_000)
    assert refusal(after(2 * SHOW_MS + 1, 100)) == "cancel_not_confirmed"


# ---- what it says to the books

OWNING = book(2, tracked("st", "stop"), tracked("o", "entry"), wants=BRACKET)
OTHER = book(1, tracked("x", "stop"), strategy="other", root="MNQ", wants=BRACKET)
LEDGER = of(OWNING, OTHER)
STANDING = order("st", stop_price=d(5))


def words(wish: Any, *shown: Any, state: LaneState = LEDGER) -> tuple[list[str], Bracket]:
    word = word_of(wish, scene(*shown, state=state))
    assert word is not None
    return [one.strategy for one in word.books], word.change(BRACKET)


def test_word_about_a_position_goes_to_those_who_hold_it() -> None:
    wanted = Bracket(stop_loss=d(1))

    assert words(protect(wanted), HELD) == (["trend"], wanted)
    assert word_of(protect(wanted, position_id="p9"), scene(HELD, state=LEDGER)) is None


@pytest.mark.parametrize(
    ("kind", "left"),
    [(STOP, Bracket(take_profit=BRACKET.take_profit)), (LIMIT, Bracket(stop_loss=BRACKET.stop_loss))],
)
def test_cancelled_exit_is_wanted_no_more(kind: OrderType, left: Bracket) -> None:
    wish = wishes.CancelOrder("st", MES)

    assert words(wish, order("st", kind=kind)) == (["trend"], left)


def test_cancelled_target_is_known_by_what_it_was_sent_for() -> None:
    state = of(book(2, tracked("tp", "target"), wants=BRACKET))

    assert words(wishes.CancelOrder("tp", MES), order("tp", kind=LIMIT), state=state) == (
        ["trend"],
        Bracket(stop_loss=BRACKET.stop_loss),
    )


def test_order_that_is_over_is_told_by_its_state() -> None:
    for given in (
        cancelled(CANCEL, scene(order("o", status=FILLED))),
        modified(change(3), scene(order("o", status=CANCELLED))),
    ):
        assert isinstance(given, End)
        assert given.sentence in ("The order is filled already.", "The order is cancelled already.")


def test_cancelled_entry_says_nothing_about_brackets() -> None:
    assert word_of(wishes.CancelOrder("o", MES), scene(order("o", BUY, LIMIT), state=LEDGER)) is None
    assert word_of(wishes.CancelOrder("gone", MES), scene(state=LEDGER)) is None
    assert word_of(wishes.CloseSymbol(MES), scene(state=LEDGER)) is None


def test_leg_is_its_parents_and_its_positions() -> None:
    wish = wishes.CancelOrder("leg", MES)
    holding = of(book(2, position_ids=("p1",), wants=BRACKET))

    assert words(wish, order("leg", parent_id="o"))[0] == ["trend"]
    assert words(wish, order("leg", parent_id="p1"), state=holding)[0] == ["trend"]
    assert words(wish, order("leg", parent_id="elsewhere"))[0] == []


def test_stop_of_a_netted_position_is_that_of_all_who_hold_part_of_it() -> None:
    """The ledger follows no stop that the position carries itself, and knows a netted position by no id."""
    sharing = of(
        book(2, wants=BRACKET),
        book(1, strategy="panel:ann#job", wants=BRACKET),
        book(-1, strategy="short", wants=BRACKET),
        book(1, strategy="elsewhere", root="MNQ", wants=BRACKET),
    )
    taken_away = wishes.CancelOrder("o", MES)
    moved = wishes.ModifyOrder("o", MES, d(3), stop_price=d(7))

    for wish, left in (
        (taken_away, Bracket(take_profit=BRACKET.take_profit)),
        (moved, replace(BRACKET, stop_loss=d(7))),
    ):
        assert words(wish, leg(STOP, parent_id=MES), position(3), state=sharing) == (["trend", "panel:ann#job"], left)
    assert words(taken_away, leg(STOP, parent_id=MES), position(3, "another"), state=sharing)[0] == []


def test_word_is_about_the_entry_that_it_names_or_about_what_is_held() -> None:
    state = of(book(2, tracked("st", "stop"), tracked("o", "entry", job_id="add"), wants=BRACKET))

    def about(wish: Any, *shown: Any) -> frozenset[str]:
        word = word_of(wish, scene(*shown, state=state))
        assert word is not None
        return word.entries

    waiting = order("o:SL", parent_id="o", parent_type="order", status=INACTIVE)
    assert about(change(limit_price=d(11)), RESTING) == {"add"}
    assert about(wishes.CancelOrder("o:SL", MES), waiting) == {"add"}
    assert about(wishes.ModifyOrder("o:SL", MES, d(2), stop_price=d(7)), waiting) == {"add"}
    assert about(wishes.CancelOrder("st", MES), order("st", parent_id="o")) == set()
    assert about(wishes.ModifyOrder("st", MES, d(2), stop_price=d(7)), order("st")) == set()
    assert about(protect(Bracket(stop_loss=d(1))), HELD) == set()


def test_new_bracket_of_an_entry_is_what_is_wanted() -> None:
    wanted = Bracket(stop_loss=d(1))

    assert words(change(bracket=wanted), RESTING) == (["trend"], wanted)
    assert word_of(change(), scene(state=LEDGER)) is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (STOP, replace(BRACKET, stop_loss=d(7))),
        (LIMIT, replace(BRACKET, take_profit=d(8))),
        (TRAILING, BRACKET),
    ],
)
def test_new_price_of_an_exit_is_what_is_wanted(kind: OrderType, expected: Bracket) -> None:
    wish = wishes.ModifyOrder("st", MES, d(2), limit_price=d(8), stop_price=d(7))

    assert words(wish, order("st", kind=kind)) == (["trend"], expected)
