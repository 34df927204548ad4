"""Stories made by hand about exits, stops, lanes, alerts and logins, good ones and bad ones."""

from dataclasses import replace
from typing import Any

from orderbridge.alerts.alert import StopLoss
from orderbridge.commands import ClosePosition, ModifyPosition, Place
from orderbridge.execution.records import CommandStatus as S
from orderbridge.model import OrderType
from tests.simulation.invariants.evidence import Delivery, FiredAlert, Held, Meant, Trouble
from tests.simulation.invariants.exchanged import Exchange
from tests.simulation.invariants.made import START_MS, Made, MadeLogin
from tests.simulation.invariants.made_entries import BUY, SELL, D, Story, entered

# ---- exits


def closes(quantity: Any, held: Any = 2, asked: Any = None, **meant: Any) -> Story:
    def story(made: Made) -> None:
        entered(made, held)
        closing = made.close(made.fire("exit", asked, **meant), SELL, quantity)
        made.row(made.mark(closing), -1, quantity, quantity)
        made.move(closing, S.ACCEPTED)

    return story


def closes_beyond_a_strangers(made: Made) -> None:
    made.row("", 1, 5, 5, by_hand=True)
    closes(3)(made)


def trimmed_while_stopped(*, on_the_way: bool) -> Story:
    """Four are held and three of them to be closed; a stop takes one before the close is sent, or on its way."""

    def story(made: Made) -> None:
        entry = made.entry(made.fire("buy", 4), BUY, 4)
        bought = made.row(made.mark(entry), 1, 4, 4)

        def stop() -> None:
            mark = made.mark(entry, "0.stop_loss")
            made.row(mark, -1, 1, 1, type=OrderType.STOP, stop_price=D(9), parent_id=bought.id)
            made.later(0.05)

        job = made.fire("sell", 3, before=D(4), after=D(1))
        if not on_the_way:
            stop()
        closing = made.close(job, SELL, 3)
        made.later(0.05)
        if on_the_way:
            stop()
        made.row(made.mark(closing), -1, 3, 3)
        made.move(closing, S.ACCEPTED)

    return story


def hedged(position: str, *, hand: bool = False, other: str = "s") -> Story:
    """A position `p1` of `s`, and another one; the exit of `s` closes `position`."""

    def story(made: Made) -> None:
        entered(made, 2)
        if hand:
            made.row("", 1, 2, 2, by_hand=True, position_id="p2")
        else:
            made.strategy("t")
            job = made.fire("buy", 2, strategy=other)
            record = made.command(job, Place(made.symbol, BUY, D(2), "open"), strategy=other)
            made.row(made.mark(record), 1, 2, 2, position_id="p2")
        made.command(made.fire("exit"), ClosePosition(position, made.symbol, BUY, D(2)), role="close")
        made.row("", -1, 2, 2, role="close", position_id=position)

    return story


def closed_by_hand_and_entered_again(made: Made) -> None:
    entered(made, 2)
    made.row("", -1, 2, 2, by_hand=True, role="close", position_id="p1")
    entry = made.entry(made.fire("sell", 1), SELL, 1)
    made.row(made.mark(entry), -1, 1, 1, position_id="p2")
    made.command(made.fire("exit"), ClosePosition("p2", made.symbol, SELL, D(1)), role="close")
    made.row("", 1, 1, 1, role="close", position_id="p2")


def both_sides(made: Made) -> None:
    entered(made, 2)
    entry = made.entry(made.fire("sell", 2), SELL, 2)
    made.row(made.mark(entry), -1, 2, 2, position_id="p2")
    made.hold(Held("p1", made.symbol, D(2)), Held("p2", made.symbol, D(-2)))


def two_of_a_side(made: Made) -> None:
    entered(made, 2)
    entry = made.entry(made.fire("buy", 2), BUY, 2)
    made.row(made.mark(entry), 1, 2, 2, position_id="p2")
    made.hold(Held("p1", made.symbol, D(2)), Held("p2", made.symbol, D(2)))


