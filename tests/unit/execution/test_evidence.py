"""What the broker shows that could be an unknown command, and what a person may decide about it."""

from collections.abc import Sequence
from typing import Any

import pytest

from orderbridge.brokers.port import Absent, Ambiguous, Done, Evidence, Look, PlacedOrder, Resolution, Unknown
from orderbridge.commands import Cancel, ClosePosition, Command, PlaceGroup, Replace
from orderbridge.errors import ConflictError, DecisionError
from orderbridge.execution.decisions import Decided, Decision, decide, look_for
from orderbridge.execution.evidence import SKEW_MS, Candidate, Findings, differences, family, find, fits
from orderbridge.execution.looks import DEFAULT_HISTORY_MS
from orderbridge.execution.records import CommandRecord, CommandStatus
from orderbridge.execution.resolve import GIVE_UP_MS, move
from orderbridge.execution.session import LaneSession
from orderbridge.execution.submit import SEND_LIMIT_MS, gates_of, submit
from tests.unit.execution.cases import (
    BUY,
    CANCELLED,
    EURUSD,
    LIMIT,
    MARKET,
    MES,
    NOW_MS,
    SELL,
    STOP,
    d,
    look,
    order,
    place,
    record,
)
from tests.unit.execution.scripted import Scripted

ENTRY = place(BUY, 2)
SENT_MS = NOW_MS - 500


class Recogniser:
    """An adapter that takes the orders of these names for the command's."""

    def __init__(self, *names: str, message: str = "") -> None:
        self.names = names
        self.message = message
        self.looks: list[Look] = []
        self.asked: list[tuple[Command, str, Evidence]] = []

    def resolve(self, command: Command, command_id: str, evidence: Evidence, look: Look) -> Resolution:
        self.looks.append(look)
        self.asked.append((command, command_id, evidence))
        found = [one.id for one in look.orders if one.id in self.names and one.id not in evidence.claimed_ids]
        if not found:
            return Absent()
        if len(found) > 1:
            return Ambiguous(tuple(found))
        return Done((PlacedOrder(found[0], "order"), PlacedOrder("", "stop_loss")), self.message)


def findings(broker: Any, *shown: Any, evidence: Evidence | None = None, **fields: Any) -> Findings:
    return find(broker, record(ENTRY, "entry", **fields), evidence or Evidence(SENT_MS), look(*shown))


def ids(found: Findings) -> list[str]:
    return [one.order.id for one in found.candidates]


# ---- candidates


def bought(name: str, **fields: Any) -> Any:
    return order(name, **{"side": BUY, "kind": MARKET, "placed_at_ms": SENT_MS, **fields})


@pytest.mark.parametrize(
    ("fields", "possible"),
    [
        ({}, True),
        ({"placed_at_ms": SENT_MS - SKEW_MS}, True),
        ({"placed_at_ms": SENT_MS - SKEW_MS - 1}, False),
        ({"placed_at_ms": 0}, True),
        ({"symbol": "MESH27"}, True),
        ({"symbol": "MNQZ26"}, False),
        ({"name": "before"}, False),
        ({"name": "claimed"}, False),
    ],
)
def test_order_of_the_root_that_is_new_and_nobodys_could_be_it(fields: dict[str, Any], possible: bool) -> None:
    known = Evidence(SENT_MS, ("before",), {}, ("claimed",))

    assert bool(findings(Recogniser(), bought(**{"name": "o", **fields}), evidence=known).candidates) is possible


def test_order_that_the_adapter_recognises_is_a_candidate_whatever_it_is() -> None:
    found = findings(Recogniser("odd"), bought("odd", symbol="MNQZ26", placed_at_ms=1))

    assert found.candidates == (Candidate(bought("odd", symbol="MNQZ26", placed_at_ms=1), True, ("symbol",)),)
    assert found.order_ids == ("odd",)


