"""Stories made by hand about presses at the panel, good ones and bad ones."""

import json
from typing import Any

from orderbridge.alerts.alert import StopLoss
from orderbridge.commands import ClosePosition, Place
from orderbridge.execution.records import CommandStatus as S
from orderbridge.model import OrderType
from tests.simulation.invariants.evidence import Held, Restored
from tests.simulation.invariants.made import Made
from tests.simulation.invariants.made_entries import BUY, SELL, D, Story, entered
from tests.simulation.invariants.pressed import Listing, Pressed, Reply, Wanted

PANEL = "broker_api-1"
BOOK = "panel:ann"


def pressed(
    made: Made,
    button: Any = "place",
    quantity: Any = 2,
    *,
    said: Any = "ok",
    side: int = 1,
    order_id: str = "",
    **more: Any,
) -> str:
    """Press a button, which is answered and stored as a job; give the job's id."""
    number = len(made.presses)
    size = None if quantity is None else D(quantity)
    wanted = Wanted(button, "acc", made.symbol, side, size, **more)
    reply = Reply(made.at_ms, made.at_ms, said, "in words", order_id)
    made.presses.append(Pressed(wanted, made.at_ms, f"r{number}", (reply,), over=True))
    made.serving[PANEL] = number
    return stored(made, f"press{number}")


def stored(made: Made, job_id: str, status: str = "QUEUED", process: str = PANEL, **about: Any) -> str:
    """Write the item of a person's job."""
    data = {
        "job_id": job_id, "strategy": BOOK, "account": "acc", "root": made.symbol, "accepted_at_ms": made.at_ms,
        "origin": "panel",
    }  # fmt: skip
    key = next((one for one in made.items if one[1].endswith(f"#{job_id}") and one[1].startswith("JOB#")), None)
    item = {"lane": f"acc#{made.symbol}", "status": status, "data": json.dumps(data), **about}
    if status in ("QUEUED", "WORKING"):
        item["gpk"] = "OPEN#JOB"
    made.write(key or (f"LANE#acc#{made.symbol}", f"JOB#{made.at_ms}#{job_id}"), item, process)
    return job_id


def opened(made: Made, job: str, quantity: Any = 2, side: Any = BUY, filled: Any = None, **row: Any) -> None:
    """Send an entry for a press; it is in the book, filled unless said otherwise."""
    place = Place(made.symbol, side, D(quantity), "open")
    record = made.command(job, place, strategy=f"{BOOK}#{job}")
    made.row(made.mark(record), side.sign, quantity, quantity if filled is None else filled, position_id="p1", **row)
    made.move(record, S.ACCEPTED)


def bought(quantity: Any = 2, status: str = "ordered", **press: Any) -> Story:
    """A press on Buy 2, and `quantity` is bought."""

    def story(made: Made) -> None:
        job = pressed(made, **press)
        if quantity:
            opened(made, job, quantity)
        stored(made, job, status)

    return story


def refused_at_the_broker(made: Made) -> None:
    job = pressed(made, said="error")
    opened(made, job, filled=0, rejected=True, working=False)
    stored(made, job, "refused")


def ended_untold(told: bool) -> Story:
    def story(made: Made) -> None:
        job = pressed(made, "close", None)
        stored(made, job, "refused", code="flat")
        if told:
            made.write((f"NOTICE#{job}.flat", "NOTICE"), {"code": "flat"})

    return story


def two_jobs(made: Made) -> None:
    pressed(made)
    stored(made, "another")


def nothing_stored(made: Made) -> None:
    reply = Reply(made.at_ms, made.at_ms, "ok")
    made.presses.append(Pressed(Wanted("close", "acc", made.symbol), made.at_ms, "", (reply,)))


def nobody_pressed(made: Made) -> None:
    stored(made, "stray", process="somebody")


def listed(*statuses: str, answered: str = "") -> Story:
    """Polls of one browser, each with the status of order `7`; an empty one does not list it."""

    def story(made: Made) -> None:
        if answered:
            pressed(made, order_id=answered)
        for status in statuses:
            made.at_ms += 2_000
            shown = {"7": status} if status else {}
            made.listings.append(Listing(0, "acc", made.at_ms - 100, made.at_ms, shown))
            made.step()

    return story


def known_late(number: str) -> Story:
    """An order of the broker's id `number` is listed beside a person's that is awaited, and then that one alone."""

    def story(made: Made) -> None:
        opened(made, pressed(made, order_id="ob-press0"))
        for shown in ({number: "working", "ob-press0": "placing"}, {"ob-press0": "working"}):
            made.at_ms += 2_000
            made.listings.append(Listing(0, "acc", made.at_ms - 100, made.at_ms, shown))
            made.step()

    return story


def turns(*, alert_ended: bool = False, after_s: int = 10) -> Story:
    """An alert waits, and a press that came `after_s` later is sent."""

    def story(made: Made) -> None:
        job = made.fire("exit")
        made.later(after_s)
        if alert_ended:
            made.end(job, "no_action", "flat")
        stored(made, pressed(made), "WORKING")

    return story


# ---- what other invariants make of presses


def pressed_and_opened(button: Any = "place", quantity: Any = 2, side: Any = BUY) -> Story:
    def story(made: Made) -> None:
        opened(made, pressed(made, button, 2), quantity, side)

    return story


def pressed_late(made: Made) -> None:
    job = pressed(made)
    made.later(25)
    opened(made, job)


def ticket_at(limit: str) -> Story:
    def story(made: Made) -> None:
        job = pressed(made, order_type=OrderType.LIMIT, limit_price=D("10.00"))
        opened(made, job, filled=0, type=OrderType.LIMIT, limit_price=D(limit))

    return story


