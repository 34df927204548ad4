"""What a look at the broker says about our own orders: fills, positions, and whether report and ledger agree."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.commands import Bracket
from orderbridge.execution.bookkeeping import CLOCKS_MS, SETTLE_MS, Event, Observation, observe
from orderbridge.execution.held import FORGET_MS, held_of, holding_of
from orderbridge.execution.records import Book, LaneState, Pending, Protection, RootState, Tracked
from orderbridge.model import OrderStatus, PositionMode, Side
from orderbridge.strategy.goal import Holding
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
    REJECTED,
    SELL,
    STRATEGY,
    book,
    d,
    look,
    of,
    order,
    pair,
    position,
    tracked,
)

NETTING, HEDGING = PositionMode.NETTING, PositionMode.HEDGING


def base(baseline: int | str = 0, since_ms: int | None = None, *ids: str) -> RootState:
    return RootState("MES", d(baseline), since_ms, position_ids=ids)


def by_sum(state: LaneState, *shown: Any) -> Observation:
    return observe(state, look(*shown), NOW_MS, NETTING)


def by_position(state: LaneState, *shown: Any) -> Observation:
    return observe(state, look(*shown), NOW_MS, HEDGING)


def the_book(seen: Observation) -> Book:
    (found,) = seen.state.books
    return found


def entry(quantity: int = 2, **fields: Any) -> Tracked:
    return tracked("e", "entry", quantity, **fields)


def shown_entry(filled: int = 2, quantity: int = 2, **fields: Any) -> Any:
    status = FILLED if filled == quantity else OrderStatus.WORKING
    return order("e", BUY, MARKET, quantity, filled, **{"status": status, **fields})


# ---- fills


def test_fill_is_owned_counted_and_told_with_its_price() -> None:
    seen = by_sum(
        of(book(0, entry(), planned=(Protection(MES, BRACKET, "job"),))),
        shown_entry(2, average_price=d(5000)),
        position(2),
    )

    owning = the_book(seen)
    assert (owning.owned, owning.entry_count, owning.tracked) == (d(2), 1, ())
    assert owning.protection == Protection(MES, BRACKET, "job")
    assert owning.planned == ()
    (event,) = seen.events
    said = (event.kind, event.strategy, event.root, event.quantity, event.price)
    assert said == ("filled", STRATEGY, "MES", d(2), d(5000))
    assert event.tracked is not None
    assert event.tracked.order_id == "e"
    assert seen.unsettled == frozenset()
    assert seen.state.roots == (base(2, None, MES),)


def test_fill_of_a_closing_order_leaves_less() -> None:
    state = of(book(3, tracked("c", "close", 2)), roots=(base(3),))

    seen = by_sum(state, order("c", SELL, MARKET, 2, 2, status=FILLED), position(1))

    assert the_book(seen).owned == 1
    assert seen.state.roots == (base(1, None, MES),)


def test_part_is_booked_once_and_the_rest_when_it_fills() -> None:
    first = by_sum(of(book(0, entry(3))), shown_entry(1, 3), position(1))
    again = by_sum(first.state, shown_entry(1, 3), position(1))
    then = by_sum(again.state, shown_entry(3, 3), position(3))

    assert [the_book(one).owned for one in (first, again, then)] == [1, 1, 3]
    assert [the_book(one).entry_count for one in (first, again, then)] == [1, 1, 1]
    assert [event.quantity for event in then.events] == [2]
    assert the_book(first).tracked[0].booked == 1
    assert again.events == ()


def test_order_that_shows_is_followed_with_what_the_broker_says_of_it() -> None:
    state = of(book(0, entry(seen=False, status=OrderStatus.PLACING)))

    shown = shown_entry(0, parent_id="par", position_id="p")
    (followed,) = the_book(by_sum(state, shown)).tracked

    assert (followed.seen, followed.status, followed.parent_id) == (True, OrderStatus.WORKING, "par")
    assert followed.position_id is None, "nothing is filled yet, so it made no position"
    filled = the_book(by_sum(state, shown_entry(1, position_id="p"), position(1))).tracked[0]
    assert filled.position_id == "p"


def test_what_was_known_of_an_order_stays_known() -> None:
    state = of(book(1, entry(booked=1, parent_id="par", position_id="p")), roots=(base(1),))

    (followed,) = the_book(by_sum(state, shown_entry(1), position(1))).tracked

    assert (followed.parent_id, followed.position_id) == ("par", "p")


@pytest.mark.parametrize(("status", "kind"), [(REJECTED, "rejected"), (CANCELLED, "cancelled")])
def test_end_without_a_fill_is_told_once_in_the_brokers_words(status: OrderStatus, kind: str) -> None:
    state = of(book(1, entry(), tracked("other", "stop", 1)), roots=(base(1),))
    others = (order("other", quantity=1), position(1))

    seen = by_sum(state, shown_entry(0, status=status, message="no funds", native_status="REJ"), *others)
    again = by_sum(seen.state, shown_entry(0, status=status), *others)

    assert [(event.kind, event.message) for event in seen.events] == [(kind, "no funds")]
    assert [one.order_id for one in the_book(seen).tracked] == ["other"]
    assert again.events == ()


def test_end_without_a_message_is_told_by_the_brokers_own_status() -> None:
    seen = by_sum(of(book(0, entry())), shown_entry(0, status=REJECTED, native_status="REJ"))

    assert [event.message for event in seen.events] == ["REJ"]


@pytest.mark.parametrize(
    ("role", "status", "count"), [("stop", REJECTED, 1), ("stop", CANCELLED, 0), ("target", REJECTED, 0)]
)
def test_rejected_stops_are_counted(role: Any, status: OrderStatus, count: int) -> None:
    state = of(book(2, tracked("x", role), wants=BRACKET), roots=(base(2),))

    wanted = the_book(by_sum(state, order("x", status=status), position(2))).protection

    assert wanted is not None
    assert wanted.rejections == count


def test_further_entry_keeps_the_bracket_unless_it_brings_its_own() -> None:
    state = of(book(1, entry(job_id="j2"), wants=BRACKET, entry_count=1), roots=(base(1),))
    new = Protection(MES, Bracket(stop_loss=d(1)), "j2")

    kept = the_book(by_sum(state, shown_entry(2), position(3)))
    changed = the_book(
        by_sum(of(replace(state.books[0], planned=(new,)), roots=state.roots), shown_entry(2), position(3))
    )

    assert kept.protection == Protection(MES, BRACKET, "job")
    assert kept.entry_count == 2
    assert changed.protection == new


def test_entry_into_nothing_without_a_bracket_wants_none() -> None:
    left_over = of(book(0, entry(), wants=BRACKET))

    assert the_book(by_sum(left_over, shown_entry(2), position(2))).protection is None


def test_rest_of_an_entry_brings_its_bracket_again_once_its_first_part_has_been_closed() -> None:
    """The stop has closed the part; another entry without one may have filled meanwhile, and has no bracket to give."""
    bare = tracked("e2", "entry", 1, job_id="j2")
    stop = tracked("s", "stop", 1)
    state = of(book(0, entry(3), bare, stop, planned=(Protection(MES, BRACKET, "job"),)))
    stopped = order("s", filled=1, quantity=1, status=FILLED)
    rests, fills = order("e2", BUY, LIMIT, 1), order("e2", BUY, LIMIT, 1, 1, status=FILLED)

    first = by_sum(state, shown_entry(1, 3), rests, order("s", quantity=1), position(1))
    closed = by_sum(first.state, shown_entry(1, 3), rests, stopped)
    between = by_sum(closed.state, shown_entry(1, 3), fills, position(1))
    last = the_book(by_sum(between.state, shown_entry(3, 3), position(3)))
    at_once = the_book(by_sum(closed.state, shown_entry(3, 3), rests, position(2)))

    assert the_book(between).protection is None
    assert last.protection == at_once.protection == Protection(MES, BRACKET, "job")
    assert last.planned == ()


def test_rest_of_an_entry_does_not_outrank_what_a_later_entry_brought() -> None:
    new = Protection(MES, Bracket(stop_loss=d(1)), "j2")
    resting = (Protection(MES, BRACKET, "job"), new)
    state = of(book(0, entry(3), tracked("e2", "entry", 1, job_id="j2"), planned=resting))

    first = by_sum(state, shown_entry(1, 3), order("e2", BUY, LIMIT, 1), position(1))
    second = by_sum(first.state, shown_entry(1, 3), order("e2", BUY, LIMIT, 1, 1, status=FILLED), position(2))
    last = by_sum(second.state, shown_entry(3, 3), position(4))

    assert [the_book(seen).protection for seen in (first, second, last)] == [resting[0], new, new]


def test_bracket_of_another_entry_stays_planned() -> None:
    other = Protection(MES, BRACKET, "j9")
    state = of(book(0, entry(), tracked("e9", "entry", job_id="j9"), planned=(other,)))

    owning = the_book(by_sum(state, shown_entry(2), order("e9", BUY, LIMIT), position(2)))

    assert owning.planned == (other,)
    assert owning.protection is None


def test_bracket_of_an_entry_that_ended_is_planned_no_more() -> None:
    state = of(book(1, entry(), planned=(Protection(MES, BRACKET, "job"),)), roots=(base(1),))

    assert the_book(by_sum(state, shown_entry(0, status=CANCELLED), position(1))).planned == ()


def test_bracket_of_an_entry_that_is_unknown_stays_planned() -> None:
    plan = Protection(MES, BRACKET, "job")

    def seen(**fields: Any) -> tuple[Protection, ...]:
        pending = Pending(
            **{"command_id": "c", "job_id": "j", "strategy": STRATEGY, "root": "MES", "role": "entry", **fields}
        )
        return the_book(by_sum(of(book(1, planned=(plan,)), roots=(base(1),), pending=(pending,)), position(1))).planned

    assert seen() == (plan,)
    assert seen(role="close") == ()
    assert seen(strategy="other") == ()
    assert seen(root="MNQ") == ()


# ---- agreement, where fills net


def test_fill_that_the_position_does_not_show_yet_is_waited_for() -> None:
    seen = by_sum(of(book(0, entry())), shown_entry(2))

    assert seen.unsettled == {"MES"}
    assert seen.state.roots == (base(2, NOW_MS),)
    assert the_book(seen).owned == 2
    assert [event.kind for event in seen.events] == ["filled"]


def test_order_that_is_not_shown_yet_is_waited_for() -> None:
    seen = by_sum(of(book(0, entry(seen=False, placed_at_ms=NOW_MS))))

    assert seen.unsettled == {"MES"}
    assert seen.state.roots == (base(0, NOW_MS),)


def test_position_may_show_before_its_order() -> None:
    seen = by_sum(of(book(0, entry(seen=False, placed_at_ms=NOW_MS))), position(2))

    assert seen.unsettled == {"MES"}


@pytest.mark.parametrize(("waited_ms", "believed"), [(SETTLE_MS - 1, False), (SETTLE_MS, True)])
def test_broker_is_believed_after_ten_seconds(waited_ms: int, believed: bool) -> None:
    state = of(book(2), roots=(base(2, NOW_MS - waited_ms),))

    seen = by_sum(state, position(5))

    assert (seen.unsettled == frozenset()) is believed
    assert seen.state.roots == ((base(5, None, MES),) if believed else (base(2, NOW_MS - waited_ms),))
    assert [(event.kind, event.root, event.quantity) for event in seen.events] == (
        [("drift", "MES", d(3))] if believed else []
    )


def test_wait_ends_when_both_agree() -> None:
    state = of(book(2), roots=(base(2, NOW_MS - 3_000),))

    seen = by_sum(state, position(2))

    assert (seen.unsettled, seen.state.roots, seen.events) == (frozenset(), (base(2, None, MES),), ())


def test_what_others_do_is_taken_as_it_is_while_nothing_of_ours_works() -> None:
    seen = by_sum(of(book(2), roots=(base(2),)), position(5))

    assert seen.unsettled == frozenset()
    assert seen.state.roots == (base(5, None, MES),)
    assert the_book(seen).owned == 2
    assert seen.events == ()


def test_difference_while_an_order_of_ours_works_is_waited_for() -> None:
    state = of(book(2, tracked("st", "stop")), roots=(base(2),))

    seen = by_sum(state, order("st"), position(1))

    assert seen.unsettled == {"MES"}


@pytest.mark.parametrize(
    ("side", "shown", "waits"), [(BUY, 1, False), (BUY, 3, True), (SELL, 1, True), (SELL, 3, False)]
)
def test_difference_that_no_working_order_of_ours_can_have_made_is_not_waited_for(
    side: Side, shown: int, waits: bool
) -> None:
    state = of(book(2, tracked("r", "entry", side=side)), roots=(base(2),))

    seen = by_sum(state, order("r", side, LIMIT), position(shown))

    assert (seen.unsettled == {"MES"}) is waits
    assert waits or the_book(seen).owned == min(2, shown)


def test_order_of_another_root_that_works_does_not_make_one_wait() -> None:
    other = book(0, tracked("x", "entry", symbol="MNQZ26"), root="MNQ")
    state = of(book(2), other, roots=(base(2),))

    seen = by_sum(state, order("x", BUY, LIMIT, symbol="MNQZ26"), position(1))

    assert seen.unsettled == frozenset()


def test_books_cannot_own_more_than_is_held() -> None:
    assert the_book(by_sum(of(book(3, wants=BRACKET), roots=(base(3),)), position(1))).owned == 1
    assert the_book(by_sum(of(book(-3, wants=BRACKET), roots=(base(-3),)), position(-1))).owned == -1
    assert by_sum(of(book(3), roots=(base(3),)), position(-1)).state.books == ()
    assert by_sum(of(book(-3), roots=(base(-3),)), position(1)).state.books == ()


def test_unknown_command_keeps_its_root_unsettled_without_an_end() -> None:
    pending = Pending("c", "j", STRATEGY, "MES", "entry")
    state = of(book(2), roots=(base(2, NOW_MS - 60_000),), pending=(pending,))

    seen = by_sum(state, position(5))

    assert seen.unsettled == {"MES"}
    assert seen.state.roots == (base(2, NOW_MS - 60_000),)
    assert seen.events == ()


def test_wait_for_an_unknown_command_begins_now() -> None:
    pending = Pending("c", "j", STRATEGY, "MES", "entry")

    seen = by_sum(of(book(2), roots=(base(2),), pending=(pending,)), position(2))

    assert seen.state.roots == (base(2, NOW_MS),)


@pytest.mark.parametrize(
    ("role", "age_ms", "kept"),
    [
        ("entry", FORGET_MS - 1, True),
        ("entry", FORGET_MS, False),
        ("close", FORGET_MS - 1, True),
        ("stop", SETTLE_MS - 1, True),
        ("stop", SETTLE_MS, False),
        ("target", SETTLE_MS, False),
    ],
)
def test_order_that_is_never_shown_is_counted_on_for_its_time(role: Any, age_ms: int, kept: bool) -> None:
    unseen = tracked("x", role, seen=False, status=OrderStatus.PLACING, placed_at_ms=NOW_MS - age_ms)
    state = of(book(2, unseen, wants=BRACKET), roots=(base(2, NOW_MS - SETTLE_MS),))

    seen = by_sum(state, position(2))

    assert bool(the_book(seen).tracked) is kept


def test_orders_of_other_roots_are_not_forgotten_with_it() -> None:
    unseen = tracked("x", "stop", seen=False, placed_at_ms=NOW_MS - FORGET_MS, symbol="MNQZ26")
    state = of(book(2), book(1, unseen, root="MNQ"), roots=(base(2, NOW_MS - SETTLE_MS), RootState("MNQ", d(1))))

    seen = by_sum(state, position(2), position(1, symbol="MNQZ26"))

    assert [one.order_id for book_ in seen.state.books for one in book_.tracked] == ["x"]


# ---- what is kept


def test_flat_book_starts_afresh_and_an_empty_one_is_dropped() -> None:
    ended = book(0, wants=BRACKET, entry_count=2, unprotected_since_ms=5, position_ids=("p",))

    assert by_sum(of(ended)).state.books == ()
    kept = the_book(by_sum(of(replace(ended, chain_job="a"))))
    assert (kept.protection, kept.entry_count, kept.unprotected_since_ms, kept.position_ids) == (None, 0, None, ())


def test_flat_book_with_an_entry_under_way_keeps_what_it_wants() -> None:
    waiting = book(0, entry(), wants=BRACKET, entry_count=1)

    assert the_book(by_sum(of(waiting), shown_entry(0))).protection == Protection(MES, BRACKET, "job")


def test_books_and_roots_stand_in_order_and_only_where_something_is() -> None:
    books = (book(1, strategy="z"), book(1, strategy="a", root="MNQ"), book(1, strategy="a"))
    roots = (RootState("MES", d(2)), RootState("MNQ", d(1)), RootState("ES", d(0)), RootState("YM", d(4)))

    state = by_sum(
        of(*books, roots=roots), position(2), position(1, symbol="MNQZ26"), position(4, symbol="YMZ26")
    ).state

    assert [(one.strategy, one.root) for one in state.books] == [("a", "MES"), ("a", "MNQ"), ("z", "MES")]
    assert [root.root for root in state.roots] == ["MES", "MNQ", "YM"]


def test_root_of_an_unknown_command_is_kept_though_nothing_is_held() -> None:
    pending = Pending("c", "j", STRATEGY, "MES", "entry")

    assert [root.root for root in by_sum(of(pending=(pending,), roots=(base(),))).state.roots] == ["MES"]


# ---- closes whose answers name no order


def nameless(**fields: Any) -> Tracked:
    known = {"command_id": "k", "side": SELL, "position_id": "p1", "placed_at_ms": NOW_MS - 500, "seen": False}
    return tracked("close-of:k", "close", 2, **{**known, **fields})


def closing(name: str = "new", **fields: Any) -> Any:
    known = {"side": SELL, "status": FILLED, "position_id": "p1", "placed_at_ms": NOW_MS - 400, "filled": 2}
    return order(name, kind=MARKET, **{**known, **fields})


def test_close_is_found_by_position_side_and_quantity() -> None:
    state = of(book(3, nameless()), roots=(base(3),))

    seen = by_sum(state, closing(), position(1, "p1"))

    assert the_book(seen).owned == 1
    assert the_book(seen).tracked == ()


@pytest.mark.parametrize(
    "other",
    [
        {"position_id": "p2"},
        {"side": BUY},
        {"quantity": 3},
        {"sibling_ids": ("tp",)},
        {"placed_at_ms": NOW_MS - 500 - CLOCKS_MS - 1},
        {"status": CANCELLED, "filled": 0},
    ],
)
def test_order_that_differs_is_not_taken_for_the_close(other: dict[str, Any]) -> None:
    state = of(book(3, nameless()), roots=(base(3),))

    assert the_book(by_sum(state, closing(**other), position(3, "p1"))).tracked[0].nameless


@pytest.mark.parametrize(
    "alike",
    [
        {"placed_at_ms": NOW_MS - 500 - CLOCKS_MS},
        {"status": CANCELLED, "filled": 1},
        {"status": OrderStatus.WORKING, "filled": 0},
    ],
)
def test_order_that_works_or_has_filled_is_taken_for_the_close(alike: dict[str, Any]) -> None:
    state = of(book(3, nameless(), tracked("st", "stop")), roots=(base(3),))

    seen = by_sum(state, closing(**alike), order("st"), position(2, "p1"))

    assert not any(one.nameless for one in the_book(seen).tracked)


def test_order_from_before_or_of_another_command_is_not_taken_for_the_close() -> None:
    before = of(book(3, nameless(lookalikes=("new",))), roots=(base(3),))
    claimed = of(book(3, nameless(), tracked("new", "close")), roots=(base(3),))

    assert the_book(by_sum(before, closing(), position(3, "p1"))).tracked[0].nameless
    assert the_book(by_sum(claimed, closing(), position(1, "p1"))).tracked[0].nameless


def test_two_closes_alike_take_two_orders() -> None:
    second = nameless(command_id="k2", order_id="close-of:k2")
    state = of(book(5, nameless(), second), roots=(base(5),))

    assert the_book(by_sum(state, closing("n1"), closing("n2"), position(1, "p1"))).owned == 1
    one_left = the_book(by_sum(state, closing("n1"), position(3, "p1")))
    assert [one.order_id for one in one_left.tracked] == ["close-of:k2"]


def test_close_is_waited_for_while_its_position_is_listed_and_no_longer() -> None:
    """Its row may be late, and there may be none in the end."""
    state = of(book(2, nameless()), roots=(base(2, None, "p1"),))

    listed = by_sum(state, position(2, "p1"))
    gone = by_sum(state)

    assert listed.unsettled == {"MES"}
    assert (the_book(listed).owned, the_book(listed).tracked) == (d(2), (nameless(),))
    assert (gone.unsettled, gone.state.books, gone.events) == (frozenset(), (), ())


# ---- where each fill is a position of its own


def fx(owned: int = 0, *followed: Tracked, **fields: Any) -> Book:
    return book(owned, *followed, root="EURUSD", **fields)


def fx_entry(name: str = "e", **fields: Any) -> Tracked:
    return tracked(name, "entry", symbol=EURUSD, **fields)


def fx_shown(name: str = "e", position_id: str | None = "p1", **fields: Any) -> Any:
    known = {"side": BUY, "status": FILLED, "filled": 2, "symbol": EURUSD, "position_id": position_id}
    return order(name, kind=MARKET, **{**known, **fields})


def test_position_that_an_entry_opened_is_the_books() -> None:
    seen = by_position(of(fx(0, fx_entry())), fx_shown(), pair(2, "p1"), pair(5, "foreign"))

    assert (the_book(seen).owned, the_book(seen).position_ids) == (d(2), ("p1",))
    assert the_book(seen).tracked == ()
    assert seen.state.roots == (RootState("EURUSD", d(7)),)
    assert seen.unsettled == frozenset()


def test_positions_stand_oldest_first() -> None:
    state = of(fx(2, fx_entry(), position_ids=("p2",)))

    seen = by_position(state, fx_shown(), pair(2, "p2", 20), pair(2, "p1", 10))

    assert the_book(seen).position_ids == ("p1", "p2")
    assert the_book(seen).owned == 4


def test_position_that_is_gone_is_owned_no_more() -> None:
    seen = by_position(of(fx(4, position_ids=("p1", "p2"), wants=BRACKET)), pair(1, "p2"))

    assert (the_book(seen).owned, the_book(seen).position_ids) == (d(1), ("p2",))


def test_fill_whose_position_is_not_shown_yet_counts_and_is_followed() -> None:
    seen = by_position(of(fx(0, fx_entry())), fx_shown(), pair(5, "foreign"))
    short = by_position(of(fx(0, fx_entry(side=SELL))), fx_shown(side=SELL))

    assert the_book(seen).owned == 2
    assert the_book(short).owned == -2
    assert seen.unsettled == {"EURUSD"}
    assert [one.order_id for one in the_book(seen).tracked] == ["e"]
    assert seen.state.roots == (RootState("EURUSD", d(5), NOW_MS),)


def test_fill_whose_position_was_closed_meanwhile_is_gone() -> None:
    closed = order("x", SELL, MARKET, status=FILLED, filled=2, symbol=EURUSD, position_id="p1", effect="close")

    seen = by_position(of(fx(0, fx_entry())), fx_shown(), closed)

    assert seen.state.books == ()
    assert seen.unsettled == frozenset()


@pytest.mark.parametrize(
    "other", [{"effect": "open"}, {"filled": 0, "status": OrderStatus.WORKING}, {"position_id": "p9"}]
)
def test_order_that_closed_nothing_does_not_make_a_fill_gone(other: dict[str, Any]) -> None:
    known = {"status": FILLED, "filled": 2, "symbol": EURUSD, "position_id": "p1", "effect": "close"}
    beside = order("x", SELL, MARKET, **{**known, **other})

    assert by_position(of(fx(0, fx_entry())), fx_shown(), beside).unsettled == {"EURUSD"}


@pytest.mark.parametrize(("waited_ms", "believed"), [(SETTLE_MS - 1, False), (SETTLE_MS, True)])
def test_position_that_never_shows_is_given_up_after_ten_seconds(waited_ms: int, believed: bool) -> None:
    state = of(
        fx(2, fx_entry(booked=2, status=FILLED, position_id="p1"), chain_job="a"),
        roots=(RootState("EURUSD", d(0), NOW_MS - waited_ms),),
    )

    seen = by_position(state, fx_shown())

    assert the_book(seen).owned == (0 if believed else 2)
    assert bool(the_book(seen).tracked) is not believed
    assert [event.kind for event in seen.events] == (["drift"] if believed else [])
    assert (seen.unsettled == frozenset()) is believed


def test_giving_up_keeps_the_positions_that_are_shown_and_what_still_works() -> None:
    works = tracked("w", "entry", symbol=EURUSD)
    state = of(
        fx(4, fx_entry(booked=2, status=FILLED), works, position_ids=("p2",)),
        roots=(RootState("EURUSD", d(0), NOW_MS - SETTLE_MS),),
    )

    seen = by_position(state, fx_shown(), order("w", BUY, LIMIT, symbol=EURUSD), pair(2, "p2"))

    assert the_book(seen).owned == 2
    assert [one.order_id for one in the_book(seen).tracked] == ["w"]


def test_wait_for_one_root_does_not_end_with_another() -> None:
    gold = book(0, tracked("g", "entry", symbol="XAUUSD", booked=2, status=FILLED), root="XAUUSD")
    state = of(fx(2, fx_entry(booked=2, status=FILLED)), gold, roots=(RootState("XAUUSD", d(0), NOW_MS - SETTLE_MS),))

    seen = by_position(state, fx_shown(), order("g", BUY, MARKET, filled=2, status=FILLED, symbol="XAUUSD"))

    assert seen.unsettled == {"EURUSD"}
    assert [event.root for event in seen.events if event.kind == "drift"] == ["XAUUSD"]


# ---- an entry that worked and is listed no more


def gone(ago_ms: int | None = None, **fields: Any) -> Tracked:
    since = None if ago_ms is None else NOW_MS - ago_ms
    return tracked("r", "entry", symbol=EURUSD, vanished_since_ms=since, **fields)


@pytest.mark.parametrize("mode", [NETTING, HEDGING])
def test_entry_that_vanished_is_waited_for_and_followed(mode: PositionMode) -> None:
    seen = observe(of(fx(0, gone())), look(), NOW_MS, mode)

    assert seen.unsettled == {"EURUSD"}
    assert the_book(seen).tracked == (gone(0),)


@pytest.mark.parametrize("mode", [NETTING, HEDGING])
@pytest.mark.parametrize(("ago_ms", "waited"), [(SETTLE_MS - 1, True), (SETTLE_MS, False)])
def test_vanished_entry_is_waited_for_ten_seconds_and_followed_on(
    mode: PositionMode, ago_ms: int, waited: bool
) -> None:
    seen = observe(of(fx(0, gone(ago_ms)), roots=(RootState("EURUSD", d(0), NOW_MS - ago_ms),)), look(), NOW_MS, mode)

    assert bool(seen.unsettled) is waited
    assert the_book(seen).tracked == (gone(ago_ms),)
    assert seen.events == ()


def test_vanished_entry_that_shows_is_booked_and_vanished_no_more() -> None:
    working = by_position(of(fx(0, gone(5_000))), order("r", BUY, LIMIT, symbol=EURUSD))
    filled = by_position(
        of(fx(0, gone(5_000))),
        order("r", BUY, LIMIT, filled=2, status=FILLED, symbol=EURUSD, position_id="p1"),
        pair(2, "p1"),
    )

    assert the_book(working).tracked == (gone(),)
    assert (the_book(filled).owned, the_book(filled).tracked) == (d(2), ())
    assert filled.unsettled == frozenset()


@pytest.mark.parametrize(
    "other", [tracked("r", "stop"), tracked("r", "close"), tracked("r", "entry", status=CANCELLED)]
)
def test_only_entries_that_worked_vanish(other: Tracked) -> None:
    seen = by_sum(of(book(2, other, wants=BRACKET), roots=(base(2),)), position(2))

    assert all(one.vanished_since_ms is None for one in the_book(seen).tracked)
    assert seen.unsettled == frozenset()


@pytest.mark.parametrize("mode", [NETTING, HEDGING])
def test_wait_for_another_order_does_not_end_that_for_one_that_vanished_later(mode: PositionMode) -> None:
    """Found by the simulation: two strategies share a symbol, and the first one's fill had been waited for long."""
    first = fx(2, fx_entry(booked=2, status=FILLED, position_id="p1"), strategy="other")
    state = of(fx(0, gone(1_000)), first, roots=(RootState("EURUSD", d(2), NOW_MS - SETTLE_MS),))

    seen = observe(state, look(fx_shown()), NOW_MS, mode)

    assert seen.unsettled == {"EURUSD"}
    assert seen.state.roots == (RootState("EURUSD", d(2) if mode is NETTING else d(0), NOW_MS - 1_000),)
    assert [event.kind for event in seen.events] == []


