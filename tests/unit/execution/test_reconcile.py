"""Bringing a restored ledger together with the broker: what is asked for, adopted, left alone, or put to a person."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from orderbridge.brokers.port import Absent, Ambiguous, Capabilities, Done, PlacedOrder, Unknown
from orderbridge.commands import Bracket, Place
from orderbridge.execution.adoption import RESTORED, Answers, LaneReport, Lost
from orderbridge.execution.evidence import SKEW_MS
from orderbridge.execution.looks import DEFAULT_HISTORY_MS, HISTORY_MARGIN_MS
from orderbridge.execution.reconcile import look_back, reconcile
from orderbridge.execution.records import CommandRecord, CommandStatus, Job, LaneState, Pending, Protection, RootState
from orderbridge.execution.session import LaneSession
from orderbridge.execution.submit import gates_of, submit
from orderbridge.model import Duration, Order, OrderType, PositionMode
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
    book,
    d,
    order,
    pair,
    place,
    position,
    record,
    tracked,
)
from tests.unit.execution.scripted import Scripted

HOUR_MS = 3_600_000
LOST = Lost(since_ms=NOW_MS - HOUR_MS, restored_at_ms=NOW_MS - 60_000)
"""An hour that the ledger does not know of, and a minute since the restore."""
IN_IT = NOW_MS - HOUR_MS // 2


class Office:
    """One lane of a restored table, and what reconciling it says."""

    def __init__(
        self,
        *shown: Any,
        state: LaneState | None = None,
        strategies: Sequence[str] = ("s",),
        at: Capabilities = TRADESTATION,
        mode: PositionMode = PositionMode.NETTING,
    ) -> None:
        self.world = Scripted(capabilities=at, mode=mode)
        self.strategies = strategies
        self.owners: dict[str, CommandRecord] = {}
        self.state = state or LaneState()
        with self.world.session() as lane:
            lane.store.save_state(lane.fence, self.state)
        for one in shown:
            if isinstance(one, Order):
                self.world.broker.show(one)
            else:
                self.world.broker.held[one.id] = one

    def owner(self, order_id: str) -> Sequence[CommandRecord]:
        return [self.owners[order_id]] if order_id in self.owners else []

    def reconcile(self, **answers: Any) -> LaneReport:
        with self.world.session() as lane:
            report = reconcile(
                lane,
                look_back(lane, LOST),
                LOST,
                self.strategies,
                lambda one: one.label.startswith("ob-"),
                self.owner,
                Answers(by="ann", **answers),
            )
            self.state = lane.state
        assert self.world.state() == self.state, "what is kept is stored"
        return report

    def followed(self, strategy: str = "s") -> list[tuple[str, str]]:
        return [(one.order_id, one.role) for one in self.state.book(strategy, "MES").tracked]

    @property
    def adopted(self) -> CommandRecord:
        (record,) = self.world.commands()
        return record


def ours(name: str, side: Any = BUY, kind: Any = LIMIT, **fields: Any) -> Order:
    return order(name, side, kind, **{"label": "ob-1", "placed_at_ms": IN_IT, **fields})


def owning(signed: int, *followed: Any, strategy: str = "s", **fields: Any) -> Any:
    return book(signed, *followed, strategy=strategy, **fields)


def base(quantity: int, *ids: str) -> tuple[RootState, ...]:
    return (RootState("MES", d(quantity), position_ids=ids),)


# ---- whose an order is


def test_marked_order_is_the_only_strategys() -> None:
    office = Office(ours("o", limit_price=d(9), duration="gtc"))

    report = office.reconcile()

    assert report.adopted == ["order o (buy 2 MESZ26 limit, working) -> s (entry)"]
    assert office.followed() == [("o", "entry")]
    kept = office.adopted
    assert kept.command == Place(MES, BUY, d(2), "open", LIMIT, limit_price=d(9), duration=Duration.GTC)
    assert (kept.status, kept.code, kept.strategy, kept.root) == (CommandStatus.ACCEPTED, RESTORED, "s", "MES")
    assert kept.job_id == "restored.acct.o"
    assert (kept.revision, kept.step, kept.role) == (1, 0, "entry")
    assert (kept.sent_at_ms, kept.changed_at_ms) == (IN_IT, NOW_MS)
    assert kept.orders == (PlacedOrder("o", "order"),)
    assert kept.message == "found at the broker after the table was restored"
    assert (report.questions, report.left_alone) == ([], [])


def test_prices_of_an_adopted_order_are_kept() -> None:
    prices: dict[str, Any] = {"stop_price": d(2), "trail_amount": d(3), "trail_percent": d(4)}
    office = Office(ours("o", kind=OrderType.TRAILING_STOP, duration="strange", **prices))

    office.reconcile()

    assert office.adopted.command == Place(
        MES, BUY, d(2), "open", OrderType.TRAILING_STOP, duration=Duration.DAY, **prices
    )


@pytest.mark.parametrize(
    ("fields", "strategies"),
    [({}, ("a", "b")), ({}, ()), ({"label": "mine"}, ("s",)), ({"label": ""}, ("s",))],
)
def test_order_that_is_not_clearly_a_strategys_is_put_to_a_person(
    fields: dict[str, Any], strategies: tuple[str, ...]
) -> None:
    office = Office(ours("o", **fields), strategies=strategies)

    report = office.reconcile()

    mark = " with our mark" if not fields else ""
    known = ", ".join(strategies) or "none"
    assert report.questions == [
        f"order o (buy 2 MESZ26 limit, working){mark} is not in the ledger: --adopt o=STRATEGY (of {known}), "
        f"or --foreign o to leave it alone"
    ]
    assert office.world.commands() == []
    assert office.state == LaneState()


def test_filled_order_is_told_by_what_it_filled() -> None:
    office = Office(ours("o", label="", status=FILLED, filled=2), position(2))

    (question,) = office.reconcile().questions

    assert question.startswith("order o (buy 2 MESZ26 limit, filled 2) is not")


def test_order_that_ended_unfilled_needs_no_owner() -> None:
    assert Office(ours("o", label="", status=CANCELLED)).reconcile() == LaneReport("acct#MES")


def test_person_says_whose_it_is() -> None:
    office = Office(ours("o", label=""), strategies=("a", "b"))

    assert office.reconcile(adopt={"o": "b"}).questions == []
    assert office.followed("b") == [("o", "entry")]


def test_person_leaves_an_order_alone_though_it_is_marked() -> None:
    office = Office(ours("o", status=FILLED, filled=2), position(2))

    report = office.reconcile(foreign=frozenset({"o"}))

    assert report.left_alone == ["order o (buy 2 MESZ26 limit, filled 2)"]
    kept = office.adopted
    assert (kept.status, kept.decided_by, kept.message) == (
        CommandStatus.DECIDED_BY_PERSON,
        "ann",
        "a stranger's order",
    )
    assert (kept.strategy, kept.role) == ("", "other")
    assert kept.command == Place(MES, BUY, d(2), "close", LIMIT)
    assert office.state.books == ()
    assert report.questions == []


def test_what_is_left_alone_counts_as_held_beside_the_strategies() -> None:
    state = LaneState((owning(1),), (RootState("MES", d(1)), RootState("MNQ", d(4))))
    office = Office(ours("o", SELL, label="", status=FILLED, filled=3), position(-2), state=state)

    report = office.reconcile(foreign=frozenset({"o"}))

    assert report.questions == [
        "MNQ: the broker reports 0, ledger and orders explain 4: --take acct#MNQ if the broker's report is right"
    ]


def test_every_other_order_is_left_alone_on_a_word() -> None:
    office = Office(ours("a", label=""), ours("b", label="", placed_at_ms=IN_IT - 1))

    report = office.reconcile(foreign_rest=True)

    assert [one.split()[1] for one in report.left_alone] == ["b", "a"], "oldest first"


# ---- what an order is for


@pytest.mark.parametrize(
    ("kind", "status", "role"),
    [
        (MARKET, FILLED, "close"),
        (LIMIT, FILLED, "close"),
        (MARKET, order("x").status, "close"),
        (LIMIT, order("x").status, "target"),
        (STOP, order("x").status, "stop"),
    ],
)
def test_order_that_can_only_close_what_one_strategy_owns_is_its(kind: Any, status: Any, role: str) -> None:
    filled = 2 if status is FILLED else 0
    left = 2 - filled
    shown = ours("o", SELL, kind, label="", status=status, filled=filled)
    held = (position(left),) if left else ()
    office = Office(shown, *held, state=LaneState((owning(2),), base(2)), strategies=("s", "z"))

    report = office.reconcile()

    assert report.adopted == [report.adopted[0]]
    assert report.adopted[0].endswith(f"-> s ({role})")
    assert report.questions == []
    assert office.adopted.command.effect == "close"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fields", "books"),
    [
        ({"effect": "open"}, (owning(2),)),
        ({"quantity": 3}, (owning(2),)),
        ({"side": BUY}, (owning(2),)),
        ({}, (owning(2), owning(2, strategy="z"))),
        ({"symbol": "MNQZ26"}, (owning(2),)),
    ],
)
def test_order_that_could_be_anothers_is_put_to_a_person(fields: dict[str, Any], books: Any) -> None:
    total = sum(int(one.owned) for one in books)
    shown = ours("o", **{"side": SELL, "label": "", **fields})
    office = Office(shown, position(total), state=LaneState(books, base(total)), strategies=("s", "z"))

    report = office.reconcile()

    assert report.adopted == []
    assert bool(report.questions) is (shown.symbol == MES), "another root is another lane's"


def test_order_for_a_short_buys_it_back() -> None:
    office = Office(ours("o", BUY, STOP, label=""), position(-2), state=LaneState((owning(-2),), base(-2)))

    assert office.reconcile().adopted[0].endswith("-> s (stop)")


def test_fills_that_the_books_do_not_hold_yet_count_as_owned() -> None:
    state = LaneState((owning(1, tracked("e", "entry", 3, booked=1)),), base(1))
    entry = order("e", BUY, LIMIT, 3, 3, status=FILLED)
    office = Office(entry, ours("o", SELL, STOP, label="", quantity=3), position(3), state=state)

    assert office.reconcile().adopted[0].endswith("-> s (stop)")
    assert office.state.book("s", "MES").owned == 3


# ---- orders that need no owner


@pytest.mark.parametrize(
    "fields",
    [
        {"placed_at_ms": LOST.since_ms - SKEW_MS - 1},
        {"parent_id": "known"},
        {"parent_id": "o2"},
        {"id": "known"},
        {"parent_type": "position", "parent_id": "p"},
    ],
)
def test_order_that_is_older_known_or_hangs_on_one_is_not_asked_about(fields: dict[str, Any]) -> None:
    state = LaneState((owning(0, tracked("known", "entry")),))
    shown = replace(ours("o", label=""), **fields)
    office = Office(shown, order("known", BUY, LIMIT), ours("o2", label="ob-2"), state=state, strategies=("s",))

    report = office.reconcile()

    assert [one.split()[1] for one in report.adopted] == ["o2"]
    assert report.questions == []


def test_order_just_before_the_lost_time_is_asked_about() -> None:
    office = Office(ours("o", label="", placed_at_ms=LOST.since_ms - SKEW_MS))

    assert len(office.reconcile().questions) == 1


def test_filled_leg_of_a_netted_position_is_asked_about() -> None:
    shown = ours("o", SELL, label="", status=FILLED, filled=2, parent_type="position", parent_id="p")

    assert Office(shown).reconcile().questions[0].startswith("order o ")


def test_order_with_a_command_is_known() -> None:
    office = Office(ours("o"))
    office.owners["o"] = record(place(), "entry")

    assert office.reconcile() == LaneReport("acct#MES")


# ---- exits of an adopted entry


def test_legs_are_adopted_with_their_entry_and_kept_in_its_bracket() -> None:
    legs = (
        order("st", stop_price=d(5), parent_id="o", placed_at_ms=IN_IT),
        order("tp", kind=LIMIT, limit_price=d(15), parent_id="o", placed_at_ms=IN_IT),
    )
    office = Office(ours("o"), *legs)

    office.reconcile()

    wanted = Bracket(stop_loss=d(5), take_profit=d(15))
    assert office.followed() == [("o", "entry"), ("st", "stop"), ("tp", "target")]
    assert office.adopted.orders == (
        PlacedOrder("o", "order"),
        PlacedOrder("st", "stop_loss"),
        PlacedOrder("tp", "take_profit"),
    )
    assert office.adopted.command == Place(MES, BUY, d(2), "open", LIMIT, bracket=wanted)
    assert office.state.book("s", "MES").planned == (Protection(MES, wanted, "restored.acct.o"),)


@pytest.mark.parametrize(
    ("leg", "bracket"),
    [
        (
            order("st", kind=OrderType.STOP_LIMIT, stop_price=d(5), limit_price=d(4), parent_id="o"),
            Bracket(stop_loss=d(5), stop_limit=d(4)),
        ),
        (
            order("st", kind=OrderType.TRAILING_STOP, trail_amount=d(3), parent_id="o"),
            Bracket(trail_amount=d(3)),
        ),
        (
            order("st", kind=OrderType.TRAILING_STOP, trail_percent=d(2), parent_id="o"),
            Bracket(trail_percent=d(2)),
        ),
        (order("tp", kind=LIMIT, limit_price=d(15), parent_id="o"), Bracket(take_profit=d(15))),
    ],
)
def test_bracket_is_of_the_legs_kinds(leg: Order, bracket: Bracket) -> None:
    office = Office(ours("o"), leg)

    office.reconcile()

    assert office.adopted.command.bracket == bracket  # type: ignore[union-attr]


def test_leg_that_has_a_command_is_not_adopted_again() -> None:
    office = Office(ours("o"), order("st", stop_price=d(5), parent_id="o"))
    office.owners["st"] = record(place(), "entry")

    office.reconcile()

    assert office.followed() == [("o", "entry")]


def hedged(*shown: Any, state: LaneState | None = None, **fields: Any) -> Office:
    return Office(*shown, state=state, at=TRADELOCKER, mode=PositionMode.HEDGING, **fields)


def fx(name: str, **fields: Any) -> Order:
    return ours(name, **{"kind": MARKET, "status": FILLED, "filled": 2, "position_id": "p1", "symbol": MES, **fields})


def test_exits_that_the_position_carries_are_wanted_of_the_adopted_entry() -> None:
    legs = (
        order("st", stop_price=d(5), position_id="p1", parent_type="position", effect="close"),
        order("tp", kind=LIMIT, limit_price=d(15), position_id="p1", parent_type="position", effect="close"),
    )
    held = replace(pair(2, "p1", symbol=MES), stop_loss_id="st", take_profit_id="tp")
    office = hedged(fx("o"), *legs, pair(1, "p0", symbol=MES), held)

    report = office.reconcile()

    assert report.adopted == ["order o (buy 2 MESZ26 market, filled 2) -> s (entry)"]
    owned = office.state.book("s", "MES")
    assert (owned.owned, owned.position_ids) == (d(2), ("p1",))
    assert owned.protection == Protection(MES, Bracket(stop_loss=d(5), take_profit=d(15)), "restored.acct.o")
    assert office.adopted.command.bracket is None  # type: ignore[union-attr]


def test_entry_whose_position_carries_nothing_wants_nothing() -> None:
    office = hedged(fx("o"), pair(2, "p1", symbol=MES))

    office.reconcile()

    assert office.state.book("s", "MES").protection is None


@pytest.mark.parametrize("fields", [{"effect": "close"}, {"position_id": "mine"}, {"parent_type": "position"}])
def test_hedged_positions_tell_themselves_what_is_held(fields: dict[str, Any]) -> None:
    state = LaneState((owning(1, position_ids=("mine",)),))
    office = hedged(fx("o", label="", **fields), pair(1, "mine", symbol=MES), state=state)

    assert office.reconcile().questions == []


def test_hedged_order_against_what_is_owned_opens() -> None:
    state = LaneState((owning(2, position_ids=("p1",)),))
    office = hedged(
        fx("o", side=SELL, position_id="p2"), pair(2, "p1", symbol=MES), pair(-2, "p2", symbol=MES), state=state
    )

    assert office.reconcile().adopted[0].endswith("-> s (entry)")


def test_lane_of_the_whole_account_takes_every_root() -> None:
    office = hedged(fx("o", symbol=EURUSD, label="ob-1"), pair(2, "p1"))

    assert office.world.lane() == "acct#*"
    assert office.reconcile().adopted == ["order o (buy 2 EURUSD market, filled 2) -> s (entry)"]


# ---- jobs of before the restore


def job(name: str, accepted_at_ms: int) -> Job:
    return Job(f"{name}.acct", name, "s", "acct", "acct#MES", "MES", accepted_at_ms, origin="care")


def test_jobs_of_before_the_restore_end_and_later_ones_stay() -> None:
    office = Office()
    old, new = job("old", LOST.restored_at_ms - 1), job("new", LOST.restored_at_ms)
    for one in (old, new):
        office.world.put(one)
    with office.world.session() as lane:
        office.world.planned(lane, place(), job_id=old.job_id)
        office.world.planned(lane, place(), job_id=new.job_id)

    report = office.reconcile()

    assert report.ended == [old.job_id]
    ended = office.world.ending(old)
    assert (ended.status, ended.code) == ("failed", RESTORED)
    assert ended.sentence.startswith("The table was restored from a backup: ")
    assert [one.job.job_id for one in office.world.stored_jobs()] == [new.job_id]
    assert office.world.notices() == [RESTORED]
    halted, untouched = sorted(office.world.commands(), key=lambda one: one.job_id, reverse=True)
    assert (halted.status, halted.code, halted.changed_at_ms) == (CommandStatus.HALTED, RESTORED, NOW_MS)
    assert halted.message == "the table was restored; it may have been sent in the lost time"
    assert untouched.status is CommandStatus.NEW


# ---- commands that were pending


def unknown(office: Office, lane: LaneSession) -> CommandRecord:
    office.world.broker.answers = [Unknown("reset")]
    record = office.world.planned(lane, place())
    return submit(lane, record, gates_of(lane, "s", record.command), None)


@pytest.mark.parametrize(
    ("resolution", "resolved", "question"),
    [
        (Done((PlacedOrder("o7", "order"),)), ["A command (entry place buy 2 MESZ26) was placed"], ""),
        (Absent(), [], ""),
        (Ambiguous(("a", "b")), [], "A command (entry place buy 2 MESZ26) could be order a or b: orderbridge resolve "),
    ],
)
def test_pending_command_is_asked_for(resolution: Any, resolved: list[str], question: str) -> None:
    office = Office()
    with office.world.session() as lane:
        asked = unknown(office, lane)
    office.world.broker.resolution = resolution

    report = office.reconcile()

    assert report.resolved == resolved
    assert report.questions == ([f"{question}{asked.command_id}"] if question else [])
    left = office.world.commands()[0]
    assert left.status is (CommandStatus.ACCEPTED if resolved else CommandStatus.UNKNOWN)
    if resolved:
        assert (left.code, left.message, left.orders) == ("found", "found at the broker", resolution.orders)
        assert office.followed() == [("o7", "entry")]


def test_orders_that_could_be_a_pending_commands_are_not_asked_about_as_strangers() -> None:
    office = Office(ours("a", label=""), ours("b", label=""), ours("c", label=""))
    with office.world.session() as lane:
        unknown(office, lane)
    office.world.broker.resolution = Ambiguous(("a", "b"))

    questions = office.reconcile().questions

    assert [one for one in questions if one.startswith("order")] == [
        "order c (buy 2 MESZ26 limit, working) is not in the ledger: --adopt c=STRATEGY (of s), "
        "or --foreign c to leave it alone"
    ]


def test_command_that_was_being_sent_becomes_unknown_first() -> None:
    class DiedError(Exception):
        pass

    def die(_: Any) -> Any:
        raise DiedError

    office = Office()
    with office.world.session() as lane:
        office.world.broker.answers = [die]
        record = office.world.planned(lane, place())
        with pytest.raises(DiedError):
            submit(lane, record, gates_of(lane, "s", record.command), None)

    office.reconcile()

    (left,) = office.world.commands()
    assert (left.status, left.message) == (CommandStatus.UNKNOWN, "the sender did not come back")


# ---- holdings


def test_holding_that_fills_explain_is_kept_settled() -> None:
    state = LaneState((owning(1, tracked("e", "entry", 3, booked=1), wants=BRACKET),), (RootState("MES", d(1), 5),))
    entry = order("e", BUY, LIMIT, 3, 3, status=FILLED)
    office = Office(entry, position(3), state=state)

    assert office.reconcile().questions == []
    assert office.state.roots == base(3, MES)
    assert office.state.book("s", "MES").owned == 3


def test_holding_that_nothing_explains_is_put_to_a_person() -> None:
    state = LaneState((owning(2),), base(2))
    office = Office(position(5), state=state)

    report = office.reconcile()

    assert report.questions == [
        "MES: the broker reports 5, ledger and orders explain 2: --take acct#MES if the broker's report is right"
    ]
    assert office.state == state, "what is still open is not hidden from the next run"
    assert office.reconcile(take=frozenset({"acct#MES"})).questions == []
    assert office.state.roots == base(5, MES)


def test_holding_less_than_the_books_own_is_clipped_on_a_word() -> None:
    office = Office(position(1), state=LaneState((owning(2, wants=BRACKET),), base(2)))

    assert office.reconcile(take=frozenset({"acct#MES"})).questions == []
    assert office.state.book("s", "MES").owned == 1


def test_holding_beside_a_pending_command_is_not_compared() -> None:
    office = Office(position(5), state=LaneState((owning(2),), base(2)))
    with office.world.session() as lane:
        unknown(office, lane)

    assert office.reconcile().questions == []
    assert [root.baseline for root in office.state.roots] == [d(2)]


def test_hedged_holdings_are_not_compared_by_their_sum() -> None:
    office = hedged(pair(3, "foreign", symbol=MES), state=LaneState((owning(0, wants=BRACKET),), base(1)))

    assert office.reconcile().questions == []


# ---- how far back the account is read


@pytest.mark.parametrize(
    ("state", "reach_ms"),
    [
        (LaneState(), LOST.since_ms - HISTORY_MARGIN_MS),
        (LaneState((book(0, tracked("e", "entry", placed_at_ms=NOW_MS - 5 * HOUR_MS)),)), NOW_MS - 5 * HOUR_MS),
        (
            LaneState(pending=(Pending("c", "j", "s", "MES", "entry", since_ms=NOW_MS - 7 * HOUR_MS),)),
            NOW_MS - 7 * HOUR_MS - HISTORY_MARGIN_MS,
        ),
    ],
)
def test_account_is_read_back_to_before_the_oldest_matter(state: LaneState, reach_ms: int) -> None:
    with Scripted().session() as lane:
        lane.state = state

        seen = look_back(lane, LOST)

    assert reach_ms - 2 * DEFAULT_HISTORY_MS < seen.since_ms <= reach_ms
    assert seen.since_ms % DEFAULT_HISTORY_MS == 0
