"""Carrying out what a person asks for at the panel: what is looked at first, kept in the books, and told."""

from dataclasses import replace
from typing import Any

import pytest

from orderbridge.brokers import port
from orderbridge.brokers.http import MonotonicDeadline
from orderbridge.brokers.port import Accepted, Capabilities, Done, NotTaken, PlacedOrder, Refused, Unknown
from orderbridge.commands import Bracket, Cancel, ClosePosition, Command, ModifyPosition, Place, PlaceGroup, Replace
from orderbridge.errors import BrokerUnavailableError, StorageError, UnknownSymbolError
from orderbridge.execution import wishes
from orderbridge.execution.by_hand import FRESH_MS, MAX_AGE_MS, RESERVE_S, SETTLE_S
from orderbridge.execution.ports import Stopped
from orderbridge.execution.records import Book, CommandStatus, Job, LaneState, Pending, Protection, RootState
from orderbridge.execution.resolve import GIVE_UP_MS, move
from orderbridge.model import Duration, Order, PositionMode
from tests.scenario.world import Outcome
from tests.unit.execution.cases import (
    BRACKET,
    BUY,
    CANCELLED,
    LIMIT,
    MES,
    NOW_MS,
    SELL,
    STOP,
    TRADELOCKER,
    TRADESTATION,
    book,
    d,
    order,
    place,
    position,
    tracked,
)
from tests.unit.execution.scripted import Scripted

ANNA = "panel:anna"
OWN = f"{ANNA}#press"
CLOSE = wishes.ClosePosition(MES, MES, BUY)
CLOSED = Outcome("ordered", "done", "Done.")


class Panel:
    """A person at the panel of one account."""

    def __init__(self, at: Capabilities = TRADESTATION, mode: PositionMode = PositionMode.NETTING) -> None:
        self.world = Scripted(capabilities=at, mode=mode)
        self.broker = self.world.broker

    def holds(self, signed: int, *books: Book, **fields: Any) -> None:
        """Let so much be held, and these books stand in the ledger."""
        self.broker.hold(MES, signed)
        roots = (RootState("MES", d(signed)),)
        with self.world.session() as lane:
            lane.store.save_state(lane.fence, LaneState(books, roots, **fields))

    def press(self, wish: Any, age_ms: int = 0) -> Job:
        at_ms = self.world.clock.now_ms() - age_ms
        job = Job("press", "", ANNA, "acct", self.world.lane(), "MES", at_ms, wish=wish, origin="panel")
        self.world.put(job)
        return job

    def asks(self, wish: Any, age_ms: int = 0) -> Outcome:
        """Press, let it be worked once, and give how it ended."""
        job = self.press(wish, age_ms)
        self.world.work()
        return self.world.ending(job)

    def waiting(self) -> tuple[str, str, int]:
        (stored,) = self.world.stored_jobs()
        return stored.code, stored.sentence, stored.wake_at_ms - self.world.clock.now_ms()

    def book(self, strategy: str = ANNA) -> Book:
        return self.world.state().book(strategy, "MES")


@pytest.fixture
def panel() -> Panel:
    return Panel()


def stop_order(quantity: int = 2, price: int = 4900) -> Place:
    return Place(MES, SELL, d(quantity), "close", STOP, stop_price=d(price), duration=Duration.GTC)


# ---- what is looked at


@pytest.mark.parametrize(
    ("age_ms", "look_age_ms", "looks"), [(0, 1, 1), (100, 100, 0), (100, 101, 1), (5_000, FRESH_MS, 0), (5_000, 301, 1)]
)
def test_look_has_begun_after_the_press(panel: Panel, age_ms: int, look_age_ms: int, looks: int) -> None:
    with panel.world.session() as lane:
        lane.see()
    panel.world.script.advance(look_age_ms)

    panel.asks(CLOSE, age_ms)

    assert panel.broker.looks == 1 + looks


def test_close_by_id_does_with_an_older_look() -> None:
    panel = Panel(TRADELOCKER)
    with panel.world.session() as lane:
        lane.see()
    panel.world.script.advance(1_000)

    panel.asks(CLOSE)

    assert panel.broker.looks == 1


