"""What a holding's protection needs: no more and no less than a stop for all that is owned and still held."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.commands import Bracket, Cancel, Command, ModifyPosition, Place, PlaceGroup, Replace
from orderbridge.execution.care import GRACE_MS, RENEW_MS, Care, care_for, protective, unprotected
from orderbridge.execution.records import Book, Protection
from orderbridge.model import Duration, Order, OrderType
from orderbridge.strategy.goal import Holding
from tests.unit.execution.cases import (
    BRACKET,
    BUY,
    EURUSD,
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
    held,
    order,
    pair,
    tracked,
)

STOP_LIMIT, TRAILING = OrderType.STOP_LIMIT, OrderType.TRAILING_STOP
ONLY_STOP = Bracket(stop_loss=Decimal(4900))


def care(of: Book, holding: Holding) -> Care | None:
    return care_for(of, holding, TRADESTATION, NOW_MS)


def sent(of: Book, holding: Holding) -> list[Command]:
    given = care(of, holding)
    return [] if given is None else [command for _, command in given.commands]


def stop(name: str = "st", quantity: int = 2, **fields: Any) -> Order:
    return order(name, quantity=quantity, **fields)


def target(name: str = "tp", quantity: int = 2, **fields: Any) -> Order:
    return order(name, kind=LIMIT, quantity=quantity, **fields)


def stop_order(quantity: int, side: Any = SELL) -> Place:
    return Place(MES, side, d(quantity), "close", STOP, stop_price=d(4900), duration=Duration.GTC)


# ---- a stop for what has none


def test_holding_without_exits_gets_its_bracket_good_till_cancelled() -> None:
    given = care(book(2, wants=BRACKET), held(2))

    limit = Place(MES, SELL, d(2), "close", LIMIT, limit_price=d(5100), duration=Duration.GTC)
    assert given is not None
    assert given.commands == (("stop", PlaceGroup("brk", (stop_order(2), limit))),)
    assert "no stop" in given.why


def test_short_holding_is_protected_by_buying() -> None:
    assert sent(book(-2, wants=ONLY_STOP), held(-2)) == [stop_order(2, BUY)]


def test_stop_is_placed_in_the_month_that_is_held() -> None:
    holding = held(2, positions=(replace(held(2).positions[0], symbol="MESH27"),))

    (command,) = sent(book(2, wants=ONLY_STOP), holding)

    assert command == replace(stop_order(2), symbol="MESH27")


def test_position_of_the_other_side_does_not_name_the_month() -> None:
    other = replace(held(-1).positions[0], symbol="MESH27")

    assert sent(book(2, wants=ONLY_STOP), held(2, positions=(other,))) == [stop_order(2)]


@pytest.mark.parametrize(("owned", "reported", "expected"), [(3, 2, 2), (2, 3, 2), (-3, -2, 2), (3, -2, 0), (2, 0, 0)])
def test_no_more_is_protected_than_is_owned_and_still_reported(owned: int, reported: int, expected: int) -> None:
    commands = sent(book(owned, wants=ONLY_STOP), held(reported, owned))

    assert [command.quantity for command in commands if isinstance(command, Place)] == ([expected] if expected else [])


def test_working_stop_covers_its_quantity_and_the_rest_gets_another() -> None:
    assert sent(book(3, wants=ONLY_STOP), held(3, exits=(stop(quantity=2),))) == [stop_order(1)]
    assert sent(book(2, wants=ONLY_STOP), held(2, exits=(stop(quantity=2),))) == []


def test_what_a_stop_has_filled_covers_nothing_more() -> None:
    assert sent(book(2, wants=ONLY_STOP), held(2, exits=(stop(quantity=2, filled=1),))) == [stop_order(1)]


def test_exits_of_the_other_side_and_waiting_ones_cover_nothing() -> None:
    waiting = stop(status=INACTIVE, parent_id="e")
    holding = held(2, exits=(waiting,), entries=(order("e", BUY, LIMIT),))

    assert sent(book(2, wants=ONLY_STOP), holding) == [stop_order(2)]


def test_working_close_covers_what_it_will_close_and_a_target_does_not() -> None:
    closing = book(2, tracked("c", "close"), wants=ONLY_STOP)

    assert sent(closing, held(2, exits=(target("c"),))) == []
    assert sent(book(2, wants=ONLY_STOP), held(2, exits=(target("c"),))) == [Cancel("c", MES)]


@pytest.mark.parametrize(("role", "covers"), [("stop", True), ("close", True), ("target", False), ("entry", False)])
def test_own_stop_or_close_that_is_not_shown_yet_counts(role: Any, covers: bool) -> None:
    unseen = tracked("x", role, 2, seen=False)

    assert (sent(book(2, unseen, wants=ONLY_STOP), held(2)) == []) is covers


def test_book_that_wants_only_a_target_is_left_alone() -> None:
    assert care(book(2, wants=Bracket(take_profit=d(5100))), held(2)) is None


def test_what_the_person_protects_itself_is_left_alone() -> None:
    own = Protection(MES, ONLY_STOP, "job", quantity=d(0))

    assert care(book(2, protection=own), held(2)) is None
    assert care_for(book(2, protection=own), Holding(d(2), d(2), (pair(2, "p"),)), TRADELOCKER, NOW_MS) is None


def test_stop_that_the_broker_refuses_for_good_is_not_sent_again() -> None:
    own = Protection(MES, ONLY_STOP, "job", refused="no stops here")

    assert care(book(2, protection=own), held(2)) is None


# ---- targets that reserve


def test_target_alone_is_taken_back_so_that_both_come_as_one_bracket() -> None:
    given = care(book(2, wants=BRACKET), held(2, exits=(target(),)))

    assert given is not None
    assert given.commands == (("other", Cancel("tp", MES)),)
    assert "targets" in given.why


def test_target_whose_stop_stands_is_left_while_its_part_is_added() -> None:
    pair_of_exits = (stop("st", 2, sibling_ids=("tp",)), target("tp", 2, sibling_ids=("st",)))

    (command,) = sent(book(3, wants=BRACKET), held(3, exits=pair_of_exits))

    assert isinstance(command, PlaceGroup)
    assert {child.quantity for child in command.orders} == {d(1)}


def test_targets_that_reserve_what_has_no_stop_are_taken_back() -> None:
    exits = (stop("st", 1, sibling_ids=("tp",)), target("tp", 2, sibling_ids=("st",)))

    assert sent(book(2, wants=BRACKET), held(2, exits=exits)) == [Cancel("tp", MES)]


def test_only_targets_without_their_stop_are_taken_back() -> None:
    exits = (stop("st", 1, sibling_ids=("tp",)), target("tp", 1, sibling_ids=("st",)), target("lone", 1))

    assert sent(book(2, wants=BRACKET), held(2, exits=exits)) == [Cancel("lone", MES)]


# ---- surplus


@pytest.mark.parametrize(("kept", "expected"), [(1, Replace("st", MES, quantity=Decimal(1))), (2, None)])
def test_stop_for_more_than_is_held_is_cut(kept: int, expected: Command | None) -> None:
    assert sent(book(kept, wants=ONLY_STOP), held(kept, exits=(stop(),))) == ([expected] if expected else [])


def test_cut_counts_what_was_filled_already() -> None:
    assert sent(book(1, wants=ONLY_STOP), held(1, exits=(stop(quantity=3, filled=1),))) == [
        Replace("st", MES, quantity=d(2))
    ]


def test_surplus_stops_and_targets_are_cut_each_kind_by_itself() -> None:
    exits = (stop("s1"), stop("s2"), target("t1"), target("t2"))

    given = care(book(3, wants=BRACKET), held(3, exits=exits))

    assert given is not None
    assert given.commands == (
        ("other", Replace("t2", MES, quantity=d(1))),
        ("other", Replace("s2", MES, quantity=d(1))),
    )
    assert "more than is held" in given.why


def test_stop_beside_a_working_close_of_all_is_cancelled() -> None:
    closing = book(2, tracked("c", "close"), wants=ONLY_STOP)

    assert sent(closing, held(2, exits=(target("c"), stop()))) == [Cancel("st", MES)]


def test_stop_stays_beside_a_limit_by_which_its_person_closes_and_a_target_does_not() -> None:
    own = Protection(MES, BRACKET, "job", quantity=d(0))
    mine = book(2, tracked("out", "close"), strategy="panel:ann", protection=own)

    assert sent(mine, held(2, exits=(target("out"), stop(), target()))) == [Cancel("tp", MES)]
    assert sent(mine, held(2, exits=(order("out"), stop()))) == [Cancel("st", MES)], "a stop takes a stop's place"


def test_close_itself_is_never_cut() -> None:
    closing = book(1, tracked("c", "close"), wants=ONLY_STOP)

    assert sent(closing, held(1, exits=(target("c", 3),))) == []


def test_surplus_is_cut_though_the_broker_refuses_new_stops() -> None:
    own = Protection(MES, ONLY_STOP, "job", refused="no")

    assert sent(book(1, protection=own), held(1, exits=(stop(),))) == [Replace("st", MES, quantity=d(1))]


def test_book_that_wants_nothing_has_its_exits_left_alone() -> None:
    assert care(book(1), held(1, exits=(stop(),))) is None


# ---- orders that could only open


def test_exits_of_nothing_are_cancelled() -> None:
    given = care(book(0), held(0, exits=(stop(), target())))

    assert given is not None
    assert given.commands == (("other", Cancel("st", MES)), ("other", Cancel("tp", MES)))
    assert "nothing is held" in given.why


def test_exits_of_nothing_wait_with_their_resting_entry_and_stay_with_a_position() -> None:
    entry = order("e", BUY, LIMIT)
    waiting = stop(status=INACTIVE, parent_id="e")

    assert care(book(0), held(0, exits=(waiting,), entries=(entry,))) is None
    assert care(book(0), held(0, exits=(stop(position_id="p"),))) is None
    assert care(book(0), held(0)) is None


def test_exits_of_nothing_are_cancelled_beside_another_entry_that_rests() -> None:
    entry = order("e", BUY, LIMIT)
    waiting = stop("waits", status=INACTIVE, parent_id="e")
    left = stop("left", status=INACTIVE, parent_id="gone")

    commands = sent(book(0), held(0, exits=(stop(), waiting, left), entries=(entry,)))

    assert commands == [Cancel("st", MES), Cancel("left", MES)]


def test_resting_close_of_a_person_lasts_as_long_as_the_account_holds_what_it_closes() -> None:
    mine = book(0, tracked("out", "close", 2), strategy="panel:ann")
    close = target("out", 2)

    assert sent(mine, held(3, owned=0, exits=(close,))) == []
    assert sent(mine, held(1, owned=0, exits=(close,))) == [Replace("out", MES, quantity=d(1))]
    assert sent(mine, held(0, owned=0, exits=(close,))) == [Cancel("out", MES)]
    assert sent(mine, held(-3, owned=0, exits=(close,))) == [Cancel("out", MES)]


def test_close_of_a_strategy_closes_nothing_but_its_own() -> None:
    following = book(0, tracked("out", "close", 2))

    assert sent(following, held(3, owned=0, exits=(target("out", 2),))) == [Cancel("out", MES)]


def test_exit_on_the_side_of_what_is_held_is_cancelled() -> None:
    wrong = order("buys", BUY)

    given = care(book(2, wants=ONLY_STOP), held(2, exits=(stop(), wrong)))

    assert given is not None
    assert given.commands == (("other", Cancel("buys", MES)),)
    assert "open" in given.why
    assert sent(book(-2, wants=ONLY_STOP), held(-2, exits=(stop(),))) == [Cancel("st", MES)]


def test_waiting_exit_on_that_side_belongs_to_an_entry_against_it() -> None:
    waiting = order("buys", BUY, status=INACTIVE, parent_id="e")

    assert sent(book(2, wants=ONLY_STOP), held(2, exits=(stop(), waiting))) == []


def test_broker_whose_positions_carry_their_exits_has_none_that_could_open() -> None:
    holding = Holding(d(2), d(2), (pair(2, "p", stop_loss_id="s"),), exits=(order("buys", BUY, symbol=EURUSD),))
    owning = book(2, wants=ONLY_STOP, position_ids=("p",))

    assert care_for(owning, holding, TRADELOCKER, NOW_MS) is None


# ---- children that wait


def children(status: Any = INACTIVE, placed_at_ms: int = NOW_MS) -> tuple[Order, ...]:
    fields: dict[str, Any] = {"status": status, "parent_id": "e", "placed_at_ms": placed_at_ms}
    return stop("st", 3, sibling_ids=("tp",), **fields), target("tp", 3, sibling_ids=("st",), **fields)


def test_children_of_an_entry_filled_in_part_are_swapped_for_a_stop_of_the_part() -> None:
    part = book(1, tracked("e", "entry", 3, booked=1), wants=BRACKET)
    entry = order("e", BUY, LIMIT, quantity=3, filled=1)

    given = care(part, held(1, exits=children(), entries=(entry,)))

    assert given is not None
    assert given.commands == (("other", Cancel("st", MES)), ("other", Cancel("tp", MES)))
    assert "in part" in given.why


@pytest.mark.parametrize("booked", [0, 3])
def test_children_of_an_entry_that_is_filled_or_not_at_all_wait_on(booked: int) -> None:
    following = book(2, tracked("e", "entry", 3, booked=booked), wants=ONLY_STOP)
    entry = order("e", BUY, LIMIT, quantity=3)
    holding = held(2, exits=(*children(), stop("own")), entries=(entry,))

    assert sent(following, holding) == []


@pytest.mark.parametrize(("age_ms", "expected"), [(GRACE_MS, 0), (GRACE_MS + 1, 2)])
def test_children_that_nobody_releases_are_replaced_after_a_moment(age_ms: int, expected: int) -> None:
    left = held(3, exits=children(placed_at_ms=NOW_MS - age_ms))

    assert len(sent(book(3, wants=BRACKET), left)) == expected


@pytest.mark.parametrize(("age_ms", "expected"), [(GRACE_MS, 0), (GRACE_MS + 1, 2)])
def test_children_are_as_old_as_their_sending_where_the_brokers_time_is_cut(age_ms: int, expected: int) -> None:
    waiting = children(placed_at_ms=NOW_MS - 60_000)
    sent_ms = NOW_MS - age_ms
    following = book(3, *(tracked(one.id, "stop", placed_at_ms=sent_ms) for one in waiting), wants=BRACKET)

    assert len(sent(following, held(3, exits=waiting))) == expected


def test_old_children_of_an_entry_that_still_works_wait_on() -> None:
    entry = order("e", BUY, LIMIT, quantity=3)
    holding = held(2, exits=(*children(placed_at_ms=NOW_MS - 60_000), stop("own")), entries=(entry,))

    assert sent(book(2, wants=ONLY_STOP), holding) == []


def test_child_is_known_by_its_job_where_the_broker_names_no_parent() -> None:
    lone = stop("st", 3, status=INACTIVE, placed_at_ms=NOW_MS - 60_000)
    entry = order("e", BUY, LIMIT, quantity=3)
    holding = held(2, exits=(lone, stop("own")), entries=(entry,))

    def following(job: str) -> Book:
        child = tracked("st", "stop", 3, job_id=job, placed_at_ms=NOW_MS - 60_000)
        return book(2, tracked("e", "entry", 3, job_id="j1"), child, wants=ONLY_STOP)

    assert sent(following("j1"), holding) == []
    assert sent(following("j2"), holding) == [Cancel("st", MES)]


# ---- renewal


@pytest.mark.parametrize(("age_ms", "expected"), [(RENEW_MS, []), (RENEW_MS + 1, [Cancel("st", MES)])])
def test_stop_is_renewed_before_it_lapses(age_ms: int, expected: list[Command]) -> None:
    old = stop(placed_at_ms=NOW_MS - age_ms)

    assert sent(book(2, wants=ONLY_STOP), held(2, exits=(old,))) == expected


def test_stop_whose_age_is_not_told_is_not_renewed() -> None:
    assert sent(book(2, wants=ONLY_STOP), held(2, exits=(stop(placed_at_ms=0),))) == []
    assert RENEW_MS == 80 * 86_400_000


# ---- the kinds of stop


@pytest.mark.parametrize(
    ("bracket", "kind", "prices"),
    [
        (Bracket(stop_loss=Decimal(9)), STOP, {"stop_price": 9}),
        (Bracket(stop_loss=Decimal(9), stop_limit=Decimal(8)), STOP_LIMIT, {"stop_price": 9, "limit_price": 8}),
        (Bracket(trail_amount=Decimal(3)), TRAILING, {"trail_amount": 3}),
        (Bracket(trail_percent=Decimal(4)), TRAILING, {"trail_percent": 4}),
    ],
)
def test_stop_is_of_the_kind_that_was_asked_for(bracket: Bracket, kind: OrderType, prices: dict[str, int]) -> None:
    amounts: dict[str, Any] = {name: d(value) for name, value in prices.items()}

    assert protective(MES, SELL, d(2), bracket) == Place(
        MES, SELL, d(2), "close", kind, duration=Duration.GTC, **amounts
    )


def test_target_alone_is_a_limit_order() -> None:
    assert protective(MES, BUY, d(2), Bracket(take_profit=d(7))) == Place(
        MES, BUY, d(2), "close", LIMIT, limit_price=d(7), duration=Duration.GTC
    )


# ---- prices on the position itself


def on_positions(of: Book, *positions: Any) -> list[Command]:
    given = care_for(of, Holding(of.owned, of.owned, positions), TRADELOCKER, NOW_MS)
    assert given is None or {role for role, _ in given.commands} == {"stop"}
    return [] if given is None else [command for _, command in given.commands]


def test_own_position_without_a_stop_gets_stop_and_missing_target() -> None:
    owning = book(3, wants=BRACKET, position_ids=("p1", "p2"))

    assert on_positions(owning, pair(1, "p1"), pair(2, "p2", take_profit_id="t"), pair(4, "foreign")) == [
        ModifyPosition("p1", EURUSD, stop_loss=d(4900), take_profit=d(5100)),
        ModifyPosition("p2", EURUSD, stop_loss=d(4900)),
    ]


def test_own_position_with_its_stop_is_left_alone() -> None:
    assert on_positions(book(1, wants=BRACKET, position_ids=("p1",)), pair(1, "p1", stop_loss_id="s")) == []


def test_position_is_left_alone_where_no_fixed_stop_is_wanted() -> None:
    assert on_positions(book(1, wants=Bracket(take_profit=d(1)), position_ids=("p1",)), pair(1, "p1")) == []


def test_netted_position_of_the_books_side_is_its_own() -> None:
    assert on_positions(book(1, wants=ONLY_STOP), pair(1, "p1"), pair(-1, "p2")) == [
        ModifyPosition("p1", EURUSD, stop_loss=d(4900))
    ]
    assert on_positions(book(-1, wants=ONLY_STOP), pair(1, "p1"), pair(-1, "p2")) == [
        ModifyPosition("p2", EURUSD, stop_loss=d(4900))
    ]


def test_strangers_position_gets_no_stop_while_the_books_own_does_not_show_yet() -> None:
    hidden = tracked("e", "entry", booked=2, status=FILLED, position_id="p1", symbol=EURUSD)
    owning = book(2, hidden, wants=ONLY_STOP)

    assert on_positions(owning, pair(4, "foreign")) == []
    assert not unprotected(owning, Holding(d(6), d(2), (pair(4, "foreign"),)), TRADELOCKER)
    assert on_positions(owning, pair(2, "p1")) == [ModifyPosition("p1", EURUSD, stop_loss=d(4900))]


# ---- the metric


def test_holding_is_unprotected_while_less_is_covered_than_held() -> None:
    following = book(2, wants=ONLY_STOP)

    assert unprotected(following, held(2), TRADESTATION)
    assert unprotected(following, held(2, exits=(stop(quantity=1),)), TRADESTATION)
    assert not unprotected(following, held(2, exits=(stop(),)), TRADESTATION)
    assert not unprotected(following, held(0, 2), TRADESTATION)


def test_nothing_is_unprotected_that_wants_no_stop() -> None:
    assert not unprotected(book(2), held(2), TRADESTATION)
    assert not unprotected(book(0, wants=ONLY_STOP), held(2), TRADESTATION)
    assert not unprotected(book(2, wants=Bracket(take_profit=d(1))), held(2), TRADESTATION)
    own = Protection(MES, ONLY_STOP, "job", quantity=d(0))
    assert not unprotected(book(2, protection=own), held(2), TRADESTATION)


def test_position_that_carries_no_stop_is_unprotected_if_it_is_the_books() -> None:
    following = book(2, wants=ONLY_STOP, position_ids=("p1",))

    def naked(*positions: Any) -> bool:
        return unprotected(following, Holding(d(2), d(2), positions), TRADELOCKER)

    assert naked(pair(2, "p1"))
    assert not naked(pair(2, "p1", stop_loss_id="s"), pair(2, "foreign"))


def test_netted_position_that_carries_no_stop_is_unprotected() -> None:
    long, short = book(2, wants=ONLY_STOP), book(-2, wants=ONLY_STOP)

    def naked(of: Book, signed: int, **fields: Any) -> bool:
        return unprotected(of, Holding(d(signed), of.owned, (pair(signed, "p1", **fields),)), TRADELOCKER)

    assert naked(long, 2)
    assert naked(short, -2)
    assert not naked(long, 2, stop_loss_id="s")
    assert not naked(long, -2)