def test_legs_stand_behind_their_head_unless_they_are_recognised() -> None:
    shown = (bought("o"), order("st", parent_id="o", placed_at_ms=SENT_MS), order("x", parent_id="elsewhere"))

    assert ids(findings(Recogniser(), *shown)) == ["o", "x"]
    assert ids(findings(Recogniser("st"), *shown)) == ["o", "st", "x"]


def test_what_the_adapter_says_is_given_with_the_orders_it_names() -> None:
    both = findings(Recogniser("a", "b"), bought("a"), bought("b"))

    assert both.resolution == Ambiguous(("a", "b"))
    assert both.order_ids == ("a", "b")
    assert findings(Recogniser(), bought("a")).order_ids == ()


def test_candidate_fits_by_itself_and_says_in_what_it_differs() -> None:
    broker = Recogniser("a", "b")

    first, second, third = findings(broker, bought("a"), bought("b", quantity=3), bought("c")).candidates

    assert (first.fits, first.differs) == (True, ())
    assert (second.fits, second.differs) == (True, ("quantity",))
    assert not third.fits
    assert all(asked[1] == "c1" for asked in broker.asked)


def test_order_is_shown_to_the_adapter_with_its_family_alone() -> None:
    broker = Recogniser("o")
    kin = (order("leg", parent_id="o"), order("sib", sibling_ids=("o",)), order("own-sib"))
    head = bought("o", sibling_ids=("own-sib",))

    assert fits(broker, record(ENTRY), Evidence(SENT_MS), look(head, *kin, order("far")), head)  # type: ignore[arg-type]
    (seen,) = broker.looks
    assert [one.id for one in seen.orders] == ["o", "leg", "sib", "own-sib"]
    assert (seen.positions, seen.requested_at_ms) == ((), NOW_MS)


def test_family_is_what_hangs_on_it_or_stands_beside_it() -> None:
    head = bought("o", sibling_ids=("s",))
    others = (order("s"), order("t", sibling_ids=("o",)), order("leg", parent_id="o"), order("x", parent_id="s"))

    assert [one.id for one in family((*others, head), head)] == ["s", "t", "leg", "o"]


# ---- differences


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (bought("o"), ()),
        (bought("o", symbol="mesz26"), ()),
        (bought("o", symbol="MESH27"), ("symbol",)),
        (order("o", kind=MARKET), ("side",)),
        (bought("o", quantity=3), ("quantity",)),
        (bought("o", kind=LIMIT), ("type",)),
        (bought("o", limit_price=d(1), stop_price=d(1)), ()),
    ],
)
def test_order_differs_from_what_was_placed_by_name(shown: Any, expected: tuple[str, ...]) -> None:
    assert differences(ENTRY, shown) == expected


def test_prices_that_were_asked_for_count() -> None:
    priced = place(BUY, 2, limit_price=d(9), stop_price=d(8))

    assert differences(priced, bought("o", limit_price=d(9), stop_price=d(8))) == ()
    assert differences(priced, bought("o")) == ("limit_price", "stop_price")


def test_group_differs_as_its_closest_child_does() -> None:
    group = PlaceGroup("brk", (place(SELL, 5, "close", order_type=STOP), place(SELL, 2, "close", order_type=STOP)))

    assert differences(group, order("o", stop_price=d(1))) == ()
    assert differences(group, order("o", quantity=3)) == ("quantity",)


@pytest.mark.parametrize(
    ("command", "shown", "expected"),
    [
        (Replace("o", MES, quantity=d(2)), order("o"), ()),
        (Replace("o", MES, quantity=d(3), limit_price=d(1)), order("o"), ("quantity", "limit_price")),
        (Replace("o", MES, stop_price=d(1)), order("o", stop_price=d(2)), ("stop_price",)),
        (ClosePosition("p", EURUSD, BUY, d(2)), order("o"), ()),
        (ClosePosition("p", EURUSD, BUY, d(3)), order("o"), ("quantity",)),
        (ClosePosition("p", EURUSD, BUY, d(3), d(2)), order("o"), ()),
        (ClosePosition("p", EURUSD, SELL, d(3)), order("o"), ("side", "quantity")),
        (Cancel("o", MES), order("o", quantity=9), ()),
    ],
)
def test_change_or_close_differs_by_what_it_named(command: Command, shown: Any, expected: tuple[str, ...]) -> None:
    assert differences(command, shown) == expected


