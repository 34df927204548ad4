"""Whose what a netting account holds is, when the books together tell more than that. Pure.

Where fills net, one book's long and another's short are nothing, and a person may close whatever the account holds
(TRADING.md rule 3). So the books never add up to more than is held, nor to anything on the other side:

    strategies first    each as much as it has and there is, in the order of their names
    people afterwards   what strategies leave: a person who closes more than the person's own closes other people's
                        part first
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from orderbridge.execution.records import Book


def shared_out(books: Iterable[Book], root: str, held: Decimal) -> list[Book]:
    """Give the books of a root with what each holds of `held`, the signed sum that the account holds."""
    here = sorted((book for book in books if book.root == root), key=lambda book: (book.of_person, book.strategy))
    sign = -1 if held < 0 else 1
    left = abs(held)
    shared: list[Book] = []
    for book in here:
        part = min(max(book.owned * sign, Decimal(0)), left)
        left -= part
        shared.append(replace(book, owned=part * sign if part else part))
    return shared
