"""A netted holding that has gone without an order of ours: when that is certain, and whose what is held instead is."""

from typing import Any

import pytest

from orderbridge.execution.bookkeeping import SETTLE_MS, Observation, observe
from orderbridge.execution.gone import CERTAIN_MS
from orderbridge.execution.records import Book, LaneState, Pending, Protection, RootState, Tracked
from orderbridge.model import OrderStatus, PositionMode
from tests.unit.execution.cases import (
    BRACKET,
    BUY,
    FILLED,
    MARKET,
    MES,
    NOW_MS,
    SELL,
    STRATEGY,
    book,
    d,
    look,
    of,
    order,
    position,
    tracked,
)

LATER_MS = NOW_MS + 1_000


def root(baseline: int, since_ms: int | None = None, *ids: str, gone: bool = False) -> RootState:
    return RootState("MES", d(baseline), since_ms, gone, ids)


GONE = root(2, NOW_MS, gone=True)


def seen(state: LaneState, *shown: Any, at_ms: int = LATER_MS) -> Observation:
    return observe(state, look(*shown, at_ms=at_ms), LATER_MS, PositionMode.NETTING)


def the_root(observed: Observation) -> RootState:
    (found,) = observed.state.roots
    return found


def resting(name: str = "e", **fields: Any) -> Tracked:
    return tracked(name, "entry", side=SELL, **fields)


def filled(name: str = "e", quantity: int = 2, position_id: str | None = "p2", **fields: Any) -> Any:
    return order(name, SELL, MARKET, quantity, quantity, status=FILLED, position_id=position_id, **fields)


# ---- nothing is held instead


def test_holding_that_is_gone_at_two_looks_is_nobodys_though_an_entry_rests() -> None:
    state = of(book(2, resting()), roots=(root(2),))

    first = seen(state, order("e"), at_ms=NOW_MS)
    soon = seen(first.state, order("e"), at_ms=LATER_MS + CERTAIN_MS)
    then = seen(soon.state, order("e"), at_ms=LATER_MS + CERTAIN_MS + 1)

    assert [one.state.book(STRATEGY, "MES").owned for one in (first, soon)] == [2, 2]
    assert the_root(first) == root(2, LATER_MS, gone=True)
    assert first.unsettled == {"MES"}
    assert then.state.book(STRATEGY, "MES").owned == 0
    assert then.state.book(STRATEGY, "MES").entry_count == 0
    assert the_root(then) == root(0)
    assert (then.unsettled, then.events) == (frozenset(), ())


@pytest.mark.parametrize(
    ("before", "shown", "at_ms"),
    [
        (GONE, (order("e"),), NOW_MS),
        (GONE, (), LATER_MS),
        (root(2, NOW_MS), (order("e"),), LATER_MS),
        (root(2), (order("e"),), LATER_MS),
    ],
    ids=["the same look", "an order of ours is not listed", "a fill that does not show yet", "the first look"],
)
def test_holding_that_may_have_been_closed_by_an_order_of_ours_is_kept(
    before: RootState, shown: Any, at_ms: int
) -> None:
    kept = seen(of(book(2, resting()), roots=(before,)), *shown, at_ms=at_ms)

    assert kept.state.book(STRATEGY, "MES").owned == 2
    assert kept.unsettled == {"MES"}


def test_fill_that_the_position_does_not_show_yet_is_not_taken_for_gone() -> None:
    bought = tracked("b", "entry", seen=False, status=OrderStatus.PLACING)
    state = of(book(0, bought, tracked("st", "stop")))
    shown = (order("b", BUY, MARKET, 2, 2, status=FILLED), order("st"))

    first = seen(state, *shown, at_ms=NOW_MS)
    then = seen(first.state, *shown, at_ms=LATER_MS + 1)

    assert the_root(first) == root(2, LATER_MS)
    assert then.state.book(STRATEGY, "MES").owned == 2
    assert then.unsettled == {"MES"}


def test_rest_of_a_holding_is_not_gone() -> None:
    less = seen(of(book(2, resting()), roots=(root(2, NOW_MS),)), order("e"), position(1))

    assert the_root(less) == root(2, NOW_MS)
    assert less.state.book(STRATEGY, "MES").owned == 2