# ---- what a person decides


class Table:
    """A lane with a command whose answer was lost."""

    def __init__(self, lane: LaneSession, world: Scripted, command: Command = ENTRY, role: Any = "entry") -> None:
        self.world, self.lane = world, lane
        self.owners: dict[str, CommandRecord] = {}
        self.told: list[tuple[str, str]] = []
        lane.see()
        world.broker.answers = [Unknown("reset")]
        planned = world.planned(lane, command, role)
        self.record = submit(lane, planned, gates_of(lane, "s", command), None)
        world.script.advance(GIVE_UP_MS)

    def recognise(self, broker: Recogniser) -> None:
        self.world.broker.resolve = broker.resolve  # type: ignore[method-assign]

    def owner(self, order_id: str) -> Sequence[CommandRecord]:
        return [self.owners[order_id]] if order_id in self.owners else []

    def decide(self, outcome: Any, order_id: str = "", **fields: Any) -> Decided:
        decision = Decision(outcome, "ann", order_id, **fields)
        return decide(
            self.lane,
            self.record.command_id,
            decision,
            self.owner,
            lambda code, sentence: self.told.append((code, sentence)),
        )

    def refused(self, outcome: Any, order_id: str = "", **fields: Any) -> str:
        """Give why a decision is refused; nothing is written then."""
        before = self.stored()
        with pytest.raises(DecisionError) as refusal:
            self.decide(outcome, order_id, **fields)
        assert self.stored() == before
        assert self.told == []
        return str(refusal.value)

    def stored(self) -> CommandRecord:
        return self.lane.store.command(self.lane.fence.lane, self.record.command_id)


@pytest.fixture
def world() -> Scripted:
    return Scripted()