def unsettled(panel: Panel) -> None:
    """Let a fill be booked that the position does not show."""
    panel.holds(0, book(2, strategy=ANNA))
    with panel.world.session() as lane:
        state = LaneState((book(2, tracked("st", "stop"), strategy=ANNA),), (RootState("MES", d(2), NOW_MS),))
        lane.store.save_state(lane.fence, state)
    panel.broker.show(order("st"))


def test_what_could_open_waits_for_an_earlier_fill_then_is_refused(panel: Panel) -> None:
    unsettled(panel)

    ended = panel.asks(wishes.PlaceOrder(place(BUY, 1)))

    assert ended == Outcome("refused", "unsettled", "The broker does not show an earlier fill yet. Try again.")
    assert panel.world.clock.now_ms() - NOW_MS == SETTLE_S * 1000
    assert panel.broker.sent == []


def test_close_goes_by_what_is_shown_after_the_wait(panel: Panel) -> None:
    unsettled(panel)

    assert panel.asks(CLOSE).code == "flat"
    assert panel.world.clock.now_ms() - NOW_MS == SETTLE_S * 1000


def test_wait_for_a_fill_ends_when_it_shows(panel: Panel) -> None:
    unsettled(panel)

    def show() -> None:
        if panel.world.clock.now_ms() >= NOW_MS + 1_000 and panel.broker.sent == []:
            panel.broker.hold(MES, 2)

    panel.broker.took = show

    assert panel.asks(wishes.PlaceOrder(place(BUY, 1))) == CLOSED
    assert 1_000 <= panel.world.clock.now_ms() - NOW_MS < 1_500


# ---- what is too early, too old, or cannot be read


@pytest.mark.parametrize(
    ("wish", "at", "refused"),
    [
        (CLOSE, TRADESTATION, True),
        (CLOSE, TRADELOCKER, False),
        (wishes.CloseSymbol(MES), TRADELOCKER, False),
        (replace(CLOSE, quantity=d(1)), TRADELOCKER, True),
        (wishes.ReversePosition(MES, MES, BUY), TRADELOCKER, True),
        (wishes.PlaceOrder(place(SELL, 1)), TRADESTATION, True),
        (wishes.ProtectPosition(MES, MES, BUY, BRACKET), TRADESTATION, False),
        (wishes.CancelOrder("x", MES), TRADESTATION, False),
    ],
)
def test_second_close_is_refused_while_one_is_unknown(wish: Any, at: Capabilities, refused: bool) -> None:
    panel = Panel(at)
    pending = Pending("c", "other", ANNA, "MES", "close", since_ms=NOW_MS + 3_600_000)
    panel.holds(2, book(2, strategy=ANNA), pending=(pending,))

    ended = panel.asks(wish)

    assert (ended.code == "unresolved") is refused
    if refused:
        assert ended.sentence == (
            "It is not known yet whether an earlier close of this symbol was taken. "
            "Wait until it is, or look at the broker."
        )
        assert panel.broker.sent == []


@pytest.mark.parametrize("other", [{"root": "MNQ"}, {"role": "stop"}])
def test_other_unknown_commands_are_in_no_closes_way(panel: Panel, other: dict[str, Any]) -> None:
    known: dict[str, Any] = {"command_id": "c", "job_id": "j", "strategy": ANNA, "root": "MES", "role": "close"}
    panel.holds(2, pending=(Pending(**{**known, "since_ms": NOW_MS + 3_600_000, **other}),))

    assert panel.asks(CLOSE) == CLOSED


@pytest.mark.parametrize(("age_ms", "code"), [(MAX_AGE_MS, "done"), (MAX_AGE_MS + 1, "too_old")])
def test_press_that_is_worked_too_late_is_not_sent(panel: Panel, age_ms: int, code: str) -> None:
    panel.holds(2)

    ended = panel.asks(CLOSE, age_ms)

    assert ended.code == code
    if code == "too_old":
        assert ended == Outcome("expired", "too_old", "Not sent: it could not be worked in time.")
        assert panel.broker.sent == []