def last_exit(closed: Any, *, works: bool = False) -> Story:
    def story(made: Made) -> None:
        entered(made, 2)
        if works:
            limit: dict[str, Any] = {"order_type": OrderType.LIMIT, "limit_price": D(9)}
            resting = made.entry(made.fire("buy", 2, **limit), BUY, 2, **limit)
            made.row(made.mark(resting), 1, 2, type=OrderType.LIMIT, limit_price=D(9))
        made.later(1)
        job = made.fire("exit")
        closing = made.close(job, SELL, closed)
        made.row(made.mark(closing), -1, closed, closed)
        made.end(job, "ordered")

    return story


def exit_that_leaves_a_part(made: Made) -> None:
    entered(made, 2)
    job = made.fire("exit")
    closing = made.close(job, SELL, 1)
    made.row(made.mark(closing), -1, 1, 1)
    made.move(closing, S.ACCEPTED)
    made.end(job, "ordered", "closed")
    made.later(1)
    made.fire("cancel")


# ---- stops


def stopped(bare_s: float, *, trouble: bool = False, wanted: bool = True, covered: int = 2) -> Story:
    """Held for `bare_s` with `covered` of its two under a stop, then all of it."""

    def story(made: Made) -> None:
        stop = StopLoss(stop_price=D(9)) if wanted else None
        job = made.fire("buy", 2, stop_loss=stop)
        entry = made.entry(job, BUY, 2)
        made.row(made.mark(entry), 1, 2, 2)
        made.hold(Held(made.symbol, made.symbol, D(2)))
        if trouble:
            made.troubles.append(Trouble(made.at_ms, made.at_ms + 30_000, "broker", "acc"))
        mark = made.mark(entry, "0.stop_loss")
        if covered < 2:
            made.row(mark, -1, covered, type=OrderType.STOP, stop_price=D(9), parent_id="1")
        made.later(bare_s)
        made.row(mark, -1, 2 - covered or 2, type=OrderType.STOP, stop_price=D(9), parent_id="1")

    return story


def added_without_a_stop(*, wanted: bool) -> Story:
    """Two that have their stop, and three more for a minute without one, which they were given (`wanted`) or not."""

    def story(made: Made) -> None:
        stop = StopLoss(stop_price=D(9))
        first = made.entry(made.fire("buy", 2, stop_loss=stop), BUY, 2)
        made.row(made.mark(first), 1, 2, 2)
        made.row(made.mark(first, "0.stop_loss"), -1, 2, type=OrderType.STOP, stop_price=D(9), parent_id="1")
        second = made.entry(made.fire("buy", 3, stop_loss=stop if wanted else None), BUY, 3)
        made.row(made.mark(second), 1, 3, 3)
        made.hold(Held(made.symbol, made.symbol, D(5)))
        made.later(60)

    return story


def added_to_and_stopped_out(*, filled: int) -> Story:
    """Two whose own stop closes `filled` of them, and three beside them that were given none."""

    def story(made: Made) -> None:
        first = made.entry(made.fire("buy", 2, stop_loss=StopLoss(stop_price=D(9))), BUY, 2)
        made.row(made.mark(first), 1, 2, 2)
        second = made.entry(made.fire("buy", 3), BUY, 3)
        made.row(made.mark(second), 1, 3, 3)
        mark = made.mark(first, "0.stop_loss")
        made.row(mark, -1, 2, filled, type=OrderType.STOP, stop_price=D(9), parent_id="1", working=False)
        made.hold(Held(made.symbol, made.symbol, D(5 - filled)))
        made.later(60)

    return story


