"""What one order's fill or end does to the orders linked with it.

| link | a fill | full fill | end without (full) fill |
|---|---|---|---|
| OCO | cancels the others | the same | nothing (a user's cancel: by switch) |
| BRK | takes its quantity from the others | cancels what is left of them | the same |
| OSO parent | nothing | releases the children | cancels the children, or what the switches say |
"""

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from sandbox.tradestation.model import REJECTED, Order, Status

if TYPE_CHECKING:
    from sandbox.tradestation.exchange import Exchange


class Links:
    """Follows the links of orders."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self._book = exchange.book

    def after_fill(self, order: Order, quantity: Decimal) -> None:
        """Let siblings and children know of an execution."""
        if order.group is not None:
            for sibling in order.siblings():
                if order.group.kind == "OCO":
                    self._end_sibling(sibling)
                elif order.group.kind == "BRK":
                    self._shrink(sibling, quantity)
        if order.status in (Status.FLL, Status.BRF):
            self._release_children(order)

    def after_end(self, order: Order, *, by_user: bool) -> None:
        """Let siblings and children know of an end without a full fill."""
        waiting = [child for child in order.children if not child.final and not child.released]
        if order.fills:
            told = self._book.switches["children_on_flp"]
        elif order.status in REJECTED:
            told = "cancelled"
        else:
            told = self._book.switches["children_on_parent_cancel"]
        for child in waiting:
            if told == "cancelled":
                self._exchange.end(child, Status.OUT)
            elif told == "released":
                self._exchange.release(child)
        if by_user and order.group is not None and self._book.switches["sibling_on_cancel"] == "cancelled":
            for sibling in order.siblings():
                self._end_sibling(sibling)

    def _release_children(self, order: Order) -> None:
        delay_ms = self._book.switches.number("oso_release_delay_ms")
        for child in order.children:
            self._book.agenda.after(delay_ms, partial(self._exchange.release, child))

    def _shrink(self, sibling: Order, quantity: Decimal) -> None:
        if sibling.final:
            return
        if sibling.remaining <= quantity:
            self._end_sibling(sibling)
        else:
            sibling.quantity -= quantity

    def _end_sibling(self, sibling: Order) -> None:
        if sibling.final:
            return
        bracket = sibling.group is not None and sibling.group.kind == "BRK"
        as_told = Status(self._book.switches["bracket_sibling_status"])
        self._exchange.end(sibling, as_told if bracket else Status.OUT)