@pytest.mark.parametrize("mode", [NETTING, HEDGING])
def test_fill_is_given_all_the_time_to_show_its_position(mode: PositionMode) -> None:
    state = of(fx(0, fx_entry()), roots=(RootState("EURUSD", d(0), NOW_MS - SETTLE_MS),))

    seen = observe(state, look(fx_shown()), NOW_MS, mode)

    assert seen.unsettled == {"EURUSD"}
    assert the_book(seen).owned == 2
    assert seen.state.root("EURUSD").unsettled_since_ms == NOW_MS


def test_fill_of_another_root_does_not_lengthen_the_wait() -> None:
    gold = book(0, tracked("g", "entry", symbol="XAUUSD"), root="XAUUSD")
    filled = order("g", BUY, MARKET, filled=2, status=FILLED, symbol="XAUUSD")
    state = of(fx(2, fx_entry(booked=2, status=FILLED)), gold, roots=(RootState("EURUSD", d(0), NOW_MS - SETTLE_MS),))

    assert by_position(state, fx_shown(), filled).unsettled == {"XAUUSD"}


# ---- what is held


def test_held_is_the_signed_sum_of_the_root() -> None:
    positions = (position(3), position(-1, symbol="MESH27"), position(9, symbol="MNQZ26"))

    assert held_of(positions, "MES") == 2