def bare_beside_a_strangers(quantity: Any, status: S = S.UNKNOWN) -> Story:
    """An entry whose answer was lost has no stop for a minute, and a stranger has placed `quantity` just then."""

    def story(made: Made) -> None:
        entry = made.entry(made.fire("buy", 2, stop_loss=StopLoss(stop_price=D(9))), BUY, 2, status)
        made.row(made.mark(entry), 1, 2, 2)
        made.row("", 1, quantity, quantity, by_hand=True)
        made.hold(Held(made.symbol, made.symbol, 2 + D(quantity)))
        made.later(60)

    return story


def bare_position(made: Made) -> None:
    entered(made, 2, stop_loss=StopLoss(stop_price=D(9)))
    made.hold(Held("p1", made.symbol, D(2)))
    made.later(11)


def stop_refused(code: str = "invalid", *, policy: str = "keep") -> Story:
    """The stop of a position was taken away, and the broker refuses another with `code`."""

    def story(made: Made) -> None:
        made.strategy("s", on_stop_refused=policy)
        entered(made, 2, stop_loss=StopLoss(stop_price=D(9)))
        again = ModifyPosition("p1", made.symbol, stop_loss=D(9))
        made.command(made.fire("add"), again, S.REFUSED, role="stop", code=code)
        made.hold(Held("p1", made.symbol, D(2)))
        made.later(60)

    return story


def bare_and_shown_late(seconds: float) -> Story:
    """The history shows 5 s after the fill whose the position is."""

    def story(made: Made) -> None:
        entry = made.entry(made.fire("buy", 2, stop_loss=StopLoss(stop_price=D(9))), BUY, 2)
        made.row(made.mark(entry), 1, 2, 2, position_id="p1", shown_ms=made.at_ms + 5_000)
        made.hold(Held("p1", made.symbol, D(2)))
        made.later(seconds)

    return story


def position_with_its_stop(made: Made) -> None:
    entered(made, 2, stop_loss=StopLoss(stop_price=D(9)))
    made.hold(Held("p1", made.symbol, D(2), stop=D(9)))
    made.later(60)


# ---- lanes


def fenced_out(made: Made) -> None:
    made.lane(1, "one")
    made.later(60)
    made.lane(2, "two")
    made.lane(2, "two", process="one", books=[])


def taken_in_turn(made: Made) -> None:
    made.lane(1, "one")
    made.lane(1, "one", until_s=0, books=[])
    made.later(60)
    made.lane(2, "two")
    made.lane(2, "two", books=[])


def taken_while_held(made: Made) -> None:
    made.lane(1, "one")
    made.later(5)
    made.lane(2, "two")


def same_epoch(made: Made) -> None:
    made.lane(1, "one")
    made.later(60)
    made.lane(1, "two")


OUT_AND_IN = (0, 1, 0, 1)
"""An entry, its exit, and the same entry again."""


def chain(
    order: tuple[int, ...],
    *,
    positions: tuple[int, ...] = (0, 1, 2, 0),
    apart_s: tuple[int, ...] = (1, 1, 1),
    superseded: int | None = None,
    owned: int = 0,
) -> Story:
    """Three links, from each of `positions` to the next, fired so many seconds apart and taken up in `order`."""

    def story(made: Made) -> None:
        jobs = []
        for before, after, seconds in zip(positions, positions[1:], apart_s, strict=False):
            action = "buy" if after > before else "sell"
            jobs.append(made.fire(action, 1, before=D(before), after=D(after)))
            made.later(seconds)
        for place in order:
            book = {"strategy": "s", "root": made.symbol, "chain_job": jobs[place]}
            made.lane(1, "p", books=[book])
        for place, job in enumerate(jobs):
            made.end(job, "superseded" if place == superseded else "ordered")
        if owned:
            entry = made.entry(jobs[0], BUY, owned)
            made.row(made.mark(entry), 1, owned, owned)

    return story


# ---- alerts and logins


def answered_and_not_stored(made: Made) -> None:
    made.alerts.append(FiredAlert("s", Meant("exit", "X"), b"b", START_MS, (Delivery(START_MS, 202, "gone"),)))
    made.step()


