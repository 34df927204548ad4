"""Whose a netted holding is, when strategies and people hold the same symbol on one account."""

from decimal import Decimal

import pytest

from orderbridge.execution.bookkeeping import observe
from orderbridge.execution.records import Book, RootState
from orderbridge.execution.sharing import shared_out
from orderbridge.model import PositionMode
from tests.unit.execution.cases import BUY, FILLED, MARKET, NOW_MS, book, d, look, of, order, position, tracked

ANN, TICKET, BOB = "panel:ann", "panel:ann#a-ticket", "panel:bob"


def holders(**owned: int) -> list[Book]:
    names = {"ann": ANN, "ticket": TICKET, "bob": BOB}
    return [book(quantity, strategy=names.get(name, name)) for name, quantity in owned.items()]


@pytest.mark.parametrize(
    ("books", "held", "left"),
    [
        ({"s": 2, "ann": 3}, 5, {"s": 2, "ann": 3}),
        ({"s": 2, "ann": 3}, 9, {"s": 2, "ann": 3}),
        ({"s": 2, "ann": 3}, 4, {"s": 2, "ann": 2}),
        ({"s": 2, "ann": 3}, 1, {"s": 1, "ann": 0}),
        ({"s": -2, "ann": -3}, -4, {"s": -2, "ann": -2}),
        ({"s": 2, "ann": 3}, 0, {"s": 0, "ann": 0}),
        ({"s": 2, "ann": 3}, -1, {"s": 0, "ann": 0}),
        ({"s": 5, "ann": -3}, 2, {"s": 2, "ann": 0}),
        ({"s": 2, "ann": -3}, -1, {"s": 0, "ann": -1}),
        ({"ann": 20, "s": -10, "ticket": -10, "bob": -20}, -20, {"s": -10, "ann": 0, "ticket": -10, "bob": 0}),
        ({"t": 3, "s": 3}, 4, {"s": 3, "t": 1}),
        ({"t": 3, "s": -1}, 2, {"s": 0, "t": 2}),
    ],
    ids=[
        "all of it is told",
        "a stranger holds the rest",
        "people have less",
        "strategies too",
        "short",
        "nothing is held",
        "the other side is held",
        "people against a strategy",
        "a strategy against people",
        "a person closed other people's as well",
        "two strategies",
        "two strategies against each other",
    ],
)
def test_books_add_up_to_no_more_than_is_held(books: dict[str, int], held: int, left: dict[str, int]) -> None:
    shared = shared_out(holders(**books), "MES", d(held))

    assert {one.strategy: one.owned for one in shared} == {one.strategy: one.owned for one in holders(**left)}
    assert not any(one.owned.is_signed() for one in shared if one.owned == 0)


def test_books_of_another_root_are_left_out() -> None:
    assert shared_out([book(2), book(3, root="MNQ")], "MES", d(2)) == [book(2)]


def test_person_who_closes_more_than_the_persons_own_leaves_books_that_add_up() -> None:
    """The close is followed in the person's own book, and what it closed stood in those of single orders."""
    closing = tracked("c", "close", 30, side=BUY)
    books = (book(-10, strategy="s"), book(0, closing, strategy=ANN), book(-40, strategy=TICKET))
    state = of(*books, roots=(RootState("MES", d(-50)),))

    filled = order("c", BUY, MARKET, 30, 30, status=FILLED)
    seen = observe(state, look(filled, position(-20)), NOW_MS, PositionMode.NETTING)

    assert {one.strategy: one.owned for one in seen.state.books} == {"s": Decimal(-10), TICKET: Decimal(-10)}
    assert seen.unsettled == frozenset()