@pytest.mark.parametrize(("age_ms", "code"), [(MAX_AGE_MS - 4_000, "done"), (MAX_AGE_MS - 3_999, "too_old")])
def test_entry_that_the_broker_does_not_take_at_once_is_not_sent_again_too_late(
    panel: Panel, age_ms: int, code: str
) -> None:
    panel.broker.answers = [NotTaken("edge_limited", 4_000)]

    assert panel.asks(wishes.PlaceOrder(place(BUY, 1)), age_ms).code == code
    assert len(panel.broker.sent) == (2 if code == "done" else 1)


def test_undoing_is_never_too_old(panel: Panel) -> None:
    panel.broker.show(order("o", BUY, LIMIT))

    assert panel.asks(wishes.UndoOrder("o", MES, BUY), 10 * MAX_AGE_MS) == CLOSED
    assert panel.broker.sent == [Cancel("o", MES)]


@pytest.mark.parametrize(("age_ms", "waits"), [(MAX_AGE_MS - 1, True), (MAX_AGE_MS, False)])
def test_press_waits_a_little_for_a_broker_that_cannot_be_read(panel: Panel, age_ms: int, waits: bool) -> None:
    panel.broker.unreadable = BrokerUnavailableError("maintenance")
    job = panel.press(CLOSE, age_ms)

    panel.world.work()

    sentence = "The broker cannot be read just now (maintenance)."
    if waits:
        assert panel.waiting() == ("broker_unreachable", sentence, 500)
    else:
        assert panel.world.ending(job) == Outcome("refused", "broker_unreachable", sentence)


def test_undoing_waits_for_the_broker_however_long(panel: Panel) -> None:
    panel.broker.unreadable = BrokerUnavailableError("maintenance")
    panel.press(wishes.UndoOrder("o", MES, BUY), 10 * MAX_AGE_MS)

    panel.world.work()

    assert panel.waiting()[::2] == ("broker_unreachable", 2_000)


def test_symbol_that_is_not_known_is_refused_in_words(panel: Panel) -> None:
    panel.broker.unreadable = UnknownSymbolError("no MES here")

    assert panel.asks(CLOSE) == Outcome("refused", "unknown_symbol", "no MES here")


# ---- answers


def test_refusal_is_told_in_the_brokers_words(panel: Panel) -> None:
    panel.broker.answers = [Refused("funds", "not enough buying power")]

    ended = panel.asks(wishes.PlaceOrder(place(BUY, 1)))

    assert ended == Outcome("refused", "funds", "not enough buying power")
    assert len(panel.broker.sent) == 1


def test_refusal_without_a_word_is_told_all_the_same(panel: Panel) -> None:
    panel.broker.answers = [Refused("other", "")]

    assert panel.asks(wishes.PlaceOrder(place(BUY, 1))).sentence == "The broker refused."


def test_order_whose_every_part_is_refused_is_refused(panel: Panel) -> None:
    panel.broker.answers = [Accepted((PlacedOrder("", "order", 0, "no route"),))]

    ended = panel.asks(wishes.PlaceOrder(place(BUY, 1)))

    assert (ended.status, ended.sentence) == ("refused", "no route")


@pytest.mark.parametrize("by", ["halted", "live"])
def test_halt_is_told(panel: Panel, by: Any) -> None:
    class Halted:
        def __getattr__(self, name: str) -> Any:
            return getattr(panel.world.lanes, name)

        def begin(self, *_: Any) -> Stopped:
            return Stopped(by)

    worker = panel.world.worker()
    worker._store = Halted()
    ended = panel.asks(wishes.PlaceOrder(place(BUY, 1)))

    assert (ended.status, ended.code) == ("refused", by)
    assert ended.sentence.startswith("Not sent: ")
    assert ended.sentence.endswith(".")


def test_order_that_is_not_found_has_failed(panel: Panel) -> None:
    panel.broker.answers = [Unknown("reset")]
    job = panel.press(wishes.PlaceOrder(place(BUY, 1, order_type=LIMIT, limit_price=d(4990))))

    panel.world.run(GIVE_UP_MS / 1000 + 30)

    assert panel.world.ending(job) == Outcome(
        "failed", "not_found", "It was sent, the answer was lost, and the broker does not show it."
    )