def holding(state: LaneState, *shown: Any, mode: PositionMode = NETTING) -> Holding:
    root = "MES" if mode is NETTING else "EURUSD"
    return holding_of(state, look(*shown), STRATEGY, root, mode)


def test_orders_of_the_root_are_told_apart_by_whose_they_are() -> None:
    mine = book(2, tracked("e", "entry"), tracked("st", "stop"))
    other = book(1, tracked("o", "entry"), strategy="other")
    orders = (
        order("e", BUY, LIMIT),
        order("st"),
        order("child", parent_id="e"),
        order("o", BUY, LIMIT),
        order("hand", BUY, LIMIT),
        order("done", BUY, LIMIT, status=FILLED),
        order("far", BUY, LIMIT, symbol="MNQZ26"),
    )

    given = holding(of(mine, other, roots=(base(3),)), *orders, position(3), position(1, symbol="MNQZ26"))

    assert [one.id for one in given.entries] == ["e"]
    assert [one.id for one in given.exits] == ["st", "child"]
    assert [one.id for one in given.foreign] == ["hand"]
    assert (given.held, given.owned) == (d(3), d(2))
    assert [one.symbol for one in given.positions] == [MES]


def test_closes_of_people_stand_beside_what_a_strategy_holds() -> None:
    ann = book(0, tracked("out", "close"), tracked("wrong", "close"), tracked("st", "stop"), strategy="panel:ann")
    other = book(1, tracked("theirs", "close"), strategy="other")
    orders = (order("out", kind=LIMIT), order("wrong", BUY, LIMIT), order("st"), order("theirs", kind=LIMIT))
    state = of(book(2), ann, other, roots=(base(3),))

    assert [one.id for one in holding(state, *orders, position(3)).people] == ["out"]
    assert [one.id for one in holding(state, *orders, position(-3)).people] == ["wrong"]
    assert holding_of(state, look(*orders, position(3)), "panel:ann", "MES", NETTING).people == ()


