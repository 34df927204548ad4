"""Asking what became of a command: when, how often, and what the answers make of it."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.brokers.port import Absent, Ambiguous, Done, Evidence, PlacedOrder, Unknown
from orderbridge.commands import Bracket, Cancel, CancelAll, ClosePosition, Command, ModifyPosition, Place, Replace
from orderbridge.execution.records import CommandRecord, CommandStatus, Lost, Pending
from orderbridge.execution.resolve import (
    ASK_AFTER_S,
    GHOST_MS,
    GIVE_UP_MS,
    GIVE_UP_STATE_MS,
    LEAST_ASKED,
    find_ghosts,
    flat,
    move,
    named,
    next_ask_ms,
    resolve_pending,
    with_claims,
)
from orderbridge.execution.session import LaneSession
from orderbridge.execution.submit import SEND_LIMIT_MS, gates_of, submit
from tests.unit.execution.cases import (
    BUY,
    EURUSD,
    FILLED,
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
    record,
    tracked,
)
from tests.unit.execution.scripted import Scripted

ENTRY, CLOSE = place(BUY, 2), place(SELL, 2, "close")


@pytest.fixture
def world() -> Scripted:
    return Scripted()


class Teller:
    """Who is told: codes and sentences."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def __call__(self, code: str, sentence: str) -> None:
        self.said.append((code, sentence))

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.said]


def unknown(world: Scripted, lane: LaneSession, command: Command = ENTRY, role: Any = "entry") -> CommandRecord:
    """Send a command whose answer is lost."""
    lane.see()
    world.broker.answers = [Unknown("reset")]
    planned = world.planned(lane, command, role)
    return submit(lane, planned, gates_of(lane, "s", command), None)


def ask(world: Scripted, lane: LaneSession, after_ms: int = 0) -> Teller:
    teller = Teller()
    world.script.advance(after_ms)
    resolve_pending(lane, teller)
    return teller


def stored(lane: LaneSession, given: CommandRecord) -> CommandRecord:
    return lane.store.command(lane.fence.lane, given.command_id)


# ---- when


def pending(**fields: Any) -> Pending:
    known = {"command_id": "c", "job_id": "j", "strategy": "s", "root": "MES", "role": "entry", "since_ms": NOW_MS}
    return Pending(**{**known, **fields})


@pytest.mark.parametrize(("asked", "seconds"), list(enumerate((1, 2, 4, 8, 15, 30))))
def test_broker_is_asked_after_these_seconds(asked: int, seconds: int) -> None:
    assert next_ask_ms(pending(asked=asked)) == NOW_MS + seconds * 1_000
    late = NOW_MS + 40_000
    assert next_ask_ms(pending(asked=asked, asked_at_ms=late)) == late + 1_000


def test_broker_is_asked_each_second_afterwards() -> None:
    assert next_ask_ms(pending(asked=len(ASK_AFTER_S), asked_at_ms=NOW_MS + 31_000)) == NOW_MS + 32_000
    assert next_ask_ms(pending(asked=99, asked_at_ms=NOW_MS + 31_000)) == NOW_MS + 32_000


@pytest.mark.parametrize(("after_ms", "asked"), [(999, 0), (1_000, 1)])
def test_command_is_asked_for_when_its_turn_has_come(world: Scripted, after_ms: int, asked: int) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        looks = world.broker.looks
        ask(world, lane, after_ms)

        assert len(world.broker.evidence) == asked
        assert world.broker.looks == looks + asked, "the look is a fresh one"
        (left,) = lane.state.pending
        assert (left.asked, left.asked_at_ms) == (asked, asked * (NOW_MS + after_ms))
        assert stored(lane, given).status is CommandStatus.UNKNOWN
    assert world.state().pending[0].asked == asked


def test_each_pending_command_has_its_own_turn(world: Scripted) -> None:
    with world.session() as lane:
        first = unknown(world, lane)
        world.script.advance(900)
        second = submit_another(world, lane)
        world.broker.resolution = Done()
        ask(world, lane, 100)

        assert stored(lane, first).status is CommandStatus.ACCEPTED
        assert stored(lane, second).status is CommandStatus.UNKNOWN
        ask(world, lane, 900)
        assert stored(lane, second).status is CommandStatus.ACCEPTED


def submit_another(world: Scripted, lane: LaneSession) -> CommandRecord:
    world.broker.answers = [Unknown("reset")]
    command = Cancel("x", MES)
    return submit(lane, world.planned(lane, command, "other", "job2"), gates_of(lane, "s", command), None)