@pytest.mark.parametrize(("role", "gone"), [("close", True), ("stop", True), ("entry", False)])
def test_holding_that_goes_while_an_outcome_is_unknown_may_be_gone(role: Any, gone: bool) -> None:
    pending = Pending("c", "j", STRATEGY, "MES", role, since_ms=NOW_MS)

    assert the_root(seen(of(book(2), roots=(root(2),), pending=(pending,)))) == root(2, LATER_MS, gone=gone)


def test_fill_while_the_holding_is_gone_asks_for_certainty_anew() -> None:
    state = of(book(2, resting(), tracked("c", "close")), roots=(GONE,))

    closing = seen(state, order("e"), order("c", SELL, MARKET, 2, 1, status=OrderStatus.WORKING))

    assert the_root(closing) == root(1, LATER_MS)
    assert closing.state.book(STRATEGY, "MES").owned == 1


# ---- the other side is held instead


@pytest.mark.parametrize("before", [root(2), GONE])
def test_entry_that_opened_all_that_is_held_is_its_books(before: RootState) -> None:
    planned = Protection(MES, BRACKET, "job")
    entering = book(0, resting(), strategy="turn", planned=(planned,))
    state = of(book(2, entry_count=1), entering, roots=(before,))

    turned = seen(state, filled(), position(-2, "p2"))

    assert turned.state.books == (book(-2, strategy="turn", entry_count=1, protection=planned),)
    assert the_root(turned) == root(-2, None, "p2")
    assert turned.unsettled == frozenset()


def test_book_whose_own_entry_takes_the_place_of_what_has_gone_begins_anew() -> None:
    state = of(book(2, resting(), resting("f"), entry_count=2), roots=(root(2),))

    (turned,) = seen(state, filled(), filled("f", 1), position(-3, "p2")).state.books

    assert (turned.owned, turned.entry_count) == (d(-3), 2)


@pytest.mark.parametrize(
    ("shown", "followed"),
    [
        ((filled(position_id="p1"), position(-2, "p2")), resting()),
        ((filled(position_id=None), position(-2, "p2")), resting()),
        ((filled(), position(-1, "p2")), resting()),
        ((filled(), position(-1, "p2")), resting(booked=1)),
        ((filled(), position(-2, "p2")), tracked("e", "close")),
    ],
    ids=["another position", "no position", "another quantity", "a part of it before", "no entry"],
)
def test_other_side_that_the_fills_do_not_explain_is_waited_for(shown: Any, followed: Tracked) -> None:
    state = of(book(2, entry_count=1), book(0, followed, resting("r"), strategy="turn"), roots=(root(2),))

    waiting = seen(state, order("r"), *shown)

    assert waiting.unsettled == {"MES"}


# ---- another position is held instead


def closer(quantity: int = 2, position_id: str = "p1", **fields: Any) -> Any:
    """Give the position's own stop, which no book follows."""
    return order("st", SELL, MARKET, quantity, quantity, status=FILLED, position_id=position_id, **fields)


@pytest.mark.parametrize("strangers", [2, 3, 1])
def test_what_a_stranger_opened_since_the_holding_was_closed_is_nobodys(strangers: int) -> None:
    """Our own stop fired between two looks, and the account holds as much of the same side again."""
    state = of(book(2, resting(), entry_count=1), roots=(root(2, None, "p1"),))

    then = seen(state, order("e"), closer(), position(strangers, "p2"))

    assert then.state.book(STRATEGY, "MES").owned == 0
    assert the_root(then) == root(strangers, None, "p2")
    assert (then.unsettled, then.events) == (frozenset(), ())


@pytest.mark.parametrize("strangers", [0, 1])
def test_entry_into_what_takes_the_place_of_a_closed_holding_is_its_books(strangers: int) -> None:
    state = of(book(2, tracked("in", "entry"), entry_count=1), roots=(root(2, None, "p1"),))
    entered = order("in", BUY, MARKET, 2, 2, status=FILLED, position_id="p2")

    then = seen(state, entered, closer(), position(2 + strangers, "p2"))

    assert (then.state.book(STRATEGY, "MES").owned, then.state.book(STRATEGY, "MES").entry_count) == (d(2), 1)
    assert the_root(then) == root(2 + strangers, None, "p2")