def ticket_changed(limit: str) -> Story:
    """A person changes a resting order's limit to 10.50; the broker gives it another id."""

    def story(made: Made) -> None:
        limits: dict[str, Any] = {"filled": 0, "type": OrderType.LIMIT}
        job = pressed(made, order_type=OrderType.LIMIT, limit_price=D("10.00"))
        opened(made, job, **limits, limit_price=D("10.00"))
        pressed(made, "modify", order_type=OrderType.LIMIT, limit_price=D("10.50"), aim="1")
        mark = made.account.book[0].mark
        made.row(mark, 1, 2, type=OrderType.LIMIT, limit_price=D(limit))

    return story


def stop_of_a_shared_position(price: str) -> Story:
    """A strategy and then a person enter one netted position, and its stop is set on the position itself."""

    def story(made: Made) -> None:
        entry = made.entry(made.fire("buy", 2, stop_loss=StopLoss(stop_price=D("9.00"))), BUY, 2)
        made.row(made.mark(entry), 1, 2, 2, position_id="p1")
        opened(made, pressed(made))
        made.row("", -1, 4, role="stop", type=OrderType.STOP, stop_price=D(price), position_id="p1")

    return story


def taken_away(price: str = "", *, entered_again: str = "") -> Story:
    """A person takes a netted position's stop away; with `price` one is set on the position again.

    `entered_again` is the stop that an alert in between asks for with its entry.
    """

    def story(made: Made) -> None:
        entry = made.entry(made.fire("buy", 2, stop_loss=StopLoss(stop_price=D("9.00"))), BUY, 2)
        opening = made.row(made.mark(entry), 1, 2, 2, position_id="p1")
        stop: dict[str, Any] = {"role": "stop", "type": OrderType.STOP, "position_id": "p1"}
        first = made.row("", -1, 2, stop_price=D("9.00"), parent_id=opening.id, working=False, **stop)
        made.later(60)
        job = pressed(made, "cancel", None, aim=first.id, unprotects=True)
        stored(made, job, "ordered", code="done")
        made.later(2)
        if entered_again:
            again = made.entry(made.fire("buy", 2, stop_loss=StopLoss(stop_price=D(entered_again))), BUY, 2)
            made.row(made.mark(again), 1, 2, 2, position_id="p1")
        if price:
            made.row("", -1, 2, stop_price=D(price), **stop)

    return story


def closed_by_press(quantity: Any, asked: Any = None, button: Any = "close", changed: Any = None) -> Story:
    """A strategy holds 2 long; a person closes `asked` of it, changes that to `changed`, and `quantity` is closed."""

    def story(made: Made) -> None:
        entered(made, 2)
        job = pressed(made, button, asked)
        record = made.command(job, Place(made.symbol, SELL, D(quantity), "close"), role="close", strategy=BOOK)
        if changed is not None:
            pressed(made, "modify", changed)
        made.row(made.mark(record), -1, quantity, quantity)

    return story


def ticket_left_over(seconds: int) -> Story:
    """A person's resting order was to close what a strategy's target has closed `seconds` before it fills."""

    def story(made: Made) -> None:
        entered(made, 2)
        job = pressed(made, "place", 2, side=-1, order_type=OrderType.STOP, stop_price=D("9.00"))
        ticket = Place(made.symbol, SELL, D(2), "close", OrderType.STOP, stop_price=D("9.00"))
        mark = made.mark(made.command(job, ticket, role="close", strategy=BOOK))
        made.later(1)
        made.row("", -1, 2, 2)
        placed_ms = made.at_ms
        made.later(seconds)
        made.row(mark, -1, 2, 2, opened_ms=placed_ms)

    return story


def position_closed_by_press(position: str) -> Story:
    """A person presses Close on `p1`."""

    def story(made: Made) -> None:
        entered(made, 2)
        entry = made.entry(made.fire("buy", 2), BUY, 2)
        made.row(made.mark(entry), 1, 2, 2, position_id="p2")
        job = pressed(made, "close", None, aim="p1")
        made.command(job, ClosePosition(position, made.symbol, BUY, D(2)), role="close", strategy=BOOK)
        made.row("", -1, 2, 2, role="close", position_id=position)

    return story


def bare_after_press(seconds: int, *, removed: bool = False) -> Story:
    """A press with a stop is filled, and no stop works; `removed`: the person takes it away."""

    def story(made: Made) -> None:
        job = pressed(made, stop_loss=D("9.00"))
        opened(made, job)
        made.hold(Held("p1", made.symbol, D(2)))
        if removed:
            pressed(made, "protect", None, unprotects=True)
            made.booked()
        made.later(seconds)

    return story


# ---- a restored table


def sent_after_a_restore(*, lifted: bool) -> Story:
    """The table goes back to a copy from before an entry; then another one is sent."""

    def story(made: Made) -> None:
        incarnation = {"table_id": "one"}
        made.write(("INCARNATION", "INCARNATION"), incarnation)
        entered(made)
        made.items.clear()
        made.restored.append(Restored(made.at_ms, made.at_ms - 1_000, len(made.writes), "two"))
        made.later(60)
        made.write(("INCARNATION", "INCARNATION"), {"table_id": "two", "lifted_by": "me"} if lifted else incarnation)
        made.entry(made.fire("buy", 2), BUY, 2)

    return story


def lost_with_the_table(made: Made) -> None:
    made.fire("exit")
    made.items.clear()
    made.restored.append(Restored(made.at_ms, made.at_ms - 1_000, len(made.writes), "two"))
    made.later(1)
