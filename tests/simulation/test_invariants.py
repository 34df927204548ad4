"""The checker checked: each invariant accepts the good and rejects the bad, on evidence made by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from orderbridge.execution.records import CommandStatus
from orderbridge.model import Direction
from tests.simulation.invariants.catalogue import KINDS
from tests.simulation.invariants.judge import Judge
from tests.simulation.invariants.made import START_MS, Made, on_hedging, on_netted_positions, on_netting
from tests.simulation.invariants.made_entries import (
    SELL,
    Story,
    agreed,
    another_holding,
    arrived_late,
    back_from_refused,
    beyond_max_quantity,
    by_hand,
    changed_on_the_way,
    closed_twice,
    entered,
    entry_after_it_was_resolved,
    entry_beside_an_unknown,
    exit_beside_an_unknown_entry,
    exit_beside_an_unknown_exit,
    exit_that_opens,
    halted,
    in_time,
    limit_at,
    never_resolved,
    nobodys,
    once_and_refused_before,
    other_side,
    own_step,
    refused_and_placed,
    reversal,
    second_entry,
    sent_at_market,
    sent_before_the_ledger,
    stale,
    stop_at,
    stop_put_back,
    stops_of_two_entries,
    too_much,
    trim_that_opens,
    twice,
    units_as_lots,
    units_in_lots,
    unplanned,
    whole_target_again,
)
from tests.simulation.invariants.made_exits import (
    OUT_AND_IN,
    added_to_and_stopped_out,
    added_without_a_stop,
    alert_left_open,
    answered_and_not_stored,
    answers,
    bare_and_shown_late,
    bare_beside_a_strangers,
    bare_position,
    both_sides,
    chain,
    closed_by_hand_and_entered_again,
    closes,
    closes_beyond_a_strangers,
    delivered,
    ended,
    ended_with,
    ends_after,
    exchanged,
    exchanged_at_once,
    exit_that_leaves_a_part,
    fenced_out,
    half_of_its_jobs,
    hedged,
    last_exit,
    login,
    position_with_its_stop,
    repeated_and_delivered_again,
    same_epoch,
    stop_refused,
    stopped,
    taken_in_turn,
    taken_while_held,
    trimmed_while_stopped,
    two_bodies_one_id,
    two_of_a_side,
    unanswered,
)
from tests.simulation.invariants.made_presses import (
    bare_after_press,
    bought,
    closed_by_press,
    ended_untold,
    known_late,
    listed,
    lost_with_the_table,
    nobody_pressed,
    nothing_stored,
    position_closed_by_press,
    pressed_and_opened,
    pressed_late,
    refused_at_the_broker,
    sent_after_a_restore,
    stop_of_a_shared_position,
    taken_away,
    ticket_at,
    ticket_changed,
    ticket_left_over,
    turns,
    two_jobs,
)
from tests.simulation.invariants.made_sharing import (
    closed_beside_a_press,
    entered_as_a_person_closes,
    netted_away,
)

GOOD: dict[str, list[Story]] = {
    "OneOrderPerCommand": [once_and_refused_before],
    "RecordedFirst": [by_hand, lambda made: (entered(made), None)[1]],
    "LegalMoves": [agreed],
    "OneUnknownAtATime": [entry_after_it_was_resolved, exit_beside_an_unknown_entry],
    "LedgerAgrees": [agreed],
    "EntersAsAsked": [own_step, lambda made: reversal(made, 3), pressed_and_opened()],
    "EntersInTime": [in_time, pressed_and_opened()],
    "NothingWhileHalted": [halted("none", True), halted("entries", False), halted("all", True, "strategy#t")],
    "WithinLimits": [second_entry(2)],
    "PricesNeverWorse": [limit_at("10.00"), stop_at("9.01"), ticket_at("10.00"), ticket_changed("10.50")],
    "ReducesOnly": [
        closes(2),
        closes(1),
        closed_by_press(2),
        ticket_left_over(9),
        netted_away(2),
        closed_beside_a_press("s"),
        entered_as_a_person_closes,
    ],
    "LeavesForeignAlone": [hedged("p1", hand=True), hedged("p1", other="t"), position_closed_by_press("p1")],
    "OneSideOnly": [two_of_a_side],
    "ClosesAsAsked": [
        closes(1, asked=1),
        closes(2),
        trimmed_while_stopped(on_the_way=True),
        closed_by_press(1, asked=1),
        closed_by_press(2, asked=1, changed=2),
        closed_by_press(2),
    ],
    "FlatAfterTheLastExit": [last_exit(2)],
    "KeepsItsStop": [
        stopped(9),
        stopped(9, covered=1),
        stopped(35, trouble=True, covered=1),
        stopped(60, wanted=False, covered=1),
        bare_beside_a_strangers(2),
        added_without_a_stop(wanted=False),
        added_to_and_stopped_out(filled=2),
        bare_after_press(9),
        bare_after_press(60, removed=True),
    ],
    "FencedOutWritesNothing": [taken_in_turn],
    "ChainInOrder": [
        chain((0, 1, 2)),
        chain((1, 0, 2), superseded=0),
        chain((2, 1, 0), positions=OUT_AND_IN, apart_s=(1, 0, 0)),
    ],
    "EndsWhereTheChainEnds": [chain((0, 1, 2))],
    "AnsweredMeansStored": [lambda made: (made.fire("exit"), None)[1], lost_with_the_table],
    "OneAlertHoweverOftenDelivered": [delivered("a00", "a00"), repeated_and_delivered_again(None)],
    "LostOnlyUnanswered": [unanswered(503, 503, None), unanswered(None)],
    "EndsInTime": [ends_after(200), ended_with(CommandStatus.EXPIRED)],
    "Explained": [ended("ordered"), ended("refused", told=True)],
    "UnderstoodAsMeant": [answers(202, understood=True), answers(400, understood=False)],
    "LoginsKept": [login(good=True), login(good=False, in_hand=True)],
    "ExchangedOnce": [exchanged(gave=""), exchanged(heard=False), exchanged(stumbled=True)],
    "NothingWhileRestored": [sent_after_a_restore(lifted=True), lambda made: (entered(made), None)[1]],
    "AnswersStand": [bought(), refused_at_the_broker, ended_untold(told=True)],
    "ListedToTheEnd": [listed("working", "filled", "filled"), listed("working", answered="7"), known_late("1")],
    "AlertsBeforePresses": [turns(alert_ended=True), turns(after_s=3)],
}
BAD: dict[str, list[Story]] = {
    "OneOrderPerCommand": [twice],
    "RecordedFirst": [sent_before_the_ledger, nobodys, unplanned],
    "LegalMoves": [back_from_refused, changed_on_the_way],
    "OneUnknownAtATime": [entry_beside_an_unknown, exit_beside_an_unknown_exit],
    "LedgerAgrees": [another_holding, refused_and_placed, never_resolved],
    "EntersAsAsked": [
        other_side,
        too_much,
        exit_that_opens,
        whole_target_again,
        trim_that_opens,
        lambda made: reversal(made, 5),
        pressed_and_opened("close"),
        pressed_and_opened(quantity=3),
        pressed_and_opened(side=SELL),
    ],
    "EntersInTime": [stale, arrived_late, pressed_late],
    "NothingWhileHalted": [
        halted("all", False),
        halted("all", True),
        halted("entries", True),
        halted("entries", True, "account#acc"),
        halted("entries", True, "strategy#s"),
    ],
    "WithinLimits": [second_entry(1), beyond_max_quantity],
    "PricesNeverWorse": [
        limit_at("10.01"),
        sent_at_market,
        stop_at("9.00"),
        stop_at("9.50"),
        ticket_at("9.99"),
        ticket_changed("10.60"),
    ],
    "ReducesOnly": [
        closes(3),
        closes_beyond_a_strangers,
        closed_by_press(3),
        ticket_left_over(10),
        netted_away(2, seconds=0.001),
        closed_beside_a_press("t"),
    ],
    "LeavesForeignAlone": [hedged("p2", hand=True), hedged("p2", other="t"), position_closed_by_press("p2")],
    "OneSideOnly": [both_sides],
    "ClosesAsAsked": [
        closes(2, asked=1),
        closes(2, exit_side=Direction.SHORT),
        trimmed_while_stopped(on_the_way=False),
        closed_by_press(2, asked=1),
        closed_by_press(2, asked=1, changed=1),
        closed_by_press(2, button="protect"),
    ],
    "FlatAfterTheLastExit": [exit_that_leaves_a_part, last_exit(1), last_exit(2, works=True)],
    "KeepsItsStop": [
        stopped(11, covered=1),
        stopped(41, trouble=True, covered=1),
        added_without_a_stop(wanted=True),
        added_to_and_stopped_out(filled=1),
        bare_beside_a_strangers(1),
        bare_beside_a_strangers(2, CommandStatus.DECIDED_BY_PERSON),
        bare_after_press(11),
    ],
    "FencedOutWritesNothing": [fenced_out, taken_while_held, same_epoch],
    "ChainInOrder": [chain((1, 0, 2)), chain((2, 1, 0), positions=OUT_AND_IN)],
    "EndsWhereTheChainEnds": [chain((0, 1, 2), owned=1)],
    "AnsweredMeansStored": [answered_and_not_stored, half_of_its_jobs],
    "OneAlertHoweverOftenDelivered": [
        delivered("a00", "a01"),
        delivered("a00", "a00", statuses=(202, 202)),
        repeated_and_delivered_again(START_MS),
        two_bodies_one_id,
    ],
    "LostOnlyUnanswered": [unanswered(503, 202), unanswered(400)],
    "EndsInTime": [ends_after(300), ends_after(None), alert_left_open, ended_with(CommandStatus.NEW)],
    "Explained": [ended("ordered", code=""), ended("refused")],
    "UnderstoodAsMeant": [answers(400, understood=True), answers(202, understood=False)],
    "LoginsKept": [login(good=False)],
    "ExchangedOnce": [exchanged(), exchanged(process="p"), exchanged_at_once],
    "NothingWhileRestored": [sent_after_a_restore(lifted=False)],
    "AnswersStand": [
        bought(said="error"),
        bought(0, "refused"),
        bought(1),
        ended_untold(told=False),
        two_jobs,
        nothing_stored,
        nobody_pressed,
    ],
    "ListedToTheEnd": [
        listed("working", ""),
        listed("filled", "working"),
        listed("working", answered="8"),
        known_late("2"),
    ],
    "AlertsBeforePresses": [turns()],
}
AT_TRADELOCKER: dict[str, tuple[list[Story], list[Story]]] = {
    "OneOrderPerCommand": ([], [closed_twice]),
    "EntersAsAsked": ([units_in_lots], [units_as_lots]),
    "PricesNeverWorse": ([stops_of_two_entries("9.000", "9.500")], [stops_of_two_entries("9.000", "9.499")]),
    "ReducesOnly": ([closed_by_hand_and_entered_again], []),
    "LeavesForeignAlone": (GOOD["LeavesForeignAlone"], BAD["LeavesForeignAlone"]),
    "OneSideOnly": (GOOD["OneSideOnly"], BAD["OneSideOnly"]),
    "KeepsItsStop": (
        [position_with_its_stop, bare_and_shown_late(15), stop_refused()],
        [bare_position, bare_and_shown_late(15.1), stop_refused("rate_limited"), stop_refused(policy="close")],
    ),
}
ONLY_HEDGING = {"LeavesForeignAlone", "OneSideOnly"}


def cases(which: dict[str, list[Story]], at: int) -> list[Any]:
    """Give (invariant, maker of evidence, story) with readable ids."""
    found: list[Any] = []
    for name, stories in which.items():
        netting = [] if name in ONLY_HEDGING else [(on_netting, story) for story in stories]
        hedging = [(on_hedging, story) for story in AT_TRADELOCKER.get(name, ([], []))[at]]
        for number, (maker, story) in enumerate((*netting, *hedging)):
            found.append(pytest.param(name, maker, story, id=f"{name}-{number}"))
    return found


def judged(name: str, maker: Callable[[], Made], story: Story) -> set[str]:
    """Play a hand-made story before one invariant; give the names of what it found."""
    made = maker()
    judge = Judge(made, [next(kind() for kind in KINDS if kind.__name__ == name)])
    made.step = judge.after_step
    story(made)
    return {violation.name for violation in judge.at_end()}


@pytest.mark.parametrize(("name", "maker", "story"), cases(GOOD, 0))
def test_invariant_accepts_the_good(name: str, maker: Callable[[], Made], story: Story) -> None:
    assert judged(name, maker, story) == set()


@pytest.mark.parametrize(("name", "maker", "story"), cases(BAD, 1))
def test_invariant_rejects_the_bad(name: str, maker: Callable[[], Made], story: Story) -> None:
    assert judged(name, maker, story) == {name}


@pytest.mark.parametrize(
    ("story", "found"),
    [
        (stop_put_back("9.00"), set()),
        (stop_put_back("8.50"), set()),
        (stop_put_back("8.49"), {"PricesNeverWorse"}),
        (stop_put_back("8.50", of_its_entry=True), {"PricesNeverWorse"}),
    ],
)
def test_stop_that_is_put_back_is_what_its_strategy_named_last(story: Story, found: set[str]) -> None:
    assert judged("PricesNeverWorse", on_hedging, story) == found


@pytest.mark.parametrize(("price", "found"), [("9.00", set()), ("9.01", set()), ("8.99", {"PricesNeverWorse"})])
def test_stop_of_a_netted_position_is_that_of_all_who_share_it(price: str, found: set[str]) -> None:
    assert judged("PricesNeverWorse", on_netted_positions, stop_of_a_shared_position(price)) == found


@pytest.mark.parametrize(
    ("story", "found"),
    [
        (taken_away(), set()),
        (taken_away("9.00"), {"AnswersStand"}),
        (taken_away("9.10", entered_again="9.10"), set()),
        (taken_away("9.00", entered_again="9.10"), {"AnswersStand"}),
    ],
)
def test_stop_that_a_person_takes_away_stays_away(story: Story, found: set[str]) -> None:
    assert judged("AnswersStand", on_netted_positions, story) == found


def test_every_invariant_is_checked_both_ways() -> None:
    names = {kind.__name__ for kind in KINDS}

    assert (set(GOOD), set(BAD)) == (names, names)


def test_lost_alerts_and_logins_are_counted() -> None:
    made = on_netting()
    judge = Judge(made)
    unanswered(503, None)(made)
    login(good=False, in_hand=True)(made)

    assert judge.at_end() == ()
    assert (judge.counts.lost_alerts, judge.counts.lost_logins) == (1, 1)


def test_every_invariant_has_a_sentence() -> None:
    assert all(kind().sentence.endswith((".", ").")) for kind in KINDS)