def test_unsettled_report_is_held_as_the_ledger_has_it() -> None:
    state = of(book(2), roots=(base(2, NOW_MS),))

    assert holding(state, position(1)).held == 2
    pending = Pending("c", "j", "other", "MES", "close")
    assert holding(replace(state, pending=(pending,)), position(1)).held == 1, "what it did shows here first"
    assert holding(replace(state, pending=(replace(pending, root="MNQ"),)), position(1)).held == 2


def test_unknown_commands_of_the_strategy_are_counted() -> None:
    pending = (
        Pending("c1", "j", STRATEGY, "MES", "entry", d(2)),
        Pending("c2", "j", STRATEGY, "MES", "entry", d(-1)),
        Pending("c3", "j", STRATEGY, "MES", "close"),
        Pending("c4", "j", "other", "MES", "entry", d(7)),
        Pending("c5", "j", STRATEGY, "MNQ", "entry", d(7)),
        Pending("c6", "j", STRATEGY, "MES", "stop"),
    )

    given = holding(of(book(0), pending=pending))

    assert (given.unknown_entries, given.unknown_exits, given.entry_count) == (d(1), 1, 2)


def test_entries_are_counted_once_each() -> None:
    working = (order("e", BUY, LIMIT), order("f", BUY, LIMIT, filled=1))
    following = book(3, tracked("e", "entry"), tracked("f", "entry", booked=1), entry_count=2)

    assert holding(of(following, roots=(base(3),)), *working, position(3)).entry_count == 3


