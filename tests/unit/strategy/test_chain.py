"""The order of a lane's waiting alerts (TRADING.md rule 7)."""

from decimal import Decimal

import pytest

from orderbridge.alerts.alert import Action, Alert, Target
from orderbridge.model import Direction
from orderbridge.strategy.chain import (
    LINK_WAIT_MS,
    ChainItem,
    ChainKey,
    ChainState,
    Link,
    Said,
    arrange,
    link_of,
    passed,
    worked,
)
from orderbridge.strategy.links import Timed, best_order

SECOND = 1_000_000
KEY: ChainKey = ("trend", "MES")


def said(signed: int) -> Said:
    return Said(Direction.of(Decimal(signed)), Decimal(abs(signed)))


def item(
    job_id: str,
    before: int | None,
    after: int,
    accepted_ms: int = 0,
    fired_s: int | None = 0,
    key: ChainKey = KEY,
) -> ChainItem:
    link = Link(None if before is None else said(before), said(after))
    fired_ms = None if fired_s is None else (SECOND + fired_s) * 1000
    return ChainItem(job_id, key[0], key[1], link, fired_ms, SECOND * 1000 + accepted_ms)


def plain(job_id: str, accepted_ms: int, fired_s: int | None = None) -> ChainItem:
    fired_ms = None if fired_s is None else (SECOND + fired_s) * 1000
    return ChainItem(job_id, *KEY, None, fired_ms, SECOND * 1000 + accepted_ms)


def at(ms: int) -> int:
    return SECOND * 1000 + ms


def after(*items: ChainItem) -> dict[ChainKey, ChainState]:
    state = ChainState()
    for one in items:
        state = worked(state, one)
    return {KEY: state}


def test_link_that_joins_on_goes_at_once() -> None:
    arranged = arrange([item("a", 0, 1)], {}, at(0))

    assert (arranged.next, arranged.wait_until_ms, arranged.superseded) == ("a", None, ())


def test_links_of_one_second_go_in_the_order_of_their_positions() -> None:
    waiting = [item("c", 2, 0, 0), item("b", 1, 2, 100), item("a", 0, 1, 200)]

    assert arrange(waiting, {}, at(200)).next == "a"
    assert arrange(waiting[:2], after(item("a", 0, 1)), at(200)).next == "b"


def test_link_with_a_missing_one_before_it_waits_and_then_goes() -> None:
    late = item("b", 1, 2, accepted_ms=300)

    early = arrange([late], {}, at(400))
    assert (early.next, early.wait_until_ms) == (None, at(300 + LINK_WAIT_MS))
    assert arrange([late], {}, at(300 + LINK_WAIT_MS)).next == "b"


def test_missing_link_that_arrives_in_time_goes_first() -> None:
    waiting = [item("b", 1, 2, 0), item("a", 0, 1, 900)]

    assert arrange(waiting, {}, at(900)).next == "a"


@pytest.mark.parametrize("before", [0, None])
def test_link_of_an_earlier_second_than_the_last_worked_is_superseded(before: int | None) -> None:
    arranged = arrange([item("a", before, 1, 5_000, fired_s=0)], after(item("b", 1, 0, 0, fired_s=3)), at(5_000))

    assert (arranged.next, arranged.superseded) == (None, ("a",))


def test_link_that_says_only_an_older_position_is_superseded_though_it_would_join_on() -> None:
    states = after(item("a", 0, 1, 0, fired_s=3))

    arranged = arrange([item("old", None, 0, 5_000, fired_s=0)], states, at(5_000))

    assert (arranged.next, arranged.superseded) == (None, ("old",))


def test_older_link_with_something_missing_is_superseded_when_it_has_waited() -> None:
    states = after(item("a", 0, 1, 0, fired_s=3))
    older = item("old", 5, 4, 5_000, fired_s=0)

    assert arrange([older], states, at(5_000)).wait_until_ms == at(5_000 + LINK_WAIT_MS)
    assert arrange([older], states, at(5_000 + LINK_WAIT_MS)).superseded == ("old",)