@pytest.mark.parametrize(
    ("after_ms", "status"),
    [(SEND_LIMIT_MS - 1, CommandStatus.SENDING), (SEND_LIMIT_MS, CommandStatus.UNKNOWN)],
)
def test_sender_that_does_not_come_back_leaves_an_unknown_command(
    world: Scripted, after_ms: int, status: CommandStatus
) -> None:
    class DiedError(Exception):
        pass

    def die(_: Command) -> Any:
        raise DiedError

    with world.session() as lane:
        lane.see()
        world.broker.answers = [die]
        planned = world.planned(lane, ENTRY)
        with pytest.raises(DiedError):
            submit(lane, planned, gates_of(lane, "s", ENTRY), None)
        ask(world, lane, after_ms)

        left = stored(lane, planned)
        assert left.status is status
        assert len(world.broker.evidence) == (status is CommandStatus.UNKNOWN)
        if status is CommandStatus.UNKNOWN:
            assert (left.code, left.message) == ("unknown", "the sender did not come back")


# ---- what the answers make of it


def test_command_that_the_broker_shows_is_accepted_and_followed(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        world.broker.resolution = Done((PlacedOrder("o7", "order"),), "found by its mark")
        teller = ask(world, lane, 1_000)

        moved = stored(lane, given)
        assert (moved.status, moved.code, moved.message) == (CommandStatus.ACCEPTED, "found", "found by its mark")
        assert moved.orders == (PlacedOrder("o7", "order"),)
        assert moved.changed_at_ms == NOW_MS + 1_000
        assert moved.decided_by == ""
        assert lane.state.pending == ()
        assert [one.order_id for one in lane.state.book("s", "MES").tracked] == ["o7"]
        assert lane.wrote
        assert teller.said == []
        assert lane.state.lost == ()


def test_command_that_is_found_without_a_word_says_so(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        world.broker.resolution = Done()
        ask(world, lane, 1_000)

        assert stored(lane, given).message == "found at the broker"


def test_entry_that_never_shows_is_given_up_told_and_looked_for(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        codes = [ask(world, lane, 1_000).codes for _ in range(GIVE_UP_MS // 1_000 - 1)]
        assert codes == [[]] * len(codes)
        assert stored(lane, given).status is CommandStatus.UNKNOWN
        last = ask(world, lane, 1_000)

        left = stored(lane, given)
        assert (left.status, left.code) == (CommandStatus.NOT_FOUND, "not_found")
        assert left.message == "the broker does not show it"
        assert last.codes == ["not_found"]
        assert "entry place buy 2 MESZ26" in last.said[0][1]
        assert lane.state.pending == ()
        assert lane.state.lost == (Lost(given.command_id, "s", "MES", NOW_MS + GIVE_UP_MS + GHOST_MS),)


def test_command_is_not_given_up_before_it_was_asked_for_four_times(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        statuses = []
        for _ in range(LEAST_ASKED):
            ask(world, lane, GIVE_UP_MS)
            statuses.append(stored(lane, given).status)

    assert statuses == [CommandStatus.UNKNOWN] * (LEAST_ASKED - 1) + [CommandStatus.NOT_FOUND]


@pytest.mark.parametrize(
    ("command", "patience_ms"),
    [
        (Cancel("x", MES), GIVE_UP_STATE_MS),
        (Replace("x", MES), GIVE_UP_STATE_MS),
        (ModifyPosition("p", MES), GIVE_UP_STATE_MS),
        (ClosePosition("p", MES, BUY, d(2)), GIVE_UP_STATE_MS),
        (ClosePosition("p", MES, BUY, d(2), d(1)), GIVE_UP_MS),
        (CancelAll(), GIVE_UP_MS),
        (ENTRY, GIVE_UP_MS),
    ],
)
def test_patience_is_short_where_any_look_shows_the_effect(world: Scripted, command: Command, patience_ms: int) -> None:
    with world.session() as lane:
        given = unknown(world, lane, command, "other")
        asked = replace(lane.state.pending[0], asked=LEAST_ASKED - 1, asked_at_ms=NOW_MS)
        lane.state = replace(lane.state, pending=(asked,))
        ask(world, lane, patience_ms - 1)
        early = stored(lane, given).status
        world.script.advance(1)
        lane.state = replace(lane.state, pending=(asked,))
        ask(world, lane)

        assert (early, stored(lane, given).status) == (CommandStatus.UNKNOWN, CommandStatus.NOT_FOUND)
        assert lane.state.lost == ()


def test_several_orders_that_fit_are_told_once_and_left_to_a_person(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        world.broker.resolution = Ambiguous(("a", "b"))
        first, again = ask(world, lane, 1_000), ask(world, lane, 1_000)
        much_later = ask(world, lane, 10 * GIVE_UP_MS)

        assert first.codes == ["ambiguous"]
        assert "a, b" in first.said[0][1]
        assert "orderbridge unresolved" in first.said[0][1]
        assert again.said == much_later.said == []
        assert stored(lane, given).status is CommandStatus.UNKNOWN
        assert [(one.asked, one.told) for one in lane.state.pending] == [(3, True)]


@pytest.mark.parametrize(("role", "found"), [("close", True), ("other", False)])
def test_exit_is_resolved_by_being_flat(world: Scripted, role: Any, found: bool) -> None:
    with world.session() as lane:
        given = unknown(world, lane, CLOSE, role)
        ask(world, lane, 1_000)

        left = stored(lane, given)
        assert (left.status is CommandStatus.ACCEPTED) is found
        assert not found or left.message == "flat, with nothing working"


def test_exit_of_what_is_still_held_stays_unknown(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane, CLOSE, "close")
        world.broker.hold(MES, 2)
        ask(world, lane, 1_000)

        assert stored(lane, given).status is CommandStatus.UNKNOWN


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ((), True),
        ((position(1),), False),
        ((order("o"),), False),
        ((order("o", status=FILLED),), True),
        ((position(1, symbol="MNQZ26"), order("o", symbol="MNQZ26")), True),
    ],
)
def test_flat_is_nothing_held_and_nothing_working_in_the_root(shown: Any, expected: bool) -> None:
    assert flat(record(CLOSE), look(*shown)) is expected


def test_orders_of_other_commands_are_claimed(world: Scripted) -> None:
    with world.session() as lane:
        unknown(world, lane)
        lane.state = replace(lane.state, books=(book(0, tracked("t", "stop"), strategy="z"),), claimed=("filled", "t"))
        ask(world, lane, 1_000)

    assert world.broker.evidence[0].claimed_ids == ("t", "filled")


def test_broker_is_asked_with_what_was_known_before_the_sending(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.show(order("old"))
        world.broker.held = {"p": position(3, "p")}
        unknown(world, lane)
        ask(world, lane, 1_000)

    assert world.broker.evidence == [Evidence(NOW_MS, ("old",), {"p": d(3)})]


def test_claims_are_added_to_what_was_claimed_before_the_sending() -> None:
    state = of(book(0, tracked("t", "stop"), tracked("b", "stop")), claimed=("c", "t"))

    assert with_claims(state, Evidence(1, ("o",), {}, ("b",))) == Evidence(1, ("o",), {}, ("b", "t", "c"))


# ---- moving on


def test_what_a_person_says_is_kept_with_who_said_it(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        found = Done((PlacedOrder("o7", "order"),))
        moved = move(lane, given, CommandStatus.DECIDED_BY_PERSON, "placed", "ann decided", found, "ann")

        assert (moved.decided_by, moved.code, moved.message) == ("ann", "placed", "ann decided")
        assert stored(lane, given) == moved
        assert lane.state.lost == ()


@pytest.mark.parametrize(
    ("role", "found", "lost"),
    [("entry", None, True), ("close", None, False), ("entry", Absent(), False), ("entry", Ambiguous(("a",)), False)],
)
def test_entry_that_ends_with_nothing_shown_is_looked_for(world: Scripted, role: Any, found: Any, lost: bool) -> None:
    with world.session() as lane:
        given = unknown(world, lane, ENTRY, role)
        move(lane, given, CommandStatus.DECIDED_BY_PERSON, "not_placed", "", found)

        assert bool(lane.state.lost) is lost


def test_entry_that_is_only_unknown_is_not_lost(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        move(lane, given, CommandStatus.UNKNOWN, "unknown", "again", None)

        assert lane.state.lost == ()
        assert len(lane.state.pending) == 1


def test_entry_that_an_exit_overtook_is_lost_though_it_was_placed(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        lane.state = replace(lane.state, pending=(replace(lane.state.pending[0], flatten=True),), lost=(lost("z"),))
        world.broker.resolution = Done((PlacedOrder("o7", "order"),))
        ask(world, lane, 1_000)

        assert lane.state.lost == (lost("z"), Lost(given.command_id, "s", "MES", NOW_MS + 1_000 + GHOST_MS))


def test_claims_end_with_what_is_looked_for(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane, CLOSE, "close")
        lane.state = replace(lane.state, claimed=("a",), lost=(lost("z"),))
        move(lane, given, CommandStatus.NOT_FOUND, "not_found", "", None)
        assert lane.state.claimed == ("a",)

    world = Scripted()
    with world.session() as lane:
        given = unknown(world, lane, CLOSE, "close")
        lane.state = replace(lane.state, claimed=("a",))
        move(lane, given, CommandStatus.NOT_FOUND, "not_found", "", None)
        assert lane.state.claimed == ()


# ---- ghosts


def lost(name: str, **fields: Any) -> Lost:
    return Lost(**{"command_id": name, "strategy": "s", "root": "MES", "until_ms": NOW_MS + GHOST_MS, **fields})


def give_up(world: Scripted, lane: LaneSession) -> CommandRecord:
    given = unknown(world, lane)
    move(lane, given, CommandStatus.NOT_FOUND, "not_found", "", None)
    world.broker.evidence.clear()
    return given


def test_entry_that_shows_up_after_all_is_followed_told_and_given(world: Scripted) -> None:
    with world.session() as lane:
        given = give_up(world, lane)
        lane.state = replace(lane.state, claimed=("x",))
        world.script.advance(5_000)
        world.broker.resolution = Done((PlacedOrder("o7", "order"),))
        teller = Teller()
        (ghost,) = find_ghosts(lane, teller)

        assert (ghost.command_id, ghost.orders) == (given.command_id, (PlacedOrder("o7", "order"),))
        assert ghost.changed_at_ms == NOW_MS + 5_000
        assert teller.codes == ["ghost_fill"]
        assert "entry place buy 2 MESZ26" in teller.said[0][1]
        assert (lane.state.lost, lane.state.claimed) == ((), ())
        assert [one.order_id for one in lane.state.book("s", "MES").tracked] == ["o7"]
        kept = lane.state
    assert world.state() == kept


def test_entry_that_an_exit_overtook_is_given_as_it_was_found(world: Scripted) -> None:
    with world.session() as lane:
        given = unknown(world, lane)
        lane.state = replace(lane.state, pending=(replace(lane.state.pending[0], flatten=True),))
        world.broker.resolution = Done((PlacedOrder("o7", "order"),))
        ask(world, lane, 1_000)
        world.broker.resolution = Absent()
        (ghost,) = find_ghosts(lane, Teller())

    assert (ghost.command_id, ghost.orders) == (given.command_id, (PlacedOrder("o7", "order"),))


def test_entry_that_an_exit_overtook_is_counted_once_when_its_fill_is_booked_already(world: Scripted) -> None:
    with world.session() as lane:
        unknown(world, lane)
        lane.state = replace(lane.state, pending=(replace(lane.state.pending[0], flatten=True),))
        world.broker.resolution = Done((PlacedOrder("o7", "order"),))
        ask(world, lane, 1_000)
        world.broker.show(order("o7", BUY, quantity=2, filled=2, status=FILLED))
        world.broker.hold(MES, d(2))
        lane.see(max_age_ms=0)

        find_ghosts(lane, Teller())

        assert (lane.state.book("s", "MES").owned, lane.state.book("s", "MES").tracked) == (d(2), ())


@pytest.mark.parametrize(("after_ms", "kept"), [(GHOST_MS - 1, True), (GHOST_MS, False)])
def test_entry_that_does_not_show_up_is_looked_for_an_hour(world: Scripted, after_ms: int, kept: bool) -> None:
    with world.session() as lane:
        give_up(world, lane)
        (first,) = lane.state.lost
        other = lost(world.planned(lane, ENTRY, "entry", "job2").command_id, until_ms=NOW_MS + 10 * GHOST_MS)
        lane.state = replace(lane.state, lost=(first, other))
        world.script.advance(after_ms)

        assert find_ghosts(lane, Teller()) == []
        assert lane.state.lost == ((first, other) if kept else (other,))


def test_ghost_is_looked_for_with_what_was_known_before_and_claimed_since(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.show(order("old"))
        give_up(world, lane)
        lane.state = replace(lane.state, claimed=("x",))
        find_ghosts(lane, Teller())

    assert world.broker.evidence == [Evidence(NOW_MS, ("old",), {}, ("x",))]


def test_without_a_look_no_ghost_is_seen(world: Scripted) -> None:
    with world.session() as lane:
        give_up(world, lane)
        lane.look = None
        world.broker.resolution = Done()

        assert find_ghosts(lane, Teller()) == []
        assert lane.state.lost != ()


# ---- words


@pytest.mark.parametrize(
    ("command", "role", "expected"),
    [
        (Place(MES, SELL, d(2), "close"), "close", "A command (close place sell 2 MESZ26)"),
        (ClosePosition("p", EURUSD, BUY, d(3), d(1)), "close", "A command (close close position 1 EURUSD)"),
        (ClosePosition("p", EURUSD, BUY, d(3)), "close", "A command (close close position EURUSD)"),
        (CancelAll(), "other", "A command (other cancel all)"),
        (Replace("o", MES, bracket=Bracket(stop_loss=d(1))), "other", "A command (other replace MESZ26)"),
    ],
)
def test_command_is_named_by_what_it_asks_for(command: Command, role: Any, expected: str) -> None:
    assert named(record(command, role)) == expected