@pytest.mark.parametrize(
    "closers",
    [(), (closer(1),), (closer(position_id="p0"),), (order("st", BUY, MARKET, 2, 2, position_id="p1"),)],
    ids=["none yet", "of a part", "of another position", "of the same side"],
)
def test_another_position_without_what_has_closed_the_holding_is_waited_for(closers: Any) -> None:
    """A report may leave a position out, and the history may be late."""
    before = of(book(2), roots=(root(2, None, "p1"),))

    first = seen(before, *closers, position(2, "p2"))
    then = seen(first.state, closer(), position(2, "p2"))

    assert (first.state.book(STRATEGY, "MES").owned, first.unsettled) == (d(2), frozenset({"MES"}))
    assert the_root(first) == root(2, LATER_MS, "p1", gone=True)
    assert (then.state.books, the_root(then)) == ((), root(2, None, "p2"))


def entered(name: str, quantity: int, position_id: str | None, **fields: Any) -> Tracked:
    return tracked(name, "entry", quantity, quantity, status=FILLED, position_id=position_id, **fields)


LONG_AGO_MS = LATER_MS - SETTLE_MS


@pytest.mark.parametrize(
    ("followed", "owned"),
    [
        ((), 0),
        ((entered("a", 1, "p2"),), 1),
        ((entered("a", 1, "p2"), entered("b", 1, "p1"), entered("c", 2, "p2")), 3),
        ((entered("b", 1, "p1"),), 0),
    ],
)
def test_broker_is_believed_of_another_position_what_entries_opened_there(followed: Any, owned: int) -> None:
    """A stranger may have added to it. What fills name is no part of what had to be closed of the other."""
    state = of(book(5, *followed, resting(), entry_count=4), roots=(root(5, LONG_AGO_MS, "p1"),))

    then = seen(state, order("e"), closer(5), position(4, "p2"))

    assert then.state.book(STRATEGY, "MES").owned == owned
    assert then.state.book(STRATEGY, "MES").entry_count == sum(one.position_id == "p2" for one in followed)
    assert (the_root(then), then.unsettled) == (root(4, None, "p2"), frozenset())


@pytest.mark.parametrize(
    ("followed", "before", "shown"),
    [
        ((), root(5, LONG_AGO_MS, "p1"), (closer(5), position(4, "p1"))),
        ((), root(5, LONG_AGO_MS), (closer(5), position(4, "p2"))),
        ((entered("a", 1, "p2"),), root(5, LONG_AGO_MS), (closer(5), position(4, "p2"))),
        ((), root(5, LONG_AGO_MS, "p1"), (closer(5), position(3, "p1"), position(1, "p2"))),
        ((), root(5, LONG_AGO_MS, "p1"), (closer(4), position(4, "p2"))),
        ((entered("a", 1, "p2"),), root(5, LONG_AGO_MS, "p1"), (closer(3), position(4, "p2"))),
        ((entered("a", 5, "p2"),), root(5, LONG_AGO_MS, "p1"), (closer(5), position(4, "p2"))),
    ],
    ids=["the same", "none was known", "an entry names it", "one of them", "not closed", "nor the rest", "no rest"],
)
def test_what_no_other_position_tells_is_kept_as_far_as_held(followed: Any, before: RootState, shown: Any) -> None:
    then = seen(of(book(5, *followed), roots=(before,)), *shown)

    assert then.state.book(STRATEGY, "MES").owned == 4


def test_other_position_is_told_by_the_entries_where_none_was_shown_before() -> None:
    state = of(book(2, entered("a", 2, "p1")), roots=(root(2, LONG_AGO_MS),))

    then = seen(state, closer(), position(1, "p2"))

    assert then.state.books == ()
    assert the_root(then) == root(1, None, "p2")


@pytest.mark.parametrize(("job", "kept"), [("job", True), ("other", False)])
def test_bracket_of_an_entry_into_another_position_stays_its_own(job: str, kept: bool) -> None:
    protection = Protection(MES, BRACKET, "job")
    state = of(
        book(3, entered("a", 1, "p2", job_id=job), protection=protection), roots=(root(3, LONG_AGO_MS, "p1"),)
    )

    then = seen(state, closer(), position(1, "p2"))

    assert then.state.book(STRATEGY, "MES").protection == (protection if kept else None)


