"""Books of what people hold by hand: what is taken over, what is armed, what is handed back."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.commands import Bracket
from orderbridge.execution.hand_books import (
    adopted,
    armed,
    base_of,
    bracket_of,
    entry_book,
    exits_of,
    followers_of,
    handed_over,
    owners_of,
    panel_book,
    reworded,
)
from orderbridge.execution.records import Book, LaneState, Pending, Protection, RootState, Tracked, by_hand
from orderbridge.execution.session import CLOCKS_MS
from orderbridge.model import OrderType
from orderbridge.strategy.goal import Holding
from tests.unit.execution.cases import (
    BRACKET,
    BUY,
    FILLED,
    INACTIVE,
    LIMIT,
    MARKET,
    MES,
    NOW_MS,
    SELL,
    TRADESTATION,
    WORKING,
    book,
    d,
    held,
    look,
    of,
    order,
    position,
    tracked,
)

ANNA = panel_book("anna")
OWN = f"{ANNA}#0123456789ab"
HELD = position(2)
STAND = (
    order("st", stop_price=d(5), sibling_ids=("tp",)),
    order("tp", kind=LIMIT, limit_price=d(9), sibling_ids=("st",)),
)


def mine(owned: int = 2, *followed: Tracked, **fields: Any) -> Book:
    return book(owned, *followed, **{"strategy": ANNA, **fields})


def the(state: LaneState, strategy: str = ANNA) -> Book:
    return state.book(strategy, "MES")


def test_books_are_named_for_the_user_and_the_entry() -> None:
    assert by_hand(ANNA)
    assert not by_hand("trend")
    assert entry_book(ANNA, "0123456789abcdef") == OWN
    assert entry_book(OWN, "fedcba9876543210") == f"{ANNA}#fedcba987654"
    assert base_of(OWN) == base_of(ANNA) == ANNA


# ---- the exits of a position


@pytest.mark.parametrize(
    ("shown", "plain", "with_closes"),
    [
        (order("x"), True, True),
        (order("x", kind=OrderType.STOP_LIMIT), True, True),
        (order("x", kind=OrderType.TRAILING_STOP), True, True),
        (order("x", kind=LIMIT, parent_id="e"), True, True),
        (order("x", kind=LIMIT, sibling_ids=("y",)), True, True),
        (order("x", kind=LIMIT, effect="close"), False, True),
        (order("x", kind=LIMIT), False, False),
        (order("x", effect="open"), False, False),
        (order("x", side=BUY), False, False),
        (order("x", symbol="MNQZ26"), False, False),
        (order("x", status=INACTIVE), False, False),
        (order("x", status=FILLED), False, False),
    ],
)
def test_order_of_a_stranger_is_an_exit_by_what_it_is(shown: Any, plain: bool, with_closes: bool) -> None:
    assert bool(exits_of(LaneState(), look(shown), HELD)) is plain
    assert bool(exits_of(LaneState(), look(shown), HELD, closing=True)) is with_closes


@pytest.mark.parametrize(
    ("role", "plain", "with_closes"),
    [("stop", True, True), ("target", True, True), ("close", False, True), ("entry", False, False)],
)
def test_order_that_is_followed_is_what_it_was_sent_for(role: Any, plain: bool, with_closes: bool) -> None:
    state = of(mine(2, tracked("x", role)))
    shown = look(order("x", kind=LIMIT))

    assert bool(exits_of(state, shown, HELD)) is plain
    assert bool(exits_of(state, shown, HELD, closing=True)) is with_closes


def test_exit_of_an_entry_that_rests_protects_no_position() -> None:
    state = of(book(2, tracked("in", "entry"), tracked("st", "stop"), tracked("mine", "stop", job_id="other")))
    resting = order("in", BUY, LIMIT)
    shown = (resting, order("st"), order("mine"), order("linked", parent_id="in"))

    assert [one.id for one in exits_of(state, look(HELD, *shown), HELD)] == ["mine"]
    part = (replace(resting, filled_quantity=d(1)), *shown[1:])
    assert [one.id for one in exits_of(state, look(HELD, *part), HELD)] == ["st", "mine", "linked"]


def test_exits_amount_to_their_first_stop_and_target() -> None:
    later = (order("s2", stop_price=d(1)), order("t2", kind=LIMIT, limit_price=d(2)))

    assert bracket_of((*STAND, *later)) == Bracket(stop_loss=d(5), take_profit=d(9))
    assert bracket_of(STAND[:1]) == Bracket(stop_loss=d(5))
    assert bracket_of(STAND[1:]) == Bracket(take_profit=d(9))
    assert bracket_of(()) == Bracket()


def test_exits_of_other_kinds_keep_their_kind() -> None:
    limited = order("s", kind=OrderType.STOP_LIMIT, stop_price=d(5), limit_price=d(4))
    trail = order("s", kind=OrderType.TRAILING_STOP, stop_price=d(5), trail_amount=d(2))
    percent = order("s", kind=OrderType.TRAILING_STOP, trail_percent=d(3))

    assert bracket_of((limited,)) == Bracket(stop_loss=d(5), stop_limit=d(4))
    assert bracket_of((trail,)) == Bracket(trail_amount=d(2))
    assert bracket_of((percent,)) == Bracket(trail_percent=d(3))
    assert bracket_of((order("s", stop_price=d(5), limit_price=d(4)),)) == Bracket(stop_loss=d(5))


# ---- taking over


def test_what_nobody_owns_becomes_the_persons_with_its_exits() -> None:
    state = of(book(1), roots=(RootState("MES", d(3)),))

    taken = adopted(state, look(position(3), *STAND), position(3), OWN, "j")

    assert the(taken).owned == 2
    assert the(taken).strategy == ANNA
    stop, target = the(taken).tracked
    known = {"command_id": "", "job_id": "j", "symbol": MES, "side": SELL, "quantity": d(2), "status": WORKING}
    assert stop == Tracked(order_id="st", role="stop", placed_at_ms=0, seen=True, **known)  # type: ignore[arg-type]
    assert (target.order_id, target.role) == ("tp", "target")
    assert taken.roots == state.roots


def test_exit_that_filled_in_part_is_taken_over_as_booked() -> None:
    part = order("st", quantity=3, filled=1, placed_at_ms=NOW_MS)

    (followed,) = the(adopted(of(), look(HELD, part), HELD, ANNA, "j")).tracked

    assert (followed.booked, followed.quantity, followed.placed_at_ms) == (d(1), d(3), NOW_MS)


def test_root_that_was_not_followed_begins_with_what_is_held() -> None:
    march = position(1, "MESH27", symbol="MESH27")

    taken = adopted(of(roots=(RootState("MNQ", d(1)),)), look(HELD, march), HELD, ANNA, "j")

    assert taken.roots == (RootState("MNQ", d(1)), RootState("MES", d(3), position_ids=("MESH27", MES)))


def test_short_position_is_taken_over_short() -> None:
    assert the(adopted(of(), look(position(-2)), position(-2), ANNA, "j")).owned == -2
    assert the(adopted(of(book(-1)), look(position(-3)), position(-3), ANNA, "j")).owned == -2


def test_what_the_person_owned_already_is_added_to() -> None:
    state = of(mine(1, tracked("a", "stop"), wants=BRACKET), book(1))

    taken = the(adopted(state, look(position(4)), position(4), ANNA, "j"))

    assert (taken.owned, [one.order_id for one in taken.tracked]) == (d(3), ["a"])
    assert taken.protection == state.books[0].protection


def test_exits_that_are_followed_already_stay_where_they_are() -> None:
    state = of(book(1, tracked("st", "stop"), tracked("e", "entry")))
    child = order("child", parent_id="e")

    assert the(adopted(state, look(HELD, *STAND, child), HELD, ANNA, "j")).tracked[0].order_id == "tp"
    assert len(the(adopted(state, look(HELD, *STAND, child), HELD, ANNA, "j")).tracked) == 1


@pytest.mark.parametrize("books", [(book(2),), (book(3),), (book(1), mine(1)), (mine(-1),)])
def test_nothing_is_taken_over_that_is_owned_or_held_the_other_way(books: Any) -> None:
    state = of(*books)

    assert adopted(state, look(HELD, *STAND), HELD, ANNA, "j") == state


def test_other_roots_and_the_other_side_own_nothing_of_it() -> None:
    state = of(book(2, root="MNQ"), book(-2, strategy="s"))

    assert the(adopted(state, look(HELD), HELD, ANNA, "j")).owned == 2


# ---- whose it is


def test_owners_are_the_books_that_hold_on_its_side() -> None:
    books = (
        mine(2),
        book(-1, strategy="short"),
        book(0, strategy="flat"),
        book(1, strategy="far", root="MNQ"),
        book(1, strategy="by-id", position_ids=(MES,)),
        book(1, strategy="other-id", position_ids=("p9",)),
    )

    assert [one.strategy for one in owners_of(of(*books), HELD)] == [ANNA, "by-id"]
    assert [one.strategy for one in owners_of(of(*books), position(-2))] == ["short"]


def test_followers_follow_an_order_or_hold_the_position() -> None:
    books = (
        book(1, tracked("a", "stop"), strategy="orders"),
        book(1, position_ids=("p1",), strategy="position"),
        book(1, tracked("a", "stop"), strategy="far", root="MNQ"),
        book(1, tracked("b", "stop"), strategy="none"),
    )

    assert [one.strategy for one in followers_of(of(*books), MES, ("a", "z"), None)] == ["orders"]
    assert [one.strategy for one in followers_of(of(*books), MES, ("a",), "p1")] == ["orders", "position"]


# ---- arming and rewording


def test_idle_book_wants_the_exits_that_stand() -> None:
    idle = Protection(MES, BRACKET, "old", quantity=d(0))

    for state in (of(mine(2)), of(mine(2, protection=idle))):
        wanted = the(armed(state, look(HELD, *STAND), HELD, "j")).protection
        assert wanted == Protection(MES, Bracket(stop_loss=d(5), take_profit=d(9)), "j")


def test_book_that_wants_its_own_and_a_strategys_are_not_armed() -> None:
    busy = of(mine(2, wants=BRACKET), book(2))

    assert armed(busy, look(HELD, *STAND), HELD, "j") == busy
    assert armed(of(mine(2)), look(HELD), HELD, "j") == of(mine(2)), "nothing stands that could be lost"
    idle = of(mine(2, protection=Protection(MES, BRACKET, "old", quantity=d(0))))
    assert the(armed(idle, look(HELD), HELD, "j")).protection == Protection(MES, Bracket(), "j")


def test_book_is_armed_with_its_own_exits_not_with_those_that_another_follows() -> None:
    strategys = (tracked("st", "stop"), tracked("tp", "target"))
    own = order("mine", stop_price=d(3))
    state = of(mine(1, tracked("mine", "stop")), book(2, *strategys))

    assert the(armed(state, look(HELD, *STAND, own), HELD, "j")).protection == Protection(
        MES, Bracket(stop_loss=d(3)), "j"
    )
    assert the(armed(of(mine(1), book(2, *strategys)), look(HELD, *STAND), HELD, "j")).protection is None


def test_every_book_of_the_position_is_armed() -> None:
    state = armed(of(mine(1), book(2), mine(1, strategy=panel_book("ben"))), look(HELD, *STAND), HELD, "j")

    assert [one.protection is not None for one in state.books if by_hand(one.strategy)] == [True, True]
    assert the(state, "trend").protection is None


def test_persons_word_about_what_is_held_changes_what_is_wanted_for_it_alone() -> None:
    refused = Protection(MES, BRACKET, "job", refused="no")
    planned = Protection(MES, BRACKET, "j2", refused="kept")
    state = of(mine(2, protection=refused, planned=(planned,)), book(2, wants=BRACKET))
    new = Bracket(stop_loss=d(1))

    said = reworded(state, (state.books[0],), lambda _: new, NOW_MS)

    assert the(said).protection == replace(refused, bracket=new, refused="")
    assert the(said).planned == (planned,), "an entry that rests has a bracket of its own"
    assert the(said, "trend") == state.books[1]
    assert the(reworded(of(mine(2)), (mine(2),), lambda _: new, NOW_MS)).protection is None


def test_persons_word_about_what_is_held_is_about_the_rest_of_its_entry_too() -> None:
    own, other = Protection(MES, BRACKET, "job"), Protection(MES, BRACKET, "j2")
    state = of(mine(2, protection=own, planned=(own, other)))

    said = the(reworded(state, state.books, lambda _: Bracket(), NOW_MS))

    assert said.protection == replace(own, bracket=Bracket())
    assert said.planned == (said.protection, other)


@pytest.mark.parametrize(("later_ms", "removed"), [(0, True), (CLOCKS_MS, True), (CLOCKS_MS + 1, False)])
def test_persons_word_is_not_about_an_entry_that_was_sent_while_the_press_waited(later_ms: int, removed: bool) -> None:
    own = Protection(MES, BRACKET, "job", asked_ms=NOW_MS + later_ms)
    state = of(book(2, protection=own))

    said = the(reworded(state, state.books, lambda _: Bracket(), NOW_MS), "trend")

    assert said.protection == (replace(own, bracket=Bracket()) if removed else own)


@pytest.mark.parametrize(("job", "wanted", "planned"), [("job", 1, 4900), ("j2", 4900, 1), ("other", 4900, 4900)])
def test_persons_word_about_an_entry_changes_its_bracket_alone(job: str, wanted: int, planned: int) -> None:
    """An entry that is filled in part has its bracket in what is wanted, one that only rests in what is planned."""
    state = of(mine(2, wants=BRACKET, planned=(Protection(MES, BRACKET, "j2"),)))

    own = the(reworded(state, state.books, lambda old: replace(old, stop_loss=d(1)), NOW_MS, {job}))

    assert own.protection is not None
    assert own.protection.bracket.stop_loss == wanted
    assert [one.bracket.stop_loss for one in own.planned] == [planned]


# ---- handing over


def hand_over(state: LaneState, of_book: Book, holding: Holding) -> LaneState | None:
    return handed_over(state, of_book, holding, TRADESTATION)


PROTECTED = held(2, exits=(order("st"),))
KEPT = Protection(MES, BRACKET, "job", quantity=d(0))


def test_protected_book_becomes_the_persons_own_matter() -> None:
    whole = mine(2, wants=BRACKET, unprotected_since_ms=5)

    state = hand_over(of(whole), whole, PROTECTED)

    assert state is not None
    assert the(state) == replace(whole, protection=KEPT, unprotected_since_ms=None)


def test_book_whose_stop_is_leaving_stays_the_bridges_to_look_after() -> None:
    """The stop works on until its cancel takes effect: nobody would put it back then."""
    whole = mine(2, tracked("st", "stop", leaving=True), wants=BRACKET)

    assert hand_over(of(whole), whole, PROTECTED) is None
    assert hand_over(of(whole), whole, held(2, exits=(order("new"),))) is not None


def test_book_of_an_entry_is_merged_into_the_persons() -> None:
    own = mine(2, tracked("st", "stop"), strategy=OWN, wants=BRACKET, position_ids=("p1", "p2"))
    base = mine(1, tracked("a", "stop"), position_ids=("p0", "p1"))

    state = hand_over(of(own, base, book(7)), own, PROTECTED)

    assert state is not None
    assert {one.strategy for one in state.books} == {ANNA, "trend"}
    merged = the(state)
    assert merged.owned == 3
    assert [one.order_id for one in merged.tracked] == ["a", "st"]
    assert merged.position_ids == ("p0", "p1", "p2")
    assert merged.protection == KEPT


def test_what_the_persons_book_wants_outlasts_the_merging() -> None:
    own, base = mine(2, strategy=OWN, wants=BRACKET), mine(1, wants=Bracket(stop_loss=d(1)))

    state = hand_over(of(own, base), own, PROTECTED)

    assert state is not None
    assert the(state).protection == base.protection


@pytest.mark.parametrize(
    "of_book",
    [
        book(2, wants=BRACKET),
        mine(2),
        mine(2, protection=KEPT),
        mine(0, wants=BRACKET),
        mine(2, tracked("e", "entry"), wants=BRACKET),
    ],
)
def test_book_that_is_not_a_persons_or_not_ready_is_kept(of_book: Book) -> None:
    assert hand_over(of(of_book), of_book, PROTECTED) is None


def test_entry_that_is_over_and_other_orders_that_work_do_not_hold_it_up() -> None:
    ready = mine(2, tracked("e", "entry", status=FILLED), tracked("st", "stop"), wants=BRACKET)

    assert hand_over(of(ready), ready, PROTECTED) is not None


def test_book_without_its_stop_is_kept_unless_the_broker_refuses_stops() -> None:
    naked = mine(2, wants=BRACKET)

    assert hand_over(of(naked), naked, held(2)) is None
    refused = mine(2, protection=Protection(MES, BRACKET, "job", refused="no"))
    assert hand_over(of(refused), refused, held(2)) is not None


def test_book_with_something_unknown_or_waiting_is_kept() -> None:
    ready = mine(2, wants=BRACKET)
    pending = Pending("c", "j", ANNA, "MES", "stop")

    assert hand_over(of(ready, pending=(pending,)), ready, PROTECTED) is None
    assert hand_over(of(ready, pending=(replace(pending, strategy="trend"),)), ready, PROTECTED) is not None
    assert hand_over(of(ready, pending=(replace(pending, root="MNQ"),)), ready, PROTECTED) is not None
    waiting = held(2, exits=(order("st"), order("in", kind=MARKET, status=INACTIVE)))
    assert hand_over(of(ready), ready, waiting) is None