def test_close_that_is_confirmed_late_is_waited_for(panel: Panel) -> None:
    panel.holds(2)
    panel.broker.show(order("st", sibling_ids=("x",)))
    panel.broker.answers = [lambda _: Accepted()]
    job = panel.press(CLOSE)

    panel.world.worker().work(panel.world.lane(), MonotonicDeadline(4, panel.world.clock.monotonic))

    code, sentence, wait_ms = panel.waiting()
    assert (code, sentence, wait_ms) == ("release", "Waiting for the broker to confirm.", 1_000)
    assert panel.world.clock.now_ms() - NOW_MS >= 4_000 - RESERVE_S * 1000
    panel.broker.show(order("st", status=CANCELLED))
    panel.world.run(5)
    assert panel.world.ending(job) == CLOSED
    assert panel.broker.signed(MES) == 0


# ---- the books


def test_entry_with_a_bracket_is_a_book_of_its_own_until_it_is_protected(panel: Panel) -> None:
    wish = wishes.PlaceOrder(place(BUY, 2, bracket=Bracket(stop_loss=d(4900))))

    assert panel.asks(wish) == CLOSED

    assert panel.broker.sent == [wish.order, stop_order()]
    assert [one.strategy for one in panel.world.commands()] == [OWN, OWN]
    panel.world.run(4)
    (base,) = panel.world.state().books
    assert (base.strategy, base.owned) == (ANNA, d(2))
    assert base.protection is not None
    assert base.protection.quantity == 0


def test_entry_without_a_bracket_is_the_persons_book(panel: Panel) -> None:
    panel.asks(wishes.PlaceOrder(place(BUY, 2)))

    assert [one.strategy for one in panel.world.commands()] == [ANNA]
    assert (panel.book().owned, panel.book().protection) == (d(2), None)


def test_changed_order_is_its_books(panel: Panel) -> None:
    panel.holds(0, book(0, tracked("o", "entry"), strategy="trend"))
    panel.broker.show(order("o", BUY, LIMIT, limit_price=d(4990)))

    panel.asks(wishes.ModifyOrder("o", MES, d(1), limit_price=d(4990)))

    (command,) = [one for one in panel.world.commands() if isinstance(one.command, Replace)]
    assert command.strategy == "trend"


def test_orders_of_two_books_are_two_revisions(panel: Panel) -> None:
    panel.holds(3, book(1, tracked("a", "stop", 1), strategy="trend"), book(2, tracked("b", "stop"), strategy=ANNA))
    panel.broker.show(order("a", quantity=1, stop_price=d(4900)), order("b", stop_price=d(4900)))

    panel.asks(wishes.ProtectPosition(MES, MES, BUY, Bracket(stop_loss=d(4950))))

    changes = [one for one in panel.world.commands() if isinstance(one.command, Replace)]
    assert [(one.strategy, one.revision, one.command.order_id) for one in changes] == [  # type: ignore[union-attr]
        ("trend", 1, "a"),
        (ANNA, 2, "b"),
    ]


def test_position_that_nobody_owned_is_taken_over_and_protected(panel: Panel) -> None:
    panel.holds(2)

    assert panel.asks(wishes.ProtectPosition(MES, MES, BUY, Bracket(stop_loss=d(4900), take_profit=d(5100)))) == CLOSED

    (group,) = panel.broker.sent
    assert isinstance(group, PlaceGroup)
    assert group.orders[0] == stop_order()
    assert panel.book().owned == 2
    (record,) = panel.world.commands()
    assert (record.strategy, record.role) == (ANNA, "stop")


def test_target_alone_is_placed_as_one(panel: Panel) -> None:
    panel.holds(2)

    panel.asks(wishes.ProtectPosition(MES, MES, BUY, Bracket(take_profit=d(5100))))

    (record,) = panel.world.commands()
    assert record.role == "target"
    assert panel.broker.sent == [Place(MES, SELL, d(2), "close", LIMIT, limit_price=d(5100), duration=Duration.GTC)]