def test_other_roots_keep_what_they_hold_when_the_broker_is_believed() -> None:
    far = book(3, strategy="far", root="MNQ", entry_count=1)
    state = of(book(2), far, roots=(root(2, LONG_AGO_MS, "p1"), RootState("MNQ", d(3), position_ids=("p3",))))

    then = seen(state, closer(), position(1, "p2"), position(3, "p3", symbol="MNQZ26"))

    assert then.state.books == (far,)


@pytest.mark.parametrize(("reported", "position_id", "kept"), [(3, "p1", True), (2, "p1", False), (3, None, False)])
def test_filled_entry_is_followed_until_its_root_is_settled(reported: int, position_id: str | None, kept: bool) -> None:
    state = of(book(0, tracked("a", "entry")), roots=(root(0),))
    bought = order("a", BUY, MARKET, 2, 2, status=FILLED, position_id=position_id)

    then = seen(state, bought, position(reported, "p1"))

    assert [one.order_id for one in then.state.book(STRATEGY, "MES").tracked] == (["a"] if kept else [])


@pytest.mark.parametrize("role", ["entry", "close", "stop"])
@pytest.mark.parametrize(("closers", "owned"), [((closer(),), 0), ((closer(1),), 2)])
def test_unknown_outcome_does_not_keep_what_was_closed_and_replaced(role: Any, closers: Any, owned: int) -> None:
    """An exit that goes ahead meanwhile would close what a stranger has opened since."""
    pending = Pending("c", "j", STRATEGY, "MES", role, since_ms=NOW_MS)
    state = of(book(2), roots=(root(2, NOW_MS, "p1", gone=True),), pending=(pending,))

    then = seen(state, *closers, position(3, "p2"))

    assert then.state.book(STRATEGY, "MES").owned == owned
    assert the_root(then).position_ids == (("p1",) if owned else ("p2",))
    assert the_root(then).baseline == (2 if owned else 3)
    assert then.unsettled == {"MES"}


def test_holding_that_has_only_changed_is_no_other() -> None:
    state = of(book(3), roots=(root(3, None, "p1"),))

    less = seen(state, closer(1), position(2, "p1"))
    more = seen(state, closer(3, "p0"), position(5, "p1"), position(1, "p2"))

    assert less.state.book(STRATEGY, "MES").owned == 2
    assert (more.state.book(STRATEGY, "MES").owned, more.unsettled) == (d(3), frozenset())


def test_own_close_and_own_entry_leave_what_the_entry_opened() -> None:
    """The fills explain all of it: nothing is taken off twice."""
    leaving, coming = tracked("out", "close"), tracked("in", "entry", 3)
    state = of(book(2, leaving, coming, entry_count=1), roots=(root(2, None, "p1"),))
    out = order("out", SELL, MARKET, 2, 2, status=FILLED, position_id="p1")
    entered = order("in", BUY, MARKET, 3, 3, status=FILLED, position_id="p2")

    then = seen(state, out, entered, position(3, "p2"))

    assert (then.state.book(STRATEGY, "MES").owned, then.unsettled) == (d(3), frozenset())


def test_other_books_keep_what_they_hold() -> None:
    def elsewhere(owned: int) -> Book:
        return book(owned, strategy="far", root="MNQ", entry_count=1)

    state = of(book(2), book(0, resting(), strategy="turn"), elsewhere(3), roots=(GONE, RootState("MNQ", d(3))))

    turned = seen(state, filled(), position(-2, "p2"), position(3, "n", symbol="MNQZ26"))

    assert turned.state.books == (elsewhere(3), book(-2, strategy="turn", entry_count=1))


def test_what_stays_unexplained_is_taken_as_reported_after_the_wait() -> None:
    since_ms = LATER_MS - SETTLE_MS
    state = of(book(2, resting(vanished_since_ms=since_ms)), roots=(root(2, since_ms, gone=True),))

    taken = seen(state)

    assert the_root(taken).baseline == 0
    assert [event.kind for event in taken.events] == ["drift"]
