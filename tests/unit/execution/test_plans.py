"""Storing a revision and carrying it out, command by command; what a look leaves in the lane's state."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.brokers.port import Accepted, PlacedOrder, Refused, Unknown
from orderbridge.commands import Bracket, Cancel, Command
from orderbridge.errors import ConflictError
from orderbridge.execution.bookkeeping import Event
from orderbridge.execution.plans import carry_out, close_unsent, command_id_of, store_revision
from orderbridge.execution.records import Book, CommandStatus, LaneState, Lost, Pending, Plan, Protection, RootState
from orderbridge.execution.session import with_book, with_pending, without_claims, without_pending
from orderbridge.strategy.goal import Goal
from tests.unit.execution.cases import (
    BRACKET,
    BUY,
    FILLED,
    LIMIT,
    MARKET,
    MES,
    NOW_MS,
    SELL,
    book,
    d,
    look,
    of,
    order,
    place,
    position,
    tracked,
)
from tests.unit.execution.scripted import Scripted

CANCELS: tuple[Any, ...] = (("other", Cancel("a", MES)), ("other", Cancel("b", MES)))
GOAL = Goal(MES, "MES", "cancel")


@pytest.fixture
def world() -> Scripted:
    return Scripted()


# ---- storing


def test_revision_is_stored_whole_before_anything_is_sent(world: Scripted) -> None:
    with world.session() as lane:
        records = store_revision(lane, "j", "s", "MES", GOAL, 2, CANCELS)

        ((plan, stored),) = lane.store.plans(lane.fence.lane, "j")
        assert plan == Plan("j", 2, GOAL, tuple(one.command_id for one in records), NOW_MS)
        assert stored == records
    assert [one.command_id for one in records] == [command_id_of("j", 2, 0), command_id_of("j", 2, 1)]
    assert [(one.step, one.role, one.command) for one in records] == [(0, *CANCELS[0]), (1, *CANCELS[1])]
    known = {(one.job_id, one.strategy, one.root, one.revision, one.status, one.changed_at_ms) for one in records}
    assert known == {("j", "s", "MES", 2, CommandStatus.NEW, NOW_MS)}
    assert world.broker.sent == []


def test_revision_that_stands_already_is_not_stored_again(world: Scripted) -> None:
    with world.session() as lane:
        store_revision(lane, "j", "s", "MES", GOAL, 1, CANCELS)

        with pytest.raises(ConflictError):
            store_revision(lane, "j", "s", "MES", GOAL, 1, CANCELS)


def test_bracket_of_an_entry_is_planned_once(world: Scripted) -> None:
    other = Protection(MES, Bracket(stop_loss=d(1)), "j0")
    former = Protection(MES, Bracket(stop_loss=d(2)), "j")
    with world.session() as lane:
        lane.state = of(book(0, strategy="s", planned=(former, other)))
        store_revision(lane, "j", "s", "MES", None, 1, [("entry", place(bracket=BRACKET))])
        planned = lane.state.book("s", "MES").planned

    assert planned == (other, Protection(MES, BRACKET, "j", asked_ms=world.clock.now_ms()))
    assert world.state().book("s", "MES").planned == planned


@pytest.mark.parametrize(
    ("role", "command"),
    [("entry", place()), ("close", place(SELL, effect="close", bracket=BRACKET)), ("entry", Cancel("a", MES))],
)
def test_other_commands_plan_no_bracket(world: Scripted, role: Any, command: Command) -> None:
    with world.session() as lane:
        store_revision(lane, "j", "s", "MES", None, 1, [(role, command)])

        assert lane.state == LaneState()


# ---- carrying out


def run(world: Scripted, *answers: Any, not_after_ms: int | None = None, commands: Any = CANCELS) -> list[Any]:
    world.broker.answers = list(answers)
    with world.session() as lane:
        records = store_revision(lane, "j", "s", "MES", GOAL, 1, commands)
        done = carry_out(lane, records, not_after_ms)
        assert [lane.store.command(lane.fence.lane, one.command_id) for one in done] == done
    return [(one.status, one.code) for one in done]


OK, NO = Accepted(), Refused("not_found", "gone")
ACCEPTED, REFUSED = (CommandStatus.ACCEPTED, "accepted"), (CommandStatus.REFUSED, "not_found")
NOT_SENT = (CommandStatus.EXPIRED, "not_sent")


def test_commands_go_out_in_their_order_past_a_refusal(world: Scripted) -> None:
    assert run(world, OK, OK) == [ACCEPTED, ACCEPTED]
    assert world.broker.sent == [Cancel("a", MES), Cancel("b", MES)]
    assert run(Scripted(), NO, OK) == [REFUSED, ACCEPTED]


def test_nothing_goes_out_after_one_whose_outcome_is_unknown(world: Scripted) -> None:
    assert run(world, Unknown("reset")) == [(CommandStatus.UNKNOWN, "unknown"), NOT_SENT]
    assert len(world.broker.sent) == 1


def test_only_an_entry_grows_stale(world: Scripted) -> None:
    both: Any = (("close", place(SELL, 1, "close")), ("entry", place()))

    given = run(world, not_after_ms=NOW_MS, commands=both)

    assert given == [ACCEPTED, (CommandStatus.EXPIRED, "expired")]
    assert len(world.broker.sent) == 1


def test_what_a_dead_worker_left_is_closed_and_the_rest_kept(world: Scripted) -> None:
    with world.session() as lane:
        first, second = store_revision(lane, "j", "s", "MES", GOAL, 1, CANCELS)
        closed = close_unsent(lane, [replace(first, status=CommandStatus.REFUSED), second])

    assert [(one.status, one.code) for one in closed] == [(CommandStatus.REFUSED, ""), NOT_SENT]


def test_revision_of_a_root_that_was_not_followed_notes_what_is_held_there(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.held = {"p1": position(3, "p1"), "p2": position(4, "p2", symbol="MNQZ26")}
        lane.see()

        store_revision(lane, "j", "s", "MES", GOAL, 1, CANCELS)
        noted = lane.state
        world.broker.held = {}
        lane.look = look()
        store_revision(lane, "j", "s", "MES", GOAL, 2, CANCELS)

        assert noted.roots == (RootState("MES", d(3), position_ids=("p1",)),)
        assert lane.state.roots == noted.roots, "what is followed is known already"
    assert world.state().roots == noted.roots


# ---- looks


def test_look_books_fills_keeps_the_state_and_tells_the_events(world: Scripted) -> None:
    events: list[Event] = []
    with world.session() as lane:
        lane.on_event = events.append
        lane.state = of(book(0, tracked("a", "entry"), strategy="s"), book(0, tracked("b", "entry", 1), strategy="z"))
        world.broker.show(order("a", BUY, MARKET, 2, 2, status=FILLED), order("b", BUY, MARKET, 1, 1, status=FILLED))
        world.broker.held = {MES: position(3)}
        look = lane.see()

        assert lane.look == look
        assert [(one.kind, one.strategy, one.quantity) for one in events] == [
            ("filled", "s", d(2)),
            ("filled", "z", d(1)),
        ]
        assert [one.owned for one in lane.state.books] == [d(2), d(1)]
        assert lane.state.roots == (RootState("MES", d(3), position_ids=(MES,)),)
        assert lane.holding("z", "MES").owned == 1
    assert world.state().books[0].owned == 2


def test_look_after_a_sending_began_after_it(world: Scripted) -> None:
    with world.session() as lane:
        lane.see()
        lane.see()
        assert world.broker.looks == 1
        lane.wrote = True
        lane.see()
        assert world.broker.looks == 2
        assert not lane.wrote
        world.script.advance(1_001)
        lane.see()
        assert world.broker.looks == 3
        world.script.advance(1)
        lane.see(max_age_ms=0)
        assert world.broker.looks == 4


def test_look_reaches_back_to_the_oldest_order_that_is_followed(world: Scripted) -> None:
    hour_ms = 3_600_000
    with world.session() as lane:
        assert lane.see().since_ms > NOW_MS - 3 * hour_ms
        old, older = (tracked(name, "entry", placed_at_ms=NOW_MS - age * hour_ms) for name, age in (("x", 5), ("y", 9)))
        lane.state = of(book(0, old), book(0, older, strategy="z"))
        since_ms = lane.see().since_ms

    assert NOW_MS - 11 * hour_ms < since_ms < NOW_MS - 9 * hour_ms


def test_order_that_is_followed_is_found_in_any_book(world: Scripted) -> None:
    with world.session() as lane:
        lane.state = of(book(0, tracked("a", "stop")), book(0, tracked("b", "entry"), strategy="z"))

        found = lane.tracked("b")
        assert found is not None
        assert found.role == "entry"
        assert lane.tracked("c") is None


# ---- the state's parts


def test_book_takes_the_place_of_the_former_one() -> None:
    state = of(book(1), book(2, root="MNQ"), book(3, strategy="z"))

    changed = with_book(state, book(9))

    assert sorted(one.owned for one in changed.books) == [2, 3, 9]
    assert changed.book("trend", "MES").owned == 9
    assert changed.book("trend", "ES") == Book("trend", "ES")


def test_pending_command_is_kept_once_and_taken_away() -> None:
    first, second = (Pending(name, "j", "s", "MES", "entry") for name in ("a", "b"))
    state = with_pending(with_pending(of(), first), second)

    assert with_pending(state, replace(first, asked=3)).pending == (second, replace(first, asked=3))
    assert without_pending(state, "a").pending == (second,)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({}, ()),
        ({"pending": (Pending("a", "j", "s", "MES", "entry"),)}, ("x",)),
        ({"lost": (Lost("a", "s", "MES", NOW_MS),)}, ("x",)),
    ],
)
def test_claims_are_forgotten_when_nothing_is_looked_for(fields: dict[str, Any], kept: tuple[str, ...]) -> None:
    assert without_claims(of(claimed=("x",), **fields)).claimed == kept


@pytest.mark.parametrize(
    ("state", "watched"),
    [
        (of(), False),
        (of(book(0)), False),
        (of(book(0), book(-1)), True),
        (of(book(0, tracked("a", "entry"))), True),
        (of(pending=(Pending("a", "j", "s", "MES", "other"),)), True),
        (of(lost=(Lost("a", "s", "MES", NOW_MS),)), True),
    ],
)
def test_lane_is_watched_while_something_works_is_held_or_unknown(state: LaneState, watched: bool) -> None:
    assert state.watched is watched


def test_root_that_is_not_kept_holds_nothing() -> None:
    state = of(roots=(RootState("MES", d(3), 5),))

    assert state.root("MES") == RootState("MES", d(3), 5)
    assert state.root("MNQ") == RootState("MNQ")


def test_entry_is_sent_with_its_bracket(world: Scripted) -> None:
    entry = place(order_type=LIMIT, limit_price=d(4990), bracket=BRACKET)
    legs = (PlacedOrder("o", "order"), PlacedOrder("st", "stop_loss"), PlacedOrder("tp", "take_profit"))

    assert run(world, Accepted(legs), commands=[("entry", entry)]) == [ACCEPTED]
    assert [one.role for one in world.state().books[0].tracked] == ["entry", "stop", "target"]