def test_each_holder_gets_its_part_of_the_bracket(panel: Panel) -> None:
    panel.holds(3, book(1, strategy="trend"), book(2, strategy=ANNA))

    panel.asks(wishes.ProtectPosition(MES, MES, BUY, Bracket(stop_loss=d(4900))))

    assert panel.broker.sent == [stop_order(2), stop_order(1)]
    assert [one.strategy for one in panel.world.commands()] == [ANNA, "trend"]
    wanted = Protection(MES, Bracket(stop_loss=d(4900)), "press", asked_ms=NOW_MS)
    assert panel.book("trend").protection == wanted


def test_bracket_that_the_broker_refuses_leaves_the_books_as_they_were(panel: Panel) -> None:
    wanted = Protection(MES, Bracket(stop_loss=d(4800)), "old", quantity=d(0))
    panel.holds(2, book(2, strategy=ANNA, protection=wanted))
    panel.broker.answers = [Refused("invalid", "too close")]

    ended = panel.asks(wishes.ProtectPosition(MES, MES, BUY, Bracket(stop_loss=d(4999))))

    assert (ended.code, ended.sentence) == ("invalid", "too close")
    assert panel.broker.sent == [stop_order(price=4999), stop_order(price=4800)], "the former stop is put back"


def test_exits_that_are_exchanged_are_wanted_until_the_new_ones_stand(panel: Panel) -> None:
    panel.holds(2)
    panel.broker.show(order("st", stop_price=d(4900)))
    panel.broker.answers = [panel.broker.carry_out, Refused("invalid", "no trailing stops")]

    ended = panel.asks(wishes.ProtectPosition(MES, MES, BUY, Bracket(trail_amount=d(20))))

    assert ended.code == "invalid"
    assert panel.broker.sent[0] == Cancel("st", MES)
    assert isinstance(panel.broker.sent[1], Place)
    assert panel.broker.sent[1].trail_amount == 20
    assert panel.broker.sent[2] == stop_order(), "what was taken away is put back"


def test_close_that_is_refused_puts_the_stop_back(panel: Panel) -> None:
    panel.holds(2)
    panel.broker.show(order("st", stop_price=d(4900)))
    panel.broker.answers = [panel.broker.carry_out, Refused("closed", "the market is closed")]

    ended = panel.asks(CLOSE)

    assert (ended.status, ended.code, ended.sentence) == ("refused", "closed", "the market is closed")
    assert panel.broker.sent[:2] == [Cancel("st", MES), Place(MES, SELL, d(2), "close")]
    panel.world.run(4)
    assert panel.broker.sent[2] == stop_order()
    assert panel.broker.signed(MES) == 2


def test_persons_word_about_a_stop_is_kept_in_the_books(panel: Panel) -> None:
    wants = Protection(MES, BRACKET, "job")
    panel.holds(2, book(2, tracked("st", "stop"), tracked("tp", "target"), strategy="trend", protection=wants))
    exits = (order("st", stop_price=d(4900), sibling_ids=("tp",)), order("tp", kind=LIMIT, limit_price=d(5100)))
    panel.broker.show(*exits)

    assert panel.asks(wishes.CancelOrder("st", MES)) == CLOSED

    assert panel.broker.sent == [Cancel("st", MES)], "it is not put back"
    assert panel.book("trend").protection == replace(wants, bracket=Bracket(take_profit=d(5100)))


def test_stop_of_a_netted_position_that_a_person_cancels_is_not_put_back() -> None:
    panel = Panel(TRADELOCKER)
    wants = Protection(MES, Bracket(stop_loss=d(4900)), "job")
    panel.holds(2, book(2, strategy="trend", protection=wants))
    panel.broker.show(order("st", stop_price=d(4900), parent_id=MES, parent_type="position"))
    panel.broker.held[MES] = replace(panel.broker.held[MES], stop_loss_id="st")

    def take_away(_: Command) -> port.Outcome:
        panel.broker.show(replace(panel.broker.book["st"], status=CANCELLED))
        panel.broker.held[MES] = replace(panel.broker.held[MES], stop_loss_id=None)
        return Accepted()

    panel.broker.answers = [take_away]

    assert panel.asks(wishes.CancelOrder("st", MES)) == CLOSED

    panel.world.run(4)
    assert panel.broker.sent == [ModifyPosition(MES, MES, remove_stop_loss=True)]


