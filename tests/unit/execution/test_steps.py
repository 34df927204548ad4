"""What is sent next for a goal: cancel, close, enter, each after what comes before it is confirmed."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orderbridge.brokers.port import Evidence, PlacedOrder
from orderbridge.commands import Bracket, Cancel, ClosePosition, Command, Place, Replace
from orderbridge.execution.records import CommandRecord, CommandStatus
from orderbridge.execution.steps import (
    AGAIN_MS,
    CONFIRM_MS,
    RETRY_MS,
    Await,
    Progress,
    Reached,
    Send,
    Step,
    closed_by,
    next_step,
    to_close,
    with_floor,
)
from orderbridge.model import Direction, Duration, OrderType, PositionMode, Side
from orderbridge.strategy.goal import Entry, Goal, Holding
from tests.unit.execution.cases import (
    BUY,
    EURUSD,
    FILLED,
    INACTIVE,
    LIMIT,
    MES,
    NOW_MS,
    SELL,
    TRADELOCKER,
    TRADESTATION,
    d,
    held,
    look,
    order,
    pair,
    place,
    position,
    record,
)

NETTING, HEDGING = PositionMode.NETTING, PositionMode.HEDGING
LONG, SHORT = Direction.LONG, Direction.SHORT
CLOSE = place(SELL, 2, "close")


def goal(close: Direction = LONG, **fields: Any) -> Goal:
    return Goal(**{"symbol": MES, "root": "MES", "kind": "exit", "close": close, **fields})


def entering(**fields: Any) -> Goal:
    return goal(Direction.FLAT, kind="enter", **{"entry": Entry(BUY, d(2)), **fields})


def step(asked: Goal, holding: Holding, *records: CommandRecord, **fields: Any) -> Step:
    """Ask for the next step at the broker where a close is an order."""
    progress = Progress(records, fields.pop("working", frozenset()), NOW_MS, **fields)
    return next_step(asked, holding, progress, TRADESTATION, NETTING)


def step_by_id(asked: Goal, holding: Holding, *records: CommandRecord, mode: PositionMode = HEDGING) -> Step:
    """Ask for the next step at the broker that closes positions by their ids."""
    return next_step(asked, holding, Progress(records, frozenset(), NOW_MS), TRADELOCKER, mode)


def sent(given: Step) -> list[Any]:
    assert isinstance(given, Send), given
    return [command for _, command in given.commands]


def roles(given: Step) -> list[str]:
    assert isinstance(given, Send), given
    return [role for role, _ in given.commands]


# ---- how much is closed


@pytest.mark.parametrize(
    ("signed", "owned", "adopt", "expected"),
    [(3, 2, False, 2), (2, 3, False, 2), (3, 2, True, 3), (-3, 3, False, 0), (3, -3, False, 0), (-3, 0, True, 0)],
)
def test_full_close_takes_what_is_owned_and_held_and_all_of_it_only_when_adopting(
    signed: int, owned: int, adopt: bool, expected: int
) -> None:
    assert to_close(goal(adopt=adopt), held(signed, owned)) == expected


def test_close_of_a_short_counts_what_is_held_short() -> None:
    assert to_close(goal(SHORT), held(-3)) == 3
    assert to_close(goal(SHORT), held(3)) == 0


def test_goal_that_closes_nothing_has_nothing_to_close() -> None:
    assert to_close(entering(), held(3)) == 0


def test_partial_close_stops_at_its_floor_and_at_its_quantity() -> None:
    asked = with_floor(goal(close_quantity=d(2)), held(5))

    assert asked.close_floor == 3
    assert to_close(asked, held(5)) == 2
    assert to_close(asked, held(4)) == 1, "a look that shows a part closed asks only for the rest"
    assert to_close(asked, held(5), closed=d(2)) == 0, "an entry has filled meanwhile"
    assert to_close(asked, held(5), closed=d(3)) == 0
    assert to_close(asked, held(2)) == 0


def test_part_that_is_closed_is_not_closed_again_when_an_entry_fills_meanwhile() -> None:
    asked = with_floor(goal(close_quantity=d(2)), held(5))

    assert step(asked, held(5), closed=d(2)) == Reached()
    assert sent(step(asked, held(5), closed=d(1))) == [Place(MES, SELL, d(1), "close")]


def test_partial_close_of_more_than_is_held_has_no_floor() -> None:
    assert with_floor(goal(close_quantity=d(7)), held(5)).close_floor == 0


def test_full_close_and_no_close_have_no_floor() -> None:
    assert with_floor(goal(), held(5)).close_floor == 0
    assert with_floor(entering(close_quantity=d(2)), held(5)).close_floor == 0


# ---- what was closed already


def closing_record(**fields: Any) -> CommandRecord:
    return record(CLOSE, orders=(PlacedOrder("c", "order"),), **fields)


def by_id(quantity: int | None = None, expected: int = 3, name: str = "p1", **fields: Any) -> CommandRecord:
    part = None if quantity is None else d(quantity)
    return record(ClosePosition(name, EURUSD, BUY, d(expected), part), **fields)


def test_fills_of_named_closing_orders_are_what_was_closed() -> None:
    shown = look(order("c", filled=1), order("other", filled=2))

    assert closed_by([closing_record()], shown, NETTING) == 1


def test_entries_and_closes_that_were_not_taken_have_closed_nothing() -> None:
    shown = look(order("c", filled=1))

    assert closed_by([closing_record(role="entry")], shown, NETTING) == 0
    assert closed_by([closing_record(status=CommandStatus.REFUSED)], shown, NETTING) == 0


@pytest.mark.parametrize(("left", "expected"), [("1", 2), ("3", 0), ("4", 0), (None, 3)])
def test_position_of_its_own_tells_by_how_much_it_shrank(left: str | None, expected: int) -> None:
    shown = look(*([pair(left, "p1")] if left else []), pair("9", "p2"))

    assert closed_by([by_id()], shown, HEDGING) == expected


def test_two_closes_of_one_position_count_from_what_was_held_first() -> None:
    records = [by_id(1, expected=3, revision=1), by_id(1, expected=2, revision=2)]

    assert closed_by(records, look(pair("1", "p1")), HEDGING) == 2


def test_positions_of_their_own_add_up() -> None:
    records = [by_id(name="p1", expected=3), by_id(name="p2", expected=2)]

    assert closed_by(records, look(pair("1", "p2")), HEDGING) == 4


def test_netted_position_is_told_by_the_new_closing_order_alone() -> None:
    mine: dict[str, Any] = {"position_id": "p1", "symbol": EURUSD}
    shown = look(
        order("new", SELL, filled=2, **mine),
        order("before", SELL, filled=5, **mine),
        order("entry", BUY, filled=7, **mine),
        order("elsewhere", SELL, filled=9, position_id="p2", symbol=EURUSD),
    )
    closed = by_id(evidence=Evidence(NOW_MS, order_ids=("before",)))

    assert closed_by([closed], shown, NETTING) == 2
    assert closed_by([by_id()], shown, NETTING) == 7, "nothing was known before the sending"


def test_closing_order_that_the_answer_named_counts_once() -> None:
    shown = look(order("new", SELL, filled=2, position_id="p1", symbol=EURUSD))
    closed = by_id(orders=(PlacedOrder("new", "order"),))

    assert closed_by([closed], shown, NETTING) == 2


# ---- cancelling entries


RESTING = (order("b", BUY, LIMIT), order("s", SELL, LIMIT))


@pytest.mark.parametrize(
    ("cancelled", "close", "entry", "expected"),
    [
        ("all", LONG, None, ["b", "s"]),
        ("none", Direction.FLAT, None, []),
        ("opposite", LONG, None, ["b"]),
        ("opposite", SHORT, None, ["s"]),
        ("opposite", Direction.FLAT, Entry(BUY, Decimal(1)), ["s"]),
        ("opposite", LONG, Entry(SELL, Decimal(1)), ["b"]),
    ],
)
def test_entries_that_are_cancelled_first(
    cancelled: Any, close: Direction, entry: Entry | None, expected: list[str]
) -> None:
    asked = goal(close, cancel_entries=cancelled, entry=entry)

    given = step(asked, held(0, entries=RESTING))

    cancels = [c for c in sent(given) if isinstance(c, Cancel)] if isinstance(given, Send) else []
    assert [cancel.order_id for cancel in cancels] == expected
    assert all(cancel.symbol == MES for cancel in cancels)
    assert not cancels or set(roles(given)) == {"other"}


def cancel_record(name: str = "b", **fields: Any) -> CommandRecord:
    return record(Cancel(name, MES), "other", **fields)


CANCELLING = goal(Direction.FLAT, kind="cancel", cancel_entries="all")


def test_cancel_that_was_taken_is_waited_for() -> None:
    given = step(CANCELLING, held(0, entries=RESTING[:1]), cancel_record())

    assert given == Await("cancel", NOW_MS - 500, NOW_MS + AGAIN_MS)


def test_cancel_of_the_other_order_is_still_sent() -> None:
    given = step(CANCELLING, held(0, entries=RESTING), cancel_record())

    assert sent(given) == [Cancel("s", MES)]


@pytest.mark.parametrize(
    ("status", "age_ms", "again"),
    [
        (CommandStatus.ACCEPTED, CONFIRM_MS - 1, False),
        (CommandStatus.ACCEPTED, CONFIRM_MS, True),
        (CommandStatus.REFUSED, AGAIN_MS - 1, False),
        (CommandStatus.REFUSED, AGAIN_MS, True),
    ],
)
def test_cancel_is_tried_again_when_it_had_its_time(status: CommandStatus, age_ms: int, again: bool) -> None:
    earlier = cancel_record(status=status, sent_at_ms=NOW_MS - age_ms)

    given = step(CANCELLING, held(0, entries=RESTING[:1]), earlier)

    assert isinstance(given, Send if again else Await)


def test_patience_with_a_cancel_counts_from_its_last_change() -> None:
    earlier = cancel_record(
        status=CommandStatus.REFUSED, sent_at_ms=NOW_MS - 60_000, changed_at_ms=NOW_MS - AGAIN_MS + 1
    )

    assert isinstance(step(CANCELLING, held(0, entries=RESTING[:1]), earlier), Await)


def test_latest_cancel_of_an_order_decides() -> None:
    old = cancel_record(sent_at_ms=NOW_MS - 60_000, revision=1)
    new = cancel_record(sent_at_ms=NOW_MS - 1_000, revision=2)

    given = step(CANCELLING, held(0, entries=RESTING[:1]), old, new)

    assert given == Await("cancel", NOW_MS - 60_000, NOW_MS + AGAIN_MS)


# ---- closing by orders


def test_all_that_is_owned_is_closed_by_one_order() -> None:
    given = step(goal(), held(3, 2))

    assert given == Send((("close", Place(MES, SELL, d(2), "close")),))


def test_close_of_a_short_buys() -> None:
    assert sent(step(goal(SHORT), held(-3))) == [Place(MES, BUY, d(3), "close")]


def test_close_goes_to_the_months_that_are_held() -> None:
    months = (position(1, symbol="MESU26"), position(3, symbol="MESZ26"), position(-4, symbol="MESH27"))
    other_root = position(5, symbol="MNQZ26")
    holding = held(4, 3, positions=(*months, other_root))

    assert sent(step(goal(), holding)) == [
        Place("MESU26", SELL, d(1), "close"),
        Place("MESZ26", SELL, d(2), "close"),
    ]


def test_partial_close_that_the_first_month_covers_leaves_the_second_alone() -> None:
    months = (position(1, symbol="MESU26"), position(3, symbol="MESZ26"))
    asked = goal(close_quantity=d(1), close_floor=d(3))

    assert sent(step(asked, held(4, positions=months))) == [Place("MESU26", SELL, d(1), "close")]


def test_close_whose_order_works_is_waited_for() -> None:
    given = step(goal(), held(2), closing_record(), working=frozenset({"c"}))

    assert given == Await("close", NOW_MS - 500, NOW_MS + 1_000)


def test_close_of_an_earlier_revision_that_still_works_does_not_hold_up() -> None:
    first = closing_record(revision=1)
    second = record(CLOSE, revision=2, orders=(PlacedOrder("c2", "order"),), sent_at_ms=NOW_MS - 60_000)

    given = step(goal(), held(2), first, second, working=frozenset({"c"}))

    assert isinstance(given, Send)


@pytest.mark.parametrize("tries", range(1, len(RETRY_MS) + 3))
def test_refused_close_is_tried_again_after_longer_and_longer_pauses(tries: int) -> None:
    pause_ms = RETRY_MS[min(tries, len(RETRY_MS)) - 1]

    def refused(at_ms: int) -> list[CommandRecord]:
        one = record(CLOSE, status=CommandStatus.REFUSED, sent_at_ms=NOW_MS - 90_000, changed_at_ms=at_ms)
        return [replace(one, revision=number) for number in range(1, tries + 1)]

    early = step(goal(), held(2), *refused(NOW_MS - pause_ms + 1))
    due = step(goal(), held(2), *refused(NOW_MS - pause_ms))

    assert early == Await("close_again", NOW_MS - 90_000, NOW_MS + 1)
    assert isinstance(due, Send)


def test_pause_counts_from_the_latest_answer_of_the_last_try() -> None:
    fields: dict[str, Any] = {"status": CommandStatus.REFUSED, "sent_at_ms": 0}
    records = [
        record(CLOSE, step=0, changed_at_ms=NOW_MS - 5_000, **fields),
        record(CLOSE, step=1, changed_at_ms=NOW_MS - 100, **fields),
    ]

    given = step(goal(), held(2), *records)

    assert given == Await("close_again", NOW_MS - 5_000, NOW_MS + 400)


# ---- what working exits reserve


def exits(*orders: Any) -> dict[str, Any]:
    return {"exits": orders}


STOP_AND_TARGET = (order("st", sibling_ids=("tp",)), order("tp", kind=LIMIT, sibling_ids=("st",)))


def test_full_close_frees_every_working_exit_of_its_side_first() -> None:
    others = (order("in", status=INACTIVE), order("buys", BUY))

    given = step(goal(), held(2, **exits(*STOP_AND_TARGET, *others)))

    assert sent(given) == [Cancel("st", MES), Cancel("tp", MES)]
    assert roles(given) == ["other", "other"]


def test_close_waits_until_its_exits_are_free() -> None:
    cancels = [cancel_record("st"), cancel_record("tp", sent_at_ms=NOW_MS - 700)]

    given = step(goal(), held(2, **exits(*STOP_AND_TARGET)), *cancels)

    assert given == Await("release", NOW_MS - 700, NOW_MS + AGAIN_MS)


def test_partial_close_cuts_both_legs_of_the_bracket_to_what_stays() -> None:
    asked = goal(close_quantity=d(1), close_floor=d(1))

    given = step(asked, held(2, **exits(*STOP_AND_TARGET)))

    assert sent(given) == [Replace("st", MES, quantity=d(1)), Replace("tp", MES, quantity=d(1))]
    assert roles(given) == ["other", "other"]


def test_cut_exit_keeps_what_it_has_filled() -> None:
    asked = goal(close_quantity=d(1), close_floor=d(1))
    part = order("st", quantity=3, filled=1)

    assert sent(step(asked, held(2, **exits(part)))) == [Replace("st", MES, quantity=d(2))]


def test_partial_close_keeps_stops_before_targets_and_cancels_what_has_no_room() -> None:
    asked = goal(close_quantity=d(2), close_floor=d(2))
    alone = order("tp", kind=LIMIT)

    given = step(asked, held(4, **exits(alone, order("st"))))

    assert sent(given) == [Cancel("tp", MES)]
    assert roles(given) == ["other"]


def test_partial_close_shares_the_room_between_brackets() -> None:
    asked = goal(close_quantity=d(1), close_floor=d(3))

    given = step(asked, held(4, **exits(order("s1"), order("s2"))))

    assert sent(given) == [Replace("s2", MES, quantity=d(1))]


def test_exits_that_leave_room_already_are_left_alone() -> None:
    asked = goal(close_quantity=d(2), close_floor=d(2))

    assert sent(step(asked, held(4, **exits(*STOP_AND_TARGET)))) == [Place(MES, SELL, d(2), "close")]


def test_cut_under_way_is_waited_for() -> None:
    asked = goal(close_quantity=d(1), close_floor=d(1))
    cuts = [
        record(Replace(name, MES, quantity=d(1)), "other", sent_at_ms=NOW_MS - age)
        for name, age in (("st", 900), ("tp", 300))
    ]

    given = step(asked, held(2, **exits(*STOP_AND_TARGET)), *cuts)

    assert given == Await("release", NOW_MS - 900, NOW_MS + AGAIN_MS)


def test_cut_of_one_leg_under_way_does_not_hold_up_the_others() -> None:
    asked = goal(close_quantity=d(1), close_floor=d(1))
    cut = record(Replace("st", MES, quantity=d(1)), "other")

    assert sent(step(asked, held(2, **exits(*STOP_AND_TARGET)), cut)) == [Replace("tp", MES, quantity=d(1))]


OF_A_PERSON = order("out", kind=LIMIT, quantity=3)


@pytest.mark.parametrize(
    ("holds", "exits_first"),
    [
        (5, []),
        (4, [Replace("out", MES, quantity=d(2))]),
        (2, [Cancel("out", MES)]),
    ],
)
def test_exit_frees_what_a_persons_own_close_reserves_of_its_part(holds: int, exits_first: list[Command]) -> None:
    holding = held(holds, owned=2, people=(OF_A_PERSON,))

    assert sent(step(goal(), holding)) == (exits_first or [Place(MES, SELL, d(2), "close")])


def test_exit_waits_until_a_persons_close_is_gone() -> None:
    given = step(goal(), held(2, people=(OF_A_PERSON,)), cancel_record("out", sent_at_ms=NOW_MS - 300))

    assert given == Await("release", NOW_MS - 300, NOW_MS + AGAIN_MS)


def test_partial_exit_leaves_what_stays_protected_before_a_persons_close() -> None:
    asked = goal(close_quantity=d(1), close_floor=d(1))
    close = order("out", kind=LIMIT, quantity=1)

    assert sent(step(asked, held(2, people=(close,), **exits(order("st"))))) == [
        Replace("st", MES, quantity=d(1)),
        Cancel("out", MES),
    ]


# ---- closing by id


def test_positions_of_the_strategy_are_closed_oldest_first() -> None:
    positions = (pair(1, "old", 1), pair(2, "new", 2), pair(4, "foreign", 0))
    asked = goal(symbol=EURUSD, root="EURUSD")

    given = step_by_id(asked, Holding(d(7), d(3), positions))

    assert given == Send(
        (
            ("close", ClosePosition("old", EURUSD, BUY, d(1))),
            ("close", ClosePosition("new", EURUSD, BUY, d(2))),
        )
    )


def test_part_of_what_is_held_closes_whole_positions_and_a_part_of_the_next() -> None:
    positions = (pair(1, "old", 1), pair(2, "new", 2))
    asked = goal(symbol=EURUSD, root="EURUSD", close_quantity=d(2), close_floor=d(1))

    given = step_by_id(asked, Holding(d(3), d(3), positions))

    assert sent(given) == [
        ClosePosition("old", EURUSD, BUY, d(1)),
        ClosePosition("new", EURUSD, BUY, d(2), d(1)),
    ]


def test_part_that_the_oldest_position_covers_leaves_the_next_alone() -> None:
    positions = (pair(2, "old", 1), pair(2, "new", 2))
    asked = goal(symbol=EURUSD, root="EURUSD", close_quantity=d(2), close_floor=d(2))

    assert sent(step_by_id(asked, Holding(d(4), d(4), positions))) == [ClosePosition("old", EURUSD, BUY, d(2))]


@pytest.mark.parametrize("mode", [HEDGING, NETTING])
def test_adopting_closes_every_position_of_the_side(mode: PositionMode) -> None:
    positions = (pair(1, "own", 1), pair(4, "foreign", 0), pair(-2, "short", 0))
    asked = goal(symbol=EURUSD, root="EURUSD", adopt=True)

    closes = sent(step_by_id(asked, Holding(d(5), d(1), positions), mode=mode))

    assert [close.position_id for close in closes] == ["own", "foreign"]


def test_netted_position_is_closed_by_as_much_as_is_owned() -> None:
    asked = goal(symbol=EURUSD, root="EURUSD")

    given = step_by_id(asked, Holding(d(4), d(1), (pair(4, "p1"),)), mode=NETTING)

    assert sent(given) == [ClosePosition("p1", EURUSD, BUY, d(4), d(1))]


@pytest.mark.parametrize(("age_ms", "again"), [(CONFIRM_MS - 1, False), (CONFIRM_MS, True)])
def test_close_by_id_that_was_taken_has_ten_seconds_to_show(age_ms: int, again: bool) -> None:
    asked = goal(symbol=EURUSD, root="EURUSD")
    earlier = record(ClosePosition("p1", EURUSD, BUY, d(2)), sent_at_ms=NOW_MS - age_ms)

    given = step_by_id(asked, Holding(d(2), d(2), (pair(2, "p1"),)), earlier)

    if again:
        assert sent(given) == [ClosePosition("p1", EURUSD, BUY, d(2))]
    else:
        assert given == Await("close_again", NOW_MS - age_ms, NOW_MS - age_ms + CONFIRM_MS)


# ---- entering


def test_entry_is_sent_with_all_that_the_alert_asked_for() -> None:
    entry = Entry(
        SELL,
        d(2),
        OrderType.STOP_LIMIT,
        limit_price=d(1),
        stop_price=d(2),
        trail_amount=d(3),
        trail_percent=d(4),
        duration=Duration.GTC,
        bracket=Bracket(stop_loss=d(5)),
    )

    given = step(entering(entry=entry), held(0))

    assert given == Send(
        (
            (
                "entry",
                Place(
                    MES,
                    Side.SELL,
                    d(2),
                    "open",
                    OrderType.STOP_LIMIT,
                    limit_price=d(1),
                    stop_price=d(2),
                    trail_amount=d(3),
                    trail_percent=d(4),
                    duration=Duration.GTC,
                    bracket=Bracket(stop_loss=d(5)),
                ),
            ),
        )
    )


def test_entry_comes_after_the_close_and_only_once() -> None:
    asked = goal(SHORT, kind="reverse", entry=Entry(BUY, d(2)))
    entry = record(place(), "entry")

    assert roles(step(asked, held(-2))) == ["close"]
    assert roles(step(asked, held(0), closing_record(status=CommandStatus.ACCEPTED))) == ["entry"]
    assert step(asked, held(0), entry) == Reached()


@pytest.mark.parametrize(
    ("reckoned", "closed", "opened"), [(None, 9, 2), (3, 0, 2), (3, 3, 2), (3, 4, 1), (3, 5, None), (3, 9, None)]
)
def test_entry_of_a_reversal_is_less_by_what_was_closed_beyond_its_reckoning(
    reckoned: int | None, closed: int, opened: int | None
) -> None:
    asked = goal(
        SHORT, kind="reverse", entry=Entry(BUY, d(2)), reckoned=None if reckoned is None else d(reckoned)
    )

    given = step(asked, held(0), closed=d(closed))

    assert given == Reached() if opened is None else [command.quantity for command in sent(given)] == [opened]


def test_goal_without_an_entry_is_reached_when_all_is_closed() -> None:
    assert step(goal(), held(0)) == Reached()
    assert step(goal(), held(0, exits=(order("st", status=FILLED),))) == Reached()
