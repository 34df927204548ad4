"""Stories made by hand about orders and entries, good ones and bad ones."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from orderbridge.alerts.alert import StopLoss
from orderbridge.commands import ClosePosition, Place
from orderbridge.execution.records import CommandStatus as S
from orderbridge.model import OrderType, Side
from tests.simulation.invariants.evidence import Held
from tests.simulation.invariants.made import Made

D = Decimal
Story = Callable[[Made], None]
BUY, SELL = Side.BUY, Side.SELL


def entered(made: Made, quantity: Any = 2, side: Side = BUY, **meant: Any) -> str:
    """An alert whose entry is filled as asked; give its job."""
    job = made.fire("buy" if side is BUY else "sell", quantity, **meant)
    entry = made.entry(job, side, quantity)
    made.row(made.mark(entry), side.sign, quantity, quantity, position_id="p1")
    made.move(entry, S.ACCEPTED)
    return job


# ---- orders


def twice(made: Made) -> None:
    entry = made.entry(made.fire("buy", 2), BUY, 2)
    made.row(made.mark(entry), 1, 2, 2)
    made.row(made.mark(entry), 1, 2, 2)


def once_and_refused_before(made: Made) -> None:
    entry = made.entry(made.fire("buy", 2), BUY, 2)
    made.row(made.mark(entry), 1, 2, rejected=True, working=False)
    made.row(made.mark(entry), 1, 2, 2)


def closed_twice(made: Made) -> None:
    entered(made, 2)
    closing = ClosePosition("p1", made.symbol, BUY, D(2), D(1))
    made.command(made.fire("exit", 1), closing, role="close")
    for _ in range(2):
        made.row("", -1, 1, 1, role="close", position_id="p1")


def sent_before_the_ledger(made: Made) -> None:
    entry = made.entry(made.fire("buy", 2), BUY, 2, S.NEW)
    made.row(made.mark(entry), 1, 2)


def nobodys(made: Made) -> None:
    made.row("an-unknown-mark", 1, 2)


def unplanned(made: Made) -> None:
    entry = made.entry(made.fire("buy", 2), BUY, 2, S.NEW)
    other = replace(entry, command_id="other")
    made.move(other, S.NEW)
    made.move(other, S.SENDING)
    made.row(made.mark(other), 1, 2)


def by_hand(made: Made) -> None:
    made.row("", 1, 2, 2, by_hand=True)


def back_from_refused(made: Made) -> None:
    entry = made.entry(made.fire("buy", 2), BUY, 2, S.REFUSED)
    made.move(entry, S.SENDING)


def changed_on_the_way(made: Made) -> None:
    entry = made.entry(made.fire("buy", 2), BUY, 2)
    made.move(replace(entry, command=Place(made.symbol, BUY, D(3), "open")), S.ACCEPTED)


def entry_beside_an_unknown(made: Made) -> None:
    made.entry(made.fire("buy", 2), BUY, 2, S.UNKNOWN)
    made.entry(made.fire("buy", 2), BUY, 2)


def entry_after_it_was_resolved(made: Made) -> None:
    made.entry(made.fire("buy", 2), BUY, 2, S.ACCEPTED)
    made.entry(made.fire("buy", 2), BUY, 2)


def exit_beside_an_unknown_exit(made: Made) -> None:
    made.close(made.fire("exit"), SELL, 2, S.UNKNOWN)
    made.close(made.fire("exit"), SELL, 2)


def exit_beside_an_unknown_entry(made: Made) -> None:
    made.entry(made.fire("buy", 2), BUY, 2, S.UNKNOWN)
    made.close(made.fire("exit"), SELL, 2)


def agreed(made: Made) -> None:
    entered(made)
    made.hold(Held(made.symbol, made.symbol, D(2)))
    made.lane(1, "p", books=[{"strategy": "s", "root": made.symbol, "owned": "2"}])


def another_holding(made: Made) -> None:
    entered(made)
    made.hold(Held(made.symbol, made.symbol, D(2)))
    made.lane(1, "p", books=[{"strategy": "s", "root": made.symbol, "owned": "1"}])


def refused_and_placed(made: Made) -> None:
    entry = made.entry(made.fire("buy", 2), BUY, 2, S.REFUSED)
    made.row(made.mark(entry), 1, 2)


def never_resolved(made: Made) -> None:
    made.entry(made.fire("buy", 2), BUY, 2, S.UNKNOWN)


# ---- entries


def other_side(made: Made) -> None:
    made.entry(made.fire("sell", 2), BUY, 2)


def too_much(made: Made) -> None:
    made.entry(made.fire("buy", 2), BUY, 3)


def units_as_lots(made: Made) -> None:
    made.strategy("s", quantity_unit="units")
    made.account.lot = D(100_000)
    made.entry(made.fire("buy", 2_000), BUY, 2_000)


def units_in_lots(made: Made) -> None:
    made.strategy("s", quantity_unit="units")
    made.account.lot = D(100_000)
    made.entry(made.fire("buy", 2_000), BUY, "0.02")


def exit_that_opens(made: Made) -> None:
    made.entry(made.fire("exit"), SELL, 1)


def whole_target_again(made: Made) -> None:
    made.entry(made.fire("buy", 1, before=D(1), after=D(2)), BUY, 2)


def own_step(made: Made) -> None:
    made.entry(made.fire("buy", 1, before=D(1), after=D(2)), BUY, 1)


def trim_that_opens(made: Made) -> None:
    made.entry(made.fire("buy", 1, before=D(-2), after=D(-1)), BUY, 1)


def reversal(made: Made, opened: int) -> None:
    entered(made, 2)
    job = made.fire("sell", 5)
    closing = made.close(job, SELL, 2)
    made.row(made.mark(closing), -1, 2, 2)
    made.move(closing, S.ACCEPTED)
    entry = made.entry(job, SELL, opened)
    made.row(made.mark(entry), -1, opened, opened)


def stale(made: Made) -> None:
    job = made.fire("buy", 2)
    made.later(40)
    made.entry(job, BUY, 2)


def arrived_late(made: Made) -> None:
    entry = made.entry(made.fire("buy", 2), BUY, 2)
    made.later(60)
    made.row(made.mark(entry), 1, 2)


def in_time(made: Made) -> None:
    job = made.fire("buy", 2)
    made.later(29)
    entry = made.entry(job, BUY, 2)
    made.later(12)
    made.row(made.mark(entry), 1, 2)


def halted(level: str, opens: bool, scope: str = "global") -> Story:
    def story(made: Made) -> None:
        job = made.fire("buy" if opens else "exit", 2)
        made.write((f"CONTROL#{scope}", "CONTROL"), {"blocks": level}, "world")
        made.later(1)
        if opens:
            made.entry(job, BUY, 2)
        else:
            made.close(job, SELL, 2)

    return story


def second_entry(pyramiding: int) -> Story:
    def story(made: Made) -> None:
        made.strategy("s", pyramiding=pyramiding)
        entered(made, 2)
        entered(made, 2)

    return story


def beyond_max_quantity(made: Made) -> None:
    made.strategy("s", pyramiding=5, max_quantity=D(3))
    entered(made, 2)
    entered(made, 2)


def limit_at(price: str) -> Story:
    def story(made: Made) -> None:
        limit = D("10.005")
        job = made.fire("buy", 2, order_type=OrderType.LIMIT, limit_price=limit)
        entry = made.entry(job, BUY, 2, order_type=OrderType.LIMIT, limit_price=D(price))
        made.row(made.mark(entry), 1, 2, type=OrderType.LIMIT, limit_price=D(price))

    return story


def sent_at_market(made: Made) -> None:
    job = made.fire("buy", 2, order_type=OrderType.LIMIT, limit_price=D(10))
    made.row(made.mark(made.entry(job, BUY, 2)), 1, 2)


def stop_at(price: str) -> Story:
    def story(made: Made) -> None:
        job = made.fire("buy", 2, stop_loss=StopLoss(stop_price=D("9.005")))
        entry = made.entry(job, BUY, 2)
        made.row(made.mark(entry), 1, 2, 2)
        mark = made.mark(entry, "0.stop_loss")
        made.row(mark, -1, 2, type=OrderType.STOP, stop_price=D(price), parent_id="1")

    return story


def stops_of_two_entries(*prices: str) -> Story:
    """Two entries fill into one position at once, and the broker refuses the stop that each of them brings."""

    def story(made: Made) -> None:
        asked = [StopLoss(stop_price=D(price)) for price in ("9.000", "9.500")]
        entries = [made.entry(made.fire("buy", 2, stop_loss=one), BUY, 2) for one in asked]
        placed = [made.row(made.mark(entry), 1, 2, 2, position_id="p1") for entry in entries]
        for entry, price in zip(placed, prices, strict=True):
            refused = {"rejected": True, "working": False, "role": "stop", "type": OrderType.STOP}
            made.row("", -1, 2, stop_price=D(price), parent_id=entry.id, position_id="p1", **refused)

    return story


def stop_put_back(price: str, *, of_its_entry: bool = False) -> Story:
    """Two entries with stops at 9.00 and 8.50 open a position each, and the first one's stop is placed again."""

    def story(made: Made) -> None:
        for number, asked in enumerate(("9.00", "8.50"), 1):
            entry = made.entry(made.fire("buy", 2, stop_loss=StopLoss(stop_price=D(asked))), BUY, 2)
            made.row(made.mark(entry), 1, 2, 2, position_id=f"p{number}")
        parent = made.account.book[0].id if of_its_entry else None
        made.row("", -1, 2, role="stop", type=OrderType.STOP, stop_price=D(price), position_id="p1", parent_id=parent)

    return story
