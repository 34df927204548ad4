"""Order history in full: the platform cuts a long answer without a cursor, so the range is split until it fits."""

from collections.abc import Callable, Sequence

from orderbridge.brokers.tradelocker.columns import Row
from orderbridge.errors import BrokerUnavailableError

Page = Callable[[int, int], tuple[Sequence[Row], bool]]
"""Reads rows of a time range (epoch ms, both ends included), and tells whether there were more."""

_SHORTEST_MS = 2
"""A cut range of this length can't be split further."""


def read_all(page: Page, from_ms: int, to_ms: int) -> tuple[Row, ...]:
    """Give each row of the range once, newer parts read first.

    Which end a cut answer lacks and which of an order's dates the range is about are not published, so a cut range is
    read again as two halves that overlap in one moment. Raises `BrokerUnavailableError` when a moment holds too many.
    """
    found: dict[str, Row] = {}
    ranges = [(from_ms, to_ms)]
    while ranges:
        start, end = ranges.pop()
        rows, cut = page(start, end)
        found |= {row.needed_id("id"): row for row in rows}
        if not cut:
            continue
        if end - start < _SHORTEST_MS:
            raise BrokerUnavailableError("TradeLocker cuts the order history of a single moment")
        middle = _middle(rows, start, end)
        ranges += [(start, middle), (middle, end)]
    return tuple(found.values())


def _middle(rows: Sequence[Row], start: int, end: int) -> int:
    """Split where the rows are, strictly inside the range: at their median, or beside the moment that all are of."""
    moments = sorted(row.moment("createdDate") for row in rows)
    inside = [moment for moment in moments if start < moment < end]
    if inside:
        return inside[len(inside) // 2]
    if moments and moments[0] == moments[-1] in (start, end):
        return end - 1 if moments[0] == end else start + 1
    return (start + end) // 2