def test_older_link_does_not_hold_back_a_newer_one() -> None:
    states = after(item("a", 0, 1, 0, fired_s=3))

    arranged = arrange([item("old", 5, 4, 5_000), item("b", 1, 0, 5_100, fired_s=5)], states, at(5_100))

    assert arranged.next == "b"


def test_doubtful_late_exit_is_worked_after_its_wait() -> None:
    states = after(item("a", 0, 1, 0), item("b", 3, 5, 10))
    late = item("exit", 2, 0, 5_000)

    assert arrange([late], states, at(5_000)).next is None
    assert arrange([late], states, at(5_000 + LINK_WAIT_MS)).next == "exit"


def test_same_step_twice_in_one_second_is_worked_once() -> None:
    states = after(item("a", 0, 1, 0))

    twin = arrange([item("twin", 0, 1, 100)], states, at(100 + LINK_WAIT_MS))

    assert (twin.next, twin.superseded) == (None, ("twin",))


def test_late_link_of_the_same_second_that_belongs_before_is_superseded_once_it_has_waited() -> None:
    states = after(item("c", 2, 0, 0))
    late = item("a", 0, 1, 5_000)

    assert arrange([late], states, at(5_000)).wait_until_ms == at(5_000 + LINK_WAIT_MS)
    assert arrange([late], states, at(5_000 + LINK_WAIT_MS)).superseded == ("a",)


def test_late_links_that_fill_the_gap_completely_are_superseded_at_once() -> None:
    states = after(item("c", 2, 0, 0))
    late = [item("a", 0, 1, 5_000), item("b", 1, 2, 5_100)]

    arranged = arrange(late, states, at(5_100))

    assert (arranged.next, set(arranged.superseded)) == (None, {"a", "b"})


def test_older_round_trip_is_superseded_where_newer_links_go_on_without_it() -> None:
    """An exit has passed what fired before it, while that waited behind a parked job."""
    states = after(item("short", 0, -8, fired_s=0), item("exit", -8, 0, 100, fired_s=3))
    over, back = item("over", -8, 2, 200, fired_s=1), item("back", 2, -8, 300, fired_s=2)

    arranged = arrange([over, back, item("next", 0, 2, 400, fired_s=4)], states, at(5_000))

    assert (arranged.next, arranged.superseded) == ("next", ("over", "back"))


def test_older_link_is_worked_where_the_newer_ones_alone_lead_elsewhere() -> None:
    states = after(item("last", 0, 1, fired_s=5))
    first, untimed = item("first", 0, 1, 100, fired_s=4), item("untimed", 1, 0, 200, fired_s=None)

    arranged = arrange([first, untimed], states, at(5_000))
    states = {KEY: worked(states[KEY], untimed)}

    assert (arranged.next, arranged.superseded) == ("untimed", ())
    assert arrange([first], states, at(5_000)).next == "first", "the chain ends at one"


def test_second_leg_of_a_reversal_after_a_lost_entry_is_traded() -> None:
    states = after(item("close", 1, 0, 0))

    assert arrange([item("enter", 0, -1, 5_000)], states, at(5_000)).next == "enter"


def test_superseded_link_explains_the_next_late_one() -> None:
    state = passed(worked(ChainState(), item("c", 2, 0, 0)), item("b", 1, 2, 5_000))

    arranged = arrange([item("a", 0, 1, 6_000)], {KEY: state}, at(6_000))

    assert arranged.superseded == ("a",)


def test_round_trips_within_one_second_are_followed() -> None:
    states = after(item("a", 0, 1), item("b", 1, 0))

    assert arrange([item("c", 0, 1, 50)], states, at(50)).next == "c"


def test_later_second_waits_for_the_earlier_one() -> None:
    waiting = [item("b", 5, 6, 0, fired_s=2), item("a", 0, 1, 100, fired_s=1)]

    assert arrange(waiting, {}, at(100)).next == "a"


def test_links_without_fire_time_go_by_their_positions() -> None:
    waiting = [item("b", 1, 0, 0, fired_s=None), item("a", 0, 1, 100, fired_s=None)]

    assert arrange(waiting, {}, at(100)).next == "a"