def test_order_that_is_named_and_fits_becomes_the_commands(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        world.broker.show(bought("o7", placed_at_ms=NOW_MS))
        table.recognise(Recogniser("o7", message="by its mark"))
        given = table.decide("placed", "o7", reason="I saw it")

        assert not given.again
        assert given.record == table.stored()
        assert (given.record.status, given.record.code) == (CommandStatus.DECIDED_BY_PERSON, "placed")
        assert given.record.message == "ann decided: placed as order o7 (I saw it)"
        assert given.record.decided_by == "ann"
        assert given.record.orders[0] == PlacedOrder("o7", "order")
        assert [one.order_id for one in lane.state.book("s", "MES").tracked] == ["o7"]
        assert lane.state.pending == ()
        assert table.told == [
            ("decided", "A command (entry place buy 2 MESZ26): ann decided: placed as order o7 (I saw it).")
        ]


def test_one_of_several_orders_that_fit_is_named(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        world.broker.show(bought("a", placed_at_ms=NOW_MS), bought("b", placed_at_ms=NOW_MS))
        table.recognise(Recogniser("a", "b"))

        assert table.decide("placed", "b").record.orders[0] == PlacedOrder("b", "order")


def test_order_that_is_not_recognised_is_taken_by_force_with_its_exits(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        legs = (order("st", parent_id="o7"), order("tp", kind=LIMIT, parent_id="o7"))
        world.broker.show(bought("o7", quantity=3), *legs)

        assert table.refused("placed", "o7") == (
            "order o7 differs in quantity; if it is the command's order nevertheless, add --force"
        )
        orders = table.decide("placed", "o7", force=True).record.orders
        assert orders == (
            PlacedOrder("o7", "order"),
            PlacedOrder("st", "stop_loss"),
            PlacedOrder("tp", "take_profit"),
        )


def test_order_that_is_alike_but_not_recognised_wants_force_too(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        world.broker.show(bought("o7"))

        assert "is not recognised as it" in table.refused("placed", "o7")


def test_child_of_a_group_is_the_one_that_it_is_closest_to(world: Scripted) -> None:
    group = PlaceGroup("brk", (place(SELL, 5, "close", order_type=STOP), place(SELL, 2, "close", order_type=STOP)))
    with world.session() as lane:
        table = Table(lane, world, group, "stop")
        world.broker.show(order("o7"), order("leg", parent_id="o7"))

        orders = table.decide("placed", "o7", force=True).record.orders
        assert orders == (PlacedOrder("o7", "child", 1), PlacedOrder("leg", "stop_loss", 1))


def test_order_that_cannot_be_the_commands_is_refused_whatever_the_force(world: Scripted) -> None:
    with world.session() as lane:
        world.broker.show(order("before"))
        table = Table(lane, world)
        world.broker.show(order("sells"), bought("far", symbol="MNQZ26"), bought("marked", label="ob-other"))
        table.owners["taken"] = record(ENTRY, command_id="c9")
        table.owners["own"] = table.record
        world.broker.show(bought("taken"), bought("own"))
        lane.state = type(lane.state)(**{**_fields(lane.state), "claimed": ("claimed",)})
        world.broker.show(bought("claimed"))

        def why(name: str) -> str:
            return table.refused("placed", name, force=True)

        assert why("before") == "order before was there before the command was sent"
        assert why("taken") == "order taken belongs to command c9"
        assert why("claimed") == "order claimed belongs to another command"
        assert why("sells") == "order sells is sell MESZ26: it cannot be this command's"
        assert why("far") == "order far is buy MNQZ26: it cannot be this command's"
        assert why("marked") == "order marked carries another mark (ob-other): it is not this command's"
        assert why("unseen") == "the broker shows no order unseen since the sending"
        assert table.refused("placed") == "the broker shows no order (none was named) since the sending"
        assert table.decide("placed", "own", force=True).record.orders[0].order_id == "own"


def _fields(state: Any) -> dict[str, Any]:
    return {name: getattr(state, name) for name in state.__slots__}


def test_command_that_makes_no_order_is_placed_when_the_broker_shows_its_effect(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world, Cancel("x", MES), "other")

        assert "name the order with --order-id" in table.refused("placed")
        world.broker.resolution = Done((), "it is gone")
        given = table.decide("placed")
        assert given.record.message == "ann decided: placed"
        assert given.record.taken


# ---- not placed


def test_command_that_nothing_shows_is_decided_not_placed(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        given = table.decide("not_placed", reason="called them")

        assert (given.record.status, given.record.code) == (CommandStatus.DECIDED_BY_PERSON, "not_placed")
        assert given.record.message == "ann decided: not placed (called them)"
        assert given.record.orders == ()
        assert [one.command_id for one in lane.state.lost] == [given.record.command_id]


def test_command_that_could_be_several_orders_is_not_looked_for_as_a_ghost(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        world.broker.show(bought("a", status=CANCELLED), bought("b", status=CANCELLED))
        table.recognise(Recogniser("a", "b"))
        table.decide("not_placed")

        assert lane.state.lost == ()


def test_command_that_the_broker_shows_was_placed(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        world.broker.show(bought("o7"))
        table.recognise(Recogniser("o7"))
        assert table.refused("not_placed") == "the broker shows that it was placed (as order o7)"

        world.broker.resolve = lambda *_: Done((), "flat")  # type: ignore[method-assign]
        assert table.refused("not_placed") == "the broker shows that it was placed (flat)"
        world.broker.resolve = lambda *_: Done()  # type: ignore[method-assign]
        assert "its effect stands in the account" in table.refused("not_placed")


def test_command_may_still_show_for_a_minute(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        world.script._now_ms -= 1_500

        assert table.refused("not_placed") == "the broker may still show it; try again in 2 s"
        world.script.advance(1_500)
        assert table.decide("not_placed").record.code == "not_placed"


@pytest.mark.parametrize(("role", "allowed"), [("close", False), ("entry", True)])
def test_working_order_that_could_be_an_exit_must_be_dealt_with_first(
    world: Scripted, role: Any, allowed: bool
) -> None:
    with world.session() as lane:
        table = Table(lane, world, place(SELL, 2, "close", order_type=LIMIT), role)
        world.broker.show(order("w", kind=LIMIT), order("v", kind=LIMIT), order("z", kind=LIMIT, status=CANCELLED))
        table.recognise(Recogniser("w", "v", "z"))

        if allowed:
            assert table.decide("not_placed").record.code == "not_placed"
        else:
            why = table.refused("not_placed")
            assert why.startswith("order w, v works and could be it; a second one would close too much")
            assert "--as placed" in why


def test_working_order_that_does_not_fit_is_in_nobodys_way(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world, place(SELL, 2, "close", order_type=LIMIT), "close")
        world.broker.show(order("w", kind=LIMIT))

        assert table.decide("not_placed").record.code == "not_placed"


# ---- decided already, or being sent


def test_same_decision_again_changes_nothing(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        world.broker.show(bought("o7"))
        table.recognise(Recogniser("o7"))
        first = table.decide("placed", "o7")
        table.told.clear()

        assert table.decide("placed", "o7") == Decided(first.record, again=True)
        assert table.decide("placed") == Decided(first.record, again=True)
        assert table.told == []
        with pytest.raises(
            ConflictError, match=r"DECIDED_BY_PERSON already \(ann decided: placed as order o7, orders o7"
        ):
            table.decide("placed", "o8")
        with pytest.raises(ConflictError):
            table.decide("not_placed")


def test_command_that_is_over_otherwise_conflicts(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        move(lane, table.record, CommandStatus.NOT_FOUND, "not_found", "", None)

        assert table.decide("not_placed").again
        with pytest.raises(ConflictError, match=r"the command is NOT_FOUND already \(not_found\)"):
            table.decide("placed", "o7")


def test_command_that_was_refused_was_not_decided(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        move(lane, table.record, CommandStatus.REFUSED, "funds", "no funds", None)

        with pytest.raises(ConflictError, match=r"REFUSED already \(no funds\)"):
            table.decide("not_placed")


@pytest.mark.parametrize("late", [False, True])
def test_command_that_is_being_sent_must_end_first(world: Scripted, late: bool) -> None:
    class DiedError(Exception):
        pass

    def die(_: Command) -> Any:
        raise DiedError

    with world.session() as lane:
        table = Table(lane, world)
        lane.state = type(lane.state)()
        lane.store.save_state(lane.fence, lane.state)
        world.broker.answers = [die]
        planned = world.planned(lane, place(SELL, 2, "close"), "close", "job2")
        with pytest.raises(DiedError):
            submit(lane, planned, gates_of(lane, "s", planned.command), None)
        table.record = planned
        world.script.advance(SEND_LIMIT_MS if late else SEND_LIMIT_MS - 1)

        why = table_refusal(table)
        assert ("being sent just now" in why) is not late
        left = table.stored()
        assert left.status is (CommandStatus.UNKNOWN if late else CommandStatus.SENDING)
        assert not late or (left.code, left.message) == ("unknown", "the sender did not come back")


def table_refusal(table: Table) -> str:
    with pytest.raises(DecisionError) as refusal:
        table.decide("not_placed")
    return str(refusal.value)


def test_account_is_read_back_to_before_the_sending(world: Scripted) -> None:
    with world.session() as lane:
        table = Table(lane, world)
        looks = world.broker.looks
        found, seen = look_for(lane, table.record)

        assert world.broker.looks == looks + 1
        assert seen.since_ms <= NOW_MS - 60_000
        assert seen.since_ms % DEFAULT_HISTORY_MS == 0
        assert found == Findings(Absent(), ())