def test_change_of_a_resting_entry_leaves_its_strategys_position_its_stop(panel: Panel) -> None:
    wants = Protection(MES, Bracket(stop_loss=d(4900)), "job")
    resting = tracked("o", "entry", job_id="add")
    panel.holds(2, book(2, tracked("st", "stop"), resting, strategy="trend", protection=wants))
    panel.broker.show(order("st", stop_price=d(4900)), order("o", BUY, LIMIT, limit_price=d(4950)))

    assert panel.asks(wishes.ModifyOrder("o", MES, d(2), limit_price=d(4940))) == CLOSED
    panel.broker.show(replace(panel.broker.book["st"], status=CANCELLED))
    panel.world.run(4)

    assert panel.broker.sent == [Replace("o", MES, limit_price=d(4940)), stop_order()]


def test_bracket_of_a_resting_entry_that_the_broker_does_not_change_stays_planned(panel: Panel) -> None:
    planned = Protection(MES, BRACKET, "add")
    panel.holds(0, book(0, tracked("o", "entry", job_id="add"), strategy="trend", planned=(planned,)))
    panel.broker.show(order("o", BUY, LIMIT, limit_price=d(4950)))
    panel.broker.answers = [Refused("invalid", "too late")]

    assert panel.asks(wishes.ModifyOrder("o", MES, d(2), limit_price=d(4940))).code == "invalid"

    assert panel.book("trend").planned == (planned,)


def test_word_that_the_broker_refuses_is_taken_back(panel: Panel) -> None:
    wants = Protection(MES, BRACKET, "job")
    following = book(2, tracked("st", "stop"), strategy="trend", protection=wants)
    panel.holds(2, following)
    panel.broker.show(order("st", stop_price=d(4900)))
    panel.broker.answers = [Refused("invalid", "too late")]

    ended = panel.asks(wishes.CancelOrder("st", MES))

    assert ended == Outcome("refused", "invalid", "too late")
    assert panel.book("trend").protection == wants


def test_reversal_closes_and_opens_for_the_person(panel: Panel) -> None:
    panel.holds(2, book(2, strategy="trend"))

    assert panel.asks(wishes.ReversePosition(MES, MES, BUY)) == CLOSED

    assert panel.broker.sent == [Place(MES, SELL, d(2), "close"), Place(MES, SELL, d(2), "open")]
    assert panel.broker.signed(MES) == -2
    assert [one.revision for one in panel.world.commands()] == [1, 2]


def test_market_order_through_a_position_is_two_commands(panel: Panel) -> None:
    panel.holds(2)
    panel.broker.show(order("st", stop_price=d(4900)))

    assert panel.asks(wishes.PlaceOrder(place(SELL, 5))) == CLOSED

    assert panel.broker.sent == [Cancel("st", MES), Place(MES, SELL, d(2), "close"), Place(MES, SELL, d(3), "open")]


def test_part_of_a_position_is_closed_once(panel: Panel) -> None:
    panel.holds(3)

    assert panel.asks(replace(CLOSE, quantity=d(1))) == CLOSED

    assert panel.broker.sent == [Place(MES, SELL, d(1), "close")]


def test_position_that_carries_its_exits_is_changed_there() -> None:
    panel = Panel(TRADELOCKER, PositionMode.HEDGING)
    panel.broker.held = {"p1": position(2, "p1")}

    def set_stop(command: Command) -> port.Outcome:
        assert isinstance(command, ModifyPosition)
        stop: Order = order("st", stop_price=command.stop_loss, parent_id="p1", parent_type="position")
        panel.broker.show(stop)
        panel.broker.held["p1"] = replace(panel.broker.held["p1"], stop_loss_id="st")
        return Accepted()

    panel.broker.answers = [set_stop]

    assert panel.asks(wishes.ProtectPosition("p1", MES, BUY, Bracket(stop_loss=d(4900)))) == CLOSED

    assert panel.broker.sent == [ModifyPosition("p1", MES, stop_loss=d(4900))]
    assert panel.world.state().books == ()