def half_of_its_jobs(made: Made) -> None:
    made.alerts.append(FiredAlert("s", Meant("exit", "X"), b"b", START_MS))
    made.store(0, jobs=2)
    made.alerts[0] = replace(made.alerts[0], deliveries=(Delivery(START_MS, 202, "a00"),))
    made.step()


def delivered(*ids: str, statuses: tuple[int | None, ...] = (202, 200)) -> Story:
    def story(made: Made) -> None:
        made.fire("exit")
        one = made.alerts[0]
        deliveries = [Delivery(START_MS, status, name) for status, name in zip(statuses, ids, strict=True)]
        made.alerts[0] = replace(one, deliveries=tuple(deliveries))
        for name in {*ids} - {"a00", ""}:
            made.store(0, alert_id=name)

    return story


def repeated_and_delivered_again(fired_at_ms: int | None) -> Story:
    """The same body fires twice within 40 s, and the second alert is delivered once more after them."""

    def story(made: Made) -> None:
        made.fire("exit", fired_at_ms=fired_at_ms)
        first = made.alerts[0]
        again = (Delivery(START_MS + 30_000, 200, "a00"), Delivery(START_MS + 42_000, 202, "a01"))
        made.alerts.append(replace(first, fired_at_ms=START_MS + 30_000, deliveries=again))
        made.store(1)

    return story


def ended_with(status: S) -> Story:
    """A job ends after its entry has come to `status`."""

    def story(made: Made) -> None:
        job = made.fire("buy", 2)
        made.entry(job, BUY, 2, status)
        made.end(job, "failed")

    return story


def two_bodies_one_id(made: Made) -> None:
    made.fire("exit")
    first = made.alerts[0]
    made.alerts.append(replace(first, body=b"another"))


def unanswered(*statuses: int | None) -> Story:
    def story(made: Made) -> None:
        deliveries = tuple(Delivery(START_MS, status) for status in statuses)
        made.alerts.append(FiredAlert("s", Meant("exit", "X"), b"b", START_MS, deliveries))

    return story


def ends_after(seconds: float | None) -> Story:
    def story(made: Made) -> None:
        job = made.fire("exit")
        made.later(400 if seconds is None else seconds)
        if seconds is not None:
            made.end(job, "ordered")

    return story


def alert_left_open(made: Made) -> None:
    made.job(made.fire("exit"), status="ordered")


def ended(status: str, *, code: str = "why", told: bool = False) -> Story:
    def story(made: Made) -> None:
        job = made.fire("exit")
        made.end(job, status, code)
        if told:
            made.write(("NOTICE#n", "NOTICE"), {"alert_id": job.partition(".")[0], "code": code})

    return story


def answers(status: int, *, understood: bool) -> Story:
    def story(made: Made) -> None:
        made.fire("exit", status=status, understood=understood)

    return story


def login(*, good: bool, in_hand: bool = False) -> Story:
    return lambda made: made.logins.append(MadeLogin("login", good, in_hand))


def exchanged(*, process: str = "q", gave: str = "new", heard: bool = True, stumbled: bool = False) -> Story:
    """One process exchanges a refresh token, and a second later one sends the same again."""

    def story(made: Made) -> None:
        made.exchanges.append(Exchange("p", made.at_ms, "old", gave, heard))
        if stumbled:
            made.stumbles["p"] = made.at_ms
        made.later(1)
        made.exchanges.append(Exchange(process, made.at_ms, "old"))
        made.later(1)

    return story


def exchanged_at_once(made: Made) -> None:
    """Two send the same token, and both are answered afterwards."""
    made.exchanges += [Exchange("p", made.at_ms, "old"), Exchange("q", made.at_ms, "old")]
    made.later(1)
    made.exchanges[:] = [replace(one, gave=f"new of {one.process}", heard=True) for one in made.exchanges]
    made.later(1)