@pytest.mark.parametrize(
    ("hidden", "unknown", "count"),
    [
        ({"vanished_since_ms": NOW_MS - FORGET_MS + 1}, 2, 1),
        ({"vanished_since_ms": NOW_MS - FORGET_MS}, 0, 0),
        ({"vanished_since_ms": NOW_MS, "side": SELL, "quantity": d(3)}, -3, 1),
        ({"vanished_since_ms": NOW_MS, "booked": d("0.5")}, "1.5", 0),
        ({"seen": False, "status": OrderStatus.PLACING}, 2, 1),
        ({"role": "stop", "vanished_since_ms": NOW_MS}, 0, 0),
        ({"status": FILLED, "booked": d(2)}, 0, 0),
    ],
)
def test_entry_that_no_list_shows_counts_as_unknown(hidden: dict[str, Any], unknown: int | str, count: int) -> None:
    given = holding(of(book(0, replace(tracked("h", "entry"), **hidden))))

    assert (given.unknown_entries, given.entry_count) == (d(unknown), count)


def test_entry_that_is_listed_is_not_unknown() -> None:
    followed = book(0, tracked("e", "entry", seen=False), tracked("f", "entry", vanished_since_ms=NOW_MS))

    given = holding(of(followed), order("e", BUY, LIMIT), order("f", BUY, LIMIT))

    assert (given.unknown_entries, given.entry_count) == (d(0), 2)