def test_close_by_id_is_done_when_it_was_taken() -> None:
    panel = Panel(TRADELOCKER, PositionMode.HEDGING)
    panel.broker.held = {"p1": position(2, "p1")}

    def close(_: Command) -> port.Outcome:
        panel.broker.held.clear()
        return Accepted()

    panel.broker.answers = [close]

    assert panel.asks(wishes.ClosePosition("p1", MES, BUY)) == CLOSED
    assert panel.broker.sent == [ClosePosition("p1", MES, BUY, d(2))]


def test_unknown_close_that_a_look_resolves_is_done(panel: Panel) -> None:
    panel.holds(2)

    def lose(_: Command) -> port.Outcome:
        panel.broker.hold(MES, 0)
        return Unknown("reset")

    panel.broker.answers = [lose]
    panel.broker.resolution = Done((PlacedOrder("o9", "order"),))

    assert panel.asks(CLOSE) == CLOSED
    assert len(panel.broker.sent) == 1


def test_change_that_was_not_sent_behind_an_unknown_one_is_sent_once_that_is_found(panel: Panel) -> None:
    panel.holds(2)
    exits = (order("st", stop_price=d(4900), sibling_ids=("tp",)), order("tp", kind=LIMIT, limit_price=d(5100)))
    panel.broker.show(exits[0], replace(exits[1], sibling_ids=("st",)))
    panel.broker.answers = [Unknown("reset")]
    panel.broker.resolution = Done()

    ended = panel.asks(wishes.ProtectPosition(MES, MES, BUY, Bracket(stop_loss=d(4950), take_profit=d(5050))))

    assert ended == CLOSED
    assert panel.broker.sent == [
        Replace("st", MES, stop_price=d(4950)),
        Replace("tp", MES, limit_price=d(5050)),
    ]


# ---- what was stored and never sent


@pytest.mark.parametrize(
    ("wish", "at", "died_before", "sends"),
    [
        (wishes.PlaceOrder(place(BUY, 1)), TRADESTATION, ("entry", place(BUY, 1)), [place(BUY, 1)]),
        (CLOSE, TRADESTATION, ("close", place(SELL, 2, "close")), [place(SELL, 2, "close")]),
        (
            wishes.ProtectPosition(MES, MES, BUY, Bracket(take_profit=d(5100))),
            TRADELOCKER,
            ("stop", ModifyPosition(MES, MES, take_profit=d(5100))),
            [ModifyPosition(MES, MES, take_profit=d(5100))],
        ),
        (
            wishes.CloseSymbol(MES),
            TRADELOCKER,
            ("close", ClosePosition(MES, MES, BUY, d(2))),
            [ClosePosition(MES, MES, BUY, d(2))],
        ),
        (wishes.UndoOrder("o", MES, BUY), TRADESTATION, ("other", Cancel("o", MES)), [Cancel("o", MES)]),
    ],
)
def test_press_that_was_cut_off_before_its_sending_is_sent_by_the_next_worker(
    wish: Any, at: Capabilities, died_before: tuple[Any, Command], sends: list[Command]
) -> None:
    panel = Panel(at)
    panel.holds(2)
    panel.broker.show(order("o", BUY, LIMIT))
    job = panel.press(wish)
    with panel.world.session() as lane:
        panel.world.planned(lane, died_before[1], died_before[0], job.job_id)

    panel.world.work()

    assert panel.broker.sent == sends
    assert panel.world.ending(job) == CLOSED


def test_close_that_was_cut_off_is_not_sent_while_another_is_unknown(panel: Panel) -> None:
    pending = Pending("c", "other", "trend", "MES", "close", since_ms=NOW_MS + 3_600_000)
    panel.holds(2, book(2, strategy="trend"), pending=(pending,))
    job = panel.press(CLOSE)
    with panel.world.session() as lane:
        panel.world.planned(lane, place(SELL, 2, "close"), "close", job.job_id)

    panel.world.work()

    assert panel.world.ending(job).code == "unresolved"
    assert panel.broker.sent == []


