"""Stories made by hand about a symbol that several hold on one netting account, good ones and bad ones."""

from orderbridge.commands import Place
from orderbridge.model import OrderType
from tests.simulation.invariants.made import Made
from tests.simulation.invariants.made_entries import BUY, SELL, D, Story, entered
from tests.simulation.invariants.made_presses import BOOK, opened, pressed


def netted_away(closed: int, seconds: float = 0) -> Story:
    """A person's 2 long go into a strategy's entry of 3 short; `seconds` later the person's target sells 1 of them.

    Where both fill in one moment nobody can tell that the target came too late.
    """

    def story(made: Made) -> None:
        opened(made, pressed(made, "place", 2), 2)
        target = pressed(made, "place", 1, side=-1, order_type=OrderType.LIMIT, limit_price=D(11))
        placed_ms = made.at_ms
        made.later(1)
        entry = made.entry(made.fire("sell", 3), SELL, 3)
        made.row(made.mark(entry), -1, 3, 3)
        made.later(seconds)
        hit = made.command(target, Place(made.symbol, SELL, D(1), "close"), role="close", strategy=BOOK)
        made.row(made.mark(hit), -1, 1, 1, opened_ms=placed_ms)
        made.later(1)
        closing = made.close(made.fire("exit"), BUY, closed)
        made.row(made.mark(closing), 1, closed, closed)

    return story


def closed_beside_a_press(strategy: str) -> Story:
    """`s` and `t` hold 3 each and a person 1; the person closes 4 of the 7, and then one strategy 3."""

    def story(made: Made) -> None:
        made.strategy("t")
        entered(made, 3)
        record = made.command(made.fire("buy", 3, strategy="t"), Place(made.symbol, BUY, D(3), "open"), strategy="t")
        made.row(made.mark(record), 1, 3, 3)
        opened(made, pressed(made, "place", 1), 1)
        made.later(1)
        part = Place(made.symbol, SELL, D(4), "close")
        made.row(made.mark(made.command(pressed(made, "close", 4), part, role="close", strategy=BOOK)), -1, 4, 4)
        made.later(1)
        job = made.fire("exit", strategy=strategy)
        leaving = made.command(job, Place(made.symbol, SELL, D(3), "close"), role="close", strategy=strategy)
        made.row(made.mark(leaving), -1, 3, 3)

    return story


def entered_as_a_person_closes(made: Made) -> None:
    """A person closes what `s` and the person hold as `t` enters; then `t` leaves. Of one sum `s` had a part still."""
    made.strategy("t")
    entered(made, 1)
    opened(made, pressed(made, "place", 1), 1)
    made.later(1)
    whole = Place(made.symbol, SELL, D(2), "close")
    made.row(made.mark(made.command(pressed(made, "close", 2), whole, role="close", strategy=BOOK)), -1, 2, 2)
    record = made.command(made.fire("buy", 2, strategy="t"), Place(made.symbol, BUY, D(2), "open"), strategy="t")
    made.row(made.mark(record), 1, 2, 2)
    made.later(1)
    leaving = Place(made.symbol, SELL, D(2), "close")
    made.row(
        made.mark(made.command(made.fire("exit", strategy="t"), leaving, role="close", strategy="t")), -1, 2, 2
    )