def test_link_without_fire_time_long_after_the_last_is_no_late_one() -> None:
    states = after(item("b", 1, 0, 0, fired_s=None))

    assert arrange([item("a", 0, 1, 60_000, fired_s=None)], states, at(60_000)).next == "a"


def test_link_that_says_only_the_result_never_waits() -> None:
    assert arrange([item("a", None, 3)], {}, at(0)).next == "a"


def test_direction_without_size_joins_on_to_any_size() -> None:
    states = after(item("a", 0, 1))
    unsized = ChainItem("b", *KEY, Link(Said(Direction.LONG), said(0)), at(0), at(10))

    assert arrange([unsized], states, at(10)).next == "b"


def test_fire_time_in_the_far_future_orders_nothing() -> None:
    states = after(item("a", 0, 1, 0, fired_s=9_999_999))

    assert arrange([item("b", 1, 0, 60_000)], states, at(60_000)).next == "b"


def test_alerts_without_position_go_by_fire_time_else_by_arrival() -> None:
    assert arrange([plain("b", 0, fired_s=2), plain("a", 100, fired_s=1)], {}, at(100)).next == "a"
    assert arrange([plain("b", 100), plain("a", 0)], {}, at(100)).next == "a"


def test_alert_without_position_and_the_next_link_go_by_arrival() -> None:
    link = item("link", 0, 1, 100, fired_s=None)

    assert arrange([link, plain("exit", 0)], {}, at(100)).next == "exit"
    assert arrange([link, plain("exit", 200)], {}, at(200)).next == "link"


def test_best_order_keeps_to_the_seconds_even_where_another_would_join_on() -> None:
    up, down = Link(said(0), said(1)), Link(said(1), said(0))

    assert best_order(said(0), [Timed(down, 1), Timed(up, 2)]) == (Decimal(1), (0, 1))
    assert best_order(said(0), [Timed(down, 2), Timed(up, 1)]) == (Decimal(0), (1, 0))
    assert best_order(said(0), [Timed(down, 1), Timed(up, None)]) == (Decimal(0), (1, 0))


def test_alert_without_position_leaves_the_chain_as_it_is() -> None:
    state = worked(ChainState(), item("a", 0, 1))

    assert worked(state, plain("exit", 50)) == state
    assert passed(state, plain("exit", 50)) == state


def test_chains_of_two_strategies_and_of_two_roots_do_not_wait_for_one_another() -> None:
    blocked = item("blocked", 1, 2, 0)
    other_strategy = item("other", 0, 1, 100, fired_s=5, key=("swing", "MES"))
    other_root = item("root", 0, -1, 200, fired_s=4, key=("trend", "EURUSD"))

    arranged = arrange([blocked, other_strategy, other_root], {}, at(200))

    assert (arranged.next, arranged.wait_until_ms) == ("root", at(LINK_WAIT_MS))


def test_burst_of_one_second_beyond_the_search_is_still_worked_in_order() -> None:
    waiting = [item(str(n), n, n - 1, 10 * n) for n in range(1, 9)]
    states = after(item("up", 0, 8, fired_s=-1))
    done: list[str] = []

    while waiting:
        arranged = arrange(waiting, states, at(LINK_WAIT_MS + 1_000))
        assert arranged.next is not None
        chosen = next(one for one in waiting if one.job_id == arranged.next)
        waiting.remove(chosen)
        states = {KEY: worked(states[KEY], chosen)}
        done.append(chosen.job_id)

    assert done == ["8", "7", "6", "5", "4", "3", "2", "1"]


@pytest.mark.parametrize(
    ("target", "link"),
    [
        (None, None),
        (Target(previous_direction=Direction.LONG), None),
        (Target(size=Decimal(2)), Link(None, said(2))),
        (Target(size=Decimal(-2), previous_size=Decimal(0)), Link(said(0), said(-2))),
        (
            Target(Direction.FLAT, None, Direction.LONG, Decimal(3)),
            Link(said(3), said(0)),
        ),
        (Target(Direction.LONG), Link(None, Said(Direction.LONG))),
    ],
)
def test_link_is_what_the_message_says_of_both_positions(target: Target | None, link: Link | None) -> None:
    assert link_of(Alert(Action.BUY, "MES1!", target=target)) == link