def test_close_behind_one_whose_answer_was_lost_is_sent_once_that_is_found() -> None:
    panel = Panel(TRADELOCKER, PositionMode.HEDGING)
    panel.broker.held = {name: position(2, name) for name in ("p1", "p2")}

    def lose(_: Command) -> port.Outcome:
        panel.broker.held.pop("p1")
        return Unknown("reset")

    def close(_: Command) -> port.Outcome:
        panel.broker.held.pop("p2")
        return Accepted()

    panel.broker.answers = [lose, close]
    panel.broker.resolution = Done()

    assert panel.asks(wishes.CloseSymbol(MES)) == CLOSED
    assert panel.broker.sent == [ClosePosition("p1", MES, BUY, d(2)), ClosePosition("p2", MES, BUY, d(2))]
    assert panel.broker.held == {}


@pytest.mark.parametrize(("later_ms", "opened"), [(1_000, True), (60_000, False)])
def test_reversal_that_was_cut_off_between_close_and_entry_opens_in_time_or_says_so(
    panel: Panel, later_ms: int, opened: bool
) -> None:
    panel.holds(2)

    class CutOff:
        """The ledger, until the entry would be sent."""

        def __getattr__(self, name: str) -> Any:
            return getattr(panel.world.lanes, name)

        def begin(self, fence: Any, record: Any, *rest: Any) -> Any:
            if record.role == "entry":
                raise StorageError("throttled")
            return panel.world.lanes.begin(fence, record, *rest)

    worker = panel.world.worker()
    worker._store = CutOff()
    job = panel.press(wishes.ReversePosition(MES, MES, BUY))
    with pytest.raises(StorageError):
        panel.world.work()
    panel.world.restart()
    panel.world.script.advance(later_ms)

    panel.world.work()

    ended = panel.world.ending(job)
    assert (ended.status == "ordered") is opened
    assert panel.broker.signed(MES) == (-2 if opened else 0)
    if not opened:
        assert ended.sentence == "The close was not confirmed within 10 seconds, so nothing was opened."


# ---- what was sent stands


def test_press_that_went_out_waits_for_the_broker_however_old_it_is(panel: Panel) -> None:
    panel.holds(2)

    def close_and_go_down(command: Command) -> port.Outcome:
        outcome = panel.broker.carry_out(command)
        panel.broker.unreadable = BrokerUnavailableError("maintenance")
        return outcome

    panel.broker.answers = [close_and_go_down]
    job = panel.press(CLOSE, MAX_AGE_MS)

    panel.world.work()

    assert panel.waiting()[::2] == ("broker_unreachable", 2_000)
    panel.broker.unreadable = None
    panel.world.run(5)
    assert panel.world.ending(job) == CLOSED


def test_close_whose_exits_are_not_freed_in_time_is_not_sent(panel: Panel) -> None:
    panel.holds(2)
    panel.broker.show(order("st", stop_price=d(4900)))
    panel.broker.answers = [lambda _: Accepted()] * 5
    job = panel.press(CLOSE)

    panel.world.run(25)

    assert panel.world.ending(job) == Outcome("expired", "too_old", "Not sent: it could not be worked in time.")
    assert not any(isinstance(one, Place) for one in panel.broker.sent)


def test_press_that_a_person_decides_is_told_so(panel: Panel) -> None:
    panel.broker.answers = [Unknown("reset")]
    job = panel.press(wishes.PlaceOrder(place(BUY, 1)))
    panel.world.worker().work(panel.world.lane(), MonotonicDeadline(4, panel.world.clock.monotonic))
    (record,) = panel.world.commands()
    with panel.world.session() as lane:
        move(lane, record, CommandStatus.DECIDED_BY_PERSON, "not_placed", "ann decided: not placed", None, "ann")

    panel.world.run(10)

    assert panel.world.ending(job) == Outcome("failed", "not_placed", "ann decided: not placed.")
