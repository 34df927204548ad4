"""Prices: an entry's limit and stop as asked or better, a protective stop as near as asked."""

from collections.abc import Iterator
from decimal import Decimal

from orderbridge.model import OrderType
from tests.simulation.invariants.base import Invariant, View
from tests.simulation.invariants.books import AccountBook, Placed
from tests.simulation.invariants.evidence import Meant, Row, Violation
from tests.simulation.invariants.ledger import Command


class PricesNeverWorse(Invariant):
    """An entry's limit is never worse than asked, its stop never nearer, its protective stop never looser."""

    def after_step(self, view: View) -> Iterator[Violation]:
        for book in view.changed:
            for placed in book.fresh:
                if placed.command is None or placed.row.by_hand:
                    continue
                name = f"order {placed.row.id} of {placed.strategy}"
                if placed.purpose == "stop":
                    problems = _of_stop(view, book, placed, placed.command)
                elif placed.purpose == "entry":
                    problems = _of_entry(view, book, placed, placed.command)
                else:
                    continue
                for problem in problems:
                    yield self.violated(view, f"{name} {problem}")


def _of_entry(view: View, book: AccountBook, placed: Placed, command: Command) -> Iterator[str]:
    """An alert's prices may be bettered; a ticket's are taken as they are, or refused. A person may change both."""
    row, alert, wanted = placed.row, view.ledger.fired_of(command), view.ledger.wanted(command)
    if _changed_by_hand(view, book, row):
        return
    if alert is not None:
        meant = alert.meant
        if meant.order_type is not row.type:
            yield f"is a {row.type}, and its alert asks for a {meant.order_type}"
        if row.type is OrderType.LIMIT and _beyond(row.limit_price, meant.limit_price, row.sign):
            yield f"has the limit {row.limit_price}, asked was {meant.limit_price}"
        if row.type is OrderType.STOP and _beyond(row.stop_price, meant.stop_price, -row.sign):
            yield f"has the stop {row.stop_price}, asked was {meant.stop_price}"
    elif wanted is not None and wanted.button == "place":
        asked, is_ = (wanted.order_type, wanted.limit_price, wanted.stop_price), (row.type, *_prices(row))
        if asked != is_:
            yield f"is {is_}, and its ticket says {asked}"


def _of_stop(view: View, book: AccountBook, placed: Placed, command: Command) -> Iterator[str]:
    alert, wanted = view.ledger.fired_of(command), view.ledger.wanted(command)
    if _said_by_hand(view, book, placed.row) or _asked_of_the_position(view, book, placed):
        return
    if alert is not None:
        yield from looser(placed.row, alert.meant)
    elif wanted is not None:
        yield f"protects at {placed.row.stop_price}, which nobody has asked for"


def looser(row: Row, meant: Meant) -> Iterator[str]:
    """Compare a stop with what an alert asks for; one that names no price is not judged."""
    asked = None if meant.stop_loss is None else meant.stop_loss.stop_price
    if asked is None:
        return
    if _beyond(row.stop_price, asked, row.sign):
        yield f"protects at {row.stop_price}, asked was {asked}"
    if row.stop_price is not None and abs(row.stop_price - asked) > asked / 100:
        yield f"protects at {row.stop_price}, far from {asked}"


def _asked_of_the_position(view: View, book: AccountBook, placed: Placed) -> bool:
    """Tell whether an alert asked for the stop that is set on a position itself, not by its entry's order.

    Where fills net, it is one stop for all who hold part of the position, and nothing says whose entry it was set for.
    Where they do not, one that is put back has the price that its strategy named last for that side.
    """
    row = placed.row
    if not row.position_id or row.parent_id:
        return False
    for one in book.placed:
        same = one.strategy == placed.strategy and one.row.symbol == row.symbol and one.row.sign == -row.sign
        if one.purpose == "entry" and one.command is not None:
            alert = view.ledger.fired_of(one.command)
            mine = same and one.row.filled > 0 if book.hedging else one.row.position_id == row.position_id
            if mine and alert is not None and alert.meant.stop_loss is not None and not any(looser(row, alert.meant)):
                return True
    return False


def _prices(row: Row) -> tuple[Decimal | None, Decimal | None]:
    limit = row.limit_price if row.type is OrderType.LIMIT else None
    return limit, row.stop_price if row.type is OrderType.STOP else None


def _changed_by_hand(view: View, book: AccountBook, row: Row) -> bool:
    """Tell whether a person has changed an order of the symbol to these prices: it may have got a new id by that."""
    said = view.ledger.pressed_at(book.account.settings.name, row.symbol, 0)
    return any(one.button == "modify" and (one.limit_price, one.stop_price) == _prices(row) for one in said)


def _said_by_hand(view: View, book: AccountBook, row: Row) -> bool:
    """Tell whether a person has named a stop's price at the panel."""
    name = book.account.settings.name
    said = view.ledger.pressed_at(name, row.symbol, 0)
    return any(row.stop_price in (one.stop_loss, one.stop_price) for one in said)


def _beyond(price: Decimal | None, asked: Decimal | None, sign: int) -> bool:
    """Tell whether a price lies above the asked one (`sign` 1) or below it (-1)."""
    return price is not None and asked is not None and (price - asked) * sign > 0