def test_hedged_holding_is_of_the_books_own_side_and_never_less_than_it_owns() -> None:
    positions = (pair(2, "own"), pair(1, "foreign"), pair(-4, "short"))

    assert holding(of(fx(2, position_ids=("own",))), *positions, mode=HEDGING).held == 3
    assert holding(of(fx(-4, position_ids=("short",))), *positions, mode=HEDGING).held == -4
    assert holding(of(), *positions, mode=HEDGING).held == -1
    assert holding(of(fx(5)), pair(2, "own"), mode=HEDGING).held == 5
    assert holding(of(fx(-5)), pair(-2, "own"), mode=HEDGING).held == -5


def test_own_positions_stand_first_and_oldest_first() -> None:
    positions = (pair(1, "foreign", 1), pair(1, "b", 20), pair(1, "a", 20), pair(1, "old", 10))

    given = holding(of(fx(3, position_ids=("a", "b", "old"))), *positions, mode=HEDGING)

    assert [one.id for one in given.positions] == ["old", "a", "b", "foreign"]


def test_exits_of_own_positions_are_the_books() -> None:
    stop = order("st", symbol=EURUSD, position_id="p1", parent_id="p1", parent_type="position")

    given = holding(of(fx(2, position_ids=("p1",))), stop, pair(2, "p1"), mode=HEDGING)

    assert [one.id for one in given.exits] == ["st"]


def test_drift_of_a_hedged_root_names_the_root_alone() -> None:
    state = of(fx(2, fx_entry(booked=2, status=FILLED)), roots=(RootState("EURUSD", d(0), NOW_MS - SETTLE_MS),))

    assert by_position(state, fx_shown()).events == (Event("drift", "", "EURUSD"),)


def test_exit_of_an_entry_that_rests_is_held_as_waiting_though_the_broker_lists_it_as_open() -> None:
    state = of(book(2, entry(), tracked("st", "stop"), tracked("own", "stop", job_id="care")), roots=(base(2),))
    resting, stops = order("e", BUY, LIMIT), (order("st"), order("own"), order("linked", parent_id="e"))

    def statuses(parent: Any) -> dict[str, OrderStatus]:
        holding = holding_of(state, look(parent, *stops, position(2)), STRATEGY, "MES", NETTING)
        return {one.id: one.status for one in holding.exits}

    waiting, works = OrderStatus.INACTIVE, OrderStatus.WORKING
    assert statuses(resting) == {"st": waiting, "own": works, "linked": waiting}
    for begun in (replace(resting, filled_quantity=d(1)), replace(resting, status=FILLED)):
        assert statuses(begun) == {"st": works, "own": works, "linked": works}
